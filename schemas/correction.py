"""What a purchase is to say from now on, typed into a form."""

from typing import Any

from schemas.problems import Schema
from schemas.purchase import Amount, Item, Note, PurchasedOn, Quantity


class Correction(Schema):
    """All that can be changed on a purchase; a blank amount or note is taken away."""

    item: Item = ""
    quantity: Quantity = 1
    amount: Amount = None
    purchased_on: PurchasedOn = None  # type: ignore[assignment]  # the rule says today
    note: Note = None

    @property
    def changed(self) -> dict[str, Any]:
        """Every field: the form shows all of them."""
        return {field: getattr(self, field) for field in type(self).model_fields}
