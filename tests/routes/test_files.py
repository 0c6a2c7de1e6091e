"""The files of pages: asked for once by each browser, and never one for the other."""

from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from flask import Flask

from app import create_app
from extensions import db
from routes import files
from tests.cast import Person
from tests.conftest import make_settings


def addresses(page: str) -> list[str]:
    """Of the files that a page asks for."""
    found = BeautifulSoup(page, "html.parser").select("link[href], script[src]")
    return [str(link.get("href") or link.get("src")) for link in found]


def test_what_a_page_asks_for_is_kept_for_a_year(owner: Person) -> None:
    found = addresses(owner.browser.get_raw("/purchases/new").text)
    assert len(found) == 4
    for address in found:
        assert owner.browser.get_raw(address).headers["Cache-Control"] == "public, max-age=31536000, immutable"


def test_a_page_has_one_stylesheet_which_bootstrap_is_in(owner: Person) -> None:
    [address] = [
        address for address in addresses(owner.browser.get_raw("/purchases/new").text) if address.endswith(".css")
    ]
    sheet = owner.browser.get_raw(address).text
    assert sheet.startswith('@charset "UTF-8"')
    assert sheet.index("Bootstrap") < sheet.index("Tillbook on top of Bootstrap")


def test_a_file_that_changed_has_another_address(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def address() -> str:
        app = create_app(make_settings(sqlite_url))
        browser = app.test_client()
        [found] = [address for address in addresses(browser.get("/login").text) if address.endswith(".css")]
        assert browser.get(found).status_code == 200
        with app.app_context():
            db.engine.dispose()
        return found

    before = address()
    for name, content in files.read_all().items():
        (tmp_path / name).write_bytes(content)
    monkeypatch.setattr(files, "_OURS", tmp_path)
    assert address() != before


def test_a_file_of_another_release_is_not_there(app: Flask) -> None:
    for name in ("tillbook.0123456789abcdef.css", "nothing.css", "../app.py", ""):
        assert app.test_client().get(f"/static/{name}").status_code == 404


def test_under_a_name_that_stays_a_file_is_asked_for_again(app: Flask) -> None:
    browser = app.test_client()
    found = browser.get("/static/tillbook.css")
    assert found.headers["Cache-Control"] == "no-cache"
    assert browser.get("/static/tillbook.css", headers={"If-None-Match": found.headers["ETag"]}).status_code == 304
