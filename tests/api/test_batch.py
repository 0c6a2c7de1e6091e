"""POST /purchases/batch: many at once, each with its own key and its own result."""

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import uuid4

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st

from extensions import db
from tests.api.client import Answer
from tests.cast import Person, make_person
from tests.conftest import IS_LONG
from tests.services.test_properties import BUYERS, CUTS, NAME_OR_ADDRESS, check_invariants
from tests.services.test_tokens import statements

MAX = 1_000


def book(key: str | None = None, name: str = "Tim", **more: Any) -> dict[str, Any]:
    keyed = {"idempotency_key": key} if key else {}
    return {"customer": {"name": name}, "item": "a book"} | keyed | more


def send(person: Person, items: Sequence[Any], status: int = 200, query: str = "", **headers: str) -> Answer:
    return person.api.post(f"/purchases/batch{query}", {"purchases": list(items)}, status, **headers)


def told(answer: Answer) -> list[Any]:
    """Of each: its status, and the code of what is the matter."""
    return [
        result["status"] if "purchase" in result else result["problem"]["type"].rpartition("/")[2]
        for result in answer.json["results"]
    ]


def test_each_result_stands_in_its_place(owner: Person) -> None:
    owner.capture(customer="Twin <a@example.com>")
    owner.capture(customer="Twin <b@example.com>", external_id="taken")
    owner.capture(customer="", phone="212 555 0101")
    items = [
        book("one"),
        book(quantity=0),
        book(name="Twin"),
        {"customer": {"email": "a@example.com", "phone": "212 555 0101"}, "item": "a pen"},
        book(external_id="taken"),
        book("one", item="a pen"),
        book("one"),
        {"sentence": "Sue bought 2 T-shirts for $15.50"},
        {"customer_id": "cus_01h455vb4pex5vsknk084sn02q", "item": "a pen"},
        book(idempotency_key=""),
        book(),
    ]
    answer = send(owner, items)
    assert told(answer) == [
        *(201, "validation", "customer-ambiguous", "identity-conflict", "external-id-taken"),
        *("idempotency-key-reused", 201, 201, "not-found", "validation", 201),
    ]
    results = answer.json["results"]
    assert answer.json["stored"] == 4
    assert [result.get("replayed") for result in results] == [False] * 6 + [True] + [False] * 4
    assert results[6]["purchase"] == results[0]["purchase"]
    assert results[1]["problem"]["errors"][0]["pointer"] == "#/quantity"
    assert [one["email"] for one in results[2]["problem"]["candidates"]] == ["a@example.com", "b@example.com"]
    assert results[7]["purchase"]["amount"] == {"amount": "15.50", "currency": "USD"}
    assert all(result["status"] == result["problem"]["status"] for result in results if "problem" in result)
    assert len(owner.purchases()) == 3 + 3


def test_a_result_is_what_the_purchase_alone_would_have_been_answered(owner: Person) -> None:
    [result] = send(owner, [book("one", note="x")]).json["results"]
    alone = owner.api.post("/purchases", book(note="x"), 201, idempotency_key="one")
    assert result == {"status": 201, "replayed": False, "purchase": alone.json}
    assert alone.headers["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize("item", [None, 7, "Tim purchased a book", True, [], [book()], {}, {"purchases": []}])
def test_what_is_no_purchase_is_refused_in_its_place(owner: Person, item: Any) -> None:
    answer = send(owner, [book(), item, book()])
    assert told(answer) == [201, "validation", 201]
    assert len(owner.purchases()) == 2


@pytest.mark.parametrize("key", ["", " k", "k\n", "é", "x" * 256, 7, {}, "\ud800", "k\0"])
def test_what_is_no_key_is_refused_in_its_place(owner: Person, key: Any) -> None:
    answer = send(owner, [book() | {"idempotency_key": key}, book()])
    assert told(answer) == ["validation", 201]
    assert answer.json["results"][0]["problem"]["errors"][0]["pointer"] == "#/idempotency_key"


def test_all_or_nothing_stores_nothing_when_one_is_refused(owner: Person) -> None:
    items = [book("one"), book("two", quantity=0), book("three")]
    answer = send(owner, items, query="?all_or_nothing=true")
    assert told(answer) == ["not-stored", "validation", "not-stored"]
    assert answer.json["stored"] == 0
    assert owner.purchases() == owner.customers() == []
    items[1]["quantity"] = 1
    again = send(owner, items, query="?all_or_nothing=true").json
    assert (again["stored"], [result["replayed"] for result in again["results"]]) == (3, [False] * 3)
    assert len(owner.purchases()) == 3


def test_candidates_of_a_batch_that_is_kept_back_are_there(owner: Person) -> None:
    twins = [book() | {"customer": {"name": "Twin", "email": f"{letter}@example.com"}} for letter in "ab"]
    answer = send(owner, [*twins, book(name="Twin")], query="?all_or_nothing=true")
    for candidate in answer.json["results"][2]["problem"].get("candidates", []):
        owner.api.get(f"/customers/{candidate['id']}")


def test_a_thousand_are_stored_and_one_more_is_too_many(owner: Person) -> None:
    items = [book(f"key {number}", f"Tim {number % 300}") for number in range(MAX)]
    answer = send(owner, items)
    assert answer.json["stored"] == len(owner.purchases()) == MAX
    assert len(owner.customers()) == 300
    assert [result["purchase"]["idempotency_key"] for result in answer.json["results"]] == [
        item["idempotency_key"] for item in items
    ]
    again = send(owner, items)
    assert [result["purchase"] for result in again.json["results"]] == [
        result["purchase"] for result in answer.json["results"]
    ]
    assert send(owner, [*items, book()], 422).errors == [("#/purchases", "not_a_list")]
    assert len(owner.purchases()) == MAX


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"purchases": []}, "#/purchases"),
        ({"purchases": {}}, "#/purchases"),
        ({"purchases": None}, "#/purchases"),
        ({"purchases": "[]"}, "#/purchases"),
        ({}, "#/purchases"),
        ({"purchases": [book()], "all_or_nothing": True}, "#/all_or_nothing"),
        (book(), "#/purchases"),
    ],
)
def test_what_is_no_batch_is_refused_as_a_whole(owner: Person, body: dict[str, Any], pointer: str) -> None:
    refused = owner.api.post("/purchases/batch", body, 422)
    assert pointer in [where for where, _ in refused.errors]
    assert owner.purchases() == []


def test_a_batch_has_no_key_of_its_own(owner: Person) -> None:
    assert send(owner, [book()], 400, idempotency_key="one").problem == "malformed-idempotency-key"
    assert owner.purchases() == []


@pytest.mark.parametrize("query", ["?all_or_nothing=perhaps", "?all_or_nothing=true&all_or_nothing=true", "?x=1"])
def test_a_parameter_that_is_none_is_refused(owner: Person, query: str) -> None:
    assert send(owner, [book()], 422, query).problem == "validation"
    assert owner.purchases() == []


def test_a_batch_is_one_transaction_however_long(owner: Person) -> None:
    send(owner, [book("warm", "Ann")])
    counts = []
    for size in (1, 200):
        with statements(owner.app) as asked:
            send(owner, [book(f"{size} {number}", f"Tim {size} {number}") for number in range(size)])
        counts.append(len(asked))
    assert counts[1] < counts[0] + 20
    with owner.app.app_context():
        moments = {purchase.recorded_at for purchase in owner.purchases()[2:]}
        db.session.rollback()
    assert len(moments) == 1


def test_a_batch_that_breaks_off_leaves_nothing(owner: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    owner.api.get("")
    with monkeypatch.context() as broken:
        broken.setattr(db.session, "commit", _break)
        refused = send(owner, [book(f"key {number}") for number in range(5)], 500)
    assert refused.problem == "broken"
    assert owner.purchases() == owner.customers() == []


def _break() -> None:
    raise RuntimeError("the cable was cut")


# The same as one by one


class Wish(NamedTuple):
    buyer: dict[str, str] | int
    """An int: the place of a customer among those known when the batch is sent."""
    item: str
    key: str
    external_id: str | None
    quantity: int


WISHES = st.lists(
    st.builds(
        Wish,
        NAME_OR_ADDRESS | BUYERS | st.integers(0, 3),
        st.sampled_from(["a book", "a book", "a pen", ""]),
        st.integers(0, 12).map(str),
        st.none() | st.sampled_from("xyz"),
        st.sampled_from([1, 1, 1, 2, 0]),
    ),
    min_size=1,
    max_size=12,
)


def bodies(person: Person, wishes: Sequence[Wish]) -> list[dict[str, Any]]:
    known = person.customers()
    found = []
    for wish in wishes:
        body: dict[str, Any] = {"item": wish.item, "idempotency_key": wish.key, "quantity": wish.quantity}
        if isinstance(wish.buyer, int):
            nobody = "cus_01h455vb4pex5vsknk084sn02q"
            body["customer_id"] = known[wish.buyer].public_id if wish.buyer < len(known) else nobody
        else:
            body["customer"] = wish.buyer
        found.append(body | ({"external_id": wish.external_id} if wish.external_id else {}))
    return found


def one_by_one(person: Person, items: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    results = []
    for item in items:
        body = {name: value for name, value in item.items() if name != "idempotency_key"}
        answer = person.api.send("POST", "/purchases", body, idempotency_key=item["idempotency_key"])
        if answer.status == 201:
            is_replay = "Idempotent-Replayed" in answer.headers
            results.append({"status": 201, "replayed": is_replay, "purchase": answer.json})
        else:
            results.append({"status": answer.status, "replayed": False, "problem": answer.json})
    return results


def without_ids(person: Person, told: Any) -> Any:
    """With places for ids, and without what differs from request to request."""
    places = {one.public_id: f"customer {place}" for place, one in enumerate(person.customers())}
    places |= {one.public_id: f"purchase {place}" for place, one in enumerate(person.purchases())}

    def replace(part: Any) -> Any:
        if isinstance(part, dict):
            return {name: replace(value) for name, value in part.items() if name not in ("request_id", "recorded_at")}
        if isinstance(part, list):
            return [replace(one) for one in part]
        return places.get(part, part) if isinstance(part, str) else part

    return replace(told)


@settings(max_examples=60 if IS_LONG else 40)
@given(wishes=WISHES, cuts=CUTS)
def test_a_batch_comes_to_the_same_as_one_by_one(app: Flask, wishes: list[Wish], cuts: list[int]) -> None:
    at_once, singly = (make_person(app, f"{uuid4()}@example.com") for _ in range(2))
    starts = sorted({0, *(cut for cut in cuts if cut < len(wishes))})
    for start, end in zip(starts, [*starts[1:], len(wishes)], strict=True):
        part = wishes[start:end]
        results = send(at_once, bodies(at_once, part)).json["results"]
        assert without_ids(at_once, results) == without_ids(singly, one_by_one(singly, bodies(singly, part)))
    assert len(at_once.purchases()) == len(singly.purchases())
    check_invariants(at_once)


def test_what_is_refused_tells_nothing_of_what_comes_later_in_the_list(owner: Person) -> None:
    for letter in "ab":
        owner.api.record(customer={"name": "Sue", "email": f"{letter}@example.com"})
    asked = book(name="Sue")
    alone = owner.api.post("/purchases", asked, 409).json["candidates"]
    later = book() | {"customer": {"email": "a@example.com", "phone": "212 555 0101"}}
    earlier = send(owner, [asked, later, asked]).json["results"]
    assert earlier[0]["problem"]["candidates"] == alone
    first, second = earlier[2]["problem"]["candidates"]
    assert (first["phone"], first["purchases"], second["purchases"]) == ("212 555 0101", 2, 1)
    assert first["last_purchased_on"] == alone[0]["last_purchased_on"]


def test_a_batch_that_is_kept_back_tells_only_of_what_is_there(owner: Person) -> None:
    for letter in "ab":
        owner.api.record(customer={"name": "Sue", "email": f"{letter}@example.com"})
    told = book() | {"customer": {"email": "a@example.com", "reference": "NEW"}}
    twice = [book(name="Tim") | {"idempotency_key": "k", "item": item} for item in ("a", "b")]
    results = send(owner, [told, book(name="Sue"), *twice], query="?all_or_nothing=true").json["results"]
    assert [one["reference"] for one in results[1]["problem"]["candidates"]] == [None, None]
    assert [one["purchases"] for one in results[1]["problem"]["candidates"]] == [1, 1]
    reused = results[3]["problem"]
    assert reused["type"] == "/problems/idempotency-key-reused"
    assert "purchase_id" not in reused
    assert "twice in this batch" in reused["detail"]


def test_of_very_many_candidates_only_some_are_told(owner: Person) -> None:
    namesakes = [book() | {"customer": {"name": "John", "email": f"{number}@example.com"}} for number in range(30)]
    assert send(owner, namesakes).json["stored"] == 30
    answer = send(owner, [book(name="John")] * 100)
    assert {len(one["problem"]["candidates"]) for one in answer.json["results"]} == {20}
    assert len(owner.api.post("/purchases", book(name="John"), 409).json["candidates"]) == 20
