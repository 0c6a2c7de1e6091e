"""Questions about purchases."""

from collections.abc import Collection, Iterator, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Select, String, and_, cast, false, func, select
from sqlalchemy.orm import InstrumentedAttribute

from extensions import db
from models import Customer, Purchase
from models.columns import least_id
from models.dialect import allow_long_statements, with_likelihood
from schemas.filters import PAGE_SIZE, PurchaseFilters
from schemas.table import ListedPurchase
from services import customers
from services.paging import Page, Position, read_page

_IS_RECORDED = Purchase.voided_at.is_(None)
_STREAMED_AT_A_TIME = 1_000
_WALKED = 5_000
"""So many items are looked at, one after the other along their index."""
_FEW_ITEMS = 40
"""Purchases of more are met soon on the way through all of them."""
# Ids and days as text: objects of them would take half as long again.
_LISTED = [
    *(cast(column, String) for column in (Purchase.id, Purchase.purchased_on, Purchase.customer_id)),
    *(Customer.name, Customer.email, Customer.phone, Customer.reference),
    *(Purchase.item, Purchase.quantity, Purchase.amount_minor, Purchase.currency, Purchase.note, Purchase.external_id),
    *(Purchase.voided_at.is_not(None), Purchase.source, Purchase.recorded_at),
]
"""The columns of ListedPurchase."""


class Line(NamedTuple):
    purchase: Purchase
    customer: Customer


def latest(shop_id: int, count: int) -> list[Line]:
    """The purchases recorded last, the newest first; voided ones are left out."""
    found = _of_shop(shop_id).where(_IS_RECORDED).order_by(Purchase.id.desc()).limit(count)
    return with_customers(db.session.scalars(found).all(), shop_id)


def list_purchases(shop_id: int, filters: PurchaseFilters, position: Position, size: int = PAGE_SIZE) -> Page[Line]:
    """A page in the order of `filters.sort`. Raises BadCursor."""
    query, either = filtered(shop_id, filters), []
    items = _items_with(shop_id, filters.q.normal) if filters.q else None
    if items is not None:
        query = filtered(shop_id, filters.model_copy(update={"q": None}))
        either = [Purchase.item_normal == item for item in items] or [false()]
    page = read_page(
        query,
        _order(filters.sort),
        position,
        descending=filters.sort.startswith("-"),
        size=size,
        either=either,
    )
    return Page(with_customers(page.rows, shop_id), page.before, page.after)


def list_of_customer(customer: Customer, position: Position, size: int = PAGE_SIZE) -> Page[Purchase]:
    """The latest day first; voided ones are left out. Raises BadCursor."""
    of_customer = _of_shop(customer.shop_id).where(Purchase.customer_id == customer.id, _IS_RECORDED)
    return read_page(of_customer, _order("-purchased_on"), position, descending=True, size=size)


def last_of(customer: Customer) -> Purchase | None:
    """The customer's purchase of the latest day; voided ones are left out."""
    of_customer = _of_shop(customer.shop_id).where(Purchase.customer_id == customer.id, _IS_RECORDED)
    latest_first = of_customer.order_by(*(column.desc() for column in _order("-purchased_on")))
    return db.session.scalar(latest_first.limit(1))


def stream(shop_id: int, filters: PurchaseFilters) -> Iterator[ListedPurchase]:
    """All purchases, in the order of `filters.sort`, some at a time: memory stays the same however many there are."""
    allow_long_statements()  # who reads it may pause
    descends = filters.sort.startswith("-")
    order = [column.desc() if descends else column.asc() for column in _order(filters.sort)]
    is_of = and_(Customer.shop_id == Purchase.shop_id, Customer.id == Purchase.customer_id)
    # Each has a customer: as an outer join it has the purchases read first, in their order.
    found = filtered(shop_id, filters).with_only_columns(*_LISTED).outerjoin(Customer, is_of).order_by(*order)
    found = found.execution_options(yield_per=_STREAMED_AT_A_TIME)
    for some in db.session.connection().execute(found).partitions():
        yield from map(ListedPurchase._make, some)


def find(shop_id: int, id: UUID, *, is_to_change: bool = False) -> Line | None:
    """The purchase of this id; when it is to change, nobody else changes it until the transaction ends."""
    found = _of_shop(shop_id).where(Purchase.id == id)
    if is_to_change:
        found = found.with_for_update().execution_options(populate_existing=True)
    purchase = db.session.scalar(found)
    return with_customers([purchase], shop_id)[0] if purchase else None


def find_of_customer(customer: Customer, ids: Collection[UUID]) -> list[Purchase]:
    """Those that are the customer's now, the latest day first."""
    found = _of_shop(customer.shop_id).where(Purchase.customer_id == customer.id, Purchase.id.in_(ids))
    return list(db.session.scalars(found.order_by(Purchase.purchased_on.desc(), Purchase.id.desc())))


def filtered(shop_id: int, filters: PurchaseFilters) -> Select[Purchase]:
    """The purchases that the filters let through."""
    query = _of_shop(shop_id)
    for condition in _conditions(shop_id, filters):
        query = query.where(condition)
    return query


def _items_with(shop_id: int, part: str) -> list[str] | None:
    """The items that have the part in them, where they are few; None where that is not known soon.

    To look at millions of purchases for one that is rare takes seconds, and a shop has few items to look at.
    """
    own = select(func.min(Purchase.item_normal).label("item")).where(Purchase.shop_id == shop_id)
    walked = own.cte("walked", recursive=True)
    following = own.where(Purchase.item_normal > walked.c.item).scalar_subquery()
    walked = walked.union_all(select(following).where(walked.c.item.is_not(None)))
    items = db.session.scalars(select(walked.c.item).where(walked.c.item.is_not(None)).limit(_WALKED)).all()
    found = [item for item in items if part in item]
    return found if len(items) < _WALKED and len(found) <= _FEW_ITEMS else None


def _of_shop(shop_id: int) -> Select[Purchase]:
    return select(Purchase).where(Purchase.shop_id == shop_id)


def _order(sort: str) -> Sequence[InstrumentedAttribute[Any]]:
    # Ids are ordered by time: the order in which purchases were recorded needs no other column.
    return (Purchase.id,) if sort.endswith("recorded_at") else (Purchase.purchased_on, Purchase.id)


def _conditions(shop_id: int, filters: PurchaseFilters) -> Iterator[ColumnElement[bool]]:
    if filters.q:
        yield Purchase.item_normal.contains(filters.q.normal, autoescape=True)
    if filters.item:
        yield Purchase.item_normal == filters.item
    if filters.purchased_from:
        yield Purchase.purchased_on >= filters.purchased_from
    if filters.purchased_to:
        yield Purchase.purchased_on <= filters.purchased_to
    if filters.customer_id:
        yield Purchase.customer_id == customers.who_stays(shop_id, filters.customer_id)
    if filters.external_id:
        yield Purchase.external_id == filters.external_id
    if filters.status != "all":
        yield _IS_RECORDED if filters.status == "recorded" else Purchase.voided_at.isnot(None)
    if filters.recorded_since:
        yield Purchase.recorded_at >= filters.recorded_since
        yield Purchase.id >= least_id(filters.recorded_since)  # indexes have ids
        # Or else SQLite would read all that were recorded since, in the order of their ids, and then sort them by day.
        yield Purchase.purchased_on >= Purchase.EARLIEST
    yield from with_likelihood(Purchase.shop_id == shop_id, list(_amounts(filters)))


def _amounts(filters: PurchaseFilters) -> Iterator[ColumnElement[bool]]:
    least, most = filters.min_amount, filters.max_amount
    if filters.currency:
        yield Purchase.currency == filters.currency
    if least:
        yield from (Purchase.currency == least.currency, Purchase.amount_minor >= least.minor)
    if most:
        yield from (Purchase.currency == most.currency, Purchase.amount_minor <= most.minor)


def with_customers(purchases: Sequence[Purchase], shop_id: int) -> list[Line]:
    """Each of these purchases with its customer, in the order given."""
    ids = {purchase.customer_id for purchase in purchases}
    found = db.session.scalars(select(Customer).where(Customer.shop_id == shop_id, Customer.id.in_(ids)))
    customers: dict[UUID, Customer] = {customer.id: customer for customer in found}
    return [Line(purchase, customers[purchase.customer_id]) for purchase in purchases]
