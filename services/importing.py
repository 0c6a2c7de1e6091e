"""Bringing in a whole table of purchases, through the rules of every other door."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import islice
from typing import NamedTuple

from extensions import db
from models import Shop, User
from schemas.problems import Refused, ShopRules, judge
from schemas.purchase import PurchaseDetails, flat_field, nested
from schemas.table import Row
from services.capture import Capture, Captured, capture_all
from services.refusals import CustomerUnclear, KeyReused

_AT_A_TIME = 1_000
_OTHER_COLUMNS = "This row of this file is already recorded with other columns. Use the same columns as before"


class Verdict(StrEnum):
    """What a row comes to, in one letter each."""

    CREATED = "c"
    UPDATED = "u"
    UNCHANGED = "k"
    REPEATED = "r"
    """An earlier import of the same file had recorded it."""
    AMBIGUOUS = "a"
    WRONG = "w"


_VERDICTS = {"created": Verdict.CREATED, "updated": Verdict.UPDATED, "unchanged": Verdict.UNCHANGED}


class WrongRow(NamedTuple):
    number: int
    """Counts the rows, from 1."""
    line: int
    field: str
    """The flat field to change; empty when the whole row is at fault."""
    message: str


@dataclass
class ImportReport:
    """What the rows came to. Money is in minor units by currency."""

    verdicts: list[str] = field(default_factory=list)
    pieces: int = 0
    amounts: Counter[str] = field(default_factory=Counter)
    wrong: list[WrongRow] = field(default_factory=list)

    def count_of(self, *verdicts: Verdict) -> int:
        return sum(map(self.verdicts.count, verdicts))

    @property
    def recorded(self) -> int:
        return self.count_of(*_VERDICTS.values())

    def refuse(self, number: int, line: int, field: str, message: str, verdict: Verdict = Verdict.WRONG) -> None:
        self.wrong.append(WrongRow(number, line, field, message))
        self.verdicts[number - 1] = verdict

    def accept(self, number: int, captured: Captured) -> None:
        if captured.is_replay:
            self.verdicts[number - 1] = Verdict.REPEATED
            return
        self.verdicts[number - 1] = _VERDICTS[captured.outcome]
        self.pieces += captured.purchase.quantity
        if captured.purchase.currency is not None and captured.purchase.amount_minor is not None:
            self.amounts[captured.purchase.currency] += captured.purchase.amount_minor


class _Wish(NamedTuple):
    number: int
    line: int
    capture: Capture


def import_rows(
    rows: Iterable[Row], *, shop: Shop, by: User, key_prefix: str, tell: Callable[[int], None] = lambda _: None
) -> ImportReport:
    """Captures every row once per `key_prefix`. The caller commits, or not when a row is wrong.

    `tell` is called with the number of rows that are done, again and again.
    """
    report = ImportReport()
    rules = ShopRules(shop.currency, shop.country, shop.today())
    numbered = iter(enumerate(rows, start=1))
    while some := list(islice(numbered, _AT_A_TIME)):
        report.verdicts += [Verdict.WRONG] * len(some)
        wishes = []
        for number, row in some:
            details = _judged(number, row, rules, report)
            if details is not None:
                wishes.append(_Wish(number, row.line, Capture(details, f"{key_prefix}{number}")))
        _record(wishes, shop, by, report)
        tell(len(report.verdicts))
    report.wrong.sort(key=lambda wrong: wrong.number)
    return report


def _judged(number: int, row: Row, rules: ShopRules, report: ImportReport) -> PurchaseDetails | None:
    if row.fault is not None:
        report.refuse(number, row.line, "", row.fault)
        return None
    try:
        return judge(PurchaseDetails, nested(row.fields), rules)
    except Refused as refused:
        for problem in refused.problems:
            report.refuse(number, row.line, flat_field(problem, row.fields), problem.message)
        return None


def _record(wishes: Sequence[_Wish], shop: Shop, by: User, report: ImportReport) -> None:
    results = capture_all([wish.capture for wish in wishes], shop=shop, by=by, source="import")
    for wish, result in zip(wishes, results, strict=True):
        if isinstance(result, Captured):
            report.accept(wish.number, result)
        elif isinstance(result, KeyReused):
            report.refuse(wish.number, wish.line, "", _OTHER_COLUMNS)
        else:
            verdict = Verdict.AMBIGUOUS if isinstance(result, CustomerUnclear) else Verdict.WRONG
            report.refuse(wish.number, wish.line, result.field, result.message, verdict)
    # What is flushed need not be remembered: memory stays the same however long the file is.
    db.session.expunge_all()
