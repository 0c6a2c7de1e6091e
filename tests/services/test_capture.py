"""Exactly once, what is stored, the history, and many at a time."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, text

from extensions import db
from models import Change, Customer
from services.capture import Capture, Captured, capture_all
from services.refusals import (
    AmbiguousCustomer,
    ExternalIdTaken,
    IdentityConflict,
    KeyReused,
    Refusal,
    UnknownCustomer,
)
from tests.cast import Person, make_colleague, make_person

Clock = Callable[[str], None]


def history(person: Person, customer: Customer | None = None) -> list[Change]:
    """All changes of the shop, or of one customer, the earliest first."""
    with person.app.app_context():
        found = select(Change).where(Change.shop_id == person.shop_id).order_by(Change.id)
        changes = db.session.scalars(found)
        return [change for change in changes if customer is None or change.customer_id == customer.id]


def everything(person: Person) -> list[list[dict[str, Any]]]:
    """All rows of the shop: what must stay as it is when nothing is written."""
    with person.app.app_context():
        tables = [table for table in db.metadata.sorted_tables if "shop_id" in table.columns]
        return [
            [dict(row) for row in db.session.execute(_of_shop(table, person.shop_id)).mappings()] for table in tables
        ]


def _of_shop(table: Any, shop_id: int) -> Any:
    return select(table).where(table.c.shop_id == shop_id).order_by(*table.primary_key.columns)


def capture_many(person: Person, *wishes: dict[str, Any]) -> list[Captured | Refusal]:
    """Records all at once and commits; a wish is the fields of a form, and `key`."""
    with person.app.app_context():
        captures = [
            Capture(person.details(**{field: value for field, value in wish.items() if field != "key"}), key)
            for wish, key in ((wish, wish.get("key", f"row {place}")) for place, wish in enumerate(wishes))
        ]
        results = capture_all(captures, shop=person.user.shop, by=person.user, source="import")
        db.session.commit()
        return results


# Exactly once


def test_the_same_again_under_the_same_key_is_the_first_answer(owner: Person) -> None:
    first = owner.capture("k1", customer="Tim <tim@example.com>", item="a book", amount="12.50")
    stored = everything(owner)
    again = owner.capture("k1", customer="Tim <tim@example.com>", item="a book", amount="12.50")
    assert (first.is_replay, again.is_replay) == (False, True)
    assert (again.purchase.id, again.customer.id) == (first.purchase.id, first.customer.id)
    assert (again.outcome, again.purchase.matched_on) == ("created", None)
    assert again.changes == first.changes
    assert everything(owner) == stored


def test_a_replay_tells_what_the_first_changed_on_a_known_customer(owner: Person) -> None:
    owner.capture(customer="Tim")
    details = {"customer": "Tim <tim@example.com>", "phone": "212 555 0123", "reference": "A1"}
    first = owner.capture("k1", **details)
    again = owner.capture("k1", **details)
    assert again.is_replay
    assert (again.outcome, again.purchase.matched_on) == ("updated", "name")
    assert [(change.field, change.before, change.after) for change in again.changes] == [
        ("email", None, "tim@example.com"),
        ("phone", None, "212 555 0123"),
        ("reference", None, "A1"),
    ]
    assert again.changes == first.changes


def test_a_replay_of_what_changed_nothing_changes_nothing(owner: Person) -> None:
    owner.capture(customer="Tim")
    owner.capture("k1", customer="Tim")
    assert owner.capture("k1", customer="Tim").outcome == "unchanged"
    assert len(owner.purchases()) == 2


def test_a_replay_does_not_look_for_the_customer_again(owner: Person) -> None:
    first = owner.capture("k1", customer="Tim")
    owner.capture(customer="Tim", customer_id="new")
    assert owner.capture("k1", customer="Tim").customer.id == first.customer.id


def test_a_replay_does_not_undo_what_came_after_it(owner: Person) -> None:
    owner.capture("k1", customer="Tim <tim@example.com>")
    owner.capture(customer="Tom <tim@example.com>")
    assert owner.capture("k1", customer="Tim <tim@example.com>").is_replay
    assert [customer.name for customer in owner.customers()] == ["Tom"]


def test_a_new_customer_of_a_known_name_is_replayed_as_well(owner: Person) -> None:
    owner.capture(customer="Tim")
    details = {"customer": "Tim <tim@example.com>", "customer_id": "new"}
    first = owner.capture("k1", **details)
    again = owner.capture("k1", **details)
    assert (again.is_replay, again.customer.id, again.outcome) == (True, first.customer.id, "created")


@pytest.mark.parametrize(
    "spelling",
    [
        {"item": "  a   book "},
        {"quantity": "1"},
        {"amount": "$12.50"},
        {"amount": "12.5", "currency": "usd"},
        {"amount": "", "unit_price": "12.50"},
        {"customer": "", "name": "Tim", "email": "tim@example.com"},
        {"note": "  "},
        {"purchased_on": "Today"},
        {"external_id": ""},
    ],
)
def test_what_means_the_same_is_the_same_content(owner: Person, spelling: dict[str, str]) -> None:
    content = {"customer": "Tim <tim@example.com>", "item": "a book", "amount": "12.50"}
    owner.capture("k1", **content)
    assert owner.capture("k1", **(content | spelling)).is_replay
    assert len(owner.purchases()) == 1


@pytest.mark.parametrize(
    "other",
    [
        {"customer": "Ann"},
        {"customer": "Tim <tim@example.com>"},
        {"phone": "212 555 0123"},
        {"reference": "A1"},
        {"customer_id": "new"},
        {"item": "a pen"},
        {"quantity": "2"},
        {"amount": "12.51"},
        {"amount": "12.50", "currency": "EUR"},
        {"amount": ""},
        {"purchased_on": "2026-11-20"},
        {"purchased_on": "yesterday"},
        {"note": "as a present"},
        {"external_id": "4711"},
    ],
)
def test_other_content_under_the_same_key_is_refused(owner: Person, at: Clock, other: dict[str, str]) -> None:
    at("2026-11-21T12:00")
    content = {"customer": "Tim", "item": "a book", "amount": "12.50"}
    first = owner.capture("k1", **content)
    stored = everything(owner)
    with pytest.raises(KeyReused) as refused:
        owner.capture("k1", **(content | other))
    assert refused.value.purchase.id == first.purchase.id
    assert everything(owner) == stored


@pytest.mark.parametrize("said", [{}, {"purchased_on": "today"}, {"purchased_on": "yesterday"}])
def test_a_retry_after_midnight_is_still_a_replay(owner: Person, at: Clock, said: dict[str, str]) -> None:
    at("2026-11-21T04:59")
    first = owner.capture("k1", **said)
    at("2026-11-21T05:01")
    again = owner.capture("k1", **said)
    assert again.is_replay
    assert again.purchase.purchased_on == first.purchase.purchased_on
    assert len(owner.purchases()) == 1


def test_the_same_content_under_two_keys_is_two_purchases(owner: Person) -> None:
    first, second = owner.capture("k1"), owner.capture("k2")
    assert first.purchase.id != second.purchase.id
    assert not second.is_replay
    assert len(owner.purchases()) == 2


def test_keys_that_differ_by_case_are_two(owner: Person) -> None:
    owner.capture("Key")
    assert not owner.capture("key").is_replay


def test_each_shop_has_its_own_keys_and_numbers(owner: Person, stranger: Person) -> None:
    owner.capture("k1", item="a book", external_id="4711")
    theirs = stranger.capture("k1", item="a pen", external_id="4711")
    assert not theirs.is_replay
    assert len(owner.purchases()) == len(stranger.purchases()) == 1


def test_a_refusal_does_not_use_up_the_key(owner: Person) -> None:
    owner.capture(customer="Tim")
    second = owner.capture(customer="Tim", customer_id="new").customer
    with pytest.raises(AmbiguousCustomer):
        owner.capture("k1", customer="Tim")
    captured = owner.capture("k1", customer="Tim", customer_id=second.public_id)
    assert (captured.is_replay, captured.customer.id) == (False, second.id)


def test_a_number_of_the_caller_is_taken_once(owner: Person) -> None:
    owner.capture(external_id="4711")
    stored = everything(owner)
    with pytest.raises(ExternalIdTaken) as refused:
        owner.capture(customer="Ann", external_id="4711")
    assert refused.value.field == "external_id"
    assert "4711" in refused.value.message
    assert everything(owner) == stored


def test_a_taken_number_does_not_hinder_the_replay_of_its_own_purchase(owner: Person) -> None:
    first = owner.capture("k1", external_id="4711")
    assert owner.capture("k1", external_id="4711").purchase.id == first.purchase.id


def test_the_number_of_a_refused_purchase_is_free(owner: Person) -> None:
    owner.capture(customer="Tim")
    owner.capture(customer="Tim", customer_id="new")
    with pytest.raises(AmbiguousCustomer):
        owner.capture(customer="Tim", external_id="4711")
    assert owner.capture(customer="Ann", external_id="4711").purchase.external_id == "4711"


# What is stored


def test_a_purchase_keeps_what_was_said_of_it(owner: Person, at: Clock) -> None:
    at("2026-11-21T12:00")
    owner.capture(
        "k1",
        source="api",
        customer="Tim <tim@example.com>",
        item="  A  Book ",
        quantity="3",
        amount="46.50",
        purchased_on="2026-11-20",
        note="For his\nmother",
        external_id="4711",
    )
    [purchase], [tim] = owner.purchases(), owner.customers()
    assert purchase.customer_id == tim.id
    assert (purchase.item, purchase.quantity, purchase.note) == ("A Book", 3, "For his\nmother")
    assert (purchase.amount_minor, purchase.currency) == (4650, "USD")
    assert purchase.purchased_on == date(2026, 11, 20)
    assert (purchase.external_id, purchase.capture_key, purchase.source) == ("4711", "k1", "api")
    assert (purchase.recorded_by_id, purchase.recorded_at) == (owner.user_id, datetime(2026, 11, 21, 12, tzinfo=UTC))


def test_a_purchase_needs_no_more_than_an_item_and_a_buyer(owner: Person) -> None:
    owner.capture(customer="Tim", item="a book")
    [purchase] = owner.purchases()
    assert (purchase.quantity, purchase.note, purchase.external_id) == (1, None, None)
    assert (purchase.amount_minor, purchase.currency) == (None, None)


def test_the_buyer_is_kept_as_typed(owner: Person) -> None:
    owner.capture(customer="Tim O'Neil <tim@example.com>", phone="212 555 0123", reference="A1")
    owner.capture(customer="TIM O'NEIL <Tim@Example.com>", phone="+1 (212) 555-0123")
    assert [(purchase.buyer, purchase.matched_on) for purchase in owner.purchases()] == [
        ({"name": "Tim O'Neil", "email": "tim@example.com", "phone": "212 555 0123", "reference": "A1"}, None),
        ({"name": "TIM O'NEIL", "email": "Tim@Example.com", "phone": "+1 (212) 555-0123"}, "email"),
    ]


@pytest.mark.parametrize(
    ("paid", "stored"),
    [
        ({"amount": "15.50"}, (1550, "USD")),
        ({"amount": "0"}, (0, "USD")),
        ({"amount": "1500", "currency": "JPY"}, (1500, "JPY")),
        ({"amount": "1.234", "currency": "KWD"}, (1234, "KWD")),
        ({"amount": "12 EUR"}, (1200, "EUR")),
        ({"unit_price": "0.07", "quantity": "3"}, (21, "USD")),
        ({"unit_price": "0.1", "quantity": "3"}, (30, "USD")),
        ({"unit_price": "333", "quantity": "3", "currency": "JPY"}, (999, "JPY")),
        ({"unit_price": "0.001", "quantity": "1000000", "currency": "KWD"}, (1_000_000, "KWD")),
        ({"amount": "10", "quantity": "4"}, (1000, "USD")),
        ({"amount": "9999999999.99"}, (999_999_999_999, "USD")),
    ],
)
def test_money_is_kept_in_minor_units_of_the_whole_line(
    owner: Person, paid: dict[str, str], stored: tuple[int, str]
) -> None:
    owner.capture(**paid)
    [purchase] = owner.purchases()
    assert (purchase.amount_minor, purchase.currency) == stored


def test_money_is_in_the_currency_of_the_shop_when_none_is_given(app: Flask) -> None:
    tokyo = make_person(app, "tokyo@example.com", country="JP", currency="JPY", time_zone="Asia/Tokyo")
    tokyo.capture(amount="1500")
    [purchase] = tokyo.purchases()
    assert (purchase.amount_minor, purchase.currency) == (1500, "JPY")


@pytest.mark.parametrize(
    ("now", "said", "purchased_on"),
    [
        ("2026-11-21T04:59", None, date(2026, 11, 20)),
        ("2026-11-21T05:00", None, date(2026, 11, 21)),
        ("2026-11-21T04:59", "today", date(2026, 11, 20)),
        ("2026-11-21T04:59", "yesterday", date(2026, 11, 19)),
        ("2026-07-01T03:59", None, date(2026, 6, 30)),
        ("2026-07-01T04:00", None, date(2026, 7, 1)),
    ],
)
def test_a_day_begins_at_midnight_of_the_shop(
    owner: Person, at: Clock, now: str, said: str | None, purchased_on: date
) -> None:
    at(now)
    owner.capture(purchased_on=said)
    assert [purchase.purchased_on for purchase in owner.purchases()] == [purchased_on]


def test_a_shop_in_the_east_is_a_day_ahead(app: Flask, at: Clock) -> None:
    auckland = make_person(app, "auckland@example.com", country="NZ", currency="NZD", time_zone="Pacific/Auckland")
    at("2026-11-20T11:30")
    auckland.capture()
    [purchase] = auckland.purchases()
    assert purchase.purchased_on == date(2026, 11, 21)
    assert purchase.recorded_at == datetime(2026, 11, 20, 11, 30, tzinfo=UTC)


@pytest.mark.parametrize("source", ["web", "api", "import", "offline"])
def test_a_purchase_tells_the_door_it_came_by(owner: Person, source: str) -> None:
    owner.capture(source=source)
    assert [purchase.source for purchase in owner.purchases()] == [source]


def test_a_purchase_tells_who_recorded_it(owner: Person) -> None:
    colleague = make_colleague(owner)
    owner.capture()
    colleague.capture()
    assert [purchase.recorded_by_id for purchase in owner.purchases()] == [owner.user_id, colleague.user_id]


def test_a_new_customer_is_not_updated_before_they_are_created(owner: Person) -> None:
    owner.capture(customer="Tim")
    [tim] = owner.customers()
    assert tim.created_at <= tim.updated_at


def test_a_customer_is_updated_when_something_changes(owner: Person, at: Clock) -> None:
    at("2026-11-20T12:00")
    owner.capture(customer="Tim")
    at("2026-11-21T12:00")
    owner.capture(customer="Tim")
    [tim] = owner.customers()
    assert tim.updated_at == datetime(2026, 11, 20, 12, tzinfo=UTC)
    at("2026-11-22T12:00")
    owner.capture(customer="Tim <tim@example.com>")
    [tim] = owner.customers()
    assert tim.updated_at == datetime(2026, 11, 22, 12, tzinfo=UTC)
    assert tim.created_at == datetime(2026, 11, 20, 12, tzinfo=UTC)


# History


def test_the_history_tells_who_changed_what_when_and_by_which_purchase(owner: Person, at: Clock) -> None:
    colleague = make_colleague(owner)
    at("2026-11-20T12:00")
    first = owner.capture(customer="Tim <tim@example.com>")
    at("2026-11-21T12:00")
    second = colleague.capture(customer="Tom <tim@example.com>")
    day = {20: datetime(2026, 11, 20, 12, tzinfo=UTC), 21: datetime(2026, 11, 21, 12, tzinfo=UTC)}
    assert [
        (change.user_id, change.at, change.by_purchase_id, change.field, change.before, change.after)
        for change in history(owner)
    ] == [
        (owner.user_id, day[20], first.purchase.id, "name", None, "Tim"),
        (owner.user_id, day[20], first.purchase.id, "email", None, "tim@example.com"),
        (colleague.user_id, day[21], second.purchase.id, "name", "Tim", "Tom"),
    ]
    assert {(change.customer_id, change.purchase_id) for change in history(owner)} == {(first.customer.id, None)}


def test_what_changes_nothing_is_not_in_the_history(owner: Person) -> None:
    owner.capture(customer="Tim <tim@example.com>")
    before = len(history(owner))
    owner.capture(customer="TIM <TIM@example.com>")
    assert len(history(owner)) == before


def test_the_history_told_from_the_start_ends_with_the_customer_of_today(owner: Person) -> None:
    tim = owner.capture(customer="Tim").customer
    owner.capture(customer="Tim <tim@example.com>")
    owner.capture(customer="Timothy <tim@example.com>", phone="212 555 0123")
    owner.capture(customer="Tim <new@example.com>", phone="+1 212 555 0123", reference="A1")
    owner.capture(customer="", customer_id=tim.public_id, reference="A2", phone="212 555 0199")
    told: dict[str, str | None] = {}
    for change in history(owner, tim):
        assert told.get(change.field) == change.before
        told[change.field] = change.after
    [tim] = owner.customers()
    assert told == {"name": tim.name, "email": tim.email, "phone": tim.phone, "reference": tim.reference}
    assert told == {"name": "Tim", "email": "new@example.com", "phone": "212 555 0199", "reference": "A2"}


# Many at a time


def test_many_at_once_are_the_story_of_tim(owner: Person) -> None:
    lines = ("Tim", "Tim", "Tim <tim@example.com>", "tim@example.com", "Tim <other@example.com>", "Tim")
    *captured, asked = capture_many(owner, *({"customer": line} for line in lines))
    assert isinstance(asked, AmbiguousCustomer)
    assert [one.outcome for one in captured if isinstance(one, Captured)] == [
        "created",
        "unchanged",
        "updated",
        "unchanged",
        "created",
    ]
    assert [tim.email for tim in owner.customers()] == ["tim@example.com", "other@example.com"]
    assert len(owner.purchases()) == 5


def test_what_is_refused_stands_in_its_place_and_leaves_no_trace(owner: Person, stranger: Person) -> None:
    theirs = stranger.capture(customer="Tim").customer
    owner.capture("used", customer="Ann <ann@example.com>", external_id="4711")
    owner.capture(customer="Ann <other@example.com>")
    owner.capture(customer="Bob (212 555 0123)")
    results = capture_many(
        owner,
        {"customer": "Tim", "item": "first"},
        {"customer": "Ann"},
        {"customer": "Eve", "email": "ann@example.com", "phone": "212 555 0123", "reference": "E1"},
        {"customer": "Eve", "customer_id": theirs.public_id},
        {"customer": "Eve", "external_id": "4711"},
        {"customer": "Eve", "key": "used"},
        {"customer": "Tim", "item": "last"},
    )
    refused = [AmbiguousCustomer, IdentityConflict, UnknownCustomer, ExternalIdTaken, KeyReused]
    assert [type(result) for result in results] == [Captured, *refused, Captured]
    assert [customer.name for customer in owner.customers()] == ["Ann", "Ann", "Bob", "Tim"]
    assert [purchase.item for purchase in owner.purchases()[3:]] == ["first", "last"]
    assert "Eve" not in {change.after for change in history(owner)}
    assert owner.capture(customer="", reference="E1").outcome == "created"


def test_a_key_twice_among_many_is_recorded_once(owner: Person) -> None:
    first, again, other = capture_many(
        owner, {"key": "k1", "item": "a book"}, {"key": "k1", "item": "a book"}, {"key": "k1", "item": "a pen"}
    )
    assert isinstance(first, Captured)
    assert isinstance(again, Captured)
    assert (again.is_replay, again.purchase.id, again.outcome) == (True, first.purchase.id, "created")
    assert isinstance(other, KeyReused)
    assert len(owner.purchases()) == 1


def test_a_number_twice_among_many_is_taken(owner: Person) -> None:
    first, second = capture_many(owner, {"external_id": "4711"}, {"external_id": "4711"})
    assert isinstance(first, Captured)
    assert isinstance(second, ExternalIdTaken)
    assert len(owner.purchases()) == 1


def test_many_again_are_all_replays(owner: Person) -> None:
    wishes = [{"customer": customer} for customer in ("Tim", "Ann <ann@example.com>", "Tim <tim@example.com>", "Tim")]
    first = capture_many(owner, *wishes)
    stored = everything(owner)
    again = capture_many(owner, *wishes)
    assert [(one.purchase.id, one.outcome, one.changes) for one in again if isinstance(one, Captured)] == [
        (one.purchase.id, one.outcome, one.changes) for one in first if isinstance(one, Captured)
    ]
    assert all(isinstance(one, Captured) and one.is_replay for one in again)
    assert everything(owner) == stored


def test_those_renamed_among_many_are_asked_in_the_order_they_came(owner: Person) -> None:
    first = owner.capture(customer="Ann <ann@example.com>").customer
    second = owner.capture(customer="Tim <tim@example.com>").customer
    _, asked = capture_many(owner, {"customer": "Tim <ann@example.com>"}, {"customer": "Tim"})
    assert isinstance(asked, AmbiguousCustomer)
    assert [candidate.id for candidate in asked.candidates] == [first.id, second.id]


def test_the_candidates_are_those_of_the_moment_of_asking(owner: Person) -> None:
    first = owner.capture(customer="Tim").customer
    second, asked, third = capture_many(
        owner, {"customer": "Tim", "customer_id": "new"}, {"customer": "Tim"}, {"customer": "Tim <tim@example.com>"}
    )
    assert isinstance(second, Captured)
    assert isinstance(asked, AmbiguousCustomer)
    assert isinstance(third, Captured)
    assert [candidate.id for candidate in asked.candidates] == [first.id, second.customer.id]


def test_none_at_all_is_nothing(owner: Person) -> None:
    assert capture_many(owner) == []


@pytest.mark.parametrize("migrated_app", ["postgresql"], indirect=True)
def test_postgresql_is_told_how_large_the_tables_have_become_while_they_grow(owner: Person) -> None:
    """Or else it looks up foreign keys as if they were empty: the last of ten thousand rows take longest."""
    known = text("SELECT reltuples FROM pg_class WHERE oid = 'purchases'::regclass")
    with owner.app.app_context():
        db.session.execute(text("TRUNCATE purchases CASCADE"))
        db.session.commit()
    for number, told in ((200, 200), (300, 200), (1_200, 1_200)):
        capture_many(owner, *({"customer": "Tim"} for _ in range(number)))  # those of before are replays
        with owner.app.app_context():
            assert db.session.scalar(known) == told
