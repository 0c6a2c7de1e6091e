"""Nothing of one shop is seen or touched on the pages of another; walks the whole map of routes and every form."""

import re
from collections.abc import Callable, Iterator
from itertools import product

import pytest
from bs4 import BeautifulSoup, Tag
from flask import Flask
from sqlalchemy import select

from extensions import db
from models import Action, Import
from tests.api.test_tenancy import everything
from tests.cast import Person
from tests.pages import text_of, values_of
from tests.routes.test_imports import bring_in

Ids = dict[str, list[str]]
NEVER = "01h455vb4pex5vsknk084sn02q"
PREFIXES = {"customer_id": "cus", "purchase_id": "pur", "token_id": "tok", "action_id": "act", "import_id": "imp"}
"""By the converter of a part of an address."""
ID = re.compile(rf"\b({'|'.join(PREFIXES.values())})_[0-7][0-9a-z]{{25}}\b")


@pytest.fixture(autouse=True)
def today(at: Callable[[str], None]) -> None:
    at("2026-11-21T17:00")


def stocked(person: Person, name: str) -> Ids:
    """The ids of what a shop has after its first day: two of each, by prefix."""
    page = person.browser.get("/account/tokens")
    for number in range(2):
        page.submit(name=f"{name} {number}")
        bring_in(person, f"name,item,quantity\n{name} {number},a book,1\n")
        person.capture(customer=f"{name}{number}@example.com")
        customer = person.customers()[-1].public_id
        person.browser.get(f"/customers/{customer}/edit").submit(name=f"{name} {number} Miller")
    tokens = list(dict.fromkeys(re.findall(r"tok_\w{26}", person.browser.get("/account/tokens").response.text)))
    with person.app.app_context():
        actions, imports = (
            [one.public_id for one in db.session.scalars(select(table).where(table.shop_id == person.shop_id))]
            for table in (Action, Import)
        )
    return {
        "cus": [one.public_id for one in person.customers()],
        "pur": [one.public_id for one in person.purchases()],
        "tok": tokens,
        "act": actions,
        "imp": imports,
    }


def doors(app: Flask) -> Iterator[tuple[str, str]]:
    """Method and rule of each page with an id in its address, those that only read first."""
    found = [
        (method, rule.rule)
        for rule in app.url_map.iter_rules()
        if any(f"<{name}:" in rule.rule for name in PREFIXES) and not rule.endpoint.startswith("api.")
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
    ]
    return iter(sorted(found))


def filled_in(rule: str, *shops: Ids) -> Iterator[str]:
    """The rule with an id for each part: of every combination of these shops."""
    parts = [PREFIXES[name] for name in re.findall(r"<(\w+):", rule)]
    for chosen in product(shops, repeat=len(parts)):
        ids = iter(shop[prefix][place] for place, (shop, prefix) in enumerate(zip(chosen, parts, strict=True)))
        yield "".join(next(ids) if part.startswith("<") else part for part in re.split("(<.*?>)", rule))


def test_every_page_with_a_foreign_id_is_404_like_one_that_never_was(owner: Person, stranger: Person) -> None:
    theirs, ours = stocked(stranger, "Zoe"), stocked(owner, "Tim")
    nobodys = {prefix: [f"{prefix}_{NEVER}"] * 2 for prefix in theirs}
    before, walked = everything(owner.app), 0
    for method, rule in doors(owner.app):
        for foreign, missing in zip(filled_in(rule, ours, theirs), filled_in(rule, ours, nobodys), strict=True):
            if foreign == missing:
                continue  # all ours
            answers = [owner.browser.send(method, path) for path in (foreign, missing)]
            assert [answer.status_code for answer in answers] == [404, 404], (method, foreign)
            told = [text_of(BeautifulSoup(answer.text, "html.parser").main) for answer in answers]
            assert told[0] == told[1], (method, foreign)
            walked += 1
    assert walked >= 35
    assert everything(owner.app) == before


def test_the_same_pages_are_there_for_who_has_the_ids(owner: Person) -> None:
    """Or else the test above would prove nothing."""
    ours = stocked(owner, "Tim")
    for method, rule in doors(owner.app):
        for path in filled_in(rule, ours):
            assert owner.browser.send(method, path).status_code in (200, 302, 303, 422), (method, path)


def test_no_form_takes_a_foreign_id(owner: Person, stranger: Person) -> None:
    theirs, ours = stocked(stranger, "Zoe"), stocked(owner, "Tim")
    kept, sent = shops_rows(stranger), 0
    pages = [path for method, rule in doors(owner.app) if method == "GET" for path in filled_in(rule, ours)]
    for path in [*pages, "/purchases/new", "/purchases", f"/customers/{ours['cus'][0]}/merge?q=Tim"]:
        soup = BeautifulSoup(owner.browser.get_raw(path).text, "html.parser")
        for form in soup.select("main form"):
            fields = with_ids(form, theirs)
            answer = owner.browser.send_fields(str(form.get("method", "get")), str(form.get("action") or path), fields)
            assert answer.status_code < 500
            assert "Zoe" not in answer.text
            assert shops_rows(stranger) == kept, (form, fields)
            sent += any(ID.search(value) for value in fields.values())
    assert sent >= 3


def with_ids(form: Tag, shop: Ids) -> dict[str, str]:
    """What the form sends, with the ids of this shop wherever one stands or may stand."""
    chosen = {str(tag["name"]): str(tag["value"]) for tag in form.select("[type=radio], [type=checkbox]")}
    fields = values_of(form) | chosen
    for tag in form.select("[type=hidden], [name=customer]"):
        fields[str(tag["name"])] = fields[str(tag["name"])] or shop["cus"][0]
    return {name: ID.sub(lambda found: shop[found[1]][0], value) for name, value in fields.items()}


def shops_rows(person: Person) -> dict[str, list[object]]:
    """All rows of a shop."""
    with person.app.app_context():
        return {
            table.name: list(db.session.execute(select(table).where(table.c.shop_id == person.shop_id)))
            for table in db.metadata.sorted_tables
            if "shop_id" in table.columns
        }
