"""The page of reports: sums that agree with the lists, plots that say in words what they show."""

import random
from collections.abc import Callable
from datetime import date, timedelta
from xml.etree import ElementTree

import pytest
from bs4 import Tag

from tests.cast import Person, make_person
from tests.pages import Page, text_of

SVG = "{http://www.w3.org/2000/svg}"
PLOTS = ("amounts", "purchases", "customers")


@pytest.fixture(autouse=True)
def today(at: Callable[[str], None]) -> None:
    at("2026-11-21T17:00")


@pytest.fixture
def till(owner: Person, stranger: Person) -> Person:
    """With four purchases that count in the last 12 months, and what must not count."""
    owner.capture(customer="Tim", item="a book", amount="15.50", purchased_on="2026-09-10")
    owner.capture(customer="Sue", item="a pen", quantity="3", amount="300 JPY", purchased_on="2026-11-01")
    owner.capture(customer="Tim", item="A Book", amount="4.25", purchased_on="2026-11-20")
    owner.capture(customer="Tim", item="a bookcase", purchased_on="2026-11-21")
    owner.capture(customer="Ann", item="a hat", amount="99", purchased_on="2025-11-30")
    wrong = owner.capture(customer="Sue", item="a car", amount="9000", purchased_on="2026-10-01")
    owner.api.post(f"/purchases/{wrong.purchase.public_id}/void")
    stranger.capture(customer="Zoë", item="a boat", amount="70000", purchased_on="2026-11-01")
    return owner


def totals(page: Page) -> dict[str, str]:
    parts = page.soup.select(".totals > div")
    return {text_of(part.dt): text_of(part.dd) for part in parts}


def images(page: Page) -> list[Tag]:
    return page.soup.select("figure img")


def drawn(person: Person, address: str) -> ElementTree.Element:
    response = person.browser.get_raw(address)
    assert (response.status_code, response.mimetype) == (200, "image/svg+xml")
    return ElementTree.fromstring(response.text)


def heights(svg: ElementTree.Element) -> list[float]:
    """Of the bars, from the left."""
    return [round(float(bar.attrib["height"]), 2) for bar in svg.iter(f"{SVG}rect") if "rect" in bar.get("class", "")]


def test_the_last_12_months_are_shown_by_month_unless_asked_otherwise(till: Person) -> None:
    page = till.browser.get("/reports")
    assert page.heading == "Reports"
    assert (page.value_of("from"), page.value_of("to")) == ("2025-12-01", "2026-11-21")
    assert page.rows("By month") == [
        ["Nov 2026", "3 purchases of Nov 2026", "5", "$4.25 ¥300", "1", "1"],
        ["Sep 2026", "1 purchase of Sep 2026", "1", "$15.50", "1", "0"],
    ]
    assert totals(page) == {
        "Purchases": "4",
        "Quantity": "6",
        "Amount in USD": "$19.75",
        "Amount in JPY": "¥300",
        "New customers": "2",
    }
    assert "Months in which nothing was bought are left out." in text_of(page.soup.main)
    assert text_of(page.soup.select_one("a[aria-current=true]")) == "Last 12 months"
    assert page.link("Reports") == "/reports"


@pytest.mark.parametrize(
    ("link", "asked", "purchases"),
    [
        ("This month", ["2026-11-01", "2026-11-21", "day"], "3"),
        ("Last month", ["2026-10-01", "2026-10-31", "day"], None),
        ("This year", ["2026-01-01", "2026-11-21", "month"], "4"),
        ("Last 12 months", ["2025-12-01", "2026-11-21", "month"], "4"),
        ("All", ["", "", "month"], "5"),
    ],
)
def test_often_asked_for_times_are_one_link_away(
    till: Person, link: str, asked: list[str], purchases: str | None
) -> None:
    page = till.browser.get("/reports?sort=-amount")
    page = till.browser.get(page.link(link))
    assert [page.fields()[name] for name in ("from", "to", "group_by", "sort")] == [*asked, "-amount"]
    assert text_of(page.soup.select_one("nav a[aria-current=true]:not(.rooms a)")) == link
    assert totals(page).get("Purchases") == purchases


@pytest.mark.parametrize(
    ("today", "first", "last_month"),
    [
        ("2026-12-31", "2026-01-01", ("2026-11-01", "2026-11-30")),
        ("2026-01-01", "2025-02-01", ("2025-12-01", "2025-12-31")),
        ("2024-03-31", "2023-04-01", ("2024-02-01", "2024-02-29")),
        ("2024-02-29", "2023-03-01", ("2024-01-01", "2024-01-31")),
    ],
)
def test_12_months_are_12_at_any_time_of_the_year(
    owner: Person, at: Callable[[str], None], today: str, first: str, last_month: tuple[str, str]
) -> None:
    at(f"{today}T17:00")
    page = owner.browser.get("/reports")
    assert (page.value_of("from"), page.value_of("to")) == (first, today)
    page = owner.browser.get(page.link("Last month"))
    assert (page.value_of("from"), page.value_of("to")) == last_month


def test_days_are_forgiven_their_form_and_refused_with_words(till: Person) -> None:
    page = till.browser.get("/reports").submit("form.filters", **{"from": "1 Nov", "to": "today", "group_by": "week"})
    assert [row[0] for row in page.rows("By week")] == ["16 Nov 2026", "26 Oct 2026"]
    page = till.browser.get("/reports?from=3/4&to=2026-01-01&group_by=year&sort=name", 422)
    assert [text_of(label) for label in page.soup.select(".field:has([aria-invalid]) label")] == [
        "From",
        "By",
        "The top by",
    ]
    assert page.error_at("from").startswith("Error: “3/4” can be read in two ways")
    assert page.value_of("from") == "3/4"
    page = till.browser.get("/reports?from=2026-02-01&to=2026-01-01", 422)
    assert page.error_at("to").startswith("Error: To must be")


@pytest.mark.parametrize("blank", ["", "+"])
def test_what_is_blank_in_the_address_is_as_if_left_out(till: Person, blank: str) -> None:
    page = till.browser.get(f"/reports?from={blank}&to={blank}&group_by={blank}&sort={blank}&currency={blank}")
    assert len(page.rows("By month")) == 3
    assert [page.fields()[name] for name in ("group_by", "sort")] == ["month", "-purchases"]
    assert text_of(page.soup.select_one("nav a[aria-current=true]:not(.rooms a)")) == "All"


def test_every_figure_leads_to_the_list_that_it_counts(owner: Person) -> None:
    chance = random.Random(12)
    for _ in range(40):
        owner.capture(
            customer=chance.choice(["Tim", "Sue", "Ann"]),
            item=chance.choice(["a book", "A  BOOK", "a bookcase", "tea & cake"]),
            amount=chance.choice(["", "0", "12.34", "7"]),
            purchased_on=str(date(2026, 8, 1) + timedelta(days=chance.randrange(100))),
        )
    # In the middle of a week, at both ends.
    page = owner.browser.get("/reports?from=2026-08-12&to=2026-10-01&group_by=week")
    links = page.soup.select("main table a[href^='/purchases?'], .totals a")
    assert len(links) >= 8
    for link in links:
        listed = owner.browser.get(str(link["href"])).rows("Purchases, the latest day first")
        assert str(len(listed)) == text_of(link).split()[0], link["href"]


def test_the_top_is_of_the_days_and_in_the_order_asked_for(till: Person) -> None:
    page = till.browser.get("/reports")
    assert [row[:1] + row[2:] for row in page.rows("Top items")] == [
        ["A Book", "2", "$19.75"],
        ["a bookcase", "1", ""],
        ["a pen", "3", "¥300"],
    ]
    assert page.rows("Top customers") == [["Tim", "3", "3", "$19.75"], ["Sue", "1", "3", "¥300"]]
    page = page.submit("form.filters", sort="-quantity")
    assert [row[0] for row in page.rows("Top items")] == ["a pen", "A Book", "a bookcase"]
    page = page.submit("form.filters", sort="-amount", **{"from": ""})
    assert [row[0] for row in page.rows("Top customers")] == ["Ann", "Tim"]


def test_a_shop_without_purchases_is_told_how_to_begin(owner: Person, stranger: Person) -> None:
    stranger.capture()
    page = owner.browser.get("/reports")
    assert images(page) == []
    assert page.link("Show all days") == "/reports?from=&to=&group_by=month"
    page = owner.browser.get(page.link("Show all days"))
    assert page.link("Record the first purchase") == "/purchases/new"


def test_each_plot_says_in_words_what_it_shows(till: Person) -> None:
    page = till.browser.get("/reports")
    titles = [text_of(caption) for caption in page.soup("figcaption")]
    when = "Dec 2025 to Nov 2026"
    assert titles == [
        f"Amount in USD by month {when}",
        f"Amount in JPY by month {when}",
        f"Purchases by month {when}",
        f"New and returning customers by month {when}",
    ]
    assert [image["alt"] for image in images(page)] == [
        f"Amount in USD by month, {when}: $19.75 in all, most in Sep 2026 ($15.50).",
        f"Amount in JPY by month, {when}: ¥300 in all, most in Nov 2026 (¥300).",
        f"Purchases by month, {when}: 4 in all, most in Nov 2026 (3).",
        f"New and returning customers by month, {when}: most new customers in Sep 2026 (1), "
        "most returning customers in Nov 2026 (1).",
    ]


def test_each_plot_has_a_bar_for_each_period_as_high_as_its_figure(till: Person) -> None:
    dollars, yen, purchases, customers = (
        heights(drawn(till, str(image["src"]))) for image in images(till.browser.get("/reports"))
    )
    assert [len(bars) for bars in (dollars, yen, purchases, customers)] == [12, 12, 12, 24]
    assert [place for place, height in enumerate(dollars) if height] == [9, 11]
    assert dollars[11] / dollars[9] == pytest.approx(4.25 / 15.5, abs=0.01)
    assert [place for place, height in enumerate(yen) if height] == [11]
    assert purchases[11] / purchases[9] == pytest.approx(3, abs=0.01)
    new, returning = customers[:12], customers[12:]
    assert new[9] == new[11] == returning[11] > returning[9] == 0


def test_a_plot_is_drawn_for_narrow_and_wide_screens_without_scripts(till: Person) -> None:
    page = till.browser.get("/reports?from=&to=")
    for image in images(page):
        addresses = [str(source["srcset"]) for source in image.parent("source")] + [str(image["src"])]
        for address in addresses:
            svg = drawn(till, address)
            assert svg.get("viewBox") in ("0 0 340 260", "0 0 560 290", "0 0 1120 320")
            assert svg.findtext(f"{SVG}title") in image["alt"]
            assert not [*svg.iter(f"{SVG}script")]
            assert "prefers-color-scheme:dark" in ElementTree.tostring(svg, encoding="unicode")
    assert drawn(till, "/reports/purchases.svg?size=huge").get("viewBox") == "0 0 560 290"


@pytest.mark.parametrize("plot", PLOTS)
def test_a_plot_is_private_and_may_have_styles_but_load_nothing(till: Person, stranger: Person, plot: str) -> None:
    address = f"/reports/{plot}.svg"
    response = till.browser.get_raw(address)
    policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
    assert response.headers["Content-Security-Policy"] == policy
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert stranger.browser.get_raw(address).data != response.data
    assert make_person(till.app, "new@example.com").browser.get_raw(address).status_code == 404
    assert till.browser.get_raw(f"{address}?from=someday").status_code == 422


def test_a_plot_of_very_many_days_shows_those_up_to_the_last_purchase(owner: Person) -> None:
    for day in ("1900-01-01", "2024-02-28", "2024-03-02"):
        owner.capture(customer="Tim", purchased_on=day, amount="5")
    days = "from=0001-01-01&to=9999-12-31"
    page = owner.browser.get(f"/reports?{days}&group_by=day")
    assert [row[0] for row in page.rows("By day")] == ["2 Mar 2024", "28 Feb 2024", "1 Jan 1900"]
    assert "3 Mar 2023 to 2 Mar 2024: 2 in all" in str(images(page)[1]["alt"])
    assert "The plots show the last 366 days, from 3 Mar 2023 on; the sums" in page.soup.get_text()
    assert len(heights(drawn(owner, str(images(page)[1]["src"])))) == 366
    for group_by in ("week", "month"):
        page = owner.browser.get(f"/reports?{days}&group_by={group_by}")
        assert totals(page)["Purchases"] == "3"
        assert len(images(page)) == 3
