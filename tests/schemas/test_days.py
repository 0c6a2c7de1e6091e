"""Days as people write them. In these tests it is Saturday, 21 November 2026."""

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import Purchase
from schemas.days import Day
from schemas.problems import Refused, ShopRules, judge
from schemas.purchase import PurchaseDetails, nested
from tests.cast import purchase_values

TODAY = date(2026, 11, 21)
NO_DATE = ("not_a_date", "Purchase date must be a real date, like 2026-11-21")
IN_FUTURE = ("in_future", "Purchase date must be today or in the past")
TOO_EARLY = ("too_early", "Purchase date must be 1900-01-01 or later")


def purchased_on(value: object, today: date = TODAY) -> Day:
    rules = ShopRules("USD", "US", today)
    return judge(PurchaseDetails, nested(purchase_values()) | {"purchased_on": value}, rules).purchased_on


def refusal(value: object, today: date = TODAY) -> tuple[str, str]:
    with pytest.raises(Refused) as refused:
        purchased_on(value, today)
    [problem] = refused.value.problems
    assert problem.path == ("purchased_on",)
    return problem.code, problem.message


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2026-11-20", "2026-11-20"),
        ("2024-02-29", "2024-02-29"),
        ("1900-01-01", "1900-01-01"),
        ("today", "2026-11-21"),
        ("yesterday", "2026-11-20"),
        ("  YesterDay\t\n", "2026-11-20"),
        ("20 Nov", "2026-11-20"),
        ("20 November", "2026-11-20"),
        ("20\u00a0Nov", "2026-11-20"),
        ("20  nov.", "2026-11-20"),
        ("20th Nov", "2026-11-20"),
        ("Nov 20", "2026-11-20"),
        ("November 20th", "2026-11-20"),
        ("Nov. 20", "2026-11-20"),
        ("1st May", "2026-05-01"),
        ("May 2nd", "2026-05-02"),
        ("3rd Sept", "2026-09-03"),
        ("Sept. 3", "2026-09-03"),
        ("3 Sep", "2026-09-03"),
        ("20 Nov 2025", "2025-11-20"),
        ("20 Nov, 2025", "2025-11-20"),
        ("Nov 20, 2025", "2025-11-20"),
        ("November 20 2025", "2025-11-20"),
        ("21 Nov", "2026-11-21"),
        # what has not been yet was last year
        ("22 Nov", "2025-11-22"),
        ("31 Dec", "2025-12-31"),
        ("29 Feb", "2024-02-29"),
        ("Feb 29", "2024-02-29"),
        # slashes that can be read in one way
        ("21/11/2025", "2025-11-21"),
        ("11/21/2025", "2025-11-21"),
        ("31/12", "2025-12-31"),
        ("12/31", "2025-12-31"),
        ("5/5", "2026-05-05"),
        ("05/05/2020", "2020-05-05"),
        ("2/29", "2024-02-29"),
    ],
)
def test_days_are_read_as_people_write_them(written: str, meant: str) -> None:
    assert purchased_on(written).on == date.fromisoformat(meant)


def test_a_date_of_python_is_a_day() -> None:
    assert purchased_on(date(2026, 11, 20)) == Day(date(2026, 11, 20), "2026-11-20")


@pytest.mark.parametrize("blank", [None, "", " ", "\t\n", "\u00a0"])
def test_a_blank_day_is_today(blank: str | None) -> None:
    assert purchased_on(blank) == Day(TODAY, "today")


@pytest.mark.parametrize("written", ["today", "yesterday", "20 Nov", "31/12", "29 feb", ""])
def test_a_retry_after_midnight_says_the_same_where_the_words_depend_on_the_day(written: str) -> None:
    assert purchased_on(written).said == purchased_on(written, TODAY + timedelta(days=1)).said


@pytest.mark.parametrize("written", ["2025-11-20", "20 Nov 2025", "20/11/2025", "Nov 20, 2025"])
def test_a_whole_date_says_the_same_however_it_is_written(written: str) -> None:
    assert purchased_on(written) == Day(date(2025, 11, 20), "2025-11-20")


def test_a_day_that_has_begun_elsewhere_is_accepted() -> None:
    assert purchased_on("2026-11-22").on == date(2026, 11, 22)


@pytest.mark.parametrize(
    "written", ["2026-11-23", "2027-01-01", "9999-12-31", "23 Nov 2026", "Dec 1, 2026", "31/12/2026"]
)
def test_the_future_is_refused(written: str) -> None:
    assert refusal(written) == IN_FUTURE


@pytest.mark.parametrize("written", ["1899-12-31", "0001-01-01", "31 Dec 1899", "20/11/1026"])
def test_the_distant_past_is_refused(written: str) -> None:
    assert refusal(written) == TOO_EARLY


@pytest.mark.parametrize(
    "written",
    [
        *("tomorrow", "monday", "last week", "two days ago", "now", "2026", "11", "Nov", "Nov 2026", "20", "x", "-"),
        *("2026-13-01", "2026-02-30", "2025-02-29", "2026-00-10", "2026-01-00", "0000-01-01", "1/1/0000"),
        *("2026-1-5", "26-11-20", "20261120", "2026-W47-5", "2026-324", "2026-11-20T12:00", "2026-11-20 12:00"),
        *("2026/11/20", "20.11.2026", "20-11-2026", "20/11/26", "20 Nov 26", "20 Nove", "20 Novembre", "Nov20"),
        *("30 Feb", "31 Apr", "0 May", "32 May", "13/13", "0/5", "31/31/2020", "32/1", "100 Nov"),
        *("٢٠٢٦-١١-٢٠", "２０２６-11-20", "²0 nov", "2026‑11‑20", "2026-11-20\x00", "\ud800", "\u200b", "<20 nov>"),
        *("20 nov 2026 20 nov 2026", "20 of nov", "the 20th", "=1+1", "9" * 5000, "20 nov " + "9" * 5000),
    ],
)
def test_what_is_no_real_date_is_refused(written: str) -> None:
    assert refusal(written) == NO_DATE


@pytest.mark.parametrize(
    "value", [20261120, 0, 1.5, True, False, ["2026-11-20"], {}, b"2026-11-20", datetime(2026, 11, 20)]
)
def test_what_is_no_text_is_refused(value: object) -> None:
    assert refusal(value) == NO_DATE


@pytest.mark.parametrize(
    ("written", "choices"),
    [
        ("5/6", "5 Jun or 6 May"),
        ("12/5", "12 May or 5 Dec"),
        ("01/02", "1 Feb or 2 Jan"),
        ("11/12", "11 Dec or 12 Nov"),
    ],
)
def test_a_day_that_can_be_read_in_two_ways_is_asked_back(written: str, choices: str) -> None:
    code, message = refusal(written)
    assert code == "date_ambiguous"
    said, _, offered = message.partition(" can be read in two ways. Write it like ")
    assert said == f"“{written}”"
    assert set(offered.split(" or ")) == set(choices.split(" or "))


@pytest.mark.parametrize("written", ["5/6", "12/5", "11/12", "03/04/2024", "5/6/1999", "11/12/2025"])
def test_what_is_offered_for_an_ambiguous_day_is_one_of_its_readings(written: str) -> None:
    _, message = refusal(written)
    first, second, *year = (int(part) for part in written.split("/"))
    offered = [purchased_on(choice).on for choice in message.partition("like ")[2].split(" or ")]
    assert sorted((on.day, on.month) for on in offered) == sorted([(first, second), (second, first)])
    assert not year or {on.year for on in offered} == set(year), message


@given(st.dates(Purchase.EARLIEST, TODAY), st.sampled_from(["%Y-%m-%d", "%d %b %Y", "%B %d, %Y", "%d %B, %Y"]))
def test_every_day_comes_back_however_it_is_written(on: date, form: str) -> None:
    assert purchased_on(on.strftime(form)) == Day(on, on.isoformat())


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)), st.dates(date(2000, 1, 1), date(2000, 12, 31)))
def test_a_day_without_its_year_is_the_last_one_of_the_name(today: date, on: date) -> None:
    found = purchased_on(on.strftime("%d %b"), today).on
    assert (found.day, found.month) == (on.day, on.month)
    assert found <= today
    if (on.day, on.month) != (29, 2):
        assert found > today - timedelta(days=366)


@given(st.text(alphabet="0123456789/- ,.thjanfebsept", max_size=14))
def test_what_is_read_is_a_day_of_the_past(written: str) -> None:
    try:
        found = purchased_on(written)
    except Refused:
        return
    assert Purchase.EARLIEST <= found.on <= TODAY + timedelta(days=1)
