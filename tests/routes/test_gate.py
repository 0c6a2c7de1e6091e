"""Nobody gets where they do not belong; walks the whole map of routes, so that a new one cannot be forgotten."""

from collections.abc import Iterator

import pytest
from flask import Flask

from models.dialect import only_reads
from routes.gate import FILES
from tests.api.test_tenancy import everything
from tests.cast import Person
from tests.pages import Browser

OPEN_TO_ALL = (
    FILES
    | {"health.alive", "health.ready", "metrics.show"}
    | {"docs.api", "docs.problems", "docs.problem", "api.openapi"}
    | {"auth.register", "auth.open_shop", "auth.login", "auth.sign_in"}
    | {"resetting.forgot", "resetting.send_link", "resetting.show", "resetting.reset"}
)
SOME_ID = "01h455vb4pex5vsknk084sn02q"
SOME_PARTS = {
    "<customer_id:id>": f"cus_{SOME_ID}",
    "<customer_id:other_id>": f"cus_{SOME_ID}",
    "<purchase_id:id>": f"pur_{SOME_ID}",
    "<token_id:id>": f"tok_{SOME_ID}",
    "<action_id:id>": f"act_{SOME_ID}",
    "<import_id:id>": f"imp_{SOME_ID}",
    "<path:filename>": "x",
}


def routes(app: Flask) -> Iterator[tuple[str, str, str]]:
    """Endpoint, method and an address of each route."""
    for rule in app.url_map.iter_rules():
        path = rule.rule
        for part, text in SOME_PARTS.items():
            path = path.replace(part, text)
        for method in sorted(rule.methods or ()):
            if method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
                yield rule.endpoint, method, path


def test_nobody_gets_past_the_door(app: Flask) -> None:
    client = app.test_client()
    for endpoint, method, path in routes(app):
        response = client.open(path, method=method)
        if endpoint in OPEN_TO_ALL:
            assert response.status_code in (200, 404, 422, 400), path
            assert "/login" not in response.headers.get("Location", "")
        elif endpoint.startswith("api."):
            assert response.status_code == 401, path
        else:
            assert response.status_code in (302, 303), path
            assert response.location.startswith("/login"), path


def test_every_form_needs_its_token(app: Flask, owner: Person) -> None:
    client = app.test_client()
    client.set_cookie("tillbook", owner.browser.cookie)
    unsafe = [
        (method, path) for endpoint, method, path in routes(app) if method != "GET" and not endpoint.startswith("api.")
    ]
    assert len(unsafe) >= 5
    for method, path in unsafe:
        response = client.open(path, method=method, data={"csrf_token": "forged"})
        assert response.status_code in (400, 422), path
    assert owner.purchases() == []
    assert owner.browser.get("/account").heading == "Account"


def test_an_expired_page_comes_back_as_it_was(owner: Person) -> None:
    typed = {"customer": "Tim", "item": "a book", "key": "a-key"}
    page = owner.browser.post("/purchases", typed, 422)
    assert page.errors == ["This page was open for too long. Look it over and send it again"]
    assert {field: page.value_of(field) for field in typed} == typed
    assert owner.purchases() == []
    assert page.submit().message == "Recorded: Tim, a book. Tim is a new customer."


def test_another_expired_form_asks_to_be_sent_again(owner: Person) -> None:
    page = owner.browser.post("/account/password", {"current_password": "x"}, 400)
    assert page.heading == "This page was open for too long"


def test_who_was_signed_out_meanwhile_is_told_that_nothing_was_stored(app: Flask) -> None:
    page = Browser(app, **{"Sec-Fetch-Site": "none"}).post("/purchases", {"customer": "Tim", "item": "a book"})
    assert page.path == "/login"
    assert page.message == "You were signed out. Nothing was stored: sign in, then send it again."


@pytest.mark.parametrize("cookie", ["", "x", "eyJfdXNlcl9pZCI6IjEifQ.x.y", "\x01"])
def test_a_forged_cookie_is_nobody(app: Flask, cookie: str) -> None:
    browser = Browser(app)
    browser.cookie = cookie
    assert browser.get("/purchases").heading == "Sign in"


def test_the_session_lives_while_it_is_used_and_not_longer(owner: Person, at) -> None:  # type: ignore[no-untyped-def]
    at("2026-11-21T12:00")
    browser = Browser(owner.app)
    browser.get("/login").submit(email=owner.email, password="correct horse battery")
    for hour in ("2026-11-21T23:59", "2026-11-22T11:58"):
        at(hour)
        assert browser.get("/purchases").heading == "Purchases"
    at("2026-11-22T23:59")
    assert browser.get("/purchases").heading == "Sign in"


def test_no_address_changes_anything_by_being_read(app: Flask, owner: Person) -> None:
    """Another site can have any of them opened: signing out, say."""
    assert owner.browser.get("/account").heading == "Account"
    before = everything(app)
    for endpoint, method, path in routes(app):
        if method == "GET" and not endpoint.startswith("api."):
            assert owner.browser.get_raw(path).status_code < 500, path
    assert everything(app) == before
    assert owner.browser.get("/account").heading == "Account"


def test_reading_takes_no_write_lock_and_leaves_nothing_behind(app: Flask, owner: Person) -> None:
    page = owner.browser.get("/purchases/new")
    seen = []
    app.before_request_funcs.setdefault(None, []).append(lambda: seen.append(only_reads.get()))
    try:
        owner.browser.get("/purchases")
        page.submit(customer="Tim", item="a book")
    finally:
        app.before_request_funcs[None].pop()
    assert seen == [True, False, True]
    assert only_reads.get() is False
