"""Files that hold a table: in which encoding, and what stands between the cells."""

import codecs
import io
from collections import Counter
from typing import BinaryIO, NamedTuple

from schemas.table import TableError

ENCODINGS = {
    "utf-8-sig": "UTF-8",
    "utf-16": "UTF-16",
    "utf-16-le": "UTF-16, little-endian",
    "utf-16-be": "UTF-16, big-endian",
    "cp1252": "Windows-1252 (Western European)",
}
"""Codecs of Python, and what they are called."""
DELIMITERS = {",": "Commas", ";": "Semicolons", "\t": "Tabs"}
_SPREADSHEETS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")  # .xlsx and .ods, .xls
_OTHERS = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE, b"\x1f\x8b", b"%PDF", b"\x89PNG", b"\xff\xd8\xff")
_LOOKED_AT = 64_000
_AT_A_TIME = 1_000_000


class FileFormat(NamedTuple):
    encoding: str
    delimiter: str


def detect(file: BinaryIO) -> FileFormat:
    """How the file seems to be written. It stands at its beginning before and after. Raises TableError."""
    head = file.read(_LOOKED_AT)
    file.seek(0)
    if head.startswith(_SPREADSHEETS):
        raise TableError("This is a workbook. Open it in your spreadsheet program, save it as CSV, and use that file")
    if head.startswith(_OTHERS):
        raise TableError("This is no table. Save the table as CSV in UTF-8, and use that file")
    encoding = _encoding(head) or ("utf-8-sig" if _is_utf8(file) else "cp1252")
    return FileFormat(encoding, _delimiter(head.decode(encoding, errors="replace")))


def open_text(file: BinaryIO, encoding: str) -> io.TextIOWrapper:
    """The lines of the file. What cannot be read becomes U+FFFD, which the schemas refuse with the row's number.

    Raises TableError where the encoding needs the file to say so at its beginning, and it does not.
    """
    if encoding == "utf-16" and not file.read(2).startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise TableError("This file does not begin like UTF-16. Choose another encoding")
    file.seek(0)
    return io.TextIOWrapper(file, encoding=encoding, errors="replace", newline="")


def _encoding(head: bytes) -> str | None:
    """What the first bytes give away; None where they give away nothing."""
    if head.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    # Every other byte of Western text is 0 there, and none anywhere else.
    even, odd = head[::2].count(0), head[1::2].count(0)
    if max(even, odd) * 4 < len(head) or not head:
        return None
    return "utf-16-be" if even > odd else "utf-16-le"


def _is_utf8(file: BinaryIO) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        while part := file.read(_AT_A_TIME):
            decoder.decode(part)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    finally:
        file.seek(0)
    return True


def _delimiter(head: str) -> str:
    """The one that stands most often between the names of the columns; a comma where none does."""
    first_line = next(iter(head.splitlines()), "")
    outside_quotes = "".join(first_line.split('"')[::2])
    counted = Counter(character for character in outside_quotes if character in DELIMITERS)
    return max(DELIMITERS, key=lambda delimiter: counted[delimiter])
