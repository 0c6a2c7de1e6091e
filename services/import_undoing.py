"""Taking back a whole import, and bringing it back: set by set, in one transaction."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, update

from extensions import db
from models import Action, Change, Customer, Identity, Import, Purchase, Shop, User
from models.dialect import allow_long_statements
from schemas.purchase import BUYER_FIELDS
from schemas.table_rows import Kind
from services import actions, imports
from services.attempts import until_settled
from services.identities import key_of, lose, show
from services.known import Key
from services.matching import FieldChange
from services.merging import hold
from services.refusals import CannotUndo
from services.register import Overtaken, Register
from services.withdrawing import counts, is_meant

REASON = "Import undone"
_FIELDS = (*BUYER_FIELDS, "note")
_AT_A_TIME = 500


def take_back(imported: Import, *, by: User) -> int:
    """Voids the purchases of an import, withdraws the customers who were new with it and puts back what it changed.

    Says how many purchases they were, or customers. The caller commits.

    What something later stands on stays as it is. Raises CannotUndo when it does not count, and Contention.
    """
    allow_long_statements()
    return until_settled(lambda _: _take_back(imported, by), imported.shop_id)


def bring_back(imported: Import, *, by: User) -> int:
    """Lets what `take_back` took back count again; says how many purchases that is, or customers. The caller commits.

    Raises CannotUndo when it was not taken back, and Contention.
    """
    allow_long_statements()
    return until_settled(lambda _: _bring_back(imported, by), imported.shop_id)


def _take_back(imported: Import, by: User) -> int:
    brought = imports.find(imported.shop_id, imported.id)
    if brought is None or brought.action is None:
        raise CannotUndo("This was not imported yet")
    if brought.taken_back is not None:
        raise CannotUndo("This import was taken back already")
    own = imports.is_of(imported)
    _hold(imported.shop_id, or_(_bought(own), Customer.id.in_(_changed_by(brought.action))))
    action = actions.begin("undo", shop_id=imported.shop_id, by=by, undoes=brought.action)
    voided = {"voided_at": action.at, "voided_by_id": action.user_id, "void_reason": REASON}
    ids = _change_all(own, Purchase.voided_at.is_(None), **voided)
    told = [FieldChange("status", "recorded", "void"), FieldChange("void_reason", None, REASON)]
    actions.note_all(action, told, purchase_ids=ids)
    # By what is on their history: their purchases may be others' by now.
    opened = select(Change.customer_id).where(
        Change.shop_id == imported.shop_id,
        Change.by_purchase_id.in_(select(Purchase.id).where(own, Purchase.matched_on.is_(None))),
    )
    came = select(Customer.id).where(
        Customer.shop_id == imported.shop_id, or_(Customer.id.in_(opened), Customer.created_at == brought.action.at)
    )
    by_captures = Change.by_purchase_id.in_(select(Purchase.id).where(own))
    by_import = select(Change).where(
        Change.shop_id == imported.shop_id,
        or_(by_captures, Change.action_id == brought.action.id),
        Change.customer_id.not_in(came),
    )
    _put_back(action, by_import, by.shop)
    kept = _changed_by(brought.action)
    _settle(action, or_(_bought(own), Customer.id.in_(kept)))
    return _count(kept) if imports.kind(imported) == Kind.CUSTOMERS else len(ids)


def _bring_back(imported: Import, by: User) -> int:
    brought = imports.find(imported.shop_id, imported.id)
    if brought is None or brought.taken_back is None:
        raise CannotUndo("This import counts already")
    undone, own = brought.taken_back, imports.is_of(imported)
    _hold(imported.shop_id, or_(_bought(own), Customer.id.in_(_changed_by(undone))))
    action = actions.begin("import", shop_id=imported.shop_id, by=by)
    counts_by = update(Import).where(
        Import.shop_id == imported.shop_id, Import.id == imported.id, Import.action_id == undone.undoes_id
    )
    if not db.session.connection().execute(counts_by.values(action_id=action.id)).rowcount:
        raise Overtaken
    as_left = and_(Purchase.voided_at == undone.at, Purchase.void_reason == REASON)
    ids = _change_all(own, as_left, voided_at=None, voided_by_id=None, void_reason=None)
    told = [FieldChange("status", "void", "recorded"), FieldChange("void_reason", REASON, None)]
    actions.note_all(action, told, purchase_ids=ids)
    by_undoing = select(Change).where(
        Change.shop_id == imported.shop_id, Change.action_id == undone.id, Change.field.in_(_FIELDS)
    )
    _put_back(action, by_undoing, by.shop)
    kept = _changed_by(undone)
    was_only_kept = and_(Customer.id.in_(kept), ~_bought(own), Customer.withdrawn_at == undone.at)
    _move(action, was_only_kept, "withdrawn", "listed")
    _settle(action, or_(_bought(own), Customer.id.in_(kept)))
    return _count(kept) if imports.kind(imported) == Kind.CUSTOMERS else len(ids)


def _hold(shop_id: int, which: ColumnElement[bool]) -> None:
    """Customers before purchases, as everywhere: who is recording under them has finished, and who begins waits."""
    held = select(Customer.id).where(Customer.shop_id == shop_id, which).order_by(Customer.id).with_for_update()
    db.session.execute(select(func.count()).select_from(held.subquery()))


def _change_all(own: ColumnElement[bool], which: ColumnElement[bool], **values: object) -> Sequence[UUID]:
    changed = update(Purchase).where(own, which).values(**values).returning(Purchase.id)
    return db.session.scalars(changed.execution_options(synchronize_session=False)).all()


# Who was only there for the import


def _bought(own: ColumnElement[bool]) -> ColumnElement[bool]:
    return Customer.id.in_(select(Purchase.customer_id).where(own))


def _changed_by(action: Action) -> Select[UUID | None]:
    """The customers on whose history the action is."""
    changed = select(Change.customer_id).where(Change.shop_id == action.shop_id, Change.action_id == action.id)
    return changed.where(Change.customer_id.is_not(None)).distinct()


def _count(customer_ids: Select[UUID | None]) -> int:
    return db.session.scalar(select(func.count()).select_from(customer_ids.subquery())) or 0


def _settle(action: Action, own: ColumnElement[bool]) -> None:
    """Withdraws and brings back these customers by the rule of services.withdrawing, all at once."""
    is_absent = Customer.withdrawn_at.is_not(None)
    _move(action, and_(own, ~is_absent, ~counts(), ~is_meant()), "listed", "withdrawn")
    _move(action, and_(own, is_absent, counts()), "withdrawn", "listed")


def _move(action: Action, which: ColumnElement[bool], before: str, after: str) -> None:
    moved = (
        update(Customer)
        .where(Customer.shop_id == action.shop_id, Customer.merged_into_id.is_(None), which)
        .values(
            withdrawn_at=action.at if after == "withdrawn" else None,
            updated_at=action.at,
            version=Customer.version + 1,
        )
        .returning(Customer.id)
    )
    ids = db.session.scalars(moved.execution_options(synchronize_session=False)).all()
    actions.note_all(action, [FieldChange("status", before, after)], customer_ids=ids)


# What changed on those who were there before


class _Run(NamedTuple):
    """The last changes of one field of a customer, all of them to be put back; nothing later stands on them."""

    field: str
    before: str | None
    after: str | None
    told: list[str]
    """What they made known."""
    known_before: set[Key]


def _put_back(action: Action, changes: Select[Change], shop: Shop) -> None:
    """Puts back what these changes changed, as far as nothing later stands on them."""
    found = db.session.execute(changes.with_only_columns(Change.id, Change.customer_id)).all()
    own = {change_id for change_id, _ in found}
    customer_ids = sorted({customer_id for _, customer_id in found if customer_id is not None})
    for start in range(0, len(customer_ids), _AT_A_TIME):
        _PuttingBack(action, own, customer_ids[start : start + _AT_A_TIME], shop).run()


class _PuttingBack:
    """Some hundred customers, with a register of their own."""

    def __init__(self, action: Action, own: set[UUID], customer_ids: Sequence[UUID], shop: Shop):
        self._action, self._own, self._country = action, own, shop.country
        self._customers = [one for one in hold(set(customer_ids), shop.id) if one.merged_into_id is None]
        self._register = Register(shop.id)
        told = select(Change).where(
            Change.shop_id == shop.id,
            Change.customer_id.in_([customer.id for customer in self._customers]),
            Change.field.in_((*_FIELDS, "identity")),
        )
        self._history: dict[UUID, list[Change]] = defaultdict(list)
        for change in db.session.scalars(told.order_by(Change.id)):
            assert change.customer_id is not None
            self._history[change.customer_id].append(change)

    def run(self) -> None:
        self._read_ahead()
        for customer in self._customers:
            for run in self._runs(self._history[customer.id]):
                if self._may_be_put_back(customer, run):
                    self._show_as_before(customer, run)
        self._register.write()
        db.session.flush()

    def _read_ahead(self) -> None:
        keys = {key for changes in self._history.values() for change in changes for key in self._keys(change)}
        self._register.read(keys=keys, names={value for kind, value in keys if kind == "name"})

    def _keys(self, change: Change) -> Iterable[Key]:
        for text in (change.before, change.after):
            if text is not None and change.field != "note":
                yield self._key(change.field, text)

    def _key(self, field: str, text: str) -> Key:
        return key_of(field, text, self._country)

    def _runs(self, history: list[Change]) -> Iterable[_Run]:
        for field in _FIELDS:
            changes = [change for change in history if change.field == field]
            last = next((place for place in range(len(changes), 0, -1) if changes[place - 1].id not in self._own), 0)
            run = changes[last:]
            if run and run[0].before != run[-1].after:
                told = [change.after for change in run if change.after is not None]
                yield _Run(field, run[0].before, run[-1].after, told, self._known_before(history, field, run[0].id))

    def _known_before(self, history: list[Change], field: str, id: UUID) -> set[Key]:
        if field not in BUYER_FIELDS:
            return set()
        known: set[Key] = set()
        for change in history:
            if change.id >= id or change.field not in (field, "identity"):
                continue
            if change.after is not None:
                known.add(self._key(change.field, change.after))
            elif change.before is not None:
                known.discard(self._key(change.field, change.before))
        return known

    def _may_be_put_back(self, customer: Customer, run: _Run) -> bool:
        if getattr(customer, run.field) != run.after:
            return False
        if run.field == "note":
            return True
        if run.before is None:
            return any(getattr(customer, field) for field in BUYER_FIELDS if field != run.field)
        owner = self._register.owner(*self._key(run.field, run.before))
        return run.field == "name" or owner in (None, customer)

    def _show_as_before(self, customer: Customer, run: _Run) -> None:
        if run.field in Identity.STRONG:
            for key in sorted({self._key(run.field, text) for text in run.told} - run.known_before):
                lose(self._action, customer, key, self._register)
        show(customer, run.field, run.before, self._register, self._country)
        actions.note(self._action, customer, FieldChange(run.field, run.after, run.before))
        customer.updated_at = self._action.at
