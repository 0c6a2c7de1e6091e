"""Pages of a list that grows while it is read: nothing old is missing, and nothing comes twice."""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import pytest

from schemas.filters import PURCHASE_SORTS
from tests.cast import Person

OLD = 120
NEW = 200


def wish(number: int, name: str) -> dict[str, Any]:
    """Old and new ones are mixed in every order: by day, by name and by when they were recorded."""
    return {"customer": {"name": name}, "item": "a book", "purchased_on": f"2026-01-{number % 28 + 1:02}"}


@pytest.fixture
def till(owner: Person, at: Callable[[str], None]) -> Person:
    at("2026-11-21T17:00")
    wishes = [wish(number, f"Tim {number:03} old") for number in range(OLD)]
    owner.api.post("/purchases/batch", {"purchases": wishes})
    return owner


def pages(person: Person, address: str, go_on: Callable[[], None]) -> Iterator[list[str]]:
    page = person.api.get(address).json
    yield [item["id"] for item in page["items"]]
    while "next" in page:
        go_on()
        page = person.api.get(page["next"]).json
        yield [item["id"] for item in page["items"]]


def read_while_recording(person: Person, address: str) -> list[str]:
    """The ids of all pages, read while others record; some purchases come between each page and the next."""
    has_read = Event()
    recorded: list[object] = []

    def record() -> None:
        for start in range(0, NEW, 4):
            some = [wish(number, f"Tim {number % OLD:03} new") for number in range(start, start + 4)]
            person.api.post("/purchases/batch", {"purchases": some})
            recorded.extend(some)
            has_read.wait(0.1)

    def wait_for_some() -> None:
        has_read.set()
        seen = len(recorded)
        while len(recorded) < min(seen + 8, NEW):
            has_read.wait(0.001)

    with ThreadPoolExecutor(1) as pool:
        recording = pool.submit(record)
        found = [one for page in pages(person, address, wait_for_some) for one in page]
        recording.result()
    return found


@pytest.mark.parametrize("sort", PURCHASE_SORTS)
def test_pages_of_purchases_hold_each_old_one_once_while_others_record(till: Person, sort: str) -> None:
    old = {purchase.public_id for purchase in till.purchases()}
    found = Counter(read_while_recording(till, f"/purchases?limit=7&sort={sort}"))
    assert len(till.purchases()) == OLD + NEW
    assert old <= set(found)
    assert set(found.values()) == {1}


def test_pages_of_customers_hold_each_old_one_once_while_others_record(till: Person) -> None:
    old = {customer.public_id for customer in till.customers()}
    assert len(old) == OLD
    found = Counter(read_while_recording(till, "/customers?limit=7"))
    assert len(till.customers()) == 2 * OLD
    assert old <= set(found)
    assert set(found.values()) == {1}


def test_a_page_stays_where_it_was_when_its_rows_are_voided(till: Person) -> None:
    first = till.api.get("/purchases?limit=50").json
    for item in first["items"]:
        till.api.post(f"/purchases/{item['id']}/void")
    rest = till.api.all_pages(first["next"])
    assert len({item["id"] for item in [*first["items"], *rest]}) == OLD
