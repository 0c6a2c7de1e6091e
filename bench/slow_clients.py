"""How long everybody else waits while 150 clients send their requests a few bytes at a time."""

import argparse
import socket
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from statistics import median
from threading import Event

from bench.imports import fresh_app
from tests.server import Server, serve
from tests.stack import free_port, proxy

SLOW = 150
ASKED = 5
PATIENCE_SECONDS = 10
HEAD = b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nX-Slow: "
PAGE = b"GET /login HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "threads", nargs="*", default=["8", "200"], help="of the worker, one measurement for each (8 and 200)"
    )
    for threads in parser.parse_args().threads:
        with tempfile.TemporaryDirectory(prefix="tillbook-bench-") as folder:
            url = f"sqlite:///{folder}/tillbook.db"
            with (
                fresh_app(url),
                serve(url, WEB_THREADS=threads, LOG_LEVEL="ERROR") as server,
                proxy(server.port, free_port()) as front,
            ):
                compare(f"{threads} threads", server)
                compare(f"{threads} threads, nginx in front", front)


def compare(layout: str, server: Server) -> None:
    tell(f"{layout}, nobody slow", waits(server))
    with slow_clients(server):
        tell(f"{layout}, {SLOW} slow", waits(server))


@contextmanager
def slow_clients(server: Server) -> Iterator[None]:
    """Each sends a byte of its request now and then."""
    stop = Event()
    with ExitStack() as stack, ThreadPoolExecutor(1) as pool:
        clients = [stack.enter_context(server.connect()) for _ in range(SLOW)]
        for client in clients:
            client.sendall(HEAD)
        dripping = pool.submit(drip, clients, stop)
        time.sleep(1)
        yield
        stop.set()
        dripping.result()


def drip(clients: list[socket.socket], stop: Event) -> None:
    while not stop.wait(0.5):
        for client in clients:
            client.sendall(b"x")


def waits(server: Server) -> list[float | None]:
    """The seconds until each page came; None where it did not within the patience of a visitor."""
    return [wait(server) for _ in range(ASKED)]


def wait(server: Server) -> float | None:
    began = time.perf_counter()
    with server.connect() as connection:
        connection.settimeout(PATIENCE_SECONDS)
        connection.sendall(PAGE)
        try:
            connection.recv(1)
        except TimeoutError:
            return None
    return time.perf_counter() - began


def tell(what: str, found: list[float | None]) -> None:
    came = sorted(seconds for seconds in found if seconds is not None)
    times = f"median {median(came) * 1_000:.0f} ms, slowest {came[-1] * 1_000:.0f} ms" if came else "-"
    print(f"{what}: {len(came)} of {len(found)} pages came; {times}", flush=True)


if __name__ == "__main__":
    main()
