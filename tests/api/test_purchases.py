"""One purchase: shown, changed, taken back, restored; conditions that keep two from overwriting each other."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from extensions import db
from models import Action, Change
from tests.cast import Person

SetClock = Callable[[str], None]
NOW = "2026-11-21T17:00:00Z"


@pytest.fixture(autouse=True)
def today(at: SetClock) -> None:
    at("2026-11-21T17:00")


@pytest.fixture
def path(owner: Person) -> str:
    """Where a purchase of two books for 15.50 USD stands."""
    changes = {"quantity": 2, "amount": {"amount": "15.50"}, "note": "blue", "external_id": "A1"}
    return owner.api.record(key="first", **changes).headers["Location"].removeprefix("/api/v1")


def history(person: Person) -> list[tuple[str, str, str | None, str | None]]:
    """What was done to purchases, in its order."""
    with person.app.app_context():
        noted = (
            select(Action.kind, Change.field, Change.before, Change.after)
            .join(Change, (Change.shop_id == Action.shop_id) & (Change.action_id == Action.id))
            .where(Change.purchase_id.is_not(None), Change.token_id.is_not(None), Action.token_id.is_not(None))
            .order_by(Change.id)
        )
        return [tuple(row) for row in db.session.execute(noted)]  # type: ignore[misc]


# ETags


def test_who_has_it_already_is_not_sent_it_again(owner: Person, path: str) -> None:
    tag = owner.api.get(path).headers["ETag"]
    assert tag.startswith('"')
    for given in (tag, f"W/{tag}", f'"x", {tag}', "*"):
        assert owner.api.get(path, 304, if_none_match=given).headers["ETag"] == tag
    for given in ('"x"', tag.replace('"', "")[1:], ""):
        assert owner.api.get(path, 200, if_none_match=given).headers["ETag"] == tag


def test_every_change_of_what_is_shown_changes_the_tag(owner: Person, path: str) -> None:
    tags = [owner.api.get(path).headers["ETag"]]
    for change in (
        lambda: owner.api.patch(path, {"item": "a pen"}),
        lambda: owner.api.post(f"{path}/void"),
        lambda: owner.api.post(f"{path}/restore"),
        lambda: owner.api.patch(f"/customers/{owner.customers()[0].public_id}", {"name": "Tom"}),
    ):
        change()
        tags.append(owner.api.get(path).headers["ETag"])
    assert tags[1] == tags[3]
    assert len(set(tags)) == 4
    assert owner.api.get(path).headers["ETag"] == tags[-1]


CHANGES = [("PATCH", "", {"item": "a pen"}), ("POST", "/void", None), ("POST", "/restore", None)]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change[0] + change[1])
@pytest.mark.parametrize("form", ['"x"', "W/{tag}", '""', "", '"x", "y"', "{bare}x"])
def test_what_is_not_as_it_was_seen_is_not_changed(
    owner: Person, path: str, change: tuple[str, str, Any], form: str
) -> None:
    method, verb, body = change
    before = owner.api.get(path)
    tag = before.headers["ETag"]
    wanted = form.format(tag=tag, bare=tag.strip('"'))
    assert owner.api.send(method, path + verb, body, 412, if_match=wanted).problem == "precondition-failed"
    assert owner.api.get(path).json == before.json
    assert history(owner) == []


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change[0] + change[1])
@pytest.mark.parametrize("form", ["{tag}", "*", '"x", {tag}'])
def test_what_is_as_it_was_seen_is_changed(owner: Person, path: str, change: tuple[str, str, Any], form: str) -> None:
    method, verb, body = change
    wanted = form.format(tag=owner.api.get(path).headers["ETag"])
    answer = owner.api.send(method, path + verb, body, 200, if_match=wanted)
    shown = owner.api.get(path)
    assert (answer.json, answer.headers["ETag"]) == (shown.json, shown.headers["ETag"])


def test_who_reads_only_what_they_saw_is_told_that_it_changed(owner: Person, path: str) -> None:
    tag = owner.api.get(path).headers["ETag"]
    assert owner.api.get(path, 200, if_match=tag).headers["ETag"] == tag
    assert owner.api.get(path, 412, if_match='"x"').problem == "precondition-failed"


def test_of_two_who_saw_the_same_the_second_is_refused(owner: Person, path: str) -> None:
    tag = owner.api.get(path).headers["ETag"]
    owner.api.patch(path, {"item": "a pen"}, if_match=tag)
    owner.api.patch(path, {"item": "a hat"}, 412, if_match=tag)
    assert owner.api.get(path).json["item"] == "a pen"


# PATCH


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        ({"item": " a  pen "}, {"item": "a pen"}),
        ({"quantity": 3}, {"quantity": 3, "unit_price": None}),
        ({"quantity": 5}, {"quantity": 5, "unit_price": {"amount": "3.10", "currency": "USD"}}),
        (
            {"amount": {"amount": "20"}},
            {"amount": {"amount": "20.00", "currency": "USD"}, "unit_price": {"amount": "10.00", "currency": "USD"}},
        ),
        (
            {"amount": {"amount": "1000", "currency": "JPY"}},
            {"amount": {"amount": "1000", "currency": "JPY"}, "unit_price": {"amount": "500", "currency": "JPY"}},
        ),
        ({"amount": None}, {"amount": None, "unit_price": None}),
        ({"note": None}, {"note": None}),
        ({"note": "a\n b "}, {"note": "a\n b"}),
        ({"purchased_on": "1900-01-01"}, {"purchased_on": "1900-01-01"}),
        ({"item": "a pen", "note": None, "quantity": 1}, {"item": "a pen", "note": None, "quantity": 1}),
    ],
)
def test_what_is_given_is_changed_and_the_rest_is_kept(
    owner: Person, path: str, edit: dict[str, Any], told: dict[str, Any]
) -> None:
    before = owner.api.get(path).json
    if told.get("quantity") == 1:
        told = told | {"unit_price": before["amount"]}
    answer = owner.api.patch(path, edit)
    assert answer.json == before | told
    assert owner.api.get(path).json == answer.json
    assert {field for _, field, _, _ in history(owner)} == set(edit)


@pytest.mark.parametrize("edit", [{"item": "  "}, {"note": ""}, {"note": "\u200b", "item": ""}, {"note": " blue "}])
def test_what_is_blank_or_as_before_changes_nothing(owner: Person, path: str, edit: dict[str, Any]) -> None:
    before = owner.api.get(path)
    assert owner.api.patch(path, edit).json == before.json
    assert history(owner) == []


@pytest.mark.parametrize(
    ("edit", "pointer"),
    [
        ({"item": None}, "#/item"),
        ({"quantity": None}, "#/quantity"),
        ({"purchased_on": None}, "#/purchased_on"),
        ({"item": "x" * 201}, "#/item"),
        ({"item": 7}, "#/item"),
        ({"quantity": "2"}, "#/quantity"),
        ({"quantity": 0}, "#/quantity"),
        ({"amount": "1"}, "#/amount"),
        ({"amount": {"amount": "1.005"}}, "#/amount"),
        ({"amount": {}}, "#/amount"),
        ({"purchased_on": "2026-11-23"}, "#/purchased_on"),
        ({"purchased_on": "yesterday"}, "#/purchased_on"),
        ({"note": "x" * 2_001}, "#/note"),
        ({"note": "a\0"}, "#/note"),
        ({"unit_price": {"amount": "1"}}, "#/unit_price"),
        ({"customer_id": "cus_01h455vb4pex5vsknk084sn02q"}, "#/customer_id"),
        ({"external_id": "A2"}, "#/external_id"),
        ({"status": "void"}, "#/status"),
        ({"id": "x"}, "#/id"),
        ({"item": "a pen", "quantity": -1}, "#/quantity"),
    ],
)
def test_an_edit_that_breaks_a_rule_changes_nothing(
    owner: Person, path: str, edit: dict[str, Any], pointer: str
) -> None:
    before = owner.api.get(path).json
    assert [where for where, _ in owner.api.patch(path, edit, 422).errors] == [pointer]
    assert owner.api.get(path).json == before
    assert history(owner) == []


def test_a_voided_purchase_can_be_mended_too(owner: Person, path: str) -> None:
    owner.api.post(f"{path}/void")
    assert owner.api.patch(path, {"item": "a pen"}).json["status"] == "void"


# Void and restore


def test_voiding_keeps_it_on_record_with_its_reason(owner: Person, path: str) -> None:
    before = owner.api.get(path).json
    voided = owner.api.post(f"{path}/void", {"reason": " returned\nunopened "}).json
    assert voided == before | {"status": "void", "voided_at": NOW, "void_reason": "returned\nunopened"}
    assert owner.api.get(path).json == voided
    assert owner.api.get("/purchases").json == {"items": []}
    [purchase] = owner.purchases()
    assert purchase.voided_by_id == owner.user_id


def test_voiding_again_changes_nothing(owner: Person, path: str, at: SetClock) -> None:
    first = owner.api.post(f"{path}/void", {"reason": "returned"})
    at("2026-11-21T18:00")
    assert owner.api.post(f"{path}/void", {"reason": "another"}).body == first.body
    assert len(history(owner)) == 2


def test_restoring_makes_it_count_again_and_again_changes_nothing(owner: Person, path: str) -> None:
    before = owner.api.get(path)
    assert owner.api.post(f"{path}/restore").json == before.json
    owner.api.post(f"{path}/void", {"reason": "returned"})
    for _ in range(2):
        assert owner.api.post(f"{path}/restore").body == before.body
    assert history(owner) == [
        ("void", "status", "recorded", "void"),
        ("void", "void_reason", None, "returned"),
        ("restore", "status", "void", "recorded"),
        ("restore", "void_reason", "returned", None),
    ]


@pytest.mark.parametrize("body", [None, {}, {"reason": None}, {"reason": "  "}])
def test_no_reason_need_be_given(owner: Person, path: str, body: Any) -> None:
    voided = owner.api.post(f"{path}/void", body).json
    assert (voided["status"], voided["void_reason"]) == ("void", None)


@pytest.mark.parametrize(
    "body", [{"reason": 7}, {"reason": "x" * 501}, {"reason": "a\0"}, {"why": "x"}, {"reason": "\ud800"}]
)
def test_a_reason_that_breaks_a_rule_voids_nothing(owner: Person, path: str, body: Any) -> None:
    assert owner.api.post(f"{path}/void", body, 422).problem == "validation"
    assert owner.api.get(path).json["status"] == "recorded"


def test_each_edit_is_on_the_history_as_from_and_to(owner: Person, path: str) -> None:
    owner.api.patch(path, {"amount": {"amount": "20"}, "quantity": 4, "note": None})
    owner.api.patch(path, {"purchased_on": "2026-11-20"})
    assert sorted(history(owner), key=str) == [
        ("edit", "amount", "15.50 USD", "20.00 USD"),
        ("edit", "note", "blue", None),
        ("edit", "purchased_on", "2026-11-21", "2026-11-20"),
        ("edit", "quantity", "2", "4"),
    ]


def test_what_recording_changed_on_the_customer_is_taken_back_once(owner: Person) -> None:
    owner.api.record(customer={"name": "Tim"})
    bought = owner.api.record(customer={"name": "Tim", "email": "typo@example.com"}).json
    undone = owner.api.post(f"/purchases/{bought['id']}/undo-update").json
    assert (undone["purchase_id"], undone["customer"]["email"]) == (bought["id"], None)
    assert owner.api.get(f"/purchases/{bought['id']}").json["status"] == "recorded"
    again = owner.api.post(f"/purchases/{bought['id']}/undo-update", None, 409)
    assert (again.problem, again.json["detail"]) == ("cannot-undo", "This was taken back already. Nothing was stored.")
    entry = owner.api.get(f"/customers/{bought['customer']['id']}/history").json["items"][0]
    assert (entry["field"], entry["from"], entry["action_id"]) == ("email", "typo@example.com", undone["action_id"])


# What cannot be done


@pytest.mark.parametrize("method", ["DELETE", "PUT"])
def test_nothing_is_ever_deleted_or_replaced(owner: Person, path: str, method: str) -> None:
    refused = owner.api.send(method, path, {}, 405)
    allowed = {name.strip() for name in refused.headers["Allow"].split(",")}
    assert allowed == {"GET", "HEAD", "OPTIONS", "PATCH"}
    assert refused.problem == "method-not-allowed"
    assert "/void" in refused.json["detail"]
    assert len(owner.purchases()) == 1


@pytest.mark.parametrize(
    "id",
    ["pur_01h455vb4pex5vsknk084sn02q", "pur_", "1", "cus_01h455vb4pex5vsknk084sn02q", "pur_8zzzzzzzzzzzzzzzzzzzzzzzzz"],
)
def test_what_is_not_there_is_404_at_every_address(owner: Person, id: str) -> None:
    for method, verb, body in [("GET", "", None), *CHANGES]:
        assert owner.api.send(method, f"/purchases/{id}{verb}", body, 404).problem == "not-found"
