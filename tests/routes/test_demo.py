"""flask demo: a shop to look around in."""

from flask import Flask
from sqlalchemy import select

from extensions import db
from models import Shop
from tests.cast import make_person
from tests.pages import Browser
from tests.routes.test_cli import run


def test_a_shop_with_half_a_year_behind_it_is_made(app: Flask) -> None:
    made, told = run(app, "demo").stdout.splitlines()[:2]
    browser = Browser(app)
    browser.get("/login").submit(email="demo@example.com", password=told.rpartition(" ")[2])
    totals = browser.get("/reports?group_by=month&from=&to=")
    shown = {row.dt.get_text(): row.dd.get_text() for row in totals.soup.select(".totals > div")}
    assert made == f"Made a shop with 239 customers and {int(shown['Purchases'].replace(',', '')) + 8:,} purchases."
    assert len(totals.rows("By month")) >= 6
    assert len(totals.rows("Top customers")) == 10


def test_it_is_made_once_and_touches_no_other_shop(app: Flask) -> None:
    owner = make_person(app, "owner@example.com")
    assert run(app, "demo", "boss@example.com").exit_code == 0
    again = run(app, "demo", "boss@example.com")
    assert again.stderr == "Error: This e-mail address already has an account. Sign in instead\n"
    assert owner.customers() == []
    with app.app_context():
        assert db.session.scalars(select(Shop.name).order_by(Shop.id)).all() == ["Corner shop", "Corner books"]
