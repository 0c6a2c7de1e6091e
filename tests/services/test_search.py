"""Customers are found by how words begin, whatever the case and the accents, and by the last digits of a phone."""

from datetime import UTC, datetime

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from extensions import db
from models import Customer, CustomerWord
from models.normal import normal_words
from models.words import words_of, words_typed
from schemas.contact import Known
from services import customers
from services.customers import Summary
from tests.cast import Person

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def suggested(person: Person, typed: str) -> list[Summary]:
    with person.app.app_context():
        return customers.suggest(person.shop_id, Known(typed, normal_words(typed)))


def names(person: Person, typed: str) -> list[str]:
    return [customer.shown_name for customer, *_ in suggested(person, typed)]


def set_withdrawn(person: Person, customer: Customer, at: datetime) -> None:
    with person.app.app_context():
        db.session.get_one(Customer, (person.shop_id, customer.id)).withdrawn_at = at
        db.session.commit()


@pytest.fixture
def known(owner: Person) -> Person:
    """A shop of some customers."""
    owner.capture_all(
        [
            {"customer": "Anne-Marie O'Neil <annie.o+shop@example.com>", "phone": "+1 212 555 0100"},
            {"customer": "José García", "phone": "+44 7700 900123"},
            {"customer": "Øystein Łukasz Straße", "reference": "K-7Ä"},
            {"customer": "王小明", "phone": "+39 06 1234 5678"},
            {"customer": "김철수", "reference": "00012"},
            {"customer": "Smith & Co ★", "reference": "2026/0017 B"},
        ]
    )
    return owner


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("anne", "Anne"),
        ("MARIE", "Anne"),
        ("annemarie", "Anne"),
        ("anne marie", "Anne"),
        ("anne-ma", "Anne"),
        ("o'neil an", "Anne"),
        ("oneil", "Anne"),
        ("annie.o+shop@example.com", "Anne"),
        ("annie.o+", "Anne"),
        ("shop", "Anne"),
        ("@EXAMPLE.com", "Anne"),
        ("(212) 555-0100", "Anne"),
        ("+1 212 555", "Anne"),
        ("1 212 555 01", "Anne"),
        ("212-555-0100", "Anne"),
        ("555 0100", "Anne"),
        ("0100", "Anne"),
        ("anne 0100", "Anne"),
        ("jose garcia", "José"),
        ("GARCÍA JOSÉ", "José"),
        ("Jose\u0301", "José"),
        ("07700 900", "José"),
        ("+44 (0) 7700", "José"),
        ("0044 7700 900123", "José"),
        ("900123", "José"),
        ("Anne <annie.o+shop@example.com>", "Anne"),
        ("oystein", "Øystein"),
        ("øyst", "Øystein"),
        ("lukasz strasse", "Øystein"),
        ("k-7", "Øystein"),
        ("K7a", "Øystein"),
        ("7ä", "Øystein"),
        ("王", "王"),
        ("小明", "王"),
        ("06 1234", "王"),
        ("+39 06 1234", "王"),
        ("김철", "김"),
        ("00012", "김"),
        ("smith & co", "Smith"),
        ("★", "Smith"),
        ("2026/0017 B", "Smith"),
        ("2026/0017", "Smith"),
        ("0017", "Smith"),
        ("eil", None),
        ("555", None),
        ("xample.com", None),
        ("anne garcia", None),
        ("annie.o@example.com", None),
        ("_", None),
        ("%", None),
    ],
)
def test_a_customer_is_found_by_how_their_words_begin(known: Person, typed: str, found: str | None) -> None:
    assert [name[: len(found or "")] for name in names(known, typed)] == ([found] if found else [])


def test_who_is_called_so_comes_first_then_who_begins_so_then_the_others_the_latest_first(owner: Person) -> None:
    for customer in ("Bob Tim", "Timothy", "Tim Jones", "Tim", "Sue <tim@example.com>", "Ann Timber"):
        owner.capture(customer=customer)
    assert names(owner, "TIM") == ["Tim", "Sue", "Tim Jones", "Timothy", "Ann Timber", "Bob Tim"]
    assert names(owner, "tim@example.com") == ["Sue"]


def test_of_many_namesakes_the_latest_are_suggested(owner: Person) -> None:
    for number in range(12):
        owner.capture(customer=f"Tim <{number}@example.com>")
    found = [customer.email for customer, *_ in suggested(owner, "tim")]
    assert found == [f"{number}@example.com" for number in range(11, 3, -1)]


def test_suggestions_say_how_much_was_bought_and_when_last(owner: Person) -> None:
    for day in ("2026-11-02", "2026-10-30"):
        captured = owner.capture(customer="Tim", purchased_on=day)
    [(_, count, last)] = suggested(owner, "tim")
    assert (count, str(last)) == (2, "2026-11-02")
    for purchase in owner.purchases():
        owner.api.post(f"/purchases/{purchase.public_id}/void")
    owner.capture(customer="Tim", customer_id=captured.customer.public_id, purchased_on="2026-09-01")
    [(_, count, last)] = suggested(owner, "tim")
    assert (count, str(last)) == (1, "2026-09-01")


def test_purchases_are_counted_up_to_a_limit(owner: Person) -> None:
    for _ in range(4):
        tim = owner.capture(customer="Tim").customer
    with owner.app.app_context():
        counts = [customers.summaries([tim], owner.shop_id, most)[0].purchase_count for most in (3, 4, None)]
    assert counts == [3, 4, 4]


def test_of_several_words_all_must_be_there_however_common_they_are(owner: Person) -> None:
    """More have each of the words than are asked for the other."""
    with owner.app.app_context():
        for first, last, count in (("Ann", "Lee", 3), ("Ann", "Day", 30), ("Bob", "Lee", 30)):
            for number in range(count):
                owner.capture(customer=f"{first} {last} <{first}{last}{number}@example.com>")
    assert set(names(owner, "lee ann")) == {"Ann Lee"}
    assert names(owner, "day bob") == []


def test_who_was_renamed_is_found_by_the_new_name_and_by_older_addresses(owner: Person) -> None:
    owner.capture(customer="Tim <old@example.com>", reference="7")
    owner.capture(customer="Tom <new@example.com>", reference="7")
    assert names(owner, "tim") == []
    assert names(owner, "tom") == names(owner, "old@") == names(owner, "new@") == ["Tom"]


def test_what_is_cleared_finds_nobody(owner: Person) -> None:
    customer = owner.capture(customer="Tim <tim@example.com>", phone="212 555 0100").customer
    owner.api.patch(f"/customers/{customer.public_id}", {"email": None, "name": None})
    assert names(owner, "tim") == []
    assert names(owner, "0100") == ["212 555 0100"]


def test_who_was_merged_is_found_as_who_stays_until_that_is_taken_back(owner: Person) -> None:
    tom = owner.capture(customer="Tom <tom@example.com>").customer
    sue = owner.capture(customer="Sue").customer
    merged = owner.api.post(f"/customers/{sue.public_id}/merge", {"from_customer_id": tom.public_id}).json
    assert names(owner, "tom") == names(owner, "sue") == ["Sue"]
    owner.api.post(f"/actions/{merged['action_id']}/undo")
    assert names(owner, "tom") == ["Tom"]
    assert names(owner, "sue") == ["Sue"]


def test_who_was_withdrawn_is_not_suggested_until_they_buy_again(owner: Person) -> None:
    customer = owner.capture(customer="Tim Tom").customer
    set_withdrawn(owner, customer, NOON)
    assert names(owner, "tim") == names(owner, "tim tom") == names(owner, "tom") == []
    owner.capture(customer="Tim Tom")
    assert names(owner, "tom") == ["Tim Tom"]


def test_nobody_finds_a_strangers_customers(owner: Person, stranger: Person) -> None:
    stranger.capture(customer="Tim <tim@example.com>", phone="212 555 0100")
    for typed in ("tim", "tim@example.com", "tim example", "0100"):
        assert names(owner, typed) == []
        assert names(stranger, typed) == ["Tim"]


def test_long_names_and_many_words_are_found_by_what_is_kept_of_them(owner: Person) -> None:
    long, many = "x" * 150, " ".join(first + second for first in "abcdefgh" for second in "stuvwxyz")
    owner.capture(customer=long)
    owner.capture(customer=many)
    assert names(owner, "x" * 100) == names(owner, long) == [long]
    assert names(owner, many) == names(owner, "as at fu") == [many]
    with owner.app.app_context():
        kept = db.session.scalars(select(CustomerWord.word)).all()
    assert max(map(len, kept)) == CustomerWord.LENGTH_MAX
    assert len(kept) == 51


@settings(max_examples=300)
@given(st.text(min_size=1, max_size=20))
def test_whatever_a_name_is_it_finds_itself(text: str) -> None:
    name = normal_words(text)
    assume(name)
    kept = words_of([("name", name)])
    for starts in words_typed(name):
        assert any(word.startswith(start) for word in kept for start in starts), ascii(name)
