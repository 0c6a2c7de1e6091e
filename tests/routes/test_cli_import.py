"""flask import: whole tables of purchases and customers, or nothing of them."""

import csv
import io
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from click.testing import Result
from sqlalchemy import func, select

from extensions import db
from models import Customer, Purchase
from tests.cast import Person
from tests.routes.test_cli import run

README_OPTIONS = [
    *("--user", "owner@example.com"),
    *("--column", "reference=customer_id"),
    *("--column", "purchased_on=date"),
    *("--column", "quantity=number_of_cds"),
    *("--column", "amount=dollar_value"),
    *("--item", "CDs"),
]
CDS = """customer_id,date,number_of_cds,dollar_value
00001,1997-01-01,1,11.77
00002,1997-01-12,1,12.00
00002,1997-01-12,5,77.00
00002,1997-01-12,5,77.00
00003,1997-01-02,2,0.00
"""


@pytest.fixture
def given_file(tmp_path: Path) -> Callable[[str | bytes], str]:
    def write(content: str | bytes) -> str:
        path = tmp_path / "purchases.csv"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return str(path)

    return write


@pytest.fixture
def import_content(owner: Person, given_file: Callable[[str | bytes], str]) -> Callable[..., Result]:
    """Imports a file of this content for the owner."""

    def import_it(content: str | bytes, *options: str) -> Result:
        return run(owner.app, "import", given_file(content), "--user", owner.email, *options)

    return import_it


def refused(result: Result, owner: Person) -> list[str]:
    """What is told when nothing was stored, line by line."""
    assert result.exit_code == 1, result.output
    assert result.stdout == ""
    assert isinstance(result.exception, SystemExit)
    assert (owner.purchases(), owner.customers()) == ([], [])
    return result.stderr.splitlines()


def wrong_rows(result: Result, owner: Person, count: int) -> list[str]:
    *rows, last = refused(result, owner)
    assert last == f"Error: {count} wrong. Nothing was stored: mend the file and import it again."
    return rows


def test_the_call_of_the_readme(owner: Person, given_file: Callable[[str | bytes], str]) -> None:
    result = run(owner.app, "import", given_file(CDS), *README_OPTIONS)
    assert result.exit_code == 0, result.output
    first, amounts, customers = result.stdout.splitlines()
    assert first.startswith("Imported 5 purchases, 14 pieces, in ")
    assert amounts == "Amounts: $177.77 (USD)"
    assert customers == "Rows: 3 made a new customer, 0 updated one, 2 changed none."
    assert [customer.reference for customer in owner.customers()] == ["00001", "00002", "00003"]
    assert [
        (purchase.item, purchase.quantity, purchase.amount_minor, purchase.currency, purchase.purchased_on)
        for purchase in owner.purchases()
    ] == [
        ("CDs", 1, 1177, "USD", date(1997, 1, 1)),
        ("CDs", 1, 1200, "USD", date(1997, 1, 12)),
        ("CDs", 5, 7700, "USD", date(1997, 1, 12)),
        ("CDs", 5, 7700, "USD", date(1997, 1, 12)),
        ("CDs", 2, 0, "USD", date(1997, 1, 2)),
    ]
    assert {purchase.source for purchase in owner.purchases()} == {"import"}


def test_the_same_file_again_changes_nothing_and_says_so(
    owner: Person, given_file: Callable[[str | bytes], str], tmp_path: Path
) -> None:
    path = given_file(CDS)
    run(owner.app, "import", path, *README_OPTIONS)
    before = [purchase.id for purchase in owner.purchases()]
    renamed = Path(path).rename(tmp_path / "another name.csv")
    result = run(owner.app, "import", str(renamed), *README_OPTIONS)
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("Imported 0 purchases, 0 pieces, in ")
    assert result.stdout.splitlines()[-1] == "Already imported before, left as they are: 5 rows."
    assert [purchase.id for purchase in owner.purchases()] == before
    assert len(owner.customers()) == 3


def test_the_same_file_with_another_meaning_is_refused(owner: Person, given_file: Callable[[str | bytes], str]) -> None:
    path = given_file(CDS)
    run(owner.app, "import", path, *README_OPTIONS)
    result = run(owner.app, "import", path, *README_OPTIONS[:-1], "Records")
    assert result.exit_code == 1
    assert result.stderr.splitlines()[0].startswith("line 2")
    assert "already recorded with other columns" in result.stderr
    assert {purchase.item for purchase in owner.purchases()} == {"CDs"}


def test_the_same_file_in_another_shop_is_another_import(
    owner: Person, stranger: Person, given_file: Callable[[str | bytes], str]
) -> None:
    path = given_file(CDS)
    for person in (owner, stranger):
        result = run(owner.app, "import", path, *README_OPTIONS, "--user", person.email)
        assert result.stdout.startswith("Imported 5 purchases")
        assert len(person.purchases()) == 5


def test_a_dry_run_stores_nothing_and_tells_the_same(owner: Person, given_file: Callable[[str | bytes], str]) -> None:
    path = given_file(CDS)
    dry = run(owner.app, "import", path, *README_OPTIONS, "--dry-run")
    assert dry.exit_code == 0, dry.output
    assert (owner.purchases(), owner.customers()) == ([], [])
    wet = run(owner.app, "import", path, *README_OPTIONS)
    assert dry.stdout.startswith("Would import 5 purchases, 14 pieces, in ")
    assert wet.stdout.startswith("Imported 5 purchases, 14 pieces, in ")
    assert dry.stdout.splitlines()[1:] == wet.stdout.splitlines()[1:]


def test_a_dry_run_tells_what_is_wrong(owner: Person, import_content: Callable[..., Result]) -> None:
    result = import_content("customer,item\nTim,\n", "--dry-run")
    assert wrong_rows(result, owner, 1) == ["line 2, item: Enter what was bought"]


def test_columns_named_like_fields_are_found_by_themselves(
    owner: Person, import_content: Callable[..., Result]
) -> None:
    result = import_content(
        "colour, item ,customer,unit_price,quantity,note,external_id,purchased_on,currency\n"
        "red,a mug,Sue <sue@example.com>,€2.50,2,a gift,A-1,2026-11-01,EUR\n"
        "blue,a book,Tim,,,,,,\n"
    )
    assert result.exit_code == 0, result.output
    mug, book = owner.purchases()
    assert (mug.item, mug.amount_minor, mug.currency, mug.quantity) == ("a mug", 500, "EUR", 2)
    assert (mug.note, mug.external_id, mug.purchased_on) == ("a gift", "A-1", date(2026, 11, 1))
    assert (book.item, book.amount_minor, book.quantity) == ("a book", None, 1)
    assert [(customer.name, customer.email) for customer in owner.customers()] == [
        ("Sue", "sue@example.com"),
        ("Tim", None),
    ]


def test_amounts_of_several_currencies_are_never_added_up(owner: Person, import_content: Callable[..., Result]) -> None:
    result = import_content("name,item,amount\nTim,a,1.50\nTim,b,1500 JPY\nTim,c,2 EUR\nTim,d,$1\n")
    assert result.stdout.splitlines()[1:4] == ["Amounts: €2.00 (EUR)", "Amounts: ¥1,500 (JPY)", "Amounts: $2.50 (USD)"]


def test_what_an_import_did_to_the_customers_is_told(owner: Person, import_content: Callable[..., Result]) -> None:
    owner.capture(customer="Tim")
    result = import_content("customer,item\nTim,a\nTim <tim@example.com>,b\ntim@example.com,c\nSue,d\n")
    assert result.stdout.splitlines()[1] == "Rows: 1 made a new customer, 1 updated one, 2 changed none."
    assert [(customer.name, customer.email) for customer in owner.customers()] == [
        ("Tim", "tim@example.com"),
        ("Sue", None),
    ]


def test_a_column_may_be_called_by_another_name_than_its_own(
    owner: Person, import_content: Callable[..., Result]
) -> None:
    """`item` is the item's own column unless another is named."""
    result = import_content("name,item,what\nTim,7,a book\n", "--column", "item=what")
    assert result.exit_code == 0, result.output
    assert [purchase.item for purchase in owner.purchases()] == ["a book"]


def test_a_text_for_every_row_does_not_hide_a_column_of_its_name(
    owner: Person, import_content: Callable[..., Result]
) -> None:
    [line] = refused(import_content("name,item\nTim,7\n", "--item", "a book"), owner)
    assert line == "Error: The file has a column “item” of its own. Leave the text for it out"


def test_an_address_is_the_user_s_whatever_its_case(owner: Person, given_file: Callable[[str | bytes], str]) -> None:
    result = run(owner.app, "import", given_file("name,item\nTim,a\n"), "--user", " OWNER@example.com")
    assert result.exit_code == 0, result.output
    assert len(owner.purchases()) == 1


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("00004,1997-13-01,1,5.00", "line 7, date: Purchase date must be a real date, like "),
        ("00004,1997-01-01,none,5.00", "line 7, number_of_cds: Quantity must be a whole number from 1 to 1,000,000"),
        ("00004,1997-01-01,1,-5.00", "line 7, dollar_value: Amount must be 0 or more"),
        ("00004,1997-01-01,1,5.001", "line 7, dollar_value: Amount must have at most 2 decimals"),
        (",1997-01-01,1,5.00", "line 7, customer: Enter who bought it"),
        ("\u200b,1997-01-01,1,5.00", "line 7, customer: Enter who bought it"),
        ("00004,1997-01-01,1", "line 7: This row has 3 cells where the first line names 4 columns"),
        ("00004,1997-01-01,1,5,00", "line 7: This row has 5 cells where the first line names 4 columns"),
        ("00004", "line 7: This row has 1 cells where the first line names 4 columns"),
        ("00\x0004,1997-01-01,1,5.00", "line 7, customer_id: Customer number has a control character. Type it again"),
        ('"00004,1997-01-01,1,5.00', "line 7: A quotation mark is opened here and never closed"),
        ('00004,1997-01-01,"1" ,5.00', "line 7: A quotation mark ends a cell too early here. Write two of them "),
    ],
)
def test_one_wrong_line_stores_nothing(
    owner: Person, given_file: Callable[[str | bytes], str], row: str, told: str
) -> None:
    result = run(owner.app, "import", given_file(f"{CDS}{row}\n"), *README_OPTIONS)
    [line] = wrong_rows(result, owner, 1)
    assert line.startswith(told)


def test_bytes_that_are_no_text_are_wrong_where_they_stand(
    owner: Person, import_content: Callable[..., Result]
) -> None:
    result = import_content(b"name,item\nTim,caf\x81\nJos\x8f,caf\x81\n")
    assert wrong_rows(result, owner, 3) == [
        "line 2, item: Item has a character that could not be read. Type it again",
        "line 3, name: Customer name has a character that could not be read. Type it again",
        "line 3, item: Item has a character that could not be read. Type it again",
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_encoding_and_what_separates_the_cells_are_found(
    owner: Person, import_content: Callable[..., Result], encoding: str, delimiter: str
) -> None:
    content = f"name{delimiter}item\nJosé{delimiter}a café\n".encode(encoding)
    assert import_content(content).exit_code == 0
    assert [(customer.name, owner.purchases()[0].item) for customer in owner.customers()] == [("José", "a café")]


def test_an_encoding_of_nobody_is_refused(owner: Person, import_content: Callable[..., Result]) -> None:
    assert refused(import_content("name,item\nTim,a\n".encode("utf-32")), owner)


def test_all_wrong_rows_are_listed_in_the_order_of_the_file(
    owner: Person, import_content: Callable[..., Result]
) -> None:
    good = "Ann <ann@example.com>,a,\nBob,b,\n"
    content = f"customer,item,quantity\n{good}Tim,,1\nTim,a,0\nTim\n...,,x\nSue,fine,1\n"
    assert wrong_rows(import_content(content), owner, 6) == [
        "line 4, item: Enter what was bought",
        "line 5, quantity: Quantity must be a whole number from 1 to 1,000,000",
        "line 6: This row has 1 cells where the first line names 3 columns",
        "line 7, customer: Customer name must have a letter or a number in it",
        "line 7, item: Enter what was bought",
        "line 7, quantity: Quantity must be a whole number from 1 to 1,000,000",
    ]


def test_a_great_many_wrong_rows_are_counted(owner: Person, import_content: Callable[..., Result]) -> None:
    """More than fit into one batch, all of them wrong."""
    *rows, more, last = refused(import_content("name,item\n" + "Tim,\n" * 2345), owner)
    assert len(rows) == 100
    assert rows[99] == "line 101, item: Enter what was bought"
    assert more == "… and 2,245 more"
    assert last == "Error: 2,345 wrong. Nothing was stored: mend the file and import it again."


def test_a_customer_who_is_not_clear_is_wrong(owner: Person, import_content: Callable[..., Result]) -> None:
    content = (
        "name,email,phone,item\n"
        "Tim,tim@example.com,,a\n"
        "Tim,other@example.com,+1 212 555 0123,b\n"
        "Tim,,,c\n"
        ",tim@example.com,+1 212 555 0123,d\n"
    )
    assert wrong_rows(import_content(content), owner, 2) == [
        "line 4, customer: Several customers are called Tim. Choose who bought it",
        "line 5, customer: What was entered belongs to different customers. Choose who bought it",
    ]


def test_a_file_of_customers_comes_in(owner: Person, import_content: Callable[..., Result]) -> None:
    content = "name,email,note,purchases\nTim,tim@example.com,tall,3\nSue,,,0\n"
    result = import_content(content)
    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith("Imported 2 customers, in ")
    assert "Rows: 2 made a new customer, 0 updated one, 0 changed none." in result.stdout
    assert [(one.name, one.email, one.note) for one in owner.customers()] == [
        ("Tim", "tim@example.com", "tall"),
        ("Sue", None, None),
    ]
    assert "left as they are: 2 rows" in import_content(content).stdout
    assert owner.purchases() == []


def test_a_wrong_customer_stores_nobody(owner: Person, import_content: Callable[..., Result]) -> None:
    result = import_content("name,email,note\nTim,,tall\nSue,sue@,\n,,alone\n")
    assert wrong_rows(result, owner, 2) == [
        "line 3, email: Enter an e-mail address like name@example.com",
        "line 4, customer: Enter a name, an e-mail address, a phone number or a customer number",
    ]


@pytest.mark.parametrize("id", ["007", "new", "cus_1", "pur_01h455vb4pex5vsknk084sn02q"])
def test_other_texts_than_ids_of_customers_are_refused(
    owner: Person, import_content: Callable[..., Result], id: str
) -> None:
    [row] = wrong_rows(import_content(f"customer_id,name,item\n{id},Tim,a book\n"), owner, 1)
    assert row.startswith("line 2, customer_id: Ids of customers begin with cus_.")


def test_a_purchase_number_is_taken_once(owner: Person, import_content: Callable[..., Result]) -> None:
    result = import_content("name,item,number\nTim,a,1\nTim,b,2\nTim,c,1\n", "--column", "external_id=number")
    assert wrong_rows(result, owner, 1) == ["line 4, number: Purchase number 1 is already recorded. Each is used once"]


def test_a_purchase_number_of_another_door_is_taken(owner: Person, import_content: Callable[..., Result]) -> None:
    owner.capture(external_id="1")
    result = import_content("name,item,external_id\nTim,a,2\nTim,b,1\n")
    assert result.exit_code == 1
    assert result.stderr.startswith("line 3, external_id: Purchase number 1 is already recorded")
    assert [purchase.external_id for purchase in owner.purchases()] == ["1"]


@pytest.mark.parametrize(
    ("content", "options", "told"),
    [
        ("", [], "The file is empty. Its first line must name the columns"),
        ("\n", [], "The file is empty. Its first line must name the columns"),
        (" , \nTim,a\n", [], "The file is empty. Its first line must name the columns"),
        ("\ufeff", [], "The file is empty. Its first line must name the columns"),
        ("who,what\nTim,a\n", [], "No column is matched to a field. The columns are who, what"),
        ("name,item,name\nTim,a,Tom\n", [], "The column “name” is twice in the file. Its columns are name, item, name"),
        (
            "name,what,what\nTim,a,b\n",
            ["--column", "item=what"],
            "The column “what” is twice in the file. Its columns are name, what, what",
        ),
        (
            "name,item\nTim,a\n",
            ["--column", "note=remark"],
            "The column “remark” is not in the file. Its columns are name, item",
        ),
        (
            "name,item\nTim,a\n",
            ["--column", "Name=item"],
            "“Name” is not a field. The fields are customer, name, email, phone, reference, item, quantity, amount, "
            "unit_price, currency, purchased_on, note, external_id",
        ),
        ("name,item\nTim,a\n", ["--column", "name"], "--column name: write it like --column purchased_on=date"),
        ("name,item\nTim,a\n", ["--column", "name="], "--column name: write it like --column purchased_on=date"),
        (
            "name,item\nTim,a\n",
            ["--column", "item=item", "--item", "b"],
            "“item” is given both as a column and as a text. Give it once",
        ),
        ('"name,item\nTim,a\n', [], "The first line cannot be read. A quotation mark is opened here and never closed"),
    ],
)
def test_a_table_that_cannot_be_read_is_refused(
    owner: Person, import_content: Callable[..., Result], content: str, options: list[str], told: str
) -> None:
    [line] = refused(import_content(content, *options), owner)
    assert line.startswith(f"Error: {told}")


def test_one_field_is_not_taken_from_two_columns(owner: Person, import_content: Callable[..., Result]) -> None:
    result = import_content("a,b,item\nTim,Tom,a book\n", "--column", "name=a", "--column", "name=b")
    [line] = refused(result, owner)
    assert "name" in line


def test_headers_without_rows_are_no_purchases(owner: Person, import_content: Callable[..., Result]) -> None:
    result = import_content("name,item\n")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("Imported 0 purchases, 0 pieces")
    assert owner.purchases() == []


def test_a_user_who_is_not_there_is_refused(owner: Person, given_file: Callable[[str | bytes], str]) -> None:
    result = run(owner.app, "import", given_file("name,item\nTim,a\n"), "--user", "nobody@example.com")
    assert refused(result, owner) == [
        "Error: nobody@example.com has no account. Make one with: flask users create nobody@example.com"
    ]


def test_a_user_whose_address_is_no_text_is_refused(owner: Person, given_file: Callable[[str | bytes], str]) -> None:
    """A shell hands over bytes that are no UTF-8 as lone surrogates."""
    result = run(owner.app, "import", given_file("name,item\nTim,a\n"), "--user", "caf\udce9@example.com")
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: ")


def test_a_file_that_is_not_there_is_refused(owner: Person, tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.csv"):
        result = run(owner.app, "import", str(path), "--user", owner.email)
        assert result.exit_code == 2
        assert str(path) in result.stderr.replace("\n", "")


@pytest.mark.parametrize(
    ("content", "items"),
    [
        ("\ufeffname,item\nTim,a\n", ["a"]),
        ("name,item\r\nTim,a\r\nTim,b\r\n", ["a", "b"]),
        ("name,item\rTim,a\rTim,b\r", ["a", "b"]),
        ("name,item\nTim,a", ["a"]),
        ("name,item\n\nTim,a\n\n \n,\n ,\t\nTim,b\n\n", ["a", "b"]),
        ('"name","item"\n"Tim","a ""b"", c"\n', ['a "b", c']),
        ('name,item\nTim,"a\nb"\n', ["a b"]),
        ("name,item,\nTim,a,\n", ["a"]),
        ("name,item\n Tim , a \n", ["a"]),
        ("name,item,unused\nTim,a,\0\n", ["a"]),
        ("name,item\nTim,=1+1\n", ["=1+1"]),
    ],
)
def test_the_same_table_in_other_clothes(
    owner: Person, import_content: Callable[..., Result], content: str, items: list[str]
) -> None:
    result = import_content(content)
    assert result.exit_code == 0, result.output
    assert [purchase.item for purchase in owner.purchases()] == items
    assert [customer.name for customer in owner.customers()] == ["Tim"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_numbers_are_those_of_an_editor(owner: Person, import_content: Callable[..., Result], end: str) -> None:
    lines = ["name,note,item", 'Tim,"one', "two", 'three",a', "", 'Tim,"four', 'five",', "Tim,,", ""]
    assert wrong_rows(import_content(end.join(lines)), owner, 2) == [
        "line 6, item: Enter what was bought",
        "line 8, item: Enter what was bought",
    ]


def test_a_quote_that_is_never_closed_is_wrong_where_it_was_opened(
    owner: Person, import_content: Callable[..., Result]
) -> None:
    rows = "Sue,b\n" * 50
    [line] = wrong_rows(import_content(f'name,item\nTim,a\nTim,"a\n{rows}'), owner, 1)
    assert line == "line 3: A quotation mark is opened here and never closed"


def test_a_quote_that_is_never_closed_in_a_long_file_stores_nothing(
    owner: Person, import_content: Callable[..., Result]
) -> None:
    """The reader gives up after 131,072 characters, and goes on."""
    rows = refused(import_content('name,item\nTim,"a\n' + "Sue,a book of one's own\n" * 9_000), owner)
    assert rows[0] == "line 2: A cell is far too long here. Look for a quotation mark that is never closed"


def test_what_a_writer_of_csv_quotes_comes_in(owner: Person, import_content: Callable[..., Result]) -> None:
    out = io.StringIO()
    csv.writer(out).writerows([["name", "item"], ["O'Neil, Tim", 'a "book"'], ["Sue\nSmith", "b"]])
    assert import_content(out.getvalue()).exit_code == 0
    assert [purchase.item for purchase in owner.purchases()] == ['a "book"', "b"]
    assert [customer.name for customer in owner.customers()] == ["O'Neil, Tim", "Sue Smith"]


def test_more_rows_than_are_captured_at_once(owner: Person, import_content: Callable[..., Result]) -> None:
    rows = "".join(f"{number % 700},{number}\n" for number in range(2_500))
    result = import_content("reference,item\n" + rows)
    assert result.stdout.startswith("Imported 2,500 purchases, 2,500 pieces")
    with owner.app.app_context():
        assert db.session.scalar(select(func.count()).select_from(Purchase)) == 2_500
        assert db.session.scalar(select(func.count()).select_from(Customer)) == 700


def test_a_wrong_row_after_many_good_ones_stores_nothing(owner: Person, import_content: Callable[..., Result]) -> None:
    content = "name,item\n" + "Tim,a\n" * 2_500 + "Tim,\n"
    assert wrong_rows(import_content(content), owner, 1) == ["line 2502, item: Enter what was bought"]
