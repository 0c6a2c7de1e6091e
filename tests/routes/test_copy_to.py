"""flask copy-to: everything moves to another database, and Tillbook goes on there."""

from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import Connection, Table, text

from extensions import db
from schemas.account import Registration
from schemas.problems import judge
from services import demo, transfer
from services.transfer import Sum
from tests.cast import Person, make_person, registration_values
from tests.pages import Page
from tests.routes.test_cli import run
from tests.routes.test_imports_by_command import import_by_command
from tests.services.test_merging import do_undo
from tests.services.test_undoing import void


@pytest.fixture
def other_app(empty_app: Flask) -> Flask:
    """With its tables."""
    with empty_app.app_context():
        upgrade(directory=str(Path(empty_app.root_path) / "migrations"))
    return empty_app


def copy(app: Flask, other_app: Flask) -> Result:
    return run(app, "copy-to", other_app.config["SQLALCHEMY_DATABASE_URI"])


@pytest.fixture
def shop(owner: Person, tmp_path: Path) -> Person:
    """With all that a shop can have: purchases, a merge, an import, a token, and what was taken back of them."""
    with owner.app.app_context():
        demo.open_shop(judge(Registration, registration_values(email="demo@example.com")))
        db.session.commit()
    import_by_command(owner, tmp_path / "tim.csv")
    owner.browser.get(owner.browser.get("/imports").link("tim.csv")).submit("form[action$='/undo']")
    owner.capture(customer="Ann", item="a mug")
    do_undo(owner, void(owner, owner.purchases()[-1]))
    owner.capture(customer="Tim", item="“日本” \N{FLEXED BICEPS}", amount="0.01", note="\t 2 lines\nof it")
    owner.browser.upload("/imports", "kept.csv", b"name,item\nSue,a pen\n")
    assert owner.api.get("/customers").status == 200
    return owner


def test_everything_is_there_afterwards_and_tillbook_goes_on(shop: Person, other_app: Flask) -> None:
    result = copy(shop.app, other_app)
    assert result.exit_code == 0, result.output
    *counts, last = result.stdout.splitlines()
    assert last.startswith("All of it arrived as it was.")
    assert f"purchases: {len(shop.purchases()) + 1_218:,}" in counts
    there = Person(other_app, shop.email, shop.user_id, shop.shop_id)
    for path in ("/purchases", "/customers", "/reports?group_by=day", "/imports"):
        assert rows(there.browser.get(path)) == rows(shop.browser.get(path))
    assert there.capture(customer="Tim").outcome == "unchanged"
    assert make_person(other_app, "new@example.com").shop_id > shop.shop_id + 1


@pytest.mark.parametrize("empty_database_url", ["postgresql"], indirect=True)
def test_postgresql_knows_at_once_what_came(shop: Person, other_app: Flask) -> None:
    assert copy(shop.app, other_app).exit_code == 0
    with other_app.app_context():
        size = db.session.scalar(text("SELECT reltuples FROM pg_class WHERE relname = 'purchases'"))
    assert size == len(shop.purchases()) + 1_218


def rows(page: Page) -> list[str]:
    return [row.get_text(" ", strip=True) for row in page.soup.select("tbody tr")]


def test_it_goes_only_into_an_empty_database_of_the_same_schema(shop: Person, empty_app: Flask) -> None:
    def refused() -> str:
        result = copy(shop.app, empty_app)
        assert result.exit_code == 1
        return result.stderr.removeprefix("Error: ").strip()

    assert refused() == "The other database has no tables. Run flask db upgrade with its DATABASE_URL first"
    migrations = str(Path(empty_app.root_path) / "migrations")
    with empty_app.app_context():
        upgrade(directory=migrations, revision="0014")
    assert refused() == "The two have different schemas. Run flask db upgrade on both first"
    with empty_app.app_context():
        upgrade(directory=migrations)
    stranger = make_person(empty_app, "stranger@example.com")
    assert refused() == "The other database is not empty. Choose one that was only just migrated"
    assert stranger.purchases() == []


def test_what_arrives_otherwise_is_told_and_nothing_is_kept(
    shop: Person, other_app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = transfer._copy

    def spoil(table: Table, source: Connection, other: Connection) -> Sum:
        told = whole(table, source, other)
        if table.name == "purchases":
            other.execute(text("UPDATE purchases SET quantity = quantity + 1 WHERE item = 'a book'"))
        return told

    monkeypatch.setattr(transfer, "_copy", spoil)
    result = copy(shop.app, other_app)
    assert result.stderr == "Error: purchases did not arrive as it was. Nothing was kept\n"
    with other_app.app_context():
        assert db.session.scalar(text("SELECT count(*) FROM purchases")) == 0


def test_an_address_of_nothing_is_refused(app: Flask) -> None:
    assert run(app, "copy-to", "mysql://db/till").stderr.startswith("Error: A database is named like sqlite:///")
