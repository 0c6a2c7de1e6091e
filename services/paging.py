"""Keyset pages: as fast at the end of a long list as at its beginning, and steady while rows come in."""

import base64
import binascii
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from operator import attrgetter
from typing import Any, Generic, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, Date, Select, Uuid, literal, select, tuple_, union_all
from sqlalchemy.orm import InstrumentedAttribute

from extensions import db
from schemas.filters import PAGE_SIZE

T = TypeVar("T")


class BadCursor(ValueError):
    """The cursor was not made by this list."""


@dataclass(frozen=True)
class Position:
    """Where a page begins: right `after` or right `before` a row of the list, or at its start."""

    after: str | None = None
    before: str | None = None


@dataclass(frozen=True)
class Page(Generic[T]):
    rows: Sequence[T]
    before: str | None
    """The cursor of the page before this one, if there is one."""
    after: str | None
    """The cursor of the page after this one, if there is one."""


def read_page(
    query: Select[T],
    order: Sequence[InstrumentedAttribute[Any]],
    position: Position,
    *,
    descending: bool,
    size: int = PAGE_SIZE,
    either: Sequence[ColumnElement[bool]] = (),
) -> Page[T]:
    """One page of the entities of `query`, in the order of the columns, of which the last is unique.

    `either` are conditions of which each row meets one, where an index has the order of what meets each.
    Raises BadCursor.
    """
    is_backwards = position.before is not None
    cursor = position.before if is_backwards else position.after
    goes_down = descending != is_backwards
    if cursor is not None:
        here = tuple_(*order)
        there = tuple_(
            *(literal(value, column.type) for value, column in zip(_decode(cursor, order), order, strict=True))
        )
        query = query.where(here < there if goes_down else here > there)
    first = query.order_by(*_in_order(order, goes_down)).limit(size + 1)
    if either:
        query = query.where(order[-1].in_(_first_of_each(first, order, either, goes_down, size + 1)))
        found = sorted(db.session.scalars(query), key=attrgetter(*(column.key for column in order)), reverse=goes_down)
    else:
        found = list(db.session.scalars(first))
    has_more, rows = len(found) > size, found[:size]
    if is_backwards:
        rows.reverse()
    return Page(
        rows,
        before=_encode(rows[0], order) if rows and (has_more if is_backwards else cursor) else None,
        after=_encode(rows[-1], order) if rows and (is_backwards or has_more) else None,
    )


def _first_of_each(
    first: Select[Any],
    order: Sequence[InstrumentedAttribute[Any]],
    either: Sequence[ColumnElement[bool]],
    goes_down: bool,
    size: int,
) -> Sequence[UUID]:
    """The ids of the first rows that meet one of the conditions."""
    parts = (first.where(one).with_only_columns(*order).subquery() for one in either)
    found = union_all(*(select(part) for part in parts)).subquery()
    columns = [found.c[column.key] for column in order]
    return db.session.scalars(select(columns[-1]).order_by(*_in_order(columns, goes_down)).limit(size)).all()


def _in_order(columns: Iterable[Any], goes_down: bool) -> Iterator[ColumnElement[Any]]:
    return (column.desc() if goes_down else column.asc() for column in columns)


def _encode(row: Any, order: Sequence[InstrumentedAttribute[Any]]) -> str:
    values = [str(getattr(row, column.key)) for column in order]
    return base64.urlsafe_b64encode(json.dumps(values, ensure_ascii=False).encode()).decode().rstrip("=")


def _decode(cursor: str, order: Sequence[InstrumentedAttribute[Any]]) -> list[Any]:
    try:
        values = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        return [_parse(value, column) for value, column in zip(values, order, strict=True)]
    except (binascii.Error, ValueError, TypeError, RecursionError):
        raise BadCursor("This page of the list is not there") from None


def _parse(value: object, column: InstrumentedAttribute[Any]) -> Any:
    if not isinstance(value, str) or "\0" in value:
        raise ValueError("Not a value of a cursor")
    value.encode()
    if isinstance(column.type, Uuid):
        return UUID(value)
    return date.fromisoformat(value) if isinstance(column.type, Date) else value
