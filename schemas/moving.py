"""Whose some purchases are, chosen on a page."""

from pydantic import ValidationInfo, field_validator

from schemas.filters import CustomerFilters
from schemas.problems import Schema, refuse
from schemas.purchase import NEW_CUSTOMER, Buyer, CustomerId


class CustomerChoice(CustomerFilters):
    """One of the customers that are shown, once one is chosen."""

    customer_id: CustomerId = None


class Move(Schema):
    """One of the customers that are shown, or a new one and what tells them from others."""

    customer_id: CustomerId = None
    customer: Buyer | None = None

    @field_validator("customer_id")
    @classmethod
    def _is_chosen(cls, customer_id: object) -> object:
        if customer_id is None:
            refuse("no_customer", "Choose one of the customers, or a new one")
        return customer_id

    @field_validator("customer", mode="before")
    @classmethod
    def _is_looked_at_when_new(cls, customer: object, info: ValidationInfo) -> object:
        return customer if info.data.get("customer_id") == NEW_CUSTOMER else None
