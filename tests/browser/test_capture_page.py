"""The capture page by hand: the keyboard alone, what is foreseen while one types, suggestions."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.counter import Counter
from tests.cast import Person

NEW = "New customer."


@pytest.fixture
def entered(counter: Counter, owner: Person) -> Counter:
    counter.enter(owner)
    return counter


@pytest.fixture
def typed(entered: Counter) -> Iterator[Page]:
    """The capture page, which no mouse touches."""
    page = entered.page
    yield page
    assert page.evaluate("document.querySelectorAll('.messages p').length")


def test_a_sentence_is_recorded_by_enter_once_it_was_shown(entered: Counter, typed: Page) -> None:
    entered.wait_for_focus("sentence")
    typed.keyboard.type("Tim purchased a book")
    expect(typed.locator("#foreseen")).to_contain_text(NEW)
    assert typed.get_by_label("Customer", exact=True).input_value() == "Tim"
    assert typed.get_by_label("Item").input_value() == "book"
    entered.press_enter()
    assert entered.message == "Recorded: Tim, book. Tim is a new customer."
    entered.wait_for_focus("sentence")


def test_who_is_faster_than_the_page_is_shown_it_first(entered: Counter, typed: Page) -> None:
    typed.get_by_label("In one sentence").fill("Tim purchased a book")
    entered.press_enter()
    expect(typed.locator("#foreseen")).to_contain_text(NEW)
    typed.wait_for_function("document.activeElement.textContent === 'Record'")
    entered.press_enter()
    assert entered.message == "Recorded: Tim, book. Tim is a new customer."


def test_a_sentence_needs_no_script(counter_without_script: Counter) -> None:
    counter = counter_without_script
    counter.register()
    counter.page.get_by_label("In one sentence").fill("Tim bought a lamp on 3/4")
    counter.press_enter()
    counter.click("3 Apr: Tim bought a lamp on 3 Apr")
    assert counter.page.get_by_label("Date").input_value().endswith("-04-03")
    counter.click("Record")
    assert counter.message == "Recorded: Tim, lamp. Tim is a new customer."
    counter.page.get_by_label("Customer", exact=True).fill("Tim")
    counter.page.get_by_label("Item").fill("a shade")
    counter.press_enter()
    assert counter.message == "Recorded: Tim, a shade. Tim was already known."


def test_twenty_purchases_in_a_row_by_the_keyboard(entered: Counter, typed: Page) -> None:
    for number in range(20):
        entered.wait_for_focus("sentence")
        if number % 2:
            typed.keyboard.type(f"Tim {number % 5} bought {number} books for ${number}.50")
            expect(typed.locator("#foreseen .who")).to_be_visible()
        else:
            for text in (f"Tim {number % 5}", f"book {number}"):
                typed.keyboard.press("Tab")
                typed.keyboard.type(text)
        entered.press_enter()
        assert entered.message.startswith(f"Recorded: Tim {number % 5}, ")
    assert len(entered.column("/purchases", "Item")) == 20
    entered.go("/purchases/new")
    entered.record("Tim", "the last")


def test_it_says_who_will_be_written_while_the_customer_is_typed(entered: Counter) -> None:
    page, foreseen = entered.page, entered.page.locator("#foreseen")
    entered.record("Tim <tim@example.com>", "a book", Amount="12.50")
    customer = page.get_by_label("Customer", exact=True)
    customer.press_sequentially("tim@example.com")
    expect(foreseen).to_contain_text("Existing customer Tim, tim@example.com: 1 purchase, last on")
    customer.fill("Sue")
    expect(foreseen).to_contain_text(NEW)
    customer.fill("Tim")
    expect(foreseen).to_contain_text("Same as last time: a book, $12.50")
    assert page.get_by_label("Item").input_value() == ""
    with page.expect_navigation():
        foreseen.get_by_role("button").click()
    assert page.get_by_label("Item").input_value() == "a book"
    entered.click("Record")
    assert entered.message == "Recorded: Tim, a book, $12.50. Tim was already known."


def test_it_asks_which_of_several_before_anything_is_sent(entered: Counter) -> None:
    for address in ("tim@example.com", "other@example.com"):
        entered.record(f"Tim <{address}>", "a book")
    entered.page.get_by_label("In one sentence").press_sequentially("Tim bought a lamp")
    entered.page.get_by_label("other@example.com").check()
    entered.click("Record")
    assert entered.message == "Recorded: Tim, lamp. Tim was already known."


def test_what_is_typed_is_read_only_to_its_end(entered: Counter) -> None:
    sentence = entered.page.get_by_label("In one sentence")
    reading = entered.page.locator("#reading")
    sentence.press_sequentially("Tim bought a lamp on 3/4")
    expect(reading).to_contain_text("can be read in two ways")
    sentence.press_sequentially("/2026")
    expect(reading.get_by_role("button")).to_have_count(2)
    sentence.fill("Tim bought a lamp on 3 Apr 2026")
    expect(reading).to_be_empty()
    assert entered.page.get_by_label("Date").input_value() == "2026-04-03"


def test_what_is_typed_meanwhile_is_not_overwritten(entered: Counter) -> None:
    page = entered.page

    def late(route: Route) -> None:
        page.get_by_label("Item").fill("big book")
        route.continue_()

    page.route("**/purchases/preview", late)
    page.get_by_label("In one sentence").fill("Tam bought a book for $5")
    expect(page.get_by_label("Customer", exact=True)).to_have_value("Tam")
    assert page.get_by_label("Item").input_value() == "big book"


def test_what_could_not_be_sent_is_sent_by_the_next_enter(entered: Counter) -> None:
    page = entered.page
    page.get_by_label("Customer", exact=True).fill("Tim")
    page.get_by_label("Item").fill("a book")
    page.route("**/purchases", lambda route: route.abort("aborted"), times=1)
    page.keyboard.press("Enter")
    page.wait_for_timeout(3_100)
    entered.press_enter()
    assert entered.message.startswith("Recorded: Tim, a book.")


def test_a_second_enter_while_the_first_is_under_way_sends_nothing(entered: Counter) -> None:
    page = entered.page
    page.get_by_label("Customer", exact=True).fill("Tim")
    page.get_by_label("Item").fill("a book")
    sent = []
    page.on("request", lambda request: sent.append(request.url) if request.url.endswith("/purchases") else None)
    page.evaluate("const form = document.getElementById('capture'); form.requestSubmit(); form.requestSubmit()")
    page.get_by_text("Recorded: Tim, a book.").wait_for()
    assert len(sent) == 1
