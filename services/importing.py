"""Bringing in a whole table of purchases or customers, through the rules of every other door."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from itertools import islice
from typing import Any, Literal, NamedTuple
from uuid import UUID

from sqlalchemy import select

from extensions import db
from models import Customer, Purchase, Shop, User, clock, public_id
from schemas.contact import Known
from schemas.problems import Refused, ShopRules, judge
from schemas.purchase import NEW_CUSTOMER, flat_field, nested
from schemas.table import Row
from schemas.table_rows import CustomerRow, Kind, PurchaseRow
from services import actions
from services.capture import Capture, Captured, capture_all
from services.editing import Kept, keep_customers
from services.matching import Match, find_customer
from services.refusals import AmbiguousCustomer, CustomerUnclear, KeyReused, Refusal, UnknownCustomer
from services.register import Register

_AT_A_TIME = 1_000
_FAULTS_KEPT = 10_000
_SCHEMAS: dict[Kind, type[PurchaseRow] | type[CustomerRow]] = {
    Kind.PURCHASES: PurchaseRow,
    Kind.CUSTOMERS: CustomerRow,
}
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
    UNREADABLE = "x"
    """Nobody knows how much of the file it takes in: it cannot be left out."""


REFUSED = (Verdict.AMBIGUOUS, Verdict.WRONG, Verdict.UNREADABLE)
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

    kind: Kind = Kind.PURCHASES
    action_id: UUID | None = None
    """The action that kept the customers of a table of customers."""
    verdicts: list[str] = field(default_factory=list)
    pieces: int = 0
    amounts: Counter[str] = field(default_factory=Counter)
    wrong: list[WrongRow] = field(default_factory=list)
    """What is wrong with the first rows that are: there may be a million."""
    faults: int = 0
    """Of all rows."""

    def count_of(self, *verdicts: Verdict) -> int:
        return sum(map(self.verdicts.count, verdicts))

    @property
    def recorded(self) -> int:
        return self.count_of(*_VERDICTS.values())

    def refuse(self, number: int, line: int, field: str, message: str, verdict: Verdict = Verdict.WRONG) -> None:
        self.verdicts[number - 1] = verdict
        self.faults += 1
        if self.faults <= _FAULTS_KEPT or number == self.wrong[-1].number:
            self.wrong.append(WrongRow(number, line, field, message))

    def accept(self, number: int, result: Captured | Kept) -> None:
        if isinstance(result, Captured):
            if result.is_replay:
                self.verdicts[number - 1] = Verdict.REPEATED
                return
            self._add_up(result.purchase)
        self.verdicts[number - 1] = _VERDICTS[result.outcome]

    def _add_up(self, purchase: Purchase) -> None:
        self.pieces += purchase.quantity
        if purchase.currency is not None and purchase.amount_minor is not None:
            self.amounts[purchase.currency] += purchase.amount_minor


class _Wish(NamedTuple):
    number: int
    line: int
    details: Any
    """By the schema of the kind."""


_Record = Callable[[Sequence[_Wish]], Sequence[Captured | Kept | Refusal]]


def find_meant(rows: Iterable[Row], shop_id: int) -> set[UUID]:
    """The shop's customers whose own ids stand in a table."""
    texts = (row.fields.get("customer_id", "").strip() for row in rows)
    ids = (public_id.decode(public_id.CUSTOMER, text) for text in texts if public_id.is_id(public_id.CUSTOMER, text))
    meant: set[UUID] = set()
    while some := set(islice(ids, _AT_A_TIME)):
        found = select(Customer.id).where(Customer.shop_id == shop_id, Customer.id.in_(some - meant))
        meant.update(db.session.scalars(found))
    return meant


def import_rows(
    rows: Iterable[Row],
    *,
    shop: Shop,
    by: User,
    key_prefix: str,
    kind: Kind = Kind.PURCHASES,
    meant: Iterable[UUID] = (),
    tell: Callable[[int], None] = lambda _: None,
) -> ImportReport:
    """Captures every purchase once per `key_prefix`, or keeps every customer. The caller commits, or not when a row
    is wrong.

    `meant` are whom `find_meant` finds in the same table: whatever else a row says, they are not somebody without an id
    of theirs. `tell` is called with the number of rows that are done, again and again.
    """
    report = ImportReport(kind)
    rules = ShopRules(shop.currency, shop.country, shop.today())
    record = _recorder(report, shop, by, key_prefix, set(meant))
    numbered = iter(enumerate(rows, start=1))
    while some := list(islice(numbered, _AT_A_TIME)):
        report.verdicts += [Verdict.WRONG] * len(some)
        judged = ((number, row, _judged(number, row, rules, report)) for number, row in some)
        wishes = [_Wish(number, row.line, details) for number, row, details in judged if details is not None]
        _record(wishes, record, report)
        tell(len(report.verdicts))
    report.wrong.sort(key=lambda wrong: wrong.number)
    return report


def _recorder(report: ImportReport, shop: Shop, by: User, key_prefix: str, meant: set[UUID]) -> _Record:
    """How the rows of this kind are recorded, some at a time."""
    if report.kind == Kind.CUSTOMERS:
        action = actions.begin("import", shop_id=shop.id, by=by)
        report.action_id = action.id
        find = _ById(action.at, meant).find
        return lambda wishes: keep_customers([wish.details for wish in wishes], shop=shop, action=action, find=find)

    find = _ById(clock.utc_now(), meant).find

    def capture_some(wishes: Sequence[_Wish]) -> Sequence[Captured | Refusal]:
        captures = [Capture(wish.details, f"{key_prefix}{wish.number}") for wish in wishes]
        return capture_all(captures, shop=shop, by=by, source="import", find=find)

    return capture_some


def _judged(number: int, row: Row, rules: ShopRules, report: ImportReport) -> PurchaseRow | CustomerRow | None:
    if row.fault is not None:
        report.refuse(number, row.line, "", row.fault, Verdict.WRONG if row.cells else Verdict.UNREADABLE)
        return None
    try:
        return judge(_SCHEMAS[report.kind], nested(row.fields), rules)
    except Refused as refused:
        for problem in refused.problems:
            report.refuse(number, row.line, flat_field(problem, row.fields), problem.message)
        return None


def _record(wishes: Sequence[_Wish], record: _Record, report: ImportReport) -> None:
    for wish, result in zip(wishes, record(wishes), strict=True):
        if isinstance(result, (Captured, Kept)):
            report.accept(wish.number, result)
        elif isinstance(result, KeyReused):
            report.refuse(wish.number, wish.line, "", _OTHER_COLUMNS)
        else:
            verdict = Verdict.AMBIGUOUS if isinstance(result, CustomerUnclear) else Verdict.WRONG
            report.refuse(wish.number, wish.line, result.field, result.message, verdict)
    # What is flushed need not be remembered: memory stays the same however long the file is.
    db.session.expunge_all()


class _ById:
    """Whom the ids in one table mean: each a customer of its own, also where the rules would take two for one.

    An id is that of the shop's own customer, or else comes from another shop. Who is new keeps it: so the next table
    from there means the same customer.
    """

    def __init__(self, at: datetime, taken: set[UUID]):
        self._at = at
        self._means: dict[UUID, UUID] = {}
        """Whom an id means that is not theirs."""
        self._taken = taken
        """The customers whom some id means."""

    def find(self, given: Mapping[str, Known], id: UUID | Literal["new"] | None, register: Register) -> Match:
        """Like `find_customer`, which it asks where the id alone does not tell. Raises what that raises."""
        if not isinstance(id, UUID):
            return find_customer(given, id, register)
        customer = register.customer(self._means.get(id, id))
        match = Match(customer, "customer_id") if customer else self._find_first(given, id, register)
        assert match.customer is not None
        self._taken.add(match.customer.id)
        return match

    def _find_first(self, given: Mapping[str, Known], id: UUID, register: Register) -> Match:
        if not given:
            raise UnknownCustomer("No customer has this id. Give a name, an e-mail address or a phone number too")
        match = self._find_free(given, register)
        if match.customer is None:
            return Match(register.open(self._at, id), None)
        self._means[id] = match.customer.id
        return match

    def _find_free(self, given: Mapping[str, Known], register: Register) -> Match:
        """By the rules, among those whom no other id means."""
        try:
            match = find_customer(given, None, register)
        except AmbiguousCustomer as unclear:
            free = [customer for customer in unclear.candidates if customer.id not in self._taken]
            if len(free) > 1:
                raise
            match = Match(free[0], "name") if free else Match(None, None)
        is_taken = match.customer is not None and match.customer.id in self._taken
        return find_customer(given, NEW_CUSTOMER, register) if is_taken else match
