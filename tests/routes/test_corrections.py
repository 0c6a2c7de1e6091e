"""A purchase on record is looked at, put right and taken back, and all of it can be explained and undone."""

import pytest

from tests.cast import Person, make_colleague
from tests.pages import Page, text_of

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
        "Customer": "Tim New customer Not this customer?",
        "Amount": "$15.50",
        "Quantity": "2",
        "Date": "21 Nov 2026",
        "Note": "Blue cover",
        "Purchase number": "7",
        "Recorded": "21 Nov 2026, 12:00, on a page, by owner@example.com",
    }
    assert facts(page_of(owner, customer="Tim", item="a pen"))["Customer"] == "Tim Found by the name Not this customer?"


def test_it_is_found_from_the_lists(owner: Person) -> None:
    captured = owner.capture(item="a book")
    for path in ("/purchases", "/purchases/new", f"/customers/{captured.customer.public_id}"):
        assert owner.browser.get(path).link("a book") == f"/purchases/{captured.purchase.public_id}"


def test_what_was_just_recorded_is_undone_by_one_button(owner: Person) -> None:
    page = owner.browser.get("/purchases/new").submit(customer="Tim", item="a book")
    page = page.submit(".undo")
    taken_back = "Taken back: Tim, a book. It stays on record as void."
    assert page.message == f"{taken_back} Tim bought nothing else, and is in no list until they buy again."
    assert page.path == "/purchases/new"
    [purchase] = owner.purchases()
    assert purchase.voided_at is not None
    assert "Nobody is known yet" in owner.browser.get("/customers").soup.get_text()


def test_undo_takes_back_what_the_recording_changed_on_the_customer(owner: Person) -> None:
    tim = owner.capture(customer="Tim").customer
    page = owner.browser.get("/purchases/new").submit(customer="Tim <typo@example.com>", item="a book")
    assert page.submit(".undo").message == "Taken back: Tim, a book. It stays on record as void."
    page = owner.browser.get(f"/customers/{tim.public_id}")
    assert [row[1:4] for row in page.rows("History")] == [
        ["E-mail address", "typo@example.com", ""],
        ["Found by", "email:typo@example.com", ""],
        ["E-mail address", "", "typo@example.com"],
        ["Name", "", "Tim"],
    ]
    assert owner.capture(customer="typo@example.com").outcome == "created"


def test_who_restores_a_purchase_is_told_that_its_update_stays_taken_back(owner: Person) -> None:
    owner.capture(customer="Tim")
    owner.browser.get("/purchases/new").submit(customer="Tim <typo@example.com>", item="a pen").submit(".undo")
    page = owner.browser.get(f"/purchases/{owner.purchases()[-1].public_id}").submit(".actions form")
    assert page.message == "Counts again: Tim, a pen. What it had changed on Tim stays taken back."


def test_a_customer_is_back_with_the_purchase_that_counts_again(owner: Person) -> None:
    page = page_of(owner, customer="Tim").submit(".actions form")
    customer = owner.browser.get(page.link("Tim"))
    assert "Withdrawn. Since" in customer.soup.get_text(" ", strip=True)
    assert customer.rows("History")[0][1:4] == ["Status", "listed", "withdrawn"]
    page.submit(".actions form")
    assert owner.browser.get("/customers").link("Tim")


def test_what_recording_changed_on_a_customer_is_taken_back_on_their_page_once(owner: Person) -> None:
    owner.capture(customer="Tim")
    customer = owner.capture(customer="Tim <typo@example.com>").customer
    page = owner.browser.get(f"/customers/{customer.public_id}").submit("tbody form")
    assert page.message == "Taken back. The history tells what it was."
    assert [row[-1] for row in page.rows("History")] == ["", "", "Taken back", ""]
    assert page.soup.select("tbody form") == []


def test_a_purchase_of_the_wrong_customer_is_moved_to_a_namesake_and_back(owner: Person) -> None:
    tim = owner.capture(customer="Tim <tim@example.com>").customer
    other = owner.capture(customer="Tim <other@example.com>").customer
    page = page_of(owner, customer="tim@example.com", item="a lamp")
    form = owner.browser.get(page.link("Not this customer?"))
    assert form.heading == "Who bought a lamp?"
    page = form.submit("form.move", customer_id=other.public_id)
    assert page.message == "Moved from Tim (tim@example.com) to Tim (other@example.com): a lamp."
    assert page.link("Tim") == f"/customers/{other.public_id}"
    assert facts(page)["Customer"] == "Tim Moved by hand Not this customer?"
    page = page.submit(".undo")
    assert page.link("Tim") == f"/customers/{tim.public_id}"
    assert facts(page)["Customer"] == "Tim Found by the e-mail address Not this customer?"


def test_whose_a_purchase_is_can_be_searched_or_be_somebody_new(owner: Person) -> None:
    sue = owner.capture(customer="Sue <sue@example.com>").customer
    form = owner.browser.get(page_of(owner, customer="Tim").link("Not this customer?"))
    assert "Nobody else is called so." in form.soup.get_text()
    found = form.submit("form.filters", q="sue@")
    assert found.submit("form.move", customer_id=sue.public_id).message == (
        "Moved from Tim to Sue (sue@example.com): a book."
    )
    page = form.submit("form.move", customer_id="new", name="Tim", email="tim@example.com")
    assert page.message == "Moved from Sue (sue@example.com) to Tim (tim@example.com): a book."


@pytest.mark.parametrize(
    ("values", "field", "words"),
    [
        ({}, "customer_id", "Choose one of the customers, or a new one"),
        (
            {"customer_id": "new", "name": " "},
            "name",
            "Enter who bought it: a name, an e-mail address or a phone number",
        ),
        ({"customer_id": "new", "email": "sue"}, "email", "Enter an e-mail address like name@example.com"),
        ({"customer_id": UNKNOWN}, "customer_id", "Choose one of the customers that are shown"),
        (
            {"customer_id": "new", "email": "sue@example.com"},
            "customer_id",
            "What was entered belongs to Sue. Choose them, or change what was entered",
        ),
    ],
)
def test_who_cannot_have_bought_it_is_said_and_nothing_is_moved(
    owner: Person, values: dict[str, str], field: str, words: str
) -> None:
    owner.capture(customer="Sue <sue@example.com>")
    form = owner.browser.get(page_of(owner, customer="Tim").link("Not this customer?"))
    page = form.submit("form.move", status=422, **values)
    assert page.error_at(field) == f"Error: {words}"
    assert [one.name for one in owner.customers()] == ["Sue", "Tim"]
    if "Sue" in words:
        assert text_of(page.soup.select_one(".choices label")).startswith("Sue sue@example.com")


def test_several_purchases_are_moved_together(owner: Person) -> None:
    tim = owner.capture(customer="Tim", item="a book").customer
    chosen = [owner.capture(customer="Tim", item=item).purchase.public_id for item in ("a pen", "a lamp")]
    sue = owner.capture(customer="Sue", item="a hat").customer
    page = owner.browser.get(f"/customers/{tim.public_id}/move?purchases={chosen[0]}&purchases={chosen[1]}")
    assert page.heading == "Who bought these 2 purchases?"
    assert page.submit("form.move", status=422).heading == page.heading
    page = page.submit("form.filters", q="sue").submit("form.move", customer_id=sue.public_id)
    assert page.message == "Moved from Tim to Sue: 2 purchases."
    assert [row[0] for row in page.rows("Purchases")] == ["a book"]
    assert [row[0] for row in page.submit(".undo").rows("Purchases")] == ["a lamp", "a pen", "a book"]


def test_what_was_ticked_stays_chosen_while_another_is_searched(owner: Person) -> None:
    captured = owner.capture(customer="Tim", item="a book")
    sue = owner.capture(customer="Sue").customer
    page = owner.browser.get(f"/customers/{captured.customer.public_id}/move?purchases={captured.purchase.public_id}")
    page = page.submit("form.filters", q="sue").submit("form.move", customer_id=sue.public_id)
    assert page.message == "Moved from Tim to Sue: a book."


def test_what_is_wrong_with_the_search_and_with_the_choice_is_in_one_summary(owner: Person) -> None:
    address = f"{page_of(owner, customer='Tim').path}/customer?q={'x' * 201}"
    page = owner.browser.get(address, 422)
    page = page.submit("form.move", status=422)
    assert [text_of(one) for one in page.soup.select(".error-summary li")] == page.errors
    assert len(page.errors) == 2


@pytest.mark.parametrize("query", ["", "?purchases=", f"?purchases={UNKNOWN}", "?purchases=x"])
def test_only_purchases_of_the_customer_are_moved(owner: Person, query: str) -> None:
    tim = owner.capture(customer="Tim").customer
    page = owner.browser.get(f"/customers/{tim.public_id}/move{query}")
    assert page.message == "Tick the purchases of Tim that are somebody else’s."
    assert page.path == f"/customers/{tim.public_id}"


def test_two_customers_are_merged_as_the_preview_says_and_taken_apart(owner: Person) -> None:
    sue = owner.capture(customer="Sue", phone="212 555 0101", item="a hat").customer
    susan = owner.capture(customer="Susan <susan@example.com>", phone="212 555 0102").customer
    page = owner.browser.get(owner.browser.get(f"/customers/{sue.public_id}").link("Same person as…"))
    page = page.submit("form.filters", q="susan").submit("form.sheet:not(.filters)", customer_id=susan.public_id)
    assert page.heading == "Merge Susan into Sue?"
    told = {row[0]: row[1:] for row in page.rows("Before and after")}
    assert told == {
        "Name": ["Sue", "Susan", "Sue"],
        "E-mail address": ["", "susan@example.com", "susan@example.com"],
        "Phone number": ["212 555 0101", "212 555 0102", "212 555 0101"],
        "Customer number": ["", "", ""],
        "Note": ["", "", ""],
        "Purchases": ["1", "1", "2"],
    }
    found_by = [text_of(item) for item in page.soup.select(".identities li")]
    assert [one.merged_into_id for one in owner.customers()] == [None, None]
    page = page.submit()
    who, is_now = "Susan (susan@example.com, 212 555 0102)", "Sue (susan@example.com, 212 555 0101)"
    assert page.message == f"Merged: {who} is {is_now} now, with 2 purchases."
    known = facts(page)
    assert {field: known[field].replace("Not known", "") for field in known} == {
        field: after for field, (_, _, after) in told.items() if field in known
    }
    assert [text_of(item) for item in page.soup.select(".identities li")] == found_by
    page.submit(".undo")
    assert [one.merged_into_id for one in owner.customers()] == [None, None]


def test_purchases_are_counted_up_to_a_limit_before_a_merge(owner: Person) -> None:
    owner.api.post("/purchases/batch", {"purchases": [{"item": "a hat", "customer": {"name": "Sue"}}] * 1_000})
    sue, susan = (owner.capture(customer=name).customer.public_id for name in ("Sue", "Susan"))
    page = owner.browser.get(f"/customers/{sue}/merge/{susan}")
    assert page.rows("Before and after")[-1] == ["Purchases", "1,000+", "1", "1,000+"]


def test_the_other_one_may_stay(owner: Person) -> None:
    sue, susan = (owner.capture(customer=name).customer.public_id for name in ("Sue", "Susan"))
    page = owner.browser.get(f"/customers/{sue}/merge/{susan}")
    page = owner.browser.get(page.link("Let the other one stay"))
    assert page.heading == "Merge Sue into Susan?"
    assert page.submit().heading == "Susan"


def test_nobody_is_merged_with_themselves(owner: Person) -> None:
    sue = owner.capture(customer="Sue").customer.public_id
    page = owner.browser.get(f"/customers/{sue}/merge/{sue}")
    assert page.message == "Both are Sue. Choose another customer. Nothing was changed."


def test_who_chooses_nobody_is_asked_again_with_what_was_searched(owner: Person) -> None:
    sue, _ = (owner.capture(customer=name).customer.public_id for name in ("Sue", "Susan"))
    page = owner.browser.get(f"/customers/{sue}/merge?q=susan").submit("form.sheet:not(.filters)", status=422)
    assert page.error_at("customer_id") == "Error: Choose who is the same person"
    assert page.value_of("q") == "susan"
    assert text_of(page.soup.select_one(".choices label")).startswith("Susan")


def test_the_search_for_the_same_person_says_when_nobody_is_found(owner: Person) -> None:
    sue = owner.capture(customer="Sue").customer.public_id
    page = owner.browser.get(f"/customers/{sue}/merge")
    assert "Nobody else is called so." in page.soup.get_text()
    assert "Nobody else is found by that." in page.submit("form.filters", q="sue").soup.get_text()
    assert page.submit("form.filters", q="x" * 201, status=422).error_at("q")


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


def test_what_two_people_save_at_once_is_never_overwritten_unseen(owner: Person) -> None:
    address = page_of(owner, amount="10").link("Edit")
    mine, theirs = owner.browser.get(address), make_colleague(owner).browser.get(address)
    theirs.submit(amount="12")
    again = mine.submit(status=422, note="Blue")
    assert again.soup.select_one(".error-summary li").get_text() == (  # type: ignore[union-attr]
        "This was changed since the page was opened. Look at what it is now, then save again"
    )
    assert [again.error_at(field) for field in ("amount", "note")] == [
        "Error: Amount is 12.00 now",
        "Error: Note is blank now",
    ]
    assert again.heading == "Edit a book"
    assert (again.value_of("amount"), again.value_of("note")) == ("10.00", "Blue")
    assert [(one.amount_minor, one.note) for one in owner.purchases()] == [(1200, None)]
    page = again.submit(amount="12")
    assert page.message == "Changed: Tim, a book, $12.00."
    assert [(one.amount_minor, one.note) for one in owner.purchases()] == [(1200, "Blue")]


def test_what_is_stored_by_now_is_told_where_it_differs_and_in_short(owner: Person) -> None:
    address = page_of(owner, note="one\ntwo").link("Edit")
    mine, theirs = owner.browser.get(address), make_colleague(owner).browser.get(address)
    theirs.submit(item="a lamp")
    again = mine.submit(status=422, note="one\r\ntwo", quantity="2")
    assert [text_of(item) for item in again.soup.select(".error-summary a")] == [
        "Item is a lamp now",
        "Quantity is 1 now",
    ]
    theirs = owner.browser.get(address).submit(note="word " * 400)
    again = again.submit(status=422, item="a lamp")
    assert again.error_at("note").startswith("Error: Note is word word")
    assert len(again.error_at("note")) < 250


def test_who_sends_a_change_twice_is_told_that_it_is_there(owner: Person) -> None:
    form = owner.browser.get(page_of(owner).link("Edit"))
    form.submit(item="a pen")
    assert form.submit(item="a pen").message == "Nothing was different, so nothing was changed."


def test_what_becomes_of_the_customer_meanwhile_keeps_nobody_from_saving(owner: Person) -> None:
    page = page_of(owner)
    form = owner.browser.get(page.link("Edit"))
    owner.capture(customer="Tim <tim@example.com>")
    assert form.submit(item="a pen").message == "Changed: Tim, a pen."


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
        for path in (f"/purchases/{name}", f"/purchases/{name}/edit", f"/purchases/{name}/customer"):
            assert owner.browser.get(path, 404).heading == "Page not found"
        for verb in ("edit", "void", "restore", "undo", "undo-update", "customer"):
            owner.browser.post(f"/purchases/{name}/{verb}", token, 404)
    owner.browser.post("/actions/act_01h455vb4pex5vsknk084sn02q/undo", token, 404)
    assert [one.voided_at for one in stranger.purchases()] == [None]
