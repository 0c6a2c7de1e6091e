"""How requests are read."""

import io
import re
from typing import IO, TYPE_CHECKING, Any, cast
from urllib.parse import parse_qsl

from flask import Request, g, request
from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge, UnsupportedMediaType
from werkzeug.formparser import FormDataParser, MultiPartParser
from werkzeug.utils import cached_property

from schemas.json_text import UnreadableJson, read_object
from schemas.problems import ShopRules
from services.paging import Position

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


class BrokenBody(BadRequest):
    """The body ended early, or its chunks are none."""

    description = "The request broke off before its end. Send it again."


class BadJson(BadRequest):
    """The body is no JSON object; `description` says what to do."""


class _Body(io.RawIOBase):
    """What the client sends, all of it: 400 when it breaks off, 413 when it goes on after `limit`.

    Werkzeug's own stream takes a body that ends early for a whole one, cuts a chunked one that is too long,
    and lets through what servers raise over broken chunks.
    """

    def __init__(self, source: IO[bytes], length: int | None, limit: int | None):
        if length is not None and limit is not None and length > limit:
            raise RequestEntityTooLarge
        self._source = source
        self._length = length
        self._limit = limit
        self._taken = 0
        # Without a length, one byte more than allowed tells that there is more.
        self._end = length if length is not None or limit is None else limit + 1

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        view = memoryview(buffer)
        size = len(view) if self._end is None else min(len(view), self._end - self._taken)
        data = self._read(size)
        self._taken += len(data)
        if self._limit is not None and self._taken > self._limit:
            raise RequestEntityTooLarge
        if self._length is not None and size and not data:
            raise BrokenBody
        view[: len(data)] = data
        return len(data)

    def _read(self, size: int) -> bytes:
        try:
            return self._source.read(size)
        except Exception as error:  # each server has its own for what its clients send
            raise BrokenBody from error


class _FormParser(FormDataParser):
    """Turns bytes that are no text into U+FFFD, which the schemas refuse in words.

    Werkzeug would leave them percent-encoded, and a customer would be called %FF.
    """

    def _parse_urlencoded(
        self, stream: IO[bytes], mimetype: str, content_length: int | None, options: dict[str, str]
    ) -> tuple[IO[bytes], MultiDict[str, str], MultiDict[str, FileStorage]]:
        pairs = parse_qsl(stream.read().decode(errors="replace"), keep_blank_values=True, errors="replace")
        return stream, self.cls(pairs), self.cls()

    def _parse_multipart(
        self, stream: IO[bytes], mimetype: str, content_length: int | None, options: dict[str, str]
    ) -> tuple[IO[bytes], MultiDict[str, str], MultiDict[str, FileStorage]]:
        # Werkzeug 3.1.9 gives the file a \r too many when a read ends inside the boundary behind it: all of it is read
        # at once, into memory. How much that may be is limited already.
        whole = stream.read()
        parser = MultiPartParser(
            _in_memory, buffer_size=len(whole) + 1, max_form_parts=self.max_form_parts, cls=self.cls
        )
        boundary = options.get("boundary", "").encode("ascii", "replace")
        if not boundary:
            raise ValueError("No boundary")
        form, files = parser.parse(io.BytesIO(whole), boundary, content_length)
        if None in form or None in files:
            raise ValueError("A part has no name")
        return stream, form, files


def _in_memory(*_: object, **__: object) -> IO[bytes]:
    return io.BytesIO()


class FormRequest(Request):
    """Gives its body whole or not at all, as a form or otherwise."""

    form_data_parser_class = _FormParser

    @cached_property
    def stream(self) -> IO[bytes]:
        if self.content_length is None and "wsgi.input_terminated" not in self.environ:
            return io.BytesIO()  # nobody knows where it would end
        return cast(IO[bytes], _Body(self.environ["wsgi.input"], self.content_length, self.max_content_length))


def json_body() -> dict[str, Any]:
    """The object that was sent. Raises UnsupportedMediaType, BadJson, BrokenBody, RequestEntityTooLarge."""
    if not _is_json():
        raise UnsupportedMediaType("Send JSON, with the header Content-Type: application/json.")
    if request.headers.get("Content-Encoding", "").strip().lower() not in ("", "identity"):
        raise UnsupportedMediaType("Send the body uncompressed, without the header Content-Encoding.")
    try:
        return read_object(request.get_data())
    except UnreadableJson as unreadable:
        raise BadJson(str(unreadable)) from None


def optional_json_body() -> dict[str, Any]:
    """Like `json_body`; {} when there is no body, whatever type it is said to be of."""
    return json_body() if request.get_data() else {}


def _is_json() -> bool:
    parameters = {name: value.lower() for name, value in request.mimetype_params.items()}
    return request.mimetype == "application/json" and parameters in ({}, {"charset": "utf-8"})


def shop_rules() -> ShopRules:
    shop = g.viewer.shop
    return ShopRules(shop.currency, shop.country, shop.today())


def position(name: str = "") -> Position:
    """Where a page begins; `name` tells two lists of one page apart."""
    return Position(after=request.args.get(f"{name}after"), before=request.args.get(f"{name}before"))


def local_path(target: str | None) -> str | None:
    """The target when it is a page of this site; browsers read // and \\ as the beginning of another."""
    is_local = target is not None and re.match(r"/(?![/\\])", target) and target.isprintable()
    return target if is_local else None
