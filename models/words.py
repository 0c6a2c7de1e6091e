"""The words by which customers are searched: made of what they are known by, and of what is typed to find them."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from itertools import islice

import phonenumbers

from models.customer_word import CustomerWord

LAST = "…"
"""Begins the digits of a phone number from its end: 0100 are the last of …001055…; no other word begins so."""

_WORDS_MAX = 50
"""Of one name, address or number."""
_TYPED_MAX = 8
"""Who types more is understood by the longest of them."""
# What Unicode takes for letters of their own, and most keyboards lack.
_PLAIN = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ħ": "h", "ŧ": "t", "ı": "i", "æ": "ae", "œ": "oe"}
)
# Thai, Lao, Myanmar, Khmer, Japanese, Chinese: written without spaces between words.
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\U00020000-\U0003ffff]")
# Like 020 7946 0018 or +44 (20) 7946-0018, and no part of an address or of a number with letters.
_DIGIT_GROUPS = re.compile(r"(?<![\w@-])[0-9+(][0-9+() ./-]*[0-9](?![\w@])")


def fold(text: str) -> str:
    """Without case and accents."""
    if text.isascii():
        return text.lower().strip()  # as most are, in no time
    spelled = unicodedata.normalize("NFKD", text.casefold().translate(_PLAIN))
    plain = "".join(character for character in spelled if not unicodedata.combining(character))
    return unicodedata.normalize("NFC", plain.casefold()).strip()


def words_of(known_by: Iterable[tuple[str, str]]) -> set[str]:
    """All words of a customer. `known_by` are kinds of identities with their normal forms."""
    return {
        word[: CustomerWord.LENGTH_MAX]
        for kind, value in known_by
        for word in islice(dict.fromkeys(_WORDS[kind](value)), _WORDS_MAX)
        if word
    }


def words_typed(text: str) -> list[tuple[str, ...]]:
    """What is looked for: of each word the beginnings, one of which a word of the customer must have."""
    tokens = _join_digits(fold(text)).split() or [text]
    typed = dict.fromkeys(piece for token in tokens for piece in _typed_pieces(token))
    longest = sorted(typed, key=len, reverse=True)[:_TYPED_MAX]
    return [_beginnings(piece[: CustomerWord.LENGTH_MAX]) for piece in longest]


def _join_digits(text: str) -> str:
    return _DIGIT_GROUPS.sub(lambda groups: re.sub(r"\(0\)|[^0-9]", "", groups[0]), text)


def _typed_pieces(token: str) -> list[str]:
    return [token] if token.find("@") > 0 else _pieces(token)


def _beginnings(piece: str) -> tuple[str, ...]:
    if "@" in piece:  # as it stands in “Tim <tim@example.com>,”
        return tuple(dict.fromkeys([piece, piece.strip("<>,;").removeprefix("mailto:") or piece]))
    if not re.fullmatch("[0-9]+", piece):
        return (piece,)
    # 07700 900 is how people say +447700900…
    return tuple(dict.fromkeys([piece, re.sub("^00?", "", piece) or piece, LAST + piece[::-1]]))


def _pieces(token: str) -> list[str]:
    """Its parts between punctuation, or the token where it is nothing else."""
    if token.isalnum():
        return [token]
    spaced = "".join(character if unicodedata.category(character)[0] in "LMN" else " " for character in token)
    return spaced.split() or [token]


def _words_of_name(name: str) -> Iterator[str]:
    folded = fold(name) or name  # of accents alone
    for token in (*folded.split(), *_join_digits(folded).split()):
        pieces = _pieces(token)
        yield token
        for piece in pieces:
            yield from _endings(piece) if _UNSPACED.search(piece) else (piece,)
        yield "".join(pieces)  # O'Neil is ONeil, too


def _endings(piece: str) -> Iterator[str]:
    return (piece[start:] for start in range(len(piece)))


def _words_of_email(email: str) -> Iterator[str]:
    folded = fold(email)
    yield from (folded, *_pieces(folded))


def _words_of_reference(reference: str) -> Iterator[str]:
    folded = fold(reference)
    yield folded
    yield from _words_of_name(reference)
    yield "".join(_pieces(folded))


def _words_of_phone(e164: str) -> Iterator[str]:
    number = phonenumbers.parse(e164)
    dialled = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL)
    digits = e164.lstrip("+")
    yield from (digits, LAST + digits[::-1])
    for national in (phonenumbers.national_significant_number(number), re.sub("[^0-9]", "", dialled)):
        yield national.lstrip("0")


_WORDS = {
    "name": _words_of_name,
    "email": _words_of_email,
    "phone": _words_of_phone,
    "reference": _words_of_reference,
}
