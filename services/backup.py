"""The whole database as one file, and back again.

The file is a ZIP archive of what the database's own tools make, SQLite's file or pg_dump's custom format, and of a
manifest: which schema it has, and how many rows each table.
"""

import json
import os
import re
import sqlite3
import subprocess
import tempfile
import zlib
from collections.abc import Collection
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol
from zipfile import ZIP_DEFLATED, BadZipFile, ZipFile

from psycopg2.extensions import make_dsn
from sqlalchemy import Connection, Engine, create_engine, inspect, text
from sqlalchemy.exc import DBAPIError

from extensions import db
from models.dialect import without_limits

_MANIFEST = "manifest.json"
_DUMP = "tillbook.dump"
_REVISION_TABLE = "alembic_version"
_UNKNOWN_BEFORE_17 = b"\nSET transaction_timeout = 0;"
_PREAMBLE_MAX = 4096
"""Bytes, before anything that was backed up."""


class BackupError(Exception):
    """It cannot be done; the message says why, and what to do."""


@dataclass
class Manifest:
    database: str
    """`sqlite` or `postgresql`."""
    revision: str
    rows: dict[str, int]
    """How many there are, by table."""


class _Database(Protocol):
    def dump(self, to: Path) -> Manifest: ...

    def load(self, dump: Path, manifest: Manifest) -> None: ...


def back_up(file: Path) -> Manifest:
    """Writes all that is committed at one instant, while others go on. Raises BackupError."""
    if file.exists():
        raise BackupError(f"{file} is there already. Choose another name")
    if not file.parent.is_dir():
        raise BackupError(f"{file.parent} is no folder")
    with tempfile.TemporaryDirectory(dir=file.parent, prefix=".backup-") as folder:
        dump, archive = Path(folder) / _DUMP, Path(folder) / "archive"
        manifest = _database().dump(dump)
        with ZipFile(archive, "w", ZIP_DEFLATED, compresslevel=1) as zipped:
            zipped.write(dump, _DUMP)
            zipped.writestr(_MANIFEST, json.dumps(asdict(manifest), indent=2))
        _keep(archive, file)
    return manifest


def restore(file: Path, *, known_revisions: Collection[str], replaces: bool) -> Manifest:
    """Puts the database back as it was backed up, or leaves it as it is. Raises BackupError."""
    kind = db.engine.dialect.name
    with tempfile.TemporaryDirectory(prefix="tillbook-restore-") as folder:
        manifest = _unpack(file, Path(folder))
        if manifest.database != kind:
            raise BackupError(f"{file} is a backup of {manifest.database}, and this database is {kind}")
        if manifest.revision not in known_revisions:
            raise BackupError(f"{file} was made by a newer Tillbook (schema {manifest.revision}). Install that first")
        if not replaces and not _is_empty():
            raise BackupError("The database is not empty. To lose what is in it, add --replace")
        _database().load(Path(folder) / _DUMP, manifest)
    return manifest


def _keep(archive: Path, file: Path) -> None:
    """As a whole, and for its owner alone."""
    archive.chmod(0o600)
    with archive.open("rb") as written:
        os.fsync(written.fileno())
    archive.rename(file)


def _unpack(file: Path, folder: Path) -> Manifest:
    try:
        with ZipFile(file) as archive:
            archive.extract(_DUMP, folder)
            return Manifest(**json.loads(archive.read(_MANIFEST)))
    except (BadZipFile, zlib.error, EOFError, KeyError, ValueError, TypeError):
        raise BackupError(f"{file} is no backup of Tillbook, or is damaged") from None


def _database() -> _Database:
    return _SQLite() if db.engine.dialect.name == "sqlite" else _PostgreSQL()


def _is_empty() -> bool:
    file = db.engine.url.database
    if db.engine.dialect.name == "sqlite" and not Path(str(file)).exists():
        return True
    with db.engine.connect() as connection:
        return not any(_count_rows(connection).values())


def _look_at(connection: Connection) -> Manifest:
    """What the database holds. Raises BackupError when it was never migrated."""
    if not inspect(connection).has_table(_REVISION_TABLE):
        raise BackupError("The database has no tables. Make them with: flask db upgrade")
    revision = connection.scalar(text(f"SELECT version_num FROM {_REVISION_TABLE}"))  # noqa: S608
    return Manifest(connection.dialect.name, str(revision), _count_rows(connection))


def _count_rows(connection: Connection) -> dict[str, int]:
    names = sorted({*inspect(connection).get_table_names()} - {_REVISION_TABLE})
    return {name: connection.scalar(text(f'SELECT count(*) FROM "{name}"')) or 0 for name in names}  # noqa: S608


class _SQLite:
    """By its online backup: others may read and write meanwhile."""

    def dump(self, to: Path) -> Manifest:
        with db.engine.connect() as connection:
            driver: Any = connection.connection.dbapi_connection
            self._copy(driver, to)
        return self._check(to)

    def load(self, dump: Path, manifest: Manifest) -> None:
        if self._check(dump) != manifest:
            raise BackupError("The backup does not hold what it says. Nothing was restored")
        # Into the file that is there, as one transaction: whoever serves it goes on with what was restored.
        with closing(sqlite3.connect(dump)) as source:
            self._copy(source, Path(str(db.engine.url.database)))

    def _copy(self, source: sqlite3.Connection, to: Path) -> None:
        with closing(sqlite3.connect(to)) as target:
            source.backup(target)  # all pages in one step: it need not begin again when others write

    def _check(self, file: Path) -> Manifest:
        engine: Engine = create_engine(f"sqlite:///{file}")
        try:
            with engine.connect() as connection:
                if connection.scalar(text("PRAGMA integrity_check")) != "ok":
                    raise BackupError("The database is damaged")
                return _look_at(connection)
        except DBAPIError as error:
            raise BackupError(f"The database cannot be read: {error.orig}") from None
        finally:
            engine.dispose()


class _PostgreSQL:
    """By its own tools: pg_dump, pg_restore and psql, of the server's version or newer."""

    def dump(self, to: Path) -> Manifest:
        with without_limits(db.engine).connect().execution_options(isolation_level="REPEATABLE READ") as connection:
            snapshot = connection.scalar(text("SELECT pg_export_snapshot()"))
            manifest = _look_at(connection)
            _check_tool("pg_dump", connection)
            tables = [f'--table=public."{name}"' for name in (*manifest.rows, _REVISION_TABLE)]
            _run("pg_dump", "--format=custom", f"--snapshot={snapshot}", f"--file={to}", *tables, _address())
        return manifest

    def load(self, dump: Path, manifest: Manifest) -> None:
        with db.engine.connect() as connection:
            _check_tool("pg_restore", connection)
            names = inspect(connection).get_table_names()
            [server, *_] = connection.dialect.server_version_info or (0,)
        drop, made, check = (dump.with_suffix(suffix) for suffix in (".drop", ".made", ".check"))
        tables = ", ".join(f'public."{name}"' for name in names)
        drop.write_text(f"DROP TABLE {tables};" if names else "")
        _run("pg_restore", "--no-owner", "--no-acl", f"--file={made}", str(dump))
        if int(server) < 17:
            _leave_out_what_is_unknown(made)
        # As dialect.look_at_tables does.
        check.write_text(f"{_checks(manifest)}ANALYZE;")
        scripts = [f"--file={script}" for script in (drop, made, check)]
        # One transaction: what was there is gone only when all of the backup has come, and is what it says.
        _run("psql", "--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1", *scripts, _address())


def _leave_out_what_is_unknown(script: Path) -> None:
    """Makes a comment of what pg_restore of 17 or newer tells every server."""
    with script.open("r+b") as opened:
        place = opened.read(_PREAMBLE_MAX).find(_UNKNOWN_BEFORE_17)
        if place >= 0:
            opened.seek(place + 1)
            opened.write(b"--")


def _checks(manifest: Manifest) -> str:
    """SQL that fails when a table has other rows than it should."""
    return "".join(
        f"""DO $$ BEGIN IF (SELECT count(*) FROM public."{name}") <> {count:d}
        THEN RAISE 'table {name} does not have {count:d} rows'; END IF; END $$;\n"""  # noqa: S608
        for name, count in manifest.rows.items()
    )


def _address() -> str:
    """How the tools reach the database, but for the password: others on this computer see what a program is told."""
    return "--dbname=" + make_dsn(**{name: value for name, value in _parameters().items() if name != "password"})


def _parameters() -> dict[str, Any]:
    _, parameters = db.engine.dialect.create_connect_args(db.engine.url)
    return dict(parameters)


def _check_tool(tool: str, connection: Connection) -> None:
    found = re.search(r"\) (\d+)", _run(tool, "--version"))
    [server, *_] = connection.dialect.server_version_info or (0,)
    if not found or int(found[1]) < int(server):
        raise BackupError(f"{tool} is older than the server. Install the client tools of PostgreSQL {server} or newer")


def _run(tool: str, *arguments: str) -> str:
    password = _parameters().get("password")
    environment = os.environ | ({"PGPASSWORD": str(password)} if password else {})
    try:
        done = subprocess.run([tool, *arguments], env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    except FileNotFoundError:
        raise BackupError(f"{tool} is missing. Install the client tools of PostgreSQL") from None
    if done.returncode:
        reason = re.search(r"(?i)error: +(.*)", done.stderr) or re.search("(.+)", done.stderr)
        raise BackupError(f"{tool} failed: {reason[1] if reason else done.returncode}")
    return done.stdout
