"""Every page is reached and used without scripts: only by its links and forms."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from flask import Flask
from playwright.sync_api import Request, expect
from werkzeug.exceptions import HTTPException

from tests.browser.counter import Counter
from tests.browser.test_import import choose_file
from tests.browser.test_taking_back import follow, undo
from tests.cast import PASSWORD

# What a page needs does not depend on the database.
pytestmark = pytest.mark.parametrize("migrated_app", ["sqlite"], indirect=True)

NO_PAGES = {
    *("static", "bootstrap.static", "health.alive", "health.ready", "metrics.show"),
    *("customers.suggest", "imports.progress"),
}
"""For programs, and for scripts that only make better what is there without them."""
OTHERS = {"imports.recheck", "imports.start_over", "resetting.send_link", "purchases.start_over"}
"""After a check that broke off, for a file taken back, with a mail server, for who reloads: tests/routes has them."""


@pytest.fixture
def visited(app: Flask, counter_without_script: Counter) -> set[str]:
    """The endpoints that the browser has asked for so far."""
    asked: set[str] = set()

    def note(request: Request) -> None:
        try:
            endpoint, _ = app.url_map.bind("localhost").match(urlsplit(request.url).path, request.method)
            asked.add(endpoint)
        except HTTPException:
            pass  # a path that leads on to another

    counter_without_script.page.on("request", note)
    return asked


def pages(app: Flask) -> Iterator[str]:
    """All endpoints that are no API's and not left out above."""
    endpoints = {rule.endpoint for rule in app.url_map.iter_rules() if not rule.rule.startswith("/api/v1")}
    yield from sorted(endpoints - NO_PAGES - OTHERS)


def test_every_page_can_be_used_without_scripts(
    app: Flask, counter_without_script: Counter, visited: set[str], tmp_path: Path
) -> None:
    counter = counter_without_script
    counter.go("/")
    follow(counter, "Open a shop")
    counter.register()
    record_and_take_back(counter)
    tell_customers_apart(counter)
    bring_a_file_in_and_out(counter, tmp_path)
    look_into_the_reports(counter)
    let_other_systems_in(counter)
    change_the_password(counter)
    set_a_forgotten_password(app, counter)
    assert [endpoint for endpoint in pages(app) if endpoint not in visited] == []


def record_and_take_back(counter: Counter) -> None:
    page = counter.page
    record_by_a_sentence(counter, "Tim bought a book for $12")
    assert counter.message.startswith("Recorded: Tim")
    follow(counter, "book")
    counter.click("Take it back")
    counter.click("Let it count again")
    follow(counter, "Edit")
    page.get_by_label("Item").fill("a good book")
    counter.click("Save")
    counter.click("Undo edit")
    follow(counter, "Record")
    page.get_by_label("In one sentence").fill("Tim bought a hat for 15,50")
    counter.press_enter()
    with page.expect_navigation():
        page.locator("button[name=instead]").first.click()
    follow(counter, "Record")
    record_by_a_sentence(counter, "Tim bought a pen")
    undo(counter)
    assert counter.message.startswith("Taken back: Tim, pen")
    counter.record("Tim <typo@example.com>", "a lamp")
    follow(counter, "Tim")
    counter.click("Undo update")
    follow(counter, "Record")
    page.get_by_label("Customer", exact=True).fill("Tim")
    counter.press_enter()
    counter.click("Same as last time: a lamp")
    page.get_by_label("Item").focus()
    counter.press_enter()
    assert counter.message.startswith("Recorded: Tim")


def record_by_a_sentence(counter: Counter, sentence: str) -> None:
    counter.page.get_by_label("In one sentence").fill(sentence)
    counter.press_enter()
    counter.click("Record")


def tell_customers_apart(counter: Counter) -> None:
    page = counter.page
    for customer in ("Sue", "Susan"):
        counter.go("/purchases/new")
        counter.record(customer, "a hat")
    follow(counter, "Customers")
    page.get_by_role("searchbox").fill("sue")
    counter.press_enter()
    follow(counter, "Sue")
    follow(counter, "Edit")
    page.get_by_label("Note").fill("Collects on Fridays")
    counter.click("Save")
    follow(counter, "Same person as…")
    page.get_by_role("searchbox").fill("susan")
    counter.press_enter()
    page.get_by_role("radio", name="Susan").check()
    counter.click("Look what merging would do")
    counter.click("Merge them")
    undo(counter)
    page.get_by_label("a hat is somebody else’s").check()
    counter.click("Move to another customer")
    page.get_by_label("A new customer").check()
    page.get_by_label("Name").fill("Tom")
    counter.click("Move")
    follow(counter, "Purchases")
    follow(counter, "a lamp")
    follow(counter, "Not this customer?")
    follow(counter, "Leave it with Tim")


def bring_a_file_in_and_out(counter: Counter, folder: Path) -> None:
    path = folder / "purchases.csv"
    path.write_text("name,item,amount\nTim,a cup,2.50\nTim,,\n")
    follow(counter, "Purchases")
    follow(counter, "Import a file")
    choose_file(counter, path)
    counter.click("Check every row")
    expect(counter.page.get_by_role("heading", level=1)).to_have_text("Import of purchases.csv", timeout=30_000)
    for link in ("Download the wrong rows with reasons", "Download every row with its verdict"):
        save(counter, link)
    counter.click("Leave 1 row out and import 1 purchase")
    expect(counter.page.get_by_text("This file was imported on")).to_be_visible(timeout=30_000)
    counter.click("Undo this import")
    counter.click("Import it again")
    for page in ("Purchases", "Customers"):
        follow(counter, page)
        save(counter, "Download as CSV")


def save(counter: Counter, link: str) -> None:
    with counter.page.expect_download() as saved:
        counter.page.get_by_role("link", name=link).click()
    assert saved.value.path().stat().st_size


def look_into_the_reports(counter: Counter) -> None:
    follow(counter, "Reports")
    counter.page.get_by_label("By", exact=True).select_option("Day")
    counter.click("Show")
    counter.page.wait_for_load_state("networkidle")  # the plots


def let_other_systems_in(counter: Counter) -> None:
    follow(counter, "Corner shop")
    follow(counter, "API tokens")
    counter.page.get_by_label("Name").fill("Till 7")
    counter.click("Make the token")
    follow(counter, "Done")
    follow(counter, "Revoke Till 7")
    counter.click("Revoke")
    follow(counter, "How to use a token")
    counter.go("/problems")
    counter.page.locator("main a[href*='/problems/']").first.click()


def change_the_password(counter: Counter) -> None:
    counter.go("/account")
    counter.click("Sign out everywhere")
    counter.sign_in()
    counter.page.context.clear_cookies()
    counter.sign_in()
    counter.go("/account")
    counter.click("signed in")  # Sign out …, signed in …
    counter.page.get_by_label("Current password", exact=True).fill(PASSWORD)
    counter.page.get_by_label("New password", exact=True).fill("another fine password")
    counter.click("Change password")
    with counter.page.expect_navigation():
        counter.page.get_by_role("button", name="Sign out", exact=True).click()


def set_a_forgotten_password(app: Flask, counter: Counter) -> None:
    follow(counter, "Forgotten your password?")
    link = app.test_cli_runner().invoke(args=["users", "reset-link", "owner@example.com"]).stdout.strip()
    counter.go(urlsplit(link).path)
    counter.page.get_by_label("New password", exact=True).fill(PASSWORD)
    counter.click("Set the password")
    counter.sign_in()
