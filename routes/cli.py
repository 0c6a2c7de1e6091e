"""The operator's doors to people and what acts for them: `flask users`, `flask tokens create` and `flask demo`."""

import secrets
import sys
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import click
from flask import Flask, current_app
from flask.cli import AppGroup, with_appcontext
from sqlalchemy import exc

from extensions import db
from models import ApiToken, User
from models.dialect import fault_code, is_passing
from models.normal import normal_email
from routes import security_log
from routes.resetting import link_with
from schemas.account import Registration
from schemas.problems import Refused, judge
from schemas.token import TokenDetails
from services import accounts, demo
from services import tokens as api_tokens
from services.refusals import Contention, EmailTaken
from services.resetting import make_token

# A connection that breaks while it commits leaves open whether it did.
_BUSY = "The database is busy or away. Try again later: nothing is recorded twice."

_DEMO_SHOP = {"shop_name": "Corner books", "country": "US", "currency": "USD", "time_zone": "America/New_York"}

P = ParamSpec("P")
T = TypeVar("T")

users = AppGroup("users", help="People with accounts.")
tokens = AppGroup("tokens", help="What lets other systems in.")


def told_when_busy(command: Callable[P, None]) -> Callable[P, None]:
    """A database that is away or locked is one line, not a traceback."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except (Contention, exc.TimeoutError):
            raise click.ClickException(_BUSY) from None
        except exc.DBAPIError as error:
            if not is_passing(error):
                raise
            raise click.ClickException(f"{_BUSY} ({fault_code(error)})") from None

    return run


def register(app: Flask) -> None:
    app.cli.add_command(users)
    app.cli.add_command(tokens)
    app.cli.add_command(make_demo)


def user_called(email: str) -> User:
    """Raises ClickException for who has no account."""
    user = accounts.find_user(normal_email(email.strip())) if email.isprintable() else None
    if user is None:
        shown = email.encode("ascii", "backslashreplace").decode()
        raise click.ClickException(f"{shown} has no account. Make one with: flask users create {shown}")
    return user


@users.command("create")
@click.argument("email")
@click.option("--shop", "shop_name", default="My shop", show_default=True, help="The name of the shop it opens.")
@click.option("--country", default="US", show_default=True, help="ISO 3166-1 code, for phone numbers.")
@click.option("--currency", default="USD", show_default=True, help="ISO 4217 code, for amounts.")
@click.option("--time-zone", default="UTC", show_default=True, help="IANA name: when the shop's day begins.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@with_appcontext
@told_when_busy
def create_user(email: str, password_stdin: bool, **shop: str) -> None:
    """Opens a shop with EMAIL as its user."""
    password = (
        _password_from_stdin()
        if password_stdin
        else click.prompt("Password", hide_input=True, confirmation_prompt=True)
    )
    least = current_app.config["PASSWORD_MIN_LENGTH"]
    user = _opened(accounts.register, email=email, password=password, min_length=least, **shop)
    db.session.commit()
    security_log.note_by_operator("registered", user)
    click.echo(f"Created {user.email}, shop “{user.shop.name}”.")


@click.command("demo")
@click.argument("email", default="demo@example.com")
@with_appcontext
@told_when_busy
def make_demo(email: str) -> None:
    """Opens a shop with made-up customers and purchases, and prints how to sign in."""
    password = secrets.token_urlsafe(12)
    made = _opened(demo.open_shop, email=email, password=password, **_DEMO_SHOP)
    db.session.commit()
    security_log.note_by_operator("registered", made.user)
    click.echo(f"Made a shop with {made.customers:,} customers and {made.purchases:,} purchases.")
    click.echo(f"Sign in as {made.user.email} with the password {password}")


def _opened(open_shop: Callable[[Registration], T], **details: object) -> T:
    try:
        return open_shop(judge(Registration, details))
    except Refused as refused:
        raise click.ClickException("\n".join(problem.message for problem in refused.problems)) from None
    except EmailTaken as taken:
        raise click.ClickException(taken.message) from None


@users.command("reset-link")
@click.argument("email")
@with_appcontext
@told_when_busy
def make_reset_link(email: str) -> None:
    """Prints a link by which the user EMAIL sets a new password: once, within half an hour."""
    user = user_called(email)
    link = link_with(make_token(user))
    db.session.commit()
    security_log.note_by_operator("reset-link-made", user)
    click.echo(link)


def _password_from_stdin() -> str:
    line = sys.stdin.buffer.readline()
    # What is no text becomes half characters, which the schema refuses in words.
    return line.decode(errors="surrogateescape").rstrip("\r\n")


@tokens.command("create")
@click.argument("email")
@click.argument("name")
@click.option("--scope", "scopes", multiple=True, help="What it may do; given once for each. All of it by default.")
@click.option("--expires-in-days", metavar="N", help="Without it the token lives until it is revoked.")
@with_appcontext
@told_when_busy
def create_token(email: str, name: str, scopes: tuple[str, ...], expires_in_days: str | None) -> None:
    """Makes an API token called NAME, which acts as the user EMAIL, and prints it: it is shown this once.

    \b
    Scopes: purchases:read, purchases:write, customers:read, customers:write, reports:read.
    """
    user = user_called(email)
    asked = {"name": name, "scopes": scopes or ApiToken.SCOPES, "expires_in_days": expires_in_days}
    try:
        _, text = api_tokens.make(judge(TokenDetails, asked), user=user)
    except Refused as refused:
        raise click.ClickException("\n".join(problem.message for problem in refused.problems)) from None
    db.session.commit()
    security_log.note_by_operator("token-made", user)
    click.echo(text)
