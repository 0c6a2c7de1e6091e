"""The id under which a purchase is captured exactly once."""

import re

from models import Purchase

_KEY = re.compile(rf"[\x21-\x7e](?:[\x20-\x7e]{{0,{Purchase.KEY_MAX - 2}}}[\x21-\x7e])?")


def read_key(value: object) -> str | None:
    """1 to 255 printable ASCII characters; None for anything else."""
    return value if isinstance(value, str) and _KEY.fullmatch(value) else None
