"""bench/crash.py in short: workers, the server and the database are killed while clients record."""

import random
from contextlib import AbstractContextManager
from typing import Protocol

import pytest

from bench import crash


class Database(Protocol):
    def __call__(self) -> AbstractContextManager[tuple[str, crash.Restart | None]]: ...


@pytest.mark.parametrize("database", [crash.sqlite, crash.postgresql])
def test_nothing_is_lost_or_doubled_by_kills(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crash, "TRIES", 60)
    with database() as (url, restart):
        figures = crash.crash(url, restart, 5, random.Random(1))
    assert figures.is_good, figures
    assert figures.kills.total() >= 5
    assert figures.tried_again > 0


def test_what_is_lost_would_be_noticed() -> None:
    """Or else the test above could not fail."""
    assert not crash.Figures().is_good
    good = crash.Figures(acknowledged={"1-0": "pur_1"}, stored=1)
    assert good.is_good
    for wrong in ("missing", "doubled", "customers_doubled", "customers_without_purchase", "stored"):
        assert not crash.Figures(acknowledged={"1-0": "pur_1"}, **{"stored": 1} | {wrong: 2}).is_good
    assert not crash.Figures(acknowledged={"1-0": "pur_1"}, stored=1, faults=["500"]).is_good
