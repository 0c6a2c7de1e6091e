"""Who is the same customer: rules 1 to 4 of the domain, and what a capture changes on them."""

from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple
from uuid import UUID

from models import Customer, Identity
from schemas.contact import Known, normal_form
from schemas.purchase import BUYER_FIELDS, NEW_CUSTOMER
from services.refusals import AmbiguousCustomer, IdentityConflict, UnknownCustomer
from services.register import Register


class Match(NamedTuple):
    customer: Customer | None
    """None: nobody known is meant, a new customer is."""
    matched_on: str | None

    def told_by(self, given: Mapping[str, Known]) -> Mapping[str, Known]:
        """What is given to be known of the customer: a name that has found them is theirs already, maybe by a merge."""
        if self.matched_on != "name":
            return given
        return {field: known for field, known in given.items() if field != "name"}


class FieldChange(NamedTuple):
    field: str
    before: str | None
    after: str | None


Finder = Callable[[Mapping[str, Known], UUID | Literal["new"] | None, Register], Match]
"""Tells who is meant, like `find_customer`; a customer without `matched_on` was opened by it."""

_NOBODY = Match(None, None)


def find_customer(given: Mapping[str, Known], picked: UUID | Literal["new"] | None, register: Register) -> Match:
    """Whom the caller picked, or who is known by what is given. Who was withdrawn stands in nobody's way.

    Raises UnknownCustomer, AmbiguousCustomer or IdentityConflict, and guesses nothing.
    """
    if isinstance(picked, UUID):
        return Match(_picked(picked, register), "customer_id")
    owners = _owners(given, register)
    candidates = list(dict.fromkeys(owners.values()))
    if len(candidates) > 1:
        raise IdentityConflict("What was entered belongs to different customers. Choose who bought it", candidates)
    if candidates and picked == NEW_CUSTOMER:
        advice = f"What was entered belongs to {candidates[0].shown_name}. Choose them, or change what was entered"
        raise IdentityConflict(advice, candidates)
    if candidates:
        return Match(candidates[0], next(iter(owners)))
    if "name" not in given or picked == NEW_CUSTOMER:
        return _NOBODY
    return _find_by_name(given, register)


def _picked(id: UUID, register: Register) -> Customer:
    customer = register.customer(id)
    if customer is None:
        raise UnknownCustomer("Choose one of the customers that are shown")
    return customer


def _owners(given: Mapping[str, Known], register: Register) -> dict[str, Customer]:
    """Whom each strong identity belongs to, by kind, the strongest first."""
    found = {kind: register.owner(kind, given[kind].normal) for kind in Identity.STRONG if kind in given}
    known = {kind: customer for kind, customer in found.items() if customer}
    return {kind: customer for kind, customer in known.items() if customer.withdrawn_at is None} or known


def _find_by_name(given: Mapping[str, Known], register: Register) -> Match:
    known = register.namesakes(given["name"].normal)
    namesakes = [customer for customer in known if customer.withdrawn_at is None] or known
    is_only_name_given = set(given) == {"name"}
    if len(namesakes) > 1 and is_only_name_given:
        question = f"Several customers are called {given['name'].shown}. Choose who bought it"
        raise AmbiguousCustomer(question, list(namesakes))
    if len(namesakes) == 1 and (is_only_name_given or register.is_only_a_name(namesakes[0])):
        return Match(namesakes[0], "name")
    return _NOBODY


def update_customer(
    customer: Customer, given: Mapping[str, Known], register: Register, country: str
) -> tuple[list[FieldChange], dict[str, Customer]]:
    """Puts what is given in place of what was there.

    Returns the changes, and what was left alone because it is another customer's, by field.
    """
    changes, left_alone = foresee_changes(customer, given, register, country)
    for change in changes:
        if change.field == "name":
            register.rename(customer, given["name"])
        else:
            register.know_by(customer, change.field, given[change.field])
    return changes, left_alone


def foresee_changes(
    customer: Customer, given: Mapping[str, Known], register: Register, country: str
) -> tuple[list[FieldChange], dict[str, Customer]]:
    """What `update_customer` would do, and does not."""
    differing = [
        field for field in BUYER_FIELDS if field in given and not is_same(customer, field, given[field], country)
    ]
    if not differing:
        return [], {}  # as for most who come again
    owners = {field: register.owner(field, given[field].normal) for field in differing if field != "name"}
    left_alone = {field: owner for field, owner in owners.items() if owner and owner is not customer}
    changes = [
        FieldChange(field, getattr(customer, field), given[field].shown)
        for field in differing
        if field not in left_alone
    ]
    return changes, left_alone


def is_same(customer: Customer, field: str, known: Known, country: str) -> bool:
    """Whether the customer's field differs from what is given at most by case or spacing, or says the same number."""
    shown = getattr(customer, field)
    return shown is not None and (shown == known.shown or normal_form(field, shown, country) == known.normal)
