"""What happened, in words."""

from collections.abc import Mapping, Sequence

from models import Customer, Purchase, Shop
from routes.formats import money_text
from schemas.contact import FIELD_WORDS
from services.capture import Captured
from services.foresight import Foreseen
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
    return " ".join(sentences + _stays(captured.left_alone))


def foreseen_changes(foreseen: Foreseen) -> list[str]:
    """“Recording adds the phone number.” What stays with others is told, too."""
    told = [f"Recording {_coming(change)}." for change in foreseen.changes]
    return told + _stays(foreseen.left_alone)


def recorded_otherwise(purchase: Purchase, customer: Customer, shop: Shop) -> str:
    before = _purchase(purchase, customer, shop)
    return f"This page already recorded: {before}. Record again only if this is another purchase"


def taken_back(purchase: Purchase, customer: Customer, shop: Shop) -> str:
    done = f"Taken back: {_purchase(purchase, customer, shop)}. It stays on record as void."
    if customer.withdrawn_at is None:
        return done
    return f"{done} {customer.shown_name} bought nothing else, and is in no list until they buy again."


def restored(purchase: Purchase, customer: Customer, shop: Shop, *, is_update_undone: bool) -> str:
    done = f"Counts again: {_purchase(purchase, customer, shop)}."
    return f"{done} What it had changed on {customer.shown_name} stays taken back." if is_update_undone else done


def corrected(purchase: Purchase, customer: Customer, shop: Shop) -> str:
    return f"Changed: {_purchase(purchase, customer, shop)}."


def edited(customer: Customer) -> str:
    return f"Changed: {told_apart(customer)}."


def moved(purchases: Sequence[Purchase], of: Customer, to: Customer) -> str:
    """“Moved from Tim to Sue: a book.”"""
    what = purchases[0].item if len(purchases) == 1 else f"{len(purchases)} purchases"
    return f"Moved from {told_apart(of)} to {told_apart(to)}: {what}."


def merged(away: Customer, stays: Customer, purchase_count: int) -> str:
    what = "1 purchase" if purchase_count == 1 else f"{purchase_count:,} purchases"
    return f"Merged: {told_apart(away)} is {told_apart(stays)} now, with {what}."


def told_apart(customer: Customer) -> str:
    """With what tells them from others of the name."""
    return f"{customer.shown_name} ({customer.contact})" if customer.contact else customer.shown_name


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


def _coming(change: FieldChange) -> str:
    if change.before is None:
        return f"adds the {FIELD_WORDS[change.field]} {change.after}"
    return f"changes the {FIELD_WORDS[change.field]} from {change.before} to {change.after}"


def _stays(left_alone: Mapping[str, Customer]) -> list[str]:
    return [
        f"The {FIELD_WORDS[field]} stays with {owner.shown_name}, who had it before."
        for field, owner in left_alone.items()
    ]
