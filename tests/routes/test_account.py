"""One's own account: where one is signed in, and who may have one."""

import pytest
from flask import Flask

from extensions import db
from services.resetting import make_token
from tests.cast import PASSWORD, Person, make_colleague, registration_values
from tests.pages import Browser, Page

CAPTION = "Where you are signed in"
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0"
SAFARI = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 26_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/26.0 Mobile/15E148 Safari/604.1"
)
EDGE = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0"
)


def sign_in(person: Person, user_agent: str) -> Browser:
    browser = Browser(person.app, **{"User-Agent": user_agent})
    browser.get("/login").submit(email=person.email, password=PASSWORD)
    return browser


def sign_out_there(page: Page) -> Page:
    return page.submit('form[action$="/sessions/end"]')


def test_the_account_tells_where_one_is_signed_in(owner: Person, at) -> None:  # type: ignore[no-untyped-def]
    at("2026-11-21T12:00")
    sign_in(owner, SAFARI)
    at("2026-11-21T13:30")
    here = sign_in(owner, FIREFOX)
    sign_in(make_colleague(owner), EDGE)
    at("2026-11-21T13:40")
    rows = here.get("/account").rows(CAPTION)
    assert [row[:3] for row in rows] == [
        ["Firefox on Windows", "21 Nov 2026, 08:30", "21 Nov 2026, 08:40"],
        ["Safari on iPhone", "21 Nov 2026, 07:00", "21 Nov 2026, 07:00"],
    ]
    assert rows[0][3] == "This browser"
    at("2026-11-22T00:30")
    assert [row[0] for row in here.get("/account").rows(CAPTION)] == ["Firefox on Windows"]


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (EDGE, "Edge on Windows"),
        ("Mozilla/5.0 (Linux; Android 16) AppleWebKit/537.36 Chrome/142.0 Mobile Safari/537.36", "Chrome on Android"),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/26.0 Safari/605.1",
            "Safari on Mac",
        ),
        ("curl/8.5.0", "Unknown browser"),
        ("", "Unknown browser"),
        ("<script>alert(1)</script>\x7f" * 400, "Unknown browser"),
    ],
)
def test_a_browser_is_known_again_by_a_coarse_name(owner: Person, user_agent: str, name: str) -> None:
    assert sign_in(owner, user_agent).get("/account").rows(CAPTION)[0][0] == name


def test_another_browser_can_be_signed_out(owner: Person) -> None:
    here, there = sign_in(owner, FIREFOX), sign_in(owner, SAFARI)
    page = sign_out_there(here.get("/account"))
    assert page.message == "Signed out there."
    assert there.get("/account").heading == "Sign in"
    assert [row[0] for row in page.rows(CAPTION)] == ["Firefox on Windows"]


def test_nobody_signs_out_somebody_else(owner: Person, stranger: Person) -> None:
    sign_in(owner, FIREFOX)
    colleague = make_colleague(owner)
    session = owner.browser.get("/account").fields('form[action$="/sessions/end"]')["session"]
    for other in (stranger, colleague):
        token = other.browser.get("/account").fields("header form")
        other.browser.post("/account/sessions/end", token | {"session": session})
    assert len(owner.browser.get("/account").rows(CAPTION)) == 2


@pytest.mark.parametrize("session", ["", "x", "00", "é", "0" * 63, "ff" * 32])
def test_a_session_that_is_none_signs_nobody_out(owner: Person, session: str) -> None:
    token = owner.browser.get("/account").fields("header form")
    page = owner.browser.post("/account/sessions/end", token | {"session": session})
    assert len(page.rows(CAPTION)) == 1


def test_one_signs_out_everywhere_at_once(owner: Person, stranger: Person) -> None:
    here, there = sign_in(owner, FIREFOX), sign_in(owner, SAFARI)
    page = here.get("/account").submit('form[action$="/sessions/end-all"]')
    assert (page.path, page.message) == ("/login", "Signed out everywhere.")
    for browser in (here, there):
        assert browser.get("/account").heading == "Sign in"
    assert stranger.browser.get("/account").heading == "Account"


@pytest.fixture
def closed(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Flask:
    """Nobody can open a shop by themselves."""
    monkeypatch.setitem(app.config, "REGISTRATION_IS_OPEN", False)
    return app


def test_where_registration_is_closed_the_page_says_so(closed: Flask) -> None:
    login = Browser(closed).get("/login")
    assert "Open a shop" not in login.soup.get_text()
    page = Browser(closed).get("/register", 403)
    assert page.heading == "No new shops here"
    assert page.soup.select("main form") == []


def test_where_registration_is_closed_no_shop_is_opened(closed: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(closed.config, "REGISTRATION_IS_OPEN", True)
    page = Browser(closed).get("/register")
    monkeypatch.setitem(closed.config, "REGISTRATION_IS_OPEN", False)
    assert page.submit(status=403, **registration_values()).heading == "No new shops here"
    values = {"email": "owner@example.com", "password": PASSWORD}
    Browser(closed).get("/login").submit(status=422, **values)


def test_the_operator_opens_shops_where_registration_is_closed(closed: Flask) -> None:
    arguments = ["users", "create", "owner@example.com", "--password-stdin"]
    assert closed.test_cli_runner().invoke(args=arguments, input=PASSWORD).exit_code == 0


@pytest.fixture
def longer(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Flask:
    """The operator wants fifteen characters."""
    monkeypatch.setitem(app.config, "PASSWORD_MIN_LENGTH", 15)
    return app


def test_how_long_a_new_password_is_at_least_is_for_the_operator_to_say(longer: Flask, owner: Person) -> None:
    short, long = "7#kQ!x2m9&vWz4", "7#kQ!x2m9&vWz4p"
    words = "Password must be at least 15 characters long"
    with longer.app_context():
        link = f"/reset-password/{make_token(owner.user)}"
        db.session.commit()
    forms = [
        (Browser(longer).get("/register"), registration_values(email="new@example.com", password=short)),
        (owner.browser.get("/account"), {"current_password": PASSWORD, "new_password": short}),
        (Browser(longer).get(link), {"new_password": short}),
    ]
    for page, values in forms:
        assert "At least 15 characters" in page.soup.get_text()
        assert page.submit(status=422, **values).errors == [words]
    page.submit(new_password=long)
    told = longer.test_cli_runner().invoke(args=["users", "create", "a@example.com", "--password-stdin"], input=short)
    assert (told.exit_code, words in told.stderr) == (1, True)


def test_who_has_a_shorter_password_still_signs_in(app: Flask, owner: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.config, "PASSWORD_MIN_LENGTH", len(PASSWORD) + 1)
    assert sign_in(owner, FIREFOX).get("/account").heading == "Account"


def test_the_operator_too_is_refused_a_password_that_is_easy_to_guess(app: Flask) -> None:
    arguments = ["users", "create", "owner@example.com", "--password-stdin"]
    result = app.test_cli_runner().invoke(args=arguments, input="password1")
    assert result.exit_code == 1
    assert "Password is easy to guess. This is a very common password" in result.stderr
