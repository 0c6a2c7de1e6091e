"""Rules for text, whatever it means."""

import re
import unicodedata
from typing import Any

from models.normal import INVISIBLE
from schemas.problems import refuse

# A decoder puts U+FFFD where bytes were no text; a lone surrogate is half a character. Neither can be read back.
_UNREADABLE = re.compile("[\ud800-\udfff\ufffd]")
# Tab and line breaks are white space; the other control characters have no place in a text (NUL stops PostgreSQL).
_CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f]")


# Composing accents takes quadratic time: what can never become short enough is not composed.
_COMPOSES_TO = 4


def text_schema(max_length: int, *, is_required: bool = False) -> dict[str, Any]:
    """The JSON schema of a text, as far as one can say it: for OpenAPI."""
    kind: dict[str, Any] = {"type": "string"} if is_required else {"type": ["string", "null"]}
    shape = {"maxLength": max_length, "pattern": r"^[^\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f]*$"}
    return kind | shape | ({"minLength": 1} if is_required else {})


def is_blank(value: object) -> bool:
    """Whether nothing visible is given."""
    if isinstance(value, str):
        return not (value if value.isascii() else INVISIBLE.sub("", value)).strip()
    return value is None


def one_line(label: str, value: object, max_length: int) -> str | None:
    """Text as it is kept: NFC, trimmed, white space collapsed; None when nothing visible is left."""
    if value is None:
        return None
    return _composed(label, " ".join(_readable(label, value).split()), max_length)


def many_lines(label: str, value: object, max_length: int) -> str | None:
    """Like `one_line`, but line breaks stay."""
    if value is None:
        return None
    lines = _readable(label, value).splitlines()
    return _composed(label, "\n".join(line.rstrip() for line in lines).strip(), max_length)


def key_text(label: str, value: object, max_length: int) -> str | None:
    """One line that is compared exactly, such as a customer number: what cannot be seen is refused."""
    text = one_line(label, value, max_length)
    if text and INVISIBLE.search(text):
        refuse("invisible_character", f"{label} has an invisible character. Type it again")
    return text


def _readable(label: str, value: object) -> str:
    if not isinstance(value, str):
        refuse("not_text", f"{label} must be text")
    if value.isascii() and value.isprintable():
        return value  # as most are: neither of the two is in it
    if _UNREADABLE.search(value):
        refuse("unreadable_character", f"{label} has a character that could not be read. Type it again")
    if _CONTROL.search(value):
        refuse("control_character", f"{label} has a control character. Type it again")
    return value


def _composed(label: str, text: str, max_length: int) -> str | None:
    if not text.isascii() and len(text) <= _COMPOSES_TO * max_length:
        text = unicodedata.normalize("NFC", text)
    if len(text) > max_length:
        refuse("too_long", f"{label} must be {max_length:,} characters or fewer")
    return None if is_blank(text) else text
