"""What a new password must be."""

import re
from collections.abc import Iterable
from typing import Any

from models import User
from schemas.problems import refuse

_HARD_ENOUGH = 2
"""Of zxcvbn's scores, 0 to 4: about a million guesses."""
# Its time grows steeply with the length; what begins so long and is easy to guess is easy as a whole.
_LOOKED_AT = 32


def read_new_password(value: object, about: Iterable[str], least: int) -> str:
    """Any characters, nothing trimmed (ASVS 6.2); what no hash could take is refused before hashing.

    It has `least` characters or more. What the user is known by, `about`, is no part of one that is hard to guess.
    """
    if not isinstance(value, str) or not value:
        refuse("blank", "Enter a password")
    if len(value) < least:
        refuse("too_short", f"Password must be at least {least} characters long")
    if len(value) > User.PASSWORD_MAX:
        refuse("too_long", f"Password must be {User.PASSWORD_MAX} characters or fewer")
    if "\0" in value or any("\ud800" <= character <= "\udfff" for character in value):
        refuse("unreadable_character", "Password has a character that could not be read. Type it again")
    _check_that_it_is_hard_to_guess(value, about)
    return value


def _check_that_it_is_hard_to_guess(password: str, about: Iterable[str]) -> None:
    known = {word for text in about for word in (text, *re.split(r"\W+", text)) if word}
    # Its lists of words are 12 MB, and hardly ever asked.
    from zxcvbn import zxcvbn  # noqa: PLC0415

    found = zxcvbn(password[:_LOOKED_AT], user_inputs=sorted(known))
    if found["score"] < _HARD_ENOUGH:
        words = ("Password is easy to guess", _reason(found), "Add a word or two that nobody expects")
        refuse("guessable", ". ".join(filter(None, words)))


def _reason(found: dict[str, Any]) -> str:
    if any(match.get("dictionary_name") == "user_inputs" for match in found["sequence"]):
        return "It is like your e-mail address or the name of your shop"
    warning: str = found["feedback"]["warning"]
    return warning.rstrip(".")
