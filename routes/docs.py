"""Pages for those who write to the API: what it takes and gives, and what its problems mean."""

from flask import Blueprint, abort, current_app, render_template
from flask.typing import ResponseReturnValue

from routes.api.openapi import describe
from routes.api.problem_types import PROBLEMS

bp = Blueprint("docs", __name__)


@bp.get("/api/docs")
def api() -> ResponseReturnValue:
    return render_template("docs/api.html", api=describe(current_app))


@bp.get("/problems")
def problems() -> ResponseReturnValue:
    return render_template("docs/problems.html", problems=PROBLEMS)


@bp.get("/problems/<name>")
def problem(name: str) -> ResponseReturnValue:
    found = PROBLEMS.get(name) or abort(404)
    return render_template("docs/problem.html", name=name, problem=found)
