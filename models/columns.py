"""Column types that mean the same on SQLite and PostgreSQL."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import DateTime, Dialect, String, text
from sqlalchemy.types import TypeDecorator
from uuid_utils.compat import uuid7

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SET_BACK_MAX = timedelta(days=1)


class Instant(TypeDecorator[datetime]):
    """An aware UTC datetime; SQLite keeps no zone, so it is taken off and put back."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("An instant needs a time zone")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None or value.tzinfo is UTC:
            return value  # nearly all are, and an export reads millions
        return value.replace(tzinfo=value.tzinfo or UTC).astimezone(UTC)


def normal_text(length: int) -> String:
    """Text in a normal form: compared and sorted byte by byte on both databases."""
    return String(length).with_variant(String(length, collation="C"), "postgresql")


def new_id() -> UUID:
    """A UUIDv7 (RFC 9562): later ids sort after earlier ones."""
    return uuid7()


def least_id(since: datetime) -> UUID:
    """No id that was made since then is less, even where the clock was set back by up to a day."""
    milliseconds = (since - _EPOCH - _SET_BACK_MAX) // timedelta(milliseconds=1)
    return UUID(int=max(milliseconds, 0) << 80)


def one_of(column: str, values: tuple[str, ...]) -> Any:
    """The SQL of a CHECK that lets through only these values."""
    return f"{column} IN ({', '.join(repr(value) for value in values)})"


def where_set(column: str) -> dict[str, Any]:
    """For an Index that leaves out the many rows where the column is NULL."""
    is_set = text(f"{column} IS NOT NULL")
    return {"sqlite_where": is_set, "postgresql_where": is_set}
