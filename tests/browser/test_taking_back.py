"""What went wrong at the counter is put right and taken back, in a real browser; most of it by the keyboard."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser.counter import Counter
from tests.browser.test_look import look_at
from tests.cast import Person


@pytest.fixture(params=["light", "dark"])
def narrow(browser: Browser, address: str, request: pytest.FixtureRequest) -> Iterator[Counter]:
    """At a phone of the narrowest kind."""
    context = browser.new_context(viewport={"width": 320, "height": 800}, color_scheme=request.param)
    yield Counter(context.new_page(), address)
    context.close()


def test_what_was_recorded_for_the_wrong_tim_is_moved_and_moved_back(counter: Counter, owner: Person) -> None:
    move_to_the_other_tim(counter, owner)


def test_the_wrong_tim_is_put_right_without_scripts(counter_without_script: Counter, owner: Person) -> None:
    move_to_the_other_tim(counter_without_script, owner)


def move_to_the_other_tim(counter: Counter, owner: Person) -> None:
    owner.capture(customer="Tim <tim@example.com>", item="a book")
    owner.capture(customer="Tim <other@example.com>", item="a pen")
    counter.enter(owner)
    counter.record("tim@example.com", "a lamp")
    follow(counter, "a lamp")
    follow(counter, "Not this customer?")
    counter.page.get_by_role("radio", name="Tim other@example.com").focus()
    counter.page.keyboard.press("Space")
    counter.press_enter()
    assert counter.message == "Moved from Tim (tim@example.com) to Tim (other@example.com): a lamp."
    assert counter.page.get_by_text("Moved by hand").is_visible()
    undo(counter)
    assert counter.message == "Taken back. The history tells what it was."
    assert counter.column("/customers", "Purchases") == ["2", "1"]


def test_two_sues_are_merged_after_a_preview_and_taken_apart(narrow: Counter, owner: Person) -> None:
    owner.capture(customer="Sue (212 555 0101)", item="a hat")
    owner.capture(customer="Susan <susan@example.com>", item="a T-shirt")
    narrow.enter(owner)
    narrow.go("/customers")
    follow(narrow, "Sue")
    follow(narrow, "Same person as…")
    narrow.page.get_by_role("searchbox").fill("susan@")
    narrow.press_enter()
    look_at(narrow.page)
    narrow.page.get_by_role("radio", name="Susan").check()
    narrow.press_enter()
    look_at(narrow.page)
    afterwards = narrow.page.locator("tbody [data-column=Afterwards]").all_inner_texts()
    assert afterwards == ["Sue", "susan@example.com", "212 555 0101", "", "", "2"]
    narrow.click("Merge them")
    look_at(narrow.page)
    assert narrow.message.endswith("now, with 2 purchases.")
    undo(narrow)
    look_at(narrow.page)
    assert narrow.column("/customers", "Purchases") == ["1", "1"]


def test_a_customer_is_edited_and_what_is_anothers_is_told(narrow: Counter, owner: Person) -> None:
    owner.capture(customer="Sue <sue@example.com>", item="a hat")
    owner.capture(customer="Tim", item="a book")
    narrow.enter(owner)
    narrow.go("/customers")
    follow(narrow, "Tim")
    look_at(narrow.page)
    follow(narrow, "Edit")
    narrow.wait_for_focus("name")
    look_at(narrow.page)
    narrow.page.get_by_label("E-mail address").fill("sue@example.com")
    narrow.press_enter()
    look_at(narrow.page)
    narrow.page.get_by_label("E-mail address").fill("tim@example.com")
    narrow.page.get_by_label("Note").fill("Collects on Fridays")
    narrow.click("Save")
    assert narrow.message == "Changed: Tim (tim@example.com)."
    look_at(narrow.page)


def test_several_purchases_go_to_somebody_new(narrow: Counter, owner: Person) -> None:
    for item in ("a book", "a pen", "a lamp"):
        owner.capture(customer="Tim", item=item)
    narrow.enter(owner)
    narrow.go("/customers")
    follow(narrow, "Tim")
    for item in ("a book", "a pen"):
        narrow.page.get_by_label(f"{item} is somebody else’s").check()
    narrow.click("Move to another customer")
    look_at(narrow.page)
    name = narrow.page.get_by_label("Name")
    assert not name.is_visible()
    narrow.page.get_by_label("A new customer").check()
    name.fill("Tom")
    narrow.page.get_by_label("E-mail address").fill("tom@")
    narrow.press_enter()
    look_at(narrow.page)
    narrow.page.get_by_label("E-mail address").fill("tom@example.com")
    narrow.press_enter()
    assert narrow.message == "Moved from Tim to Tom (tom@example.com): 2 purchases."
    assert narrow.column("/customers", "Purchases") == ["1", "2"]


def undo(counter: Counter) -> None:
    """By the button beside the message."""
    with counter.page.expect_navigation():
        counter.page.get_by_role("button", name="Undo", exact=True).click()


def follow(counter: Counter, link: str) -> None:
    with counter.page.expect_navigation():
        counter.page.get_by_role("link", name=link, exact=True).first.click()
