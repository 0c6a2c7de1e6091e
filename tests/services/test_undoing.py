"""Taking back what was done: merges, splits, edits, voids; then what is refused, then races."""

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import event, select

from extensions import db
from models import Action, Change, Customer, Identity, Purchase
from schemas.bodies import CustomerBody, CustomerEdit, PurchaseEdit
from schemas.problems import ShopRules, judge
from services import editing
from services.refusals import AmbiguousCustomer, CannotUndo, UnknownAction, UnknownPurchase
from services.undoing import undo, undo_recording, undo_update
from tests.cast import Person, make_colleague
from tests.services.test_identity import identities, two_tims
from tests.services.test_merging import (
    THREADS,
    check_shop,
    do_merge,
    do_split,
    do_undo,
    history,
    items,
    note,
    now,
    tim_and_bob,
)
from tests.services.test_races import at_once

UNLIKE_BEFORE = ("updated_at", "version")


def tables(person: Person) -> dict[str, Any]:
    with person.app.app_context():
        return stored(person.shop_id)


def stored(shop_id: int) -> dict[str, Any]:
    """All that is stored of customers, identities and purchases, but for the traces that every change leaves."""
    return {table.__tablename__: _rows(table, shop_id) for table in (Customer, Identity, Purchase)}


def _rows(table: Any, shop_id: int) -> list[dict[str, Any]]:
    columns = [column for column in table.__table__.columns if column.name not in UNLIKE_BEFORE]
    rows = db.session.execute(select(*columns).where(table.shop_id == shop_id))
    names = [column.name for column in columns]
    return sorted((dict(zip(names, row, strict=True)) for row in rows), key=str)


def edit_customer(person: Person, customer: Customer, **given: str | None) -> Action:
    with person.app.app_context():
        shop = person.user.shop
        edit = judge(CustomerEdit, given, ShopRules(shop.currency, shop.country, shop.today()))
        editing.edit_customer(customer.id, edit, shop=shop, by=person.user)
        db.session.commit()
    return last_action(person)


def change_purchase(person: Person, purchase: Purchase, change: Callable[..., Action | None]) -> Action:
    """`change` is one of editing's verbs, with all it takes but the purchase and by whom."""
    with person.app.app_context():
        line = editing.find_with_customer(person.shop_id, purchase.id)
        assert line is not None
        action = change(line.purchase, by=person.user)
        db.session.commit()
        assert action is not None
        return action


def edit_purchase(person: Person, purchase: Purchase, **given: Any) -> Action:
    with person.app.app_context():
        shop = person.user.shop
        edit = judge(PurchaseEdit, given, ShopRules(shop.currency, shop.country, shop.today()))
    return change_purchase(person, purchase, lambda found, by: editing.edit_purchase(found, edit.changed, by=by))


def void(person: Person, purchase: Purchase, reason: str | None = None) -> Action:
    return change_purchase(person, purchase, lambda found, by: editing.void(found, reason, by=by))


def restore(person: Person, purchase: Purchase) -> Action:
    return change_purchase(person, purchase, editing.restore)


def do_undo_update(person: Person, purchase: Purchase) -> Action:
    with person.app.app_context():
        action = undo_update(purchase.id, shop=person.user.shop, by=person.user)
        db.session.commit()
        return action


def do_undo_recording(person: Person, purchase: Purchase) -> None:
    with person.app.app_context():
        line = editing.find_with_customer(person.shop_id, purchase.id)
        assert line is not None
        undo_recording(line.purchase, shop=person.user.shop, by=person.user)
        db.session.commit()


def last_action(person: Person) -> Action:
    with person.app.app_context():
        action = last_action_of(person.shop_id)
        assert action is not None
        return action


def last_action_of(shop_id: int) -> Action | None:
    found = select(Action).where(Action.shop_id == shop_id).order_by(Action.id.desc()).limit(1)
    return db.session.scalars(found).one_or_none()


# A merge


def test_a_merge_taken_back_leaves_everything_as_it_was(owner: Person) -> None:
    tim = owner.capture(customer="Tim (212 555 0101)", reference="A1").customer
    note(owner, tim, "Rings twice")
    bob = owner.capture(customer="bob@example.com").customer
    before = tables(owner)
    merged = do_merge(owner, tim, bob)
    assert tables(owner) != before
    undone = do_undo(owner, merged.action)
    assert tables(owner) == before
    assert (undone.kind, undone.undoes_id) == ("undo", merged.action.id)


def test_a_merge_can_be_done_again_once_it_was_taken_back(owner: Person) -> None:
    tim, bob = tim_and_bob(owner)
    for _ in range(2):
        do_undo(owner, do_merge(owner, tim, bob).action)
    do_merge(owner, tim, bob)
    assert items(owner, bob) == ["a book", "a pen"]


def test_what_was_recorded_under_an_old_identity_or_id_goes_back_with_it(owner: Person) -> None:
    tim = owner.capture(customer="Tim (212 555 0101)", reference="A1", item="before").customer
    bob = owner.capture(customer="Bob <bob@example.com>", item="before").customer
    merged = do_merge(owner, tim, bob)
    for found in [{"customer": "Bob"}, {"customer": "BOB@example.com"}, {"customer_id": bob.public_id}]:
        owner.capture(**({"customer": ""} | found), item="Bob's")
    for found in [{"customer": "+1 212-555-0101"}, {"customer": "", "reference": "A1"}, {"customer": "tim"}]:
        owner.capture(**found, item="Tim's")
    owner.capture(customer="", customer_id=tim.public_id, item="Tim's")
    do_undo(owner, merged.action)
    assert items(owner, tim) == ["before"] + ["Tim's"] * 4
    assert items(owner, bob) == ["before"] + ["Bob's"] * 3


@pytest.mark.parametrize("stays", ["Tim", "Sue"])
def test_what_a_name_found_goes_back_to_who_bore_it_beside_somebody_withdrawn(owner: Person, stays: str) -> None:
    withdrawn = owner.capture(customer="Tim").customer
    sue = owner.capture(customer="sue@example.com", item="before").customer
    tim = do_split(owner, withdrawn, owner.purchases()[:1], {"name": "Tim"}).customer
    merged = do_merge(owner, sue, tim) if stays == "Tim" else do_merge(owner, tim, sue)
    assert owner.capture(customer="Tim", item="Tim's").customer.id == merged.customer.id
    do_undo(owner, merged.action)
    assert items(owner, tim) == ["a book", "Tim's"]
    assert (items(owner, sue), items(owner, withdrawn)) == (["before"], [])


def test_what_was_recorded_under_an_older_pointer_goes_back_with_the_one_it_points_at(owner: Person) -> None:
    tim, bob = tim_and_bob(owner)
    old = owner.capture(customer="Tom <tom@example.com>", item="before").customer
    do_merge(owner, old, tim)
    merged = do_merge(owner, tim, bob)
    for found in [{"customer_id": old.public_id, "customer": ""}, {"customer": "tom@example.com"}]:
        owner.capture(**found, item="Tom's")
    do_undo(owner, merged.action)
    assert items(owner, tim) == ["a book", "before", "Tom's", "Tom's"]
    assert now(owner, old).merged_into_id == tim.id


def test_purchases_that_somebody_has_moved_elsewhere_since_stay_there(owner: Person) -> None:
    tim, bob = tim_and_bob(owner)
    ann = owner.capture(customer="Ann", item="a hat").customer
    merged = do_merge(owner, tim, bob)
    later = owner.capture(customer="tim@example.com", item="a mug").purchase
    do_split(owner, bob, [owner.purchases()[0], later], ann)
    do_undo(owner, merged.action)
    assert items(owner, ann) == ["a book", "a hat", "a mug"]
    assert (items(owner, tim), items(owner, bob)) == ([], ["a pen"])


def test_what_captures_told_of_the_wrong_customer_is_told_of_the_right_one(owner: Person) -> None:
    tim, bob = tim_and_bob(owner)
    merged = do_merge(owner, tim, bob)
    owner.capture(customer="Timothy <tim@example.com>", phone="212 555 0101")
    owner.capture(customer="", name="Bob", email="bob@example.com", reference="B1")
    do_undo(owner, merged.action)
    tim, bob = now(owner, tim), now(owner, bob)
    assert (tim.name, tim.email, tim.phone) == ("Timothy", "tim@example.com", "212 555 0101")
    assert (bob.name, bob.email, bob.phone, bob.reference) == ("Bob", "bob@example.com", None, "B1")
    again = owner.capture(customer="Tim <tim@example.com>", phone="212 555 0101")
    assert again.customer.id == tim.id


def test_what_found_who_stayed_before_a_merge_still_does_whatever_captures_told_since(owner: Person) -> None:
    tim, bob = tim_and_bob(owner)
    owner.capture(customer="", customer_id=bob.public_id, email="bob@work.example")
    merged = do_merge(owner, tim, bob)
    for email in ("new@example.com", "BOB@example.com", "newer@example.com", "new@example.com"):
        owner.capture(customer="", customer_id=tim.public_id, email=email)
    do_undo(owner, merged.action)
    assert identities(owner, bob) == {("name", "bob"), ("email", "bob@example.com"), ("email", "bob@work.example")}
    told = {("email", "new@example.com"), ("email", "newer@example.com")}
    assert identities(owner, tim) == {("name", "tim"), ("email", "tim@example.com")} | told
    assert (now(owner, bob).email, now(owner, tim).email) == ("bob@work.example", "new@example.com")


@pytest.mark.parametrize("told", [{"email": "{}@example.com"}, {"name": "Tim {}"}], ids=["email", "name"])
def test_a_merge_is_taken_back_in_as_many_statements_after_many_captures_as_after_few(
    owner: Person, told: dict[str, str]
) -> None:
    few, many = (_count_statements_of_undo(owner, told, times) for times in (3, 30))
    assert many <= few


def _count_statements_of_undo(person: Person, told: dict[str, str], times: int) -> int:
    """`told` is what each of the captures says anew of who was merged away."""
    tim, bob = (person.capture(customer=f"{name}{times}@example.com").customer for name in ("tim", "bob"))
    merged = do_merge(person, tim, bob)
    for number in range(times):
        new = {field: text.format(f"{times}-{number}") for field, text in told.items()}
        person.capture(**({"customer": "", "customer_id": tim.public_id} | new))
    statements: list[str] = []
    with person.app.app_context():
        user, engine = person.user, db.engine
        event.listen(engine, "before_cursor_execute", lambda *args: statements.append(args[2]), named=False)
        undo(merged.action.id, shop=user.shop, by=user)
        total = len(statements)
        db.session.commit()
        return total


def test_nobody_shows_an_address_that_finds_another_after_a_merge_was_taken_back(owner: Person) -> None:
    tim, bob = tim_and_bob(owner)
    owner.capture(customer="Tim <tim@work.example>", customer_id=tim.public_id)
    merged = do_merge(owner, tim, bob)
    owner.capture(customer="tim@example.com")
    owner.capture(customer="TIM@work.example")
    assert now(owner, bob).email == "TIM@work.example"
    do_undo(owner, merged.action)
    assert (now(owner, bob).email, now(owner, tim).email) == ("bob@example.com", "TIM@work.example")

    merged = do_merge(owner, tim, bob)
    edit_customer(owner, bob, email="tim@example.com")
    do_undo(owner, merged.action)
    assert now(owner, bob).email == "bob@example.com"
    assert owner.capture(customer="tim@example.com").customer.id == tim.id


def test_a_blank_that_was_filled_and_changed_since_stays_changed(owner: Person) -> None:
    tim = owner.capture(customer="Tim").customer
    note(owner, tim, "Rings twice")
    bob = owner.capture(customer="bob@example.com").customer
    merged = do_merge(owner, tim, bob)
    edit_customer(owner, bob, name="Bob", note="Knocks")
    do_undo(owner, merged.action)
    assert (now(owner, bob).name, now(owner, bob).note) == ("Bob", "Knocks")
    assert owner.capture(customer="Tim").customer.id == tim.id


def test_an_address_that_nobody_has_any_longer_comes_back_with_who_shows_it(owner: Person) -> None:
    tim = owner.capture(customer="Tim (212 555 0101)").customer
    bob = owner.capture(customer="Bob <bob@example.com>").customer
    merged = do_merge(owner, tim, bob)
    edit_customer(owner, bob, phone=None)
    do_undo(owner, merged.action)
    assert owner.capture(customer="212 555 0101").customer.id == tim.id


def test_later_merges_into_the_same_customer_stand_when_an_earlier_one_is_taken_back(owner: Person) -> None:
    tim, bob = tim_and_bob(owner)
    ann = owner.capture(customer="Ann", item="a hat").customer
    merged = do_merge(owner, tim, bob)
    do_merge(owner, ann, bob)
    do_undo(owner, merged.action)
    assert (items(owner, tim), items(owner, bob)) == (["a book"], ["a pen", "a hat"])


def test_taking_a_merge_back_is_on_the_history(owner: Person) -> None:
    tim, bob = owner.capture(customer="Tim").customer, owner.capture(customer="bob@example.com").customer
    [book, _] = owner.purchases()
    merged = do_merge(owner, tim, bob)
    colleague = make_colleague(owner)
    undone = do_undo(colleague, merged.action)
    assert undone.user_id == colleague.user_id
    assert history(owner, book)[1:] == [("customer_id", bob.public_id, tim.public_id)]
    assert history(owner, tim)[2:] == [("merged_into", bob.public_id, None), ("identity", None, "name:tim")]
    assert history(owner, bob)[3:] == [
        ("merged", tim.public_id, None),
        ("identity", "name:tim", None),
        ("name", "Tim", None),
    ]


# A split


def test_a_split_taken_back_leaves_everything_as_it_was(owner: Person) -> None:
    tim, bob = tim_and_bob(owner)
    before = tables(owner)
    done = do_split(owner, tim, owner.purchases()[:1], bob)
    assert tables(owner) != before
    do_undo(owner, done.action)
    assert tables(owner) == before


def test_who_was_opened_by_a_split_that_is_taken_back_becomes_a_pointer_that_nothing_else_finds(owner: Person) -> None:
    tim = owner.capture(customer="Tim <tim@example.com>").customer
    before = tables(owner)
    done = do_split(owner, tim, owner.purchases(), {"name": "Tim", "email": "other@example.com"})
    do_undo(owner, done.action)
    after = tables(owner)
    assert (after["purchases"], after["identities"]) == (before["purchases"], before["identities"])
    assert now(owner, done.customer).merged_into_id == tim.id
    assert owner.capture(customer="", customer_id=done.customer.public_id).customer.id == tim.id
    assert owner.capture(customer="Tim <other@example.com>").outcome == "created"


def test_who_was_opened_by_a_split_and_has_bought_since_stays(owner: Person) -> None:
    tim = owner.capture(customer="Tim", item="a book").customer
    done = do_split(owner, tim, owner.purchases(), {"name": "Tom", "email": "tom@example.com"})
    owner.capture(customer="tom@example.com", item="a mug")
    do_undo(owner, done.action)
    assert (items(owner, tim), items(owner, done.customer)) == (["a book"], ["a mug"])
    assert owner.capture(customer="Tom").customer.id == done.customer.id


def test_what_became_known_of_a_customer_since_they_were_split_off_still_finds_somebody(owner: Person) -> None:
    tim = owner.capture(customer="Tim").customer
    done = do_split(owner, tim, owner.purchases(), {"name": "Tom", "email": "tom@example.com"})
    edit_customer(owner, done.customer, phone="212 555 0101")
    do_undo(owner, done.action)
    assert identities(owner, tim) == {("name", "tim"), ("phone", "+12125550101")}
    assert identities(owner, done.customer) == set()


def test_purchases_that_were_moved_on_since_a_split_stay_where_they_are(owner: Person) -> None:
    tim, bob = tim_and_bob(owner)
    ann = owner.capture(customer="Ann", item="a hat").customer
    book = owner.purchases()[0]
    done = do_split(owner, tim, [book], bob)
    do_split(owner, bob, [book], ann)
    do_undo(owner, done.action)
    assert items(owner, ann) == ["a book", "a hat"]


# An edit, a void, a restore


@pytest.mark.parametrize(
    "given",
    [
        {"name": "Tom"},
        {"name": None},
        {"email": "tom@example.com"},
        {"email": "old@example.com"},
        {"email": None},
        {"phone": "212 555 0101", "reference": "A1", "note": "Rings twice"},
    ],
)
def test_an_edit_of_a_customer_taken_back_leaves_everything_as_it_was(owner: Person, given: dict[str, Any]) -> None:
    tim = owner.capture(customer="Tim <old@example.com>").customer
    owner.capture(customer="", customer_id=tim.public_id, email="tim@example.com")
    owner.capture(customer="Tim <other@example.com>")
    before = tables(owner)
    action = edit_customer(owner, tim, **given)
    assert tables(owner) != before
    do_undo(owner, action)
    assert tables(owner) == before


def test_an_address_typed_by_mistake_finds_nobody_once_the_edit_is_taken_back(owner: Person) -> None:
    tim = owner.capture(customer="Tim <tim@example.com>").customer
    do_undo(owner, edit_customer(owner, tim, email="tom@example.com"))
    assert owner.capture(customer="tom@example.com").outcome == "created"
    assert owner.capture(customer="tim@example.com").customer.id == tim.id


def test_an_edit_of_a_purchase_taken_back_leaves_everything_as_it_was(owner: Person) -> None:
    purchase = owner.capture(amount="15.50", quantity="2").purchase
    before = tables(owner)
    edit = {"item": "A Pen", "quantity": 3, "amount": None, "purchased_on": "2020-02-29", "note": "blue"}
    action = edit_purchase(owner, purchase, **edit)
    assert tables(owner) != before
    do_undo(owner, action)
    assert tables(owner) == before
    again = edit_purchase(owner, purchase, amount={"amount": "3000", "currency": "JPY"})
    do_undo(owner, again)
    assert tables(owner) == before


@pytest.mark.parametrize("reason", [None, "Brought back"])
def test_a_void_and_a_restore_are_taken_back(owner: Person, reason: str | None) -> None:
    purchase = owner.capture().purchase
    recorded = tables(owner)
    do_undo(owner, void(owner, purchase, reason))
    assert tables(owner) == recorded

    void(owner, purchase, reason)
    colleague = make_colleague(owner)
    do_undo(colleague, restore(colleague, purchase))
    [voided] = owner.purchases()
    assert (voided.void_reason, voided.voided_by_id) == (reason, owner.user_id)
    assert voided.voided_at is not None


# What a capture changed


def test_what_a_capture_changed_on_a_customer_is_taken_back_as_a_whole(owner: Person) -> None:
    owner.capture(customer="Tim", email="tim@example.com")
    before = tables(owner)
    captured = owner.capture(customer="Timothy", email="tim@example.com", phone="212 555 0101", reference="A1")
    undone = do_undo_update(owner, captured.purchase)
    after = tables(owner)
    assert after["customers"] == before["customers"]
    assert after["identities"] == before["identities"]
    assert len(after["purchases"]) == 2
    assert (undone.kind, undone.undoes_id, undone.undoes_purchase_id) == ("undo", None, captured.purchase.id)


def test_an_older_address_is_shown_again_when_the_newer_is_taken_back(owner: Person) -> None:
    tim = owner.capture(customer="Tim <old@example.com>", reference="A1").customer
    do_undo_update(owner, owner.capture(customer="", reference="A1", email="typo@example.com").purchase)
    assert now(owner, tim).email == "old@example.com"
    assert ("email", "typo@example.com") not in identities(owner, tim)


def test_a_name_that_found_the_customer_by_a_merge_still_does_when_its_capture_is_taken_back(owner: Person) -> None:
    tim = owner.capture(customer="Tim <tim@example.com>").customer
    bob = owner.capture(customer="Bob <bob@example.com>").customer
    do_merge(owner, tim, bob)
    captured = owner.capture(customer="Tim <bob@example.com>")
    assert captured.changes != []
    do_undo_update(owner, captured.purchase)
    assert now(owner, bob).name == "Bob"
    assert owner.capture(customer="Tim").customer.id == bob.id
    assert [one["name"] for one in owner.api.get("/customers?q=tim").json["items"]] == ["Bob"]


def test_what_was_just_recorded_is_undone_with_all_that_it_changed(owner: Person) -> None:
    owner.capture(customer="Tim")
    before = tables(owner)
    captured = owner.capture(customer="Tim <typo@example.com>")
    for _ in range(2):
        do_undo_recording(owner, captured.purchase)
    after = tables(owner)
    assert (after["customers"], after["identities"]) == (before["customers"], before["identities"])
    assert [purchase.voided_at is None for purchase in owner.purchases()] == [True, False]


def test_undoing_a_recording_leaves_what_something_later_stands_on(owner: Person) -> None:
    tim = owner.capture(customer="Tim").customer
    captured = owner.capture(customer="Tim <tim@example.com>")
    edit_customer(owner, tim, email="new@example.com")
    do_undo_recording(owner, captured.purchase)
    assert now(owner, tim).email == "new@example.com"
    assert [purchase.voided_at is None for purchase in owner.purchases()] == [True, False]


# What is refused


def test_an_action_is_taken_back_once(owner: Person) -> None:
    tim, bob = tim_and_bob(owner)
    actions = [
        do_merge(owner, tim, bob).action,
        do_split(owner, bob, owner.purchases()[:1], {"name": "Ann"}).action,
        edit_customer(owner, bob, phone="212 555 0101"),
        void(owner, owner.purchases()[0]),
    ]
    for action in reversed(actions):
        undone = do_undo(owner, action)
        before = tables(owner)
        with pytest.raises(CannotUndo, match="This was taken back already"):
            do_undo(owner, action)
        with pytest.raises(CannotUndo, match="Do it again instead"):
            do_undo(owner, undone)
        assert tables(owner) == before


def test_what_a_capture_changed_is_taken_back_once(owner: Person) -> None:
    owner.capture(customer="Tim")
    purchase = owner.capture(customer="Tim <tim@example.com>").purchase
    do_undo_update(owner, purchase)
    with pytest.raises(CannotUndo, match="This was taken back already"):
        do_undo_update(owner, purchase)
    with pytest.raises(CannotUndo, match="Do it again instead"):
        do_undo(owner, last_action(owner))


def test_a_capture_that_changed_nothing_or_brought_somebody_new_is_no_update(owner: Person) -> None:
    new, known = (owner.capture(customer="Tim").purchase for _ in range(2))
    with pytest.raises(CannotUndo, match="Take the purchase back instead"):
        do_undo_update(owner, new)
    with pytest.raises(CannotUndo, match="changed nothing on the customer"):
        do_undo_update(owner, known)


def test_an_update_is_not_taken_back_under_what_came_later(owner: Person) -> None:
    tim, bob = tim_and_bob(owner)
    purchase = owner.capture(customer="tim@example.com", phone="212 555 0101").purchase
    later = owner.capture(customer="tim@example.com", phone="212 555 0102").purchase
    with pytest.raises(CannotUndo, match="This was changed again since"):
        do_undo_update(owner, purchase)
    do_undo_update(owner, later)
    merged = do_merge(owner, tim, bob)
    with pytest.raises(CannotUndo, match="Take back that merge first"):
        do_undo_update(owner, purchase)
    do_undo(owner, merged.action)
    do_undo_update(owner, purchase)
    assert now(owner, tim).phone is None


def test_nobody_takes_back_what_a_capture_of_another_shop_changed(owner: Person, stranger: Person) -> None:
    stranger.capture(customer="Tim")
    purchase = stranger.capture(customer="Tim <tim@example.com>").purchase
    with pytest.raises(UnknownPurchase):
        do_undo_update(owner, purchase)


def test_nobody_takes_back_what_another_shop_did(owner: Person, stranger: Person) -> None:
    action = void(stranger, stranger.capture().purchase)
    with pytest.raises(UnknownAction):
        do_undo(owner, action)
    with owner.app.app_context(), pytest.raises(UnknownAction):
        undo(uuid4(), shop=owner.user.shop, by=owner.user)


def test_a_merge_is_not_taken_back_under_a_later_one(owner: Person) -> None:
    tim, bob = tim_and_bob(owner)
    ann = owner.capture(customer="Ann").customer
    first, later = do_merge(owner, tim, bob).action, do_merge(owner, bob, ann).action
    before = tables(owner)
    with pytest.raises(CannotUndo, match="Take back the later merge first"):
        do_undo(owner, first)
    assert tables(owner) == before
    do_undo(owner, later)
    do_undo(owner, first)
    assert items(owner, tim) == ["a book"]


@pytest.mark.parametrize("side", ["of", "to"])
def test_a_split_is_not_taken_back_under_a_later_merge(owner: Person, side: str) -> None:
    tim, bob = tim_and_bob(owner)
    ann = owner.capture(customer="Ann").customer
    done = do_split(owner, tim, owner.purchases()[:1], bob)
    later = do_merge(owner, tim if side == "of" else bob, ann).action
    with pytest.raises(CannotUndo, match="Take back the later merge first"):
        do_undo(owner, done.action)
    do_undo(owner, later)
    do_undo(owner, done.action)
    assert items(owner, tim) == ["a book"]


def test_an_edit_is_not_taken_back_over_a_later_change(owner: Person) -> None:
    captured = owner.capture(customer="Tim")
    tim, purchase = captured.customer, captured.purchase
    on_customer, on_purchase = edit_customer(owner, tim, name="Tom"), edit_purchase(owner, purchase, item="a pen")
    voided = void(owner, purchase)
    edit_customer(owner, tim, name="Tam")
    edit_purchase(owner, purchase, item="a pencil")
    restore(owner, purchase)
    before = tables(owner)
    for action in (on_customer, on_purchase, voided):
        with pytest.raises(CannotUndo, match="changed again since"):
            do_undo(owner, action)
    assert tables(owner) == before


def test_an_address_that_is_another_customers_by_now_is_not_given_back(owner: Person) -> None:
    tim = owner.capture(customer="Tim <tim@example.com>").customer
    action = edit_customer(owner, tim, email=None)
    tom = owner.capture(customer="Tom <tim@example.com>").customer
    with pytest.raises(CannotUndo, match=r"tim@example\.com belongs to another customer by now"):
        do_undo(owner, action)
    edit_customer(owner, tom, email=None)
    do_undo(owner, action)
    assert owner.capture(customer="tim@example.com").customer.id == tim.id


def test_a_merge_is_not_taken_back_when_an_address_of_it_is_another_customers_by_now(owner: Person) -> None:
    tim, bob = tim_and_bob(owner)
    merged = do_merge(owner, tim, bob)
    edit_customer(owner, bob, email="tim@example.com")
    edit_customer(owner, bob, email=None)
    owner.capture(customer="Tom <tim@example.com>")
    before = tables(owner)
    with pytest.raises(CannotUndo, match="belongs to another customer by now"):
        do_undo(owner, merged.action)
    assert tables(owner) == before


def test_nobody_is_left_known_by_nothing(owner: Person) -> None:
    tim = owner.capture(customer="Tim (212 555 0101)").customer
    bob = owner.capture(customer="bob@example.com").customer
    merged = do_merge(owner, tim, bob)
    edit_customer(owner, bob, email=None)
    with pytest.raises(CannotUndo, match="Give them a name first"):
        do_undo(owner, merged.action)
    with owner.app.app_context():
        shop = owner.user.shop
        body = judge(CustomerBody, {"name": "Ann"}, ShopRules(shop.currency, shop.country, shop.today()))
        editing.keep_customer(body, shop=shop, by=owner.user, only_new=True)
        db.session.commit()
    with pytest.raises(CannotUndo, match="Give them a name first"):
        do_undo(owner, last_action(owner))


def test_an_edit_of_who_was_merged_since_is_not_taken_back(owner: Person) -> None:
    tim, bob = tim_and_bob(owner)
    action = edit_customer(owner, tim, phone="212 555 0101")
    do_merge(owner, tim, bob)
    with pytest.raises(CannotUndo, match="Take back that merge first"):
        do_undo(owner, action)


def test_two_who_were_merged_and_taken_apart_ask_again(owner: Person) -> None:
    first, second = two_tims(owner)
    merged = do_merge(owner, first, second)
    assert owner.capture(customer="Tim").customer.id == second.id
    do_undo(owner, merged.action)
    with pytest.raises(AmbiguousCustomer):
        owner.capture(customer="Tim")


# Races


def test_of_many_who_take_the_same_back_at_the_same_instant_one_does(owner: Person) -> None:
    tim, bob = tim_and_bob(owner)
    for make in (
        lambda: do_merge(owner, tim, bob).action,
        lambda: do_split(owner, bob, owner.purchases()[1:], {"name": "Ann"}).action,
        lambda: edit_customer(owner, tim, phone="212 555 0101"),
        lambda: void(owner, owner.purchases()[0]),
    ):
        before, action = tables(owner), make()
        results = at_once([partial(do_undo, owner, action)] * THREADS)
        assert sum(isinstance(result, Action) for result in results) == 1
        refused = {str(result) for result in results if isinstance(result, CannotUndo)}
        assert refused == {"This was taken back already"}
        assert tables(owner)["purchases"] == before["purchases"]
        with owner.app.app_context():
            assert len(db.session.scalars(select(Action).where(Action.undoes_id == action.id)).all()) == 1


def test_of_many_who_take_an_update_back_at_the_same_instant_one_does(owner: Person) -> None:
    owner.capture(customer="Tim")
    purchase = owner.capture(customer="Tim <tim@example.com>").purchase
    results = at_once([partial(do_undo_update, owner, purchase)] * THREADS)
    assert sum(isinstance(result, Action) for result in results) == 1
    assert {str(one) for one in results if isinstance(one, CannotUndo)} == {"This was taken back already"}


def test_a_merge_is_taken_back_or_merged_on_but_not_both(owner: Person) -> None:
    for turn in range(5):
        tim = owner.capture(customer=f"Tim {turn}").customer
        bob = owner.capture(customer=f"Bob {turn}").customer
        ann = owner.capture(customer=f"Ann {turn}").customer
        merged = do_merge(owner, tim, bob)
        results = at_once([partial(do_undo, owner, merged.action), partial(do_merge, owner, bob, ann)])
        is_undone = now(owner, tim).merged_into_id is None
        assert isinstance(results[0], Action if is_undone else CannotUndo)
        assert len(items(owner, ann)) == (2 if is_undone else 3)
    check_shop(owner)


def test_every_change_of_an_action_names_it(owner: Person) -> None:
    tim, bob = tim_and_bob(owner)
    merged = do_merge(owner, tim, bob)
    undone = do_undo(owner, merged.action)
    with owner.app.app_context():
        changes = db.session.scalars(select(Change).where(Change.by_purchase_id.is_(None))).all()
        assert {change.action_id for change in changes} == {merged.action.id, undone.id}
