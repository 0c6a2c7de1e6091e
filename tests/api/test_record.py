"""POST /purchases: what it answers, what it refuses, what it leaves behind."""

import re
from typing import Any

import pytest
from sqlalchemy import select

from extensions import db
from models import ApiToken, Change
from tests.cast import Person

EXAMPLE = {
    "customer": {"name": "Sue", "email": "sue@example.com"},
    "item": "T-shirt",
    "quantity": 2,
    "amount": {"amount": "15.50", "currency": "USD"},
    "purchased_on": "2026-11-20",
    "external_id": "till-7/123",
}
KEY = "8e03978e-40d5-43e8-bc93-6894a57f9324"
UNKNOWN = "cus_01h455vb4pex5vsknk084sn02q"


@pytest.fixture(autouse=True)
def today(at) -> None:  # type: ignore[no-untyped-def]
    at("2026-11-21T17:00")


def stored(person: Person) -> tuple[int, int]:
    return len(person.customers()), len(person.purchases())


def test_the_example_is_answered_with_just_its_shape(owner: Person) -> None:
    susan = owner.capture(customer="Susan <SUE@example.com>").customer
    answer = owner.api.post("/purchases", EXAMPLE, 201, idempotency_key=KEY)
    purchase = owner.purchases()[-1]
    assert answer.json == {
        "id": purchase.public_id,
        "status": "recorded",
        "item": "T-shirt",
        "quantity": 2,
        "amount": {"amount": "15.50", "currency": "USD"},
        "unit_price": {"amount": "7.75", "currency": "USD"},
        "purchased_on": "2026-11-20",
        "external_id": "till-7/123",
        "note": None,
        "source": "api",
        "customer": {
            "id": susan.public_id,
            "name": "Sue",
            "email": "SUE@example.com",
            "phone": None,
            "reference": None,
        },
        "customer_outcome": "updated",
        "matched_on": "email",
        "customer_changes": {"name": {"from": "Susan", "to": "Sue"}},
        "idempotency_key": KEY,
        "recorded_at": "2026-11-21T17:00:00Z",
        "voided_at": None,
        "void_reason": None,
    }
    assert "Idempotent-Replayed" not in answer.headers


def test_its_location_is_where_the_purchase_stands(owner: Person) -> None:
    answer = owner.api.post("/purchases", EXAMPLE, 201)
    shown = owner.api.get(answer.headers["Location"]).json
    assert shown == {name: answer.json[name] for name in shown}
    assert set(answer.json) - set(shown) == {"customer_outcome", "customer_changes"}


def test_as_little_as_can_be_is_one_of_it_today(owner: Person) -> None:
    answer = owner.api.post("/purchases", {"customer": {"name": "Tim"}, "item": "a book"}, 201).json
    assert (answer["quantity"], answer["purchased_on"]) == (1, "2026-11-21")
    assert answer["amount"] is answer["unit_price"] is answer["external_id"] is answer["note"] is None
    assert answer["customer_outcome"] == "created"
    assert answer["matched_on"] is None
    assert answer["customer_changes"] == {"name": {"from": None, "to": "Tim"}}


def test_the_token_stands_on_the_purchase_and_its_history(owner: Person) -> None:
    owner.api.post("/purchases", EXAMPLE, 201)
    with owner.app.app_context():
        token = db.session.scalars(select(ApiToken)).one()
        changes = db.session.scalars(select(Change)).all()
    [purchase] = owner.purchases()
    assert (purchase.source, purchase.token_id, purchase.recorded_by_id) == ("api", token.id, owner.user_id)
    assert {(change.token_id, change.user_id) for change in changes} == {(token.id, owner.user_id)}
    assert {change.field for change in changes} == {"name", "email"}


@pytest.mark.parametrize(
    ("given", "amount", "unit_price"),
    [
        ({"unit_price": {"amount": "7.75"}, "quantity": 2}, "15.50 USD", "7.75 USD"),
        ({"unit_price": {"amount": "0.333", "currency": "KWD"}, "quantity": 3}, "0.999 KWD", "0.333 KWD"),
        ({"amount": {"amount": "1000", "currency": "JPY"}, "quantity": 3}, "1000 JPY", None),
        ({"amount": {"amount": "0"}, "quantity": 7}, "0.00 USD", "0.00 USD"),
        ({"amount": {"amount": "15.5"}, "unit_price": None}, "15.50 USD", "15.50 USD"),
        ({"amount": {"amount": "9999999999.99"}}, "9999999999.99 USD", "9999999999.99 USD"),
        ({}, None, None),
    ],
)
def test_the_amount_is_for_the_line_and_the_price_for_one(
    owner: Person, given: dict[str, Any], amount: str | None, unit_price: str | None
) -> None:
    answer = owner.api.record(**given).json
    told = [answer[name] and " ".join(answer[name].values()) for name in ("amount", "unit_price")]
    assert told == [amount, unit_price]


def test_a_sentence_does_instead_of_the_fields(owner: Person) -> None:
    sentence = "Sue bought 2 T-shirts for $15.50 yesterday"
    parsed = owner.api.post("/purchases/parse", {"sentence": sentence}).json
    assert stored(owner) == (0, 0)
    answer = owner.api.post("/purchases", {"sentence": sentence}, 201, idempotency_key=KEY).json
    told = ("item", "quantity", "amount", "purchased_on")
    assert {name: answer[name] for name in told} == {name: parsed[name] for name in told}
    assert (parsed["customer"], answer["customer"]["name"]) == ({"name": "Sue"}, "Sue")
    assert (answer["quantity"], answer["amount"]["amount"], answer["purchased_on"]) == (2, "15.50", "2026-11-20")
    assert answer["source"] == "api"
    again = owner.api.post("/purchases", {"sentence": sentence}, 201, idempotency_key=KEY)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert stored(owner) == (1, 1)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"sentence": ""}, 422),
        ({"sentence": None}, 422),
        ({"sentence": 7}, 422),
        ({"sentence": ["Tim purchased a book"]}, 422),
        ({"sentence": "x" * 5_000}, 422),
        ({"sentence": "nothing of the kind"}, 422),
        ({"sentence": "Tim\0 purchased a book"}, 422),
        ({"sentence": "Tim\ud800 purchased a book"}, 422),
        ({"sentence": "Tim purchased a book", "item": "a pen"}, 422),
        ({"sentence": "Tim purchased a book", "customer": {"name": "Tim"}}, 422),
        ({}, 422),
    ],
)
def test_a_sentence_that_says_nothing_is_refused_at_both_addresses(
    owner: Person, body: dict[str, Any], status: int
) -> None:
    parsed = owner.api.post("/purchases/parse", body, status)
    assert parsed.problem == "validation"
    if body:
        assert owner.api.post("/purchases", body, status).errors == parsed.errors
    assert stored(owner) == (0, 0)


def test_an_ambiguous_name_comes_with_candidates_who_can_be_named(owner: Person) -> None:
    owner.capture(customer="Tim <a@example.com>", purchased_on="2026-11-01")
    owner.capture(customer="Tim <b@example.com>")
    refused = owner.api.record(409, KEY)
    assert refused.problem == "customer-ambiguous"
    assert [(one["email"], one["purchases"], one["last_purchased_on"]) for one in refused.json["candidates"]] == [
        ("a@example.com", 1, "2026-11-01"),
        ("b@example.com", 1, "2026-11-21"),
    ]
    assert stored(owner) == (2, 2)
    for candidate in refused.json["candidates"]:
        recorded = owner.api.record(customer=None, customer_id=candidate["id"]).json
        assert recorded["matched_on"] == "customer_id"
        assert recorded["customer"]["email"] == candidate["email"]
    assert owner.api.record(201, KEY, customer={"name": "Tim", "email": "b@example.com"}).json["matched_on"] == "email"


def test_what_belongs_to_two_customers_is_a_conflict_that_names_both(owner: Person) -> None:
    owner.capture(customer="Tim <tim@example.com>")
    owner.capture(customer="Sue (+1 212 555 0101)")
    both = {"email": "tim@example.com", "phone": "212 555 0101"}
    refused = owner.api.record(409, customer=both)
    assert refused.problem == "identity-conflict"
    assert [one["name"] for one in refused.json["candidates"]] == ["Tim", "Sue"]
    assert stored(owner) == (2, 2)


def test_a_number_is_taken_once(owner: Person) -> None:
    owner.api.post("/purchases", EXAMPLE, 201)
    refused = owner.api.post("/purchases", EXAMPLE | {"customer": {"name": "Ann"}}, 409)
    assert refused.problem == "external-id-taken"
    assert stored(owner) == (1, 1)


@pytest.mark.parametrize(
    ("changes", "status", "errors"),
    [
        ({"customer": None}, 422, [("#/customer", "no_customer")]),
        ({"customer": {}}, 422, [("#/customer", "no_customer")]),
        ({"customer": {"name": " ", "email": ""}}, 422, [("#/customer", "no_customer")]),
        ({"customer": "Tim"}, 422, [("#/customer", "not_an_object")]),
        ({"customer": ["Tim"]}, 422, [("#/customer", "not_an_object")]),
        ({"customer": {"line": "Tim"}}, 422, [("#/customer/line", "unknown_field")]),
        ({"customer": {"name": "Tim", "note": "x"}}, 422, [("#/customer/note", "unknown_field")]),
        ({"customer_id": UNKNOWN}, 422, [("#/customer", "customer_twice")]),
        ({"customer": None, "customer_id": "new"}, 422, [("#/customer_id", "unknown_customer")]),
        ({"customer": None, "customer_id": ""}, 422, [("#/customer_id", "unknown_customer")]),
        ({"customer": None, "customer_id": 7}, 422, [("#/customer_id", "unknown_customer")]),
        ({"customer": None, "customer_id": UNKNOWN.upper()}, 422, [("#/customer_id", "unknown_customer")]),
        ({"customer": None, "customer_id": "pur" + UNKNOWN[3:]}, 422, [("#/customer_id", "unknown_customer")]),
        ({"amount": {"amount": "1"}, "unit_price": {"amount": "1"}}, 422, [("#/unit_price", "amount_twice")]),
        ({"amount": "1"}, 422, [("#/amount", "not_money")]),
        ({"amount": 1}, 422, [("#/amount", "not_money")]),
        ({"amount": {}}, 422, [("#/amount", "not_money")]),
        ({"amount": {"amount": 1.5}}, 422, [("#/amount", "not_money")]),
        ({"amount": {"amount": "$1"}}, 422, [("#/amount", "not_money")]),
        ({"amount": {"amount": "1", "currency": "USD", "x": 1}}, 422, [("#/amount", "not_money")]),
        ({"amount": {"amount": "1", "currency": "usd"}}, 422, [("#/amount", "unknown_currency")]),
        ({"amount": {"amount": "1", "currency": "XXQ"}}, 422, [("#/amount", "unknown_currency")]),
        ({"amount": {"amount": "1.005"}}, 422, [("#/amount", "too_many_decimals")]),
        ({"unit_price": {"amount": "5000000000"}, "quantity": 2}, 422, [("#/unit_price", "too_large")]),
        ({"currency": "USD"}, 422, [("#/currency", "unknown_field")]),
        ({"quantity": "2"}, 422, [("#/quantity", "not_whole_number")]),
        ({"quantity": 2.0}, 422, [("#/quantity", "not_whole_number")]),
        ({"quantity": True}, 422, [("#/quantity", "not_whole_number")]),
        ({"purchased_on": "yesterday"}, 422, [("#/purchased_on", "not_a_date")]),
        ({"purchased_on": "2026-11-23"}, 422, [("#/purchased_on", "in_future")]),
        ({"item": 7}, 422, [("#/item", "not_text")]),
        ({"item": ["a book"]}, 422, [("#/item", "not_text")]),
        ({"note": {}}, 422, [("#/note", "not_text")]),
        ({"idempotency_key": "k"}, 422, [("#/idempotency_key", "unknown_field")]),
        ({"a/b~c d": 1}, 422, [("#/a~1b~0c%20d", "unknown_field")]),
        ({"quantity": 0, "item": ""}, 422, [("#/item", "blank"), ("#/quantity", "not_whole_number")]),
        ({"customer": None, "customer_id": UNKNOWN}, 404, None),
    ],
)
def test_what_breaks_a_rule_is_pointed_at_and_stores_nothing(
    owner: Person, changes: dict[str, Any], status: int, errors: list[tuple[str, str]] | None
) -> None:
    body = {"customer": {"name": "Tim"}, "item": "a book"} | changes
    if "customer" in changes and changes["customer"] is None:
        del body["customer"]
    refused = owner.api.post("/purchases", body, status)
    if errors is not None:
        assert refused.errors == errors
        count = "1 field needs" if len(errors) == 1 else f"{len(errors)} fields need"
        assert refused.json["detail"] == f"{count} a change. Nothing was stored."
    assert stored(owner) == (0, 0)


def test_a_customer_of_another_shop_is_as_missing_as_one_that_never_was(owner: Person, stranger: Person) -> None:
    theirs = stranger.capture(customer="Sue").customer.public_id
    details = {owner.api.record(404, customer=None, customer_id=one).json["detail"] for one in (theirs, UNKNOWN)}
    assert len(details) == 1
    assert stored(owner) == (0, 0)
    assert stored(stranger) == (1, 1)


def test_only_checking_stores_nothing_and_says_what_would_be(owner: Person) -> None:
    known = owner.capture(customer="Susan <sue@example.com>").customer
    checked = owner.api.post("/purchases?validate_only=true", EXAMPLE, idempotency_key=KEY).json
    recorded = owner.api.post("/purchases", EXAMPLE, 201, idempotency_key=KEY).json
    assert checked.pop("valid") is True
    assert checked.pop("customer_id") == known.public_id == recorded["customer"]["id"]
    assert checked == {name: recorded[name] for name in checked}
    new = owner.api.post("/purchases?validate_only=true", {"customer": {"name": "Ann"}, "item": "a pen"}).json
    assert (new["customer_id"], new["customer_outcome"]) == (None, "created")
    assert stored(owner) == (1, 2)


@pytest.mark.parametrize(
    "changes",
    [
        {"quantity": 0},
        {"customer": {"name": "Twin"}},
        {"customer": {"email": "a@example.com", "reference": "A1"}},
        {"external_id": "taken"},
        {"customer": None, "customer_id": UNKNOWN},
        {"item": "another"},
        {"wrong": 1},
    ],
)
def test_only_checking_refuses_alike(owner: Person, changes: dict[str, Any]) -> None:
    owner.capture(customer="Twin <a@example.com>")
    owner.capture(customer="", name="Twin", email="b@example.com", reference="A1", external_id="taken")
    owner.api.record(key=KEY)
    before = stored(owner)
    fields = {"customer": {"name": "Tim"}, "item": "a book"} | changes
    body = {name: value for name, value in fields.items() if value is not None}
    told = []
    for address in ("/purchases?validate_only=true", "/purchases"):
        refused = owner.api.send("POST", address, body, idempotency_key=KEY)
        told.append({name: value for name, value in refused.json.items() if name != "request_id"})
    assert told[0] == told[1]
    assert told[0]["status"] >= 400
    assert stored(owner) == before


@pytest.mark.parametrize(
    "query", ["validate_only=maybe", "validate_only=1", "validate_only=true&validate_only=true", "dry_run=true"]
)
def test_a_parameter_that_is_none_is_refused_before_anything_is_stored(owner: Person, query: str) -> None:
    refused = owner.api.post(f"/purchases?{query}", EXAMPLE, 422)
    assert [where for where, _ in refused.errors] == [re.split("[=&]", query)[0]]
    assert stored(owner) == (0, 0)
