"""How pages and the command line show money, days and instants; ids in addresses."""

from datetime import date, datetime
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_datetime
from babel.numbers import format_compact_currency, format_currency
from flask import Flask, request
from flask_login import current_user
from werkzeug.routing import BaseConverter

from models import public_id
from schemas.contact import FIELD_WORDS
from schemas.money import Money
from services.customers import COUNTED_MAX


def _id_converter(prefix: str) -> type[BaseConverter]:
    """`<customer_id:id>` in a route: a public id in the address, a UUID in the view; anything else is a 404."""

    class IdConverter(BaseConverter):
        regex = public_id.pattern(prefix)

        def to_python(self, value: str) -> UUID:
            return public_id.decode(prefix, value)

        def to_url(self, value: UUID) -> str:
            return public_id.encode(prefix, value)

    return IdConverter


_ID_PREFIXES = {
    "customer_id": public_id.CUSTOMER,
    "purchase_id": public_id.PURCHASE,
    "token_id": public_id.TOKEN,
    "action_id": public_id.ACTION,
    "import_id": public_id.IMPORT,
}


_HISTORY_WORDS = FIELD_WORDS | {
    "note": "note",
    "item": "item",
    "quantity": "quantity",
    "amount": "amount",
    "purchased_on": "date",
    "customer_id": "customer",
    "status": "status",
    "void_reason": "reason",
    "identity": "found by",
    "merged": "merged with",
    "merged_into": "merged into",
    "split_to": "purchases moved to",
    "split_from": "purchases moved from",
}
"""What each entry of a history is about."""
_MATCH_WORDS = {
    None: "New customer",
    "customer_id": "Chosen by hand",
    "reference": "Found by the customer number",
    "email": "Found by the e-mail address",
    "phone": "Found by the phone number",
    "name": "Found by the name",
}
_SOURCE_WORDS = {"web": "on a page", "api": "over the API", "import": "by an import", "offline": "offline"}


def register(app: Flask) -> None:
    app.url_map.converters.update({name: _id_converter(prefix) for name, prefix in _ID_PREFIXES.items()})
    app.jinja_env.filters.update(
        money=_money, day=_day, instant=_instant, count=_count, counted=_counted, period=period_text
    )
    app.jinja_env.globals.update(address=_address, field_words=FIELD_WORDS, history_words=_HISTORY_WORDS)
    app.jinja_env.globals.update(match_words=_MATCH_WORDS, source_words=_SOURCE_WORDS, bought_text=bought_text)


def money_text(minor: int, currency: str, country: str) -> str:
    """$15.50, as English is written in the country."""
    return format_currency(Money(minor, currency).decimal, currency, locale=_locale(country))


def short_money_text(minor: int, currency: str, country: str) -> str:
    """$2.5M: for the marks of an axis."""
    decimal = Money(minor, currency).decimal
    if decimal % 1:
        return money_text(minor, currency, country)
    return format_compact_currency(decimal, currency, locale=_locale(country), fraction_digits=1)


def period_text(first: date, group_by: str) -> str:
    """Nov 2026 for a month; a week is told by its Monday."""
    return format_date(first, "MMM y" if group_by == "month" else "d MMM y", locale="en")


def bought_text(count: int, last: date | None) -> str:
    """4 purchases, last on 2 Nov 2026."""
    purchases = f"{_counted(count)} {'purchase' if count == 1 else 'purchases'}"
    return f"{purchases}, last on {_day(last)}" if last else purchases


def _counted(count: int) -> str:
    """1,000+ where no more were counted."""
    return f"{COUNTED_MAX:,}+" if count >= COUNTED_MAX else f"{count:,}"


def _locale(country: str) -> Locale:
    try:
        return Locale.parse(f"en_{country}")
    except UnknownLocaleError:
        return Locale("en")


def _money(minor: int | None, currency: str | None) -> str:
    if minor is None or currency is None:
        return ""
    return money_text(minor, currency, current_user.shop.country)


def _day(on: date) -> str:
    return format_date(on, "d MMM y", locale="en")


def _instant(at: datetime) -> str:
    return format_datetime(at, "d MMM y, HH:mm", tzinfo=ZoneInfo(current_user.shop.time_zone), locale="en")


def _address(**changes: str | None) -> str:
    """The address of this page with some of its query changed; None takes a part out."""
    kept = {name: value for name, value in ({**request.args} | changes).items() if value is not None}
    return request.path + (f"?{urlencode(kept)}" if kept else "")


def _count(number: int) -> str:
    return f"{number:,}"
