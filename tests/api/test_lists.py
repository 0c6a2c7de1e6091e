"""Lists: what they are narrowed by, how they are cut into pages, which cursors they take."""

import base64
import re
from collections.abc import Callable
from typing import Any

import pytest

from extensions import db
from services.capture import capture
from services.editing import find_with_customer, void
from tests.api.client import Answer
from tests.cast import Person

NOBODY = "cus_01h455vb4pex5vsknk084sn02q"


@pytest.fixture(autouse=True)
def today(at) -> None:  # type: ignore[no-untyped-def]
    at("2026-11-21T17:00")


@pytest.fixture
def full(owner: Person, at: Callable[[str], None]) -> Person:
    """With seven purchases of four customers, two of them voided."""
    lines: list[dict[str, Any]] = [
        {"customer": "Tim", "item": "a book", "amount": "5", "purchased_on": "2026-11-01"},
        {"customer": "Tim", "item": "A  BOOK", "amount": "10.50", "purchased_on": "2026-11-02", "external_id": "A1"},
        {"customer": "Sue <sue@example.com>", "item": "two books", "amount": "JPY 1000", "purchased_on": "2026-11-02"},
        {"customer": "Sue <sue@example.com>", "item": "100% wool", "purchased_on": "2026-11-03"},
        {"customer": "Ann (+1 212 555 0101)", "item": "a_pen", "amount": "20", "purchased_on": "2026-11-02"},
        {"customer": "Ann (+1 212 555 0101)", "item": "a pen", "amount": "0", "purchased_on": "2026-11-05"},
        {"customer": "Bob", "item": "a hat", "amount": "EUR 5", "purchased_on": "2026-10-31", "external_id": "a1"},
    ]
    with owner.app.app_context():
        by, recorded = owner.user, []
        for number, line in enumerate(lines):
            at(f"2026-11-21T17:0{number}")
            recorded.append(capture(owner.details(**line), shop=by.shop, by=by, source="web", key=str(number)))
        for captured in recorded[4:6]:
            found = find_with_customer(owner.shop_id, captured.purchase.id)
            assert found is not None
            void(found.purchase, "returned", by=by)
        db.session.commit()
    return owner


def places(person: Person, answer: Answer) -> list[int]:
    """Which purchases are listed, numbered as they were recorded."""
    numbers = {purchase.public_id: place for place, purchase in enumerate(person.purchases())}
    return [numbers[item["id"]] for item in answer.json["items"]]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", [3, 2, 1, 0, 6]),
        ("item=a+BOOK", [1, 0]),
        ("item=book", []),
        ("q=book", [2, 1, 0]),
        ("q=%25", [3]),
        ("q=_&status=all", [4]),
        ("q=o+B", [2]),
        ("purchased_from=2026-11-02", [3, 2, 1]),
        ("purchased_to=2026-11-01", [0, 6]),
        ("purchased_from=2026-11-02&purchased_to=2026-11-02", [2, 1]),
        ("external_id=A1", [1]),
        ("external_id=a1", [6]),
        ("currency=JPY", [2]),
        ("currency=eur", [6]),
        ("min_amount=5.01", [1]),
        ("max_amount=5", [0]),
        ("min_amount=5&max_amount=10.50", [1, 0]),
        ("min_amount=JPY+1000", [2]),
        ("currency=JPY&min_amount=1001", []),
        ("status=void", [5, 4]),
        ("status=all", [5, 3, 4, 2, 1, 0, 6]),
        ("status=recorded", [3, 2, 1, 0, 6]),
        ("recorded_since=2026-11-21T17:03:00Z", [3, 6]),
        ("recorded_since=2026-11-21T18:03:00%2B01:00", [3, 6]),
        ("recorded_since=2026-11-21T18:03:00+01:00&status=all", [5, 3, 4, 6]),
        ("recorded_since=2026-11-21T17:03:00Z&sort=recorded_at", [3, 6]),
        ("recorded_since=0001-01-01T00:00:00Z", [3, 2, 1, 0, 6]),
        ("recorded_since=9999-12-31T23:59:59Z", []),
        ("sort=purchased_on&status=all", [6, 0, 1, 2, 4, 3, 5]),
        ("sort=-purchased_on&status=all", [5, 3, 4, 2, 1, 0, 6]),
        ("sort=recorded_at&status=all", [0, 1, 2, 3, 4, 5, 6]),
        ("sort=-recorded_at&status=all", [6, 5, 4, 3, 2, 1, 0]),
        ("q=book&max_amount=10.50&purchased_from=2026-11-02&sort=recorded_at&status=all", [1]),
    ],
)
def test_purchases_are_narrowed_by_each_filter_and_by_all_together(full: Person, query: str, found: list[int]) -> None:
    assert places(full, full.api.get(f"/purchases?{query}")) == found
    one_at_a_time = full.api.all_pages(f"/purchases?{query}&limit=1")
    assert one_at_a_time == full.api.get(f"/purchases?{query}").json["items"]


def test_purchases_are_those_of_one_customer(full: Person) -> None:
    _, sue, ann, _ = full.customers()
    assert places(full, full.api.get(f"/purchases?customer_id={sue.public_id}")) == [3, 2]
    assert places(full, full.api.get(f"/customers/{sue.public_id}/purchases")) == [3, 2]
    assert places(full, full.api.get(f"/purchases?customer_id={ann.public_id}")) == []
    assert places(full, full.api.get(f"/purchases?customer_id={ann.public_id}&status=void")) == [5, 4]
    assert full.api.get(f"/purchases?customer_id={NOBODY}").json == {"items": []}


def test_a_listed_purchase_is_shown_as_it_is_alone(full: Person) -> None:
    for item in full.api.get("/purchases?status=all").json["items"]:
        assert full.api.get(f"/purchases/{item['id']}").json == item


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["Bob", "Sue", "Tim"]),  # what Ann bought is void
        ("email=SUE@example.com", ["Sue"]),
        ("email=nobody@example.com", []),
        ("phone=212+555+0101", ["Ann"]),
        ("phone=%2B12125550101", ["Ann"]),
        ("reference=7", []),
        ("name=tim", ["Tim"]),
        ("name=ti", []),
        ("q=b", ["Bob"]),
        ("q=EXAMPLE", ["Sue"]),
        ("q=5550101", []),
        ("updated_since=2026-11-21T17:04:00Z", ["Bob"]),
        ("updated_since=2026-11-21T17:04:00Z&q=b", ["Bob"]),
    ],
)
def test_customers_are_narrowed_by_each_filter(full: Person, query: str, found: list[str]) -> None:
    assert [one["name"] for one in full.api.get(f"/customers?{query}").json["items"]] == found
    assert [one["name"] for one in full.api.all_pages(f"/customers?{query}&limit=1")] == found


PURCHASES_WRONG = [
    ("x=1", "x"),
    ("Status=all", "Status"),
    ("q=a&q=b", "q"),
    ("status=all&status=all", "status"),
    ("limit=0", "limit"),
    ("limit=201", "limit"),
    ("limit=-1", "limit"),
    ("limit=1.5", "limit"),
    ("limit=ten", "limit"),
    ("limit=" + "9" * 400, "limit"),
    ("status=voided", "status"),
    ("sort=item", "sort"),
    ("sort=purchased_on,item", "sort"),
    ("customer_id=1", "customer_id"),
    (f"customer_id=pur{NOBODY[3:]}", "customer_id"),
    ("purchased_from=2026-02-30", "purchased_from"),
    ("purchased_to=3/4", "purchased_to"),
    ("purchased_from=2026-11-03&purchased_to=2026-11-02", "purchased_to"),
    ("purchased_to=2026-11-02&purchased_from=2026-11-03", "purchased_to"),
    ("purchased_from=3/4&purchased_to=2026-11-02", "purchased_from"),
    ("recorded_since=2026-11-21", "recorded_since"),
    ("recorded_since=2026-11-21T17:00:00", "recorded_since"),
    ("recorded_since=0001-01-01T00:00:00%2B23:00", "recorded_since"),
    ("recorded_since=yesterday", "recorded_since"),
    ("min_amount=1e3", "min_amount"),
    ("max_amount=-1", "max_amount"),
    ("min_amount=5&max_amount=4.99", "max_amount"),
    ("currency=XXQ", "currency"),
    ("currency=USD&min_amount=5+EUR", "min_amount"),
    ("q=%00", "q"),
    ("q=", "q"),
    ("limit=", "limit"),
    ("q=%20%E2%80%8B", "q"),
    ("q=" + "x" * 201, "q"),
    ("external_id=a%E2%80%8B", "external_id"),
]


@pytest.mark.parametrize(("query", "parameter"), PURCHASES_WRONG, ids=lambda value: value[:40])
def test_a_parameter_that_breaks_a_rule_is_named(owner: Person, query: str, parameter: str) -> None:
    refused = owner.api.get(f"/purchases?{query}", 422)
    assert [where for where, _ in refused.errors] == [parameter]


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("email=sue", "email"),
        ("phone=1", "phone"),
        ("name=%00", "name"),
        ("reference=%00", "reference"),
        ("updated_since=1", "updated_since"),
        ("status=all", "status"),
        ("limit=0", "limit"),
    ],
)
def test_so_is_one_of_the_customers(owner: Person, query: str, parameter: str) -> None:
    refused = owner.api.get(f"/customers?{query}", 422)
    assert [where for where, _ in refused.errors] == [parameter]


# Pages


@pytest.mark.parametrize(("total", "limit", "sizes"), [(0, 2, [0]), (2, 2, [2]), (3, 2, [2, 1]), (4, 2, [2, 2])])
def test_a_list_is_cut_into_pages_and_the_last_has_no_next(
    owner: Person, total: int, limit: int, sizes: list[int]
) -> None:
    for _ in range(total):
        owner.capture()
    address, found = f"/purchases?limit={limit}", []
    while address:
        page = owner.api.get(address)
        found.append(len(page.json["items"]))
        address = page.json.get("next", "")
        assert set(page.json) == ({"items", "next"} if address else {"items"})
        assert page.headers.get("Link") == (f'<{address}>; rel="next"' if address else None)
    assert found == sizes


def test_a_page_has_fifty_and_two_hundred_at_most(owner: Person) -> None:
    owner.api.post("/purchases/batch", {"purchases": [{"customer": {"name": "Tim"}, "item": "a"}] * 201})
    tim = owner.customers()[0].public_id
    for path in ("/purchases", f"/customers/{tim}/purchases"):
        assert len(owner.api.get(path).json["items"]) == 50
        assert len(owner.api.get(f"{path}?limit=200").json["items"]) == 200
        assert len(owner.api.all_pages(f"{path}?limit=200")) == 201


def cursor_of(address: str) -> str:
    found = re.search(r"cursor=([^&]+)", address)
    assert found
    return found[1]


@pytest.mark.parametrize(
    "other",
    [
        "/purchases?status=all",
        "/purchases?status=recorded",
        "/purchases?sort=purchased_on",
        "/purchases?q=book",
        "/purchases?purchased_from=2026-11-01",
        "/customers?",
        "/customers/{sue}/purchases?",
        "/customers/{sue}/history?",
    ],
)
def test_a_cursor_goes_with_its_list_and_its_filters(full: Person, other: str) -> None:
    cursor = cursor_of(full.api.get("/purchases?limit=1").json["next"])
    address = other.format(sue=full.customers()[1].public_id)
    joint = "" if address.endswith("?") else "&"
    assert full.api.get(f"{address}{joint}cursor={cursor}", 400).problem == "bad-cursor"
    assert full.api.get(f"/purchases?cursor={cursor}&limit=7").json["items"]


FORGED = [
    "x",
    ".",
    "{id}",
    "{id}.",
    "{id}.x",
    "{id}.é",
    "{id}.%00",
    "{id}.%ED%A0%80",
    "{id}." + "A" * 900,
    "{id}." + "A" * 5_000,
    "{id}.{rest}{rest}",
    "000000000000.{rest}",
    *(
        "{id}." + base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
        for text in (
            "null",
            "1",
            "[]",
            "{}",
            '"x"',
            "[" * 900,
            '["2026-11-01"]',
            '["2026-11-01", 1]',
            '["2026-02-30", "01890000-0000-7000-8000-000000000000"]',
            '["2026-11-01", "01890000-0000-7000-8000-000000000000", 1]',
            '["\' OR 1=1 --", "x"]',
            '["2026-11-01\\u0000", "x"]',
            '["\\ud800", "\\ud800"]',
            "[NaN, 1e999]",
            "[1" + "0" * 700 + ", 1]",
        )
    ),
]


@pytest.mark.parametrize("forged", FORGED, ids=lambda text: text[:40])
def test_a_forged_cursor_is_refused(full: Person, forged: str) -> None:
    list_id, _, rest = cursor_of(full.api.get("/purchases?limit=1").json["next"]).partition(".")
    cursor = forged.replace("{id}", list_id).replace("{rest}", rest)
    refused = full.api.send("GET", f"/purchases?cursor={cursor}")
    assert (refused.status, refused.problem) in [(400, "bad-cursor"), (422, "validation")]


@pytest.mark.parametrize("letter", ["x", "é", "名", "𐌰", "ﷺ", "\u0390"])
def test_pages_go_on_after_the_longest_names(owner: Person, letter: str) -> None:
    longest = {"x": 200, "é": 200, "名": 200, "𐌰": 200, "ﷺ": 22, "\u0390": 200}[letter]
    for number in range(3):
        owner.api.record(customer={"name": letter * (longest - 1) + str(number)})
    assert [len(one["name"]) for one in owner.api.all_pages("/customers?limit=1")] == [longest] * 3
