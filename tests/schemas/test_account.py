"""Accounts: what opens a shop, what signs in, what changes a password."""

import re
import time
from contextlib import suppress
from typing import Any
from zoneinfo import available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.account import Credentials, PasswordChange, Registration
from schemas.currencies import countries, currencies, currency_of, time_zones_of
from schemas.problems import Refused, Schema, judge
from tests.cast import registration_values

NEEDS_EMAIL = "Enter an e-mail address like name@example.com"
UNREADABLE = "Password has a character that could not be read. Type it again"


def problems(schema: type[Schema], values: dict[str, Any]) -> list[tuple[str, str, str]]:
    with pytest.raises(Refused) as refused:
        judge(schema, values)
    return [(problem.field, problem.code, problem.message) for problem in refused.value.problems]


def test_a_registration() -> None:
    found = judge(Registration, registration_values(email=" Owner@Example.COM ", shop_name="  Corner \t shop "))
    assert found.email == ("Owner@Example.COM", "owner@example.com")
    assert found.shop_name == "Corner shop"
    assert (found.country, found.currency, found.time_zone) == ("US", "USD", "America/New_York")


@pytest.mark.parametrize(
    "password",
    [
        " leading and trailing ",
        "pässwörd",
        "とても長いパスワード",
        "👩🦊🌲🚲🎈👑⚡🍋",
        "\ttab\nline",
        "long enough " + "x" * 116,
        "long enough " + "👩" * 116,
        "<script>'\"&",
        "cafe\u0301 olé olé",
    ],
)
def test_any_password_is_kept_as_it_is(password: str) -> None:
    assert judge(Registration, registration_values(password=password)).password == password
    change = judge(PasswordChange, {"current_password": "x", "new_password": password})
    assert change.new_password == password


@pytest.mark.parametrize("country", ["GB", "US", "DE", "JP", "KW", "IN", "BR", "ZA", "NZ"])
def test_a_shop_can_be_anywhere_in_its_own_money_and_time(country: str) -> None:
    currency, time_zone = currency_of(country), time_zones_of(country)[0]
    assert currency is not None
    found = judge(Registration, registration_values(country=country, currency=currency, time_zone=time_zone))
    assert (found.country, found.currency, found.time_zone) == (country, currency, time_zone)


def test_every_country_that_is_offered_is_one() -> None:
    assert [code for code in countries() if not re.fullmatch("[A-Z]{2}", code) or code == "ZZ"] == []


def test_every_country_has_money_and_time_that_can_be_chosen() -> None:
    zones = {zone for country in countries() for zone in time_zones_of(country)}
    assert zones - available_timezones() == set()
    assert {currency_of(country) for country in countries()} - {None} <= currencies().keys()


@pytest.mark.parametrize(
    ("field", "value", "code", "message"),
    [
        ("email", "", "blank", "Enter your e-mail address"),
        ("email", " \u200b", "blank", "Enter your e-mail address"),
        ("email", None, "blank", "Enter your e-mail address"),
        ("email", "owner", "not_an_email", NEEDS_EMAIL),
        ("email", "owner@example", "not_an_email", NEEDS_EMAIL),
        ("email", "Owner <owner@example.com>", "not_an_email", NEEDS_EMAIL),
        ("email", "x" * 250 + "@example.com", "too_long", "E-mail address must be 254 characters or fewer"),
        (
            "email",
            "owner\x00@example.com",
            "control_character",
            "E-mail address has a control character. Type it again",
        ),
        ("email", 5, "not_text", "E-mail address must be text"),
        ("password", "", "blank", "Enter a password"),
        ("password", None, "blank", "Enter a password"),
        ("password", 12345678, "blank", "Enter a password"),
        ("password", "1234567", "too_short", "Password must be at least 8 characters long"),
        ("password", "👩🦊🌲🚲🎈👑⚡", "too_short", "Password must be at least 8 characters long"),
        ("password", "x" * 129, "too_long", "Password must be 128 characters or fewer"),
        ("password", "x" * 64_000, "too_long", "Password must be 128 characters or fewer"),
        ("password", "12345678\x00", "unreadable_character", UNREADABLE),
        ("password", "12345678\ud800", "unreadable_character", UNREADABLE),
        ("shop_name", "", "blank", "Enter the name of your shop"),
        ("shop_name", " \u200b", "blank", "Enter the name of your shop"),
        ("shop_name", "x" * 201, "too_long", "Shop name must be 200 characters or fewer"),
        ("shop_name", 5, "not_text", "Shop name must be text"),
        *(
            ("country", value, "unknown_country", "Choose your country")
            for value in ("", None, "us", "XX", "ZZ", "001", "USA", 1)
        ),
        *(
            ("currency", value, "unknown_currency", "Choose a currency")
            for value in ("", None, "usd", "XXX", "DEM", "$", 840, {})
        ),
        *(
            ("time_zone", value, "unknown_time_zone", "Choose a time zone")
            for value in ("", None, "Mars/Olympus", "../../etc/passwd", "/etc/localtime", "UTC+1", 1, ["UTC"])
        ),
        ("is_admin", "1", "unknown_field", "“is_admin” is not a field here. Leave it out"),
    ],
)
def test_a_registration_that_is_refused(field: str, value: object, code: str, message: str) -> None:
    assert problems(Registration, registration_values() | {field: value}) == [(field, code, message)]


def test_an_empty_registration_is_told_all_that_is_missing() -> None:
    missing = [field for field in Registration.model_fields if field != "min_length"]
    assert [field for field, _, _ in problems(Registration, {})] == missing


@pytest.mark.parametrize(
    ("typed", "looked_up"),
    [
        ("owner@example.com", "owner@example.com"),
        ("  Owner@EXAMPLE.com\n", "owner@example.com"),
        ("jo\u0308rg@example.com", "jörg@example.com"),
        ("nobody at all", "nobody at all"),
    ],
)
def test_whatever_is_typed_to_sign_in_is_looked_up(typed: str, looked_up: str) -> None:
    assert judge(Credentials, {"email": typed, "password": " x "}) == Credentials(email=looked_up, password=" x ")


@pytest.mark.parametrize(
    ("values", "field", "message"),
    [
        ({"email": "", "password": "x"}, "email", "Enter your e-mail address"),
        ({"email": " ", "password": "x"}, "email", "Enter your e-mail address"),
        ({"email": 5, "password": "x"}, "email", "Enter your e-mail address"),
        ({"email": "owner@example.com", "password": ""}, "password", "Enter your password"),
        ({"email": "owner@example.com"}, "password", "Enter your password"),
        ({"email": "owner@example.com", "password": 5}, "password", "Enter your password"),
    ],
)
def test_signing_in_needs_both(values: dict[str, Any], field: str, message: str) -> None:
    assert problems(Credentials, values) == [(field, "blank", message)]


@pytest.mark.parametrize(
    ("values", "field", "code", "message"),
    [
        ({"current_password": ""}, "current_password", "blank", "Enter your password"),
        ({"new_password": ""}, "new_password", "blank", "Enter a password"),
        ({"new_password": "short"}, "new_password", "too_short", "Password must be at least 8 characters long"),
        ({"new_password": "x" * 129}, "new_password", "too_long", "Password must be 128 characters or fewer"),
        ({"new_password": "long enough\x00"}, "new_password", "unreadable_character", UNREADABLE),
    ],
)
def test_a_password_change_that_is_refused(values: dict[str, str], field: str, code: str, message: str) -> None:
    asked = {"current_password": "old", "new_password": "long enough"} | values
    assert problems(PasswordChange, asked) == [(field, code, message)]


ANY_VALUE = st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()) | st.lists(st.integers())


@settings(max_examples=300)
@given(
    st.sampled_from([Registration, Credentials, PasswordChange]),
    st.dictionaries(
        st.sampled_from([*Registration.model_fields, *PasswordChange.model_fields]) | st.text(max_size=5), ANY_VALUE
    ),
)
def test_nothing_raises_anything_but_a_refusal(schema: type[Schema], values: dict[str, Any]) -> None:
    with suppress(Refused):
        judge(schema, values)


@pytest.mark.parametrize(
    "piece", [" ", "@", "a@", "a.", "\u0301", "\u0323\u0301", "\u200b", "ß", "İ", "1", "<", "\x00"]
)
@pytest.mark.parametrize("schema", [Registration, Credentials, PasswordChange])
def test_judging_is_quick(schema: type[Schema], piece: str) -> None:
    long = (piece * 64_000)[:64_000]
    for field in schema.model_fields:
        began = time.perf_counter()
        with suppress(Refused):
            judge(schema, {field: long})
        assert time.perf_counter() - began < 1, field
