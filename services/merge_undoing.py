"""Taking back a merge: who was merged away comes back, with what was recorded for them since."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import select

from extensions import db
from models import Change, Customer, Identity, Purchase, public_id
from schemas.contact import Known
from schemas.purchase import BUYER_FIELDS
from services import actions
from services.identities import gained, identity_key, move_identities, owners
from services.known import Key
from services.matching import update_customer
from services.merging import move_purchases, touch
from services.refusals import CannotUndo
from services.undone import LATER_MERGE, Undone


def part_again(undone: Undone) -> Sequence[Customer]:
    away, stayed = undone.hold_two("merged_into")
    if away.merged_into_id != stayed.id or stayed.merged_into_id is not None:
        raise CannotUndo(LATER_MERGE)
    moved_keys = {identity_key(change.before) for change in undone.on(away) if change.before is not None}
    filled = [change for change in undone.on(stayed) if change.field in (*BUYER_FIELDS, "note")]
    recorded = _recorded_since(undone, away, stayed, moved_keys | undone.keys(filled))
    move_purchases(undone.undoing, sorted({*undone.moved(stayed), *recorded}), stayed, away)
    away.merged_into_id = None
    undone.unlink(away, "merged_into", stayed)
    undone.unlink(stayed, "merged", away)
    touch(undone.undoing, away, stayed)
    db.session.flush()
    returned = _return_identities(undone, moved_keys, away, stayed)
    _hand_over_captures(undone, recorded, away, stayed)
    _show_own(undone, stayed, returned)
    for change in filled:
        if change.field not in Identity.STRONG and getattr(stayed, change.field) == change.after:
            undone.fields.put_back(stayed, change)
    undone.fields.check_whole(away)
    undone.fields.check_whole(stayed)
    return away, stayed


def _recorded_since(undone: Undone, away: Customer, stayed: Customer, keys: Collection[Key]) -> set[UUID]:
    """The purchases that found who stayed by what was the other's: an identity or an old id."""
    # Ids are in the order of time, and a capture makes its own only once it has found its customer.
    found = select(Purchase.id, Purchase.matched_on, Purchase.buyer).where(
        Purchase.shop_id == undone.shop.id,
        Purchase.customer_id == stayed.id,
        Purchase.id > undone.id,
        Purchase.matched_on.is_not(None),
    )
    found_by = {*keys, *(("customer_id", old_id) for old_id in _old_ids(away))}
    normal: dict[Key, Key] = {}
    recorded = set()
    for purchase_id, matched_on, buyer in db.session.execute(found):
        assert matched_on is not None
        typed = matched_on, buyer[matched_on]
        if typed not in normal:
            normal[typed] = typed if matched_on == "customer_id" else undone.fields.key(*typed)
        if normal[typed] in found_by:
            recorded.add(purchase_id)
    return recorded


def _old_ids(away: Customer) -> set[str]:
    """The id of the customer, and of all who were merged into them."""
    ids, newest = {away.id}, {away.id}
    while newest:
        found = select(Customer.id).where(Customer.shop_id == away.shop_id, Customer.merged_into_id.in_(newest))
        newest = set(db.session.scalars(found)) - ids
        ids |= newest
    return {public_id.encode(public_id.CUSTOMER, one) for one in ids}


def _return_identities(undone: Undone, keys: set[Key], away: Customer, stayed: Customer) -> set[Key]:
    """Those that still belong to who stayed, and those that nobody has; the others stay where they are."""
    owned_by = owners(keys, undone.shop.id)
    returned = {key for key in keys if owned_by.get(key, stayed.id) == stayed.id}
    move_identities(undone.undoing, sorted(key for key in returned if key in owned_by), stayed, away)
    free = sorted(returned - set(owned_by))
    for kind, value in free:
        db.session.add(Identity(shop_id=undone.shop.id, kind=kind, value=value, customer_id=away.id))
    actions.note_all(undone.undoing, [gained(key) for key in free], customer_ids=[away.id])
    db.session.flush()
    return returned


def _hand_over_captures(undone: Undone, purchase_ids: Collection[UUID], away: Customer, stayed: Customer) -> None:
    """What these captures have told of who stayed, they told of the other."""
    told = select(Change).where(
        Change.shop_id == undone.shop.id, Change.customer_id == stayed.id, Change.id > undone.id
    )
    by_captures = told.where(Change.by_purchase_id.is_not(None), Change.field != "status").order_by(Change.id)
    changes = [change for change in db.session.scalars(by_captures) if change.by_purchase_id in purchase_ids]
    _read_ahead(undone, changes)
    for change in reversed(changes):
        if getattr(stayed, change.field) == change.after:
            undone.fields.put_back(stayed, change)
    for change in changes:
        assert change.after is not None
        given = {change.field: Known(change.after, undone.fields.key(change.field, change.after)[1])}
        for updated in update_customer(away, given, undone.register, undone.shop.country)[0]:
            actions.note(undone.undoing, away, updated)


def _read_ahead(undone: Undone, changes: Sequence[Change]) -> None:
    """All that putting the changes back, and telling them again, will ask of the register."""
    shown = [(change.field, text) for change in changes for text in (change.before, change.after)]
    keys = {undone.fields.key(field, text) for field, text in shown if text is not None}
    undone.register.read(keys=keys, names={value for kind, value in keys if kind == "name"})


def _show_own(undone: Undone, stayed: Customer, returned: Collection[Key]) -> None:
    """Nobody shows an address that finds another: who stayed shows what they did before the merge."""
    for kind in Identity.STRONG:
        shown = getattr(stayed, kind)
        if shown is not None and undone.fields.key(kind, shown) in returned:
            since = select(Change).where(
                Change.shop_id == undone.shop.id,
                Change.customer_id == stayed.id,
                Change.field == kind,
                Change.id > undone.id,
            )
            first = db.session.scalar(since.order_by(Change.id).limit(1))
            assert first is not None
            undone.fields.show(stayed, kind, first.before)
