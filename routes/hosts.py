"""Refuses a Host header that names no host, before anything tries to make addresses of it."""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from flask import Flask
from werkzeug.exceptions import BadRequest

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

# RFC 1123 names, with the underscore that container networks use, or an IPv6 address; with or without a port.
_LABEL = "[A-Za-z0-9_-]{1,63}"
_HOST = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*\.?|\[[0-9A-Fa-f:.]+\])(?::[0-9]{{1,5}})?")


def register(app: Flask) -> None:
    ask = app.wsgi_app

    def refuse_or_ask(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if _is_host(environ.get("HTTP_HOST", "localhost")):
            return ask(environ, start_response)
        return BadRequest("The Host header names no host.")(environ, start_response)

    app.wsgi_app = refuse_or_ask  # type: ignore[method-assign]


def _is_host(host: str) -> bool:
    if not _HOST.fullmatch(host):
        return False
    try:
        host.encode().decode("idna")  # xn-- begins a name in Punycode, or nonsense
    except UnicodeError:
        return False
    return True
