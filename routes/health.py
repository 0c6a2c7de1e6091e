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
    try:
        heads = MigrationContext.configure(db.session.connection()).get_current_heads()
    except SQLAlchemyError:
        db.session.rollback()
        return jsonify(status="the database does not answer"), 503
    if set(heads) != _expected_heads(current_app.root_path):
        return jsonify(status="the schema is not up to date: run flask db upgrade"), 503
    return jsonify(status="ready"), 200


@cache
def _expected_heads(root: str) -> set[str]:
    return set(ScriptDirectory(str(Path(root) / "migrations")).get_heads())
