"""Whether the process is alive, and whether it can serve."""

from functools import cache
from pathlib import Path

from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Blueprint, Response, current_app, jsonify
from sqlalchemy.exc import SQLAlchemyError

from extensions import db

bp = Blueprint("health", __name__)


@bp.get("/healthz")
def alive() -> Response:
    return jsonify(status="alive")


@bp.get("/readyz")
def ready() -> tuple[Response, int]:
    """Ready when the database answers and its schema is the one that this code was written for."""
    fault = fault_of_database()
    return jsonify(status=fault or "ready"), 503 if fault else 200


def fault_of_database() -> str | None:
    """Why it cannot be worked with now; None when it can."""
    try:
        heads = MigrationContext.configure(db.session.connection()).get_current_heads()
    except SQLAlchemyError:
        db.session.rollback()
        return "the database does not answer"
    if set(heads) != _expected_heads(current_app.root_path):
        return "the schema is not up to date: run flask db upgrade"
    return None


@cache
def _expected_heads(root: str) -> set[str]:
    return set(ScriptDirectory(str(Path(root) / "migrations")).get_heads())
