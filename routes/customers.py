"""Looking customers up, and putting right what is known of them."""

from collections.abc import Callable
from datetime import date
from uuid import UUID

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from extensions import db
from forms.customer import CustomerForm
from forms.filters import CustomerFilterForm
from models import Customer
from routes.formats import bought_text
from routes.reading import position, shop_rules
from routes.sentences import edited
from schemas.filters import PAGE_SIZE
from services import customers, editing, history, purchases
from services.paging import Page
from services.refusals import ChangedSince, CustomerMerged, IdentityConflict, Refusal
from services.search import finds_many

bp = Blueprint("customers", __name__)


@bp.get("/customers")
def index() -> ResponseReturnValue:
    form = CustomerFilterForm(shop_rules())
    if not form.validate():
        return render_template("customers/index.html", form=form, page=None, summaries=()), 422
    shop_id, typed = current_user.shop_id, form.details.q
    likeliest = customers.suggest(shop_id, typed, PAGE_SIZE) if typed and finds_many(shop_id, typed) else []
    if likeliest:
        return render_template("customers/index.html", form=form, page=Page([], None, None), summaries=likeliest)
    page = customers.list_customers(shop_id, form.details, position())
    found = customers.summaries(page.rows, shop_id)
    return render_template("customers/index.html", form=form, page=page, summaries=found)


@bp.get("/customers/suggest")
def suggest() -> ResponseReturnValue:
    """Who may be meant by `q`, for the script of the page that asks who bought."""
    form = CustomerFilterForm(shop_rules())
    if not form.validate():
        return {"message": form.faults[0][1]}, 422
    typed = form.details.q
    found = customers.suggest(current_user.shop_id, typed) if typed else []
    return {"customers": [_suggestion(*summary) for summary in found]}


def _suggestion(customer: Customer, purchase_count: int, last_purchased_on: date | None) -> dict[str, str]:
    return {
        "id": customer.public_id,
        "name": customer.shown_name,
        "contact": customer.contact,
        "detail": bought_text(purchase_count, last_purchased_on),
    }


@bp.get("/customers/<customer_id:id>")
def show(id: UUID) -> ResponseReturnValue:
    customer = _get(id)
    return render_template(
        "customers/show.html",
        customer=customer,
        stays=_who_stays(customer),
        summary=customers.summaries([customer], current_user.shop_id)[0],
        identities=customers.identities(customer),
        bought=purchases.list_of_customer(customer, position("purchases_")),
        history=history.of_customer(customer, position("history_")),
    )


@bp.get("/customers/<customer_id:id>/edit")
def edit(id: UUID) -> ResponseReturnValue:
    customer = _get(id)
    if customer.merged_into_id is not None:
        return redirect(url_for(".show", id=id))
    return render_template("customers/edit.html", form=CustomerForm(shop_rules(), customer), customer=customer)


@bp.post("/customers/<customer_id:id>/edit")
def put_right(id: UUID) -> ResponseReturnValue:
    customer = _get(id)
    form = CustomerForm(shop_rules(), customer)
    if not form.validate_on_submit():
        return render_template("customers/edit.html", form=form, customer=customer), 422
    check = _is_of_version(form.version.data)
    try:
        done = editing.edit_customer(id, form.details, shop=current_user.shop, by=current_user, check=check)
    except CustomerMerged as refusal:
        flash(f"{refusal.message}. Nothing was changed.")
        return redirect(url_for(".show", id=id), 303)
    except Refusal as refusal:
        _show(refusal, form, customer)
        return render_template("customers/edit.html", form=form, customer=customer), 422
    db.session.commit()
    if done.action:
        flash(edited(done.customer), f"undo {done.action.public_id}")
    else:
        flash("Nothing was different, so nothing was changed.")
    return redirect(url_for(".show", id=id), 303)


def _is_of_version(version: str | None) -> Callable[[Customer], None]:
    def check(customer: Customer) -> None:
        if str(customer.version) != version:
            words = f"{customer.shown_name} was changed since this page was opened. Look at what is known now"
            raise ChangedSince(f"{words}, then save again")

    return check


def _show(refusal: Refusal, form: CustomerForm, customer: Customer) -> None:
    form.refuse(refusal.field, refusal.message)
    form.version.data = str(customer.version)
    if isinstance(refusal, IdentityConflict):
        [form.owner] = refusal.candidates


def _who_stays(customer: Customer) -> Customer | None:
    """Whom the customer was merged into in the end; None for one who was not."""
    stays = customers.who_stays(customer.shop_id, customer.id)
    return customers.find(customer.shop_id, stays) if stays and stays != customer.id else None


def _get(id: UUID) -> Customer:
    """The shop's own customer; a foreign one is as missing as one that never was."""
    return customers.find(current_user.shop_id, id) or abort(404)
