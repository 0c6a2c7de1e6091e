"""How a sentence is cut into words: at white space, but not inside quotes."""

import re
from typing import NamedTuple

from pydantic_core import PydanticCustomError

from models.normal import normal_words
from schemas.sentence.unclear import EXAMPLE, SentenceUnclear
from schemas.text import one_line

LONGEST = 1_000
_QUOTED = r'(?:"(?P<straight>[^"]*)"|“(?P<curly>[^“”]*)”),?(?=\s|$)'
_WORD = re.compile(rf"{_QUOTED}|\S+")
# Behind a digit it means inches.
_STRAY_QUOTE = re.compile('(?<![0-9])["”]|“')


class Word(NamedTuple):
    said: str
    key: str
    """To compare with the words of the grammar; empty when quoted, as quoted words are none of them."""
    literal: str | None = None
    """What stands inside the quotes."""

    @property
    def is_quoted(self) -> bool:
        return self.literal is not None

    @property
    def is_capital(self) -> bool:
        """As in a title, and not BECAUSE ALL IS."""
        return self.said[:1].isupper() and (len(self.said) == 1 or not self.said.isupper())


Words = tuple[Word, ...]


def cut(text: object) -> Words:
    """The words of a sentence, at least one. Raises SentenceUnclear."""
    try:
        line = one_line("Sentence", text, LONGEST)
    except PydanticCustomError as error:
        raise SentenceUnclear(error.type, error.message()) from None
    words = tuple(_word(found) for found in _WORD.finditer((line or "").removesuffix(".")))
    if not words:
        raise SentenceUnclear("blank", f"Enter a purchase, {EXAMPLE}")
    return words


def _word(found: re.Match[str]) -> Word:
    said = found[0]
    literal = found["curly"] if found["straight"] is None else found["straight"]
    if literal is not None:
        return Word(said, "", literal)
    if _STRAY_QUOTE.search(said):
        raise SentenceUnclear("quotes_open", "Put quotes around whole words, like: Ana bought “The 5th Wave”")
    return Word(said, normal_words(said).removesuffix(",").replace("’", "'"))


def say(words: Words) -> str:
    return " ".join(word.said for word in words)


def without_comma(words: Words) -> Words:
    """Without the comma behind the last word, which may stand alone."""
    while words and words[-1].said == ",":
        words = words[:-1]
    if not words:
        return words
    return (*words[:-1], words[-1]._replace(said=words[-1].said.removesuffix(",")))


def quote(text: str) -> str | None:
    """The text in quotes; None when it has both kinds of them inside."""
    if '"' not in text:
        return f'"{text}"'
    return None if "“" in text or "”" in text else f"“{text}”"


def set_of(*lines: str) -> frozenset[str]:
    return frozenset(" ".join(lines).split())
