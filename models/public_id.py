"""Ids as the outside sees them: TypeIDs, a prefix and a UUID in base32 (`cus_01h455vb4pex5vsknk084sn02q`).

Source: the TypeID specification 0.3, https://github.com/jetify-com/typeid.
"""

import re
from uuid import UUID

CUSTOMER = "cus"
PURCHASE = "pur"
TOKEN = "tok"  # noqa: S105  (a prefix, no secret)
ACTION = "act"
IMPORT = "imp"

_DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"
_SUFFIX = re.compile(f"[0-7][{_DIGITS}]{{25}}")


def pattern(prefix: str) -> str:
    """The regular expression of such ids."""
    return f"{prefix}_{_SUFFIX.pattern}"


def encode(prefix: str, id: UUID) -> str:
    number = id.int
    return f"{prefix}_" + "".join(_DIGITS[number >> shift & 31] for shift in range(125, -1, -5))


def is_id(prefix: str, text: str) -> bool:
    found, _, suffix = text.partition("_")
    return found == prefix and _SUFFIX.fullmatch(suffix) is not None


def decode(prefix: str, text: str) -> UUID:
    """Raises ValueError for anything but the canonical text of such an id."""
    if not is_id(prefix, text):
        raise ValueError(f"Not an id that starts with {prefix}_")
    number = 0
    for digit in text.removeprefix(f"{prefix}_"):
        number = number << 5 | _DIGITS.index(digit)
    return UUID(int=number)
