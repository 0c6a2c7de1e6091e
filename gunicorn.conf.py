"""How gunicorn serves Tillbook; every figure can be set in the environment."""

import os
from contextlib import suppress
from http import HTTPStatus
from socket import socket
from typing import Any

from gunicorn.http.errors import LimitRequestHeaders, LimitRequestLine, ParseException
from gunicorn.util import write_nonblock
from gunicorn.workers.gthread import ThreadWorker

from config import SettingsError, read_settings

_TOO_LONG = {LimitRequestLine: 414, LimitRequestHeaders: 431}


def _uses_sqlite() -> bool:
    try:
        return read_settings().database_url.startswith("sqlite")
    except SettingsError:
        return False  # told of when the server starts


class Worker(ThreadWorker):
    """Answers what is no HTTP in plain words, and logs of it neither who sent it nor what."""

    def handle_error(self, req: Any, client: socket, addr: Any, exc: BaseException) -> None:
        if not isinstance(exc, ParseException):
            super().handle_error(req, client, None, exc)
            return
        status = HTTPStatus(_TOO_LONG.get(type(exc), 400))
        self.log.warning("Refused what is no HTTP: %s", type(exc).__name__)
        text = f"{status.phrase}. Nothing was stored.\n"
        head = f"HTTP/1.1 {status:d} {status.phrase}\r\nConnection: close\r\nContent-Type: text/plain\r\n"
        with suppress(OSError):  # the client is gone
            write_nonblock(client, f"{head}Content-Length: {len(text)}\r\n\r\n{text}".encode())


_IS_SQLITE = _uses_sqlite()

bind = os.environ.get("BIND", "127.0.0.1:5000")
# SQLite has one writer: a second process gains nothing, and could not tell how far an import in the first one is.
workers = 1 if _IS_SQLITE else int(os.environ.get("WEB_CONCURRENCY", "2"))
threads = int(os.environ.get("WEB_THREADS", "8" if _IS_SQLITE else "4"))
worker_class = Worker
timeout = 30
graceful_timeout = 20
limit_request_line = 8_190  # filters in the address, percent-encoded
# Requests are logged by the app, without addresses; the control socket opens a door that nobody here uses.
accesslog = None
control_socket_disable = True


def on_starting(server: Any) -> None:
    try:
        settings = read_settings()
    except SettingsError as error:
        raise SystemExit(f"Tillbook cannot start: {error}") from None
    if settings.is_production and _IS_SQLITE:
        server.log.warning(
            "SQLite in production: one computer and one who writes at a time. PostgreSQL has no such limits"
        )
