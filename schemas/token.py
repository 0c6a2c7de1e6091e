"""API tokens: what they may do, and for how long."""

from typing import Annotated

from pydantic import PlainValidator

from models import ApiToken
from schemas.numbers import read_whole_number
from schemas.problems import Schema, refuse
from schemas.text import one_line

_DAYS_MAX = 3_650


def _name(value: object) -> str:
    name = one_line("Token name", value, ApiToken.NAME_MAX)
    if name is None:
        refuse("blank", "Enter a name for the token, like Till 7")
    return name


def _scopes(value: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not value:
        refuse("blank", "Choose what the token may do")
    if any(scope not in ApiToken.SCOPES for scope in value):
        refuse("unknown_scope", f"Choose what the token may do from {', '.join(ApiToken.SCOPES)}")
    return tuple(scope for scope in ApiToken.SCOPES if scope in value)


def _expires_in_days(value: object) -> int | None:
    return read_whole_number("Days until the token expires", value, _DAYS_MAX)


class TokenDetails(Schema):
    """A token as it is asked for."""

    name: Annotated[str, PlainValidator(_name)] = ""
    scopes: Annotated[tuple[str, ...], PlainValidator(_scopes)] = ()
    """In the order of ApiToken.SCOPES, each once."""
    expires_in_days: Annotated[int | None, PlainValidator(_expires_in_days)] = None
    """None for a token that lives until it is revoked."""
