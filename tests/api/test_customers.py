"""Customers: kept up to date, found again by all they were ever known by, merged and taken apart."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.cast import Person

NOBODY = "cus_01h455vb4pex5vsknk084sn02q"
TIM = {"name": "Tim", "email": "tim@example.com", "phone": "+1 212 555 0101", "reference": "A1"}


@pytest.fixture(autouse=True)
def today(at: Callable[[str], None]) -> None:
    at("2026-11-21T17:00")


@pytest.fixture
def tim(owner: Person) -> str:
    """Where Tim stands."""
    return str(owner.api.post("/customers", TIM | {"note": "likes tea"}, 201).headers["Location"])


def id_of(path: str) -> str:
    return path.rpartition("/")[2]


def make(person: Person, **given: Any) -> str:
    return str(person.api.post("/customers", given, 201).json["id"])


# Keeping


def test_a_new_customer_is_created_and_stands_at_their_location(owner: Person) -> None:
    answer = owner.api.post("/customers", TIM | {"note": "likes tea"}, 201)
    [customer] = owner.customers()
    assert answer.json == TIM | {
        "id": customer.public_id,
        "note": "likes tea",
        "merged_into": None,
        "created_at": "2026-11-21T17:00:00Z",
        "updated_at": "2026-11-21T17:00:00Z",
        "customer_outcome": "created",
        "matched_on": None,
        "customer_changes": {
            field: {"from": None, "to": value} for field, value in (TIM | {"note": "likes tea"}).items()
        },
    }
    shown = owner.api.get(answer.headers["Location"]).json
    assert shown == {name: answer.json[name] for name in shown}


def test_a_known_customer_is_updated_with_what_is_given(owner: Person, tim: str, at: Callable[[str], None]) -> None:
    at("2026-11-21T18:00")
    body = {"email": "TIM@example.com", "name": "Timothy", "phone": "", "note": None}
    answer = owner.api.post("/customers", body, 200)
    assert answer.json["customer_outcome"] == "updated"
    assert answer.json["matched_on"] == "email"
    assert answer.json["customer_changes"] == {"name": {"from": "Tim", "to": "Timothy"}}
    assert (answer.json["phone"], answer.json["note"]) == (TIM["phone"], "likes tea")
    assert answer.json["updated_at"] == "2026-11-21T18:00:00Z"
    assert "Location" not in answer.headers
    again = owner.api.post("/customers", body, 200).json
    assert (again["customer_outcome"], again["customer_changes"]) == ("unchanged", {})
    assert len(owner.customers()) == 1


def test_only_new_ones_are_made_when_asked_so(owner: Person, tim: str) -> None:
    before = owner.api.get(tim).body
    refused = owner.api.post("/customers", TIM | {"name": "Tom"}, 412, if_none_match="*")
    assert (refused.problem, refused.json["customer_id"]) == ("precondition-failed", id_of(tim))
    assert owner.api.get(tim).body == before
    assert owner.api.post("/customers", {"name": "Ann"}, 201, if_none_match="*").json["name"] == "Ann"
    assert owner.api.post("/customers", TIM, 200, if_none_match='"x"').json["customer_outcome"] == "unchanged"


def test_nobody_is_guessed(owner: Person) -> None:
    ids = [make(owner, name="Twin", email=f"{letter}@example.com") for letter in "ab"]
    make(owner, phone="212 555 0101")
    ambiguous = owner.api.post("/customers", {"name": "Twin"}, 409)
    assert ambiguous.problem == "customer-ambiguous"
    assert [one["id"] for one in ambiguous.json["candidates"]] == ids
    conflict = owner.api.post("/customers", {"email": "a@example.com", "phone": "212 555 0101"}, 409)
    assert conflict.problem == "identity-conflict"
    assert len(owner.customers()) == 3


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({}, ["#"]),
        ({"name": " "}, ["#"]),
        ({"note": "only a note"}, ["#"]),
        ({"line": "Tim <tim@example.com>"}, ["#/line"]),
        ({"name": "...", "email": "x"}, ["#/name", "#/email"]),
        ({"name": 7}, ["#/name"]),
        ({"name": "Tim", "note": "x" * 2_001}, ["#/note"]),
        ({"name": "Tim", "id": NOBODY}, ["#/id"]),
        ({"name": "Tim\0"}, ["#/name"]),
        ({"name": "Tim\ud800"}, ["#/name"]),
        ({"phone": "+1 212 555 0100 x12"}, ["#/phone"]),
    ],
)
def test_what_is_no_customer_is_refused(owner: Person, body: dict[str, Any], where: list[str]) -> None:
    refused = owner.api.post("/customers", body, 422)
    assert [pointer for pointer, _ in refused.errors] == where
    assert owner.customers() == []


# Changing


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        ({"name": "Timothy"}, {"name": "Timothy"}),
        ({"name": "TIM"}, {"name": "TIM"}),
        ({"email": None}, {"email": None}),
        ({"email": "t@example.com", "phone": None}, {"email": "t@example.com", "phone": None}),
        ({"reference": "A2", "note": None}, {"reference": "A2", "note": None}),
        ({"note": "a\nb"}, {"note": "a\nb"}),
        ({"name": None, "email": None, "phone": None}, {"name": None, "email": None, "phone": None}),
        ({"name": " ", "email": ""}, {}),
    ],
)
def test_what_is_given_is_changed_and_null_clears(
    owner: Person, tim: str, edit: dict[str, Any], told: dict[str, Any]
) -> None:
    before = owner.api.get(tim).json
    answer = owner.api.patch(tim, edit)
    assert answer.json == before | told
    shown = owner.api.get(tim)
    assert (shown.json, shown.headers["ETag"]) == (answer.json, answer.headers["ETag"])


def test_an_address_that_was_replaced_still_finds_them_and_a_cleared_one_does_not(owner: Person, tim: str) -> None:
    owner.api.patch(tim, {"email": "new@example.com", "phone": None})
    for email in ("tim@example.com", "new@example.com"):
        assert owner.api.record(customer={"email": email}).json["customer"]["id"] == id_of(tim)
    assert owner.api.record(customer={"phone": TIM["phone"]}).json["customer_outcome"] == "created"


def test_the_address_of_another_cannot_be_taken(owner: Person, tim: str) -> None:
    sue = make(owner, name="Sue", email="sue@example.com")
    before = owner.api.get(tim).body
    for edit in ({"email": "SUE@example.com"}, {"email": "sue@example.com", "name": "Tom", "phone": None}):
        refused = owner.api.patch(tim, edit, 409)
        assert refused.problem == "identity-conflict"
        assert [one["id"] for one in refused.json["candidates"]] == [sue]
    assert owner.api.get(tim).body == before


def test_a_customer_stays_known_by_something(owner: Person, tim: str) -> None:
    before = owner.api.get(tim).body
    nothing = dict.fromkeys(TIM)
    refused = owner.api.patch(tim, nothing, 422)
    assert refused.errors == [("#/name", "no_identity")]
    assert owner.api.get(tim).body == before
    assert owner.api.patch(tim, nothing | {"email": "t@example.com"}).json["email"] == "t@example.com"


@pytest.mark.parametrize("edit", [{"name": "..."}, {"email": "x"}, {"customer_id": NOBODY}, {"phone": 7}, {"note": []}])
def test_an_edit_that_breaks_a_rule_changes_nothing(owner: Person, tim: str, edit: dict[str, Any]) -> None:
    before = owner.api.get(tim).body
    assert owner.api.patch(tim, edit, 422).problem == "validation"
    assert owner.api.get(tim).body == before


def test_of_two_who_saw_the_same_the_second_is_refused(owner: Person, tim: str, at: Callable[[str], None]) -> None:
    tag = owner.api.get(tim).headers["ETag"]
    assert owner.api.get(tim, 304, if_none_match=tag)
    at("2026-11-21T18:00")
    owner.api.patch(tim, {"name": "Tom"}, if_match=tag)
    assert owner.api.patch(tim, {"name": "Tam"}, 412, if_match=tag).problem == "precondition-failed"
    assert owner.api.patch(tim, {"name": "Tam"}, if_match="*").json["name"] == "Tam"


def test_the_history_tells_what_changed_by_what_and_by_whom(owner: Person, tim: str) -> None:
    bought = owner.api.record(customer={"email": "tim@example.com", "name": "Tom"}).json["id"]
    owner.api.patch(tim, {"name": "Timothy"})
    entries = owner.api.get(f"{tim}/history").json["items"]
    assert [(one["field"], one["from"], one["to"]) for one in entries[:2]] == [
        ("name", "Tom", "Timothy"),
        ("name", "Tim", "Tom"),
    ]
    assert entries[0]["action_id"].startswith("act_")
    assert (entries[1]["purchase_id"], entries[1]["action_id"]) == (bought, None)
    assert {one["user"] for one in entries} == {owner.email}
    assert owner.api.all_pages(f"{tim}/history?limit=1") == entries


# Merging and splitting


def test_merging_moves_what_they_bought_and_keeps_every_old_way_to_find_them(owner: Person, tim: str) -> None:
    tom = make(owner, name="Tom", email="tom@example.com")
    bought = [owner.api.record(customer={"email": f"{name}@example.com"}).json["id"] for name in ("tim", "tom")]
    done = owner.api.post(f"/customers/{tom}/merge", {"from_customer_id": id_of(tim)}).json
    assert done["customer"] == owner.api.get(f"/customers/{tom}").json
    assert (done["customer"]["name"], done["customer"]["phone"]) == ("Tom", TIM["phone"])
    assert owner.api.get(tim).json["merged_into"] == tom
    assert [one["id"] for one in owner.api.get("/customers").json["items"]] == [tom]
    assert {one["id"] for one in owner.api.get(f"/customers/{tom}/purchases").json["items"]} == set(bought)
    for way in (
        {"customer_id": id_of(tim), "customer": None},
        {"customer_id": tom, "customer": None},
        *({"customer": {field: value}} for field, value in TIM.items()),
        {"customer": {"email": "tom@example.com"}},
    ):
        assert owner.api.record(**way).json["customer"]["id"] == tom
    for field, value in (("email", "tim@example.com"), ("phone", "2125550101"), ("reference", "A1")):
        assert [one["id"] for one in owner.api.get(f"/customers?{field}={value}").json["items"]] == [tom]


def test_what_was_merged_away_is_changed_where_it_is_now(owner: Person, tim: str) -> None:
    tom = make(owner, name="Tom")
    owner.api.post(f"/customers/{tom}/merge", {"from_customer_id": id_of(tim)})
    refused = owner.api.patch(tim, {"name": "Tam"}, 409)
    assert (refused.problem, refused.json["customer_id"]) == ("customer-merged", tom)


def test_a_merge_is_taken_back_as_a_whole_and_once(owner: Person, tim: str) -> None:
    tom = make(owner, name="Tom")
    owner.api.record(customer={"email": "tim@example.com"})
    done = owner.api.post(f"/customers/{tom}/merge", {"from_customer_id": id_of(tim)}).json
    undone = owner.api.post(f"/actions/{done['action_id']}/undo").json
    assert undone["undid"] == done["action_id"]
    back = owner.api.get(tim).json
    assert {field: back[field] for field in TIM} == TIM
    assert back["merged_into"] is None
    assert len(owner.api.get(f"{tim}/purchases").json["items"]) == 1
    assert owner.api.get(f"/customers/{tom}").json["phone"] is None
    for action in (done["action_id"], undone["action_id"]):
        assert owner.api.post(f"/actions/{action}/undo", None, 409).problem == "cannot-undo"


def test_splitting_moves_purchases_to_a_new_or_a_known_customer(owner: Person, tim: str) -> None:
    bought = [owner.api.record(customer={"email": "tim@example.com"}).json["id"] for _ in range(3)]
    new = owner.api.post(f"{tim}/split", {"purchase_ids": bought[:1], "customer": {"name": "Tim", "email": "t2@x.org"}})
    other = new.json["customer"]["id"]
    assert other != id_of(tim)
    assert owner.api.get(f"/purchases/{bought[0]}").json["customer"]["id"] == other
    owner.api.post(f"{tim}/split", {"purchase_ids": [bought[1], bought[1]], "customer_id": other})
    counts = [len(owner.api.get(f"/customers/{one}/purchases").json["items"]) for one in (id_of(tim), other)]
    assert counts == [1, 2]
    owner.api.post(f"/actions/{new.json['action_id']}/undo")
    assert owner.api.get(f"/purchases/{bought[0]}").json["customer"]["id"] == id_of(tim)


@pytest.mark.parametrize(
    ("change", "status", "problem"),
    [
        ({"purchase_ids": []}, 422, "validation"),
        ({"purchase_ids": None}, 422, "validation"),
        ({"purchase_ids": ["1"]}, 422, "validation"),
        ({"purchase_ids": ["pur_01h455vb4pex5vsknk084sn02q"] * 1_001}, 422, "validation"),
        ({"purchase_ids": ["pur_01h455vb4pex5vsknk084sn02q"]}, 404, "not-found"),
        ({"customer_id": NOBODY}, 404, "not-found"),
        ({"customer": {"name": "Ann"}}, 422, "validation"),
        ({"customer_id": None}, 422, "validation"),
        ({"customer_id": None, "customer": {}}, 422, "validation"),
        ({"customer_id": None, "customer": {"email": "tim@example.com"}}, 409, "identity-conflict"),
    ],
)
def test_a_split_that_cannot_be_moves_nothing(
    owner: Person, tim: str, change: dict[str, Any], status: int, problem: str
) -> None:
    bought, ann = owner.api.record(customer={"email": "tim@example.com"}).json["id"], make(owner, name="Ann")
    body = {"purchase_ids": [bought], "customer_id": ann} | change
    given = {name: value for name, value in body.items() if value is not None or name == "purchase_ids"}
    assert owner.api.post(f"{tim}/split", given, status).problem == problem
    assert owner.api.get(f"/purchases/{bought}").json["customer"]["id"] == id_of(tim)


def test_only_what_a_customer_bought_is_split_from_them(owner: Person, tim: str) -> None:
    sues = owner.api.record(customer={"name": "Sue"}).json["id"]
    refused = owner.api.post(f"{tim}/split", {"purchase_ids": [sues], "customer": {"name": "Eve"}}, 404)
    assert "this customer's" in refused.json["detail"]
    assert owner.api.get(f"/purchases/{sues}").json["customer"]["name"] == "Sue"


def test_nobody_is_merged_or_split_with_themselves_or_with_nobody(owner: Person, tim: str) -> None:
    bought = owner.api.record(customer={"email": "tim@example.com"}).json["id"]
    itself = {"from_customer_id": id_of(tim)}
    assert owner.api.post(f"{tim}/merge", itself, 409).problem == "cannot-merge"
    split = {"purchase_ids": [bought], "customer_id": id_of(tim)}
    assert owner.api.post(f"{tim}/split", split, 409).problem == "cannot-merge"
    assert owner.api.post(f"{tim}/merge", {"from_customer_id": NOBODY}, 404).problem == "not-found"
    assert owner.api.post(f"/customers/{NOBODY}/merge", itself, 404).problem == "not-found"
    for body in ({}, {"from_customer_id": None}, {"from_customer_id": "x"}, itself | {"x": 1}):
        assert owner.api.post(f"{tim}/merge", body, 422).problem == "validation"
    assert owner.api.post("/actions/act_01h455vb4pex5vsknk084sn02q/undo", None, 404).problem == "not-found"


def test_the_old_id_still_leads_to_what_they_bought(owner: Person, tim: str) -> None:
    tom = make(owner, name="Tom")
    bought = owner.api.record(customer={"email": "tim@example.com"}).json["id"]
    owner.api.post(f"/customers/{tom}/merge", {"from_customer_id": id_of(tim)})
    for path in (f"/customers/{id_of(tim)}/purchases", f"/purchases?customer_id={id_of(tim)}"):
        assert [one["id"] for one in owner.api.get(path).json["items"]] == [bought], path
