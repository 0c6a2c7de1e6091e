"""Giving up what a request has begun."""

from extensions import db


def roll_back() -> None:
    """Stores nothing, and leaves what was read as it is: the answer to come tells of it."""
    # Detached first: a rollback makes what is attached forget its values, and nobody must ask for them again.
    db.session.expunge_all()
    db.session.rollback()
