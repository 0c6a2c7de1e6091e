"""The documentation's examples: a story that happens as it is told."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from extensions import db
from models import ApiToken
from routes.api.examples import BY_HAND, SAMPLES, STORY, Example, Message, filled, shown
from routes.api.problem_types import PROBLEMS
from routes.api.room import OPERATIONS
from routes.docs import operation_of
from schemas.answers import ProblemAnswer
from schemas.problems import judge
from schemas.token import TokenDetails
from services import tokens
from tests.cast import Person

SetClock = Callable[[str], None]
PLACE = re.compile(r"\{([a-z_]+)\}")
ANYTHING = "…"
THEN = "2026-11-21T09:15:04"


class Story:
    """What is asked by one token, and what is known so far of the names in it."""

    def __init__(self, person: Person):
        self._client = person.app.test_client()
        self._token = make_token(person, "Till 7", ApiToken.SCOPES)
        self._known = {"customers_token": make_token(person, "Newsletter", ("customers:read",))}

    def tell(self, example: Example) -> None:
        """Asks, and compares everything that is shown."""
        response = self._ask(example)
        self._known["request_id"] = response.headers["X-Request-Id"]
        assert response.status_code == example.status, (example.title, response.text)
        found = {name: response.headers[name] for name in example.answer.headers}
        if "Allow" in found:  # in no order
            found["Allow"] = ", ".join(sorted(found["Allow"].split(", ")))
        self._compare(dict(example.answer.headers), found)
        if (response.mimetype or "").endswith("json"):
            is_problem = example.status >= 400
            assert response.mimetype == ("application/problem+json" if is_problem else "application/json")
            self._compare(json.loads(example.answer.body), json.loads(response.text))
        else:
            self._compare(example.answer.body.split("\n"), response.text.strip().split("\r\n"))

    def _ask(self, example: Example) -> TestResponse:
        asked = example.request
        headers = {"Authorization": f"Bearer {self._token}"}
        if asked.body:
            headers["Content-Type"] = "application/json"
        headers |= {name: self._filled(value) for name, value in asked.headers.items()}
        # The test client counts the bytes by itself; a length that is not that of the body has to get past it.
        length = {"CONTENT_LENGTH": headers.pop("Content-Length")} if "Content-Length" in headers else {}
        return self._client.open(
            self._filled(example.path),
            method=example.method,
            headers=headers,
            data=self._filled(asked.body),
            environ_overrides=length,
            buffered=True,
        )

    def _compare(self, told: Any, found: Any) -> None:
        for text, value in texts(told, found):
            self._learn(text, value)
        assert found == self._full(told, found)

    def _learn(self, text: str, value: object) -> None:
        """What stands in the places of names that are met for the first time."""
        if not (isinstance(value, str) and any(name not in self._known for name in PLACE.findall(text))):
            return
        parts = PLACE.split(text)
        pattern = "".join(
            re.escape(part) if place % 2 == 0 else self._pattern(part) for place, part in enumerate(parts)
        )
        match = re.fullmatch(pattern, value)
        assert match, (text, value)
        self._known |= match.groupdict()

    def _pattern(self, name: str) -> str:
        if name in self._known:
            return re.escape(self._known[name])
        return f"(?P<{name}>{form_of(SAMPLES[name])})"

    def _full(self, told: Any, found: Any) -> Any:
        """What is told, with what is known in the places of names, and what was found where anything will do."""
        if told == ANYTHING:
            return found
        if isinstance(told, dict):
            there = found if isinstance(found, dict) else {}
            return {name: self._full(value, there.get(name)) for name, value in told.items()}
        if isinstance(told, list):
            there = found if isinstance(found, list) and len(found) == len(told) else told
            return [self._full(value, there[place]) for place, value in enumerate(told)]
        return self._filled(told) if isinstance(told, str) else told

    def _filled(self, text: str) -> str:
        return filled(text, self._known)


def texts(told: Any, found: Any) -> Iterator[tuple[str, object]]:
    """Every text that is told, with what was found in its place."""
    if isinstance(told, str):
        yield told, found
    elif isinstance(told, dict) and isinstance(found, dict):
        for name, value in told.items():
            yield from texts(value, found.get(name))
    elif isinstance(told, list) and isinstance(found, list):
        for value, other in zip(told, found, strict=False):
            yield from texts(value, other)


def form_of(sample: str) -> str:
    """What looks like this."""
    if found := re.fullmatch("(cus|pur|act)_.*", sample):
        return f"{found[1]}_[0-7][0-9a-z]{{25}}"
    if ANYTHING in sample:  # shortened
        return "[0-9a-f]{12}[.][0-9A-Za-z_-]+"
    return re.sub("[0-9a-f]+", lambda run: f"[0-9a-f]{{{len(run[0])}}}", sample)


def make_token(person: Person, name: str, scopes: tuple[str, ...]) -> str:
    with person.app.app_context():
        _, text = tokens.make(judge(TokenDetails, {"name": name, "scopes": scopes}), user=person.user)
        db.session.commit()
        return text


def test_the_story_happens_as_it_is_told(owner: Person, at: SetClock) -> None:
    at(THEN)
    story = Story(owner)
    for example in STORY:
        story.tell(example)


def test_every_operation_shows_each_of_its_answers(app: Flask) -> None:
    told = {(operation_of(app, example), example.status) for example in STORY}
    promised = {(name, status) for name, operation in OPERATIONS.items() for status in operation.gives}
    assert promised <= told
    assert set(OPERATIONS) <= {name for name, _ in told}


def test_every_problem_has_an_example() -> None:
    told = {name for example in STORY for name in example.problems}
    by_hand = {name for example in BY_HAND for name in example.problems}
    assert told | by_hand == set(PROBLEMS)
    assert not told & by_hand


@pytest.mark.parametrize("example", BY_HAND, ids=[example.title for example in BY_HAND])
def test_what_takes_a_fault_has_the_shape_of_a_problem(example: Example) -> None:
    problem = ProblemAnswer.model_validate_json(shown(example.answer.body))
    kind = PROBLEMS[problem.type.removeprefix("/problems/")]
    assert (problem.status, problem.title) == (example.status, kind.title) == (kind.status, kind.title)
    assert not problem.model_extra


def test_every_name_has_something_to_show_for_it() -> None:
    names = {name for example in (*STORY, *BY_HAND) for text in example for name in PLACE.findall(text)}
    assert names == set(SAMPLES)


def test_an_answer_that_is_not_as_told_is_found_out(owner: Person, at: SetClock) -> None:
    at(THEN)
    customer = next(example for example in STORY if example.title == "Somebody new")
    wrong = [
        ('"Susan"', '"Suzie"'),
        ("null", '""'),
        ('"merged_into"', '"merged_to"'),
        ('"matched_on": null,', ""),
        ("{sue}", "{shirts}"),
        ("Location", "Locality"),
        ("201", "200"),
    ]
    for right, other in wrong:
        told = customer._replace(answered=customer.answered.replace(right, other))
        with pytest.raises((AssertionError, KeyError)):
            Story(owner).tell(told)
        with owner.app.app_context():
            for table in ("changes", "actions", "identities", "customer_words", "customers"):
                db.session.execute(db.metadata.tables[table].delete())
            db.session.commit()
    Story(owner).tell(customer)


# The examples of the design, as they were agreed on

REQUEST = """
POST /api/v1/purchases
Idempotency-Key: 8e03978e-40d5-43e8-bc93-6894a57f9324

{"customer": {"name": "Sue", "email": "sue@example.com"}, "item": "T-shirt", "quantity": 2,
 "amount": {"amount": "15.50", "currency": "USD"}, "purchased_on": "2026-11-20", "external_id": "till-7/123"}
"""
CREATED = """
{"id": "pur_…", "status": "recorded", "item": "T-shirt", "quantity": 2,
 "amount": {"amount": "15.50", "currency": "USD"}, "unit_price": {"amount": "7.75", "currency": "USD"},
 "purchased_on": "2026-11-20", "external_id": "till-7/123", "note": null, "source": "api",
 "customer": {"id": "cus_…", "name": "Sue", "email": "sue@example.com", "phone": null, "reference": null},
 "customer_outcome": "updated", "matched_on": "email", "customer_changes": {"name": {"from": "Susan", "to": "Sue"}},
 "idempotency_key": "8e03978e-…", "recorded_at": "2026-11-21T09:15:04Z", "voided_at": null}
"""
REFUSED = """
{"type": "/problems/validation", "title": "Some fields need a change", "status": 422,
 "detail": "2 fields need a change. Nothing was stored.", "request_id": "0f6c1e0c",
 "errors": [{"pointer": "#/quantity", "code": "not_whole_number",
             "detail": "Quantity must be a whole number from 1 to 1,000,000"},
            {"pointer": "#/purchased_on", "code": "in_future", "detail": "Purchase date must be today or in the past"}]}
"""
NOT_IN_THE_DESIGN = {"void_reason"}


@pytest.fixture
def ask(owner: Person, at: SetClock) -> Callable[[Message], TestResponse]:
    """Sends a request to a shop that knows Susan."""
    at(THEN)
    owner.capture(name="Susan", email="sue@example.com", customer=None)
    token = make_token(owner, "Till 7", ApiToken.SCOPES)

    def send(asked: Message) -> TestResponse:
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"} | dict(asked.headers)
        method, _, path = asked.first.partition(" ")
        return owner.app.test_client().open(path, method=method, headers=headers, data=asked.body)

    return send


def test_the_design_s_purchase_is_recorded_as_it_says(ask: Callable[[Message], TestResponse]) -> None:
    response = ask(Example("", REQUEST.strip(), "").request)
    assert response.status_code == 201
    answer, agreed = json.loads(response.text), json.loads(CREATED)
    assert answer.keys() - agreed.keys() == NOT_IN_THE_DESIGN
    assert response.headers["Location"] == f"/api/v1/purchases/{answer['id']}"
    for place, name in [(answer, "id"), (answer["customer"], "id"), (answer, "idempotency_key")]:
        begin = (agreed["customer"] if place is answer["customer"] else agreed)[name].removesuffix(ANYTHING)
        assert place[name].startswith(begin)
        place[name] = begin + ANYTHING
    assert {name: answer[name] for name in agreed} == agreed


def test_the_design_s_refusal_is_told_as_it_says(ask: Callable[[Message], TestResponse]) -> None:
    asked = Example("", REQUEST.strip(), "").request
    body = json.loads(asked.body) | {"quantity": 0.5, "purchased_on": "2026-12-24"}
    response = ask(asked._replace(body=json.dumps(body)))
    assert response.status_code == 422
    assert response.mimetype == "application/problem+json"
    agreed = json.loads(REFUSED) | {"request_id": response.headers["X-Request-Id"]}
    assert json.loads(response.text) == agreed
