"""Every page, wide and narrow, light and dark: readable by everybody."""

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.browser.counter import Counter
from tests.cast import PASSWORD, Person

LONG = "Wolfeschlegelsteinhausenbergerdorff" * 4
MANUAL = ("/api/docs", "/problems", "/problems/validation", "/problems/customer-ambiguous", "/problems/nothing")

# What a page looks like does not depend on the database.
pytestmark = pytest.mark.parametrize("migrated_app", ["sqlite"], indirect=True)


@pytest.fixture(params=["light", "dark"])
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A phone of the narrowest kind."""
    context = browser.new_context(viewport={"width": 320, "height": 800}, color_scheme=request.param)
    yield context.new_page()
    context.close()


def test_no_page_scrolls_sideways_or_shuts_anybody_out(counter: Counter) -> None:
    for path in ("/login", "/register"):
        counter.go(path)
        look_at(counter.page)
    counter.register()
    look_at(counter.page)
    counter.record("Tim <tim@example.com>", "a book")
    counter.record("Tim <other@example.com>", "a pen", Amount="12")
    counter.record(LONG, LONG)
    look_at(counter.page)
    counter.record("Tim", "a lamp", Amount="1,5", Quantity="none", Date="3/4")
    look_at(counter.page)
    counter.go("/purchases/new")
    counter.record("Tim", "a lamp")
    look_at(counter.page)
    for path in ("/purchases", "/purchases?q=lamp&purchased_from=3%2F4", "/customers", "/customers?q=tim", "/account"):
        counter.go(path)
        look_at(counter.page)
    counter.go("/customers?q=tim@example.com")
    with counter.page.expect_navigation():
        counter.page.get_by_role("link", name="Tim", exact=True).click()
    look_at(counter.page)
    look_at_a_purchase(counter)
    look_at_tokens(counter)
    counter.go("/nowhere")
    look_at(counter.page)


def test_nor_does_the_capture_page_while_somebody_types(counter: Counter, owner: Person) -> None:
    counter.enter(owner)
    page = counter.page
    counter.record(f"{LONG} <tim@example.com>", LONG, Amount="12")
    counter.record("Sue <sue@example.com>", "a pen")
    counter.record("Sue (212 555 0100)", "a pen")
    for sentence, shown in (
        ("Ann bought 2 lamps for $5", "New customer"),
        ("tim@example.com bought a lamp", "Existing customer"),
        ("Sue bought a lamp", "Several customers are called Sue"),
    ):
        page.get_by_label("In one sentence").fill(sentence)
        expect(page.locator("#foreseen")).to_contain_text(shown)
        look_at(page)
    page.get_by_label("In one sentence").fill("Sue bought a lamp on 3/4")
    expect(page.locator("#reading").get_by_role("button")).to_have_count(2)
    look_at(page)
    counter.press_enter()
    look_at(page)
    counter.go("/purchases/new")
    page.get_by_label("Customer", exact=True).press_sequentially("tim")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("option")).to_have_count(1)
    look_at(page)


def test_nor_do_the_pages_that_keep_what_was_typed(counter: Counter, owner: Person) -> None:
    counter.enter(owner)
    page = counter.page
    counter.record("Tim", "a book")
    with page.expect_navigation():
        page.get_by_role("link", name="a book", exact=True).click()
    with page.expect_navigation():
        page.get_by_role("link", name="Edit", exact=True).click()
    page.get_by_label("Item").fill(LONG)
    page.context.clear_cookies()
    counter.click("Save")
    look_at(page)
    page.get_by_label("E-mail address").fill("owner@example.com")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    counter.press_enter()
    look_at(page)
    counter.click("Send it again")
    assert counter.message.startswith("Changed: Tim, Wolfe")


def test_nor_does_the_manual_of_the_api(counter: Counter, owner: Person) -> None:
    for path in MANUAL:
        counter.go(path)
        look_at(counter.page)
    counter.enter(owner)
    counter.go(MANUAL[0])
    look_at(counter.page)


def test_the_manual_can_be_read_without_scripts_and_by_the_keyboard(counter_without_script: Counter) -> None:
    page = counter_without_script.page
    page.set_viewport_size({"width": 320, "height": 800})
    counter_without_script.go("/api/docs")
    page.get_by_role("link", name="POST /purchases", exact=True).click()
    assert page.get_by_role("heading", name="Record a purchase, exactly once").is_visible()
    code = page.get_by_role("group", name="Request: Sent again with the same key", exact=False)
    code.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_timeout(300)
    assert code.evaluate("element => element.scrollLeft") > 0


def look_at_a_purchase(counter: Counter) -> None:
    with counter.page.expect_navigation():
        counter.page.get_by_role("link", name="a book", exact=True).click()
    look_at(counter.page)
    with counter.page.expect_navigation():
        counter.page.get_by_role("link", name="Edit", exact=True).click()
    look_at(counter.page)
    counter.page.get_by_label("Item").fill("")
    counter.click("Save")
    look_at(counter.page)
    counter.page.get_by_label("Item").fill(LONG)
    counter.click("Save")
    counter.click("Take it back")
    look_at(counter.page)


def look_at_tokens(counter: Counter) -> None:
    counter.go("/account/tokens")
    look_at(counter.page)
    counter.click("Make the token")
    look_at(counter.page)
    counter.page.get_by_label("Name").fill(LONG[:100])
    counter.page.get_by_label("Expires").select_option("In 1 year")
    counter.click("Make the token")
    look_at(counter.page)
    counter.go("/account/tokens")
    look_at(counter.page)
    with counter.page.expect_navigation():
        counter.page.get_by_role("link", name="Revoke").click()
    look_at(counter.page)
    counter.click("Revoke")
    look_at(counter.page)


def look_at(page: Page) -> None:
    page.wait_for_load_state("load")  # without its stylesheet a page looks like no page of ours
    assert page.evaluate("document.documentElement.scrollWidth") <= 320, page.url
    found = Axe().run(page)
    assert found.violations_count == 0, (page.url, found.generate_report())
