"""What lists may be narrowed by, as it stands in the address of a page."""

from datetime import date
from typing import Annotated

from pydantic import PlainValidator, ValidationInfo

from models.normal import normal_words
from schemas.contact import Known
from schemas.days import read_day
from schemas.problems import Schema, ShopRules
from schemas.text import one_line

_QUERY_MAX = 200


def _words(value: object) -> Known | None:
    shown = one_line("Search", value, _QUERY_MAX)
    return (shown and Known(shown, normal_words(shown))) or None


def _day(label: str, value: object, info: ValidationInfo) -> date | None:
    assert isinstance(info.context, ShopRules)
    day = read_day(label, value, info.context.today)
    return day and day.on


def _from(value: object, info: ValidationInfo) -> date | None:
    return _day("From", value, info)


def _to(value: object, info: ValidationInfo) -> date | None:
    return _day("To", value, info)


class PurchaseFilters(Schema):
    """`q`: part of the item. Both days are included."""

    q: Annotated[Known | None, PlainValidator(_words)] = None
    purchased_from: Annotated[date | None, PlainValidator(_from)] = None
    purchased_to: Annotated[date | None, PlainValidator(_to)] = None


class CustomerFilters(Schema):
    """`q`: part of a name, e-mail address, phone number or customer number."""

    q: Annotated[Known | None, PlainValidator(_words)] = None
