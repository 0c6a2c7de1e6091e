"""Putting back what was shown of customers, with what found them then."""

from uuid import UUID

from sqlalchemy import select

from extensions import db
from models import Action, Change, Customer, Identity
from schemas.purchase import BUYER_FIELDS
from services import actions
from services.identities import gained, key_of, lose, owners, show
from services.known import Key
from services.matching import FieldChange
from services.refusals import CannotUndo
from services.register import Register
from services.search import keep_words


class FormerFields:
    """The fields of the customers whom one action changes back."""

    def __init__(self, action: Action, register: Register, country: str):
        self._action, self._register, self._country = action, register, country
        self._known_before: dict[tuple[UUID, str], set[UUID]] = {}
        self._kept_names: list[tuple[Key, Customer]] = []

    def put_back(self, customer: Customer, change: Change) -> None:
        """What was before, with the identities of before."""
        field, before, after = change.field, change.before, change.after
        is_identity = field in BUYER_FIELDS and after is not None
        was_known = is_identity and self._was_known(customer, change)
        if field in Identity.STRONG and is_identity and not was_known:
            lose(self._action, customer, self.key(field, after), self._register)
        self.show(customer, field, before, noted=FieldChange(field, after, before))
        if field == "name" and was_known:
            self._kept_names.append((self.key(field, after), customer))

    def claim_kept_names(self) -> None:
        """Who is called otherwise again was found by the name before, from a merge: and still is."""
        taken = owners([key for key, _ in self._kept_names], self._action.shop_id)
        kept = [(key, customer) for key, customer in self._kept_names if key not in taken]
        for (kind, value), customer in kept:
            db.session.add(Identity(shop_id=self._action.shop_id, kind=kind, value=value, customer_id=customer.id))
            actions.note(self._action, customer, gained((kind, value)))
        db.session.flush()
        keep_words(self._action.shop_id, {customer.id for _, customer in kept})

    def show(self, customer: Customer, field: str, text: str | None, noted: FieldChange | None = None) -> None:
        noted = noted or FieldChange(field, getattr(customer, field), text)
        show(customer, field, text, self._register, self._country)
        actions.note(self._action, customer, noted)

    def check_whole(self, customer: Customer) -> None:
        """Known by something, and shows no address that finds another: somebody may have taken it since."""
        if not any(getattr(customer, field) for field in BUYER_FIELDS):
            raise CannotUndo("This would leave a customer who is known by nothing. Give them a name first")
        for kind in Identity.STRONG:
            shown = getattr(customer, kind)
            if shown is not None and self._register.owner(*self.key(kind, shown)) is not customer:
                raise CannotUndo(f"{shown} belongs to another customer by now. Take it away from them first")

    def key(self, kind: str, shown: str | None) -> Key:
        return key_of(kind, shown, self._country)

    def _was_known(self, customer: Customer, change: Change) -> bool:
        """Whether what the change put in place found the customer before: then it still has to."""
        history = customer.id, change.field
        if history not in self._known_before:
            self._known_before[history] = self._read_known_before(*history)
        return change.id in self._known_before[history]

    def _read_known_before(self, customer_id: UUID, kind: str) -> set[UUID]:
        """The changes that put in place what found the customer already: all in one go, there may be thousands."""
        told = select(Change.id, Change.field, Change.before, Change.after).where(
            Change.shop_id == self._action.shop_id,
            Change.customer_id == customer_id,
            Change.field.in_((kind, "identity")),
        )
        known: set[Key] = set()
        known_before = set()
        for change_id, field, before, after in db.session.execute(told.order_by(Change.id)):
            shown = before if after is None else after
            key = self.key(field, shown)
            if key in known:
                known_before.add(change_id)
            if field == "name" and before is not None:  # who is renamed gives the name up
                known.discard(self.key(field, before))
            if after is None:  # cleared by hand, or lost: it found nobody any longer
                known.discard(key)
            else:
                known.add(key)
        return known_before
