"""What is being taken back, as every way of taking back needs it."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select

from extensions import db
from models import Action, ApiToken, Change, Customer, Purchase, Shop, User, public_id
from schemas.purchase import BUYER_FIELDS
from services import actions
from services.former_fields import FormerFields
from services.known import Key
from services.matching import FieldChange
from services.merging import hold
from services.register import Register

LATER_MERGE = "One of these customers was merged since. Take back the later merge first"


class Undone:
    """One attempt at taking back one action, or what one capture changed on its customer."""

    undoing: Action
    """The action that takes it back."""
    fields: FormerFields

    def __init__(self, what: Action | Purchase, register: Register, shop: Shop, by: User | ApiToken):
        self._what, self._by = what, by
        self.id, self.register, self.shop = what.id, register, shop
        by_it = Change.action_id if isinstance(what, Action) else Change.by_purchase_id
        self._noted = select(Change).where(Change.shop_id == shop.id, by_it == what.id).order_by(Change.id)
        # Whether they are listed is for their purchases to say.
        on_customers = self._noted.where(Change.customer_id.is_not(None), Change.field != "status")
        self.on_customers = db.session.scalars(on_customers).all()

    def begin(self) -> None:
        # Only once everything is held: who took the same action back a moment ago is seen here, before anything that
        # they left is judged.
        self.undoing = actions.begin("undo", shop_id=self.shop.id, by=self._by, undoes=self._what)
        self.fields = FormerFields(self.undoing, self.register, self.shop.country)

    def on_purchases(self) -> Sequence[Change]:
        return db.session.scalars(self._noted.where(Change.purchase_id.is_not(None))).all()

    def on(self, customer: Customer) -> list[Change]:
        return [change for change in self.on_customers if change.customer_id == customer.id]

    def keys(self, changes: Sequence[Change]) -> set[Key]:
        """What the changes made the customer known by."""
        return {self.fields.key(change.field, change.after) for change in changes if change.field in BUYER_FIELDS}

    def hold_two(self, field: str) -> tuple[Customer, Customer]:
        """The customer on whose history the field is, and the one whom it names."""
        [link] = [change for change in self.on_customers if change.field == field]
        assert link.customer_id is not None
        assert link.after is not None
        other_id = public_id.decode(public_id.CUSTOMER, link.after)
        held = {customer.id: customer for customer in hold({link.customer_id, other_id}, self.shop.id)}
        self.begin()
        return held[link.customer_id], held[other_id]

    def unlink(self, customer: Customer, field: str, other: Customer) -> None:
        actions.note(self.undoing, customer, FieldChange(field, other.public_id, None))

    def moved(self, owner: Customer) -> list[UUID]:
        """The purchases that the action moved and that are the owner's now: nobody has moved them elsewhere."""
        owned = select(Purchase.id).where(Purchase.shop_id == self.shop.id, Purchase.customer_id == owner.id)
        moved = select(Change.purchase_id).where(
            Change.shop_id == self.shop.id, Change.action_id == self.id, Change.field == "customer_id"
        )
        return sorted({*db.session.scalars(owned)} & {*db.session.scalars(moved)})
