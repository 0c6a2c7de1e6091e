"""A browser without a screen: every page it fetches is checked, forms are filled in and sent as they stand."""

from __future__ import annotations

import io
from collections.abc import Callable
from urllib.parse import urlencode

from bs4 import BeautifulSoup, Tag
from flask import Flask
from werkzeug.test import TestResponse


class Browser:
    def __init__(self, app: Flask, **headers: str):
        self._client = app.test_client()
        self._headers = {"Sec-Fetch-Site": "same-origin"} | headers

    def sign_in(self, session_token: str) -> None:
        """Without the form, which takes its time to check a password."""
        with self._client.session_transaction() as session:
            session["_user_id"] = session_token

    def get(self, path: str, status: int = 200) -> Page:
        return self._page(self._client.get(path, headers=self._headers), status)

    def post(self, path: str, values: dict[str, str], status: int = 200) -> Page:
        return self._page(self._client.post(path, data=values, headers=self._headers, buffered=True), status)

    def post_encoded(self, path: str, body: str, status: int) -> Page:
        """Sends a body byte for byte."""
        kind = "application/x-www-form-urlencoded"
        return self._page(self._client.post(path, data=body, content_type=kind, headers=self._headers), status)

    def get_raw(self, path: str) -> TestResponse:
        return self.send("get", path)

    def send(self, method: str, path: str) -> TestResponse:
        """Without looking at the answer; forms are sent by `Page.submit`."""
        token = self.get("/account").fields("header form")
        return self.send_fields(method, path, token if method.lower() != "get" else {})

    def send_fields(self, method: str, path: str, fields: dict[str, str]) -> TestResponse:
        """As a form would, but whatever they are."""
        if method.lower() == "get":
            return self._client.get(f"{path}?{urlencode(fields)}" if fields else path, buffered=True)
        return self._client.open(path, method=method.upper(), data=fields, buffered=True)

    def send_json(self, path: str, body: str, token: str) -> TestResponse:
        headers = {"X-CSRFToken": token}
        return self._client.post(path, data=body, content_type="application/json", headers=headers)

    def send_body(self, path: str, body: bytes, kind: str) -> TestResponse:
        return self._client.post(path, data=body, content_type=kind, headers=self._headers)

    def send_over_https(self, path: str, fields: dict[str, str], headers: dict[str, str]) -> TestResponse:
        return self._client.post(path, data=fields, headers=headers, base_url="https://localhost")

    def send_file(self, path: str, fields: dict[str, str], field: str) -> TestResponse:
        """A form in which one field is a file."""
        return self._client.post(path, data=fields | {field: (io.BytesIO(b"Tim"), "tim.txt")})

    def upload(self, path: str, name: str, content: bytes, status: int = 200) -> Page:
        """Chooses a file in the form of the page, and sends it."""
        fields = self.get(path).fields()
        data = fields | {"file": (io.BytesIO(content), name)}
        return self._page(self._client.post(path, data=data, headers=self._headers), status)

    @property
    def cookie(self) -> str:
        """What the browser is known by."""
        cookie = self._client.get_cookie("tillbook")
        return cookie.value if cookie else ""

    @cookie.setter
    def cookie(self, value: str) -> None:
        self._client.set_cookie("tillbook", value)

    def _page(self, response: TestResponse, status: int) -> Page:
        while response.status_code in (302, 303):
            response = self._client.get(response.location, headers=self._headers)
        assert response.status_code == status, (
            response.status_code,
            BeautifulSoup(response.text, "html.parser").get_text(" ", True),
        )
        return Page(self, response)


class Page:
    def __init__(self, browser: Browser, response: TestResponse):
        self._browser = browser
        self.response = response
        self.path = response.request.full_path.rstrip("?")
        self.soup = BeautifulSoup(response.text, "html.parser")
        check(self.soup)

    @property
    def heading(self) -> str:
        return text_of(self.soup.h1)

    @property
    def message(self) -> str:
        """What the status region says."""
        return " ".join(text_of(part) for part in self.soup.select("[role=status]"))

    @property
    def errors(self) -> list[str]:
        """What the summary says, in its order."""
        return [text_of(link) for link in self.soup.select(".error-summary a")]

    def error_at(self, field: str) -> str:
        """The words beside a field."""
        return text_of(self.soup.select_one(f"#{field}-error"))

    def value_of(self, field: str) -> str:
        tag = self.soup.select_one(f"[name={field}]")
        assert tag is not None, field
        return _value(tag)

    def rows(self, caption: str) -> list[list[str]]:
        """The cells of the table with this caption."""
        table = next(table for table in self.soup("table") if caption in text_of(table.caption))
        return [[text_of(cell) for cell in row(["td", "th"])] for row in table.tbody("tr")]

    def link(self, text: str) -> str:
        return str(next(link for link in self.soup("a") if text_of(link) == text)["href"])

    def fields(self, form: str = "main form") -> dict[str, str]:
        """What the form would send if nobody touched it."""
        return values_of(self._form(form))

    def submit(self, form: str = "main form", status: int = 200, **values: str) -> Page:
        tag = self._form(form)
        target = str(tag.get("action") or self.path)
        filled = values_of(tag) | values
        if tag.get("method", "get").lower() == "post":
            return self._browser.post(target, filled, status)
        query = "&".join(f"{name}={value}" for name, value in filled.items())
        return self._browser.get(f"{target}?{query}", status)

    def _form(self, selector: str) -> Tag:
        form = self.soup.select_one(selector)
        assert form is not None, f"no {selector} on {self.path}"
        return form


def text_of(tag: Tag | None) -> str:
    assert tag is not None
    return " ".join(tag.get_text(" ", strip=True).split())


def values_of(form: Tag) -> dict[str, str]:
    values: dict[str, str] = {}
    for tag in form(["input", "select", "textarea"]):
        name = tag.get("name")
        if not name or (tag.get("type") in ("radio", "checkbox") and tag.get("checked") is None):
            continue
        if tag.name == "select":
            chosen = tag.select_one("option[selected]") or tag.option
            values[name] = str(chosen["value"])
        else:
            values[name] = _value(tag)
    return values


def _value(tag: Tag) -> str:
    # A browser leaves out the line break right after <textarea>.
    return tag.get_text().removeprefix("\n") if tag.name == "textarea" else str(tag.get("value", ""))


def check(soup: BeautifulSoup) -> None:
    """What holds for every page (house style: tests)."""
    for rule in _RULES:
        rule(soup)


def _has_one_heading_which_is_its_title(soup: BeautifulSoup) -> None:
    assert len(soup("h1")) == 1
    assert text_of(soup.h1) in text_of(soup.title)


def _has_unique_ids(soup: BeautifulSoup) -> None:
    ids = [tag["id"] for tag in soup.select("[id]")]
    assert len(ids) == len(set(ids)), ids


def _labels_every_field(soup: BeautifulSoup) -> None:
    labelled = {label.get("for") for label in soup("label")}
    for field in soup(["input", "select", "textarea"]):
        assert field.get("type") == "hidden" or field.get("id") in labelled, field


def _describes_every_field_by_what_exists(soup: BeautifulSoup) -> None:
    for tag in soup.select("[aria-describedby], [aria-labelledby]"):
        for name in (tag.get("aria-describedby", "") + " " + tag.get("aria-labelledby", "")).split():
            assert soup.find(id=name), (tag, name)


def _marks_what_is_wrong(soup: BeautifulSoup) -> None:
    for error in soup.select("[id$=-error]"):
        field = soup.find(id=error["id"].removesuffix("-error"))
        assert field is not None
        assert field.get("aria-invalid") == "true" or field.name == "fieldset", field
        assert error["id"] in field["aria-describedby"].split()
    assert bool(soup.select(".error-summary")) == text_of(soup.title).startswith("Error: ")


def _has_nothing_inline(soup: BeautifulSoup) -> None:
    assert not soup.select("style, [style], script:not([src])")
    assert not [tag for tag in soup.find_all(True) if any(name.startswith("on") for name in tag.attrs)]


def _loads_nothing_from_elsewhere(soup: BeautifulSoup) -> None:
    for tag in soup.select("[src], link[href]"):
        assert str(tag.get("src") or tag.get("href")).startswith("/"), tag


def _has_tables_that_can_be_read_aloud(soup: BeautifulSoup) -> None:
    for table in soup("table"):
        assert table.caption
        assert all(header.get("scope") for header in table("th"))


def _posts_with_a_token(soup: BeautifulSoup) -> None:
    for form in soup("form"):
        if form.get("method", "get").lower() == "post":
            assert form.find("input", {"name": "csrf_token"}), form


_RULES: list[Callable[[BeautifulSoup], None]] = [
    _has_one_heading_which_is_its_title,
    _has_unique_ids,
    _labels_every_field,
    _describes_every_field_by_what_exists,
    _marks_what_is_wrong,
    _has_nothing_inline,
    _loads_nothing_from_elsewhere,
    _has_tables_that_can_be_read_aloud,
    _posts_with_a_token,
]
