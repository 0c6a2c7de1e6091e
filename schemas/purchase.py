"""What may be captured: every rule of a purchase and its buyer (domain: purchase, customer)."""

import hashlib
import json
from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import ConfigDict, PlainValidator, ValidationInfo, WithJsonSchema, field_validator, model_validator

from models import Customer, Purchase, public_id
from models.normal import normal_words
from schemas.contact import FIELD_WORDS, Known, read_email, read_line, read_name, read_phone, read_reference
from schemas.days import Day, read_day
from schemas.money import Money, read_currency, read_money, times
from schemas.numbers import read_whole_number
from schemas.problems import Problem, Schema, ShopRules, refuse
from schemas.text import is_blank, key_text, many_lines, one_line, text_schema

NO_CUSTOMER = "Enter who bought it: a name, an e-mail address or a phone number"
NEW_CUSTOMER: Literal["new"] = "new"
BUYER_FIELDS = ("name", "email", "phone", "reference")
PURCHASE_FIELDS = ("item", "quantity", "amount", "unit_price", "currency", "purchased_on", "note", "external_id")
FLAT_FIELDS = ("customer", *BUYER_FIELDS, *PURCHASE_FIELDS)
"""The fields of a form or of a table's columns; `customer` is one line that `read_line` takes apart."""
_JSON = json.JSONEncoder(check_circular=False)
_FLAT_BUYER_FIELDS = ("customer", *BUYER_FIELDS)


def _rules(info: ValidationInfo) -> ShopRules:
    assert isinstance(info.context, ShopRules)
    return info.context


def _phone(value: object, info: ValidationInfo) -> Known | None:
    return read_phone(value, _rules(info).country)


Name = Annotated[Known | None, PlainValidator(read_name), WithJsonSchema(text_schema(Customer.NAME_MAX))]
Email = Annotated[Known | None, PlainValidator(read_email), WithJsonSchema(text_schema(Customer.EMAIL_MAX))]
Phone = Annotated[Known | None, PlainValidator(_phone), WithJsonSchema(text_schema(Customer.PHONE_MAX))]
Reference = Annotated[Known | None, PlainValidator(read_reference), WithJsonSchema(text_schema(Customer.REFERENCE_MAX))]


class Buyer(Schema):
    """What is given to tell who bought: at least one of the four."""

    model_config = ConfigDict(validate_default=False)

    name: Name = None
    email: Email = None
    phone: Phone = None
    reference: Reference = None

    @model_validator(mode="before")
    @classmethod
    def _take_line_apart(cls, data: Any) -> Any:
        if not isinstance(data, dict) or "line" not in data:
            return data
        fields = {field: value for field, value in data.items() if field != "line" and not is_blank(value)}
        if not isinstance(data["line"], str):
            refuse("not_text", "Customer must be text")
        for field, value in read_line(data["line"]).items():
            if value and field in fields:
                where = "in the line of the customer or in its own field"
                refuse("given_twice", f"Give the {FIELD_WORDS[field]} once, {where}")
            fields.setdefault(field, value)
        return fields

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.given:
            refuse("no_customer", NO_CUSTOMER)
        return self

    @cached_property
    def given(self) -> dict[str, Known]:
        """What is not blank, by field."""
        found = {field: getattr(self, field) for field in BUYER_FIELDS}
        return {field: known for field, known in found.items() if known}


def _item(value: object) -> str:
    item = one_line("Item", value, Purchase.ITEM_MAX)
    if item is None:
        refuse("blank", "Enter what was bought")
    if len(normal_words(item)) > 2 * Purchase.ITEM_MAX:
        refuse("too_long", f"Item must be {Purchase.ITEM_MAX} characters or fewer")
    return item


def _quantity(value: object) -> int:
    return read_whole_number("Quantity", value, Purchase.QUANTITY_MAX) or 1


def _money(label: str, value: object, info: ValidationInfo) -> Money | None:
    fixed = info.data.get("currency")
    return read_money(label, value, fixed or _rules(info).currency, is_fixed=fixed is not None)


def _amount(value: object, info: ValidationInfo) -> Money | None:
    return _money("Amount", value, info)


def _unit_price(value: object, info: ValidationInfo) -> Money | None:
    price = _money("Price of one", value, info)
    if price and info.data.get("amount"):
        refuse("amount_twice", "Give the amount or the price of one, not both")
    if price:
        times("Amount", price, info.data.get("quantity", 1))  # refuses what would be too large
    return price


def _purchased_on(value: object, info: ValidationInfo) -> Day:
    today = _rules(info).today
    return read_day("Purchase date", value, today) or Day(today, "today")


def _note(value: object) -> str | None:
    return many_lines("Note", value, Purchase.NOTE_MAX)


def _external_id(value: object) -> str | None:
    return key_text("Purchase number", value, Purchase.EXTERNAL_ID_MAX)


def _customer_id(value: object) -> UUID | Literal["new"] | None:
    if value in (None, ""):
        return None
    if value == NEW_CUSTOMER:
        return NEW_CUSTOMER
    try:
        return public_id.decode(public_id.CUSTOMER, str(value))
    except ValueError:
        refuse("unknown_customer", "Choose one of the customers that are shown")


Item = Annotated[str, PlainValidator(_item), WithJsonSchema(text_schema(Purchase.ITEM_MAX, is_required=True))]
Quantity = Annotated[
    int,
    PlainValidator(_quantity),
    WithJsonSchema({"type": "integer", "minimum": 1, "maximum": Purchase.QUANTITY_MAX}),
]
Amount = Annotated[Money | None, PlainValidator(_amount)]
UnitPrice = Annotated[Money | None, PlainValidator(_unit_price)]
PurchasedOn = Annotated[Day, PlainValidator(_purchased_on), WithJsonSchema({"type": "string", "format": "date"})]
Note = Annotated[str | None, PlainValidator(_note), WithJsonSchema(text_schema(Purchase.NOTE_MAX))]
ExternalId = Annotated[str | None, PlainValidator(_external_id), WithJsonSchema(text_schema(Purchase.EXTERNAL_ID_MAX))]
CurrencyCode = Annotated[str | None, PlainValidator(read_currency), WithJsonSchema({"type": ["string", "null"]})]
CustomerId = Annotated[UUID | Literal["new"] | None, PlainValidator(_customer_id)]


class WhoBought(Schema):
    """Who is asked for: a customer whom the caller names, or what is given to tell them by."""

    customer_id: CustomerId = None
    """The customer, when the caller names them; `new` says that none of those known is meant."""
    customer: Buyer | None = None

    @field_validator("customer", mode="before")
    @classmethod
    def _somebody_bought(cls, customer: object, info: ValidationInfo) -> object:
        if isinstance(customer, dict) and all(map(is_blank, customer.values())):
            customer = None
        is_named = "customer_id" not in info.data or isinstance(info.data["customer_id"], UUID)
        if customer is None and not is_named:
            refuse("no_customer", NO_CUSTOMER)
        return customer

    @property
    def given(self) -> dict[str, Known]:
        return self.customer.given if self.customer else {}


class PurchaseDetails(WhoBought):
    """A purchase as it is asked for. Blank is the same as left out."""

    item: Item = ""
    quantity: Quantity = 1
    currency: CurrencyCode = None
    amount: Amount = None
    unit_price: UnitPrice = None
    purchased_on: PurchasedOn = None  # type: ignore[assignment]  # the rule says today
    note: Note = None
    external_id: ExternalId = None

    @property
    def paid(self) -> Money | None:
        """What was paid for the whole line."""
        return self.amount or (
            self.unit_price and Money(self.unit_price.minor * self.quantity, self.unit_price.currency)
        )

    def content_hash(self) -> bytes:
        """Of what is asked for, normalised: a retry has the same (domain: exactly once)."""
        content = [
            str(self.customer_id),
            self.given,
            self.item,
            self.quantity,
            self.paid,
            self.purchased_on.said,
            self.note,
            self.external_id,
        ]
        return hash_of(content)


def hash_of(content: object) -> bytes:
    """SHA-256 of what JSON can say."""
    return hashlib.sha256(_JSON.encode(content).encode()).digest()


def nested(flat: Mapping[str, Any]) -> dict[str, Any]:
    """The flat fields of a form or a table row in the shape of PurchaseDetails; `customer` stays a line."""
    details = {field: value for field, value in flat.items() if field not in _FLAT_BUYER_FIELDS}
    buyer = {field: flat[field] for field in BUYER_FIELDS if not is_blank(flat.get(field))}
    if not is_blank(flat.get("customer")):
        buyer["line"] = flat["customer"]
    return details | {"customer": buyer or None}


def flat_field(problem: Problem, flat: Mapping[str, Any]) -> str:
    """The flat field to change: the line of the customer, where the part at fault stands in it."""
    is_in_line = problem.field in BUYER_FIELDS and is_blank(flat.get(problem.field))
    return "customer" if is_in_line else problem.field
