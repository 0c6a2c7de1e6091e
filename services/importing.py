"""Bringing in a whole table of purchases, through the rules of every other door."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

from extensions import db
from models import Shop, User
from schemas.problems import Refused, ShopRules, judge
from schemas.purchase import PurchaseDetails, flat_field, nested
from schemas.table import Row
from services.capture import Capture, Captured, capture_all
from services.refusals import KeyReused, Refusal

_AT_A_TIME = 1_000
_OTHER_COLUMNS = "This row of this file is already recorded with other columns. Use the same columns as before"


class WrongRow(NamedTuple):
    line: int
    field: str
    """The flat field to change; empty when the whole row is at fault."""
    message: str


@dataclass
class ImportReport:
    """What the rows came to. Money is in minor units by currency."""

    recorded: int = 0
    repeated: int = 0
    """Rows that an earlier import of the same file had recorded."""
    pieces: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    amounts: Counter[str] = field(default_factory=Counter)
    wrong: list[WrongRow] = field(default_factory=list)

    def count(self, captured: Captured) -> None:
        if captured.is_replay:
            self.repeated += 1
            return
        self.recorded += 1
        self.outcomes[captured.outcome] += 1
        self.pieces += captured.purchase.quantity
        if captured.purchase.currency is not None and captured.purchase.amount_minor is not None:
            self.amounts[captured.purchase.currency] += captured.purchase.amount_minor


def import_rows(rows: Iterable[Row], *, shop: Shop, by: User, import_id: str) -> ImportReport:
    """Captures every row once per `import_id`. The caller commits, and only when no row is wrong."""
    report = ImportReport()
    rules = ShopRules(shop.currency, shop.country, shop.today())
    numbered = iter(enumerate(rows, start=1))
    while some := list(islice(numbered, _AT_A_TIME)):
        wishes = []
        for number, row in some:
            details = _judged(row, rules, report)
            if details is not None:
                wishes.append((row.line, Capture(details, f"import:{import_id}:{number}")))
        _record(wishes, shop, by, report)
    report.wrong.sort(key=lambda wrong: wrong.line)
    return report


def _judged(row: Row, rules: ShopRules, report: ImportReport) -> PurchaseDetails | None:
    if row.fault is not None:
        report.wrong.append(WrongRow(row.line, "", row.fault))
        return None
    try:
        return judge(PurchaseDetails, nested(row.fields), rules)
    except Refused as refused:
        report.wrong += [
            WrongRow(row.line, flat_field(problem, row.fields), problem.message) for problem in refused.problems
        ]
        return None


def _record(wishes: Sequence[tuple[int, Capture]], shop: Shop, by: User, report: ImportReport) -> None:
    results = capture_all([wish for _, wish in wishes], shop=shop, by=by, source="import")
    for (line, _), result in zip(wishes, results, strict=True):
        if isinstance(result, Refusal):
            field, message = ("", _OTHER_COLUMNS) if isinstance(result, KeyReused) else (result.field, result.message)
            report.wrong.append(WrongRow(line, field, message))
        else:
            report.count(result)
    # What is flushed need not be remembered: memory stays the same however long the file is.
    db.session.expunge_all()
