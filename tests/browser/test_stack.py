"""All that docker-compose.yml starts, run by hand: what people and programs meet behind nginx, as it is shipped."""

import http.server
import json
import re
import runpy
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from http.client import HTTPMessage
from pathlib import Path

import pytest
import requests
import trustme
from bs4 import BeautifulSoup
from flask import Flask
from playwright.sync_api import Browser
from redis import Redis
from sqlalchemy import create_engine, make_url, text

from app import create_app
from bench import slow_clients
from config import Settings
from extensions import db
from models import Import
from routes.api.problem_types import PROBLEMS
from routes.gate import UPLOAD_MAX
from tests.browser.counter import Counter
from tests.browser.test_look import look_at
from tests.browser.test_main_job import record_three
from tests.browser.weight import weigh
from tests.cast import PASSWORD, Person
from tests.conftest import make_settings
from tests.pages import check
from tests.server import ROOT, serve
from tests.stack import Proxy, Stack, compose, free_port, proxy, run_stack

SECRETS = {"SECRET_KEY": "-", "POSTGRES_PASSWORD": "-", "BASE_URL": "-"}
OF_GUNICORN = {"BIND", "WEB_CONCURRENCY", "WEB_THREADS"}
OF_DEVELOPMENT = {"FLASK_DEBUG"}


@pytest.fixture(scope="module")
def stack_database(postgresql_url: str) -> Iterator[str]:
    server = create_engine(postgresql_url, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text("CREATE DATABASE stack"))
        yield make_url(postgresql_url).set(database="stack").render_as_string(hide_password=False)
        connection.execute(text("DROP DATABASE stack WITH (FORCE)"))
    server.dispose()


@pytest.fixture(scope="module")
def stack(stack_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with run_stack(stack_database, tmp_path_factory.mktemp("stack")) as running:
        yield running


@pytest.fixture(scope="module")
def migrated_app(stack: Stack, stack_database: str) -> Iterator[Flask]:
    """Another one on the same database, by which tests prepare and look."""
    app = create_app(make_settings(stack_database))
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def address(app: Flask, stack: Stack) -> str:
    return stack.address


@pytest.fixture
def visitor(owner: Person, stack: Stack) -> Iterator[requests.Session]:
    """A browser of the owner, signed in."""
    with requests.Session() as session:
        send(session, f"{stack.address}/login", email=owner.email, password=PASSWORD)
        yield session


def send(session: requests.Session, page: str, file: bytes | None = None, **fields: str) -> requests.Response:
    """The form of a page."""
    [token] = BeautifulSoup(session.get(page).text, "html.parser").select("main form [name=csrf_token]")
    files = {"file": ("purchases.csv", file)} if file else None
    return session.post(page, data={"csrf_token": str(token["value"])} | fields, files=files)


def test_two_customers_and_three_purchases(counter: Counter) -> None:
    record_three(counter)


def test_two_customers_and_three_purchases_without_scripts(counter_without_script: Counter) -> None:
    record_three(counter_without_script)


def test_compose_tells_tillbook_every_setting_and_nothing_else() -> None:
    known = {name.upper() for name in Settings.model_fields}
    for service in ("web", "migrate"):
        assert set(compose(**SECRETS)[service]["environment"]) == (known - OF_DEVELOPMENT) | OF_GUNICORN


@pytest.mark.parametrize("name", SECRETS)
def test_compose_starts_with_no_secret_of_its_own(name: str) -> None:
    with pytest.raises(KeyError, match=name):
        compose(**{other: value for other, value in SECRETS.items() if other != name})


def test_compose_waits_longer_for_the_app_to_stop_than_the_app_takes() -> None:
    assert compose(**SECRETS)["web"]["stop_grace_period"] == "30s"
    assert runpy.run_path(str(ROOT / "gunicorn.conf.py"))["graceful_timeout"] < 30


def test_only_the_proxy_is_reached_from_outside() -> None:
    """gunicorn's own threads would wait for whoever sends slowly."""
    services = compose(**SECRETS)
    assert {name for name, service in services.items() if "ports" in service} == {"proxy"}
    assert services["proxy"]["build"]["target"] == "proxy"


def test_the_files_of_pages_come_compressed_and_from_the_proxy(stack: Stack) -> None:
    page = requests.get(f"{stack.address}/login")
    links = BeautifulSoup(page.text, "html.parser").select("link[href], script[src]")
    paths = [str(link.get("href") or link.get("src")) for link in links]
    assert len(paths) >= 3
    for path in paths:
        by_app = requests.get(f"http://localhost:{stack.web.port}{path}")
        by_proxy = requests.get(stack.address + path)
        assert by_proxy.content == by_app.content
        assert "X-Request-Id" not in by_proxy.headers
        assert len(by_app.content) < 1_000 or by_proxy.headers["Content-Encoding"] == "gzip"
        assert by_proxy.headers["Content-Type"].split(";")[0] == by_app.headers["Content-Type"].split(";")[0]
        same = ("Cache-Control", *security_of(by_app.headers))
        assert {name: by_proxy.headers.get(name) for name in same} == {name: by_app.headers[name] for name in same}
        kept = {"If-None-Match": by_proxy.headers["ETag"]}
        assert requests.get(stack.address + path, headers=kept).status_code == 304


def test_the_capture_page_weighs_little_and_waits_for_one_stylesheet(
    owner: Person, counter: Counter, stack: Stack
) -> None:
    for number in range(10):
        owner.capture(customer=f"Customer {number}")
    counter.sign_in()
    weight = weigh(f"{stack.address}/purchases/new", counter.page.context)
    assert 10_000 < weight.total < 60_000, weight.files
    assert len(weight.blocking) == 1, weight.blocking


def security_of(headers: Mapping[str, str]) -> list[str]:
    return [name for name in headers if "Policy" in name or name == "X-Content-Type-Options"]


def test_a_file_that_is_not_there_is_the_page_of_the_app(stack: Stack) -> None:
    for path in ("/static/nothing.css", "/static/../app.py", "/errors/busy.html", "/errors/busy.json", "/static/"):
        found = requests.get(stack.address + path)
        assert found.status_code == 404
        assert "Page not found" in found.text


def test_pages_are_compressed_and_json_keeps_its_etag(owner: Person, stack: Stack) -> None:
    assert requests.get(f"{stack.address}/login").headers["Content-Encoding"] == "gzip"
    customer = owner.capture(customer="Tim").customer
    headers = {"Authorization": f"Bearer {owner.token()}"}
    found = requests.get(f"{stack.address}/api/v1/customers/{customer.public_id}", headers=headers)
    assert found.headers["ETag"].startswith('"')


def test_guessing_behind_forged_addresses_has_to_wait(owner: Person, stack: Stack) -> None:
    statuses = []
    for number in range(6):
        with requests.Session() as guesser:
            guesser.headers["X-Forwarded-For"] = f"203.0.113.{number}"
            statuses.append(send(guesser, f"{stack.address}/login", email=owner.email, password="a guess").status_code)
    assert statuses == [422] * 5 + [429]


class Repeats(http.server.BaseHTTPRequestHandler):
    """Answers with the headers that it was sent."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(self.headers.items()).encode())

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def repeating() -> Iterator[int]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Repeats) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def test_the_proxy_says_whom_it_speaks_for_whatever_it_is_told() -> None:
    forged = {
        "X-Forwarded-For": "203.0.113.1",
        "X_Forwarded_For": "203.0.113.2",
        "X-Forwarded-Proto": "https",
        "X-Request-Id": "0123456789",
        "Host": "till.example.com:81",
    }
    with repeating() as app_port, proxy(app_port, free_port()) as front:
        told = requests.get(f"http://127.0.0.1:{front.port}/", headers=forged).json()
    headers = HTTPMessage()
    for name, value in told:
        headers[name] = value
    assert headers.get_all("X-Forwarded-For") == ["127.0.0.1"]
    assert headers.get_all("X-Forwarded-Proto") == ["http"]
    assert headers.get_all("Host") == ["till.example.com:81"]
    assert re.fullmatch("[0-9a-f]{32}", headers["X-Request-Id"])
    assert not [name for name, value in told if "203.0.113" in value]


SLOWLY = {
    "its headers": slow_clients.HEAD,
    "its body": slow_clients.HEAD.replace(b"X-Slow: ", b"Content-Length: 9000\r\n\r\n"),
}


@pytest.mark.parametrize("head", SLOWLY.values(), ids=SLOWLY)
def test_150_slow_clients_stall_nobody(stack: Stack, monkeypatch: pytest.MonkeyPatch, head: bytes) -> None:
    """Each sends a byte now and then: of what is sent after the head that it begins with."""
    monkeypatch.setattr(slow_clients, "HEAD", head)
    with slow_clients.slow_clients(stack.proxy):
        found = slow_clients.waits(stack.proxy)
    assert max(seconds or 99 for seconds in found) < 2


def test_a_file_of_50_mb_is_taken(visitor: requests.Session, stack: Stack) -> None:
    row = b"Tim,a book of which there is much to say,12.50\n"
    file = b"customer,item,amount\n" + row * ((Import.SIZE_MAX - 21) // len(row))
    assert len(file) > Import.SIZE_MAX - 100
    page = send(visitor, f"{stack.address}/imports", file)
    assert page.status_code == 200
    assert "/columns" in page.url


def test_a_file_that_is_too_large_is_refused_in_words(visitor: requests.Session, stack: Stack) -> None:
    for size in (UPLOAD_MAX, 54_000_000):
        page = send(visitor, f"{stack.address}/imports", b"x" * size)
        assert page.status_code == 413
        assert "That was too much at once" in page.text


def line_of(length: int) -> bytes:
    """A request whose first line has this length."""
    return b"GET /login?x=%s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n" % (b"x" * (length - 22))


def test_an_address_may_be_as_long_as_the_app_takes(stack: Stack) -> None:
    assert stack.proxy.ask(line_of(8_190)).status == 200
    assert stack.proxy.ask(line_of(8_191)).body == "Request-URI Too Long. Nothing was stored.\n"


REFUSED = {
    "a body that is too long": (b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3000000\r\n\r\n", 413),
    "a line that is too long": (line_of(20_000), 414),
    "a header that is too long": (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: %s\r\n\r\n" % (b"x" * 20_000), 400),
    "no host": (b"GET / HTTP/1.1\r\n\r\n", 400),
    "a method for nobody": (b"TRACE / HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
    "a file to which something is sent": (
        b"POST /static/icon.svg HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n",
        400,
    ),
}


@pytest.mark.parametrize(("request_bytes", "status"), REFUSED.values(), ids=REFUSED)
def test_what_the_proxy_refuses_is_a_page_that_says_what_to_do(stack: Stack, request_bytes: bytes, status: int) -> None:
    answer = stack.proxy.ask(request_bytes)
    assert answer.status == status
    look_over(answer.headers, answer.body)
    assert "Nothing was stored." in answer.body


def look_over(headers: str, body: str) -> None:
    check(BeautifulSoup(body, "html.parser"))
    assert "default-src 'self'" in headers
    assert "Cache-Control: no-store" in headers
    assert not re.search(r"nginx/|nginx</|\d\.\d+\.\d", headers + body)


@pytest.fixture
def alone() -> Iterator[Proxy]:
    """A proxy whose app is away."""
    with proxy(free_port(), free_port()) as front:
        yield front


def test_while_the_app_is_away_the_proxy_asks_for_patience(alone: Proxy) -> None:
    answer = alone.ask(b"POST /purchases HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nx=y")
    assert answer.status == 503
    assert "Retry-After: 5" in answer.headers
    assert "Wait a moment, then reload this page." in answer.body
    look_over(answer.headers, answer.body)


def test_what_was_typed_is_sent_again_when_the_app_is_back(
    browser: Browser, owner: Person, stack_database: str
) -> None:
    port, app_port = free_port(), free_port()
    told = {"BIND": f"127.0.0.1:{app_port}", "BASE_URL": f"http://localhost:{port}", "TRUSTED_PROXIES": "1"}
    with proxy(app_port, port), browser.new_context(viewport={"width": 320, "height": 800}) as context:
        counter = Counter(context.new_page(), f"http://localhost:{port}")
        with serve(stack_database, **told):
            counter.sign_in()
        counter.page.get_by_label("Customer", exact=True).fill("Tim")
        counter.page.get_by_label("Item").fill("a book")
        counter.press_enter()
        assert counter.page.get_by_role("heading", level=1).inner_text() == "Tillbook is busy"
        look_at(counter.page)
        with serve(stack_database, **told):
            counter.page.reload()
            assert counter.message == "Recorded: Tim, a book. Tim is a new customer."
    assert len(owner.purchases()) == 1


def test_programs_are_answered_by_the_same_problems_as_by_the_app(alone: Proxy) -> None:
    where = f"http://127.0.0.1:{alone.port}/api/v1/purchases"
    answers = {
        "busy": requests.post(where, data="{}"),
        "too-large": requests.post(where, data=b"x" * 3_000_000),
        "bad-request": requests.post(where, headers={"X-Long": "x" * 20_000}),
    }
    assert answers["busy"].headers["Retry-After"] == "5"
    for name, answer in answers.items():
        kind = PROBLEMS[name]
        assert (answer.status_code, answer.headers["Content-Type"]) == (kind.status, "application/problem+json")
        said = answer.json()
        assert re.fullmatch("[0-9a-f]{32}", said.pop("request_id"))
        assert said == {"type": kind.address(name), "title": kind.title, "status": kind.status, "detail": kind.fix}


def test_https_is_what_everybody_is_led_to(stack: Stack, tmp_path: Path) -> None:
    authority = trustme.CA()
    files = {name: tmp_path / f"{name}.pem" for name in ("authority", "chain", "key")}
    certificate = authority.issue_cert("localhost")
    authority.cert_pem.write_to_path(str(files["authority"]))
    certificate.private_key_pem.write_to_path(str(files["key"]))
    certificate.cert_chain_pems[0].write_to_path(str(files["chain"]))
    port = free_port()
    told = {
        "TILLBOOK_LISTEN_HTTPS": f"127.0.0.1:{port}",
        "TILLBOOK_CERTIFICATE": str(files["chain"]),
        "TILLBOOK_CERTIFICATE_KEY": str(files["key"]),
    }
    with proxy(stack.web.port, free_port(), **told) as front:
        plain = f"http://localhost:{front.port}"
        led = requests.get(f"{plain}/customers?q=Tim", allow_redirects=False)
        assert (led.status_code, led.headers["Location"]) == (308, "https://localhost/customers?q=Tim")
        assert requests.get(f"{plain}/healthz").status_code == 200
        file = requests.get(f"https://localhost:{port}/static/tillbook.css", verify=str(files["authority"]))
        assert file.headers["Strict-Transport-Security"] == "max-age=31536000"
        assert requests.get(f"https://localhost:{port}/login", verify=str(files["authority"])).status_code == 200


def test_all_workers_count_in_redis_what_a_token_asks(owner: Person, stack: Stack) -> None:
    headers = {"Authorization": f"Bearer {owner.token()}"}
    assert requests.get(f"{stack.address}/api/v1/customers", headers=headers).status_code == 200
    with closing(Redis(port=stack.redis_port)) as redis:
        assert redis.dbsize() > 0


def test_the_database_logs_no_row_that_a_constraint_refuses(stack_database: str) -> None:
    """As the settings say that it knows; its log is not read here."""
    options = [word for word in compose(**SECRETS)["db"]["command"] if "=" in word]
    assert {"log_min_error_statement=panic", "log_error_verbosity=terse"} <= set(options)
    database = create_engine(stack_database)
    with database.connect() as connection:
        for option in options:
            connection.exec_driver_sql(f"SET {option}")
    database.dispose()


def test_the_logs_name_nobody(visitor: requests.Session, stack: Stack) -> None:
    visitor.get(f"{stack.address}/customers?q=Wolfeschlegelsteinhausen")
    time.sleep(0.1)
    for log in (stack.proxy.log, stack.web.log):
        assert not re.search(r"127\.0\.0\.1[^:]|Wolfeschlegel|owner@example", log.split("Booting worker")[-1])
        for line in log.splitlines():
            json.loads(line)
