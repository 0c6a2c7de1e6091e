"""What is counted of the work that is done, for whoever watches Tillbook: each process counts, and /metrics adds up."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

import prometheus_client
from sqlalchemy import event
from sqlalchemy.orm import Session

from extensions import db

CAPTURES = prometheus_client.Counter(
    "tillbook_captures", "Purchases that were to be recorded, and what became of them", ["source", "outcome"]
)
REFUSED = "refused"
_KEY = "captures to be counted"


def count_captures(source: str, outcomes: Iterable[str]) -> None:
    """Counts what is recorded once it is committed, and what is `refused` at once."""
    counted: Counter[tuple[str, str]] = db.session.info.setdefault(_KEY, Counter())
    counted.update((source, outcome) for outcome in outcomes)
    if refused := counted.pop((source, REFUSED), 0):
        CAPTURES.labels(source, REFUSED).inc(refused)


@event.listens_for(Session, "after_commit")
def _count(session: Session) -> None:
    if not session.in_nested_transaction():
        for labels, count in session.info.pop(_KEY, Counter()).items():
            CAPTURES.labels(*labels).inc(count)


@event.listens_for(Session, "after_soft_rollback")
def _forget(session: Session, _: Any) -> None:
    session.info.pop(_KEY, None)
