"""Captures at the same instant: the outcome is one that some order of them, one after the other, would give."""

import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from threading import Barrier, Thread
from time import sleep
from typing import Any
from uuid import UUID

import pytest

from extensions import Base, db
from models import Customer, Identity, public_id
from models.columns import new_id
from schemas.table import Row
from services import attempts, register
from services.capture import Capture, Captured, capture, capture_all
from services.importing import import_rows
from services.merging import merge
from services.refusals import AmbiguousCustomer, ExternalIdTaken, IdentityConflict, KeyReused, Refusal
from services.register import Overtaken, Register
from tests.cast import Person
from tests.conftest import IS_LONG
from tests.services.test_properties import check_invariants

CALLERS = 50
ROUNDS = 20 if IS_LONG else 8


def at_once(calls: Iterable[Callable[[], Any]]) -> list[Any]:
    """What each call returns, or the refusal it raises; any other error is raised here."""
    calls = list(calls)
    results: list[Any] = [None] * len(calls)
    barrier = Barrier(len(calls))

    def run(place: int, call: Callable[[], Any]) -> None:
        barrier.wait()
        try:
            results[place] = call()
        except Exception as error:
            results[place] = error

    threads = [Thread(target=run, args=numbered) for numbered in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for result in results:
        if isinstance(result, Exception) and not isinstance(result, Refusal):
            raise result
    return results


def import_all(person: Person, wishes: list[dict[str, str]], name: str) -> list[Captured | Refusal]:
    with person.app.app_context():
        captures = [Capture(person.details(**wish), f"{name} {place}") for place, wish in enumerate(wishes)]
        results = capture_all(captures, shop=person.user.shop, by=person.user, source="import")
        db.session.commit()
        return results


def counted(owner: Person, name: str) -> tuple[int, int]:
    """How many customers bear the name, and how many purchases are theirs."""
    ids = [customer.id for customer in owner.customers() if customer.name == name]
    return len(ids), sum(purchase.customer_id in ids for purchase in owner.purchases())


def test_the_first_purchases_of_a_customer_make_one_customer(owner: Person) -> None:
    for name in (f"Tim {turn}" for turn in range(ROUNDS)):
        captured = at_once([partial(owner.capture, customer=name)] * CALLERS)
        assert counted(owner, name) == (1, CALLERS)
        assert Counter(one.outcome for one in captured) == {"created": 1, "unchanged": CALLERS - 1}
    check_invariants(owner)


def test_callers_by_name_and_by_address_make_one_customer(owner: Person) -> None:
    for turn in range(ROUNDS // 4):
        name, address = f"Tim {turn}", f"tim{turn}@example.com"
        lines = [name, f"{name} <{address}>"] * (CALLERS // 2)
        captured = at_once(partial(owner.capture, customer=line) for line in lines)
        assert counted(owner, name) == (1, CALLERS)
        assert Counter(one.outcome for one in captured)["created"] == 1
        assert owner.capture(customer=address).customer.id == captured[0].customer.id
    check_invariants(owner)


def test_of_many_new_addresses_one_is_given_to_who_was_only_a_name(owner: Person) -> None:
    for turn in range(3):
        tim = owner.capture(customer=f"Tim {turn}").customer
        addresses = [f"tim{turn}.{caller}@example.com" for caller in range(CALLERS)]
        captured = at_once(partial(owner.capture, customer=f"Tim {turn} <{address}>") for address in addresses)
        assert Counter(one.outcome for one in captured) == {"updated": 1, "created": CALLERS - 1}
        [on_first_tim] = [one for one in captured if one.outcome == "updated"]
        assert on_first_tim.customer.id == tim.id
        owners = [owner.capture(customer=address).customer for address in addresses]
        assert [found.id for found in owners] == [one.customer.id for one in captured]
        assert [found.email for found in owners] == addresses
        assert len({found.id for found in owners}) == CALLERS
    check_invariants(owner)


def test_one_caller_of_a_new_name_is_found_by_all_who_add_to_it(owner: Person) -> None:
    for turn in range(ROUNDS // 4):
        name = f"Tim {turn}"
        given = [{"email": f"tim{turn}@example.com"}, {"phone": f"212 555 01{turn:02}"}, {"reference": f"A{turn}"}, {}]
        at_once(partial(owner.capture, customer="", name=name, **one) for one in given * 4)
        check_invariants(owner)
        assert 1 <= counted(owner, name)[0] <= 3


@pytest.mark.parametrize("callers", [2, 20])
@pytest.mark.parametrize(
    "details",
    [
        {"customer": "Tim"},
        {"customer": "Tim <tim@example.com>", "external_id": "4711"},
        {"customer": "Ann"},
        {"customer": "Ann <ann@example.com>"},
        {"customer": "Anna <bob@example.com>"},
        {"customer": "Ann <new@example.com>", "customer_id": "new"},
    ],
)
def test_one_key_at_the_same_instant_is_one_purchase(owner: Person, callers: int, details: dict[str, str]) -> None:
    for turn in range(ROUNDS // 4):
        mark = f"{turn:02}"
        wish = {field: value.replace("@", f"{mark}@").replace("4711", mark) for field, value in details.items()}
        owner.capture(customer="Ann")
        owner.capture(customer=f"Bob <bob{mark}@example.com>")
        before = len(owner.purchases())
        captured = at_once([partial(owner.capture, f"key {turn}", **wish)] * callers)
        assert [one for one in captured if isinstance(one, Refusal)] == []
        assert len({one.purchase.id for one in captured}) == 1
        assert len({one.customer.id for one in captured}) == 1
        assert len({(one.outcome, *one.changes) for one in captured}) == 1
        assert sum(not one.is_replay for one in captured) == 1
        assert len(owner.purchases()) == before + 1
        owner.capture(customer=f"Dan {turn}", customer_id=captured[0].customer.public_id)
    check_invariants(owner)


def test_one_key_with_two_contents_at_the_same_instant_is_one_purchase(owner: Person) -> None:
    for turn in range(ROUNDS):
        results = at_once(partial(owner.capture, f"key {turn}", item=item) for item in ("a book", "a pen"))
        assert sorted(type(result).__name__ for result in results) == [Captured.__name__, KeyReused.__name__]
        assert len(owner.purchases()) == turn + 1


def test_two_numbers_at_the_same_instant_are_both_stored(owner: Person) -> None:
    for turn in range(ROUNDS):
        at_once(partial(owner.capture, external_id=f"{turn}{letter}") for letter in "ab")
    assert len({purchase.external_id for purchase in owner.purchases()}) == 2 * ROUNDS
    assert len(owner.customers()) == 1


@pytest.mark.parametrize("customers", [("Tim", "Tim"), ("Tim", "Ann"), ("Tim <tim@example.com>", "Ann")])
def test_one_number_at_the_same_instant_is_stored_once(owner: Person, customers: tuple[str, str]) -> None:
    for turn in range(ROUNDS):
        results = at_once(partial(owner.capture, customer=customer, external_id=str(turn)) for customer in customers)
        assert sorted(type(result).__name__ for result in results) == [Captured.__name__, ExternalIdTaken.__name__]
        assert len(owner.purchases()) == turn + 1
    check_invariants(owner)


def test_who_loses_the_race_for_a_number_leaves_no_customer_behind(owner: Person) -> None:
    at_once(partial(owner.capture, customer=f"Tim {caller}", external_id="4711") for caller in range(20))
    assert len(owner.purchases()) == len(owner.customers()) == 1


def test_one_new_name_from_many_callers_is_one_change(owner: Person) -> None:
    for turn in range(ROUNDS // 4):
        address = f"tim{turn}@example.com"
        tim = owner.capture(customer=f"Tim {turn} <{address}>").customer
        captured = at_once([partial(owner.capture, customer=f"Tom {turn} <{address}>")] * 20)
        assert {one.customer.id for one in captured} == {tim.id}
        assert Counter(one.outcome for one in captured) == {"updated": 1, "unchanged": 19}
    check_invariants(owner)


def test_many_new_names_of_one_customer_are_told_one_after_the_other(owner: Person) -> None:
    tim = owner.capture(customer="Tim <tim@example.com>").customer
    for turn in range(ROUNDS // 2):
        names = [f"Tim {turn} {caller}" for caller in range(8)]
        captured = at_once(partial(owner.capture, customer=f"{name} <tim@example.com>") for name in names)
        assert {(one.customer.id, one.outcome) for one in captured} == {(tim.id, "updated")}
        check_invariants(owner)


def test_fifty_changes_of_one_customer_are_all_made(owner: Person) -> None:
    tim = owner.capture(customer="Tim").customer
    captured = at_once(
        partial(owner.capture, customer="", customer_id=tim.public_id, reference=f"A{caller}")
        for caller in range(CALLERS)
    )
    assert Counter(one.outcome for one in captured) == {"updated": CALLERS}
    assert {owner.capture(customer="", reference=f"A{caller}").customer.id for caller in range(CALLERS)} == {tim.id}
    check_invariants(owner)


def test_a_customer_found_by_address_while_being_renamed_is_found(owner: Person) -> None:
    owner.capture(customer="Tim <tim@example.com>")
    for turn in range(ROUNDS // 4):
        lines = ["Tim <tim@example.com>", "Tom <tim@example.com>", "tim@example.com", "Tim", "Tom"] * 3
        at_once(partial(owner.capture, customer=line, item=f"item {turn}") for line in lines)
        check_invariants(owner)


def test_imports_of_the_same_rows_in_any_order_are_recorded_once(owner: Person) -> None:
    chance = random.Random(1)
    rows = [{"customer": f"Tim {number}", "external_id": str(number)} for number in range(200)]
    shuffled = [chance.sample(rows, len(rows)) for _ in range(4)]
    results = at_once(partial(import_all, owner, some, str(place)) for place, some in enumerate(shuffled))
    assert len(owner.purchases()) == len(owner.customers()) == len(rows)
    assert sum(isinstance(result, ExternalIdTaken) for one in results for result in one) == 3 * len(rows)
    check_invariants(owner)


def test_imports_in_opposite_order_do_not_wait_for_each_other(owner: Person) -> None:
    owner.capture(customer="Tim")
    there = [{"external_id": number} for number in ("first", "middle", "last")]
    imports = [partial(import_all, owner, there, "there"), partial(import_all, owner, there[::-1], "back")]
    with owner.app.app_context():
        # Whoever holds the middle row lets both come as far as there, and then gives it up.
        details = owner.details(external_id="middle")
        capture(details, shop=owner.user.shop, by=owner.user, source="web", key="given up")
        with ThreadPoolExecutor() as pool:
            waiting = pool.submit(at_once, imports)
            sleep(0.5)
            db.session.rollback()
            results = waiting.result()
    assert {purchase.external_id for purchase in owner.purchases()} == {None, "first", "middle", "last"}
    assert sum(isinstance(result, ExternalIdTaken) for one in results for result in one) == 3


def test_lists_that_name_the_same_customers_in_any_order_never_wait_in_a_ring(
    owner: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance, rings = random.Random(1), []
    ids = [owner.capture(customer=f"Tim {n} <tim{n}@example.com>").customer.public_id for n in range(400)]
    tells = attempts.is_deadlock
    monkeypatch.setattr(attempts, "is_deadlock", lambda error: rings.append(error) or tells(error))
    shuffled = [[{"customer": "", "customer_id": one} for one in chance.sample(ids, len(ids))] for _ in range(8)]

    def merge_two(one: str, other: str) -> None:
        sleep(chance.uniform(0, 3))
        with owner.app.app_context():
            decode = partial(public_id.decode, public_id.CUSTOMER)
            merge(decode(one), decode(other), shop=owner.user.shop, by=owner.user)
            db.session.commit()

    lists = [partial(import_all, owner, some, str(place)) for place, some in enumerate(shuffled)]
    pairs = [chance.sample(ids[at : at + 2], 2) for at in range(0, 400, 2)]
    at_once(lists + [partial(merge_two, *pair) for pair in pairs[:30]])
    assert not rings
    assert len(owner.purchases()) == 3600
    staying = {customer.id for customer in owner.customers() if customer.merged_into_id is None}
    assert {purchase.customer_id for purchase in owner.purchases()} == staying


@pytest.mark.parametrize("seed", range(6))
def test_whatever_comes_at_once_nothing_is_lost_or_shared(owner: Person, seed: int) -> None:
    chance = random.Random(seed)

    def anything() -> dict[str, str]:
        given = {
            "name": chance.choice(["", "Tim", "Tom", "Ann"]),
            "email": chance.choice(["", "", "a@example.com", "b@example.com", "c@example.com"]),
            "phone": chance.choice(["", "", "", "212 555 0101", "212 555 0102"]),
            "reference": chance.choice(["", "", "", "A1", "A2"]),
        }
        return {"customer": ""} | given if any(given.values()) else {"customer": "Tim"}

    wishes = [anything() for _ in range(60)]
    results = at_once(partial(owner.capture, f"key {place % 50}", **wish) for place, wish in enumerate(wishes))
    refused = [type(result) for result in results if isinstance(result, Refusal)]
    assert set(refused) <= {AmbiguousCustomer, IdentityConflict, KeyReused}
    recorded = {one.purchase.id for one in results if isinstance(one, Captured) and not one.is_replay}
    assert recorded == {purchase.id for purchase in owner.purchases()}
    check_invariants(owner)


def test_whom_a_lost_attempt_had_opened_is_opened_again(owner: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each row of a table may bring an id of its own: the session must not take the first attempt's for there."""
    opened: list[Customer] = []
    open_one, insert_rows = Register.open, register.insert_all

    def open_and_keep(self: Register, at: datetime, id: UUID | None = None) -> Customer:
        opened.append(open_one(self, at, id))  # as long as nobody has collected it
        return opened[-1]

    def lose_once(model: type[Base], rows: Sequence[Mapping[str, Any]]) -> None:
        if model is Identity and len(opened) == 1:
            raise Overtaken
        insert_rows(model, rows)

    monkeypatch.setattr(Register, "open", open_and_keep)
    monkeypatch.setattr(register, "insert_all", lose_once)
    tim = new_id()
    rows = [Row(2, {"customer_id": public_id.encode(public_id.CUSTOMER, tim), "name": "Tim", "item": "a book"})]
    with owner.app.app_context():
        import_rows(rows, shop=owner.user.shop, by=owner.user, key_prefix="import:")
        db.session.commit()
    assert len(opened) == 2
    assert [customer.id for customer in owner.customers()] == [tim]
