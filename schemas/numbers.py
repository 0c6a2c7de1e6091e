"""Whole numbers as they come in: typed into a form, or as JSON's numbers."""

import re

from schemas.problems import refuse


def read_whole_number(label: str, value: object, most: int) -> int | None:
    """A number from 1 to `most`; None when blank. Text may have thousands separators."""
    text = value.strip() if isinstance(value, str) else value
    if text in ("", None):
        return None
    if isinstance(text, str):
        digits = text.replace(",", "") if re.fullmatch(r"[0-9]{1,3}(,[0-9]{3})+", text) else text
        text = int(digits) if re.fullmatch(r"[0-9]{1,20}", digits) else None
    if not isinstance(text, int) or isinstance(text, bool) or not 1 <= text <= most:
        refuse("not_whole_number", f"{label} must be a whole number from 1 to {most:,}")
    return text
