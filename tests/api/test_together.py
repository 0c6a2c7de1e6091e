"""Purchases that come at the same time by one token are written in one transaction, each as if it had come alone."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import select

from extensions import db
from models import ApiToken, Customer
from routes.api.recording import _singles
from tests.api.client import Answer
from tests.cast import Person
from tests.test_acknowledged import no_commit
from tests.waiting import PATIENCE_SECONDS, count_waiting, wait_until


@contextmanager
def held(owner: Person, name: str) -> Iterator[None]:
    """Somebody else keeps who bears the name from being written to: on SQLite, everybody."""
    with owner.app.app_context(), db.engine.connect() as connection:
        named = select(Customer.id).where(Customer.shop_id == owner.shop_id, Customer.name == name)
        assert connection.execute(named.with_for_update()).all()
        yield
        connection.rollback()


class Counter:
    """Purchases that come while another one is being recorded."""

    def __init__(self, owner: Person):
        self._owner, self._pool = owner, ThreadPoolExecutor()
        owner.api.record(customer={"name": "First"})
        with owner.app.app_context():
            [self._key] = db.session.scalars(select(ApiToken.id).where(ApiToken.shop_id == owner.shop_id)).all()

    def record(self, *wishes: dict[str, Any]) -> list[Future[Answer]]:
        """All of these in one transaction, after that of the first."""
        with held(self._owner, "First"):
            first = self._send({"customer": {"name": "First"}})
            wait_until(lambda: self._key in _singles._waiting and count_waiting(_singles, self._key) == 0)
            sent = [self._send_and_wait(wish) for wish in wishes]
        assert first.result(PATIENCE_SECONDS).status == 201
        return sent

    def _send(self, wish: dict[str, Any]) -> Future[Answer]:
        key = wish.pop("key", None)
        headers = {"idempotency_key": key} if key else {}
        return self._pool.submit(self._owner.api.post, "/purchases", {"item": "a book"} | wish, None, **headers)

    def _send_and_wait(self, wish: dict[str, Any]) -> Future[Answer]:
        before = count_waiting(_singles, self._key)
        sent = self._send(wish)
        wait_until(lambda: count_waiting(_singles, self._key) > before)
        return sent


@pytest.fixture
def counter(owner: Person) -> Counter:
    return Counter(owner)


def answers(sent: list[Future[Answer]]) -> list[Answer]:
    return [one.result(PATIENCE_SECONDS) for one in sent]


def test_those_who_come_meanwhile_are_recorded_at_one_instant(owner: Person, counter: Counter) -> None:
    names = ["Ana", "Zoe", "Ana"]
    told = answers(counter.record(*({"customer": {"name": name}} for name in names)))
    assert [one.status for one in told] == [201] * 3
    assert [one.json["customer"]["name"] for one in told] == names
    assert [one.json["customer_outcome"] for one in told] == ["created", "created", "unchanged"]
    assert len({one.json["recorded_at"] for one in told}) == 1
    assert len({one.json["id"] for one in told}) == 3
    assert [customer.name for customer in owner.customers()] == ["First", "Ana", "Zoe"]
    for one in told:
        assert owner.api.get(one.headers["Location"]).json["id"] == one.json["id"]


def test_each_is_refused_or_repeated_by_itself(owner: Person, counter: Counter) -> None:
    for street in ("1", "2"):
        owner.api.post("/customers", {"name": "Tim", "reference": street}, 201)
    tim, ana = {"customer": {"name": "Tim"}}, {"customer": {"name": "Ana"}}
    unclear, once, again, other = answers(
        counter.record(tim, ana | {"key": "k1"}, ana | {"key": "k1"}, ana | {"key": "k1", "item": "a pen"})
    )
    assert (unclear.status, unclear.problem, len(unclear.json["candidates"])) == (409, "customer-ambiguous", 2)
    assert (once.status, again.status) == (201, 201)
    assert again.json == once.json
    assert again.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in once.headers
    assert (other.status, other.problem) == (422, "idempotency-key-reused")
    assert [purchase.item for purchase in owner.purchases()] == ["a book"] * 3


def test_each_is_told_when_nothing_could_be_committed(owner: Person, counter: Counter) -> None:
    before = owner.purchases()
    with no_commit(owner.app):
        with held(owner, "First"):
            first = counter._send({"customer": {"name": "First"}})
            wait_until(lambda: counter._key in _singles._waiting)
            others = [counter._send_and_wait({"customer": {"name": name}}) for name in ("Ana", "Zoe")]
        assert [one.status for one in answers([first, *others])] == [503] * 3
    assert [purchase.id for purchase in owner.purchases()] == [purchase.id for purchase in before]


@pytest.mark.parametrize("migrated_app", ["postgresql"], indirect=True)  # SQLite has one writer, whom all wait for
def test_who_has_to_wait_keeps_nobody_else_waiting(owner: Person, counter: Counter) -> None:
    owner.api.record(customer={"name": "Tim"})
    with held(owner, "Tim"):
        tim, ana = counter.record({"customer": {"name": "Tim"}}, {"customer": {"name": "Ana"}})
        assert ana.result(timeout=2).status == 201  # sooner than a lock is waited for
        assert not tim.done()
    assert tim.result(PATIENCE_SECONDS).status == 201
