"""Text, whatever it means: what is kept of it, and what cannot be."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from models.normal import INVISIBLE
from schemas.text import key_text, many_lines, one_line


def refusal(rule, value: object, most: int = 10) -> tuple[str, str]:  # type: ignore[no-untyped-def]
    with pytest.raises(PydanticCustomError) as refused:
        rule("Item", value, most)
    return refused.value.type, refused.value.message()


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("a book", "a book"),
        ("  a \t book\r\n", "a book"),
        ("a\u00a0book", "a book"),
        ("a\nbook", "a book"),
        ("a\x0b\x0c\x85\u2028book", "a book"),
        ("\u3000本\u3000", "本"),
        ("Cafe\u0301", "Café"),
        ("\u212b", "Å"),
        ("ﬁne", "ﬁne"),
        ('O\'Neil & <b>"x"</b>', 'O\'Neil & <b>"x"</b>'),
        ("=1+1", "=1+1"),
        ("👩\u200d👧", "👩\u200d👧"),
        ("0", "0"),
        ("None", "None"),
    ],
)
def test_one_line_keeps_what_was_typed_but_for_its_white_space(typed: str, kept: str) -> None:
    assert one_line("Item", typed, 100) == kept


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("one\ntwo", "one\ntwo"),
        ("one\r\ntwo\rthree", "one\ntwo\nthree"),
        ("\n\n one  two \n\n\nthree\t\n\n", "one  two\n\n\nthree"),
        ("Cafe\u0301", "Café"),
    ],
)
def test_many_lines_keep_their_breaks(typed: str, kept: str) -> None:
    assert many_lines("Note", typed, 100) == kept


@pytest.mark.parametrize("rule", [one_line, many_lines, key_text])
@pytest.mark.parametrize("blank", [None, "", " ", "\t\r\n", "\u00a0\u3000", "\u200b", " \ufeff \u2060\n", "\u3164"])
def test_what_shows_nothing_is_blank(rule, blank: str | None) -> None:  # type: ignore[no-untyped-def]
    assert rule("Item", blank, 10) is None


@pytest.mark.parametrize("rule", [one_line, many_lines, key_text])
def test_the_limit_counts_characters_after_trimming(rule) -> None:  # type: ignore[no-untyped-def]
    assert rule("Item", " " * 50 + "x" * 10 + " " * 50, 10) == "x" * 10
    assert rule("Item", "e\u0301" * 10, 10) == "é" * 10
    assert rule("Item", "👩" * 10, 10) == "👩" * 10
    assert refusal(rule, "x" * 11) == ("too_long", "Item must be 10 characters or fewer")


def test_a_great_limit_is_told_with_a_separator() -> None:
    assert refusal(many_lines, "x" * 2001, 2000) == ("too_long", "Item must be 2,000 characters or fewer")


@pytest.mark.parametrize("rule", [one_line, many_lines, key_text])
@pytest.mark.parametrize("character", ["\x00", "\x01", "\x08", "\x0e", "\x1b", "\x1f", "\x7f", "\x80", "\x9f"])
def test_control_characters_are_refused(rule, character: str) -> None:  # type: ignore[no-untyped-def]
    for typed in (character, f"a{character}b"):
        assert refusal(rule, typed) == ("control_character", "Item has a control character. Type it again")


@pytest.mark.parametrize("rule", [one_line, many_lines, key_text])
@pytest.mark.parametrize("character", [chr(code) for code in (0xFFFD, 0xD800, 0xDBFF, 0xDC00, 0xDFFF)])
def test_what_could_not_be_read_is_refused(rule, character: str) -> None:  # type: ignore[no-untyped-def]
    for typed in (character, f"a{character}b"):
        assert refusal(rule, typed) == (
            "unreadable_character",
            "Item has a character that could not be read. Type it again",
        )


@pytest.mark.parametrize("rule", [one_line, many_lines, key_text])
@pytest.mark.parametrize("value", [0, 1, 1.5, True, False, [], ["a"], {}, {"a": 1}, b"a"])
def test_what_is_no_text_is_refused(rule, value: object) -> None:  # type: ignore[no-untyped-def]
    assert refusal(rule, value) == ("not_text", "Item must be text")


@pytest.mark.parametrize(
    "character", ["\u200b", "\u00ad", "\u200d", "\u202e", "\u2060", "\ufeff", "\u3164", "\U000e0041"]
)
def test_a_key_has_nothing_that_cannot_be_seen(character: str) -> None:
    assert refusal(key_text, f"a{character}b") == (
        "invisible_character",
        "Item has an invisible character. Type it again",
    )


@given(st.text(st.characters(), max_size=30), st.sampled_from([one_line, many_lines, key_text]))
def test_what_is_kept_stays_as_it_is(typed: str, rule) -> None:  # type: ignore[no-untyped-def]
    try:
        kept = rule("Item", typed, 30)
    except PydanticCustomError:
        return
    if kept is None:
        assert not INVISIBLE.sub("", typed).strip()
        return
    assert rule("Item", kept, 30) == kept
    assert kept == kept.strip()
    assert unicodedata.is_normalized("NFC", kept)
    kept.encode()
