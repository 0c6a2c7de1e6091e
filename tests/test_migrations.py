"""The schema goes up and down, one step at a time, with data in the tables."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from alembic.script import ScriptDirectory
from flask import Flask
from sqlalchemy import MetaData, Table, func, inspect, select, text

from extensions import db
from models import dialect

MIGRATIONS = Path(__file__).parents[1] / "migrations"
REVISIONS = [script.revision for script in reversed(list(ScriptDirectory(str(MIGRATIONS)).walk_revisions()))]
NOON = "2026-11-21 12:00:00"
ID = "01890a5dac96774bbcceb302099a8057"
# One row for each table, with the columns that it had when it was made.
ROWS: dict[str, dict[str, Any]] = {
    "shops": {"id": 1, "name": "Shop", "currency": "USD", "country": "US", "time_zone": "UTC", "created_at": NOON},
    "users": {
        "id": 1,
        "shop_id": 1,
        "email": "owner@example.com",
        "email_normal": "owner@example.com",
        "password_hash": "x",
        "created_at": NOON,
    },
    "user_sessions": {"token_hash": b"x" * 32, "shop_id": 1, "user_id": 1, "created_at": NOON, "last_seen_at": NOON},
    "tries": {"id": ID, "subject": b"x" * 32, "at": NOON},
    "password_resets": {"token_hash": b"x" * 32, "shop_id": 1, "user_id": 1, "created_at": NOON},
    "customers": {
        "shop_id": 1,
        "id": ID,
        "name": "Tim",
        "name_normal": "tim",
        "created_at": NOON,
        "updated_at": NOON,
        "version": 1,
    },
    "identities": {"shop_id": 1, "kind": "name", "value": "tim", "customer_id": ID},
    "customer_words": {"shop_id": 1, "word": "tim", "customer_id": ID},
    "purchases": {
        "shop_id": 1,
        "id": ID,
        "customer_id": ID,
        "item": "a book",
        "item_normal": "a book",
        "quantity": 1,
        "amount_minor": 1550,
        "currency": "USD",
        "purchased_on": "2026-11-21",
        "buyer": "{}",
        "capture_key": "1",
        "content_hash": b"x" * 32,
        "source": "web",
        "recorded_at": NOON,
        "recorded_by_id": 1,
    },
    "changes": {"shop_id": 1, "id": ID, "customer_id": ID, "user_id": 1, "at": NOON, "field": "name", "after": "Tim"},
    "api_tokens": {
        "shop_id": 1,
        "id": ID,
        "user_id": 1,
        "name": "Till 7",
        "scopes": "[]",
        "token_hash": b"x" * 32,
        "last_four": "abcd",
        "created_at": NOON,
    },
    "imports": {
        "shop_id": 1,
        "id": ID,
        "user_id": 1,
        "uploaded_at": NOON,
        "file_name": "purchases.csv",
        "sha256": "0" * 64,
        "content": b"name,item",
        "size": 9,
        "attempt": 1,
        "status": "uploaded",
        "rows_done": 0,
        "rows_total": 0,
        "leaves_wrong_out": False,
    },
    "actions": {"shop_id": 1, "id": ID, "kind": "edit", "user_id": 1, "at": NOON},
}


on_sqlite = pytest.mark.parametrize("empty_database_url", ["sqlite"], indirect=True)
on_postgresql = pytest.mark.parametrize("empty_database_url", ["postgresql"], indirect=True)


def run(app: Flask, *command: str) -> str:
    result = app.test_cli_runner().invoke(args=["db", *command, "-d", str(MIGRATIONS)])
    assert result.exit_code == 0, (result.output, result.exception)
    return result.output


def tables(app: Flask) -> set[str]:
    with app.app_context():
        return set(inspect(db.engine).get_table_names()) - {"alembic_version"}


def fill(app: Flask, names: set[str]) -> None:
    """Puts the row of each table into it, as plain text where the columns' types are the database's own.

    Words are there already, if a customer was before their table.
    """
    with app.app_context(), db.engine.begin() as connection:
        for name in [name for name in ROWS if name in names]:
            if connection.scalar(text(f"SELECT count(*) FROM {name}")):
                continue
            columns = ROWS[name]
            values = ", ".join(f":{column}" for column in columns)
            connection.execute(text(f"INSERT INTO {name} ({', '.join(columns)}) VALUES ({values})"), columns)


def content(app: Flask) -> dict[str, dict[str, Any]]:
    """The only row of each table."""
    found = {}
    with app.app_context(), db.engine.connect() as connection:
        for name in tables(app):
            table = Table(name, MetaData(), autoload_with=connection)
            assert connection.scalar(select(func.count()).select_from(table)) == 1
            found[name] = dict(connection.execute(select(table)).mappings().one())
    return found


def test_every_step_goes_down_and_up_again_and_keeps_the_data(empty_app: Flask) -> None:
    kept: dict[str, dict[str, dict[str, Any]]] = {}
    for revision in REVISIONS:
        before = tables(empty_app)
        run(empty_app, "upgrade", revision)
        fill(empty_app, tables(empty_app) - before)
        kept[revision] = content(empty_app)

    for revision, below in zip(reversed(REVISIONS), [*reversed(REVISIONS[:-1]), "base"], strict=True):
        new = tables(empty_app) - set(kept.get(below, {}))
        run(empty_app, "downgrade", below)
        assert content(empty_app) == kept.get(below, {})
        run(empty_app, "upgrade", revision)
        fill(empty_app, new)
        assert content(empty_app) == kept[revision]
        run(empty_app, "downgrade", below)
    assert tables(empty_app) == set()

    run(empty_app, "upgrade")
    assert tables(empty_app) == set(db.metadata.tables)


def test_all_steps_at_once_go_down_and_up_again_with_data(empty_app: Flask) -> None:
    run(empty_app, "upgrade")
    fill(empty_app, tables(empty_app))
    run(empty_app, "downgrade", "base")
    assert tables(empty_app) == set()
    run(empty_app, "upgrade")
    fill(empty_app, tables(empty_app))
    assert set(content(empty_app)) == set(db.metadata.tables)


def test_models_and_migrations_are_of_one_mind(empty_app: Flask) -> None:
    run(empty_app, "upgrade")
    run(empty_app, "check")


def test_a_difference_between_models_and_tables_is_noticed(empty_app: Flask) -> None:
    """Or else the test above could not fail."""
    run(empty_app, "upgrade")
    with empty_app.app_context(), db.engine.begin() as connection:
        connection.execute(text("ALTER TABLE customers ADD COLUMN colour TEXT"))
    result = empty_app.test_cli_runner().invoke(args=["db", "check", "-d", str(MIGRATIONS)])
    assert result.exit_code == 1


def test_foreign_keys_hold_again_after_every_run(empty_app: Flask) -> None:
    for _ in range(2):
        run(empty_app, "upgrade")
        with empty_app.app_context(), db.engine.connect() as connection:
            if connection.dialect.name == "sqlite":
                assert connection.scalar(text("PRAGMA foreign_keys")) == 1


def test_a_second_upgrade_changes_nothing(empty_app: Flask) -> None:
    run(empty_app, "upgrade")
    fill(empty_app, tables(empty_app))
    before = content(empty_app)
    run(empty_app, "upgrade")
    assert content(empty_app) == before


def test_the_sql_can_be_written_without_a_database(empty_app: Flask) -> None:
    """For who may not let a program change their tables; SQLite has no such people, and is asked what to rebuild."""
    with empty_app.app_context():
        if db.engine.dialect.name == "sqlite":
            return
    sql = run(empty_app, "upgrade", "--sql")
    assert all(f"CREATE TABLE {table} " in sql for table in db.metadata.tables)


def test_every_table_is_tested_with_a_row(empty_app: Flask) -> None:
    run(empty_app, "upgrade")
    assert set(ROWS) == tables(empty_app)


@on_sqlite
def test_of_two_who_migrate_a_file_the_second_waits_for_the_first(empty_app: Flask, empty_database_url: str) -> None:
    told = {"DATABASE_URL": empty_database_url, "ENVIRONMENT": "development", "SECRET_KEY": "x" * 32}
    command = [sys.executable, "-m", "flask", "db", "upgrade"]
    with empty_app.app_context(), dialect.migrating(db.engine):
        second = subprocess.Popen(command, cwd=MIGRATIONS.parent, env=os.environ | told, stderr=subprocess.DEVNULL)
        with pytest.raises(subprocess.TimeoutExpired):
            second.wait(4)
        assert tables(empty_app) == set()
    assert second.wait() == 0
    assert tables(empty_app) == set(db.metadata.tables)


@on_postgresql
def test_of_two_deployers_the_second_waits_for_the_first(empty_app: Flask, empty_database_url: str) -> None:
    told = {"DATABASE_URL": empty_database_url, "ENVIRONMENT": "development", "SECRET_KEY": "x" * 32}
    command = [sys.executable, "-m", "flask", "db", "upgrade"]
    is_waiting = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
    with empty_app.app_context(), dialect.migrating(db.engine) as first:
        second = subprocess.Popen(command, cwd=MIGRATIONS.parent, env=os.environ | told, stderr=subprocess.DEVNULL)
        while not first.scalar(is_waiting):
            assert second.poll() is None
            time.sleep(0.1)
        assert tables(empty_app) == set()
    assert second.wait() == 0
    assert tables(empty_app) == set(db.metadata.tables)


@on_postgresql
def test_a_migration_gives_up_where_others_keep_a_table_locked(empty_app: Flask) -> None:
    """Whoever wants to record waits behind it meanwhile."""
    run(empty_app, "upgrade", "0009")
    with empty_app.app_context(), db.engine.connect() as other:
        other.execute(text("SELECT 1 FROM customers"))
        began = time.monotonic()
        result = empty_app.test_cli_runner().invoke(args=["db", "upgrade", "-d", str(MIGRATIONS)])
    assert "LockNotAvailable" in str(result.exception)
    assert 3 <= time.monotonic() - began < 10
    run(empty_app, "upgrade")


@on_postgresql
def test_the_sql_gives_up_there_too(empty_app: Flask) -> None:
    assert "SET LOCAL lock_timeout = '3s'" in run(empty_app, "upgrade", "--sql")


FIRST_RELEASE = "0015"
"""Those before it never ran where somebody recorded."""
STOPS_OTHERS = re.compile(
    r"CREATE (UNIQUE )?INDEX (?!CONCURRENTLY)"
    r"|ADD CONSTRAINT \w+ (?!(CHECK|FOREIGN KEY).*NOT VALID$)"
    r"|ADD COLUMN (?!.*DEFAULT).*NOT NULL"
    r"|RENAME| TYPE "
)
"""What locks a table until all of it is read, or takes away what the release that is running writes or reads."""


def stops_others(sql: str) -> list[str]:
    """The statements that may not be run while others record; new tables are nobody's yet."""
    statements = [" ".join(statement.split()) for statement in sql.split(";")]
    new = {match[1] for statement in statements if (match := re.match(r"CREATE TABLE (\w+)", statement))}
    return [
        statement
        for statement in statements
        if STOPS_OTHERS.search(statement) and new.isdisjoint(re.findall(r"(?:TABLE|ON) (\w+)", statement))
    ]


@on_postgresql
def test_the_release_that_is_running_goes_on_while_migrations_run(empty_app: Flask) -> None:
    assert stops_others(run(empty_app, "upgrade", f"{FIRST_RELEASE}:head", "--sql")) == []


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE INDEX ix ON purchases (item)",
        "CREATE UNIQUE INDEX ix ON purchases (item)",
        "ALTER TABLE purchases ADD CONSTRAINT ck CHECK (quantity < 9)",
        "ALTER TABLE purchases ADD CONSTRAINT fk FOREIGN KEY(till_id) REFERENCES tills (id)",
        "ALTER TABLE purchases ADD CONSTRAINT uq UNIQUE (item)",
        "ALTER TABLE purchases ADD COLUMN till TEXT NOT NULL",
        "ALTER TABLE purchases RENAME item TO product",
        "ALTER TABLE purchases RENAME TO sales",
        "ALTER TABLE purchases ALTER COLUMN quantity TYPE BIGINT",
    ],
)
def test_what_would_stop_others_is_noticed(sql: str) -> None:
    """Or else the test above could not fail."""
    made = "CREATE TABLE tills (\n id INTEGER NOT NULL\n);\n\nCREATE INDEX ix ON tills (id);\n\n"
    assert stops_others(f"{made}{sql};\n\n") == [sql]


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE INDEX CONCURRENTLY ix ON purchases (item)",
        "ALTER TABLE purchases ADD CONSTRAINT ck CHECK (quantity < 9) NOT VALID",
        "ALTER TABLE purchases VALIDATE CONSTRAINT ck",
        "ALTER TABLE purchases ADD COLUMN till TEXT",
        "ALTER TABLE purchases ADD COLUMN till TEXT DEFAULT '' NOT NULL",
        "ALTER TABLE purchases ALTER COLUMN till SET NOT NULL",
    ],
)
def test_what_lets_others_go_on_is_no_fault(sql: str) -> None:
    assert stops_others(f"{sql};\n\n") == []


@on_sqlite
def test_a_migration_that_leaves_a_row_pointing_nowhere_is_not_applied(
    empty_app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    run(empty_app, "upgrade", "0009")
    with empty_app.app_context(), db.engine.connect() as connection:
        driver: Any = connection.connection.dbapi_connection
        driver.execute("PRAGMA foreign_keys = OFF")
        driver.execute("INSERT INTO user_sessions VALUES (x'00', 1, 1, '2026-11-21', '2026-11-21')")
        driver.execute("PRAGMA foreign_keys = ON")
    result = empty_app.test_cli_runner().invoke(args=["db", "upgrade", "-d", str(MIGRATIONS)])
    assert result.exit_code == 1
    assert "The migration left a row of user_sessions that points at no users" in caplog.text
    with empty_app.app_context(), db.engine.connect() as connection:
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == "0009"
