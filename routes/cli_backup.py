"""The operator's doors to a copy of everything: `flask backup` and `flask restore`."""

from pathlib import Path

import click
from alembic.script import ScriptDirectory
from flask import Flask, current_app
from flask.cli import with_appcontext

from routes.cli import told_when_busy
from services import backup
from services.backup import BackupError, Manifest


def register(app: Flask) -> None:
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
    click.echo(f"Restored {_content(manifest)} from {file}.")
    if manifest.revision != migrations.get_current_head():
        click.echo("It is of an earlier release. Now run: flask db upgrade")


def _content(manifest: Manifest) -> str:
    purchases, customers, shops = (manifest.rows.get(table, 0) for table in ("purchases", "customers", "shops"))
    return f"{purchases:,} purchases, {customers:,} customers and {shops:,} shops (schema {manifest.revision})"
