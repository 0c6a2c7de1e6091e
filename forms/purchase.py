from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from wtforms import HiddenField, RadioField, StringField, TextAreaField

from forms.base import SchemaForm
from schemas.capture_key import read_key
from schemas.problems import Problem, ShopRules
from schemas.purchase import FLAT_FIELDS, PurchaseDetails, flat_field, nested


class PurchaseForm(SchemaForm):
    schema = PurchaseDetails

    key = HiddenField()
    """The capture key, made when the page is rendered: sending the page twice records once."""
    customer_id = RadioField("Who bought it?", validate_choice=False)
    asked_about = HiddenField()
    """What was typed for the customer when the page asked who is meant; another text asks anew."""
    customer = StringField("Customer")
    item = StringField("Item")
    amount = StringField("Amount")
    quantity = StringField("Quantity", default="1")
    purchased_on = StringField("Date", default="today")
    email = StringField("E-mail address")
    phone = StringField("Phone number")
    reference = StringField("Customer number")
    note = TextAreaField("Note")

    capture_key: str
    candidates: Sequence[Any] = ()
    may_be_new = False
    """The customers to choose from, when the page has to ask."""

    def __init__(self, rules: ShopRules, **values: str | None):
        super().__init__(**values)
        self.rules = rules
        if not self.is_submitted():
            self.renew_key()

    def renew_key(self) -> None:
        """From here on the page stands for another purchase."""
        self.key.data = str(uuid4())

    def flat(self) -> dict[str, Any]:
        return {name: field.data for name, field in self._fields.items() if name in FLAT_FIELDS}

    def values(self) -> dict[str, Any]:
        return nested(self.flat()) | {"customer_id": self._choice()}

    def field_at_fault(self, problem: Problem) -> str:
        return flat_field(problem, self.flat())

    def validate(self, extra_validators: Any = None) -> bool:
        is_valid = super().validate(extra_validators)
        self.capture_key = read_key(self.key.data) or ""
        if not self.capture_key:
            self.renew_key()
            self.refuse("customer", "This page was out of date. Look it over and record again")
            return False
        return is_valid

    def ask(self, question: str, candidates: Sequence[Any], *, may_be_new: bool) -> None:
        """Shows whom to choose from."""
        self.may_be_new = may_be_new
        self.refuse("customer_id", question)
        self.candidates = candidates
        self.asked_about.data = self._typed_customer()

    @property
    def has_more(self) -> bool:
        """Whether the less usual fields need to be seen."""
        return any(field.data or field.errors for field in (self.email, self.phone, self.reference, self.note))

    def _choice(self) -> str | None:
        return self.customer_id.data if self.asked_about.data == self._typed_customer() else None

    def _typed_customer(self) -> str:
        fields = (self.customer, self.email, self.phone, self.reference)
        return " · ".join((field.data or "").strip() for field in fields)
