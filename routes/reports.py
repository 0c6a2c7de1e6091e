"""What was bought, by whom and how much: sums, plots and the same numbers as tables."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import NamedTuple

from flask import Blueprint, Response, abort, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from forms.report import ReportForm
from routes.formats import money_text, period_text, short_money_text
from routes.plots import POLICY, SIZES, Plot, draw
from routes.reading import shop_rules
from schemas.report import ReportFilters
from services import reports
from services.reports import Newcomers, P, Period, TopCustomer, TopItem, Totals

bp = Blueprint("reports", __name__)

_EACH = {"day": "by day", "week": "by week", "month": "by month"}


class Row(NamedTuple):
    period: Period
    newcomers: Newcomers
    days: dict[str, date]
    """The filters of the list that has the purchases of the period."""


class Report(NamedTuple):
    rows: list[Row]
    total: Totals
    new: int
    days: dict[str, date]
    currencies: list[str]
    """Those that were paid in, the shop's own first."""
    plots: dict[str, Plot]
    """By the address of their image."""
    top_items: list[TopItem]
    top_customers: list[TopCustomer]


@bp.get("/reports")
def index() -> ResponseReturnValue:
    form = ReportForm(shop_rules())
    if not form.validate():
        return render_template("reports/index.html", form=form, report=None), 422
    return render_template("reports/index.html", form=form, report=_report(form))


@bp.get("/reports/amounts.svg")
def amounts() -> ResponseReturnValue:
    filters = _filters()
    found = reports.summary(current_user.shop_id, filters)
    return _drawn(_plot_of_amounts(found, filters, filters.currency) if found else None)


@bp.get("/reports/purchases.svg")
def purchases() -> ResponseReturnValue:
    filters = _filters()
    found = reports.summary(current_user.shop_id, filters)
    return _drawn(_plot_of_purchases(found, filters) if found else None)


@bp.get("/reports/customers.svg")
def customers() -> ResponseReturnValue:
    filters = _filters()
    found = reports.new_and_returning(current_user.shop_id, filters)
    return _drawn(_plot_of_customers(found, filters) if found else None)


def _filters() -> ReportFilters:
    form = ReportForm(shop_rules())
    if not form.validate():
        abort(422)
    filters: ReportFilters = form.details
    return filters


def _drawn(plot: Plot | None) -> Response:
    if plot is None:
        abort(404)
    size = request.args.get("size", "")
    return Response(
        draw(plot, size if size in SIZES else "half"),
        mimetype="image/svg+xml",
        headers={"Content-Security-Policy": POLICY},
    )


def _report(form: ReportForm) -> Report | None:
    """None where nothing was bought."""
    shop, filters = current_user.shop, form.details
    found = reports.summary(shop.id, filters)
    if not found:
        return None
    total = reports.total(found)
    rows = _rows(found, reports.new_and_returning(shop.id, filters), filters)
    currencies = sorted(total.amounts, key=lambda code: (code != shop.currency, code))
    return Report(
        rows=rows,
        total=total,
        new=sum(row.newcomers.new for row in rows),
        days=_days(filters.first, filters.last),
        currencies=currencies,
        plots={
            **{
                url_for(".amounts", **form.query, currency=currency): _plot_of_amounts(found, filters, currency)
                for currency in currencies
            },
            url_for(".purchases", **form.query): _plot_of_purchases(found, filters),
            url_for(".customers", **form.query): _plot_of_customers([row.newcomers for row in rows], filters),
        },
        top_items=reports.top_items(shop.id, filters),
        top_customers=reports.top_customers(shop.id, filters),
    )


def _rows(found: Sequence[Period], newcomers: Sequence[Newcomers], filters: ReportFilters) -> list[Row]:
    by_label = {period.label: period for period in newcomers}
    return [
        Row(
            period,
            by_label.get(period.label, Newcomers(period.first, period.last, period.label, 0, 0)),
            _days(max(period.first, filters.first or period.first), min(period.last, filters.last or period.last)),
        )
        for period in found
    ]


def _days(first: date | None, last: date | None) -> dict[str, date]:
    """These days as filters of the list of purchases."""
    return {name: day for name, day in (("purchased_from", first), ("purchased_to", last)) if day}


def _plot_of_amounts(found: Sequence[Period], filters: ReportFilters, currency: str) -> Plot:
    country = current_user.shop.country
    return _plot(
        f"Amount in {currency}",
        found,
        filters,
        {"Amount": lambda period: period.amounts.get(currency, 0)},
        shown=lambda minor: money_text(minor, currency, country),
        shown_on_axis=lambda minor: short_money_text(minor, currency, country),
    )


def _plot_of_purchases(found: Sequence[Period], filters: ReportFilters) -> Plot:
    return _plot("Purchases", found, filters, {"Purchases": lambda period: period.purchases})


def _plot_of_customers(found: Sequence[Newcomers], filters: ReportFilters) -> Plot:
    parts: dict[str, Callable[[Newcomers], int]] = {
        "New customers": lambda period: period.new,
        "Returning customers": lambda period: period.returning,
    }
    return _plot("New and returning customers", found, filters, parts)


def _plot(
    title: str,
    found: Sequence[P],
    filters: ReportFilters,
    parts: Mapping[str, Callable[[P], int]],
    *,
    shown: Callable[[int], str] = "{:,}".format,
    shown_on_axis: Callable[[int], str] = "{:,}".format,
) -> Plot:
    timeline = reports.timeline(found, filters, current_user.shop.today())
    return Plot(
        f"{title} {_EACH[filters.group_by]}",
        [period_text(span.first, filters.group_by) for span, _ in timeline],
        {name: [value(period) if period else 0 for _, period in timeline] for name, value in parts.items()},
        shown,
        shown_on_axis,
    )
