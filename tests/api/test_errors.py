"""Whatever goes wrong under /api/v1 is a problem that says what to do; and what watches over the process."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask, abort
from sqlalchemy import event, text
from sqlalchemy.exc import OperationalError

from app import create_app
from extensions import db
from routes.api.problem_types import OF_STATUS, PROBLEMS
from services.refusals import Contention
from tests.api.client import Api
from tests.cast import Person
from tests.conftest import make_settings
from tests.routes.test_gate import routes
from tests.services.test_tokens import statements

BOOK = {"customer": {"name": "Tim"}, "item": "a book"}


@contextmanager
def database_away(app: Flask, when: Callable[[str], bool] = lambda _: True) -> Iterator[None]:
    """Faults cannot be ordered from a healthy database."""

    def refuse(*arguments: Any) -> None:
        if when(arguments[2]):
            raise OperationalError("SELECT secret", {}, Exception("server closed the connection"))

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", refuse)
    try:
        yield
    finally:
        event.remove(engine, "before_cursor_execute", refuse)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/nowhere"),
        ("POST", "/purchases/nowhere/void"),
        ("GET", "/purchases/1"),
        ("GET", "/customers/pur_01h455vb4pex5vsknk084sn02q"),
        ("GET", "/purchases/"),
        ("GET", "/"),
        ("GET", "/%00"),
        ("GET", "/\u00e9"),
        ("DELETE", "/nowhere"),
    ],
)
def test_what_is_not_there_is_a_problem(owner: Person, method: str, path: str) -> None:
    answer = owner.api.send(method, path)
    assert (answer.status, answer.problem) == (404, "not-found")


def test_every_address_refuses_other_methods_and_names_its_own(owner: Person) -> None:
    methods: dict[str, set[str]] = {}
    for name, method, path in routes(owner.app):
        if name.startswith("api."):
            methods.setdefault(path, set()).add(method)
    for path, allowed in methods.items():
        for method in {"GET", "POST", "PUT", "PATCH", "DELETE"} - allowed:
            refused = owner.api.send(method, path, {} if method != "GET" else None, 405)
            assert refused.problem == "method-not-allowed"
            named = {name.strip() for name in refused.headers["Allow"].split(",")}
            assert named - {"HEAD", "OPTIONS"} == allowed, path


def test_a_head_is_a_get_without_its_body(owner: Person) -> None:
    tim = owner.capture().customer.public_id
    shown = owner.api.get(f"/customers/{tim}")
    head = owner.api.raw("HEAD", f"/customers/{tim}")
    assert (head.status_code, head.data, head.headers["ETag"]) == (200, b"", shown.headers["ETag"])


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/purchases", None),
        ("POST", "/purchases", BOOK),
        ("GET", "", None),
        ("PATCH", "/customers/{}", {"name": "x"}),
    ],
)
def test_a_database_that_is_away_is_a_503(owner: Person, method: str, path: str, body: Any) -> None:
    tim = owner.capture().customer.public_id
    owner.api.get("")
    faults: list[Callable[[str], bool]] = [lambda _: True]
    if path:
        faults.append(lambda statement: "FROM customers" in statement or "FROM purchases" in statement)
    if method != "GET":
        faults.append(lambda statement: statement.startswith(("INSERT", "UPDATE")))
    for fault in faults:
        with database_away(owner.app, fault):
            answer = owner.api.send(method, path.format(tim), body, 503)
        assert answer.problem == "busy"
        assert int(answer.headers["Retry-After"]) > 0
        assert "secret" not in answer.body.decode()
    assert len(owner.purchases()) == 1
    assert owner.api.send(method, path.format(tim), body).status in (200, 201)


def test_a_key_is_not_used_up_by_a_fault(owner: Person) -> None:
    owner.api.get("")
    with database_away(owner.app, lambda statement: statement.startswith("INSERT INTO changes")):
        owner.api.post("/purchases", BOOK, 503, idempotency_key="one")
    assert owner.purchases() == owner.customers() == []
    assert "Idempotent-Replayed" not in owner.api.post("/purchases", BOOK, 201, idempotency_key="one").headers


@pytest.mark.parametrize(
    ("error", "status", "problem"),
    [
        (RuntimeError("secret detail"), 500, "broken"),
        (KeyError("secret"), 500, "broken"),
        (OperationalError("SELECT secret", {}, Exception("secret")), 503, "busy"),
        (Contention("secret"), 503, "busy"),
    ],
)
def test_a_fault_tells_no_detail(
    owner: Person, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int, problem: str
) -> None:
    def fail(**_: Any) -> None:
        raise error

    monkeypatch.setitem(owner.app.view_functions, "api.list_customers", fail)
    answer = owner.api.get("/customers", status)
    assert answer.problem == problem
    for told in ("secret", "Error", "line ", "/routes"):
        assert told not in answer.body.decode()


@pytest.mark.parametrize("status", sorted(OF_STATUS))
def test_what_the_server_refuses_is_a_problem_of_ours(
    owner: Person, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    monkeypatch.setitem(owner.app.view_functions, "api.list_customers", lambda: abort(status, "secret detail"))
    assert owner.api.get("/customers", status).problem == OF_STATUS[status]


def test_every_problem_has_a_page_and_they_are_listed(app: Flask) -> None:
    client = app.test_client(use_cookies=False)
    listed = client.get("/problems")
    assert listed.status_code == 200
    for name, kind in PROBLEMS.items():
        page = client.get(kind.address(name))
        assert page.status_code == 200
        assert kind.title in page.text
        assert kind.address(name) in listed.text
    assert client.get("/problems/nowhere").status_code == 404


def test_answers_are_private_and_differ_by_token(owner: Person) -> None:
    for answer in (owner.api.get("/customers"), owner.api.record(), owner.api.post("/purchases", {}, 422)):
        assert "no-store" in answer.headers["Cache-Control"] or "no-cache" in answer.headers["Cache-Control"]
        assert "public" not in answer.headers["Cache-Control"]
        assert "Authorization" in answer.headers["Vary"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "Access-Control-Allow-Origin" not in answer.headers


def test_a_request_id_that_a_proxy_gave_is_in_the_problem(owner: Person) -> None:
    refused = owner.api.get("/nowhere", 404, x_request_id="proxy-1234567")
    assert refused.json["request_id"] == "proxy-1234567"


# What watches over the process


def test_being_alive_touches_nothing(app: Flask, owner: Person) -> None:
    client = app.test_client()
    client.set_cookie("tillbook", owner.browser.cookie)
    for headers in ({}, {"Authorization": f"Bearer {owner.token()}"}):
        with statements(app) as asked:
            response = client.get("/healthz", headers=headers)
        assert (response.status_code, response.json) == (200, {"status": "alive"})
        assert asked == []
        with database_away(app):
            assert client.get("/healthz", headers=headers).status_code == 200
        assert "Set-Cookie" not in response.headers


def test_ready_is_who_can_serve(app: Flask) -> None:
    client = app.test_client()
    assert client.get("/readyz").status_code == 200
    with database_away(app):
        response = client.get("/readyz")
    assert (response.status_code, response.json) == (503, {"status": "the database does not answer"})
    assert client.get("/readyz").status_code == 200


@pytest.mark.parametrize("version", ["DELETE FROM alembic_version", "UPDATE alembic_version SET version_num = '0001'"])
def test_nobody_is_ready_whose_schema_is_behind(app: Flask, version: str) -> None:
    with app.app_context():
        head = db.session.scalar(text("SELECT version_num FROM alembic_version"))
        db.session.execute(text(version))
        db.session.commit()
        try:
            response = app.test_client().get("/readyz")
        finally:
            db.session.execute(text("DELETE FROM alembic_version"))
            db.session.execute(text("INSERT INTO alembic_version VALUES (:head)"), {"head": head})
            db.session.commit()
    assert response.status_code == 503
    assert "flask db upgrade" in response.json["status"]
    assert app.test_client().get("/readyz").status_code == 200


def test_nobody_is_ready_without_a_database(tmp_path: Any) -> None:
    app = create_app(make_settings(f"sqlite:///{tmp_path / 'nowhere' / 'tillbook.db'}"))
    client = app.test_client()
    assert client.get("/readyz").status_code == 503
    assert client.get("/healthz").status_code == 200
    answer = Api(app, "till_" + "0" * 49).send("GET", "/purchases")
    assert answer.status == 401
    with app.app_context():
        db.engine.dispose()


def test_no_parameter_is_silently_ignored(owner: Person) -> None:
    owner.api.post("/customers?validate_only=true", {"name": "Tim"}, 422)
    assert owner.customers() == []
