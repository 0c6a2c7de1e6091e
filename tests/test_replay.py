"""examples/replay.py against Tillbook as production runs it: each line is recorded once, whatever breaks on the way."""

import os
import random
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from itertools import cycle
from pathlib import Path
from socket import SHUT_RDWR, create_connection, create_server, socket
from threading import Thread
from typing import IO

import pytest
from flask import Flask

from extensions import db
from models import ApiToken, Customer, Identity, Purchase
from schemas.problems import judge
from schemas.token import TokenDetails
from services import tokens
from tests.cast import Person
from tests.conftest import IS_LONG
from tests.server import ROOT, Server, serve
from tests.test_real_data import HEADER, REAL_DATA, Totals, count_of, made_up_lines, stored, totals_of

LINES = list(made_up_lines())
BUSY = b"HTTP/1.1 503 Busy\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n"


@pytest.fixture(scope="module")
def server(migrated_app: Flask) -> Iterator[Server]:
    """Has two workers where the database lets two write, as it has by default."""
    with serve(migrated_app.config["SQLALCHEMY_DATABASE_URI"], WEB_CONCURRENCY="2") as running:
        yield running


@pytest.fixture
def token(owner: Person) -> str:
    return make_token(owner)


def make_token(owner: Person, scopes: tuple[str, ...] = ApiToken.SCOPES) -> str:
    with owner.app.app_context():
        details = judge(TokenDetails, {"name": "Replay", "scopes": scopes, "expires_in_days": None})
        _, text = tokens.make(details, user=owner.user)
        db.session.commit()
        return text


def write(folder: Path, lines: list[str], name: str = "purchases.csv") -> Path:
    file = folder / name
    file.write_text("\n".join([HEADER, *lines]) + "\n")
    return file


def replay(file: Path, token: str, port: int, *options: str) -> subprocess.CompletedProcess[str]:
    """Without a site: it gets nothing but the standard library."""
    return subprocess.run(
        [sys.executable, "-I", "-S", ROOT / "examples/replay.py", file, "--url", f"http://127.0.0.1:{port}", *options],
        env=os.environ | {"TILLBOOK_TOKEN": token},
        capture_output=True,
        text=True,
        check=False,
    )


def told(totals: Totals, *, recorded: int, repeated: int, is_checked: bool = True) -> str:
    """What is printed when nothing was refused."""
    sums = f"{totals.pieces:,} pieces, {totals.amount:,} USD"
    lines = [
        f"Recorded: {recorded:,}",
        f"Already recorded, by an earlier run or by a request whose answer was lost: {repeated:,}",
        f"Together: {totals.customers:,} customers, {sums}",
        "Refused: 0",
    ]
    if is_checked:
        lines.append(f"Tillbook's summary: {totals.purchases:,} purchases, {sums}")
    return "\n".join(lines) + "\n"


def counts(run: subprocess.CompletedProcess[str]) -> tuple[int, int]:
    """What it says it recorded, and what it says was recorded already."""
    recorded, repeated = re.findall(r"ecorded.*: ([\d,]+)$", run.stdout, re.MULTILINE)
    return int(recorded.replace(",", "")), int(repeated.replace(",", ""))


def assert_holds(owner: Person, totals: Totals) -> None:
    """By counting in the database."""
    assert stored(owner) == totals
    assert count_of(owner, Purchase) == totals.purchases
    assert count_of(owner, Customer) == count_of(owner, Identity) == totals.customers


def test_every_line_is_recorded_once_and_a_second_run_changes_nothing(
    owner: Person, token: str, server: Server, tmp_path: Path
) -> None:
    totals, file = totals_of(LINES), write(tmp_path, LINES)
    for recorded, repeated in ((totals.purchases, 0), (0, totals.purchases)):
        run = replay(file, token, server.port, "--size", "250", "--twice-every", "3", "--check")
        assert (run.returncode, run.stderr) == (0, "")
        assert run.stdout == told(totals, recorded=recorded, repeated=repeated)
        assert_holds(owner, totals)


def test_the_real_purchases_come_in_once(owner: Person, token: str, server: Server, tmp_path: Path) -> None:
    """The first 10,000 of them, all where there is time for it (on SQLite); and those again.

    All of them come in by the command in each run: tests/test_real_data.py. Where the file is not at hand, those made
    up take its place.
    """
    lines = REAL_DATA.read_text().splitlines()[1:] if REAL_DATA.exists() else LINES
    some = lines[:10_000]
    if not IS_LONG or "sqlite" not in owner.app.config["SQLALCHEMY_DATABASE_URI"]:
        lines = some
    totals, options = totals_of(lines), ("--keys", "cdnow", "--size", "1000")

    run = replay(write(tmp_path, lines), token, server.port, *options, "--twice-every", "10", "--check")
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout == told(totals, recorded=totals.purchases, repeated=0)
    assert_holds(owner, totals)

    again = replay(write(tmp_path, some), token, server.port, *options)
    assert again.stdout == told(totals_of(some), recorded=0, repeated=len(some), is_checked=False)
    assert_holds(owner, totals)


def test_nothing_is_lost_or_doubled_where_connections_break(
    owner: Person, token: str, server: Server, tmp_path: Path
) -> None:
    totals, file = totals_of(LINES), write(tmp_path, LINES)
    with bad_line(server.port) as line:
        run = replay(file, token, line.port, "--size", "100", "--twice-every", "7", "--check")
    assert run.returncode == 0, run.stderr
    assert min(line.breaks.values()) >= 2
    recorded, repeated = counts(run)
    assert repeated >= 100  # of requests whose answer did not arrive
    assert run.stdout == told(totals, recorded=totals.purchases - repeated, repeated=repeated)
    assert recorded + repeated == totals.purchases
    assert run.stderr.count("again in") == line.breaks.total()
    assert run.stderr.count("503: no reason given; again in 1.0 s\n") == line.breaks["busy"]
    assert_holds(owner, totals)


def test_two_who_send_the_same_file_at_once_and_a_third_with_the_same_customers(
    owner: Person, token: str, server: Server, tmp_path: Path
) -> None:
    some, others = LINES[:1_500], [*LINES[700:1_500], *LINES[:700]]
    same, other = write(tmp_path, some), write(tmp_path, others, "others.csv")
    with ThreadPoolExecutor(3) as pool:
        runs = list(pool.map(lambda file: replay(file, token, server.port, "--size", "50"), (same, same, other)))
    assert [run.returncode for run in runs] == [0, 0, 0], [run.stderr for run in runs]
    first, second, third = (counts(run) for run in runs)
    assert first[0] + second[0] == first[1] + second[1] == len(some)
    assert third == (len(others), 0)
    assert_holds(owner, totals_of(some + others))


def test_refused_lines_are_named_and_can_be_mended(owner: Person, token: str, server: Server, tmp_path: Path) -> None:
    lines = LINES[:100]
    wrong = {
        4: ("00001,1997-02-30,1,11.77", "Purchase date must be a real date, like "),
        7: ("00001,1997-01-01,0,11.77", "Quantity must be a whole number from 1 to 1,000,000"),
        8: ("00001,1997-01-01,one,11.77", "Quantity must be a whole number from 1 to 1,000,000"),
        12: ("00001,1997-01-01,1,11.777", "Amount must have at most 2 decimals, because it is in USD"),
        33: (",1997-01-01,1,11.77", "Enter who bought it"),
        57: ("00001,1997-01-01", "Quantity must be a whole number from 1 to 1,000,000; Amount must be an object like "),
        58: ("00001,1997-01-01,1,1,177.00", "It has more values than the first line has names"),
    }
    mistyped = [wrong[number][0] if number in wrong else line for number, line in enumerate(lines, start=2)]
    rest = [line for number, line in enumerate(lines, start=2) if number not in wrong]

    run = replay(write(tmp_path, mistyped), token, server.port, "--size", "10", "--twice-every", "2", "--check")
    assert (run.returncode, run.stderr) == (1, "")
    assert counts(run) == (len(rest), 0)
    assert f"Refused: {len(wrong)}\n" in run.stdout
    named = dict(re.findall(r"^  line (\d+): (.*)$", run.stdout, re.MULTILINE))
    assert [int(number) for number in named] == list(wrong)
    for number, (_, reason) in wrong.items():
        assert named[str(number)].startswith(reason)
    assert_holds(owner, totals_of(rest))

    options = re.findall(r"send the file again with (--keys) (\w+)$", run.stdout, re.MULTILINE)[0]
    run = replay(write(tmp_path, lines), token, server.port, *options, "--check")
    assert run.stdout == told(totals_of(lines), recorded=len(wrong), repeated=len(rest))
    assert_holds(owner, totals_of(lines))

    # What was recorded cannot be changed by sending it otherwise.
    run = replay(write(tmp_path, [lines[0].replace("1997", "1998"), *lines[1:]]), token, server.port, *options)
    assert run.returncode == 1
    assert "Refused: 1\n  line 2: This was already recorded with other content. Nothing was stored." in run.stdout
    assert_holds(owner, totals_of(lines))


def test_the_readme_shows_what_happens(token: str, server: Server, tmp_path: Path) -> None:
    readme = (ROOT / "examples/README.md").read_text()
    [table] = re.findall(r"^```csv\n(.*?)^```", readme, re.MULTILINE | re.DOTALL)
    first, second = re.findall(r"^\$ python examples/replay.py purchases.csv (.*)\n([^`]*)```", readme, re.MULTILINE)
    file = tmp_path / "purchases.csv"
    for (options, shown), text in ((first, table), (second, table.replace("one", "1").replace("02-30", "03-02"))):
        file.write_text(text)
        run = replay(file, token, server.port, *options.split())
        assert without_days(run.stdout) == without_days(shown)
    assert run.returncode == 0


def without_days(text: str) -> str:
    return re.sub(r"\d{4}-\d\d-\d\d", "a day", text)


def test_what_makes_no_sense_to_try_again_is_said_at_once(
    owner: Person, token: str, server: Server, tmp_path: Path
) -> None:
    file = write(tmp_path, LINES[:10])
    reader = make_token(owner, scopes=("purchases:read",))
    wrong = token[:-1] + ("0" if token[-1] != "0" else "1")
    for run, reason in (
        (replay(file, wrong, server.port), "401: Send a token that is in use: Authorization: Bearer till_…."),
        (replay(file, reader, server.port), "403: The token needs the scope purchases:write."),
        (
            replay(file, "", server.port),
            "Set TILLBOOK_TOKEN to an API token; make one on the page of your account",
        ),
        (replay(file, token, server.port, "--columns", *"abcd"), f"{file} has no column a, b, c, d"),
        (replay(file, token, server.port, "--url", "till"), "--url must be like https://till.example.com"),
    ):
        assert (run.returncode, run.stdout, run.stderr) == (2, "", f"{reason}\n")
    assert count_of(owner, Purchase) == 0


def test_it_gives_up_where_nobody_answers(token: str, tmp_path: Path) -> None:
    with create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    run = replay(write(tmp_path, LINES[:10]), token, port, "--tries", "2")
    assert (run.returncode, run.stdout) == (2, "")
    first, last = run.stderr.splitlines()
    assert re.fullmatch(r"ConnectionRefusedError: .*; again in 0\.\d s", first)
    assert last.endswith("given up after 2 tries. Run it again later: nothing is recorded twice")


class BadLine:
    """A way to the server on which one request in four or so breaks: cut short itself, or its answer, or refused."""

    def __init__(self, server_port: int):
        self._server_port = server_port
        self._chance = random.Random(19_970_101)
        self._next = cycle(["in the request", "before the answer", "in the answer", "busy"])
        self.breaks: Counter[str] = Counter()
        self.listener = create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]

    def carry_all(self) -> None:
        with suppress(OSError):  # closed at the end
            while True:
                client, _ = self.listener.accept()
                with suppress(OSError), client:
                    self._carry(client)

    def _carry(self, client: socket) -> None:
        address = ("127.0.0.1", self._server_port)
        with create_connection(address) as server, client.makefile("rb") as asked, server.makefile("rb") as answered:
            while request := read_message(asked):
                kind = next(self._next) if self._chance.random() < 0.25 else None
                if kind:
                    self.breaks[kind] += 1
                if kind == "busy":
                    client.sendall(BUSY)
                    continue
                server.sendall(self._part(request) if kind == "in the request" else request)
                if kind in ("in the request", "before the answer"):
                    return
                answer = read_message(answered)
                client.sendall(self._part(answer) if kind == "in the answer" else answer)
                if kind:
                    return

    def _part(self, message: bytes) -> bytes:
        return message[: self._chance.randrange(len(message))]


@contextmanager
def bad_line(server_port: int) -> Iterator[BadLine]:
    line = BadLine(server_port)
    carrier = Thread(target=line.carry_all)
    carrier.start()
    try:
        yield line
    finally:
        with suppress(OSError):
            line.listener.shutdown(SHUT_RDWR)  # wakes up who waits in accept
        line.listener.close()
        carrier.join()


def read_message(stream: IO[bytes]) -> bytes:
    """One request or answer, whole; nothing when there are no more."""
    head = b""
    while line := stream.readline():
        head += line
        if line == b"\r\n":
            break
    length = re.search(rb"(?i)^content-length: *(\d+)", head, re.MULTILINE)
    return head + stream.read(int(length[1]) if length else 0)
