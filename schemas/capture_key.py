"""The id under which a purchase is captured exactly once."""

import re

from models import Purchase
from schemas.problems import Problem, Refused

KEY_ADVICE = f"A key must be 1 to {Purchase.KEY_MAX} printable ASCII characters"
_HEADER_ADVICE = (
    "Give one Idempotency-Key, bare or in quotes, and nothing beside it. "
    "A key that begins with a quote, or has a comma before a space or a quote, stands in quotes"
)
_KEY = re.compile(rf"[\x21-\x7e](?:[\x20-\x7e]{{0,{Purchase.KEY_MAX - 2}}}[\x21-\x7e])?")
_QUOTED = re.compile(r'[ \t]*"((?:[^"\\]|\\["\\])*)"[ \t]*')
# Headers that are sent twice arrive as one, joined by a comma (RFC 9110, 5.3). A comma alone may be the key's own.
_NOT_ONE = re.compile(r'[ \t]*"|.*,[ \t"]')


def read_key(value: object) -> str | None:
    """1 to 255 printable ASCII characters; None for anything else."""
    return value if isinstance(value, str) and _KEY.fullmatch(value) else None


def read_key_header(text: str) -> str:
    """The key in a header, bare or as a quoted string (RFC 8941, 3.3.3). Raises Refused."""
    quoted = _QUOTED.fullmatch(text)
    if quoted is None and _NOT_ONE.match(text):
        raise Refused([Problem((), "not_one_key", _HEADER_ADVICE)])
    key = read_key(re.sub(r"\\(.)", r"\1", quoted[1]) if quoted else text)
    if key is None:
        raise Refused([Problem((), "not_a_key", KEY_ADVICE)])
    return key
