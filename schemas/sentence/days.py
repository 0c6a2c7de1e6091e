"""The day of a purchase: at an end of the sentence, and read only where it can be nothing else."""

import re
from datetime import date, timedelta
from typing import NoReturn

from pydantic_core import PydanticCustomError

from schemas.days import PAST, day_and_month, is_written_like_a_day, read_day, ways_to_write
from schemas.sentence.counts import NUMBERS
from schemas.sentence.parts import Day, Parts
from schemas.sentence.unclear import Choice, SentenceUnclear
from schemas.sentence.words import Words, say, set_of, without_comma

# Finding it

_LONGEST = 5
_TIES = set_of(
    "a an the of for from by to at in on with and or & plus since until till before after past per every last next",
    "this than dated",
)
"""What comes right behind one of these belongs to it: the paper of yesterday."""


def day_at_end(words: Words, today: date) -> tuple[Words, Day | None]:
    """The words before the day, and the day."""
    for length in range(min(_LONGEST, len(words)), 0, -1):
        rest, phrase = words[:-length], words[-length:]
        if day := _day(phrase, today):
            if rest and rest[-1].key in _TIES:
                break
            is_set_off = bool(rest) and rest[-1].said.endswith(",")
            return without_comma(rest), day.as_clear() if is_set_off else day
    return words, None


def day_at_start(words: Words, today: date) -> tuple[Words, Day | None]:
    """The words behind the day, and the day."""
    for length in range(min(_LONGEST, len(words)), 0, -1):
        phrase, rest = words[:length], words[length:]
        if day := _day(phrase, today):
            is_set_off = phrase[-1].said.endswith(",")
            return rest, day.as_clear() if is_set_off or day.kind == "bare" else day
    return words, None


# Reading it

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_SHORT = {
    **{"mon": 0, "tue": 1, "tues": 1, "wed": 2, "weds": 2, "thu": 3, "thur": 3, "thurs": 3},
    **{"fri": 4, "sat": 5, "sun": 6},
}
WEEKDAY_NUMBERS = {name: number for number, name in enumerate(WEEKDAYS)} | _SHORT
_WEEKDAY = re.compile(rf"(?P<which>last |this |next )?(?P<name>{'|'.join(WEEKDAY_NUMBERS)})\.?(?:,? (?P<day>.+))?")
_DAYS_AGO = re.compile(r"(?P<number>\S+) days? ago")
_SPAN = "(?:week|weekend|month|year|night|morning|afternoon|evening)"
_NO_DAY = re.compile(rf"(?:last|this|past) {_SPAN}|tonight|recently")
_FUTURE = re.compile(rf"tomorrow(?: {_SPAN})?|next {_SPAN}")
_IN_FUTURE = ("date_future", f"Purchase date {PAST}")


def _day(words: Words, today: date) -> Day | None:
    """The day that these words say, all of them."""
    if any(word.is_quoted for word in words):
        return None
    said = say(without_comma(words))
    has_on = said.lower().startswith("on ")
    text = said.lower().removeprefix("on ")
    day = _written_day(text) or _weekday(text, today, has_on=has_on) or _days_ago(text, today) or _no_day(text)
    if day is None:
        return None
    if has_on:
        day = day.as_clear()
    elif text in ("today", "yesterday") and words[-1].is_capital:
        day = day._replace(kind="bare")  # it may be the song
    return day._replace(said=said)


def _written_day(text: str) -> Day | None:
    if not is_written_like_a_day(text):
        return None
    if text.isalpha():
        return Day(text)
    return Day(text, "clear" if re.search("[0-9]{4}", text) else "bare", needs_on=True)


def _days_ago(text: str, today: date) -> Day | None:
    found = _DAYS_AGO.fullmatch(text)
    if not found:
        return None
    number = "1" if found["number"] == "a" else NUMBERS.get(found["number"], found["number"])
    if not re.fullmatch("[0-9]{1,9}", number):
        return None
    # The first day of the calendar is refused like any that is too early.
    on = date.fromordinal(max(today.toordinal() - int(number), 1))
    return Day(on.isoformat())


def _no_day(text: str) -> Day | None:
    if _FUTURE.fullmatch(text):
        return Day(trouble=_IN_FUTURE)
    return Day(trouble=_not_a_day(text)) if _NO_DAY.fullmatch(text) else None


def _not_a_day(text: str) -> tuple[str, str]:
    return "date_unreadable", f"“{text}” is not a day. Write it like: on 2 November, or: 3 days ago"


def _weekday(text: str, today: date, *, has_on: bool) -> Day | None:
    found = _WEEKDAY.fullmatch(text)
    if not found:
        return None
    number = WEEKDAY_NUMBERS[found["name"]]
    if found["day"]:
        return None if found["which"] else _weekday_and_day(text, found["day"], number, today)
    if found["which"]:
        return _weekday_of_a_week(text, found["which"].strip(), number, today)
    # “sat” and “sun” are words of their own.
    if not has_on and found["name"] in _SHORT:
        return None
    latest = _latest(number, today)
    if number == today.weekday():
        return _either(text, today, latest)._replace(kind="weekday")
    return Day(latest.isoformat(), "weekday", needs_on=True)


def _latest(weekday: int, today: date) -> date:
    """The last such day before today."""
    return today - timedelta(days=(today.weekday() - weekday) % 7 or 7)


def _weekday_of_a_week(text: str, which: str, weekday: int, today: date) -> Day:
    latest = _latest(weekday, today)
    if which == "next":
        return Day(trouble=_IN_FUTURE)
    if which == "this":
        return Day(options=(latest,), trouble=_not_a_day(text))
    if weekday == today.weekday():
        return Day(latest.isoformat())
    return _either(text, latest, latest - timedelta(days=7))


def _either(text: str, *options: date) -> Day:
    ways = " or ".join(_with_weekday(on) for on in options)
    return Day(options=options, trouble=("date_ambiguous", f"“{text}” can mean two days. Choose {ways}"))


def _with_weekday(on: date) -> str:
    """Fri 20 Nov"""
    return f"{WEEKDAYS[on.weekday()][:3].title()} {day_and_month(on)}"


def _weekday_and_day(text: str, day: str, weekday: int, today: date) -> Day | None:
    if not is_written_like_a_day(day) or day.isalpha():
        return None
    try:
        known = read_day("Purchase date", day, today)
    except PydanticCustomError:
        known = None  # judged, it is refused with the reason
    if known is None or known.on.weekday() == weekday:
        return Day(day, needs_on=True)
    name = WEEKDAYS[known.on.weekday()].title()
    contradiction = ("date_contradiction", f"“{text}” contradicts itself: {known.on} is a {name}")
    return Day(needs_on=True, options=(known.on,), trouble=contradiction)


# Refusing it


def check_days(parts: Parts, today: date) -> None:
    """Raises SentenceUnclear unless there is no day, or one that is clear."""
    if len(parts.days) > 1:
        raise SentenceUnclear("date_twice", "Give the date once", [_date_is(parts, day) for day in parts.days])
    for day in parts.days:
        if day.trouble:
            _refuse_trouble(parts, day, *day.trouble)
        if day.kind != "clear":
            _refuse_unsure_day(parts, day, today)


def _date_is(parts: Parts, day: Day) -> Choice:
    return Choice(f"The date is “{day.said}”", parts.instead(day=day.phrase))


def choices_of_readings(parts: Parts, day: Day, today: date) -> list[Choice]:
    """The dates that one such as 3/4 can mean."""
    return [Choice(way, parts.instead(day=f"on {way}")) for way in ways_to_write(day.fed, today)]


def _refuse_trouble(parts: Parts, day: Day, code: str, message: str) -> NoReturn:
    choices = [Choice(_with_weekday(on), parts.instead(day=f"on {_with_weekday(on)} {on.year}")) for on in day.options]
    if code == "date_unreadable":
        choices += _as_part_of_its_neighbour(parts, day)
    raise SentenceUnclear(code, message, choices)


def _refuse_unsure_day(parts: Parts, day: Day, today: date) -> NoReturn:
    message = f"“{day.said}” can be the date or part of what stands beside it. Write the date like: on 2 November"
    readings = choices_of_readings(parts, day, today)
    as_date = readings if len(readings) > 1 else [_date_is(parts, day)]
    raise SentenceUnclear("date_unclear", message, as_date + _as_part_of_its_neighbour(parts, day))


def _as_part_of_its_neighbour(parts: Parts, day: Day) -> list[Choice]:
    if parts.is_day_first:
        return parts.buyer_is(f"{day.said} {say(parts.buyer)}", day="")
    return parts.item_is(f"{say(parts.item)} {day.said}".strip(), say(parts.count), day="")
