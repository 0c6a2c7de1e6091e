"""The lists of the pages as CSV files, for people and their spreadsheets."""

from collections.abc import Iterator

from flask import Blueprint, Response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from forms.filters import CustomerFilterForm, PurchaseFilterForm
from routes.reading import shop_rules
from routes.streams import streamed_file
from schemas.table import write_customers, write_table
from services import customers, purchases

bp = Blueprint("exports", __name__)


@bp.get("/purchases.csv")
def purchase_file() -> ResponseReturnValue:
    form = PurchaseFilterForm(shop_rules())
    if not form.validate():
        return _told_on(url_for("purchases.index"))
    # In the order of recording: an import makes the same customers of them, one after the other.
    asked = form.details.model_copy(update={"sort": "recorded_at"})
    return _file("purchases", write_table(purchases.stream(current_user.shop_id, asked)))


@bp.get("/customers.csv")
def customer_file() -> ResponseReturnValue:
    form = CustomerFilterForm(shop_rules())
    if not form.validate():
        return _told_on(url_for("customers.index"))
    return _file("customers", write_customers(customers.stream(current_user.shop_id, form.details)))


def _told_on(page: str) -> ResponseReturnValue:
    """The page of the list says what is the matter with the filters."""
    return redirect(f"{page}?{request.query_string.decode(errors='replace')}", 303)


def _file(kind: str, table: Iterator[str]) -> Response:
    return streamed_file(table, f"{kind}-{current_user.shop.today()}.csv")
