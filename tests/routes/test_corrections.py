"""A purchase on record is looked at, put right and taken back, and all of it can be explained and undone."""

import pytest

from tests.cast import Person
from tests.pages import Page

UNKNOWN = "pur_01h455vb4pex5vsknk084sn02q"


@pytest.fixture(autouse=True)
def today(at) -> None:  # type: ignore[no-untyped-def]
    at("2026-11-21T17:00")


def page_of(person: Person, **flat: str) -> Page:
    """The page of a purchase just recorded."""
    captured = person.capture(**flat)
    return person.browser.get(f"/purchases/{captured.purchase.public_id}")


def facts(page: Page) -> dict[str, str]:
    return {
        row.dt.get_text(" ", strip=True): " ".join(row.dd.get_text(" ", strip=True).split())
        for row in page.soup.select("main dl > div")
    }


def test_the_page_of_a_purchase_says_what_is_known_of_it(owner: Person) -> None:
    page = page_of(
        owner, customer="Tim", item="a book", amount="15.50", quantity="2", note="Blue\ncover", external_id="7"
    )
    assert page.heading == "a book"
    assert facts(page) == {
        "Customer": "Tim New customer",
        "Amount": "$15.50",
        "Quantity": "2",
        "Date": "21 Nov 2026",
        "Note": "Blue cover",
        "Purchase number": "7",
        "Recorded": "21 Nov 2026, 12:00, on a page, by owner@example.com",
    }
    assert facts(page_of(owner, customer="Tim", item="a pen"))["Customer"] == "Tim Found by the name"


def test_it_is_found_from_the_lists(owner: Person) -> None:
    captured = owner.capture(item="a book")
    for path in ("/purchases", "/purchases/new", f"/customers/{captured.customer.public_id}"):
        assert owner.browser.get(path).link("a book") == f"/purchases/{captured.purchase.public_id}"


def test_what_was_just_recorded_is_undone_by_one_button(owner: Person) -> None:
    page = owner.browser.get("/purchases/new").submit(customer="Tim", item="a book")
    page = page.submit(".undo")
    assert page.message == "Taken back: Tim, a book. It stays on record as void."
    assert page.path == "/purchases/new"
    [purchase] = owner.purchases()
    assert purchase.voided_at is not None


def test_undo_goes_back_to_the_kept_day(owner: Person) -> None:
    page = owner.browser.get("/purchases/new").submit(customer="Tim", item="a book", purchased_on="2026-11-02")
    assert page.submit(".undo").value_of("purchased_on") == "2026-11-02"


def test_a_void_purchase_says_so_and_counts_again(owner: Person) -> None:
    page = page_of(owner).submit(".actions form")
    assert "Void." in page.soup.get_text(" ", strip=True)
    assert [row[1:4] for row in page.rows("History")] == [["Status", "recorded", "void"]]
    page = page.submit(".actions form")
    assert page.message == "Counts again: Tim, a book."
    assert owner.browser.get("/purchases").link("a book")


def test_the_edit_page_shows_what_is_there_and_changes_it(owner: Person) -> None:
    page = page_of(owner, amount="15.50", note="Blue")
    form = owner.browser.get(page.link("Edit"))
    assert form.heading == "Edit a book"
    values = {name: form.value_of(name) for name in ("item", "amount", "quantity", "purchased_on", "note")}
    assert values == {
        "item": "a book",
        "amount": "15.50",
        "quantity": "1",
        "purchased_on": "2026-11-21",
        "note": "Blue",
    }
    page = form.submit(item="a pen", amount="", quantity="1,000", purchased_on="yesterday", note="Red")
    assert page.message == "Changed: Tim, 1,000 × a pen."
    assert [facts(page)[name] for name in ("Amount", "Quantity", "Date", "Note")] == [
        "Not given",
        "1,000",
        "20 Nov 2026",
        "Red",
    ]
    assert sorted(row[1:4] for row in page.rows("History")) == [
        ["Amount", "15.50 USD", ""],
        ["Date", "2026-11-21", "2026-11-20"],
        ["Item", "a book", "a pen"],
        ["Note", "Blue", "Red"],
        ["Quantity", "1", "1000"],
    ]


def test_another_currency_stays_what_it_is(owner: Person) -> None:
    form = owner.browser.get(page_of(owner, amount="15.50 EUR").link("Edit"))
    assert form.value_of("amount") == "15.50 EUR"
    assert form.submit().message == "Nothing was different, so nothing was changed."
    assert [(one.amount_minor, one.currency) for one in owner.purchases()] == [(1550, "EUR")]


def test_the_day_recorded_stays_when_the_date_is_put_right(owner: Person, at) -> None:  # type: ignore[no-untyped-def]
    page = page_of(owner)
    at("2026-11-21T22:00")
    page = owner.browser.get(page.link("Edit")).submit(purchased_on="2026-11-20")
    assert (facts(page)["Date"], facts(page)["Recorded"][:18]) == ("20 Nov 2026", "21 Nov 2026, 12:00")


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("item", "", "Enter what was bought"),
        ("amount", "15,50", "“15,50” can be read in two ways. Write it with a point, like 15.50"),
        ("quantity", "0", "Quantity must be a whole number from 1 to 1,000,000"),
        ("purchased_on", "2026-11-30", "Purchase date must be today or in the past"),
        ("note", "x" * 2001, "Note must be 2,000 characters or fewer"),
    ],
)
def test_what_is_wrong_is_said_beside_the_field_and_nothing_is_changed(
    owner: Person, field: str, value: str, words: str
) -> None:
    form = owner.browser.get(page_of(owner).link("Edit"))
    again = form.submit(status=422, **{"note": "Blue", field: value})
    assert again.error_at(field) == f"Error: {words}"
    assert again.value_of(field) == value
    assert [one.note for one in owner.purchases()] == [None]


def test_an_edit_is_taken_back_as_a_whole(owner: Person) -> None:
    page = owner.browser.get(page_of(owner, amount="3").link("Edit")).submit(item="a pen", amount="5")
    page = page.submit("tbody form")
    assert page.message == "Taken back. The history tells what it was."
    assert (page.heading, facts(page)["Amount"]) == ("a book", "$3.00")
    assert len([row for row in page.rows("History") if row[-1] == "Taken back"]) == 2
    assert page.soup.select("tbody form") == []


def test_what_something_later_stands_on_is_not_taken_back(owner: Person) -> None:
    first = owner.browser.get(page_of(owner).link("Edit")).submit(item="a pen")
    owner.browser.get(first.link("Edit")).submit(item="a lamp")
    page = first.submit("tbody form")
    assert page.message == "This was changed again since. Edit it instead. Nothing was changed."
    assert page.heading == "a lamp"


def test_a_merge_over_the_api_is_taken_back_on_the_page(owner: Person) -> None:
    tom, sue = owner.capture(customer="Tom").customer, owner.capture(customer="Sue").customer
    owner.api.post(f"/customers/{sue.public_id}/merge", {"from_customer_id": tom.public_id})
    page = owner.browser.get(f"/customers/{sue.public_id}").submit("tbody form")
    assert page.message == "Taken back. The history tells what it was."
    assert owner.browser.get(f"/customers/{tom.public_id}").soup.select("main > .message") == []


@pytest.mark.parametrize("back", ["https://example.com/", "//example.com", "/\\example.com", "x"])
def test_nobody_is_led_elsewhere_afterwards(owner: Person, back: str) -> None:
    page = owner.browser.get("/purchases/new").submit(customer="Tim", item="a book")
    assert page.submit(".undo", back=back).path.startswith("/purchases/pur_")


def test_a_purchase_of_another_shop_is_as_missing_as_one_that_never_was(owner: Person, stranger: Person) -> None:
    theirs = stranger.capture().purchase.public_id
    token = owner.browser.get("/account").fields("header form")
    for name in (theirs, UNKNOWN):
        for path in (f"/purchases/{name}", f"/purchases/{name}/edit"):
            assert owner.browser.get(path, 404).heading == "Page not found"
        for path in (f"/purchases/{name}/edit", f"/purchases/{name}/void", f"/purchases/{name}/restore"):
            owner.browser.post(path, token, 404)
    owner.browser.post("/actions/act_01h455vb4pex5vsknk084sn02q/undo", token, 404)
    assert [one.voided_at for one in stranger.purchases()] == [None]
