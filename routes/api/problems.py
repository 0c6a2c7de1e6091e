"""How the API says no."""

from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from flask import Response, g, request

from models import public_id
from models.public_id import CUSTOMER
from routes.api.problem_types import OF_STATUS, PROBLEMS
from schemas.answers import CandidateAnswer, ErrorAnswer, ProblemAnswer
from schemas.problems import Problem, Refused
from schemas.sentence import SentenceUnclear
from services import customers
from services.refusals import (
    AmbiguousCustomer,
    CannotMerge,
    CannotUndo,
    CustomerExists,
    CustomerMerged,
    CustomerUnclear,
    ExternalIdTaken,
    IdentityConflict,
    KeyReused,
    NothingToRepeat,
    Refusal,
    UnknownAction,
    UnknownCustomer,
    UnknownPurchase,
)

_ERRORS_SHOWN = 100
MIMETYPE = "application/problem+json"
_OF_REFUSAL: dict[type[Refusal], str] = {
    AmbiguousCustomer: "customer-ambiguous",
    IdentityConflict: "identity-conflict",
    ExternalIdTaken: "external-id-taken",
    KeyReused: "idempotency-key-reused",
    CustomerMerged: "customer-merged",
    CustomerExists: "precondition-failed",
    CannotMerge: "cannot-merge",
    CannotUndo: "cannot-undo",
}


class Refusing(Exception):
    """Ends a request with a problem."""

    def __init__(self, name: str, detail: str, headers: Iterable[tuple[str, str]] = (), **more: Any):
        super().__init__(detail)
        self.headers = headers
        self._told = name, detail, more

    @property
    def problem(self) -> ProblemAnswer:
        """With the number of the request that it is asked in: one may end several that came together."""
        name, detail, more = self._told
        return problem(name, detail, **more)


class QueryRefused(Exception):
    """The query of the address breaks rules."""

    def __init__(self, problems: list[Problem]):
        super().__init__("; ".join(found.message for found in problems))
        self.problems = problems


def problem(name: str, detail: str | None = None, **more: Any) -> ProblemAnswer:
    """A problem of PROBLEMS; `more` are members of its own."""
    kind = PROBLEMS[name]
    return ProblemAnswer(
        type=kind.address(name),
        title=kind.title,
        status=kind.status,
        detail=detail or kind.fix,
        request_id=g.request_id,
        **more,
    )


def answer(found: ProblemAnswer, headers: Iterable[tuple[str, str]] = ()) -> Response:
    # ASCII, because a refused field may hold half characters that no UTF-8 can carry.
    body = found.model_dump_json(ensure_ascii=True)
    return Response(body, found.status, list(headers), mimetype=MIMETYPE)


def of_http(status: int, description: str | None) -> ProblemAnswer:
    """Of what the server itself refuses."""
    name = OF_STATUS.get(status, "bad-request")
    kind = PROBLEMS[name]
    if kind.status != status:
        return ProblemAnswer(
            type="about:blank",
            title="The request was refused",
            status=status,
            detail=description or "",
            request_id=g.request_id,
        )
    return problem(name, f"{kind.cause} {kind.fix}")


def after_rollback(found: Sequence[ProblemAnswer], gone: Container[str]) -> list[ProblemAnswer]:
    """The same problems, telling of candidates as they are again, and of no purchase that is `gone`."""
    ids = {candidate.id for one in found for candidate in one.candidates or ()}
    decoded = [public_id.decode(CUSTOMER, text) for text in ids]
    there = customers.find_summaries(g.viewer.shop_id, decoded, None)
    known = {one.customer.public_id: CandidateAnswer.of_summary(*one) for one in there}
    return [_as_it_is_again(one, known, gone) for one in found]


def _as_it_is_again(found: ProblemAnswer, known: Mapping[str, CandidateAnswer], gone: Container[str]) -> ProblemAnswer:
    members = dict(found)
    members["candidates"] = [known[one.id] for one in found.candidates or () if one.id in known] or None
    if members.get("purchase_id") in gone:
        del members["purchase_id"]
        members["detail"] = "The same key was given twice in this batch, with other content. Nothing was stored."
    return ProblemAnswer(**members)


def of_refused(refused: Refused) -> ProblemAnswer:
    """Of a body that breaks rules, with a pointer to each field."""
    more: dict[str, Any] = {}
    if isinstance(refused, SentenceUnclear):
        more = {"choices": [choice._asdict() for choice in refused.choices]} if refused.choices else {}
    return _validation([_error(found, pointer=_pointer(found)) for found in refused.problems], **more)


def of_query(refused: QueryRefused) -> ProblemAnswer:
    return _validation([_error(found, parameter=found.field) for found in refused.problems], "parameter")


def of_refusal(refusal: Refusal) -> ProblemAnswer:
    """Of a rule of the domain that says no."""
    if isinstance(refusal, NothingToRepeat):
        return of_refused(refusal.refused)
    if isinstance(refusal, UnknownPurchase):
        return problem("not-found", "Not all of the purchases that were given are this customer's. Nothing was stored.")
    if isinstance(refusal, UnknownCustomer | UnknownAction):
        return problem("not-found", "An id that was given is none of your shop's. Nothing was stored.")
    name = _OF_REFUSAL.get(type(refusal))
    if name is None:
        return _validation([ErrorAnswer(pointer=f"#/{refusal.field}", code=refusal.code, detail=refusal.message)])
    return problem(name, f"{refusal.message}. Nothing was stored.", **_members(refusal))


def nothing_stored() -> str:
    """What a caller who wanted to store something needs to know."""
    return "" if request.method in ("GET", "HEAD") else " Nothing was stored."


def _members(refusal: Refusal) -> dict[str, Any]:
    if isinstance(refusal, CustomerUnclear):
        shown = refusal.candidates[: refusal.SHOWN]
        found = refusal.told if refusal.told is not None else customers.summaries(shown, g.viewer.shop_id, None)
        return {"candidates": [CandidateAnswer.of_summary(*one) for one in found]}
    if isinstance(refusal, KeyReused):
        return {"purchase_id": refusal.purchase.public_id}
    if isinstance(refusal, CustomerMerged | CustomerExists):
        return {"customer_id": refusal.customer.public_id}
    return {}


def _validation(errors: list[ErrorAnswer], noun: str = "field", **more: Any) -> ProblemAnswer:
    what = f"1 {noun} needs a change" if len(errors) == 1 else f"{len(errors)} {noun}s need a change"
    return problem("validation", f"{what}.{nothing_stored()}", errors=errors[:_ERRORS_SHOWN], **more)


def _error(found: Problem, **where: str) -> ErrorAnswer:
    return ErrorAnswer(**where, code=found.code, detail=found.message)


def _pointer(found: Problem) -> str:
    """A JSON pointer as a fragment (RFC 6901, 6)."""
    return "#" + "".join(
        "/" + quote(part.replace("~", "~0").replace("/", "~1"), errors="replace") for part in found.path
    )
