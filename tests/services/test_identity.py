"""Who is the same customer: the rules of the domain, one by one."""

from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy import select

from extensions import db
from models import Customer, Identity, public_id
from services.capture import Capture, capture_all
from services.refusals import AmbiguousCustomer, IdentityConflict, UnknownCustomer
from tests.cast import Person, make_person


def identities(person: Person, customer: Customer) -> set[tuple[str, str]]:
    """Kind and normal form of all that the customer is known by."""
    with person.app.app_context():
        found = select(Identity).where(Identity.shop_id == person.shop_id, Identity.customer_id == customer.id)
        return {(identity.kind, identity.value) for identity in db.session.scalars(found)}


def two_tims(owner: Person) -> tuple[Customer, Customer]:
    first = owner.capture(customer="Tim <tim@example.com>").customer
    second = owner.capture(customer="Tim <other@example.com>").customer
    return first, second


def test_the_story_of_tim(owner: Person) -> None:
    for customer in ("Tim", "Tim", "Tim <tim@example.com>", "tim@example.com"):
        owner.capture(customer=customer)
    [tim] = owner.customers()
    assert (tim.name, tim.email) == ("Tim", "tim@example.com")
    assert len(owner.purchases()) == 4

    owner.capture(customer="Tim <other@example.com>")
    assert len(owner.customers()) == 2

    with pytest.raises(AmbiguousCustomer) as asked:
        owner.capture(customer="Tim")
    assert [candidate.email for candidate in asked.value.candidates] == ["tim@example.com", "other@example.com"]
    assert len(owner.purchases()) == 5


# Normal forms


@pytest.mark.parametrize(
    "spelling",
    [
        "tim o'neil",
        "TIM O'NEIL",
        "  Tim \t O'Neil ",
        "Tim\u00a0O'Neil",
        "T\u200bim O'Neil\ufeff",
        "\u200fTim O'Neil\u200e",
        "\u202eTim O'Neil\u202c",
        "T\u00adim O'Neil",
        "Ｔｉｍ O'Neil",
    ],
)
def test_a_name_is_the_same_however_it_is_spaced_and_cased(owner: Person, spelling: str) -> None:
    tim = owner.capture(customer="Tim O'Neil").customer
    again = owner.capture(customer="", name=spelling)
    assert (again.customer.id, again.purchase.matched_on, again.outcome) == (tim.id, "name", "unchanged")
    assert owner.customers()[0].name == "Tim O'Neil"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Zoë", "Zoe\u0308"),
        ("Strauß", "STRAUSS"),
        ("ﬁona", "Fiona"),
        ("Οδυσσεύς", "ΟΔΥΣΣΕΎΣ"),
        ("علي", "\u200fعلي\u200f"),
        ("ｶﾞﾌﾞ", "ガブ"),
    ],
)
def test_a_name_is_the_same_in_every_form_unicode_has_for_it(owner: Person, one: str, other: str) -> None:
    assert owner.capture(customer=one).customer.id == owner.capture(customer=other).customer.id


@pytest.mark.parametrize(("one", "other"), [("Tim", "Tím"), ("Tim", "Tim B"), ("Anne Marie", "Annemarie")])
def test_names_that_differ_by_a_letter_or_a_space_are_two_customers(owner: Person, one: str, other: str) -> None:
    assert owner.capture(customer=one).customer.id != owner.capture(customer=other).customer.id


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("tim@example.com", "TIM@Example.COM"),
        ("tim@example.com", "  tim@example.com "),
        ("zoë@example.com", "ZOE\u0308@example.com"),
        ("tim@bücher.de", "tim@xn--bcher-kva.de"),
        ("tim@bücher.de", "Tim@BÜCHER.de"),
    ],
)
def test_an_address_is_the_same_in_every_spelling(owner: Person, one: str, other: str) -> None:
    first = owner.capture(customer="", email=one)
    second = owner.capture(customer="", email=other)
    assert (second.customer.id, second.purchase.matched_on, second.outcome) == (first.customer.id, "email", "unchanged")
    assert owner.customers()[0].email == one


@pytest.mark.parametrize("other", ["t.im@gmail.com", "tim+shop@gmail.com"])
def test_dots_and_plus_signs_make_another_address(owner: Person, other: str) -> None:
    assert owner.capture(customer="tim@gmail.com").customer.id != owner.capture(customer=other).customer.id


@pytest.mark.parametrize(
    "spelling", ["+1 212 555 0123", "(212) 555-0123", "212.555.0123", "1-212-555-0123", "\u202a+12125550123\u202c"]
)
def test_a_phone_number_is_the_same_with_and_without_its_country(owner: Person, spelling: str) -> None:
    first = owner.capture(customer="", phone="212 555 0123")
    second = owner.capture(customer="", phone=spelling)
    assert (second.customer.id, second.purchase.matched_on, second.outcome) == (first.customer.id, "phone", "unchanged")
    assert owner.customers()[0].phone == "212 555 0123"


def test_a_national_number_is_one_of_the_country_of_the_shop(app: Flask) -> None:
    london = make_person(app, "london@example.com", country="GB", currency="GBP", time_zone="Europe/London")
    first = london.capture(customer="", phone="020 7946 0018")
    assert london.capture(customer="", phone="+44 20 7946 0018").customer.id == first.customer.id


def test_a_customer_number_is_trimmed_and_keeps_its_case(owner: Person) -> None:
    first = owner.capture(customer="", reference="A1")
    assert owner.capture(customer="", reference=" A1 ").customer.id == first.customer.id
    assert owner.capture(customer="", reference="a1").customer.id != first.customer.id


# 1. The caller names the customer


def test_the_picked_customer_is_the_one(owner: Person) -> None:
    first, second = two_tims(owner)
    for tim in (second, first):
        captured = owner.capture(customer="Tim", customer_id=tim.public_id)
        assert (captured.customer.id, captured.purchase.matched_on) == (tim.id, "customer_id")


def test_picking_alone_is_enough(owner: Person) -> None:
    tim = owner.capture(customer="Tim").customer
    captured = owner.capture(customer="", customer_id=tim.public_id)
    assert (captured.customer.id, captured.outcome) == (tim.id, "unchanged")


def test_the_picked_customer_is_updated_by_what_is_given(owner: Person) -> None:
    tim = owner.capture(customer="Tim").customer
    captured = owner.capture(customer="Tim <tim@example.com>", customer_id=tim.public_id)
    assert captured.outcome == "updated"
    assert owner.customers()[0].email == "tim@example.com"
    assert owner.capture(customer="tim@example.com").customer.id == tim.id


def test_new_makes_another_customer_of_the_same_name(owner: Person) -> None:
    tim = owner.capture(customer="Tim").customer
    captured = owner.capture(customer="Tim", customer_id="new")
    assert captured.customer.id != tim.id
    assert (captured.outcome, captured.purchase.matched_on) == ("created", None)
    with pytest.raises(AmbiguousCustomer):
        owner.capture(customer="Tim")


def test_new_leaves_the_only_bearer_of_the_name_without_the_address(owner: Person) -> None:
    owner.capture(customer="Tim")
    owner.capture(customer="Tim <tim@example.com>", customer_id="new")
    assert [tim.email for tim in owner.customers()] == [None, "tim@example.com"]


def test_new_with_the_address_of_somebody_known_is_a_conflict(owner: Person) -> None:
    tim = owner.capture(customer="Tim <tim@example.com>").customer
    with pytest.raises(IdentityConflict) as asked:
        owner.capture(customer="Tom <tim@example.com>", customer_id="new")
    assert [candidate.id for candidate in asked.value.candidates] == [tim.id]
    assert len(owner.purchases()) == 1


def test_what_is_somebody_elses_is_left_alone_when_a_customer_is_picked(owner: Person) -> None:
    ann = owner.capture(customer="Ann <ann@example.com>").customer
    tim = owner.capture(customer="Tim <tim@example.com>").customer
    captured = owner.capture(
        customer="", name="Timothy", email="ann@example.com", phone="212 555 0123", customer_id=tim.public_id
    )
    assert {field: other.id for field, other in captured.left_alone.items()} == {"email": ann.id}
    assert [change.field for change in captured.changes] == ["name", "phone"]
    assert [(customer.name, customer.email) for customer in owner.customers()] == [
        ("Ann", "ann@example.com"),
        ("Timothy", "tim@example.com"),
    ]
    assert owner.capture(customer="ann@example.com").customer.id == ann.id
    assert captured.purchase.buyer["email"] == "ann@example.com"


def test_an_older_address_of_somebody_else_is_left_alone_too(owner: Person) -> None:
    ann = owner.capture(customer="Ann <old@example.com>").customer
    owner.capture(customer="Ann <new@example.com>", customer_id=ann.public_id)
    tim = owner.capture(customer="Tim").customer
    captured = owner.capture(customer="Tim <old@example.com>", customer_id=tim.public_id)
    assert captured.outcome == "unchanged"
    assert captured.left_alone["email"].id == ann.id
    assert owner.capture(customer="old@example.com").customer.id == ann.id


def test_nothing_is_left_alone_without_a_reason(owner: Person) -> None:
    assert owner.capture(customer="Tim <tim@example.com>").left_alone == {}


def test_the_customer_of_another_shop_is_unknown(owner: Person, stranger: Person) -> None:
    theirs = stranger.capture(customer="Tim").customer
    with pytest.raises(UnknownCustomer):
        owner.capture(customer="Tim", customer_id=theirs.public_id)
    assert owner.customers() == []
    assert len(stranger.purchases()) == 1


def test_a_customer_that_never_was_is_unknown(owner: Person) -> None:
    with pytest.raises(UnknownCustomer):
        owner.capture(customer="Tim", customer_id=public_id.encode(public_id.CUSTOMER, uuid4()))
    assert owner.purchases() == []


def test_each_shop_has_its_own_tim(owner: Person, stranger: Person) -> None:
    everything = {"customer": "", "name": "Tim", "email": "tim@example.com", "phone": "212 555 0123", "reference": "A1"}
    ours, theirs = owner.capture(**everything), stranger.capture(**everything)
    assert (ours.outcome, theirs.outcome) == ("created", "created")
    assert ours.customer.id != theirs.customer.id
    assert len(owner.customers()) == len(stranger.customers()) == 1


# 2. A strong identity matches


@pytest.mark.parametrize(
    ("given", "matched_on"),
    [
        ({"reference": "A1"}, "reference"),
        ({"email": "tim@example.com"}, "email"),
        ({"phone": "212 555 0123"}, "phone"),
        ({"reference": "A1", "email": "tim@example.com", "phone": "212 555 0123"}, "reference"),
        ({"email": "tim@example.com", "phone": "212 555 0123"}, "email"),
        ({"name": "Tim", "phone": "212 555 0123"}, "phone"),
    ],
)
def test_the_strongest_identity_that_is_known_finds_the_customer(
    owner: Person, given: dict[str, str], matched_on: str
) -> None:
    tim = owner.capture(customer="Tim <tim@example.com>", phone="212 555 0123", reference="A1").customer
    owner.capture(customer="Tim <other@example.com>")
    captured = owner.capture(customer="", **given)
    assert (captured.customer.id, captured.purchase.matched_on) == (tim.id, matched_on)
    assert captured.outcome == "unchanged"


def test_a_known_phone_finds_the_customer_whose_address_is_new(owner: Person) -> None:
    tim = owner.capture(customer="Tim (212 555 0123)").customer
    captured = owner.capture(customer="", email="tim@example.com", phone="212 555 0123")
    assert (captured.customer.id, captured.purchase.matched_on, captured.outcome) == (tim.id, "phone", "updated")
    assert owner.capture(customer="tim@example.com").customer.id == tim.id


def test_the_address_counts_more_than_the_name(owner: Person) -> None:
    tim = owner.capture(customer="Tim <tim@example.com>").customer
    ann = owner.capture(customer="Ann").customer
    captured = owner.capture(customer="Ann <tim@example.com>")
    assert captured.customer.id == tim.id
    assert [(change.field, change.before, change.after) for change in captured.changes] == [("name", "Tim", "Ann")]
    assert [(customer.id, customer.name, customer.email) for customer in owner.customers()] == [
        (tim.id, "Ann", "tim@example.com"),
        (ann.id, "Ann", None),
    ]


def test_two_identities_of_two_customers_are_a_conflict(owner: Person) -> None:
    tim = owner.capture(customer="Tim <tim@example.com>").customer
    ann = owner.capture(customer="Ann (212 555 0123)").customer
    with pytest.raises(IdentityConflict) as asked:
        owner.capture(customer="Bob", email="tim@example.com", phone="212 555 0123", reference="B7")
    assert [candidate.id for candidate in asked.value.candidates] == [tim.id, ann.id]
    assert [customer.name for customer in owner.customers()] == ["Tim", "Ann"]
    assert len(owner.purchases()) == 2
    assert owner.capture(customer="", reference="B7").outcome == "created"


def test_the_candidates_of_a_conflict_are_named_once(owner: Person) -> None:
    tim = owner.capture(customer="Tim <tim@example.com>", reference="A1").customer
    ann = owner.capture(customer="Ann (212 555 0123)").customer
    with pytest.raises(IdentityConflict) as asked:
        owner.capture(customer="", email="tim@example.com", phone="212 555 0123", reference="A1")
    assert [candidate.id for candidate in asked.value.candidates] == [tim.id, ann.id]


def test_a_conflict_is_settled_by_picking(owner: Person) -> None:
    owner.capture(customer="Tim <tim@example.com>")
    ann = owner.capture(customer="Ann (212 555 0123)").customer
    captured = owner.capture(customer="", email="tim@example.com", phone="212 555 0123", customer_id=ann.public_id)
    assert captured.customer.id == ann.id
    assert list(captured.left_alone) == ["email"]


# 3. Only a name is given


def test_a_name_alone_finds_the_one_who_bears_it_whatever_else_is_known_of_them(owner: Person) -> None:
    tim = owner.capture(customer="Tim <tim@example.com>").customer
    captured = owner.capture(customer="Tim")
    assert (captured.customer.id, captured.purchase.matched_on, captured.outcome) == (tim.id, "name", "unchanged")


def test_a_name_of_several_asks_and_stores_nothing(owner: Person) -> None:
    first, second = two_tims(owner)
    with pytest.raises(AmbiguousCustomer) as asked:
        owner.capture(customer="tim")
    assert [candidate.id for candidate in asked.value.candidates] == [first.id, second.id]
    assert len(owner.purchases()) == 2


def test_the_candidates_of_a_name_are_asked_the_earliest_first(owner: Person) -> None:
    first = owner.capture(customer="Ann <ann@example.com>").customer
    second = owner.capture(customer="Tim <tim@example.com>").customer
    owner.capture(customer="Tim <ann@example.com>")
    with pytest.raises(AmbiguousCustomer) as asked:
        owner.capture(customer="Tim")
    assert [candidate.id for candidate in asked.value.candidates] == [first.id, second.id]


def test_an_unknown_name_is_a_new_customer(owner: Person) -> None:
    owner.capture(customer="Tim")
    captured = owner.capture(customer="Ann")
    assert (captured.outcome, captured.purchase.matched_on) == ("created", None)
    assert [customer.name for customer in owner.customers()] == ["Tim", "Ann"]


# 4. A strong identity is given but unknown


@pytest.mark.parametrize("given", [{"email": "tim@example.com"}, {"phone": "212 555 0123"}, {"reference": "A1"}])
def test_who_was_only_a_name_is_given_their_first_identity(owner: Person, given: dict[str, str]) -> None:
    tim = owner.capture(customer="Tim").customer
    captured = owner.capture(customer="", name="TIM", **given)
    assert (captured.customer.id, captured.purchase.matched_on, captured.outcome) == (tim.id, "name", "updated")
    assert owner.capture(customer="", **given).customer.id == tim.id
    assert captured.customer.name == "Tim"


@pytest.mark.parametrize("known", [{"email": "tim@example.com"}, {"phone": "212 555 0123"}, {"reference": "A1"}])
@pytest.mark.parametrize("given", [{"email": "new@example.com"}, {"phone": "212 555 0199"}, {"reference": "B2"}])
def test_who_has_an_identity_already_is_another(owner: Person, known: dict[str, str], given: dict[str, str]) -> None:
    first = owner.capture(customer="", name="Tim", **known)
    second = owner.capture(customer="", name="Tim", **given)
    assert second.outcome == "created"
    assert second.customer.id != first.customer.id


def test_an_unknown_address_of_a_name_that_several_bear_is_a_new_customer(owner: Person) -> None:
    owner.capture(customer="Tim")
    owner.capture(customer="Tim", customer_id="new")
    assert owner.capture(customer="Tim <tim@example.com>").outcome == "created"
    assert [tim.email for tim in owner.customers()] == [None, None, "tim@example.com"]


def test_an_unknown_address_without_a_name_is_a_new_customer(owner: Person) -> None:
    owner.capture(customer="Tim")
    captured = owner.capture(customer="tim@example.com")
    assert (captured.outcome, captured.customer.name, captured.customer.shown_name) == (
        "created",
        None,
        "tim@example.com",
    )


def test_a_nameless_customer_is_named_by_a_later_purchase(owner: Person) -> None:
    nameless = owner.capture(customer="tim@example.com").customer
    owner.capture(customer="Tim <tim@example.com>")
    captured = owner.capture(customer="Tim")
    assert captured.customer.id == nameless.id
    assert len(owner.customers()) == 1


# Updating


def test_the_first_purchase_tells_all_that_was_given_as_changes(owner: Person) -> None:
    captured = owner.capture(customer="Tim <tim@example.com>", phone="212 555 0123", reference="A1")
    assert (captured.outcome, captured.purchase.matched_on) == ("created", None)
    assert [(change.field, change.before, change.after) for change in captured.changes] == [
        ("name", None, "Tim"),
        ("email", None, "tim@example.com"),
        ("phone", None, "212 555 0123"),
        ("reference", None, "A1"),
    ]


def test_what_is_given_replaces_what_was_there(owner: Person) -> None:
    tim = owner.capture(customer="Tim <old@example.com>", phone="212 555 0123", reference="A1").customer
    captured = owner.capture(customer="", name="Timothy", email="new@example.com", phone="212 555 0199", reference="A1")
    assert (captured.customer.id, captured.outcome) == (tim.id, "updated")
    assert [(change.field, change.before, change.after) for change in captured.changes] == [
        ("name", "Tim", "Timothy"),
        ("email", "old@example.com", "new@example.com"),
        ("phone", "212 555 0123", "212 555 0199"),
    ]
    [tim] = owner.customers()
    assert (tim.name, tim.email, tim.phone, tim.reference) == ("Timothy", "new@example.com", "212 555 0199", "A1")


@pytest.mark.parametrize("blank", ["", "   ", "\u200b", None])
def test_what_is_blank_changes_nothing(owner: Person, blank: str | None) -> None:
    owner.capture(customer="Tim <tim@example.com>", phone="212 555 0123", reference="A1")
    captured = owner.capture(customer="", name=blank, email="tim@example.com", phone=blank, reference=blank)
    assert (captured.outcome, captured.changes) == ("unchanged", [])
    [tim] = owner.customers()
    assert (tim.name, tim.phone, tim.reference) == ("Tim", "212 555 0123", "A1")


@pytest.mark.parametrize(
    "again",
    [
        {"name": "TIM  O'NEIL"},
        {"email": "TIM@EXAMPLE.COM"},
        {"phone": "+1 (212) 555-0123"},
        {"reference": " A1 "},
    ],
)
def test_another_spelling_is_no_change(owner: Person, again: dict[str, str]) -> None:
    given = {"name": "Tim O'Neil", "email": "tim@example.com", "phone": "212 555 0123", "reference": "A1"}
    before = owner.capture(customer="", **given).customer
    captured = owner.capture(customer="", **(given | again))
    assert (captured.outcome, captured.changes) == ("unchanged", [])
    [after] = owner.customers()
    assert (after.name, after.email, after.phone, after.reference) == tuple(given.values())
    assert after.updated_at == before.updated_at


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"email": "old@example.com"}, {"email": "new@example.com"}),
        ({"phone": "212 555 0123"}, {"phone": "212 555 0199"}),
        ({"reference": "A1"}, {"reference": "B2"}),
    ],
)
def test_what_was_replaced_still_finds_the_customer(owner: Person, old: dict[str, str], new: dict[str, str]) -> None:
    tim = owner.capture(customer="", name="Tim", **old).customer
    owner.capture(customer="", customer_id=tim.public_id, **new)
    assert owner.capture(customer="", **new).customer.id == tim.id
    assert owner.capture(customer="", **old).customer.id == tim.id
    assert len(owner.customers()) == 1


def test_an_older_address_that_is_given_again_is_shown_again(owner: Person) -> None:
    tim = owner.capture(customer="Tim <old@example.com>").customer
    owner.capture(customer="new@example.com", customer_id=tim.public_id)
    captured = owner.capture(customer="old@example.com")
    assert [(change.before, change.after) for change in captured.changes] == [("new@example.com", "old@example.com")]
    assert owner.capture(customer="new@example.com").customer.id == tim.id


def test_a_new_name_gives_up_the_old_one(owner: Person) -> None:
    tim = owner.capture(customer="Tim <tim@example.com>").customer
    owner.capture(customer="Tom <tim@example.com>")
    assert identities(owner, tim) == {("email", "tim@example.com"), ("name", "tom")}
    assert owner.capture(customer="Tom").customer.id == tim.id
    assert owner.capture(customer="Tim").outcome == "created"


def test_a_given_up_name_may_be_taken_back(owner: Person) -> None:
    tim = owner.capture(customer="Tim <tim@example.com>").customer
    owner.capture(customer="Tom <tim@example.com>")
    owner.capture(customer="Tim <tim@example.com>")
    assert owner.capture(customer="Tim").customer.id == tim.id
    assert owner.capture(customer="Tom").outcome == "created"


def test_a_taken_name_may_be_borne_by_another_and_then_asks(owner: Person) -> None:
    tom = owner.capture(customer="Tom").customer
    tim = owner.capture(customer="Tim <tim@example.com>").customer
    owner.capture(customer="Tom <tim@example.com>")
    assert identities(owner, tom) == {("name", "tom")}
    assert identities(owner, tim) == {("email", "tim@example.com")}
    with pytest.raises(AmbiguousCustomer):
        owner.capture(customer="Tom")


def test_the_last_bearer_of_a_name_is_found_when_the_first_is_called_otherwise(owner: Person) -> None:
    first, second = two_tims(owner)
    owner.capture(customer="Tom <tim@example.com>")
    captured = owner.capture(customer="Tim")
    assert captured.customer.id == second.id
    assert owner.capture(customer="Tom").customer.id == first.id


def test_a_batch_keeps_apart_whom_one_by_one_keeps_apart(owner: Person) -> None:
    """Who was known by an address alone and is named in the batch is not only a name."""
    owner.capture(customer="tim@example.com")
    with owner.app.app_context():
        wishes = [
            Capture(owner.details(customer=customer), key)
            for key, customer in enumerate_keys("Tim <tim@example.com>", "Tim <other@example.com>")
        ]
        capture_all(wishes, shop=owner.user.shop, by=owner.user, source="import")
        db.session.commit()
    assert [customer.email for customer in owner.customers()] == ["tim@example.com", "other@example.com"]


def enumerate_keys(*customers: str) -> list[tuple[str, str]]:
    return [(f"key {place}", customer) for place, customer in enumerate(customers)]
