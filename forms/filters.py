from typing import Any

from flask import request
from wtforms import HiddenField, SearchField, StringField

from forms.base import SchemaForm
from schemas.filters import CustomerFilters, PurchaseFilters
from schemas.problems import ShopRules


class FilterForm(SchemaForm):
    """Reads the filters from the address of the page; there is nothing to forge in a question."""

    class Meta:
        csrf = False

    def __init__(self, rules: ShopRules, **defaults: Any):
        super().__init__(formdata=request.args, **defaults)
        self.rules = rules

    @property
    def active(self) -> dict[str, str]:
        """What narrows the list, by field, as typed."""
        return {field.name: field.data.strip() for field in self if field.data and field.data.strip()}


class PurchaseFilterForm(FilterForm):
    schema = PurchaseFilters

    q = SearchField("Item")
    purchased_from = StringField("From")
    purchased_to = StringField("To")
    item = HiddenField("Only")
    """The whole of an item, where a report leads here."""


class CustomerFilterForm(FilterForm):
    schema = CustomerFilters

    q = SearchField("Search")
