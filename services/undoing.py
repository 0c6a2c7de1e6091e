"""Taking back what was done on purpose, or by a capture: all of it at once, as an action of its own."""

from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from uuid import UUID

from sqlalchemy import and_, delete, exists, or_, select
from sqlalchemy.orm import aliased

from extensions import db
from models import Action, ApiToken, Change, Customer, Identity, Purchase, Shop, User, public_id
from schemas.contact import Known
from schemas.purchase import BUYER_FIELDS
from services import actions, editing, purchase_values
from services.attempts import until_settled
from services.identities import (
    gained,
    identities_of,
    identity_key,
    key_of,
    lose,
    lost,
    move_identities,
    show,
    values_by_kind,
)
from services.known import Key
from services.matching import FieldChange, update_customer
from services.merging import hold, move_purchases, point, touch
from services.refusals import CannotUndo, UnknownAction, UnknownPurchase
from services.register import Overtaken, Register
from services.search import keep_words
from services.withdrawing import settle

_CHANGED_SINCE = "This was changed again since. Edit it instead"
_LATER_MERGE = "One of these customers was merged since. Take back the later merge first"


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
    undone = find(shop.id, action_id)
    if undone is None:
        raise UnknownAction("There is no such action")
    if undone.kind == "import":
        raise CannotUndo("This belongs to an import. Undo the whole import, or take the purchase back by itself")
    if undone.kind == "undo":
        raise CannotUndo("This took something back. Do it again instead")
    if db.session.scalar(select(Action.id).where(Action.shop_id == shop.id, Action.undoes_id == undone.id)):
        raise CannotUndo("This was taken back already")
    return _Undoing(undone, register, shop, by).run()


def _undo_update(purchase_id: UUID, register: Register, shop: Shop, by: User | ApiToken) -> Action:
    purchase = db.session.get(Purchase, (shop.id, purchase_id))
    if purchase is None:
        raise UnknownPurchase("There is no such purchase")
    if purchase.matched_on is None:
        raise CannotUndo("The customer was new with this purchase. Take the purchase back instead")
    if is_update_undone(purchase):
        raise CannotUndo("This was taken back already")
    undoing = _Undoing(purchase, register, shop, by)
    if undoing.is_empty:
        raise CannotUndo("Recording this purchase changed nothing on the customer")
    return undoing.run()


class _Undoing:
    """One attempt at taking back one action, or what one capture changed on its customer."""

    def __init__(self, undone: Action | Purchase, register: Register, shop: Shop, by: User | ApiToken):
        self._undone, self._register, self._shop, self._by = undone, register, shop, by
        by_it = Change.action_id if isinstance(undone, Action) else Change.by_purchase_id
        self._noted = select(Change).where(Change.shop_id == shop.id, by_it == undone.id).order_by(Change.id)
        # Whether they are listed is for their purchases to say.
        on_customers = self._noted.where(Change.customer_id.is_not(None), Change.field != "status")
        self._on_customers = db.session.scalars(on_customers).all()
        self._known_before: dict[tuple[UUID, str], set[UUID]] = {}
        self._kept_names: list[tuple[Key, Customer]] = []

    @property
    def is_empty(self) -> bool:
        return not self._on_customers

    def run(self) -> Action:
        by_kind: dict[str, Callable[[], Sequence[Customer]]] = {"merge": self._part_again, "split": self._join_again}
        kind = self._undone.kind if isinstance(self._undone, Action) else "update"
        customers = by_kind.get(kind, self._put_all_back)()
        self._register.changed |= {customer.id for customer in customers}
        self._register.write()
        self._claim_kept_names()
        settle(self._action, *customers)
        return self._action

    def _begin(self) -> None:
        # Only once everything is held: who took the same action back a moment ago is seen here, before anything that
        # they left is judged.
        self._action = actions.begin("undo", shop_id=self._shop.id, by=self._by, undoes=self._undone)

    def _hold_two(self, field: str) -> tuple[Customer, Customer]:
        """The customer on whose history the field is, and the one whom it names."""
        [link] = [change for change in self._on_customers if change.field == field]
        assert link.customer_id is not None
        assert link.after is not None
        other_id = public_id.decode(public_id.CUSTOMER, link.after)
        held = {customer.id: customer for customer in hold({link.customer_id, other_id}, self._shop.id)}
        self._begin()
        return held[link.customer_id], held[other_id]

    def _unlink(self, customer: Customer, field: str, other: Customer) -> None:
        actions.note(self._action, customer, FieldChange(field, other.public_id, None))

    # A merge

    def _part_again(self) -> Sequence[Customer]:
        away, stayed = self._hold_two("merged_into")
        if away.merged_into_id != stayed.id or stayed.merged_into_id is not None:
            raise CannotUndo(_LATER_MERGE)
        moved_keys = {identity_key(change.before) for change in self._on(away) if change.before is not None}
        filled = [change for change in self._on(stayed) if change.field in (*BUYER_FIELDS, "note")]
        recorded = self._recorded_since(away, stayed, moved_keys | self._keys(filled))
        move_purchases(self._action, sorted({*self._moved(stayed), *recorded}), stayed, away)
        away.merged_into_id = None
        self._unlink(away, "merged_into", stayed)
        self._unlink(stayed, "merged", away)
        touch(self._action, away, stayed)
        db.session.flush()
        returned = self._return_identities(moved_keys, away, stayed)
        self._hand_over_captures(recorded, away, stayed)
        self._show_own(stayed, returned)
        for change in filled:
            if change.field not in Identity.STRONG and getattr(stayed, change.field) == change.after:
                self._put_back(stayed, change)
        self._check_whole(away)
        self._check_whole(stayed)
        return away, stayed

    def _on(self, customer: Customer) -> list[Change]:
        return [change for change in self._on_customers if change.customer_id == customer.id]

    def _keys(self, changes: Sequence[Change]) -> set[Key]:
        """What the changes made the customer known by."""
        return {self._key(change.field, change.after) for change in changes if change.field in BUYER_FIELDS}

    def _moved(self, owner: Customer) -> list[UUID]:
        """The purchases that the action moved and that are the owner's now: nobody has moved them elsewhere."""
        owned = select(Purchase.id).where(Purchase.shop_id == self._shop.id, Purchase.customer_id == owner.id)
        moved = select(Change.purchase_id).where(
            Change.shop_id == self._shop.id, Change.action_id == self._undone.id, Change.field == "customer_id"
        )
        return sorted({*db.session.scalars(owned)} & {*db.session.scalars(moved)})

    def _recorded_since(self, away: Customer, stayed: Customer, keys: Collection[Key]) -> set[UUID]:
        """The purchases that found who stayed by what was the other's: an identity or an old id."""
        # Ids are in the order of time, and a capture makes its own only once it has found its customer.
        found = select(Purchase.id, Purchase.matched_on, Purchase.buyer).where(
            Purchase.shop_id == self._shop.id,
            Purchase.customer_id == stayed.id,
            Purchase.id > self._undone.id,
            Purchase.matched_on.is_not(None),
        )
        found_by = {*keys, *(("customer_id", old_id) for old_id in self._old_ids(away))}
        normal: dict[Key, Key] = {}
        recorded = set()
        for purchase_id, matched_on, buyer in db.session.execute(found):
            assert matched_on is not None
            typed = matched_on, buyer[matched_on]
            if typed not in normal:
                normal[typed] = typed if matched_on == "customer_id" else self._key(*typed)
            if normal[typed] in found_by:
                recorded.add(purchase_id)
        return recorded

    def _old_ids(self, away: Customer) -> set[str]:
        """The id of the customer, and of all who were merged into them."""
        ids, newest = {away.id}, {away.id}
        while newest:
            found = select(Customer.id).where(Customer.shop_id == self._shop.id, Customer.merged_into_id.in_(newest))
            newest = set(db.session.scalars(found)) - ids
            ids |= newest
        return {public_id.encode(public_id.CUSTOMER, one) for one in ids}

    def _return_identities(self, keys: set[Key], away: Customer, stayed: Customer) -> set[Key]:
        """Those that still belong to who stayed, and those that nobody has; the others stay where they are."""
        owners = self._owners(keys)
        returned = {key for key in keys if owners.get(key, stayed.id) == stayed.id}
        move_identities(self._action, sorted(key for key in returned if key in owners), stayed, away)
        free = sorted(returned - set(owners))
        for kind, value in free:
            db.session.add(Identity(shop_id=self._shop.id, kind=kind, value=value, customer_id=away.id))
        actions.note_all(self._action, [gained(key) for key in free], customer_ids=[away.id])
        db.session.flush()
        return returned

    def _owners(self, keys: Collection[Key]) -> dict[Key, UUID]:
        owners = {}
        for kind, values in values_by_kind(keys):
            found = select(Identity.value, Identity.customer_id).where(
                Identity.shop_id == self._shop.id, Identity.kind == kind, Identity.value.in_(values)
            )
            owners.update({(kind, value): owner for value, owner in db.session.execute(found)})
        return owners

    def _hand_over_captures(self, purchase_ids: Collection[UUID], away: Customer, stayed: Customer) -> None:
        """What these captures have told of who stayed, they told of the other."""
        told = select(Change).where(
            Change.shop_id == self._shop.id, Change.customer_id == stayed.id, Change.id > self._undone.id
        )
        by_captures = told.where(Change.by_purchase_id.is_not(None), Change.field != "status").order_by(Change.id)
        changes = [change for change in db.session.scalars(by_captures) if change.by_purchase_id in purchase_ids]
        self._read_ahead(changes)
        for change in reversed(changes):
            if getattr(stayed, change.field) == change.after:
                self._put_back(stayed, change)
        for change in changes:
            assert change.after is not None
            given = {change.field: Known(change.after, self._key(change.field, change.after)[1])}
            for updated in update_customer(away, given, self._register, self._shop.country)[0]:
                actions.note(self._action, away, updated)

    def _read_ahead(self, changes: Sequence[Change]) -> None:
        """All that putting the changes back, and telling them again, will ask of the register."""
        shown = [(change.field, text) for change in changes for text in (change.before, change.after)]
        keys = {self._key(field, text) for field, text in shown if text is not None}
        self._register.read(keys=keys, names={value for kind, value in keys if kind == "name"})

    def _show_own(self, stayed: Customer, returned: Collection[Key]) -> None:
        """Nobody shows an address that finds another: who stayed shows what they did before the merge."""
        for kind in Identity.STRONG:
            shown = getattr(stayed, kind)
            if shown is not None and self._key(kind, shown) in returned:
                since = select(Change).where(
                    Change.shop_id == self._shop.id,
                    Change.customer_id == stayed.id,
                    Change.field == kind,
                    Change.id > self._undone.id,
                )
                first = db.session.scalar(since.order_by(Change.id).limit(1))
                assert first is not None
                self._show(stayed, kind, first.before)

    # A split

    def _join_again(self) -> Sequence[Customer]:
        customer, other = self._hold_two("split_to")
        if customer.merged_into_id is not None or other.merged_into_id is not None:
            raise CannotUndo(_LATER_MERGE)
        move_purchases(self._action, self._moved(other), other, customer)
        self._unlink(customer, "split_to", other)
        self._unlink(other, "split_from", customer)
        touch(self._action, customer, other)
        db.session.flush()
        given = self._keys(self._on(other))
        if given and self._is_left_alone(other):
            self._take_in(other, customer, given)
        return customer, other

    def _is_left_alone(self, customer: Customer) -> bool:
        bought = exists().where(Purchase.shop_id == self._shop.id, Purchase.customer_id == customer.id)
        merged = exists().where(Customer.shop_id == self._shop.id, Customer.merged_into_id == customer.id)
        return not db.session.scalar(select(bought | merged))

    def _take_in(self, other: Customer, customer: Customer, given: set[Key]) -> None:
        """Who was opened by the split becomes a pointer, so that their id keeps working.

        What they were told apart by is free again, as it was before the split: to find the wrong customer by it would
        be a guess. What became known of them since goes with them.
        """
        known_by = identities_of(other)
        move_identities(self._action, [key for key in known_by if key not in given], other, customer)
        for kind, value in sorted(given.intersection(known_by)):
            owned = delete(Identity).where(
                Identity.shop_id == self._shop.id, Identity.kind == kind, Identity.value == value
            )
            db.session.execute(owned)
            actions.note(self._action, other, lost((kind, value)))
        point(self._action, other, customer)

    # An edit, a void, a restore, an update by a capture

    def _put_all_back(self) -> Sequence[Customer]:
        on_purchases = db.session.scalars(self._noted.where(Change.purchase_id.is_not(None))).all()
        customers, purchases = self._hold_all({change.purchase_id for change in on_purchases})
        self._begin()
        changed = [customer for customer in customers if self._on(customer)]
        for customer in changed:
            for change in self._on(customer):
                self._put_customer_back(customer, change)
        for change in on_purchases:
            _check_unchanged(_present(purchases[change.purchase_id], change.field), change)
            self._check_that_it_is_the_last(change)
        for change in on_purchases:
            self._put_purchase_back(purchases[change.purchase_id], change)
        for customer in changed:
            self._check_whole(customer)
        touch(self._action, *changed)
        return customers

    def _hold_all(
        self, purchase_ids: Collection[UUID | None]
    ) -> tuple[Sequence[Customer], dict[UUID | None, Purchase]]:
        """Who changed, with the purchases that did and their customers."""
        owners = select(Purchase.customer_id).where(Purchase.shop_id == self._shop.id, Purchase.id.in_(purchase_ids))
        owner_ids = set(db.session.scalars(owners))
        changed_ids = {change.customer_id for change in self._on_customers if change.customer_id is not None}
        customers = hold(changed_ids | owner_ids, self._shop.id)
        purchases = self._hold_purchases(purchase_ids)
        if any(purchase.customer_id not in owner_ids for purchase in purchases.values()):
            raise Overtaken
        return customers, purchases

    def _check_that_it_is_the_last(self, change: Change) -> None:
        """The same value may have been put back since, and be there for another reason now."""
        undoing = aliased(Action)
        stands = ~exists().where(undoing.shop_id == Action.shop_id, undoing.undoes_id == Action.id)
        later = (
            select(Change.id)
            .join(Action, and_(Action.shop_id == Change.shop_id, Action.id == Change.action_id))
            .where(
                Change.shop_id == self._shop.id,
                Change.purchase_id == change.purchase_id,
                Change.field == change.field,
                Change.id > change.id,
                Action.kind != "undo",
                stands,
            )
        )
        if db.session.scalar(later.limit(1)) is not None:
            raise CannotUndo(_CHANGED_SINCE)

    def _hold_purchases(self, ids: Collection[UUID | None]) -> dict[UUID | None, Purchase]:
        found = select(Purchase).where(Purchase.shop_id == self._shop.id, Purchase.id.in_(ids)).order_by(Purchase.id)
        held = db.session.scalars(found.with_for_update().execution_options(populate_existing=True))
        return {purchase.id: purchase for purchase in held}

    def _put_customer_back(self, customer: Customer, change: Change) -> None:
        if customer.merged_into_id is not None:
            raise CannotUndo("This customer was merged into another since. Take back that merge first")
        _check_unchanged(getattr(customer, change.field), change)
        self._put_back(customer, change)

    def _put_purchase_back(self, purchase: Purchase, change: Change) -> None:
        if change.field == "status":
            self._put_status_back(purchase, change)
        elif change.field == "void_reason":
            purchase.void_reason = change.before
        else:
            purchase_values.write(purchase, change.field, change.before)
        actions.note(self._action, purchase, FieldChange(change.field, change.after, change.before))

    def _put_status_back(self, purchase: Purchase, change: Change) -> None:
        if change.before == "recorded":
            purchase.voided_at = purchase.voided_by_id = purchase.void_reason = None
            return
        imported = aliased(Action)
        of_imports = select(imported.id).where(imported.shop_id == self._shop.id, imported.kind == "import")
        is_void = or_(Action.kind == "void", Action.undoes_id.in_(of_imports))
        voided = (
            select(Change.at, Change.user_id)
            .join(Action, (Action.shop_id == Change.shop_id) & (Action.id == Change.action_id))
            .where(Change.shop_id == self._shop.id, Change.purchase_id == purchase.id, Change.id < change.id)
            .where(Change.field == "status", is_void)
        )
        last = db.session.execute(voided.order_by(Change.id.desc()).limit(1)).one()
        purchase.voided_at, purchase.voided_by_id = last

    # The fields of a customer

    def _put_back(self, customer: Customer, change: Change) -> None:
        """What was before, with the identities of before."""
        field, before, after = change.field, change.before, change.after
        is_identity = field in BUYER_FIELDS and after is not None
        was_known = is_identity and self._was_known(customer, change)
        if field in Identity.STRONG and is_identity and not was_known:
            lose(self._action, customer, self._key(field, after), self._register)
        self._show(customer, field, before, noted=FieldChange(field, after, before))
        if field == "name" and was_known:
            self._kept_names.append((self._key(field, after), customer))

    def _claim_kept_names(self) -> None:
        """Who is called otherwise again was found by the name before, from a merge: and still is."""
        owners = self._owners([key for key, _ in self._kept_names])
        kept = [(key, customer) for key, customer in self._kept_names if key not in owners]
        for (kind, value), customer in kept:
            db.session.add(Identity(shop_id=self._shop.id, kind=kind, value=value, customer_id=customer.id))
            actions.note(self._action, customer, gained((kind, value)))
        db.session.flush()
        keep_words(self._shop.id, {customer.id for _, customer in kept})

    def _show(self, customer: Customer, field: str, text: str | None, noted: FieldChange | None = None) -> None:
        noted = noted or FieldChange(field, getattr(customer, field), text)
        show(customer, field, text, self._register, self._shop.country)
        actions.note(self._action, customer, noted)

    def _check_whole(self, customer: Customer) -> None:
        """Known by something, and shows no address that finds another: somebody may have taken it since."""
        if not any(getattr(customer, field) for field in BUYER_FIELDS):
            raise CannotUndo("This would leave a customer who is known by nothing. Give them a name first")
        for kind in Identity.STRONG:
            shown = getattr(customer, kind)
            if shown is not None and self._register.owner(*self._key(kind, shown)) is not customer:
                raise CannotUndo(f"{shown} belongs to another customer by now. Take it away from them first")

    def _was_known(self, customer: Customer, change: Change) -> bool:
        """Whether what the change put in place found the customer before: then it still has to."""
        history = customer.id, change.field
        if history not in self._known_before:
            self._known_before[history] = self._read_known_before(*history)
        return change.id in self._known_before[history]

    def _read_known_before(self, customer_id: UUID, kind: str) -> set[UUID]:
        """The changes that put in place what found the customer already: all in one go, there may be thousands."""
        told = select(Change.id, Change.field, Change.before, Change.after).where(
            Change.shop_id == self._shop.id,
            Change.customer_id == customer_id,
            Change.field.in_((kind, "identity")),
        )
        known: set[Key] = set()
        known_before = set()
        for change_id, field, before, after in db.session.execute(told.order_by(Change.id)):
            shown = before if after is None else after
            key = self._key(field, shown)
            if key in known:
                known_before.add(change_id)
            if field == "name" and before is not None:  # who is renamed gives the name up
                known.discard(self._key(field, before))
            if after is None:  # cleared by hand, or lost: it found nobody any longer
                known.discard(key)
            else:
                known.add(key)
        return known_before

    def _key(self, kind: str, shown: str | None) -> Key:
        return key_of(kind, shown, self._shop.country)


def _present(purchase: Purchase, field: str) -> str | None:
    if field == "status":
        return "void" if purchase.voided_at else "recorded"
    return purchase.void_reason if field == "void_reason" else purchase_values.read(purchase, field)


def _check_unchanged(present: str | None, change: Change) -> None:
    if present != change.after:
        raise CannotUndo(_CHANGED_SINCE)
