"""What a database is told at the start, and what happens to it under a running server."""

import shutil
import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import create_engine, exc, make_url, select, text
from sqlalchemy.orm import Session
from sqlalchemy.pool import QueuePool

from app import create_app
from extensions import db
from models import Identity, Purchase, dialect
from models.columns import new_id
from models.dialect import allow_long_statements, allow_sums, fault_code, insert_all, is_passing, violated_constraint
from tests.cast import Person, make_person
from tests.conftest import make_settings

LIMITS = {
    "statement_timeout": "5s",
    "lock_timeout": "3s",
    "idle_in_transaction_session_timeout": "10s",
    "synchronous_commit": "on",
}


@pytest.fixture
def postgresql(app: Flask) -> Iterator[Flask]:
    with app.app_context():
        yield app


on_postgresql = pytest.mark.parametrize("migrated_app", ["postgresql"], indirect=True)


def settings() -> dict[str, str]:
    return {name: str(db.session.scalar(text(f"SHOW {name}"))) for name in LIMITS}


@on_postgresql
def test_every_transaction_has_its_limits(postgresql: Flask) -> None:
    """Like with a PgBouncer that gives each transaction another connection, which knows nothing of the one before."""
    for _ in range(2):
        assert settings() == LIMITS
        db.session.rollback()
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("DISCARD ALL"))
    assert db.session.scalar(text("SHOW application_name")) == "tillbook"


@on_postgresql
@pytest.mark.parametrize("first", ["SELECT 1", "SAVEPOINT begun"])
def test_limits_hold_from_the_first_statement_on(postgresql: Flask, first: str) -> None:
    """They travel with it; a cursor of the server's, which takes only a query, is sent them before."""
    with db.engine.connect() as connection:
        connection.execute(text(first))
        assert connection.scalar(text("SHOW statement_timeout")) == LIMITS["statement_timeout"]
    with db.engine.connect().execution_options(stream_results=True) as connection:
        assert connection.scalars(text("SELECT current_setting('lock_timeout')")).all() == [LIMITS["lock_timeout"]]


@on_postgresql
def test_what_cannot_run_in_a_transaction_is_sent_alone(postgresql: Flask) -> None:
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM shops"))


@on_postgresql
def test_connections_that_ended_while_nobody_asked_are_replaced(owner: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    owner.browser.get("/purchases")
    with create_engine(make_url(owner.app.config["SQLALCHEMY_DATABASE_URI"])).begin() as other:
        ended = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'tillbook'"
        assert other.scalar(text(ended))
    assert owner.browser.get("/purchases").heading == "Purchases"


@on_postgresql
def test_limits_leave_nothing_behind_for_others_who_share_the_connection(postgresql: Flask) -> None:
    assert settings() == LIMITS
    with db.engine.connect() as connection:
        cursor = connection.connection.cursor()
        for name in LIMITS.keys() - {"synchronous_commit"}:
            cursor.execute(f"SHOW {name}")
            assert cursor.fetchone() == ("0",)


@on_postgresql
def test_reports_may_take_some_seconds_longer(postgresql: Flask) -> None:
    allow_sums()
    assert settings() == LIMITS | {"statement_timeout": "30s"}


@on_postgresql
def test_work_on_whole_tables_may_take_longer_until_its_transaction_ends(postgresql: Flask) -> None:
    allow_long_statements()
    assert settings() == LIMITS | {
        "statement_timeout": "10min",
        "idle_in_transaction_session_timeout": "10min",
    }
    db.session.rollback()
    assert settings() == LIMITS


@pytest.mark.parametrize(
    ("shortened", "statement", "code"),
    [
        ("statement_timeout", "SELECT pg_sleep(2)", "57014"),
        ("lock_timeout", "LOCK TABLE purchases", "55P03"),
    ],
)
@on_postgresql
def test_what_takes_too_long_is_a_passing_fault(postgresql: Flask, shortened: str, statement: str, code: str) -> None:
    with Session(db.engine) as other:
        other.execute(text("LOCK TABLE purchases"))
        db.session.execute(text(f"SET LOCAL {shortened} = '50ms'"))
        with pytest.raises(exc.DBAPIError) as ended:
            db.session.execute(text(statement))
    assert is_passing(ended.value)
    assert fault_code(ended.value) == code


@on_postgresql
def test_who_waits_for_a_row_for_too_long_is_told_to_try_again(postgresql: Flask, owner: Person) -> None:
    owner.capture(customer="Tim")
    with Session(db.engine) as other:
        other.execute(text("UPDATE customers SET version = version"))
        wish = {"customer": {"name": "Tim", "phone": "+12015550123"}, "item": "a book"}
        answer = owner.api.post("/purchases", wish, 503)
    assert answer.headers["Retry-After"] == "2"
    assert len(owner.purchases()) == 1


@on_postgresql
def test_a_transaction_that_was_forgotten_is_ended_and_the_next_one_works(postgresql: Flask) -> None:
    db.session.execute(text("SET LOCAL idle_in_transaction_session_timeout = '50ms'"))
    time.sleep(0.5)
    with pytest.raises(exc.DBAPIError) as ended:
        db.session.execute(text("SELECT 1"))
    assert is_passing(ended.value)
    db.session.rollback()
    assert db.session.scalar(text("SELECT 1")) == 1


def test_who_waits_for_a_connection_is_told_before_gunicorn_gives_the_worker_up(app: Flask) -> None:
    with app.app_context():
        pool = db.engine.pool
        assert isinstance(pool, QueuePool)
        assert pool.timeout() < 30


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "tillbook.db"


@pytest.fixture
def till(file: Path) -> Iterator[Person]:
    """Has a SQLite file of its own, with one purchase."""
    app = create_app(make_settings(f"sqlite:///{file}"))
    with app.app_context():
        upgrade(directory=str(Path(app.root_path) / "migrations"))
    till = make_person(app, "owner@example.com")
    till.capture(item="a book")
    assert till.api.get("/purchases").status == 200
    yield till
    with app.app_context():
        db.engine.dispose()


def test_sqlite_writes_through_to_the_disk_and_minds_foreign_keys(till: Person) -> None:
    told = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 5_000}
    with till.app.app_context():
        assert {name: db.session.scalar(text(f"PRAGMA {name}")) for name in told} == told


def record(till: Person, item: str = "a pen", *, status: int = 201) -> None:
    till.api.post("/purchases", {"customer": {"name": "Tim"}, "item": item}, status)


def delete(file: Path) -> None:
    for name in (file, *file.parent.glob(f"{file.name}-*")):
        name.unlink()


def copy(file: Path, to: Path) -> None:
    """All of it, with what is not yet in the file itself."""
    with sqlite3.connect(file) as source, sqlite3.connect(to) as target:
        source.backup(target)
    source.close()
    target.close()


def test_nothing_is_recorded_into_a_file_that_was_deleted(till: Person, file: Path) -> None:
    copy(file, file.with_suffix(".copy"))
    delete(file)
    record(till, status=503)
    till.api.get("/purchases", 503)
    assert till.app.test_client().get("/readyz").status_code == 503
    assert not file.exists()

    shutil.move(file.with_suffix(".copy"), file)
    record(till)
    assert [purchase.item for purchase in till.purchases()] == ["a book", "a pen"]


def test_a_file_that_was_replaced_is_the_one_that_is_written_to(till: Person, file: Path) -> None:
    copy(file, file.with_suffix(".copy"))
    record(till, "a mug")
    delete(file)
    shutil.move(file.with_suffix(".copy"), file)
    record(till)
    with sqlite3.connect(file) as connection:
        assert connection.execute("SELECT item FROM purchases ORDER BY id").fetchall() == [("a book",), ("a pen",)]
    connection.close()


def test_who_could_not_write_for_a_while_can_again_without_a_restart(till: Person) -> None:
    """SQLite opens a file that may not be written to as one to read, and keeps that until it is opened anew."""
    with till.app.app_context():
        db.session.connection().connection.dbapi_connection.execute("PRAGMA query_only = ON")  # type: ignore[union-attr]
        db.session.rollback()
    record(till, status=503)
    record(till)


def test_only_migrations_make_a_file(tmp_path: Path) -> None:
    app = create_app(make_settings(f"sqlite:///{tmp_path / 'new.db'}"))
    with app.app_context():
        with pytest.raises(exc.OperationalError):
            db.session.query(Purchase).all()
        assert not (tmp_path / "new.db").exists()
        upgrade(directory=str(Path(app.root_path) / "migrations"))
        assert db.session.query(Purchase).all() == []
        db.session.rollback()
        db.engine.dispose()


ODD = ["", "\\N", "\\", "a\tb", "a\nb", "a\r\nb", "\\.", "\\t", "x\\", "é𠀀\u2028", "null", "'\"", "{1,2}", "\x7f\x01"]


@pytest.mark.parametrize("count", [1, 1_000])
def test_many_rows_come_in_as_they_are(app: Flask, owner: Person, count: int) -> None:
    """By one statement or by COPY."""
    captured = owner.capture()
    with app.app_context():
        model = vars(db.session.get_one(Purchase, (owner.shop_id, captured.purchase.id)))
        rows = [
            {
                **{column.key: model[column.key] for column in Purchase.__table__.columns},
                "id": new_id(),
                "capture_key": f"key {number}",
                "item": f"a{ODD[number % len(ODD)]}",
                "item_normal": ODD[number % len(ODD)],
                "note": ODD[number % len(ODD)] or None,
                "buyer": {"name": ODD[number % len(ODD)]},
                "content_hash": bytes([number % 256]) * 32,
            }
            for number in range(count)
        ]
        insert_all(Purchase, rows)
        db.session.commit()
        kept = db.session.scalars(select(Purchase).where(Purchase.capture_key.startswith("key ")))
        by_id = {purchase.id: purchase for purchase in kept}
        assert len(by_id) == count
        for row in rows:
            assert {name: getattr(by_id[row["id"]], name) for name in row} == row


@pytest.mark.parametrize("count", [1, 1_000])
def test_rows_of_which_one_is_there_already_are_refused_by_the_name_of_the_rule(
    app: Flask, owner: Person, count: int
) -> None:
    tim = owner.capture(customer="Tim").customer
    values = ["tim", *(f"name {number}" for number in range(count - 1))]
    rows = [{"shop_id": owner.shop_id, "kind": "name", "value": value, "customer_id": tim.id} for value in values]
    with app.app_context():
        with pytest.raises(exc.IntegrityError) as refused:
            insert_all(Identity, rows)
        assert violated_constraint(refused.value) == "pk_identities"


def test_turns_are_for_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dialect, "_BUSY_TIMEOUT_MS", 20)
    turns, one, other = dialect._Turns(), object(), object()
    assert turns.wait(one)
    assert turns.wait(one)
    turns.end(other)
    assert not turns.wait(other)
    turns.end(one)
    assert turns.wait(other)
    assert not turns.wait(one)


def test_on_sqlite_who_writes_waits_for_a_turn_and_not_for_the_file(till: Person) -> None:
    def begin() -> None:
        with till.app.app_context(), db.engine.begin():
            pass

    with till.app.app_context(), db.engine.begin(), ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(begin)
        with pytest.raises(exc.OperationalError) as refused:
            waiting.result()
    assert fault_code(refused.value) == "OperationalError"  # SQLite's own would be SQLITE_BUSY
    begin()
