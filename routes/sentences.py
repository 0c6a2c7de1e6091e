"""What happened, in words."""

from models import Customer, Purchase, Shop
from routes.formats import money_text
from schemas.contact import FIELD_WORDS
from services.capture import Captured
from services.matching import FieldChange


def recorded(captured: Captured, shop: Shop) -> str:
    """“Recorded: Tim, a book. Tim was already known: phone added.”"""
    who = captured.customer.shown_name
    if captured.is_replay:
        return f"Already recorded: {_purchase(captured.purchase, captured.customer, shop)}. Nothing was added."
    sentences = [f"Recorded: {_purchase(captured.purchase, captured.customer, shop)}."]
    if captured.outcome == "created":
        sentences.append(f"{who} is a new customer.")
    elif captured.outcome == "updated":
        sentences.append(f"{who} was already known: {', '.join(map(_change, captured.changes))}.")
    else:
        sentences.append(f"{who} was already known.")
    sentences += [
        f"The {FIELD_WORDS[field]} stays with {owner.shown_name}, who had it before."
        for field, owner in captured.left_alone.items()
    ]
    return " ".join(sentences)


def recorded_otherwise(purchase: Purchase, customer: Customer, shop: Shop) -> str:
    before = _purchase(purchase, customer, shop)
    return f"This page already recorded: {before}. Record again only if this is another purchase"


def taken_back(purchase: Purchase, customer: Customer, shop: Shop) -> str:
    return f"Taken back: {_purchase(purchase, customer, shop)}. It stays on record as void."


def restored(purchase: Purchase, customer: Customer, shop: Shop) -> str:
    return f"Counts again: {_purchase(purchase, customer, shop)}."


def corrected(purchase: Purchase, customer: Customer, shop: Shop) -> str:
    return f"Changed: {_purchase(purchase, customer, shop)}."


def _purchase(purchase: Purchase, customer: Customer, shop: Shop) -> str:
    what = f"{purchase.quantity:,} × {purchase.item}" if purchase.quantity > 1 else purchase.item
    parts = [customer.shown_name, what]
    if purchase.amount_minor is not None and purchase.currency is not None:
        parts.append(money_text(purchase.amount_minor, purchase.currency, shop.country))
    return ", ".join(parts)


def _change(change: FieldChange) -> str:
    if change.before is None:
        return f"{FIELD_WORDS[change.field]} added"
    return f"{FIELD_WORDS[change.field]} changed from {change.before} to {change.after}"
