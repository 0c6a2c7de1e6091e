"""The description of the API, made from the schemas that judge the input and write the answers (OpenAPI 3.1)."""

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from flask import Flask, Response, current_app
from pydantic.json_schema import models_json_schema
from werkzeug.routing import Rule

from models import Purchase
from models.public_id import ACTION, CUSTOMER, PURCHASE
from routes.api.problem_types import PROBLEMS
from routes.api.problems import MIMETYPE
from routes.api.room import OPERATIONS, Operation
from schemas.answers import ProblemAnswer
from schemas.bodies import id_schema
from schemas.capture_key import KEY_ADVICE

_COMPONENT = "#/components/schemas/{model}"
_METHODS = ("GET", "POST", "PATCH")
_ID = re.compile(r"<(\w+)_id:id>")
_PREFIXES = {"customer": CUSTOMER, "purchase": PURCHASE, "action": ACTION}
_HEADERS: dict[str, tuple[str, dict[str, Any]]] = {
    "Idempotency-Key": (
        f"{KEY_ADVICE}, bare or in quotes. The same purchase under the same key is recorded once.",
        {"type": "string", "minLength": 1, "maxLength": Purchase.KEY_MAX},
    ),
    "If-Match": ("The ETag of what is to change, as it was read.", {"type": "string"}),
    "If-None-Match": ("The ETag that is known already, or * to create only.", {"type": "string"}),
}
_ANSWERS = {200: "As asked", 201: "Recorded"}


def document() -> Response:
    """The description as JSON."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]  # the proxy would not be the same twice
    return Response(_text(app), mimetype="application/json")


@cache
def _text(app: Flask) -> str:
    return json.dumps(describe(app))


def describe(app: Flask) -> dict[str, Any]:
    """The whole description."""
    operations = list(_operations(app))
    paths: dict[str, dict[str, Any]] = {}
    for rule, method, operation in operations:
        paths.setdefault(_path(rule), {})[method.lower()] = _operation(rule, method, operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Tillbook",
            "version": "1",
            "description": "Record purchases exactly once, and keep one record per customer.",
        },
        "paths": paths,
        "components": {
            "schemas": _schemas([operation for _, _, operation in operations]),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "description": "till_…"}},
        },
        "security": [{"token": []}],
    }


def _operations(app: Flask) -> Iterator[tuple[Rule, str, Operation]]:
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule):
        if rule.endpoint.startswith("api."):
            for method in _METHODS:
                if method in (rule.methods or ()):
                    yield rule, method, OPERATIONS[rule.endpoint]


def _path(rule: Rule) -> str:
    return _ID.sub("{id}", rule.rule)


def _operation(rule: Rule, method: str, operation: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": rule.endpoint.removeprefix("api."),
        "summary": operation.summary,
        "parameters": [*_path_parameters(rule), *_header_parameters(operation), *_query_parameters(operation)],
        "responses": _responses(rule, operation),
    }
    if operation.takes:
        described["requestBody"] = _request_body(operation)
    if operation.is_open:
        described["security"] = []
    elif operation.scope:
        described["security"] = [{"token": [operation.scope]}]
    return described


def _path_parameters(rule: Rule) -> Iterator[dict[str, Any]]:
    if found := _ID.search(rule.rule):
        yield {"name": "id", "in": "path", "required": True, "schema": id_schema(_PREFIXES[found[1]])}


def _header_parameters(operation: Operation) -> Iterator[dict[str, Any]]:
    for name in operation.headers:
        description, schema = _HEADERS[name]
        yield {"name": name, "in": "header", "description": description, "schema": schema}


def _query_parameters(operation: Operation) -> Iterator[dict[str, Any]]:
    if operation.query is None:
        return
    for name, schema in operation.query.model_json_schema()["properties"].items():
        at_least = {"minLength": 1} if schema["type"] == "string" and "enum" not in schema else {}
        yield {"name": name, "in": "query", "schema": _tidy(schema) | at_least}


def _request_body(operation: Operation) -> dict[str, Any]:
    refs = [{"$ref": _COMPONENT.format(model=schema.__name__)} for schema in operation.takes]
    schema = refs[0] if len(refs) == 1 else {"oneOf": refs}
    return {"required": not operation.body_is_optional, "content": {"application/json": {"schema": schema}}}


def _responses(rule: Rule, operation: Operation) -> dict[str, Any]:
    responses: dict[str, Any] = {}
    for status, answer in operation.gives.items():
        content: dict[str, Any] = {"application/json": {"schema": {"$ref": _COMPONENT.format(model=answer.__name__)}}}
        if operation.also_gives_csv:
            content["text/csv"] = {"schema": {"type": "string"}}
        responses[str(status)] = {"description": _ANSWERS[status], "content": content}
    if operation.is_open:
        return {"200": {"description": _ANSWERS[200], "content": {"application/json": {"schema": {"type": "object"}}}}}
    if "If-None-Match" in operation.headers and 200 in operation.gives and "GET" in (rule.methods or ()):
        responses["304"] = {"description": "Nothing has changed"}
    for status, names in _problems(rule, operation).items():
        titles = ". ".join(PROBLEMS[name].title for name in names)
        problem = {"schema": {"$ref": _COMPONENT.format(model=ProblemAnswer.__name__)}}
        responses[str(status)] = {"description": titles, "content": {MIMETYPE: problem}}
    if operation.query:
        # Told by the server in front of the app, in its own words.
        responses["414"] = {"description": "The address is too long", "content": {"text/plain": {}}}
    return responses


def problems_of(rule: Rule, operation: Operation) -> list[str]:
    """The names of the problems that an operation may answer with."""
    names = ["bad-request", "unauthenticated", "too-many-requests", "busy"]
    names += ["missing-scope"] if operation.scope else []
    names += ["not-found"] if _ID.search(rule.rule) else []
    names += ["token-in-address", "method-not-allowed", "too-large"]
    names += ["malformed-json", "unsupported-media-type"] if operation.takes else []
    names += ["validation"] if operation.takes or operation.query else []
    return [*names, *operation.refuses]


def _problems(rule: Rule, operation: Operation) -> dict[int, list[str]]:
    by_status: dict[int, list[str]] = {}
    for name in problems_of(rule, operation):
        by_status.setdefault(PROBLEMS[name].status, []).append(name)
    return dict(sorted(by_status.items()))


def _schemas(operations: list[Operation]) -> dict[str, Any]:
    taken = {schema for operation in operations for schema in operation.takes}
    given = {schema for operation in operations for schema in operation.gives.values()} | {ProblemAnswer}
    wanted: list[Any] = [(schema, "validation") for schema in sorted(taken, key=lambda schema: schema.__name__)]
    wanted += [(schema, "serialization") for schema in sorted(given, key=lambda schema: schema.__name__)]
    _, definitions = models_json_schema(wanted, ref_template=_COMPONENT)
    return {name: _tidy(schema) for name, schema in definitions["$defs"].items()}


def _tidy(schema: Any) -> Any:
    """Without the titles that pydantic makes of names, and the nulls that stand for nothing given."""
    if isinstance(schema, list):
        return [_tidy(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        name: _tidy(part) if name != "properties" else {field: _tidy(value) for field, value in part.items()}
        for name, part in schema.items()
        if not (name == "title" and isinstance(part, str)) and not (name == "default" and part in (None, ""))
    }
