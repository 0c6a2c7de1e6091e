"""Changes made on purpose to one purchase or one customer. Each is an action, on the history, and can be taken back."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from extensions import db
from models import Action, ApiToken, Customer, Purchase, Shop, User, clock
from models.dialect import refresh_statistics
from schemas.bodies import CustomerBody, CustomerEdit
from schemas.contact import Known, normal_form
from schemas.purchase import BUYER_FIELDS
from schemas.table_rows import CustomerRow
from services import actions, customers, purchase_values, purchases
from services.attempts import until_settled
from services.matching import FieldChange, Finder, Match, find_customer, foresee_changes, update_customer
from services.merging import hold
from services.purchases import Line
from services.refusals import (
    CustomerExists,
    CustomerMerged,
    CustomerNeedsIdentity,
    IdentityConflict,
    Refusal,
    UnknownCustomer,
)
from services.register import Register
from services.withdrawing import bring_back, settle


def edit_purchase(purchase: Purchase, given: Mapping[str, Any], *, by: User | ApiToken) -> Action | None:
    """Puts what is given in place; None when nothing differs. The purchase must have been found to be changed.

    `given` are judged values of item, quantity, amount, purchased_on and note; None clears.
    """
    changes = []
    for name, value in given.items():
        before = purchase_values.read(purchase, name)
        purchase_values.write(purchase, name, _text(name, value))
        after = purchase_values.read(purchase, name)
        if before != after:
            changes.append(FieldChange(name, before, after))
    return _act("edit", purchase, changes, by)


def find_with_customer(shop_id: int, id: UUID) -> Line | None:
    """The purchase of this id, to be changed together with its customer: whether it counts may matter to them."""
    held_id, line = None, purchases.find(shop_id, id)
    # Customers are held before purchases, everywhere: who did it the other way round would wait in a ring.
    while line is not None and line.customer.id != held_id:
        [customer] = hold([line.customer.id], shop_id)
        held_id, line = customer.id, purchases.find(shop_id, id, is_to_change=True)
    return line


def void(purchase: Purchase, reason: str | None, *, by: User | ApiToken) -> Action | None:
    """Takes a purchase back while keeping it on record; None when that was done before.

    It must have been found with its customer, who is withdrawn when nothing else made them one.
    """
    if purchase.voided_at is not None:
        return None
    action = actions.begin("void", shop_id=purchase.shop_id, by=by)
    actions.note(action, purchase, FieldChange("status", "recorded", "void"))
    if reason:
        actions.note(action, purchase, FieldChange("void_reason", None, reason))
    purchase.voided_at, purchase.voided_by_id, purchase.void_reason = action.at, action.user_id, reason
    settle(action, _customer_of(purchase))
    return action


def restore(purchase: Purchase, *, by: User | ApiToken) -> Action | None:
    """Makes a voided purchase count again, and its customer be there again; None when it does already.

    It must have been found with its customer.
    """
    if purchase.voided_at is None:
        return None
    changes = [FieldChange("status", "void", "recorded")]
    if purchase.void_reason:
        changes.append(FieldChange("void_reason", purchase.void_reason, None))
    purchase.voided_at = purchase.voided_by_id = purchase.void_reason = None
    action = _act("restore", purchase, changes, by)
    assert action is not None
    settle(action, _customer_of(purchase))
    return action


def _customer_of(purchase: Purchase) -> Customer:
    return db.session.get_one(Customer, (purchase.shop_id, purchase.customer_id))


def _text(name: str, value: Any) -> str | None:
    if value is None:
        return None
    if name == "amount":
        return purchase_values.money_text(value)
    return value.on.isoformat() if name == "purchased_on" else str(value)


def _act(kind: str, subject: Customer | Purchase, changes: list[FieldChange], by: User | ApiToken) -> Action | None:
    if not changes:
        return None
    action = actions.begin(kind, shop_id=subject.shop_id, by=by)
    for change in changes:
        actions.note(action, subject, change)
    db.session.flush()
    return action


@dataclass
class Kept:
    """A customer as they are kept now, and what came of what was given."""

    customer: Customer
    matched_on: str | None
    changes: list[FieldChange]

    @property
    def outcome(self) -> str:
        """`created`, `updated` or `unchanged`."""
        if self.matched_on is None:
            return "created"
        return "updated" if self.changes else "unchanged"


def keep_customer(body: CustomerBody, *, shop: Shop, by: User | ApiToken, only_new: bool) -> Kept:
    """Finds or creates the customer by the rules of a capture, and updates them.

    Raises what find_customer raises, and CustomerExists when `only_new` and they are known.
    """

    def keep(register: Register) -> Kept:
        match = find_customer(body.given, None, register)
        if match.customer and only_new:
            raise CustomerExists(f"{match.customer.shown_name} is known already", match.customer)
        kept = _keep(match, body, register, shop, clock.utc_now())
        _settle(kept.customer, kept.changes, register, by)
        return kept

    return until_settled(keep, shop.id)


def keep_customers(rows: Sequence[CustomerRow], *, shop: Shop, action: Action, find: Finder) -> list[Kept | Refusal]:
    """Keeps many by one action, with the very results that one by one would give. The caller commits.

    What is refused is in its place in the list and leaves no trace. Raises Contention.
    """

    def keep_all(register: Register) -> list[Kept | Refusal]:
        register.read_ahead([(row.customer_id, row.given) for row in rows])
        results = [_keep_or_refuse(row, register, shop, action, find) for row in rows]
        register.write()
        refresh_statistics()
        for kept in results:
            if isinstance(kept, Kept):
                actions.note_all(action, kept.changes, customer_ids=[kept.customer.id])
        db.session.flush()
        return results

    return until_settled(keep_all, shop.id)


def _keep_or_refuse(row: CustomerRow, register: Register, shop: Shop, action: Action, find: Finder) -> Kept | Refusal:
    try:
        kept = _keep(find(row.given, row.customer_id, register), row, register, shop, action.at)
    except Refusal as refusal:
        return refusal
    if kept.changes:
        kept.customer.updated_at = action.at
        register.changed.add(kept.customer.id)
    return kept


def _keep(match: Match, body: CustomerBody | CustomerRow, register: Register, shop: Shop, at: datetime) -> Kept:
    customer, told = match.customer or register.open(at), match.told_by(body.given)
    _, of_others = foresee_changes(customer, told, register, shop.country)
    for field, owner in of_others.items():
        raise _of_another(field, told[field], owner)
    changes, _ = update_customer(customer, told, register, shop.country)
    changes += bring_back(customer)
    changes += _note_changes(customer, body.note) if body.note else []
    return Kept(customer, match.matched_on, changes)


class Edited(NamedTuple):
    customer: Customer
    action: Action | None
    """None when nothing differed."""


def edit_customer(
    id: UUID,
    edit: CustomerEdit,
    *,
    shop: Shop,
    by: User | ApiToken,
    check: Callable[[Customer], None] = lambda _: None,
) -> Edited:
    """Puts what is given in place; None clears, and what is cleared finds the customer no longer.

    `check` is asked with the customer as nobody else can change them any more, and may raise what it likes.
    Raises UnknownCustomer, CustomerMerged, IdentityConflict for what is another's, and CustomerNeedsIdentity.
    """

    def change(register: Register) -> Edited:
        customer = _find_to_change(id, shop.id)
        check(customer)
        given = edit.changed
        changes = _cleared(customer, given, register, shop.country)
        known = {name: value for name, value in given.items() if name in BUYER_FIELDS and value is not None}
        updated, left_alone = update_customer(customer, known, register, shop.country)
        for name, owner in left_alone.items():
            raise _of_another(name, known[name], owner)
        if not any(getattr(customer, name) for name in BUYER_FIELDS):
            raise CustomerNeedsIdentity("Keep a name, an e-mail address, a phone number or a customer number")
        changes += updated + _respelt(customer, known)
        changes += _note_changes(customer, given["note"]) if "note" in given else []
        return Edited(customer, _settle(customer, changes, register, by))

    return until_settled(change, shop.id)


def _find_to_change(id: UUID, shop_id: int) -> Customer:
    customer = customers.find(shop_id, id, is_to_change=True)
    if customer is None:
        raise UnknownCustomer("There is no such customer")
    if customer.merged_into_id is not None:
        stays = Register(shop_id).customer(customer.merged_into_id)
        assert stays is not None
        raise CustomerMerged(f"This customer was merged into {stays.shown_name}. Change that one", stays)
    return customer


def _of_another(field: str, known: Known, owner: Customer) -> IdentityConflict:
    conflict = IdentityConflict(f"{known.shown} belongs to {owner.shown_name}. Merge the two first", [owner])
    conflict.field = field
    return conflict


def _cleared(
    customer: Customer, given: Mapping[str, Known | None], register: Register, country: str
) -> list[FieldChange]:
    changes = []
    for name in BUYER_FIELDS:
        shown = getattr(customer, name)
        if name in given and given[name] is None and shown is not None:
            register.forget(customer, name, normal_form(name, shown, country))
            changes.append(FieldChange(name, shown, None))
    return changes


def _respelt(customer: Customer, known: Mapping[str, Known]) -> list[FieldChange]:
    """What means the same as before, and is to be written otherwise: a capture would leave it alone."""
    changes = []
    for name, value in known.items():
        before = getattr(customer, name)
        if before != value.shown:
            setattr(customer, name, value.shown)
            changes.append(FieldChange(name, before, value.shown))
    return changes


def _note_changes(customer: Customer, note: str | None) -> list[FieldChange]:
    before, customer.note = customer.note, note
    return [FieldChange("note", before, note)] if before != note else []


def _settle(customer: Customer, changes: list[FieldChange], register: Register, by: User | ApiToken) -> Action | None:
    if changes:
        customer.updated_at = clock.utc_now()
        register.changed.add(customer.id)
    register.write()
    action = _act("edit", customer, changes, by)
    if action:
        settle(action, customer)
    return action
