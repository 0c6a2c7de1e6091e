"""Work that takes longer than a request: a thread of the worker, with a database session of its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore, Thread

import structlog
from flask import Flask, current_app
from sqlalchemy import exc
from sqlalchemy.exc import DBAPIError

from extensions import db
from models.dialect import is_passing
from schemas.table import TableError
from services import imports
from services.imports import Step
from services.refusals import Contention
from services.register import Overtaken

log = structlog.get_logger("tillbook")

_AT_ONCE = BoundedSemaphore(2)
"""In each worker."""
_BEAT_SECONDS = 10
_BUSY = "Tillbook was busy. Nothing was stored: try again"
_BROKEN = "Something broke on our side. Nothing was stored: try again"


def start(step: Step) -> None:
    """Checks or records an import from here on. What has begun must be committed already."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]  # the app itself, for another thread
    # Nobody waits for it when the worker stops: what it did is rolled back then, and the page tells so.
    Thread(target=_run, args=(app, step), daemon=True).start()


def _run(app: Flask, step: Step) -> None:
    with app.app_context(), _turn(step):
        fault = _carry_out(step)
        if fault:
            db.session.rollback()
            _note(step, fault)
        imports.forget(step)


@contextmanager
def _turn(step: Step) -> Iterator[None]:
    """Waits for one's turn: each takes a core and two connections, and pages need some, too."""
    while not _AT_ONCE.acquire(timeout=_BEAT_SECONDS):
        imports.tell(step, 0, 0)
    try:
        yield
    finally:
        _AT_ONCE.release()


def _carry_out(step: Step) -> str | None:
    """Why nothing was stored, if nothing was."""
    try:
        imports.carry_out(step)
        db.session.commit()
    except TableError as error:
        return str(error)
    except (Contention, exc.TimeoutError):
        return _BUSY
    except DBAPIError as error:
        if is_passing(error):
            return _BUSY
        log.exception("bug")
        return _BROKEN
    except Overtaken:
        db.session.rollback()
    except Exception:
        log.exception("bug")
        return _BROKEN
    return None


def _note(step: Step, fault: str) -> None:
    try:
        imports.give_up(step, fault)
        db.session.commit()
    except (DBAPIError, exc.TimeoutError) as error:  # the page finds out by the silence
        log.warning("busy", fault=type(error).__name__)
