"""Each bad value goes through every door and gets the same verdict, in the same words; nothing is stored."""

import codecs
import csv
import io
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote_from_bytes

import pytest

from schemas.contact import read_line
from schemas.purchase import BUYER_FIELDS
from tests.cast import Person, purchase_values

HUGE = "1" + "0" * 400

BLANK_CUSTOMER = "Enter who bought it: a name, an e-mail address or a phone number"
UNREADABLE = " has a character that could not be read. Type it again"
CONTROL = " has a control character. Type it again"
EMAIL = "Enter an e-mail address like name@example.com"
PHONE = "Enter a phone number with its area code, like 020 7946 0018 or +44 20 7946 0018"
AMOUNT = "Amount must be a number, like 15.50"
QUANTITY = "Quantity must be a whole number from 1 to 1,000,000"
DATE = "Purchase date must be a real date, like 2026-11-21"
FUTURE = "Purchase date must be today or in the past"
TOO_LARGE = "Amount must be at most 9,999,999,999.99 USD"
DECIMALS = "Amount must have at most 2 decimals, because it is in USD"
CURRENCY = "Currency must be a code of three letters, like USD"
MONEY_OBJECT = ' must be an object like {"amount": "15.50", "currency": "USD"}'

BAD = [
    ("customer", "", BLANK_CUSTOMER),
    ("customer", "   ", BLANK_CUSTOMER),
    ("customer", "\t\r\n", BLANK_CUSTOMER),
    ("customer", "\u200b\u200d\ufeff", BLANK_CUSTOMER),
    ("customer", "\u202e\u202d", BLANK_CUSTOMER),
    ("customer", "\u3164", BLANK_CUSTOMER),
    ("customer", "x" * 201, "Customer name must be 200 characters or fewer"),
    ("customer", "\ufdfa" * 200, "Customer name must be 200 characters or fewer"),
    ("customer", "Tim\0", "Customer name" + CONTROL),
    ("customer", "Tim\x07", "Customer name" + CONTROL),
    ("customer", "Tim\x85\x9f", "Customer name" + CONTROL),
    ("customer", b"Tim\xed\xa0\x80", "Customer name" + UNREADABLE),
    ("customer", b"Tim\xff", "Customer name" + UNREADABLE),
    ("customer", "...", "Customer name must have a letter or a number in it"),
    ("customer", "tim@", EMAIL),
    ("customer", "@example.com", EMAIL),
    ("customer", "Tim <tim at example.com>", EMAIL),
    ("customer", "Tim <tim@example>", EMAIL),
    ("customer", "Tim <tim@example.com", EMAIL),
    ("customer", "12345", PHONE),
    ("customer", "+999 12345678", PHONE),
    ("customer", "Tim (000000)", PHONE),
    ("email", "tim", EMAIL),
    ("email", "tim@localhost", EMAIL),
    ("email", "tim tim@example.com", EMAIL),
    ("email", "tim\u200b@example.com", EMAIL),
    ("email", "tim\u202e@example.com", EMAIL),
    ("email", "a" * 250 + "@example.com", "E-mail address must be 254 characters or fewer"),
    ("email", "tim\0@example.com", "E-mail address" + CONTROL),
    ("phone", "phone", PHONE),
    ("phone", "555-1234", PHONE),
    ("phone", "+1 212 555 0100 x12", "Enter the phone number without its extension"),
    ("phone", "1" * 65, "Phone number must be 64 characters or fewer"),
    ("phone", "+1 212\x00555 0100", "Phone number" + CONTROL),
    ("reference", "7\u200b", "Customer number has an invisible character. Type it again"),
    ("reference", "7" * 101, "Customer number must be 100 characters or fewer"),
    ("reference", "7\x1b", "Customer number" + CONTROL),
    ("item", "", "Enter what was bought"),
    ("item", " \u2007 ", "Enter what was bought"),
    ("item", "\u200f", "Enter what was bought"),
    ("item", "x" * 201, "Item must be 200 characters or fewer"),
    ("item", "a\0book", "Item" + CONTROL),
    ("item", b"a book\xed\xbf\xbf", "Item" + UNREADABLE),
    ("quantity", "0", QUANTITY),
    ("quantity", "-1", QUANTITY),
    ("quantity", "1.5", QUANTITY),
    ("quantity", "1e3", QUANTITY),
    ("quantity", "1,00", QUANTITY),
    ("quantity", "1000001", QUANTITY),
    ("quantity", HUGE, QUANTITY),
    ("quantity", "NaN", QUANTITY),
    ("quantity", "two", QUANTITY),
    ("quantity", "٣", QUANTITY),
    ("quantity", "１", QUANTITY),
    ("quantity", "0x10", QUANTITY),
    ("quantity", "1_000", QUANTITY),
    ("amount", "1e3", AMOUNT),
    ("amount", "NaN", AMOUNT),
    ("amount", "Infinity", AMOUNT),
    ("amount", "free", AMOUNT),
    ("amount", "-1", "Amount must be 0 or more"),
    ("amount", "−1", "Amount must be 0 or more"),
    ("amount", "1.005", DECIMALS),
    ("amount", "JPY 10.5", "Amount must have no decimals, because it is in JPY"),
    ("amount", "15,50", "“15,50” can be read in two ways. Write it with a point, like 15.50"),
    ("amount", "1.299,00", "“1.299,00” can be read in two ways. Write it with a point, like 1299.00"),
    ("amount", HUGE, TOO_LARGE),
    ("amount", "10000000000", TOO_LARGE),
    ("amount", "1..5", AMOUNT),
    ("amount", "١٢", AMOUNT),
    ("amount", "12 XYZ", AMOUNT),
    ("amount", "12\0", AMOUNT),
    ("amount", b"12\xff", AMOUNT),
    ("amount", "$5 EUR", "Amount is in USD. Write it without “EUR”"),
    ("purchased_on", "86400", DATE),
    ("purchased_on", "2026-02-30", DATE),
    ("purchased_on", "0000-01-01", DATE),
    ("purchased_on", "2026-1-1", DATE),
    ("purchased_on", "２０２６-11-20", DATE),
    ("purchased_on", "2026-11-20\0", DATE),
    ("purchased_on", "tomorrow", DATE),
    ("purchased_on", "2026-11-23", FUTURE),
    ("purchased_on", "9999-12-31", FUTURE),
    ("purchased_on", "1899-12-31", "Purchase date must be 1900-01-01 or later"),
    ("purchased_on", "3/4", "“3/4” can be read in two ways. Write it like 3 Apr or 4 Mar"),
    ("note", "x" * 2001, "Note must be 2,000 characters or fewer"),
    ("note", "a\0note", "Note" + CONTROL),
]


# An amount in JSON is its digits: what is none is told the form of the whole, and no day can be read in two ways.
IN_JSON = {
    ("amount", value): "Amount" + MONEY_OBJECT
    for field, value, _ in BAD
    if field == "amount" and value not in ("1.005", "10000000000", "JPY 10.5", "12 XYZ")
} | {
    ("amount", "12 XYZ"): CURRENCY,
    ("unit_price", "-1"): "Price of one" + MONEY_OBJECT,
    ("purchased_on", "3/4"): DATE,
}
"""What the API says instead."""


@pytest.fixture(autouse=True)
def today(at) -> None:  # type: ignore[no-untyped-def]
    at("2026-11-21T17:00")


@pytest.mark.parametrize(("field", "value", "words"), BAD, ids=lambda value: repr(value)[:40])
def test_every_door_refuses_it_in_the_same_words(
    owner: Person, tmp_path: Path, field: str, value: str | bytes, words: str
) -> None:
    values: dict[str, str | bytes] = {**purchase_values(), field: value}
    assert _by_form(owner, values) == [(field, words)]
    assert _by_import(owner, tmp_path / "purchases.csv", values) == [(field, words)]
    assert _by_api(owner, field, value) == [(_pointer(field, words), IN_JSON.get((field, value), words))]
    assert owner.purchases() == []
    assert owner.customers() == []


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("currency", "XXQ", CURRENCY),
        ("currency", "$", CURRENCY),
        ("unit_price", "-1", "Price of one must be 0 or more"),
        ("external_id", "7\u200b", "Purchase number has an invisible character. Type it again"),
        ("external_id", "x" * 101, "Purchase number must be 100 characters or fewer"),
        ("name", "\0", "Customer name" + CONTROL),
    ],
)
def test_so_do_the_import_and_the_api_where_the_page_has_no_such_field(
    owner: Person, tmp_path: Path, field: str, value: str, words: str
) -> None:
    values = {**purchase_values(reference="7", customer=""), field: value}
    found = _by_import(owner, tmp_path / "purchases.csv", values)
    assert found == [(field, words)]
    assert _by_api(owner, field, value) == [(_pointer(field, words), IN_JSON.get((field, value), words))]
    assert owner.purchases() == []


def _by_form(person: Person, values: dict[str, str | bytes]) -> list[tuple[str, str]]:
    fields: dict[str, str | bytes] = {**person.browser.get("/purchases/new").fields(), **values}
    page = person.browser.post_encoded("/purchases", _encoded(fields), 422)
    wrong = [tag["id"].removesuffix("-error") for tag in page.soup.select("[id$=-error]")]
    return [(field, page.error_at(field).removeprefix("Error: ")) for field in wrong]


def _encoded(fields: dict[str, str | bytes]) -> str:
    pairs = {name: value if isinstance(value, bytes) else value.encode() for name, value in fields.items()}
    return "&".join(f"{name}={quote_from_bytes(value, safe='')}" for name, value in pairs.items())


def _by_import(person: Person, file: Path, values: dict[str, str | bytes]) -> list[tuple[str, str]]:
    table = io.StringIO()
    writer = csv.writer(table)
    writer.writerow(values)
    # Bytes that are no text go around the writer.
    writer.writerow(f"<{name}>" if isinstance(value, bytes) else value for name, value in values.items())
    content = table.getvalue().encode()
    for name, value in values.items():
        if isinstance(value, bytes):
            # In a file that says it is UTF-8: without that, it would be taken for an encoding that has these bytes.
            content = codecs.BOM_UTF8 + content.replace(f"<{name}>".encode(), value)
    file.write_bytes(content)
    result = person.app.test_cli_runner().invoke(args=["import", str(file), "--user", person.email])
    assert result.exit_code == 1
    assert "Nothing was stored" in result.stderr
    found = re.findall(r"^line 2, (\w+): (.*)$", result.stderr, re.MULTILINE)
    assert json.dumps(found)  # what is shown can be written out
    return found


def _by_api(person: Person, field: str, value: str | bytes) -> list[tuple[str, str]]:
    # JSON cannot carry bytes that are no text, but the half characters that some readers make of them.
    text = value if isinstance(value, str) else value.decode(errors="surrogateescape")
    refused = person.api.post(
        "/purchases", {"customer": {"name": "Tim"}, "item": "a book"} | _in_json(field, text), 422
    )
    return [(error["pointer"], error["detail"]) for error in refused.json["errors"]]


def _in_json(field: str, text: str) -> dict[str, Any]:
    """As a program would say it."""
    if field == "customer":
        return {"customer": read_line(text)}
    if field in BUYER_FIELDS:
        return {"customer": {"name": "Tim", field: text}}
    if field == "quantity":
        return {field: json.loads(text) if re.fullmatch(r"-?[0-9.e]+", text) else text}
    if field == "currency":
        return {"amount": {"amount": "1", "currency": text}}
    if field in ("amount", "unit_price"):
        named = {"JPY 10.5": {"amount": "10.5", "currency": "JPY"}, "12 XYZ": {"amount": "12", "currency": "XYZ"}}
        return {field: named.get(text, {"amount": text})}
    return {field: text}


def _pointer(field: str, words: str) -> str:
    if field == "customer":
        return {BLANK_CUSTOMER: "#/customer", EMAIL: "#/customer/email", PHONE: "#/customer/phone"}.get(
            words, "#/customer/name"
        )
    return {"currency": "#/amount"}.get(field, f"#/customer/{field}" if field in BUYER_FIELDS else f"#/{field}")
