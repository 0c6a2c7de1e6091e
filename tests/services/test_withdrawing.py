"""Who is a customer only by purchases that were taken back is withdrawn, and is back with one that counts."""

from collections.abc import Callable
from functools import partial

import pytest

from models import Customer, Purchase
from tests.cast import Person
from tests.services.test_merging import do_merge, do_split, do_undo, history, now
from tests.services.test_races import at_once
from tests.services.test_undoing import edit_customer, restore, tables, void


def is_withdrawn(person: Person, customer: Customer) -> bool:
    return now(person, customer).withdrawn_at is not None


def test_a_customer_goes_with_their_last_purchase_and_comes_back_with_any(owner: Person) -> None:
    captured = [owner.capture(customer="Tim") for _ in range(2)]
    tim, (first, last) = captured[0].customer, [one.purchase for one in captured]
    void(owner, first)
    assert not is_withdrawn(owner, tim)
    void(owner, last)
    assert is_withdrawn(owner, tim)
    restore(owner, first)
    assert not is_withdrawn(owner, tim)
    assert [change for change in history(owner, tim) if change[0] == "status"] == [
        ("status", "listed", "withdrawn"),
        ("status", "withdrawn", "listed"),
    ]


def test_a_void_and_a_restore_that_are_taken_back_take_the_customer_with_them(owner: Person) -> None:
    captured = owner.capture(customer="Tim")
    before = tables(owner)
    voided = void(owner, captured.purchase)
    withdrawn = tables(owner)
    do_undo(owner, restore(owner, captured.purchase))
    assert tables(owner) == withdrawn
    do_undo(owner, voided)
    assert tables(owner) == before


def test_a_void_can_be_taken_back_after_the_customer_has_come_back(owner: Person) -> None:
    captured = owner.capture(customer="Tim")
    voided = void(owner, captured.purchase)
    owner.capture(customer="Tim")
    do_undo(owner, voided)
    assert not is_withdrawn(owner, captured.customer)


def test_the_void_of_one_of_two_can_be_taken_back_when_both_were_voided(owner: Person) -> None:
    tim = owner.capture(customer="Tim").customer
    first, _ = [void(owner, purchase) for purchase in (*owner.purchases(), owner.capture(customer="Tim").purchase)]
    assert is_withdrawn(owner, tim)
    do_undo(owner, first)
    assert not is_withdrawn(owner, tim)


@pytest.mark.parametrize(
    "act",
    [
        lambda owner, tim, bob: edit_customer(owner, tim, note="Tall"),
        lambda owner, tim, bob: do_merge(owner, bob, tim).action,
        lambda owner, tim, bob: do_split(owner, bob, [owner.purchases()[1]], tim).action,
    ],
    ids=["edit", "merge", "split"],
)
def test_who_is_dealt_with_on_purpose_is_there(owner: Person, act: Callable[..., object]) -> None:
    captured, bob = owner.capture(customer="Tim"), owner.capture(customer="Bob").customer
    void(owner, captured.purchase)
    before = tables(owner)
    action = act(owner, captured.customer, bob)
    assert not is_withdrawn(owner, captured.customer)
    do_undo(owner, action)
    assert tables(owner) == before


def test_who_had_nothing_but_somebody_else_s_purchase_goes_with_it(owner: Person) -> None:
    tim, bob = owner.capture(customer="Tim"), owner.capture(customer="Bob").customer
    before = tables(owner)
    moved = do_split(owner, tim.customer, [tim.purchase], bob).action
    assert is_withdrawn(owner, tim.customer)
    assert [one["name"] for one in owner.api.get("/customers").json["items"]] == ["Bob"]
    do_undo(owner, moved)
    assert tables(owner) == before


def test_who_is_back_by_a_mistake_goes_again_with_it(owner: Person) -> None:
    tim, bob = owner.capture(customer="Tim"), owner.capture(customer="Bob").customer
    do_split(owner, tim.customer, [tim.purchase], bob)
    again = owner.capture(customer="Tim")
    void(owner, again.purchase)
    assert is_withdrawn(owner, tim.customer)


def test_the_capture_that_brings_a_customer_back_is_on_their_history(owner: Person) -> None:
    captured = owner.capture(customer="Tim")
    void(owner, captured.purchase)
    again = owner.capture(customer="Tim")
    assert (again.outcome, again.changes) == ("unchanged", [])
    assert owner.capture(customer="Tim", key=again.purchase.capture_key).changes == []
    page = owner.browser.get(f"/customers/{captured.customer.public_id}")
    newest, *_ = page.rows("History")
    assert newest[2:] == ["withdrawn", "listed", "owner@example.com, by recording a purchase", ""]


def test_who_is_kept_by_hand_stays_without_purchases(owner: Person) -> None:
    owner.api.post("/customers", {"name": "Tim"}, 201)
    captured = owner.capture(customer="Tim")
    void(owner, captured.purchase)
    assert not is_withdrawn(owner, captured.customer)


def test_who_buys_while_their_purchase_is_taken_back_is_there(owner: Person) -> None:
    for turn in range(5):
        captured = owner.capture(customer=f"Tim {turn}")
        calls = [partial(void, owner, captured.purchase), partial(owner.capture, customer=f"Tim {turn}")]
        at_once(calls)
        assert not is_withdrawn(owner, captured.customer)


def test_a_purchase_is_taken_back_while_its_customer_is_merged(owner: Person) -> None:
    for turn in range(5):
        tim, bob = owner.capture(customer=f"Tim {turn}"), owner.capture(customer=f"Bob {turn}")
        merge = partial(do_merge, owner, tim.customer, bob.customer)
        results = at_once([merge, partial(void, owner, tim.purchase), partial(void, owner, bob.purchase)])
        assert [result for result in results if isinstance(result, Exception)] == []
        assert not is_withdrawn(owner, bob.customer)
        assert {one.customer_id for one in _of(owner, tim.purchase, bob.purchase)} == {bob.customer.id}


def _of(person: Person, *purchases: Purchase) -> list[Purchase]:
    ids = {purchase.id for purchase in purchases}
    return [purchase for purchase in person.purchases() if purchase.id in ids]
