"""Writes the table of the settings in docs/operate.md, from what config.py says of them."""

from pathlib import Path
from typing import get_args

from pydantic.fields import FieldInfo

from config import Settings

PAGE = Path(__file__).parents[1] / "docs" / "operate.md"
_BEGIN = "<!-- Made by python -m deploy.settings_table -->\n"
_END = "<!-- End -->\n"


def main() -> None:
    PAGE.write_text(with_table(PAGE.read_text()))


def with_table(page: str) -> str:
    before, _, rest = page.partition(_BEGIN)
    return before + _BEGIN + _table() + _END + rest.partition(_END)[2]


def _table() -> str:
    rows = [_row(name, field) for name, field in Settings.model_fields.items()]
    return "| setting | if not set | meaning |\n|---|---|---|\n" + "".join(rows)


def _row(name: str, field: FieldInfo) -> str:
    default = f"`{field.default}`" if field.default != "" else ""
    others = "".join(f", or `{choice}`" for choice in get_args(field.annotation) if choice != field.default)
    meaning = " ".join((field.description or "").split()).replace("<", "&lt;")
    return f"| `{name.upper()}` | {default}{others} | {meaning} |\n"


if __name__ == "__main__":
    main()
