"""Countries, currencies and time zones in use, from the CLDR data that Babel carries."""

from datetime import date
from functools import cache
from zoneinfo import available_timezones

from babel import Locale
from babel.core import get_global
from babel.numbers import get_currency_precision, get_territory_currencies

_ENGLISH = Locale("en")


@cache
def countries() -> dict[str, str]:
    """English names by ISO 3166-1 code, in the order of the names."""
    known = {code: _ENGLISH.territories[code] for code in get_global("territory_zones") if code not in ("001", "ZZ")}
    return dict(sorted(known.items(), key=lambda entry: entry[1]))


@cache
def currencies() -> dict[str, str]:
    """English names by ISO 4217 code, of those that are legal tender somewhere today."""
    codes = {code for country in countries() for code in get_territory_currencies(country, date.today())}
    return {code: _ENGLISH.currencies.get(code, code) for code in sorted(codes)}


def currency_of(country: str) -> str | None:
    """The currency that a country pays in."""
    return next(iter(get_territory_currencies(country, date.today())), None)


@cache
def time_zones() -> set[str]:
    """Names of the IANA time zone database."""
    return available_timezones()


def time_zones_of(country: str) -> list[str]:
    return list(get_global("territory_zones").get(country, ()))


@cache
def decimals(currency: str) -> int:
    """How many decimals the currency has: 2 for USD, 0 for JPY, 3 for KWD."""
    return get_currency_precision(currency)


@cache
def sign_of(currency: str) -> str:
    """How English writes it ($, £, CA$), or the code."""
    return _ENGLISH.currency_symbols.get(currency, currency)
