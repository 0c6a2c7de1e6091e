"""/metrics: what all workers did, counted exactly, for who has the token."""

import json
import os
import re
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.cast import Person
from tests.server import Server, serve

TOKEN = "metrics-token-of-the-tests"
ASK = f"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer {TOKEN}\r\n\r\n".encode()

on_postgresql = pytest.mark.parametrize("migrated_app", ["postgresql"], indirect=True)


def measured(server: Server) -> dict[tuple[str, ...], float]:
    """Each value by its name and its labels, in the order of their names."""
    answer = server.ask(ASK)
    assert answer.status == 200, answer
    samples = (sample for family in text_string_to_metric_families(answer.body) for sample in family.samples)
    return {(sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value for sample in samples}


def post(server: Server, token: str, body: dict[str, Any], key: str) -> int:
    text = json.dumps(body)
    head = (
        "POST /api/v1/purchases HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {token}\r\nIdempotency-Key: {key}\r\nContent-Length: {len(text)}\r\n\r\n"
    )
    return server.ask(f"{head}{text}".encode()).status


def workers_of(server: Server) -> list[int]:
    told = subprocess.run(["pgrep", "-P", str(server.process.pid)], capture_output=True, text=True, check=True)
    return [int(pid) for pid in told.stdout.split()]


@on_postgresql
def test_all_workers_are_added_up_also_one_that_was_killed(owner: Person) -> None:
    with serve(
        owner.app.config["SQLALCHEMY_DATABASE_URI"], METRICS_TOKEN=TOKEN, WEB_CONCURRENCY="3", LOG_LEVEL="ERROR"
    ) as server:
        token = owner.token()
        for number in range(30):
            assert post(server, token, {"customer": {"name": "Tim"}, "item": "a book"}, f"key-{number:03}") == 201
            if number == 20:
                os.kill(workers_of(server)[0], signal.SIGKILL)
        assert post(server, token, {"customer": {"name": "Tim"}, "item": "a book"}, "key-029") == 201
        assert post(server, token, {"customer": {"name": "Tim"}, "item": "a pen"}, "key-029") == 422
        assert post(server, token, {"item": ""}, "key-030") == 422
        values = measured(server)
    route = "/api/v1/purchases"
    assert values["tillbook_requests_total", "POST", route, "201"] == 31
    assert values["tillbook_requests_total", "POST", route, "422"] == 2
    assert values["tillbook_request_seconds_count", route] == 33
    outcomes = {outcome: values["tillbook_captures_total", outcome, "api"] for outcome in ("created", "unchanged")}
    assert outcomes == {"created": 1, "unchanged": 29}
    assert values["tillbook_captures_total", "replayed", "api"] == 1
    assert values["tillbook_captures_total", "refused", "api"] == 1
    assert values["tillbook_database_connections",] == 0


def test_what_is_not_committed_is_not_counted(owner: Person) -> None:
    with serve(owner.app.config["SQLALCHEMY_DATABASE_URI"], METRICS_TOKEN=TOKEN, LOG_LEVEL="ERROR") as server:
        body = {"customer": {"name": "Tim"}, "item": "a book"}
        text = json.dumps(body)
        request = (
            "POST /api/v1/purchases?validate_only=true HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
            f"Content-Type: application/json\r\nAuthorization: Bearer {owner.token()}\r\n"
            f"Content-Length: {len(text)}\r\n\r\n{text}"
        )
        assert server.ask(request.encode()).status == 200
        assert not [key for key in measured(server) if key[0].startswith("tillbook_captures")]


@pytest.mark.parametrize("token", ["", TOKEN])
@pytest.mark.parametrize("given", [None, "Bearer ", "Bearer wrong", "Basic dGltOmE=", "Bearer é"])
def test_for_anybody_else_there_is_nothing(owner: Person, token: str, given: str | None) -> None:
    owner.app.config["METRICS_TOKEN"] = token
    try:
        headers = {"Authorization": given} if given else {}
        assert owner.app.test_client().get("/metrics", headers=headers).status_code == 404
        assert owner.browser.get_raw("/metrics").status_code == 404
    finally:
        owner.app.config["METRICS_TOKEN"] = ""


def test_the_dashboard_asks_for_what_is_measured(owner: Person) -> None:
    dashboard = (Path(__file__).parents[2] / "deploy" / "grafana.json").read_text()
    asked = set(re.findall(r"tillbook_[a-z_]+", dashboard))
    with serve(owner.app.config["SQLALCHEMY_DATABASE_URI"], METRICS_TOKEN=TOKEN, LOG_LEVEL="ERROR") as server:
        assert post(server, owner.token(), {"customer": {"name": "Tim"}, "item": "a book"}, "key-000") == 201
        measured(server)
        assert asked <= {name for name, *_ in measured(server)}
