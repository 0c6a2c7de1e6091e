"""What two readers could understand differently is refused at every address, and nothing is stored."""

import gzip
import json
from collections.abc import Iterator

import pytest
from flask import Flask

from routes.api.room import OPERATIONS
from tests.api.client import Answer
from tests.cast import Person
from tests.routes.test_gate import routes

GOOD = b'{"customer": {"name": "Tim"}, "item": "a book"}'
JSON = "application/json"
MEGABYTE = 1_000_000

UNREADABLE = [
    b"",
    b" \n",
    b"[]",
    b"null",
    b'"text"',
    b"1",
    GOOD[:-1],
    GOOD + b"{}",
    GOOD + b",",
    b"\xef\xbb\xbf" + GOOD,
    GOOD.decode().encode("utf-16"),
    GOOD.replace(b"Tim", b"Tim\xff"),
    GOOD.replace(b"Tim", b"Tim\xed\xa0\x80"),
    GOOD.replace(b"Tim", b"Tim\0"),
    GOOD.replace(b"Tim", b"Tim\n"),
    GOOD.replace(b'"a book"', b"'a book'"),
    GOOD.replace(b"}", b",}"),
    b'{"item": "a pen", ' + GOOD[1:],
    b'{"it\\u0065m": "a pen", ' + GOOD[1:],
    GOOD.replace(b'"name"', b'"name": "Ann", "name"'),
    b'{"quantity": NaN, ' + GOOD[1:],
    b'{"quantity": Infinity, ' + GOOD[1:],
    b'{"quantity": -Infinity, ' + GOOD[1:],
    b'{"quantity": 1e400, ' + GOOD[1:],
    b'{"quantity": 01, ' + GOOD[1:],
    b'{"quantity": +1, ' + GOOD[1:],
    b'{"quantity": .5, ' + GOOD[1:],
    b'{"quantity": ' + b"9" * 5_000 + b", " + GOOD[1:],
    b"[" * 100_000,
    b'{"a":' * 100_000,
    b'{"note": ' + b"[" * 50 + b"]" * 50 + b", " + GOOD[1:],
    b'{"\\u0000": 1, ' + GOOD[1:],
    b'{"\\ud800": 1, ' + GOOD[1:],
    b'{"item\\u0007": 1, ' + GOOD[1:],
]
"""No JSON object, or one that can be understood in two ways."""

REFUSED = [
    (b'{"quantity": 1.0, ', "#/quantity"),
    (b'{"quantity": 1e3, ', "#/quantity"),
    (b'{"quantity": 1E0, ', "#/quantity"),
    (b'{"quantity": -0, ', "#/quantity"),
    (b'{"quantity": ' + b"9" * 400 + b", ", "#/quantity"),
    (b'{"quantity": "1", ', "#/quantity"),
    (b'{"quantity": [1], ', "#/quantity"),
    (b'{"quantity": true, ', "#/quantity"),
    (b'{"amount": {"amount": 15.5}, ', "#/amount"),
    (b'{"amount": 15, ', "#/amount"),
    (b'{"amount": {"amount": "1e3"}, ', "#/amount"),
    (b'{"amount": {"amount": "NaN"}, ', "#/amount"),
    (b'{"amount": {"amount": "' + b"9" * 5_000 + b'"}, ', "#/amount"),
    (b'{"note": "\\u0000", ', "#/note"),
    (b'{"note": "\\ud800", ', "#/note"),
    (b'{"note": "\\udc00\\ud800", ', "#/note"),
    (b'{"note": "\\u0085x\\u009f", ', "#/note"),
    (b'{"external_id": "\\u202e", ', None),
    (b'{"customer_id": "cus_01h455vb4pex5vsknk084sn02\\ud800", ', "#/customer_id"),
    (b'{"unknown": 1, ', "#/unknown"),
    (b'{"Item": "a pen", ', "#/Item"),
    (b'{"__proto__": {}, ', "#/__proto__"),
    (b'{"": 1, ', "#/"),
    (b'{"amount": {"amount": "1", "amount ": "2"}, ', "#/amount"),
]


@pytest.mark.parametrize("body", UNREADABLE, ids=lambda body: repr(body[:40]))
def test_what_is_no_json_object_is_refused(owner: Person, body: bytes) -> None:
    for path in ("/purchases", "/purchases/parse", "/purchases/batch", "/customers"):
        refused = owner.api.post(path, body, 400)
        assert refused.problem == "malformed-json"
        assert len(refused.body) < 2_000
    assert owner.purchases() == owner.customers() == []


@pytest.mark.parametrize(("start", "pointer"), REFUSED, ids=lambda value: repr(value)[:40])
def test_what_breaks_a_rule_of_a_field_is_pointed_at(owner: Person, start: bytes, pointer: str | None) -> None:
    body = start + GOOD[1:]
    if pointer is None:
        owner.api.post("/purchases", body, 201)  # nothing visible is nothing given
        return
    refused = owner.api.post("/purchases", body, 422)
    assert pointer in [where for where, _ in refused.errors]
    assert len(refused.body) < 4_000
    assert owner.purchases() == owner.customers() == []


@pytest.mark.parametrize("place", ["name", "email", "phone", "reference"])
@pytest.mark.parametrize("text", ["\\ud800", "\\u0000", "x\\udfff", "a\\u0007b"])
def test_half_characters_and_control_characters_reach_no_field_of_a_customer(
    owner: Person, place: str, text: str
) -> None:
    body = f'{{"customer": {{"{place}": "{text}"}}, "item": "a book"}}'.encode()
    assert owner.api.post("/purchases", body, 422).errors[0][0] == f"#/customer/{place}"
    assert owner.api.post("/customers", f'{{"{place}": "{text}"}}'.encode(), 422).errors[0][0] == f"#/{place}"
    assert owner.customers() == []


def test_a_strange_name_of_a_field_comes_back_in_valid_json(owner: Person) -> None:
    for name in ("é", "日本", "a b", "~", "/", "%", '"', "\\", "<script>", "\u202e", "\U0001f600"):
        body = json.dumps({name: 1}).encode()[:-1] + b", " + GOOD[1:]
        refused = owner.api.post("/purchases", body, 422)
        assert refused.json["errors"][0]["pointer"].isascii()


@pytest.mark.parametrize(
    ("count", "length"), [(1, 900_000), (20_000, 5)], ids=["one endless name", "endlessly many names"]
)
def test_a_refusal_is_not_longer_than_it_needs_to_be(owner: Person, count: int, length: int) -> None:
    fields = {f"{number:0{length}}": 1 for number in range(count)}
    refused = owner.api.post("/purchases", {"customer": {"name": "Tim"}, "item": "a book"} | fields, None)
    assert refused.status in (413, 422)
    assert len(refused.body) < 100_000


KINDS = [
    "",
    "text/plain",
    "text/json",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/xml",
    "application/problem+json",
    "application/merge-patch+json",
    "application/json; charset=utf-16",
    "application/json; charset=latin-1",
    "application/json; x=y",
    "application/jsonx",
]


@pytest.mark.parametrize("kind", KINDS)
def test_another_kind_of_body_is_refused(owner: Person, kind: str) -> None:
    refused = owner.api.send("POST", "/purchases", GOOD, 415, content_type=kind)
    assert refused.problem == "unsupported-media-type"
    assert owner.purchases() == []


@pytest.mark.parametrize("coding", ["gzip", "br", "deflate", "x"])
def test_a_compressed_body_is_refused_and_told_to_come_uncompressed(owner: Person, coding: str) -> None:
    refused = owner.api.send("POST", "/purchases", gzip.compress(GOOD), 415, content_encoding=coding)
    assert refused.problem == "unsupported-media-type"
    assert "uncompressed" in refused.json["detail"]
    owner.api.send("POST", "/purchases", GOOD, 201, content_encoding="identity")
    assert len(owner.purchases()) == 1


@pytest.mark.parametrize("kind", [JSON, "application/json; charset=utf-8", "Application/JSON;charset=UTF-8"])
def test_json_may_be_called_so_in_these_ways(owner: Person, kind: str) -> None:
    owner.api.send("POST", "/purchases", GOOD, 201, content_type=kind)


def test_a_form_is_no_json(owner: Person) -> None:
    form = b"customer=Tim&item=a+book"
    owner.api.send("POST", "/purchases", form, 415, content_type="application/x-www-form-urlencoded")
    owner.api.send("POST", "/purchases", form, 400)
    assert owner.purchases() == []


def padded(size: int) -> bytes:
    return GOOD[:-1] + b" " * (size - len(GOOD)) + b"}"


def test_a_body_has_at_most_a_megabyte(owner: Person) -> None:
    owner.api.post("/purchases", padded(MEGABYTE), 201)
    for size in (MEGABYTE + 1, 3 * MEGABYTE):
        assert owner.api.post("/purchases", padded(size), 413).problem == "too-large"
    assert len(owner.purchases()) == 1


def test_so_has_one_that_comes_in_pieces(owner: Person) -> None:
    def post(body: bytes) -> int:
        headers = {"Authorization": f"Bearer {owner.token()}", "Content-Type": JSON}
        chunked = {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_LENGTH": ""}
        response = owner.api.raw("POST", "/purchases", data=body, headers=headers, environ_overrides=chunked)
        return response.status_code

    assert [post(padded(size)) for size in (MEGABYTE, MEGABYTE + 1)] == [201, 413]
    assert len(owner.purchases()) == 1


def test_a_body_that_breaks_off_is_none(owner: Person) -> None:
    headers = {"Authorization": f"Bearer {owner.token()}", "Content-Type": JSON}
    longer = {"CONTENT_LENGTH": str(len(GOOD) + 9)}
    response = owner.api.raw("POST", "/purchases", data=GOOD, headers=headers, environ_overrides=longer)
    assert (response.status_code, response.json["type"]) == (400, "/problems/bad-request")
    assert owner.purchases() == []


def takers(app: Flask) -> Iterator[tuple[str, str]]:
    """Method and an address of each operation that takes a body."""
    for name, method, path in routes(app):
        if name in OPERATIONS and OPERATIONS[name].takes:
            yield method, path


def test_every_operation_reads_as_strictly(owner: Person) -> None:
    found = list(takers(owner.app))
    assert len(found) >= 9
    for method, path in found:
        for body in (b"[" * 100_000, b'{"a": 1, "a": 1}', b'{"a": NaN}', b"[]", b'{"\\ud800": 1}'):
            assert owner.api.send(method, path, body, 400).problem == "malformed-json"
        assert owner.api.send(method, path, GOOD, 415, content_type="text/plain").problem == "unsupported-media-type"
        assert owner.api.send(method, path, padded(MEGABYTE + 1), 413).problem == "too-large"
        unknown: Answer = owner.api.send(method, path, {"no_such_field": 1}, 422)
        assert "#/no_such_field" in [where for where, _ in unknown.errors], path
