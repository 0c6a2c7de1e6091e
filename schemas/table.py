"""Tables of purchases and of customers as they come and go in files: CSV with a line of headers."""

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache
from itertools import chain
from typing import NamedTuple

from models import Customer
from models.public_id import CUSTOMER, PURCHASE, encode_text
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
_PART = 64_000
"""Characters of a table that are sent at once."""


class ListedPurchase(NamedTuple):
    """A purchase, with its customer as they are known now."""

    id: str
    """A UUID."""
    purchased_on: str
    customer_id: str
    """A UUID."""
    name: str | None
    email: str | None
    phone: str | None
    reference: str | None
    item: str
    quantity: int
    amount_minor: int | None
    currency: str | None
    note: str | None
    external_id: str | None
    is_void: bool
    source: str
    recorded_at: datetime


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


def write_table(purchases: Iterable[ListedPurchase]) -> Iterator[str]:
    """Purchases as CSV, some hundred lines at a time. `Table` reads it back without loss."""
    return _write(COLUMNS, map(_cells, purchases))


def write_customers(lines: Iterable[tuple[Customer, int, date | None, date | None]]) -> Iterator[str]:
    """Customers as CSV, each with how many purchases they made, the first day and the last."""
    return _write(CUSTOMER_COLUMNS, (_customer_cells(*line) for line in lines))


def write_rows(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    """Any texts as CSV: none is taken for a formula, and each comes back as it was."""
    return _write(map(_typed, columns), (map(_typed, row) for row in rows))


def _write(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    """The cells are ready to stand in quotes: all do, so that fewer readers find cells inside of cells."""
    part, length = [], 0
    for row in chain([columns], rows):
        line = '"' + '","'.join(row) + '"\r\n'
        part.append(line)
        length += len(line)
        if length >= _PART:
            yield "".join(part)
            part, length = [], 0
    yield "".join(part)


def _cells(line: ListedPurchase) -> Sequence[str]:
    # What people typed is made harmless; what else there is holds no quotes and begins no formula.
    purchase_id, on, customer_id, name, email, phone, reference, item = line[:8]
    quantity, minor, currency, note, external_id, is_void, source, recorded_at = line[8:]
    return (
        encode_text(PURCHASE, purchase_id),
        on,
        encode_text(CUSTOMER, customer_id),
        _typed(name),
        _typed(email),
        _typed(phone),
        _typed(reference),
        _typed(item),
        str(quantity),
        _amount(minor, currency),
        currency or "",
        _typed(note),
        _typed(external_id),
        "void" if is_void else "recorded",
        source,
        _instant(recorded_at),
    )


def _customer_cells(customer: Customer, purchases: int, first: date | None, last: date | None) -> Sequence[str]:
    typed = (_typed(getattr(customer, column)) for column in (*BUYER_FIELDS, "note"))
    days = (str(day) if day else "" for day in (first, last))
    instants = (_instant(at) for at in (customer.created_at, customer.updated_at))
    return (customer.public_id, *typed, str(purchases), *days, *instants)


@lru_cache(10_000)
def _amount(minor: int | None, currency: str | None) -> str:
    money = Money.of(minor, currency)
    return str(money.decimal) if money else ""


def _instant(at: datetime) -> str:
    return f"{at.replace(tzinfo=None).isoformat()}Z"  # all are in UTC


# A spreadsheet takes what begins like this for a formula (ASVS 1.2.10; the last four are full-width): an apostrophe
# before it makes it a text. One that expects semicolons or tabs finds cells inside of cells, also after a line break.
_FORMULA = r"[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]"
_BARE = re.compile(rf"(^|[;\t\r\n])('*)(?={_FORMULA})")
_MASKED = re.compile(rf"(^|[;\t\r\n])'('*)(?={_FORMULA})")
_BEGINS = re.compile(rf"'*{_FORMULA}")
_INSIDE = re.compile(r'[;\t\r\n"]')


def _typed(cell: str | None) -> str:
    """What somebody typed, as it stands in quotes."""
    if not cell:
        return ""
    if _INSIDE.search(cell):  # hardly ever, and to replace anything takes ten times as long
        return _BARE.sub(r"\1'\2", cell).replace('"', '""')
    return f"'{cell}" if _BEGINS.match(cell) else cell


def unmasked(cell: str) -> str:
    """The cell as it was before it was made harmless."""
    return _MASKED.sub(r"\1\2", cell) if "'" in cell else cell
