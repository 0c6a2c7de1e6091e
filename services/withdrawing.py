"""Who is a customer only by purchases that were taken back: withdrawn, until one of them counts again."""

from datetime import datetime

from sqlalchemy import and_, exists, func, select
from sqlalchemy.orm import aliased

from extensions import db
from models import Action, Change, Customer, Purchase
from services import actions
from services.matching import FieldChange

ON_PURPOSE = ("edit", "merge", "split", "import")
"""The actions by which somebody means a customer to be there, whatever they bought."""


def settle(action: Action, *customers: Customer) -> None:
    """Withdraws or brings back whom the action left without or with a reason to be there. They must be held."""
    db.session.flush()
    for customer in customers:
        withdrawn_at = _withdrawn_since(customer)
        if customer.merged_into_id is None and (withdrawn_at is None) != (customer.withdrawn_at is None):
            actions.note(action, customer, FieldChange("status", _status(customer.withdrawn_at), _status(withdrawn_at)))
            customer.withdrawn_at, customer.updated_at = withdrawn_at, action.at
    db.session.flush()


def bring_back(customer: Customer) -> list[FieldChange]:
    """For who is meant to be there, whatever they bought."""
    if customer.withdrawn_at is None:
        return []
    change = FieldChange("status", _status(customer.withdrawn_at), _status(None))
    customer.withdrawn_at = None
    return [change]


def _status(withdrawn_at: datetime | None) -> str:
    return "listed" if withdrawn_at is None else "withdrawn"


def _withdrawn_since(customer: Customer) -> datetime | None:
    """When the last of their purchases was taken back; None while one counts, or somebody meant them to be there."""
    bought = and_(Purchase.shop_id == customer.shop_id, Purchase.customer_id == customer.id)
    counts = exists().where(bought, Purchase.voided_at.is_(None))
    undoing = aliased(Action)
    is_meant = exists().where(
        Change.shop_id == customer.shop_id,
        Change.customer_id == customer.id,
        Action.shop_id == Change.shop_id,
        Action.id == Change.action_id,
        Action.kind.in_(ON_PURPOSE),
        ~exists().where(undoing.shop_id == Action.shop_id, undoing.undoes_id == Action.id),
    )
    if db.session.scalar(select(counts | is_meant)):
        return None
    return db.session.scalar(select(func.max(Purchase.voided_at)).where(bought))
