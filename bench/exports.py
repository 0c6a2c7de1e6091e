"""How fast all purchases of a shop come out as CSV, to COPY of the same columns, and what that takes of memory.

Exits with 1 when it is less than a quarter of the speed, begins after half a second or takes more memory for more.
"""

import argparse
import io
import sys
import time
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from statistics import median

import psutil
import requests

from bench.doors import CSRF, PASSWORD, new_token
from bench.imports import fresh_app
from bench.pages import owner_of, postgresql
from extensions import db
from models import User
from tests.server import Server, serve

RATIO_MIN = 0.25
FIRST_BYTE_MAX_SECONDS = 0.5
GROWTH_MAX_MB = 5  # for ten times as many purchases
COPY = (
    "COPY (SELECT purchases.id, purchased_on, customer_id, name, email, phone, reference, item, quantity, amount_minor,"
    " currency, purchases.note, external_id, voided_at, source, recorded_at FROM purchases"
    " JOIN customers ON customers.shop_id = purchases.shop_id AND customers.id = customer_id"
    " WHERE purchases.shop_id = {} AND voided_at IS NULL ORDER BY purchases.id)"
    " TO STDOUT WITH (FORMAT csv, HEADER, FORCE_QUOTE *)"
)


@dataclass
class Reader:
    """Who reads all purchases of one shop."""

    server: Server
    shop_id: int
    doors: dict[str, tuple[str, dict[str, str]]]
    """Address and headers, by name."""


@dataclass
class Export:
    lines: int
    seconds: float
    first_byte: float = 0

    @property
    def speed(self) -> float:
        return self.lines / self.seconds


class Counter(io.RawIOBase):
    """Forgets all that is written, but how many lines it was."""

    lines = 0

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self.lines += data.count(b"\n")
        return len(data)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--purchases", type=int, default=1_000_000, help="(%(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="(%(default)s)")
    parser.add_argument("--folder", type=Path, help="where the database is made, or found again, and kept")
    options = parser.parse_args()
    with postgresql(options.folder) as url, fresh_app(url):
        counts = (options.purchases // 10, options.purchases)
        users = [owner_of(f"export{count}", count, count // 5) for count in counts]
        tokens = [new_token(user) for user in users]
        db.session.remove()
        with serve(url, LOG_LEVEL="WARNING") as server:
            few, many = (reader(server, user, token) for user, token in zip(users, tokens, strict=True))
            is_good = [report_memory(few, many), report(many, options.rounds)]
    return 0 if all(is_good) else 1


def reader(server: Server, user: User, token: str) -> Reader:
    address = f"http://localhost:{server.port}"
    with requests.Session() as session:
        csrf = CSRF.search(session.get(f"{address}/login").text)
        assert csrf
        session.post(f"{address}/login", data={"csrf_token": csrf[1], "email": user.email, "password": PASSWORD})
        cookie = "; ".join(f"{name}={value}" for name, value in session.cookies.items())
    doors = {
        "page": ("/purchases.csv", {"Cookie": cookie}),
        "API": ("/api/v1/purchases?sort=recorded_at", {"Accept": "text/csv", "Authorization": f"Bearer {token}"}),
        "API, by day": ("/api/v1/purchases", {"Accept": "text/csv", "Authorization": f"Bearer {token}"}),
    }
    return Reader(server, user.shop_id, doors)


def report(many: Reader, rounds: int) -> bool:
    copies, exports = [], {door: [] for door in many.doors}
    for _ in range(rounds):
        copies.append(copy(many.shop_id))
        for door, found in exports.items():
            found.append(export(many, door))
            assert found[-1].lines == copies[-1].lines
    least = median(made.speed for made in copies)
    print(f"COPY: {copies[0].lines - 1:,} purchases, {least:,.0f} a second", flush=True)
    is_good = True
    for door, found in exports.items():
        speed, begin = median(made.speed for made in found), median(made.first_byte for made in found)
        print(
            f"{door}: {speed:,.0f} a second, {speed / least:.2f} of COPY; the first byte after {begin:.3f} s",
            flush=True,
        )
        is_good = is_good and speed >= RATIO_MIN * least and begin < FIRST_BYTE_MAX_SECONDS
    return is_good


def report_memory(few: Reader, many: Reader) -> bool:
    [worker] = psutil.Process(few.server.process.pid).children()
    grown = [growth(worker, reader) for reader in (few, many)]
    print(f"memory while that many are sent: {grown[0]:+.1f} MB for a tenth, {grown[1]:+.1f} MB for all", flush=True)
    return grown[1] - grown[0] < GROWTH_MAX_MB


def growth(worker: psutil.Process, reader: Reader) -> float:
    """MB at most, above what it had before."""
    Path(f"/proc/{worker.pid}/clear_refs").write_text("5")  # the peak begins anew
    before = worker.memory_info().rss
    export(reader, "page")
    [peak] = [line for line in Path(f"/proc/{worker.pid}/status").read_text().splitlines() if "VmHWM" in line]
    return int(peak.split()[1]) / 1_024 - before / 1_024**2


def copy(shop_id: int) -> Export:
    counter, connection = Counter(), db.engine.raw_connection()
    with closing(connection), connection.cursor() as cursor:
        began = time.perf_counter()
        cursor.copy_expert(COPY.format(shop_id), counter)
        return Export(counter.lines, time.perf_counter() - began)


def export(reader: Reader, door: str) -> Export:
    path, headers = reader.doors[door]
    counter = Counter()
    with closing(HTTPConnection("localhost", reader.server.port)) as connection:
        began = time.perf_counter()
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        assert answer.status == 200
        counter.write(answer.read(1))
        first_byte = time.perf_counter() - began
        while part := answer.read1(65_536):
            counter.write(part)
    return Export(counter.lines, time.perf_counter() - began, first_byte)


if __name__ == "__main__":
    sys.exit(main())
