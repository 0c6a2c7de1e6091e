"""Recording purchases and looking through them."""

from uuid import UUID

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf.csrf import CSRFError
from werkzeug.datastructures import MultiDict

from extensions import db
from forms.filters import PurchaseFilterForm
from forms.purchase import PurchaseForm
from routes.errors import why_refused
from routes.reading import position, shop_rules
from routes.sentences import foreseen_changes, recorded, recorded_otherwise
from services import customers, purchases
from services.capture import Captured, capture
from services.foresight import Foreseen, foresee
from services.refusals import AmbiguousCustomer, CustomerUnclear, KeyReused, Refusal

bp = Blueprint("purchases", __name__)

_SHOWN_BELOW = 10


@bp.get("/")
def home() -> ResponseReturnValue:
    return redirect(url_for(".new"))


@bp.get("/purchases/new")
def new() -> ResponseReturnValue:
    kept_on = request.args.get("purchased_on")
    form = PurchaseForm(shop_rules(), **({"purchased_on": kept_on, "kept_on": kept_on} if kept_on else {}))
    return _page(form), 200


@bp.get("/purchases/preview")
def start_over() -> ResponseReturnValue:
    """For who asks for the address of a preview, which is only an answer to what was typed."""
    return redirect(url_for(".new"))


@bp.post("/purchases/preview")
def preview() -> ResponseReturnValue:
    """The page as it stands, with what it would record and for whom; nothing is stored."""
    return _look_over(PurchaseForm(shop_rules()))


@bp.post("/purchases/<purchase_id:id>/again")
def fill_in_again(id: UUID) -> ResponseReturnValue:
    """The page as it stands, with the item and the amount of an earlier purchase; nothing is stored."""
    form = PurchaseForm(shop_rules())
    earlier, _ = purchases.find(current_user.shop_id, id) or abort(404)
    form.fill_in_again(earlier)
    return _look_over(form)


@bp.post("/purchases")
def record() -> ResponseReturnValue:
    form = PurchaseForm(shop_rules())
    if form.has_unread_sentence:
        return _look_over(form)  # recorded is only what was shown
    if not form.validate_on_submit():
        return _look_over(form, 422)
    try:
        captured = capture(
            form.details, shop=current_user.shop, by=current_user, source="web", key=form.capture_key, is_alone=True
        )
    except Refusal as refusal:
        _show(refusal, form)
        return _page(form), 422
    if captured.is_replay and captured.purchase.voided_at:
        form.renew_key()
        form.refuse("customer", "This was recorded before and taken back since. Record again if it is to count")
        return _page(form), 422
    db.session.commit()
    flash(recorded(captured, current_user.shop), _undo_category(captured))
    return redirect(url_for(".new", purchased_on=form.day_to_keep), 303)


@bp.get("/purchases")
def index() -> ResponseReturnValue:
    form = PurchaseFilterForm(shop_rules())
    if not form.validate():
        return render_template("purchases/index.html", form=form, page=None), 422
    page = purchases.list_purchases(current_user.shop_id, form.details, position())
    return render_template("purchases/index.html", form=form, page=page)


@bp.errorhandler(CSRFError)
def look_again(error: CSRFError) -> ResponseReturnValue:
    """The page was open longer than its session: everything typed comes back, to be sent by a page of the new one."""
    form = PurchaseForm(shop_rules())
    form.refuse("customer", ". ".join(why_refused(error)))
    return _page(form), 422


def show_again(typed: MultiDict[str, str]) -> ResponseReturnValue:
    """The page as it was left by who was signed out meanwhile."""
    return _look_over(PurchaseForm(shop_rules(), formdata=typed))


def _undo_category(captured: Captured) -> str:
    """What lets the message offer Undo; a replay has been told of before."""
    return "message" if captured.is_replay else f"undo {captured.purchase.public_id}"


def _look_over(form: PurchaseForm, status: int = 200) -> ResponseReturnValue:
    """The page as it stands, with who would be written."""
    if form.has_unread_sentence and not form.read_sentence():
        return _page(form), 422
    who = form.who_bought()
    if who is None:
        return _page(form), status
    try:
        foreseen = foresee(who.given, who.customer_id, shop=current_user.shop)
    except Refusal as refusal:
        _show(refusal, form)
        return _page(form), 422
    return _page(form, foreseen), status


def _page(form: PurchaseForm, foreseen: Foreseen | None = None) -> str:
    latest = purchases.latest(current_user.shop_id, _SHOWN_BELOW)
    if not form.candidates and form.still_offered:
        form.candidates = customers.find_summaries(current_user.shop_id, form.still_offered)
    told = foreseen_changes(foreseen) if foreseen else []
    return render_template("purchases/new.html", form=form, latest=latest, foreseen=foreseen, told=told)


def _show(refusal: Refusal, form: PurchaseForm) -> None:
    if isinstance(refusal, CustomerUnclear):
        candidates = customers.summaries(refusal.candidates, current_user.shop_id)
        form.ask(refusal.message, candidates, may_be_new=isinstance(refusal, AmbiguousCustomer))
    elif isinstance(refusal, KeyReused):
        form.refuse("customer", recorded_otherwise(refusal.purchase, refusal.customer, current_user.shop))
        form.renew_key()
    else:
        form.forget_choice()
        form.refuse(refusal.field, refusal.message)
