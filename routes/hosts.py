"""Refuses a Host header that names no host, before anything tries to make addresses of it."""

import re
from collections.abc import Iterable
from ipaddress import IPv6Address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import Flask
from werkzeug.exceptions import BadRequest

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

# RFC 1123 names, with the underscore that container networks use, or an address in brackets; with or without a port.
_LABEL = "[A-Za-z0-9_-]{1,63}"
_HOST = re.compile(rf"(?P<name>{_LABEL}(?:\.{_LABEL})*\.?|\[(?P<ipv6>[0-9A-Fa-f:.]+)\])(?::(?P<port>[0-9]{{1,5}}))?")


def register(app: Flask) -> None:
    """Such a request is answered outside the app: without a page, and without a line in its log."""
    app.url_map.merge_slashes = False  # it would lead to the address with one slash, at the host that was asked
    ask = app.wsgi_app

    def refuse_or_ask(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if not _is_host(environ.get("HTTP_HOST", "localhost")):
            return BadRequest("The Host header names no host.")(environ, start_response)
        if not _is_address(environ.get("HTTP_REFERER", "")):
            del environ["HTTP_REFERER"]  # as good as none, and Flask-WTF would stumble over it
        return ask(environ, start_response)

    app.wsgi_app = refuse_or_ask  # type: ignore[method-assign]


def _is_host(host: str) -> bool:
    parts = _HOST.fullmatch(host)
    if parts is None or int(parts["port"] or 0) > 65_535:
        return False
    try:
        if parts["ipv6"]:
            IPv6Address(parts["ipv6"])
        else:
            parts["name"].encode().decode("idna")  # xn-- begins a name in Punycode, or nonsense
    except ValueError:
        return False
    return True


def _is_address(text: str) -> bool:
    try:
        urlsplit(text)
    except ValueError:
        return False
    return True
