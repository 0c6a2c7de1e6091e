"""A file of purchases or customers, brought in by the pages: upload, columns, check, record, undo."""

import csv
import io
import time
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from extensions import db
from models import Import
from services import importing, imports
from tests.cast import Person, make_colleague
from tests.pages import Browser, Page, text_of

TIM = "Kunde;Artikel;Betrag;Datum\nTim;ein Buch;12,50;20.11.2025\nJosé;ein Café;1.234,00;1.2.2025\n"
WRONG = "name,item,quantity\nTim,a book,1\nTim,=1+1,none\nSue,,2\n"
FOUND = "Rows that cannot be imported"


def upload(person: Person, content: str | bytes, name: str = "purchases.csv", status: int = 200) -> Page:
    sent = content.encode() if isinstance(content, str) else content
    return person.browser.upload("/imports", name, sent, status)


def settled(page: Page) -> Page:
    """The page once the work is done."""
    until = time.monotonic() + 30
    while page.soup.select("[data-progress]") or page.heading.startswith(("Checking", "Importing")):
        assert time.monotonic() < until
        time.sleep(0.05)
        page = page._browser.get(page.path)
    return page


def check(person: Person, content: str | bytes, **values: str) -> Page:
    return settled(upload(person, content).submit("main form[method=post]", **values))


def bring_in(person: Person, content: str | bytes, **values: str) -> Page:
    return settled(press(check(person, content, **values), "Import"))


def press(page: Page, button: str, status: int = 200) -> Page:
    form = next(form for form in page.soup.select("main form") if text_of(form.button).startswith(button))
    fields = {str(field["name"]): str(field["value"]) for field in form("input")}
    return page._browser.post(str(form["action"]), fields, status)


def told(page: Page) -> dict[str, str]:
    return {text_of(row.dt): text_of(row.dd) for row in page.soup.select("main dl > div")}


def downloaded(person: Person, page: Page, link: str) -> list[list[str]]:
    response = person.browser.get_raw(page.link(link))
    assert response.mimetype == "text/csv"
    text = response.get_data().decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text, newline="")))


def test_a_file_comes_in_as_a_spreadsheet_program_writes_it(owner: Person) -> None:
    page = upload(owner, TIM.encode("cp1252"))
    assert page.heading == "Match the columns"
    fields = page.fields("main form[method=post]")
    assert (fields["encoding"], fields["delimiter"]) == ("cp1252", ";")
    matched = [fields[f"column_{place}"] for place in range(4)]
    assert matched == ["customer", "item", "amount", "purchased_on"]
    assert (fields["decimal_mark"], fields["day_order"]) == (",", "dmy")
    assert page.rows("What is in each column?")[1][:2] == ["Artikel", "ein Buch ein Café"]
    checked = settled(page.submit("main form[method=post]"))
    assert checked.heading == "Import of purchases.csv"
    assert told(checked)["Purchases"] == "2"
    assert told(checked)["Amount"] == "$1,246.50"
    assert owner.purchases() == []
    done = settled(press(checked, "Import 2 purchases"))
    assert "This file was imported on" in text_of(done.soup.main)
    assert [(str(one.purchased_on), one.amount_minor) for one in owner.purchases()] == [
        ("2025-11-20", 1250),
        ("2025-02-01", 123400),
    ]
    assert [customer.name for customer in owner.customers()] == ["Tim", "José"]


def test_it_is_undone_and_imported_again(owner: Person) -> None:
    page = bring_in(owner, "name,item\nTim,a book\n")
    page = press(page, "Undo this import")
    assert page.message == "Taken back: 1 purchase. It stays on record as void."
    assert "Nobody is known yet" in text_of(owner.browser.get("/customers").soup.main)
    assert "Nothing is recorded yet" in text_of(owner.browser.get("/purchases").soup.main)
    again = upload(owner, "name,item\nTim,a book\n", name="other.csv")
    assert "and taken back on" in text_of(again.soup.main)
    page = press(again, "Import it again")
    assert page.message == "Imported again: 1 purchase counts as before."
    assert [purchase.voided_at for purchase in owner.purchases()] == [None]
    assert press(page, "Undo this import").message.startswith("Taken back: 1 ")


def test_a_file_of_customers_comes_in(owner: Person) -> None:
    owner.capture(customer="Sue <sue@example.com>")
    content = "Kunde;Telefon;Notiz\nTim;+1 212 555 0100;tall\nSue <sue@example.com>;+1 212 555 0101;\nAnn;12;\n"
    checked = check(owner, content)
    assert told(checked) == {"Customers": "1 new; 1 row updates one, 0 rows change none", "Wrong": "1 row"}
    assert [customer.name for customer in owner.customers()] == ["Sue"]
    done = settled(press(checked, "Leave 1 row out and import 2 customers"))
    assert "This file was imported on" in text_of(done.soup.main)
    assert [(one.name, one.phone, one.note) for one in owner.customers()] == [
        ("Sue", "+1 212 555 0101", None),
        ("Tim", "+1 212 555 0100", "tall"),
    ]
    assert owner.browser.get("/imports").rows("Files brought so far")[0][-1].endswith(": 2 customers")
    undone = press(done, "Undo this import")
    assert undone.message.startswith("Taken back: 2 customers. Who was new is in no list any more")
    assert "Tim" not in text_of(owner.browser.get("/customers").soup.main)
    assert press(undone, "Import it again").message == "Imported again: 2 customers count as before."
    assert "Tim" in text_of(owner.browser.get("/customers").soup.main)


def test_ids_of_customers_are_known_by_their_looks(owner: Person) -> None:
    tim = owner.capture(customer="Tim").customer.public_id
    fields = upload(owner, f"customer_id,reference\n{tim},007\n").fields("main form[method=post]")
    assert (fields["column_0"], fields["column_1"]) == ("customer_id", "reference")
    fields = upload(owner, "customer_id,item\n007,a book\n").fields("main form[method=post]")
    assert fields["column_0"] == "reference"
    fields = upload(owner, "customer_id,reference\n,007\n").fields("main form[method=post]")
    assert (fields["column_0"], fields["column_1"]) == ("", "reference")


def test_the_same_file_says_so_first(owner: Person) -> None:
    content = "name,item\nTim,a book\n"
    bring_in(owner, content)
    page = upload(make_colleague(owner), content, name="copy.csv")
    words = text_of(page.soup.main)
    assert "This file was imported on" in words
    assert "by owner@example.com . To import it again would change nothing." in words
    assert len(owner.purchases()) == 1
    assert len(owner.browser.get("/imports").rows("Files brought so far")) == 1


def test_what_cannot_be_read_may_hold_many_rows_and_is_never_left_out(owner: Person) -> None:
    page = check(owner, 'name,item\nTim,a book\nSue,"oops\n' + "Ann,a pen\n" * 30)
    assert told(page)["Unreadable"] == "1 row"
    assert "nothing of it can be left out" in text_of(page.soup.main)
    assert not page.soup.select('form[action$="/record"]')
    form = page._browser.get("/account").fields("header form") | {"leaves_wrong_out": "yes"}
    with owner.app.app_context():
        form["checked_at"] = imports.check_shown(db.session.scalars(select(Import)).one())
    settled(page._browser.post(f"{page.path}/record", form))
    assert owner.purchases() == []


def test_only_what_the_check_has_shown_is_left_out(owner: Person) -> None:
    page = check(owner, "name,item\nKim,one\nKim,two\nLee,\n")
    for address in ("kim1@example.com", "kim2@example.com"):
        owner.capture(customer=f"Kim <{address}>")
    page = settled(press(page, "Leave 1 row out and import 2 purchases"))
    assert "Something else was recorded since the check" in text_of(page.soup.main)
    assert len(owner.purchases()) == 2
    assert told(page)["Not clear"].startswith("2 rows")


def test_what_was_checked_anew_meanwhile_is_looked_over_again(owner: Person) -> None:
    content = "name\tquantity\nTim\t1\n"
    first = check(owner, content, item="an apple")
    settled(owner.browser.get(f"{first.path}/columns").submit("main form[method=post]", item="a pear"))
    page = press(first, "Import 1 purchase")
    assert page.message == "This was checked anew since. Nothing was stored: look it over again."
    assert owner.purchases() == []
    settled(press(page, "Import 1 purchase"))
    assert [purchase.item for purchase in owner.purchases()] == ["a pear"]


def test_all_wrong_rows_are_downloaded_as_they_stood(owner: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "_FAULTS_KEPT", 1)
    page = check(owner, "name,item,=1\nTim,a book,\nSue,,'=1+1\nAnn,,x\n")
    rows = downloaded(owner, page, "Download the wrong rows with reasons")
    assert rows[0] == ["name", "item", "'=1", "reason"]
    assert [row[:3] for row in rows[1:]] == [["Sue", "", "'=1+1"], ["Ann", "", "x"]]
    assert rows[1][3] == "Item: Enter what was bought"
    assert rows[2][3].startswith("Wrong, too. Mend those before it and check again")


def test_columns_are_not_matched_anew_while_some_of_it_counts(owner: Person) -> None:
    page = press(bring_in(owner, "name,item\nTim,a book\n"), "Undo this import")
    [purchase] = owner.purchases()
    owner.api.post(f"/purchases/{purchase.public_id}/restore")
    page = press(page._browser.get(page.path), "Match the columns anew")
    assert page.message == "Some of it counts. Take that back first, so that nothing is recorded twice."
    assert "and taken back on" in text_of(page.soup.main)


def test_a_customer_who_lost_a_purchase_to_another_keeps_their_name_when_the_import_is_undone(owner: Person) -> None:
    page = bring_in(owner, "name,email,item\nYann,yann@example.com,a book\n")
    [purchase], [yann] = owner.purchases(), owner.customers()
    to = {"purchase_ids": [purchase.public_id], "customer": {"name": "Zoe"}}
    owner.api.post(f"/customers/{yann.public_id}/split", to)
    press(page._browser.get(page.path), "Undo this import")
    assert sorted(customer.name or "" for customer in owner.customers()) == ["Yann", "Zoe"]


def test_wrong_rows_are_told_and_may_be_left_out(owner: Person) -> None:
    page = check(owner, WRONG)
    assert page.rows(FOUND) == [
        ["Line 3", "Quantity", "Quantity must be a whole number from 1 to 1,000,000"],
        ["Line 4", "Item", "Enter what was bought"],
    ]
    assert told(page)["Wrong"] == "2 rows"
    done = settled(press(page, "Leave 2 rows out and import 1 purchase"))
    assert "This file was imported on" in text_of(done.soup.main)
    assert [purchase.item for purchase in owner.purchases()] == ["a book"]


def test_rows_are_downloaded_with_their_reasons_and_verdicts(owner: Person) -> None:
    page = check(owner, WRONG)
    assert downloaded(owner, page, "Download the wrong rows with reasons") == [
        ["name", "item", "quantity", "reason"],
        ["Tim", "'=1+1", "none", "Quantity: Quantity must be a whole number from 1 to 1,000,000"],
        ["Sue", "", "2", "Item: Enter what was bought"],
    ]
    rows = downloaded(owner, page, "Download every row with its verdict")
    assert [row[3] for row in rows] == ["verdict", "new customer", "wrong", "wrong"]


def test_all_or_nothing_is_kept_when_the_data_changed_since(owner: Person) -> None:
    page = check(owner, "name,item,external_id\nTim,a book,1\n")
    owner.capture(external_id="1")
    page = settled(press(page, "Import 1 purchase"))
    assert "Nothing was stored" in text_of(page.soup.main)
    assert len(owner.purchases()) == 1


def test_the_page_is_read_anew_in_another_way(owner: Person) -> None:
    page = upload(owner, "name;item\nJosé;a café\n".encode("cp1252"))
    assert "José" in text_of(page.soup.main)
    read = page.submit("main form[method=get]", delimiter=",")
    assert len(read.rows("What is in each column?")) == 1
    assert page.submit("main form[method=get]", encoding="ebcdic", status=422).errors == ["Choose one of the encodings"]


def test_what_is_no_utf_16_is_not_read_as_such(owner: Person) -> None:
    page = upload(owner, "name,item\nTim,a book\n")
    asked = owner.browser.get(f"{page.path}?encoding=utf-16&delimiter=%2C", 422)
    assert asked.error_at("encoding") == "Error: This file does not begin like UTF-16. Choose another encoding"
    back = owner.browser.post(page.path, page.fields("main form[method=post]") | {"encoding": "utf-16"})
    assert back.path == page.path


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"column_0": ""}, "Say which column tells who bought: a name, an e-mail address or a customer number"),
        ({"column_0": "item"}, "Two columns are matched to “Item”. Leave one of them out"),
        ({"column_0": "colour"}, "“colour” is not a field. Choose one of those that are offered"),
        ({"column_1": ""}, "Enter what was bought, or match the column that says it"),
        ({"item": "CDs"}, "A column says what was bought. Leave this empty, or leave that column out"),
        ({"day_order": "x"}, "Choose how dates are written"),
        ({"decimal_mark": "x"}, "Choose how amounts are written"),
    ],
)
def test_columns_that_do_not_fit_are_refused_and_kept(owner: Person, values: dict[str, str], words: str) -> None:
    page = upload(owner, "name,item,quantity\nTim,a book,1\n").submit("main form[method=post]", status=422, **values)
    assert page.errors == [words]
    kept = page.fields("main form[method=post]")
    assert kept.get("item") == values.get("item", "")


HOSTILE: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "The file is empty"),
    "a blank line": (b"\n", "The file is empty"),
    "a workbook": (b"PK\x03\x04" + bytes(100), "This is a workbook"),
    "an old workbook": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(100), "This is a workbook"),
    "a picture": (b"\x89PNG" + bytes(100), "This is no table"),
    "UTF-32": ("name,item\n".encode("utf-32"), "This is no table"),
    "an open quote": (b'"name,item\nTim,a book\n', "A quotation mark is opened here and never closed"),
    "very many columns": (b"x," * 200_000 + b"\nTim", "columns where at most 200 can be read"),
    "one long line": (b"x" * 400_000, "A cell is far too long here"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_table_is_refused_in_words(owner: Person, name: str) -> None:
    content, words = HOSTILE[name]
    page = upload(owner, content, status=422)
    assert words in page.errors[0]


def test_no_file_at_all_is_asked_for(owner: Person) -> None:
    assert owner.browser.get("/imports").submit(status=422).errors == ["Choose the file to import"]
    assert upload(owner, b"", name="", status=422).errors == ["Choose the file to import"]


@pytest.mark.parametrize(
    "content",
    [
        b"name,item\nTim,a\x00book\n",
        b"name,item\nTim," + b"x" * 200_000 + b"\n",
        b'name,item\nTim,"a book\n' + b"Sue,a pen\n" * 2_000,
        b"name,item\nTim\n",
        b"name,item\r" * 3,
        b"\xef\xbb\xbfname,item\nTim,\xff\n",
        "name,item\nTim,\ud800\n".encode("utf-8", "surrogatepass"),
    ],
    ids=range(7),
)
def test_hostile_rows_are_wrong_rows(owner: Person, content: bytes) -> None:
    page = check(owner, content)
    assert page.heading == "Import of purchases.csv"
    assert owner.purchases() == []
    assert downloaded(owner, page, "Download every row with its verdict")


def test_a_file_that_is_too_large_is_a_413(owner: Person, app: Flask) -> None:
    too_large = send_raw(owner.browser, b"x" * (Import.SIZE_MAX + 100_000))
    assert too_large.status_code == 413
    assert "at most 50 MB" in too_large.text
    assert send_raw(Browser(app), b"x" * 70_000).status_code == 413
    assert send_raw(owner.browser, b"x" * 70_000).status_code == 400


def send_raw(browser: Browser, body: bytes) -> TestResponse:
    return browser._client.post("/imports", data=body, content_type="multipart/form-data; boundary=b")


@pytest.mark.parametrize("more", range(-3, 4))
def test_a_file_arrives_byte_for_byte(owner: Person, more: int) -> None:
    """Werkzeug reads 65,536 bytes at a time, and a boundary may stand across the end of them."""
    boundary = "b" * 20
    token = owner.browser.get("/imports").fields()["csrf_token"]
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="csrf_token"\r\n\r\n{token}\r\n'
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n'
    ).encode()
    tail = f"\r\n--{boundary}--\r\n".encode()
    content = b"name,item\n" + b"Tim,a\n" * 20_000
    content = content[: 65_536 - len(head) - len(tail) + 2 + more]
    kind = f"multipart/form-data; boundary={boundary}"
    response = owner.browser._client.post("/imports", data=head + content + tail, content_type=kind)
    assert response.status_code == 303
    with owner.app.app_context():
        assert db.session.scalar(select(Import.content)) == content


def test_an_import_of_another_shop_is_not_there(owner: Person, stranger: Person) -> None:
    page = bring_in(owner, "name,item\nTim,a book\n")
    assert "Files brought so far" not in text_of(stranger.browser.get("/imports").soup.main)
    for path in ("", "/columns", "/progress", "/wrong.csv", "/verdicts.csv"):
        assert stranger.browser.get_raw(f"{page.path}{path}").status_code == 404
    token = stranger.browser.get("/imports").fields()
    for step in ("columns", "check", "record", "undo", "again", "over"):
        stranger.browser.post(f"{page.path}/{step}", {"csrf_token": token["csrf_token"]}, 404)
    assert [purchase.voided_at for purchase in owner.purchases()] == [None]


def test_buttons_that_came_too_late_change_nothing(owner: Person) -> None:
    page = bring_in(owner, "name,item\nTim,a book\n")
    token = {"csrf_token": owner.browser.get("/imports").fields()["csrf_token"]}
    for step in ("columns", "check", "record", "again", "over"):
        owner.browser.post(f"{page.path}/{step}", token)
    assert [purchase.voided_at for purchase in owner.purchases()] == [None]
    owner.browser.post(f"{page.path}/undo", token)
    assert owner.browser.post(f"{page.path}/undo", token).message.startswith("This import was taken back already.")


def test_progress_is_told_to_scripts(owner: Person) -> None:
    page = bring_in(owner, "name,item\nTim,a book\n")
    answer: dict[str, Any] = owner.browser.get_raw(f"{page.path}/progress").get_json()
    assert answer == {"is_busy": False, "has_broken_off": False, "rows_done": 1, "rows_total": 1}


def test_what_was_only_uploaded_has_come_nowhere(owner: Person) -> None:
    path = upload(owner, "name,item\nTim,a book\n").path.removesuffix("/columns")
    answer: dict[str, Any] = owner.browser.get_raw(f"{path}/progress").get_json()
    assert answer == {"is_busy": False, "has_broken_off": False, "rows_done": 0, "rows_total": 0}


def test_what_broke_off_says_so_and_is_tried_again(owner: Person) -> None:
    page = check(owner, "name,item\nTim,a book\n")
    with owner.app.app_context():
        file = db.session.scalars(select(Import)).one()
        file.status, file.heard_at = "checking", file.uploaded_at.replace(year=2020)
        db.session.commit()
    broken = owner.browser.get(page.path)
    assert "This broke off" in text_of(broken.soup.main)
    assert settled(press(broken, "Try again")).heading == "Import of purchases.csv"
