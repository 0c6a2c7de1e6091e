"""What was bought, in sums. Purchases that were voided never count, and amounts are kept apart by currency."""

from calendar import monthrange
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from itertools import groupby, islice
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    Select,
    String,
    cast,
    extract,
    func,
    literal,
    select,
    union_all,
)
from sqlalchemy.orm import InstrumentedAttribute, aliased

from extensions import db
from models import Customer, Purchase, clock
from models.dialect import allow_sums
from schemas.report import GroupBy, SummaryFilters, TopFilters

TIMELINE_MAX = 366

_SHORT = timedelta(days=31)
"""Who bought in so few days is sooner asked for their first purchase than all purchases are read."""
_WEEK = 7 * 24 * 60 * 60
_FIRST_MONDAY = -25_567 * 24 * 60 * 60
"""Of 1900, in seconds since 1970: no purchase is earlier."""


class Period(NamedTuple):
    """A day, a week from Monday or a month, whole even where the filters begin or end in the middle of it."""

    first: date
    last: date
    label: str
    """2026-11-21, 2026-W47 (ISO 8601) or 2026-11."""
    purchases: int
    quantity: int
    amounts: dict[str, int]
    """Minor units by ISO 4217 code."""


class Newcomers(NamedTuple):
    """Who bought in a period: new in the period of their first purchase that counts, returning in those after it."""

    first: date
    last: date
    label: str
    new: int
    returning: int


P = TypeVar("P", Period, Newcomers)


class TopItem(NamedTuple):
    item: str
    """As typed in the purchase that was recorded last of those that count."""
    purchases: int
    quantity: int
    amounts: dict[str, int]
    """Minor units by ISO 4217 code."""


class TopCustomer(NamedTuple):
    customer: Customer
    purchases: int
    quantity: int
    amounts: dict[str, int]
    """Minor units by ISO 4217 code."""


class Span(NamedTuple):
    """A period, whatever was bought in it."""

    first: date
    last: date
    label: str


class _Sums(NamedTuple):
    """Of the purchases of one day, item or customer in one currency, or without an amount."""

    subject: Any
    currency: str | None
    purchases: int
    quantity: int
    amount: int | None
    last_id: str = ""
    """The purchase that was recorded last."""


class Totals(NamedTuple):
    purchases: int
    quantity: int
    amounts: dict[str, int]


def summary(shop_id: int, filters: SummaryFilters) -> list[Period]:
    """The periods in which something was bought, the earliest first."""
    by_day = _summed(shop_id, filters, Purchase.purchased_on).order_by(Purchase.purchased_on)
    periods = groupby(_read(by_day), key=lambda sums: _span(sums.subject, filters.group_by))
    return [Period(*span, *_added_up(parts)) for span, parts in periods]


def new_and_returning(shop_id: int, filters: SummaryFilters) -> list[Newcomers]:
    """The periods in which something was bought, the earliest first, each customer once in each of them."""
    allow_sums()
    # Both read an index in its order, and nothing is joined: it takes no longer where the database knows no sizes.
    counted = union_all(_buyers(shop_id, filters), _newcomers(shop_id, filters)).subquery("counted")
    new = cast(func.sum(counted.c.new), BigInteger)
    buyers = cast(func.sum(counted.c.buyers), BigInteger)
    found = select(func.min(counted.c.day), new, buyers - new).group_by(counted.c.place).order_by(counted.c.place)
    return [Newcomers(*_span(day, filters.group_by), *counts) for day, *counts in db.session.execute(found)]


def _buyers(shop_id: int, filters: SummaryFilters) -> Select[Any]:
    """How many customers bought in each period."""
    place, day = _place(Purchase.purchased_on, filters.group_by), func.min(Purchase.purchased_on)
    bought = (
        select(place.label("place"), day.label("day"))
        .where(*_counts(shop_id), *_days(filters))
        .group_by(Purchase.customer_id, place)
        .subquery("bought")
    )
    counts = (literal(0).label("new"), func.count().label("buyers"))
    return select(bought.c.place, func.min(bought.c.day).label("day"), *counts).group_by(bought.c.place)


def _newcomers(shop_id: int, filters: SummaryFilters) -> Select[Any]:
    """How many customers first bought in each period: whoever did so in it, but before the days asked for, too."""
    firsts = (_firsts_of_few if _is_short(filters) else _firsts)(shop_id, filters).subquery("firsts")
    place, ever = (_place(column, filters.group_by) for column in (firsts.c.day, firsts.c.ever))
    counts = (func.count().label("new"), literal(0).label("buyers"))
    return (
        select(place.label("place"), func.min(firsts.c.day).label("day"), *counts).where(place == ever).group_by(place)
    )


def _is_short(filters: SummaryFilters) -> bool:
    last = min(filters.last or date.max, clock.utc_now().date())
    return filters.first is not None and last - filters.first < _SHORT


def _firsts(shop_id: int, filters: SummaryFilters) -> Select[date, date]:
    """Of each customer: the first day `ever`, and the first `day` of those asked for."""
    day, asked_for = func.min(Purchase.purchased_on), [*_days(filters)]
    found = select(day.label("ever"), (day.filter(*asked_for) if asked_for else day).label("day"))
    return found.where(*_counts(shop_id)).group_by(Purchase.customer_id)


def _firsts_of_few(shop_id: int, filters: SummaryFilters) -> Select[date, date]:
    """The same, read off an index for one customer after the other, and only of those who bought."""
    one = aliased(Purchase)
    ever = select(func.min(one.purchased_on)).where(
        one.shop_id == shop_id, one.customer_id == Purchase.customer_id, one.voided_at.is_(None)
    )
    found = select(ever.scalar_subquery().label("ever"), func.min(Purchase.purchased_on).label("day"))
    return found.where(*_counts(shop_id), *_days(filters)).group_by(Purchase.customer_id)


def top_items(shop_id: int, filters: TopFilters) -> list[TopItem]:
    """Items that differ only by case or spacing are one. Ties are in the order of the items.

    By amount, only what was paid for in the currency of the filters.
    """
    # PostgreSQL before 18 knows no greatest UUID; as text they sort the same.
    last_id = func.max(cast(Purchase.id, String)).label("last_id")
    top = _top(shop_id, filters, Purchase.item_normal, last_id)
    found = {UUID(max(sums.last_id for sums in parts)): parts for parts in top}
    named = select(Purchase.id, Purchase.item).where(Purchase.shop_id == shop_id, Purchase.id.in_(found))
    items: dict[UUID, str] = {row.id: row.item for row in db.session.execute(named)}
    return [TopItem(items[last], *_added_up(parts)) for last, parts in found.items()]


def top_customers(shop_id: int, filters: TopFilters) -> list[TopCustomer]:
    """Ties are in the order in which the customers became known.

    By amount, only who paid in the currency of the filters.
    """
    found = {parts[0].subject: parts for parts in _top(shop_id, filters, Purchase.customer_id)}
    named = select(Customer).where(Customer.shop_id == shop_id, Customer.id.in_(found))
    customers = {customer.id: customer for customer in db.session.scalars(named)}
    return [TopCustomer(customers[customer_id], *_added_up(parts)) for customer_id, parts in found.items()]


def total(periods: Iterable[Period]) -> Totals:
    amounts: Counter[str] = Counter()
    purchases, quantity = 0, 0
    for period in periods:
        purchases += period.purchases
        quantity += period.quantity
        amounts.update(period.amounts)
    return Totals(purchases, quantity, dict(sorted(amounts.items())))


def timeline(found: Sequence[P], filters: SummaryFilters, today: date) -> list[tuple[Span, P | None]]:
    """The periods of the days asked for, up to today, the earliest first, also those in which nothing was bought.

    When there are more than TIMELINE_MAX, those before the last purchase. `found` must not be empty.
    """
    first, last = filters.first or found[0].first, found[-1].last
    until = max(last, min(filters.last, today)) if filters.last else last
    spans = list(islice(_spans_before(until, first, filters.group_by), TIMELINE_MAX + 1))
    if len(spans) > TIMELINE_MAX:
        spans = list(islice(_spans_before(last, first, filters.group_by), TIMELINE_MAX))
    by_label = {period.label: period for period in found}
    return [(span, by_label.get(span.label)) for span in reversed(spans)]


def _summed(
    shop_id: int,
    filters: SummaryFilters | TopFilters,
    subject: InstrumentedAttribute[Any],
    *more: ColumnElement[Any],
) -> Select[Any]:
    """The columns of _Sums for each `subject` and currency."""
    return (
        select(
            subject.label("subject"),
            Purchase.currency,
            func.count().label("purchases"),
            # PostgreSQL adds up to numeric, which Python reads as Decimal.
            cast(func.sum(Purchase.quantity), BigInteger).label("quantity"),
            cast(func.sum(Purchase.amount_minor), BigInteger).label("amount"),
            *more,
        )
        .where(*_counts(shop_id), *_days(filters))
        .group_by(subject, Purchase.currency)
    )


def _counts(shop_id: int) -> Sequence[ColumnElement[bool]]:
    return (Purchase.shop_id == shop_id, Purchase.voided_at.is_(None))


def _days(filters: SummaryFilters | TopFilters) -> Iterator[ColumnElement[bool]]:
    if filters.first:
        yield Purchase.purchased_on >= filters.first
    if filters.last:
        yield Purchase.purchased_on <= filters.last


def _place(day: ColumnElement[date] | InstrumentedAttribute[date], group_by: GroupBy) -> ColumnElement[Any]:
    """The same for all days of a period, and greater for later periods."""
    if group_by == "day":
        return day.expression
    if group_by == "month":
        # PostgreSQL extracts numeric, which takes longer to put in order.
        return cast(extract("year", day), Integer) * 12 + cast(extract("month", day), Integer)
    return (cast(extract("epoch", day), BigInteger) - _FIRST_MONDAY) // _WEEK


def _top(
    shop_id: int, filters: TopFilters, subject: InstrumentedAttribute[Any], *more: ColumnElement[Any]
) -> Iterator[list[_Sums]]:
    """The sums of each of the top subjects, one for each currency."""
    ranks: dict[str, ColumnElement[Any]] = {
        "-purchases": func.count(),
        "-quantity": func.sum(Purchase.quantity),
        "-amount": func.sum(Purchase.amount_minor).filter(Purchase.currency == filters.currency),
    }
    rank = ranks[filters.sort]
    top = (
        select(subject.label("subject"), rank.label("place"))
        .where(*_counts(shop_id), *_days(filters))
        .group_by(subject)
        .having(rank.is_not(None))
        .order_by(rank.desc(), subject)
        .limit(filters.limit)
        .subquery("top")
    )
    # Summed up are those few: there may be a million customers, and three columns more for each is too much.
    summed = _summed(shop_id, filters, subject, *more).join(top, subject == top.c.subject)
    found = summed.group_by(top.c.place).order_by(top.c.place.desc(), subject)
    return (list(parts) for _, parts in groupby(_read(found), key=lambda part: part.subject))


def _read(query: Select[Any]) -> Iterator[_Sums]:
    allow_sums()
    return (_Sums(*row) for row in db.session.execute(query))


def _added_up(parts: Iterable[_Sums]) -> Totals:
    purchases, quantity = 0, 0
    amounts: dict[str, int] = {}
    for part in parts:
        purchases += part.purchases
        quantity += part.quantity
        if part.currency is not None and part.amount is not None:
            amounts[part.currency] = amounts.get(part.currency, 0) + part.amount
    return Totals(purchases, quantity, dict(sorted(amounts.items())))


def _spans_before(last: date, first: date, group_by: GroupBy) -> Iterator[Span]:
    while last >= first:
        span = _span(last, group_by)
        yield span
        last = span.first - timedelta(days=1)


def _span(day: date, group_by: GroupBy) -> Span:
    if group_by == "day":
        return Span(day, day, day.isoformat())
    if group_by == "week":
        monday, (year, week, _) = day - timedelta(days=day.weekday()), day.isocalendar()
        return Span(monday, monday + timedelta(days=6), f"{year}-W{week:02}")
    last = day.replace(day=monthrange(day.year, day.month)[1])
    return Span(day.replace(day=1), last, f"{day:%Y-%m}")
