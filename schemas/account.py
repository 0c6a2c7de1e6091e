"""Accounts and the shops they open."""

from typing import Annotated

from pydantic import PlainValidator
from pydantic_core import PydanticCustomError

from models import Shop, User
from schemas.contact import Known, read_email
from schemas.currencies import countries, currencies, time_zones
from schemas.problems import Schema, refuse
from schemas.text import is_blank, one_line


def _account_email(value: object) -> Known:
    email = read_email(value)
    if email is None:
        refuse("blank", "Enter your e-mail address")
    return email


def _new_password(value: object) -> str:
    """Any characters, nothing trimmed (ASVS 6.2); what no hash could take is refused before hashing."""
    if not isinstance(value, str) or not value:
        refuse("blank", "Enter a password")
    if len(value) < User.PASSWORD_MIN:
        refuse("too_short", f"Password must be at least {User.PASSWORD_MIN} characters long")
    if len(value) > User.PASSWORD_MAX:
        refuse("too_long", f"Password must be {User.PASSWORD_MAX} characters or fewer")
    if "\0" in value or any("\ud800" <= character <= "\udfff" for character in value):
        refuse("unreadable_character", "Password has a character that could not be read. Type it again")
    return value


def _shop_name(value: object) -> str:
    name = one_line("Shop name", value, Shop.NAME_MAX)
    if name is None:
        refuse("blank", "Enter the name of your shop")
    return name


def _country(value: object) -> str:
    if not isinstance(value, str) or value not in countries():
        refuse("unknown_country", "Choose your country")
    return value


def _shop_currency(value: object) -> str:
    if not isinstance(value, str) or value not in currencies():
        refuse("unknown_currency", "Choose a currency")
    return value


def _time_zone(value: object) -> str:
    if not isinstance(value, str) or value not in time_zones():
        refuse("unknown_time_zone", "Choose a time zone")
    return value


class Registration(Schema):
    """A new account and the shop it opens."""

    email: Annotated[Known, PlainValidator(_account_email)] = None  # type: ignore[assignment]  # the rule refuses it
    password: Annotated[str, PlainValidator(_new_password)] = ""
    shop_name: Annotated[str, PlainValidator(_shop_name)] = ""
    country: Annotated[str, PlainValidator(_country)] = ""
    currency: Annotated[str, PlainValidator(_shop_currency)] = ""
    time_zone: Annotated[str, PlainValidator(_time_zone)] = ""


def _typed_email(value: object) -> str:
    if is_blank(value) or not isinstance(value, str):
        refuse("blank", "Enter your e-mail address")
    # Whether an address is known must not show: one that could not be anybody's is looked up like any other.
    try:
        known = read_email(value)
    except PydanticCustomError:
        known = None
    return known.normal if known else ""


def _typed_password(value: object) -> str:
    if not isinstance(value, str) or not value:
        refuse("blank", "Enter your password")
    return value


class Credentials(Schema):
    """What is typed to sign in. `email` is in its normal form; whether both belong together is for the service."""

    email: Annotated[str, PlainValidator(_typed_email)] = ""
    password: Annotated[str, PlainValidator(_typed_password)] = ""


class PasswordChange(Schema):
    current_password: Annotated[str, PlainValidator(_typed_password)] = ""
    new_password: Annotated[str, PlainValidator(_new_password)] = ""
