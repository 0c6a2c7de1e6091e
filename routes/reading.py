"""How requests are read."""

from typing import IO
from urllib.parse import parse_qsl

from flask import Request, request
from flask_login import current_user
from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.formparser import FormDataParser

from schemas.problems import ShopRules
from services.paging import Position


class _FormParser(FormDataParser):
    """Turns bytes that are no text into U+FFFD, which the schemas refuse in words.

    Werkzeug would leave them percent-encoded, and a customer would be called %FF.
    """

    def _parse_urlencoded(
        self, stream: IO[bytes], mimetype: str, content_length: int | None, options: dict[str, str]
    ) -> tuple[IO[bytes], MultiDict[str, str], MultiDict[str, FileStorage]]:
        pairs = parse_qsl(stream.read().decode(errors="replace"), keep_blank_values=True, errors="replace")
        return stream, self.cls(pairs), self.cls()


class FormRequest(Request):
    form_data_parser_class = _FormParser


def shop_rules() -> ShopRules:
    shop = current_user.shop
    return ShopRules(shop.currency, shop.country, shop.today())


def position(name: str = "") -> Position:
    """Where a page begins; `name` tells two lists of one page apart."""
    return Position(after=request.args.get(f"{name}after"), before=request.args.get(f"{name}before"))
