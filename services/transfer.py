"""Every row into another database, of the other kind if need be, and the proof that none is missing or changed."""

from collections.abc import Iterator, Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

from sqlalchemy import Column, Connection, Row, Table, bindparam, create_engine, inspect, select, text, update

from extensions import db
from models import dialect

_AT_A_TIME = 1_000
_CHAINED = "merged_into_id"
"""Who was merged may point at who was merged in turn. What takes something back points too, and is never taken back."""
_REVISION = text("SELECT version_num FROM alembic_version")


class TransferError(Exception):
    """It cannot be done; the message says why, and what to do."""


class Sum(NamedTuple):
    """What a table holds: the same for the same rows, in whatever order."""

    rows: int = 0
    digest: int = 0

    def with_row(self, row: Row[Any]) -> "Sum":
        told = int.from_bytes(blake2b(repr(tuple(row)).encode("utf-8", "surrogatepass"), digest_size=16).digest())
        return Sum(self.rows + 1, (self.digest + told) % 2**128)


def copy_to(url: str) -> dict[str, int]:
    """Copies all into the database at `url`, which must be migrated and empty; says how many rows, by table.

    All or nothing: both are read again and compared before anything is kept. Nobody can write meanwhile on SQLite; on
    PostgreSQL, what is written meanwhile is left behind. Raises TransferError, and what the databases raise.
    """
    target = create_engine(url)
    dialect.prepare(target)
    with dialect.without_limits(db.engine).connect() as source, dialect.without_limits(target).begin() as other:
        dialect.freeze(source)
        _check(source, other)
        sums = {table.name: _copy(table, source, other) for table in db.metadata.sorted_tables}
        for table in db.metadata.sorted_tables:
            if _sum_up(table, other) != sums[table.name]:
                raise TransferError(f"{table.name} did not arrive as it was. Nothing was kept")
        dialect.restart_numbers(other, [table.name for table in db.metadata.sorted_tables if _is_numbered(table)])
        dialect.look_at_tables(other)
    target.dispose()
    return {name: told.rows for name, told in sums.items()}


def _check(source: Connection, other: Connection) -> None:
    if not inspect(other).has_table("alembic_version"):
        raise TransferError("The other database has no tables. Run flask db upgrade with its DATABASE_URL first")
    if source.scalar(_REVISION) != other.scalar(_REVISION):
        raise TransferError("The two have different schemas. Run flask db upgrade on both first")
    if any(other.execute(select(table).limit(1)).first() for table in db.metadata.sorted_tables):
        raise TransferError("The other database is not empty. Choose one that was only just migrated")


def _copy(table: Table, source: Connection, other: Connection) -> Sum:
    is_chained = _CHAINED in table.columns
    blank: dict[str, Any] = {_CHAINED: None} if is_chained else {}
    told = Sum()
    for some in _read(table, source):
        other.execute(table.insert(), [{**row._mapping, **blank} for row in some])
        for row in some:
            told = told.with_row(row)
    if is_chained:
        for some in _read(table, source):
            _point(table, [row for row in some if row._mapping[_CHAINED] is not None], other)
    return told


def _pointers(table: Table) -> list[Column[Any]]:
    """The columns that point into the table itself."""
    return [key.parent for key in table.foreign_keys if key.column.table is table and key.parent.nullable]


def _point(table: Table, rows: Sequence[Row[Any]], other: Connection) -> None:
    if rows:
        keys = [column == bindparam(f"key_{column.name}") for column in table.primary_key]
        pointed = update(table).where(*keys).values({_CHAINED: bindparam("pointed_at")})
        values = [
            {f"key_{column.name}": row._mapping[column.name] for column in table.primary_key}
            | {"pointed_at": row._mapping[_CHAINED]}
            for row in rows
        ]
        other.execute(pointed, values)


def _sum_up(table: Table, connection: Connection) -> Sum:
    told = Sum()
    for some in _read(table, connection):
        for row in some:
            told = told.with_row(row)
    return told


def _read(table: Table, connection: Connection) -> Iterator[Sequence[Row[Any]]]:
    """Some at a time, of those that hold whole files one; first who points at nobody, so that the others can."""
    size = 1 if "content" in table.columns else _AT_A_TIME
    ordered = select(table).order_by(*(column.is_not(None) for column in _pointers(table)))
    return connection.execute(ordered, execution_options={"yield_per": size}).partitions()


def _is_numbered(table: Table) -> bool:
    """Whether the database gives its rows their numbers."""
    key = list(table.primary_key)
    return [column.name for column in key] == ["id"] and key[0].type.python_type is int
