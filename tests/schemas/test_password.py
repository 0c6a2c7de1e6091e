"""New passwords: what is easy to guess is refused with the reason, at every door that sets one."""

import random
import time
from typing import Any

import pytest

from schemas.account import PasswordChange, PasswordReset, Registration
from schemas.problems import Refused, Schema, judge
from tests.cast import registration_values

ADVICE = "Add a word or two that nobody expects"
OWN = "Password is easy to guess. It is like your e-mail address or the name of your shop. " + ADVICE


def words_of(schema: type[Schema], field: str, typed: str, /, **values: Any) -> str | None:
    """Why the password is refused; None when it is not."""
    try:
        judge(schema, values | {field: typed})
    except Refused as refused:
        return "; ".join(problem.message for problem in refused.problems)
    return None


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("12345678", "This is a top-10 common password"),
        ("password1", "This is a very common password"),
        ("P@ssw0rd", "This is similar to a commonly used password"),
        ("        ", 'Repeats like "aaa" are easy to guess'),
        ("x" * 128, 'Repeats like "aaa" are easy to guess'),
        ("abcdefgh", 'Sequences like "abc" or "6543" are easy to guess'),
        ("19901231", "Dates are often easy to guess"),
        ("Margaret", "Names and surnames by themselves are easy to guess"),
    ],
)
@pytest.mark.parametrize(
    ("schema", "field", "values"),
    [
        (Registration, "password", registration_values()),
        (PasswordChange, "new_password", {"current_password": "x"}),
        (PasswordReset, "new_password", {}),
    ],
)
def test_what_is_easy_to_guess_is_refused_with_the_reason(
    schema: type[Schema], field: str, values: dict[str, Any], password: str, reason: str
) -> None:
    assert words_of(schema, field, password, **values) == f"Password is easy to guess. {reason}. {ADVICE}"


@pytest.mark.parametrize("password", ["margarethe", "Margarethe@tulip.example", "Tulip House", "tuliphouse"])
def test_what_the_user_is_known_by_is_easy_to_guess(password: str) -> None:
    email, shop = "margarethe@tulip.example", "Tulip House"
    registration = registration_values(email=email, shop_name=shop)
    assert words_of(Registration, "password", password, **registration) == OWN
    assert words_of(PasswordReset, "new_password", password, about=(email, shop)) == OWN
    assert words_of(PasswordChange, "new_password", password, about=(email, shop), current_password="x") == OWN


@pytest.mark.parametrize(
    "password", ["correct horse", "another good one", "7#kQ!x2m", "long enough " + "x" * 116, "tulip house of cards"]
)
def test_what_is_hard_to_guess_is_taken(password: str) -> None:
    assert words_of(Registration, "password", password, **registration_values(shop_name="Tulip House")) is None


@pytest.mark.parametrize("alphabet", ["4@8({[<361!|70$5+2%", "1", "a1", "4@8password({[<361!|70$5+2%dragon", "aB3$xY"])
def test_no_password_takes_long_to_judge(alphabet: str) -> None:
    """Those of many substitutes take zxcvbn seconds as a whole."""
    random.seed(1)
    password = "".join(random.choice(alphabet) for _ in range(128))
    words_of(PasswordReset, "new_password", "warm enough now")
    began = time.perf_counter()
    words_of(PasswordReset, "new_password", password)
    assert time.perf_counter() - began < 2
