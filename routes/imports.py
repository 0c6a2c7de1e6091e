"""Bringing in a file of purchases or customers: upload, match the columns, check, record, take back."""

from collections.abc import Callable, Sequence
from io import BytesIO
from itertools import islice
from typing import Any
from uuid import UUID

from flask import Blueprint, abort, flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import RequestEntityTooLarge

from extensions import db
from forms.imports import ColumnsForm, FormatForm, UploadForm, columns_form
from models import Import
from models.dialect import can_write_beside
from routes import background, security_log
from routes.streams import streamed_file
from schemas.imports import FIELD_CHOICES, TOO_LARGE, FileChoices, guess_choices
from schemas.problems import Refused, judge
from schemas.table import Table, TableError, unmasked, write_rows
from schemas.table_file import FileFormat, detect
from schemas.table_rows import Kind
from services import import_undoing, imports
from services.importing import REFUSED, Verdict
from services.imports import Brought, Step
from services.refusals import CannotUndo

bp = Blueprint("imports", __name__)

_ROWS_SHOWN = 5
_ROWS_LOOKED_AT = 200
_WRONG_SHOWN = 100
_CELL_SHOWN = 40
_ONE_OF_MANY = "Wrong, too. Mend those before it and check again: so many are wrong that not all of them say why"
_VERDICT_WORDS = {
    Verdict.CREATED: "new customer",
    Verdict.UPDATED: "updates the customer",
    Verdict.UNCHANGED: "known customer",
    Verdict.REPEATED: "recorded before",
    Verdict.AMBIGUOUS: "not clear who is meant",
    Verdict.WRONG: "wrong",
    Verdict.UNREADABLE: "cannot be read",
}


@bp.get("/imports")
def index() -> ResponseReturnValue:
    return _list(UploadForm())


@bp.post("/imports")
def upload() -> ResponseReturnValue:
    form = UploadForm()
    if not form.validate_on_submit():
        return _list(form), 422
    imported = imports.keep(form.details, user=current_user)
    db.session.commit()
    return redirect(url_for(".show", id=imported.id), 303)


@bp.errorhandler(RequestEntityTooLarge)
def too_large(_: RequestEntityTooLarge) -> ResponseReturnValue:
    return render_template("errors/error.html", title="That file is too large", advice=f"{TOO_LARGE}."), 413


@bp.get("/imports/<import_id:id>")
def show(id: UUID) -> ResponseReturnValue:
    brought = _get(id)
    if brought.file.status == "uploaded":
        return redirect(url_for(".choose", id=id))
    if brought.file.is_busy:
        return render_template("imports/progress.html", **_progress(brought))
    wrong = (brought.file.wrong or [])[:_WRONG_SHOWN]
    return render_template(
        "imports/show.html",
        brought=brought,
        wrong=wrong,
        field_words=FIELD_CHOICES,
        checked_at=imports.check_shown(brought.file),
    )


@bp.get("/imports/<import_id:id>/progress")
def progress(id: UUID) -> ResponseReturnValue:
    shown = _progress(_get(id))
    return jsonify({name: shown[name] for name in ("is_busy", "has_broken_off", "rows_done", "rows_total")})


@bp.get("/imports/<import_id:id>/columns")
def choose(id: UUID) -> ResponseReturnValue:
    brought = _get_to_choose(id)
    chosen = brought.file.choices or {}
    if not request.args:
        return _matching_page(brought, _format_of(brought.file), chosen)
    asked = FormatForm(request.args)
    if not asked.validate():
        return render_template("imports/columns.html", brought=brought, format_form=asked, form=None), 422
    read_as = FileFormat(asked.details.encoding, asked.details.delimiter)
    return _matching_page(brought, read_as, {})


@bp.post("/imports/<import_id:id>/columns")
def check(id: UUID) -> ResponseReturnValue:
    brought = _get_to_choose(id)
    try:
        said = judge(FileChoices, {name: request.form.get(name) for name in ("encoding", "delimiter")})
        read_as = FileFormat(said.encoding, said.delimiter)
        headers, rows = _look(imports.open_table(brought.file, read_as))
    except (Refused, TableError):
        return redirect(url_for(".choose", id=id), 303)  # no form of ours says so
    form = columns_form(headers, {"columns": {}})
    if not form.validate_on_submit():
        return _columns_page(brought, read_as, form, rows), 422
    return _start(id, imports.begin_check(brought.file, form.details, by=current_user))


@bp.post("/imports/<import_id:id>/check")
def recheck(id: UUID) -> ResponseReturnValue:
    """Once more with the same columns, after a check broke off."""
    file = _get(id).file
    return _start(id, imports.begin_check_again(file, by=current_user))


@bp.post("/imports/<import_id:id>/record")
def record(id: UUID) -> ResponseReturnValue:
    file = _get(id).file
    leaves_wrong_out = request.form.get("leaves_wrong_out") == "yes"
    checked_at = request.form.get("checked_at")
    step = imports.begin_recording(file, by=current_user, leaves_wrong_out=leaves_wrong_out, checked_at=checked_at)
    if step is None and file.status in ("uploaded", "checked"):
        flash("This was checked anew since. Nothing was stored: look it over again.")
    return _start(id, step)


@bp.post("/imports/<import_id:id>/undo")
def undo(id: UUID) -> ResponseReturnValue:
    return _turn(id, import_undoing.take_back, _taken_back, "import-taken-back")


@bp.post("/imports/<import_id:id>/again")
def again(id: UUID) -> ResponseReturnValue:
    return _turn(id, import_undoing.bring_back, _brought_back, "import-brought-back")


@bp.post("/imports/<import_id:id>/over")
def start_over(id: UUID) -> ResponseReturnValue:
    if not imports.start_over(_get(id).file):
        flash("Some of it counts. Take that back first, so that nothing is recorded twice.")
    db.session.commit()
    return redirect(url_for(".show", id=id), 303)


@bp.get("/imports/<import_id:id>/wrong.csv")
def wrong_file(id: UUID) -> ResponseReturnValue:
    """The rows as they stand in the file, each with the reason behind it: to be mended, and imported as they are."""
    file = _get_checked(id)
    reasons, verdicts = _reasons(file), file.verdicts or ""

    def told(number: int) -> list[str] | None:
        return [reasons.get(number, _ONE_OF_MANY)] if verdicts[number - 1] in REFUSED else None

    return _rows_file(file, "wrong", ["reason"], told)


@bp.get("/imports/<import_id:id>/verdicts.csv")
def verdict_file(id: UUID) -> ResponseReturnValue:
    file = _get_checked(id)
    reasons, verdicts = _reasons(file), file.verdicts or ""

    def told(number: int) -> list[str]:
        verdict = Verdict(verdicts[number - 1])
        return [_VERDICT_WORDS[verdict], reasons.get(number, _ONE_OF_MANY if verdict in REFUSED else "")]

    return _rows_file(file, "verdicts", ["verdict", "reason"], told)


def _turn(id: UUID, change: Callable[..., int], told: Callable[[Import, int], str], event: str) -> ResponseReturnValue:
    """Takes an import back, or lets it count again."""
    file = _get(id).file
    try:
        count = change(file, by=current_user)
    except CannotUndo as refusal:
        flash(f"{refusal.message}. Nothing was changed.")
    else:
        db.session.commit()
        security_log.note(event)
        flash(told(file, count))
    return redirect(url_for(".show", id=id), 303)


def _brought_back(file: Import, count: int) -> str:
    return f"Imported again: {_counted(file, count)} {'counts' if count == 1 else 'count'} as before."


def _taken_back(file: Import, count: int) -> str:
    told = f"Taken back: {_counted(file, count)}."
    if imports.kind(file) == Kind.CUSTOMERS:
        return f"{told} Who was new is in no list any more, and who was known is as before."
    return f"{told} {'It stays' if count == 1 else 'They stay'} on record as void."


def _counted(file: Import, count: int) -> str:
    return f"{count:,} {imports.kind(file).removesuffix('s') if count == 1 else imports.kind(file)}"


def _get(id: UUID) -> Brought:
    """The shop's own import; a foreign one is as missing as one that never was."""
    return imports.find(current_user.shop_id, id) or abort(404)


def _get_to_choose(id: UUID) -> Brought:
    """One whose columns can still be chosen; for any other its own page says how it stands."""
    brought = _get(id)
    if brought.file.status not in ("uploaded", "checked"):
        abort(redirect(url_for(".show", id=id), 303))
    return brought


def _get_checked(id: UUID) -> Import:
    file = _get(id).file
    return file if file.choices and file.outcome and file.is_kept else abort(404)


def _list(form: UploadForm) -> str:
    listed = imports.latest(current_user.shop_id)
    return render_template("imports/index.html", form=form, imports=listed, megabytes=Import.SIZE_MAX // 1_000_000)


def _start(id: UUID, step: Step | None) -> ResponseReturnValue:
    """Begins with a step, unless somebody else was first: the page shows how far that one is."""
    db.session.commit()
    if step is not None:
        background.start(step)
    return redirect(url_for(".show", id=id), 303)


def _progress(brought: Brought) -> dict[str, Any]:
    heard = imports.progress(brought.file)
    return {
        "brought": brought,
        "is_busy": brought.file.is_busy,
        "has_broken_off": imports.has_broken_off(brought.file),
        "rows_done": heard.rows_done,
        "rows_total": heard.rows_total,
        "others_wait": not can_write_beside(),
        "checked_at": imports.check_shown(brought.file),
    }


def _format_of(file: Import) -> FileFormat:
    if file.choices is not None:
        return FileFormat(file.choices["encoding"], file.choices["delimiter"])
    assert file.content is not None  # only what is kept comes to have its columns matched
    return detect(BytesIO(file.content))


def _matching_page(brought: Brought, read_as: FileFormat, chosen: dict[str, Any]) -> ResponseReturnValue:
    try:
        headers, rows = _look(imports.open_table(brought.file, read_as))
    except TableError as error:
        asked = _format_form(read_as)
        asked.refuse("encoding", str(error))
        return render_template("imports/columns.html", brought=brought, format_form=asked, form=None), 422
    suggested = guess_choices(headers, rows) | _as_chosen(chosen) | read_as._asdict()
    return _columns_page(brought, read_as, columns_form(headers, suggested), rows)


def _as_chosen(chosen: dict[str, Any]) -> dict[str, Any]:
    """JSON has no numbers for names."""
    columns = {int(place): field for place, field in chosen.get("columns", {}).items()}
    return chosen | ({"columns": columns} if chosen else {})


def _columns_page(brought: Brought, read_as: FileFormat, form: ColumnsForm, rows: Sequence[Sequence[str]]) -> str:
    samples = [
        [row[place][:_CELL_SHOWN] for row in rows[:_ROWS_SHOWN] if place < len(row)]
        for place in range(len(form.columns))
    ]
    return render_template(
        "imports/columns.html", brought=brought, format_form=_format_form(read_as), form=form, samples=samples
    )


def _format_form(read_as: FileFormat) -> FormatForm:
    return FormatForm(MultiDict(read_as._asdict()))


def _look(table: Table) -> tuple[list[str], list[Sequence[str]]]:
    """The names of the columns and the first rows."""
    return table.headers, [row.cells for row in islice(table.rows({}, {}), _ROWS_LOOKED_AT)]


def _reasons(file: Import) -> dict[int, str]:
    """What is the matter with each row that cannot be recorded, by its number."""
    reasons: dict[int, str] = {}
    for number, _, field, message in file.wrong or []:
        told = f"{FIELD_CHOICES[field]}: {message}" if field else message
        reasons[number] = f"{reasons[number]}. {told}" if number in reasons else told
    return reasons


def _rows_file(
    file: Import, kind: str, columns: list[str], told: Callable[[int], list[str] | None]
) -> ResponseReturnValue:
    """The rows of the file with further columns; those of which nothing is told are left out."""
    assert file.choices is not None
    table = imports.open_table(file, FileFormat(file.choices["encoding"], file.choices["delimiter"]))
    numbered = enumerate(table.rows({}, {}), start=1)
    rows = ([*map(unmasked, row.cells), *more] for number, row in numbered if (more := told(number)) is not None)
    return streamed_file(write_rows([*table.headers, *columns], rows), f"{kind}-{file.public_id}.csv")
