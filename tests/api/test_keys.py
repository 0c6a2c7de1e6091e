"""Exactly once, through the API: one key is one purchase, and one answer for good."""

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from tests.api.client import Answer, Api
from tests.cast import Person
from tests.services.test_races import at_once

KEY = "8e03978e-40d5-43e8-bc93-6894a57f9324"
BODY = {
    "customer": {"name": "Sue", "email": "sue@example.com"},
    "item": "T-shirt",
    "quantity": 2,
    "amount": {"amount": "15.50", "currency": "USD"},
    "note": "blue",
    "external_id": "till-7/123",
}


@pytest.fixture(autouse=True)
def today(at) -> None:  # type: ignore[no-untyped-def]
    at("2026-11-21T17:00:00.123456")


def record(api: Api, body: Any = BODY, status: int = 201, key: str = KEY) -> Answer:
    return api.post("/purchases", body, status, idempotency_key=key)


def check_replay(first: Answer, again: Answer) -> None:
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.headers["Location"] == first.headers["Location"]
    assert again.body == first.body


def test_the_same_request_again_is_the_same_answer_and_one_purchase(owner: Person) -> None:
    first = record(owner.api)
    for _ in range(3):
        check_replay(first, record(owner.api))
    assert len(owner.purchases()) == len(owner.customers()) == 1


SPELLINGS: list[Callable[[], bytes]] = [
    lambda: json.dumps(dict(reversed(BODY.items()))).encode(),
    lambda: json.dumps(BODY, indent="\t").encode() + b"\r\n",
    lambda: json.dumps(BODY | {"item": "  T-shirt "}).encode(),
    lambda: json.dumps(BODY | {"amount": {"currency": "USD", "amount": "15.5"}}).encode(),
    lambda: json.dumps(BODY | {"amount": {"amount": "015.50"}, "unit_price": None}).encode(),
    lambda: json.dumps({k: v for k, v in BODY.items() if k != "amount"} | {"unit_price": {"amount": "7.75"}}).encode(),
    lambda: json.dumps(BODY | {"purchased_on": None, "customer_id": None}).encode(),
    lambda: json.dumps(BODY).replace("Sue", "\\u0053ue").encode(),
]


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_the_same_content_in_another_spelling_is_the_same_request(owner: Person, spelling: Callable[[], bytes]) -> None:
    check_replay(record(owner.api), record(owner.api, spelling()))
    assert len(owner.purchases()) == 1


def test_what_was_left_to_today_is_the_same_after_midnight(owner: Person, at: Callable[[str], None]) -> None:
    first = record(owner.api)
    at("2026-11-23T17:00")
    check_replay(first, record(owner.api))


LATER = ["2026-11-22T04:59", "2026-11-22T17:00", "2026-11-23T17:00", "2026-11-28T17:00", "2027-02-28T17:00"]
"""Saturday until midnight in New York, Sunday, Monday, the next Saturday, and a Sunday of the next year."""


@pytest.mark.parametrize(
    "day",
    [
        *("", " today", " yesterday", " 3 days ago", " on 20 Nov", " on Fri 20 Nov", " on 2026-11-20"),
        *(" on Sunday", " on Monday", " on Friday", " last Saturday"),
    ],
)
def test_the_same_sentence_is_the_same_request_whatever_day_it_is(
    owner: Person, at: Callable[[str], None], day: str
) -> None:
    said = {"sentence": f"Tim bought a hat{day}"}
    first = record(owner.api, said)
    for instant in LATER:
        at(instant)
        check_replay(first, record(owner.api, {"sentence": f"  Tim bought\ta hat{day}."}))
        checked = owner.api.post("/purchases?validate_only=true", said, idempotency_key=KEY).json
        assert checked["purchased_on"] == first.json["purchased_on"]
        batch = owner.api.post("/purchases/batch", {"purchases": [said | {"idempotency_key": KEY}]}).json
        assert batch["results"] == [{"status": 201, "replayed": True, "purchase": first.json}]
    assert len(owner.purchases()) == 1


@pytest.mark.parametrize("instant", LATER)
@pytest.mark.parametrize(
    "other",
    [
        {"sentence": "Tim bought a hat on Saturday"},
        {"sentence": "Tim bought a hat on Sunday"},
        {"sentence": "Tim bought 2 hats"},
        {"sentence": "Tom bought a hat on Friday"},
        {"customer": {"name": "Tim"}, "item": "hat", "purchased_on": "2026-11-20"},
    ],
)
def test_other_words_under_the_key_of_a_sentence_are_refused(
    owner: Person, at: Callable[[str], None], other: dict[str, Any], instant: str
) -> None:
    first = record(owner.api, {"sentence": "Tim bought a hat on Friday"})
    at(instant)
    assert record(owner.api, other, 422).problem == "idempotency-key-reused"
    check_replay(first, record(owner.api, {"sentence": "Tim bought a hat on Friday"}))


def test_a_sentence_that_is_unclear_does_not_use_the_key_up(owner: Person, at: Callable[[str], None]) -> None:
    said = {"sentence": "Tim bought a hat on Saturday"}
    refused = record(owner.api, said, 422)
    assert (refused.errors, len(refused.json["choices"])) == ([("#/sentence", "date_ambiguous")], 2)
    batch = owner.api.post("/purchases/batch", {"purchases": [said | {"idempotency_key": KEY}]}).json
    assert batch["results"][0]["problem"]["choices"] == refused.json["choices"]
    at("2026-11-23T17:00")
    first = record(owner.api, said)
    assert first.json["purchased_on"] == "2026-11-21"
    at("2026-11-28T17:00")
    check_replay(first, record(owner.api, said))


def edit(api: Api, first: Answer) -> None:
    changed = {"item": "Hat", "quantity": 3, "amount": None, "purchased_on": "2026-11-01", "note": None}
    api.patch(first.headers["Location"], changed)
    api.patch(first.headers["Location"], {"item": "Cap", "note": "red", "amount": {"amount": "1", "currency": "EUR"}})


def void(api: Api, first: Answer) -> None:
    api.post(first.headers["Location"] + "/void", {"reason": "returned"})


def void_and_restore(api: Api, first: Answer) -> None:
    void(api, first)
    api.post(first.headers["Location"] + "/restore")


def rename(api: Api, first: Answer) -> None:
    api.patch(f"/customers/{first.json['customer']['id']}", {"name": "Susanna", "email": None, "reference": "S1"})


def capture_again(api: Api, _: Answer) -> None:
    api.record(customer={"name": "SUSAN", "email": "sue@example.com", "phone": "212 555 0101"})


def merge(api: Api, first: Answer) -> None:
    other = api.record(customer={"name": "Ann"}).json["customer"]["id"]
    api.post(f"/customers/{other}/merge", {"from_customer_id": first.json["customer"]["id"]})


def merge_and_undo(api: Api, first: Answer) -> None:
    other = api.record(customer={"name": "Ann"}).json["customer"]["id"]
    done = api.post(f"/customers/{other}/merge", {"from_customer_id": first.json["customer"]["id"]}).json
    api.post(f"/actions/{done['action_id']}/undo")


def split(api: Api, first: Answer) -> None:
    moved = {"purchase_ids": [first.json["id"]], "customer": {"name": "Another Sue"}}
    api.post(f"/customers/{first.json['customer']['id']}/split", moved)


def everything(api: Api, first: Answer) -> None:
    for change in (edit, capture_again, rename, split, void):
        change(api, first)


@pytest.mark.parametrize(
    "change", [edit, void, void_and_restore, rename, capture_again, merge, merge_and_undo, split, everything]
)
def test_a_replay_is_byte_for_byte_what_was_answered_first(
    owner: Person, change: Callable[[Api, Answer], None]
) -> None:
    owner.capture(customer="Susan <sue@example.com>")
    first = record(owner.api)
    assert first.json["customer_outcome"] == "updated"
    change(owner.api, first)
    before = len(owner.purchases())
    check_replay(first, record(owner.api))
    batch = owner.api.post("/purchases/batch", {"purchases": [BODY | {"idempotency_key": KEY}]}).json
    assert batch["results"] == [{"status": 201, "replayed": True, "purchase": first.json}]
    assert len(owner.purchases()) == before


@pytest.mark.parametrize(
    "change",
    [
        {"item": "Hat"},
        {"item": "t-shirt"},
        {"quantity": 1},
        {"amount": {"amount": "15.51"}},
        {"amount": {"amount": "15.50", "currency": "CAD"}},
        {"amount": None},
        {"purchased_on": "2026-11-21"},
        {"note": None},
        {"external_id": None},
        {"customer": {"name": "Sue"}},
        {"customer": {"name": "Susan", "email": "sue@example.com"}},
    ],
)
def test_other_content_under_the_same_key_is_refused(owner: Person, change: dict[str, Any]) -> None:
    first = record(owner.api)
    refused = record(owner.api, BODY | change, 422)
    assert refused.problem == "idempotency-key-reused"
    assert refused.json["purchase_id"] == first.json["id"]
    assert len(owner.purchases()) == 1
    check_replay(first, record(owner.api))


@pytest.mark.parametrize("broken", [{"quantity": 0}, {"item": None}, {"external_id": "taken"}, {"wrong": 1}])
def test_a_refusal_does_not_use_the_key_up(owner: Person, broken: dict[str, Any]) -> None:
    owner.capture(external_id="taken")
    assert owner.api.send("POST", "/purchases", BODY | broken, idempotency_key=KEY).status in (409, 422)
    first = record(owner.api)
    assert "Idempotent-Replayed" not in first.headers
    check_replay(first, record(owner.api))


def test_a_check_does_not_use_the_key_up(owner: Person) -> None:
    owner.api.post("/purchases?validate_only=true", BODY, idempotency_key=KEY)
    assert "Idempotent-Replayed" not in record(owner.api).headers


def test_without_a_key_one_is_made_that_works_from_then_on(owner: Person) -> None:
    first, second = owner.api.post("/purchases", BODY, 201), owner.api.record()
    key = first.json["idempotency_key"]
    assert key
    assert key != second.json["idempotency_key"]
    check_replay(first, record(owner.api, key=key))
    assert record(owner.api, BODY | {"item": "Hat"}, 422, key).problem == "idempotency-key-reused"
    assert len(owner.purchases()) == 2


def test_two_without_a_key_are_two(owner: Person) -> None:
    for _ in range(2):
        owner.api.record()
    assert len(owner.purchases()) == 2


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (KEY, f'"{KEY}"'),
        ("a key", '"a key"'),
        (r"a\"b".replace("\\", ""), r'"a\"b"'),
        (r"a\b", r'"a\\b"'),
        ("~" * 255, '"' + "~" * 255 + '"'),
    ],
)
def test_a_key_in_quotes_is_the_same_key(owner: Person, one: str, other: str) -> None:
    first = record(owner.api, key=one)
    assert first.json["idempotency_key"] == one
    check_replay(first, record(owner.api, key=other))
    check_replay(first, record(owner.api, key=one))


@pytest.mark.parametrize("key", ["", '""', " ", '" k"', "k\t", "k\x7f", "kéy", "x" * 256, '"' + "x" * 256 + '"', "日"])
def test_what_is_no_key_is_refused(owner: Person, key: str) -> None:
    refused = record(owner.api, BODY, 400, key.encode().decode("latin-1"))
    assert refused.problem == "malformed-idempotency-key"
    assert owner.purchases() == owner.customers() == []


@pytest.mark.parametrize("key", ['"abc', '"abc";x=1', '"a","b"', "a, b"])
def test_what_could_be_two_keys_says_so_and_stores_nothing(owner: Person, key: str) -> None:
    refused = record(owner.api, BODY, 400, key)
    assert refused.problem == "malformed-idempotency-key"
    assert refused.json["detail"].startswith("Give one Idempotency-Key, bare or in quotes, and nothing beside it.")
    assert refused.json["detail"].endswith(". Nothing was stored.")
    assert owner.purchases() == owner.customers() == []


def test_a_comma_in_a_bare_key_is_the_callers_own(owner: Person) -> None:
    assert record(owner.api, key="till 7,123").json["idempotency_key"] == "till 7,123"


def test_keys_of_two_shops_have_nothing_to_do_with_each_other(owner: Person, stranger: Person) -> None:
    ours, theirs = record(owner.api), record(stranger.api, BODY | {"item": "Hat"})
    assert ours.json["id"] != theirs.json["id"]
    check_replay(ours, record(owner.api))
    check_replay(theirs, record(stranger.api, BODY | {"item": "Hat"}))


def test_a_key_is_the_shops_whatever_the_token(owner: Person) -> None:
    check_replay(record(owner.api), record(Api(owner.app, owner.token("purchases:write"))))


@pytest.mark.parametrize("callers", [2, 8])
def test_one_key_at_the_same_instant_is_one_purchase_and_equal_answers(owner: Person, callers: int) -> None:
    for turn in range(5):
        body = BODY | {"customer": {"email": f"sue{turn}@example.com"}, "external_id": str(turn)}
        answers = at_once([partial(record, owner.api, body, 201, f"key {turn}")] * callers)
        assert len({answer.body for answer in answers}) == 1
        assert sum("Idempotent-Replayed" not in answer.headers for answer in answers) == 1
        assert len(owner.purchases()) == len(owner.customers()) == turn + 1


def test_one_key_with_two_contents_at_the_same_instant_is_one_purchase(owner: Person) -> None:
    for turn in range(5):
        bodies = [BODY | {"item": item, "external_id": str(turn)} for item in ("Hat", "Cap")]
        asked = [partial(owner.api.send, "POST", "/purchases", body, idempotency_key=f"key {turn}") for body in bodies]
        assert sorted(answer.status for answer in at_once(asked)) == [201, 422]
        assert len(owner.purchases()) == turn + 1
