"""What a report may be asked for."""

from datetime import date
from typing import Any

import pytest

from schemas.problems import Refused, Schema, ShopRules, judge
from schemas.report import SummaryFilters, TopFilters

RULES = ShopRules("USD", "US", date(2026, 11, 21))
NOT_A_LIMIT = "Limit must be a whole number from 1 to 200"
NOT_A_PERIOD = "Group by must be day, week or month"
NOT_A_SORT = "Sort must be -purchases, -quantity or -amount"
NOT_A_CURRENCY = "Currency must be a code of three letters, like USD"


def summary(**query: Any) -> SummaryFilters:
    return judge(SummaryFilters, address(query), RULES)


def top(**query: Any) -> TopFilters:
    return judge(TopFilters, address(query), RULES)


def address(query: dict[str, Any]) -> dict[str, Any]:
    """`from_` stands for `from`."""
    return {name.rstrip("_"): value for name, value in query.items()}


def problems(schema: type[Schema], **query: Any) -> list[tuple[str, str, str]]:
    with pytest.raises(Refused) as refused:
        judge(schema, address(query), RULES)
    return [(problem.field, problem.code, problem.message) for problem in refused.value.problems]


@pytest.mark.parametrize("blank", [None, "", " ", "\t"])
def test_blank_is_the_same_as_left_out(blank: str | None) -> None:
    assert summary(from_=blank, to=blank, group_by=blank) == summary()
    assert top(from_=blank, to=blank, sort=blank, currency=blank, limit=blank) == top()


def test_nothing_has_to_be_given() -> None:
    found = summary()
    assert (found.first, found.last, found.group_by) == (None, None, "month")
    tops = top()
    assert (tops.first, tops.last, tops.sort, tops.currency, tops.limit) == (None, None, "-purchases", "USD", 10)


@pytest.mark.parametrize(
    ("query", "field", "value"),
    [
        ({"from": "2026-11-20"}, "first", date(2026, 11, 20)),
        ({"from": " yesterday "}, "first", date(2026, 11, 20)),
        ({"to": "20 Nov"}, "last", date(2026, 11, 20)),
        ({"to": "2026-11-22"}, "last", date(2026, 11, 22)),
        ({"to": "2026-11-30"}, "last", date(2026, 11, 30)),
        ({"sort": "-quantity"}, "sort", "-quantity"),
        ({"sort": " -amount "}, "sort", "-amount"),
        ({"sort": "-purchases"}, "sort", "-purchases"),
        ({"currency": "EUR"}, "currency", "EUR"),
        ({"currency": " eur "}, "currency", "EUR"),
        ({"limit": "1"}, "limit", 1),
        ({"limit": " 200 "}, "limit", 200),
        ({"limit": "007"}, "limit", 7),
    ],
)
def test_what_may_be_asked(query: dict[str, str], field: str, value: object) -> None:
    assert getattr(top(**query), field) == value


@pytest.mark.parametrize("group_by", ["day", "week", "month"])
def test_periods(group_by: str) -> None:
    assert summary(group_by=group_by).group_by == group_by


def test_the_currency_is_the_shop_s_unless_another_is_given() -> None:
    assert judge(TopFilters, {}, ShopRules("JPY", "JP", RULES.today)).currency == "JPY"
    assert judge(TopFilters, {"currency": "EUR"}, ShopRules("JPY", "JP", RULES.today)).currency == "EUR"


def test_a_single_day_may_be_asked_for() -> None:
    assert summary(from_="2026-11-20", to="2026-11-20").first == date(2026, 11, 20)


@pytest.mark.parametrize("schema", [SummaryFilters, TopFilters])
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"from": "soon"}, [("from", "not_a_date", "From must be a real date, like 2026-11-21")]),
        ({"to": "2026-02-30"}, [("to", "not_a_date", "To must be a real date, like 2026-11-21")]),
        ({"to": "3/4"}, [("to", "date_ambiguous", "“3/4” can be read in two ways. Write it like 3 Apr or 4 Mar")]),
        (
            {"from": "2026-11-20", "to": "2026-11-19"},
            [("to", "before_from", "To must be 2026-11-20 or later, because that is From")],
        ),
        (
            {"from": "soon", "to": "later"},
            [
                ("from", "not_a_date", "From must be a real date, like 2026-11-21"),
                ("to", "not_a_date", "To must be a real date, like 2026-11-21"),
            ],
        ),
        ({"from": "soon", "to": "1999-01-01"}, [("from", "not_a_date", "From must be a real date, like 2026-11-21")]),
        ({"first": "2026-11-20"}, [("first", "unknown_field", "“first” is not a field here. Leave it out")]),
        ({"until": "2026-11-20"}, [("until", "unknown_field", "“until” is not a field here. Leave it out")]),
    ],
)
def test_days_that_are_refused(
    schema: type[Schema], query: dict[str, str], expected: list[tuple[str, str, str]]
) -> None:
    assert problems(schema, **query) == expected


@pytest.mark.parametrize(
    "group_by", ["year", "Month", "days", "-", "\0", "\ud800", "day,week", "x" * 10_000, 1, ["day"]]
)
def test_what_is_no_period_is_refused(group_by: object) -> None:
    assert problems(SummaryFilters, group_by=group_by) == [("group_by", "unknown_choice", NOT_A_PERIOD)]


@pytest.mark.parametrize("sort", ["purchases", "amount", "+amount", "-Amount", "-name", "-", "\0", 1, {"-amount": 1}])
def test_what_is_no_sort_is_refused(sort: object) -> None:
    assert problems(TopFilters, sort=sort) == [("sort", "unknown_choice", NOT_A_SORT)]


@pytest.mark.parametrize("currency", ["US", "XXX", "$", "dollars", "USD,EUR", "usd!", "'"])
def test_what_is_no_currency_is_refused(currency: str) -> None:
    assert problems(TopFilters, currency=currency) == [("currency", "unknown_currency", NOT_A_CURRENCY)]


@pytest.mark.parametrize(
    "limit",
    [
        "0",
        "201",
        "-1",
        "+1",
        "1.0",
        "1e2",
        "ten",
        "٣",
        "²",
        "1_0",
        "1 0",
        "9" * 5000,
        "\0",
        "\ud800",
        0,
        201,
        1.5,
        True,
    ],
    ids=repr,
)
def test_what_is_no_limit_is_refused(limit: object) -> None:
    assert problems(TopFilters, limit=limit) == [("limit", "not_whole_number", NOT_A_LIMIT)]


def test_the_description_for_programs_says_what_may_be_asked() -> None:
    described = SummaryFilters.model_json_schema(mode="validation")
    assert list(described["properties"]) == ["from", "to", "group_by"]
    assert described["properties"]["group_by"]["enum"] == ["day", "week", "month"]
    fields = TopFilters.model_json_schema(mode="validation")["properties"]
    assert list(fields) == ["from", "to", "sort", "currency", "limit"]
    assert (fields["from"]["type"], fields["from"]["format"]) == ("string", "date")
    assert fields["sort"]["enum"] == ["-purchases", "-quantity", "-amount"]
    assert (fields["limit"]["minimum"], fields["limit"]["maximum"]) == (1, 200)
    given = {name: field["default"] for name, field in fields.items() if "default" in field}
    assert given == {"sort": "-purchases", "limit": 10}
