"""Where SQLite and PostgreSQL differ, and nowhere else."""

import fcntl
import io
import os
import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from functools import cache, partial
from pathlib import Path
from threading import Lock
from typing import Any
from uuid import UUID

from pydantic_core import to_json
from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Insert,
    PrimaryKeyConstraint,
    UniqueConstraint,
    event,
    func,
    insert,
    literal,
    select,
    text,
)
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import (
    DBAPIError,
    DisconnectionError,
    IntegrityError,
    InterfaceError,
    InternalError,
    OperationalError,
)
from sqlalchemy.pool import ConnectionPoolEntry

from extensions import Base, db
from models import clock

only_reads: ContextVar[bool] = ContextVar("only_reads", default=False)
"""True while a request that must not write is answered: SQLite then starts its transactions without the write lock."""

waits_briefly: ContextVar[bool] = ContextVar("waits_briefly", default=False)
"""True while a transaction is made for several, who would all wait for what somebody else holds."""

_BUSY_TIMEOUT_MS = 5_000
_LARGE_TABLES = ("customers", "identities", "purchases")
_HAS_GROWN = text(
    "SELECT bool_or(pg_relation_size(oid) > 4 * relpages * current_setting('block_size')::bigint)"
    " FROM pg_class WHERE oid = ANY(CAST(:tables AS regclass[]))"
).bindparams(tables=list(_LARGE_TABLES))
# A server that was unplugged is noticed within half a minute.
_POSTGRESQL_CONNECTION = {
    "application_name": "tillbook",
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
_LIMITS = """
    SET LOCAL statement_timeout = '5s';
    SET LOCAL lock_timeout = '3s';
    SET LOCAL idle_in_transaction_session_timeout = '10s';
    SET LOCAL synchronous_commit = on
"""
_LIMITS_OF_SEVERAL = f"{_LIMITS}; SET LOCAL lock_timeout = '100ms'"
_LIMITS_OF_MIGRATIONS = """
    SET LOCAL statement_timeout = 0;
    SET LOCAL lock_timeout = '3s';
    SET LOCAL idle_in_transaction_session_timeout = 0
"""
_LIMITS_OF_LONG_WORK = """
    SET LOCAL statement_timeout = '10min';
    SET LOCAL idle_in_transaction_session_timeout = '10min'
"""
_LIMIT_OF_SUMS = "SET LOCAL statement_timeout = '30s'"
_WITHOUT_LIMITS = """
    SET LOCAL statement_timeout = 0;
    SET LOCAL lock_timeout = 0;
    SET LOCAL idle_in_transaction_session_timeout = 0
"""
_MANY = 100
"""Of so many rows, PostgreSQL takes in several at once in a quarter of the time by COPY."""
_FEW = 1_000
"""So many rows SQLite reads and sorts in a moment."""
_MIGRATIONS_LOCK = 8_455_260_102_717_793
"""An arbitrary number: whoever holds PostgreSQL's advisory lock of this number migrates."""


def prepare(engine: Engine) -> None:
    """Sets up each connection and each transaction of an engine."""
    if engine.dialect.name == "sqlite":
        event.listen(engine, "do_connect", _open_sqlite)
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "checkout", _check_sqlite_file)
        event.listen(engine, "handle_error", _open_sqlite_anew)
        turns = _Turns()
        event.listen(engine, "begin", partial(_begin_sqlite, turns))
        event.listen(engine, "checkin", lambda _, record: turns.end(record.info))
    else:
        event.listen(engine, "do_connect", _open_postgresql)
        event.listen(engine, "begin", _begin_postgresql)
        event.listen(engine, "before_cursor_execute", _send_limits, retval=True)


def _open_sqlite(_: object, __: object, arguments: list[Any], options: dict[str, Any]) -> None:
    # Only migrations make the file. Else what is recorded after it was deleted would go into one that is empty.
    arguments[0] = f"{Path(arguments[0]).absolute().as_uri()}?mode=rw"
    options["uri"] = True
    options["cached_statements"] = 32  # those of an import have a thousand parameters, and take 150 kB each


def _set_up_sqlite(connection: sqlite3.Connection, record: ConnectionPoolEntry) -> None:
    # The driver would begin transactions by itself, late, and break savepoints: `_begin_sqlite` does it instead.
    connection.isolation_level = None
    for pragma in (
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
        f"busy_timeout = {_BUSY_TIMEOUT_MS}",
    ):
        connection.execute(f"PRAGMA {pragma}")
    file = Path(connection.execute("PRAGMA database_list").fetchone()[2])
    record.info["file"] = file, file.stat().st_ino


def _check_sqlite_file(_: object, record: ConnectionPoolEntry, __: object) -> None:
    file, inode = record.info["file"]
    # A file that is open can be written to after it was deleted or replaced, and what is written is gone with it.
    if not file.exists() or file.stat().st_ino != inode:
        raise DisconnectionError


def _open_sqlite_anew(context: ExceptionContext) -> None:
    # A connection that was opened while nobody could write to the file cannot for ever.
    if getattr(context.original_exception, "sqlite_errorname", "").startswith("SQLITE_READONLY"):
        context.is_disconnect = True


class _Turns:
    """Lets the threads of this process write one after the other.

    SQLite has whoever finds it busy ask again later and later, and some ask a hundred times while others come first.
    A turn ends when its connection is given back: who keeps one after the commit keeps everybody waiting.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._of: object = None

    def wait(self, of: object) -> bool:
        """For the turn of whoever `of` stands for; False when it did not come. Who has it already need not wait."""
        if self._of is not of:
            if not self._lock.acquire(timeout=_BUSY_TIMEOUT_MS / 1_000):
                return False
            self._of = of
        return True

    def end(self, of: object) -> None:
        if self._of is of:
            self._of = None
            self._lock.release()


def _begin_sqlite(turns: _Turns, connection: Connection) -> None:
    if only_reads.get():
        connection.exec_driver_sql("BEGIN")
    elif turns.wait(connection.info):
        # A transaction that reads first and writes later fails at once when another wrote in between, whatever the
        # busy time-out: what may write takes the write lock at the start and waits for it there.
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        raise OperationalError("BEGIN IMMEDIATE", None, sqlite3.OperationalError("database is locked"))


def _open_postgresql(_: object, __: object, ___: object, options: dict[str, Any]) -> None:
    options.update(_POSTGRESQL_CONNECTION | options)


def _begin_postgresql(connection: Connection) -> None:
    # For each transaction anew: a PgBouncer that pools transactions may give each another connection, and takes no
    # settings when one is opened.
    limits = _LIMITS_OF_SEVERAL if waits_briefly.get() else _LIMITS
    connection.info["limits"] = connection.get_execution_options().get("limits", limits)


def _send_limits(
    connection: Connection, cursor: Any, statement: str, parameters: Any, _: object, is_many: bool
) -> tuple[str, Any]:
    """Together with the transaction's first statement, which saves a round trip."""
    limits = connection.info.pop("limits", None)
    if limits is None or cursor.connection.autocommit:  # as for what cannot run in a transaction
        return statement, parameters
    if cursor.name is None and not is_many:
        return f"{limits};{statement}", parameters
    with cursor.connection.cursor() as first:
        first.execute(limits)
    return statement, parameters


def without_limits(engine: Engine) -> Engine:
    """The engine for a backup, whose transaction waits for another program."""
    return engine.execution_options(limits=_WITHOUT_LIMITS)


@contextmanager
def migrating(engine: Engine) -> Iterator[Connection]:
    """The connection for migrations. Who comes at the same instant waits until all of them are done."""
    if engine.dialect.name == "sqlite":
        file = Path(engine.url.database or "").absolute()
        with _alone_in(file.parent):
            file.touch()
            with engine.connect() as connection, _tables_may_be_replaced(connection):
                yield connection
        return
    with without_limits(engine).begin() as waiting:
        waiting.execute(text(f"SELECT pg_advisory_xact_lock({_MIGRATIONS_LOCK})"))
        with engine.execution_options(limits=_LIMITS_OF_MIGRATIONS).connect() as connection:
            yield connection


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Who comes here as well waits. It is not the database's own lock: each migration is a transaction by itself."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX)
        yield
    finally:
        os.close(opened)


@contextmanager
def _tables_may_be_replaced(connection: Connection) -> Iterator[None]:
    """SQLite changes a constraint by filling a new table, and the old one must not take with it what points at it."""
    driver: Any = connection.connection.dbapi_connection  # the setting has no effect inside a transaction
    driver.execute("PRAGMA foreign_keys = OFF")
    try:
        yield
    finally:
        connection.rollback()  # what was only read may have begun a transaction since
        driver.execute("PRAGMA foreign_keys = ON")


def check_foreign_keys(connection: Connection) -> None:
    """For the end of a migration, while it can be rolled back: SQLite did not look at foreign keys meanwhile."""
    if connection.dialect.name != "sqlite":
        return
    if broken := connection.exec_driver_sql("PRAGMA foreign_key_check").first():
        raise RuntimeError(f"The migration left a row of {broken.table} that points at no {broken.parent}")


def limits_of_migrations(name: str) -> str | None:
    """The same limits for a script of SQL, which runs as one transaction on the database of this name."""
    return _LIMITS_OF_MIGRATIONS if name == "postgresql" else None


def insert_all(model: type[Base], rows: Sequence[Mapping[str, Any]]) -> None:
    """Inserts rows of one table, with all of its columns, past the session, which would take as long again.

    Raises IntegrityError.
    """
    connection = db.session.connection()
    if len(rows) >= _MANY and connection.dialect.name == "postgresql":
        _copy(connection, model, rows)
    elif rows:
        connection.execute(_insert_into(model), rows)


def _copy(connection: Connection, model: type[Base], rows: Sequence[Mapping[str, Any]]) -> None:
    names = model.__table__.columns.keys()
    columns = [_column_to_copy([row[name] for row in rows]) for name in names]
    lines = "\n".join(map("\t".join, zip(*columns, strict=True)))
    statement = f"COPY {model.__tablename__} ({', '.join(names)}) FROM STDIN"
    driver: Any = connection.connection
    try:
        with driver.cursor() as cursor:
            cursor.copy_expert(statement, io.StringIO(lines), size=len(lines))
    except connection.dialect.loaded_dbapi.Error as error:
        raise DBAPIError.instance(statement, None, error, Exception, hide_parameters=True) from error


@cache
def _insert_into(model: type[Base]) -> Insert:
    return insert(model.__table__)  # type: ignore[arg-type]


def _column_to_copy(values: Sequence[Any]) -> Sequence[str]:
    """Of values of one type, some of which may be None."""
    some = next((value for value in values if value is not None), None)
    to_copy = _COPIED.get(type(some), str)
    if all(value is some for value in values):
        return ["\\N" if some is None else to_copy(some)] * len(values)
    return ["\\N" if value is None else to_copy(value) for value in values]


def _text_to_copy(text: str) -> str:
    return text.translate(_ESCAPED) if _TO_ESCAPE.search(text) else text


_TO_ESCAPE = re.compile(r"[\\\t\n\r]")
_ESCAPED = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})
_COPIED: dict[type, Callable[[Any], str]] = {
    str: _text_to_copy,
    bytes: lambda value: rf"\\x{value.hex()}",
    dict: lambda value: _text_to_copy(to_json(value).decode()),
    UUID: lambda value: value.bytes.hex(),
}


def with_likelihood(
    of: ColumnElement[bool], conditions: Sequence[ColumnElement[bool]]
) -> Sequence[ColumnElement[bool]]:
    """The conditions, and whether few of those rows meet them all, which PostgreSQL knows by itself.

    SQLite takes an index on a range for a narrow one, and would read and sort a million purchases to show fifty.
    """
    if not conditions or db.engine.dialect.name == "postgresql":
        return conditions
    met = select(literal(1)).where(of, *conditions).limit(_FEW + 1).subquery()
    is_rare = db.session.scalars(select(func.count()).select_from(met)).one() <= _FEW
    return [func.unlikely(one) if is_rare else func.likely(one) for one in conditions]


def refresh_statistics() -> None:
    """Tells PostgreSQL how large the tables have become in this transaction, each time that they have grown fourfold.

    It looks foreign keys up by plans made while the tables were small, which take time in proportion to their size.
    """
    if db.engine.dialect.name == "postgresql" and db.session.scalar(_HAS_GROWN):
        # Who does the same in a transaction that is under way is not waited for.
        db.session.execute(text(f"ANALYZE (SKIP_LOCKED) {', '.join(_LARGE_TABLES)}"))


def look_at_tables(connection: Connection) -> None:
    """Tells PostgreSQL what came, or else it takes wrong ways through millions of rows until it looks by itself."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("ANALYZE")


def now() -> datetime:
    """What time it is where the database runs."""
    if db.engine.dialect.name == "postgresql":
        return db.session.scalars(text("SELECT clock_timestamp()")).one()
    return clock.utc_now()


def can_write_beside() -> bool:
    """Whether another connection can write while a transaction that writes is under way: SQLite has one writer."""
    return db.engine.dialect.name == "postgresql"


def freeze(connection: Connection) -> None:
    """From here on, and until the transaction ends, the connection sees what is committed now, and nothing later."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")


def restart_numbers(connection: Connection, tables: Iterable[str]) -> None:
    """Lets PostgreSQL number on after the rows that are there; SQLite does so by itself."""
    if connection.dialect.name == "postgresql":
        for table in tables:
            last = f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM {table}"  # noqa: S608
            connection.exec_driver_sql(last)


def allow_long_statements() -> None:
    """For work on whole tables, until the transaction ends: pages must answer soon, and have a shorter limit."""
    if db.engine.dialect.name == "postgresql":
        db.session.execute(text(_LIMITS_OF_LONG_WORK))


def allow_sums() -> None:
    """For reports, until the transaction ends: years of purchases take longer to add up than a page to look up."""
    if db.engine.dialect.name == "postgresql":
        db.session.execute(text(_LIMIT_OF_SUMS))


def is_deadlock(error: DBAPIError) -> bool:
    """Whether two transactions waited for each other, and this one was chosen to give way (PostgreSQL 40P01)."""
    return fault_code(error) == "40P01"


def took_too_long(error: DBAPIError) -> bool:
    """Whether what was asked for takes so long, or needs what somebody else holds (PostgreSQL 57014 and 55P03)."""
    return fault_code(error) in ("57014", "55P03")


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
