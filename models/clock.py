"""The one clock. Tests replace `utc_now`; nothing else asks the system for the time."""

from datetime import UTC, datetime


def utc_now() -> datetime:
    return datetime.now(UTC)
