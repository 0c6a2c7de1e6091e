"""The real purchases of an old shop for CDs come in whole, once, or not at all.

Where the file of real data is not at hand, the tests make rows of the same kind.
"""

import csv
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import Result
from sqlalchemy import func, select

from extensions import db
from models import Customer, Identity, Purchase
from tests.cast import Person
from tests.conftest import IS_LONG
from tests.pages import text_of

REAL_DATA = Path(__file__).parents[2] / "shared" / "data" / "cdnow.csv"
OPTIONS = [
    *("--column", "reference=customer_id"),
    *("--column", "purchased_on=date"),
    *("--column", "quantity=number_of_cds"),
    *("--column", "amount=dollar_value"),
    *("--item", "CDs"),
]
WHOLE = 69_659
"""Rows."""
HEADER = "customer_id,date,number_of_cds,dollar_value"


@dataclass(frozen=True)
class Totals:
    purchases: int
    customers: int
    pieces: int
    amount: Decimal
    """In US dollars."""
    by_day: dict[date, int]
    """Purchases, of some days."""


def made_up_lines() -> Iterator[str]:
    """Some thousand rows: customers who come back, some exact repeats, some that cost nothing. Always the same."""
    chance = random.Random(19_970_101)
    for customer in range(1, 1_201):
        for _ in range(min(int(chance.expovariate(0.4)) + 1, 30)):
            on = date(1997, 1, 1) + timedelta(days=chance.randrange(545))
            pieces = min(int(chance.expovariate(0.5)) + 1, 99)
            cents = 0 if chance.random() < 0.01 else pieces * chance.randrange(599, 2_000)
            line = f"{customer:05},{on},{pieces},{cents // 100}.{cents % 100:02}"
            yield line
            if chance.random() < 0.01:
                yield line


def totals_of(lines: list[str]) -> Totals:
    """Counted without any of the app's code."""
    rows = list(csv.DictReader([HEADER, *lines]))
    some_days = [date(1997, 1, 1), date(1997, 3, 31), date(1998, 6, 30)]
    return Totals(
        purchases=len(rows),
        customers=len({row["customer_id"] for row in rows}),
        pieces=sum(int(row["number_of_cds"]) for row in rows),
        amount=sum((Decimal(row["dollar_value"]) for row in rows), Decimal(0)),
        by_day={day: sum(row["date"] == str(day) for row in rows) for day in some_days},
    )


@pytest.fixture(scope="module")
def lines() -> list[str]:
    """Of the file, without its header."""
    if not REAL_DATA.exists():
        return list(made_up_lines())
    header, *rows = REAL_DATA.read_text().splitlines()
    assert header == HEADER
    return rows


def stored(owner: Person) -> Totals:
    with owner.app.app_context():
        count, customers, pieces, minor = db.session.execute(
            select(
                func.count(),
                func.count(Purchase.customer_id.distinct()),
                func.sum(Purchase.quantity),
                func.sum(Purchase.amount_minor),
            ).where(Purchase.shop_id == owner.shop_id, Purchase.currency == "USD")
        ).one()
        days = select(func.count()).select_from(Purchase).where(Purchase.shop_id == owner.shop_id)
        by_day = {
            day: db.session.scalar(days.where(Purchase.purchased_on == day)) or 0
            for day in (date(1997, 1, 1), date(1997, 3, 31), date(1998, 6, 30))
        }
    return Totals(count, customers, int(pieces), Decimal(int(minor)) / 100, by_day)


def count_of(owner: Person, model: type[Customer] | type[Purchase] | type[Identity]) -> int:
    with owner.app.app_context():
        return db.session.scalar(select(func.count()).select_from(model)) or 0


def import_lines(owner: Person, folder: Path, lines: list[str]) -> Result:
    file = folder / "purchases.csv"
    file.write_text("\n".join([HEADER, *lines]) + "\n")
    return owner.app.test_cli_runner().invoke(args=["import", str(file), "--user", owner.email, *OPTIONS])


def test_the_totals_of_the_real_data_are_those_that_were_published(lines: list[str]) -> None:
    """And what is made up instead has all that makes the real data hard."""
    totals = totals_of(lines)
    if REAL_DATA.exists():
        assert (totals.purchases, totals.customers, totals.pieces) == (69_659, 23_570, 167_881)
        assert totals.amount == Decimal("2500315.63")
    assert totals.purchases > 3_000
    assert totals.purchases > totals.customers > 1_000
    assert len(lines) - len(set(lines)) >= 20
    assert sum(line.endswith(",0.00") for line in lines) >= 20


def test_everything_comes_in_once_and_is_reported(owner: Person, lines: list[str], tmp_path: Path) -> None:
    is_whole = IS_LONG or "sqlite" in owner.app.config["SQLALCHEMY_DATABASE_URI"]
    lines = lines if is_whole else lines[:20_000]
    totals = totals_of(lines)

    result = import_lines(owner, tmp_path, lines)
    assert result.exit_code == 0, result.output
    first, amounts, customers, *rest = result.stdout.splitlines()
    assert first.startswith(f"Imported {totals.purchases:,} purchases, {totals.pieces:,} pieces, in ")
    assert amounts == f"Amounts: ${totals.amount:,} (USD)"
    repeated = totals.purchases - totals.customers
    assert customers == f"Rows: {totals.customers:,} made a new customer, 0 updated one, {repeated:,} changed none."
    assert rest == []
    assert stored(owner) == totals
    assert count_of(owner, Customer) == count_of(owner, Identity) == totals.customers

    again = import_lines(owner, tmp_path, lines)
    assert again.exit_code == 0, again.output
    assert again.stdout.startswith("Imported 0 purchases, 0 pieces, in ")
    assert again.stdout.endswith(f"Already imported before, left as they are: {totals.purchases:,} rows.\n")
    assert stored(owner) == totals
    assert count_of(owner, Customer) == count_of(owner, Identity) == totals.customers

    the_reports_agree(owner, lines, totals)


@pytest.mark.parametrize("migrated_app", ["sqlite"], indirect=True)  # what is in a file does not depend on the database
def test_everything_moves_to_another_shop(owner: Person, stranger: Person, lines: list[str], tmp_path: Path) -> None:
    lines = lines if IS_LONG else lines[:15_000]
    totals = totals_of(lines)
    import_lines(owner, tmp_path, lines)
    exported = tmp_path / "exported.csv"
    exported.write_bytes(owner.browser.get_raw("/purchases.csv").data)
    taken_in = stranger.app.test_cli_runner().invoke(args=["import", str(exported), "--user", stranger.email])
    assert taken_in.exit_code == 0, taken_in.output
    assert stored(stranger) == totals


def the_reports_agree(owner: Person, lines: list[str], totals: Totals) -> None:
    page = owner.browser.get("/reports?from=&to=")
    told = {text_of(part.dt): text_of(part.dd) for part in page.soup.select(".totals > div")}
    assert told == {
        "Purchases": f"{totals.purchases:,}",
        "Quantity": f"{totals.pieces:,}",
        "Amount in USD": f"${totals.amount:,}",
        "New customers": f"{totals.customers:,}",
    }
    months = {row[0]: row[1:] for row in page.rows("By month")}
    for month in ("1997-01", "1997-03", "1998-06"):
        name = f"{date.fromisoformat(f'{month}-01'):%b %Y}"
        of_month = totals_of([line for line in lines if line.split(",")[1].startswith(month)])
        purchases, quantity, amount, new, returning = months[name]
        assert purchases == f"{of_month.purchases:,} purchases of {name}"
        assert (quantity, amount) == (f"{of_month.pieces:,}", f"${of_month.amount:,}")
        assert int(new.replace(",", "")) + int(returning.replace(",", "")) == of_month.customers
    if len(lines) == WHOLE:
        assert (told["Purchases"], told["Amount in USD"]) == ("69,659", "$2,500,315.63")
        assert months["Mar 1997"][0].startswith("11,598 ")
        assert months["Jun 1998"][0].startswith("2,043 ")


def test_one_wrong_line_in_the_middle_keeps_everything_out(owner: Person, lines: list[str], tmp_path: Path) -> None:
    """Some thousand rows of it are enough to be read in several batches."""
    some = lines[:4_000]
    middle = len(some) // 2
    wrong = [*some[:middle], "00001,1997-02-30,1,11.77", *some[middle:]]

    result = import_lines(owner, tmp_path, wrong)
    assert result.exit_code == 1
    told, last = result.stderr.splitlines()
    assert told.startswith(f"line {middle + 2}, date: Purchase date must be a real date, like ")
    assert last == "Error: 1 wrong. Nothing was stored: mend the file and import it again."
    assert count_of(owner, Purchase) == count_of(owner, Customer) == count_of(owner, Identity) == 0

    mended = import_lines(owner, tmp_path, some)
    assert mended.exit_code == 0, mended.output
    assert stored(owner) == totals_of(some)
