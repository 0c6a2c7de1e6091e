"""The operator's doors: what is typed at a shell, and what it answers."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import event, exc, func, select

from extensions import db
from models import ApiToken, Shop, User
from schemas.account import Credentials
from services import accounts, tokens
from tests.cast import PASSWORD, Person


def run(app: Flask, *arguments: str, typed: str | bytes = "") -> Result:
    return app.test_cli_runner().invoke(args=list(arguments), input=typed)


# flask users create


def user_of(app: Flask, email: str) -> User:
    with app.app_context():
        return db.session.scalars(select(User).where(User.email == email)).one()


def can_sign_in(app: Flask, email: str, password: str) -> bool:
    with app.app_context():
        return accounts.check_credentials(Credentials(email=email, password=password)) is not None


def count(app: Flask, model: type[Shop] | type[User]) -> int:
    with app.app_context():
        return db.session.scalar(select(func.count()).select_from(model)) or 0


def test_a_user_is_created_by_typing_the_password_twice(app: Flask) -> None:
    result = run(app, "users", "create", "new@example.com", typed=f"{PASSWORD}\n{PASSWORD}\n")
    assert result.exit_code == 0, result.output
    assert "Created new@example.com, shop “My shop”." in result.stdout
    assert PASSWORD not in result.output
    assert can_sign_in(app, "new@example.com", PASSWORD)
    shop = user_of(app, "new@example.com").shop
    assert (shop.name, shop.country, shop.currency, shop.time_zone) == ("My shop", "US", "USD", "UTC")


def test_a_password_that_is_mistyped_is_asked_again(app: Flask) -> None:
    result = run(app, "users", "create", "new@example.com", typed=f"{PASSWORD}\nother one\n{PASSWORD}\n{PASSWORD}\n")
    assert result.exit_code == 0, result.output
    assert can_sign_in(app, "new@example.com", PASSWORD)


@pytest.mark.parametrize("line", [f"{PASSWORD}\n", f"{PASSWORD}\r\n", PASSWORD, f"{PASSWORD}\nanother line\n"])
def test_a_password_comes_from_standard_input(app: Flask, line: str) -> None:
    result = run(app, "users", "create", "new@example.com", "--password-stdin", typed=line)
    assert result.stdout == "Created new@example.com, shop “My shop”.\n"
    assert can_sign_in(app, "new@example.com", PASSWORD)


def test_a_password_from_standard_input_keeps_its_spaces(app: Flask) -> None:
    run(app, "users", "create", "new@example.com", "--password-stdin", typed="  two words  \n")
    assert can_sign_in(app, "new@example.com", "  two words  ")
    assert not can_sign_in(app, "new@example.com", "two words")


def test_the_shop_of_a_new_user_is_as_asked_for(app: Flask) -> None:
    options = ["--shop", "Café", "--country", "GB", "--currency", "GBP", "--time-zone", "Europe/London"]
    result = run(app, "users", "create", "New@Example.com", *options, "--password-stdin", typed=PASSWORD)
    assert result.stdout == "Created New@Example.com, shop “Café”.\n"
    shop = user_of(app, "New@Example.com").shop
    assert (shop.name, shop.country, shop.currency, shop.time_zone) == ("Café", "GB", "GBP", "Europe/London")


@pytest.mark.parametrize(
    ("arguments", "typed", "told"),
    [
        (["new@example.com"], "", "Enter a password"),
        (["new@example.com"], "\n", "Enter a password"),
        (["new@example.com"], "short\n", "Password must be at least 8 characters long"),
        (["new@example.com"], "x" * 129, "Password must be 128 characters or fewer"),
        (["new@example.com"], "password\0", "Password has a character that could not be read. Type it again"),
        (["new"], PASSWORD, "Enter an e-mail address like name@example.com"),
        ([""], PASSWORD, "Enter your e-mail address"),
        (["new@example.com", "--shop", " "], PASSWORD, "Enter the name of your shop"),
        (["new@example.com", "--shop", "x" * 201], PASSWORD, "Shop name must be 200 characters or fewer"),
        (["new@example.com", "--country", "UK"], PASSWORD, "Choose your country"),
        (["new@example.com", "--currency", "usd"], PASSWORD, "Choose a currency"),
        (["new@example.com", "--time-zone", "London"], PASSWORD, "Choose a time zone"),
        (["new", "--country", "UK"], "short", "Enter an e-mail address like name@example.com\nPassword must be"),
    ],
)
def test_a_user_who_is_refused(app: Flask, arguments: list[str], typed: str, told: str) -> None:
    result = run(app, "users", "create", *arguments, "--password-stdin", typed=typed)
    assert result.exit_code == 1
    assert result.stderr.startswith(f"Error: {told}")
    assert (count(app, User), count(app, Shop)) == (0, 0)


def test_a_password_that_is_no_text_is_refused(app: Flask) -> None:
    result = run(app, "users", "create", "new@example.com", "--password-stdin", typed=b"caf\xe9 au lait\n")
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: ")
    assert count(app, User) == 0


@pytest.mark.parametrize("email", ["owner@example.com", "OWNER@Example.com"])
def test_an_address_that_is_taken_is_refused(app: Flask, owner: Person, email: str) -> None:
    result = run(app, "users", "create", email, "--password-stdin", typed="another password")
    assert result.exit_code == 1
    assert result.stderr == "Error: This e-mail address already has an account. Sign in instead\n"
    assert (count(app, User), count(app, Shop)) == (1, 1)
    assert can_sign_in(app, "owner@example.com", PASSWORD)


# flask tokens create


def token_of(app: Flask, text: str) -> ApiToken:
    with app.app_context():
        token = tokens.find(text)
        assert token is not None
        return token


def count_tokens(app: Flask) -> int:
    with app.app_context():
        return db.session.scalar(select(func.count()).select_from(ApiToken)) or 0


def test_a_token_is_printed_alone_and_may_do_everything(owner: Person, stranger: Person) -> None:
    result = run(owner.app, "tokens", "create", owner.email, "Till 7")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("till_")
    token = token_of(owner.app, result.stdout.removesuffix("\n"))
    assert (token.name, token.scopes, token.expires_at) == ("Till 7", list(ApiToken.SCOPES), None)
    assert (token.user_id, token.shop_id) == (owner.user_id, owner.shop_id)


def test_a_token_is_as_asked_for(owner: Person, at: Callable[[str], None]) -> None:
    at("2026-11-21T12:00")
    options = ["--scope", "reports:read", "--scope", "purchases:write", "--expires-in-days", "30"]
    result = run(owner.app, "tokens", "create", " OWNER@example.com", " Café ", *options)
    token = token_of(owner.app, result.stdout.strip())
    assert (token.name, token.scopes) == ("Café", ["purchases:write", "reports:read"])
    assert str(token.expires_at) == "2026-12-21 12:00:00+00:00"


def test_the_help_names_every_scope(app: Flask) -> None:
    told = run(app, "tokens", "create", "--help").stdout
    assert all(scope in told for scope in ApiToken.SCOPES)


DAYS = "Days until the token expires must be a whole number from 1 to 3,650"
SCOPE = (
    "Choose what the token may do from purchases:read, purchases:write, customers:read, customers:write, reports:read"
)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["owner@example.com", ""], ["Enter a name for the token, like Till 7"]),
        (["owner@example.com", "x" * 101], ["Token name must be 100 characters or fewer"]),
        (["owner@example.com", "caf\udce9"], ["Token name has a character that could not be read. Type it again"]),
        (["owner@example.com", "Till\x1b[2J"], ["Token name has a control character. Type it again"]),
        (["owner@example.com", "Till 7", "--scope", "everything"], [SCOPE]),
        (["owner@example.com", "Till 7", "--scope", ""], [SCOPE]),
        (["owner@example.com", "Till 7", "--scope", "reports:read", "--scope", "reports:write"], [SCOPE]),
        (["owner@example.com", "Till 7", "--expires-in-days", "0"], [DAYS]),
        (["owner@example.com", "Till 7", "--expires-in-days", "soon"], [DAYS]),
        (["owner@example.com", " ", "--expires-in-days", "3651"], ["Enter a name for the token, like Till 7", DAYS]),
        (
            ["nobody@example.com", "Till 7"],
            ["nobody@example.com has no account. Make one with: flask users create nobody@example.com"],
        ),
    ],
)
def test_a_token_that_is_refused(owner: Person, arguments: list[str], told: list[str]) -> None:
    result = run(owner.app, "tokens", "create", *arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.splitlines() == [f"Error: {told[0]}", *told[1:]]
    assert count_tokens(owner.app) == 0


# All of them


@pytest.fixture
def without_database(app: Flask) -> Iterator[None]:
    def refuse(*_: object) -> None:
        raise exc.OperationalError("connect", {}, Exception("database is away"))

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", refuse)
    yield
    event.remove(engine, "before_cursor_execute", refuse)


@pytest.mark.usefixtures("without_database")
def test_a_database_that_is_away_is_one_line(app: Flask, tmp_path: Path) -> None:
    path = tmp_path / "purchases.csv"
    path.write_text("name,item\nTim,a book\n")
    for command in (
        ["import", str(path), "--user", "owner@example.com"],
        ["users", "create", "a@b.cc", "--password-stdin"],
        ["tokens", "create", "owner@example.com", "Till 7"],
    ):
        result = app.test_cli_runner().invoke(args=command, input="some password\n")
        assert result.exit_code == 1
        assert result.stderr.startswith(
            "Error: The database is busy or away. Try again later: nothing is recorded twice."
        )
