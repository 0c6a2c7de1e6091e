"""Lists a page at a time: every row once, forwards and backwards, whatever comes in meanwhile."""

import base64
import json
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from extensions import db
from models import Customer, Purchase
from models.columns import new_id
from models.dialect import insert_all
from schemas.filters import CustomerFilters, PurchaseFilters
from schemas.problems import ShopRules, judge
from services import customers, purchases
from services.paging import BadCursor, Page, Position, read_page
from tests.cast import Person

Read = Callable[[Position], Page[Purchase]]
START = date(2026, 1, 1)
EVERYTHING = judge(PurchaseFilters, {}, ShopRules("USD", "US", date(2026, 11, 21)))
EVERYBODY = judge(CustomerFilters, {}, ShopRules("USD", "US", date(2026, 11, 21)))


def reader(owner: Person, *, descending: bool, size: int) -> Read:
    query = select(Purchase).where(Purchase.shop_id == owner.shop_id)
    order = (Purchase.purchased_on, Purchase.id)

    def read(position: Position) -> Page[Purchase]:
        with owner.app.app_context():
            return read_page(query, order, position, descending=descending, size=size)

    return read


def record(owner: Person, *days: int) -> None:
    """Purchases, each so many days after the first of January."""
    for day in days:
        owner.capture(purchased_on=str(START + timedelta(days=day)))


def walk(read: Read, position: Position, go_on: Callable[[Page[Purchase]], Position | None]) -> list[Page[Purchase]]:
    pages = [read(position)]
    while (position_after := go_on(pages[-1])) is not None:
        pages.append(read(position_after))
        assert len(pages) < 100
    return pages


def onwards(page: Page[Purchase]) -> Position | None:
    return Position(after=page.after) if page.after else None


def backwards(page: Page[Purchase]) -> Position | None:
    return Position(before=page.before) if page.before else None


def expected(owner: Person, *, descending: bool) -> list[Any]:
    found = sorted(owner.purchases(), key=lambda purchase: (purchase.purchased_on, purchase.id), reverse=descending)
    return [purchase.id for purchase in found]


@pytest.mark.parametrize("descending", [True, False])
@pytest.mark.parametrize("size", [1, 2, 3, 6, 7, 8])
def test_pages_visit_every_row_once_in_both_directions(owner: Person, size: int, descending: bool) -> None:
    record(owner, 3, 1, 3, 2, 3, 1, 0)
    read = reader(owner, descending=descending, size=size)

    there = walk(read, Position(), onwards)
    assert [row.id for page in there for row in page.rows] == expected(owner, descending=descending)
    assert [len(page.rows) for page in there[:-1]] == [size] * (len(there) - 1)
    assert there[0].before is None

    back = walk(read, Position(before=there[-1].before), backwards) if there[-1].before else []
    assert [[row.id for row in page.rows] for page in reversed(back)] == [
        [row.id for row in page.rows] for page in there[:-1]
    ]


@pytest.mark.parametrize("count", [0, 1, 3])
def test_what_fits_on_one_page_has_no_other(owner: Person, count: int) -> None:
    record(owner, *range(count))
    page = reader(owner, descending=True, size=3)(Position())
    assert (len(page.rows), page.before, page.after) == (count, None, None)


def test_a_page_back_from_the_second_is_the_first(owner: Person) -> None:
    record(owner, *range(5))
    read = reader(owner, descending=True, size=2)
    first = read(Position())
    second = read(Position(after=first.after))
    again = read(Position(before=second.before))
    assert [row.id for row in again.rows] == [row.id for row in first.rows]
    assert again.before is None
    assert again.after == first.after


@pytest.mark.parametrize("descending", [True, False])
def test_rows_that_come_in_meanwhile_neither_repeat_nor_hide_any(owner: Person, descending: bool) -> None:
    record(owner, 3, 1, 3, 2, 3, 1, 0)
    old = expected(owner, descending=descending)
    read = reader(owner, descending=descending, size=2)

    def go_on(page: Page[Purchase]) -> Position | None:
        record(owner, 0, 2, 9)
        return onwards(page)

    seen = [row.id for page in walk(read, Position(), go_on) for row in page.rows]
    assert len(seen) == len(set(seen))
    assert [row_id for row_id in seen if row_id in old] == old


def test_going_back_while_rows_come_in_meets_every_old_row_once(owner: Person) -> None:
    record(owner, 3, 1, 3, 2, 3, 1, 0)
    old = expected(owner, descending=True)
    read = reader(owner, descending=True, size=2)
    last = walk(read, Position(), onwards)[-1]

    def go_on(page: Page[Purchase]) -> Position | None:
        record(owner, 0, 2)
        return backwards(page)

    pages = walk(read, Position(before=last.before), go_on)
    seen = [row.id for page in reversed(pages) for row in page.rows] + [row.id for row in last.rows]
    assert len(seen) == len(set(seen))
    assert [row_id for row_id in seen if row_id in old] == old


def test_a_cursor_of_a_row_that_is_gone_still_works(owner: Person) -> None:
    record(owner, 1, 2, 3, 4)
    read = reader(owner, descending=False, size=2)
    first = read(Position())
    with owner.app.app_context():
        db.session.delete(db.session.merge(first.rows[-1]))
        db.session.commit()
    assert [row.purchased_on.day for row in read(Position(after=first.after)).rows] == [4, 5]


def test_customers_are_paged_by_name_with_namesakes_and_the_nameless(owner: Person) -> None:
    names = ["Zoë", "Tim", "tim", "Émile", "李", "ﬁona", "a'b", 'a"b', "a\\b"]
    for number, name in enumerate(names):
        owner.capture(customer="", name=name, reference=str(number))
    owner.capture(customer="", reference="nameless 1")
    owner.capture(customer="", reference="nameless 2")
    seen, position = [], Position()
    with owner.app.app_context():
        query = select(Customer).where(Customer.shop_id == owner.shop_id)
        while position is not None:
            page = read_page(query, (Customer.name_normal, Customer.id), position, descending=False, size=1)
            seen += page.rows
            position = Position(after=page.after) if page.after else None
    assert [row.name_normal for row in seen] == sorted(row.name_normal for row in seen)
    assert sorted(row.reference for row in seen) == sorted(row.reference for row in owner.customers())


def cursor_of(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


ID = "01890a5d-ac96-774b-bcce-b302099a8057"
BROKEN = {
    "empty": "",
    "a space": " ",
    "no base64": "!!!",
    "no ASCII": "é",
    "a lone surrogate in the cursor": "\ud800",
    "NUL in the cursor": "\0",
    "one character": "a",
    "base64 of no text": base64.urlsafe_b64encode(b"\xff\xfe\xfd").decode(),
    "base64 of no JSON": base64.urlsafe_b64encode(b"hello").decode(),
    "base64 of nothing": "====",
    "null": cursor_of(None),
    "a number": cursor_of(5),
    "a text": cursor_of("2026-01-01"),
    "two letters": cursor_of("ab"),
    "an object": cursor_of({"purchased_on": "2026-01-01", "id": ID}),
    "nothing at all": cursor_of([]),
    "too little": cursor_of(["2026-01-01"]),
    "too much": cursor_of(["2026-01-01", ID, ID]),
    "the wrong order": cursor_of([ID, "2026-01-01"]),
    "no date": cursor_of(["yesterday", ID]),
    "a day that is not": cursor_of(["2026-02-30", ID]),
    "no id": cursor_of(["2026-01-01", "7"]),
    "numbers": cursor_of([20260101, 7]),
    "nulls": cursor_of([None, None]),
    "lists": cursor_of([["2026-01-01"], [ID]]),
    "objects": cursor_of([{}, {}]),
    "NUL": cursor_of(["2026-01-01\0", ID]),
    "a lone surrogate": cursor_of(["\ud800", ID]),
    "deep nesting": base64.urlsafe_b64encode(b"[" * 100_000).decode(),
    "deep and closed": base64.urlsafe_b64encode(b"[" * 100_000 + b"]" * 100_000).decode(),
    "deep objects": base64.urlsafe_b64encode(b'{"a":' * 100_000).decode(),
    "a huge number": base64.urlsafe_b64encode(b"[" + b"9" * 10_000 + b", 1]").decode(),
    "huge texts": cursor_of(["9" * 100_000, "9" * 100_000]),
    "huge rubbish": "x" * 1_000_000,
    "NaN": base64.urlsafe_b64encode(b"[NaN, Infinity]").decode(),
}


@pytest.mark.parametrize("side", ["after", "before"])
@pytest.mark.parametrize("what", BROKEN)
def test_a_cursor_that_no_list_made_is_refused(owner: Person, what: str, side: str) -> None:
    position = Position(**{side: BROKEN[what]})
    with owner.app.app_context(), pytest.raises(BadCursor, match="This page of the list is not there"):
        purchases.list_purchases(owner.shop_id, EVERYTHING, position)


@pytest.mark.parametrize(
    "value", [["tim"], ["tim", "7"], ["ti\0m", ID], ["ti\ud800m", ID], [5, ID], [None, ID], {"tim": 1, ID: 2}, "tim"]
)
def test_a_cursor_of_names_that_no_list_made_is_refused(owner: Person, value: object) -> None:
    if isinstance(value, dict):
        value = list(value.values())
    with owner.app.app_context(), pytest.raises(BadCursor):
        customers.list_customers(owner.shop_id, EVERYBODY, Position(after=cursor_of(value)))


@pytest.mark.parametrize("name", ["", "tim", "'; DROP TABLE customers; --", "%", "\\", "x" * 10_000, "👩‍👧", "\n"])
def test_any_name_may_stand_in_a_cursor(owner: Person, name: str) -> None:
    owner.capture(customer="Tim")
    with owner.app.app_context():
        for position in (Position(after=cursor_of([name, ID])), Position(before=cursor_of([name, ID]))):
            customers.list_customers(owner.shop_id, EVERYBODY, position)


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_any_day_may_stand_in_a_cursor(owner: Person, day: str) -> None:
    record(owner, 0)
    with owner.app.app_context():
        page = purchases.list_purchases(owner.shop_id, EVERYTHING, Position(after=cursor_of([day, ID])))
    assert len(page.rows) == (day > str(START))


def test_a_cursor_of_another_shop_shows_nothing_of_it(owner: Person, stranger: Person) -> None:
    record(stranger, *range(60))
    record(owner, 5)
    with owner.app.app_context():
        theirs = purchases.list_purchases(stranger.shop_id, EVERYTHING, Position())
        page = purchases.list_purchases(owner.shop_id, EVERYTHING, Position(after=theirs.after))
    assert [line.purchase.shop_id for line in page.rows] == [owner.shop_id]


@pytest.mark.parametrize("sort", ["-purchased_on", "purchased_on", "-recorded_at", "recorded_at"])
@pytest.mark.parametrize("few", [40, 2, 0])
def test_purchases_of_an_item_are_the_same_however_they_are_looked_for(
    owner: Person, monkeypatch: pytest.MonkeyPatch, sort: str, few: int
) -> None:
    """Item by item where few items have the part, or else through all purchases."""
    monkeypatch.setattr(purchases, "_FEW_ITEMS", few)
    for number, item in enumerate(["a book", "A  Book", "a pen", "bookends", "100% book", "book_ends"] * 2):
        owner.capture(customer="Tim", item=item, purchased_on=f"2026-11-{20 - number % 7:02}")
    for part in ("book", "%", "_", "pen", "lamp"):
        [everything] = walk(item_reader(owner, part, sort, 100), Position(), onwards)
        assert len(everything.rows) == sum(part in purchase.item_normal for purchase in owner.purchases())
        read = item_reader(owner, part, sort, 2)
        there = walk(read, Position(), onwards)
        assert ids(there) == ids([everything])
        back = walk(read, Position(before=there[-1].before), backwards) if there[-1].before else []
        assert ids(reversed(back)) == ids(there[:-1])


def item_reader(owner: Person, part: str, sort: str, size: int) -> Read:
    asked = judge(PurchaseFilters, {"q": part, "sort": sort}, ShopRules("USD", "US", date(2026, 11, 21)))

    def read(position: Position) -> Page[Purchase]:
        with owner.app.app_context():
            page = purchases.list_purchases(owner.shop_id, asked, position, size)
        return Page([line.purchase for line in page.rows], page.before, page.after)

    return read


def ids(pages: Iterable[Page[Purchase]]) -> list[UUID]:
    return [purchase.id for page in pages for purchase in page.rows]


@pytest.mark.parametrize("migrated_app", ["sqlite"], indirect=True)  # PostgreSQL knows how common an amount is
@pytest.mark.parametrize(
    ("asked", "count"),
    [
        ({"currency": "USD"}, 5),
        ({"currency": "EUR"}, 1),
        ({"currency": "JPY"}, 0),
        ({"min_amount": "1"}, 5),
        ({"max_amount": "1"}, 5),
        ({"min_amount": "2"}, 1),
        ({"min_amount": "2", "max_amount": "2"}, 1),
    ],
)
def test_a_page_by_amount_or_currency_takes_no_longer_for_many(
    owner: Person, asked: dict[str, str], count: int
) -> None:
    paid = judge(PurchaseFilters, asked, ShopRules("USD", "US", date(2026, 11, 21)))
    captured = [owner.capture(amount=amount).purchase for amount in ("EUR 1", "2", "1")]
    with owner.app.app_context():
        copies = [vars(captured[-1]) | {"id": new_id(), "capture_key": str(number)} for number in range(5_000)]
        insert_all(Purchase, copies)
        db.session.commit()
        steps: list[None] = []
        driver: Any = db.session.connection().connection.dbapi_connection
        driver.set_progress_handler(lambda: steps.append(None), 1_000)
        page = purchases.list_purchases(owner.shop_id, paid, Position(), size=5)
        driver.set_progress_handler(None, 0)
    assert len(page.rows) == count
    assert len(steps) < 30  # a look at each purchase takes more
