"""How gunicorn serves Tillbook; every figure can be set in the environment."""

import os
from typing import Any

from config import SettingsError, read_settings


def _uses_sqlite() -> bool:
    try:
        return read_settings().database_url.startswith("sqlite")
    except SettingsError:
        return False  # told of when the server starts


_IS_SQLITE = _uses_sqlite()

bind = os.environ.get("BIND", "127.0.0.1:5000")
# SQLite has one writer: a second process gains nothing, and could not tell how far an import in the first one is.
workers = 1 if _IS_SQLITE else int(os.environ.get("WEB_CONCURRENCY", "2"))
threads = int(os.environ.get("WEB_THREADS", "8" if _IS_SQLITE else "4"))
worker_class = "gthread"
timeout = 30
graceful_timeout = 20
limit_request_line = 8_190  # filters in the address, percent-encoded
# Requests are logged by the app, without addresses; the control socket opens a door that nobody here uses.
accesslog = None
control_socket_disable = True


def on_starting(_: Any) -> None:
    try:
        read_settings()
    except SettingsError as error:
        raise SystemExit(f"Tillbook cannot start: {error}") from None
