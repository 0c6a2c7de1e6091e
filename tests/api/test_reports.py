"""Reports agree with the lists that they sum up, to the cent; what was voided counts nowhere."""

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from tests.cast import Person

REPORTS = ("/reports/summary", "/reports/new-and-returning", "/reports/top-items", "/reports/top-customers")


@pytest.fixture(autouse=True)
def today(at: Callable[[str], None]) -> None:
    at("2026-11-21T17:00")


@pytest.fixture
def till(owner: Person) -> Person:
    """With 300 purchases in three currencies or without an amount; every seventh was voided."""
    chance = random.Random(7)

    def anything() -> dict[str, Any]:
        currency, digits = chance.choice([("USD", 2), ("EUR", 2), ("JPY", 0)])
        number = Decimal(chance.randrange(100_000)).scaleb(-digits)
        paid = {"amount": {"amount": f"{number:.{digits}f}", "currency": currency}} if chance.random() < 0.8 else {}
        return paid | {
            "customer": {"reference": f"C{chance.randrange(12)}"},
            "item": chance.choice(["a book", "A  Book", "a pen", "a hat", "tea"]),
            "quantity": chance.randrange(1, 9),
            "purchased_on": date.fromordinal(date(2026, 11, 21).toordinal() - chance.randrange(400)).isoformat(),
        }

    answer = owner.api.post("/purchases/batch", {"purchases": [anything() for _ in range(300)]}).json
    ids = {result["purchase"]["id"] for result in answer["results"][::7]}
    owner.void_all(purchase for purchase in owner.purchases() if purchase.public_id in ids)
    return owner


def summed(purchases: Iterable[dict[str, Any]]) -> dict[str, Any]:
    purchases = list(purchases)
    amounts: dict[str, Decimal] = defaultdict(Decimal)
    for one in purchases:
        if one["amount"]:
            amounts[one["amount"]["currency"]] += Decimal(one["amount"]["amount"])
    return {
        "purchases": len(purchases),
        "quantity": sum(one["quantity"] for one in purchases),
        "amounts": [{"amount": str(amounts[code]), "currency": code} for code in sorted(amounts)],
    }


def sums(row: dict[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in ("purchases", "quantity", "amounts")}


@pytest.mark.parametrize("group_by", ["day", "week", "month"])
@pytest.mark.parametrize(("first", "last"), [("", ""), ("2026-03-05", "2026-06-10"), ("2026-06-10", "2026-06-10")])
def test_the_summary_is_the_sum_of_the_list(till: Person, group_by: str, first: str, last: str) -> None:
    days = {"from": first, "to": last}
    asked = "".join(f"&{name}={day}" for name, day in days.items() if day)
    listed = "".join(f"&purchased_{name}={day}" for name, day in days.items() if day)
    purchases = till.api.all_pages(f"/purchases?limit=200{listed}")
    periods = till.api.get(f"/reports/summary?group_by={group_by}{asked}").json["items"]
    for period in periods:
        inside = [one for one in purchases if period["first_day"] <= one["purchased_on"] <= period["last_day"]]
        assert sums(period) == summed(inside), period["period"]
    assert sum(period["purchases"] for period in periods) == len(purchases)
    assert [period["first_day"] for period in periods] == sorted(period["first_day"] for period in periods)


@pytest.mark.parametrize("sort", ["-purchases", "-quantity", "-amount"])
def test_the_top_is_the_sum_of_the_list(till: Person, sort: str) -> None:
    purchases = till.api.all_pages("/purchases?limit=200")
    for row in till.api.get(f"/reports/top-items?limit=200&sort={sort}").json["items"]:
        alike = [one for one in purchases if " ".join(one["item"].lower().split()) == row["item"].lower()]
        assert sums(row) == summed(alike), row["item"]
    rows = till.api.get(f"/reports/top-customers?limit=200&sort={sort}").json["items"]
    for row in rows:
        theirs = [one for one in purchases if one["customer"] == row["customer"]]
        assert sums(row) == summed(theirs)
        assert len(till.api.all_pages(f"/customers/{row['customer']['id']}/purchases")) == row["purchases"]
    assert len(rows) == 12
    assert rows[:3] == till.api.get(f"/reports/top-customers?limit=3&sort={sort}").json["items"]


def test_the_top_by_amount_compares_one_currency(till: Person) -> None:
    for currency in ("USD", "EUR", "JPY"):
        rows = till.api.get(f"/reports/top-customers?sort=-amount&currency={currency}").json["items"]
        paid = [
            Decimal(next(amount["amount"] for amount in row["amounts"] if amount["currency"] == currency))
            for row in rows
        ]
        assert paid == sorted(paid, reverse=True)


def test_what_is_voided_leaves_the_reports_and_what_is_restored_comes_back(owner: Person) -> None:
    bought = owner.api.record(amount={"amount": "5"}).json["id"]
    before = [owner.api.get(report).json for report in REPORTS]
    owner.api.post(f"/purchases/{bought}/void")
    assert [owner.api.get(report).json for report in REPORTS] == [{"items": []}] * 4
    owner.api.post(f"/purchases/{bought}/restore")
    assert [owner.api.get(report).json for report in REPORTS] == before


def test_who_was_merged_counts_with_whom_they_were_merged_into(owner: Person) -> None:
    tim, tom = (owner.api.record(customer={"name": name}).json["customer"]["id"] for name in ("Tim", "Tom"))
    owner.api.post(f"/customers/{tom}/merge", {"from_customer_id": tim})
    [row] = owner.api.get("/reports/top-customers").json["items"]
    assert (row["customer"]["id"], row["purchases"]) == (tom, 2)


def test_items_that_differ_only_by_case_or_spacing_are_one(till: Person) -> None:
    names = Counter(row["item"].lower() for row in till.api.get("/reports/top-items").json["items"])
    assert set(names) == {"a book", "a pen", "a hat", "tea"} or set(names) == {"a  book", "a pen", "a hat", "tea"}
    assert set(names.values()) == {1}


@pytest.mark.parametrize(
    ("report", "query", "parameter"),
    [
        ("summary", "group_by=year", "group_by"),
        ("summary", "from=yesterday-ish", "from"),
        ("summary", "from=2026-02-01&to=2026-01-31", "to"),
        ("summary", "limit=3", "limit"),
        ("top-items", "limit=0", "limit"),
        ("top-items", "limit=201", "limit"),
        ("top-items", "sort=purchases", "sort"),
        ("top-customers", "currency=XXQ", "currency"),
        ("top-customers", "group_by=day", "group_by"),
        ("top-customers", "sort=-amount&sort=-amount", "sort"),
    ],
)
def test_a_parameter_that_breaks_a_rule_is_named(owner: Person, report: str, query: str, parameter: str) -> None:
    refused = owner.api.get(f"/reports/{report}?{query}", 422)
    assert [where for where, _ in refused.errors] == [parameter]
