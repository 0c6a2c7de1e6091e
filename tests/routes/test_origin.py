"""Where requests come from, and which host they ask for."""

from collections.abc import Callable, Iterator

import pytest
from flask import Flask

from app import create_app
from extensions import db
from tests.cast import Person
from tests.conftest import make_settings
from tests.pages import Browser
from tests.routes.test_gate import routes

ELSEWHERE = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "", "Origin": "https://evil.example"},
    {"Sec-Fetch-Site": "", "Origin": "http://localhost:5001"},
    {"Sec-Fetch-Site": "", "Origin": "http://localhost.evil.example"},
    {"Sec-Fetch-Site": "", "Origin": "null"},
    {"Sec-Fetch-Site": "", "Origin": "http://["},
]
HERE = [
    {"Sec-Fetch-Site": "same-origin"},
    {"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost"},
    {"Sec-Fetch-Site": "none"},
    {"Sec-Fetch-Site": "", "Origin": "http://localhost"},
    {"Sec-Fetch-Site": ""},
]


@pytest.mark.parametrize("headers", ELSEWHERE)
def test_a_form_that_another_site_sends_is_refused_with_the_right_token_too(
    owner: Person, headers: dict[str, str]
) -> None:
    fields = owner.browser.get("/purchases/new").fields() | {"customer": "Tim", "item": "a book"}
    other = Browser(owner.app, **headers)
    other.cookie = owner.browser.cookie
    page = other.post("/purchases", fields, 403)
    assert page.heading == "That was sent from another site"
    assert owner.purchases() == []


@pytest.mark.parametrize("headers", HERE)
def test_a_form_that_a_page_of_ours_sends_is_taken(owner: Person, headers: dict[str, str]) -> None:
    fields = owner.browser.get("/purchases/new").fields() | {"customer": "Tim", "item": "a book"}
    browser = Browser(owner.app, **headers)
    browser.cookie = owner.browser.cookie
    assert browser.post("/purchases", fields).message.startswith("Recorded: Tim")


def test_no_form_is_open_to_another_site(owner: Person) -> None:
    client = owner.app.test_client()
    unsafe = [(method, path) for endpoint, method, path in routes(owner.app) if is_form(endpoint, method)]
    assert len(unsafe) >= 5
    for method, path in unsafe:
        assert client.open(path, method=method, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403, path


def is_form(endpoint: str, method: str) -> bool:
    return method not in ("GET", "HEAD") and not endpoint.startswith("api.")


def test_links_from_another_site_lead_here(owner: Person) -> None:
    browser = Browser(owner.app, **{"Sec-Fetch-Site": "cross-site"})
    browser.cookie = owner.browser.cookie
    assert browser.get("/purchases").heading == "Purchases"


def test_programs_may_use_the_api_from_anywhere(owner: Person) -> None:
    headers = {"Authorization": f"Bearer {owner.token()}", "Sec-Fetch-Site": "cross-site"}
    response = owner.app.test_client().post(
        "/api/v1/purchases", json={"sentence": "Tim bought a book"}, headers=headers
    )
    assert response.status_code == 201


@pytest.fixture
def ask(app: Flask) -> Iterator[Callable[..., int]]:
    """The status of an answer to a host, in production."""
    settings = make_settings(
        app.config["SQLALCHEMY_DATABASE_URI"],
        environment="production",
        base_url="https://Till.example.com:8443",
        trusted_hosts="other.example.com, [2001:db8::1]",
        log_level="ERROR",
    )
    production = create_app(settings)
    yield lambda host, path="/login": production.test_client().get(path, headers={"Host": host}).status_code
    with production.app_context():
        db.engine.dispose()
    create_app(make_settings(app.config["SQLALCHEMY_DATABASE_URI"]))  # puts the log of the tests back


@pytest.mark.parametrize(
    "host", ["till.example.com", "TILL.example.com:8443", "till.example.com:80", "other.example.com", "[2001:db8::1]"]
)
def test_a_host_that_is_ours_is_answered(ask: Callable[..., int], host: str) -> None:
    assert ask(host) == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "xtill.example.com", "till.example.com.evil.example", "example.com", "127.0.0.1", "[::1]"]
)
def test_another_host_is_a_400(ask: Callable[..., int], host: str) -> None:
    assert ask(host) == 400


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_whoever_keeps_it_running_asks_by_address(ask: Callable[..., int], path: str) -> None:
    assert ask("10.0.0.7:8000", path) == 200
