"""What matters to security is one line each, and no line tells of whom."""

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from app import create_app
from extensions import db
from models import public_id
from tests.api.client import Api
from tests.cast import PASSWORD, Person, make_person, registration_values
from tests.conftest import make_settings
from tests.pages import Browser
from tests.routes.test_cli_backup import TOOLS
from tests.routes.test_imports import bring_in, press
from tests.routes.test_resetting import link_to

NEW_PASSWORD = "another good one"


@dataclass
class Log:
    """What the app has said since it was last asked."""

    read: Callable[[], str]

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.read().splitlines()]

    def events(self) -> list[str]:
        return [line["event"] for line in self.lines() if line.get("is_security")]


@pytest.fixture
def talking(app: Flask) -> Iterator[Flask]:
    """The app as it logs in production."""
    url = app.config["SQLALCHEMY_DATABASE_URI"]
    yield create_app(make_settings(url, environment="production", log_level="INFO"))
    with app.app_context():
        db.engine.dispose()
    create_app(make_settings(url))  # puts the quiet log of the tests back


@pytest.fixture
def log(capsys: pytest.CaptureFixture[str]) -> Log:
    return Log(lambda: capsys.readouterr().out)


@pytest.fixture
def person(talking: Flask) -> Person:
    return make_person(talking, "secret-owner@example.com", shop_name="Secret Corner")


def test_signing_in_and_out_are_events(person: Person, log: Log) -> None:
    Browser(person.app).get("/login").submit(status=422, email=person.email, password="a wrong guess")
    assert log.events() == ["sign-in-failed"]
    browser = Browser(person.app)
    browser.get("/login").submit(email=person.email, password=PASSWORD)
    [line] = [line for line in log.lines() if line.get("is_security")]
    assert (line["event"], line["shop_id"], line["user_id"]) == ("signed-in", person.shop_id, person.user_id)
    browser.get("/account").submit("header form")
    assert log.events() == ["signed-out"]


def test_being_told_to_wait_is_an_event(person: Person, log: Log) -> None:
    for status in [422] * 5 + [429]:
        Browser(person.app).get("/login").submit(status=status, email=person.email, password="a wrong guess")
    assert log.events() == ["sign-in-failed"] * 5 + ["sign-in-throttled", "refused"]


def test_what_is_done_to_accounts_is_an_event(talking: Flask, log: Log) -> None:
    browser = Browser(talking)
    browser.get("/register").submit(**registration_values())
    assert log.events() == ["registered"]
    browser.get("/account").submit(current_password=PASSWORD, new_password=NEW_PASSWORD)
    assert log.events() == ["password-changed"]
    browser.get("/account").submit(status=422, current_password=PASSWORD, new_password=NEW_PASSWORD)
    assert log.events() == ["sign-in-failed"]
    browser.get("/account").submit('form[action$="/sessions/end-all"]')
    assert log.events() == ["sessions-ended"]


def test_a_password_that_is_set_anew_is_an_event_of_its_user(person: Person, log: Log) -> None:
    page = Browser(person.app).get(link_to(person))
    page.submit(new_password=NEW_PASSWORD)
    [line] = [line for line in log.lines() if line.get("is_security")]
    assert (line["event"], line["user_id"]) == ("password-reset", person.user_id)


def test_tokens_are_events(person: Person, log: Log) -> None:
    page = person.browser.get("/account/tokens")
    log.read()
    page.submit(name="Till 7")
    assert log.events() == ["token-made"]
    page = person.browser.get("/account/tokens")
    person.browser.get(page.link("Revoke Till 7")).submit()
    assert log.events() == ["token-revoked"]


def test_what_is_done_to_customers_and_purchases_is_an_event(person: Person, log: Log) -> None:
    tim, tom, third = (person.capture(customer=name) for name in ("Tim", "Tom", "Jim"))
    browser = person.browser
    log.read()
    browser.get(f"/customers/{tim.customer.public_id}/merge/{tom.customer.public_id}").submit()
    assert log.events() == ["customers-merged"]
    browser.post(f"/customers/{tim.customer.public_id}/merge/{tom.customer.public_id}", browser_token(browser))
    assert log.events() == []
    for captured, way in ((tim, "void"), (third, "undo")):
        browser.post(f"/purchases/{captured.purchase.public_id}/{way}", browser_token(browser))
        assert log.events() == ["purchase-voided"]
    for path in ("/purchases.csv", "/customers.csv"):
        browser.get_raw(path)
        assert log.events() == ["exported"]


def test_what_lets_a_purchase_count_again_or_not_is_an_event_whatever_did_it(person: Person, log: Log) -> None:
    path = f"/purchases/{person.capture().purchase.public_id}"
    for way, event, opposite in (
        ("void", "purchase-voided", "purchase-restored"),
        ("restore", "purchase-restored", "purchase-voided"),
    ):
        for undo in (undo_on_page, undo_over_api):
            if way == "restore":
                person.browser.post(f"{path}/void", browser_token(person.browser))
            log.read()
            person.browser.post(f"{path}/{way}", browser_token(person.browser))
            assert log.events() == [event]
            undo(person, path)
            assert log.events() == [opposite]
            person.browser.post(f"{path}/restore", browser_token(person.browser))


@pytest.mark.parametrize("is_over_api", [False, True])
def test_a_merge_that_is_taken_back_is_an_event_and_an_edit_is_none(
    person: Person, log: Log, *, is_over_api: bool
) -> None:
    undo = undo_over_api if is_over_api else undo_on_page
    tim, tom = (person.capture(customer=name).customer.public_id for name in ("Tim", "Tom"))
    person.api.post(f"/customers/{tim}/merge", {"from_customer_id": tom})
    log.read()
    undo(person, f"/customers/{tim}")
    assert log.events() == ["merge-taken-back"]
    person.api.patch(f"/customers/{tim}", {"note": "Tall"})
    undo(person, f"/customers/{tim}")
    assert log.events() == []


def undo_on_page(person: Person, path: str) -> None:
    person.browser.get(path).submit("tbody form")


def undo_over_api(person: Person, path: str) -> None:
    [latest, *_] = person.api.get(f"{path}/history").json["items"]
    person.api.post(f"/actions/{latest['action_id']}/undo")


def test_a_whole_import_that_is_taken_back_is_an_event(person: Person, log: Log) -> None:
    page = bring_in(person, "name,item\nTim,a book\n")
    for button, event in (("Undo", "import-taken-back"), ("Import it again", "import-brought-back")):
        log.read()
        page = press(page, button)
        assert log.events() == [event]


def browser_token(browser: Browser) -> dict[str, str]:
    return browser.get("/account").fields("header form")


def test_what_a_token_does_is_an_event_of_the_token(person: Person, log: Log) -> None:
    tim, tom = (person.capture(customer=name) for name in ("Tim", "Tom"))
    token = person.token()
    api = Api(person.app, token)
    log.read()
    api.post(f"/customers/{tim.customer.public_id}/merge", {"from_customer_id": tom.customer.public_id})
    api.post(f"/purchases/{tim.purchase.public_id}/void", {})
    api.raw("GET", "/purchases", headers={"Authorization": f"Bearer {token}", "Accept": "text/csv"})
    found = [line for line in log.lines() if line.get("is_security")]
    assert [line["event"] for line in found] == ["customers-merged", "purchase-voided", "exported"]
    assert all(public_id.is_id(public_id.TOKEN, line["token_id"]) for line in found)


def test_what_the_operator_does_is_an_event_beside_the_answer(
    person: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(TOOLS), prepend=os.pathsep)
    shell, table, copy = person.app.test_cli_runner(), tmp_path / "purchases.csv", str(tmp_path / "copy")
    table.write_text("name,item\nTim,a book\n")
    for event, user_id, command in (
        ("registered", person.user_id + 1, ["users", "create", "new@example.com", "--password-stdin"]),
        ("reset-link-made", person.user_id, ["users", "reset-link", person.email]),
        ("token-made", person.user_id, ["tokens", "create", person.email, "Till 7"]),
        ("imported", person.user_id, ["import", str(table), "--user", person.email]),
        ("backed-up", None, ["backup", copy]),
        ("restored", None, ["restore", copy, "--replace"]),
    ):
        told = shell.invoke(args=command, input=PASSWORD)
        assert told.exit_code == 0, told.output
        [line] = [json.loads(line) for line in told.stderr.splitlines() if "is_security" in line]
        assert (line["event"], line["user_id"]) == (event, user_id)
        assert "is_security" not in told.stdout
        assert "secret" not in told.stderr


def test_a_refusal_is_an_event(person: Person, log: Log) -> None:
    page = person.browser.get("/account")
    log.read()
    Browser(person.app, **{"Sec-Fetch-Site": "cross-site"}).post("/account/password", page.fields(), 403)
    assert log.events() == ["refused"]
    person.app.test_client().get("/api/v1/customers")
    assert log.events() == ["refused"]


def test_no_line_tells_of_whom(person: Person, log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    """A day of a shop: by every door, with its mistakes, and with a bug."""
    browser, app = person.browser, person.app
    token = person.token()
    Browser(app).get("/login").submit(status=422, email=person.email, password="secret guess")
    Browser(app).get("/login?next=/customers?q=secret")
    link = link_to(person)
    browser.get("/purchases/new").submit(customer="Secretname <secret@example.com>", item="a secret", note="secret")
    browser.get("/purchases/new").submit(status=422, customer="secret@", item="")
    browser.get("/customers?q=secret")
    browser.get("/nowhere/secret", 404)
    api = Api(app, token)
    api.record(201, key="secret-key", customer={"name": "Secretname", "phone": "+12125550100"}, item="a secret")
    api.post("/purchases", {"secret": 1}, 422)
    app.test_client().get(f"/api/v1/purchases?token={token}")
    monkeypatch.setitem(app.view_functions, "purchases.index", lambda: 1 / 0)
    browser.get("/purchases?q=secret", 500)
    Browser(app).get(link).submit(status=422, new_password="Secret Corner")
    Browser(app).get(link).submit(new_password="a secret that is good")
    said = log.read()
    for word in ("secret", "2125550100", PASSWORD, token, token[-8:], link.rpartition("/")[2], browser.cookie):
        assert word.lower() not in said.lower(), word
    assert said.count('"route"') > 15
