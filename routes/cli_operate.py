"""The operator's doors to how Tillbook runs: `flask config` shows it, `flask doctor` looks what needs mending."""

import shutil
import smtplib
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import click
from flask import Flask, current_app
from flask.cli import with_appcontext

from extensions import db
from models import clock, dialect
from routes.api import rates
from routes.health import fault_of_database
from services import mail
from services.mail import MailServer

_CLOCKS_APART_MAX = timedelta(seconds=5)
_FREE_MIN = 1_000_000_000
"""Bytes."""


class Finding(NamedTuple):
    subject: str
    told: str
    needs_mending: bool = False


def register(app: Flask, settings: Mapping[str, str]) -> None:
    """`settings` are what Tillbook was told, as it may be shown."""

    @app.cli.command("config")
    def show_config() -> None:
        """Shows every setting, with what is secret left out."""
        for name, value in settings.items():
            click.echo(f"{name}={value}")

    app.cli.add_command(examine)


@click.command("doctor")
@with_appcontext
def examine() -> None:
    """Looks at all that Tillbook needs: one line each, OK, or FIX and what to do. Fails when there is a FIX."""
    findings = list(_findings())
    for finding in findings:
        click.echo(f"{'FIX' if finding.needs_mending else 'OK '}  {finding.subject}: {finding.told}")
    if any(finding.needs_mending for finding in findings):
        raise SystemExit(1)


def _findings() -> Iterator[Finding]:
    yield Finding("settings", "complete")
    fault = fault_of_database()
    yield Finding("database", fault or "answers, and its schema is up to date", fault is not None)
    if fault is None:
        yield _look_at_clock()
    yield _look_at_mail()
    yield _look_at_proxies()
    yield _look_at_limits()
    yield _look_at_disk()


def _look_at_clock() -> Finding:
    apart = abs(clock.utc_now() - dialect.now())
    if apart > _CLOCKS_APART_MAX:
        advice = f"{apart.total_seconds():.0f} s from the database's. Let both follow a time server (NTP)"
        return Finding("clock", advice, needs_mending=True)
    return Finding("clock", "agrees with the database's")


def _look_at_mail() -> Finding:
    told = current_app.config["MAIL_SERVER"]
    if told is None:
        return Finding("mail", "none is sent; flask users reset-link prints links for forgotten passwords")
    server = MailServer(**told)
    try:
        mail.check(server)
    except smtplib.SMTPAuthenticationError:
        return Finding("mail", f"{server.host} refuses MAIL_USER and MAIL_PASSWORD", needs_mending=True)
    except OSError as error:
        return Finding("mail", f"{server.host}:{server.port} cannot be used: {error}", needs_mending=True)
    return Finding("mail", f"{server.host} lets Tillbook in")


def _look_at_proxies() -> Finding:
    count = current_app.config["TRUSTED_PROXIES"]
    if current_app.config["SESSION_COOKIE_SECURE"] and not count:
        advice = "https is made by a proxy, and TRUSTED_PROXIES is 0: all visitors count as one. Set it to 1"
        return Finding("proxies", advice, needs_mending=True)
    return Finding("proxies", f"{count} trusted")


def _look_at_limits() -> Finding:
    if not current_app.config["REDIS_URL"]:
        return Finding("limits", "each worker counts what tokens ask for itself")
    if rates.redis_answers():
        return Finding("limits", "Redis answers")
    advice = "Redis does not answer, so each worker counts for itself. Look at REDIS_URL, and whether it runs"
    return Finding("limits", advice, needs_mending=True)


def _look_at_disk() -> Finding:
    file = db.engine.url.database if db.engine.dialect.name == "sqlite" else None
    folder = Path(file).absolute().parent if file else Path.cwd()
    free = shutil.disk_usage(folder).free
    told = f"{free / 1_000_000_000:.1f} GB free in {folder}"
    return Finding("disk", told if free >= _FREE_MIN else f"{told}. Make room", free < _FREE_MIN)
