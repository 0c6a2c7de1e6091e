"""Accounts and the shops they open."""

from typing import Annotated

from pydantic import PlainValidator, ValidationInfo
from pydantic_core import PydanticCustomError

from models import Shop, User
from schemas.contact import Known, read_email
from schemas.currencies import countries, currencies, time_zones
from schemas.password import read_new_password
from schemas.problems import Schema, refuse
from schemas.text import is_blank, one_line


def _account_email(value: object) -> Known:
    email = read_email(value)
    if email is None:
        refuse("blank", "Enter your e-mail address")
    return email


def _new_password(value: object, info: ValidationInfo) -> str:
    email: Known | None = info.data.get("email")
    about = [email.shown] if email else []
    about += [info.data.get("shop_name", ""), *info.data.get("about", ())]
    return read_new_password(value, about, info.data.get("min_length", User.PASSWORD_MIN))


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


class NewPassword(Schema):
    """What brings a password along that nobody has yet."""

    min_length: int = User.PASSWORD_MIN
    """How long it is at least, where the operator wants it longer."""


class Registration(NewPassword):
    """A new account and the shop it opens."""

    email: Annotated[Known, PlainValidator(_account_email)] = None  # type: ignore[assignment]  # the rule refuses it
    shop_name: Annotated[str, PlainValidator(_shop_name)] = ""
    password: Annotated[str, PlainValidator(_new_password)] = ""
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


class PasswordChange(NewPassword):
    about: tuple[str, ...] = ()
    """What the user is known by."""
    current_password: Annotated[str, PlainValidator(_typed_password)] = ""
    new_password: Annotated[str, PlainValidator(_new_password)] = ""


class PasswordReset(NewPassword):
    """A new password in place of a forgotten one."""

    about: tuple[str, ...] = ()
    new_password: Annotated[str, PlainValidator(_new_password)] = ""


class ForgottenPassword(Schema):
    """Whose password is forgotten: `email` is in its normal form."""

    email: Annotated[str, PlainValidator(_typed_email)] = ""
