"""Sums of what was bought."""

from flask import g
from flask.typing import ResponseReturnValue

from routes.api import reply
from routes.api.room import bp, operation
from schemas.answers import (
    BuyerAnswer,
    MoneyAnswer,
    NewAndReturningAnswer,
    NewcomersAnswer,
    PeriodAnswer,
    SummaryAnswer,
    TopCustomerAnswer,
    TopCustomersAnswer,
    TopItemAnswer,
    TopItemsAnswer,
)
from schemas.report import SummaryFilters, TopFilters
from services import reports


@bp.get("/reports/summary")
@operation(
    "Sum up purchases by day, week or month",
    scope="reports:read",
    query=SummaryFilters,
    gives={200: SummaryAnswer},
)
def summary() -> ResponseReturnValue:
    periods = reports.summary(g.viewer.shop_id, reply.query(SummaryFilters))
    items = [
        PeriodAnswer(
            period=period.label,
            first_day=period.first,
            last_day=period.last,
            purchases=period.purchases,
            quantity=period.quantity,
            amounts=MoneyAnswer.all_of(period.amounts),
        )
        for period in periods
    ]
    return reply.reply(SummaryAnswer(items=items))


@bp.get("/reports/new-and-returning")
@operation(
    "Count new and returning customers by day, week or month",
    scope="reports:read",
    query=SummaryFilters,
    gives={200: NewAndReturningAnswer},
)
def new_and_returning() -> ResponseReturnValue:
    items = [
        NewcomersAnswer(
            period=period.label,
            first_day=period.first,
            last_day=period.last,
            new=period.new,
            returning=period.returning,
        )
        for period in reports.new_and_returning(g.viewer.shop_id, reply.query(SummaryFilters))
    ]
    return reply.reply(NewAndReturningAnswer(items=items))


@bp.get("/reports/top-items")
@operation("List what was bought most", scope="reports:read", query=TopFilters, gives={200: TopItemsAnswer})
def top_items() -> ResponseReturnValue:
    items = [
        TopItemAnswer(
            item=top.item, purchases=top.purchases, quantity=top.quantity, amounts=MoneyAnswer.all_of(top.amounts)
        )
        for top in reports.top_items(g.viewer.shop_id, reply.query(TopFilters))
    ]
    return reply.reply(TopItemsAnswer(items=items))


@bp.get("/reports/top-customers")
@operation("List who bought most", scope="reports:read", query=TopFilters, gives={200: TopCustomersAnswer})
def top_customers() -> ResponseReturnValue:
    items = [
        TopCustomerAnswer(
            customer=BuyerAnswer.of(top.customer),
            purchases=top.purchases,
            quantity=top.quantity,
            amounts=MoneyAnswer.all_of(top.amounts),
        )
        for top in reports.top_customers(g.viewer.shop_id, reply.query(TopFilters))
    ]
    return reply.reply(TopCustomersAnswer(items=items))
