"""The list of purchases as a table: the same filters, one line at a time, and back again without loss."""

import csv
import gc
import io
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.pool import QueuePool

from extensions import db
from models import dialect
from schemas.table import COLUMNS, ListedPurchase
from tests.cast import Person, make_person

MANY = 4_000
CSV = {"Accept": "text/csv"}
FORMULAS = [
    *("=1+1", "+1", "-1", "@SUM(A1)", "'=1", "''+1", "'quoted'", '=HYPERLINK("x";"y")', '"', ",", "a;b", "ü 名"),
    *("＝1+1", "＋1", "－1", "＠SUM(A1)", "'＝1", "x;=1+1;y", "x;'＝1+1"),
]


def table(person: Person, query: str = "", **headers: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text(person, query, **headers), newline="")))


def text(person: Person, query: str = "", **headers: str) -> str:
    sent = {"Authorization": f"Bearer {person.token('purchases:read')}"} | CSV | headers
    response = person.api.raw("GET", f"/purchases{query}", headers=sent)
    assert response.status_code == 200
    assert response.mimetype == "text/csv"
    assert response.headers["X-Request-Id"]
    assert "Set-Cookie" not in response.headers
    return response.data.decode()


def kept(person: Person) -> list[tuple[Any, ...]]:
    """What a table carries of each purchase and its customer."""
    customers = {customer.id: customer for customer in person.customers()}
    rows = []
    for one in person.purchases():
        who = customers[one.customer_id]
        buyer = (who.name, who.email, who.phone, who.reference)
        rows.append(
            (
                *buyer,
                one.item,
                one.quantity,
                one.amount_minor,
                one.currency,
                one.purchased_on,
                one.note,
                one.external_id,
            )
        )
    return sorted(rows, key=str)


def test_a_table_has_the_purchases_of_the_list_in_its_order(owner: Person) -> None:
    owner.capture(customer="Tim <tim@example.com>", item="a book", amount="5", purchased_on="2026-11-01")
    owner.capture(customer="Sue", item="a pen", quantity="3", note="two\nlines", purchased_on="2026-11-03")
    owner.capture(customer="Sue", item="a hat", external_id="A1", purchased_on="2026-11-02", amount="JPY 100")
    for query in ("", "?sort=purchased_on", "?q=a+b", "?purchased_from=2026-11-02", "?currency=JPY", "?status=all"):
        listed = owner.api.get(f"/purchases{query}").json["items"]
        told = table(owner, query)
        assert [row["id"] for row in told] == [item["id"] for item in listed]
        assert [row["recorded_at"] for row in told] == [item["recorded_at"] for item in listed]
    [_, row, _] = table(owner, "?sort=-recorded_at")
    assert set(row) == set(COLUMNS)
    assert (row["name"], row["item"], row["quantity"], row["note"]) == ("Sue", "a pen", "3", "two\nlines")
    assert (row["amount"], row["currency"], row["status"]) == ("", "", "recorded")


def test_it_tells_of_voided_ones_when_asked(owner: Person) -> None:
    owner.capture()
    owner.api.post(f"/purchases/{owner.purchases()[0].public_id}/void")
    assert table(owner) == []
    assert [row["status"] for row in table(owner, "?status=all")] == ["void"]


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("text/csv", "text/csv"),
        ("text/csv;q=0.9, application/json;q=0.1", "text/csv"),
        ("application/json, text/csv;q=0.5", "application/json"),
        ("*/*", "application/json"),
        ("text/*", "text/csv"),
        ("image/png", "application/json"),
        ("", "application/json"),
    ],
)
def test_json_is_given_unless_a_table_is_liked_better(owner: Person, accept: str, kind: str) -> None:
    sent = {"Authorization": f"Bearer {owner.token()}", "Accept": accept}
    response = owner.api.raw("GET", "/purchases", headers=sent)
    assert (response.status_code, response.mimetype) == (200, kind)


def test_who_asks_for_a_table_is_refused_like_everybody(owner: Person) -> None:
    assert owner.api.get("/purchases?status=x", 422, accept="text/csv").errors == [("status", "unknown_choice")]


def test_a_table_comes_back_through_the_import_without_loss(owner: Person, tmp_path: Path) -> None:
    for number, cell in enumerate(FORMULAS):
        owner.api.record(
            customer={"name": f"{cell} Tim", "reference": f"{cell}{number}"},
            item=cell,
            note=f"{cell}\n{cell}",
            external_id=f"{cell}#{number}",
            quantity=number + 1,
            amount={"amount": f"{number}.50", "currency": "EUR"} if number % 2 else None,
            purchased_on="2020-02-29",
        )
    owner.api.record(customer={"email": "-x@example.com", "phone": "+1 212 555 0101"}, item="=2")
    file = tmp_path / "purchases.csv"
    file.write_text(text(owner), newline="")
    assert not [cell for row in table(owner) for cell in row.values() if cell[:1] in tuple("=+-@\t\r＝＋－＠")]
    other = make_person(owner.app, "other@example.com")
    result = owner.app.test_cli_runner().invoke(args=["import", str(file), "--user", other.email])
    assert result.exit_code == 0, result.stderr
    assert kept(other) == kept(owner)


def test_a_table_of_no_purchases_has_its_headers(owner: Person) -> None:
    assert text(owner) == ",".join(f'"{column}"' for column in COLUMNS) + "\r\n"


def test_a_table_holds_nothing_of_another_shop(owner: Person, stranger: Person) -> None:
    stranger.capture(customer="Sue")
    owner.capture(customer="Tim")
    assert [row["name"] for row in table(owner, "?status=all")] == ["Tim"]


@pytest.fixture
def long(owner: Person) -> Person:
    """With many purchases."""
    for start in range(0, MANY, 1_000):
        items = [{"customer": {"name": f"Tim {start + n}"}, "item": "a book"} for n in range(1_000)]
        owner.api.post("/purchases/batch", {"purchases": items})
    return owner


@contextmanager
def streamed(person: Person) -> Iterator[Iterator[bytes]]:
    """The table in the parts that it is sent in, made as they are asked for."""
    headers = {"Authorization": f"Bearer {person.token('purchases:read')}"} | CSV
    client = person.app.test_client(use_cookies=False)
    response = client.get("/api/v1/purchases", headers=headers, buffered=False)
    yield iter(response.response)  # type: ignore[arg-type]
    response.close()


def test_a_long_table_is_made_as_it_is_read_and_forgotten_as_it_is_sent(
    long: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []
    alive = []

    def make(row: Iterable[Any]) -> ListedPurchase:
        read.append(1)
        return ListedPurchase(*row)

    monkeypatch.setattr(ListedPurchase, "_make", make)
    with streamed(long) as parts:
        assert next(parts).startswith(b'"id","purchased_on"')
        assert 0 < len(read) <= 1_000
        for number, part in enumerate(parts):
            assert 64_000 <= len(part) < 70_000 or len(read) == MANY
            if number % 10 == 5:
                alive.append(sum(isinstance(one, ListedPurchase) for one in gc.get_objects()))
    assert len(read) == MANY
    assert max(alive) <= 2_100


def test_others_record_while_a_long_table_is_read(long: Person) -> None:
    with streamed(long) as parts, ThreadPoolExecutor(1) as pool:
        first = [next(parts) for _ in range(3)]
        assert pool.submit(long.api.record, item="a pen").result().status == 201
        lines = b"".join([*first, *parts]).splitlines()
    assert len(lines) in (MANY + 1, MANY + 2)
    assert len(lines) == len(set(lines))


@pytest.mark.parametrize("migrated_app", ["postgresql"], indirect=True)
def test_who_pauses_is_sent_the_rest(long: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dialect, "_LIMITS", dialect._LIMITS.replace("'10s'", "'100ms'"))
    with streamed(long) as parts:
        lines = next(parts)
        time.sleep(0.3)
        lines += b"".join(parts)
    assert lines.count(b"\r\n") == MANY + 1


def test_who_stops_reading_leaves_nothing_open(long: Person) -> None:
    with long.app.app_context():
        pool = db.engine.pool
    assert isinstance(pool, QueuePool)
    before = pool.checkedout()
    with streamed(long) as parts:
        next(parts)
        assert pool.checkedout() == before + 1
    assert pool.checkedout() == before
    long.api.record()
