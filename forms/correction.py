from typing import Any

from wtforms import StringField, TextAreaField

from forms.base import SchemaForm
from models import Purchase
from schemas.correction import Correction
from schemas.money import Money
from schemas.problems import ShopRules


class CorrectionForm(SchemaForm):
    """A purchase as it stands, to be put right."""

    schema = Correction

    item = StringField("Item")
    amount = StringField("Amount")
    quantity = StringField("Quantity")
    purchased_on = StringField("Date")
    note = TextAreaField("Note")

    def __init__(self, rules: ShopRules, purchase: Purchase):
        super().__init__(**_values(purchase, rules))
        self.rules = rules


def _values(purchase: Purchase, rules: ShopRules) -> dict[str, Any]:
    return {
        "item": purchase.item,
        "amount": _amount(purchase, rules),
        "quantity": str(purchase.quantity),
        "purchased_on": purchase.purchased_on.isoformat(),
        "note": purchase.note,
    }


def _amount(purchase: Purchase, rules: ShopRules) -> str:
    paid = Money.of(purchase.amount_minor, purchase.currency)
    return paid.typed_in(rules.currency) if paid else ""
