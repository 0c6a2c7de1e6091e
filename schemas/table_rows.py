"""What a row of a table may say: a purchase, or a customer where the table says nothing of purchases."""

from collections.abc import Collection
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import PlainValidator, ValidationInfo, field_validator

from models import public_id
from schemas.bodies import CustomerNote
from schemas.problems import refuse
from schemas.purchase import FLAT_FIELDS, PURCHASE_FIELDS, PurchaseDetails, WhoBought
from schemas.text import is_blank

ROW_FIELDS = (*FLAT_FIELDS, "customer_id")
"""What a column may be; `customer_id` is the id by which an export tells customers apart."""
_OF_BOTH = ("note",)
_NOBODY = "Enter a name, an e-mail address, a phone number or a customer number"


class Kind(StrEnum):
    """What each row of a table is."""

    PURCHASES = "purchases"
    CUSTOMERS = "customers"


def kind_of(fields: Collection[str]) -> Kind:
    """Of a table that gives these fields."""
    return Kind.CUSTOMERS if {*PURCHASE_FIELDS}.difference(_OF_BOTH).isdisjoint(fields) else Kind.PURCHASES


def _customer_id(value: object) -> UUID | None:
    if is_blank(value):
        return None
    try:
        return public_id.decode(public_id.CUSTOMER, str(value).strip())
    except ValueError:
        refuse("unknown_customer", "Ids of customers begin with cus_. A number of your own is a customer number")


_CustomerId = Annotated[UUID | None, PlainValidator(_customer_id)]


class PurchaseRow(PurchaseDetails):
    """A purchase. The `customer_id` may be that of another shop, which tells customers apart all the same."""

    customer_id: _CustomerId = None


class CustomerRow(WhoBought):
    """A customer, with the note about them."""

    customer_id: _CustomerId = None
    note: CustomerNote = None

    @field_validator("customer", mode="before")
    @classmethod
    def _somebody_bought(cls, customer: object, info: ValidationInfo) -> object:
        if customer is None and info.data.get("customer_id", ...) is None:
            refuse("no_customer", _NOBODY)
        return customer
