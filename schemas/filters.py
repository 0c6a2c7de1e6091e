"""What lists may be narrowed by, as it stands in the address."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Annotated, Any, TypeVar
from uuid import UUID

from pydantic import Field, PlainValidator, ValidationInfo, WithJsonSchema

from models import Customer, Purchase, public_id
from models.normal import normal_words
from models.public_id import CUSTOMER
from schemas.contact import Known, read_email, read_phone, read_reference
from schemas.days import read_any_day
from schemas.money import Money, read_currency, read_money
from schemas.numbers import read_whole_number
from schemas.problems import Problem, Refused, Schema, ShopRules, judge, refuse
from schemas.text import is_blank, key_text, one_line

PAGE_SIZE = 50
PAGE_SIZE_MAX = 200
STATUSES = ("recorded", "void", "all")
PURCHASE_SORTS = ("-purchased_on", "purchased_on", "-recorded_at", "recorded_at")
_FOLLOW = "To follow the list, ask again from a little earlier and tell repeats apart by `id`"
_LATE_PURCHASES = (
    f"A purchase appears once its recording is finished, which for a long import may be minutes after its "
    f"`recorded_at`. {_FOLLOW}."
)
_LATE_CHANGES = (
    f"A change appears once its recording is finished, which for a long import may be minutes after its "
    f"`updated_at`. {_FOLLOW} and `updated_at`."
)
_QUERY_MAX = 200
_CURSOR_MAX = 2_500  # holds the name that a page of customers ends with

S = TypeVar("S", bound=Schema)


def _words(value: object) -> Known | None:
    shown = one_line("Search", value, _QUERY_MAX)
    return (shown and Known(shown, normal_words(shown))) or None


def _rules(info: ValidationInfo) -> ShopRules:
    assert isinstance(info.context, ShopRules)
    return info.context


def _day(label: str, value: object, info: ValidationInfo) -> date | None:
    day = read_any_day(label, value, _rules(info).today)
    return day and day.on


def read_from(value: object, info: ValidationInfo) -> date | None:
    """The first day of a list; None when blank."""
    return _day("From", value, info)


def read_to(value: object, info: ValidationInfo, first: date | None) -> date | None:
    """The last day of a list that begins with the `first`; None when blank."""
    last = _day("To", value, info)
    if first and last and last < first:
        refuse("before_from", f"To must be {first} or later, because that is From")
    return last


def read_choice(label: str, value: object, choices: Sequence[str]) -> str | None:
    """One of the choices; None when blank."""
    text = value.strip() if isinstance(value, str) else value
    if text is None or text == "":
        return None
    if not isinstance(text, str) or text not in choices:
        refuse("unknown_choice", f"{label} must be {', '.join(choices[:-1])} or {choices[-1]}")
    return text


def _instant(value: object) -> datetime | None:
    """RFC 3339, with its offset."""
    text = one_line("The instant", value, 100)
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text.replace(" ", "+"))  # a plus in an address is a space
        if at.tzinfo is None:
            raise ValueError("No offset")
        return at.astimezone(UTC)
    except (ValueError, OverflowError):
        refuse("not_an_instant", "Write the instant with its offset, like 2026-11-21T09:15:04Z")


def _purchased_to(value: object, info: ValidationInfo) -> date | None:
    return read_to(value, info, info.data.get("purchased_from"))


def _customer_id(value: object) -> UUID | None:
    if value in (None, ""):
        return None
    if not isinstance(value, str) or not public_id.is_id(CUSTOMER, value):
        refuse("unknown_customer", "Give the id of a customer, like cus_01h455vb4pex5vsknk084sn02q")
    return public_id.decode(CUSTOMER, value)


def _item(value: object) -> str | None:
    item = one_line("Item", value, Purchase.ITEM_MAX)
    return item and normal_words(item)


def _bound(label: str, value: object, info: ValidationInfo) -> Money | None:
    fixed = info.data.get("currency")
    return read_money(label, value, fixed or _rules(info).currency, is_fixed=fixed is not None)


def _min_amount(value: object, info: ValidationInfo) -> Money | None:
    return _bound("Smallest amount", value, info)


def _max_amount(value: object, info: ValidationInfo) -> Money | None:
    largest, smallest = _bound("Largest amount", value, info), info.data.get("min_amount")
    if largest and smallest and largest.currency == smallest.currency and largest.minor < smallest.minor:
        refuse("below_min_amount", f"Largest amount must be {smallest.decimal} or more, because that is the smallest")
    return largest


def _status(value: object) -> str:
    return read_choice("Status", value, STATUSES) or "recorded"


def _sort(value: object) -> str:
    return read_choice("Sort", value, PURCHASE_SORTS) or "-purchased_on"


def _limit(value: object) -> int:
    return read_whole_number("Limit", value, PAGE_SIZE_MAX) or PAGE_SIZE


def _external_id(value: object) -> str | None:
    return key_text("Purchase number", value, Purchase.EXTERNAL_ID_MAX)


def _phone(value: object, info: ValidationInfo) -> Known | None:
    return read_phone(value, _rules(info).country)


def _name(value: object) -> str | None:
    name = one_line("Customer name", value, Customer.NAME_MAX)
    return name and normal_words(name)


def _flag(value: object) -> bool:
    return value is True or read_choice("It", value or "false", ("false", "true")) == "true"


def _cursor(value: object) -> str | None:
    cursor = one_line("Cursor", value, _CURSOR_MAX)
    if cursor and not re.fullmatch("[A-Za-z0-9._-]+", cursor):
        refuse("not_a_cursor", "Follow the address in next, or begin again without a cursor")
    return cursor


def judge_query(schema: type[S], given: Mapping[str, Sequence[str]], rules: ShopRules) -> S:
    """The query of an address as a `schema`, each parameter once and with a value. Raises Refused."""
    wrong = [problem for name, values in given.items() if (problem := _not_one_value(name, values))]
    if wrong:
        raise Refused(wrong)
    return judge(schema, {name: value for name, [value] in given.items()}, rules)


def _not_one_value(name: str, values: Sequence[str]) -> Problem | None:
    if len(values) > 1:
        return Problem((name,), "given_twice", f"Give {name} once")
    return Problem((name,), "blank", f"Give {name} a value, or leave it out") if is_blank(values[0]) else None


def _schema(kind: str = "string", **more: Any) -> WithJsonSchema:
    return WithJsonSchema({"type": kind, **more})


_DAY = _schema(format="date")
_CUSTOMER_ID = _schema(pattern=f"^{public_id.pattern(CUSTOMER)}$")
_INSTANT = _schema(format="date-time")
_MONEY = _schema(pattern=r"^[0-9]{1,10}(\.[0-9]{1,2})?$")

Words = Annotated[Known | None, PlainValidator(_words), _schema(maxLength=_QUERY_MAX)]
Instant = Annotated[datetime | None, PlainValidator(_instant), _INSTANT]
Limit = Annotated[int, PlainValidator(_limit), _schema("integer", minimum=1, maximum=PAGE_SIZE_MAX)]
Flag = Annotated[bool, PlainValidator(_flag), _schema("boolean")]
Cursor = Annotated[str | None, PlainValidator(_cursor), _schema(maxLength=_CURSOR_MAX, pattern="^[A-Za-z0-9._-]+$")]


class PurchaseFilters(Schema):
    """`q`: part of the item; `item`: the whole of it. Both days are included.

    Amounts are compared in `currency`, or else in the shop's own.
    """

    q: Words = None
    purchased_from: Annotated[date | None, PlainValidator(read_from), _DAY] = None
    purchased_to: Annotated[date | None, PlainValidator(_purchased_to), _DAY] = None
    customer_id: Annotated[UUID | None, PlainValidator(_customer_id), _CUSTOMER_ID] = None
    item: Annotated[str | None, PlainValidator(_item), _schema(maxLength=Purchase.ITEM_MAX)] = None
    external_id: Annotated[str | None, PlainValidator(_external_id), _schema(maxLength=Purchase.EXTERNAL_ID_MAX)] = None
    recorded_since: Instant = Field(default=None, description=_LATE_PURCHASES)
    currency: Annotated[str | None, PlainValidator(read_currency), _schema(pattern="^[A-Z]{3}$")] = None
    min_amount: Annotated[Money | None, PlainValidator(_min_amount), _MONEY] = None
    max_amount: Annotated[Money | None, PlainValidator(_max_amount), _MONEY] = None
    status: Annotated[str, PlainValidator(_status), _schema(enum=list(STATUSES))] = "recorded"
    sort: Annotated[str, PlainValidator(_sort), _schema(enum=list(PURCHASE_SORTS))] = Field(
        default="-purchased_on", description=_LATE_PURCHASES
    )


class CustomerFilters(Schema):
    """`q`: how words of a name, e-mail address or customer number begin, or the first or last digits of a phone number.

    `email`, `phone` and `reference` find whom they belong to; `name` everybody who is called so. Who bought
    nothing that still counts is left out unless one of the first three is given.
    """

    q: Words = None
    email: Annotated[Known | None, PlainValidator(read_email), _schema(maxLength=Customer.EMAIL_MAX)] = None
    phone: Annotated[Known | None, PlainValidator(_phone), _schema(maxLength=Customer.PHONE_MAX)] = None
    reference: Annotated[Known | None, PlainValidator(read_reference), _schema(maxLength=Customer.REFERENCE_MAX)] = None
    name: Annotated[str | None, PlainValidator(_name), _schema(maxLength=Customer.NAME_MAX)] = None
    updated_since: Instant = Field(default=None, description=_LATE_CHANGES)


class CaptureFlags(Schema):
    """Whether a purchase is only checked."""

    validate_only: Flag = False


class BatchFlags(Schema):
    """Whether one purchase that is refused keeps back the others."""

    all_or_nothing: Flag = False


class PageQuery(Schema):
    """One page of a list: `cursor` is where the page before said that this one begins."""

    limit: Limit = PAGE_SIZE
    cursor: Cursor = None


class PurchaseQuery(PurchaseFilters, PageQuery):
    pass


class CustomerQuery(CustomerFilters, PageQuery):
    pass
