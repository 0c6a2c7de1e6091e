"""How purchases are recorded that come in over the API: one by one, in batches, or singles that come together."""

from collections.abc import Container, Iterator, Sequence
from typing import Any, NamedTuple
from uuid import UUID

import structlog
from flask import g
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from extensions import db
from models import Purchase
from models.dialect import is_passing, took_too_long, waits_briefly
from routes.api import problems, room
from routes.api.problems import Refusing
from routes.reading import shop_rules
from schemas.answers import BatchResult, CapturedAnswer, CheckedAnswer, ProblemAnswer
from schemas.bodies import read_batched
from schemas.problems import Refused, ShopRules
from services.capture import Capture, Captured, capture_all
from services.purchase_values import as_recorded
from services.refusals import Contention, Refusal
from services.rollback import roll_back
from services.together import Apart, Together

log = structlog.get_logger("tillbook")


class Recorded(NamedTuple):
    answer: CapturedAnswer
    is_replay: bool


def check(wish: Capture) -> CheckedAnswer:
    """What recording would come to. Raises like `record`."""
    [captured] = _capture([wish])
    if isinstance(captured, Refusal):
        raise captured
    [purchase] = _as_recorded([captured])
    checked = CheckedAnswer.of_capture(purchase, captured.outcome, captured.changes, is_replay=captured.is_replay)
    roll_back()
    return checked


def record(wish: Capture) -> Recorded:
    """Records it for good, in one transaction with others that come by the same token at the same time.

    Raises a Refusal when a rule says no, Contention when others kept winning every race, Refusing when the token is in
    use no more.
    """
    recorded = _singles.ask((g.token.shop_id, g.token.id), wish)
    if isinstance(recorded, Refusal):
        raise recorded
    return recorded


def record_all(items: Sequence[Any]) -> list[BatchResult]:
    """Records a batch, which the caller commits. Raises Refusing like `record`."""
    rules = shop_rules()
    judged = [_judged(item, rules) for item in items]
    told = iter([_result(one) for one in _record([wish for wish in judged if isinstance(wish, Capture)])])
    return [next(told) if isinstance(wish, Capture) else _refused(wish) for wish in judged]


def kept_back(results: Sequence[BatchResult], gone: Container[str]) -> list[BatchResult]:
    """What is told of a batch when nothing is stored, neither what is `gone` with it."""
    told = [result.problem or problems.problem("not-stored") for result in results]
    return [_refused(problem) for problem in problems.after_rollback(told, gone)]


def _record_singles(wishes: Sequence[Capture]) -> list[Recorded | Refusal]:
    recorded = _record(wishes) if len(wishes) == 1 else _record_several(wishes)
    db.session.commit()
    return recorded


_singles: Together[tuple[int, UUID], Capture, Recorded | Refusal] = Together(_record_singles)


def _record_several(wishes: Sequence[Capture]) -> list[Recorded | Refusal]:
    """Raises Apart for what may be the matter with one of them only."""
    waits_briefly.set(True)
    try:
        return _record(wishes)
    except Exception as error:
        if _concerns_all(error):
            raise
        roll_back()
        # Without its text, which may tell of somebody: each who fails alone, too, is logged with the whole.
        log.warning("recorded-apart", fault=type(error).__name__, purchases=len(wishes))
        raise Apart from error
    finally:
        waits_briefly.set(False)


def _concerns_all(error: Exception) -> bool:
    """Whether each would meet it alone, too: the database is away, locked or full, others kept winning, or the token is
    in use no more.
    """
    if isinstance(error, DBAPIError):
        return is_passing(error) and not took_too_long(error)
    return isinstance(error, Contention | PoolTimeout | Refusing)


def _record(wishes: Sequence[Capture]) -> list[Recorded | Refusal]:
    results = _capture(wishes)
    answers = _answers([one for one in results if isinstance(one, Captured)])
    return [one if isinstance(one, Refusal) else next(answers) for one in results]


def _capture(wishes: Sequence[Capture]) -> list[Captured | Refusal]:
    results = capture_all(wishes, shop=g.viewer.shop, by=g.token, source="api", is_alone=True)
    room.confirm()  # at the end: who was overtaken began the transaction again
    return results


def _answers(captured: Sequence[Captured]) -> Iterator[Recorded]:
    """What was answered when each was recorded."""
    for one, purchase in zip(captured, _as_recorded(captured), strict=True):
        answer = CapturedAnswer.of_capture(purchase, one.customer, one.outcome, one.changes)
        yield Recorded(answer, one.is_replay)


def _as_recorded(captured: Sequence[Captured]) -> list[Purchase]:
    replayed = [one.purchase for one in captured if one.is_replay]
    first = as_recorded(replayed, g.viewer.shop_id) if replayed else {}
    return [first.get(one.purchase.id, one.purchase) for one in captured]


def _judged(item: Any, rules: ShopRules) -> Capture | ProblemAnswer:
    try:
        details, key = read_batched(item, rules)
    except Refused as refused:
        return problems.of_refused(refused)
    return Capture(details, key)


def _result(one: Recorded | Refusal) -> BatchResult:
    if isinstance(one, Refusal):
        return _refused(problems.of_refusal(one))
    return BatchResult(status=201, replayed=one.is_replay, purchase=one.answer)


def _refused(problem: ProblemAnswer) -> BatchResult:
    return BatchResult(status=problem.status, problem=problem)
