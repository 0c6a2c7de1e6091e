"""What was bought, and how many."""

import re
from datetime import date
from itertools import dropwhile, pairwise
from typing import NoReturn

from schemas.days import MONTHS
from schemas.sentence.counts import is_number, quantity
from schemas.sentence.days import WEEKDAY_NUMBERS, day_at_start
from schemas.sentence.parts import Parts
from schemas.sentence.unclear import EXAMPLE, Choice, SentenceUnclear
from schemas.sentence.words import Word, Words, say, set_of


def read_item(item: Words) -> str:
    """The item as it was said; what stands in quotes, when it stands alone."""
    if len(item) == 1 and item[0].literal is not None:
        return item[0].literal
    return say(item)


def check_goods(parts: Parts, today: date) -> None:
    """Raises SentenceUnclear unless there is one item, and it is clear how many."""
    if not parts.goods:
        _refuse_nothing(parts)
    _check_that_it_is_not_vague(parts)
    _check_the_word_for_how_many(parts)
    _check_that_it_is_one_item(parts)
    if not parts.item:
        said = say(parts.count)
        message = f"Enter what was bought after “{said}”. If “{said}” is the item, put it in quotes"
        raise SentenceUnclear("item_missing", message, parts.quoting_the_goods())
    _check_how_it_begins(parts, today)
    _check_how_it_ends(parts)


def _refuse_nothing(parts: Parts) -> NoReturn:
    message = f"Enter what was bought, {EXAMPLE}"
    if parts.is_day_first or not parts.days:
        raise SentenceUnclear("item_missing", message)
    said = parts.days[0].said
    message = f"{message}. If “{said}” is the item, put it in quotes"
    raise SentenceUnclear("item_missing", message, parts.item_is(said, day=""))


# How many

_VAGUE = set_of(
    "some any many several few various numerous multiple lots plenty loads dozens hundreds thousands couple both more",
    "most",
)
_HEAPS = ("lot", "bunch", "handful", "number", "load", "pile")
_VAGUE_WITH_ARTICLE = re.compile(f"an? (?:few|couple|(?:{'|'.join(_HEAPS)}) of)( |$)")
_WORDS_OF_VAGUENESS = _VAGUE.union(_HEAPS, ("a", "an", "of"))
_MULTIPLES = {"dozen": 12, "hundred": 100, "thousand": 1_000, "million": 1_000_000}
_MULTIPLIED = re.compile(r" (?:[x×] ?(?P<before>[0-9]{1,7})|(?P<after>[0-9]{1,7})[x×])$")
"""At the end: tea x2, tea x 2, tea 2x."""


def _check_that_it_is_not_vague(parts: Parts) -> None:
    if parts.goods[0].key not in _VAGUE and not _VAGUE_WITH_ARTICLE.match(_keys(parts.goods)):
        return
    rest = tuple(dropwhile(lambda word: word.key in _WORDS_OF_VAGUENESS, parts.goods))
    example = f"{say(parts.buyer)} {parts.verb.key} 3 {say(rest) or 'apples'}"
    choices = parts.quoting_the_goods() if parts.goods[0].is_capital or not rest else []
    raise SentenceUnclear("quantity_vague", f"Enter how many, like: {example}", choices)


def _check_the_word_for_how_many(parts: Parts) -> None:
    count, item = parts.count, parts.item
    number = _whole(quantity(count)) if count else 1
    if item and item[0].key in _MULTIPLES:
        _ask_how_many(parts, item[0], number * _MULTIPLES[item[0].key], item[1:])
    if count and item and _can_begin_an_item(count[0], parts.verb):
        _ask_how_many(parts, count[0], number, item)
    if multiplied := _MULTIPLIED.search(_keys(parts.goods)):
        length = len(multiplied[0].split())
        number = _whole(multiplied["before"] or multiplied["after"])
        _ask_how_many(parts, parts.goods[-1], number, parts.goods[:-length])


def _can_begin_an_item(word: Word, verb: Word) -> bool:
    """The first word of a title, or a year."""
    is_title = word.is_capital and not verb.said.isupper()
    return is_title or re.fullmatch("(?:19|20)[0-9]{2}", word.said) is not None


def _keys(words: Words) -> str:
    return " ".join(word.key for word in words)


def _whole(number: str) -> int:
    """0, which is refused as a choice, when it is no plain number."""
    return int(number) if re.fullmatch("[0-9]{1,7}", number) else 0


def _ask_how_many(parts: Parts, word: Word, number: int, item: Words) -> NoReturn:
    said = f"“{word.said}” can say how many or be part of the item"
    message = f"{said}. Write how many like {number:,}, or put the item in quotes"
    as_quantity = Choice(f"{number:,} × {say(item)}", parts.instead(goods=f"{number:,} {say(item)}"))
    raise SentenceUnclear("quantity_unclear", message, [as_quantity, *parts.quoting_the_goods()])


# Of what

_NO_START = set_of("on by from of for at to and & or x × today yesterday tomorrow")
_NO_END = set_of("on by from of for at to and & or plus a an the each total")
_LIKE_A_DAY = re.compile(rf"(?:the )?(?:[0-9]|(?:{'|'.join([*WEEKDAY_NUMBERS, *MONTHS])})\b)")


def _check_that_it_is_one_item(parts: Parts) -> None:
    for before, word in pairwise(parts.goods):
        is_next = before.key in ("and", "&", "+", "plus") or before.said.endswith(",")
        if is_next and (word.key in _VAGUE or word.key in ("a", "an", "the", "another") or is_number(word)):
            message = "Record one item per line. If it is one item, put it in quotes"
            raise SentenceUnclear("two_items", message, parts.quoting_the_goods())


def _check_how_it_begins(parts: Parts, today: date) -> None:
    if parts.item[0].key not in _NO_START:
        return
    choices = parts.quoting_the_item()
    rest, day = day_at_start(parts.item, today)
    if day and not parts.days:
        moved = parts.instead(goods=say(parts.count + rest), day=day.phrase)
        choices.insert(0, Choice(f"The date is “{day.said}”", moved))
    message = f"No item begins with “{parts.item[0].key}”. Write day and price last, or put the item in quotes"
    raise SentenceUnclear("item_unclear", message, choices)


def _check_how_it_ends(parts: Parts) -> None:
    last = parts.item[-1].key
    if last == "ago":
        message = "Say how many days ago, like: 3 days ago. If it is part of the item, put the item in quotes"
        raise SentenceUnclear("date_unreadable", message, parts.quoting_the_item())
    if last in _NO_END:
        message = f"No item ends with “{last}”. Write the item in full, or put it in quotes"
        raise SentenceUnclear("item_unclear", message, parts.quoting_the_item())
    on = _behind_the_last_on(parts.item)
    if _LIKE_A_DAY.match(on.lower()):
        advice = f"If “on {on}” is part of the item, put the item in quotes"
        message = f"“{on}” is not a day. Write it like: on 2 November. {advice}"
        raise SentenceUnclear("date_unreadable", message, parts.quoting_the_item())


def _behind_the_last_on(item: Words) -> str:
    places = [place for place, word in enumerate(item) if word.key == "on"]
    return say(item[places[-1] + 1 :]) if places else ""
