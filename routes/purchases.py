"""Recording purchases and looking through them."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf.csrf import CSRFError

from extensions import db
from forms.filters import PurchaseFilterForm
from forms.purchase import PurchaseForm
from routes.errors import why_refused
from routes.reading import position, shop_rules
from routes.sentences import recorded, recorded_otherwise
from services import customers, purchases
from services.capture import Captured, capture
from services.refusals import AmbiguousCustomer, CustomerUnclear, KeyReused, Refusal

bp = Blueprint("purchases", __name__)

_SHOWN_BELOW = 10


@bp.get("/")
def home() -> ResponseReturnValue:
    return redirect(url_for(".new"))


@bp.get("/purchases/new")
def new() -> ResponseReturnValue:
    kept_day = request.args.get("purchased_on")
    form = PurchaseForm(shop_rules(), **({"purchased_on": kept_day} if kept_day else {}))
    return _page(form), 200


@bp.post("/purchases")
def record() -> ResponseReturnValue:
    form = PurchaseForm(shop_rules())
    if not form.validate_on_submit():
        return _page(form), 422
    try:
        captured = capture(form.details, shop=current_user.shop, by=current_user, source="web", key=form.capture_key)
    except Refusal as refusal:
        _show(refusal, form)
        return _page(form), 422
    db.session.commit()
    flash(recorded(captured, current_user.shop), _undo_category(captured))
    # Back-dating a pile of receipts: the day stays for the next one.
    kept_day = form.details.purchased_on.on if form.details.purchased_on.said != "today" else None
    return redirect(url_for(".new", purchased_on=kept_day), 303)


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


def _undo_category(captured: Captured) -> str:
    """What lets the message offer Undo; a replay has been told of before."""
    return "message" if captured.is_replay else f"undo {captured.purchase.public_id}"


def _page(form: PurchaseForm) -> str:
    latest = purchases.latest(current_user.shop_id, _SHOWN_BELOW)
    if not form.candidates and form.still_offered:
        form.candidates = customers.find_summaries(current_user.shop_id, form.still_offered)
    return render_template("purchases/new.html", form=form, latest=latest)


def _show(refusal: Refusal, form: PurchaseForm) -> None:
    if isinstance(refusal, CustomerUnclear):
        candidates = customers.summaries(refusal.candidates, current_user.shop_id)
        form.ask(refusal.message, candidates, may_be_new=isinstance(refusal, AmbiguousCustomer))
    elif isinstance(refusal, KeyReused):
        form.refuse("customer", recorded_otherwise(refusal.purchase, refusal.customer, current_user.shop))
        form.renew_key()
    else:
        form.refuse(refusal.field, refusal.message)
