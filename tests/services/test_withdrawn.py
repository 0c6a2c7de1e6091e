"""Customers who only were there by mistake: in nobody's way, and back when they buy."""

import pytest
from sqlalchemy import update

from extensions import db
from models import Customer, clock
from tests.cast import Person


@pytest.fixture
def withdrawn(owner: Person) -> Customer:
    """Tim, who has an address."""
    tim = owner.capture(customer="Tim <typo@example.com>").customer
    with owner.app.app_context():
        db.session.execute(update(Customer).where(Customer.id == tim.id).values(withdrawn_at=clock.utc_now()))
        db.session.commit()
    return tim


def test_who_was_withdrawn_is_in_no_list(owner: Person, withdrawn: Customer) -> None:
    assert owner.api.get("/customers").json["items"] == []
    assert owner.api.get("/customers?name=Tim").json["items"] == []


def test_who_was_withdrawn_is_found_by_their_address_and_is_back(owner: Person, withdrawn: Customer) -> None:
    assert owner.capture(customer="typo@example.com").customer.id == withdrawn.id
    assert [one["name"] for one in owner.api.get("/customers").json["items"]] == ["Tim"]


def test_who_was_withdrawn_is_found_by_their_name_when_nobody_else_is(owner: Person, withdrawn: Customer) -> None:
    assert owner.capture(customer="Tim").customer.id == withdrawn.id


def test_who_was_withdrawn_does_not_make_a_name_ambiguous(owner: Person, withdrawn: Customer) -> None:
    tim = owner.capture(customer="Tim <tim@example.com>").customer
    assert tim.id != withdrawn.id
    assert owner.capture(customer="Tim").customer.id == tim.id


def test_who_was_withdrawn_is_in_no_conflict_and_keeps_their_address(owner: Person, withdrawn: Customer) -> None:
    sue = owner.capture(customer="Sue", phone="+1 212 555 0100").customer
    captured = owner.capture(customer="Sue", phone="+1 212 555 0100", email="typo@example.com")
    assert captured.customer.id == sue.id
    assert {field: one.id for field, one in captured.left_alone.items()} == {"email": withdrawn.id}


def test_who_is_kept_again_is_back(owner: Person, withdrawn: Customer) -> None:
    owner.api.post("/customers", {"email": "typo@example.com"})
    assert [one["name"] for one in owner.api.get("/customers").json["items"]] == ["Tim"]
