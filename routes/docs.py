"""Pages for those who write to the API: what it takes and gives, and what its problems mean."""

import inspect
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from http import HTTPStatus
from typing import Any, NamedTuple
from urllib.parse import urljoin

from flask import Blueprint, Flask, abort, current_app, render_template, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup, escape

from routes.api import examples
from routes.api.examples import STORY, Example, shown
from routes.api.openapi import describe, problems_of
from routes.api.problem_types import PROBLEMS
from routes.api.room import BODY_MAX, OPERATIONS, Operation
from schemas.bodies import BATCH_MAX
from schemas.filters import PAGE_SIZE, PAGE_SIZE_MAX

bp = Blueprint("docs", __name__)

_SUBJECTS = {
    "purchases": "Purchases",
    "customers": "Customers",
    "actions": "Taking back",
    "reports": "Reports",
    "": "The API itself",
}
"""By what stands behind /api/v1/ in the address."""
_SCOPES = {
    "purchases:read": "list and show purchases",
    "purchases:write": "record, change and void purchases",
    "customers:read": "list and show customers and their history",
    "customers:write": "keep, change, merge and split customers, and take back what was done",
    "reports:read": "read the reports",
}
_MEANINGS = {
    "item": "what was bought",
    "customer": "who bought it",
    "customer_id": "a customer whose id you know",
    "reference": "your own customer number",
    "amount": "what was paid for all of it",
    "unit_price": "what was paid for one",
    "external_id": "your own number for the purchase, used once in a shop",
    "purchases": "each with the fields of a purchase or a sentence, and an `idempotency_key` of its own",
    "purchase_ids": "of this customer",
    "from_customer_id": "who is merged into the customer of the address",
    "reason": "shown with the purchase",
    "validate_only": "check everything and store nothing",
    "all_or_nothing": "store none if one is refused",
    "cursor": "from the `next` of the page before",
    "q": "part of it",
    "recorded_since": "recorded then or later",
    "updated_since": "changed then or later",
    "from": "the first day",
    "to": "the last day",
}
"""What a field or parameter is, where its name does not say it."""
_EXAMPLES = {
    "date": "2026-11-20",
    "date-time": "2026-11-21T09:15:04Z",
    "^[A-Z]{3}$": "USD",
    r"^[0-9]{1,10}(\.[0-9]{1,2})?$": "15.50",
}
_KINDS = {
    "string": "text",
    "integer": "whole number",
    "boolean": "true or false",
    "array": "list",
    "object": "object",
    "date": "day",
    "date-time": "instant",
    "email": "e-mail address",
}
_ID = re.compile(r"\^(?P<prefix>[a-z]{3})_")


class Field(NamedTuple):
    """A field of a body, or a parameter of a request."""

    name: str
    kind: str
    rule: str
    is_required: bool
    place: str = ""
    """Where a parameter stands: path, query or header."""


class Body(NamedTuple):
    """What is sent, with its fields; those of an object inside have a dot in their names."""

    about: str
    fields: Sequence[Field]


class Shown(NamedTuple):
    """An operation as it is shown."""

    id: str
    method: str
    path: str
    operation: Operation
    about: str
    parameters: Sequence[Field]
    bodies: Sequence[Body]
    """One of these is sent."""
    answers: Sequence[tuple[str, str]]
    """Status, and what is answered."""
    problems: Sequence[str]
    examples: Sequence[Example]


class Manual(NamedTuple):
    """Everything that is on the page."""

    subjects: Mapping[str, Sequence[Shown]]
    problems: Sequence[str]
    """Those that any operation may answer with."""


@bp.get("/api/docs")
def api() -> ResponseReturnValue:
    app = current_app._get_current_object()  # type: ignore[attr-defined]  # the proxy would not be the same twice
    refusal = examples.of_problem("validation")[0]
    limits = {"body": BODY_MAX, "batch": BATCH_MAX, "page": PAGE_SIZE, "page_max": PAGE_SIZE_MAX}
    # Not the Host of the request: whoever follows the example sends a token there.
    root = app.config["BASE_URL"] or request.root_url
    first = urljoin(root, url_for("api.record"))
    return render_template(
        "docs/api.html", manual=_manual(app), first=first, scopes=_SCOPES, refusal=refusal, limits=limits
    )


@bp.get("/problems")
def problems() -> ResponseReturnValue:
    return render_template("docs/problems.html", names=_by_status(PROBLEMS))


@bp.get("/problems/<name>")
def problem(name: str) -> ResponseReturnValue:
    found = PROBLEMS.get(name) or abort(404)
    return render_template("docs/problem.html", problem=found, examples=examples.of_problem(name))


@bp.context_processor
def _what_all_pages_show() -> dict[str, Any]:
    return {"problem_types": PROBLEMS, "shown": shown, "is_wide": _is_wide, "phrase": _phrase}


@bp.app_template_filter("code")
def _code(text: str) -> Markup:
    """Text with what stands in `backticks` as code."""
    return Markup(re.sub("`([^`]+)`", r"<code>\1</code>", str(escape(text))))  # noqa: S704  (escaped right here)


_NARROWEST = 30


def _is_wide(text: str) -> bool:
    """Whether a block of code scrolls on the narrowest screens, and so has to take the focus."""
    return any(len(line) > _NARROWEST for line in text.split("\n"))


def _phrase(status: int) -> str:
    return "Unprocessable Content" if status == 422 else HTTPStatus(status).phrase  # renamed by RFC 9110


def operation_of(app: Flask, example: Example) -> str | None:
    """The endpoint that is asked; None when no such thing can be done."""
    path = shown(example.path).partition("?")[0]
    adapter = app.url_map.bind("localhost")
    return str(adapter.match(path, example.method)[0]) if adapter.test(path, example.method) else None


@cache
def _manual(app: Flask) -> Manual:
    described = describe(app)
    rules = {rule.endpoint: rule for rule in app.url_map.iter_rules()}
    parts = {
        f"api.{part['operationId']}": (path, method, part)
        for path, methods in described["paths"].items()
        for method, part in methods.items()
    }
    subjects: dict[str, list[Shown]] = {title: [] for title in _SUBJECTS.values()}
    general: dict[str, None] = {}
    # In the order in which they stand in the code, which begins with what matters most.
    for endpoint, operation in OPERATIONS.items():
        names = problems_of(rules[endpoint], operation)
        own = [name for name in names if name in (*operation.refuses, "validation", "not-found")]
        general |= dict.fromkeys(name for name in names if name not in own)
        path, method, part = parts[endpoint]
        subjects[_subject(path)].append(
            Shown(
                id=part["operationId"].replace("_", "-"),
                method=method.upper(),
                path=path,
                operation=operation,
                about=_doc(operation.query) if operation.query else "",
                parameters=[_parameter(one) for one in part["parameters"]],
                bodies=list(_bodies(part, described["components"]["schemas"], is_edit=method == "patch")),
                answers=list(_answers(part["responses"], operation)),
                problems=_by_status(own),
                examples=[one for one in STORY if one.status < 400 and operation_of(app, one) == endpoint],
            )
        )
    return Manual(subjects, _by_status(general | {"broken": None}))


def _by_status(names: Iterable[str]) -> list[str]:
    return sorted(names, key=lambda name: PROBLEMS[name].status)


def _subject(path: str) -> str:
    begin = path.removeprefix("/api/v1").strip("/").partition("/")[0]
    return _SUBJECTS.get(begin, _SUBJECTS[""])


def _doc(described: type) -> str:
    return " ".join((inspect.getdoc(described) or "").split())


def _answers(responses: Mapping[str, Any], operation: Operation) -> Iterator[tuple[str, str]]:
    for status in responses:
        if int(status) < 400:
            given = operation.gives.get(int(status))
            yield status, (_doc(given) if given else "") or responses[status]["description"]


def _bodies(part: Mapping[str, Any], schemas: Mapping[str, Any], *, is_edit: bool) -> Iterator[Body]:
    if "requestBody" not in part:
        return
    schema = part["requestBody"]["content"]["application/json"]["schema"]
    for one in schema.get("oneOf", [schema]):
        body = _resolved(one, schemas)
        fields = list(_fields(body, schemas, has_defaults=not is_edit))  # what is left out of an edit is kept
        yield Body(" ".join(body.get("description", "").split()), fields)


def _fields(
    schema: Mapping[str, Any], schemas: Mapping[str, Any], *, has_defaults: bool, before: str = ""
) -> Iterator[Field]:
    for name, part in schema.get("properties", {}).items():
        inner, is_nullable = _without_null(part)
        inner = _resolved(inner, schemas)
        rule = _sentence(_rules(name, inner, has_default=has_defaults))
        yield Field(before + name, _kind(inner, is_nullable), rule, name in schema.get("required", ()))
        if not _is_money(inner):
            yield from _fields(inner, schemas, has_defaults=has_defaults, before=f"{before}{name}.")


def _resolved(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = schemas[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    return found


def _parameter(described: Mapping[str, Any]) -> Field:
    schema, is_nullable = _without_null(described["schema"])
    name, said = described["name"], described.get("description")
    rule = said or ". ".join(filter(None, (_sentence(_rules(name, schema)), schema.get("description"))))
    return Field(name, _kind(schema, is_nullable), rule, described.get("required", False), described["in"])


def _without_null(schema: Mapping[str, Any]) -> tuple[Mapping[str, Any], bool]:
    """What it is when it is not null, and whether it may be null."""
    kinds = schema.get("type")
    if isinstance(kinds, list):
        return {**schema, "type": next(kind for kind in kinds if kind != "null")}, "null" in kinds
    others = [one for one in schema.get("anyOf", []) if one.get("type") != "null"]
    if not others:
        return schema, False
    return {**{name: value for name, value in schema.items() if name != "anyOf"}, **others[0]}, True


def _kind(schema: Mapping[str, Any], is_nullable: bool) -> str:
    if _is_money(schema):
        kind = "money"
    elif _ID.match(schema.get("pattern", "")):
        kind = "id"
    else:
        kind = _KINDS.get(schema.get("format", "")) or _KINDS[schema["type"]]
    return f"{kind} or null" if is_nullable else kind


def _is_money(schema: Mapping[str, Any]) -> bool:
    return schema.get("properties", {}).keys() == {"amount", "currency"}


def _rules(name: str, schema: Mapping[str, Any], *, has_default: bool = True) -> Iterator[str]:
    if name in _MEANINGS:
        yield _MEANINGS[name]
    if "enum" in schema:
        yield ", ".join(f"`{choice}`" for choice in schema["enum"])
    yield from _range(schema)
    yield from _form(schema)
    if has_default and (default := schema.get("default")) is not None:
        yield f"otherwise `{default if isinstance(default, str) else json.dumps(default)}`"


def _range(schema: Mapping[str, Any]) -> Iterator[str]:
    for least, most, unit in (
        ("minimum", "maximum", ""),
        ("minLength", "maxLength", " characters"),
        ("minItems", "maxItems", ""),
    ):
        if most in schema:
            begin = f"{schema[least]:,} to" if schema.get(least) else "up to"
            yield f"{begin} {schema[most]:,}{unit}"


def _form(schema: Mapping[str, Any]) -> Iterator[str]:
    pattern = schema.get("pattern", "")
    if found := _ID.match(pattern) or _ID.match(schema.get("items", {}).get("pattern", "")):
        yield f"like `{found['prefix']}_01h455vb4pex5vsknk084sn02q`"
    elif example := _EXAMPLES.get(pattern) or _EXAMPLES.get(schema.get("format", "")):
        yield f"like `{example}`"
    elif "examples" in schema:
        yield f"like `{schema['examples'][0]}`"


def _sentence(parts: Iterable[str]) -> str:
    text = "; ".join(part.rstrip(".") for part in parts)
    return text[:1].upper() + text[1:] if not text.startswith("`") else text
