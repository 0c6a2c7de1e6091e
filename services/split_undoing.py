"""Taking back a split: the purchases go back, and who was opened by it goes with them."""

from collections.abc import Sequence

from sqlalchemy import delete, exists, select

from extensions import db
from models import Customer, Identity, Purchase
from services import actions
from services.identities import identities_of, lost, move_identities
from services.known import Key
from services.merging import move_purchases, point, touch
from services.refusals import CannotUndo
from services.undone import LATER_MERGE, Undone


def join_again(undone: Undone) -> Sequence[Customer]:
    customer, other = undone.hold_two("split_to")
    if customer.merged_into_id is not None or other.merged_into_id is not None:
        raise CannotUndo(LATER_MERGE)
    move_purchases(undone.undoing, undone.moved(other), other, customer)
    undone.unlink(customer, "split_to", other)
    undone.unlink(other, "split_from", customer)
    touch(undone.undoing, customer, other)
    db.session.flush()
    given = undone.keys(undone.on(other))
    if given and _is_left_alone(other):
        _take_in(undone, other, customer, given)
    return customer, other


def _is_left_alone(customer: Customer) -> bool:
    bought = exists().where(Purchase.shop_id == customer.shop_id, Purchase.customer_id == customer.id)
    merged = exists().where(Customer.shop_id == customer.shop_id, Customer.merged_into_id == customer.id)
    return not db.session.scalar(select(bought | merged))


def _take_in(undone: Undone, other: Customer, customer: Customer, given: set[Key]) -> None:
    """Who was opened by the split becomes a pointer, so that their id keeps working.

    What they were told apart by is free again, as it was before the split: to find the wrong customer by it would
    be a guess. What became known of them since goes with them.
    """
    known_by = identities_of(other)
    move_identities(undone.undoing, [key for key in known_by if key not in given], other, customer)
    for kind, value in sorted(given.intersection(known_by)):
        owned = delete(Identity).where(
            Identity.shop_id == undone.shop.id, Identity.kind == kind, Identity.value == value
        )
        db.session.execute(owned)
        actions.note(undone.undoing, other, lost((kind, value)))
    point(undone.undoing, other, customer)
