"""The page of API tokens."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from extensions import db
from models import ApiToken
from services import tokens
from tests.cast import Person, make_colleague
from tests.pages import Browser, Page, text_of

CAPTION = "Tokens, the newest first"
SetClock = Callable[[str], None]


def ask(person: Person, status: int = 200, **changes: Any) -> Page:
    """The answer to the form for a new token."""
    values = {"name": "Till 7", "scopes": list(ApiToken.SCOPES)} | changes
    return person.browser.get("/account/tokens").submit(status=status, **values)


def make(person: Person, **changes: Any) -> str:
    """The text of a new token."""
    return text_on(ask(person, **changes))


def text_on(page: Page) -> str:
    field = page.soup.select_one("#token")
    assert field is not None
    return str(field["value"])


def listed(person: Person) -> list[list[str]]:
    return person.browser.get("/account/tokens").rows(CAPTION)


def stored(person: Person) -> list[ApiToken]:
    """All of the shop, the earliest first."""
    with person.app.app_context():
        return list(
            db.session.scalars(select(ApiToken).where(ApiToken.shop_id == person.shop_id).order_by(ApiToken.id))
        )


def opens(app: Flask, text: str) -> bool:
    with app.app_context():
        return tokens.find(text) is not None


def test_the_account_leads_to_the_tokens(owner: Person) -> None:
    link = owner.browser.get("/account").link("API tokens")
    assert owner.browser.get(link).heading == "API tokens"


def test_a_page_without_tokens_says_what_they_are_for(owner: Person) -> None:
    page = owner.browser.get("/account/tokens")
    assert text_of(page.soup.select_one(".empty")).startswith("No tokens yet. With a token a till, a web shop")
    assert not page.soup("table")


def test_at_first_a_token_may_do_everything_for_ever(owner: Person) -> None:
    page = owner.browser.get("/account/tokens")
    ticks = page.soup.select("input[type=checkbox]")
    assert [tick["value"] for tick in ticks] == list(ApiToken.SCOPES)
    assert all(tick.has_attr("checked") for tick in ticks)
    assert [text_of(option) for option in page.soup("option")] == ["Never", "In 30 days", "In 90 days", "In 1 year"]
    assert page.fields()["expires_in_days"] == ""


def test_a_new_token_is_shown_once_and_lets_in(owner: Person, at: SetClock) -> None:
    at("2026-11-21T12:00")
    page = ask(owner, name=" Till  7 ", scopes=["reports:read", "purchases:write"], expires_in_days="30")
    assert (page.heading, page.message) == ("Copy the token now", "Token made: Till 7.")
    text = text_on(page)
    assert page.soup.select("#token[readonly]")
    assert opens(owner.app, text)
    assert "no-store" in page.response.headers["Cache-Control"]
    [token] = stored(owner)
    assert (token.name, token.scopes, token.user_id) == (
        "Till 7",
        ["purchases:write", "reports:read"],
        owner.user_id,
    )
    assert owner.browser.get(page.link("Done")).rows(CAPTION) == [
        [
            f"Till 7 till_…{text[-4:]} by owner@example.com",
            "purchases:write, reports:read",
            "21 Nov 2026, 07:00",
            "Never",
            "21 Dec 2026, 07:00",
            "Active Revoke Till 7",
        ]
    ]


def test_the_text_of_a_token_is_nowhere_else(owner: Person) -> None:
    page = ask(owner)
    text = text_on(page)
    assert page.response.text.count(text[5:48]) == 1
    serializer = owner.app.session_interface.get_signing_serializer(owner.app)  # type: ignore[attr-defined]
    assert text[5:48] not in str(serializer.loads(owner.browser.cookie))
    for path in ("/account/tokens", "/account/tokens", "/account", "/purchases/new"):
        shown = owner.browser.get(path).response.text
        assert text[5:48] not in shown
        assert text[-6:] not in shown
        assert "Token made" not in shown
    with owner.app.app_context():
        everything = str([db.session.execute(select(table)).all() for table in db.metadata.sorted_tables])
    assert text[5:48] not in everything


def test_a_list_shows_what_became_of_each_token(owner: Person, at: SetClock) -> None:
    colleague = make_colleague(owner)
    at("2026-11-21T12:00")
    texts = [make(owner, name="old", expires_in_days="30"), make(colleague, name="new"), make(owner, name="gone")]
    with owner.app.app_context():
        used = tokens.find(texts[1])
        assert used is not None
        tokens.mark_used(used)
        db.session.commit()
    press_revoke(owner, "gone")
    at("2026-12-21T12:00")
    owner.browser.get("/login").submit(email=owner.email, password="correct horse battery")
    assert [(row[0].split()[0], *row[3:]) for row in listed(owner)] == [
        ("gone", "Never", "Never", "Revoked"),
        ("new", "21 Nov 2026, 07:00", "Never", "Active Revoke new"),
        ("old", "Never", "21 Dec 2026, 07:00", "Expired"),
    ]
    assert [opens(owner.app, text) for text in texts] == [False, True, False]


NO_NAME = "Enter a name for the token, like Till 7"
NO_SCOPE = "Choose what the token may do"


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("name", "", NO_NAME),
        ("name", "\u200b", NO_NAME),
        ("name", "x" * 101, "Token name must be 100 characters or fewer"),
        ("name", "Till\0", "Token name has a control character. Type it again"),
        ("scopes", [], NO_SCOPE),
        ("scopes", ["everything"], f"{NO_SCOPE} from {', '.join(ApiToken.SCOPES)}"),
        ("scopes", ["purchases:read", "<script>"], f"{NO_SCOPE} from {', '.join(ApiToken.SCOPES)}"),
        ("expires_in_days", "0", "Days until the token expires must be a whole number from 1 to 3,650"),
        ("expires_in_days", "never", "Days until the token expires must be a whole number from 1 to 3,650"),
    ],
)
def test_a_token_that_is_refused_keeps_what_was_typed(owner: Person, field: str, value: Any, words: str) -> None:
    values = {"name": "Till 7", "scopes": ["purchases:read"], "expires_in_days": "90"} | {field: value}
    page = ask(owner, status=422, **values)
    assert page.errors == [words]
    assert page.error_at(field) == f"Error: {words}"
    ticked = [tick["value"] for tick in page.soup.select("input[type=checkbox][checked]")]
    assert ticked == [scope for scope in values["scopes"] if scope in ApiToken.SCOPES]
    kept = page.fields()
    assert field == "name" or kept["name"] == "Till 7"
    assert field == "expires_in_days" or kept["expires_in_days"] == "90"
    assert stored(owner) == []


def test_a_form_without_its_fields_is_told_all_that_is_missing(owner: Person) -> None:
    form = owner.browser.get("/account/tokens").fields()
    page = owner.browser.post("/account/tokens", {"csrf_token": form["csrf_token"]}, 422)
    assert page.errors == [NO_NAME, NO_SCOPE]


@pytest.mark.parametrize(
    "name",
    [
        "<script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        "'; DROP TABLE api_tokens; --",
        "{{ 7 * 7 }}",
        "\u202eknurd",
        "=1+1",
        "💶" * 100,
        "Till%0d%0aSet-Cookie: x=1",
    ],
    ids=lambda name: ascii(name)[:20],
)
def test_a_hostile_name_is_only_a_name(owner: Person, name: str) -> None:
    page = ask(owner, name=name)
    assert page.message == f"Token made: {name}."
    [[shown, *_]] = listed(owner)
    assert shown.startswith(f"{name} till_…")
    asked = owner.browser.get(owner.browser.get("/account/tokens").link(f"Revoke {name}"))
    assert asked.heading == f"Revoke {name}?"
    assert asked.submit().message.startswith(f"Token revoked: {name}. ")


def press_revoke(person: Person, name: str) -> Page:
    page = person.browser.get("/account/tokens")
    return person.browser.get(page.link(f"Revoke {name}")).submit()


def test_revoking_asks_first_and_shuts_out_at_once(owner: Person) -> None:
    text, other = make(owner, name="Till 7"), make(owner, name="Till 8")
    asked = owner.browser.get(owner.browser.get("/account/tokens").link("Revoke Till 7"))
    assert asked.heading == "Revoke Till 7?"
    assert f"till_…{text[-4:]} is shut out at once. This cannot be undone." in text_of(asked.soup.main)
    assert owner.browser.get(asked.link("Keep it")).heading == "API tokens"
    assert opens(owner.app, text)
    done = asked.submit()
    assert done.message == "Token revoked: Till 7. What used it is shut out from now on."
    assert [row[-1] for row in done.rows(CAPTION)] == ["Active Revoke Till 8", "Revoked"]
    assert (opens(owner.app, text), opens(owner.app, other)) == (False, True)


def test_revoking_again_says_the_same(owner: Person) -> None:
    make(owner)
    asked = owner.browser.get(owner.browser.get("/account/tokens").link("Revoke Till 7"))
    asked.submit()
    [first] = stored(owner)
    assert asked.submit().message == "Token revoked: Till 7. What used it is shut out from now on."
    [again] = stored(owner)
    assert first.revoked_at == again.revoked_at


def test_a_colleague_may_revoke(owner: Person) -> None:
    text = make(owner)
    press_revoke(make_colleague(owner), "Till 7")
    assert not opens(owner.app, text)


def test_somebody_else_s_token_is_not_there(owner: Person, stranger: Person) -> None:
    text = make(owner)
    [token] = stored(owner)
    assert not stranger.browser.get("/account/tokens").soup("table")
    path = f"/account/tokens/{token.public_id}/revoke"
    assert stranger.browser.get(path, 404).heading == "Page not found"
    form = stranger.browser.get("/account/tokens").fields()
    foreign = stranger.browser.post(path, {"csrf_token": form["csrf_token"]}, 404)
    missing = stranger.browser.post(path[:-8] + "0/revoke", {"csrf_token": form["csrf_token"]}, 404)
    assert text_of(foreign.soup.main) == text_of(missing.soup.main)
    assert opens(owner.app, text)


@pytest.mark.parametrize(
    "id",
    [
        "x",
        "1",
        "tok_",
        "tok_01h455vb4pex5vsknk084sn02",
        "tok_81h455vb4pex5vsknk084sn02q",
        "tok_01h455vb4pex5vsknk084sn02i",
        "tok_01H455VB4PEX5VSKNK084SN02Q",
        "TOK_01h455vb4pex5vsknk084sn02q",
        "cus_01h455vb4pex5vsknk084sn02q",
        "%00",
    ],
)
def test_what_is_no_id_is_no_page(owner: Person, id: str) -> None:
    assert owner.browser.get(f"/account/tokens/{id}/revoke", 404).heading == "Page not found"


def test_a_token_is_no_cookie(app: Flask, owner: Person) -> None:
    """The pages never read a token."""
    text = make(owner)
    for headers in ({"Authorization": f"Bearer {text}"}, {"X-Api-Key": text}):
        assert Browser(app, **headers).get("/account/tokens").heading == "Sign in"
    browser = Browser(app)
    browser.cookie = text
    assert browser.get("/account/tokens").heading == "Sign in"
    assert browser.get(f"/account/tokens?token={text}").heading == "Sign in"
