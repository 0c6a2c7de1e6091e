"""A program that talks to the API: every answer it gets is checked, and read as strictly as others would."""

import json
from functools import cache
from typing import Any, NamedTuple

from flask import Flask
from werkzeug.datastructures import Headers
from werkzeug.test import TestResponse

from routes.api.problem_types import PROBLEMS

ROOT = "/api/v1"
PROBLEM = "application/problem+json"


class Answer(NamedTuple):
    status: int
    headers: Headers
    json: Any
    """None where there is no body, as in a 304."""
    body: bytes

    @property
    def problem(self) -> str:
        """The name of what is the matter."""
        return str(self.json["type"]).rpartition("/")[2]

    @property
    def errors(self) -> list[tuple[str, str]]:
        """Where (in the body, or which parameter) and which code."""
        return [(one.get("pointer", one.get("parameter")), one["code"]) for one in self.json["errors"]]


class Api:
    def __init__(self, app: Flask, token: str | None):
        self._app = app
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    def get(self, path: str, status: int = 200, **headers: str) -> Answer:
        return self.send("GET", path, None, status, **headers)

    def post(self, path: str, body: Any = None, status: int = 200, **headers: str) -> Answer:
        return self.send("POST", path, body, status, **headers)

    def patch(self, path: str, body: Any, status: int = 200, **headers: str) -> Answer:
        return self.send("PATCH", path, body, status, **headers)

    def record(self, status: int = 201, key: str | None = None, **changes: Any) -> Answer:
        """A purchase of a book by Tim; a change to None leaves a field out."""
        fields = {"customer": {"name": "Tim"}, "item": "a book"} | changes
        body = {name: value for name, value in fields.items() if value is not None}
        return self.post("/purchases", body, status, **({"idempotency_key": key} if key is not None else {}))

    def all_pages(self, path: str) -> list[Any]:
        """The items of a whole list."""
        items, page = [], self.get(path).json
        while "next" in page:
            items += page["items"]
            page = self.get(page["next"]).json
        return items + page["items"]

    def send(self, method: str, path: str, body: Any = None, status: int | None = None, **headers: str) -> Answer:
        """`body`: bytes as they are, anything else as JSON. `headers` are written with underscores."""
        named = {name.replace("_", "-").title(): value for name, value in headers.items()}
        if body is not None:
            named.setdefault("Content-Type", "application/json")
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        response = self.raw(method, path, data=data, headers=self._headers | named)
        answer = _checked(self._app, response)
        assert status in (None, answer.status), (answer.status, answer.body[:2_000])
        return answer

    def raw(self, method: str, path: str, **arguments: Any) -> TestResponse:
        """Without looking at the answer."""
        arguments.setdefault("headers", self._headers)
        client = self._app.test_client(use_cookies=False)
        address = path if path.startswith(ROOT) else ROOT + path
        return client.open(address, method=method, buffered=True, **arguments)


def _checked(app: Flask, response: TestResponse) -> Answer:
    """What holds for every answer of the API."""
    headers = response.headers
    assert headers["X-Request-Id"]
    assert "Set-Cookie" not in headers
    if response.status_code == 304:
        assert response.data == b""
        return Answer(304, headers, None, b"")
    parsed = json.loads(response.data)
    assert isinstance(parsed, dict)
    json.dumps(parsed, ensure_ascii=False).encode()  # whatever was sent: no half characters come back
    if response.status_code < 400:
        assert response.mimetype == "application/json"
    else:
        assert response.mimetype == PROBLEM
        _check_problem(app, parsed, response)
    return Answer(response.status_code, headers, parsed, response.data)


def _check_problem(app: Flask, problem: dict[str, Any], response: TestResponse) -> None:
    kind = PROBLEMS[problem["type"].removeprefix("/problems/")]
    assert (problem["title"], problem["status"]) == (kind.title, kind.status)
    assert problem["status"] == response.status_code
    assert problem["request_id"] == response.headers["X-Request-Id"]
    assert problem["detail"]
    assert "Traceback" not in response.text
    assert "SELECT" not in response.text
    assert _explains(app, problem["type"])


@cache
def _explains(app: Flask, address: str) -> bool:
    return app.test_client(use_cookies=False).get(address).status_code == 200
