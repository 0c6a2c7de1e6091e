"""Keys: what may be one, and how a header carries it."""

import pytest

from schemas.capture_key import KEY_ADVICE, read_key, read_key_header
from schemas.problems import Refused

ONE_KEY = (
    "Give one Idempotency-Key, bare or in quotes, and nothing beside it. "
    "A key that begins with a quote, or has a comma before a space or a quote, stands in quotes"
)


@pytest.mark.parametrize("key", ["k", "a key", "7,7", "a;x=1", "a=b", 'a"b', 'ab"', "a\\b", "!", "~" * 255])
def test_a_key_of_printable_characters_may_stand_bare(key: str) -> None:
    assert read_key(key) == read_key_header(key) == key


@pytest.mark.parametrize(
    ("header", "key"),
    [
        ('"k"', "k"),
        (' "k" ', "k"),
        ('"a, b"', "a, b"),
        ('"a;x=1"', "a;x=1"),
        (r'"a\"b"', 'a"b'),
        (r'"\"a\", \"b\""', '"a", "b"'),
        (r'"a\\b"', r"a\b"),
        ('"' + "~" * 255 + '"', "~" * 255),
    ],
)
def test_any_key_may_stand_in_quotes(header: str, key: str) -> None:
    assert read_key_header(header) == key


@pytest.mark.parametrize(
    "header",
    [
        '"abc',
        '"',
        ' "abc',
        '"abc"x',
        '"abc";x=1',
        '"abc" ; x=1',
        '"a"b"',
        '"abc\\"',
        '"a\\b"',
        '"a","b"',
        '"a", "b"',
        '"a",b',
        'a,"b"',
        "a, b",
        "a,\tb",
    ],
)
def test_what_could_be_two_keys_or_part_of_one_is_refused(header: str) -> None:
    assert refusal(header) == ONE_KEY


@pytest.mark.parametrize("header", ["", '""', " ", '" k"', "k ", "k\x7f", "kéy", '"kéy"', "x" * 256, f'"{"x" * 256}"'])
def test_what_is_no_key_is_refused(header: str) -> None:
    assert refusal(header) == KEY_ADVICE


def refusal(header: str) -> str:
    with pytest.raises(Refused) as refused:
        read_key_header(header)
    return str(refused.value)
