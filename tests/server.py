"""Tillbook as production runs it: a gunicorn of its own, spoken to byte by byte."""

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse, RemoteDisconnected
from pathlib import Path
from socket import SHUT_WR, create_connection, socket

ROOT = Path(__file__).parents[1]
_PATIENCE_SECONDS = 30
_LISTENING = re.compile(r"Listening at: http://127\.0\.0\.1:(\d+)")


@dataclass
class Answer:
    """`status` is 0 where the server closed the connection without a word."""

    status: int = 0
    headers: str = ""
    body: str = ""


@dataclass
class Server:
    process: subprocess.Popen[bytes]
    log_file: Path

    @property
    def log(self) -> str:
        """All that gunicorn and the app have said so far."""
        return self.log_file.read_text(errors="replace")

    @property
    def port(self) -> int:
        """0 as long as nobody listens."""
        found = _LISTENING.search(self.log)
        return int(found[1]) if found else 0

    def connect(self) -> socket:
        return create_connection(("127.0.0.1", self.port), timeout=_PATIENCE_SECONDS)

    def ask(self, request: bytes, *, hangs_up: bool = False) -> Answer:
        """Sends these bytes, `hangs_up` says that there will be no more, and reads one answer."""
        with self.connect() as connection:
            _send(connection, request, hangs_up=hangs_up)
            with HTTPResponse(connection, method="HEAD" if request.startswith(b"HEAD ") else None) as response:
                try:
                    response.begin()
                    return Answer(response.status, str(response.headers), response.read().decode(errors="replace"))
                except (RemoteDisconnected, ConnectionError):
                    return Answer()

    def ask_all(self, requests: bytes) -> list[int]:
        """Sends these bytes on one connection and reads until the server closes it: the status of each answer."""
        with self.connect() as connection:
            _send(connection, requests)
            received = b""
            try:
                while more := connection.recv(65_536):
                    received += more
            except ConnectionError:
                pass
        return [int(status) for status in re.findall(rb"^HTTP/1\.1 (\d{3}) ", received, re.MULTILINE)]


@contextmanager
def serve(database_url: str, **environment: str) -> Iterator[Server]:
    """Runs on a free port and on this database, which is migrated; `environment` changes what Tillbook is told."""
    told = {
        "ENVIRONMENT": "development",
        "DATABASE_URL": database_url,
        "SECRET_KEY": "only-for-tests-" + "0" * 32,
        "BASE_URL": "http://localhost",
        "LOG_LEVEL": "INFO",
        "BIND": "127.0.0.1:0",
        "WEB_CONCURRENCY": "1",
        "PYTHONUNBUFFERED": "1",
    }
    with tempfile.TemporaryDirectory(prefix="tillbook-gunicorn-") as folder:
        log_file = Path(folder) / "log"
        with log_file.open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "gunicorn", "app:create_app()"],
                cwd=ROOT,
                env=os.environ | told | environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            server = Server(process, log_file)
            _wait_for(server)
            yield server
        finally:
            _stop(process)


def _send(connection: socket, data: bytes, *, hangs_up: bool = False) -> None:
    try:
        connection.sendall(data)
        if hangs_up:
            connection.shutdown(SHUT_WR)
    except OSError as error:
        if isinstance(error, TimeoutError):
            raise
        # The server had enough; its answer may be there.


def _wait_for(server: Server) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline and server.process.poll() is None:
        # The connection is taken by the system as soon as the port is open, and answered when the worker is ready.
        if server.port and _answers(server):
            return
        time.sleep(0.05)
    raise AssertionError(f"gunicorn did not start:\n{server.log}")


def _answers(server: Server) -> bool:
    try:
        return server.ask(b"GET /login HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").status == 200
    except (OSError, HTTPException):
        return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
