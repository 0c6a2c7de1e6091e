"""API tokens: what may be asked for."""

import time
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import ApiToken
from schemas.problems import Refused, judge
from schemas.token import TokenDetails

NO_NAME = "Enter a name for the token, like Till 7"
NO_SCOPE = "Choose what the token may do"
UNKNOWN_SCOPE = (
    "Choose what the token may do from purchases:read, purchases:write, customers:read, customers:write, reports:read"
)
DAYS = "Days until the token expires must be a whole number from 1 to 3,650"


def token_values(**changes: Any) -> dict[str, Any]:
    return {"name": "Till 7", "scopes": ["purchases:write"]} | changes


def test_a_token_needs_no_more_than_a_name_and_a_scope() -> None:
    found = judge(TokenDetails, token_values())
    assert (found.name, found.scopes, found.expires_in_days) == ("Till 7", ("purchases:write",), None)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  Till \t 7\n", "Till 7"),
        ("Cafe\u0301", "Café"),
        ("x" * ApiToken.NAME_MAX, "x" * ApiToken.NAME_MAX),
        ("<script>", "<script>"),
        ("7", "7"),
    ],
)
def test_a_name_is_kept_as_one_line(typed: str, kept: str) -> None:
    assert judge(TokenDetails, token_values(name=typed)).name == kept


def test_scopes_are_kept_in_one_order_and_once_each() -> None:
    asked = ["reports:read", "purchases:read", "reports:read", *reversed(ApiToken.SCOPES)]
    assert judge(TokenDetails, token_values(scopes=asked)).scopes == ApiToken.SCOPES
    assert judge(TokenDetails, token_values(scopes=asked[:3])).scopes == ("purchases:read", "reports:read")


@pytest.mark.parametrize(
    ("given", "kept"),
    [("", None), (" ", None), (None, None), ("1", 1), (" 30 ", 30), (90, 90), ("3650", 3650), ("1,000", 1000)],
)
def test_days_until_a_token_expires(given: object, kept: int | None) -> None:
    assert judge(TokenDetails, token_values(expires_in_days=given)).expires_in_days == kept


@pytest.mark.parametrize(
    ("field", "value", "code", "message"),
    [
        *(("name", blank, "blank", NO_NAME) for blank in ("", " \t\n", "\u200b\u202e", None)),
        ("name", "x" * 101, "too_long", "Token name must be 100 characters or fewer"),
        ("name", "Till\0", "control_character", "Token name has a control character. Type it again"),
        ("name", "\ud800", "unreadable_character", "Token name has a character that could not be read. Type it again"),
        ("name", 7, "not_text", "Token name must be text"),
        ("name", ["Till 7"], "not_text", "Token name must be text"),
        *(("scopes", none, "blank", NO_SCOPE) for none in ([], (), None, "", "purchases:read", 1, {"reports:read": 1})),
        ("scopes", ["everything"], "unknown_scope", UNKNOWN_SCOPE),
        ("scopes", ["purchases:write", ""], "unknown_scope", UNKNOWN_SCOPE),
        ("scopes", ["Purchases:Write"], "unknown_scope", UNKNOWN_SCOPE),
        ("scopes", ["purchases:write "], "unknown_scope", UNKNOWN_SCOPE),
        ("scopes", ["purchases:write", ["reports:read"]], "unknown_scope", UNKNOWN_SCOPE),
        ("scopes", [None], "unknown_scope", UNKNOWN_SCOPE),
        *(
            ("expires_in_days", days, "not_whole_number", DAYS)
            for days in ("0", "-1", "3651", "1.5", "1e3", "٣", "１", "0x1", "1_0", "+1", "soon", "9" * 5_000)
        ),
        *(("expires_in_days", days, "not_whole_number", DAYS) for days in (0, 3651, 1.0, True, [], float("nan"))),
        ("user_id", 1, "unknown_field", "“user_id” is not a field here. Leave it out"),
    ],
    ids=lambda value: ascii(value)[:40],
)
def test_a_token_that_is_refused(field: str, value: object, code: str, message: str) -> None:
    with pytest.raises(Refused) as refused:
        judge(TokenDetails, token_values(**{field: value}))
    assert [tuple(problem) for problem in refused.value.problems] == [((field,), code, message)]


def test_an_empty_token_is_told_all_that_is_missing() -> None:
    with pytest.raises(Refused) as refused:
        judge(TokenDetails, {})
    assert [problem.message for problem in refused.value.problems] == [NO_NAME, NO_SCOPE]


ANY_VALUE = st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters())


@given(st.dictionaries(st.sampled_from([*TokenDetails.model_fields]) | st.text(), ANY_VALUE | st.lists(ANY_VALUE)))
def test_nothing_raises_anything_but_a_refusal(values: dict[str, Any]) -> None:
    with suppress(Refused):
        judge(TokenDetails, values)


@pytest.mark.parametrize("piece", [" ", "\u0301", "\u200b", "1", "ß"])
def test_judging_is_quick(piece: str) -> None:
    long = (piece * 64_000)[:64_000]
    for values in ({"name": long}, {"scopes": [long]}, {"scopes": [piece] * 64_000}, {"expires_in_days": long}):
        began = time.perf_counter()
        with suppress(Refused):
            judge(TokenDetails, values)
        assert time.perf_counter() - began < 1, values.keys()
