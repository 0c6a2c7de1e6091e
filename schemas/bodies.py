"""What the JSON API takes: the rules of every door, in JSON's own types."""

import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any, ClassVar
from uuid import UUID

from pydantic import (
    BeforeValidator,
    ConfigDict,
    PlainValidator,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_validator,
)
from pydantic.json_schema import SkipJsonSchema

from models import Customer, Purchase, public_id
from models.public_id import CUSTOMER, PURCHASE
from schemas.capture_key import KEY_ADVICE, read_key
from schemas.currencies import currencies
from schemas.money import Money, read_money, times
from schemas.problems import Problem, Refused, Schema, ShopRules, judge, refuse
from schemas.purchase import (
    BUYER_FIELDS,
    NO_CUSTOMER,
    Buyer,
    CurrencyCode,
    CustomerId,
    Email,
    Item,
    Name,
    Note,
    Phone,
    PurchaseDetails,
    PurchasedOn,
    Quantity,
    Reference,
)
from schemas.sentence import LONGEST, NotUnderstood, understand
from schemas.text import is_blank, many_lines, text_schema

BATCH_MAX = 1_000
"""Captures in one request."""
SPLIT_MAX = 1_000
"""Purchases moved by one request."""


def id_schema(prefix: str) -> dict[str, Any]:
    """The JSON schema of a public id."""
    return {"type": "string", "pattern": f"^{public_id.pattern(prefix)}$"}


def or_null(schema: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "null"}]}


MONEY_SCHEMA = {
    "type": "object",
    "properties": {
        "amount": {"type": "string", "pattern": r"^[0-9]{1,12}(\.[0-9]{1,4})?$", "examples": ["15.50"]},
        "currency": {"type": ["string", "null"], "pattern": "^[A-Z]{3}$", "examples": ["USD"]},
    },
    "required": ["amount"],
    "additionalProperties": False,
}
_DAY_SCHEMA = {"type": "string", "format": "date"}
_PLAIN_NUMBER = re.compile(r"[0-9]{1,12}(\.[0-9]{1,4})?")
_ISO_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _rules(info: ValidationInfo) -> ShopRules:
    assert isinstance(info.context, ShopRules)
    return info.context


def _money(label: str, value: object, info: ValidationInfo) -> Money | None:
    if value is None:
        return None
    is_money = isinstance(value, dict) and value.keys() <= {"amount", "currency"}
    number = value.get("amount") if isinstance(value, dict) and is_money else None
    if not isinstance(value, dict) or not isinstance(number, str) or not _PLAIN_NUMBER.fullmatch(number):
        refuse("not_money", f'{label} must be an object like {{"amount": "15.50", "currency": "USD"}}')
    code = value.get("currency")
    code = _rules(info).currency if code is None else code
    if not isinstance(code, str) or code not in currencies():
        refuse("unknown_currency", "Currency must be a code of three letters, like USD")
    return read_money(label, f"{number} {code}", code, is_fixed=True)


def _amount(value: object, info: ValidationInfo) -> Money | None:
    return _money("Amount", value, info)


def _unit_price(value: object, info: ValidationInfo) -> Money | None:
    price = _money("Price of one", value, info)
    if price and info.data.get("amount"):
        refuse("amount_twice", "Give the amount or the price of one, not both")
    return price and times("Amount", price, info.data.get("quantity", 1)) and price


def _number(value: object) -> object:
    """Text is for forms: in JSON a number is a number."""
    return False if isinstance(value, str) else value


def _given_number(value: object) -> object:
    return False if value is None else _number(value)


def _iso_day(value: object, info: ValidationInfo) -> object:
    return value if value is None else _given_iso_day(value, info)


def _given_iso_day(value: object, info: ValidationInfo) -> object:
    if not isinstance(value, str) or not _ISO_DAY.fullmatch(value):
        refuse("not_a_date", f"Purchase date must be a real date, like {_rules(info).today}")
    return value


def _named(value: object) -> object:
    if value is not None and not (isinstance(value, str) and public_id.is_id(CUSTOMER, value)):
        refuse("unknown_customer", "Give the id of a customer, like cus_01h455vb4pex5vsknk084sn02q")
    return value


def _customer(value: object) -> UUID:
    _named(value)
    if value is None:
        refuse("blank", "Give the id of a customer")
    return public_id.decode(CUSTOMER, str(value))


def _customer_note(value: object) -> str | None:
    return many_lines("Note", value, Customer.NOTE_MAX)


def _reason(value: object) -> str | None:
    return many_lines("Reason", value, Purchase.REASON_MAX)


def _key(value: object) -> str | None:
    key = value if value is None else read_key(value)
    if key is None and value is not None:
        refuse("not_a_key", KEY_ADVICE)
    return key


def _some(what: str, most: int) -> Callable[[object], list[Any]]:
    def check(value: object) -> list[Any]:
        if not isinstance(value, list) or not 1 <= len(value) <= most:
            refuse("not_a_list", f"Give a list of 1 to {most:,} {what}")
        return value

    return check


def _purchase_ids(value: object) -> list[UUID]:
    texts = _some("ids of purchases", SPLIT_MAX)(value)
    if not all(isinstance(text, str) and public_id.is_id(PURCHASE, text) for text in texts):
        refuse("unknown_purchase", "Give ids of purchases, like pur_01h455vb4pex5vsknk084sn02q")
    return [public_id.decode(PURCHASE, text) for text in dict.fromkeys(texts)]


def _one_of_two(customer: object, info: ValidationInfo) -> object:
    """In a schema with a `customer_id` before the `customer`: exactly one of them."""
    named = info.data.get("customer_id")
    if customer is not None and named is not None:
        refuse("customer_twice", "Give the customer or the customer_id, not both")
    if customer is None and named is None and "customer_id" in info.data:
        refuse("no_customer", NO_CUSTOMER)
    return customer


NamedCustomer = Annotated[CustomerId, BeforeValidator(_named), WithJsonSchema(or_null(id_schema(CUSTOMER)))]
SomeCustomer = Annotated[UUID, PlainValidator(_customer), WithJsonSchema(id_schema(CUSTOMER))]
WholeNumber = Annotated[Quantity, BeforeValidator(_number)]
GivenNumber = Annotated[Quantity, BeforeValidator(_given_number)]
IsoDay = Annotated[PurchasedOn, BeforeValidator(_iso_day), WithJsonSchema(or_null(_DAY_SCHEMA))]
GivenIsoDay = Annotated[PurchasedOn, BeforeValidator(_given_iso_day), WithJsonSchema(_DAY_SCHEMA)]
CustomerNote = Annotated[str | None, PlainValidator(_customer_note), WithJsonSchema(text_schema(Customer.NOTE_MAX))]
MoneyObject = Annotated[Money | None, PlainValidator(_amount), WithJsonSchema(or_null(MONEY_SCHEMA))]
PriceObject = Annotated[Money | None, PlainValidator(_unit_price), WithJsonSchema(or_null(MONEY_SCHEMA))]


def _given(field: str, kind: str) -> dict[str, Any]:
    """JSON schema for a field that is there and not null."""
    return {"required": [field], "properties": {field: {"type": kind}}}


_ONE_CUSTOMER: dict[str, Any] = {"oneOf": [_given("customer", "object"), _given("customer_id", "string")]}
_ONE_AMOUNT: dict[str, Any] = {"not": {"allOf": [_given("amount", "object"), _given("unit_price", "object")]}}


class BuyerBody(Buyer):
    """Who bought: at least one of the four. The first three find a known customer; so does a name that is unique."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    @model_validator(mode="before")
    @classmethod
    def _take_line_apart(cls, data: Any) -> Any:
        return data  # one line for all four is for people


class PurchaseBody(PurchaseDetails):
    """A purchase. Give `customer` or `customer_id`, and at most one of `amount` (for the whole line) and `unit_price`.
    Left out: quantity 1, today in the shop's time zone, the shop's currency.
    """

    model_config = ConfigDict(json_schema_extra=_ONE_CUSTOMER | _ONE_AMOUNT | {"required": ["item"]})

    customer_id: NamedCustomer = None
    customer: BuyerBody | None = None
    quantity: WholeNumber = 1
    currency: SkipJsonSchema[CurrencyCode] = None
    amount: MoneyObject = None
    unit_price: PriceObject = None
    purchased_on: IsoDay = None  # type: ignore[assignment]  # the rule says today

    @field_validator("currency", mode="before")
    @classmethod
    def _stands_inside_the_amount(cls, value: object) -> object:
        if value is not None:
            refuse("unknown_field", "Give the currency inside the amount")
        return value

    @field_validator("customer", mode="before")
    @classmethod
    def _somebody_bought(cls, customer: object, info: ValidationInfo) -> object:
        return _one_of_two(customer, info)


class SentenceBody(Schema):
    """A purchase in words: Sue bought 2 T-shirts for $15.50 yesterday."""

    sentence: Annotated[Any, WithJsonSchema(text_schema(LONGEST, is_required=True))]


def read_purchase(body: Mapping[str, Any], rules: ShopRules) -> PurchaseDetails | NotUnderstood:
    """A purchase given by its fields, or by a sentence. Raises Refused."""
    if "sentence" not in body:
        return judge(PurchaseBody, body, rules)
    return understand(judge(SentenceBody, body).sentence, rules)


class BatchBody(Schema):
    """Up to 1,000 purchases; each is judged by itself, with its own key and its own result."""

    purchases: Annotated[
        list[Any],
        PlainValidator(_some("purchases", BATCH_MAX)),
        WithJsonSchema({"type": "array", "minItems": 1, "maxItems": BATCH_MAX, "items": {}}),
    ]


class Keyed(Schema):
    """The key of one purchase of a batch, beside its fields."""

    idempotency_key: Annotated[str | None, PlainValidator(_key)] = None


def read_batched(item: Any, rules: ShopRules) -> tuple[PurchaseDetails | NotUnderstood, str | None]:
    """One purchase of a batch, and its key if it has one. Raises Refused."""
    if not isinstance(item, dict):
        raise Refused([Problem((), "not_an_object", "Give an object of fields here")])
    fields = {field: value for field, value in item.items() if field != "idempotency_key"}
    key = judge(Keyed, {"idempotency_key": item.get("idempotency_key")}).idempotency_key
    return read_purchase(fields, rules), key


def _is_blank_text(value: object) -> bool:
    return isinstance(value, str) and is_blank(value)


class Edit(Schema):
    """What is to change: left out keeps, null clears, blank counts as left out (domain: updating)."""

    model_config = ConfigDict(validate_default=False)
    texts: ClassVar[tuple[str, ...]]
    """The fields that may be blank."""

    @model_validator(mode="before")
    @classmethod
    def _leave_out_blanks(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        return {field: value for field, value in data.items() if field not in cls.texts or not _is_blank_text(value)}

    @property
    def changed(self) -> dict[str, Any]:
        """What is given, by field."""
        return {field: getattr(self, field) for field in type(self).model_fields if field in self.model_fields_set}


class PurchaseEdit(Edit):
    """What is to change on a purchase. `null` clears the amount and the note."""

    texts = ("item", "note")

    item: Annotated[Item, WithJsonSchema({"type": "string", "maxLength": Purchase.ITEM_MAX})] = ""
    quantity: GivenNumber = None  # type: ignore[assignment]  # only what is given is looked at
    amount: MoneyObject = None
    purchased_on: GivenIsoDay = None  # type: ignore[assignment]  # only what is given is looked at
    note: Note = None


class CustomerBody(BuyerBody):
    """A customer, known by at least one of name, email, phone and reference."""

    note: CustomerNote = None


class CustomerEdit(Edit):
    """What is to change on a customer, who stays known by something. `null` clears."""

    texts = (*BUYER_FIELDS, "note")

    name: Name = None
    email: Email = None
    phone: Phone = None
    reference: Reference = None
    note: CustomerNote = None


class VoidBody(Schema):
    """Why a purchase is taken back, if somebody wants to know later."""

    reason: Annotated[str | None, PlainValidator(_reason), WithJsonSchema(text_schema(Purchase.REASON_MAX))] = None


class MergeBody(Schema):
    """Who turned out to be the customer of the address; that one stays."""

    from_customer_id: SomeCustomer


class SplitBody(Schema):
    """Which purchases are somebody else's: of `customer_id`, or of a new `customer`."""

    model_config = ConfigDict(json_schema_extra=_ONE_CUSTOMER)

    purchase_ids: Annotated[
        list[UUID],
        PlainValidator(_purchase_ids),
        WithJsonSchema({"type": "array", "minItems": 1, "maxItems": SPLIT_MAX, "items": id_schema(PURCHASE)}),
    ]
    customer_id: NamedCustomer = None
    customer: Annotated[BuyerBody | None, BeforeValidator(_one_of_two)] = None

    @property
    def to(self) -> UUID | Buyer:
        """Whose they are."""
        named = self.customer or self.customer_id
        assert isinstance(named, UUID | Buyer)
        return named
