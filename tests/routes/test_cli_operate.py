"""flask config and flask doctor: how Tillbook runs, and what needs mending."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trustme
from flask import Flask

from app import create_app
from tests.conftest import make_settings
from tests.mailbox import PASSWORD, USER, Mailbox, mail_server, trust_only
from tests.routes.test_cli import run

MAIL = {"base_url": "https://till.example.com", "mail_from": "till@example.com", "mail_user": USER}


def examined(app: Flask, **changes: object) -> tuple[dict[str, str], int]:
    """What is told of each subject, and the exit code."""
    told = make_settings(app.config["SQLALCHEMY_DATABASE_URI"], **changes)
    result = run(create_app(told), "doctor")
    lines = (line.split(": ", maxsplit=1) for line in result.stdout.splitlines())
    return dict(lines), result.exit_code


def test_nothing_needs_mending_here(app: Flask) -> None:
    told, code = examined(app)
    assert code == 0
    assert [subject[:3] for subject in told] == ["OK "] * 7
    assert told["OK   database"] == "answers, and its schema is up to date"


def test_a_database_without_tables_is_told(empty_app: Flask) -> None:
    told, code = examined(empty_app)
    assert code == 1
    assert told["FIX  database"] == "the schema is not up to date: run flask db upgrade"


@pytest.mark.parametrize("migrated_app", ["postgresql"], indirect=True)
def test_a_clock_that_goes_wrong_is_told(app: Flask, at: Callable[[str], None]) -> None:
    at("2026-01-01T12:00")
    told, _ = examined(app)
    assert told["FIX  clock"].endswith("s from the database's. Let both follow a time server (NTP)")


@pytest.fixture
def mailbox(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Mailbox]:
    """A mail server that is trusted."""
    authority = trustme.CA()
    monkeypatch.setenv("SSL_CERT_FILE", trust_only(authority, tmp_path))
    with mail_server(authority.issue_cert("localhost")) as mailbox:
        yield mailbox


@pytest.mark.parametrize(
    ("password", "told"),
    [
        (PASSWORD, ("OK   mail", "localhost lets Tillbook in")),
        ("wrong", ("FIX  mail", "localhost refuses MAIL_USER and MAIL_PASSWORD")),
    ],
)
def test_the_mail_server_is_asked(app: Flask, mailbox: Mailbox, password: str, told: tuple[str, str]) -> None:
    findings, _ = examined(app, **MAIL, mail_server="localhost", mail_port=mailbox.port, mail_password=password)
    assert told in findings.items()


def test_a_mail_server_that_is_away_is_told(app: Flask) -> None:
    findings, _ = examined(app, **MAIL, mail_server="127.0.0.1", mail_port=1, mail_password=PASSWORD)
    assert findings["FIX  mail"].startswith("127.0.0.1:1 cannot be used: ")


def test_https_without_a_trusted_proxy_is_told(app: Flask) -> None:
    assert "Set it to 1" in examined(app, base_url="https://till.example.com")[0]["FIX  proxies"]
    told, _ = examined(app, base_url="https://till.example.com", trusted_proxies=1)
    assert told["OK   proxies"] == "1 trusted"


def test_a_redis_that_is_away_is_told(app: Flask) -> None:
    told, _ = examined(app, redis_url="redis://127.0.0.1:1/0")
    assert told["FIX  limits"].startswith("Redis does not answer")


def test_a_disk_that_is_nearly_full_is_told(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: shutil._ntuple_diskusage(10, 9, 1))  # type: ignore[attr-defined]
    assert examined(app)[0]["FIX  disk"].startswith("0.0 GB free in /")


def test_settings_are_shown_without_what_is_secret(app: Flask) -> None:
    told = make_settings(
        app.config["SQLALCHEMY_DATABASE_URI"],
        **MAIL,
        mail_server="localhost",
        mail_password="mail-secret",
        redis_url="redis://till:password@localhost/0",
    )
    shown = run(create_app(told), "config").stdout.splitlines()
    assert len(shown) == len(type(told).model_fields)
    assert {"SECRET_KEY=(set)", "MAIL_PASSWORD=(set)", "REDIS_URL=redis://till:***@localhost/0"} <= set(shown)


@pytest.mark.parametrize("url", ["postgresql://tim:password@db/till", "postgresql://db/till?sslpassword=password"])
def test_the_password_of_a_database_is_not_shown(url: str) -> None:
    shown = make_settings(url).shown()["DATABASE_URL"]
    assert "password@" not in shown
    assert "=password" not in shown
    assert "/till" in shown
