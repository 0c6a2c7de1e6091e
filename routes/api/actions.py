"""Taking back what was done."""

from uuid import UUID

from flask import abort, g
from flask.typing import ResponseReturnValue

from extensions import db
from routes import security_log
from routes.api import reply
from routes.api.room import bp, demand, operation
from schemas.answers import UndoneAnswer
from services import undoing


@bp.post("/actions/<action_id:id>/undo")
@operation(
    "Take back a merge, a split or another action of the history, as a whole",
    gives={200: UndoneAnswer},
    refuses=("cannot-undo", "missing-scope"),
)
def undo(id: UUID) -> ResponseReturnValue:
    undone = undoing.find(g.viewer.shop_id, id) or abort(404)
    demand("purchases:write" if undoing.is_of_purchase(undone) else "customers:write")
    action = undoing.undo(id, shop=g.viewer.shop, by=g.token)
    answer = UndoneAnswer.of(action, id)
    db.session.commit()
    security_log.note_undoing(action)
    return reply.reply(answer)
