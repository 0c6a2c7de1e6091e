"""What changed on customers and purchases, when and by whom."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import InstrumentedAttribute

from extensions import db
from models import Action, Change, Customer, Purchase, User, public_id
from schemas.filters import PAGE_SIZE
from services.paging import Page, Position, read_page

T = TypeVar("T", User, Action, Purchase, Customer)


_NAMES_A_CUSTOMER = ("merged", "merged_into", "split_to", "split_from", "customer_id")


class Event(NamedTuple):
    """A change, who made it, and by which action or by the capture of which purchase."""

    change: Change
    user: User
    action: Action | None
    capture: Purchase | None
    is_undone: bool
    named: Mapping[str | None, Customer]
    """The customers whom the change names, by the ids that it keeps of them."""

    @property
    def can_be_undone(self) -> bool:
        """As far as one can tell from here: something later may stand on it."""
        if self.capture is not None:
            return self.capture.matched_on is not None and self.change.field != "status" and not self.is_undone
        return self.action is not None and self.action.kind not in ("undo", "import") and not self.is_undone


def of_customer(customer: Customer, position: Position, size: int = PAGE_SIZE) -> Page[Event]:
    """The newest first. Raises BadCursor."""
    changes = select(Change).where(Change.shop_id == customer.shop_id, Change.customer_id == customer.id)
    return _page(changes, customer.shop_id, position, size)


def of_purchase(purchase: Purchase, position: Position, size: int = PAGE_SIZE) -> Page[Event]:
    """The newest first. Raises BadCursor."""
    changes = select(Change).where(Change.shop_id == purchase.shop_id, Change.purchase_id == purchase.id)
    return _page(changes, purchase.shop_id, position, size)


def _page(changes: Select[Change], shop_id: int, position: Position, size: int) -> Page[Event]:
    page = read_page(changes, (Change.id,), position, descending=True, size=size)
    users = _by_id(select(User).where(User.shop_id == shop_id), User.id, {change.user_id for change in page.rows})
    action_ids = {change.action_id for change in page.rows if change.action_id}
    actions = _by_id(select(Action).where(Action.shop_id == shop_id), Action.id, action_ids)
    capture_ids = {change.by_purchase_id for change in page.rows if change.by_purchase_id}
    captures = _by_id(select(Purchase).where(Purchase.shop_id == shop_id), Purchase.id, capture_ids)
    undone, named = _undone(shop_id, action_ids, capture_ids), _named(shop_id, page.rows)
    events = [
        Event(
            change,
            users[change.user_id],
            actions.get(change.action_id),
            captures.get(change.by_purchase_id),
            (change.action_id or change.by_purchase_id) in undone,
            named if change.field in _NAMES_A_CUSTOMER else {},
        )
        for change in page.rows
    ]
    return Page(events, page.before, page.after)


def _by_id(query: Select[T], column: InstrumentedAttribute[Any], ids: Collection[Any]) -> dict[Any, T]:
    return {row.id: row for row in db.session.scalars(query.where(column.in_(ids)))}


def _named(shop_id: int, changes: Sequence[Change]) -> dict[str | None, Customer]:
    named = [change for change in changes if change.field in _NAMES_A_CUSTOMER]
    texts = {text for change in named for text in (change.before, change.after) if text}
    ids = [public_id.decode(public_id.CUSTOMER, text) for text in texts]
    found = _by_id(select(Customer).where(Customer.shop_id == shop_id), Customer.id, ids)
    return {customer.public_id: customer for customer in found.values()}


def _undone(shop_id: int, action_ids: Collection[UUID], capture_ids: Collection[UUID]) -> set[UUID | None]:
    """Those of the actions, and of the purchases whose captures changed a customer, that were taken back."""
    found = select(Action.undoes_id, Action.undoes_purchase_id).where(
        Action.shop_id == shop_id,
        or_(Action.undoes_id.in_(action_ids), Action.undoes_purchase_id.in_(capture_ids)),
    )
    return {undone_id or purchase_id for undone_id, purchase_id in db.session.execute(found)}
