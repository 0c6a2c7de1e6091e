"""Who tries too often is told to wait: passwords, registrations, and by which address one is known."""

import re
from collections.abc import Iterator
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import urlencode

import pytest
from bs4 import BeautifulSoup
from flask import Flask

from app import create_app
from extensions import db
from tests.cast import PASSWORD, Person, registration_values
from tests.conftest import make_settings
from tests.pages import Browser, Page
from tests.routes.test_gunicorn import GOOD, post
from tests.server import Answer, Server, serve
from tests.stack import free_port, redis
from tests.waiting import wait_until

WAIT = "Too many tries. Wait 15 minutes, then try again"


def guess(app: Flask, email: str, status: int = 422, **headers: str) -> Page:
    return Browser(app, **headers).get("/login").submit(status=status, email=email, password="a wrong guess")


@pytest.mark.parametrize("email", ["owner@example.com", "nobody@example.com", "no address"])
def test_the_sixth_wrong_password_has_to_wait(owner: Person, email: str) -> None:
    for _ in range(5):
        assert guess(owner.app, email).errors == ["E-mail address or password is not right. Check both and try again"]
    page = guess(owner.app, email, 429)
    assert page.errors == [WAIT]
    assert page.value_of("email") == email
    assert page.heading == "Sign in"
    assert 890 <= int(page.response.headers["Retry-After"]) <= 900


def test_the_right_password_has_to_wait_as_well(owner: Person, at) -> None:  # type: ignore[no-untyped-def]
    at("2026-11-21T12:00")
    for _ in range(5):
        guess(owner.app, owner.email)
    page = Browser(owner.app).get("/login").submit(status=429, email=owner.email, password=PASSWORD)
    assert page.errors == [WAIT]
    at("2026-11-21T12:15")
    assert page.submit(email=owner.email, password=PASSWORD).heading == "Record a purchase"


def test_the_right_password_begins_the_count_anew(owner: Person) -> None:
    for _ in range(2):
        for _ in range(4):
            guess(owner.app, owner.email)
        Browser(owner.app).get("/login").submit(email=owner.email, password=PASSWORD)


def test_what_was_typed_is_kept_by_who_has_to_wait(owner: Person) -> None:
    page = Browser(owner.app).post("/purchases", {"customer": "Tim", "item": "a book"}, 401)
    for status in [422] * 5 + [429]:
        page = page.submit(status=status, email=owner.email, password="a wrong guess")
    assert "item=a+book" in page.value_of("kept")


@pytest.mark.parametrize("header", ["X-Forwarded-For", "X-Real-IP", "Forwarded", "X-Client-IP"])
def test_a_forged_address_changes_nothing(owner: Person, header: str) -> None:
    for number in range(5):
        guess(owner.app, owner.email, **{header: f"198.51.100.{number}"})
    guess(owner.app, owner.email, 429, **{header: "198.51.100.99"})


def test_a_trusted_proxy_says_whom_it_speaks_for(owner: Person) -> None:
    """And what a client puts before it is not believed."""
    app = create_app(make_settings(owner.app.config["SQLALCHEMY_DATABASE_URI"], trusted_proxies=1))
    for number in range(5):
        guess(app, owner.email, **{"X-Forwarded-For": f"203.0.113.{number}, 198.51.100.1"})
    guess(app, owner.email, 429, **{"X-Forwarded-For": "203.0.113.99, 198.51.100.1"})
    guess(app, owner.email, **{"X-Forwarded-For": "198.51.100.2"})
    with app.app_context():
        db.engine.dispose()


def test_guessing_the_current_password_has_to_wait_too(owner: Person) -> None:
    page = owner.browser.get("/account")
    for _ in range(5):
        page.submit(status=422, current_password="a wrong guess", new_password="another good one")
    refused = page.submit(status=429, current_password=PASSWORD, new_password="another good one")
    assert refused.errors == [WAIT]
    assert refused.heading == "Account"
    guess(owner.app, owner.email, 429)


def test_an_address_that_registers_too_often_has_to_wait(app: Flask, owner: Person) -> None:
    for _ in range(5):
        Browser(app).get("/register").submit(status=422, **registration_values(email=owner.email))
    page = Browser(app).get("/register").submit(status=429, **registration_values(email=owner.email))
    assert page.errors == ["Too many tries. Wait 60 minutes, then try again"]
    assert page.value_of("shop_name") == "Corner shop"


@pytest.fixture
def three_workers(app: Flask) -> Iterator[Server]:
    url = app.config["SQLALCHEMY_DATABASE_URI"]
    with serve(url, WEB_CONCURRENCY="3", WEB_THREADS="1") as server:
        yield server


def test_three_workers_count_together(three_workers: Server, owner: Person) -> None:
    """SQLite has one of them, which is told apart by the log."""
    is_alone = owner.app.config["SQLALCHEMY_DATABASE_URI"].startswith("sqlite")
    assert three_workers.log.count("Booting worker") == (1 if is_alone else 3)
    answers = [guess_by_socket(three_workers, owner.email) for _ in range(9)]
    assert [answer.status for answer in answers] == [422] * 5 + [429] * 4
    assert "Too many tries" in answers[-1].body


def guess_by_socket(server: Server, email: str) -> Answer:
    page = server.ask(GOOD)
    cookie = SimpleCookie(re.findall(r"(?mi)^Set-Cookie: (.*)$", page.headers)[0])["tillbook"]
    [token] = BeautifulSoup(page.body, "html.parser").select("main [name=csrf_token]")
    body = urlencode({"csrf_token": token["value"], "email": email, "password": "a wrong guess"}).encode()
    return server.ask(post(body, f"Content-Length: {len(body)}", f"Cookie: tillbook={cookie.value}"))


def test_a_redis_that_is_away_is_neither_an_error_nor_no_limit(owner: Person, owners_token: str) -> None:
    url = owner.app.config["SQLALCHEMY_DATABASE_URI"]
    app = create_app(make_settings(url, redis_url="redis://127.0.0.1:1/0", api_rate_limit="2 per minute"))
    headers = {"Authorization": f"Bearer {owners_token}"}
    statuses = [app.test_client().get("/api/v1/customers", headers=headers).status_code for _ in range(4)]
    for _ in range(5):
        guess(app, owner.email)
    guess(app, owner.email, 429)
    with app.app_context():
        db.engine.dispose()
    assert statuses == [200, 200, 429, 429]


@pytest.mark.parametrize("migrated_app", ["sqlite"], indirect=True)
def test_servers_with_a_redis_in_common_count_together(owner: Person, owners_token: str, tmp_path: Path) -> None:
    url, port = owner.app.config["SQLALCHEMY_DATABASE_URI"], free_port()
    told = {"REDIS_URL": f"redis://127.0.0.1:{port}/0", "API_RATE_LIMIT": "3 per minute"}
    request = f"GET /api/v1 HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {owners_token}\r\n\r\n".encode()
    with serve(url, **told) as one, serve(url, **told) as other:
        with redis(port, tmp_path, "--save", ""):
            answers = [server.ask(request) for server in (one, other, other, one, other)]
        assert [answer.status for answer in answers] == [200, 200, 200, 429, 429]
        assert "RateLimit-Remaining: 1" in answers[1].headers
        # When it is gone, each counts for itself; when it is back, they count together again.
        assert [one.ask(request).status for _ in range(4)] == [200, 200, 200, 429]
        with redis(port, tmp_path, "--save", ""):
            wait_until(lambda: one.ask(request).status == 200)
            assert "RateLimit-Remaining: 1" in other.ask(request).headers


@pytest.fixture
def owners_token(owner: Person) -> str:
    return owner.token()
