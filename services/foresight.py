"""What a capture would do, before it is asked for."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from models import Customer, Purchase, Shop
from schemas.contact import Known
from services import customers, purchases
from services.attempts import until_settled
from services.customers import Summary
from services.matching import FieldChange, find_customer, foresee_changes
from services.register import Register


@dataclass
class Foreseen:
    """Who would be written."""

    customer: Summary | None
    """None: a new customer."""
    last: Purchase | None
    """What they bought last."""
    changes: list[FieldChange]
    left_alone: dict[str, Customer]
    """What was given but is another customer's, by field."""


def foresee(given: Mapping[str, Known], picked: UUID | Literal["new"] | None, *, shop: Shop) -> Foreseen:
    """Who would be written by a capture, and what would change on them; nothing is written.

    Raises UnknownCustomer, AmbiguousCustomer or IdentityConflict, as the capture would.
    """

    def look(register: Register) -> Foreseen:
        match = find_customer(given, picked, register)
        if match.customer is None:
            return Foreseen(None, None, [], {})
        changes, left_alone = foresee_changes(match.customer, match.told_by(given), register, shop.country)
        [summary] = customers.summaries([match.customer], shop.id)
        return Foreseen(summary, purchases.last_of(match.customer), changes, left_alone)

    return until_settled(look, shop.id)
