"""What was bought, in sums. Purchases that were voided never count, and amounts are kept apart by currency."""

from calendar import monthrange
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from itertools import groupby
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import BigInteger, ColumnElement, Select, String, cast, func, select
from sqlalchemy.orm import InstrumentedAttribute

from extensions import db
from models import Customer, Purchase
from schemas.report import GroupBy, SummaryFilters, TopFilters


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


class _Span(NamedTuple):
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


class _Totals(NamedTuple):
    purchases: int
    quantity: int
    amounts: dict[str, int]


def summary(shop_id: int, filters: SummaryFilters) -> list[Period]:
    """The periods in which something was bought, the earliest first."""
    by_day = _summed(shop_id, filters, Purchase.purchased_on).order_by(Purchase.purchased_on)
    periods = groupby(_read(by_day), key=lambda sums: _span(sums.subject, filters.group_by))
    return [Period(*span, *_added_up(parts)) for span, parts in periods]


def top_items(shop_id: int, filters: TopFilters) -> list[TopItem]:
    """Items that differ only by case or spacing are one. Ties are in the order of the items.

    By amount, only what was paid for in the currency of the filters.
    """
    # PostgreSQL before 18 knows no greatest UUID; as text they sort the same.
    last_id = func.max(cast(Purchase.id, String)).label("last_id")
    top = _top(_summed(shop_id, filters, Purchase.item_normal, last_id), filters)
    found = {UUID(max(sums.last_id for sums in parts)): parts for parts in top}
    named = select(Purchase.id, Purchase.item).where(Purchase.shop_id == shop_id, Purchase.id.in_(found))
    items: dict[UUID, str] = {row.id: row.item for row in db.session.execute(named)}
    return [TopItem(items[last], *_added_up(parts)) for last, parts in found.items()]


def top_customers(shop_id: int, filters: TopFilters) -> list[TopCustomer]:
    """Ties are in the order in which the customers became known.

    By amount, only who paid in the currency of the filters.
    """
    top = _top(_summed(shop_id, filters, Purchase.customer_id), filters)
    found = {parts[0].subject: parts for parts in top}
    named = select(Customer).where(Customer.shop_id == shop_id, Customer.id.in_(found))
    customers = {customer.id: customer for customer in db.session.scalars(named)}
    return [TopCustomer(customers[customer_id], *_added_up(parts)) for customer_id, parts in found.items()]


def _summed(
    shop_id: int,
    filters: SummaryFilters | TopFilters,
    subject: InstrumentedAttribute[Any],
    *more: ColumnElement[Any],
) -> Select[Any]:
    """The columns of _Sums for each `subject` and currency."""
    query = select(
        subject.label("subject"),
        Purchase.currency,
        func.count().label("purchases"),
        # PostgreSQL adds up to numeric, which Python reads as Decimal.
        cast(func.sum(Purchase.quantity), BigInteger).label("quantity"),
        cast(func.sum(Purchase.amount_minor), BigInteger).label("amount"),
        *more,
    ).where(Purchase.shop_id == shop_id, Purchase.voided_at.is_(None))
    if filters.first:
        query = query.where(Purchase.purchased_on >= filters.first)
    if filters.last:
        query = query.where(Purchase.purchased_on <= filters.last)
    return query.group_by(subject, Purchase.currency)


def _top(summed: Select[Any], filters: TopFilters) -> Iterator[list[_Sums]]:
    """The sums of each of the top subjects, one for each currency; the purchases are read once."""
    sums = summed.cte("sums")
    rank = {
        "-purchases": func.sum(sums.c.purchases),
        "-quantity": func.sum(sums.c.quantity),
        "-amount": func.sum(sums.c.amount).filter(sums.c.currency == filters.currency),
    }[filters.sort]
    top = (
        select(sums.c.subject, rank.label("place"))
        .group_by(sums.c.subject)
        .having(rank.is_not(None))
        .order_by(rank.desc(), sums.c.subject)
        .limit(filters.limit)
        .subquery("top")
    )
    found = select(sums).join(top, sums.c.subject == top.c.subject).order_by(top.c.place.desc(), sums.c.subject)
    return (list(parts) for _, parts in groupby(_read(found), key=lambda part: part.subject))


def _read(query: Select[Any]) -> Iterator[_Sums]:
    return (_Sums(*row) for row in db.session.execute(query))


def _added_up(parts: Iterable[_Sums]) -> _Totals:
    purchases, quantity = 0, 0
    amounts: dict[str, int] = {}
    for part in parts:
        purchases += part.purchases
        quantity += part.quantity
        if part.currency is not None and part.amount is not None:
            amounts[part.currency] = amounts.get(part.currency, 0) + part.amount
    return _Totals(purchases, quantity, dict(sorted(amounts.items())))


def _span(day: date, group_by: GroupBy) -> _Span:
    if group_by == "day":
        return _Span(day, day, day.isoformat())
    if group_by == "week":
        monday, (year, week, _) = day - timedelta(days=day.weekday()), day.isocalendar()
        return _Span(monday, monday + timedelta(days=6), f"{year}-W{week:02}")
    last = day.replace(day=monthrange(day.year, day.month)[1])
    return _Span(day.replace(day=1), last, f"{day:%Y-%m}")
