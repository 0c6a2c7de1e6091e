"""What Tillbook tells Prometheus: how many requests, how fast, how many purchases; of all workers together."""

import hmac
import os
import time

from flask import Blueprint, Flask, Response, abort, current_app, g, request
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    multiprocess,
)
from sqlalchemy import Engine, event

bp = Blueprint("metrics", __name__)

_REQUESTS = Counter("tillbook_requests", "Requests that were answered", ["method", "route", "status"])
_SECONDS = Histogram(
    "tillbook_request_seconds",
    "Seconds until a request was answered",
    ["route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
_CONNECTIONS = Gauge("tillbook_database_connections", "Connections in use", multiprocess_mode="livesum")
_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


def register(app: Flask) -> None:
    app.after_request(_measure)


def measure_pool(engine: Engine) -> None:
    """Counts the connections that are in use."""
    event.listen(engine, "checkout", lambda *_: _CONNECTIONS.inc())
    event.listen(engine, "checkin", lambda *_: _CONNECTIONS.dec())


@bp.get("/metrics")
def show() -> Response:
    """For who has the METRICS_TOKEN; for anybody else there is nothing here."""
    token = current_app.config["METRICS_TOKEN"]
    given = request.headers.get("Authorization", "")
    if not token or not hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
        abort(404)
    return Response(generate_latest(_all_workers()), content_type=CONTENT_TYPE_LATEST)


def _all_workers() -> CollectorRegistry:
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return REGISTRY
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return registry


def _measure(response: Response) -> Response:
    route = str(request.url_rule) if request.url_rule else "none"
    method = request.method if request.method in _METHODS else "other"
    _REQUESTS.labels(method, route, response.status_code).inc()
    _SECONDS.labels(route).observe(time.perf_counter() - g.began)
    return response
