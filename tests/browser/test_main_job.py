"""Register, sign in, record: in a real browser, with and without its scripts."""

from tests.browser.counter import Counter


def test_two_customers_and_three_purchases(counter: Counter) -> None:
    record_three(counter)


def test_two_customers_and_three_purchases_without_scripts(counter_without_script: Counter) -> None:
    record_three(counter_without_script)


def record_three(counter: Counter) -> None:
    counter.register()
    counter.click("Sign out")
    counter.sign_in()
    assert counter.record("Tim", "a book") == "Recorded: Tim, a book. Tim is a new customer."
    assert counter.record("Sue", "a T-shirt") == "Recorded: Sue, a T-shirt. Sue is a new customer."
    assert counter.record("Tim", "a T-shirt") == "Recorded: Tim, a T-shirt. Tim was already known."
    assert counter.column("/customers", "Purchases") == ["1", "2"]
    assert counter.column("/purchases", "Customer") == ["Tim", "Sue", "Tim"]


def test_the_story_of_tim(counter: Counter) -> None:
    counter.register()
    for customer in ("Tim", "Tim", "Tim <tim@example.com>", "tim@example.com"):
        counter.record(customer, "a book")
    assert counter.column("/customers", "Purchases") == ["4"]

    counter.go("/purchases/new")
    assert "new customer" in counter.record("Tim <other@example.com>", "a pen")
    counter.record("Tim", "a lamp", Amount="12.50")
    assert counter.page.get_by_label("Item").input_value() == "a lamp"
    counter.page.get_by_label("other@example.com").check()
    counter.click("Record")
    assert counter.message == "Recorded: Tim, a lamp, $12.50. Tim was already known."
    assert counter.column("/customers", "Purchases") == ["4", "2"]


def test_a_double_click_and_a_reload_record_once(counter: Counter) -> None:
    counter.register()
    counter.page.get_by_label("Customer", exact=True).fill("Tim")
    counter.page.get_by_label("Item").fill("a book")
    counter.page.get_by_role("button", name="Record").dblclick()  # the second click breaks off the first one's answer
    counter.page.get_by_text("ecorded: Tim, a book.").wait_for()
    counter.page.reload()
    assert counter.column("/purchases", "Item") == ["a book"]


def test_a_changed_day_is_kept_for_the_next_purchase(counter: Counter) -> None:
    counter.register()
    counter.record("Tim", "a book", Date="2026-11-02")
    assert counter.page.get_by_label("Date").input_value() == "2026-11-02"
    counter.wait_for_focus("sentence")


def test_the_summary_takes_the_focus_and_leads_to_the_field(counter: Counter) -> None:
    counter.register()
    counter.record("Tim", "a book", Amount="15,50")
    assert counter.page.title().startswith("Error: ")
    counter.page.wait_for_function("document.activeElement.className === 'error-summary'")
    counter.page.get_by_role("link", name="can be read in two ways").click()
    counter.wait_for_focus("amount")


def test_a_password_can_be_shown_and_is_sent_as_a_password(counter: Counter) -> None:
    counter.go("/login")
    field = counter.page.get_by_label("Password", exact=True)
    field.fill("secret")
    counter.page.get_by_role("button", name="Show password").click()
    assert field.get_attribute("type") == "text"
    counter.page.get_by_role("button", name="Hide password").click()
    assert field.get_attribute("type") == "password"
