"""What is exported comes back through the import without loss, whatever was done to the shop before."""

import io
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any
from uuid import UUID

from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from schemas.bodies import CustomerEdit
from schemas.filters import CustomerFilters, PurchaseFilters
from schemas.money import Money
from schemas.problems import judge
from schemas.table import ListedPurchase, Row, Table, find_places, write_customers, write_table
from schemas.table_rows import Kind
from services import customers, editing, purchases
from services.customers import Bought
from services.importing import find_meant, import_rows
from tests.services.test_merge_properties import STEPS, Book, Step, of_every_list

Known = tuple[Any, ...]


def make_all_differ(book: Book) -> None:
    """By which purchases they made and what is noted of them, so that nobody can be taken for another unseen."""
    for number, purchase in enumerate(book.purchases(), start=1):
        given = {"item": f"book {number}", "amount": Money(number, "USD")}
        editing.edit_purchase(purchase, given, by=book.user)
    for number, known in enumerate([bought.customer.id for bought in stream_customers(book)]):
        edit = judge(CustomerEdit, {"note": f"note {number}"}, book.rules)
        editing.edit_customer(known, edit, shop=book.shop, by=book.user)


def stream_customers(book: Book) -> Iterator[Bought]:
    return customers.stream(book.shop.id, judge(CustomerFilters, {}, book.rules))


def stream_purchases(book: Book) -> Iterator[ListedPurchase]:
    return purchases.stream(book.shop.id, judge(PurchaseFilters, {"sort": "recorded_at"}, book.rules))


def export(book: Book, kind: Kind) -> str:
    if kind == Kind.CUSTOMERS:
        return "".join(write_customers(stream_customers(book)))
    return "".join(write_table(stream_purchases(book)))


def bring_in(book: Book, kind: Kind, content: str) -> None:
    meant = find_meant(read(content), book.shop.id)
    report = import_rows(read(content), shop=book.shop, by=book.user, key_prefix=f"{kind}:", kind=kind, meant=meant)
    assert report.wrong == []


def read(content: str) -> Iterator[Row]:
    table = Table(io.StringIO(content, newline=""))
    return table.rows(find_places(table.headers, {}, {}), {})


def told(book: Book) -> list[tuple[Known, list[Known]]]:
    """Each customer who is listed, with all that is shown of them and what they bought."""
    bought: dict[UUID, list[Known]] = defaultdict(list)
    for line in stream_purchases(book):
        bought[UUID(line.customer_id)].append((line.item, line.quantity, line.amount_minor, line.purchased_on))
    known = (line.customer for line in stream_customers(book))
    shown = (((one.name, one.email, one.phone, one.reference, one.note), bought[one.id]) for one in known)
    return sorted(shown, key=repr)


@of_every_list
@given(steps=STEPS, kinds=st.permutations(Kind))
def test_a_shop_that_is_exported_comes_back_as_it_was(app: Flask, steps: list[Step], kinds: Iterable[Kind]) -> None:
    with app.app_context():
        book = Book()
        for step in steps:
            book.take(step)
        make_all_differ(book)
        other = Book()
        before = told(book)
        for kind in kinds:
            bring_in(other, kind, export(book, kind))
        assert told(other) == before
