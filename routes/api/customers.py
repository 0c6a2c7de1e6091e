"""Customers: kept up to date, looked up, merged and taken apart."""

from uuid import UUID

from flask import abort, g, request, url_for
from flask.typing import ResponseReturnValue

from extensions import db
from models import Customer
from routes.api import reply
from routes.api.room import bp, operation
from schemas.answers import (
    CustomerAnswer,
    CustomerPage,
    DoneAnswer,
    HistoryEntry,
    HistoryPage,
    KeptCustomerAnswer,
    PurchaseAnswer,
    PurchasePage,
)
from schemas.bodies import CustomerBody, CustomerEdit, MergeBody, SplitBody
from schemas.filters import CustomerQuery, PageQuery
from services import customers, editing, history, merging, purchases


@bp.post("/customers")
@operation(
    "Keep a customer: find or create them, and update what is given",
    scope="customers:write",
    takes=(CustomerBody,),
    gives={201: KeptCustomerAnswer, 200: KeptCustomerAnswer},
    refuses=("customer-ambiguous", "identity-conflict", "precondition-failed"),
    headers=("If-None-Match",),
)
def keep_customer() -> ResponseReturnValue:
    only_new = "If-None-Match" in request.headers and request.if_none_match.star_tag
    body = reply.body(CustomerBody)
    kept = editing.keep_customer(body, shop=g.viewer.shop, by=g.token, only_new=only_new)
    answer = KeptCustomerAnswer.of_kept(kept.customer, kept.outcome, kept.matched_on, kept.changes)
    db.session.commit()
    if kept.outcome != "created":
        return reply.reply(answer)
    return reply.reply(answer, 201, {"Location": url_for(".show_customer", id=kept.customer.id)})


@bp.get("/customers")
@operation(
    "List customers",
    scope="customers:read",
    query=CustomerQuery,
    gives={200: CustomerPage},
    refuses=("bad-cursor",),
)
def list_customers() -> ResponseReturnValue:
    asked = reply.query(CustomerQuery)
    found = customers.list_customers(g.viewer.shop_id, asked, reply.position(asked), asked.limit)
    return reply.page(found, CustomerPage, [CustomerAnswer.of(customer) for customer in found.rows])


@bp.get("/customers/<customer_id:id>")
@operation(
    "Show a customer; one that was merged names whom they were merged into",
    scope="customers:read",
    gives={200: CustomerAnswer},
    headers=("If-None-Match",),
)
def show_customer(id: UUID) -> ResponseReturnValue:
    return reply.single(CustomerAnswer.of(_get(id)))


@bp.patch("/customers/<customer_id:id>")
@operation(
    "Change a customer",
    scope="customers:write",
    takes=(CustomerEdit,),
    gives={200: CustomerAnswer},
    refuses=("identity-conflict", "customer-merged", "precondition-failed"),
    headers=("If-Match",),
)
def edit_customer(id: UUID) -> ResponseReturnValue:
    edit = reply.body(CustomerEdit)
    _get(id)
    edited = editing.edit_customer(id, edit, shop=g.viewer.shop, by=g.token, check=_is_as_seen)
    answer = CustomerAnswer.of(edited.customer)
    db.session.commit()
    return reply.single(answer)


@bp.get("/customers/<customer_id:id>/purchases")
@operation(
    "List what a customer bought",
    scope="purchases:read",
    query=PageQuery,
    gives={200: PurchasePage},
    refuses=("bad-cursor",),
)
def list_purchases_of_customer(id: UUID) -> ResponseReturnValue:
    asked = reply.query(PageQuery)
    customer = _get(customers.who_stays(g.viewer.shop_id, id) or id)
    found = purchases.list_of_customer(customer, reply.position(asked), asked.limit)
    return reply.page(found, PurchasePage, [PurchaseAnswer.of(purchase, customer) for purchase in found.rows])


@bp.get("/customers/<customer_id:id>/history")
@operation(
    "List what changed on a customer",
    scope="customers:read",
    query=PageQuery,
    gives={200: HistoryPage},
    refuses=("bad-cursor",),
)
def list_history(id: UUID) -> ResponseReturnValue:
    asked = reply.query(PageQuery)
    found = history.of_customer(_get(id), reply.position(asked), asked.limit)
    return reply.page(found, HistoryPage, [HistoryEntry.of(event.change, event.user) for event in found.rows])


@bp.post("/customers/<customer_id:id>/merge")
@operation(
    "Merge another customer into this one",
    scope="customers:write",
    takes=(MergeBody,),
    gives={200: DoneAnswer},
    refuses=("cannot-merge",),
)
def merge(id: UUID) -> ResponseReturnValue:
    from_id = reply.body(MergeBody).from_customer_id
    _get(id)
    merged = merging.merge(from_id, id, shop=g.viewer.shop, by=g.token)
    answer = DoneAnswer.of(merged.action, merged.customer)
    db.session.commit()
    return reply.reply(answer)


@bp.post("/customers/<customer_id:id>/split")
@operation(
    "Move purchases of this customer to another, or to a new one",
    scope="customers:write",
    takes=(SplitBody,),
    gives={200: DoneAnswer},
    refuses=("identity-conflict", "cannot-merge"),
)
def split(id: UUID) -> ResponseReturnValue:
    body = reply.body(SplitBody)
    _get(id)
    done = merging.split(body.purchase_ids, of=id, to=body.to, shop=g.viewer.shop, by=g.token)
    answer = DoneAnswer.of(done.action, done.customer)
    db.session.commit()
    return reply.reply(answer)


def _is_as_seen(customer: Customer) -> None:
    reply.check_condition(CustomerAnswer.of(customer))


def _get(id: UUID) -> Customer:
    """The shop's own customer; a foreign one is as missing as one that never was."""
    return customers.find(g.viewer.shop_id, id) or abort(404)
