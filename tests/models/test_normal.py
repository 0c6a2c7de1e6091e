"""Normal forms: what is the same to a person is the same here, and nothing else."""

import sys
import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from models.normal import INVISIBLE, normal_email, normal_words

EVERY_CHARACTER = [chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code <= 0xDFFF]
# What goes wrong in pairs: marks that compose, characters that are drawn as nothing, syllables, special casing.
TRICKY = (
    "aeiAÅIıİſßẞΣςσΐJǰﬀﬃ가"
    "\u0301\u0308\u030a\u030c\u0307\u0323\u0345\u1100\u1161\u11a8"
    "\u200b\u200d\u034f\u00ad\u3164\uffa0\u2800 \u00a0\u3000"
)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Tim", "tim"),
        ("Tim", "TIM"),
        ("Tim Jones", "  Tim \t\n Jones "),
        ("Tim Jones", "Tim\u00a0Jones"),
        ("Tim Jones", "Tim\u3000Jones"),
        ("José", "Jose\u0301"),
        ("José", "Jose\u200d\u0301"),
        ("José", "Jose\u034f\u0301"),
        ("Straße", "STRASSE"),
        ("Straße", "straẞe"),
        ("fiona", "ﬁona"),
        ("Tim", "Ｔｉｍ"),
        ("Tim", "𝒯𝒾𝓂"),
        ("Tim", "T\u200bi\u00adm\ufeff"),
        ("Tim", "\u202eTim\u202c"),
        ("Σίσυφος", "ΣΊΣΥΦΟΣ"),
        ("가", "\u1100\u1161"),
        ("가", "\u1100\u200b\u1161"),
        ("½", "1⁄2"),
        ("\u1fb3", "\u03b1\u0345"),
    ],
)
def test_the_same_words(one: str, other: str) -> None:
    assert normal_words(one) == normal_words(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Tim", "Tom"),
        ("Jose", "José"),
        ("Tim Jones", "TimJones"),
        ("Tim", "Tím"),
        ("Müller", "Mueller"),
        ("O'Neil", "ONeil"),
        ("1", "01"),
        ("Tim", "Тim"),  # the second begins with a Cyrillic letter
    ],
)
def test_other_words(one: str, other: str) -> None:
    assert normal_words(one) != normal_words(other)


@pytest.mark.parametrize("text", ["", " ", "\u200b", " \ufeff\u3164 \u2800\n"])
def test_nothing_is_left_of_what_shows_nothing(text: str) -> None:
    assert normal_words(text) == ""


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("tim@example.com", "Tim@EXAMPLE.com"),
        ("jörg@example.com", "jo\u0308rg@example.com"),
        ("jörg@example.com", "JÖRG@example.com"),
        ("straße@example.com", "STRASSE@example.com"),
    ],
)
def test_the_same_address(one: str, other: str) -> None:
    assert normal_email(one) == normal_email(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("tim@example.com", "t.im@example.com"),
        ("tim@example.com", "tim+books@example.com"),
        ("tim@example.com", "tim@googlemail.com"),
        ("ﬁ@example.com", "ﬀ@example.com"),
    ],
)
def test_another_address(one: str, other: str) -> None:
    assert normal_email(one) != normal_email(other)


@pytest.mark.parametrize("normal", [normal_words, normal_email])
def test_the_normal_form_of_every_character_is_its_own(normal) -> None:  # type: ignore[no-untyped-def]
    assert [ascii(text) for text in EVERY_CHARACTER if normal(normal(text)) != normal(text)] == []


@pytest.mark.parametrize("normal", [normal_words, normal_email])
def test_however_a_character_is_composed_it_is_the_same(normal) -> None:  # type: ignore[no-untyped-def]
    different = [text for text in EVERY_CHARACTER if normal(unicodedata.normalize("NFD", text)) != normal(text)]
    assert [ascii(text) for text in different] == []


@pytest.mark.parametrize("normal", [normal_words, normal_email])
def test_the_capital_of_every_character_is_the_same(normal) -> None:  # type: ignore[no-untyped-def]
    different = [text for text in EVERY_CHARACTER if normal(text.upper()) != normal(text)]
    assert different == ["ı"]  # the dotless i of Turkish, whose capital is everybody's I


@settings(max_examples=500)
@given(st.text(TRICKY, max_size=6) | st.text(max_size=20))
@example("e\u200d\u0301")
@example("\u1100\u200b\u1161")
def test_the_normal_form_of_words_is_its_own(text: str) -> None:
    assert ascii(normal_words(normal_words(text))) == ascii(normal_words(text))


@settings(max_examples=500)
@given(st.text(TRICKY, max_size=6) | st.text(max_size=20))
def test_the_normal_form_of_an_address_is_its_own(text: str) -> None:
    assert ascii(normal_email(normal_email(text))) == ascii(normal_email(text))


@settings(max_examples=500)
@given(st.text(TRICKY, max_size=6) | st.text(max_size=20))
def test_normal_words_can_be_searched_by_eye(text: str) -> None:
    words = normal_words(text)
    assert not INVISIBLE.search(words)
    assert words == " ".join(words.split())
    assert unicodedata.is_normalized("NFKC", words)


@settings(max_examples=500)
@given(st.text(TRICKY, max_size=6) | st.text(max_size=20))
def test_composed_or_not_words_are_the_same(text: str) -> None:
    assert ascii(normal_words(unicodedata.normalize("NFD", text))) == ascii(normal_words(text))
