"""What holds for every list of captures, edits, voids, merges, splits and what is taken back of them."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from extensions import db
from models import Action, Change, Customer, Identity, Purchase, Shop, User, public_id
from schemas.bodies import CustomerEdit
from schemas.contact import normal_form
from schemas.problems import ShopRules, judge
from schemas.purchase import BUYER_FIELDS, Buyer, PurchaseDetails
from schemas.table import Row
from schemas.table_rows import Kind
from services import editing, import_undoing, imports, purchase_values
from services.capture import Captured, capture
from services.importing import import_rows
from services.merging import Merged, merge, split
from services.refusals import Refusal
from services.undoing import undo, undo_recording, undo_update
from tests.conftest import IS_LONG
from tests.services.test_properties import BUYERS, NAME_OR_ADDRESS, check_words, open_till
from tests.services.test_undoing import last_action_of, stored

SETS = {"identity", "merged", "split_to", "split_from"}
"""What a customer may have several of: before is what goes, after is what comes."""

VERBS = (
    *("capture", "merge", "merge", "split", "open", "edit", "correct", "void", "restore", "forget", "undo", "undo"),
    *("import", "import", "take back", "bring back"),
)

PLACE = st.integers(0, 7)
EDITS = st.dictionaries(st.sampled_from(BUYER_FIELDS), st.sampled_from(["1", "2", None]), min_size=1, max_size=2)
SPELLED = {"name": "T{}", "email": "{}@example.com", "phone": "212 555 010{}", "reference": "A{}"}


class Step(NamedTuple):
    verb: str
    one: int
    """The place of a customer or a purchase among those known by then, or of an action among those done."""
    other: int
    buyer: dict[str, str]
    edit: dict[str, str | None]
    is_picked: bool


def steps_of(*verbs: str) -> st.SearchStrategy[Step]:
    is_picked = st.sampled_from([False, False, True])
    return st.builds(Step, st.sampled_from(verbs), PLACE, PLACE, NAME_OR_ADDRESS | BUYERS, EDITS, is_picked)


STEPS = st.tuples(
    st.lists(steps_of("capture"), min_size=2, max_size=6),
    st.lists(steps_of(*VERBS), max_size=10),
).map(lambda parts: parts[0] + parts[1])
of_every_list = settings(max_examples=50 if IS_LONG else 33)


class Book:
    """Of a new shop with one user, in the session and never committed."""

    def __init__(self) -> None:
        till = open_till()
        self.shop, self.user = db.session.get_one(Shop, till.shop_id), db.session.get_one(User, till.user_id)
        self.rules = ShopRules(self.shop.currency, self.shop.country, self.shop.today())
        self.recorded: set[UUID] = set()
        self.done: list[UUID] = []
        self.imported: list[UUID] = []

    def take(self, step: Step) -> bool:
        """Whether the step was taken, not refused."""
        verbs = {
            "capture": self._capture,
            "merge": self._merge,
            "edit": self._edit,
            "correct": self._correct,
            "void": self._void,
            "restore": self._restore,
            "forget": self._forget,
            "undo": self._undo,
            "import": self._import,
            "take back": self._turn,
            "bring back": self._turn,
        }
        try:
            return verbs.get(step.verb, self._split)(step)
        except Refusal:
            return False

    def customers(self) -> list[Customer]:
        """The earliest first, with those who were merged away."""
        found = select(Customer).where(Customer.shop_id == self.shop.id).order_by(Customer.id)
        return list(db.session.scalars(found))

    def purchases(self) -> list[Purchase]:
        found = select(Purchase).where(Purchase.shop_id == self.shop.id).order_by(Purchase.id)
        return list(db.session.scalars(found))

    def identities(self) -> dict[tuple[str, str], UUID]:
        found = db.session.scalars(select(Identity).where(Identity.shop_id == self.shop.id))
        return {(one.kind, one.value): one.customer_id for one in found}

    def record(self, buyer: dict[str, str] | None, picked: UUID | None) -> Captured:
        chosen = picked and public_id.encode(public_id.CUSTOMER, picked)
        details = judge(PurchaseDetails, {"item": "a book", "customer": buyer, "customer_id": chosen}, self.rules)
        captured = capture(details, shop=self.shop, by=self.user, source="web", key=str(uuid4()))
        self.recorded.add(captured.purchase.id)
        return captured

    def undo(self, action_id: UUID) -> None:
        undo(action_id, shop=self.shop, by=self.user)

    def merge(self, place: int, into: int) -> Merged | None:
        """Customers by their places; None when it is refused."""
        one, other = self._at(place), self._at(into)
        if one is None or other is None:
            return None
        try:
            merged = merge(one, other, shop=self.shop, by=self.user)
        except Refusal:
            return None
        self.done.append(merged.action.id)
        return merged

    def _at(self, place: int) -> UUID | None:
        known = self.customers()
        return known[place % len(known)].id if known else None

    def _capture(self, step: Step) -> bool:
        picked = self._at(step.one) if step.is_picked else None
        self.record(None if picked else step.buyer, picked)
        return True

    def _import(self, step: Step) -> bool:
        """A file of two purchases, or of one customer."""
        kind = Kind.CUSTOMERS if step.is_picked else Kind.PURCHASES
        item = {} if step.is_picked else {"item": "a cup"}
        rows = [Row(2, step.buyer | item), Row(3, {"name": f"T{step.other}"} | item)][: 1 if step.is_picked else 2]
        whole = db.session.begin_nested()
        entered = imports.enter("purchases.csv", uuid4().hex * 2, 1, user=self.user)
        report = import_rows(rows, shop=self.shop, by=self.user, key_prefix=entered.key_prefix, kind=kind)
        # An import leaves nothing in the session.
        self.shop, self.user = db.session.get_one(Shop, self.shop.id), db.session.get_one(User, self.user.id)
        if report.wrong:
            whole.rollback()
            return False
        whole.commit()
        imports.note_recorded(entered, report, by=self.user)
        self.imported.append(entered.id)
        self.recorded |= {purchase.id for purchase in self.purchases()}
        return True

    def _turn(self, step: Step) -> bool:
        if not self.imported:
            return False
        brought = imports.find(self.shop.id, self.imported[-1 - step.one % len(self.imported)])
        assert brought is not None
        turn = import_undoing.take_back if step.verb == "take back" else import_undoing.bring_back
        turn(brought.file, by=self.user)
        db.session.expire_all()
        return True

    def _edit(self, step: Step) -> bool:
        customer_id = self._at(step.one)
        if customer_id is None:
            return False
        given = {field: text and SPELLED[field].format(text) for field, text in step.edit.items()}
        before = last_action_of(self.shop.id)
        editing.edit_customer(customer_id, judge(CustomerEdit, given, self.rules), shop=self.shop, by=self.user)
        action = last_action_of(self.shop.id)
        return action is not None and action is not before and self._note(action)

    def _correct(self, step: Step) -> bool:
        return self._change(step, lambda found, by: editing.edit_purchase(found, {"quantity": step.other + 1}, by=by))

    def _void(self, step: Step) -> bool:
        reason = "Sent back" if step.is_picked else None
        return self._change(step, lambda found, by: editing.void(found, reason, by=by))

    def _restore(self, step: Step) -> bool:
        return self._change(step, editing.restore)

    def _change(self, step: Step, change: Callable[..., Action | None]) -> bool:
        recorded = self.purchases()
        if not recorded:
            return False
        line = editing.find_with_customer(self.shop.id, recorded[step.one % len(recorded)].id)
        assert line is not None
        action = change(line.purchase, by=self.user)
        return action is not None and self._note(action)

    def _forget(self, step: Step) -> bool:
        recorded = self.purchases()
        if not recorded:
            return False
        undo_update(recorded[-1 - step.one % len(recorded)].id, shop=self.shop, by=self.user)
        return True

    def _merge(self, step: Step) -> bool:
        return self.merge(step.one, step.other) is not None

    def _split(self, step: Step) -> bool:
        owned = self.purchases()
        if not owned:
            return False
        of = owned[step.one % len(owned)].customer_id
        chosen = [purchase.id for purchase in owned if purchase.customer_id == of][: 1 + step.other % 3]
        to = judge(Buyer, step.buyer, self.rules) if step.verb == "open" else self._at(step.other)
        assert to is not None
        return self._note(split(chosen, of=of, to=to, shop=self.shop, by=self.user).action)

    def _note(self, action: Action) -> bool:
        self.done.append(action.id)
        return True

    def _undo(self, step: Step) -> bool:
        if not self.done:
            return False
        self.undo(self.done[-1 - step.one % len(self.done)])
        return True


def key(kind: str, shown: str) -> tuple[str, str]:
    return kind, normal_form(kind, shown, "US")


def check(book: Book) -> None:
    """What is true of a shop at any time."""
    customers = {customer.id: customer for customer in book.customers()}
    merged = {customer.id for customer in customers.values() if customer.merged_into_id}
    purchases, identities = book.purchases(), book.identities()
    assert not merged & {purchase.customer_id for purchase in purchases}
    assert {purchase.id for purchase in purchases} == book.recorded
    assert not merged & set(identities.values())
    for customer in customers.values():
        assert _who_stays(customer.id, customers) not in merged
        if customer.id not in merged:
            assert all(identities[address] == customer.id for address in _addresses(customer))
    history = db.session.scalars(select(Change).where(Change.shop_id == book.shop.id).order_by(Change.id)).all()
    assert _identities_told(history) == identities
    for customer in customers.values():
        _check_customer(customer, [change for change in history if change.customer_id == customer.id])
        _check_whether_listed(customer, purchases, history)
    for purchase in purchases:
        _check_purchase(purchase, [change for change in history if change.purchase_id == purchase.id])
    check_words(book.shop.id)


def _addresses(customer: Customer) -> list[tuple[str, str]]:
    """What is shown that finds the customer and nobody else."""
    return [key(kind, shown) for kind in Identity.STRONG if (shown := getattr(customer, kind))]


def _who_stays(customer_id: UUID, customers: dict[UUID, Customer]) -> UUID:
    into = customers[customer_id].merged_into_id
    return _who_stays(into, customers) if into else customer_id


def _check_customer(customer: Customer, history: Sequence[Change]) -> None:
    told: dict[str, str | None] = {}
    kept: dict[str, set[str]] = defaultdict(set)
    for change in history:
        if change.field in SETS:
            kept[change.field] -= {change.before or ""}
            kept[change.field] |= {change.after} if change.after else set()
        elif change.field != "status":
            assert told.get(change.field) == change.before
            told[change.field] = change.after
    into = customer.merged_into_id
    present = {field: getattr(customer, field) for field in (*BUYER_FIELDS, "note")}
    present["merged_into"] = into and public_id.encode(public_id.CUSTOMER, into)
    assert {field: told.get(field) for field in present} == present


def _check_whether_listed(customer: Customer, purchases: Sequence[Purchase], history: Sequence[Change]) -> None:
    """Nobody is withdrawn of whom a purchase counts; their history tells each time that they went and came back."""
    bought = [purchase.voided_at for purchase in purchases if purchase.customer_id == customer.id]
    if customer.withdrawn_at and customer.merged_into_id is None:
        assert all(bought)
    told = [change for change in history if change.customer_id == customer.id and change.field == "status"]
    assert all(change.after == later.before for change, later in pairwise(told))
    status = told[-1].after if told else "listed"
    assert status == ("withdrawn" if customer.withdrawn_at else "listed")


def _check_purchase(purchase: Purchase, history: Sequence[Change]) -> None:
    by_field: dict[str, list[Change]] = defaultdict(list)
    for change in history:
        by_field[change.field].append(change)
    for field, changes in by_field.items():
        assert all(change.after == later.before for change, later in pairwise(changes))
        assert changes[-1].after == _present(purchase, field)
    assert "status" in by_field or purchase.voided_at is None
    assert "void_reason" in by_field or purchase.void_reason is None


def _present(purchase: Purchase, field: str) -> str | None:
    if field == "status":
        return "void" if purchase.voided_at else "recorded"
    return purchase.void_reason if field == "void_reason" else purchase_values.read(purchase, field)


def _identities_told(history: Sequence[Change]) -> dict[tuple[str, str], UUID | None]:
    """Who is known by what, as far as the history says it."""
    owners: dict[tuple[str, str], UUID | None] = {}

    def lose(identity: tuple[str, str], owner: UUID | None) -> None:
        if owners.get(identity) == owner:
            del owners[identity]

    for change in history:
        if change.field == "identity":
            kind, _, value = (change.before or change.after or "").partition(":")
            lose((kind, value), change.customer_id)
            if change.after:
                assert (kind, value) not in owners
                owners[kind, value] = change.customer_id
        elif change.field in BUYER_FIELDS:
            if change.before and (change.field == "name" or change.after is None):
                lose(key(change.field, change.before), change.customer_id)
            if change.after:
                owners.setdefault(key(change.field, change.after), change.customer_id)
    return owners


def is_own(identity: dict[str, Any], tables: dict[str, Any]) -> bool:
    """Whether it is the name that its owner bears: who takes a name up again claims it, if nobody had it meanwhile."""
    bearers = {row["id"] for row in tables["customers"] if row["name_normal"] == identity["value"]}
    return identity["kind"] == "name" and identity["customer_id"] in bearers


def _listed(tables: dict[str, Any]) -> list[dict[str, Any]]:
    """The customers, each with whether they are listed instead of since when they are not."""
    return [row | {"withdrawn_at": row["withdrawn_at"] is not None} for row in tables["customers"]]


def check_undone(book: Book, before: dict[str, Any]) -> None:
    """Taking back what was just done restores what was before; who was opened by it remains as a pointer."""
    with_it = db.session.begin_nested()
    book.undo(book.done[-1])
    after = stored(book.shop.id)
    known = {row["id"] for row in before["customers"]}
    after["customers"] = [row for row in after["customers"] if row["id"] in known]
    before, after = before | {"customers": _listed(before)}, after | {"customers": _listed(after)}
    after["identities"] = [row for row in after["identities"] if row in before["identities"] or not is_own(row, after)]
    assert after == before
    with_it.rollback()
    db.session.expire_all()


@of_every_list
@given(steps=STEPS)
def test_whatever_is_done_nothing_is_lost_and_everything_is_told(app: Flask, steps: list[Step]) -> None:
    with app.app_context():
        book = Book()
        for step in steps:
            book.take(step)
        check(book)


@of_every_list
@given(steps=STEPS)
def test_taking_back_what_was_just_done_restores_what_was_before(app: Flask, steps: list[Step]) -> None:
    with app.app_context():
        book = Book()
        for step in steps:
            before, count = stored(book.shop.id), len(book.done)
            is_taken = book.take(step)
            if len(book.done) > count:
                check_undone(book, before)
            elif not is_taken:
                assert stored(book.shop.id) == before
        check(book)


@of_every_list
@given(steps=STEPS, places=st.tuples(PLACE, PLACE), later=st.lists(PLACE, max_size=5))
def test_what_is_recorded_under_old_identities_and_ids_goes_back_with_them(
    app: Flask, steps: list[Step], places: tuple[int, int], later: list[int]
) -> None:
    with app.app_context():
        book = Book()
        for step in steps:
            book.take(step)
        owners: dict[Any, UUID] = dict(book.identities())
        customers = {customer.id: customer for customer in book.customers()}
        owners |= {one: _who_stays(one, customers) for one in customers}
        known = list(owners)
        owners |= {(one, customer.name_normal): one for one, customer in customers.items()}
        merged = book.merge(*places)
        if merged is None:
            return
        owners.setdefault((merged.customer.id, merged.customer.name_normal), merged.merged_away.id)
        recorded = _record_under(book, known, later)
        book.undo(book.done[-1])
        now = {purchase.id: purchase.customer_id for purchase in book.purchases()}
        assert {purchase_id: now[purchase_id] for purchase_id in recorded} == {
            purchase_id: owners[what] for purchase_id, what in recorded.items()
        }
        check(book)


@of_every_list
@given(steps=STEPS, last=steps_of("capture"))
def test_what_was_just_recorded_and_is_undone_might_as_well_not_have_been(
    app: Flask, steps: list[Step], last: Step
) -> None:
    with app.app_context():
        book = Book()
        for step in steps:
            book.take(step)
        before, recorded = stored(book.shop.id), {*book.recorded}
        if not book.take(last):
            return
        [purchase_id] = book.recorded - recorded
        line = editing.find_with_customer(book.shop.id, purchase_id)
        assert line is not None
        undo_recording(line.purchase, shop=book.shop, by=book.user)
        _check_as_before(before, stored(book.shop.id), purchase_id)
        check(book)


def _check_as_before(before: dict[str, Any], after: dict[str, Any], purchase_id: UUID) -> None:
    known = {row["id"]: row for row in before["customers"]}
    for row in after["customers"]:
        was = known.get(row["id"], row)
        assert row["id"] in known or row["withdrawn_at"]
        assert (row["withdrawn_at"] is None) == (was["withdrawn_at"] is None)
        assert row | {"withdrawn_at": None} == was | {"withdrawn_at": None}
    assert [row for row in after["purchases"] if row["id"] != purchase_id] == before["purchases"]
    theirs = [row for row in after["identities"] if row["customer_id"] in known]
    assert [row for row in theirs if row in before["identities"] or not is_own(row, after)] == before["identities"]


def _record_under(book: Book, known: list[Any], places: Sequence[int]) -> dict[UUID, Any]:
    """The purchases that found somebody, with what found them: an identity, an id, or a name with who bears it."""
    recorded: dict[UUID, Any] = {}
    for place in places:
        what = known[place % len(known)]
        try:
            captured = book.record(None, what) if isinstance(what, UUID) else book.record(dict([what]), None)
        except Refusal:
            continue
        if captured.outcome != "created":
            recorded[captured.purchase.id] = what if _finds(book, what) else (captured.customer.id, what[1])
    return recorded


def _finds(book: Book, what: Any) -> bool:
    """Whether it finds its owner: the name of who was withdrawn finds who else bears it."""
    if isinstance(what, UUID):
        return True
    owner = db.session.get_one(Customer, (book.shop.id, book.identities()[what]))
    return owner.withdrawn_at is None
