"""One line a request: id, method, route, status, time, shop and user. Never an address, a name or a body."""

import logging
import re
import sys
import time

import structlog
from flask import Flask, Response, g, request
from uuid_utils.compat import uuid7

from routes.gate import FILES

log = structlog.get_logger("tillbook")

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")


def register(app: Flask, *, log_level: str, as_json: bool) -> None:
    _configure(log_level, as_json)
    app.before_request(_begin)
    app.after_request(_end)


def _configure(log_level: str, as_json: bool) -> None:
    renderer = (
        structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty())
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[log_level]),
        logger_factory=structlog.WriteLoggerFactory(),
    )


def _begin() -> None:
    g.began = time.perf_counter()
    # A proxy in front may have named the request already; anything odd is not repeated into the log.
    given = request.headers.get("X-Request-Id", "")
    g.request_id = given if _REQUEST_ID.fullmatch(given) else uuid7().hex
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=g.request_id)


def _end(response: Response) -> Response:
    response.headers["X-Request-Id"] = g.request_id
    is_file = request.endpoint in FILES
    log.log(
        logging.DEBUG if is_file else logging.INFO,
        "request",
        method=request.method,
        route=str(request.url_rule) if request.url_rule else None,
        status=response.status_code,
        ms=round((time.perf_counter() - g.began) * 1000, 1),
        shop_id=g.viewer.shop_id if g.viewer else None,
        user_id=g.viewer.id if g.viewer else None,
        token_id=g.token.public_id if "token" in g else None,
    )
    return response
