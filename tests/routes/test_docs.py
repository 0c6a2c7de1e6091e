"""The manual of the API and the pages of its problems."""

import json
import re

import pytest
from flask import Flask

from app import create_app
from extensions import db
from models import ApiToken
from routes.api.examples import BY_HAND, STORY, shown
from routes.api.problem_types import PROBLEMS
from routes.api.room import OPERATIONS
from routes.docs import _MEANINGS, _SCOPES
from tests.cast import Person
from tests.conftest import make_settings
from tests.pages import Browser, Page, text_of


@pytest.fixture(params=["signed in", "signed out"])
def browser(request: pytest.FixtureRequest, owner: Person) -> Browser:
    return owner.browser if request.param == "signed in" else Browser(owner.app)


def manual(app: Flask) -> Page:
    return Browser(app).get("/api/docs")


def section(page: Page, summary: str) -> str:
    """What the page says of an operation."""
    heading = next(tag for tag in page.soup("h3") if text_of(tag) == summary)
    return text_of(heading.find_parent("section"))


def test_the_manual_is_open_to_everybody(browser: Browser) -> None:
    assert browser.get("/api/docs").heading == "API"


def test_every_page_leads_to_the_manual(owner: Person) -> None:
    assert owner.browser.get("/account/tokens").link("How to use a token") == "/api/docs"
    assert Browser(owner.app).get("/login").link("API") == "/api/docs"


def test_the_manual_describes_every_operation(app: Flask) -> None:
    page = manual(app)
    assert [text_of(tag) for tag in page.soup("h3")] == [
        operation.summary
        for subject in ("purchases", "customers", "actions", "reports", "root")
        for endpoint, operation in OPERATIONS.items()
        if app.view_functions[endpoint].__module__ == f"routes.api.{subject}"
    ]
    for operation in OPERATIONS.values():
        assert (operation.scope or "token") in section(page, operation.summary)


def test_the_contents_lead_to_what_is_there(app: Flask) -> None:
    page = manual(app)
    targets = [str(link["href"]) for link in page.soup.select("main a[href^='#']")]
    assert len(targets) >= len(OPERATIONS)
    assert all(page.soup.find(id=target.removeprefix("#")) for target in targets)


def test_the_fields_of_a_purchase_are_told_in_words(app: Flask) -> None:
    page = manual(app)
    fields = {row[0]: row[1:] for row in page.rows("Body : Record a purchase, exactly once")}
    assert fields["item required"] == ["text", "What was bought; 1 to 200 characters"]
    assert fields["customer.email"] == ["text or null", "Up to 254 characters"]
    assert fields["quantity"] == ["whole number", "1 to 1,000,000; otherwise 1"]
    assert fields["amount"] == ["money or null", "What was paid for all of it"]
    assert fields["purchased_on"] == ["day or null", "Like 2026-11-20"]
    assert page.rows("Or this body : Record a purchase, exactly once")[0][:2] == ["sentence required", "text"]


def test_the_parameters_of_a_list_are_told_in_words(app: Flask) -> None:
    parameters = {row[0]: row[1:] for row in manual(app).rows("Parameters : List purchases")}
    assert parameters["limit"] == ["query", "whole number", "1 to 200; otherwise 50"]
    assert parameters["status"] == ["query", "text", "recorded , void , all ; otherwise recorded"]
    assert parameters["customer_id"][1] == "id"
    assert parameters["recorded_since"][1] == "instant"


@pytest.mark.parametrize(
    ("base_url", "begin"),
    [
        ("https://till.example.com", "https://till.example.com/api/v1/purchases"),
        ("https://till.example.com/", "https://till.example.com/api/v1/purchases"),
        ("", "http://other.example.com/api/v1/purchases"),
    ],
)
def test_the_first_example_is_for_the_address_of_the_settings(sqlite_url: str, base_url: str, begin: str) -> None:
    app = create_app(make_settings(sqlite_url, base_url=base_url))
    page = Browser(app, Host="other.example.com").get("/api/docs")
    assert page.soup.select_one("pre").get_text().startswith(f"curl {begin} ")  # type: ignore[union-attr]
    with app.app_context():
        db.engine.dispose()


@pytest.mark.parametrize(
    ("operation", "name", "begin"),
    [
        ("List purchases", "recorded_since", "Recorded then or later; like 2026-11-21T09:15:04Z ."),
        ("List purchases", "sort", "-purchased_on , purchased_on , -recorded_at , recorded_at ; otherwise"),
        ("List customers", "updated_since", "Changed then or later; like 2026-11-21T09:15:04Z ."),
    ],
)
def test_who_follows_a_list_is_told_what_may_come_late(app: Flask, operation: str, name: str, begin: str) -> None:
    page = manual(app)
    [rule] = [row[-1] for row in page.rows(f"Parameters : {operation}") if row[0] == name]
    assert rule.startswith(begin)
    path = "/api/v1/" + operation.split()[1]
    described = json.loads(app.test_client().get("/api/v1/openapi.json").text)["paths"][path]["get"]
    [schema] = [one["schema"] for one in described["parameters"] if one["name"] == name]
    told = schema["description"]
    assert rule.replace(" .", ".").replace(" ,", ",").endswith(told.replace("`", ""))
    for word in ("finished", "minutes", "a little earlier", "`id`"):
        assert word in told


def test_a_change_has_no_defaults(app: Flask) -> None:
    page = manual(app)
    for operation in ("Change a purchase", "Change a customer"):
        assert not [row for row in page.rows(f"Body : {operation}") if "otherwise" in row[-1]]


def test_the_manual_shows_no_machinery(app: Flask) -> None:
    words = text_of(manual(app).soup.main)
    for machinery in ("x00", "^[", "anyOf", "$ref", "{sue}", "{request_id}", "Answer "):
        assert machinery not in words.replace("Answers", ""), machinery


def test_every_example_is_shown_where_it_belongs(app: Flask) -> None:
    page = manual(app)
    blocks = [tag.get_text() for tag in page.soup("pre")]
    for example in STORY:
        if example.status < 400 and "/api/v1" in example.path:
            assert shown(example.asked) in blocks
            assert shown(example.answered) in blocks
    assert not [block for block in blocks if re.search(r"\{[a-z_]+\}", block)]


@pytest.mark.parametrize("name", PROBLEMS)
def test_a_problem_has_a_page_with_cause_remedy_and_examples(app: Flask, name: str) -> None:
    page = Browser(app).get(f"/problems/{name}")
    kind = PROBLEMS[name]
    assert page.heading == kind.title
    told = page.soup.get_text()
    for text in (str(kind.status), kind.cause, kind.fix):
        assert text.replace("`", "") in told
    answers = [shown(one.answered) for one in (*STORY, *BY_HAND) if name in one.problems]
    blocks = [tag.get_text() for tag in page.soup.select("pre.answered")]
    assert blocks
    assert set(blocks) <= set(answers)
    assert page.link("The API") == "/api/docs"


def test_the_list_of_problems_leads_to_each(browser: Browser) -> None:
    page = browser.get("/problems")
    links = {text_of(link): link["href"] for link in page.soup.select("main tbody a")}
    assert links == {name: f"/problems/{name}" for name in PROBLEMS}
    assert browser.get(str(links["validation"])).heading == "Some fields need a change"


def test_an_unknown_problem_is_not_found(browser: Browser) -> None:
    browser.get("/problems/nothing", status=404)


def test_code_that_may_scroll_takes_the_focus_and_has_a_name(app: Flask) -> None:
    for block in manual(app).soup("pre"):
        is_wide = any(len(line) > 30 for line in block.get_text().split("\n"))
        assert bool(block.get("tabindex") == "0" and block.get("aria-label")) == is_wide


def test_what_is_told_of_scopes_and_fields_is_about_those_that_exist(app: Flask) -> None:
    assert tuple(_SCOPES) == ApiToken.SCOPES
    told = {row[0].split()[0] for table in manual(app).soup("table") for row in cells(table)}
    assert set(_MEANINGS) <= {name.rpartition(".")[2] for name in told}


def cells(table: object) -> list[list[str]]:
    return [[text_of(cell) for cell in row(["td", "th"])] for row in table.tbody("tr")]  # type: ignore[attr-defined]
