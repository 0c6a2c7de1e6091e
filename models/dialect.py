"""Where SQLite and PostgreSQL differ, and nowhere else."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from sqlalchemy import Connection, Engine, PrimaryKeyConstraint, UniqueConstraint, event, text
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, InternalError, OperationalError
from sqlalchemy.pool import ConnectionPoolEntry

from extensions import db

only_reads: ContextVar[bool] = ContextVar("only_reads", default=False)
"""True while a request that must not write is answered: SQLite then starts its transactions without the write lock."""

_BUSY_TIMEOUT_MS = 5_000
_LONG_STATEMENT_MINUTES = 10
_FEW_ROWS = 1_000


def prepare(engine: Engine) -> None:
    """Sets up each connection of a SQLite engine; PostgreSQL needs nothing."""
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", _begin_sqlite)


def _set_up_sqlite(connection: sqlite3.Connection, _: ConnectionPoolEntry) -> None:
    # The driver would begin transactions by itself, late, and break savepoints: `_begin_sqlite` does it instead.
    connection.isolation_level = None
    for pragma in (
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
        f"busy_timeout = {_BUSY_TIMEOUT_MS}",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that reads first and writes later fails at once when another wrote in between, whatever the
    # busy time-out: what may write takes the write lock at the start and waits for it there.
    connection.exec_driver_sql("BEGIN" if only_reads.get() else "BEGIN IMMEDIATE")


@contextmanager
def tables_may_be_replaced(connection: Connection) -> Iterator[None]:
    """For migrations: SQLite changes a constraint by filling a new table, and the old one must not take with it what
    points at it.
    """
    if connection.dialect.name != "sqlite":
        yield
        return
    driver: Any = connection.connection.dbapi_connection  # the setting has no effect inside a transaction
    driver.execute("PRAGMA foreign_keys = OFF")
    try:
        yield
    finally:
        connection.rollback()  # what was only read may have begun a transaction since
        driver.execute("PRAGMA foreign_keys = ON")


def can_write_beside() -> bool:
    """Whether another connection can write while a transaction that writes is under way: SQLite has one writer."""
    return db.engine.dialect.name == "postgresql"


def allow_long_statements() -> None:
    """For work on whole tables, until the transaction ends: pages must answer soon, and have a shorter limit."""
    if db.engine.dialect.name == "postgresql":
        db.session.execute(text(f"SET LOCAL statement_timeout = '{_LONG_STATEMENT_MINUTES}min'"))


def refresh_statistics() -> None:
    """Tells PostgreSQL how large the tables have become in this transaction.

    It looks foreign keys up by plans made while the tables were empty, which take time in proportion to their size.
    Only then: two who do this wait for each other until their transactions end.
    """
    if db.engine.dialect.name != "postgresql":
        return
    known = db.session.scalar(text("SELECT reltuples FROM pg_class WHERE oid = 'purchases'::regclass"))
    if known < _FEW_ROWS:
        db.session.execute(text("ANALYZE customers, identities, purchases"))


def is_deadlock(error: DBAPIError) -> bool:
    """Whether two transactions waited for each other, and this one was chosen to give way (PostgreSQL 40P01)."""
    return fault_code(error) == "40P01"


def is_passing(error: DBAPIError) -> bool:
    """Whether the same may well work in a moment: the database is away, locked or full, not misused."""
    if isinstance(error.orig, sqlite3.OperationalError):
        return not re.match("no such|near |too many |Expression tree", str(error.orig))
    # A statement after one that failed, or one that is too large (class 54): a bug of ours.
    if fault_code(error).startswith(("25P02", "54")):
        return False
    return error.connection_invalidated or isinstance(error, OperationalError | InterfaceError | InternalError)


def fault_code(error: DBAPIError) -> str:
    """What the database calls the fault: an SQLSTATE, or the name of SQLite's result code."""
    code = getattr(error.orig, "pgcode", None) or getattr(error.orig, "sqlite_errorname", None)
    return code or type(error.orig).__name__


def violated_constraint(error: IntegrityError) -> str | None:
    """The name of the constraint that refused a row; None where the database does not tell."""
    diagnostics: Any = getattr(error.orig, "diag", None)
    if diagnostics is not None:
        return diagnostics.constraint_name
    return _constraint_named_by_sqlite(str(error.orig))


def _constraint_named_by_sqlite(message: str) -> str | None:
    if check := re.search(r"CHECK constraint failed: (\w+)", message):
        return check[1]
    # SQLite names the columns of a unique constraint instead of the constraint.
    if unique := re.search(r"UNIQUE constraint failed: (.+)", message):
        table = unique[1].partition(".")[0]
        columns = {column.partition(".")[2] for column in unique[1].split(", ")}
        for constraint in db.metadata.tables[table].constraints:
            is_unique = isinstance(constraint, UniqueConstraint | PrimaryKeyConstraint)
            if is_unique and set(constraint.columns.keys()) == columns:  # type: ignore[attr-defined]
                return str(constraint.name)
    return None
