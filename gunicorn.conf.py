"""How gunicorn serves Tillbook; every figure can be set in the environment."""

import gc
import os
import shutil
from contextlib import suppress
from http import HTTPStatus
from socket import socket
from tempfile import mkdtemp
from typing import Any

import structlog
from gunicorn.http.errors import LimitRequestHeaders, LimitRequestLine, ParseException
from gunicorn.util import write_nonblock
from gunicorn.workers.gthread import ThreadWorker

from config import Settings, SettingsError, read_settings

_TOO_LONG = {LimitRequestLine: 414, LimitRequestHeaders: 431}


def _settings() -> Settings | None:
    try:
        return read_settings()
    except SettingsError:
        return None  # told of when the server starts


def _lines_of_json() -> dict[str, Any]:
    """What gunicorn says of itself looks like what the app says."""
    line = {
        "()": structlog.stdlib.ProcessorFormatter,
        "foreign_pre_chain": [structlog.stdlib.add_log_level, structlog.processors.TimeStamper(fmt="iso")],
        "processors": [
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
    }
    gunicorn = {"level": "INFO", "handlers": ["error_console"], "propagate": False}
    return {"formatters": {"generic": line}, "loggers": {"gunicorn.error": gunicorn}}


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


_SETTINGS = _settings()
_IS_SQLITE = _SETTINGS is not None and _SETTINGS.database_url.startswith("sqlite")

bind = os.environ.get("BIND", "127.0.0.1:5000")
# SQLite has one writer: a second process gains nothing, and could not tell how far an import in the first one is.
workers = 1 if _IS_SQLITE else int(os.environ.get("WEB_CONCURRENCY", "2"))
# More than there could be work for: who waits is recorded together with others.
threads = int(os.environ.get("WEB_THREADS", "16"))
# Each worker listens for itself: of connections that are kept open, one would come to hold nearly all.
reuse_port = workers > 1 and not bind.startswith("unix:") and not bind.endswith(":0")
worker_class = Worker  # measured in bench/README.md, and why nothing is preloaded
timeout = 30
graceful_timeout = 20
forwarded_allow_ips = ""  # TRUSTED_PROXIES alone says who is believed
limit_request_line = 8_190  # filters in the address, percent-encoded
# Requests are logged by the app, without addresses; the control socket opens a door that nobody here uses.
accesslog = None
control_socket_disable = True
if _SETTINGS and _SETTINGS.is_production:
    logconfig_dict = _lines_of_json()


def on_starting(server: Any) -> None:
    # Each worker counts in a file of its own, and /metrics adds them up; those of before belong to other workers.
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = mkdtemp(prefix="tillbook-metrics-")
    try:
        settings = read_settings()
    except SettingsError as error:
        raise SystemExit(f"Tillbook cannot start: {error}") from None
    if settings.is_production and _IS_SQLITE:
        server.log.warning(
            "SQLite in production: one computer and one who writes at a time. PostgreSQL has no such limits"
        )


def post_worker_init(worker: Any) -> None:
    if worker.cfg.reuse_port:
        worker.log.info("Listening at: http://%s", bind)  # gunicorn tells only of what all of them share
    # What was loaded stays: the collector need not look through it again and again.
    gc.freeze()
    gc.set_threshold(20_000, 10, 10)


def child_exit(_: Any, worker: Any) -> None:
    # Where it is imported before `on_starting`, it would count for one process only.
    from prometheus_client.multiprocess import mark_process_dead  # noqa: PLC0415

    mark_process_dead(worker.pid)


def on_exit(_: Any) -> None:
    shutil.rmtree(os.environ["PROMETHEUS_MULTIPROC_DIR"], ignore_errors=True)
