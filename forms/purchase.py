from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

from wtforms import HiddenField, RadioField, StringField, TextAreaField

from forms.base import SchemaForm
from models import public_id
from models.public_id import CUSTOMER
from schemas.capture_key import read_key
from schemas.problems import Problem, ShopRules
from schemas.purchase import FLAT_FIELDS, NEW_CUSTOMER, PurchaseDetails, flat_field, nested


class PurchaseForm(SchemaForm):
    schema = PurchaseDetails

    key = HiddenField()
    """The capture key, made when the page is rendered: sending the page twice records once."""
    customer_id = RadioField("Who bought it?", validate_choice=False)
    asked_about = HiddenField()
    """What was typed for the customer when the page asked who is meant; another text asks anew."""
    offered = HiddenField()
    """Whom the page offered when it asked: public ids and `new`, separated by spaces."""
    customer = StringField("Customer")
    item = StringField("Item")
    amount = StringField("Amount")
    quantity = StringField("Quantity", default="1")
    purchased_on = StringField("Date", default="today")
    email = StringField("E-mail address")
    phone = StringField("Phone number")
    reference = StringField("Customer number")
    note = TextAreaField("Note")

    candidates: Sequence[Any] = ()
    """The customers to choose from, when the page has to ask, with what they bought so far."""

    def __init__(self, rules: ShopRules, **values: Any):
        super().__init__(**values)
        self.rules = rules
        self._has_key = read_key(self.key.data) is not None
        if not self._has_key:
            self.renew_key()

    def renew_key(self) -> None:
        """From here on the page stands for another purchase."""
        self.key.data = str(uuid4())

    def flat(self) -> dict[str, Any]:
        return {name: field.data for name, field in self._fields.items() if name in FLAT_FIELDS}

    def values(self) -> dict[str, Any]:
        return nested(self.flat()) | {"customer_id": self._choice()}

    def field_at_fault(self, problem: Problem) -> str:
        return "customer" if problem.field == "customer_id" else flat_field(problem, self.flat())

    def validate(self, extra_validators: Any = None) -> bool:
        is_valid = super().validate(extra_validators)
        if not self._has_key:
            self.refuse("customer", "This page was out of date. Look it over and record again")
        return is_valid and self._has_key

    @property
    def capture_key(self) -> str:
        return str(self.key.data)

    def ask(self, question: str, candidates: Sequence[Any], *, may_be_new: bool) -> None:
        """Shows whom to choose from."""
        self.refuse("customer_id", question)
        self.candidates = candidates
        ids = [candidate.customer.public_id for candidate in candidates]
        self.offered.data = " ".join(ids + [NEW_CUSTOMER] * may_be_new)
        self.asked_about.data = self._typed_customer()

    @property
    def still_offered(self) -> list[UUID]:
        """Whom the page offered before; nobody when another customer was typed since."""
        ids = (self.offered.data or "").split() if self.asked_about.data == self._typed_customer() else []
        return [public_id.decode(CUSTOMER, text) for text in ids if public_id.is_id(CUSTOMER, text)]

    @property
    def may_be_new(self) -> bool:
        return NEW_CUSTOMER in (self.offered.data or "").split()

    @property
    def has_more(self) -> bool:
        """Whether the less usual fields need to be seen."""
        return any(field.data or field.errors for field in (self.email, self.phone, self.reference, self.note))

    def _choice(self) -> str | None:
        return self.customer_id.data if self.asked_about.data == self._typed_customer() else None

    def _typed_customer(self) -> str:
        fields = (self.customer, self.email, self.phone, self.reference)
        return " · ".join((field.data or "").strip() for field in fields)
