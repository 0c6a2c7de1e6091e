from typing import Any

from wtforms import SelectField, SelectMultipleField, StringField

from forms.base import SchemaForm
from schemas.token import TokenDetails

_SCOPES = {
    "purchases:read": "See purchases",
    "purchases:write": "Record, change and void purchases",
    "customers:read": "See customers",
    "customers:write": "Add, change and merge customers",
    "reports:read": "See reports",
}
_EXPIRES = {"": "Never", "30": "In 30 days", "90": "In 90 days", "365": "In 1 year"}


class TokenForm(SchemaForm):
    schema = TokenDetails

    name = StringField("Name")
    scopes = SelectMultipleField("What it may do", default=list(_SCOPES), validate_choice=False)
    expires_in_days = SelectField("Expires", validate_choice=False)

    def __init__(self, **values: Any):
        super().__init__(**values)
        self.scopes.choices = list(_SCOPES.items())
        self.expires_in_days.choices = list(_EXPIRES.items())
