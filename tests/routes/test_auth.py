from statistics import median
from time import perf_counter

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient

from services import accounts
from tests.cast import PASSWORD, Person, make_colleague, registration_values
from tests.pages import Browser
from tests.routes.test_resetting import link_to


def test_registering_opens_a_shop_and_signs_in(app: Flask) -> None:
    page = Browser(app).get("/register").submit(**registration_values(shop_name="Tea & Cake"))
    assert page.heading == "Record a purchase"
    assert page.message == "Welcome. Tea & Cake is open: record the first purchase."


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("en-GB,en;q=0.9", ("GB", "GBP", "Europe/London")),
        ("de-AT", ("AT", "EUR", "Europe/Vienna")),
        ("en", ("US", "USD", "America/New_York")),
        ("", ("US", "USD", "America/New_York")),
        ("xx-ZZ, *", ("US", "USD", "America/New_York")),
        ("ja-JP", ("JP", "JPY", "Asia/Tokyo")),
    ],
)
def test_the_shop_is_guessed_from_the_language(app: Flask, language: str, expected: tuple[str, str, str]) -> None:
    fields = Browser(app, **{"Accept-Language": language}).get("/register").fields()
    assert (fields["country"], fields["currency"], fields["time_zone"]) == expected


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("email", "", "Enter your e-mail address"),
        ("email", "tim", "Enter an e-mail address like name@example.com"),
        ("password", "", "Enter a password"),
        ("password", "1234567", "Password must be at least 8 characters long"),
        ("password", "x" * 129, "Password must be 128 characters or fewer"),
        ("password", "12345678\0", "Password has a character that could not be read. Type it again"),
        ("shop_name", " ", "Enter the name of your shop"),
        ("shop_name", "x" * 201, "Shop name must be 200 characters or fewer"),
        ("country", "XX", "Choose your country"),
        ("currency", "DEM", "Choose a currency"),
        ("time_zone", "Mars/Olympus", "Choose a time zone"),
        ("time_zone", "../../etc/passwd", "Choose a time zone"),
    ],
)
def test_registration_says_what_to_change(app: Flask, field: str, value: str, words: str) -> None:
    page = Browser(app).get("/register").submit(status=422, **registration_values(**{field: value}))
    assert page.errors == [words]
    assert page.error_at(field) == f"Error: {words}"
    assert page.value_of("password") == ""


def test_an_address_has_one_account_however_it_is_written(app: Flask, owner: Person) -> None:
    page = Browser(app).get("/register").submit(status=422, **registration_values(email="OWNER@example.com"))
    assert page.errors == ["This e-mail address already has an account. Sign in instead"]


def test_a_wrong_password_and_an_unknown_address_get_the_same_answer(app: Flask, owner: Person) -> None:
    browser = Browser(app)
    wrong = browser.get("/login").submit(status=422, email=owner.email, password="wrong password")
    unknown = browser.get("/login").submit(status=422, email="nobody@example.com", password="wrong password")
    none = browser.get("/login").submit(status=422, email="no address", password="wrong password")
    assert (
        wrong.errors
        == unknown.errors
        == none.errors
        == ["E-mail address or password is not right. Check both and try again"]
    )
    assert wrong.value_of("email") == owner.email


def test_an_unknown_address_takes_as_long_as_a_known_one(app: Flask, owner: Person) -> None:
    """Each from another address, so that nobody has to wait; in turn, so that both meet the same machine."""
    client = app.test_client()
    known, unknown = [], []
    for turn in range(25):
        for email, times in ((owner.email, known), ("nobody@example.com", unknown)):
            fields = {"csrf_token": csrf_token(client), "email": email, "password": "a wrong guess"}
            began = perf_counter()
            response = client.post("/login", data=fields, environ_base={"REMOTE_ADDR": f"198.51.100.{turn}"})
            times.append(perf_counter() - began)
            assert response.status_code == 422
    assert 0.5 < median(known) / median(unknown) < 2


def csrf_token(client: FlaskClient) -> str:
    page = BeautifulSoup(client.get("/login").text, "html.parser")
    [field] = page.select("main [name=csrf_token]")
    return str(field["value"])


def test_signing_in_forgives_case_and_spaces_of_the_address(app: Flask, owner: Person) -> None:
    page = Browser(app).get("/login").submit(email=" Owner@Example.COM ", password=PASSWORD)
    assert page.heading == "Record a purchase"


def test_a_page_asked_for_before_signing_in_is_shown_after_it(app: Flask, owner: Person) -> None:
    page = Browser(app).get("/customers?q=tim")
    assert page.heading == "Sign in"
    assert page.message == "Sign in to go on."
    assert page.submit(email=owner.email, password=PASSWORD).path == "/customers?q=tim"


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "evil",
        "/%0d%0aSet-Cookie:x",
        "/%09/[",
    ],
)
def test_signing_in_leads_nowhere_else(app: Flask, owner: Person, target: str) -> None:
    page = Browser(app).get(f"/login?next={target}").submit(email=owner.email, password=PASSWORD)
    assert page.path == "/purchases/new"


def test_signing_out_ends_the_session_for_a_copied_cookie_too(app: Flask, owner: Person) -> None:
    copy = Browser(app)
    copy.cookie = owner.browser.cookie
    assert copy.get("/purchases").heading == "Purchases"
    assert owner.browser.get("/").submit("header form").heading == "Sign in"
    assert copy.get("/purchases").heading == "Sign in"


def test_signing_in_again_makes_a_new_session(app: Flask, owner: Person) -> None:
    before = owner.browser.cookie
    page = owner.browser.get("/register")
    page.submit(**registration_values(email="second@example.com"))
    assert owner.browser.cookie != before
    old = Browser(app)
    old.cookie = before
    assert old.get("/purchases").heading == "Sign in"


def test_changing_the_password_signs_out_every_other_browser(app: Flask, owner: Person) -> None:
    other = Browser(app)
    other.get("/login").submit(email=owner.email, password=PASSWORD)
    account = owner.browser.get("/account")
    page = account.submit(current_password=PASSWORD, new_password="another good one")
    assert page.message == "Password changed. Every other browser was signed out."
    assert owner.browser.get("/account").heading == "Account"
    assert other.get("/account").heading == "Sign in"
    other.get("/login").submit(status=422, email=owner.email, password=PASSWORD)
    assert other.get("/login").submit(email=owner.email, password="another good one").heading == "Record a purchase"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"current_password": "wrong", "new_password": "another good one"}, "Enter the password you sign in with now"),
        ({"current_password": "", "new_password": "another good one"}, "Enter your password"),
        ({"current_password": PASSWORD, "new_password": "short"}, "Password must be at least 8 characters long"),
    ],
)
def test_a_password_is_not_changed_by_mistake(owner: Person, values: dict[str, str], words: str) -> None:
    assert owner.browser.get("/account").submit(status=422, **values).errors == [words]
    assert owner.browser.get("/account").heading == "Account"


def test_a_password_is_taken_as_it_is_typed(app: Flask) -> None:
    typed = "  two spaces before, one behind "
    Browser(app).get("/register").submit(**registration_values(password=typed))
    sign_in = Browser(app).get("/login")
    sign_in.submit(status=422, email="owner@example.com", password=typed.strip())
    page = sign_in.submit(email="owner@example.com", password=typed)
    assert page.heading == "Record a purchase"
    changed = page._browser.get("/account").submit(current_password=typed, new_password=f" {typed}")
    assert changed.message == "Password changed. Every other browser was signed out."
    sign_in = Browser(app).get("/login")
    sign_in.submit(status=422, email="owner@example.com", password=typed)
    assert sign_in.submit(email="owner@example.com", password=f" {typed}").heading == "Record a purchase"


@pytest.mark.parametrize("password", ["x" * 129, "long enough " * 5_000, "long enough\0", "short"])
def test_a_password_that_is_refused_is_never_hashed(
    owner: Person, monkeypatch: pytest.MonkeyPatch, password: str
) -> None:
    """To hash takes its time, on purpose."""
    hashed: list[str] = []
    link = link_to(owner)
    account = owner.browser.get("/account")
    monkeypatch.setattr(accounts, "hash_password", hashed.append)
    Browser(owner.app).get("/register").submit(status=422, **registration_values(password=password))
    account.submit(status=422, current_password=PASSWORD, new_password=password)
    Browser(owner.app).get(link).submit(status=422, new_password=password)
    assert hashed == []


def test_a_colleague_sees_the_same_shop(owner: Person) -> None:
    owner.capture(item="a book")
    colleague = make_colleague(owner)
    assert colleague.browser.get("/purchases").rows("Purchases")[0][1] == "a book"
