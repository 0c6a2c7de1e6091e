"""The operator's doors: `flask users`, `flask tokens create` and `flask import`."""

import hashlib
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from functools import wraps
from pathlib import Path
from typing import BinaryIO, ParamSpec, TextIO

import click
from flask import Flask
from flask.cli import AppGroup, with_appcontext
from sqlalchemy import exc

from extensions import db
from models import ApiToken, Import, User
from models.dialect import allow_long_statements, fault_code, is_passing
from models.normal import normal_email
from routes.formats import money_text
from routes.resetting import link_with
from schemas.account import Registration
from schemas.problems import Refused, judge
from schemas.table import Table, TableError, find_places
from schemas.table_file import detect, open_text
from schemas.table_rows import Kind, kind_of
from schemas.token import TokenDetails
from services import accounts
from services import tokens as api_tokens
from services.importing import ImportReport, Verdict, import_rows
from services.refusals import Contention, EmailTaken
from services.resetting import make_token

_WRONG_ROWS_SHOWN = 100
# A connection that breaks while it commits leaves open whether it did.
_BUSY = "The database is busy or away. Try again later: nothing is recorded twice."

P = ParamSpec("P")

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
    app.cli.add_command(import_file)


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
    try:
        user = accounts.register(judge(Registration, {"email": email, "password": password, **shop}))
    except Refused as refused:
        raise click.ClickException("\n".join(problem.message for problem in refused.problems)) from None
    except EmailTaken as taken:
        raise click.ClickException(taken.message) from None
    db.session.commit()
    click.echo(f"Created {user.email}, shop “{user.shop.name}”.")


@users.command("reset-link")
@click.argument("email")
@with_appcontext
@told_when_busy
def make_reset_link(email: str) -> None:
    """Prints a link by which the user EMAIL sets a new password: once, within half an hour."""
    link = link_with(make_token(_user(email)))
    db.session.commit()
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
    user = _user(email)
    asked = {"name": name, "scopes": scopes or ApiToken.SCOPES, "expires_in_days": expires_in_days}
    try:
        _, text = api_tokens.make(judge(TokenDetails, asked), user=user)
    except Refused as refused:
        raise click.ClickException("\n".join(problem.message for problem in refused.problems)) from None
    db.session.commit()
    click.echo(text)


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--user", "email", required=True, help="Who records them; their shop receives them.")
@click.option("--column", "columns", multiple=True, metavar="FIELD=HEADER", help="Which column holds a field.")
@click.option("--item", help="What was bought, for files without such a column.")
@click.option("--dry-run", is_flag=True, help="Check every row as if importing, and store nothing.")
@with_appcontext
@told_when_busy
def import_file(file: Path, email: str, columns: tuple[str, ...], item: str | None, dry_run: bool) -> None:
    """Records every row of the CSV file FILE, or none of them. The same file again changes nothing.

    \b
    Fields: customer (one line: a name, an e-mail, Tim <tim@example.com>), name, email, phone, reference,
    item, quantity, amount, unit_price, currency, purchased_on, note, external_id, and customer_id (ids as an export
    tells customers apart). Columns whose header is the name of a field are found by themselves. A file without any of
    item to purchased_on and external_id is one of customers.
    """
    user = _user(email)
    began = time.perf_counter()
    if not file.is_file():
        raise click.ClickException(f"{file} is no file that can be read twice. Save what it gives as a file first")
    allow_long_statements()
    try:
        with file.open("rb") as opened:
            found, key_prefix = detect(opened), _key_prefix(opened)
        with open_text(file.open("rb"), found.encoding) as text:
            table, constants = Table(_lines(text), found.delimiter), {"item": item} if item else {}
            places = find_places(table.headers, _mapping(columns), constants)
            report = import_rows(
                table.rows(places, constants),
                shop=user.shop,
                by=user,
                key_prefix=key_prefix,
                kind=kind_of({*places, *constants}),
            )
    except TableError as error:
        raise click.ClickException(str(error)) from None
    if report.wrong:
        db.session.rollback()
        _tell_wrong(report, _mapping(columns))
    if dry_run:
        db.session.rollback()
    else:
        db.session.commit()
    _tell(report, user, dry_run, time.perf_counter() - began)


def _user(email: str) -> User:
    user = accounts.find_user(normal_email(email.strip())) if email.isprintable() else None
    if user is None:
        shown = email.encode("ascii", "backslashreplace").decode()
        raise click.ClickException(f"{shown} has no account. Make one with: flask users create {shown}")
    return user


def _mapping(columns: tuple[str, ...]) -> dict[str, str]:
    pairs = [column.partition("=") for column in columns]
    if wrong := [field for field, _, header in pairs if not header]:
        raise click.ClickException(f"--column {wrong[0]}: write it like --column purchased_on=date")
    fields = [field.strip() for field, _, _ in pairs]
    if double := [field for field in fields if fields.count(field) > 1]:
        raise click.ClickException(f"--column {double[0]} is given twice. Give it once")
    return {field.strip(): header.strip() for field, _, header in pairs}


def _key_prefix(file: BinaryIO) -> str:
    """The same for the same content, whatever the file is called: what makes a second import a replay."""
    digest = hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]  # a BufferedReader
    return Import(sha256=digest, attempt=1).key_prefix


def _lines(text: TextIO) -> Iterator[str]:
    """The file's lines, with a progress bar on a terminal."""
    size = os.fstat(text.fileno()).st_size
    with click.progressbar(length=size, label="Importing", file=sys.stderr, hidden=not sys.stderr.isatty()) as bar:
        for line in text:
            yield line
            bar.update(text.buffer.tell() - bar.pos)


def _tell_wrong(report: ImportReport, columns: Mapping[str, str]) -> None:
    for wrong in report.wrong[:_WRONG_ROWS_SHOWN]:
        where = f"line {wrong.line}, {columns.get(wrong.field, wrong.field)}" if wrong.field else f"line {wrong.line}"
        click.echo(f"{where}: {wrong.message}", err=True)
    if len(report.wrong) > _WRONG_ROWS_SHOWN:
        click.echo(f"… and {len(report.wrong) - _WRONG_ROWS_SHOWN:,} more", err=True)
    raise click.ClickException(f"{len(report.wrong):,} wrong. Nothing was stored: mend the file and import it again.")


def _tell(report: ImportReport, user: User, dry_run: bool, seconds: float) -> None:
    verb = "Would import" if dry_run else "Imported"
    pieces = f", {report.pieces:,} pieces" if report.kind == Kind.PURCHASES else ""
    click.echo(f"{verb} {report.recorded:,} {report.kind}{pieces}, in {seconds:.1f} s.")
    for currency, minor in sorted(report.amounts.items()):
        click.echo(f"Amounts: {money_text(minor, currency, user.shop.country)} ({currency})")
    new, updated, unchanged = map(report.count_of, (Verdict.CREATED, Verdict.UPDATED, Verdict.UNCHANGED))
    click.echo(f"Rows: {new:,} made a new customer, {updated:,} updated one, {unchanged:,} changed none.")
    if repeated := report.count_of(Verdict.REPEATED):
        click.echo(f"Already imported before, left as they are: {repeated:,} rows.")
