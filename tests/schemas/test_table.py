"""Tables: no cell is taken for a formula, and every cell comes back as it was."""

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.table import COLUMNS, ListedPurchase, Table, TableError, find_places, write_table

STARTS = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
ID = UUID("01890000-0000-7000-8000-000000000000")


def line(note: str | None = None) -> ListedPurchase:
    return ListedPurchase(
        id=str(ID),
        purchased_on="2026-11-20",
        customer_id=ID.hex,
        name="Tim",
        email=None,
        phone=None,
        reference=None,
        item="a book",
        quantity=1,
        amount_minor=None,
        currency=None,
        note=note,
        external_id=None,
        is_void=False,
        source="web",
        recorded_at=datetime(2026, 11, 21, tzinfo=UTC),
    )


def written(note: str | None = None) -> str:
    return "".join(write_table([line(note)]))


def test_a_row_without_end_is_refused_before_it_fills_the_memory() -> None:
    for row in ("," * 1_000_001, ',"\n"' * 300_000):
        table = Table(io.StringIO(f"name,item\nTim,a\n{row}", newline=""))
        with pytest.raises(TableError, match="is part of a row of more than 1,000,000 characters"):
            list(table.rows({}, {}))


def read_back(table: str) -> str:
    read = Table(io.StringIO(table, newline=""))
    [row] = read.rows(find_places(read.headers, {}, {}), {})
    assert row.fault is None
    return row.fields["note"]


def cells(table: str, delimiter: str = ",") -> Iterator[str]:
    for row in csv.reader(io.StringIO(table, newline=""), delimiter=delimiter):
        yield from row


CELLS = [
    *(f"{start}1" for start in STARTS),
    *(f"x;{start}1+1;y" for start in STARTS),
    *(f"x\n{start}1+1;y" for start in STARTS),
    *(f"x\t{start}1+1;y" for start in STARTS),
    *("'=1", "''＝1", "x;'=1", "x;''-1;'y'", "'quoted'", "it's", "-\n-\n-", "\t=1", ";=;=", '";=1+1;"', "a-b=c"),
]


@pytest.mark.parametrize("note", CELLS)
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_no_cell_begins_a_formula_in_whatever_cells_a_spreadsheet_sees(note: str, delimiter: str) -> None:
    assert [cell for cell in cells(written(note), delimiter) if cell.startswith(STARTS)] == []


@pytest.mark.parametrize("note", CELLS)
def test_a_cell_comes_back_as_it_was(note: str) -> None:
    assert read_back(written(note)) == note


@given(st.text(st.sampled_from("'=+-@;,\t\r\n\"＝x ") | st.characters(exclude_categories=["Cs"]), max_size=20))
def test_any_cell_comes_back_as_it_was(note: str) -> None:
    assert read_back(written(note)) == note


def test_every_cell_stands_in_quotes() -> None:
    first, second = written("x").splitlines()
    assert first == ",".join(f'"{column}"' for column in COLUMNS)
    assert second.startswith('"pur_')
    assert '"2026-11-20"' in second
    assert '"","",""' in second


def test_a_long_table_comes_in_large_parts_and_is_not_read_ahead_of_them() -> None:
    taken: list[int] = []

    def lines() -> Iterator[ListedPurchase]:
        for number in range(2_000):
            taken.append(number)
            yield line("x" * 100)

    parts = write_table(lines())
    first = next(parts)
    assert 64_000 <= len(first) < 65_000
    assert len(taken) < 300
    sizes = [len(part) for part in parts]
    assert all(64_000 <= size < 65_000 for size in sizes[:-1])
    assert len(taken) == 2_000


def test_a_short_table_comes_in_one_part() -> None:
    assert len(list(write_table([]))) == len(list(write_table([line()]))) == 1
