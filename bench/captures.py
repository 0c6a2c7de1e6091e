"""How many purchases a second Tillbook captures, beside the programs of bench/peers. Needs wrk.

Four of five purchases are of 1,000 customers who are known beforehand. Rounds are run in turn, and the first is left
out. Every answer must be a success, and as many purchases must be stored in the end as were answered.
"""

import argparse
import json
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, closing
from dataclasses import dataclass
from functools import partial
from http.client import HTTPConnection
from statistics import median, quantiles
from typing import Any, NamedTuple

import psutil

from bench.load import Load, capture_for, cpu_ms, memory, require_wrk
from bench.peers import raw
from bench.sides import (
    REGULARS,
    Database,
    Server,
    postgresql,
    prepare_tables,
    prepare_tillbook,
    prepare_tutorial,
    serve_fast,
    serve_tillbook,
    serve_tutorial,
)

CONNECTIONS = 32
CONNECTIONS_TO_SQLITE = 16
CONNECTIONS_FOR_BATCHES = 4
BATCH = 500
STARTS = 3


@dataclass(frozen=True)
class Side:
    name: str
    process: psutil.Process
    database: Database
    load: Callable[[str], Load]
    """Captures for one round, which has a name."""


class Round(NamedTuple):
    """Times in ms; the CPU is that of each purchase, in the server and in the database."""

    answered: int
    speed: float
    typical: float
    slowest: float
    cpu: float
    cpu_of_database: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", help=f"which of {', '.join(PARTS)} (all)")
    parser.add_argument("--seconds", type=int, default=6, help="of each round (%(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="that count (%(default)s)")
    options = parser.parse_args()
    if unknown := set(options.parts) - PARTS.keys():
        parser.error(f"there is no {', '.join(unknown)}")
    require_wrk()
    for part in options.parts or PARTS:
        PARTS[part](options.rounds, options.seconds)


def on_postgresql(rounds: int, seconds: int) -> None:
    with postgresql() as (postmaster, make_database), ExitStack() as stack:
        tillbook = stack.enter_context(serve_tillbook(prepare_tillbook(make_database("tillbook"))))
        tutorial = stack.enter_context(serve_tutorial(prepare_tutorial(make_database("tutorial"))))
        fast = stack.enter_context(serve_fast(prepare_tables(make_database("fast"))))
        sides = [
            web("Tillbook", tillbook, seconds, CONNECTIONS),
            web("Tillbook, with keys", tillbook, seconds, CONNECTIONS, has_keys=True),
            web("tutorial", tutorial, seconds, CONNECTIONS),
            web("FastAPI", fast, seconds, CONNECTIONS),
            without_web("psycopg2 alone", prepare_tables(make_database("raw")), seconds),
        ]
        found = compare(sides, rounds, postmaster)
    tell(f"PostgreSQL, {CONNECTIONS} connections, alone {raw.CONNECTIONS}", found, against=("tutorial", "FastAPI"))


def on_sqlite(rounds: int, seconds: int) -> None:
    with tempfile.TemporaryDirectory(prefix="tillbook-bench-") as folder, ExitStack() as stack:
        tillbook = stack.enter_context(serve_tillbook(prepare_tillbook(f"sqlite:///{folder}/tillbook.db")))
        tutorial = stack.enter_context(serve_tutorial(prepare_tutorial(f"sqlite:///{folder}/tutorial.db")))
        sides = [
            web("Tillbook", tillbook, seconds, CONNECTIONS_TO_SQLITE),
            web("tutorial", tutorial, seconds, CONNECTIONS_TO_SQLITE),
        ]
        found = compare(sides, rounds)
    tell(f"SQLite, {CONNECTIONS_TO_SQLITE} connections", found, against=("tutorial",))


def in_batches(rounds: int, seconds: int) -> None:
    with postgresql() as (postmaster, make_database), ExitStack() as stack:
        tillbook = stack.enter_context(serve_tillbook(prepare_tillbook(make_database("tillbook"))))
        batches = partial(record_batches, tillbook, seconds)
        sides = [
            web("singles", tillbook, seconds, CONNECTIONS),
            Side(f"batches of {BATCH}", tillbook.process, tillbook.database, batches),
        ]
        found = compare(sides, rounds, postmaster)
    tell(f"PostgreSQL, {CONNECTIONS} connections, batches {CONNECTIONS_FOR_BATCHES}", found, against=("singles",))


def starting(*_: int) -> None:
    with postgresql() as (_, make_database):
        starts: dict[str, Callable[[], AbstractContextManager[Server]]] = {
            "Tillbook": partial(serve_tillbook, prepare_tillbook(make_database("tillbook")), "--workers", "1"),
            "tutorial": partial(serve_tutorial, prepare_tutorial(make_database("tutorial")), workers=1),
            "FastAPI": partial(serve_fast, prepare_tables(make_database("fast")), workers=1),
        }
        print(f"\n{'Start of one worker':24}{'s':>12}{'MB':>12}")
        for name, serve in starts.items():
            found = [start(serve, f"start {number}") for number in range(STARTS)]
            seconds, megabytes = (median(figures) for figures in zip(*found, strict=True))
            print(f"{name:24}{seconds:12.2f}{megabytes:12.0f}", flush=True)


PARTS: dict[str, Callable[[int, int], None]] = {
    "postgresql": on_postgresql,
    "sqlite": on_sqlite,
    "batch": in_batches,
    "start": starting,
}


def web(name: str, server: Server, seconds: int, connections: int, *, has_keys: bool = False) -> Side:
    address, token = server.address, server.database.token
    load = partial(capture_for, address, token, seconds=seconds, connections=connections, has_keys=has_keys)
    return Side(name, server.process, server.database, load)


def without_web(name: str, database: Database, seconds: int) -> Side:
    def load(run: str) -> Load:
        url = database.url.replace("+psycopg2", "")
        took = raw.record_all(url, database.token, run, seconds)
        return Load(len(took), len(took) / seconds, *_percentiles(took))

    return Side(name, psutil.Process(), database, load)


def record_batches(server: Server, seconds: int, run: str) -> Load:
    began = time.perf_counter()
    with ThreadPoolExecutor(CONNECTIONS_FOR_BATCHES) as pool:
        clients = [f"{run}-{client}" for client in range(CONNECTIONS_FOR_BATCHES)]
        found = pool.map(lambda client: list(batches(server, client, until=began + seconds)), clients)
        took = [one for of_client in found for one in of_client]
    answered = BATCH * len(took)
    return Load(answered, answered / (time.perf_counter() - began), *_percentiles(took))


def batches(server: Server, run: str, until: float) -> Iterator[float]:
    """Records one batch after the other; the seconds that each took."""
    headers = {"Authorization": f"Bearer {server.database.token}", "Content-Type": "application/json"}
    _, __, host, path = server.address.split("/", 3)
    with closing(HTTPConnection(host)) as connection:
        number = 0
        while (began := time.perf_counter()) < until:
            body = json.dumps({"purchases": [purchase(run, number + place) for place in range(BATCH)]})
            connection.request("POST", f"/{path}/batch", body, headers)
            answer = json.load(connection.getresponse())
            assert answer.get("stored") == BATCH, answer
            yield time.perf_counter() - began
            number += BATCH


def purchase(run: str, number: int) -> dict[str, Any]:
    name = random.choice(REGULARS) if number % 5 else f"Somebody {run}-{number}"
    return {"customer": {"name": name}, "item": "a book", "quantity": 2}


def start(serve: Callable[[], AbstractContextManager[Server]], run: str) -> tuple[float, float]:
    """The seconds until the worker answers, and its MB after it has captured for a second."""
    with serve() as server:
        capture_for(server.address, server.database.token, run, seconds=1, connections=1)
        [worker] = server.process.children() or [server.process]
        return server.seconds_to_start, memory(worker)


def compare(sides: Sequence[Side], rounds: int, *databases: psutil.Process) -> dict[str, list[Round]]:
    found: dict[str, list[Round]] = {side.name: [] for side in sides}
    expected = Counter({side.database: side.database.count_purchases() for side in sides})
    for number in range(rounds + 1):
        for place, side in enumerate(sides):
            measured = measure(side, f"{number}.{place}", *databases)
            expected[side.database] += measured.answered
            found[side.name].append(measured)
    for database, answered in expected.items():
        stored = database.count_purchases()
        # What was under way at the end of a round may be stored, and nobody read the answer.
        if not answered <= stored <= answered + CONNECTIONS * (rounds + 1) * len(sides):
            sys.exit(f"{database.url}: {answered:,} purchases were answered and {stored:,} are stored")
    return {name: measured[1:] for name, measured in found.items()}  # the first only warms up


def measure(side: Side, run: str, *databases: psutil.Process) -> Round:
    cpu, cpu_of_database = cpu_ms(side.process), cpu_ms(*databases)
    load = side.load(run)
    return Round(
        *load,
        (cpu_ms(side.process) - cpu) / load.answered,
        (cpu_ms(*databases) - cpu_of_database) / load.answered,
    )


def tell(title: str, found: dict[str, list[Round]], against: Sequence[str]) -> None:
    """Medians of the rounds; a ratio is that of the same round."""
    headings = ["captures/s", "p50 ms", "p99 ms", *(f"to {name}" for name in against), "CPU ms", "database ms"]
    print(f"\n{title}\n{'':24}", *(f"{heading:>12}" for heading in headings), sep="")
    for name, rounds in found.items():
        _, speed, typical, slowest, cpu, cpu_of_database = (median(figures) for figures in zip(*rounds, strict=True))
        ratios = [_ratio(rounds, found[other]) for other in against]
        figures = [f"{speed:,.0f}", f"{typical:.1f}", f"{slowest:.1f}", *(f"{ratio:.2f}" for ratio in ratios)]
        figures += [f"{cpu:.2f}", f"{cpu_of_database:.2f}"]
        print(f"{name:24}", *(f"{figure:>12}" for figure in figures), sep="", flush=True)


def _ratio(rounds: Sequence[Round], others: Sequence[Round]) -> float:
    return median(one.speed / other.speed for one, other in zip(rounds, others, strict=True))


def _percentiles(seconds: Sequence[float]) -> tuple[float, float]:
    """The median and the slowest hundredth, in ms."""
    hundredths = quantiles(seconds, n=100, method="inclusive")
    return 1_000 * hundredths[49], 1_000 * hundredths[98]


if __name__ == "__main__":
    main()
