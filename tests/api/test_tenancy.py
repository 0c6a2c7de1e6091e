"""Nothing of one shop is seen or touched by the token of another; walks the whole map of routes."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from extensions import db
from routes.api.room import OPERATIONS
from schemas.problems import Schema
from tests.api.client import Api
from tests.cast import Person

NOBODY = "cus_01h455vb4pex5vsknk084sn02q"
NOTHING = "pur_01h455vb4pex5vsknk084sn02q"


@pytest.fixture
def theirs(stranger: Person, at: Callable[[str], None]) -> dict[str, str]:
    """Ids of another shop, by the name of the part of an address."""
    at("2026-11-21T17:00")
    sue = stranger.api.post("/customers", {"name": "Sue", "email": "sue@example.com"}, 201).json["id"]
    ann = stranger.api.post("/customers", {"name": "Ann"}, 201).json["id"]
    bought = [stranger.api.record(customer=None, customer_id=sue).json["id"] for _ in range(2)]
    split = {"purchase_ids": bought[1:], "customer": {"name": "Eve"}}
    action = stranger.api.post(f"/customers/{sue}/split", split).json["action_id"]
    return {"customer_id": sue, "purchase_id": bought[0], "action_id": action, "other_id": ann}


def everything(app: Flask) -> list[Any]:
    with app.app_context():
        return [
            db.session.execute(select(table)).all() for table in db.metadata.sorted_tables if table.name != "api_tokens"
        ]


BODIES: dict[str, Any] = {
    "api.edit_purchase": {"item": "a pen"},
    "api.void_purchase": {"reason": "returned"},
    "api.edit_customer": {"name": "Tim"},
    "api.merge": {"from_customer_id": NOBODY},
    "api.split": {"purchase_ids": [NOTHING], "customer": {"name": "Tim"}},
}
"""One that would do, by endpoint."""


def test_every_address_with_a_foreign_id_is_404_like_one_that_never_was(owner: Person, theirs: dict[str, str]) -> None:
    ours = owner.api.post("/customers", {"name": "Tim"}, 201).json["id"]
    before, walked = everything(owner.app), 0
    for rule in owner.app.url_map.iter_rules():
        if not rule.endpoint.startswith("api.") or "<" not in rule.rule:
            continue
        operation = OPERATIONS[rule.endpoint]
        [part] = re.findall(r"<(\w+):id>", rule.rule)
        foreign = re.sub("<.*>", theirs[part], rule.rule)
        missing = re.sub("<.*>", theirs[part][:4] + NOBODY[4:], rule.rule)
        method = next(method for method in ("PATCH", "POST", "GET") if method in (rule.methods or ()))
        assert not operation.takes or rule.endpoint in BODIES, f"a body for {rule.endpoint} is missing here"
        body = BODIES.get(rule.endpoint)
        if rule.endpoint == "api.merge":
            body = {"from_customer_id": ours}
        answers = [owner.api.send(method, address, body, 404).json for address in (foreign, missing)]
        assert {(one["type"], one["detail"]) for one in answers} == {("/problems/not-found", answers[0]["detail"])}
        walked += 1
    assert walked >= 11
    assert everything(owner.app) == before


def test_no_body_takes_a_foreign_id(owner: Person, theirs: dict[str, str]) -> None:
    bought = owner.api.record().json
    tim = bought["customer"]["id"]
    before = everything(owner.app)
    sue, purchase = theirs["customer_id"], theirs["purchase_id"]
    for path, body in (
        ("/purchases", {"item": "a pen", "customer_id": sue}),
        ("/purchases?validate_only=true", {"item": "a pen", "customer_id": sue}),
        (f"/customers/{tim}/merge", {"from_customer_id": sue}),
        (f"/customers/{tim}/split", {"purchase_ids": [bought["id"]], "customer_id": sue}),
        (f"/customers/{tim}/split", {"purchase_ids": [purchase], "customer": {"name": "Eve"}}),
        (f"/customers/{tim}/split", {"purchase_ids": [bought["id"], purchase], "customer": {"name": "Eve"}}),
    ):
        foreign = owner.api.post(path, body, 404).json
        never = json.dumps(body).replace(sue, NOBODY).replace(purchase, NOTHING).encode()
        assert foreign["detail"] == owner.api.post(path, never, 404).json["detail"]
    batch = owner.api.post("/purchases/batch", {"purchases": [{"item": "a pen", "customer_id": sue}]}).json
    assert (batch["stored"], batch["results"][0]["status"]) == (0, 404)
    assert everything(owner.app) == before


def test_every_field_that_takes_an_id_is_tried_above() -> None:
    tried = {"customer_id", "from_customer_id", "purchase_ids"}
    taken = {schema for operation in OPERATIONS.values() for schema in operation.takes}
    fields = {name for schema in taken for name in _fields(schema) if name.endswith(("_id", "_ids"))}
    assert fields == tried | {"external_id"}


def _fields(schema: type[Schema]) -> set[str]:
    return set(schema.model_fields)


def test_lists_and_reports_show_nothing_of_another_shop(owner: Person, theirs: dict[str, str]) -> None:
    owner.api.record(customer={"name": "Tim"}, amount={"amount": "1"})
    addresses = [
        rule.rule
        for rule in owner.app.url_map.iter_rules()
        if rule.endpoint in OPERATIONS and "<" not in rule.rule and "GET" in (rule.methods or ())
        if not OPERATIONS[rule.endpoint].is_open
    ]
    assert len(addresses) >= 6
    for path in [*addresses, "/purchases?status=all", f"/purchases?customer_id={theirs['customer_id']}&status=all"]:
        told = owner.api.get(path).body.decode()
        for foreign in ("Sue", "Ann", "Eve", "sue@example.com", *theirs.values()):
            assert foreign not in told, path
    assert owner.api.get("/reports/summary").json["items"][0]["purchases"] == 1
    assert owner.api.get("/customers?email=sue@example.com").json == {"items": []}


def test_what_is_unique_is_unique_in_the_shop(owner: Person, theirs: dict[str, str]) -> None:
    mine = owner.api.record(customer={"name": "Sue", "email": "sue@example.com"}).json
    assert mine["customer_outcome"] == "created"
    assert mine["customer"]["id"] != theirs["customer_id"]


def test_a_cursor_of_another_shop_leads_nowhere_else(owner: Person, stranger: Person, theirs: dict[str, str]) -> None:
    cursor = stranger.api.get("/purchases?limit=1").json["next"]
    owner.api.record(purchased_on="2020-01-01")
    assert [one["customer"]["name"] for one in owner.api.get(cursor).json["items"]] == ["Tim"]


def test_tokens_are_not_shared_between_shops(owner: Person, stranger: Person) -> None:
    names = {
        Api(person.app, person.token(name=person.email)).get("").json["token"]["name"] for person in (owner, stranger)
    }
    assert names == {owner.email, stranger.email}
