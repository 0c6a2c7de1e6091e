"""How often something may be tried: the database counts, so that every worker knows."""

from collections.abc import Callable
from functools import partial
from threading import Barrier

import pytest
from flask import Flask
from sqlalchemy import func, select

from extensions import db
from models import Try
from services import tries
from services.refusals import TooManyTries
from services.tries import LIMITS, REGISTER, RESET, SIGN_IN
from tests.services.test_races import at_once

SetClock = Callable[[str], None]


def attempt(app: Flask, what: str = SIGN_IN, account: str = "tim@example.com", address: str = "192.0.2.1") -> int:
    """Counts one try: the seconds to wait, 0 when it is let through."""
    with app.app_context():
        begun = tries.begin(what, account=account, address=address)
        try:
            tries.check(begun)
            tries.count(begun)
            db.session.commit()
            tries.check(begun)
        except TooManyTries as refusal:
            db.session.commit()
            return refusal.seconds
        return 0


def succeed(app: Flask, account: str = "tim@example.com", address: str = "192.0.2.1") -> None:
    with app.app_context():
        begun = tries.begin(SIGN_IN, account=account, address=address)
        tries.count(begun)
        tries.clear(begun)
        db.session.commit()


def count_all(app: Flask) -> int:
    with app.app_context():
        return db.session.scalar(select(func.count()).select_from(Try)) or 0


@pytest.fixture(autouse=True)
def noon(at: SetClock) -> None:
    at("2026-11-21T12:00:00")


@pytest.mark.parametrize("what", [SIGN_IN, REGISTER, RESET])
def test_so_many_and_no_more(app: Flask, what: str) -> None:
    most = LIMITS[what].of_both
    assert [attempt(app, what) > 0 for _ in range(most + 1)] == [False] * most + [True]


def test_who_waits_as_long_as_told_may_try_again(app: Flask, at: SetClock) -> None:
    for minute in range(5):
        at(f"2026-11-21T12:0{minute}:00")
        attempt(app)
    assert attempt(app) == 11 * 60
    at("2026-11-21T12:10:00")
    assert attempt(app) == 5 * 60  # what was refused does not count
    at("2026-11-21T12:15:00")
    assert attempt(app) == 0
    assert attempt(app) == 60


def test_another_account_and_another_address_are_not_held_up(app: Flask) -> None:
    for _ in range(6):
        attempt(app)
    assert attempt(app, account="sue@example.com") == 0
    assert attempt(app, address="192.0.2.2") == 0
    assert attempt(app, RESET) == 0


def test_an_address_that_tries_many_accounts_has_to_wait(app: Flask) -> None:
    most = LIMITS[REGISTER].of_address
    for number in range(most):
        assert attempt(app, REGISTER, account=f"{number}@example.com") == 0
    assert attempt(app, REGISTER, account="one-more@example.com") == 3600
    assert attempt(app, REGISTER, account="one-more@example.com", address="192.0.2.2") == 0


def test_strangers_at_many_addresses_get_few_tries_and_shut_nobody_out(app: Flask) -> None:
    for number in range(LIMITS[SIGN_IN].of_account):
        assert attempt(app, address=f"198.51.100.{number}") == 0
    assert attempt(app, address="192.0.2.1") == 0
    assert attempt(app, address="192.0.2.1") > 0
    assert attempt(app, address="198.51.100.1") > 0


def test_a_mailbox_is_not_flooded_from_many_addresses(app: Flask) -> None:
    waits = [attempt(app, RESET, address=f"198.51.100.{number}") for number in range(6)]
    assert [wait > 0 for wait in waits] == [False] * 5 + [True]


def test_a_network_counts_as_one_address(app: Flask) -> None:
    for number in range(5):
        assert attempt(app, address=f"2001:db8:1:2::{number}") == 0
    assert attempt(app, address="2001:db8:1:2:ffff::1") > 0
    assert attempt(app, address="2001:db8:1:3::1") == 0


@pytest.mark.parametrize("address", ["", "unknown", "fe80::1%eth0", "::ffff:192.0.2.1", "x" * 9_999, "\ud800"])
def test_any_address_can_be_counted(app: Flask, address: str) -> None:
    for _ in range(5):
        assert attempt(app, account="tim\ud800", address=address) == 0
    assert attempt(app, account="tim\ud800", address=address) > 0


def test_a_success_clears_the_account(app: Flask) -> None:
    for _ in range(4):
        attempt(app)
    succeed(app)
    assert count_all(app) == 4  # those of the address, whatever the account
    assert [attempt(app) for _ in range(5)] == [0] * 5
    assert attempt(app) > 0


def test_tries_at_the_same_instant_are_counted_all(app: Flask) -> None:
    waits = at_once([partial(attempt, app)] * 20)
    assert waits.count(0) <= 5


def test_all_who_know_the_password_at_the_same_instant_are_let_in(app: Flask) -> None:
    """None waits for another in a ring, although each clears what all have counted."""
    ready = Barrier(8)

    def sign_in() -> None:
        with app.app_context():
            begun = tries.begin(SIGN_IN, account="tim@example.com", address="192.0.2.1")
            tries.count(begun)
            db.session.commit()
            ready.wait(timeout=10)
            tries.clear(begun)
            db.session.commit()

    for _ in range(3):
        at_once([sign_in] * 8)
    assert count_all(app) == 0


def test_what_is_refused_writes_nothing(app: Flask) -> None:
    for _ in range(9):
        attempt(app)
    assert count_all(app) == 3 * LIMITS[SIGN_IN].of_both


def test_what_is_old_is_forgotten(app: Flask, at: SetClock) -> None:
    for _ in range(3):
        attempt(app)
    at("2026-11-21T13:00:01")
    attempt(app)
    assert count_all(app) == 3
