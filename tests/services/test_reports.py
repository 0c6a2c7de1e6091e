"""Sums of what was bought: the same as adding up by hand."""

import json
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import event

from extensions import db
from models import Customer, Purchase
from schemas.problems import Schema, ShopRules, judge
from schemas.report import SummaryFilters, TopFilters
from services import reports
from tests.cast import Person

At = Callable[[str], None]
NOW = "2026-11-21T17:00"
ITEMS = ["a book", "A  Book", "a pen", "T-shirt", "Ｔ-SHIRT", "mug", "Äpfel", "zip"]
CUSTOMERS = ["Tim", "Ann", "Sue", "Zoë", "李"]
AMOUNTS = ["", "", "0", "15.50", "7", "12.34 EUR", "99 EUR", "300 JPY", "1.234 KWD"]
RANGES: list[dict[str, str]] = [
    {},
    {"from": "2026-01-01"},
    {"to": "2026-01-01"},
    {"from": "2025-12-30", "to": "2026-01-05"},
]


@pytest.fixture(autouse=True)
def _today(at: At) -> None:
    at(NOW)


@pytest.fixture
def busy(request: pytest.FixtureRequest, owner: Person, stranger: Person) -> Person:
    """The owner after many purchases, some of them voided, beside another shop."""
    chance = random.Random(request.param)
    owner.capture_all(a_purchase(chance) for _ in range(60))
    stranger.capture_all(a_purchase(chance) for _ in range(5))
    owner.void_all(purchase for purchase in owner.purchases() if chance.random() < 0.2)
    return owner


def a_purchase(chance: random.Random) -> dict[str, str]:
    return {
        "customer": chance.choice(CUSTOMERS),
        "item": chance.choice(ITEMS),
        "quantity": str(chance.randint(1, 4)),
        "amount": chance.choice(AMOUNTS),
        "purchased_on": str(date(2025, 12, 25) + timedelta(days=chance.choice([0, 3, 4, 5, 6, 7, 10, 11, 60, 300]))),
    }


def ask(
    owner: Person, question: Callable[[int, Any], list[Any]], schema: type[Schema], query: dict[str, str]
) -> list[Any]:
    with owner.app.app_context():
        return question(owner.shop_id, judge(schema, query, ShopRules("USD", "US", date(2026, 11, 21))))


def summary(owner: Person, **query: str) -> list[reports.Period]:
    return ask(owner, reports.summary, SummaryFilters, query)


def newcomers(owner: Person, **query: str) -> list[reports.Newcomers]:
    return ask(owner, reports.new_and_returning, SummaryFilters, query)


def top_items(owner: Person, **query: str) -> list[reports.TopItem]:
    return ask(owner, reports.top_items, TopFilters, query)


def top_customers(owner: Person, **query: str) -> list[reports.TopCustomer]:
    return ask(owner, reports.top_customers, TopFilters, query)


def grouped(owner: Person, query: dict[str, str], key: Callable[[Purchase], Any]) -> dict[Any, list[Purchase]]:
    """What counts, by hand."""
    groups: dict[Any, list[Purchase]] = {}
    for purchase in owner.purchases():
        first, last = query.get("from", "1900-01-01"), query.get("to", "2026-11-21")
        if purchase.voided_at is None and first <= str(purchase.purchased_on) <= last:
            groups.setdefault(key(purchase), []).append(purchase)
    return groups


def added_up(purchases: list[Purchase]) -> tuple[int, int, dict[str, int]]:
    amounts: dict[str, int] = {}
    for purchase in purchases:
        if purchase.amount_minor is not None:
            amounts[str(purchase.currency)] = amounts.get(str(purchase.currency), 0) + purchase.amount_minor
    return len(purchases), sum(purchase.quantity for purchase in purchases), amounts


def rank(purchases: list[Purchase], sort: str, currency: str) -> int | None:
    count, quantity, amounts = added_up(purchases)
    return {"-purchases": count, "-quantity": quantity, "-amount": amounts.get(currency)}[sort]


def names(tops: Sequence[reports.TopCustomer]) -> list[str | None]:
    return [top.customer.name for top in tops]


LABELS: dict[str, Callable[[date], str]] = {
    "day": str,
    "week": lambda day: day.strftime("%G-W%V"),
    "month": lambda day: day.strftime("%Y-%m"),
}


@pytest.mark.parametrize("busy", [1, 2, 3], indirect=True)
def test_a_summary_is_what_adding_up_by_hand_gives(busy: Person) -> None:
    for group_by, label in LABELS.items():
        for days in RANGES:
            groups = grouped(busy, days, lambda purchase, label=label: label(purchase.purchased_on))  # type: ignore[misc]
            found = summary(busy, group_by=group_by, **days)
            assert [(period.label, *period[3:]) for period in found] == [
                (label, *added_up(groups[label])) for label in sorted(groups)
            ]
            for period in found:
                assert (label(period.first), label(period.last)) == (period.label, period.label)
                assert label(period.first - timedelta(days=1)) < period.label < label(period.last + timedelta(days=1))
            json.dumps([period[3:] for period in found])  # no Decimal


@pytest.mark.parametrize("busy", [7, 8, 9], indirect=True)
def test_new_and_returning_customers_are_what_counting_by_hand_gives(busy: Person) -> None:
    for group_by, label in LABELS.items():
        since = {
            customer: label(min(one.purchased_on for one in purchases))
            for customer, purchases in grouped(busy, {}, lambda purchase: purchase.customer_id).items()
        }
        for days in RANGES:
            groups = grouped(busy, days, lambda purchase, label=label: label(purchase.purchased_on))  # type: ignore[misc]
            who = {period: {one.customer_id for one in purchases} for period, purchases in groups.items()}
            new = {period: sum(since[one] == period for one in customers) for period, customers in who.items()}
            found = newcomers(busy, group_by=group_by, **days)
            assert [(period.label, period.new, period.returning) for period in found] == [
                (period, new[period], len(who[period]) - new[period]) for period in sorted(who)
            ]
            assert [period[:3] for period in found] == [
                period[:3] for period in summary(busy, group_by=group_by, **days)
            ]


def test_a_customer_is_new_once_however_often_they_buy_in_their_first_period(owner: Person) -> None:
    for day in ("2026-09-01", "2026-09-30", "2026-10-02", "2026-10-03"):
        owner.capture(customer="Tim", purchased_on=day)
    owner.capture(customer="Sue", purchased_on="2026-10-31")
    assert [(period.label, period.new, period.returning) for period in newcomers(owner)] == [
        ("2026-09", 1, 0),
        ("2026-10", 1, 1),
    ]
    # Periods are whole: who first bought before the days asked for, but in the same month, is still new in it.
    assert [period[3:] for period in newcomers(owner, **{"from": "2026-09-15"})] == [(1, 0), (1, 1)]


def test_a_first_purchase_that_is_taken_back_makes_nobody_new(owner: Person) -> None:
    first = owner.capture(customer="Tim", purchased_on="2026-09-01").purchase
    owner.capture(customer="Tim", purchased_on="2026-10-01")
    owner.void_all([first])
    assert [(period.label, *period[3:]) for period in newcomers(owner)] == [("2026-10", 1, 0)]


@pytest.mark.parametrize("busy", [4, 5, 6], indirect=True)
@pytest.mark.parametrize("sort", ["-purchases", "-quantity", "-amount"])
def test_the_top_is_what_sorting_by_hand_gives(busy: Person, sort: str) -> None:
    for days in RANGES:
        for currency in ("USD", "EUR", "JPY", "CHF"):
            for limit in (1, 3, 200):
                query = {"sort": sort, "currency": currency, "limit": str(limit)} | days
                by_item = top_by_hand(grouped(busy, days, lambda purchase: purchase.item_normal), query)
                items = top_items(busy, **query)
                assert [top[1:] for top in items] == [added_up(purchases) for purchases in by_item]
                assert [top.item for top in items] == [max(group, key=lambda one: one.id).item for group in by_item]
                by_customer = top_by_hand(grouped(busy, days, lambda purchase: purchase.customer_id), query)
                customers = top_customers(busy, **query)
                assert [top[1:] for top in customers] == [added_up(purchases) for purchases in by_customer]
                assert [top.customer.id for top in customers] == [group[0].customer_id for group in by_customer]
                json.dumps([top[1:] for top in [*items, *customers]])  # no Decimal


def top_by_hand(groups: dict[Any, list[Purchase]], query: dict[str, str]) -> list[list[Purchase]]:
    ranks = {key: rank(group, query["sort"], query["currency"]) for key, group in groups.items()}
    order = sorted((-place, key) for key, place in ranks.items() if place is not None)
    return [groups[key] for _, key in order][: int(query["limit"])]


def test_a_shop_without_purchases_has_empty_reports(owner: Person, stranger: Person) -> None:
    stranger.capture(amount="5")
    owner.void_all([owner.capture(amount="5").purchase])
    for group_by in LABELS:
        assert summary(owner, group_by=group_by) == newcomers(owner, group_by=group_by) == []
    for sort in ("-purchases", "-quantity", "-amount"):
        assert top_items(owner, sort=sort) == []
        assert top_customers(owner, sort=sort) == []


@pytest.mark.parametrize(
    ("day", "group_by", "expected"),
    [
        ("2026-11-20", "day", ("2026-11-20", "2026-11-20", "2026-11-20")),
        ("2026-11-20", "week", ("2026-11-16", "2026-11-22", "2026-W47")),
        ("2026-11-20", "month", ("2026-11-01", "2026-11-30", "2026-11")),
        ("2026-11-16", "week", ("2026-11-16", "2026-11-22", "2026-W47")),
        ("2026-11-15", "week", ("2026-11-09", "2026-11-15", "2026-W46")),
        ("2024-12-30", "week", ("2024-12-30", "2025-01-05", "2025-W01")),
        ("2024-12-29", "week", ("2024-12-23", "2024-12-29", "2024-W52")),
        ("2021-01-03", "week", ("2020-12-28", "2021-01-03", "2020-W53")),
        ("2021-01-04", "week", ("2021-01-04", "2021-01-10", "2021-W01")),
        ("2023-01-01", "week", ("2022-12-26", "2023-01-01", "2022-W52")),
        ("2024-02-29", "month", ("2024-02-01", "2024-02-29", "2024-02")),
        ("1900-02-01", "month", ("1900-02-01", "1900-02-28", "1900-02")),
        ("1900-01-01", "week", ("1900-01-01", "1900-01-07", "1900-W01")),
        ("2025-12-31", "month", ("2025-12-01", "2025-12-31", "2025-12")),
    ],
)
def test_periods_are_whole_whatever_days_are_asked_for(
    owner: Person, day: str, group_by: str, expected: tuple[str, str, str]
) -> None:
    owner.capture(purchased_on=day)
    for days in ({}, {"from": day, "to": day}):
        (period,) = summary(owner, group_by=group_by, **days)
        assert (str(period.first), str(period.last), period.label) == expected
        assert period.purchases == 1
        assert newcomers(owner, group_by=group_by, **days) == [(*period[:3], 1, 0)]


def test_a_week_at_the_turn_of_the_year_is_one(owner: Person) -> None:
    for day in ("2024-12-30", "2024-12-31", "2025-01-01", "2025-01-05"):
        owner.capture(purchased_on=day, amount="1.50")
    assert [(period.label, *period[3:]) for period in summary(owner, group_by="week")] == [
        ("2025-W01", 4, 4, {"USD": 600})
    ]
    assert [(period.label, period.purchases) for period in summary(owner)] == [("2024-12", 2), ("2025-01", 2)]


def test_only_the_days_asked_for_are_summed_up(owner: Person) -> None:
    for day in ("2026-11-17", "2026-11-18", "2026-11-19", "2026-11-20"):
        owner.capture(purchased_on=day, name=f"On {day}", customer="", item=day)
    days = {"from": "2026-11-18", "to": "2026-11-19"}
    assert [period.purchases for period in summary(owner, group_by="week", **days)] == [2]
    assert [top.item for top in top_items(owner, **days)] == ["2026-11-18", "2026-11-19"]
    assert names(top_customers(owner, **days)) == ["On 2026-11-18", "On 2026-11-19"]


def test_currencies_are_never_added_up(owner: Person) -> None:
    for amount in ("15.50", "1 EUR", "300 JPY", "1.234 KWD", "4.50", ""):
        owner.capture(amount=amount, quantity="2")
    expected = (6, 12, {"EUR": 100, "JPY": 300, "KWD": 1234, "USD": 2000})
    (period,), (item,), (customer,) = summary(owner), top_items(owner), top_customers(owner)
    assert period[3:] == item[1:] == customer[1:] == expected
    assert list(period.amounts) == sorted(period.amounts)


def test_an_amount_of_nothing_is_told_from_no_amount(owner: Person) -> None:
    owner.capture(item="gift", amount="0")
    owner.capture(item="a book", amount="")
    assert {top.item: top.amounts for top in top_items(owner)} == {"gift": {"USD": 0}, "a book": {}}


def test_the_top_by_amount_leaves_out_what_was_not_paid_for_in_the_currency(owner: Person) -> None:
    owner.capture(customer="Tim", item="a book", amount="100 EUR")
    owner.capture(customer="Ann", item="a pen", amount="2")
    owner.capture(customer="Sue", item="a mug")
    owner.capture(customer="Zoë", item="gift", amount="0")
    assert [top.item for top in top_items(owner, sort="-amount")] == ["a pen", "gift"]
    assert names(top_customers(owner, sort="-amount")) == ["Ann", "Zoë"]
    assert [top.item for top in top_items(owner, sort="-amount", currency="EUR")] == ["a book"]
    assert names(top_customers(owner, sort="-amount", currency="EUR")) == ["Tim"]
    assert top_items(owner, sort="-amount", currency="CHF") == []


def test_each_sort_has_another_top(owner: Person) -> None:
    for _ in range(3):
        owner.capture(customer="Often", item="a pen", amount="1")
    owner.capture(customer="Many", item="a nail", quantity="500", amount="2")
    owner.capture(customer="Dear", item="a ring", amount="900")
    for sort, item, name in (
        ("-purchases", "a pen", "Often"),
        ("-quantity", "a nail", "Many"),
        ("-amount", "a ring", "Dear"),
    ):
        assert [top.item for top in top_items(owner, sort=sort, limit="1")] == [item]
        assert names(top_customers(owner, sort=sort, limit="1")) == [name]


def test_an_item_is_shown_as_typed_last(owner: Person) -> None:
    owner.capture(item="a BOOK", purchased_on="2026-11-20")
    owner.capture(item="A Book", purchased_on="2026-11-01", amount="5 EUR")
    owner.void_all([owner.capture(item="a book").purchase])
    assert [(top.item, top.purchases) for top in top_items(owner)] == [("A Book", 2)]
    assert [top.item for top in top_items(owner, **{"from": "2026-11-02"})] == ["a BOOK"]


def test_ties_are_broken_by_item_and_by_who_came_first(owner: Person) -> None:
    for name, item in (("Zoë", "zip"), ("Ann", "Äpfel"), ("Mia", "Book"), ("Bob", "apple")):
        owner.capture(customer=name, item=item, amount="1")
    for sort in ("-purchases", "-quantity", "-amount"):
        assert [top.item for top in top_items(owner, sort=sort)] == ["apple", "Book", "zip", "Äpfel"]
        assert names(top_customers(owner, sort=sort)) == ["Zoë", "Ann", "Mia", "Bob"]
        assert [top.item for top in top_items(owner, sort=sort, limit="2")] == ["apple", "Book"]
        assert names(top_customers(owner, sort=sort, limit="2")) == ["Zoë", "Ann"]


def test_ten_are_shown_unless_more_are_asked_for(owner: Person) -> None:
    for number in range(12):
        owner.capture(customer=f"Customer {number}", item=f"item {number}")
    assert (len(top_items(owner)), len(top_customers(owner))) == (10, 10)
    assert (len(top_items(owner, limit="200")), len(top_customers(owner, limit="200"))) == (12, 12)


def test_the_largest_purchases_add_up(owner: Person) -> None:
    for _ in range(3):
        owner.capture(amount="9999999999.99", quantity="1000000")
    expected = (3, 3_000_000, {"USD": 3 * Purchase.AMOUNT_MAX})
    (period,), (item,), (customer,) = summary(owner), top_items(owner, sort="-amount"), top_customers(owner)
    for sums in (period[3:], item[1:], customer[1:]):
        assert sums == expected
        json.dumps(sums)  # no Decimal


def test_a_namesake_of_another_shop_adds_nothing(owner: Person, stranger: Person) -> None:
    owner.capture(customer="Tim", item="a book", amount="1")
    for _ in range(3):
        stranger.capture(customer="Tim", item="A BOOK", amount="1")
    assert [period[3:] for period in summary(owner)] == [(1, 1, {"USD": 100})]
    assert top_items(owner) == [("a book", 1, 1, {"USD": 100})]
    (top,) = top_customers(owner)
    assert (top.customer.shop_id, *top[1:]) == (owner.shop_id, 1, 1, {"USD": 100})


@contextmanager
def counted_queries() -> Iterator[list[str]]:
    """Needs an app context."""
    seen: list[str] = []
    engine = db.engine

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if "SELECT" in statement:
            seen.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)


def test_a_longer_report_asks_the_database_no_more_often(owner: Person) -> None:
    for number in range(15):
        owner.capture(customer=f"Customer {number}", item=f"item {number}", purchased_on=f"2026-11-{number + 1:02}")
    with owner.app.app_context(), counted_queries() as seen:
        assert len(summary(owner, group_by="day")) == 15
        assert len(seen) == 1
        assert len(top_items(owner, limit="200")) == 15
        assert len(seen) == 3
        found = top_customers(owner, limit="200")
        assert {top.customer.shown_name for top in found} == {f"Customer {number}" for number in range(15)}
        assert len(seen) == 5
        assert all(isinstance(top.customer, Customer) for top in found)
