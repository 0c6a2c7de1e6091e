"""Refuses a Host header that names no host, or not this one, before anything tries to make addresses of it."""

import re
from collections.abc import Iterable, Sequence
from ipaddress import IPv6Address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import Flask
from werkzeug.exceptions import BadRequest
from werkzeug.middleware.proxy_fix import ProxyFix

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

# RFC 1123 names, with the underscore that container networks use, or an address in brackets; with or without a port.
_LABEL = "[A-Za-z0-9_-]{1,63}"
_HOST = re.compile(rf"(?P<name>{_LABEL}(?:\.{_LABEL})*\.?|\[(?P<ipv6>[0-9A-Fa-f:.]+)\])(?::(?P<port>[0-9]{{1,5}}))?")


# Asked by address, of each machine, by whoever keeps it running; they make no addresses.
_ASKED_AT_ANY_HOST = {"/healthz", "/readyz"}


def register(app: Flask, *, names: Sequence[str] | None, proxies: int) -> None:
    """Such a request is answered outside the app: without a page, and without a line in its log.

    `names` are the hosts that may be asked for, None for any; `proxies` so many in front tell whom they speak for.
    """
    app.url_map.merge_slashes = False  # it would lead to the address with one slash, at the host that was asked
    ask = app.wsgi_app

    def refuse_or_ask(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        name = _name_in(environ.get("HTTP_HOST", "localhost"))
        if name is None:
            return BadRequest("The Host header names no host.")(environ, start_response)
        if names is not None and name not in names and environ["PATH_INFO"] not in _ASKED_AT_ANY_HOST:
            return BadRequest("The Host header names another host.")(environ, start_response)
        if not _is_address(environ.get("HTTP_REFERER", "")):
            del environ["HTTP_REFERER"]  # as good as none, and Flask-WTF would stumble over it
        return ask(environ, start_response)

    app.wsgi_app = refuse_or_ask  # type: ignore[method-assign]
    if proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=proxies, x_proto=proxies)  # type: ignore[method-assign]


def _name_in(host: str) -> str | None:
    """The name or address, in lower case and without the port; None when it is no host."""
    parts = _HOST.fullmatch(host)
    if parts is None or int(parts["port"] or 0) > 65_535:
        return None
    try:
        if parts["ipv6"]:
            IPv6Address(parts["ipv6"])
        else:
            parts["name"].encode().decode("idna")  # xn-- begins a name in Punycode, or nonsense
    except ValueError:
        return None
    return (parts["ipv6"] or parts["name"]).lower()


def _is_address(text: str) -> bool:
    try:
        urlsplit(text)
    except ValueError:
        return False
    return True
