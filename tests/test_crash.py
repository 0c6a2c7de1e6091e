"""bench/crash.py in short: workers, the server and the database are killed while clients record."""

import json
import os
import random
import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, suppress
from http.client import HTTPException
from itertools import count
from threading import Event
from time import sleep
from typing import Protocol

import pytest

from bench import crash
from tests.cast import Person
from tests.server import Server, serve
from tests.services.test_properties import check_invariants


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


def test_what_a_kill_leaves_is_whole_before_anybody_tries_again(owner: Person) -> None:
    """Above, whoever sends again would mend a customer who has no purchase yet."""
    token, acknowledged = owner.token(), 0
    with serve(owner.app.config["SQLALCHEMY_DATABASE_URI"], WEB_CONCURRENCY="2") as server:
        for turn in range(3):
            stop = Event()
            with ThreadPoolExecutor(crash.CLIENTS) as pool:
                names = [f"Tim {turn} {client}" for client in range(crash.CLIENTS)]
                clients = [pool.submit(record, name, token, server, stop) for name in names]
                sleep(0.3)
                stop.set()
                for worker in crash.workers_of(server):
                    os.kill(worker, signal.SIGKILL)
            acknowledged += sum(client.result() for client in clients)
            check_invariants(owner)
    assert 0 < acknowledged <= len(owner.purchases())


def record(name: str, token: str, server: Server, stop: Event) -> int:
    """Purchases of one new customer after the other; how many were answered as recorded."""
    statuses = []
    for number in count():
        if stop.is_set():
            break
        body = json.dumps({"customer": {"name": f"{name} {number}", "reference": f"{name} {number}"}, "item": "a book"})
        head = f"POST /api/v1/purchases HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n"
        kind = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        with suppress(HTTPException):  # an answer of which half had come
            statuses.append(server.ask((head + kind + body).encode()).status)
    return statuses.count(201)
