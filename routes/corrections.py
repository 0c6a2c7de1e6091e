"""A purchase on record: looking at it, putting it right, taking it back."""

from collections.abc import Callable
from uuid import UUID

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from werkzeug.wrappers import Response

from extensions import db
from forms.correction import CorrectionForm
from models import Action
from routes import security_log
from routes.reading import local_path, position, shop_rules
from routes.sentences import corrected, restored, taken_back
from services import accounts, editing, history, purchases, undoing
from services.purchases import Line
from services.refusals import CannotUndo, UnknownAction, UnknownPurchase

bp = Blueprint("corrections", __name__)


@bp.get("/purchases/<purchase_id:id>")
def show(id: UUID) -> ResponseReturnValue:
    purchase, customer = _get(id)
    return render_template(
        "purchases/show.html",
        purchase=purchase,
        customer=customer,
        recorder=accounts.get_user(purchase.shop_id, purchase.recorded_by_id),
        history=history.of_purchase(purchase, position("history_")),
    )


@bp.get("/purchases/<purchase_id:id>/edit")
def edit(id: UUID) -> ResponseReturnValue:
    purchase, _ = _get(id)
    return render_template("purchases/edit.html", form=CorrectionForm(shop_rules(), purchase), purchase=purchase)


@bp.post("/purchases/<purchase_id:id>/edit")
def put_right(id: UUID) -> ResponseReturnValue:
    line = _get(id, is_to_change=True)
    form = CorrectionForm(shop_rules(), line.purchase)
    if not form.validate_on_submit():
        return render_template("purchases/edit.html", form=form, purchase=line.purchase), 422
    action = editing.edit_purchase(line.purchase, form.details.changed, by=current_user)
    if action and form.is_overtaken:
        db.session.rollback()
        form.tell_what_is_stored()
        return render_template("purchases/edit.html", form=form, purchase=line.purchase), 422
    db.session.commit()
    if action:
        flash(corrected(*line, current_user.shop), f"undo {action.public_id}")
    else:
        flash("Nothing was different, so nothing was changed.")
    return redirect(url_for(".show", id=id), 303)


@bp.post("/purchases/<purchase_id:id>/void")
def void(id: UUID) -> ResponseReturnValue:
    line = _get_with_customer(id)
    editing.void(line.purchase, None, by=current_user)
    db.session.commit()
    flash(taken_back(*line, current_user.shop))
    return _back(url_for(".show", id=id))


@bp.post("/purchases/<purchase_id:id>/restore")
def restore(id: UUID) -> ResponseReturnValue:
    line = _get_with_customer(id)
    editing.restore(line.purchase, by=current_user)
    db.session.commit()
    flash(restored(*line, current_user.shop, is_update_undone=undoing.is_update_undone(line.purchase)))
    return _back(url_for(".show", id=id))


@bp.post("/purchases/<purchase_id:id>/undo")
def undo_recording(id: UUID) -> ResponseReturnValue:
    line = _get_with_customer(id)
    undoing.undo_recording(line.purchase, shop=current_user.shop, by=current_user)
    db.session.commit()
    flash(taken_back(*line, current_user.shop))
    return _back(url_for(".show", id=id))


@bp.post("/purchases/<purchase_id:id>/undo-update")
def undo_update(id: UUID) -> ResponseReturnValue:
    return _undo(undoing.undo_update, id)


@bp.post("/actions/<action_id:id>/undo")
def undo(id: UUID) -> ResponseReturnValue:
    return _undo(undoing.undo, id)


def _undo(take_back: Callable[..., Action], id: UUID) -> ResponseReturnValue:
    try:
        action = take_back(id, shop=current_user.shop, by=current_user)
    except (UnknownAction, UnknownPurchase):
        abort(404)
    except CannotUndo as refusal:
        flash(f"{refusal.message}. Nothing was changed.")
    else:
        db.session.commit()
        security_log.note_undoing(action)
        flash("Taken back. The history tells what it was.")
    return _back(url_for("purchases.index"))


def _back(otherwise: str) -> Response:
    """To the page that asked for it."""
    return redirect(local_path(request.form.get("back")) or otherwise, 303)


def _get(id: UUID, *, is_to_change: bool = False) -> Line:
    """The shop's own purchase; a foreign one is as missing as one that never was."""
    return purchases.find(current_user.shop_id, id, is_to_change=is_to_change) or abort(404)


def _get_with_customer(id: UUID) -> Line:
    return editing.find_with_customer(current_user.shop_id, id) or abort(404)
