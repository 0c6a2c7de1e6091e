import threading

import pytest
from flask import Flask

from tests.cast import Person, purchase_values
from tests.pages import Page

NEW = "/purchases/new"


def form(person: Person) -> Page:
    return person.browser.get(NEW)


def record(person: Person, status: int = 200, **changes: str) -> Page:
    return form(person).submit(status=status, **purchase_values(**changes))


def test_it_says_who_was_new_and_who_was_known(owner: Person) -> None:
    assert record(owner).message == "Recorded: Tim, a book. Tim is a new customer."
    assert record(owner, item="a pen").message == "Recorded: Tim, a pen. Tim was already known."
    said = record(owner, phone="212 555 0100", item="Mugs", quantity="2", amount="$15.50").message
    assert said == "Recorded: Tim, 2 × Mugs, $15.50. Tim was already known: phone number added."
    said = record(owner, customer="Tim <tim@example.com>", phone="212 555 0100").message
    assert said == "Recorded: Tim, a book. Tim was already known: e-mail address added."
    said = record(owner, customer="Timothy", email="tim@example.com").message
    assert said == "Recorded: Timothy, a book. Timothy was already known: name changed from Tim to Timothy."


def test_the_last_ten_stand_below_the_newest_first(owner: Person) -> None:
    assert "Nothing is recorded yet" in form(owner).soup.get_text()
    for number in range(12):
        owner.capture(item=f"book {number}")
    rows = form(owner).rows("Last recorded")
    assert [row[1] for row in rows] == [f"book {number}" for number in range(11, 1, -1)]


def test_a_changed_day_is_kept_and_today_is_not(owner: Person) -> None:
    assert record(owner, purchased_on="2 Nov 2026").value_of("purchased_on") == "2026-11-02"
    assert record(owner).value_of("purchased_on") == "today"


def test_what_was_typed_stays_beside_what_is_wrong(owner: Person) -> None:
    typed = {"customer": "Tim <tim@", "item": "a <b>book</b>", "amount": "15,50", "note": "line\nbreak"}
    page = record(owner, 422, **typed)
    assert {field: page.value_of(field) for field in typed} == typed
    assert page.errors == [
        "“15,50” can be read in two ways. Write it with a point, like 15.50",
    ] or page.errors[0].startswith("Enter an e-mail address")
    assert page.error_at("amount") == "Error: “15,50” can be read in two ways. Write it with a point, like 15.50"
    assert owner.purchases() == []


def test_sending_a_page_twice_records_once(owner: Person) -> None:
    page = form(owner)
    page.submit(**purchase_values())
    said = page.submit(**purchase_values()).message
    assert said == "Already recorded: Tim, a book. Nothing was added."
    assert len(owner.purchases()) == 1


def test_sending_a_page_again_with_another_text_asks_first_and_then_records(owner: Person) -> None:
    page = form(owner)
    page.submit(**purchase_values())
    again = page.submit(status=422, **purchase_values(customer="Sue", item="a hat"))
    words = "This page already recorded: Tim, a book. Record again only if this is another purchase"
    assert again.errors == [words]
    assert again.value_of("item") == "a hat"
    assert again.submit().message == "Recorded: Sue, a hat. Sue is a new customer."


@pytest.mark.parametrize("key", ["", " ", "k" * 256, "ключ", "a\nb"])
def test_a_page_without_its_key_is_shown_again_and_then_records(owner: Person, key: str) -> None:
    page = record(owner, 422, key=key)
    assert page.errors == ["This page was out of date. Look it over and record again"]
    assert page.value_of("item") == "a book"
    assert page.submit().message.startswith("Recorded: Tim, a book.")


def test_two_submits_of_one_page_at_the_same_instant_record_once(app: Flask, owner: Person) -> None:
    filled = form(owner).fields() | purchase_values()
    cookie = owner.browser.cookie
    start = threading.Barrier(2)
    statuses = []

    def send() -> None:
        client = app.test_client()
        client.set_cookie("tillbook", cookie)
        start.wait()
        statuses.append(client.post("/purchases", data=filled).status_code)

    threads = [threading.Thread(target=send) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [303, 303]
    assert len(owner.purchases()) == 1


class TestAsking:
    """When it is not clear who bought."""

    @pytest.fixture(autouse=True)
    def two_tims(self, owner: Person) -> None:
        owner.capture(customer="Tim <tim@example.com>", purchased_on="2026-11-02")
        owner.capture(customer="Tim <other@example.com>")

    def test_the_page_shows_how_they_differ_and_keeps_what_was_typed(self, owner: Person) -> None:
        page = record(owner, 422, item="a lamp", amount="5", note="fragile")
        assert page.errors == ["Several customers are called Tim. Choose who bought it"]
        choices = [label.get_text(" ", strip=True) for label in page.soup.select(".choice label")]
        assert choices[0] == "Tim tim@example.com; 1 purchase, last on 2 Nov 2026"
        assert choices[2] == "A new customer"
        assert [page.value_of(field) for field in ("item", "amount", "note")] == ["a lamp", "5", "fragile"]
        assert len(owner.purchases()) == 2

    def test_the_one_chosen_gets_the_purchase(self, owner: Person) -> None:
        _, second = owner.customers()
        page = record(owner, 422)
        assert page.submit(customer_id=second.public_id).message.endswith("Tim was already known.")
        assert owner.purchases()[-1].customer_id == second.id
        assert owner.purchases()[-1].matched_on == "customer_id"

    def test_a_new_customer_of_the_same_name_can_be_chosen(self, owner: Person) -> None:
        assert record(owner, 422).submit(customer_id="new").message.endswith("Tim is a new customer.")
        assert len(owner.customers()) == 3

    def test_a_choice_is_kept_when_something_else_is_wrong(self, owner: Person) -> None:
        chosen = owner.customers()[1].public_id
        page = record(owner, 422).submit(status=422, customer_id=chosen, amount="1,5")
        assert page.errors == ["“1,5” can be read in two ways. Write it with a point, like 1.5"]
        assert len(page.soup.select(".choice")) == 3
        assert page.submit(amount="1.5").message.startswith("Recorded: Tim, a book, $1.50.")
        assert owner.purchases()[-1].customer_id == owner.customers()[1].id

    @pytest.mark.parametrize("junk", ["junk", "cus_x", "\0", "new new"])
    def test_a_choice_that_was_not_offered_is_refused(self, owner: Person, junk: str) -> None:
        page = record(owner, 422).submit(status=422, customer_id=junk, offered=junk)
        assert page.errors == ["Choose one of the customers that are shown"]

    def test_it_asks_again_when_nobody_is_chosen(self, owner: Person) -> None:
        page = record(owner, 422)
        assert page.submit(status=422).errors == ["Several customers are called Tim. Choose who bought it"]

    def test_a_choice_is_not_carried_over_to_another_name(self, owner: Person) -> None:
        chosen = owner.customers()[0].public_id
        page = record(owner, 422)
        said = page.submit(customer="Sue", customer_id=chosen).message
        assert said == "Recorded: Sue, a book. Sue is a new customer."

    def test_a_customer_of_another_shop_cannot_be_chosen(self, owner: Person, stranger: Person) -> None:
        theirs = stranger.capture().customer.public_id
        page = record(owner, 422)
        assert page.submit(status=422, customer_id=theirs).errors == ["Choose one of the customers that are shown"]
        assert len(stranger.purchases()) == 1

    def test_contradicting_identities_are_asked_about_and_stay_where_they_are(self, owner: Person) -> None:
        owner.capture(customer="Sue", phone="212 555 0100")
        page = record(owner, 422, customer="tim@example.com", phone="212 555 0100")
        assert page.errors == ["What was entered belongs to different customers. Choose who bought it"]
        said = page.submit(customer_id=owner.customers()[0].public_id).message
        assert said == (
            "Recorded: Tim, a book. Tim was already known. The phone number stays with Sue, who had it before."
        )


class TestList:
    def test_it_shows_the_latest_day_first(self, owner: Person) -> None:
        for day in ("2026-11-02", "2026-11-04", "2026-11-03"):
            owner.capture(item=day, purchased_on=day)
        rows = owner.browser.get("/purchases").rows("Purchases")
        assert [row[1] for row in rows] == ["2026-11-04", "2026-11-03", "2026-11-02"]

    def test_it_is_narrowed_by_item_and_days_and_each_filter_can_be_removed(self, owner: Person) -> None:
        owner.capture(item="A Blue Book", purchased_on="2026-11-02")
        owner.capture(item="a red book", purchased_on="2026-11-05")
        owner.capture(item="a pen", purchased_on="2026-11-05")
        page = owner.browser.get("/purchases").submit("form.filters", q="BOOK", purchased_from="3 Nov 2026")
        assert [row[1] for row in page.rows("Purchases")] == ["a red book"]
        wider = owner.browser.get(page.link("Remove From: 3 Nov 2026 ×"))
        assert [row[1] for row in wider.rows("Purchases")] == ["a red book", "A Blue Book"]

    def test_a_filter_that_cannot_be_read_says_so(self, owner: Person) -> None:
        page = owner.browser.get("/purchases?purchased_from=3/4", 422)
        assert page.error_at("purchased_from").startswith("Error: “3/4” can be read in two ways")

    def test_a_last_day_before_the_first_says_so(self, owner: Person) -> None:
        page = owner.browser.get("/purchases?purchased_from=2026-11-03&purchased_to=2026-11-02", 422)
        said = "To must be 2026-11-03 or later, because that is From"
        assert page.error_at("purchased_to") == f"Error: {said}"
        api = owner.api.get("/purchases?purchased_from=2026-11-03&purchased_to=2026-11-02", 422)
        assert [error["detail"] for error in api.json["errors"]] == [said]

    def test_percent_and_underscore_are_only_characters(self, owner: Person) -> None:
        owner.capture(item="100% wool")
        owner.capture(item="100 sheets")
        assert len(owner.browser.get("/purchases?q=0%25").rows("Purchases")) == 1

    def test_its_pages_lead_on_and_back(self, owner: Person) -> None:
        for number in range(120):
            owner.capture(item=f"book {number:03}", purchased_on="2026-11-02")
        first = owner.browser.get("/purchases?q=book")
        second = owner.browser.get(first.link("Older →"))
        third = owner.browser.get(second.link("Older →"))
        seen = [row[1] for page in (first, second, third) for row in page.rows("Purchases")]
        assert seen == [f"book {number:03}" for number in range(119, -1, -1)]
        assert owner.browser.get(third.link("← Newer")).rows("Purchases") == second.rows("Purchases")

    def test_a_first_use_and_a_search_without_result_say_what_to_do(self, owner: Person) -> None:
        assert "Record the first purchase" in owner.browser.get("/purchases").soup.get_text()
        assert "Show all purchases" in owner.browser.get("/purchases?q=book").soup.get_text()

    @pytest.mark.parametrize("cursor", ["x", "%00", "bnVsbA", "W10", "WyIxIiwiMiJd"])
    def test_a_cursor_that_is_none_is_a_page_not_found(self, owner: Person, cursor: str) -> None:
        owner.browser.get(f"/purchases?after={cursor}", 404)

    def test_another_shops_purchases_are_not_in_it(self, owner: Person, stranger: Person) -> None:
        stranger.capture(item="their secret")
        assert "their secret" not in owner.browser.get("/purchases").soup.get_text()
        assert "their secret" not in owner.browser.get("/purchases/new").soup.get_text()
