from collections.abc import Sequence
from typing import Any

from wtforms import HiddenField, RadioField, SearchField, StringField, TextAreaField

from forms.base import SchemaForm
from forms.filters import FilterForm
from models import Customer
from schemas.bodies import CustomerEdit
from schemas.moving import CustomerChoice, Move
from schemas.problems import Problem, ShopRules
from schemas.purchase import BUYER_FIELDS
from schemas.text import is_blank


class CustomerForm(SchemaForm):
    """A customer as they stand, to be put right; what is blank is taken away."""

    schema = CustomerEdit

    name = StringField("Name")
    email = StringField("E-mail address")
    phone = StringField("Phone number")
    reference = StringField("Customer number")
    note = TextAreaField("Note")
    version = HiddenField()
    """Of the customer as they were when the page was shown."""

    owner: Customer | None = None
    """To whom something of what was typed belongs."""

    def __init__(self, rules: ShopRules, customer: Customer):
        shown = {name: getattr(customer, name) for name in self.schema.model_fields}
        super().__init__(**shown, version=str(customer.version))
        self.rules = rules

    def values(self) -> dict[str, Any]:
        return {name: None if is_blank(value) else value for name, value in super().values().items()}


class CustomerChoiceForm(FilterForm):
    """Looks for a customer, and tells who was chosen of those found."""

    schema = CustomerChoice

    q = SearchField("Search")
    customer_id = RadioField("Who is it?", validate_choice=False)


class MoveForm(SchemaForm):
    """To whom purchases go."""

    schema = Move

    customer_id = RadioField("Who bought it?", validate_choice=False)
    name = StringField("Name")
    email = StringField("E-mail address")
    phone = StringField("Phone number")
    reference = StringField("Customer number")

    candidates: Sequence[Any] = ()
    """The customers to choose from, with what they bought so far."""

    def __init__(self, rules: ShopRules, name: str | None):
        super().__init__(name=name)
        self.rules = rules

    def values(self) -> dict[str, Any]:
        return super().values() | {"customer": {field: self[field].data for field in BUYER_FIELDS}}

    def field_at_fault(self, problem: Problem) -> str:
        return "name" if problem.field == "customer" else problem.field
