"""How a table writes numbers and days, where that is not how people type them: 1.234,50 and 31.12.2025 10:30."""

import re
from collections.abc import Iterable
from typing import NamedTuple

DECIMAL_MARKS = {".": "A point, like 1,234.50", ",": "A comma, like 1.234,50"}
DAY_ORDERS = {"": "Like 2026-11-20 or 20 Nov", "dmy": "Day first: 20.11.2026"}
DAY_ORDERS |= {"mdy": "Month first: 11/20/2026"}

_TIME = re.compile(r"[ T][0-9]{1,2}:[0-9]{2}(:[0-9]{2}([.,][0-9]+)?)?( ?[ap]m)?Z?", re.IGNORECASE)
_YEAR_FIRST = re.compile(r"([0-9]{4})[./]([0-9]{1,2})[./]([0-9]{1,2})")
_YEAR_LAST = re.compile(r"([0-9]{1,2})([./-])([0-9]{1,2})\2([0-9]{4})")
_COMMA = re.compile(r"[0-9],[0-9]{1,2}\b")
_POINT = re.compile(r"[0-9]\.[0-9]{1,2}\b")
# Anything else that has a point in it, like 0.500 or 1234.567, may well be meant otherwise.
_GROUPED = re.compile(r"(?<![0-9.,])[1-9][0-9]{0,2}([.'’\s])[0-9]{3}(?:\1[0-9]{3})*(?![0-9]|[.'’\s][0-9])")


class Notation(NamedTuple):
    decimal_mark: str = "."
    day_order: str = ""

    def amount(self, cell: str) -> str:
        """With a point and without marks between thousands."""
        if self.decimal_mark != ",":
            return cell
        return _GROUPED.sub(lambda found: found[0].replace(found[1], ""), cell).replace(",", ".")

    def day(self, cell: str) -> str:
        """In ISO form and without a time, where it can be told."""
        text = _TIME.sub("", cell.strip())
        if found := _YEAR_FIRST.fullmatch(text):
            return f"{found[1]}-{found[2]:0>2}-{found[3]:0>2}"
        found = _YEAR_LAST.fullmatch(text)
        if found is None or not self.day_order:
            return text
        day, month = (found[1], found[3]) if self.day_order == "dmy" else (found[3], found[1])
        return f"{found[4]}-{month:0>2}-{day:0>2}"


def guess_notation(amounts: Iterable[str], days: Iterable[str]) -> Notation:
    """From some cells; where they can be read in two ways, as people type them."""
    return Notation(_decimal_mark(list(amounts)), _day_order(list(days)))


def _decimal_mark(amounts: list[str]) -> str:
    has_comma, has_point = (any(mark.search(cell) for cell in amounts) for mark in (_COMMA, _POINT))
    return "," if has_comma and not has_point else "."


def _day_order(days: list[str]) -> str:
    found = [match for cell in days if (match := _YEAR_LAST.fullmatch(_TIME.sub("", cell.strip())))]
    if any(int(match[3]) > 12 for match in found):
        return "mdy"
    return "dmy" if any(int(match[1]) > 12 or match[2] == "." for match in found) else ""
