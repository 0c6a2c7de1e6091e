"""What was typed outlives the session, the page's token and the database."""

from collections.abc import Callable

import pytest
from sqlalchemy import delete, event
from sqlalchemy.exc import OperationalError

from extensions import db
from models import UserSession
from tests.cast import PASSWORD, Person
from tests.pages import Browser, Page

TYPED = {
    "customer": "Tim <tim@example.com>",
    "item": "a <b>book</b>",
    "amount": "12.50",
    "note": "line\r\nbreak & more",
}


@pytest.fixture
def sign_out(owner: Person) -> Callable[[], None]:
    """Ends all sessions, as time does."""

    def end() -> None:
        with owner.app.app_context():
            db.session.execute(delete(UserSession))
            db.session.commit()

    return end


@pytest.fixture
def purchase_page(owner: Person) -> Page:
    return owner.browser.get("/purchases/new")


def sign_in(page: Page, owner: Person, status: int = 200, password: str = PASSWORD) -> Page:
    return page.submit(status=status, email=owner.email, password=password)


def test_a_purchase_is_there_as_it_was_after_signing_in_again(
    owner: Person, purchase_page: Page, sign_out: Callable[[], None]
) -> None:
    sign_out()
    asked = purchase_page.submit(status=401, **TYPED)
    assert asked.heading == "Sign in"
    assert "what you typed is kept" in asked.message
    asked = sign_in(asked, owner, 422, password="a wrong one")
    page = sign_in(asked, owner)
    assert page.heading == "Record a purchase"
    assert {name: page.value_of(name) for name in TYPED} == TYPED
    assert owner.purchases() == []
    assert page.submit().message.startswith("Recorded: Tim, a <b>book</b>, $12.50.")
    assert page.submit().message.startswith("Already recorded")


def test_a_sentence_is_there_too(owner: Person, purchase_page: Page, sign_out: Callable[[], None]) -> None:
    sign_out()
    page = sign_in(purchase_page.submit(status=401, sentence="Tim bought a book"), owner)
    assert page.submit().message == "Recorded: Tim, book. Tim is a new customer."


def test_any_other_form_is_shown_and_sent_again(owner: Person, sign_out: Callable[[], None]) -> None:
    path = f"/purchases/{owner.capture().purchase.public_id}/edit"
    page = owner.browser.get(path)
    sign_out()
    shown = sign_in(page.submit(status=401, item="two books", note="a\r\nb"), owner)
    assert shown.heading == "You are signed in again"
    assert "two books" in shown.soup.get_text()
    assert "version" not in shown.soup.get_text()
    shown.submit()
    assert [(one.item, one.note) for one in owner.purchases()] == [("two books", "a\nb")]


def test_a_form_whose_page_has_expired_is_shown_and_sent_again(owner: Person) -> None:
    path = f"/purchases/{owner.capture().purchase.public_id}/edit"
    shown = owner.browser.post(path, owner.browser.get(path).fields() | {"csrf_token": "old", "item": "two books"}, 400)
    assert shown.heading == "This page was open for too long"
    shown.submit()
    assert owner.purchases()[0].item == "two books"


def test_it_outlives_a_sign_in_page_that_has_expired(
    owner: Person, purchase_page: Page, sign_out: Callable[[], None]
) -> None:
    sign_out()
    asked = purchase_page.submit(status=401, **TYPED)
    owner.browser.get("/login").submit(email=owner.email, password=PASSWORD)  # in another tab
    shown = asked.submit(status=400, email=owner.email, password=PASSWORD)
    assert PASSWORD not in shown.response.text
    assert shown.submit().message.startswith("Recorded: Tim, a <b>book</b>, $12.50.")


def test_where_nothing_was_typed_nothing_is_kept(owner: Person, sign_out: Callable[[], None]) -> None:
    page = owner.browser.get(f"/purchases/{owner.capture().purchase.public_id}")
    sign_out()
    assert page.submit('form[action$="void"]').path == "/login"


@pytest.mark.parametrize(
    "headers", [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "", "Origin": "https://evil"}]
)
def test_what_another_site_sends_is_not_kept(owner: Person, headers: dict[str, str]) -> None:
    page = Browser(owner.app, **headers).post("/purchases", TYPED, 403)
    assert page.heading == "That was sent from another site"
    assert "Tim" not in page.response.text


def test_a_password_is_never_sent_back(owner: Person, sign_out: Callable[[], None]) -> None:
    page = owner.browser.get("/account")
    sign_out()
    again = page.submit('form[action$="password"]', current_password=PASSWORD, new_password="another good one")
    assert again.heading == "Sign in"
    assert PASSWORD not in again.response.text


def test_what_is_too_long_to_be_carried_is_not(owner: Person, sign_out: Callable[[], None]) -> None:
    page = owner.browser.get("/purchases/new")
    sign_out()
    assert page.submit(**TYPED | {"note": "x" * 30_000}).path == "/login"


def test_a_path_of_another_site_is_not_gone_to(
    owner: Person, purchase_page: Page, sign_out: Callable[[], None]
) -> None:
    sign_out()
    asked = purchase_page.submit(status=401, **TYPED)
    page = asked.submit(email=owner.email, password=PASSWORD, kept_path="//evil.example/purchases")
    [form] = page.soup.select("main form")
    assert form["action"] == "/"


def test_a_purchase_outlives_a_database_that_is_away(owner: Person, purchase_page: Page) -> None:
    def refuse(*_: object) -> None:
        raise OperationalError("connect", {}, Exception("database is away"))

    with owner.app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", refuse)
    try:
        busy = purchase_page.submit(status=503, **TYPED)
        busy = busy.submit(status=503)
    finally:
        event.remove(engine, "before_cursor_execute", refuse)
    assert "a <b>book</b>" in busy.soup.get_text()
    assert busy.submit().message.startswith("Recorded: Tim, a <b>book</b>, $12.50.")
    assert busy.submit().message.startswith("Already recorded")
