"""Taking back what was done."""

from uuid import UUID

from flask import g
from flask.typing import ResponseReturnValue

from extensions import db
from routes.api import reply
from routes.api.room import bp, operation
from schemas.answers import UndoneAnswer
from services import undoing


@bp.post("/actions/<action_id:id>/undo")
@operation(
    "Take back a merge, a split or another action of the history, as a whole",
    scope="customers:write",
    gives={200: UndoneAnswer},
    refuses=("cannot-undo",),
)
def undo(id: UUID) -> ResponseReturnValue:
    action = undoing.undo(id, shop=g.viewer.shop, by=g.token)
    answer = UndoneAnswer.of(action, id)
    db.session.commit()
    return reply.reply(answer)
