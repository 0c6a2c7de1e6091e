"""A whole file by the real browser: uploaded, matched, checked, recorded, undone; with and without scripts."""

from contextlib import suppress
from pathlib import Path
from urllib.parse import unquote

import pytest
from flask import Flask
from playwright.sync_api import Error, Page, expect
from sqlalchemy import delete, update

from extensions import db
from models import Import, UserSession, clock
from tests.browser.counter import Counter
from tests.browser.test_look import look_at
from tests.cast import Person
from tests.conftest import IS_LONG
from tests.test_real_data import HEADER, REAL_DATA, made_up_lines, totals_of

PATIENCE_MS = 180_000


def choose_file(counter: Counter, path: Path) -> None:
    counter.go("/imports")
    counter.page.get_by_label("File").set_input_files(path)
    counter.click("Upload")


def match_columns(page: Page) -> None:
    page.get_by_label("number_of_cds").select_option("Quantity")
    page.get_by_label("dollar_value").select_option("Amount, for all of it")
    page.get_by_label("Item for all rows").fill("CDs")


def click_and_wait(counter: Counter, button: str) -> list[float]:
    """How far the bar was, as it was seen, until the work is done."""
    counter.click(button)
    bar, seen = counter.page.locator("progress"), list[float]()
    while counter.page.locator("[data-progress]").count():
        with suppress(Error):  # the page goes on to the next one while it is looked at
            seen += bar.evaluate_all("bars => bars.map(bar => bar.position)")
        counter.page.wait_for_timeout(100)
    expect(counter.page.get_by_role("heading", level=1)).to_contain_text("Import of", timeout=PATIENCE_MS)
    return [share for share in seen if share >= 0]


def test_real_purchases_come_in_with_a_progress_bar_and_are_undone_to_an_empty_shop(
    counter: Counter, owner: Person, app: Flask, tmp_path: Path
) -> None:
    is_real = IS_LONG and REAL_DATA.exists()
    path, lines = REAL_DATA, REAL_DATA.read_text().splitlines()[1:] if is_real else list(made_up_lines())
    if not is_real:
        path = tmp_path / "cdnow.csv"
        path.write_text("\n".join([HEADER, *lines]) + "\n")
    totals = totals_of(lines)
    counter.enter(owner)
    choose_file(counter, path)
    match_columns(counter.page)
    click_and_wait(counter, "Check every row")
    assert f"{totals.customers:,} new" in counter.page.locator("main").inner_text()
    seen = click_and_wait(counter, f"Import {totals.purchases:,} purchases")
    assert seen == sorted(seen)
    assert any(0 < share < 1 for share in seen)
    shown = counter.page.locator("main").inner_text()
    assert f"{totals.purchases:,}, {totals.pieces:,} pieces" in shown
    assert f"${totals.amount:,}" in shown

    choose_file(counter, path)
    assert "To import it again would change nothing" in counter.page.locator("main").inner_text()
    counter.click("Undo this import")
    assert counter.message == f"Taken back: {totals.purchases:,} purchases. They stay on record as void."
    assert counter.column("/purchases", "Item") == []
    assert counter.column("/customers", "Purchases") == []


@pytest.mark.parametrize("migrated_app", ["sqlite"], indirect=True)
def test_who_is_signed_out_while_an_import_runs_is_asked_to_sign_in(
    counter: Counter, owner: Person, app: Flask, tmp_path: Path
) -> None:
    path = tmp_path / "purchases.csv"
    path.write_text("name,item\nTim,a book\n")
    counter.enter(owner)
    choose_file(counter, path)
    with app.app_context():
        db.session.execute(update(Import).values(status="checking", heard_at=clock.utc_now()))
        db.session.commit()
    counter.page.goto(counter.page.url.removesuffix("/columns"))
    expect(counter.page.get_by_role("progressbar")).to_be_visible()
    with app.app_context():
        db.session.execute(delete(UserSession))
        db.session.commit()
    expect(counter.page.get_by_role("heading", level=1)).to_have_text("Sign in")
    assert "next=/imports/imp_" in unquote(counter.page.url)


def test_a_file_comes_in_without_scripts_on_a_narrow_screen(
    counter_without_script: Counter, owner: Person, tmp_path: Path
) -> None:
    path = tmp_path / "purchases.csv"
    path.write_text("name,item,amount\nTim,a book,12.50\nTim,,\n" + "Sue,a pen,1\n" * 300)
    page = counter_without_script.page
    page.set_viewport_size({"width": 320, "height": 800})
    counter_without_script.enter(owner)
    choose_file(counter_without_script, path)
    counter_without_script.click("Check every row")
    expect(page.get_by_role("heading", level=1)).to_have_text("Import of purchases.csv", timeout=30_000)
    counter_without_script.click("Leave 1 row out and import 301 purchases")
    expect(page.get_by_text("This file was imported on")).to_be_visible(timeout=30_000)
    assert counter_without_script.column("/purchases", "Item").count("a book") <= 1


def test_every_page_of_an_import_can_be_used_by_everybody(counter: Counter, owner: Person, tmp_path: Path) -> None:
    path = tmp_path / f"{'purchases' * 12}.csv"
    path.write_text("name,item,amount\nTim,a book,12.50\nTim,,\nSue," + "Wolfeschlegelsteinhausen" * 4 + ",\n")
    counter.page.set_viewport_size({"width": 320, "height": 800})
    counter.enter(owner)
    counter.go("/imports")
    look_at(counter.page)
    counter.click("Upload")
    look_at(counter.page)
    choose_file(counter, path)
    look_at(counter.page)
    counter.page.get_by_label("name", exact=True).select_option("Leave out")
    counter.click("Check every row")
    look_at(counter.page)
    counter.page.get_by_label("name", exact=True).select_option("Customer name")
    click_and_wait(counter, "Check every row")
    look_at(counter.page)
    click_and_wait(counter, "Leave 1 row out")
    look_at(counter.page)
    counter.click("Undo this import")
    look_at(counter.page)
    counter.go("/imports")
    look_at(counter.page)
