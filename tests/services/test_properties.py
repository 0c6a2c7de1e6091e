"""What holds for every list of captures, however they clash."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from extensions import db
from models import Change, Customer, CustomerWord, Identity, Purchase, Shop, User, public_id
from models.words import words_of
from schemas.problems import ShopRules, judge
from schemas.purchase import BUYER_FIELDS, PurchaseDetails
from services.capture import Capture, Captured, capture_all
from services.matching import FieldChange
from services.refusals import CustomerUnclear, KeyReused, Refusal
from tests.cast import Person
from tests.conftest import IS_LONG

NOBODY = -1
"""A customer who never was."""


class Wish(NamedTuple):
    buyer: dict[str, str]
    picked: int | str | None
    """`new`, or the place of a customer among those known when the captures are sent."""
    item: str
    key: str
    external_id: str | None


class Told(NamedTuple):
    """A purchase that was recorded, with the place of its customer for the id."""

    outcome: str
    matched_on: str | None
    customer: int
    changes: list[FieldChange]
    is_replay: bool
    left_alone: dict[str, int]


def one_of_or_none(*values: str) -> st.SearchStrategy[str | None]:
    return st.none() | st.sampled_from(values)


BUYERS = st.fixed_dictionaries(
    {
        "name": one_of_or_none("Tim", "TIM", "Tom", "Ann"),
        "email": one_of_or_none("a@example.com", "A@Example.com", "b@example.com"),
        "phone": one_of_or_none("212 555 0101", "+1 212 555 0101", "212 555 0102"),
        "reference": one_of_or_none("A1", "A2"),
    }
).map(lambda given: {field: value for field, value in given.items() if value} or {"name": "Tim"})
NAME_OR_ADDRESS = st.sampled_from(
    [{"name": "Tim"}, {"name": "Tom"}, {"email": "a@example.com"}, {"name": "Tim", "email": "a@example.com"}]
)
WISHES = st.lists(
    st.builds(
        Wish,
        NAME_OR_ADDRESS | BUYERS,
        st.none() | st.none() | st.just("new") | st.integers(NOBODY, 3),
        st.sampled_from(["a book", "a book", "a pen"]),
        st.integers(0, 12).map(str),
        one_of_or_none("x", "y", "z"),
    ),
    max_size=12,
)
of_every_list = settings(max_examples=150 if IS_LONG else 100)


@dataclass
class Till:
    """Of a shop with one user, in the session and never committed."""

    shop_id: int
    user_id: int

    def judge(self, wishes: Sequence[Wish]) -> list[Capture]:
        """The wishes as the door sends them, with the ids of the customers picked."""
        shop, known = db.session.get_one(Shop, self.shop_id), self.customers()
        rules = ShopRules(shop.currency, shop.country, shop.today())
        return [Capture(judge(PurchaseDetails, _fields(wish, known), rules), wish.key) for wish in wishes]

    def record(self, captures: Sequence[Capture]) -> list[Any]:
        """Records all at once; what came of each, told without ids."""
        user = db.session.get_one(User, self.user_id)
        results = capture_all(captures, shop=user.shop, by=user, source="import")
        places = {customer_id: place for place, customer_id in enumerate(self.customers())}
        told = [_told(result, places) for result in results]
        db.session.expunge_all()
        return told

    def record_one_by_one(self, captures: Sequence[Capture]) -> list[Any]:
        return [told for wish in captures for told in self.record([wish])]

    def customers(self) -> list[UUID]:
        """The earliest first."""
        return [customer.id for customer in self._rows(Customer)]

    def tables(self) -> dict[str, Any]:
        """All that is stored, with places for ids."""
        customers, purchases = self._rows(Customer), self._rows(Purchase)
        place = {row.id: number for rows in (customers, purchases) for number, row in enumerate(rows)}
        return {
            "customers": [(one.name, one.name_normal, one.email, one.phone, one.reference) for one in customers],
            "identities": sorted((one.kind, one.value, place[one.customer_id]) for one in self._identities()),
            "purchases": [
                (place[one.customer_id], one.item, _typed(one, place), *_kept(one), one.capture_key)
                for one in purchases
            ],
            "changes": [
                (place[one.customer_id], place[one.by_purchase_id], one.field, one.before, one.after)
                for one in self._rows(Change)
            ],
        }

    def _rows(self, table: Any) -> Sequence[Any]:
        return db.session.scalars(select(table).where(table.shop_id == self.shop_id).order_by(table.id)).all()

    def _identities(self) -> Sequence[Identity]:
        return db.session.scalars(select(Identity).where(Identity.shop_id == self.shop_id)).all()


def _fields(wish: Wish, known: Sequence[UUID]) -> dict[str, Any]:
    fields = {"customer": wish.buyer, "item": wish.item, "external_id": wish.external_id}
    if isinstance(wish.picked, int):
        picked = known[wish.picked] if 0 <= wish.picked < len(known) else uuid4()
        return fields | {"customer_id": public_id.encode(public_id.CUSTOMER, picked)}
    return fields | {"customer_id": wish.picked}


def _told(result: Captured | Refusal, places: dict[UUID, int]) -> Any:
    if isinstance(result, CustomerUnclear):
        return type(result), [places[candidate.id] for candidate in result.candidates]
    if isinstance(result, KeyReused):
        return type(result), result.purchase.capture_key
    if isinstance(result, Refusal):
        return type(result)
    return Told(
        result.outcome,
        result.purchase.matched_on,
        places[result.customer.id],
        result.changes,
        result.is_replay,
        {field: places[other.id] for field, other in result.left_alone.items()},
    )


def open_till() -> Till:
    shop = Shop(name="Corner shop", currency="USD", country="US", time_zone="America/New_York")
    email = f"{uuid4()}@example.com"
    user = User(shop=shop, email=email, email_normal=email, password_hash="none")
    db.session.add_all([shop, user])
    db.session.flush()
    return Till(shop.id, user.id)


def check_invariants(person: Person) -> None:
    with person.app.app_context():
        check_shop(person.shop_id)


def check_shop(shop_id: int) -> None:
    """What is true of a shop at any time."""
    customers = {one.id: one for one in db.session.scalars(select(Customer).where(Customer.shop_id == shop_id))}
    identities = db.session.scalars(select(Identity).where(Identity.shop_id == shop_id)).all()
    known_by = {(identity.kind, identity.value): identity.customer_id for identity in identities}
    assert len(known_by) == len(identities)
    assert set(known_by.values()) <= set(customers)
    for (kind, value), customer_id in known_by.items():
        if kind == "name":
            assert customers[customer_id].name_normal == value
    purchases = db.session.scalars(select(Purchase).where(Purchase.shop_id == shop_id)).all()
    assert {purchase.customer_id for purchase in purchases} == set(customers)
    histories = _histories(shop_id)
    for customer in customers.values():
        present = {field: getattr(customer, field) for field in BUYER_FIELDS if getattr(customer, field)}
        assert _replayed(histories[customer.id]) == present
        for field in Identity.STRONG:
            for value in {change.after for change in histories[customer.id] if change.field == field}:
                assert known_by[field, _normal(field, value)] == customer.id
    check_words(shop_id)


def check_words(shop_id: int) -> None:
    """Everybody is searched by the words of what they are known by, and by nothing else."""
    known_by = defaultdict(list)
    for customer in db.session.scalars(select(Customer).where(Customer.shop_id == shop_id)):
        known_by[customer.id].append(("name", customer.name_normal))
    for identity in db.session.scalars(select(Identity).where(Identity.shop_id == shop_id)):
        known_by[identity.customer_id].append((identity.kind, identity.value))
    kept = db.session.execute(
        select(CustomerWord.customer_id, CustomerWord.word).where(CustomerWord.shop_id == shop_id)
    )
    assert {tuple(row) for row in kept} == {(one, word) for one, keys in known_by.items() for word in words_of(keys)}


def _normal(kind: str, shown: str) -> str:
    """Of the few spellings that these tests send."""
    if kind == "phone":
        return "+1" + shown.removeprefix("+1").replace(" ", "")
    return shown.lower() if kind == "email" else shown


def _kept(purchase: Purchase) -> tuple[Any, ...]:
    return purchase.customer_shown, purchase.matched_on, purchase.external_id


def _typed(purchase: Purchase, place: dict[UUID, int]) -> dict[str, Any]:
    """What came in for the customer, with the place of the one picked."""
    picked = purchase.buyer.get("customer_id")
    return purchase.buyer | ({"customer_id": place[public_id.decode(public_id.CUSTOMER, picked)]} if picked else {})


def _histories(shop_id: int) -> dict[UUID | None, list[Change]]:
    histories: dict[UUID | None, list[Change]] = defaultdict(list)
    for change in db.session.scalars(select(Change).where(Change.shop_id == shop_id).order_by(Change.id)):
        histories[change.customer_id].append(change)
    return histories


def _replayed(history: Sequence[Change]) -> dict[str, str | None]:
    told: dict[str, str | None] = {}
    for change in history:
        assert told.get(change.field) == change.before
        told[change.field] = change.after
    return told


def _parts(wishes: Sequence[Wish], cuts: Sequence[int]) -> Iterator[Sequence[Wish]]:
    """The list in the parts in which it is sent."""
    for start, end in pairwise(sorted({0, len(wishes), *(cut for cut in cuts if cut < len(wishes))})):
        yield wishes[start:end]


def _is_recorded(told: Any) -> bool:
    return isinstance(told, Told) and not told.is_replay


CUTS = st.lists(st.integers(0, 12), max_size=2)


@of_every_list
@given(wishes=WISHES, cuts=CUTS)
def test_many_at_once_come_to_the_same_as_one_by_one(app: Flask, wishes: list[Wish], cuts: list[int]) -> None:
    with app.app_context():
        at_once, one_by_one = open_till(), open_till()
        for part in _parts(wishes, cuts):
            assert at_once.record(at_once.judge(part)) == one_by_one.record_one_by_one(one_by_one.judge(part))
        assert at_once.tables() == one_by_one.tables()


@of_every_list
@given(wishes=WISHES, cuts=CUTS)
def test_every_purchase_that_is_not_refused_is_kept(app: Flask, wishes: list[Wish], cuts: list[int]) -> None:
    with app.app_context():
        till = open_till()
        told = [one for part in _parts(wishes, cuts) for one in till.record(till.judge(part))]
        recorded = [wish.key for wish, one in zip(wishes, told, strict=True) if _is_recorded(one)]
        assert [key for *_, key in till.tables()["purchases"]] == recorded
        check_shop(till.shop_id)


@of_every_list
@given(wishes=WISHES, cuts=CUTS)
def test_what_is_refused_might_as_well_not_have_been_sent(app: Flask, wishes: list[Wish], cuts: list[int]) -> None:
    with app.app_context():
        all_sent, some_sent = open_till(), open_till()
        for part in _parts(wishes, cuts):
            told = all_sent.record(all_sent.judge(part))
            accepted = [wish for wish, one in zip(part, told, strict=True) if _is_recorded(one)]
            assert some_sent.record(some_sent.judge(accepted)) == [one for one in told if _is_recorded(one)]
        assert all_sent.tables() == some_sent.tables()


@of_every_list
@given(wishes=WISHES)
def test_sending_all_again_writes_nothing(app: Flask, wishes: list[Wish]) -> None:
    with app.app_context():
        till = open_till()
        captures = till.judge(wishes)
        told = till.record(captures)
        recorded = [wish for wish, one in zip(captures, told, strict=True) if _is_recorded(one)]
        stored = till.tables()
        again = till.record(recorded)
        assert [(one.customer, one.outcome, one.matched_on, one.changes, one.is_replay) for one in again] == [
            (one.customer, one.outcome, one.matched_on, one.changes, True) for one in told if _is_recorded(one)
        ]
        assert till.tables() == stored
