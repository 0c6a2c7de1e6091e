"""Events that matter to security: one line each, by ids and never by names (ASVS 16.3)."""

import sys
from http import HTTPStatus
from typing import Any

import structlog
from flask import Flask, Response, g, request

from models import Action, User
from services import undoing

log = structlog.get_logger("tillbook")

# By endpoint: done when the answer is no refusal. What ends in several ways is noted by its route.
_EVENTS = {
    "auth.logout": "signed-out",
    "tokens.make": "token-made",
    "tokens.revoke": "token-revoked",
    "api.merge": "customers-merged",
    "corrections.void": "purchase-voided",
    "corrections.undo_recording": "purchase-voided",
    "api.void_purchase": "purchase-voided",
    "corrections.restore": "purchase-restored",
    "api.restore_purchase": "purchase-restored",
}
# By the kind of action that is taken back.
_UNDOINGS = {"void": "purchase-restored", "restore": "purchase-voided", "merge": "merge-taken-back"}
_REFUSED = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS}


def register(app: Flask) -> None:
    app.after_request(_note_answer)


def note(event: str, user: User | None = None) -> None:
    """`user` is whom it is about, if that is not who asks."""
    _write(log, event, user or g.viewer)


def note_undoing(action: Action) -> None:
    undone = undoing.find(action.shop_id, action.undoes_id) if action.undoes_id else None
    if undone and undone.kind in _UNDOINGS:
        note(_UNDOINGS[undone.kind])


def note_by_operator(event: str, user: User | None = None) -> None:
    """What was done at a shell, where standard output is for the answer."""
    _write(structlog.wrap_logger(structlog.WriteLogger(sys.stderr)), event, user)


def _write(logger: Any, event: str, about: User | None) -> None:
    logger.info(
        event,
        is_security=True,
        shop_id=about.shop_id if about else None,
        user_id=about.id if about else None,
        token_id=g.token.public_id if "token" in g else None,
    )


def _note_answer(response: Response) -> Response:
    if event := _event(response):
        note(event)
    return response


def _event(response: Response) -> str | None:
    if response.status_code in _REFUSED:
        return "refused"
    if response.status_code >= HTTPStatus.BAD_REQUEST:
        return None
    return _EVENTS.get(request.endpoint or "") or ("exported" if response.mimetype == "text/csv" else None)
