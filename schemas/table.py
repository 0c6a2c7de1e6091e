"""Tables of purchases and of customers as they come and go in files: CSV with a line of headers."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple

from models import Customer, Purchase
from schemas.money import Money
from schemas.purchase import BUYER_FIELDS
from schemas.table_notation import Notation
from schemas.table_rows import ROW_FIELDS

COLUMNS = (
    *("id", "purchased_on", "customer_id", *BUYER_FIELDS),
    *("item", "quantity", "amount", "currency", "note", "external_id", "status", "source", "recorded_at"),
)
"""Of a table that is written; those that are called like a field are read back."""
CUSTOMER_COLUMNS = (
    *("customer_id", *BUYER_FIELDS, "note"),
    *("purchases", "first_purchased_on", "last_purchased_on", "created_at", "updated_at"),
)
_ROW_MAX = 1_000_000
"""Characters."""
_NOT_CSV = {
    "unexpected end of data": "A quotation mark is opened here and never closed",
    "field larger than field limit": "A cell is far too long here. Look for a quotation mark that is never closed",
    "expected after": "A quotation mark ends a cell too early here. Write two of them for one inside a cell",
    "new-line character": "A line ends in an unusual way here. Save the file as CSV again",
}
"""What Python's reader says, and how a person puts it."""
_SHOWN = 30
_COLUMNS_MAX = 200
_AS_TYPED = Notation()
_PART = 16_000
"""Characters of a table that are sent at once."""


class TableError(Exception):
    """The table cannot be read at all; the message says what to do."""


class Row(NamedTuple):
    line: int
    """Where the row begins in the file, the headers being line 1."""
    fields: dict[str, str]
    """Those of ROW_FIELDS that the table gives."""
    cells: Sequence[str] = ()
    """The row as it stands in the file, as far as it could be taken apart."""
    fault: str | None = None
    """Why the row could not be taken apart, if it could not."""


class Table:
    """A CSV file, read once from its beginning. Raises TableError when its first line names no columns."""

    def __init__(self, lines: Iterable[str], delimiter: str = ","):
        self._row_length = 0
        self._reader = csv.reader(self._measured(lines), strict=True, delimiter=delimiter)
        try:
            self.headers = [header.strip() for header in next(self._reader, [])]
        except csv.Error as error:
            raise TableError(f"The first line cannot be read. {_in_words(error)}") from None
        if not any(self.headers):
            raise TableError("The file is empty. Its first line must name the columns")
        if len(self.headers) > _COLUMNS_MAX:
            count = f"{len(self.headers):,} columns where at most {_COLUMNS_MAX} can be read"
            raise TableError(f"The first line names {count}. Look whether the cells are separated by something else")

    def rows(
        self, places: Mapping[str, int], constants: Mapping[str, str], notation: Notation = _AS_TYPED
    ) -> Iterator[Row]:
        """`places` says in which cell each field stands; `constants` are the same in every row.

        Raises TableError at a row that is too long for one.
        """
        while True:
            line, self._row_length = self._reader.line_num + 1, 0
            try:
                cells = next(self._reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield Row(line, {}, [], _in_words(error))
                continue
            if not cells or not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(self.headers):
                width = f"{len(cells)} cells where the first line names {len(self.headers)} columns"
                yield Row(line, {}, cells, f"This row has {width}")
                continue
            fields = {name: unmasked(cells[place]) for name, place in places.items()}
            yield Row(line, dict(constants) | _as_typed(fields, notation), cells)

    def _measured(self, lines: Iterable[str]) -> Iterator[str]:
        for line in lines:
            self._row_length += len(line)
            if self._row_length > _ROW_MAX:
                found = f"Line {self._reader.line_num + 1:,} is part of a row of more than {_ROW_MAX:,} characters"
                raise TableError(f"{found}. Look whether the lines end, and whether each quotation mark is closed")
            yield line


def _in_words(error: csv.Error) -> str:
    return next((words for part, words in _NOT_CSV.items() if part in str(error)), f"This is not CSV: {error}")


def _as_typed(fields: dict[str, str], notation: Notation) -> dict[str, str]:
    if notation is _AS_TYPED:
        return fields
    ways = {"amount": notation.amount, "unit_price": notation.amount, "purchased_on": notation.day}
    return {name: ways[name](cell) if name in ways else cell for name, cell in fields.items()}


def find_places(headers: list[str], columns: Mapping[str, str], constants: Mapping[str, str]) -> dict[str, int]:
    """In which cell of a row each field stands.

    `columns` gives the header of a field's column; other columns whose header is the name of a field are taken as
    that field. `constants` are the same in every row. Raises TableError.
    """
    if unknown := sorted((columns.keys() | constants.keys()) - set(ROW_FIELDS)):
        raise TableError(f"“{unknown[0]}” is not a field. The fields are {', '.join(ROW_FIELDS)}")
    if both := sorted(columns.keys() & constants.keys()):
        raise TableError(f"“{both[0]}” is given both as a column and as a text. Give it once")
    if double := sorted(constants.keys() & set(headers) - set(columns.values())):
        raise TableError(f"The file has a column “{double[0]}” of its own. Leave the text for it out")
    taken = set(columns.values())
    own_names = {name: name for name in ROW_FIELDS if name in headers and name not in taken and name not in columns}
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


def write_table(lines: Iterable[tuple[Purchase, Customer]]) -> Iterator[str]:
    """Purchases as CSV, some hundred lines at a time. `Table` reads it back without loss."""
    return write_rows(COLUMNS, (_cells(purchase, customer) for purchase, customer in lines))


def write_customers(lines: Iterable[tuple[Customer, int, date | None, date | None]]) -> Iterator[str]:
    """Customers as CSV, each with how many purchases they made, the first day and the last."""
    return write_rows(CUSTOMER_COLUMNS, (_customer_cells(*line) for line in lines))


def write_rows(columns: Iterable[str], rows: Iterable[Iterable[object]]) -> Iterator[str]:
    """Any cells as CSV: none is taken for a formula, and each comes back as it was."""
    part = io.StringIO()
    # In quotes, so that fewer readers find cells inside of cells.
    writer = csv.writer(part, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(map(_masked, columns))
    for row in rows:
        writer.writerow(["" if value is None else _masked(str(value)) for value in row])
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
        "recorded_at": _instant(purchase.recorded_at),
        "amount": amount,
    }
    for column in COLUMNS:
        source = customer if column in BUYER_FIELDS else purchase
        yield known[column] if column in known else getattr(source, column)


def _customer_cells(customer: Customer, purchases: int, first: date | None, last: date | None) -> Iterator[object]:
    yield customer.public_id
    yield from (getattr(customer, column) for column in (*BUYER_FIELDS, "note"))
    yield from (purchases, first, last, _instant(customer.created_at), _instant(customer.updated_at))


def _instant(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


# A spreadsheet takes what begins like this for a formula (ASVS 1.2.10; the last four are full-width): an apostrophe
# before it makes it a text. One that expects semicolons or tabs finds cells inside of cells, also after a line break.
_FORMULA = r"(?=[=+\-@\t\r\uff1d\uff0b\uff0d\uff20])"
_BARE = re.compile(rf"(^|[;\t\r\n])('*){_FORMULA}")
_MASKED = re.compile(rf"(^|[;\t\r\n])'('*){_FORMULA}")


def _masked(cell: str) -> str:
    return _BARE.sub(r"\1'\2", cell)


def unmasked(cell: str) -> str:
    """The cell as it was before it was made harmless."""
    return _MASKED.sub(r"\1\2", cell) if "'" in cell else cell
