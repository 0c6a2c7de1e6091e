"""What may be captured. Money, days and contacts have tests of their own."""

import time
from contextlib import suppress
from datetime import date
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models import public_id
from schemas.money import Money
from schemas.problems import Problem, Refused, ShopRules, judge
from schemas.purchase import FLAT_FIELDS, PurchaseDetails, flat_field, nested
from tests.cast import purchase_values

RULES = ShopRules("USD", "US", date(2026, 11, 21))
CUSTOMER = UUID("01890a5d-ac96-774b-bcce-b302099a8057")
NOBODY = "Enter who bought it: a name, an e-mail address or a phone number"
NOT_A_QUANTITY = "Quantity must be a whole number from 1 to 1,000,000"
NASTY = [
    *(" ", "(1", "<", ">", "'", "1", "9", "0", ",", "1,", "1 ", "1'", ".", "1.", "-", "−", "+", "$", "$1", "x", "X "),
    *("@", "a@", "a.", "<a@b.co>", "Tim <", "Tim (", "((", "))", "(1)", "(+1 ", "1/", "1-", "20 nov ", "nov "),
    *("\n", "\r\n", "\t", "\u00a0", "\u200b", "\u200d", "\u202f", "\u2028", "é", "ß", "ﬃ", "İ", "\u1100\u1161"),
    *("e\u0301", "\u0301", "\u0323\u0301", "\u0301\u0323", "\U0001d15e", "👩\u200d", "\x00", "\ufffd", "\ud800"),
    *('"', "\\", ";", "ext ", "tel:", "x1", "#", "%00", "&amp;", "=", "{", "[["),
]


def details(**changes: Any) -> PurchaseDetails:
    return judge(PurchaseDetails, nested(purchase_values(**changes)), RULES)


def problems(**changes: Any) -> list[tuple[str, str, str]]:
    with pytest.raises(Refused) as refused:
        details(**changes)
    return [(problem.field, problem.code, problem.message) for problem in refused.value.problems]


def test_the_least_that_can_be_captured() -> None:
    found = details()
    assert (found.item, found.quantity, found.paid, found.note, found.external_id) == ("a book", 1, None, None, None)
    assert found.purchased_on.on == RULES.today
    assert found.given == {"name": ("Tim", "tim")}


@pytest.mark.parametrize("blank", [None, "", " ", "\t", "\u00a0"])
def test_blank_is_the_same_as_left_out(blank: str | None) -> None:
    blanks = {field: blank for field in FLAT_FIELDS if field not in ("customer", "item")}
    assert details(**blanks) == details()
    assert details(**blanks).content_hash() == details().content_hash()


@pytest.mark.parametrize(
    ("typed", "quantity"),
    [
        *(("1", 1), ("2", 2), (" 12 ", 12), ("007", 7), ("1000000", 1_000_000), ("1,000,000", 1_000_000)),
        *(("1,000", 1000), (3, 3), (1_000_000, 1_000_000), ("00000000000000000005", 5), ("", 1), (None, 1)),
    ],
)
def test_quantities(typed: object, quantity: int) -> None:
    assert details(quantity=typed).quantity == quantity


@pytest.mark.parametrize(
    "typed",
    [
        *("0", "-1", "+1", "1.0", "1.5", "1,5", "10,00", "1,00,000", "1 000", "1000001", "1,000,001", "9" * 5000),
        *("two", "2 pcs", "x2", "1e3", "0x2", "1_000", "²", "٣", "２", "½", "-", ",", "1\x00", "\ud800", "NaN", "inf"),
        *(0, -1, 1_000_001, 10**5000, 1.0, 1.5, float("nan"), float("inf"), True, False, ["2"], {"n": 2}, b"2"),
    ],
    ids=lambda value: str(type(value)),
)
def test_what_is_no_quantity_is_refused(typed: object) -> None:
    assert problems(quantity=typed) == [("quantity", "not_whole_number", NOT_A_QUANTITY)]


def test_the_price_of_one_is_multiplied() -> None:
    assert details(unit_price="0.10", quantity="3").paid == Money(30, "USD")
    assert details(unit_price="¥1,500", currency="JPY", quantity="2").paid == Money(3000, "JPY")
    assert details(amount="0.30", quantity="3").paid == Money(30, "USD")


def test_nothing_paid_is_an_amount() -> None:
    assert details(amount="0").paid == Money(0, "USD")
    assert details(unit_price="0.00", quantity="3").paid == Money(0, "USD")


@pytest.mark.parametrize("typed", ["EUR", "eur", " Eur "])
def test_a_currency_is_a_code_whatever_its_case(typed: str) -> None:
    assert details(currency=typed, amount="5").paid == Money(500, "EUR")


@pytest.mark.parametrize(
    ("changes", "field", "code", "message"),
    [
        ({"item": ""}, "item", "blank", "Enter what was bought"),
        ({"item": None}, "item", "blank", "Enter what was bought"),
        ({"item": " \u200b\n"}, "item", "blank", "Enter what was bought"),
        ({"item": "x" * 201}, "item", "too_long", "Item must be 200 characters or fewer"),
        ({"item": "ﷺ" * 200}, "item", "too_long", "Item must be 200 characters or fewer"),
        ({"item": "a\x00book"}, "item", "control_character", "Item has a control character. Type it again"),
        (
            {"item": "a\ud800book"},
            "item",
            "unreadable_character",
            "Item has a character that could not be read. Type it again",
        ),
        ({"item": 5}, "item", "not_text", "Item must be text"),
        ({"note": "x" * 2001}, "note", "too_long", "Note must be 2,000 characters or fewer"),
        ({"note": ["x"]}, "note", "not_text", "Note must be text"),
        ({"external_id": "x" * 101}, "external_id", "too_long", "Purchase number must be 100 characters or fewer"),
        (
            {"external_id": "a\u200bb"},
            "external_id",
            "invisible_character",
            "Purchase number has an invisible character. Type it again",
        ),
        ({"external_id": 7}, "external_id", "not_text", "Purchase number must be text"),
        ({"currency": "euro"}, "currency", "unknown_currency", "Currency must be a code of three letters, like USD"),
        ({"currency": "€"}, "currency", "unknown_currency", "Currency must be a code of three letters, like USD"),
        ({"currency": "XXX"}, "currency", "unknown_currency", "Currency must be a code of three letters, like USD"),
        ({"currency": "DEM"}, "currency", "unknown_currency", "Currency must be a code of three letters, like USD"),
        ({"currency": 840}, "currency", "not_text", "Currency must be text"),
        ({"unit_price": "abc"}, "unit_price", "not_an_amount", "Price of one must be a number, like 15.50"),
        ({"unit_price": "-1"}, "unit_price", "negative", "Price of one must be 0 or more"),
        ({"unit_price": 5}, "unit_price", "not_text", "Price of one must be text, like 15.50"),
        (
            {"unit_price": "1.005"},
            "unit_price",
            "too_many_decimals",
            "Price of one must have at most 2 decimals, because it is in USD",
        ),
        (
            {"unit_price": "9,999,999,999.99", "quantity": "2"},
            "unit_price",
            "too_large",
            "Amount must be at most 9,999,999,999.99 USD",
        ),
        (
            {"amount": "10", "unit_price": "5", "quantity": "2"},
            "unit_price",
            "amount_twice",
            "Give the amount or the price of one, not both",
        ),
        (
            {"amount": "0", "unit_price": "0"},
            "unit_price",
            "amount_twice",
            "Give the amount or the price of one, not both",
        ),
        ({"customer": ""}, "customer", "no_customer", NOBODY),
        ({"customer": " \u200b "}, "customer", "no_customer", NOBODY),
        (
            {"name": "Tom"},
            "customer",
            "given_twice",
            "Give the name once, in the line of the customer or in its own field",
        ),
        (
            {"customer": "Tim <tim@example.com>", "email": "tim@example.com"},
            "customer",
            "given_twice",
            "Give the e-mail address once, in the line of the customer or in its own field",
        ),
        (
            {"customer": "Tim (+1 212 555 0123)", "phone": "+1 212 555 0123"},
            "customer",
            "given_twice",
            "Give the phone number once, in the line of the customer or in its own field",
        ),
        ({"colour": "red"}, "colour", "unknown_field", "“colour” is not a field here. Leave it out"),
        ({"shop_id": "7"}, "shop_id", "unknown_field", "“shop_id” is not a field here. Leave it out"),
    ],
)
def test_what_is_refused(changes: dict[str, Any], field: str, code: str, message: str) -> None:
    assert problems(**changes) == [(field, code, message)]


def test_everything_that_is_wrong_is_told_at_once() -> None:
    wrong = {"customer": "...", "item": "", "quantity": "0", "amount": "abc", "purchased_on": "tomorrow"}
    assert [field for field, _, _ in problems(**wrong)] == ["name", "item", "quantity", "amount", "purchased_on"]


def test_the_fields_of_a_customer_and_the_line_add_up() -> None:
    found = details(customer="Tim <tim@example.com>", phone="+1 212 555 0123", reference="7")
    assert {field: known.normal for field, known in found.given.items()} == {
        "name": "tim",
        "email": "tim@example.com",
        "phone": "+12125550123",
        "reference": "7",
    }
    assert found == details(customer="", name="Tim", email="tim@example.com", phone="+1 212 555 0123", reference="7")


def test_a_problem_in_the_line_is_told_at_the_line() -> None:
    flat = purchase_values(customer="Tim <nonsense>")
    with pytest.raises(Refused) as refused:
        judge(PurchaseDetails, nested(flat), RULES)
    [problem] = refused.value.problems
    assert problem.path == ("customer", "email")
    assert flat_field(problem, flat) == "customer"
    assert flat_field(problem, {"email": "nonsense"}) == "email"
    assert flat_field(Problem(("item",), "blank", ""), flat) == "item"


def chosen(customer_id: object, customer: object = None) -> PurchaseDetails:
    return judge(PurchaseDetails, {"item": "a book", "customer_id": customer_id, "customer": customer}, RULES)


def test_a_customer_who_is_picked_needs_no_name() -> None:
    assert chosen(public_id.encode(public_id.CUSTOMER, CUSTOMER)).customer_id == CUSTOMER


@pytest.mark.parametrize("blank", [{}, {"name": None}, {"name": ""}, {"line": " "}, {"email": " ", "phone": "\u200b"}])
def test_a_customer_who_is_picked_may_have_blanks_beside(blank: dict[str, str | None]) -> None:
    found = chosen(public_id.encode(public_id.CUSTOMER, CUSTOMER), blank)
    assert (found.customer_id, found.given) == (CUSTOMER, {})


def test_a_new_customer_needs_one() -> None:
    assert chosen("new", {"name": "Tim"}).customer_id == "new"
    with pytest.raises(Refused) as refused:
        chosen("new")
    assert refused.value.problems == [Problem(("customer",), "no_customer", NOBODY)]


@pytest.mark.parametrize(
    "value",
    [
        *("Tim", "cus_", "cus_0", public_id.encode(public_id.PURCHASE, CUSTOMER), str(CUSTOMER), "NEW", " ", "\x00"),
        *(public_id.encode(public_id.CUSTOMER, CUSTOMER).upper(), 5, 0, True, False, 1.5, [], {}, [None], "\ud800"),
    ],
    ids=str,
)
def test_a_customer_id_that_is_none_is_refused(value: object) -> None:
    with pytest.raises(Refused) as refused:
        chosen(value, {"name": "Tim"})
    [problem] = refused.value.problems
    assert problem == Problem(("customer_id",), "unknown_customer", "Choose one of the customers that are shown")


@pytest.mark.parametrize("value", ["Tim", 5, True, []])
def test_a_customer_of_the_wrong_shape_is_refused_in_our_words(value: object) -> None:
    with pytest.raises(Refused) as refused:
        chosen(None, value)
    [problem] = refused.value.problems
    assert problem.path == ("customer",)
    assert "Buyer" not in problem.message
    assert "valid" not in problem.message


@pytest.mark.parametrize("value", [5, True, ["Tim"], {"name": "Tim"}, b"Tim"])
def test_a_line_of_a_customer_that_is_no_text_is_refused(value: object) -> None:
    with pytest.raises(Refused):
        chosen(None, {"line": value})


@pytest.mark.parametrize("value", [None, [], "Tim", 5])
def test_what_is_no_object_at_all_is_refused_in_our_words(value: Any) -> None:
    with pytest.raises(Refused) as refused:
        judge(PurchaseDetails, value, RULES)
    assert "PurchaseDetails" not in str(refused.value)


@pytest.mark.parametrize(
    "same",
    [
        {"amount": "$10.00"},
        {"amount": "10 USD"},
        {"amount": "", "unit_price": "5"},
        {"item": "  a\tbook "},
        {"quantity": "002"},
        {"purchased_on": "20 Nov 2026"},
        {"currency": "USD"},
        {"note": " "},
    ],
)
def test_a_retry_has_the_same_hash_however_it_is_written(same: dict[str, str]) -> None:
    asked = {"amount": "10", "quantity": "2", "purchased_on": "2026-11-20"}
    assert details(**asked).content_hash() == details(**(asked | same)).content_hash()


@pytest.mark.parametrize(
    "other",
    [
        {"amount": "10.01"},
        {"amount": "10 EUR"},
        {"amount": ""},
        {"item": "a Book"},
        {"quantity": "3"},
        {"purchased_on": "2026-11-19"},
        {"note": "x"},
        {"external_id": "1"},
        {"customer": "Tom"},
        {"customer": "tim"},
        {"customer": "Tim <tim@example.com>"},
        {"reference": "1"},
    ],
)
def test_other_content_has_another_hash(other: dict[str, str]) -> None:
    asked = {"amount": "10", "quantity": "2", "purchased_on": "2026-11-20"}
    assert details(**asked).content_hash() != details(**(asked | other)).content_hash()


ANY_TEXT = st.text(st.characters(), max_size=40) | st.text(st.sampled_from("".join(NASTY)), max_size=40)
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=4,
)


@settings(max_examples=300)
@given(st.dictionaries(st.sampled_from(FLAT_FIELDS), ANY_TEXT))
def test_no_text_raises_anything_but_a_refusal(flat: dict[str, str]) -> None:
    try:
        found = details(**flat)
    except Refused as refused:
        told = refused.problems
    else:
        told = []
        assert len(found.content_hash()) == 32
        "".join(known.shown + known.normal for known in found.given.values()).encode()
    assert all(problem.code and problem.message for problem in told)
    assert all(flat_field(problem, flat) in (*FLAT_FIELDS, "customer") for problem in told)


@settings(max_examples=300)
@given(
    st.dictionaries(st.sampled_from(list(PurchaseDetails.model_fields)), ANY_JSON),
    st.dictionaries(st.sampled_from(["name", "email", "phone", "reference"]), ANY_JSON),
)
def test_no_json_raises_anything_but_a_refusal(fields: dict[str, Any], buyer: dict[str, Any]) -> None:
    try:
        judge(PurchaseDetails, {"item": "a book", "customer": buyer} | fields, RULES)
    except Refused as refused:
        told = refused.problems
    else:
        told = []
    assert all(problem.code and problem.message for problem in told)


@pytest.mark.parametrize("piece", NASTY, ids=ascii)
def test_judging_is_quick(piece: str) -> None:
    """64,000 characters are what a form may bring."""
    long = (piece * 64_000)[:64_000]
    for field in FLAT_FIELDS:
        for text in (long, "1" + long + "x", "Tim " + long + ">"):
            began = time.perf_counter()
            with suppress(Refused):
                details(**{field: text})
            assert time.perf_counter() - began < 1, field
