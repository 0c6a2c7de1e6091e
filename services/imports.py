"""Files of purchases or customers on their way: brought, checked, recorded, and how far each has come."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from hashlib import sha256
from io import BytesIO
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, exc, exists, select, update
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import aliased, undefer

from extensions import db
from models import Action, Import, Purchase, User, clock, dialect
from schemas.imports import FileChoices, ImportChoices, Upload
from schemas.table import Row, Table, TableError
from schemas.table_file import FileFormat, open_text
from schemas.table_rows import Kind
from services import actions
from services.importing import REFUSED, ImportReport, Verdict, find_meant, import_rows
from services.refusals import CannotImport
from services.register import Overtaken

_LISTED = 50
_DATA_CHANGED = "Something else was recorded since the check, and now some rows are wrong. Nothing was stored"


class Step(NamedTuple):
    """One check or recording of one import; no other of it began at the same instant."""

    shop_id: int
    import_id: UUID
    user_id: int
    started_at: datetime


class Brought(NamedTuple):
    """A file and who brought it; what made its rows count at last, who did that, and what took them back."""

    file: Import
    user: User
    action: Action | None
    recorded_by: str | None
    taken_back: Action | None


@dataclass
class _Heard:
    rows_done: int
    rows_total: int
    heard_at: datetime


_heard: dict[UUID, _Heard] = {}
"""What the threads of this process said last, by import. On SQLite nobody can write beside them, and no other process
serves."""


def keep(upload: Upload, *, user: User) -> Import:
    """The import of this file: the one of before, when the shop has brought the same bytes already."""
    dialect.allow_long_statements()  # 50 MB take a busy PostgreSQL some seconds
    digest = sha256(upload.content).hexdigest()
    kept = _enter(_file(user, upload.file_name, digest, len(upload.content), content=upload.content))
    if not kept.is_kept:
        kept.content = upload.content
        db.session.flush()
    return kept


def enter(file_name: str, sha256: str, size: int, *, user: User) -> Import:
    """The import of a file that is read where it lies. Raises CannotImport when it is not for now."""
    entered = _enter(_file(user, file_name, sha256, size))
    brought = find(user.shop_id, entered.id)
    assert brought is not None
    if brought.taken_back is not None:
        raise CannotImport("This file was imported and taken back. Open it on the page Import, to let it count again")
    if entered.is_busy and not has_broken_off(entered):
        raise CannotImport("This file is being imported in a browser. Try again when that is done")
    return entered


def as_before(entered: Import) -> ImportReport | None:
    """What an import of customers comes to that was made already: its rows have no keys to know them again by."""
    if entered.action_id is None or kind(entered) != Kind.CUSTOMERS:
        return None
    return ImportReport(Kind.CUSTOMERS, verdicts=[Verdict.REPEATED] * entered.rows_total)


def note_recorded(entered: Import, report: ImportReport, *, by: User) -> None:
    """That what was entered is recorded, and can be taken back as a whole; once is enough."""
    if entered.action_id is not None:
        return
    rows = len(report.verdicts)
    values = _told(report) | {"rows_done": rows, "rows_total": rows} | _recorded(entered.shop_id, report, by)
    own = update(Import).where(Import.shop_id == entered.shop_id, Import.id == entered.id)
    db.session.connection().execute(own.values(**values))


def _file(user: User, file_name: str, sha256: str, size: int, **content: bytes) -> Import:
    return Import(shop_id=user.shop_id, user_id=user.id, file_name=file_name, sha256=sha256, size=size, **content)


def _enter(brought: Import) -> Import:
    """It, or the one of before with the same content."""
    try:
        with db.session.begin_nested():
            db.session.add(brought)
    except IntegrityError as error:
        if dialect.violated_constraint(error) != "uq_imports_shop_id_sha256":
            raise
        same = select(Import).where(Import.shop_id == brought.shop_id, Import.sha256 == brought.sha256)
        return db.session.scalars(same).one()
    return brought


def find(shop_id: int, id: UUID) -> Brought | None:
    row = db.session.execute(_brought(shop_id).where(Import.id == id)).one_or_none()
    return row and Brought(*row)


def latest(shop_id: int) -> list[Brought]:
    """Those brought last, the newest first."""
    found = db.session.execute(_brought(shop_id).order_by(Import.id.desc()).limit(_LISTED))
    return [Brought(*row) for row in found]


def _brought(shop_id: int) -> Select[Import, User, Action, str, Action]:
    recorder, undoing = aliased(User), aliased(Action)
    return (
        select(Import, User, Action, recorder.email, undoing)
        .join(User, and_(User.shop_id == Import.shop_id, User.id == Import.user_id))
        .outerjoin(Action, and_(Action.shop_id == Import.shop_id, Action.id == Import.action_id))
        .outerjoin(recorder, and_(recorder.shop_id == Action.shop_id, recorder.id == Action.user_id))
        .outerjoin(undoing, and_(undoing.shop_id == Import.shop_id, undoing.undoes_id == Import.action_id))
        .where(Import.shop_id == shop_id)
    )


def kind(imported: Import) -> Kind:
    """What its rows are, as far as it was checked."""
    return Kind((imported.outcome or {}).get("kind", Kind.PURCHASES))


def open_table(imported: Import, choices: FileChoices | FileFormat) -> Table:
    """The table in the file, which must be kept. Raises TableError."""
    assert imported.content is not None
    return Table(open_text(BytesIO(imported.content), choices.encoding), choices.delimiter)


def begin_check(imported: Import, choices: ImportChoices, *, by: User) -> Step | None:
    """Notes that a check begins; None when another one or a recording is under way. The caller commits."""
    return _begin(
        imported, by, _is_free(imported), status="checking", choices=choices.model_dump(mode="json"), outcome=None
    )


def begin_check_again(imported: Import, *, by: User) -> Step | None:
    """The same with the columns as they were chosen."""
    return _begin(imported, by, _is_free(imported), status="checking") if imported.choices else None


def begin_recording(imported: Import, *, by: User, leaves_wrong_out: bool, checked_at: str | None) -> Step | None:
    """Notes that the recording of what was checked begins; the caller commits.

    None when it did already, or when the check that began at `checked_at` is not the last one.
    """
    is_ready = imported.status == "checked" or (imported.status == "recording" and has_broken_off(imported))
    if not is_ready or checked_at != check_shown(imported):
        return None
    is_as_checked = and_(Import.status == imported.status, Import.started_at == imported.started_at)
    return _begin(imported, by, is_as_checked, status="recording", leaves_wrong_out=leaves_wrong_out)


def check_shown(imported: Import) -> str:
    """What tells this check from a later one."""
    return imported.started_at.isoformat() if imported.started_at else ""


def _is_free(imported: Import) -> ColumnElement[bool]:
    if has_broken_off(imported):
        return Import.started_at == imported.started_at
    return Import.status.not_in((*Import.BUSY, "recorded"))


def _begin(imported: Import, by: User, is_free: ColumnElement[bool], **values: Any) -> Step | None:
    step = Step(imported.shop_id, imported.id, by.id, clock.utc_now())
    started = {"started_at": step.started_at, "heard_at": step.started_at, "rows_done": 0, "rows_total": 0}
    begun = update(Import).where(Import.shop_id == step.shop_id, Import.id == step.import_id, is_free)
    result = db.session.connection().execute(begun.values(**values, **started, fault=None))
    return step if result.rowcount else None


def start_over(imported: Import) -> bool:
    """For a file that was taken back and is to come in otherwise, by new capture keys. The caller commits.

    False where one of its purchases counts again: it would be recorded twice.
    """
    counts = exists().where(is_of(imported), Purchase.voided_at.is_(None))
    taken_back = select(Action.id).where(Action.shop_id == imported.shop_id, Action.undoes_id == Import.action_id)
    begun = (
        update(Import)
        .where(Import.shop_id == imported.shop_id, Import.id == imported.id, Import.is_kept, taken_back.exists())
        .where(~counts)
        .values(status="uploaded", action_id=None, attempt=Import.attempt + 1, outcome=None, wrong=None, verdicts=None)
    )
    return bool(db.session.connection().execute(begun).rowcount)


def is_of(imported: Import) -> ColumnElement[bool]:
    """Whether a purchase came by this import."""
    prefix = imported.key_prefix
    return and_(Purchase.shop_id == imported.shop_id, Purchase.capture_key.startswith(prefix, autoescape=True))


def has_broken_off(imported: Import) -> bool:
    """Whether the worker that had it in hand has died: nothing of what it did is stored."""
    return imported.is_busy and clock.utc_now() - progress(imported).heard_at > Import.SILENCE_MAX


def progress(imported: Import) -> _Heard:
    """How far the check or recording is, as far as this process knows."""
    told = _Heard(imported.rows_done, imported.rows_total, imported.heard_at or imported.uploaded_at)
    return max(told, _heard.get(imported.id, told), key=lambda heard: heard.heard_at)


def carry_out(step: Step) -> None:
    """Checks or records, as begun: a check is the recording, rolled back. The caller commits.

    Raises Overtaken when it was begun anew meanwhile, TableError and Contention.
    """
    dialect.allow_long_statements()
    imported = _file_of(step)
    user = db.session.get_one(User, step.user_id)
    choices = ImportChoices.model_validate(imported.choices)
    is_recording, shown = imported.status == "recording", imported.verdicts or ""
    rows_total = _count_rows(imported, choices)
    meant = find_meant(_rows(imported, choices), imported.shop_id) if "customer_id" in choices.places else ()
    with db.session.begin_nested() as attempt:
        report = import_rows(
            _rows(imported, choices),
            shop=user.shop,
            by=user,
            key_prefix=imported.key_prefix,
            kind=choices.kind,
            meant=meant,
            tell=lambda rows_done: tell(step, rows_done, rows_total),
        )
        is_recorded = is_recording and (not report.wrong or _may_leave_out(imported, shown, report))
        if not is_recorded:
            attempt.rollback()
    _settle(step, report, rows_total, is_recorded=is_recorded, is_recording=is_recording, by=user)


def _rows(imported: Import, choices: ImportChoices) -> Iterator[Row]:
    return open_table(imported, choices).rows(choices.places, choices.constants, choices.notation)


def _may_leave_out(imported: Import, shown: str, report: ImportReport) -> bool:
    """Whether the rows that are refused are among those that the check has shown so, and each is known to be one."""
    return (
        imported.leaves_wrong_out
        and not report.count_of(Verdict.UNREADABLE)
        and len(shown) == len(report.verdicts)
        and all(before in REFUSED for before, now in zip(shown, report.verdicts, strict=True) if now in REFUSED)
    )


def give_up(step: Step, fault: str) -> None:
    """Notes why nothing was stored. The caller commits."""
    was_recording = {"recording": "checked", "checking": "uploaded"}
    imported = db.session.scalar(_of(step))
    if imported is not None and imported.started_at == step.started_at and imported.is_busy:
        imported.status, imported.fault = was_recording[imported.status], fault
        db.session.flush()


def forget(step: Step) -> None:
    """What was said of its progress is no longer needed."""
    _heard.pop(step.import_id, None)


def _of(step: Step) -> Select[Import]:
    return select(Import).where(Import.shop_id == step.shop_id, Import.id == step.import_id)


def _file_of(step: Step) -> Import:
    imported = db.session.scalars(_of(step).options(undefer(Import.content), undefer(Import.verdicts))).one()
    if imported.started_at != step.started_at or not imported.is_busy:
        raise Overtaken("This was begun anew since")
    return imported


def _count_rows(imported: Import, choices: ImportChoices) -> int:
    count = sum(1 for _ in open_table(imported, choices).rows({}, {}))
    if count > Import.ROWS_MAX:
        raise TableError(f"The file has {count:,} rows, and at most {Import.ROWS_MAX:,} can be imported. Split it")
    return count


def tell(step: Step, rows_done: int, rows_total: int) -> None:
    """Says how far it is, to whoever looks."""
    heard = _Heard(rows_done, rows_total, clock.utc_now())
    _heard[step.import_id] = heard
    if dialect.can_write_beside():
        told = update(Import).where(Import.shop_id == step.shop_id, Import.id == step.import_id)
        # A database that is busy just now is told the next time.
        with suppress(DBAPIError, exc.TimeoutError), db.engine.begin() as connection:
            connection.execute(told.values(**asdict(heard)))


def _settle(
    step: Step, report: ImportReport, rows_total: int, *, is_recorded: bool, is_recording: bool, by: User
) -> None:
    values = _told(report) | {"rows_done": rows_total, "rows_total": rows_total}
    if is_recorded:
        values |= _recorded(step.shop_id, report, by)
    else:
        values |= {"status": "checked", "fault": _DATA_CHANGED if is_recording else None}
    own = update(Import).where(
        Import.shop_id == step.shop_id, Import.id == step.import_id, Import.started_at == step.started_at
    )
    if not db.session.connection().execute(own.values(**values)).rowcount:
        raise Overtaken("This was begun anew since")


def _recorded(shop_id: int, report: ImportReport, by: User) -> dict[str, Any]:
    action_id = report.action_id or actions.begin("import", shop_id=shop_id, by=by).id
    return {"status": "recorded", "action_id": action_id}


def _told(report: ImportReport) -> dict[str, Any]:
    counts = {verdict.name.lower(): report.count_of(verdict) for verdict in Verdict}
    return {
        "outcome": {
            "kind": report.kind,
            "recorded": report.recorded,
            "pieces": report.pieces,
            "amounts": dict(report.amounts),
            **counts,
        },
        "wrong": [list(wrong) for wrong in report.wrong],
        "verdicts": "".join(report.verdicts),
    }
