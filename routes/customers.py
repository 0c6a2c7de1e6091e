"""Looking customers up."""

from uuid import UUID

from flask import Blueprint, abort, render_template
from flask.typing import ResponseReturnValue
from flask_login import current_user

from forms.filters import CustomerFilterForm
from models import Customer
from routes.reading import position, shop_rules
from services import customers, history, purchases

bp = Blueprint("customers", __name__)


@bp.get("/customers")
def index() -> ResponseReturnValue:
    form = CustomerFilterForm(shop_rules())
    if not form.validate():
        return render_template("customers/index.html", form=form, page=None, summaries=()), 422
    page = customers.list_customers(current_user.shop_id, form.details, position())
    found = customers.summaries(page.rows, current_user.shop_id)
    return render_template("customers/index.html", form=form, page=page, summaries=found)


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


def _who_stays(customer: Customer) -> Customer | None:
    """Whom the customer was merged into in the end; None for one who was not."""
    stays = customers.who_stays(customer.shop_id, customer.id)
    return customers.find(customer.shop_id, stays) if stays and stays != customer.id else None


def _get(id: UUID) -> Customer:
    """The shop's own customer; a foreign one is as missing as one that never was."""
    return customers.find(current_user.shop_id, id) or abort(404)
