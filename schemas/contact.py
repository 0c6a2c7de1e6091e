"""Rules for what a customer is known by: name, e-mail, phone, customer number."""

import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple, NoReturn

import phonenumbers
from email_validator import EmailNotValidError, ValidatedEmail, validate_email

from models import Customer
from models.normal import INVISIBLE, normal_email, normal_words
from schemas.problems import refuse
from schemas.text import key_text, one_line


class Known(NamedTuple):
    shown: str
    """As typed: trimmed, NFC."""
    normal: str
    """As compared (domain: normal forms)."""


# Nothing but the domain can be at fault here. Two hyphens are in names that stand for others, which may be longer.
_PLAIN_ADDRESS = re.compile(r"([A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*)@(?!.*--)([A-Za-z0-9.-]+)")
FIELD_WORDS = {"name": "name", "email": "e-mail address", "phone": "phone number", "reference": "customer number"}
"""What each field is called inside a sentence."""


def read_name(value: object) -> Known | None:
    shown = one_line("Customer name", value, Customer.NAME_MAX)
    if shown is None:
        return None
    normal = normal_words(shown)
    # A ligature can stand for a whole phrase: what it unfolds to must fit the index as well.
    if len(normal) > 2 * Customer.NAME_MAX:
        refuse("too_long", f"Customer name must be {Customer.NAME_MAX} characters or fewer")
    if not any(unicodedata.category(character)[0] in "LNS" for character in normal):
        refuse("not_a_name", "Customer name must have a letter or a number in it")
    return Known(shown, normal)


def read_email(value: object) -> Known | None:
    shown = one_line("E-mail address", value, Customer.EMAIL_MAX)
    if shown is None:
        return None
    plain = _PLAIN_ADDRESS.fullmatch(shown)
    try:
        checked = f"{plain[1]}@{_checked_domain(plain[2])}" if plain else _checked(shown).normalized
    except EmailNotValidError:
        refuse("not_an_email", "Enter an e-mail address like name@example.com")
    return Known(shown, normal_email(checked))


def _checked(address: str) -> ValidatedEmail:
    """Raises EmailNotValidError."""
    return validate_email(address, check_deliverability=False)


@lru_cache(1_000)
def _checked_domain(domain: str) -> str:
    """Most people are at a few of them, and to check one takes ten times as long as the rest of an address."""
    return _checked(f"a@{domain}").domain


def read_phone(value: object, country: str) -> Known | None:
    """A phone number; `country` is where numbers without a country code belong. The normal form is E.164."""
    # Address books wrap numbers in invisible direction marks.
    shown = one_line("Phone number", INVISIBLE.sub("", value) if isinstance(value, str) else value, Customer.PHONE_MAX)
    if shown is None:
        return None
    try:
        number = phonenumbers.parse(shown, country)
    except phonenumbers.NumberParseException:
        _not_a_phone()
    if phonenumbers.is_possible_number_with_reason(number) != phonenumbers.ValidationResult.IS_POSSIBLE:
        _not_a_phone()
    if number.extension:
        # E.164 has no place for it: everybody at a company would be one customer.
        refuse("phone_extension", "Enter the phone number without its extension")
    return Known(shown, phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def read_reference(value: object) -> Known | None:
    shown = key_text("Customer number", value, Customer.REFERENCE_MAX)
    return (shown and Known(shown, shown)) or None


def _not_a_phone() -> NoReturn:
    refuse("not_a_phone", "Enter a phone number with its area code, like 020 7946 0018 or +44 20 7946 0018")


_NAME_AND_CONTACT = re.compile(
    r"(?P<name>.*?)\s*(?:<(?P<angle>[^<>]*)>|\((?P<round>\+?[0-9][0-9 ()/.-]{4,})\))", re.DOTALL
)
_LONGEST_LINE = Customer.NAME_MAX + Customer.EMAIL_MAX
_PHONE = re.compile(r"[^\w@]*[0-9][^\w@]*(?:[0-9][^\w@]*){4,}")


def read_line(line: str) -> dict[str, str]:
    """What one line says of a customer: Tim, tim@example.com, Tim <tim@example.com>, Tim (+44 7700 900123).

    Only takes the line apart; whether each part is right is for its own rule to say.
    """
    line = line.strip()
    if len(line) > _LONGEST_LINE:
        return {"name": line}
    if both := _NAME_AND_CONTACT.fullmatch(line):
        contact = both["angle"] if both["angle"] is not None else both["round"]
        return {"name": both["name"], _kind(contact, otherwise="email"): contact}
    return {_kind(line, otherwise="name"): line}


def line_of(given: Mapping[str, str]) -> str | None:
    """The line that says what is given, for `read_line` to take apart again; None where no line can."""
    contact = given.get("email") or given.get("phone") or ""
    name = given.get("name", "")
    line = f"{name} <{contact}>" if name and contact else name or contact
    return line if read_line(line) == given else None


def _kind(text: str, otherwise: str) -> str:
    if "@" in text:
        return "email"
    return "phone" if _PHONE.fullmatch(text) else otherwise


def normal_form(field: str, shown: str, country: str) -> str:
    """The normal form of what is shown for a customer: name, email, phone or reference."""
    readers = {"name": read_name, "email": read_email, "reference": read_reference}
    known = read_phone(shown, country) if field == "phone" else readers[field](shown)
    return known.normal if known else ""
