"""Words that say how many: 2, 1,000, 2x, five, twenty-one, a."""

import re

from schemas.sentence.words import Word, Words

_UNITS = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
NUMBERS = (
    {word: str(number) for number, word in enumerate(_UNITS)}
    | {word: str(10 * number) for number, word in enumerate(_TENS, 2)}
    | {f"{ten}-{_UNITS[unit]}": str(10 * number + unit) for number, ten in enumerate(_TENS, 2) for unit in range(1, 10)}
)
"""The numbers that have a word: five is 5."""
_ARTICLES = ("a", "an")
_FIGURES = re.compile(r"[+−-]?[0-9][0-9.,]*[x×]?")
_TIMES = ("x", "×")


def count_and_item(goods: Words) -> tuple[Words, Words]:
    """The words that say how many, and those that say of what."""
    if not goods or not (goods[0].key in _ARTICLES or is_number(goods[0])):
        return (), goods
    length = 2 if len(goods) > 2 and goods[1].key in _TIMES else 1
    return goods[:length], goods[length:]


def is_number(word: Word) -> bool:
    return word.key in NUMBERS or _FIGURES.fullmatch(word.key) is not None


def quantity(count: Words) -> str:
    """What the rule for quantities is given."""
    word = count[0]
    if word.key in _ARTICLES:
        return "1"
    number = word.said.removesuffix(",")
    return NUMBERS.get(word.key) or (number[:-1] if word.key.endswith(_TIMES) else number)
