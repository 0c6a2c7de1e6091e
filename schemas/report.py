"""What reports may be asked for, as it stands in the query of an address: text, blank is the same as left out."""

from datetime import date
from typing import Annotated, Any, Literal, get_args

from pydantic import Field, PlainValidator, ValidationInfo, WithJsonSchema

from schemas.filters import read_choice, read_from, read_to
from schemas.money import read_currency
from schemas.numbers import read_whole_number
from schemas.problems import Schema, ShopRules

GroupBy = Literal["day", "week", "month"]
TopSort = Literal["-purchases", "-quantity", "-amount"]
GROUPS: tuple[GroupBy, ...] = get_args(GroupBy)
SORTS: tuple[TopSort, ...] = get_args(TopSort)
LIMIT_MAX = 200

_LIMIT = 10
_DAY: dict[str, Any] = {"type": "string", "format": "date"}


def _to(value: object, info: ValidationInfo) -> date | None:
    return read_to(value, info, info.data.get("first"))


def _group_by(value: object) -> str:
    return read_choice("Group by", value, GROUPS) or "month"


def _sort(value: object) -> str:
    return read_choice("Sort", value, SORTS) or "-purchases"


def _currency(value: object, info: ValidationInfo) -> str:
    assert isinstance(info.context, ShopRules)
    return read_currency(value) or info.context.currency


def _limit(value: object) -> int:
    return read_whole_number("Limit", value, LIMIT_MAX) or _LIMIT


def _no_day() -> None:
    """A factory, because a default would be told in the JSON schema, where null is no date."""


First = Annotated[date | None, PlainValidator(read_from), WithJsonSchema(_DAY)]
Last = Annotated[date | None, PlainValidator(_to), WithJsonSchema(_DAY)]


class SummaryFilters(Schema):
    """Which days are summed up (`from` and `to`, both included), and by what periods. A week begins on Monday."""

    first: First = Field(alias="from", default_factory=_no_day)
    last: Last = Field(alias="to", default_factory=_no_day)
    group_by: Annotated[
        GroupBy, PlainValidator(_group_by), WithJsonSchema({"type": "string", "enum": list(GROUPS)})
    ] = "month"


class TopFilters(Schema):
    """Which days count (`from` and `to`, both included), and what makes the top; `currency` (ISO 4217) is that of
    the amounts compared by `-amount`.
    """

    first: First = Field(alias="from", default_factory=_no_day)
    last: Last = Field(alias="to", default_factory=_no_day)
    sort: Annotated[TopSort, PlainValidator(_sort), WithJsonSchema({"type": "string", "enum": list(SORTS)})] = (
        "-purchases"
    )
    currency: Annotated[str, PlainValidator(_currency), WithJsonSchema({"type": "string", "pattern": "^[A-Z]{3}$"})] = (
        Field(default_factory=str)
    )
    limit: Annotated[
        int, PlainValidator(_limit), WithJsonSchema({"type": "integer", "minimum": 1, "maximum": LIMIT_MAX})
    ] = _LIMIT


class ReportFilters(SummaryFilters, TopFilters):
    """What the page of reports is asked for, all at once."""
