"""What changed on customers and purchases, when and by whom."""

from typing import NamedTuple

from sqlalchemy import Select, select

from extensions import db
from models import Action, Change, Customer, Purchase, User
from schemas.filters import PAGE_SIZE
from services.paging import Page, Position, read_page


class Event(NamedTuple):
    """A change, who made it, and by which action; none where a capture made it."""

    change: Change
    user: User
    action: Action | None
    is_undone: bool

    @property
    def can_be_undone(self) -> bool:
        """As far as one can tell from here: something later may stand on it."""
        return self.action is not None and self.action.kind != "undo" and not self.is_undone


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
    user_ids = {change.user_id for change in page.rows}
    users = db.session.scalars(select(User).where(User.shop_id == shop_id, User.id.in_(user_ids)))
    by_id = {user.id: user for user in users}
    action_ids = {change.action_id for change in page.rows if change.action_id is not None}
    found = select(Action).where(Action.shop_id == shop_id)
    actions = {action.id: action for action in db.session.scalars(found.where(Action.id.in_(action_ids)))}
    undone = {action.undoes_id for action in db.session.scalars(found.where(Action.undoes_id.in_(action_ids)))}
    events = [
        Event(
            change,
            by_id[change.user_id],
            actions[change.action_id] if change.action_id else None,
            change.action_id in undone,
        )
        for change in page.rows
    ]
    return Page(events, page.before, page.after)
