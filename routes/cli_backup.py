"""The operator's doors to a copy of everything: `flask backup`, `flask restore` and `flask copy-to`."""

from collections.abc import Callable
from pathlib import Path

import click
from alembic.script import ScriptDirectory
from flask import Flask, current_app
from flask.cli import with_appcontext

from routes import security_log
from routes.cli import told_when_busy
from services import backup, transfer
from services.backup import BackupError, Manifest
from services.transfer import TransferError


def register(app: Flask, read_database_url: Callable[[str], str]) -> None:
    """`read_database_url` is how an address of a database is read, and refused."""

    @app.cli.command("copy-to")
    @click.argument("database_url")
    @told_when_busy
    def copy_to(database_url: str) -> None:
        """Copies everything into the database at DATABASE_URL, from SQLite to PostgreSQL say, and compares both.

        It must be empty and have its tables (flask db upgrade). Stop Tillbook before.
        """
        try:
            rows = transfer.copy_to(read_database_url(database_url))
        except TransferError as error:
            raise click.ClickException(str(error)) from None
        _tell_copied(rows)

    app.cli.add_command(back_up)
    app.cli.add_command(restore)


@click.command("backup")
@click.argument("file", type=click.Path(path_type=Path))
@with_appcontext
@told_when_busy
def back_up(file: Path) -> None:
    """Copies the whole database into FILE, a new one, while others go on working."""
    try:
        manifest = backup.back_up(file)
    except (BackupError, OSError) as error:
        raise click.ClickException(str(error)) from None
    security_log.note_by_operator("backed-up")
    click.echo(f"Backed up {_content(manifest)} to {file}.")


@click.command("restore")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--replace", "replaces", is_flag=True, help="Lose what is in the database now.")
@with_appcontext
@told_when_busy
def restore(file: Path, replaces: bool) -> None:
    """Puts back all that was backed up into FILE, or nothing. Stop Tillbook before."""
    migrations = ScriptDirectory(str(Path(current_app.root_path) / "migrations"))
    known = {script.revision for script in migrations.walk_revisions()}
    try:
        manifest = backup.restore(file, known_revisions=known, replaces=replaces)
    except (BackupError, OSError) as error:
        raise click.ClickException(str(error)) from None
    security_log.note_by_operator("restored")
    click.echo(f"Restored {_content(manifest)} from {file}.")
    if manifest.revision != migrations.get_current_head():
        click.echo("It is of an earlier release. Now run: flask db upgrade")


def _tell_copied(rows: dict[str, int]) -> None:
    for table, count in rows.items():
        click.echo(f"{table}: {count:,}")
    click.echo("All of it arrived as it was. Let DATABASE_URL name the other database now, and start Tillbook.")


def _content(manifest: Manifest) -> str:
    purchases, customers, shops = (manifest.rows.get(table, 0) for table in ("purchases", "customers", "shops"))
    return f"{purchases:,} purchases, {customers:,} customers and {shops:,} shops (schema {manifest.revision})"
