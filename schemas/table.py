"""Tables of purchases as they come and go in files: CSV with a line of headers."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from models import Customer, Purchase
from schemas.money import Money
from schemas.purchase import BUYER_FIELDS, FLAT_FIELDS

COLUMNS = (
    *("id", "purchased_on", "customer_id", *BUYER_FIELDS),
    *("item", "quantity", "amount", "currency", "note", "external_id", "status", "source", "recorded_at"),
)
"""Of a table that is written; those that are called like a field are read back."""
_SHOWN = 30
_PART = 16_000
"""Characters of a table that are sent at once."""


class TableError(Exception):
    """The table cannot be read at all; the message says what to do."""


class Row(NamedTuple):
    line: int
    """Where the row begins in the file, the headers being line 1."""
    fields: dict[str, str]
    """The flat fields of PurchaseDetails."""
    fault: str | None = None
    """Why the row could not be taken apart, if it could not."""


def read_table(lines: Iterable[str], columns: Mapping[str, str], constants: Mapping[str, str]) -> Iterator[Row]:
    """The rows of a CSV file.

    `columns` gives the header of a field's column; other columns whose header is the name of a field are taken as
    that field. `constants` are the same in every row. Raises TableError before the first row.
    """
    reader = csv.reader(lines, strict=True)
    try:
        headers = [header.strip() for header in next(reader, [])]
    except csv.Error as error:
        raise TableError(f"The first line cannot be read as CSV: {error}") from None
    places = _places(headers, columns, constants)
    return _rows(reader, len(headers), places, dict(constants))


def _places(headers: list[str], columns: Mapping[str, str], constants: Mapping[str, str]) -> dict[str, int]:
    """The place of each field's cell in a row."""
    if not any(headers):
        raise TableError("The file is empty. Its first line must name the columns")
    if unknown := sorted((columns.keys() | constants.keys()) - set(FLAT_FIELDS)):
        raise TableError(f"“{unknown[0]}” is not a field. The fields are {', '.join(FLAT_FIELDS)}")
    if both := sorted(columns.keys() & constants.keys()):
        raise TableError(f"“{both[0]}” is given both as a column and as a text. Give it once")
    if double := sorted(constants.keys() & set(headers) - set(columns.values())):
        raise TableError(f"The file has a column “{double[0]}” of its own. Leave the text for it out")
    taken = set(columns.values())
    own_names = {name: name for name in FLAT_FIELDS if name in headers and name not in taken and name not in columns}
    wanted = own_names | dict(columns)
    for header in wanted.values():
        if headers.count(header) != 1:
            times = "twice" if header in headers else "not"
            found = f"The column “{_shown([header])}” is {times} in the file"
            raise TableError(f"{found}. Its columns are {_shown(headers)}")
    if not wanted:
        raise TableError(f"No column is matched to a field. The columns are {_shown(headers)}")
    return {name: headers.index(header) for name, header in wanted.items()}


def _shown(headers: list[str]) -> str:
    """The headers as they may be printed: no control characters, and no end of them."""
    names = ["".join(part if part.isprintable() else "�" for part in header[:60]) for header in headers[:_SHOWN]]
    return ", ".join(names) + (", …" if len(headers) > _SHOWN else "")


def _rows(reader, width: int, places: dict[str, int], constants: dict[str, str]) -> Iterator[Row]:  # type: ignore[no-untyped-def]  # csv names no type for its reader
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Row(line, {}, f"This line cannot be read as CSV: {error}")
            continue
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != width:
            yield Row(line, {}, f"This row has {len(cells)} cells where the first line names {width} columns")
            continue
        yield Row(line, constants | {name: _unmasked(cells[place]) for name, place in places.items()})


def write_table(lines: Iterable[tuple[Purchase, Customer]]) -> Iterator[str]:
    """Purchases as CSV, some hundred lines at a time. `read_table` reads it back without loss."""
    part = io.StringIO()
    # In quotes, so that fewer readers find cells inside of cells.
    writer = csv.writer(part, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for purchase, customer in lines:
        writer.writerow([_masked(str(value)) for value in _cells(purchase, customer)])
        if part.tell() >= _PART:
            yield part.getvalue()
            part.seek(0)
            part.truncate()
    yield part.getvalue()


def _cells(purchase: Purchase, customer: Customer) -> Iterator[object]:
    minor, currency = purchase.amount_minor, purchase.currency
    amount = Money(minor, currency).decimal if minor is not None and currency is not None else None
    known = {
        "id": purchase.public_id,
        "customer_id": customer.public_id,
        "status": "recorded" if purchase.voided_at is None else "void",
        "recorded_at": purchase.recorded_at.isoformat().replace("+00:00", "Z"),
        "amount": amount,
    }
    for column in COLUMNS:
        source = customer if column in BUYER_FIELDS else purchase
        value = known[column] if column in known else getattr(source, column)
        yield "" if value is None else value


# A spreadsheet takes what begins like this for a formula (ASVS 1.2.10; the last four are full-width): an apostrophe
# before it makes it a text. One that expects semicolons or tabs finds cells inside of cells, also after a line break.
_FORMULA = r"(?=[=+\-@\t\r\uff1d\uff0b\uff0d\uff20])"
_BARE = re.compile(rf"(^|[;\t\r\n])('*){_FORMULA}")
_MASKED = re.compile(rf"(^|[;\t\r\n])'('*){_FORMULA}")


def _masked(cell: str) -> str:
    return _BARE.sub(r"\1'\2", cell)


def _unmasked(cell: str) -> str:
    return _MASKED.sub(r"\1\2", cell) if "'" in cell else cell
