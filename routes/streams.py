"""Answers that are sent while they are made."""

from collections.abc import Iterator
from itertools import chain

from flask import Response, stream_with_context

from models.dialect import only_reads

_BOM = "\ufeff"
"""By which Excel knows UTF-8."""


def streamed(table: Iterator[str]) -> Response:
    """A table of CSV; the database is read on while it is sent, and let go at its end, however that comes."""
    return Response(stream_with_context(_only_read(table)), mimetype="text/csv")


def streamed_file(table: Iterator[str], name: str) -> Response:
    """The same, to be saved and opened in a spreadsheet."""
    response = streamed(chain([_BOM], table))
    response.headers.set("Content-Disposition", "attachment", filename=name)
    return response


def _only_read(table: Iterator[str]) -> Iterator[str]:
    # The request is torn down for the first time before the first line is asked for, and that forgets it.
    only_reads.set(True)
    yield from table
