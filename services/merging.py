"""Making one customer of two, and two of one."""

from collections.abc import Collection, Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select, update

from extensions import db
from models import Action, ApiToken, Customer, Identity, Purchase, Shop, User
from schemas.purchase import BUYER_FIELDS, NEW_CUSTOMER, Buyer
from services import actions, customers
from services.attempts import until_settled
from services.identities import identities_of, move_identities, show
from services.matching import FieldChange, find_customer, update_customer
from services.refusals import CannotMerge, UnknownCustomer, UnknownPurchase
from services.register import Overtaken, Register
from services.withdrawing import settle


class Merged(NamedTuple):
    customer: Customer
    """Who stays."""
    merged_away: Customer
    """Who is only a pointer now."""
    action: Action


class Preview(NamedTuple):
    """What a merge would make of two customers."""

    customer: Customer
    """Who would stay."""
    merged_away: Customer
    fields: dict[str, str | None]
    """What would be shown for who stays."""
    identities: Sequence[Identity]
    """All that would find them."""
    purchase_counts: Sequence[int]
    """Of who would stay, and of the other; COUNTED_MAX are many."""


class Split(NamedTuple):
    customer: Customer
    """Whose the purchases are now."""
    of: Customer
    """Whose they were."""
    action: Action


def merge(from_id: UUID, into_id: UUID, *, shop: Shop, by: User | ApiToken) -> Merged:
    """Makes one customer of two: `into_id` stays, with the purchases and identities of both. The caller commits.

    Who was merged before stands for whom they were merged into. Raises UnknownCustomer, CannotMerge and Contention.
    """
    return until_settled(lambda register: _merge(from_id, into_id, register, shop=shop, by=by), shop.id)


def preview(from_id: UUID, into_id: UUID, *, shop: Shop) -> Preview:
    """What `merge` would do now; nothing is written or locked. Raises UnknownCustomer and CannotMerge."""
    found = [customers.find(shop.id, _who_stays(one, shop.id)) for one in (from_id, into_id)]
    merged_away, customer = [one for one in found if one is not None]
    _check_that_they_are_two(merged_away, customer)
    shown = {field: getattr(customer, field) for field in (*BUYER_FIELDS, "note")}
    identities = [*customers.identities(customer), *customers.identities(merged_away)]
    return Preview(
        customer,
        merged_away,
        shown | _filled_blanks(merged_away, customer),
        sorted(identities, key=lambda identity: Identity.KINDS.index(identity.kind)),
        [summary.purchase_count for summary in customers.summaries([customer, merged_away], shop.id)],
    )


def split(purchase_ids: Sequence[UUID], *, of: UUID, to: UUID | Buyer, shop: Shop, by: User | ApiToken) -> Split:
    """Gives purchases of one customer to another, or to a new one of whom only `to` is known. The caller commits.

    Raises UnknownCustomer, UnknownPurchase, CannotMerge when both are the same, IdentityConflict when a new customer
    is known already, and Contention.
    """
    return until_settled(lambda register: _split(set(purchase_ids), of, to, register, shop=shop, by=by), shop.id)


def _merge(from_id: UUID, into_id: UUID, register: Register, *, shop: Shop, by: User | ApiToken) -> Merged:
    merged_away, customer = _hold_both(from_id, into_id, shop.id)
    action = actions.begin("merge", shop_id=shop.id, by=by)
    owned = select(Purchase.id).where(Purchase.shop_id == shop.id, Purchase.customer_id == merged_away.id)
    move_purchases(action, db.session.scalars(owned).all(), merged_away, customer)
    move_identities(action, identities_of(merged_away), merged_away, customer)
    point(action, merged_away, customer)
    _fill_blanks(action, merged_away, customer, register, shop.country)
    register.changed |= {merged_away.id, customer.id}
    register.write()
    settle(action, customer)
    return Merged(customer, merged_away, action)


def _split(
    purchase_ids: set[UUID], of: UUID, to: UUID | Buyer, register: Register, *, shop: Shop, by: User | ApiToken
) -> Split:
    if isinstance(to, Buyer):
        [customer] = hold([_who_stays(of, shop.id)], shop.id)
        _check_purchases(purchase_ids, customer)
        action = actions.begin("split", shop_id=shop.id, by=by)
        other = _open(action, to, register, shop.country)
    else:
        customer, other = _hold_both(of, to, shop.id)
        _check_purchases(purchase_ids, customer)
        action = actions.begin("split", shop_id=shop.id, by=by)
    move_purchases(action, sorted(purchase_ids), customer, other)
    note_link(action, customer, "split_to", other)
    note_link(action, other, "split_from", customer)
    touch(action, customer, other)
    settle(action, customer, other)
    return Split(other, customer, action)


def _check_purchases(ids: set[UUID], customer: Customer) -> None:
    if not ids:
        raise UnknownPurchase("Choose the purchases of somebody else")
    found = select(Purchase.id).where(
        Purchase.shop_id == customer.shop_id, Purchase.customer_id == customer.id, Purchase.id.in_(ids)
    )
    if ids - set(db.session.scalars(found)):
        raise UnknownPurchase(f"Not all of these are purchases of {customer.shown_name} now. Choose them again")


def _open(action: Action, buyer: Buyer, register: Register, country: str) -> Customer:
    find_customer(buyer.given, NEW_CUSTOMER, register)  # refuses who is known already
    customer = register.open(action.at)
    changes, _ = update_customer(customer, buyer.given, register, country)
    register.write()
    for change in changes:
        actions.note(action, customer, change)
    return customer


def _fill_blanks(action: Action, source: Customer, customer: Customer, register: Register, country: str) -> None:
    """The identities must have been moved before: what is shown for a customer finds them."""
    for field, shown in _filled_blanks(source, customer).items():
        show(customer, field, shown, register, country)
        actions.note(action, customer, FieldChange(field, None, shown))


def _filled_blanks(source: Customer, customer: Customer) -> dict[str, str]:
    """What the customer takes over from the source: what they have nothing of, by field."""
    blanks = [field for field in (*BUYER_FIELDS, "note") if getattr(customer, field) is None]
    return {field: shown for field in blanks if (shown := getattr(source, field)) is not None}


def hold(ids: Collection[UUID], shop_id: int) -> Sequence[Customer]:
    """Read anew, and nobody records under them or changes them until the transaction ends.

    Waits for captures that have found them. The same order for all keeps two who do this from waiting in a ring.
    """
    found = select(Customer).where(Customer.shop_id == shop_id, Customer.id.in_(ids)).order_by(Customer.id)
    return db.session.scalars(found.with_for_update().execution_options(populate_existing=True)).all()


def _hold_both(one_id: UUID, other_id: UUID, shop_id: int) -> tuple[Customer, Customer]:
    ids = _who_stays(one_id, shop_id), _who_stays(other_id, shop_id)
    held = {customer.id: customer for customer in hold(ids, shop_id)}
    if any(customer.merged_into_id for customer in held.values()):
        raise Overtaken
    _check_that_they_are_two(held[ids[0]], held[ids[1]])
    return held[ids[0]], held[ids[1]]


def _check_that_they_are_two(one: Customer, other: Customer) -> None:
    if one is other:
        raise CannotMerge(f"Both are {one.shown_name}. Choose another customer")


def _who_stays(customer_id: UUID, shop_id: int) -> UUID:
    """Locks nothing: `hold` does that, in its own order."""
    stays = customers.who_stays(shop_id, customer_id)
    if stays is None:
        raise UnknownCustomer("Choose one of the customers that are shown")
    return stays


def move_purchases(action: Action, ids: Sequence[UUID], source: Customer, to: Customer) -> None:
    """All of them must be the source's, and both customers held."""
    actions.note_all(action, [FieldChange("customer_id", source.public_id, to.public_id)], purchase_ids=ids)
    # There may be a hundred thousand: by statements, not one by one. Named by their ids, because the database knows
    # too little of what was written in this transaction to find a good way through it.
    for some in actions.batches(ids):
        moved = update(Purchase).where(Purchase.shop_id == action.shop_id, Purchase.id.in_(some))
        db.session.execute(moved.values(customer_id=to.id), execution_options={"synchronize_session": False})
    for known in list(db.session):
        if isinstance(known, Purchase):
            db.session.expire(known, ["customer_id"])


def point(action: Action, merged_away: Customer, customer: Customer) -> None:
    """Makes the one a pointer at the other."""
    merged_away.merged_into_id = customer.id
    note_link(action, merged_away, "merged_into", customer)
    note_link(action, customer, "merged", merged_away)
    touch(action, merged_away, customer)
    db.session.flush()


def note_link(action: Action, customer: Customer, field: str, other: Customer) -> None:
    actions.note(action, customer, FieldChange(field, None, other.public_id))


def touch(action: Action, *customers: Customer) -> None:
    """Whoever has read them before must read them again: their versions go up."""
    for customer in customers:
        customer.updated_at = action.at
