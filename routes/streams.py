"""Answers that are sent while they are made."""

from collections.abc import Iterator

from flask import Response, stream_with_context

from models.dialect import only_reads


def streamed(table: Iterator[str]) -> Response:
    """A table of CSV; the database is read on while it is sent, and let go at its end, however that comes."""
    return Response(stream_with_context(_only_read(table)), mimetype="text/csv")


def _only_read(table: Iterator[str]) -> Iterator[str]:
    # The request is torn down for the first time before the first line is asked for, and that forgets it.
    only_reads.set(True)
    yield from table
