"""The lists of the pages as files: the same rows, right in a spreadsheet, and back again without loss."""

import csv
import gc
import io
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.pool import QueuePool
from werkzeug.test import TestResponse

from extensions import db
from models import Customer, dialect
from schemas import table
from schemas.table import COLUMNS, CUSTOMER_COLUMNS, ListedPurchase
from tests.cast import Person, make_person
from tests.pages import Page

MANY = 2_500
FORMULAS = ("=1+1", "+1", "-1", "@SUM(A1)", "'=1", '=HYPERLINK("x";"y")', "a;=b", "ü 名", '"', ",", "＝1")


def download(person: Person, path: str) -> TestResponse:
    response = person.browser.get_raw(path)
    assert response.status_code == 200
    return response


def rows(person: Person, path: str) -> list[dict[str, str]]:
    text = download(person, path).data.decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def come_back(person: Person, path: str, folder: Path, email: str = "other@example.com") -> Person:
    """Another shop, which has imported what this one has exported."""
    other = make_person(person.app, email)
    take_over(other, download(person, path).data, folder)
    return other


def take_over(person: Person, table: bytes, folder: Path) -> None:
    file = folder / "table.csv"
    file.write_bytes(table)
    result = person.app.test_cli_runner().invoke(args=["import", str(file), "--user", person.email])
    assert result.exit_code == 0, result.stderr


def told(person: Person) -> list[tuple[Any, ...]]:
    """Purchases in the order of their recording, with what is known of their customers."""
    customers = {customer.id: customer for customer in person.customers()}
    return [
        (
            *(getattr(customers[one.customer_id], field) for field in ("name", "email", "phone", "reference")),
            *(one.item, one.quantity, one.amount_minor, one.currency, one.purchased_on, one.note, one.external_id),
        )
        for one in person.purchases()
    ]


def grouped(person: Person) -> list[list[int]]:
    """Which purchases, by their place in the order of recording, are of one customer."""
    owners = [one.customer_id for one in person.purchases()]
    return [[place for place, owner in enumerate(owners) if owner == customer] for customer in dict.fromkeys(owners)]


def test_purchases_are_downloaded_with_the_filters_of_the_page(owner: Person, at: Callable[[str], None]) -> None:
    at("2026-11-21T17:00")
    owner.capture(customer="Tim <tim@example.com>", item="a book", amount="15.50", purchased_on="2026-11-03")
    owner.capture(customer="Sue", item="a bookcase", quantity="2", purchased_on="2026-11-01")
    owner.capture(customer="Sue", item="a pen", purchased_on="2026-11-02")
    owner.capture(customer="Ann", item="a book", purchased_on="2026-10-01")
    page = owner.browser.get("/purchases").submit("form.filters", q="book", purchased_from="2 Nov")
    assert [row["item"] for row in rows(owner, page.link("Download as CSV"))] == ["a book"]
    response = download(owner, owner.browser.get("/purchases").link("Download as CSV"))
    assert response.mimetype == "text/csv"
    assert response.headers["Content-Disposition"] == "attachment; filename=purchases-2026-11-21.csv"
    assert response.headers["Cache-Control"] == "no-store"
    assert response.data.startswith(b'\xef\xbb\xbf"id","purchased_on"')
    found = rows(owner, "/purchases.csv")
    assert [tuple(row) for row in found] == [COLUMNS] * 4
    assert [(row["name"], row["item"], row["quantity"], row["amount"]) for row in found] == [
        ("Tim", "a book", "1", "15.50"),
        ("Sue", "a bookcase", "2", ""),
        ("Sue", "a pen", "1", ""),
        ("Ann", "a book", "1", ""),
    ]


def test_customers_are_downloaded_with_the_filter_of_the_page(owner: Person, at: Callable[[str], None]) -> None:
    at("2026-11-21T17:00")
    owner.capture(customer="Tim <tim@example.com>", reference="007", purchased_on="2026-11-03")
    owner.capture(customer="Tim <tim@example.com>", purchased_on="2026-10-01")
    wrong = owner.capture(customer="Sue", phone="+1 212 555 0100")
    owner.api.patch(f"/customers/{wrong.customer.public_id}", {"note": "=tall"})
    owner.api.post(f"/purchases/{wrong.purchase.public_id}/void")
    response = download(owner, owner.browser.get("/customers").link("Download as CSV"))
    assert response.headers["Content-Disposition"] == "attachment; filename=customers-2026-11-21.csv"
    sue, tim = rows(owner, "/customers.csv")
    assert tuple(sue) == tuple(tim) == CUSTOMER_COLUMNS
    assert (sue["name"], sue["phone"], sue["note"]) == ("Sue", "'+1 212 555 0100", "'=tall")
    assert (sue["purchases"], sue["first_purchased_on"], sue["last_purchased_on"]) == ("0", "", "")
    assert (tim["name"], tim["email"], tim["reference"], tim["note"]) == ("Tim", "tim@example.com", "007", "")
    assert (tim["purchases"], tim["first_purchased_on"], tim["last_purchased_on"]) == ("2", "2026-10-01", "2026-11-03")
    assert tim["created_at"] == "2026-11-21T17:00:00Z"
    page = owner.browser.get("/customers").submit("form.filters", q="tim@")
    assert [row["name"] for row in rows(owner, page.link("Download as CSV"))] == ["Tim"]


@pytest.mark.parametrize("path", ["/purchases", "/customers"])
def test_nothing_is_offered_where_there_is_nothing(owner: Person, path: str) -> None:
    assert "Download as CSV" not in words_of(owner.browser.get(path))
    assert rows(owner, f"{path}.csv") == []


def test_filters_that_need_a_change_lead_back_to_the_page(owner: Person) -> None:
    response = owner.browser.get_raw("/purchases.csv?purchased_from=someday&q=a%20b")
    assert (response.status_code, response.location) == (303, "/purchases?purchased_from=someday&q=a%20b")
    assert owner.browser.get(response.location, 422).errors
    assert owner.browser.get_raw("/customers.csv?q=%00").location == "/customers?q=%00"


@pytest.mark.parametrize("path", ["/purchases.csv", "/customers.csv"])
def test_a_file_holds_nothing_of_another_shop(owner: Person, stranger: Person, path: str) -> None:
    stranger.capture(customer="Sue")
    owner.capture(customer="Tim")
    assert [row["name"] for row in rows(owner, path)] == ["Tim"]


def test_what_is_exported_comes_back_through_the_import_without_loss(owner: Person, tmp_path: Path) -> None:
    for number, cell in enumerate(FORMULAS):
        owner.capture(
            customer="",
            name=f"{cell} Tim",
            reference=f"{cell}{number % 4}",
            item=cell,
            note=f"{cell}\n{cell}",
            external_id=f"{cell}#{number}",
            quantity=str(number + 1),
            amount=("12.50", "", "300 JPY", "1.234 KWD", "0")[number % 5],
            purchased_on=f"2026-02-{28 - number}",
        )
    owner.capture(customer="Tim", item="a book")
    owner.capture(customer="Tim <tim@example.com>", phone="+1 212 555 0101", item="a pen")
    owner.capture(customer="Tim <other@example.com>", item="a mug")
    other = come_back(owner, "/purchases.csv", tmp_path)
    assert told(other) == told(owner)
    assert grouped(other) == grouped(owner)
    assert [row["name"] for row in rows(other, "/customers.csv")] == [
        row["name"] for row in rows(owner, "/customers.csv")
    ]
    summary = "/reports/summary?group_by=day"
    assert other.api.get(summary).json == owner.api.get(summary).json


def test_namesakes_come_back_apart_with_what_is_noted_of_them(owner: Person, tmp_path: Path) -> None:
    for picked, note in [("", "=tall"), ("new", "short\nand old")]:
        tim = owner.capture(customer="Tim", item="a book", customer_id=picked).customer
        owner.api.patch(f"/customers/{tim.public_id}", {"note": note})
    owner.api.post("/customers", {"name": "Ann", "email": "ann@example.com"}, status=201)
    other = come_back(owner, "/purchases.csv", tmp_path)
    take_over(other, download(owner, "/customers.csv").data, tmp_path)
    known = ("customer_id", "name", "email", "note", "purchases")
    back, out = (
        [[row[field] for field in known] for row in rows(person, "/customers.csv")] for person in (other, owner)
    )
    assert back == out
    assert len(out) == 3


@pytest.fixture
def long(owner: Person) -> Person:
    """With many purchases, each of a customer of its own."""
    for start in range(0, MANY, 500):
        items = [{"customer": {"name": f"Tim {start + n}"}, "item": "a book"} for n in range(500)]
        owner.api.post("/purchases/batch", {"purchases": items})
    assert owner.browser.cookie  # signed in before anything is counted
    return owner


@contextmanager
def streamed(person: Person, path: str) -> Iterator[Iterator[bytes]]:
    """The file in the parts that it is sent in, made as they are asked for."""
    client = person.app.test_client()
    client.set_cookie("tillbook", person.browser.cookie)
    response = client.get(path, buffered=False)
    yield iter(response.response)  # type: ignore[arg-type]
    response.close()


@contextmanager
def counted(kind: type[Any]) -> Iterator[list[int]]:
    """One entry for each row that is read as a `kind`."""
    read: list[int] = []

    def note(*_: object) -> None:
        read.append(1)

    if kind is Customer:
        event.listen(kind, "load", note)
        yield read
        event.remove(kind, "load", note)
        return

    def make(row: Iterable[Any]) -> Any:
        note()
        return kind(*row)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(kind, "_make", make)
        yield read


@pytest.mark.parametrize(("path", "kind"), [("/purchases.csv", ListedPurchase), ("/customers.csv", Customer)])
def test_a_long_file_is_made_as_it_is_read_and_forgotten_as_it_is_sent(
    long: Person, path: str, kind: type[Any]
) -> None:
    alive = []
    with counted(kind) as read, streamed(long, path) as parts:
        first = next(parts) + next(parts)
        assert first.startswith(b"\xef\xbb\xbf")
        assert 0 < len(read) <= 1_000
        lines = first.count(b"\r\n")
        for part in parts:
            lines += part.count(b"\r\n")
            alive.append(sum(isinstance(one, kind) for one in gc.get_objects()))
    assert (len(read), lines) == (MANY, MANY + 1)
    assert max(alive) <= 2_100


@pytest.mark.parametrize("migrated_app", ["postgresql"], indirect=True)
@pytest.mark.parametrize("path", ["/purchases.csv", "/customers.csv"])
def test_who_pauses_is_sent_the_rest(long: Person, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dialect, "_LIMITS", dialect._LIMITS.replace("'10s'", "'100ms'"))
    with streamed(long, path) as parts:
        lines = next(parts) + next(parts)
        time.sleep(0.3)
        lines += b"".join(parts)
    assert lines.count(b"\r\n") == MANY + 1


@contextmanager
def nothing_stays_open(person: Person) -> Iterator[None]:
    with person.app.app_context():
        pool = db.engine.pool
    assert isinstance(pool, QueuePool)
    before = pool.checkedout()
    yield
    assert pool.checkedout() == before
    person.api.record(item="a pen")


@pytest.mark.parametrize("path", ["/purchases.csv", "/customers.csv"])
def test_who_stops_reading_leaves_nothing_open(long: Person, path: str) -> None:
    with nothing_stays_open(long), streamed(long, path) as parts:
        next(parts)
        next(parts)


@pytest.mark.parametrize("path", ["/purchases.csv", "/customers.csv"])
def test_a_fault_in_the_middle_breaks_off_and_leaves_nothing_open(
    long: Person, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lose_connection(*_: object) -> None:
        raise ConnectionError("The database is gone")

    with nothing_stays_open(long), streamed(long, path) as parts:
        next(parts)
        next(parts)
        with monkeypatch.context() as patched:
            patched.setattr(table, "encode_text", lose_connection)
            patched.setattr(Customer, "public_id", property(lose_connection))
            with pytest.raises(ConnectionError):
                list(parts)


def words_of(page: Page) -> str:
    return page.soup.get_text(" ", strip=True)
