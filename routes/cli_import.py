"""The operator's door for whole tables: `flask import`."""

import gc
import hashlib
import os
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, TextIO
from uuid import UUID

import click
from flask import Flask
from flask.cli import with_appcontext

from extensions import db
from models import Import, User
from models.dialect import allow_long_statements
from routes import security_log
from routes.cli import told_when_busy, user_called
from routes.formats import money_text
from schemas.table import Table, TableError, find_places
from schemas.table_file import DELIMITERS, ENCODINGS, FileFormat, detect, open_text
from schemas.table_rows import Kind, kind_of
from services import imports
from services.importing import ImportReport, Verdict, find_meant, import_rows
from services.refusals import CannotImport

_WRONG_ROWS_SHOWN = 100
_USUAL = FileFormat("utf-8-sig", ",")


def register(app: Flask) -> None:
    app.cli.add_command(import_file)


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
    user = user_called(email)
    began = time.perf_counter()
    if not file.is_file():
        raise click.ClickException(f"{file} is no file that can be read twice. Save what it gives as a file first")
    allow_long_statements()
    gc.set_threshold(100_000, 10, 10)  # or a quarter of the time goes into looking for what cannot be collected
    try:
        with file.open("rb") as opened:
            found, digest = detect(opened), _digest(opened)
        entered = imports.enter(_printable(file.name), digest, file.stat().st_size, user=user)
        report = imports.as_before(entered) or _import(
            file, found, entered, columns=_mapping(columns), item=item, user=user
        )
    except (TableError, CannotImport) as error:
        raise click.ClickException(str(error)) from None
    if report.wrong:
        db.session.rollback()
        _tell_wrong(report, _mapping(columns))
    if dry_run:
        db.session.rollback()
    else:
        imports.note_recorded(entered, report, by=user)
        db.session.commit()
        security_log.note_by_operator("imported", user)
    _tell(report, user, dry_run, time.perf_counter() - began)
    if found != _USUAL:
        click.echo(
            f"Read as {ENCODINGS[found.encoding]}, with {DELIMITERS[found.delimiter].lower()} between the cells."
        )


def _import(
    file: Path, read_as: FileFormat, entered: Import, *, columns: Mapping[str, str], item: str | None, user: User
) -> ImportReport:
    with open_text(file.open("rb"), read_as.encoding) as text:
        table, constants = Table(_lines(text), read_as.delimiter), {"item": item} if item else {}
        places = find_places(table.headers, columns, constants)
        return import_rows(
            table.rows(places, constants),
            shop=user.shop,
            by=user,
            key_prefix=entered.key_prefix,
            kind=kind_of({*places, *constants}),
            meant=_meant(file, read_as, places, user.shop_id),
        )


def _mapping(columns: tuple[str, ...]) -> dict[str, str]:
    pairs = [column.partition("=") for column in columns]
    if wrong := [field for field, _, header in pairs if not header]:
        raise click.ClickException(f"--column {wrong[0]}: write it like --column purchased_on=date")
    fields = [field.strip() for field, _, _ in pairs]
    if double := [field for field in fields if fields.count(field) > 1]:
        raise click.ClickException(f"--column {double[0]} is given twice. Give it once")
    return {field.strip(): header.strip() for field, _, header in pairs}


def _meant(file: Path, read_as: FileFormat, places: Mapping[str, int], shop_id: int) -> set[UUID]:
    if "customer_id" not in places:
        return set()
    with open_text(file.open("rb"), read_as.encoding) as text:
        return find_meant(Table(text, read_as.delimiter).rows(places, {}), shop_id)


def _digest(file: BinaryIO) -> str:
    """The same for the same content, whatever the file is called: what makes a second import a replay."""
    return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]  # a BufferedReader


def _printable(name: str) -> str:
    return "".join(part if part.isprintable() else "�" for part in name)[-Import.FILE_NAME_MAX :]


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
    if report.faults > _WRONG_ROWS_SHOWN:
        click.echo(f"… and {report.faults - _WRONG_ROWS_SHOWN:,} more", err=True)
    raise click.ClickException(f"{report.faults:,} wrong. Nothing was stored: mend the file and import it again.")


def _tell(report: ImportReport, user: User, dry_run: bool, seconds: float) -> None:
    verb = "Would import" if dry_run else "Imported"
    pieces = f", {_counted(report.pieces, 'pieces')}" if report.kind == Kind.PURCHASES else ""
    click.echo(f"{verb} {_counted(report.recorded, report.kind)}{pieces}, in {seconds:.1f} s.")
    for currency, minor in sorted(report.amounts.items()):
        click.echo(f"Amounts: {money_text(minor, currency, user.shop.country)} ({currency})")
    new, updated, unchanged = map(report.count_of, (Verdict.CREATED, Verdict.UPDATED, Verdict.UNCHANGED))
    click.echo(f"Rows: {new:,} made a new customer, {updated:,} updated one, {unchanged:,} changed none.")
    if repeated := report.count_of(Verdict.REPEATED):
        click.echo(f"Already imported before, left as they are: {repeated:,} rows.")


def _counted(count: int, things: str) -> str:
    return f"{count:,} {things.removesuffix('s') if count == 1 else things}"
