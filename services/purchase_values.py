"""The values of a purchase that can change, as the texts that its history keeps."""

from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import inspect, select

from extensions import db
from models import Change, Purchase, public_id
from models.normal import normal_words
from models.public_id import CUSTOMER
from schemas.currencies import decimals
from schemas.money import Money


class _Value(NamedTuple):
    read: Callable[[Purchase], str | None]
    write: Callable[[Purchase, str], None]
    clear: Callable[[Purchase], None] | None = None
    """None where a purchase cannot be without it."""


def _amount(purchase: Purchase) -> str | None:
    if purchase.amount_minor is None or purchase.currency is None:
        return None
    return money_text(Money(purchase.amount_minor, purchase.currency))


def money_text(money: Money) -> str:
    """15.50 USD."""
    return f"{money.decimal} {money.currency}"


def _write_amount(purchase: Purchase, text: str) -> None:
    number, currency = text.split()
    purchase.amount_minor, purchase.currency = int(Decimal(number).scaleb(decimals(currency))), currency


def _clear_amount(purchase: Purchase) -> None:
    purchase.amount_minor = purchase.currency = None


def _write_item(purchase: Purchase, text: str) -> None:
    purchase.item, purchase.item_normal = text, normal_words(text)


def _write_quantity(purchase: Purchase, text: str) -> None:
    purchase.quantity = int(text)


def _write_day(purchase: Purchase, text: str) -> None:
    purchase.purchased_on = date.fromisoformat(text)


def _write_note(purchase: Purchase, text: str | None) -> None:
    purchase.note = text


def _write_customer(purchase: Purchase, text: str) -> None:
    purchase.customer_id = public_id.decode(CUSTOMER, text)


VALUES = {
    "item": _Value(lambda purchase: purchase.item, _write_item),
    "quantity": _Value(lambda purchase: str(purchase.quantity), _write_quantity),
    "amount": _Value(_amount, _write_amount, _clear_amount),
    "purchased_on": _Value(lambda purchase: purchase.purchased_on.isoformat(), _write_day),
    "note": _Value(lambda purchase: purchase.note, _write_note, lambda purchase: _write_note(purchase, None)),
    "customer_id": _Value(lambda purchase: public_id.encode(CUSTOMER, purchase.customer_id), _write_customer),
}


def read(purchase: Purchase, field: str) -> str | None:
    return VALUES[field].read(purchase)


def write(purchase: Purchase, field: str, text: str | None) -> None:
    """Puts a value in place. Raises ValueError for taking away what a purchase needs."""
    value = VALUES[field]
    if text is not None:
        value.write(purchase, text)
    elif value.clear is not None:
        value.clear(purchase)
    else:
        raise ValueError(f"A purchase needs its {field}")


def as_recorded(purchases: Sequence[Purchase], shop_id: int) -> dict[UUID, Purchase]:
    """The purchases that are not as they were recorded, by id, as they were. They are not for the session."""
    changed = (
        select(Change.purchase_id, Change.field, Change.before)
        .where(
            Change.shop_id == shop_id,
            Change.purchase_id.in_([purchase.id for purchase in purchases]),
            Change.field.in_(VALUES),
        )
        .order_by(Change.id.desc())
    )
    changes = db.session.execute(changed).all()
    ids = {purchase_id for purchase_id, _, _ in changes}
    copies = {purchase.id: _copy(purchase) for purchase in purchases if purchase.id in ids or purchase.voided_at}
    for purchase_id, field, before in changes:
        assert purchase_id is not None
        write(copies[purchase_id], field, before)
    return copies


def _copy(purchase: Purchase) -> Purchase:
    kept = {column.key: getattr(purchase, column.key) for column in inspect(Purchase).column_attrs}
    return Purchase(**kept | {"voided_at": None, "voided_by_id": None, "void_reason": None})
