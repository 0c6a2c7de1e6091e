"""Suggestions while the customer is typed."""

import pytest
from playwright.sync_api import expect

from tests.browser.counter import Counter
from tests.cast import Person


@pytest.fixture(autouse=True)
def known(counter: Counter, owner: Person) -> None:
    names = ("Tim Ångström <tim@example.com>", "Tina (212 555 0187)", "Tim Smith")
    owner.capture_all({"customer": name} for name in names)
    counter.enter(owner)


def test_any_word_finds_a_customer_and_the_keyboard_chooses(counter: Counter) -> None:
    page = counter.page
    customer = page.get_by_label("Customer", exact=True)
    for typed in ("angs", "tim@ex", "0187"):
        customer.fill("")
        customer.press_sequentially(typed)
        expect(page.get_by_role("option")).to_have_count(1)
    customer.fill("")
    customer.press_sequentially("ti")
    expect(page.get_by_role("option")).to_have_count(3)
    expect(customer).to_have_attribute("aria-expanded", "true")
    customer.press("ArrowUp")
    customer.press("ArrowDown")
    chosen = page.locator("[role=option][aria-selected=true]")
    expect(customer).to_have_attribute("aria-activedescendant", chosen.get_attribute("id") or "")
    name = chosen.locator("bdi").inner_text()
    customer.press("Enter")
    assert customer.input_value() == name
    expect(page.locator("#foreseen")).to_contain_text(f"Existing customer {name}")
    expect(page.get_by_role("listbox")).to_have_count(0)
    page.get_by_label("Item").fill("a pen")
    counter.press_enter()
    assert counter.message == f"Recorded: {name}, a pen. {name} was already known."


def test_what_is_typed_stays_unless_one_is_chosen(counter: Counter) -> None:
    page = counter.page
    customer = page.get_by_label("Customer", exact=True)
    customer.press_sequentially("Ti")
    expect(page.get_by_role("option")).to_have_count(3)
    customer.press("ArrowDown")
    customer.press("Escape")
    expect(page.get_by_role("listbox")).to_have_count(0)
    assert customer.input_value() == "Ti"
    customer.press("Tab")
    counter.wait_for_focus("item")
    page.keyboard.type("a pen")
    counter.press_enter()
    assert counter.message == "Recorded: Ti, a pen. Ti is a new customer."


def test_the_mouse_chooses_too(counter: Counter) -> None:
    page = counter.page
    page.get_by_label("Customer", exact=True).press_sequentially("tina")
    page.get_by_role("option", name="Tina").click()
    expect(page.locator("#foreseen")).to_contain_text("Existing customer Tina")
    assert page.get_by_label("Customer", exact=True).input_value() == "Tina"
