"""Who is the same customer, and whose a purchase is, where a capture got it wrong."""

from collections.abc import Sequence
from uuid import UUID

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from werkzeug.wrappers import Response

from extensions import db
from forms.customer import CustomerChoiceForm, MoveForm
from models import Customer, Purchase, public_id
from models.public_id import PURCHASE
from routes import security_log
from routes.reading import shop_rules
from routes.sentences import merged, moved
from services import customers, merging, purchases
from services.refusals import CannotMerge, IdentityConflict, Refusal, UnknownCustomer

bp = Blueprint("merging", __name__)

_SHOWN = 20


@bp.get("/customers/<customer_id:id>/merge")
def choose(id: UUID) -> ResponseReturnValue:
    customer = _get_who_stays(id)
    form = CustomerChoiceForm(shop_rules())
    if not form.validate():
        return render_template("customers/merge.html", form=form, customer=customer, candidates=()), 422
    if isinstance(form.details.customer_id, UUID):
        return redirect(url_for(".preview", id=customer.id, other_id=form.details.customer_id))
    if "choose" in request.args:
        form.refuse("customer_id", "Choose who is the same person")
    candidates = customers.others(customer, form.details, _SHOWN)
    page = render_template("customers/merge.html", form=form, customer=customer, candidates=candidates)
    return page, 422 if form.errors else 200


@bp.get("/customers/<customer_id:id>/merge/<customer_id:other_id>")
def preview(id: UUID, other_id: UUID) -> ResponseReturnValue:
    try:
        foreseen = merging.preview(other_id, id, shop=current_user.shop)
    except UnknownCustomer:
        abort(404)
    except CannotMerge as refusal:
        return _tell(refusal, id)
    return render_template("customers/preview.html", preview=foreseen)


@bp.post("/customers/<customer_id:id>/merge/<customer_id:other_id>")
def merge(id: UUID, other_id: UUID) -> ResponseReturnValue:
    try:
        done = merging.merge(other_id, id, shop=current_user.shop, by=current_user)
    except UnknownCustomer:
        abort(404)
    except CannotMerge as refusal:
        return _tell(refusal, id)
    [summary] = customers.summaries([done.customer], current_user.shop_id, None)
    db.session.commit()
    security_log.note("customers-merged")
    flash(merged(done.merged_away, done.customer, summary.purchase_count), f"undo {done.action.public_id}")
    return redirect(url_for("customers.show", id=done.customer.id), 303)


@bp.route("/purchases/<purchase_id:id>/customer", methods=["GET", "POST"])
def move_one(id: UUID) -> ResponseReturnValue:
    purchase, customer = purchases.find(current_user.shop_id, id) or abort(404)
    return _move([purchase], customer, url_for("corrections.show", id=id))


@bp.route("/customers/<customer_id:id>/move", methods=["GET", "POST"])
def move(id: UUID) -> ResponseReturnValue:
    customer = _get_who_stays(id)
    back = url_for("customers.show", id=customer.id)
    ids = ",".join(request.args.getlist("purchases")).split(",")
    chosen = {public_id.decode(PURCHASE, text) for text in ids if public_id.is_id(PURCHASE, text)}
    found = purchases.find_of_customer(customer, chosen)
    if not found or len(found) < len(chosen):
        flash(f"Tick the purchases of {customer.shown_name} that are somebody else’s.")
        return redirect(back, 303)
    return _move(found, customer, back)


def _move(chosen: Sequence[Purchase], customer: Customer, back: str) -> ResponseReturnValue:
    search = CustomerChoiceForm(shop_rules())
    form = MoveForm(shop_rules(), chosen[0].buyer.get("name"))
    if search.validate():
        form.candidates = customers.others(customer, search.details, _SHOWN)
    if form.validate_on_submit():
        try:
            return _move_to(form, chosen, customer, back)
        except Refusal as refusal:
            _show(refusal, form)
    is_wrong = bool(form.errors or search.errors)
    page = render_template(
        "customers/move.html", form=form, search=search, purchases=chosen, customer=customer, back=back
    )
    return page, 422 if is_wrong else 200


def _move_to(form: MoveForm, chosen: Sequence[Purchase], customer: Customer, back: str) -> Response:
    ids = [purchase.id for purchase in chosen]
    to = form.details.customer or form.details.customer_id
    done = merging.split(ids, of=customer.id, to=to, shop=current_user.shop, by=current_user)
    db.session.commit()
    flash(moved(chosen, done.of, done.customer), f"undo {done.action.public_id}")
    return redirect(back, 303)


def _show(refusal: Refusal, form: MoveForm) -> None:
    form.refuse("customer_id", refusal.message)
    if isinstance(refusal, IdentityConflict):
        known = {summary.customer.id for summary in form.candidates}
        also = [customer for customer in refusal.candidates if customer.id not in known]
        form.candidates = [*form.candidates, *customers.summaries(also, current_user.shop_id)]


def _tell(refusal: Refusal, id: UUID) -> Response:
    flash(f"{refusal.message}. Nothing was changed.")
    return redirect(url_for(".choose", id=id), 303)


def _get_who_stays(id: UUID) -> Customer:
    """The shop's own customer, or whom they were merged into; a foreign one is as missing as one that never was."""
    stays = customers.who_stays(current_user.shop_id, id)
    return (stays and customers.find(current_user.shop_id, stays)) or abort(404)
