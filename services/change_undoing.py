"""Taking back an edit, a void, a restore, or what a capture changed: field by field."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import and_, exists, or_, select
from sqlalchemy.orm import aliased

from extensions import db
from models import Action, Change, Customer, Purchase
from services import actions, purchase_values
from services.matching import FieldChange
from services.merging import hold, touch
from services.refusals import CannotUndo
from services.register import Overtaken
from services.undone import Undone

_CHANGED_SINCE = "This was changed again since. Edit it instead"


def put_all_back(undone: Undone) -> Sequence[Customer]:
    on_purchases = undone.on_purchases()
    customers, purchases = _hold_all(undone, {change.purchase_id for change in on_purchases})
    undone.begin()
    changed = [customer for customer in customers if undone.on(customer)]
    for customer in changed:
        for change in undone.on(customer):
            _put_customer_back(undone, customer, change)
    for change in on_purchases:
        _check_unchanged(_present(purchases[change.purchase_id], change.field), change)
        _check_that_it_is_the_last(undone, change)
    for change in on_purchases:
        _put_purchase_back(undone, purchases[change.purchase_id], change)
    for customer in changed:
        undone.fields.check_whole(customer)
    touch(undone.undoing, *changed)
    return customers


def _hold_all(
    undone: Undone, purchase_ids: Collection[UUID | None]
) -> tuple[Sequence[Customer], dict[UUID | None, Purchase]]:
    """Who changed, with the purchases that did and their customers."""
    owners = select(Purchase.customer_id).where(Purchase.shop_id == undone.shop.id, Purchase.id.in_(purchase_ids))
    owner_ids = set(db.session.scalars(owners))
    changed_ids = {change.customer_id for change in undone.on_customers if change.customer_id is not None}
    customers = hold(changed_ids | owner_ids, undone.shop.id)
    purchases = _hold_purchases(undone, purchase_ids)
    if any(purchase.customer_id not in owner_ids for purchase in purchases.values()):
        raise Overtaken
    return customers, purchases


def _hold_purchases(undone: Undone, ids: Collection[UUID | None]) -> dict[UUID | None, Purchase]:
    found = select(Purchase).where(Purchase.shop_id == undone.shop.id, Purchase.id.in_(ids)).order_by(Purchase.id)
    held = db.session.scalars(found.with_for_update().execution_options(populate_existing=True))
    return {purchase.id: purchase for purchase in held}


def _put_customer_back(undone: Undone, customer: Customer, change: Change) -> None:
    if customer.merged_into_id is not None:
        raise CannotUndo("This customer was merged into another since. Take back that merge first")
    _check_unchanged(getattr(customer, change.field), change)
    undone.fields.put_back(customer, change)


def _check_that_it_is_the_last(undone: Undone, change: Change) -> None:
    """The same value may have been put back since, and be there for another reason now."""
    undoing = aliased(Action)
    stands = ~exists().where(undoing.shop_id == Action.shop_id, undoing.undoes_id == Action.id)
    later = (
        select(Change.id)
        .join(Action, and_(Action.shop_id == Change.shop_id, Action.id == Change.action_id))
        .where(
            Change.shop_id == undone.shop.id,
            Change.purchase_id == change.purchase_id,
            Change.field == change.field,
            Change.id > change.id,
            Action.kind != "undo",
            stands,
        )
    )
    if db.session.scalar(later.limit(1)) is not None:
        raise CannotUndo(_CHANGED_SINCE)


def _put_purchase_back(undone: Undone, purchase: Purchase, change: Change) -> None:
    if change.field == "status":
        _put_status_back(undone, purchase, change)
    elif change.field == "void_reason":
        purchase.void_reason = change.before
    else:
        purchase_values.write(purchase, change.field, change.before)
    actions.note(undone.undoing, purchase, FieldChange(change.field, change.after, change.before))


def _put_status_back(undone: Undone, purchase: Purchase, change: Change) -> None:
    if change.before == "recorded":
        purchase.voided_at = purchase.voided_by_id = purchase.void_reason = None
        return
    imported = aliased(Action)
    of_imports = select(imported.id).where(imported.shop_id == undone.shop.id, imported.kind == "import")
    is_void = or_(Action.kind == "void", Action.undoes_id.in_(of_imports))
    voided = (
        select(Change.at, Change.user_id)
        .join(Action, (Action.shop_id == Change.shop_id) & (Action.id == Change.action_id))
        .where(Change.shop_id == undone.shop.id, Change.purchase_id == purchase.id, Change.id < change.id)
        .where(Change.field == "status", is_void)
    )
    last = db.session.execute(voided.order_by(Change.id.desc()).limit(1)).one()
    purchase.voided_at, purchase.voided_by_id = last


def _present(purchase: Purchase, field: str) -> str | None:
    if field == "status":
        return "void" if purchase.voided_at else "recorded"
    return purchase.void_reason if field == "void_reason" else purchase_values.read(purchase, field)


def _check_unchanged(present: str | None, change: Change) -> None:
    if present != change.after:
        raise CannotUndo(_CHANGED_SINCE)
