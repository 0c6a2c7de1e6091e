from typing import Any, ClassVar

from flask import current_app
from wtforms import HiddenField, PasswordField, SelectField, StringField

from forms.base import SchemaForm
from models import User
from schemas.account import Credentials, ForgottenPassword, PasswordChange, PasswordReset, Registration
from schemas.currencies import countries, currencies, time_zones
from schemas.problems import Schema

_LENGTH = "At least {} characters. A few words that nobody expects are best"


def _least() -> int:
    """How many characters the operator wants in a new password."""
    least: int = current_app.config["PASSWORD_MIN_LENGTH"]
    return least


class RegisterForm(SchemaForm):
    schema = Registration

    email = StringField("E-mail address")
    password = PasswordField("Password")
    shop_name = StringField("Name of your shop")
    country = SelectField("Country", validate_choice=False)
    currency = SelectField("Currency", validate_choice=False)
    time_zone = SelectField("Time zone", validate_choice=False)

    def __init__(self, **values: Any):
        super().__init__(**values)
        self.password.description = _LENGTH.format(_least())
        self.country.choices = list(countries().items())
        self.currency.choices = [(code, f"{code} – {name}") for code, name in currencies().items()]
        self.time_zone.choices = [
            (zone, zone.replace("_", " ")) for zone in sorted(time_zones()) if "/" in zone or zone == "UTC"
        ]

    def values(self) -> dict[str, Any]:
        return super().values() | {"min_length": _least()}


class LoginForm(SchemaForm):
    schema = Credentials

    email = StringField("E-mail address")
    password = PasswordField("Password")
    kept = HiddenField()
    """What was typed before it turned out that nobody was signed in."""
    kept_path = HiddenField()
    """Where that was sent to."""


class NewPasswordForm(SchemaForm):
    schema: ClassVar[type[Schema]] = PasswordReset

    new_password = PasswordField("New password", description=_LENGTH)

    def __init__(self, user: User, **values: Any):
        super().__init__(**values)
        self.new_password.description = self.new_password.description.format(_least())
        self._about = (user.email, user.shop.name)

    def values(self) -> dict[str, Any]:
        return super().values() | {"about": self._about, "min_length": _least()}


class PasswordForm(NewPasswordForm):
    schema = PasswordChange

    current_password = PasswordField("Current password")
    new_password = PasswordField("New password", description=f"{_LENGTH}. Signs out every other browser")


class ForgottenForm(SchemaForm):
    schema = ForgottenPassword

    email = StringField("E-mail address")
