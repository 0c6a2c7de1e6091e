"""Recording purchases, one or many, and what becomes of them."""

from uuid import UUID

from flask import Response, abort, g, request
from flask.typing import ResponseReturnValue

from extensions import db
from routes.api import recording, reply
from routes.api.problems import Refusing
from routes.api.room import bp, operation
from routes.reading import json_body, shop_rules
from routes.streams import streamed
from schemas.answers import (
    BatchAnswer,
    CapturedAnswer,
    CheckedAnswer,
    HistoryEntry,
    HistoryPage,
    ParsedAnswer,
    PurchaseAnswer,
    PurchasePage,
    UpdateUndoneAnswer,
)
from schemas.bodies import (
    BatchBody,
    PurchaseBody,
    PurchaseEdit,
    SentenceBody,
    VoidBody,
    read_purchase,
)
from schemas.capture_key import read_key_header
from schemas.filters import BatchFlags, CaptureFlags, PageQuery, PurchaseQuery
from schemas.problems import Refused, judge
from schemas.purchase import PurchaseDetails
from schemas.sentence import read_sentence
from schemas.table import write_table
from services import editing, history, purchases, undoing
from services.capture import Capture
from services.purchases import Line
from services.rollback import roll_back

_CAPTURE_PROBLEMS = ("customer-ambiguous", "identity-conflict", "external-id-taken", "idempotency-key-reused")


@bp.post("/purchases")
@operation(
    "Record a purchase, exactly once",
    scope="purchases:write",
    takes=(PurchaseBody, SentenceBody),
    query=CaptureFlags,
    gives={201: CapturedAnswer, 200: CheckedAnswer},
    refuses=(*_CAPTURE_PROBLEMS, "malformed-idempotency-key", "not-found"),
    headers=("Idempotency-Key",),
    confirms_token=True,
)
def record() -> ResponseReturnValue:
    is_only_checked = reply.query(CaptureFlags).validate_only
    wish = Capture(read_purchase(json_body(), shop_rules()), _key())
    if is_only_checked:
        return reply.reply(recording.check(wish))
    recorded = recording.record(wish)
    headers = {"Location": f"{request.script_root}{request.path}/{recorded.answer.id}"}
    return reply.reply(recorded.answer, 201, headers | _replayed(recorded.is_replay))


@bp.post("/purchases/parse")
@operation(
    "Tell what a sentence means",
    scope="purchases:write",
    takes=(SentenceBody,),
    gives={200: ParsedAnswer},
)
def parse() -> ResponseReturnValue:
    rules = shop_rules()
    said = read_sentence(reply.body(SentenceBody).sentence, rules)
    return reply.reply(ParsedAnswer.of(judge(PurchaseDetails, said, rules)))


@bp.post("/purchases/batch")
@operation(
    "Record up to 1,000 purchases, each with its own key and result",
    scope="purchases:write",
    takes=(BatchBody,),
    query=BatchFlags,
    gives={200: BatchAnswer},
    refuses=("malformed-idempotency-key",),
    confirms_token=True,
)
def record_batch() -> ResponseReturnValue:
    is_all_or_nothing = reply.query(BatchFlags).all_or_nothing
    if "Idempotency-Key" in request.headers:
        raise Refusing("malformed-idempotency-key", "Give each purchase of a batch its own idempotency_key instead.")
    results = recording.record_all(reply.body(BatchBody).purchases)
    if is_all_or_nothing and any(result.problem for result in results):
        gone = {result.purchase.id for result in results if result.purchase and not result.replayed}
        roll_back()
        results = recording.kept_back(results, gone)
    else:
        db.session.commit()
    return reply.reply(BatchAnswer(stored=sum(result.problem is None for result in results), results=results))


@bp.get("/purchases")
@operation(
    "List purchases",
    scope="purchases:read",
    query=PurchaseQuery,
    gives={200: PurchasePage},
    refuses=("bad-cursor",),
    also_gives_csv=True,
)
def list_purchases() -> ResponseReturnValue:
    asked = reply.query(PurchaseQuery)
    if request.accept_mimetypes.best_match(["application/json", "text/csv"]) == "text/csv":
        reply.refuse_parameters("limit", "cursor", because="A table has all rows. Leave it out")
        return streamed(write_table(purchases.stream(g.viewer.shop_id, asked)))
    found = purchases.list_purchases(g.viewer.shop_id, asked, reply.position(asked), asked.limit)
    return reply.page(found, PurchasePage, [PurchaseAnswer.of(*line) for line in found.rows])


@bp.get("/purchases/<purchase_id:id>")
@operation("Show a purchase", scope="purchases:read", gives={200: PurchaseAnswer}, headers=("If-None-Match",))
def show_purchase(id: UUID) -> ResponseReturnValue:
    return reply.single(PurchaseAnswer.of(*_get(id)))


@bp.patch("/purchases/<purchase_id:id>")
@operation(
    "Change a purchase",
    scope="purchases:write",
    takes=(PurchaseEdit,),
    gives={200: PurchaseAnswer},
    refuses=("precondition-failed",),
    headers=("If-Match",),
)
def edit_purchase(id: UUID) -> ResponseReturnValue:
    edit = reply.body(PurchaseEdit)
    line = _get_to_change(id)
    editing.edit_purchase(line.purchase, edit.changed, by=g.token)
    return _changed(line)


@bp.post("/purchases/<purchase_id:id>/void")
@operation(
    "Take a purchase back; it stays on record",
    scope="purchases:write",
    takes=(VoidBody,),
    body_is_optional=True,
    gives={200: PurchaseAnswer},
    refuses=("precondition-failed",),
    headers=("If-Match",),
)
def void_purchase(id: UUID) -> ResponseReturnValue:
    reason = reply.optional_body(VoidBody).reason
    line = _get_with_customer(id)
    editing.void(line.purchase, reason, by=g.token)
    return _changed(line)


@bp.post("/purchases/<purchase_id:id>/restore")
@operation(
    "Let a voided purchase count again",
    scope="purchases:write",
    gives={200: PurchaseAnswer},
    refuses=("precondition-failed",),
    headers=("If-Match",),
)
def restore_purchase(id: UUID) -> ResponseReturnValue:
    line = _get_with_customer(id)
    editing.restore(line.purchase, by=g.token)
    return _changed(line)


@bp.post("/purchases/<purchase_id:id>/undo-update")
@operation(
    "Take back what recording a purchase changed on its customer",
    scope="customers:write",
    gives={200: UpdateUndoneAnswer},
    refuses=("cannot-undo",),
)
def undo_update(id: UUID) -> ResponseReturnValue:
    line = _get(id)
    action = undoing.undo_update(id, shop=g.viewer.shop, by=g.token)
    answer = UpdateUndoneAnswer.of(action, line.purchase, line.customer)
    db.session.commit()
    return reply.reply(answer)


@bp.get("/purchases/<purchase_id:id>/history")
@operation(
    "List what changed on a purchase",
    scope="purchases:read",
    query=PageQuery,
    gives={200: HistoryPage},
    refuses=("bad-cursor",),
)
def list_changes_of_purchase(id: UUID) -> ResponseReturnValue:
    asked = reply.query(PageQuery)
    found = history.of_purchase(_get(id).purchase, reply.position(asked), asked.limit)
    return reply.page(found, HistoryPage, [HistoryEntry.of(event.change, event.user) for event in found.rows])


def _get(id: UUID, *, is_to_change: bool = False) -> Line:
    """The shop's own purchase; a foreign one is as missing as one that never was."""
    return purchases.find(g.viewer.shop_id, id, is_to_change=is_to_change) or abort(404)


def _get_to_change(id: UUID) -> Line:
    line = _get(id, is_to_change=True)
    reply.check_condition(PurchaseAnswer.of(*line))
    return line


def _get_with_customer(id: UUID) -> Line:
    line = editing.find_with_customer(g.viewer.shop_id, id) or abort(404)
    reply.check_condition(PurchaseAnswer.of(*line))
    return line


def _changed(line: Line) -> Response:
    answer = PurchaseAnswer.of(*line)
    db.session.commit()
    return reply.single(answer)


def _key() -> str | None:
    given = request.headers.get("Idempotency-Key")
    if given is None:
        return None
    try:
        return read_key_header(given)
    except Refused as refused:
        raise Refusing("malformed-idempotency-key", f"{refused}. Nothing was stored.") from None


def _replayed(is_replay: bool) -> dict[str, str]:
    return {"Idempotent-Replayed": "true"} if is_replay else {}
