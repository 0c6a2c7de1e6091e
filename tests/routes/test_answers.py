"""Headers, error pages and the log: what every answer has."""

import json
from importlib.metadata import version
from itertools import product
from pathlib import Path
from platform import python_version

import pytest
from flask import Flask, abort
from sqlalchemy import event
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import NotFound, RequestEntityTooLarge

from app import create_app
from extensions import db
from services.refusals import Contention
from services.register import Overtaken, Register
from tests.cast import Person
from tests.conftest import make_settings
from tests.pages import Browser
from tests.server import ROOT


def test_every_answer_has_a_strict_policy(app: Flask, owner: Person) -> None:
    for path in ("/login", "/purchases", "/nowhere", "/static/tillbook.css"):
        headers = owner.browser.get_raw(path).headers
        assert "default-src 'self'" in headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
        assert headers["X-Request-Id"]


def test_private_pages_are_not_kept_by_anybody(owner: Person) -> None:
    headers = owner.browser.get_raw("/purchases").headers
    assert headers["Cache-Control"] == "no-store"
    assert "Cookie" in headers["Vary"]
    assert "no-store" not in owner.browser.get_raw("/static/tillbook.css").headers["Cache-Control"]


def test_under_https_the_cookie_is_bound_to_it(sqlite_url: str) -> None:
    app = create_app(make_settings(sqlite_url, base_url="https://till.example.com"))
    response = app.test_client().get("/login", base_url="https://till.example.com")
    cookie = response.headers["Set-Cookie"]
    assert cookie.startswith("__Host-tillbook=")
    for part in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"):
        assert part in cookie
    assert response.headers["Strict-Transport-Security"]
    with app.app_context():
        db.engine.dispose()


def test_a_request_id_is_taken_over_only_when_it_is_harmless(app: Flask) -> None:
    client = app.test_client()
    assert client.get("/login", headers={"X-Request-Id": "abc-12345678"}).headers["X-Request-Id"] == "abc-12345678"
    for odd in ("short", "x" * 65, "a b c d e f g", "<script>alert</script>"):
        assert client.get("/login", headers={"X-Request-Id": odd}).headers["X-Request-Id"] != odd


@pytest.mark.parametrize(
    ("method", "path", "status", "heading"),
    [
        ("get", "/nowhere", 404, "Page not found"),
        ("get", "/customers/1", 404, "Page not found"),
        ("delete", "/purchases", 405, "This page cannot be used that way"),
    ],
)
def test_what_cannot_be_done_has_a_page_that_says_what_to_do(
    owner: Person, method: str, path: str, status: int, heading: str
) -> None:
    response = owner.browser.send(method, path)
    assert response.status_code == status
    assert heading in response.text
    assert "Go to the first page" in response.text


def test_a_form_that_is_too_long_is_413(owner: Person) -> None:
    page = owner.browser.get("/purchases/new")
    response = page.submit(status=413, customer="Tim", item="x" * 70_000)
    assert response.heading == "That was too much at once"


class TestFaults:
    @pytest.fixture
    def faulty(self, app: Flask, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
        """The page of purchases fails in the way given; faults cannot be ordered from a healthy database."""

        def fail_with(error: Exception) -> None:
            def view() -> None:
                raise error

            monkeypatch.setitem(app.view_functions, "purchases.index", view)

        return fail_with

    def test_a_bug_shows_a_number_to_report_and_no_detail(self, owner: Person, faulty) -> None:  # type: ignore[no-untyped-def]
        faulty(RuntimeError("secret detail"))
        page = owner.browser.get("/purchases", 500)
        assert page.response.headers["X-Request-Id"] in page.soup.get_text()
        assert "secret" not in page.response.text
        assert "Traceback" not in page.response.text

    @pytest.mark.parametrize(
        "fault", [OperationalError("SELECT secret", {}, Exception("database is locked")), Contention("busy")]
    )
    def test_a_busy_database_asks_to_wait(self, owner: Person, faulty, fault: Exception) -> None:  # type: ignore[no-untyped-def]
        faulty(fault)
        page = owner.browser.get("/purchases", 503)
        assert page.heading == "Tillbook is busy"
        assert page.response.headers["Retry-After"] == "2"
        assert "secret" not in page.response.text

    @pytest.mark.parametrize("fault", [RuntimeError(), Contention("busy"), NotFound(), RequestEntityTooLarge()])
    def test_no_fault_tells_what_tillbook_is_made_of(self, owner: Person, faulty, fault: Exception) -> None:  # type: ignore[no-untyped-def]
        faulty(fault)
        answer = owner.browser.get_raw("/purchases")
        assert answer.status_code >= 400
        assert answer.headers["X-Request-Id"]
        told = f"{answer.headers}{answer.text}"
        for name in ("flask", "werkzeug", "jinja2", "sqlalchemy", "bootstrap-flask"):
            assert version(name) not in told
        assert python_version() not in told
        assert str(ROOT) not in told
        assert "site-packages" not in told

    def test_other_refusals_have_a_page_too(self, owner: Person, app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(app.view_functions, "purchases.index", lambda: abort(418))
        assert owner.browser.get("/purchases", 418).heading == "That did not work"


def test_an_unreachable_database_is_a_503_for_who_is_signed_in_too(
    owner: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = owner.browser.get("/purchases/new")

    def refuse(*_: object) -> None:
        raise OperationalError("connect", {}, Exception("database is away"))

    with owner.app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", refuse)
    try:
        for again in (page.submit(status=503, customer="Tim", item="a book"), owner.browser.get("/", 503)):
            assert again.heading == "Tillbook is busy"
            is_post = again.response.request.method == "POST"
            assert ("it is recorded once, whatever became of it" in again.soup.get_text()) is is_post
    finally:
        event.remove(engine, "before_cursor_execute", refuse)
    assert page.submit(customer="Tim", item="a book").message.startswith("Recorded")


def test_a_database_that_goes_away_in_the_middle_of_a_page_is_a_503(owner: Person) -> None:
    owner.browser.get("/purchases")

    def refuse_the_list(*arguments: object) -> None:
        if "FROM purchases" in str(arguments[2]):
            raise OperationalError("SELECT", {}, Exception("server closed the connection"))

    with owner.app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", refuse_the_list)
    try:
        page = owner.browser.get("/purchases", 503)
    finally:
        event.remove(engine, "before_cursor_execute", refuse_the_list)
    assert page.heading == "Tillbook is busy"
    assert "Corner shop" in page.soup.get_text()


@pytest.mark.parametrize("moment", ["commit", "before_cursor_execute"])
def test_a_database_that_goes_away_while_it_records_is_a_503(owner: Person, moment: str) -> None:
    """What the session knew may be gone then: neither the page of the fault nor the log must need it."""
    page = owner.browser.get("/purchases/new")
    headers = {"Authorization": f"Bearer {owner.token('purchases:write')}"}
    purchase = {"customer": {"name": "Tim"}, "item": "a book"}

    def go_away(*told: object) -> None:
        if moment == "commit" or "INSERT INTO customers" in str(told[2]):
            raise OperationalError(moment, {}, Exception("server closed the connection"))

    with owner.app.app_context():
        engine = db.engine
    event.listen(engine, moment, go_away)
    try:
        assert "Corner shop" in page.submit(status=503, customer="Tim", item="a book").soup.get_text()
        answer = owner.app.test_client().post("/api/v1/purchases", json=purchase, headers=headers)
    finally:
        event.remove(engine, moment, go_away)
    assert answer.status_code == 503
    assert owner.purchases() == []


@pytest.mark.parametrize("host", ["a..b", ".", "x" * 70, "[ffff]", "[1.2.3]", "a:99999", "a b", "a:b:c", "ü", "<x>"])
def test_a_host_that_is_none_is_a_400(app: Flask, host: str) -> None:
    assert app.test_client().get("/login", headers={"Host": host}).status_code == 400


@pytest.mark.parametrize("host", ["localhost", "till.example.com:8000", "web_1", "[::1]:5000", "127.0.0.1"])
def test_a_host_is_a_name_or_an_address(app: Flask, host: str) -> None:
    assert app.test_client().get("/login", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("path", ["/purchases//new", "/login//", "/static//tillbook.css", "/problems//validation"])
def test_no_answer_leads_to_the_host_that_was_asked(app: Flask, path: str) -> None:
    response = app.test_client().get(path, headers={"Host": "other.example.com"})
    assert "other.example.com" not in response.headers.get("Location", "") + response.text


@pytest.mark.parametrize("body", ["5", "[1]", '"x"', '{"customer": 5}', '{"email": "\\ud800", "password": "x"}'])
@pytest.mark.parametrize("path", ["/login", "/register", "/purchases", "/account/password"])
def test_json_is_not_a_form(owner: Person, path: str, body: str) -> None:
    token = owner.browser.get("/account").fields("header form")["csrf_token"]
    response = owner.browser.send_json(path, body, token)
    assert response.status_code == 422
    assert owner.purchases() == []


def test_a_race_that_is_lost_to_a_fault_is_a_503(owner: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was read is forgotten before the second attempt; the page of the fault must not need it."""

    def overtaken(*_: object, **__: object) -> None:
        raise Overtaken

    page = owner.browser.get("/purchases/new")
    monkeypatch.setattr(Register, "read", overtaken)
    answer = page.submit(status=503, customer="Tim", item="a book")
    assert "Corner shop" in answer.soup.get_text()
    monkeypatch.undo()
    assert page.submit(customer="Tim", item="a book").message.startswith("Recorded: Tim")


@pytest.mark.parametrize("referrer", ["https://[", "http://evil.example/", ""])
def test_over_https_a_form_needs_to_come_from_here(owner: Person, referrer: str) -> None:
    fields = owner.browser.get("/purchases/new").fields() | {"customer": "Tim", "item": "a book"}
    headers = {"Referer": referrer} if referrer else {}
    response = owner.browser.send_over_https("/purchases", fields, headers)
    assert response.status_code == 422
    assert "Your browser did not say where this came from" in response.text
    assert owner.purchases() == []


@pytest.mark.parametrize("name", ["", "name*", 'name="\x00\r"', 'names="item"'])
def test_a_part_of_a_form_without_a_name_is_refused(owner: Person, name: str) -> None:
    token = owner.browser.get("/purchases/new").fields()["csrf_token"]
    for path, sent in product(("/account/password", "/purchases", "/purchases/preview"), (token, "expired")):
        parts = {'name="csrf_token"': sent, 'name="item"': "a book", name: "x"}
        body = "".join(f"--b\r\nContent-Disposition: form-data; {part}\r\n\r\n{parts[part]}\r\n" for part in parts)
        answer = owner.browser.send_body(path, f"{body}--b--\r\n".encode(), "multipart/form-data; boundary=b")
        assert answer.status_code in (400, 422)


def test_a_file_is_not_a_text(owner: Person) -> None:
    fields = owner.browser.get("/purchases/new").fields()
    response = owner.browser.send_file("/purchases", fields, "customer")
    assert response.status_code == 422


def test_an_unreachable_database_is_a_503_with_a_page(tmp_path: Path) -> None:
    app = create_app(make_settings(f"sqlite:///{tmp_path}/no/such/folder.db"))
    browser = Browser(app)
    page = browser.get("/login")  # nothing is asked of the database yet
    page = page.submit(status=503, email="tim@example.com", password="some password")
    assert page.heading == "Tillbook is busy"


def test_each_request_is_one_line_without_names_or_addresses(
    sqlite_url: str, migrated_app: Flask, owner: Person, capsys: pytest.CaptureFixture[str]
) -> None:
    url = migrated_app.config["SQLALCHEMY_DATABASE_URI"]
    production = {"environment": "production", "base_url": "http://localhost", "log_level": "INFO"}
    app = create_app(make_settings(url, **production))
    browser = Browser(app)
    browser.get("/login").submit(email=owner.email, password="correct horse battery")
    customer = owner.capture(customer="Secretname <secret@example.com>").customer
    capsys.readouterr()
    browser.get(f"/customers/{customer.public_id}?q=secret")
    [line] = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert line["route"] == "/customers/<customer_id:id>"
    assert (line["method"], line["status"], line["shop_id"], line["user_id"]) == (
        "GET",
        200,
        owner.shop_id,
        owner.user_id,
    )
    assert line["request_id"]
    assert line["ms"] > 0
    assert "secret" not in json.dumps(line).lower()
    create_app(make_settings(url))  # puts the quiet log of the tests back
    with app.app_context():
        db.engine.dispose()
