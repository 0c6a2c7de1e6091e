"""Giving up what a request has begun."""

from collections.abc import Iterator
from contextlib import contextmanager

from extensions import db
from models import dialect


def roll_back() -> None:
    """Stores nothing, and leaves what was read as it is: the answer to come tells of it."""
    # Detached first: a rollback makes what is attached forget its values, and nobody must ask for them again.
    db.session.expunge_all()
    db.session.rollback()


@contextmanager
def aside(*, only_reads: bool) -> Iterator[None]:
    """A transaction of its own, whatever the request does otherwise; what is not committed in it is given up."""
    before = dialect.only_reads.get()
    db.session.rollback()
    dialect.only_reads.set(only_reads)
    try:
        yield
    finally:
        try:
            db.session.rollback()
        finally:
            dialect.only_reads.set(before)
