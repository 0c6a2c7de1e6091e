"""A page for each thing that can go wrong, which says what to do."""

import structlog
from flask import Flask, g, render_template, request
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from sqlalchemy import exc
from werkzeug.exceptions import HTTPException

from models.dialect import fault_code, is_passing
from routes.api import problems, room
from routes.kept import Kept, what_was_typed
from services.paging import BadCursor
from services.refusals import Contention
from services.rollback import roll_back

log = structlog.get_logger("tillbook")

_PAGES = {
    403: ("That was sent from another site", "Nothing was stored. Open the page here, and send it from there."),
    404: ("Page not found", "Check the address, or go on from here."),
    405: ("This page cannot be used that way", "Go on from here."),
    413: ("That was too much at once", "Nothing was stored. Go back and send less."),
    429: ("Too many tries", "Wait a minute, then try again."),
    503: ("Tillbook is busy", "Wait a moment, then try again."),
}
_ELSE = ("That did not work", "Go back, look over what was sent, and try again.")


def register(app: Flask) -> None:
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(problems.Refusing, room.refusing)
    app.register_error_handler(CSRFError, _forged_or_expired)
    app.register_error_handler(BadCursor, lambda _: _page(404))
    app.register_error_handler(exc.DBAPIError, lambda error: _busy(error) if is_passing(error) else _bug(error))
    for fault in (exc.TimeoutError, Contention):
        app.register_error_handler(fault, _busy)
    app.register_error_handler(Exception, _bug)


def _http_error(error: HTTPException) -> ResponseReturnValue:
    if error.response is not None or error.code is None or error.code < 400:
        return error  # a redirect made by the router
    headers = [(name, value) for name, value in error.get_headers() if name in ("Allow", "Retry-After", "Connection")]
    if room.is_asked():
        return problems.answer(problems.of_http(error.code, error.description), headers)
    body, status = _page(error.code)
    return body, status, headers


def why_refused(error: CSRFError) -> tuple[str, str]:
    """What is the matter with a form's token, and what to do."""
    if "referrer" in (error.description or ""):
        return "Your browser did not say where this came from", "Allow it to send the Referer header to this site"
    return "This page was open for too long", "Look it over and send it again"


def _forged_or_expired(error: CSRFError) -> ResponseReturnValue:
    what, advice = why_refused(error)
    return _page(400, what, f"Nothing was stored. {advice}.", kept=what_was_typed())


def _busy(error: Exception) -> ResponseReturnValue:
    roll_back()
    code = fault_code(error) if isinstance(error, exc.DBAPIError) else None
    log.warning("busy", fault=type(error).__name__, code=code)
    if room.is_asked():
        return problems.answer(problems.problem("busy"), [("Retry-After", "2")])
    body, status = _page(503, advice=_when_to_try_again(), kept=what_was_typed())
    return body, status, [("Retry-After", "2")]


def _when_to_try_again() -> str | None:
    if request.method in ("GET", "HEAD"):
        return None
    if request.endpoint == "purchases.record":
        return "Wait a moment, then send it again: it is recorded once, whatever became of it."
    # A connection that breaks while it commits leaves open whether it did.
    return "Wait a moment, look whether it was stored, then send it again."


def _bug(error: Exception) -> ResponseReturnValue:
    roll_back()
    log.error("bug", exc_info=error)
    if room.is_asked():
        return problems.answer(problems.problem("broken"))
    advice = f"Nothing was stored. Try again; if it happens again, report this number: {g.request_id}"
    return _page(500, "Something broke on our side", advice)


def _page(
    status: int, title: str | None = None, advice: str | None = None, kept: Kept | None = None
) -> tuple[str, int]:
    usual_title, usual_advice = _PAGES.get(status, _ELSE)
    told = {"title": title or usual_title, "advice": advice or usual_advice}
    return render_template("errors/kept.html" if kept else "errors/error.html", kept=kept, **told), status
