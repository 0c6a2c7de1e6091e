"""What clients send that is no HTTP, or breaks off: each gets a 4xx or a closed connection, and nobody else notices."""

import os
import re
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.cookies import SimpleCookie
from socket import SO_LINGER, SOL_SOCKET
from time import sleep
from urllib.parse import urlencode

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from sqlalchemy import text

from extensions import db
from tests.api.client import Api
from tests.cast import Person
from tests.server import ROOT, Answer, Server, serve

GOOD = b"GET /login HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
LIMIT = 64_000


@pytest.fixture(scope="module")
def running(migrated_app: Flask) -> Iterator[Server]:
    with serve(migrated_app.config["SQLALCHEMY_DATABASE_URI"]) as server:
        yield server


@pytest.fixture
def server(running: Server, app: Flask) -> Iterator[Server]:
    """Has its only worker, and works, after each test as before it."""
    yield running
    answer = sign_in(running, "email=nobody%40example.com&password=wrong")
    assert answer.status == 422
    assert "E-mail address or password is not right" in answer.body
    assert running.log.count("Booting worker") == 1
    assert not re.search(r"Traceback|\[(error|critical)|status=5", running.log, re.IGNORECASE), running.log


def sign_in(server: Server, fields: str | bytes) -> Answer:
    """Sends the fields, as they stand in a form, with the token of a page."""
    page = server.ask(GOOD)
    cookie = SimpleCookie(re.findall(r"(?mi)^Set-Cookie: (.*)$", page.headers)[0])["tillbook"]
    token = BeautifulSoup(page.body, "html.parser").select_one("main [name=csrf_token]")
    assert token is not None
    typed = fields.encode() if isinstance(fields, str) else fields
    body = urlencode({"csrf_token": token["value"]}).encode() + b"&" + typed
    return server.ask(post(body, f"Content-Length: {len(body)}", f"Cookie: tillbook={cookie.value}"))


def post(body: bytes, *headers: str, kind: str = "application/x-www-form-urlencoded") -> bytes:
    head = ["POST /login HTTP/1.1", "Host: localhost", f"Content-Type: {kind}", *headers]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def chunked(body: bytes, kind: str = "application/x-www-form-urlencoded") -> bytes:
    return post(body, "Transfer-Encoding: chunked", kind=kind)


BROKEN = {
    "a size that is no number": chunked(b"ZZ\r\nemail\r\n0\r\n\r\n"),
    "a size below zero": chunked(b"-5\r\nemail\r\n0\r\n\r\n"),
    "no size": chunked(b"\r\nemail\r\n0\r\n\r\n"),
    "a size that is a word": chunked(b"0x5\r\nemail\r\n0\r\n\r\n"),
    "a second size that is no number": chunked(b"5\r\nemail\r\nZZ\r\n\r\n"),
    "a chunk longer than its size": chunked(b"3\r\nemail\r\n0\r\n\r\n"),
    "an endless size": chunked(b"5" * 20_000),
    "an extension that is none": chunked(b"5;=\r\nemail\r\n0\r\n\r\n"),
    "a trailer that is none": chunked(b"5\r\nemail\r\n0\r\nno trailer\r\n\r\n"),
    "a part of a form that is no chunk": chunked(b"--b\r\n", kind="multipart/form-data; boundary=b"),
}


@pytest.mark.parametrize("request_bytes", BROKEN.values(), ids=BROKEN)
def test_broken_chunks_are_a_400_and_end_the_connection(server: Server, request_bytes: bytes) -> None:
    answer = server.ask(request_bytes)
    assert answer.status == 400
    assert "That did not work" in answer.body
    assert "X-Request-Id" in answer.headers
    assert server.ask_all(request_bytes + GOOD) == [400]


SHORT = {
    "nothing": post(b"", "Content-Length: 100"),
    "half of what was announced": post(b"email=tim", "Content-Length: 18"),
    "half of a file": post(
        b'--b\r\nContent-Disposition: form-data; name="email"\r\n\r\ntim\r\n--b--\r\n',
        "Content-Length: 200",
        kind="multipart/form-data; boundary=b",
    ),
    "no chunk": chunked(b""),
    "half of a size": chunked(b"5"),
    "half of a chunk": chunked(b"5\r\nem"),
    "a chunk without its end": chunked(b"5\r\nemail"),
    "no last chunk": chunked(b"5\r\nemail\r\n"),
    "half of the last chunk": chunked(b"5\r\nemail\r\n0\r\n"),
}


@pytest.mark.parametrize("request_bytes", SHORT.values(), ids=SHORT)
def test_a_body_that_ends_early_is_a_400(server: Server, request_bytes: bytes) -> None:
    answer = server.ask(request_bytes, hangs_up=True)
    assert answer.status == 400
    assert "That did not work" in answer.body


@pytest.mark.parametrize("request_bytes", [*SHORT.values(), GOOD[:20], GOOD[:-2], chunked(b"ffff\r\n" + b"x" * 9_999)])
def test_a_client_that_is_gone_in_the_middle_disturbs_nobody(server: Server, request_bytes: bytes) -> None:
    with server.connect() as connection:
        connection.sendall(request_bytes)
        connection.setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))  # closing resets the connection


LONG = {
    "announced": post(b"", "Content-Length: 64001"),
    "announced and sent": post(b"email=" + b"x" * LIMIT, f"Content-Length: {LIMIT + 6}"),
    "one chunk": chunked(b"fa01\r\n" + b"x" * (LIMIT + 1) + b"\r\n0\r\n\r\n"),
    "many chunks": chunked(b"8\r\nemail=xx\r\n" * 10_000 + b"0\r\n\r\n"),
    "a chunk without an end": chunked(b"ffffffffff\r\n" + b"x" * 100_000),
    "many parts": chunked(
        b"fa01\r\n--b" + b"x" * (LIMIT - 2) + b"\r\n0\r\n\r\n", kind="multipart/form-data; boundary=b"
    ),
}


@pytest.mark.parametrize("request_bytes", LONG.values(), ids=LONG)
def test_a_body_that_is_too_long_is_a_413(server: Server, request_bytes: bytes) -> None:
    answer = server.ask(request_bytes)
    assert answer.status == 413
    assert "That was too much at once" in answer.body


NO_HTTP = {
    "garbage": b"\x00\xff garbage \x01\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64) + b"\r\n\r\n",
    "an odd method": b"G\xc3\x89T /login HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "an odd version": b"GET /login HTTP/9.9\r\nHost: localhost\r\n\r\n",
    "100 kB of header": b"GET /login HTTP/1.1\r\nHost: localhost\r\nX-Long: " + b"x" * 100_000 + b"\r\n\r\n",
    "1,000 headers": b"GET /login HTTP/1.1\r\nHost: localhost\r\n" + b"X-Many: x\r\n" * 1_000 + b"\r\n",
    "100 kB of path": b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a header without a colon": b"GET /login HTTP/1.1\r\nHost: localhost\r\nodd\r\n\r\n",
    "NUL in a header": b"GET /login HTTP/1.1\r\nHost: localhost\r\nX-Odd: a\0b\r\n\r\n",
    "two lengths": post(b"email", "Content-Length: 5", "Content-Length: 6"),
    "a length that is a word": post(b"email", "Content-Length: five"),
    "a length below zero": post(b"email", "Content-Length: -5"),
    "chunks with a length": post(b"5\r\nemail\r\n0\r\n\r\n", "Transfer-Encoding: chunked", "Content-Length: 5"),
    "chunks of chunks": post(b"5\r\nemail\r\n0\r\n\r\n", "Transfer-Encoding: chunked, chunked"),
}


@pytest.mark.parametrize("request_bytes", NO_HTTP.values(), ids=NO_HTTP)
def test_what_is_no_http_does_not_reach_the_app(server: Server, request_bytes: bytes) -> None:
    answer = server.ask(request_bytes)
    assert answer.status == 0 or 400 <= answer.status < 500
    assert "<" not in answer.body or "X-Request-Id" in answer.headers
    assert 200 not in server.ask_all(request_bytes + GOOD)


@pytest.mark.parametrize(("what", "status"), [("100 kB of path", 414), ("100 kB of header", 431), ("garbage", 400)])
def test_what_does_not_reach_the_app_is_refused_in_words(server: Server, what: str, status: int) -> None:
    answer = server.ask(NO_HTTP[what])
    assert answer.status == status
    assert answer.body.endswith("Nothing was stored.\n")


def test_the_log_of_gunicorn_names_no_client_and_nothing_that_was_sent(server: Server) -> None:
    before = len(server.log)
    server.ask(b"GET /customers?q=Tim%20Smith HTTP/9.9\r\nHost: localhost\r\n\r\n")
    server.ask(NO_HTTP["an odd method"])
    said = server.log[before:]
    assert said.count("[WARNING] Refused what is no HTTP: Invalid") == 2
    assert "127.0.0.1" not in said
    assert "Smith" not in said


@pytest.mark.parametrize("request_bytes", [GOOD, GOOD.replace(b"/login", b"/nowhere"), NO_HTTP["100 kB of path"]])
def test_no_answer_names_a_version(server: Server, request_bytes: bytes) -> None:
    answer = server.ask(request_bytes)
    assert not re.search(r"\d\.\d+\.\d", answer.headers + answer.body)


@pytest.mark.parametrize("header", [b"SCRIPT_NAME: /login", b"PATH_INFO: /register", b"X-Forwarded-Proto: https"])
def test_who_is_no_trusted_proxy_changes_no_address(server: Server, header: bytes) -> None:
    asked = b"GET /login HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%s\r\n\r\n" % header
    assert "Sign in – Tillbook" in server.ask(asked).body


def test_a_body_of_chunks_is_a_form_like_any_other(server: Server) -> None:
    most = b"fa00\r\n" + b"x" * LIMIT + b"\r\n0\r\n\r\n"
    for body in (b"5\r\nemail\r\n0\r\n\r\n", b"5;a=b\r\nemail\r\n0\r\nX-Trailer: x\r\n\r\n", most):
        answer = server.ask(chunked(body))
        assert answer.status == 400
        assert "This page was open for too long" in answer.body  # it was read to its end: only the token is missing


@pytest.mark.parametrize("fields", [b"email=\xff\xfe&password=\xc3", b"email=%ff&password=%00", b"&&==%&%zz=%"])
def test_bytes_that_are_no_text_are_refused_in_words(server: Server, fields: bytes) -> None:
    answer = sign_in(server, fields)
    assert answer.status == 422
    assert "There is a problem" in answer.body or 'id="email-error"' in answer.body


@pytest.mark.parametrize(
    ("door", "kind"), [("/purchases", "application/x-www-form-urlencoded"), ("/api/v1/purchases", "application/json")]
)
def test_who_sends_slowly_keeps_nobody_else_from_recording(
    running: Server, owner: Person, door: str, kind: str
) -> None:
    token = owner.token()
    Api(owner.app, token).get("")  # its first use is a note of its own
    keys = [f"Cookie: tillbook={owner.browser.cookie}", f"Authorization: Bearer {token}"]
    head = [f"POST {door} HTTP/1.1", "Host: localhost", *keys, f"Content-Type: {kind}", "Content-Length: 1000"]
    with running.connect() as slow:
        slow.sendall("\r\n".join(head).encode() + b"\r\n\r\nTim")
        sleep(0.5)
        owner.capture(customer="Tim")  # fails when it has to wait as long as a busy database is waited for
    assert len(owner.purchases()) == 1


def test_sqlite_in_production_is_warned_of_and_postgresql_is_not(migrated_app: Flask) -> None:
    url = migrated_app.config["SQLALCHEMY_DATABASE_URI"]
    with serve(url, ENVIRONMENT="production", SECRET_KEY="0123456789abcdef" * 4, LOG_LEVEL="ERROR") as server:
        assert server.log.count("SQLite in production") == url.startswith("sqlite")


def test_what_is_in_flight_is_finished_when_the_server_stops(app: Flask, owner: Person) -> None:
    body = b'{"customer": {"name": "Tim"}, "item": "a book"}'
    head = f"Authorization: Bearer {owner.token()}\r\nContent-Length: {len(body)}"
    asked = f"POST /api/v1/purchases HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{head}\r\n\r\n"
    with (
        serve(app.config["SQLALCHEMY_DATABASE_URI"], WEB_CONCURRENCY="2") as server,
        nobody_can_write(app) as let_go,
        ThreadPoolExecutor(1) as pool,
    ):
        asking = pool.submit(server.ask, asked.encode() + body)
        sleep(0.5)
        assert not asking.done()
        server.process.terminate()
        sleep(1)
        let_go()
        assert asking.result().status == 201
        assert server.process.wait(25) == 0
    assert len(owner.purchases()) == 1


@contextmanager
def nobody_can_write(app: Flask) -> Iterator[Callable[[], None]]:
    """Until what it gives is called."""
    with app.app_context(), db.engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("LOCK TABLE purchases IN SHARE MODE"))
        else:
            connection.begin()
        yield connection.rollback


@pytest.mark.parametrize(
    ("bind", "workers", "is_shared"),
    [
        ("0.0.0.0:8000", "2", "True"),
        ("0.0.0.0:8000", "1", "False"),
        ("unix:web", "2", "False"),
        ("[::]:0", "2", "False"),
    ],
)
def test_each_of_several_workers_listens_for_itself(bind: str, workers: str, is_shared: str) -> None:
    """Not where each would listen somewhere else."""
    told = {"DATABASE_URL": "postgresql://web@db/tillbook", "SECRET_KEY": "x" * 32, "BASE_URL": "http://localhost"}
    environment = {**os.environ, **told, "ENVIRONMENT": "development", "BIND": bind, "WEB_CONCURRENCY": workers}
    asked = "import runpy; print(runpy.run_path('gunicorn.conf.py')['reuse_port'])"
    run = subprocess.run(
        [sys.executable, "-c", asked], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == is_shared
