"""What is done on purpose to customers and purchases that are there, on their history."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any, TypeVar
from uuid import UUID

from extensions import db
from models import Action, ApiToken, Change, Customer, Purchase, User, clock
from models.columns import new_id
from models.dialect import insert_all
from services.matching import FieldChange

_AT_A_TIME = 1_000

T = TypeVar("T")


def begin(kind: str, *, shop_id: int, by: User | ApiToken, undoes: Action | Purchase | None = None) -> Action:
    """An action of `kind`, whose changes are noted next. Raises IntegrityError when `undoes` was undone meanwhile.

    What is undone of a purchase is what its capture changed on the customer.
    """
    action = Action(
        shop_id=shop_id,
        id=new_id(),
        kind=kind,
        undoes_id=undoes.id if isinstance(undoes, Action) else None,
        undoes_purchase_id=undoes.id if isinstance(undoes, Purchase) else None,
        user_id=by.author.user_id,
        token_id=by.author.token_id,
        at=clock.utc_now(),
    )
    db.session.add(action)
    db.session.flush()
    return action


def note(action: Action, subject: Customer | Purchase, change: FieldChange) -> None:
    """Puts on the history what the action changed."""
    column = "customer_id" if isinstance(subject, Customer) else "purchase_id"
    db.session.add(Change(**_values(action, change) | {column: subject.id}))


def note_all(
    action: Action,
    changes: Sequence[FieldChange],
    *,
    customer_ids: Sequence[UUID] = (),
    purchase_ids: Sequence[UUID] = (),
) -> None:
    """Puts on the history that the action made all these changes on each of these: there may be a hundred thousand."""
    subjects = chain((("customer_id", one) for one in customer_ids), (("purchase_id", one) for one in purchase_ids))
    for some in batches((column, one, change) for column, one in subjects for change in changes):
        rows = [_values(action, change) | {column: one} for column, one, change in some]
        insert_all(Change, rows)


def batches(many: Iterable[T]) -> Iterator[list[T]]:
    """As many at a time as one statement takes well."""
    left = iter(many)
    while some := list(islice(left, _AT_A_TIME)):
        yield some


def _values(action: Action, change: FieldChange) -> dict[str, Any]:
    return {
        "shop_id": action.shop_id,
        "id": new_id(),
        "customer_id": None,
        "purchase_id": None,
        "by_purchase_id": None,
        "action_id": action.id,
        "user_id": action.user_id,
        "token_id": action.token_id,
        "at": action.at,
        **change._asdict(),
    }
