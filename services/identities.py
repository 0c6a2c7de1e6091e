"""What finds a customer, and what the history tells of it."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter

from sqlalchemy import select, update

from extensions import db
from models import Action, Customer, Identity
from services import actions
from services.known import Key
from services.matching import FieldChange


def identities_of(customer: Customer) -> list[Key]:
    found = select(Identity.kind, Identity.value).where(
        Identity.shop_id == customer.shop_id, Identity.customer_id == customer.id
    )
    return sorted((kind, value) for kind, value in db.session.execute(found))


def move_identities(action: Action, keys: Sequence[Key], source: Customer, to: Customer) -> None:
    """On the history of both, so that each of them tells by itself what finds the customer."""
    for kind, values in values_by_kind(keys):
        moved = update(Identity).where(
            Identity.shop_id == action.shop_id,
            Identity.customer_id == source.id,
            Identity.kind == kind,
            Identity.value.in_(values),
        )
        db.session.execute(moved.values(customer_id=to.id), execution_options={"synchronize_session": "fetch"})
    actions.note_all(action, [lost(key) for key in keys], customer_ids=[source.id])
    actions.note_all(action, [gained(key) for key in keys], customer_ids=[to.id])


def values_by_kind(keys: Iterable[Key]) -> Iterator[tuple[str, Sequence[str]]]:
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


def identity_key(text: str) -> Key:
    kind, _, value = text.partition(":")
    return kind, value
