"""Purchases that come at the same time by one token are written in one transaction, each as if it had come alone."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from structlog.testing import CapturingLogger

from extensions import db
from models import ApiToken, Customer
from routes.api import recording
from routes.api.recording import Recorded, _singles
from routes.api.room import _tokens
from services import tokens
from services.capture import Capture, _Ledger
from services.refusals import Contention, Refusal
from services.register import Overtaken
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
            [token] = db.session.scalars(select(ApiToken).where(ApiToken.shop_id == owner.shop_id)).all()
            self._key = token.shop_id, token.id

    def record(self, *wishes: dict[str, Any]) -> list[Future[Answer]]:
        """The first by itself, while somebody holds up who buys, and all of these in one transaction after it."""
        with held(self._owner, "First"):
            first = self._send({"customer": {"name": "First"}})
            wait_until(lambda: self._key in _singles._waiting and count_waiting(_singles, self._key) == 0)
            return [first, *(self._send_and_wait(wish) for wish in wishes)]

    def close(self) -> None:
        self._pool.shutdown()

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
def counter(owner: Person) -> Iterator[Counter]:
    counter = Counter(owner)
    yield counter
    counter.close()


@pytest.fixture
def attempts(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many were to be recorded at a time, whatever came of it."""
    found: list[int] = []
    record = recording._record

    def note(wishes: Sequence[Capture]) -> list[Recorded | Refusal]:
        found.append(len(wishes))
        return record(wishes)

    monkeypatch.setattr(recording, "_record", note)
    return found


def fail_for_several(monkeypatch: pytest.MonkeyPatch, fault: Exception) -> None:
    record = recording._record

    def fail(wishes: Sequence[Capture]) -> list[Recorded | Refusal]:
        found = record(wishes)
        if len(wishes) > 1:
            raise fault
        return found

    monkeypatch.setattr(recording, "_record", fail)


def answers(sent: list[Future[Answer]]) -> list[Answer]:
    return [one.result(PATIENCE_SECONDS) for one in sent]


def test_those_who_come_meanwhile_are_recorded_at_one_instant(owner: Person, counter: Counter) -> None:
    names = ["Ana", "Zoe", "Ana"]
    first, *told = answers(counter.record(*({"customer": {"name": name}} for name in names)))
    assert first.status == 201
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
    _, unclear, once, again, other = answers(
        counter.record(tim, ana | {"key": "k1"}, ana | {"key": "k1"}, ana | {"key": "k1", "item": "a pen"})
    )
    assert (unclear.status, unclear.problem, len(unclear.json["candidates"])) == (409, "customer-ambiguous", 2)
    assert (once.status, again.status) == (201, 201)
    assert again.json == once.json
    assert again.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in once.headers
    assert (other.status, other.problem) == (422, "idempotency-key-reused")
    assert [purchase.item for purchase in owner.purchases()] == ["a book"] * 3


def test_each_is_told_when_nothing_could_be_committed(owner: Person, counter: Counter, attempts: list[int]) -> None:
    before = owner.purchases()
    with no_commit(owner.app):
        told = answers(counter.record({"customer": {"name": "Ana"}}, {"customer": {"name": "Zoe"}}))
    assert [one.status for one in told] == [503] * 3
    assert attempts == [1, 2]  # nobody knows whether a commit that failed was one: it is not tried again
    assert [purchase.id for purchase in owner.purchases()] == [purchase.id for purchase in before]


@pytest.mark.parametrize(
    "fault",
    [
        OperationalError("SELECT", {}, Exception("server closed the connection")),
        PoolTimeout("QueuePool limit"),
        Contention("Many changes of this customer came at the same instant"),
    ],
    ids=lambda fault: type(fault).__name__,
)
def test_what_each_would_meet_alone_is_not_tried_again(
    owner: Person, counter: Counter, attempts: list[int], monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    fail_for_several(monkeypatch, fault)
    first, *others = answers(counter.record({"customer": {"name": "Ana"}}, {"customer": {"name": "Zoe"}}))
    assert [first.status, *(one.status for one in others)] == [201, 503, 503]
    assert attempts == [1, 2]
    assert [customer.name for customer in owner.customers()] == ["First"]


def test_each_is_refused_by_itself_when_the_token_was_revoked_meanwhile(
    owner: Person, counter: Counter, attempts: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    is_in_use = iter([True, False])
    monkeypatch.setattr(tokens, "is_in_use", lambda _: next(is_in_use))
    first, *others = answers(counter.record({"customer": {"name": "Ana"}}, {"customer": {"name": "Zoe"}}))
    assert [first.status, *(one.status for one in others)] == [201, 401, 401]
    assert len({one.json["request_id"] for one in others}) == 2
    assert attempts == [1, 2]
    assert [customer.name for customer in owner.customers()] == ["First"]


def test_what_may_be_the_matter_with_one_is_tried_by_each(
    owner: Person, counter: Counter, attempts: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_for_several(monkeypatch, ZeroDivisionError("Ana"))
    log = CapturingLogger()
    monkeypatch.setattr(recording, "log", log)
    told = answers(counter.record({"customer": {"name": "Ana"}}, {"customer": {"name": "Zoe"}}))
    # A fault that only several meet must not go unseen, nor may the log tell who they are.
    assert log.calls == [("warning", ("recorded-apart",), {"fault": "ZeroDivisionError", "purchases": 2})]
    assert [one.status for one in told] == [201] * 3
    assert attempts == [1, 2, 1, 1]
    assert sorted(str(customer.name) for customer in owner.customers()) == ["Ana", "First", "Zoe"]


@pytest.mark.parametrize("migrated_app", ["postgresql"], indirect=True)  # SQLite has one writer, whom all wait for
@pytest.mark.parametrize("lost_races", [0, 1])
def test_who_has_to_wait_keeps_nobody_else_waiting(
    owner: Person, counter: Counter, monkeypatch: pytest.MonkeyPatch, lost_races: int
) -> None:
    owner.api.record(customer={"name": "Tim"})
    lose_races_of_several(monkeypatch, lost_races)
    with held(owner, "Tim"):
        first, tim, ana = counter.record({"customer": {"name": "Tim"}}, {"customer": {"name": "Ana"}})
        assert first.result(PATIENCE_SECONDS).status == 201
        assert ana.result(timeout=2).status == 201  # sooner than a lock is waited for
        assert not tim.done()
    assert tim.result(PATIENCE_SECONDS).status == 201


def lose_races_of_several(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    """So often, before anything is read."""
    record_all, left = _Ledger.record_all, [Overtaken] * count

    def lose(ledger: _Ledger) -> Any:
        if left and len(ledger._captures) > 1:
            raise left.pop()
        return record_all(ledger)

    monkeypatch.setattr(_Ledger, "record_all", lose)


@pytest.mark.parametrize("migrated_app", ["postgresql"], indirect=True)  # SQLite has no such limit
def test_one_that_takes_too_long_is_refused_by_itself(
    owner: Person, counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    record_all = _Ledger.record_all

    def dawdle(ledger: _Ledger) -> Any:
        if any(wish.details.item == "a slow book" for wish in ledger._captures):
            db.session.execute(text("SET LOCAL statement_timeout = '100ms'; SELECT pg_sleep(1)"))
        return record_all(ledger)

    monkeypatch.setattr(_Ledger, "record_all", dawdle)
    slow, other = {"customer": {"name": "Tim"}, "item": "a slow book"}, {"customer": {"name": "Ana"}}
    assert [one.status for one in answers(counter.record(slow, other))] == [201, 503, 201]


def test_a_token_is_looked_up_once_for_those_who_come_meanwhile(owner: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    owner.api.get("")
    may_go_on, found = Event(), []
    find = tokens.find

    def find_slowly(text: str) -> ApiToken | None:
        token = find(text)
        found.append(token)
        assert may_go_on.wait(PATIENCE_SECONDS)
        return token

    monkeypatch.setattr(tokens, "find", find_slowly)
    with ThreadPoolExecutor() as pool:
        first = pool.submit(owner.api.get, "", None)
        wait_until(lambda: len(found) == 1)
        with owner.app.app_context():
            [token] = db.session.scalars(select(ApiToken).where(ApiToken.shop_id == owner.shop_id)).all()
            tokens.revoke(token)
            db.session.commit()
        others = [pool.submit(owner.api.get, "", None) for _ in range(3)]
        wait_until(lambda: any(len(waiting) == 3 for waiting in list(_tokens._waiting.values())))
        may_go_on.set()
        # It was read before it was revoked; what was asked for later is read later.
        assert first.result(PATIENCE_SECONDS).status == 200
        assert [other.result(PATIENCE_SECONDS).status for other in others] == [401] * 3
    assert len(found) == 2
