"""Questions about customers."""

import re
from collections.abc import Collection, Iterator, Sequence
from datetime import date
from typing import NamedTuple, cast
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, or_, select

from extensions import db
from models import Customer, Identity, Purchase
from schemas.contact import Known
from schemas.filters import PAGE_SIZE, CustomerFilters
from services.paging import Page, Position, read_page

_DIGITS_MIN = 3


class Summary(NamedTuple):
    """A customer as they are told apart in a list."""

    customer: Customer
    purchase_count: int
    last_purchased_on: date | None


def list_customers(shop_id: int, filters: CustomerFilters, position: Position, size: int = PAGE_SIZE) -> Page[Customer]:
    """In the order of their names; who was merged into another or withdrawn is left out. Raises BadCursor."""
    query = select(Customer).where(
        Customer.shop_id == shop_id, Customer.merged_into_id.is_(None), Customer.withdrawn_at.is_(None)
    )
    for condition in _conditions(shop_id, filters):
        query = query.where(condition)
    return read_page(query, (Customer.name_normal, Customer.id), position, descending=False, size=size)


def summaries(customers: Sequence[Customer], shop_id: int) -> list[Summary]:
    """What each of these customers bought so far, in the order given."""
    found = count_purchases({customer.id for customer in customers}, shop_id)
    return [Summary(customer, *found.get(customer.id, (0, None))) for customer in customers]


def count_purchases(ids: Collection[UUID], shop_id: int) -> dict[UUID, tuple[int, date]]:
    """How many purchases each of these customers made, and the latest day; voided ones are left out."""
    if not ids:
        return {}
    counted = (
        select(Purchase.customer_id, func.count(), func.max(Purchase.purchased_on))
        .where(Purchase.shop_id == shop_id, Purchase.customer_id.in_(ids), Purchase.voided_at.is_(None))
        .group_by(Purchase.customer_id)
    )
    return {customer_id: (count, last) for customer_id, count, last in db.session.execute(counted)}


def find_summaries(shop_id: int, ids: Sequence[UUID]) -> list[Summary]:
    """Those of the shop, the earliest first."""
    found = select(Customer).where(Customer.shop_id == shop_id, Customer.id.in_(ids)).order_by(Customer.id)
    return summaries(db.session.scalars(found).all(), shop_id)


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
    order = (*Identity.STRONG, "name")
    return sorted(found, key=lambda identity: order.index(identity.kind))


def _conditions(shop_id: int, filters: CustomerFilters) -> Iterator[ColumnElement[bool]]:
    if filters.q:
        yield _is_found_by(shop_id, filters.q)
    for kind in Identity.STRONG:
        if known := getattr(filters, kind):
            yield Customer.id.in_(
                select(Identity.customer_id).where(
                    Identity.shop_id == shop_id, Identity.kind == kind, Identity.value == known.normal
                )
            )
    if filters.name:
        yield Customer.name_normal == filters.name
    if filters.updated_since:
        yield Customer.updated_at >= filters.updated_since


def _is_found_by(shop_id: int, q: Known) -> ColumnElement[bool]:
    known_by: list[ColumnElement[bool]] = [
        Identity.value.contains(q.shown, autoescape=True),  # a customer number keeps its case …
        func.lower(Identity.value).contains(q.normal, autoescape=True),  # … and is found without it
    ]
    # 07700 900 is how people say +447700900…: the digits are searched without the spaces and the leading zero.
    digits = re.sub(r"[^0-9]", "", q.normal).lstrip("0")
    if len(digits) >= _DIGITS_MIN and re.fullmatch(r"[0-9+() ./-]+", q.normal):
        known_by.append(and_(Identity.kind == "phone", Identity.value.contains(digits)))
    identity = select(Identity.customer_id).where(
        Identity.shop_id == shop_id, Identity.kind.in_(Identity.STRONG), or_(*known_by)
    )
    return or_(Customer.name_normal.contains(q.normal, autoescape=True), Customer.id.in_(identity))
