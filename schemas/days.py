"""Days as people write them: 2026-11-20, today, yesterday, 20 Nov, 21/11/2026."""

import re
from collections.abc import Iterator
from datetime import date, timedelta
from functools import lru_cache
from typing import NamedTuple

from models import Purchase
from schemas.problems import refuse

MONTHS = "january february march april may june july august september october november december".split()  # noqa: SIM905
_MONTH = "(?P<month>" + "|".join(["sept", *(f"{month}|{month[:3]}" for month in MONTHS)]) + r")\.?"
_DAY = r"(?P<day>[0-9]{1,2})(?:st|nd|rd|th)?"
_YEAR = r"(?:,? (?P<year>[0-9]{4}))?"

_ISO = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_IN_WORDS = (re.compile(f"{_DAY} {_MONTH}{_YEAR}"), re.compile(f"{_MONTH} {_DAY}{_YEAR}"))
_SLASHES = re.compile(r"([0-9]{1,2})/([0-9]{1,2})(?:/([0-9]{4}))?")
# A shop may already be in a day that the server's zone, or the caller's, has not reached.
_SLACK = timedelta(days=1)
PAST = "must be today or in the past"


class Day(NamedTuple):
    on: date
    said: str
    """The date in ISO form, or the words whose meaning depends on today: what a retry after midnight repeats."""


def read_day(label: str, value: object, today: date) -> Day | None:
    """The day of a purchase, today or in the past; None when blank."""
    day = read_any_day(label, value, today)
    if day and day.on > today + _SLACK:
        refuse("in_future", f"{label} {PAST}")
    if day and day.on < Purchase.EARLIEST:
        refuse("too_early", f"{label} must be {Purchase.EARLIEST} or later")
    return day


def read_any_day(label: str, value: object, today: date) -> Day | None:
    """A day; None when blank. A date without a year is the last one that has passed."""
    if value is None:
        return None
    if isinstance(value, date):
        value = value.isoformat()
    if not isinstance(value, str):
        refuse("not_a_date", f"{label} must be a real date, like {today}")
    words = " ".join(value.lower().split())
    return _day_in_words(label, words, today) if words else None


@lru_cache(4_000)
def _day_in_words(label: str, words: str, today: date) -> Day:
    if words in ("today", "yesterday"):
        return Day(today - timedelta(days=words == "yesterday"), words)
    readings = sorted(set(_readings(words, today)))
    if not readings:
        refuse("not_a_date", f"{label} must be a real date, like {today}")
    if len(readings) > 1:
        choices = " or ".join(ways_to_write(words, today))
        refuse("date_ambiguous", f"“{words}” can be read in two ways. Write it like {choices}")
    return readings[0]


def is_written_like_a_day(words: str) -> bool:
    """Whether the words have the form of a day; 31 Feb has it too."""
    words = words.lower()
    is_relative = words in ("today", "yesterday")
    return is_relative or any(form.fullmatch(words) for form in (_ISO, *_IN_WORDS, _SLASHES))


def ways_to_write(words: str, today: date) -> list[str]:
    """Each reading of a day so that it has only that one: 3 Apr, with the year if one was given."""
    words = words.lower()
    readings = sorted(set(_readings(words, today)), reverse=True)
    return [day_and_month(day.on) + ("" if day.said == words else f" {day.on.year}") for day in readings]


def day_and_month(on: date) -> str:
    """3 Apr"""
    return f"{on.day} {MONTHS[on.month - 1][:3].title()}"


def _readings(words: str, today: date) -> Iterator[Day]:
    if iso := _ISO.fullmatch(words):
        yield from _if_real(iso[1], int(iso[2]), iso[3], words, today)
        return
    for pattern in _IN_WORDS:
        if found := pattern.fullmatch(words):
            month = 1 + next(place for place, name in enumerate(MONTHS) if name.startswith(found["month"]))
            yield from _if_real(found["year"], month, found["day"], words, today)
    if slashes := _SLASHES.fullmatch(words):
        yield from _if_real(slashes[3], int(slashes[2]), slashes[1], words, today)
        yield from _if_real(slashes[3], int(slashes[1]), slashes[2], words, today)


def _if_real(year: str | None, month: int, day: str, words: str, today: date) -> Iterator[Day]:
    years = [int(year)] if year else range(today.year, today.year - 9, -1)  # 29 Feb may be eight years back
    for candidate in years:
        try:
            on = date(candidate, month, int(day))
        except ValueError:
            continue
        if year:
            yield Day(on, on.isoformat())
        elif on <= today:
            yield Day(on, words)
        else:
            continue
        return
