"""The sentence, what is foreseen, and what was chosen: all by plain forms, as without scripts."""

import pytest
from sqlalchemy import update

from extensions import db
from models import Purchase
from tests.cast import Person, purchase_values
from tests.pages import Page

NEW = "/purchases/new"
FIELDS = ("customer", "item", "amount", "quantity", "purchased_on")


def say(person: Person, sentence: str, status: int = 200, **typed: str) -> Page:
    return person.browser.get(NEW).submit(status=status, sentence=sentence, **typed)


def foreseen(page: Page) -> str:
    [region] = page.soup.select("#foreseen")
    return " ".join(region.get_text(" ", strip=True).split())


class TestSentence:
    def test_it_fills_in_the_fields_and_stores_nothing(self, owner: Person) -> None:
        page = say(owner, "Sue bought 2 T-shirts for $15.50 on 2026-11-02")
        assert [page.value_of(field) for field in FIELDS] == ["Sue", "T-shirts", "15.50", "2", "2026-11-02"]
        assert foreseen(page) == "New customer. Nobody is known by this yet."
        assert owner.purchases() == []

    def test_sent_again_it_is_recorded_as_it_was_shown(self, owner: Person) -> None:
        assert say(owner, "Tim purchased a book").submit().message == "Recorded: Tim, book. Tim is a new customer."

    def test_what_is_put_right_in_the_fields_stands(self, owner: Person) -> None:
        page = say(owner, "Tim purchased a book").submit(item="a red book")
        assert page.message == "Recorded: Tim, a red book. Tim is a new customer."

    def test_another_sentence_is_shown_before_it_is_recorded(self, owner: Person) -> None:
        page = say(owner, "Tim bought 3 books for $9").submit(sentence="Sue bought a hat")
        assert [page.value_of(field) for field in FIELDS] == ["Sue", "hat", "", "1", "today"]
        assert owner.purchases() == []

    @pytest.mark.parametrize(
        ("said", "line"),
        [
            ("Tim <tim@example.com>", "Tim <tim@example.com>"),
            ("tim@example.com", "tim@example.com"),
            ("+44 7700 900123", "+44 7700 900123"),
            ("Tim (+44 7700 900123)", "Tim (+44 7700 900123)"),
        ],
    )
    def test_the_customer_stands_in_one_line(self, owner: Person, said: str, line: str) -> None:
        page = say(owner, f"{said} bought a book")
        captured = owner.capture(customer=said)
        page.submit()
        first, second = owner.purchases()
        assert first.customer_id == second.customer_id == captured.customer.id
        assert first.buyer == second.buyer

    def test_what_is_not_clear_is_told_with_choices_and_stores_nothing(self, owner: Person) -> None:
        page = say(owner, "Tim bought a lamp on 3/4", 422)
        assert page.error_at("sentence") == "Error: “3/4” can be read in two ways. Write it like 3 Apr or 4 Mar"
        offered = [button["value"] for button in page.soup.select("button[name=instead]")]
        assert offered == ["Tim bought a lamp on 3 Apr", "Tim bought a lamp on 4 Mar"]
        chosen = owner.browser.post("/purchases/preview", page.fields() | {"instead": offered[0]})
        assert (chosen.value_of("sentence"), chosen.value_of("purchased_on")) == (offered[0], "2026-04-03")
        assert chosen.submit().message == "Recorded: Tim, lamp. Tim is a new customer."

    @pytest.mark.parametrize("sentence", ["hello", "Tim bought", "bought a book", "x" * 5_000, "Tim bought a\0b"])
    def test_what_says_no_purchase_is_refused_and_kept(self, owner: Person, sentence: str) -> None:
        page = say(owner, sentence, 422, note="fragile")
        assert page.error_at("sentence")
        assert page.value_of("sentence") == sentence
        assert page.value_of("note") == "fragile"
        assert owner.purchases() == []

    def test_a_name_that_no_line_can_say_is_asked_for(self, owner: Person) -> None:
        page = say(owner, '"tim@example" bought a book', 422)
        assert page.errors == ["Type this customer into the field below, and the rest beside it"]

    def test_its_day_is_not_kept_for_the_next_purchase(self, owner: Person) -> None:
        assert say(owner, "Tim bought a book yesterday").submit().value_of("purchased_on") == "today"

    def test_a_day_that_was_kept_is_the_day_of_a_sentence_without_one(self, owner: Person) -> None:
        page = owner.browser.get(NEW).submit(**purchase_values(purchased_on="2 Nov 2026"))
        page = page.submit("#capture", sentence="Sue bought a hat on 3 Nov 2026")
        assert page.value_of("purchased_on") == "2026-11-03"
        page = page.submit().submit("#capture", sentence="Sue bought a hat")
        assert page.value_of("purchased_on") == "2026-11-02"


def test_what_was_taken_back_asks_before_it_is_recorded_anew(owner: Person) -> None:
    page = owner.browser.get(NEW)
    recorded = page.submit(**purchase_values())
    recorded.submit(".undo")
    again = page.submit(status=422, **purchase_values())
    assert again.errors == ["This was recorded before and taken back since. Record again if it is to count"]
    assert again.submit().message.startswith("Recorded: Tim, a book.")


def test_a_sentence_that_is_not_clear_can_be_cleared(owner: Person) -> None:
    page = say(owner, "hello", 422, customer="Tim", item="a book")
    assert "Or clear this line, and record what stands in the fields below." in page.soup.get_text()
    assert page.submit(sentence="").message == "Recorded: Tim, a book. Tim is a new customer."


def test_the_address_of_a_preview_leads_to_the_page(owner: Person) -> None:
    assert owner.browser.get("/purchases/preview").heading == "Record a purchase"


class TestForeseen:
    @pytest.fixture(autouse=True)
    def tim(self, owner: Person) -> None:
        owner.capture(customer="Tim <tim@example.com>", item="a book", amount="12.50", purchased_on="2026-11-02")

    def preview(self, owner: Person, status: int = 200, **typed: str) -> Page:
        return owner.browser.post("/purchases/preview", owner.browser.get(NEW).fields() | typed, status)

    def test_it_says_who_will_be_written(self, owner: Person) -> None:
        said = foreseen(self.preview(owner, customer="tim@example.com"))
        assert said.startswith("Existing customer Tim , tim@example.com : 1 purchase, last on 2 Nov 2026.")
        assert foreseen(self.preview(owner, customer="Sue")) == "New customer. Nobody is known by this yet."

    def test_it_says_what_will_change(self, owner: Person) -> None:
        said = foreseen(self.preview(owner, customer="Timothy <tim@example.com>", phone="212 555 0100"))
        assert "Recording changes the name from Tim to Timothy." in said
        assert "Recording adds the phone number 212 555 0100." in said
        owner.capture(customer="Ann (212 555 0100)")
        said = foreseen(self.preview(owner, customer="Tim <tim@example.com>", reference="A1"))
        assert "Recording adds the customer number A1." in said

    def test_it_asks_when_several_are_meant_and_keeps_to_the_answer(self, owner: Person) -> None:
        owner.capture(customer="Tim <other@example.com>")
        page = self.preview(owner, 422, customer="Tim", item="a pen")
        assert page.errors == ["Several customers are called Tim. Choose who bought it"]
        first, _ = owner.customers()
        assert page.submit(customer_id=first.public_id).message.startswith("Recorded: Tim, a pen.")

    @pytest.mark.parametrize("customer", ["", "tim@", "Tim <tim@", "\x00", "<>"])
    def test_it_says_nothing_of_what_is_not_typed_to_its_end(self, owner: Person, customer: str) -> None:
        page = self.preview(owner, customer=customer)
        assert foreseen(page) == ""
        assert page.errors == []

    def test_the_last_item_and_amount_are_offered_not_entered(self, owner: Person) -> None:
        page = self.preview(owner, customer="Tim")
        assert "Same as last time: a book , $12.50" in foreseen(page)
        assert [page.value_of(field) for field in ("item", "amount")] == ["", ""]
        [button] = page.soup.select("button.again")
        filled = owner.browser.post(button["formaction"], page.fields())
        assert [filled.value_of(field) for field in FIELDS] == ["Tim", "a book", "12.50", "1", "today"]
        assert filled.submit().message == "Recorded: Tim, a book, $12.50. Tim was already known."

    def test_a_purchase_of_another_shop_is_not_there_to_be_repeated(self, owner: Person, stranger: Person) -> None:
        foreign = stranger.capture().purchase.public_id
        owner.browser.post(f"/purchases/{foreign}/again", owner.browser.get(NEW).fields(), 404)

    def test_it_waits_for_nobody_who_is_recording(self, owner: Person) -> None:
        empty = owner.browser.get(NEW).fields()
        with owner.app.app_context():
            engine = db.engine
        with engine.begin() as recording:
            recording.execute(update(Purchase).values(item="a map"))
            page = owner.browser.post("/purchases/preview", empty | {"customer": "Sue"})
        assert foreseen(page) == "New customer. Nobody is known by this yet."

    def test_nothing_is_stored(self, owner: Person) -> None:
        before = [(one.id, one.version) for one in owner.customers()]
        self.preview(owner, customer="Timothy <tim@example.com>", item="a pen")
        assert [(one.id, one.version) for one in owner.customers()] == before
        assert len(owner.purchases()) == 1


class TestPicked:
    """Chosen from the suggestions: what stands in the line is only what they are called."""

    @pytest.fixture(autouse=True)
    def two_tims(self, owner: Person) -> None:
        owner.capture(customer="Tim <tim@example.com>")
        owner.capture(customer="Tim <other@example.com>")

    def record(self, owner: Person, status: int = 200, **typed: str) -> Page:
        return owner.browser.get(NEW).submit(status=status, **purchase_values(**typed))

    def test_the_one_who_was_picked_gets_the_purchase(self, owner: Person) -> None:
        for tim in owner.customers():
            self.record(owner, customer="Tim", picked=tim.public_id, picked_as="Tim")
        owners = [purchase.customer_id for purchase in owner.purchases()]
        assert sorted(owners) == sorted(2 * [tim.id for tim in owner.customers()])

    def test_the_choice_outlives_another_fault(self, owner: Person) -> None:
        _, second = owner.customers()
        page = self.record(owner, 422, customer="Tim", picked=second.public_id, picked_as="Tim", amount="1,5")
        assert page.submit(amount="1.50").message == "Recorded: Tim, a book, $1.50. Tim was already known."
        assert owner.purchases()[-1].customer_id == second.id

    def test_another_text_in_the_line_makes_it_void(self, owner: Person) -> None:
        first, _ = owner.customers()
        page = self.record(owner, customer="Ann", picked=first.public_id, picked_as="Tim")
        assert page.message == "Recorded: Ann, a book. Ann is a new customer."

    def test_who_is_known_by_a_number_alone_is_not_renamed_by_it(self, owner: Person) -> None:
        known = owner.capture(customer="", reference="A1").customer
        page = self.record(owner, customer="Customer A1", picked=known.public_id, picked_as="Customer A1")
        assert page.message == "Recorded: Customer A1, a book. Customer A1 was already known."

    @pytest.mark.parametrize("picked", ["cus_01h455vb4pex5vsknk084sn02q", "cus_", "new;", "\x00"])
    def test_nobody_of_this_shop_is_refused_in_words(self, owner: Person, picked: str) -> None:
        page = self.record(owner, 422, customer="Tim", picked=picked, picked_as="Tim")
        assert page.errors == ["Choose one of the customers that are shown"]

    def test_what_is_typed_counts_again_when_the_choice_was_none(self, owner: Person) -> None:
        picked = "cus_01h455vb4pex5vsknk084sn02q"
        page = self.record(owner, 422, customer="Ann", picked=picked, picked_as="Ann")
        assert page.submit().message == "Recorded: Ann, a book. Ann is a new customer."

    def test_a_sentence_makes_it_void(self, owner: Person) -> None:
        _, second = owner.customers()
        page = owner.browser.get(NEW)
        filled = page.fields() | {"customer": "Tim", "picked": second.public_id, "picked_as": "Tim"}
        asked = owner.browser.post("/purchases", filled | {"sentence": "Tim bought a pen"}, 422)
        assert asked.errors == ["Several customers are called Tim. Choose who bought it"]

    def test_nor_is_a_customer_of_another_shop(self, owner: Person, stranger: Person) -> None:
        foreign = stranger.capture().customer.public_id
        self.record(owner, 422, customer="Tim", picked=foreign, picked_as="Tim")
        assert len(owner.purchases()) == 2
