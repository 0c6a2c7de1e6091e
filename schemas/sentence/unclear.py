"""How a sentence is refused: with what can be chosen instead."""

from collections.abc import Iterable
from typing import NamedTuple

from schemas.problems import Problem, Refused

EXAMPLE = "like: Tim bought a book"


class Choice(NamedTuple):
    label: str
    sentence: str
    """Accepted, and has only the reading that the label names."""


class SentenceUnclear(Refused):
    """The sentence has no reading, or several: `choices` has those that can be offered."""

    def __init__(self, code: str, message: str, choices: Iterable[Choice] = ()):
        super().__init__([Problem(("sentence",), code, message)])
        self.choices = list(choices)
