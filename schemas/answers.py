"""What the JSON API answers."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from models import Action, Change, Customer, Purchase, User, public_id
from models.public_id import ACTION, CUSTOMER, PURCHASE
from schemas.money import Money
from schemas.purchase import BUYER_FIELDS, PurchaseDetails

CustomerId = Annotated[str, WithJsonSchema({"type": "string", "examples": ["cus_01h455vb4pex5vsknk084sn02q"]})]
PurchaseId = Annotated[str, WithJsonSchema({"type": "string", "examples": ["pur_01h455vb4pex5vsknk084sn02q"]})]
ActionId = Annotated[str, WithJsonSchema({"type": "string", "examples": ["act_01h455vb4pex5vsknk084sn02q"]})]
Outcome = Literal["created", "updated", "unchanged"]

_ABSENT: Any = Field(default=None, exclude_if=lambda value: value is None)
"""A field that is left out when there is nothing to say."""


class Answer(BaseModel):
    """Something that is answered, with just these fields."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class MoneyAnswer(Answer):
    """An amount as a decimal text, and its currency (ISO 4217)."""

    amount: str
    currency: str

    @classmethod
    def of(cls, minor: int | None, currency: str | None) -> "MoneyAnswer | None":
        if minor is None or currency is None:
            return None
        return cls(amount=str(Money(minor, currency).decimal), currency=currency)

    @classmethod
    def all_of(cls, amounts: Mapping[str, int]) -> "list[MoneyAnswer]":
        """Minor units by currency, each in the order of the codes."""
        return [cls(amount=str(Money(minor, code).decimal), currency=code) for code, minor in sorted(amounts.items())]


class ChangeAnswer(Answer):
    """From what to what a field went."""

    before: str | None = Field(alias="from")
    after: str | None = Field(alias="to")


class BuyerAnswer(Answer):
    """A customer beside a purchase."""

    id: CustomerId
    name: str | None
    email: str | None
    phone: str | None
    reference: str | None

    @classmethod
    def of(cls, customer: Customer) -> "BuyerAnswer":
        return cls(**_buyer_fields(customer))


class CustomerAnswer(BuyerAnswer):
    """A customer. `merged_into` is the customer that this one turned out to be."""

    note: str | None
    merged_into: CustomerId | None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, customer: Customer) -> "CustomerAnswer":
        return cls(**_customer_fields(customer))


class KeptCustomerAnswer(CustomerAnswer):
    """A customer as they are now kept, and what came of what was given."""

    customer_outcome: Outcome
    matched_on: str | None
    customer_changes: dict[str, ChangeAnswer]

    @classmethod
    def of_kept(
        cls, customer: Customer, outcome: str, matched_on: str | None, changes: Iterable[Any]
    ) -> "KeptCustomerAnswer":
        return cls(
            **_customer_fields(customer),
            customer_outcome=outcome,
            matched_on=matched_on,
            customer_changes=changes_answer(changes),
        )


class PurchaseAnswer(Answer):
    """A purchase as it stands. `amount` was paid for the whole line; `unit_price` is there when it comes out even."""

    id: PurchaseId
    status: Literal["recorded", "void"]
    item: str
    quantity: int
    amount: MoneyAnswer | None
    unit_price: MoneyAnswer | None
    purchased_on: date
    external_id: str | None
    note: str | None
    source: Literal["web", "api", "import", "offline"]
    customer: BuyerAnswer
    matched_on: str | None
    idempotency_key: str
    recorded_at: datetime
    voided_at: datetime | None
    void_reason: str | None

    @classmethod
    def of(cls, purchase: Purchase, customer: Customer) -> "PurchaseAnswer":
        return cls(**_purchase_fields(purchase), customer=BuyerAnswer.of(customer))


class CapturedAnswer(PurchaseAnswer):
    """A purchase as it was recorded, and what that did to its customer. A replay repeats it."""

    customer_outcome: Outcome
    customer_changes: dict[str, ChangeAnswer]

    @classmethod
    def of_capture(
        cls, purchase: Purchase, customer: Customer, outcome: str, changes: Iterable[Any]
    ) -> "CapturedAnswer":
        """Of a purchase with the values it was recorded with; `customer` as known now, for purchases of before 0008."""
        customer_id = public_id.encode(CUSTOMER, purchase.customer_id)
        known = purchase.customer_shown or _buyer_fields(customer)
        shown = {field: known.get(field) for field in BUYER_FIELDS}
        return cls(
            **_purchase_fields(purchase),
            customer=BuyerAnswer(id=customer_id, **shown),
            customer_outcome=outcome,
            customer_changes=changes_answer(changes),
        )


class CheckedAnswer(Answer):
    """What a purchase would be, and do to its customer. Nothing was stored."""

    valid: Literal[True] = True
    item: str
    quantity: int
    amount: MoneyAnswer | None
    unit_price: MoneyAnswer | None
    purchased_on: date
    external_id: str | None
    note: str | None
    customer_id: CustomerId | None
    """None where a new customer would be made."""
    matched_on: str | None
    customer_outcome: Outcome
    customer_changes: dict[str, ChangeAnswer]

    @classmethod
    def of_capture(
        cls, purchase: Purchase, outcome: str, changes: Iterable[Any], *, is_replay: bool
    ) -> "CheckedAnswer":
        fields = _purchase_fields(purchase)
        kept = {name: fields[name] for name in cls.model_fields if name in fields}
        is_new = outcome == "created" and not is_replay
        return cls(
            **kept,
            customer_id=None if is_new else public_id.encode(CUSTOMER, purchase.customer_id),
            customer_outcome=outcome,
            customer_changes=changes_answer(changes),
        )


class ParsedAnswer(Answer):
    """What a sentence means, in the fields of a purchase. Nothing was stored."""

    customer: dict[str, str]
    item: str
    quantity: int
    amount: MoneyAnswer | None
    unit_price: MoneyAnswer | None
    purchased_on: date

    @classmethod
    def of(cls, details: PurchaseDetails) -> "ParsedAnswer":
        paid = details.paid
        return cls(
            customer={field: known.shown for field, known in details.given.items()},
            item=details.item,
            quantity=details.quantity,
            amount=paid and MoneyAnswer.of(*paid),
            unit_price=paid and _price_of_one(paid.minor, paid.currency, details.quantity),
            purchased_on=details.purchased_on.on,
        )


class CandidateAnswer(BuyerAnswer):
    """A customer who may be meant, and what tells them from the others."""

    purchases: int
    last_purchased_on: date | None

    @classmethod
    def of_summary(cls, customer: Customer, purchases: int, last_purchased_on: date | None) -> "CandidateAnswer":
        return cls(**_buyer_fields(customer), purchases=purchases, last_purchased_on=last_purchased_on)


class ErrorAnswer(Answer):
    """One thing to change: where (in the body, or which parameter), a stable code, and what to do."""

    pointer: str | None = _ABSENT
    parameter: str | None = _ABSENT
    code: str
    detail: str


class ProblemAnswer(Answer):
    """What went wrong and what to do (RFC 9457). `type` is the address of a page that explains it."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    request_id: str
    errors: list[ErrorAnswer] | None = _ABSENT
    candidates: list[CandidateAnswer] | None = _ABSENT


class BatchResult(Answer):
    """What became of one purchase of a batch: a `purchase`, or a `problem`."""

    status: int
    replayed: bool = False
    purchase: CapturedAnswer | None = _ABSENT
    problem: ProblemAnswer | None = _ABSENT


class BatchAnswer(Answer):
    """One result for each purchase, in the order of the request. `stored` counts those that are on record now."""

    stored: int
    results: list[BatchResult]


class PurchasePage(Answer):
    """Some purchases, and where the next are; `next` is absent on the last page."""

    items: list[PurchaseAnswer]
    next: str | None = _ABSENT


class CustomerPage(Answer):
    """Some customers, and where the next are; `next` is absent on the last page."""

    items: list[CustomerAnswer]
    next: str | None = _ABSENT


class HistoryEntry(Answer):
    """One field went from one value to another."""

    at: datetime
    user: str
    field: str
    before: str | None = Field(alias="from")
    after: str | None = Field(alias="to")
    purchase_id: PurchaseId | None
    """The purchase whose capture did it."""
    action_id: ActionId | None
    """The action that did it, which can be taken back."""

    @classmethod
    def of(cls, change: Change, user: User) -> "HistoryEntry":
        by, action = change.by_purchase_id, change.action_id
        return cls(
            at=change.at,
            user=user.email,
            field=change.field,
            **{"from": change.before, "to": change.after},
            purchase_id=by and public_id.encode(PURCHASE, by),
            action_id=action and public_id.encode(ACTION, action),
        )


class HistoryPage(Answer):
    """What changed, the newest first; `next` is absent on the last page."""

    items: list[HistoryEntry]
    next: str | None = _ABSENT


class DoneAnswer(Answer):
    """A customer after a merge or a split; `action_id` takes it back."""

    action_id: ActionId
    customer: CustomerAnswer

    @classmethod
    def of(cls, action: Action, customer: Customer) -> "DoneAnswer":
        return cls(action_id=action.public_id, customer=CustomerAnswer.of(customer))


class UndoneAnswer(Answer):
    """What was taken back, and the action by which."""

    action_id: ActionId
    undid: ActionId

    @classmethod
    def of(cls, action: Action, undid: UUID) -> "UndoneAnswer":
        return cls(action_id=action.public_id, undid=public_id.encode(ACTION, undid))


class UpdateUndoneAnswer(Answer):
    """The purchase whose recording had changed its customer, the action that took this back, and the customer now."""

    action_id: ActionId
    purchase_id: PurchaseId
    customer: CustomerAnswer

    @classmethod
    def of(cls, action: Action, purchase: Purchase, customer: Customer) -> "UpdateUndoneAnswer":
        return cls(action_id=action.public_id, purchase_id=purchase.public_id, customer=CustomerAnswer.of(customer))


class SumAnswer(Answer):
    """Purchases that were not voided. Amounts of different currencies are never added up."""

    purchases: int
    quantity: int
    amounts: list[MoneyAnswer]


class PeriodAnswer(SumAnswer):
    period: str
    first_day: date
    last_day: date


class SummaryAnswer(Answer):
    """Periods that have purchases, the earliest first."""

    items: list[PeriodAnswer]


class NewcomersAnswer(Answer):
    """Customers who bought in a period, each counted once: for the first time, or again in a later period."""

    period: str
    first_day: date
    last_day: date
    new: int
    returning: int


class NewAndReturningAnswer(Answer):
    """Periods that have purchases, the earliest first."""

    items: list[NewcomersAnswer]


class TopItemAnswer(SumAnswer):
    item: str


class TopItemsAnswer(Answer):
    items: list[TopItemAnswer]


class TopCustomerAnswer(SumAnswer):
    customer: BuyerAnswer


class TopCustomersAnswer(Answer):
    items: list[TopCustomerAnswer]


class ShopAnswer(Answer):
    name: str
    currency: str
    country: str
    time_zone: str
    today: date


class TokenAnswer(Answer):
    name: str
    scopes: list[str]
    expires_at: datetime | None


class RootAnswer(Answer):
    """Where things are, and who asks."""

    links: dict[str, str]
    token: TokenAnswer
    shop: ShopAnswer


def changes_answer(changes: Iterable[Any]) -> dict[str, ChangeAnswer]:
    """Changes, each with a field, what it was before and after, by field."""
    return {change.field: ChangeAnswer(**{"from": change.before, "to": change.after}) for change in changes}


def _buyer_fields(customer: Customer) -> dict[str, Any]:
    return {"id": customer.public_id} | {field: getattr(customer, field) for field in BUYER_FIELDS}


def _customer_fields(customer: Customer) -> dict[str, Any]:
    into = customer.merged_into_id
    return _buyer_fields(customer) | {
        "note": customer.note,
        "merged_into": into and public_id.encode(CUSTOMER, into),
        "created_at": customer.created_at,
        "updated_at": customer.updated_at,
    }


def _purchase_fields(purchase: Purchase) -> dict[str, Any]:
    return {
        "id": purchase.public_id,
        "status": "recorded" if purchase.voided_at is None else "void",
        "item": purchase.item,
        "quantity": purchase.quantity,
        "amount": MoneyAnswer.of(purchase.amount_minor, purchase.currency),
        "unit_price": _price_of_one(purchase.amount_minor, purchase.currency, purchase.quantity),
        "purchased_on": purchase.purchased_on,
        "external_id": purchase.external_id,
        "note": purchase.note,
        "source": purchase.source,
        "matched_on": purchase.matched_on,
        "idempotency_key": purchase.capture_key,
        "recorded_at": purchase.recorded_at,
        "voided_at": purchase.voided_at,
        "void_reason": purchase.void_reason,
    }


def _price_of_one(minor: int | None, currency: str | None, quantity: int) -> MoneyAnswer | None:
    """None where the amount cannot be divided into whole minor units."""
    if minor is None or minor % quantity:
        return None
    return MoneyAnswer.of(minor // quantity, currency)
