"""Reports in a real browser: everybody can read them, the plots are drawn, files are saved."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.counter import Counter
from tests.browser.test_look import look_at
from tests.cast import Person

# What a page looks like does not depend on the database.
pytestmark = pytest.mark.parametrize("migrated_app", ["sqlite"], indirect=True)


@pytest.fixture(params=["light", "dark"])
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A phone of the narrowest kind."""
    context = browser.new_context(viewport={"width": 320, "height": 800}, color_scheme=request.param)
    yield context.new_page()
    context.close()


@pytest.fixture
def owners_counter(counter: Counter, owner: Person) -> Counter:
    """Signed in, in a shop that took two currencies."""
    owner.capture(customer="Tim", item="a book", amount="15.50")
    owner.capture(customer="Wolfeschlegelsteinhausenbergerdorff" * 4, item="a" * 150, amount="300 JPY")
    counter.enter(owner)
    return counter


def test_reports_do_not_scroll_sideways_or_shut_anybody_out(owners_counter: Counter) -> None:
    for path in ("/reports", "/reports?from=&to=&group_by=week&sort=-amount", "/reports?from=3%2F4"):
        owners_counter.go(path)
        look_at(owners_counter.page)
    owners_counter.go("/reports?from=1990-01-01&to=1990-12-31")
    look_at(owners_counter.page)


def test_every_plot_is_drawn_in_the_size_of_its_screen(owners_counter: Counter) -> None:
    page = owners_counter.page
    for width, viewed in ((320, 340), (800, 560), (1280, 560)):
        page.set_viewport_size({"width": width, "height": 800})
        owners_counter.go("/reports")
        plots = page.locator("figure img")
        assert plots.count() == 4
        for plot in plots.all():
            plot.scroll_into_view_if_needed()
            page.wait_for_function("image => image.complete && image.naturalWidth > 0", arg=plot.element_handle())
            assert plot.evaluate("image => image.naturalWidth") == viewed
            assert plot.evaluate("image => image.getBoundingClientRect().width") > 250


def test_a_plot_by_itself_is_no_black_square(owners_counter: Counter) -> None:
    owners_counter.go("/reports/purchases.svg")
    backgrounds = owners_counter.page.locator("svg rect.background")
    is_dark = owners_counter.page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    colour = "rgb(27, 34, 32)" if is_dark else "rgb(255, 253, 248)"
    assert backgrounds.first.evaluate("element => getComputedStyle(element).fill") == colour


def test_what_is_printed_has_no_controls(owners_counter: Counter) -> None:
    page = owners_counter.page
    page.emulate_media(media="print")
    owners_counter.go("/reports")
    assert page.get_by_role("heading", name="Reports").is_visible()
    assert page.locator("figure img").first.is_visible()
    for control in (".filters", ".masthead", "nav", ".btn"):
        assert not any(one.is_visible() for one in page.locator(control).all()), control


@pytest.mark.parametrize("path", ["/purchases", "/customers"])
def test_a_list_is_saved_as_a_file(owners_counter: Counter, tmp_path: Path, path: str) -> None:
    owners_counter.go(path)
    with owners_counter.page.expect_download() as download:
        owners_counter.page.get_by_role("link", name="Download as CSV").click()
    assert download.value.suggested_filename.startswith(path.removeprefix("/") + "-20")
    download.value.save_as(tmp_path / "file.csv")
    assert len((tmp_path / "file.csv").read_bytes().splitlines()) == 3
