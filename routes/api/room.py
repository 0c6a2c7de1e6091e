"""The API's blueprint: who gets in, what is the matter with what they send, and how each operation is described."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypeVar

from flask import Blueprint, Response, g, request
from flask.typing import ResponseReturnValue
from pydantic import BaseModel
from sqlalchemy.exc import DBAPIError
from werkzeug.exceptions import TooManyRequests

from extensions import csrf, db
from models import ApiToken
from models.dialect import is_passing
from routes.api import problems, rates
from routes.api.problems import QueryRefused, Refusing
from routes.reading import BadJson
from schemas.problems import Problem, Refused, Schema
from services import tokens
from services.paging import BadCursor
from services.refusals import Refusal
from services.rollback import aside, roll_back
from services.together import Together

bp = Blueprint("api", __name__, url_prefix="/api/v1")
csrf.exempt(bp)  # no cookie is looked at, so nothing can be forged

BODY_MAX = 1_000_000

View = TypeVar("View", bound=Callable[..., ResponseReturnValue])


@dataclass(frozen=True)
class Operation:
    """What an operation takes and gives: what its token is asked for, and what OpenAPI tells."""

    summary: str
    scope: str | None = None
    """None: any token will do."""
    takes: tuple[type[Schema], ...] = ()
    """The body: one of these."""
    body_is_optional: bool = False
    query: type[Schema] | None = None
    gives: Mapping[int, type[BaseModel]] = field(default_factory=dict)
    refuses: tuple[str, ...] = ()
    """Problems of its own, beside those that every operation may answer with."""
    headers: tuple[str, ...] = ()
    """Request headers that matter to it."""
    is_open: bool = False
    """Needs no token."""
    confirms_token: bool = False
    """Makes sure of its token in the transaction that it makes: until then, one found within a second will do."""
    also_gives_csv: bool = False


OPERATIONS: dict[str, Operation] = {}
"""By endpoint."""


def operation(summary: str, **described: Any) -> Callable[[View], View]:
    """Describes a view of this blueprint."""

    def describe(view: View) -> View:
        OPERATIONS[f"{bp.name}.{view.__name__}"] = Operation(summary, **described)
        return view

    return describe


@bp.before_request
def _admit() -> ResponseReturnValue | None:
    request.max_content_length = BODY_MAX
    wanted = OPERATIONS[str(request.endpoint)]
    if wanted.is_open:
        _refuse_token_in_address()
        return None
    # Before the database is asked: on SQLite, who may write holds the lock from then on, and the network may be slow.
    request.get_data()
    admit(may_be_recent=wanted.confirms_token)
    g.rate = rates.count(str(g.token.id))
    if g.rate.is_exceeded:
        raise TooManyRequests
    if request.args and wanted.query is None:
        advice = "There are no parameters here. Leave it out"
        raise QueryRefused([Problem((name,), "unknown_field", advice) for name in request.args])
    if wanted.scope is not None:
        demand(wanted.scope)
    return None


def demand(scope: str) -> None:
    """Raises Refusing when the token does not go as far."""
    if scope not in g.token.scopes:
        raise Refusing("missing-scope", f"The token needs the scope {scope}.", scope=scope)


def admit(*, may_be_recent: bool = False) -> ApiToken:
    """Notes who asks, in `g.viewer` and `g.token`. Raises Refusing for nobody."""
    _refuse_token_in_address()
    token = _token(may_be_recent)
    if token is None:
        raise _unauthenticated()
    g.token, g.viewer = token, token.user
    return token


def confirm() -> None:
    """Makes sure that the token still is in use, as the transaction sees it. Raises Refusing."""
    if not tokens.is_in_use(g.token):
        raise _unauthenticated()


def _unauthenticated() -> Refusing:
    return Refusing(
        "unauthenticated",
        "Send a token that is in use: Authorization: Bearer till_….",
        [("WWW-Authenticate", 'Bearer realm="Tillbook"')],
    )


def _refuse_token_in_address() -> None:
    if tokens.holds_token(f"{request.path}?{request.query_string.decode(errors='replace')}"):
        raise Refusing("token-in-address", "Revoke this token: an address is no secret. Send tokens in a header.")


def is_asked() -> bool:
    """Whether the request is for the API, also for what is not there."""
    return request.path.startswith(f"{bp.url_prefix}/") or request.path == bp.url_prefix


def _token(may_be_recent: bool) -> ApiToken | None:
    kind, _, given = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "bearer":
        return None
    text = given.strip()
    token = _found_in(int(time.monotonic()), text) if may_be_recent else _tokens.ask(text, text)
    if token and tokens.needs_mark(token):
        _mark(token)
    return token


def _find_token(texts: Sequence[str]) -> list[ApiToken | None]:
    """Of one text, for all who send it at the same time."""
    with aside(only_reads=True):
        return [tokens.find(texts[0])] * len(texts)


_tokens: Together[str, str, ApiToken | None] = Together(_find_token)


@lru_cache(maxsize=100)
def _found_in(_second: int, text: str) -> ApiToken | None:
    return _tokens.ask(text, text)


def _mark(token: ApiToken) -> None:
    with aside(only_reads=False):
        try:
            tokens.mark_used(token)
            db.session.commit()
        except DBAPIError as error:
            if not is_passing(error):
                raise
            # Somebody else holds the database: the next readers need not wait for a note.
            tokens.leave_unmarked(token)


@bp.after_request
def _may_be_kept(response: Response) -> Response:
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers["Vary"] = "Authorization, Accept"
    if "rate" in g:
        response.headers["RateLimit-Limit"] = str(g.rate.limit)
        response.headers["RateLimit-Remaining"] = str(g.rate.remaining)
        response.headers["RateLimit-Reset"] = str(g.rate.seconds)
        if g.rate.is_exceeded:
            response.headers["Retry-After"] = str(g.rate.seconds)
    return response


def refusing(error: Refusing) -> ResponseReturnValue:
    return _nothing_stored(problems.answer(error.problem, error.headers))


bp.register_error_handler(Refusing, refusing)


@bp.errorhandler(Refused)
def _refused(error: Refused) -> ResponseReturnValue:
    return _nothing_stored(problems.answer(problems.of_refused(error)))


@bp.errorhandler(QueryRefused)
def _query_refused(error: QueryRefused) -> ResponseReturnValue:
    return _nothing_stored(problems.answer(problems.of_query(error)))


@bp.errorhandler(Refusal)
def _refusal(error: Refusal) -> ResponseReturnValue:
    return _nothing_stored(problems.answer(problems.of_refusal(error)))


@bp.errorhandler(BadCursor)
def _bad_cursor(_: BadCursor) -> ResponseReturnValue:
    return problems.answer(problems.problem("bad-cursor"))


@bp.errorhandler(BadJson)
def _bad_json(error: BadJson) -> ResponseReturnValue:
    return problems.answer(problems.problem("malformed-json", error.description))


def _nothing_stored(response: Response) -> Response:
    roll_back()
    return response
