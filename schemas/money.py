"""Amounts of money: whole minor units with their currency, never a float."""

import re
from decimal import Decimal
from typing import NamedTuple, NoReturn

from models import Purchase
from schemas.currencies import currencies, decimals, sign_of
from schemas.problems import refuse
from schemas.text import one_line

_LONGEST = 500
_SPACES = " \u00a0\u2009\u202f"
_AROUND = _SPACES + "."
# A point begins a number (.50) only where it does not end a sign (Cg.50).
_NUMBER = rf"(?:(?<![^\W\d_])\.)?[0-9](?:[0-9.,'’{_SPACES}]*[0-9])?"
_PARTS = re.compile(rf"(?P<front>[^0-9,+−-]*?)(?P<number>{_NUMBER})(?P<back>[^0-9]*)")
_PLAIN = re.compile(r"[0-9]+(\.[0-9]+)?|\.[0-9]+")
_GROUPED = re.compile(rf"[0-9]{{1,3}}(?:(?P<mark>[,'’{_SPACES}])[0-9]{{3}})(?:(?P=mark)[0-9]{{3}})*(\.[0-9]+)?")
_NEGATIVE = re.compile(rf"[-−][{_SPACES}]*[0-9.]")
_MARKS = re.compile(rf"[,'’{_SPACES}]")


class Money(NamedTuple):
    minor: int
    """Whole minor units: 1550 of USD is 15.50."""
    currency: str
    """ISO 4217."""

    @classmethod
    def of(cls, minor: int | None, currency: str | None) -> "Money | None":
        """What two columns hold; None where they hold nothing."""
        return cls(minor, currency) if minor is not None and currency is not None else None

    @property
    def decimal(self) -> Decimal:
        return Decimal(self.minor).scaleb(-decimals(self.currency))

    def typed_in(self, currency: str) -> str:
        """As it is typed where amounts are in `currency` unless they say otherwise: 15.50, or 15.50 EUR."""
        return str(self.decimal) if self.currency == currency else f"{self.decimal} {self.currency}"


def read_money(label: str, value: object, default_currency: str, *, is_fixed: bool) -> Money | None:
    """An amount as people write it: 15.50, $1,299, 12 EUR. None when blank.

    A sign or code may name another currency than the default, unless the currency `is_fixed` by a field of its own.
    """
    if value is None:
        return None
    if not isinstance(value, str):
        refuse("not_text", f"{label} must be text, like 15.50")
    text = value.strip()
    if not text:
        return None
    if len(text) > _LONGEST:
        _not_an_amount(label)
    if _NEGATIVE.match(text):
        refuse("negative", f"{label} must be 0 or more")
    parts = _PARTS.fullmatch(text)
    if parts is None:
        _not_an_amount(label)
    units = [unit for unit in (parts["front"].strip(_AROUND), parts["back"].strip(_AROUND)) if unit]
    currency = default_currency
    for unit in units:
        currency = _currency_named(label, unit, currency, is_fixed=is_fixed)
        is_fixed = True
    return Money(_minor_units(label, parts["number"].strip(), currency), currency)


def read_currency(value: object) -> str | None:
    """A code of ISO 4217 in any case; None when blank."""
    code = one_line("Currency", value, 200)
    if code is None:
        return None
    if code.upper() not in currencies():
        refuse("unknown_currency", "Currency must be a code of three letters, like USD")
    return code.upper()


def times(label: str, price: Money, quantity: int) -> Money:
    """What `quantity` pieces at a price come to. Refuses what is more than can be recorded."""
    return Money(_not_too_large(label, price.minor * quantity, price.currency), price.currency)


def _currency_named(label: str, unit: str, expected: str, *, is_fixed: bool) -> str:
    # A dollar sign alone means the shop's own dollars: CA$ ends with the $ that Canadians write.
    is_its_sign = len(unit) == 1 and not unit.isalpha() and sign_of(expected).endswith(unit)
    if unit.upper() == expected or unit in _signs(expected) or is_its_sign:
        return expected
    named = [code for code in currencies() if unit.upper() == code or unit in _signs(code)]
    if not named:
        _not_an_amount(label)
    if is_fixed:
        refuse("other_currency", f"{label} is in {expected}. Write it without “{unit}”")
    if unit in ("$", "¥"):
        refuse("currency_ambiguous", f"“{unit}” is used by several currencies. Write the code, like 15.50 {named[0]}")
    return named[0]


def _signs(currency: str) -> tuple[str, str]:
    """How the currency is written: $ or US$, CA$."""
    sign = sign_of(currency).strip(_AROUND)
    return sign, currency[:2] + sign


def _minor_units(label: str, number: str, currency: str) -> int:
    if not _PLAIN.fullmatch(number):
        grouped = _GROUPED.fullmatch(number)
        # 1,299 KWD may be one and a third dinars or over a thousand: that currency has three decimals.
        is_ambiguous = "," in number and decimals(currency) == 3 and number.count(",") == 1 and "." not in number
        if grouped is None or is_ambiguous:
            _ambiguous(label, number, decimals(currency))
        number = _MARKS.sub("", number)
    whole, _, fraction = number.partition(".")
    if len(fraction) > decimals(currency):
        allowed = f"at most {decimals(currency)} decimals" if decimals(currency) else "no decimals"
        refuse("too_many_decimals", f"{label} must have {allowed}, because it is in {currency}")
    digits = (whole + fraction.ljust(decimals(currency), "0")).lstrip("0")
    # Python refuses to read numbers of thousands of digits; none that long can be recorded anyway.
    return _not_too_large(label, int(digits or "0") if len(digits) < 20 else 10**20, currency)


def _not_too_large(label: str, minor: int, currency: str) -> int:
    if minor > Purchase.AMOUNT_MAX:
        most = Money(Purchase.AMOUNT_MAX, currency).decimal
        refuse("too_large", f"{label} must be at most {most:,} {currency}")
    return minor


def _ambiguous(label: str, number: str, decimals: int) -> NoReturn:
    head, comma, tail = number.rpartition(",")
    if not comma or len(number) > 30 or not tail.isdigit():
        _not_an_amount(label)
    whole = re.sub(r"[^0-9]", "", head)
    advice = f"with a point, like {whole}.{tail}" if len(tail) <= decimals else f"without commas, like {whole}{tail}"
    refuse("amount_ambiguous", f"“{number}” can be read in two ways. Write it {advice}")


def _not_an_amount(label: str) -> NoReturn:
    refuse("not_an_amount", f"{label} must be a number, like 15.50")
