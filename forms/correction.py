import hashlib
import json
from textwrap import shorten
from typing import Any

from wtforms import HiddenField, StringField, TextAreaField

from forms.base import SchemaForm
from models import Purchase
from schemas.correction import Correction
from schemas.money import Money
from schemas.problems import ShopRules

_TOLD_MAX = 200


class CorrectionForm(SchemaForm):
    """A purchase as it stands, to be put right."""

    schema = Correction

    version = HiddenField()
    """Of the purchase as it was when the page was shown."""
    item = StringField("Item")
    amount = StringField("Amount")
    quantity = StringField("Quantity")
    purchased_on = StringField("Date")
    note = TextAreaField("Note")

    def __init__(self, rules: ShopRules, purchase: Purchase):
        self._stored = _values(purchase, rules)
        super().__init__(**self._stored, version=_version(self._stored))
        self.rules = rules

    @property
    def is_overtaken(self) -> bool:
        """Whether the purchase was changed since the page was shown."""
        return self.version.data != _version(self._stored)

    def tell_what_is_stored(self) -> None:
        """Beside each field that says something else."""
        self.version.data = _version(self._stored)
        self.refuse("version", "This was changed since the page was opened. Look at what it is now, then save again")
        for name, stored in self._stored.items():
            field = self._fields[name]
            if (field.data or "").split() != (stored or "").split():
                told = shorten(stored, _TOLD_MAX, placeholder="…") if stored else "blank"
                self.refuse(name, f"{field.label.text} is {told} now")


def _values(purchase: Purchase, rules: ShopRules) -> dict[str, Any]:
    return {
        "item": purchase.item,
        "amount": _amount(purchase, rules),
        "quantity": str(purchase.quantity),
        "purchased_on": purchase.purchased_on.isoformat(),
        "note": purchase.note,
    }


def _version(values: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()[:32]


def _amount(purchase: Purchase, rules: ShopRules) -> str:
    paid = Money.of(purchase.amount_minor, purchase.currency)
    return paid.typed_in(rules.currency) if paid else ""
