"""Setting a forgotten password anew, by a link."""

import hashlib
import hmac
import re
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
import trustme
from flask import Flask
from sqlalchemy import func, select

from extensions import db
from models import PasswordReset, UserSession
from services import accounts, resetting
from tests.cast import PASSWORD, Person
from tests.mailbox import PASSWORD as MAIL_PASSWORD
from tests.mailbox import USER, Mailbox, mail_server, trust_only
from tests.pages import Browser, Page, text_of
from tests.services.test_races import at_once

NEW_PASSWORD = "another good one"
SENT = "If there is an account with this address, a link is on its way there. It works for 30 minutes."
SetClock = Callable[[str], None]


@pytest.fixture
def mailbox(app: Flask, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Mailbox]:
    authority = trustme.CA()
    monkeypatch.setenv("SSL_CERT_FILE", trust_only(authority, tmp_path))
    with mail_server(authority.issue_cert("localhost")) as mailbox:
        server = {
            "host": "localhost",
            "port": mailbox.port,
            "is_implicit_tls": False,
            "user": USER,
            "password": MAIL_PASSWORD,
        }
        monkeypatch.setitem(app.config, "MAIL_SERVER", server)
        monkeypatch.setitem(app.config, "MAIL_FROM", "Tillbook <till@example.com>")
        monkeypatch.setitem(app.config, "ADDRESS", "https://till.example.com")
        yield mailbox


def ask(app: Flask, email: str, status: int = 200, **headers: str) -> Page:
    """The answer to whoever has forgotten the password of this address."""
    return Browser(app, **headers).get("/forgot-password").submit(status=status, email=email)


def wait_for_threads() -> None:
    for thread in threading.enumerate():
        if "_send" in thread.name:
            thread.join(10)


def link_to(person: Person) -> str:
    """The path of a new link."""
    with person.app.app_context():
        token = resetting.make_token(person.user)
        db.session.commit()
        return f"/reset-password/{token}"


def set_password(app: Flask, link: str, status: int = 200, password: str = NEW_PASSWORD) -> Page:
    return Browser(app).get(link).submit(status=status, new_password=password)


def sign_in(owner: Person, password: str, status: int = 200) -> Page:
    return Browser(owner.app).get("/login").submit(status=status, email=owner.email, password=password)


def count(app: Flask, model: type[PasswordReset] | type[UserSession]) -> int:
    with app.app_context():
        return db.session.scalar(select(func.count()).select_from(model)) or 0


def test_a_link_comes_by_mail_and_sets_a_new_password(owner: Person, mailbox: Mailbox) -> None:
    page = Browser(owner.app).get("/login")
    page = Browser(owner.app).get(page.link("Forgotten your password?")).submit(email=" Owner@Example.com ")
    assert (page.path, page.message) == ("/login", SENT)
    [message] = mailbox.wait_for(1)
    assert (message["To"], message["From"]) == (owner.email, "Tillbook <till@example.com>")
    [link] = re.findall(r"\nhttps://till\.example\.com(/reset-password/[\w-]{43})\r\n", str(message.get_payload()))
    done = set_password(owner.app, link)
    assert (done.path, done.message) == (
        "/login",
        "Password changed, and every browser signed out. Sign in with the new password.",
    )
    assert sign_in(owner, NEW_PASSWORD).heading == "Record a purchase"
    sign_in(owner, PASSWORD, 422)


def test_an_unknown_address_is_told_the_same_and_written_nothing(owner: Person, mailbox: Mailbox) -> None:
    known, unknown, none = (ask(owner.app, email) for email in (owner.email, "nobody@example.com", "no address"))
    assert known.message == unknown.message == none.message == SENT
    assert known.path == unknown.path == none.path
    wait_for_threads()
    assert [message["To"] for message in mailbox.wait_for(1)] == [owner.email]


def test_the_host_that_was_asked_is_not_in_the_link(owner: Person, mailbox: Mailbox) -> None:
    ask(owner.app, owner.email, Host="evil.example", **{"X-Forwarded-Host": "evil.example"})
    [message] = mailbox.wait_for(1)
    assert "evil" not in message.as_string()


def test_the_answer_does_not_wait_for_the_mail_server(
    owner: Person, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_answered = threading.Event()
    found: list[bool] = []
    find = accounts.find_user

    def find_late(email: str) -> object:
        found.append(is_answered.wait(10))
        return find(email)

    monkeypatch.setattr(accounts, "find_user", find_late)
    assert ask(owner.app, owner.email).message == SENT
    assert mailbox.messages == []
    is_answered.set()
    mailbox.wait_for(1)
    assert found == [True]


def test_a_mail_server_that_is_away_breaks_nothing(
    owner: Person, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(owner.app.config, "MAIL_SERVER", owner.app.config["MAIL_SERVER"] | {"port": 1})
    assert ask(owner.app, owner.email).message == SENT
    wait_for_threads()


def test_without_a_mail_server_the_page_says_so(owner: Person) -> None:
    page = Browser(owner.app).get("/forgot-password")
    assert "This Tillbook sends no e-mail" in page.soup.get_text()
    assert page.soup.select("main form") == []
    token = Browser(owner.app).get("/login")
    assert token.submit("main form", status=422, email="", password="").heading == "Sign in"
    browser = Browser(owner.app)
    fields = browser.get("/login").fields()
    browser.post("/forgot-password", fields | {"email": owner.email}, 403)
    assert count(owner.app, PasswordReset) == 0


def test_the_operator_makes_a_link_without_mail(owner: Person) -> None:
    result = owner.app.test_cli_runner().invoke(args=["users", "reset-link", owner.email])
    assert result.exit_code == 0, result.output
    link = result.stdout.strip()
    assert link.startswith("http://localhost/reset-password/")
    set_password(owner.app, link.removeprefix("http://localhost"))
    assert sign_in(owner, NEW_PASSWORD).heading == "Record a purchase"


def test_the_operator_is_told_of_an_unknown_address(app: Flask) -> None:
    result = app.test_cli_runner().invoke(args=["users", "reset-link", "nobody@example.com"])
    assert result.exit_code == 1
    assert "nobody@example.com has no account" in result.stderr


def test_a_link_works_once(owner: Person) -> None:
    link = link_to(owner)
    browser = Browser(owner.app)
    page = browser.get(link)
    page.submit(new_password=NEW_PASSWORD)
    again = page.submit(status=404, new_password="yet another good one")
    assert again.heading == "This link works no more"
    assert browser.get(again.link("Ask for another link")).heading == "Forgotten password"
    assert sign_in(owner, NEW_PASSWORD).heading == "Record a purchase"


def test_of_two_who_use_a_link_at_the_same_instant_one_does(owner: Person) -> None:
    token = link_to(owner).rpartition("/")[2]

    def use(password: str) -> bool:
        with owner.app.app_context():
            user = resetting.find_user(token)
            is_set = user is not None and resetting.reset(token, user, password)
            db.session.commit()
            return is_set

    done = at_once(partial(use, f"another good one {number}") for number in range(5))
    assert sorted(done) == [False] * 4 + [True]
    assert sign_in(owner, f"another good one {done.index(True)}").heading == "Record a purchase"


@pytest.mark.parametrize(("later", "status"), [("12:29:59", 200), ("12:30:00", 404)])
def test_a_link_works_for_half_an_hour(owner: Person, at: SetClock, later: str, status: int) -> None:
    at("2026-11-21T12:00:00")
    link = link_to(owner)
    page = Browser(owner.app).get(link)
    at(f"2026-11-21T{later}")
    Browser(owner.app).get(link, status)
    page.submit(status=status, new_password=NEW_PASSWORD)


def test_links_that_have_run_out_are_not_kept(owner: Person, at: SetClock) -> None:
    at("2026-11-21T12:00:00")
    link_to(owner)
    at("2026-11-21T12:30:00")
    link_to(owner)
    assert count(owner.app, PasswordReset) == 1


def test_links_die_with_the_password_that_they_replace(owner: Person) -> None:
    links = [link_to(owner), link_to(owner)]
    owner.browser.get("/account").submit(current_password=PASSWORD, new_password=NEW_PASSWORD)
    for link in links:
        Browser(owner.app).get(link, 404)
    links = [link_to(owner), link_to(owner)]
    set_password(owner.app, links[0], password="yet another good one")
    Browser(owner.app).get(links[1], 404)


def test_a_new_password_signs_out_every_browser_and_nobody_else(owner: Person, stranger: Person) -> None:
    for person in (owner, stranger):
        assert person.browser.get("/account").heading == "Account"
    set_password(owner.app, link_to(owner))
    assert owner.browser.get("/account").heading == "Sign in"
    assert stranger.browser.get("/account").heading == "Account"


@pytest.mark.parametrize(
    ("password", "words"),
    [
        ("", "Enter a password"),
        ("short", "Password must be at least 8 characters long"),
        ("Corner shop", "It is like your e-mail address or the name of your shop"),
    ],
)
def test_a_password_that_is_refused_leaves_the_link_as_it_was(owner: Person, password: str, words: str) -> None:
    link = link_to(owner)
    page = set_password(owner.app, link, 422, password)
    assert words in page.errors[0]
    assert words in page.error_at("new_password")
    assert text_of(page.soup.h1) == "Set a new password"
    page.submit(new_password=NEW_PASSWORD)
    sign_in(owner, NEW_PASSWORD)


@pytest.mark.parametrize("token", ["x", "x" * 43, "%00", "%ff", "é", "x" * 2_000])
def test_a_link_that_was_never_made_works_not(app: Flask, owner: Person, token: str) -> None:
    link_to(owner)
    Browser(app).get(f"/reset-password/{token}", 404)


def test_the_token_of_a_link_is_not_kept(owner: Person) -> None:
    token = link_to(owner).rpartition("/")[2]
    with owner.app.app_context():
        [kept] = db.session.scalars(select(PasswordReset))
        assert kept.token_hash == hashlib.sha256(token.encode()).digest()


def test_what_was_found_is_compared_in_constant_time(owner: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    link = link_to(owner)
    compared: list[tuple[bytes, bytes]] = []

    def note(one: bytes, other: bytes) -> bool:
        compared.append((one, other))
        return False

    with owner.app.app_context():
        monkeypatch.setattr(hmac, "compare_digest", note)
        assert resetting.find_user(link.rpartition("/")[2]) is None
    assert compared == [(accounts.hash_of(link.rpartition("/")[2]),) * 2]


def test_asking_too_often_is_refused_whether_there_is_an_account_or_not(owner: Person, mailbox: Mailbox) -> None:
    for email in (owner.email, "nobody@example.com"):
        for _ in range(3):
            ask(owner.app, email)
        page = ask(owner.app, email, 429)
        assert page.errors == ["Too many tries. Wait 60 minutes, then try again"]
        assert page.value_of("email") == email
    wait_for_threads()
    mailbox.wait_for(3)
