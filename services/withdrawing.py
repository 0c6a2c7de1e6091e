"""Who is a customer only by purchases that were taken back or moved away: withdrawn, until one counts again."""

from datetime import datetime

from sqlalchemy import ColumnElement, and_, exists, func, select
from sqlalchemy.orm import aliased

from extensions import db
from models import Action, Change, Customer, Import, Purchase
from schemas.table_rows import Kind
from services import actions
from services.matching import FieldChange

_ON_PURPOSE = ("edit", "merge", "split")
"""The actions by which somebody means a customer to be there, whatever they bought; an import of customers is, too."""
_BOUGHT = and_(Purchase.shop_id == Customer.shop_id, Purchase.customer_id == Customer.id)


def settle(action: Action, *customers: Customer) -> None:
    """Withdraws or brings back whom the action left without or with a reason to be there. They must be held."""
    db.session.flush()
    for customer in customers:
        withdrawn_at = _withdrawn_since(customer, action.at)
        if customer.merged_into_id is None and (withdrawn_at is None) != (customer.withdrawn_at is None):
            actions.note(action, customer, FieldChange("status", _status(customer.withdrawn_at), _status(withdrawn_at)))
            customer.withdrawn_at, customer.updated_at = withdrawn_at, action.at
    db.session.flush()


def bring_back(customer: Customer) -> list[FieldChange]:
    """For who is meant to be there, or has just bought something."""
    if customer.withdrawn_at is None:
        return []
    change = FieldChange("status", _status(customer.withdrawn_at), _status(None))
    customer.withdrawn_at = None
    return [change]


def counts() -> ColumnElement[bool]:
    """Whether a purchase of the customer counts."""
    return exists().where(_BOUGHT, Purchase.voided_at.is_(None))


def is_meant() -> ColumnElement[bool]:
    """Whether somebody meant the customer to be there, and did not take that back."""
    undoing = aliased(Action)
    # Not that they went, nor what tells it of who lost purchases to somebody else.
    on_purpose = and_(Action.kind.in_(_ON_PURPOSE), Change.field.not_in(("status", "split_to")))
    of_customers = exists().where(
        Import.shop_id == Action.shop_id,
        Import.action_id == Action.id,
        Import.outcome["kind"].as_string() == Kind.CUSTOMERS,
    )
    return exists().where(
        Change.shop_id == Customer.shop_id,
        Change.customer_id == Customer.id,
        Action.shop_id == Change.shop_id,
        Action.id == Change.action_id,
        on_purpose | of_customers,
        ~exists().where(undoing.shop_id == Action.shop_id, undoing.undoes_id == Action.id),
    )


def _status(withdrawn_at: datetime | None) -> str:
    return "listed" if withdrawn_at is None else "withdrawn"


def _withdrawn_since(customer: Customer, now: datetime) -> datetime | None:
    """When the last of their purchases was taken back or, now, moved away; None for who has a reason to be there."""
    last_voided = select(func.max(Purchase.voided_at)).where(_BOUGHT).scalar_subquery()
    found = select(counts() | is_meant(), last_voided).where(
        Customer.shop_id == customer.shop_id, Customer.id == customer.id
    )
    has_reason, voided_at = db.session.execute(found).one()
    return None if has_reason else voided_at or now
