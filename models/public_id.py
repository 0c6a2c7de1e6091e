"""Ids as the outside sees them: TypeIDs, a prefix and a UUID in base32 (`cus_01h455vb4pex5vsknk084sn02q`).

Source: the TypeID specification 0.3, https://github.com/jetify-com/typeid.
"""

import re
from itertools import product
from uuid import UUID

CUSTOMER = "cus"
PURCHASE = "pur"
TOKEN = "tok"  # noqa: S105  (a prefix, no secret)
ACTION = "act"
IMPORT = "imp"

_DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"
_THREE_DIGITS = ["".join(digits) for digits in product(_DIGITS, repeat=3)]
_SUFFIX = re.compile(f"[0-7][{_DIGITS}]{{25}}")


def pattern(prefix: str) -> str:
    """The regular expression of such ids."""
    return f"{prefix}_{_SUFFIX.pattern}"


def encode(prefix: str, id: UUID) -> str:
    return _encode(prefix, id.int)


def encode_text(prefix: str, id: str) -> str:
    """`id` is the UUID as a database writes it, with or without hyphens."""
    return _encode(prefix, int(id.replace("-", ""), 16))


def _encode(prefix: str, number: int) -> str:
    # Without a loop, as an export has millions of them: the first two digits, then three at a time.
    n, three = number, _THREE_DIGITS
    return (
        f"{prefix}_{three[n >> 120][1:]}{three[n >> 105 & 32767]}{three[n >> 90 & 32767]}{three[n >> 75 & 32767]}"
        f"{three[n >> 60 & 32767]}{three[n >> 45 & 32767]}{three[n >> 30 & 32767]}{three[n >> 15 & 32767]}"
        f"{three[n & 32767]}"
    )


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
