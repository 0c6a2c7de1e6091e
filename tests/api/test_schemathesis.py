"""Thousands of requests made of the API's own description find no answer that it does not describe."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import schemathesis
from flask import Flask
from hypothesis import HealthCheck, given, settings
from sqlalchemy import make_url

from tests.cast import Person
from tests.conftest import IS_LONG
from tests.server import Server, serve

EXAMPLES = {"sqlite": 200, "postgresql": 200} if IS_LONG else {"sqlite": 13, "postgresql": 27}
"""For each operation."""
CONFIG = Path(__file__).with_name("schemathesis.toml")
OPEN = {"/api/v1/openapi.json"}


def run(server: Server, tmp_path: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """All checks on every operation."""
    command = Path(sys.executable).with_name("schemathesis")
    return subprocess.run(
        [command, "--config-file", CONFIG, "run", address(server), "--no-color", "--checks", "all", *options],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )


def address(server: Server) -> str:
    return f"http://127.0.0.1:{server.port}/api/v1/openapi.json"


def test_every_answer_is_as_described(owner: Person, tmp_path: Path) -> None:
    url = owner.app.config["SQLALCHEMY_DATABASE_URI"]
    with serve(url, API_RATE_LIMIT="1000000 per minute", LOG_LEVEL="WARNING") as server:
        token = ["-H", f"Authorization: Bearer {owner.token()}"]
        told = run(
            server,
            tmp_path,
            *token,
            "--max-examples",
            str(EXAMPLES[make_url(url).get_backend_name()]),
            "--continue-on-failure",
            *([] if IS_LONG else ["--generation-deterministic"]),
        )
        log = server.log
    assert told.returncode == 0, told.stdout[-10_000:]
    assert "bug" not in log
    assert "Traceback" not in log


def test_nobody_gets_an_answer_without_a_token(app: Flask) -> None:
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", app)
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) > 20
    for operation in operations:
        ask_without_token(operation)


def ask_without_token(operation: Any) -> None:
    @settings(max_examples=20 if IS_LONG else 13, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy())
    def ask(case: Any) -> None:
        assert case.call().status_code == (200 if operation.path in OPEN else 401)

    ask()
