"""Taking back what was done on purpose, or by a capture: all of it at once, as an action of its own."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from uuid import UUID

from sqlalchemy import exists, select

from extensions import db
from models import Action, ApiToken, Change, Customer, Purchase, Shop, User
from services import editing
from services.attempts import until_settled
from services.change_undoing import put_all_back
from services.merge_undoing import part_again
from services.refusals import CannotUndo, UnknownAction, UnknownPurchase
from services.register import Register
from services.split_undoing import join_again
from services.undone import Undone
from services.withdrawing import settle

_WAYS = {"merge": part_again, "split": join_again}


def undo(action_id: UUID, *, shop: Shop, by: User | ApiToken) -> Action:
    """Takes an action back, once, with all its changes. The caller commits.

    Raises UnknownAction, CannotUndo when it was taken back or something later stands on it, and Contention.
    """
    return until_settled(lambda register: _undo(action_id, register, shop, by), shop.id)


def undo_update(purchase_id: UUID, *, shop: Shop, by: User | ApiToken) -> Action:
    """Takes back what the capture of a purchase changed on a customer who was known, once. The caller commits.

    Raises UnknownPurchase, CannotUndo when there is nothing to take back or something later stands on it, and
    Contention.
    """
    return until_settled(lambda register: _undo_update(purchase_id, register, shop, by), shop.id)


def undo_recording(purchase: Purchase, *, shop: Shop, by: User | ApiToken) -> Action | None:
    """Leaves things as they were before the capture, as far as nothing later stands on it; None when it is void.

    The purchase must have been found with its customer. The caller commits. Raises Contention.
    """
    if purchase.voided_at is None:
        with suppress(CannotUndo):
            undo_update(purchase.id, shop=shop, by=by)
    return editing.void(purchase, None, by=by)


def is_update_undone(purchase: Purchase) -> bool:
    """Whether what its capture changed on the customer was taken back."""
    undone = exists().where(Action.shop_id == purchase.shop_id, Action.undoes_purchase_id == purchase.id)
    return bool(db.session.scalar(select(undone)))


def find(shop_id: int, action_id: UUID) -> Action | None:
    return db.session.get(Action, (shop_id, action_id))


def is_of_purchase(action: Action) -> bool:
    """Whether it changed the purchase itself, and no customer."""
    if action.kind in ("void", "restore"):
        return True
    changed = exists().where(
        Change.shop_id == action.shop_id, Change.action_id == action.id, Change.purchase_id.is_not(None)
    )
    return action.kind == "edit" and bool(db.session.scalar(select(changed)))


def _undo(action_id: UUID, register: Register, shop: Shop, by: User | ApiToken) -> Action:
    action = find(shop.id, action_id)
    if action is None:
        raise UnknownAction("There is no such action")
    if action.kind == "import":
        raise CannotUndo("This belongs to an import. Undo the whole import, or take the purchase back by itself")
    if action.kind == "undo":
        raise CannotUndo("This took something back. Do it again instead")
    if db.session.scalar(select(Action.id).where(Action.shop_id == shop.id, Action.undoes_id == action.id)):
        raise CannotUndo("This was taken back already")
    return _take_back(Undone(action, register, shop, by), _WAYS.get(action.kind, put_all_back))


def _undo_update(purchase_id: UUID, register: Register, shop: Shop, by: User | ApiToken) -> Action:
    purchase = db.session.get(Purchase, (shop.id, purchase_id))
    if purchase is None:
        raise UnknownPurchase("There is no such purchase")
    if purchase.matched_on is None:
        raise CannotUndo("The customer was new with this purchase. Take the purchase back instead")
    if is_update_undone(purchase):
        raise CannotUndo("This was taken back already")
    undone = Undone(purchase, register, shop, by)
    if not undone.on_customers:
        raise CannotUndo("Recording this purchase changed nothing on the customer")
    return _take_back(undone, put_all_back)


def _take_back(undone: Undone, put_back: Callable[[Undone], Sequence[Customer]]) -> Action:
    customers = put_back(undone)
    undone.register.changed |= {customer.id for customer in customers}
    undone.register.write()
    undone.fields.claim_kept_names()
    settle(undone.undoing, *customers)
    return undone.undoing
