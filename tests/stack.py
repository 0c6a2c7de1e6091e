"""Tillbook as docker-compose.yml runs it, without containers: the same settings, commands and configuration files."""

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from socket import create_connection, create_server
from typing import Any

import yaml

from deploy import static_files
from tests.get_servers import installed
from tests.server import ROOT, Server, serve

_PATIENCE_SECONDS = 20
# Like ${NAME:?what to do} and ${NAME:-default}.
_VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?::(?P<kind>[?-])(?P<text>[^}]*))?\}")


@dataclass
class Proxy(Server):
    """nginx at `listens_at`."""

    listens_at: int

    @property
    def port(self) -> int:
        return self.listens_at


@dataclass
class Stack:
    proxy: Proxy
    web: Server
    redis_port: int

    @property
    def address(self) -> str:
        return f"http://localhost:{self.proxy.port}"


def compose(**told: str) -> dict[str, Any]:
    """The services of docker-compose.yml, when `.env` says what is told. Raises KeyError where that is not enough."""
    file = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return {name: _filled_in(service, told) for name, service in file["services"].items()}


def _filled_in(value: Any, told: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _filled_in(item, told) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled_in(item, told) for item in value]
    return _VARIABLE.sub(lambda found: _value_of(found, told), value) if isinstance(value, str) else value


def _value_of(found: re.Match[str], told: Mapping[str, str]) -> str:
    return told.get(found["name"]) or found["text"] if found["kind"] == "-" else told[found["name"]]


@contextmanager
def run_stack(database_url: str, folder: Path) -> Iterator[Stack]:
    """The steps of `docker compose up`, one after the other, on an empty PostgreSQL database."""
    port, redis_port, web_port = free_port(), free_port(), free_port()
    services = compose(
        SECRET_KEY="0123456789abcdef" * 4,
        POSTGRES_PASSWORD="of the container",
        BASE_URL=f"http://localhost:{port}",
    )
    settings = services["web"]["environment"] | {
        "DATABASE_URL": database_url,
        "REDIS_URL": f"redis://127.0.0.1:{redis_port}/0",
        "BIND": f"127.0.0.1:{web_port}",
    }
    with redis(redis_port, folder, *services["redis"]["command"][1:]):
        run_once(services["migrate"]["command"], settings)
        with serve(settings.pop("DATABASE_URL"), **settings) as web, proxy(web_port, port) as front:
            yield Stack(front, web, redis_port)


@contextmanager
def redis(port: int, folder: Path, *options: str) -> Iterator[None]:
    here = ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder)]
    with running("redis-server", *options, *here, at=port, log_file=folder / "redis.log"):
        yield


def run_once(command: list[str], settings: dict[str, str]) -> None:
    """A container that does its work and ends."""
    subprocess.run(
        [sys.executable, "-m", *command],
        cwd=ROOT,
        env=os.environ | settings | {"FLASK_APP": "app:create_app"},
        check=True,
        capture_output=True,
    )


@contextmanager
def proxy(app_port: int, port: int, **more: str) -> Iterator[Proxy]:
    """nginx in front of what listens at that port, with HTTPS when `more` says by which certificate."""
    with tempfile.TemporaryDirectory(prefix="tillbook-nginx-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # nginx gives up its rights when root starts it
        static_files.main(folder / "files")
        told = _told_to_nginx(app_port, port, folder) | more
        for template in ("nginx.conf", "https.conf") if more else ("nginx.conf",):
            (folder / template).write_text(rendered(template, told))
        log_file = folder / "log"
        with running("nginx", "-c", str(folder / "nginx.conf"), at=port, log_file=log_file) as process:
            yield Proxy(process, log_file, port)


def _told_to_nginx(app_port: int, port: int, folder: Path) -> dict[str, str]:
    told: dict[str, str] = compose(SECRET_KEY="-", POSTGRES_PASSWORD="-", BASE_URL="-")["proxy"]["environment"]
    return told | {
        "TILLBOOK_LISTEN": f"127.0.0.1:{port}",
        "TILLBOOK_APP": f"127.0.0.1:{app_port}",
        "TILLBOOK_FILES": str(folder / "files"),
        "TILLBOOK_BUFFERS": str(folder),
    }


def rendered(name: str, told: Mapping[str, str]) -> str:
    """A template of deploy/, as the entry point of the nginx image fills it in."""
    return re.sub(r"\$\{(TILLBOOK_\w+)\}", lambda found: told[found[1]], (ROOT / "deploy" / name).read_text())


@contextmanager
def running(name: str, *arguments: str, at: int, log_file: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A server that listens at a port when it is ready."""
    program = installed(name)
    assert program, f"The tests need {name}. Install it, or run make test, which brings it where it can."
    with log_file.open("wb") as log:
        process = subprocess.Popen([program, *arguments], stdout=log, stderr=subprocess.STDOUT)
    try:
        wait_for(at, process, log_file)
        yield process
    finally:
        process.terminate()
        process.wait(_PATIENCE_SECONDS)


def wait_for(port: int, process: subprocess.Popen[bytes], log_file: Path) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(OSError), create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.02)
    raise AssertionError(f"It did not start: {log_file.read_text(errors='replace')}")


def free_port() -> int:
    with create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])
