"""Questions about customers."""

from collections.abc import Collection, Iterator, Sequence
from datetime import date
from typing import Any, NamedTuple, cast
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, select

from extensions import db
from models import Customer, Identity, Purchase
from models.dialect import allow_long_statements, allow_sums
from schemas.contact import Known
from schemas.filters import PAGE_SIZE, CustomerFilters
from services.paging import Page, Position, read_page
from services.search import find_best, is_found_by

COUNTED_MAX = 1_000
"""So far the purchases of a customer are counted for a page: who has more has many."""
_SUGGESTED_MAX = 8
_BY_NAME = (Customer.name_normal, Customer.id)
_STREAMED_AT_A_TIME = 1_000


class Summary(NamedTuple):
    """A customer as they are told apart in a list."""

    customer: Customer
    purchase_count: int
    last_purchased_on: date | None


class Bought(NamedTuple):
    customer: Customer
    purchases: int
    first_purchased_on: date | None
    last_purchased_on: date | None


def list_customers(shop_id: int, filters: CustomerFilters, position: Position, size: int = PAGE_SIZE) -> Page[Customer]:
    """In the order of their names; who was merged into another is left out. Raises BadCursor.

    Who was withdrawn is, too, unless an identity is asked for.
    """
    if filters.q:
        allow_sums()  # by a common word, a million are put in order
    return read_page(_listed(shop_id, filters), _BY_NAME, position, descending=False, size=size)


def stream(shop_id: int, filters: CustomerFilters) -> Iterator[Bought]:
    """The whole list, some at a time: memory stays the same however many there are."""
    allow_long_statements()  # who reads it may pause
    found = _listed(shop_id, filters).order_by(*_BY_NAME).execution_options(yield_per=_STREAMED_AT_A_TIME)
    for some in db.session.scalars(found).partitions():
        counted = {
            customer_id: sums for customer_id, *sums in db.session.execute(_counted(shop_id, {one.id for one in some}))
        }
        yield from (Bought(one, *counted.get(one.id, (0, None, None))) for one in some)


def suggest(shop_id: int, typed: Known, limit: int = _SUGGESTED_MAX) -> list[Summary]:
    """Who may be meant, the likeliest first."""
    return summaries(find_best(shop_id, typed, limit), shop_id)


def summaries(customers: Sequence[Customer], shop_id: int, counted_to: int | None = COUNTED_MAX) -> list[Summary]:
    """What each of these customers bought so far, in the order given; None counts all, however many."""
    bought = select(Customer.id, *_count_bought(counted_to)).where(
        Customer.shop_id == shop_id, Customer.id.in_([customer.id for customer in customers])
    )
    found = {customer_id: sums for customer_id, *sums in db.session.execute(bought)} if customers else {}
    return [Summary(customer, *found[customer.id]) for customer in customers]


def count_purchases(ids: Collection[UUID], shop_id: int) -> dict[UUID, tuple[int, date]]:
    """How many purchases each of these customers made, and the latest day; voided ones are left out."""
    if not ids:
        return {}
    return {customer_id: (count, last) for customer_id, count, _, last in db.session.execute(_counted(shop_id, ids))}


def find_summaries(shop_id: int, ids: Sequence[UUID], counted_to: int | None = COUNTED_MAX) -> list[Summary]:
    """Those of the shop, the earliest first."""
    found = select(Customer).where(Customer.shop_id == shop_id, Customer.id.in_(ids)).order_by(Customer.id)
    return summaries(db.session.scalars(found).all(), shop_id, counted_to)


def others(customer: Customer, filters: CustomerFilters, count: int) -> list[Summary]:
    """Who else may be meant: some of those who are found by `q`, or without it, of the customer's namesakes."""
    if filters.q:
        found = find_best(customer.shop_id, filters.q, count + 1)
    elif customer.name:
        namesakes = filters.model_copy(update={"name": customer.name_normal})
        found = list(list_customers(customer.shop_id, namesakes, Position(), count + 1).rows)
    else:
        return []
    return summaries([other for other in found if other.id != customer.id][:count], customer.shop_id)


def find(shop_id: int, id: UUID, *, is_to_change: bool = False) -> Customer | None:
    """The customer of this id; when they are to change, nobody else changes them until the transaction ends."""
    found = select(Customer).where(Customer.shop_id == shop_id, Customer.id == id)
    if is_to_change:
        found = found.with_for_update(key_share=True).execution_options(populate_existing=True)
    return db.session.scalar(found)


def who_stays(shop_id: int, id: UUID) -> UUID | None:
    """The customer of this id, or whom they were merged into; None for nobody."""
    last, wanted = id, cast(UUID | None, id)
    while wanted is not None:
        found = select(Customer.merged_into_id).where(Customer.shop_id == shop_id, Customer.id == wanted)
        row = db.session.execute(found).one_or_none()
        if row is None:
            return None
        last, wanted = wanted, row.merged_into_id
    return last


def identities(customer: Customer) -> Sequence[Identity]:
    """All that the customer is known by, the strongest first."""
    found = db.session.scalars(
        select(Identity)
        .where(Identity.shop_id == customer.shop_id, Identity.customer_id == customer.id)
        .order_by(Identity.kind, Identity.value)
    )
    return sorted(found, key=lambda identity: Identity.KINDS.index(identity.kind))


def _listed(shop_id: int, filters: CustomerFilters) -> Select[Customer]:
    query = select(Customer).where(Customer.shop_id == shop_id, Customer.merged_into_id.is_(None))
    return query.where(*_conditions(shop_id, filters))


def _counted(shop_id: int, ids: Collection[UUID]) -> Select[UUID, int, date, date]:
    """The purchases of each of these customers that count: how many, the first day, the last."""
    first, last = func.min(Purchase.purchased_on), func.max(Purchase.purchased_on)
    return (
        select(Purchase.customer_id, func.count(), first, last)
        .where(Purchase.shop_id == shop_id, Purchase.customer_id.in_(ids), Purchase.voided_at.is_(None))
        .group_by(Purchase.customer_id)
    )


def _count_bought(counted_to: int | None) -> Sequence[ColumnElement[Any]]:
    """How many purchases of a customer count, and the last day, each read off the end of an index."""
    bought = (
        select(Purchase.purchased_on)
        .where(Purchase.shop_id == Customer.shop_id, Purchase.customer_id == Customer.id, Purchase.voided_at.is_(None))
        .correlate(Customer)
    )
    count = select(func.count()).select_from(bought.limit(counted_to).subquery())
    last = bought.order_by(Purchase.purchased_on.desc()).limit(1)
    return count.scalar_subquery(), last.scalar_subquery()


def _conditions(shop_id: int, filters: CustomerFilters) -> Iterator[ColumnElement[bool]]:
    if filters.q:
        yield is_found_by(shop_id, filters.q)
    known_by = {kind: known for kind in Identity.STRONG if (known := getattr(filters, kind))}
    for kind, known in known_by.items():
        yield Customer.id.in_(
            select(Identity.customer_id).where(
                Identity.shop_id == shop_id, Identity.kind == kind, Identity.value == known.normal
            )
        )
    if not known_by:  # whoever asks for the owner of an address wants to know whom a purchase would find
        yield Customer.withdrawn_at.is_(None)
    if filters.name:
        yield Customer.name_normal == filters.name
    if filters.updated_since:
        yield Customer.updated_at >= filters.updated_since
