"""Load by wrk, and what it costs those who answer."""

import os
import re
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import psutil

_SCRIPT = Path(__file__).with_name("captures.lua")
_MS = {"us": 0.001, "ms": 1, "s": 1_000}


class Load(NamedTuple):
    """What was answered, all of it with success; the median and the slowest hundredth in ms."""

    answered: int
    speed: float
    typical: float
    slowest: float


def require_wrk() -> None:
    if not shutil.which("wrk"):
        sys.exit("This needs wrk (Debian: apt-get install wrk).")


def capture_for(address: str, token: str, run: str, *, seconds: int, connections: int, has_keys: bool = False) -> Load:
    """Posts purchases, each connection one after the other. `run` makes the names of new customers new."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", "--latency", "-s", str(_SCRIPT)]
    said = subprocess.run(
        [*command, address, "--", run, *(["keys"] if has_keys else [])],
        env=os.environ | {"BENCH_TOKEN": token},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    if "Non-2xx" in said or "Socket errors" in said:
        sys.exit(f"Not every purchase was recorded:\n{said}")
    return Load(
        int(re.findall(r"(\d+) requests in", said)[0]),
        float(re.findall(r"Requests/sec:\s+([\d.]+)", said)[0]),
        *(_in_ms(found) for found in re.findall(r"(?m)^ +(?:50|99)%\s+(\S+)", said)),
    )


def _in_ms(text: str) -> float:
    found = re.fullmatch(r"([\d.]+)(us|ms|s)", text)
    assert found, text
    return float(found[1]) * _MS[found[2]]


def cpu_ms(*masters: psutil.Process) -> float:
    """What these, their children and those that ended have used so far."""
    spent = 0.0
    for process in (found for master in masters for found in family(master)):
        with suppress(psutil.NoSuchProcess):
            spent += sum(process.cpu_times()[:4])
    return 1_000 * spent


def memory(*processes: psutil.Process) -> float:
    """MB; what several share is counted in parts."""
    return sum(process.memory_full_info().pss for process in processes) / 1e6


def family(master: psutil.Process) -> list[psutil.Process]:
    return [master, *master.children(recursive=True)]
