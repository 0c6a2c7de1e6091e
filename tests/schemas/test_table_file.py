"""Files as programs write them: the encoding, what separates the cells, how numbers and days are written."""

import io

import pytest

from schemas.table import TableError
from schemas.table_file import detect, open_text
from schemas.table_notation import Notation, guess_notation


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("utf-8", "utf-8-sig"),
        ("utf-8-sig", "utf-8-sig"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
        ("cp1252", "cp1252"),
    ],
)
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_file_is_known_by_its_bytes(written: str, found: str, delimiter: str) -> None:
    text = f"name{delimiter}item\nJosé{delimiter}un café, s'il vous plaît; €\n"
    file = io.BytesIO(text.encode(written))
    assert detect(file) == (found, delimiter)
    assert open_text(file, found).read() == text


def test_the_first_odd_letter_may_come_late() -> None:
    late = b"name,item\n" + b"Tim,a book\n" * 20_000
    assert detect(io.BytesIO(late + "José,é\n".encode())).encoding == "utf-8-sig"
    assert detect(io.BytesIO(late + "José,é\n".encode("cp1252"))).encoding == "cp1252"


def test_what_separates_is_looked_for_outside_of_quotes() -> None:
    assert detect(io.BytesIO(b'"last, first, more";item\n')).delimiter == ";"
    assert detect(io.BytesIO(b"name\n")).delimiter == ","


@pytest.mark.parametrize("start", [b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"%PDF", b"\x1f\x8b"])
def test_what_is_no_text_is_refused(start: bytes) -> None:
    with pytest.raises(TableError, match="as CSV"):
        detect(io.BytesIO(start + bytes(100)))


@pytest.mark.parametrize(
    ("cell", "order", "day"),
    [
        ("31.12.2025", "dmy", "2025-12-31"),
        ("1/2/2025", "dmy", "2025-02-01"),
        ("1/2/2025", "mdy", "2025-01-02"),
        ("1/2/2025", "", "1/2/2025"),
        ("2025-12-31 10:30:00", "", "2025-12-31"),
        ("2025-12-31T10:30:00Z", "dmy", "2025-12-31"),
        ("12/31/2025 3:05 PM", "mdy", "2025-12-31"),
        ("2025/1/2", "", "2025-01-02"),
        ("1.2-2025", "dmy", "1.2-2025"),
        ("yesterday", "dmy", "yesterday"),
        ("", "dmy", ""),
    ],
)
def test_days_are_read_in_their_order(cell: str, order: str, day: str) -> None:
    assert Notation(day_order=order).day(cell) == day


@pytest.mark.parametrize(
    ("cell", "mark", "amount"),
    [
        ("12,50", ",", "12.50"),
        ("1.234,50", ",", "1234.50"),
        ("1.234.567", ",", "1234567"),
        ("1 234,50 €", ",", "1234.50 €"),
        ("€ 12.345.678,00", ",", "€ 12345678.00"),
        ("1’234’567,50 CHF", ",", "1234567.50 CHF"),
        ("1.234.", ",", "1234."),
        ("0.500", ",", "0.500"),
        ("1234.567", ",", "1234.567"),
        ("1.234.56", ",", "1.234.56"),
        ("1.2345", ",", "1.2345"),
        ("1234 567,00", ",", "1234 567.00"),
        ("1.234 567", ",", "1.234 567"),
        ("12,50", ".", "12,50"),
        ("1,234.50", ".", "1,234.50"),
    ],
)
def test_amounts_are_read_by_their_mark(cell: str, mark: str, amount: str) -> None:
    assert Notation(mark).amount(cell) == amount


@pytest.mark.parametrize(
    ("amounts", "days", "found"),
    [
        (["12,50", "3"], ["1.2.2025"], Notation(",", "dmy")),
        (["12.50"], ["1/13/2025"], Notation(".", "mdy")),
        (["1,234.50"], ["13/1/2025"], Notation(".", "dmy")),
        (["12,50", "12.50"], ["1/2/2025"], Notation()),
        ([], [], Notation()),
    ],
)
def test_the_notation_is_guessed_only_where_it_is_plain(amounts: list[str], days: list[str], found: Notation) -> None:
    assert guess_notation(amounts, days) == found
