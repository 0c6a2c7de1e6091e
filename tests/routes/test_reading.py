"""Bodies are read whole or not at all, whatever server hands them over."""

import gzip
import io
from typing import Any

import pytest
from flask import Flask, jsonify, request
from werkzeug.exceptions import HTTPException
from werkzeug.test import TestResponse

from routes.reading import FormRequest, json_body, optional_json_body

LIMIT = 100
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def app() -> Flask:
    """Says back what it was sent."""
    app = Flask(__name__)
    app.request_class = FormRequest
    app.config["MAX_CONTENT_LENGTH"] = LIMIT
    app.add_url_rule("/json", "json", lambda: jsonify(json_body()), methods=["POST"])
    app.add_url_rule("/json-twice", "json-twice", lambda: jsonify([json_body(), json_body()]), methods=["POST"])
    app.add_url_rule("/optional", "optional", lambda: jsonify(optional_json_body()), methods=["POST"])
    app.add_url_rule("/form", "form", lambda: jsonify(request.form.to_dict()), methods=["POST"])
    app.register_error_handler(HTTPException, lambda error: (error.description or "", error.code or 500))
    return app


class Wire(io.RawIOBase):
    """What a server reads from its client; ends in the fault, if there is one."""

    def __init__(self, data: bytes, fault: Exception | None = None, at_once: int = 7):
        self.data = data
        self.fault = fault
        self.at_once = at_once
        self.asked_for = 0

    def read(self, size: int = -1) -> bytes:
        assert size >= 0, "a body of no known length is never asked for as a whole"
        self.asked_for += size
        part, self.data = self.data[: min(size, self.at_once)], self.data[min(size, self.at_once) :]
        if size and not part and self.fault:
            raise self.fault
        return part


def send(app: Flask, path: str, body: bytes, kind: str | None = "application/json", **headers: str) -> TestResponse:
    """With a Content-Length."""
    return app.test_client().post(path, data=body, content_type=kind, headers=headers)


def send_over(
    app: Flask, path: str, wire: Wire, length: int | None = None, kind: str = "application/json"
) -> TestResponse:
    """As gunicorn does: chunked when there is no length."""
    environ: dict[str, Any] = {"wsgi.input": wire, "wsgi.input_terminated": True, "CONTENT_TYPE": kind}
    environ |= {"HTTP_TRANSFER_ENCODING": "chunked"} if length is None else {"CONTENT_LENGTH": str(length)}
    return app.test_client().post(path, environ_overrides=environ)


@pytest.mark.parametrize(
    "kind",
    [
        "application/json",
        "Application/JSON",
        "application/json;charset=utf-8",
        "application/json; charset=UTF-8",
        'application/json; Charset="Utf-8"',
    ],
)
@pytest.mark.parametrize("path", ["/json", "/optional"])
def test_json_is_read(app: Flask, path: str, kind: str) -> None:
    response = send(app, path, b'{"a": 1}', kind)
    assert (response.status_code, response.json) == (200, {"a": 1})


@pytest.mark.parametrize(
    "kind",
    [
        None,
        "",
        FORM,
        "text/plain",
        "text/json",
        "application/jsonp",
        "application/merge-patch+json",
        "application/json, text/plain",
        "application/json; charset=latin-1",
        "application/json; charset=utf-16",
        "application/json; version=1",
        "application/json; charset=utf-8; version=1",
    ],
)
@pytest.mark.parametrize("path", ["/json", "/optional"])
def test_another_type_is_a_415(app: Flask, path: str, kind: str | None) -> None:
    response = send(app, path, b'{"a": 1}', kind)
    assert response.status_code == 415
    assert response.text == "Send JSON, with the header Content-Type: application/json."


@pytest.mark.parametrize("coding", ["gzip", "br", "deflate", "zstd", "GZIP", "identity, gzip", "x"])
@pytest.mark.parametrize("path", ["/json", "/optional"])
def test_a_compressed_body_is_a_415_that_says_so(app: Flask, path: str, coding: str) -> None:
    for body in (gzip.compress(b'{"a": 1}'), b'{"a": 1}'):
        response = send(app, path, body, content_encoding=coding)
        assert response.status_code == 415
        assert response.text == "Send the body uncompressed, without the header Content-Encoding."


@pytest.mark.parametrize("coding", ["", "identity", " Identity "])
def test_identity_is_no_compression(app: Flask, coding: str) -> None:
    assert send(app, "/json", b'{"a": 1}', content_encoding=coding).json == {"a": 1}


@pytest.mark.parametrize("path", ["/json", "/optional"])
def test_what_is_no_object_is_a_400_that_says_what_to_do(app: Flask, path: str) -> None:
    response = send(app, path, b'{"a": 1, "a": 2}')
    assert (response.status_code, response.text) == (400, "Give “a” only once in an object.")


def test_no_body_is_no_object(app: Flask) -> None:
    assert send(app, "/json", b"").status_code == 400
    assert send(app, "/json", b"", None).status_code == 415


@pytest.mark.parametrize("kind", ["application/json", None, FORM])
def test_no_body_is_an_empty_object_where_it_is_optional(app: Flask, kind: str | None) -> None:
    assert send(app, "/optional", b"", kind).json == {}
    assert app.test_client().post("/optional", content_type=kind).json == {}
    assert send_over(app, "/optional", Wire(b""), kind=kind or "").json == {}


def test_a_body_can_be_asked_for_twice(app: Flask) -> None:
    assert send(app, "/json-twice", b'{"a": 1}').json == [{"a": 1}, {"a": 1}]


BODIES = [("/json", "application/json", b'{"a": "b"}'), ("/form", FORM, b"a=bbbbbbbb")]


@pytest.mark.parametrize(("path", "kind", "body"), BODIES)
class TestBodies:
    def test_a_body_with_a_length_or_in_chunks_is_read(self, app: Flask, path: str, kind: str, body: bytes) -> None:
        for length in (len(body), None):
            response = send_over(app, path, Wire(body), length, kind)
            assert response.status_code == 200
            assert "a" in response.get_json()

    def test_a_body_of_the_most_bytes_is_read(self, app: Flask, path: str, kind: str, body: bytes) -> None:
        most = body.replace(b"b", b"b" * (LIMIT - len(body) + 1), 1)
        assert len(most) == LIMIT
        for length in (LIMIT, None):
            for at_once in (1, 7, LIMIT):
                assert send_over(app, path, Wire(most, at_once=at_once), length, kind).status_code == 200

    def test_a_longer_body_is_a_413(self, app: Flask, path: str, kind: str, body: bytes) -> None:
        for length in (LIMIT + 1, None):
            for at_once in (1, 7, LIMIT, LIMIT + 1):
                wire = Wire(body + b" " * 100_000, at_once=at_once)
                assert send_over(app, path, wire, length, kind).status_code == 413
                assert len(wire.data) >= 100_000 - LIMIT

    def test_a_body_that_ends_early_is_a_400(self, app: Flask, path: str, kind: str, body: bytes) -> None:
        for cut in (b"", body[:5], body):
            response = send_over(app, path, Wire(cut), len(body) + 1, kind)
            assert response.status_code == 400
            assert response.text == "The request broke off before its end. Send it again."

    # gunicorn's own errors are subclasses of Exception and of OSError.
    @pytest.mark.parametrize(
        "fault", [Exception("bad chunk"), OSError("no more data"), ConnectionResetError(), ValueError()]
    )
    def test_a_body_that_breaks_off_is_a_400(
        self, app: Flask, path: str, kind: str, body: bytes, fault: Exception
    ) -> None:
        for length in (LIMIT, None):
            response = send_over(app, path, Wire(body, fault), length, kind)
            assert response.status_code == 400
            assert response.text == "The request broke off before its end. Send it again."

    def test_what_follows_a_body_is_not_touched(self, app: Flask, path: str, kind: str, body: bytes) -> None:
        wire = Wire(body + b"GET / HTTP/1.1", at_once=1_000)
        assert send_over(app, path, wire, len(body), kind).status_code == 200
        assert wire.data == b"GET / HTTP/1.1"

    def test_a_body_without_an_end_is_left_alone(self, app: Flask, path: str, kind: str, body: bytes) -> None:
        wire = Wire(body)
        app.test_client().post(path, content_type=kind, environ_overrides={"wsgi.input": wire})
        assert wire.asked_for == 0


def test_a_form_of_parts_breaks_off_like_any_other(app: Flask) -> None:
    body = b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n--b--\r\n'

    def status(sent: bytes, length: int | None, fault: Exception | None = None) -> int:
        wire = Wire(sent, fault, at_once=LIMIT)
        return send_over(app, "/form", wire, length, "multipart/form-data; boundary=b").status_code

    assert status(body, len(body)) == 200
    assert status(body, None) == 200
    assert status(body, len(body) + 1) == 400
    assert status(body, None, ValueError()) == 400
    assert status(body + b" " * LIMIT, None) == 413


def test_the_limit_can_be_another_one(app: Flask) -> None:
    app.config["MAX_CONTENT_LENGTH"] = None
    assert send_over(app, "/json", Wire(b'{"a": 1}' + b" " * 100_000, at_once=1_000)).json == {"a": 1}
