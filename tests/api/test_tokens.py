"""Who the API lets in, and how far: tokens and their scopes, and nothing else."""

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from extensions import db
from models import ApiToken
from routes.api.room import OPERATIONS
from services import tokens
from services.capture import _Ledger
from services.register import Overtaken
from tests.api.client import Answer, Api
from tests.cast import Person
from tests.pages import Browser
from tests.routes.test_gate import routes
from tests.services.test_tokens import WRONG_FORMS, statements

SetClock = Callable[[str], None]

TIM = {"customer": {"name": "Tim"}, "item": "a book"}
TAKEN = TIM | {"external_id": "A1"}


def operations(app: Flask) -> Iterator[tuple[str | None, str, str]]:
    """Scope, method and an address of each operation that needs a token."""
    found = [(OPERATIONS[name], method, path) for name, method, path in routes(app) if name.startswith("api.")]
    assert {name for name, _, _ in routes(app) if name.startswith("api.")} == set(OPERATIONS)
    for operation, method, path in found:
        if not operation.is_open:
            yield operation.scope, method, path


def ask(person: Person, authorization: str | None, path: str = "", **headers: str) -> Answer:
    named = headers if authorization is None else {"authorization": authorization} | headers
    return Api(person.app, None).send("GET", path, **named)


# Scopes


def test_every_operation_refuses_a_token_without_its_scope_and_names_it(owner: Person) -> None:
    apis = {
        scope: Api(owner.app, owner.token(*(other for other in ApiToken.SCOPES if other != scope)))
        for scope in ApiToken.SCOPES
    }
    asked = [(scope, method, path) for scope, method, path in operations(owner.app) if scope]
    assert {scope for scope, _, _ in asked} == set(ApiToken.SCOPES)
    for scope, method, path in asked:
        refused = apis[scope].send(method, path, {}, 403)
        assert (refused.problem, refused.json["scope"]) == ("missing-scope", scope), path
        assert scope in refused.json["detail"]


def test_every_operation_lets_in_a_token_with_only_its_scope(owner: Person) -> None:
    apis = {scope: Api(owner.app, owner.token(scope)) for scope in ApiToken.SCOPES}
    for scope, method, path in operations(owner.app):
        for api in [apis[scope]] if scope else apis.values():
            answer = api.send(method, path, {} if method != "GET" else None)
            assert answer.status in (200, 404, 422), path


def test_every_operation_says_how_it_is_called(app: Flask) -> None:
    for name, operation in OPERATIONS.items():
        assert operation.scope in (None, *ApiToken.SCOPES), name
        assert operation.is_open or operation.gives, name


def test_the_root_tells_who_asks(owner: Person, at: SetClock) -> None:
    at("2026-11-21T03:00")
    api = Api(owner.app, owner.token("reports:read", name="Till 9", expires_in_days=1))
    root = api.get("").json
    assert root["token"] == {"name": "Till 9", "scopes": ["reports:read"], "expires_at": "2026-11-22T03:00:00Z"}
    assert root["shop"] == {
        "name": "Corner shop",
        "currency": "USD",
        "country": "US",
        "time_zone": "America/New_York",
        "today": "2026-11-20",
    }
    for address in root["links"].values():
        response = owner.app.test_client().get(address, headers={"Authorization": f"Bearer {owner.token()}"})
        assert response.status_code == 200, address


# Nobody


def check_refused(answer: Answer) -> None:
    assert (answer.status, answer.problem) == (401, "unauthenticated")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_nobody_is_let_in_without_a_token(owner: Person) -> None:
    token = owner.token()
    assert ask(owner, f"Bearer {token}").status == ask(owner, f"bearer  {token} ").status == 200
    for authorization in (
        *(None, "", "Bearer", "Bearer ", token, f"Token {token}", f"Basic {token}", f"Bearer {token}, Bearer {token}"),
        *(f'Bearer token="{token}"', f"Bearer: {token}", "Basic dGlsbDp0aWxs", f"Bearer {token} x", f"Bearer\t{token}"),
    ):
        check_refused(ask(owner, authorization))


@pytest.mark.parametrize("number", range(len(WRONG_FORMS)))
def test_noise_is_refused_without_asking_the_database(owner: Person, number: int) -> None:
    token = owner.token()
    wrong = WRONG_FORMS[number](token)
    if wrong.strip() == token or any(letter in wrong for letter in "\n\0\ud800"):
        return  # no header can carry it
    with statements(owner.app) as asked:
        check_refused(ask(owner, "Bearer " + wrong.encode().decode("latin-1")))
    assert asked == []


def test_a_revoked_or_expired_token_is_refused(owner: Person, at: SetClock) -> None:
    at("2026-11-21T12:00")
    lasting, passing = owner.token(), owner.token(expires_in_days=1)
    assert {ask(owner, f"Bearer {token}").status for token in (lasting, passing)} == {200}
    at("2026-11-22T12:00")
    check_refused(ask(owner, f"Bearer {passing}"))
    page = owner.browser.get("/account/tokens")
    for link in [str(tag["href"]) for tag in page.soup("a") if "/revoke" in str(tag.get("href"))]:
        owner.browser.get(link).submit()
    check_refused(ask(owner, f"Bearer {lasting}"))


WAYS_TO_RECORD = (
    ("/purchases", TIM),
    ("/purchases?validate_only=true", TIM),
    ("/purchases", TAKEN),
    ("/purchases?validate_only=true", TAKEN),
    ("/purchases/batch", {"purchases": [TIM]}),
    ("/purchases/batch", {"purchases": [{}]}),
)


@pytest.fixture
def stopped_second(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was found within a second was found just now."""
    monkeypatch.setattr("routes.api.room.time", SimpleNamespace(monotonic=lambda: 1e9))


def revoke_all(person: Person) -> None:
    with person.app.app_context():
        for token in db.session.scalars(select(ApiToken).where(ApiToken.shop_id == person.shop_id)):
            tokens.revoke(token)
        db.session.commit()


@pytest.mark.parametrize(("path", "body"), WAYS_TO_RECORD)
def test_who_has_just_recorded_cannot_once_the_token_is_revoked(
    owner: Person, stopped_second: None, path: str, body: dict[str, Any]
) -> None:
    api = Api(owner.app, owner.token())
    assert api.send("POST", "/purchases", TAKEN).status == 201
    revoke_all(owner)
    check_refused(api.send("POST", path, body))
    assert len(owner.purchases()) == 1


def test_a_token_that_is_revoked_while_others_win_a_race_records_nothing(
    owner: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    api, record_all, left = Api(owner.app, owner.token()), _Ledger.record_all, [Overtaken]

    def lose(ledger: _Ledger) -> Any:
        if left:
            db.session.rollback()
            revoke_all(owner)
            raise left.pop()
        return record_all(ledger)

    monkeypatch.setattr(_Ledger, "record_all", lose)
    check_refused(api.send("POST", "/purchases", TIM))
    assert owner.purchases() == []


def test_a_token_that_records_again_and_again_is_looked_up_where_it_records(
    owner: Person, stopped_second: None
) -> None:
    api = Api(owner.app, owner.token())
    for _ in range(2):
        with statements(owner.app) as asked:
            assert api.send("POST", "/purchases", TIM).status == 201
    assert sum("FROM api_tokens" in statement for statement in asked) == 1


def test_a_session_does_not_open_the_api(owner: Person) -> None:
    client = owner.app.test_client()
    client.set_cookie("tillbook", owner.browser.cookie)
    for _, method, path in operations(owner.app):
        with statements(owner.app) as asked:
            response = client.open(path, method=method, json={})
        assert response.status_code == 401, path
        assert "Set-Cookie" not in response.headers
        assert asked == []


def test_the_api_is_the_tokens_whoever_is_signed_in(owner: Person, stranger: Person) -> None:
    stranger.capture(customer="Sue")
    cookie = f"tillbook={stranger.browser.cookie}"
    assert ask(owner, f"Bearer {owner.token()}", "/customers", cookie=cookie).json == {"items": []}


def test_pages_do_not_look_at_tokens(owner: Person) -> None:
    browser = Browser(owner.app, Authorization=f"Bearer {owner.token()}")
    for path in ("/purchases", "/customers", "/account/tokens"):
        assert browser.get(path).heading == "Sign in"


# In the address


@pytest.mark.parametrize("query", ["?access_token={}", "?token={}", "?{}", "?q={}&status=all", "?cursor=x.{}"])
def test_a_token_in_the_address_is_refused_even_beside_one_in_the_header(owner: Person, query: str) -> None:
    path = "/purchases" + query.format(owner.token())
    for answer in (ask(owner, None, path), owner.api.get(path, 400)):
        assert (answer.status, answer.problem) == (400, "token-in-address")
        assert "till_" not in answer.body.decode().replace("till_…", "")


@pytest.mark.parametrize("query", ["?access_token={}", "?q=x{}&status=all", "?{}"])
def test_so_is_one_that_is_percent_encoded(owner: Person, query: str) -> None:
    text = owner.token()
    for spelling in (text.replace("_", "%5f"), "".join(f"%{ord(letter):02X}" for letter in text)):
        assert owner.api.get("/purchases" + query.format(spelling), 400).problem == "token-in-address"


@pytest.mark.parametrize(
    "path",
    [
        *("/{}", "/purchases/{}", "/purchases/{}/void", "/nowhere/x{}", "/nowhere?token={}"),
        *("/openapi.json?token={}", "/openapi.json/{}"),
    ],
)
def test_so_is_one_in_the_path_and_where_nobody_asks_for_a_token(owner: Person, path: str) -> None:
    text = owner.token()
    for spelling in (text, text.replace("_", "%5F")):
        address = path.format(spelling)
        for answer in (ask(owner, None, address), owner.api.get(address, 400)):
            assert (answer.status, answer.problem) == (400, "token-in-address")


@pytest.mark.parametrize("query", ["q=till_roll", "external_id=till_7/123", "item=till_"])
def test_what_only_begins_like_a_token_is_none(owner: Person, query: str) -> None:
    assert owner.api.get(f"/purchases?{query}").json == {"items": []}


# Used


def last_used(person: Person) -> Any:
    with person.app.app_context():
        return db.session.scalars(select(ApiToken.last_used_at)).one()


def test_a_token_costs_a_write_at_most_every_five_minutes(owner: Person, at: SetClock) -> None:
    at("2026-11-21T12:00:00")
    assert last_used_after(owner, "") == "12:00:00"
    for instant, is_written, used in [
        ("12:00:01", False, "12:00:00"),
        ("12:04:59", False, "12:00:00"),
        ("12:05:00", True, "12:05:00"),
        ("12:09:59", False, "12:05:00"),
    ]:
        at(f"2026-11-21T{instant}")
        with statements(owner.app) as asked:
            owner.api.get("/purchases")
        writes = [one for one in asked if "SELECT" not in one]
        assert bool(writes) is is_written, writes
        assert f"{last_used(owner):%H:%M:%S}" == used


def last_used_after(person: Person, path: str) -> str:
    person.api.get(path)
    return f"{last_used(person):%H:%M:%S}"


def test_a_request_that_is_refused_notes_the_use_too(owner: Person, at: SetClock) -> None:
    at("2026-11-21T12:00:00")
    owner.api.post("/purchases", {}, 422)
    assert f"{last_used(owner):%H:%M:%S}" == "12:00:00"
    assert owner.purchases() == []


def test_a_check_is_one_question(owner: Person) -> None:
    owner.api.get("")
    with statements(owner.app) as asked:
        owner.api.get("")
    assert len(asked) == 1


def test_undoing_asks_for_the_scope_of_what_is_undone(owner: Person) -> None:
    purchase = owner.api.record().json
    sue = owner.api.record(customer={"name": "Sue"}).json["customer"]["id"]
    address = f"/purchases/{purchase['id']}"
    owner.api.post(f"{address}/void")
    void = owner.api.get(f"{address}/history").json["items"][0]["action_id"]
    owner.api.post(f"{address}/restore")
    owner.api.patch(address, {"item": "a pen"})
    edit = owner.api.get(f"{address}/history").json["items"][0]["action_id"]
    customer = f"/customers/{purchase['customer']['id']}"
    owner.api.patch(customer, {"note": "tall"})
    noted = owner.api.get(f"{customer}/history").json["items"][0]["action_id"]
    merge = owner.api.post(f"{customer}/merge", {"from_customer_id": sue}).json["action_id"]
    of_purchases = Api(owner.app, owner.token("purchases:write"))
    of_customers = Api(owner.app, owner.token("customers:write"))
    for actions, mine, other in (([edit], of_purchases, of_customers), ([merge, noted], of_customers, of_purchases)):
        for action in actions:
            other.post(f"/actions/{action}/undo", None, 403)
            mine.post(f"/actions/{action}/undo")
    assert of_customers.post(f"/actions/{void}/undo", None, 403).json["scope"] == "purchases:write"


def test_a_void_that_came_later_is_not_undone_with_an_earlier_one(owner: Person) -> None:
    address = f"/purchases/{owner.api.record().json['id']}"
    owner.api.post(f"{address}/void")
    first = owner.api.get(f"{address}/history").json["items"][0]["action_id"]
    owner.api.post(f"{address}/restore")
    owner.api.post(f"{address}/void")
    owner.api.post(f"/actions/{first}/undo", None, 409)
    assert owner.api.get(address).json["status"] == "void"
