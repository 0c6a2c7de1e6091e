"""Questions about purchases."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Select, select

from extensions import db
from models import Customer, Purchase
from schemas.filters import PurchaseFilters
from services.paging import Page, Position, read_page


class Line(NamedTuple):
    purchase: Purchase
    customer: Customer


def latest(shop_id: int, count: int) -> list[Line]:
    """The purchases recorded last, the newest first."""
    found = select(Purchase).where(Purchase.shop_id == shop_id).order_by(Purchase.id.desc()).limit(count)
    return _with_customers(db.session.scalars(found).all(), shop_id)


def list_purchases(shop_id: int, filters: PurchaseFilters, position: Position) -> Page[Line]:
    """The latest day first. Raises BadCursor."""
    page = _page(_filtered(shop_id, filters), position)
    return Page(_with_customers(page.rows, shop_id), page.before, page.after)


def list_of_customer(customer: Customer, position: Position) -> Page[Purchase]:
    """The latest day first. Raises BadCursor."""
    of_customer = select(Purchase).where(Purchase.shop_id == customer.shop_id, Purchase.customer_id == customer.id)
    return _page(of_customer, position)


def _page(query: Select[Purchase], position: Position) -> Page[Purchase]:
    return read_page(query, (Purchase.purchased_on, Purchase.id), position, descending=True)


def _filtered(shop_id: int, filters: PurchaseFilters) -> Select[Purchase]:
    query = select(Purchase).where(Purchase.shop_id == shop_id)
    if filters.q:
        query = query.where(Purchase.item_normal.contains(filters.q.normal, autoescape=True))
    if filters.purchased_from:
        query = query.where(Purchase.purchased_on >= filters.purchased_from)
    if filters.purchased_to:
        query = query.where(Purchase.purchased_on <= filters.purchased_to)
    return query


def _with_customers(purchases: Sequence[Purchase], shop_id: int) -> list[Line]:
    ids = {purchase.customer_id for purchase in purchases}
    found = db.session.scalars(select(Customer).where(Customer.shop_id == shop_id, Customer.id.in_(ids)))
    customers: dict[UUID, Customer] = {customer.id: customer for customer in found}
    return [Line(purchase, customers[purchase.customer_id]) for purchase in purchases]
