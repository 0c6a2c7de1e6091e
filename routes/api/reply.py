"""How the API reads and answers: bodies, queries, conditions, pages."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar
from urllib.parse import urlencode

from flask import Response, request
from pydantic import BaseModel

from routes.api.problems import QueryRefused, Refusing
from routes.reading import json_body, optional_json_body, shop_rules
from schemas.filters import PageQuery, judge_query
from schemas.problems import Problem, Refused, Schema, judge
from services.paging import BadCursor, Page, Position

S = TypeVar("S", bound=Schema)
T = TypeVar("T")


def body(schema: type[S]) -> S:
    """The body as a `schema`. Raises Refused."""
    return judge(schema, json_body(), shop_rules())


def optional_body(schema: type[S]) -> S:
    return judge(schema, optional_json_body(), shop_rules())


def query(schema: type[S]) -> S:
    """The query of the address as a `schema`. Raises QueryRefused."""
    try:
        return judge_query(schema, dict(request.args.lists()), shop_rules())
    except Refused as refused:
        raise QueryRefused(refused.problems) from None


def refuse_parameters(*names: str, because: str) -> None:
    """Raises QueryRefused for those that are given."""
    given = [name for name in names if name in request.args]
    if given:
        raise QueryRefused([Problem((name,), "unknown_field", because) for name in given])


def reply(answer: BaseModel, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(_json(answer), status, dict(headers or {}), mimetype="application/json")


def single(answer: BaseModel, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """One resource with its ETag; 304 to who has it already."""
    response = reply(answer, status, headers)
    response.set_etag(_tag(answer))
    if request.method in ("GET", "HEAD"):
        check_condition(answer)  # Werkzeug would answer 412 with the whole of it
        response.make_conditional(request)
    return response


def check_condition(answer: BaseModel) -> None:
    """Refuses what is not as the caller saw it (If-Match)."""
    wanted = request.if_match
    if "If-Match" in request.headers and not wanted.star_tag and not wanted.contains(_tag(answer)):
        raise Refusing("precondition-failed", "It was changed since you read it. Nothing was changed now.")


def position(asked: PageQuery) -> Position:
    """Where the page begins. Raises BadCursor for the cursor of another list or of other filters."""
    if asked.cursor is None:
        return Position()
    list_id, _, after = asked.cursor.partition(".")
    if list_id != _list_id():
        raise BadCursor("The cursor is of other filters")
    return Position(after=after)


def page(
    found: Page[T], of: type[BaseModel], answers: Callable[[Sequence[T]], Sequence[BaseModel]] | Sequence[BaseModel]
) -> Response:
    """One page of a list, and the address of the next."""
    items = answers(found.rows) if callable(answers) else answers
    if found.after is None:
        return reply(of(items=items))
    asked = request.args.to_dict() | {"cursor": f"{_list_id()}.{found.after}"}
    address = f"{request.script_root}{request.path}?{urlencode(asked)}"
    return reply(of(items=items, next=address), headers={"Link": f'<{address}>; rel="next"'})


def _list_id() -> str:
    """The same for the same list, filters and order."""
    filters = {name: value for name, value in request.args.items() if name not in ("limit", "cursor")}
    return hashlib.sha256(f"{request.path}?{urlencode(sorted(filters.items()))}".encode()).hexdigest()[:12]


def _json(answer: BaseModel) -> str:
    return answer.model_dump_json(by_alias=True)


def _tag(answer: BaseModel) -> str:
    return hashlib.sha256(_json(answer).encode()).hexdigest()[:32]
