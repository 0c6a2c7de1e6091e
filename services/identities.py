"""What finds a customer, and what the history tells of it."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from uuid import UUID

from sqlalchemy import select, update

from extensions import db
from models import Action, Customer, Identity
from schemas.contact import Known, normal_form
from services import actions
from services.known import Key
from services.matching import FieldChange
from services.register import Register


def identities_of(customer: Customer) -> list[Key]:
    found = select(Identity.kind, Identity.value).where(
        Identity.shop_id == customer.shop_id, Identity.customer_id == customer.id
    )
    return sorted((kind, value) for kind, value in db.session.execute(found))


def move_identities(action: Action, keys: Sequence[Key], source: Customer, to: Customer) -> None:
    """On the history of both, so that each of them tells by itself what finds the customer."""
    for kind, values in _values_by_kind(keys):
        moved = update(Identity).where(
            Identity.shop_id == action.shop_id,
            Identity.customer_id == source.id,
            Identity.kind == kind,
            Identity.value.in_(values),
        )
        db.session.execute(moved.values(customer_id=to.id), execution_options={"synchronize_session": "fetch"})
    actions.note_all(action, [lost(key) for key in keys], customer_ids=[source.id])
    actions.note_all(action, [gained(key) for key in keys], customer_ids=[to.id])


def owners(keys: Collection[Key], shop_id: int) -> dict[Key, UUID]:
    found = {}
    for kind, values in _values_by_kind(keys):
        owned = select(Identity.value, Identity.customer_id).where(
            Identity.shop_id == shop_id, Identity.kind == kind, Identity.value.in_(values)
        )
        found.update({(kind, value): owner for value, owner in db.session.execute(owned)})
    return found


def _values_by_kind(keys: Iterable[Key]) -> Iterator[tuple[str, Sequence[str]]]:
    """As many of one kind at a time as one statement takes well."""
    # Not pairs of kind and value: some thousand of them are too complex for PostgreSQL, a list of values is not.
    for kind, some in groupby(sorted(keys), key=itemgetter(0)):
        for values in actions.batches([value for _, value in some]):
            yield kind, values


def gained(key: Key) -> FieldChange:
    return FieldChange("identity", None, _identity_text(key))


def lost(key: Key) -> FieldChange:
    return FieldChange("identity", _identity_text(key), None)


def _identity_text(key: Key) -> str:
    """As the history keeps it: email:tim@example.com."""
    return ":".join(key)


def key_of(field: str, text: str | None, country: str) -> Key:
    """What the history means by such a text: one that was shown for the customer, or an identity."""
    assert text is not None
    if field == "identity":
        return identity_key(text)
    return field, normal_form(field, text, country)


def identity_key(text: str) -> Key:
    kind, _, value = text.partition(":")
    return kind, value


def show(customer: Customer, field: str, text: str | None, register: Register, country: str) -> None:
    """Puts a value in place; whatever else finds the customer still does, but for the name of before."""
    if field == "name" and text is None:
        register.forget(customer, field, customer.name_normal)
    elif field == "note" or text is None:
        setattr(customer, field, text)
    elif field == "name":
        register.rename(customer, Known(text, normal_form(field, text, country)))
    else:
        register.know_by(customer, field, Known(text, normal_form(field, text, country)))


def lose(action: Action, customer: Customer, key: Key, register: Register) -> None:
    """What is another's by now stays theirs."""
    if register.owner(*key) is customer:
        register.forget(customer, *key)
        actions.note(action, customer, lost(key))
