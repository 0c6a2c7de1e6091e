"""What is answered as done is committed by then, and nothing is written after the answer."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import pytest
from flask import Flask
from sqlalchemy import event, select
from sqlalchemy.exc import OperationalError
from werkzeug.test import TestResponse

from extensions import db
from tests.cast import PASSWORD, Person, registration_values
from tests.pages import Browser, values_of

BOOK = {"customer": {"name": "Tim"}, "item": "a book"}


class Form(NamedTuple):
    """What is filled in on a page; `{}` in its address stands for the id of what is there."""

    page: str
    typed: dict[str, str] = {}
    form: str = "main form[method=post]"
    is_public: bool = False


class Call(NamedTuple):
    """What a program sends."""

    method: str
    path: str
    body: dict[str, Any]


DOORS: dict[str, Form | Call] = {
    "record": Form("/purchases/new", {"customer": "Ann", "item": "a pen"}),
    "put right": Form("/purchases/{pur}/edit", {"item": "a pen"}),
    "take back": Form("/purchases/{pur}", form="form[action$=void]"),
    "change a customer": Form("/customers/{cus}/edit", {"note": "tall"}),
    "make a token": Form("/account/tokens", {"name": "Till 7", "scopes": "reports:read"}),
    "change the password": Form("/account", {"current_password": PASSWORD, "new_password": "another good one"}),
    "sign out": Form("/account", form="header form"),
    "sign in": Form("/login", {"email": "owner@example.com", "password": PASSWORD}, is_public=True),
    "open a shop": Form("/register", registration_values(email="new@example.com"), is_public=True),
    "record by a program": Call("POST", "/purchases", BOOK),
    "record many": Call("POST", "/purchases/batch", {"purchases": [BOOK]}),
    "keep a customer": Call("POST", "/customers", {"name": "Sue"}),
    "change one": Call("PATCH", "/customers/{cus}", {"note": "tall"}),
    "void": Call("POST", "/purchases/{pur}/void", {}),
}


def prepared(owner: Person, door: Form | Call) -> Callable[[], TestResponse]:
    """Sends it when called: one request, whatever its answer leads to."""
    captured = owner.capture()
    ids = {"pur": captured.purchase.public_id, "cus": captured.customer.public_id}
    if isinstance(door, Call):
        owner.api.get("")  # the first use of a token is a note of its own
        return lambda: owner.api.raw(door.method, door.path.format(**ids), json=door.body)
    browser = Browser(owner.app) if door.is_public else owner.browser
    page = browser.get(door.page.format(**ids))
    form = page.soup.select_one(door.form)
    assert form is not None
    return lambda: browser.send_fields("post", str(form.get("action") or page.path), values_of(form) | door.typed)


@contextmanager
def steps(app: Flask) -> Iterator[list[str]]:
    """What is told to the database to keep, and when the answer is given, in their order."""
    told: list[str] = []

    def note_write(_: object, __: object, statement: str, *___: object) -> None:
        if statement.startswith(("INSERT", "UPDATE", "DELETE")):
            told.append("write")

    def note_commit(_: object) -> None:
        told.append("commit")

    def answering(environ: Any, start_response: Any) -> Any:
        def start(*arguments: Any) -> Any:
            told.append("answer")
            return start_response(*arguments)

        return ask(environ, start)

    with app.app_context():
        engine = db.engine
    ask, app.wsgi_app = app.wsgi_app, answering  # type: ignore[method-assign]
    event.listen(engine, "before_cursor_execute", note_write)
    event.listen(engine, "commit", note_commit)
    try:
        yield told
    finally:
        event.remove(engine, "commit", note_commit)
        event.remove(engine, "before_cursor_execute", note_write)
        app.wsgi_app = ask  # type: ignore[method-assign]


@pytest.mark.parametrize("door", DOORS)
def test_an_answer_is_given_after_the_commit_and_nothing_is_written_after_it(owner: Person, door: str) -> None:
    send = prepared(owner, DOORS[door])
    with steps(owner.app) as told:
        response = send()
    assert response.status_code in (200, 201, 303)
    assert "write" in told
    assert told[-2:] == ["commit", "answer"]


@contextmanager
def no_commit(app: Flask) -> Iterator[None]:
    """The connection breaks at that very moment."""

    def refuse(_: object) -> None:
        raise OperationalError("COMMIT", {}, Exception("server closed the connection"))

    with app.app_context():
        engine = db.engine
    event.listen(engine, "commit", refuse)
    try:
        yield
    finally:
        event.remove(engine, "commit", refuse)


def everything(app: Flask) -> list[Any]:
    with app.app_context():
        return [db.session.execute(select(table)).all() for table in db.metadata.sorted_tables]


@pytest.mark.parametrize("door", DOORS)
def test_what_could_not_be_committed_is_a_503_and_is_not_there(owner: Person, door: str) -> None:
    send = prepared(owner, DOORS[door])
    before = everything(owner.app)
    with no_commit(owner.app):
        response = send()
    assert response.status_code == 503
    assert response.headers["Retry-After"] == "2"
    assert everything(owner.app) == before
