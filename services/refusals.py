"""What a service may refuse, told so that the door can say what to do. Nothing was written when one is raised."""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from models import Customer, Purchase
from schemas.problems import Refused


class Refusal(Exception):
    """A rule of the domain says no. `field` is the flat field of PurchaseDetails that it is about."""

    field = "customer"
    code = "refused"
    fate = "refused"
    """What becomes of a capture."""

    def __init__(self, message: str):
        super().__init__(message)
        self.message = message


class Candidate(NamedTuple):
    """A customer who may be meant, as they were when it was asked who is."""

    customer: Customer
    purchase_count: int
    last_purchased_on: date | None


class CustomerUnclear(Refusal):
    """Who bought cannot be told; `candidates` are those who may be meant."""

    SHOWN = 20
    """Of more candidates than these nobody is told."""

    def __init__(self, message: str, candidates: Sequence[Customer]):
        super().__init__(message)
        self.candidates = candidates
        self.told: Sequence[Candidate] | None = None
        """The first of them with what they had bought then, where a list of captures was recorded."""


class AmbiguousCustomer(CustomerUnclear):
    """Several customers bear the name (domain: identity, rule 3)."""


class IdentityConflict(CustomerUnclear):
    """What was given belongs to different customers (domain: identity, rule 2)."""


class UnknownCustomer(Refusal):
    """The customer that was named is none of this shop's."""


class KeyReused(Refusal):
    """The capture key stands for `purchase`, which was asked for with other content (domain: exactly once)."""

    def __init__(self, message: str, purchase: Purchase, customer: Customer):
        super().__init__(message)
        self.purchase = purchase
        self.customer = customer


class NothingToRepeat(Refusal):
    """The words say no purchase, and none was recorded with them before; `refused` tells what is the matter."""

    def __init__(self, refused: Refused):
        super().__init__(str(refused))
        self.refused = refused


class ExternalIdTaken(Refusal):
    """Another purchase of the shop has this number."""

    field = "external_id"


class CustomerMerged(Refusal):
    """The customer is only a pointer to `customer`, whom they were merged into."""

    def __init__(self, message: str, customer: Customer):
        super().__init__(message)
        self.customer = customer


class CustomerExists(Refusal):
    """A customer was only to be created, and `customer` is known already."""

    def __init__(self, message: str, customer: Customer):
        super().__init__(message)
        self.customer = customer


class UnknownPurchase(Refusal):
    """A purchase that was named is none of this shop's, or not that customer's."""

    field = "purchase_ids"


class CustomerNeedsIdentity(Refusal):
    """Nothing would be left by which the customer is known."""

    field = "name"
    code = "no_identity"


class ChangedSince(Refusal):
    """It is not as it was when it was shown to who wants to change it."""

    field = "name"


class CannotMerge(Refusal):
    """The two are one already, or were merged into others."""


class UnknownAction(Refusal):
    """What was to be taken back is none of this shop's."""

    field = "action"


class CannotUndo(Refusal):
    """What was done has been taken back already, or something later stands on it."""


class CannotImport(Refusal):
    """The file is on its way already, or was taken back."""


class EmailTaken(Refusal):
    """The address already has an account."""

    field = "email"


class WrongPassword(Refusal):
    """The current password was not the one typed."""

    field = "current_password"


class TooManyTries(Exception):
    """The same was tried too often; after `seconds` it may be tried again."""

    def __init__(self, seconds: int):
        super().__init__(f"Try again in {seconds} s")
        self.seconds = seconds


class Contention(Exception):
    """Others kept winning the race for the same customer or key; trying again later will do."""
