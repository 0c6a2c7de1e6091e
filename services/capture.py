"""The one operation that records purchases: finds or creates the customer, updates them, exactly once."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from sqlalchemy import Select, and_, bindparam, or_, select

from extensions import db
from models import ApiToken, Change, Customer, Purchase, Shop, User, clock, public_id
from models.columns import new_id
from models.dialect import insert_all, refresh_statistics
from models.normal import normal_words
from schemas.purchase import BUYER_FIELDS, PurchaseDetails
from schemas.sentence import NotUnderstood
from services import customers
from services.attempts import until_settled
from services.matching import FieldChange, Finder, find_customer, update_customer
from services.measures import count_captures
from services.refusals import Candidate, CustomerUnclear, ExternalIdTaken, KeyReused, NothingToRepeat, Refusal
from services.register import Overtaken, Register
from services.withdrawing import bring_back

_MANY = 100
"""From so many at once on it pays that the database knows how large its tables are."""


class Capture(NamedTuple):
    """A wish to record a purchase, under the key that makes it happen exactly once."""

    details: PurchaseDetails | NotUnderstood
    key: str | None
    """None where nobody can send it again, as nobody was told the key."""


@dataclass
class Captured:
    """A purchase that is recorded, and what that did to its customer."""

    purchase: Purchase
    customer: Customer
    changes: list[FieldChange]
    is_replay: bool = False
    left_alone: dict[str, Customer] = field(default_factory=dict)
    """What was given but is another customer's, by field."""
    brought_back: list[FieldChange] = field(default_factory=list)
    """That the customer, who had been withdrawn, is there again: it is nothing that was told of them."""

    @property
    def outcome(self) -> str:
        """`created`, `updated` or `unchanged`: what became of the customer."""
        if self.purchase.matched_on is None:
            return "created"
        return "updated" if self.changes else "unchanged"

    @property
    def fate(self) -> str:
        """The outcome, or `replayed`."""
        return "replayed" if self.is_replay else self.outcome


def capture(
    details: PurchaseDetails | NotUnderstood,
    *,
    shop: Shop,
    by: User | ApiToken,
    source: str,
    key: str | None,
    is_alone: bool = False,
) -> Captured:
    """Records one purchase; what is not understood can only be a replay. The caller commits.

    `is_alone` says that nothing else is written in this transaction.
    Raises a Refusal of services.refusals when a rule says no, Contention when others kept winning every race.
    """
    [result] = capture_all([Capture(details, key)], shop=shop, by=by, source=source, is_alone=is_alone)
    if isinstance(result, Refusal):
        raise result
    return result


def capture_all(
    captures: Sequence[Capture],
    *,
    shop: Shop,
    by: User | ApiToken,
    source: str,
    find: Finder = find_customer,
    is_alone: bool = False,
) -> list[Captured | Refusal]:
    """Records many purchases, with the very results that one by one would give. The caller commits.

    `is_alone` says that nothing else is written in this transaction.

    What is refused is in its place in the list and leaves no trace. Raises Contention like `capture`.
    """
    results = until_settled(
        lambda register: _Ledger(captures, register, shop, by, source, find=find).record_all(),
        shop.id,
        is_alone=is_alone,
    )
    count_captures(source, (result.fate for result in results))
    return results


class _Ledger:
    """One attempt at a list of captures."""

    def __init__(
        self,
        captures: Sequence[Capture],
        register: Register,
        shop: Shop,
        by: User | ApiToken,
        source: str,
        *,
        find: Finder,
    ):
        self._captures, self._register, self._find = captures, register, find
        self._shop, self._by, self._source = shop, by.author, source
        self._at: datetime = clock.utc_now()
        self._new: list[Captured] = []
        self._bought: dict[UUID, tuple[int, date]] = {}
        self._unclear: list[CustomerUnclear] = []
        known = _recorded_before(captures, shop.id)
        self._by_key: dict[str | None, Captured] = {one.purchase.capture_key: one for one in known}
        self._by_external_id = {one.purchase.external_id: one for one in known}

    def record_all(self) -> list[Captured | Refusal]:
        self._read_ahead()
        results = [self._record_or_refuse(wish) for wish in self._captures]
        self._look_again_before_refusing(results)
        self._count_what_candidates_bought_before()
        self._register.write()
        # In the order of what is unique, like the identities: two lists in opposite orders must not wait in a ring.
        purchases = sorted((captured.purchase for captured in self._new), key=_unique_ids)
        insert_all(Purchase, [vars(purchase) for purchase in purchases])
        if len(purchases) >= _MANY:
            refresh_statistics()
        insert_all(Change, [change for captured in self._new for change in self._history(captured)])
        return results

    def _look_again_before_refusing(self, results: Sequence[Captured | Refusal]) -> None:
        """What seems refused may have been recorded meanwhile, under its own key: then it is a replay."""
        refused = {
            wish.key
            for wish, result in zip(self._captures, results, strict=True)
            if isinstance(result, Refusal) and wish.key is not None and wish.key not in self._by_key
        }
        if refused:
            recorded = select(Purchase.id).where(Purchase.shop_id == self._shop.id, Purchase.capture_key.in_(refused))
            if db.session.scalar(recorded.limit(1)) is not None:
                raise Overtaken

    def _read_ahead(self) -> None:
        wishes = _understood(wish for wish in self._captures if wish.key not in self._by_key)
        self._register.read_ahead([(_picked(details), details.given) for details in wishes])

    def _record_or_refuse(self, wish: Capture) -> Captured | Refusal:
        try:
            return self._replay(wish) or self._record(wish)
        except CustomerUnclear as unclear:
            self._tell_candidates(unclear)
            return unclear
        except Refusal as refusal:
            return refusal

    def _tell_candidates(self, unclear: CustomerUnclear) -> None:
        """As they are now: what comes later in the list must not show in what is refused here."""
        shown = unclear.candidates[: unclear.SHOWN]
        unclear.told = [Candidate(_copy(customer), *self._bought.get(customer.id, (0, None))) for customer in shown]
        self._unclear.append(unclear)

    def _count_what_candidates_bought_before(self) -> None:
        told = [candidate for unclear in self._unclear for candidate in unclear.told or ()]
        before = customers.count_purchases({candidate.customer.id for candidate in told}, self._shop.id)
        for unclear in self._unclear:
            unclear.told = [
                _add_up(candidate, *before.get(candidate.customer.id, (0, None))) for candidate in unclear.told or ()
            ]

    def _replay(self, wish: Capture) -> Captured | None:
        before = self._by_key.get(wish.key)
        if before is None:
            return None
        if before.purchase.content_hash != wish.details.content_hash():
            raise KeyReused("This was already recorded with other content", before.purchase, before.customer)
        return replace(before, is_replay=True)

    def _record(self, wish: Capture) -> Captured:
        details = wish.details
        if isinstance(details, NotUnderstood):
            raise NothingToRepeat(details.refused)
        if details.external_id and details.external_id in self._by_external_id:
            raise ExternalIdTaken(f"Purchase number {details.external_id} is already recorded. Each is used once")
        match = self._find(details.given, details.customer_id, self._register)
        customer = match.customer or self._register.open(self._at)
        told = match.told_by(details.given)
        changes, left_alone = update_customer(customer, told, self._register, self._shop.country)
        brought_back = bring_back(customer)
        if changes or brought_back:
            customer.updated_at = self._at
        purchase = self._purchase(details, wish.key, customer, match.matched_on)
        captured = Captured(purchase, customer, changes, left_alone=left_alone, brought_back=brought_back)
        if wish.key is not None:
            self._by_key[wish.key] = captured
        if details.external_id:
            self._by_external_id[details.external_id] = captured
        self._new.append(captured)
        count, last = self._bought.get(customer.id, (0, purchase.purchased_on))
        self._bought[customer.id] = count + 1, max(last, purchase.purchased_on)
        return captured

    def _purchase(
        self, details: PurchaseDetails, key: str | None, customer: Customer, matched_on: str | None
    ) -> Purchase:
        paid = details.paid
        row = {
            "shop_id": self._shop.id,
            "id": new_id(),
            "customer_id": customer.id,
            "item": details.item,
            "item_normal": normal_words(details.item),
            "quantity": details.quantity,
            "amount_minor": paid and paid.minor,
            "currency": paid and paid.currency,
            "purchased_on": details.purchased_on.on,
            "note": details.note,
            "external_id": details.external_id,
            "buyer": _buyer(details),
            "customer_shown": _shown(customer),
            "matched_on": matched_on,
            "capture_key": key or str(uuid4()),
            "content_hash": details.content_hash(),
            "source": self._source,
            "recorded_at": self._at,
            "recorded_by_id": self._by.user_id,
            "token_id": self._by.token_id,
            "voided_at": None,
            "voided_by_id": None,
            "void_reason": None,
        }
        return Purchase.of(row)

    def _history(self, captured: Captured) -> Iterable[dict[str, Any]]:
        for change in (*captured.changes, *captured.brought_back):
            yield {
                "shop_id": self._shop.id,
                "id": new_id(),
                "customer_id": captured.customer.id,
                "purchase_id": None,
                "by_purchase_id": captured.purchase.id,
                "action_id": None,
                "user_id": self._by.user_id,
                "token_id": self._by.token_id,
                "at": self._at,
                **change._asdict(),
            }


def _understood(captures: Iterable[Capture]) -> list[PurchaseDetails]:
    return [wish.details for wish in captures if isinstance(wish.details, PurchaseDetails)]


def _picked(details: PurchaseDetails) -> UUID | None:
    return details.customer_id if isinstance(details.customer_id, UUID) else None


def _buyer(details: PurchaseDetails) -> dict[str, str]:
    typed = {field: known.shown for field, known in details.given.items()}
    if picked := _picked(details):
        typed["customer_id"] = public_id.encode(public_id.CUSTOMER, picked)
    return typed


def _shown(customer: Customer) -> dict[str, str]:
    return {field: known for field in BUYER_FIELDS if (known := getattr(customer, field)) is not None}


def _copy(customer: Customer) -> Customer:
    """For telling, not for the session."""
    return Customer(
        shop_id=customer.shop_id, id=customer.id, **{field: getattr(customer, field) for field in BUYER_FIELDS}
    )


def _add_up(candidate: Candidate, count: int, last: date | None) -> Candidate:
    days = [day for day in (candidate.last_purchased_on, last) if day]
    return Candidate(candidate.customer, candidate.purchase_count + count, max(days, default=None))


def _unique_ids(purchase: Purchase) -> tuple[str, str]:
    return purchase.external_id or "", purchase.capture_key


def _recorded_before(captures: Sequence[Capture], shop_id: int) -> list[Captured]:
    """The purchases that already have one of the keys or external ids."""
    lists = {
        "keys": [wish.key for wish in captures if wish.key is not None],
        "external_ids": [details.external_id for details in _understood(captures) if details.external_id],
    }
    given = {name: values for name, values in lists.items() if values}
    if not given:
        return []
    rows = db.session.execute(_recorded_by(frozenset(given)), {"shop_id": shop_id, **given}).all()
    changes = _changes_by_purchase([purchase for purchase, _ in rows], shop_id)
    return [Captured(purchase, customer, changes.get(purchase.id, [])) for purchase, customer in rows]


@cache
def _recorded_by(given: frozenset[str]) -> Select[Purchase, Customer]:
    """By these lists. Made once, as it takes longer to make than to execute."""
    columns = {"keys": Purchase.capture_key, "external_ids": Purchase.external_id}
    has_been = or_(*(columns[name].in_(bindparam(name, expanding=True)) for name in sorted(given)))
    return (
        select(Purchase, Customer)
        .join(Customer, and_(Customer.shop_id == Purchase.shop_id, Customer.id == Purchase.customer_id))
        .where(Purchase.shop_id == bindparam("shop_id"), has_been)
    )


def _changes_by_purchase(purchases: Sequence[Purchase], shop_id: int) -> dict[UUID, list[FieldChange]]:
    if not purchases:
        return {}
    found = (
        select(Change)
        .where(Change.shop_id == shop_id, Change.by_purchase_id.in_([purchase.id for purchase in purchases]))
        .where(Change.field != "status")
        .order_by(Change.id)
    )
    changes: dict[UUID, list[FieldChange]] = defaultdict(list)
    for change in db.session.scalars(found):
        assert change.by_purchase_id is not None
        changes[change.by_purchase_id].append(FieldChange(change.field, change.before, change.after))
    return changes
