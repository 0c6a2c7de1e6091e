"""What was paid: “for X” and “X in total” are the price of all, “at X” and “X each” of one."""

import re
from typing import NoReturn

from pydantic_core import PydanticCustomError

from schemas.currencies import currencies
from schemas.money import read_money
from schemas.problems import ShopRules
from schemas.sentence.parts import Parts, Price
from schemas.sentence.unclear import Choice, SentenceUnclear
from schemas.sentence.words import Words, say, without_comma

# Reading it

_MARKS = ("for", "at")
_LONGEST = 5


def price_at_end(words: Words, rules: ShopRules) -> tuple[Words, Price | None]:
    """The words before the price, and the price."""
    ending = _ending(words)
    body = without_comma(words[: len(words) - len(ending)])
    start = _start_of_price(body, rules, needs_mark=not ending)
    if start is None:
        return words, None
    mark = body[start].key
    price = Price(
        said=say(words[start:]),
        fed=_amount(body[start + 1 :] if mark in _MARKS else body[start:], rules),
        field="unit_price" if mark == "at" or ending == ["each"] else "amount",
        is_contradiction=mark == "at" and "total" in ending,
    )
    return without_comma(body[:start]), price


def _ending(words: Words) -> list[str]:
    """The words at the end that only say what a price is of."""
    last = [word.key for word in words[-2:]]
    if last == ["in", "total"]:
        return last
    return [key for key in last[-1:] if key in ("each", "total")]


def _start_of_price(words: Words, rules: ShopRules, *, needs_mark: bool) -> int | None:
    marks = [place for place, word in enumerate(words[:-1]) if word.key in _MARKS]
    if marks and _amount(words[marks[-1] + 1 :], rules):
        return marks[-1]
    amount = () if needs_mark else _marked_amount(words, rules)
    return len(words) - len(amount) if amount else None


def _amount(words: Words, rules: ShopRules) -> str:
    """What the rule for amounts is given; empty when the words are no amount, not even a refused one."""
    if len(words) > _LONGEST or any(word.is_quoted for word in words):
        return ""
    text = _with_code(say(words), rules.currency)
    try:
        read_money("Amount", text, rules.currency, is_fixed=False)
    except PydanticCustomError as error:
        return "" if error.type == "not_an_amount" else text
    return text


def _marked_amount(words: Words, rules: ShopRules) -> Words:
    """The last words, where they are an amount that names its currency."""
    for amount in (words[-2:], words[-1:]):
        # A word that is neither the number nor the currency would otherwise be no part of the amount.
        is_marked = re.match(r"[^−-]*[^0-9.,'’+−-]", say(amount))
        if is_marked and _amount(amount, rules):
            return amount
    return ()


_NUMBER_AND_NAME = re.compile(r"(?P<number>[^a-z]*[0-9])\s(?P<name>[a-z. &]+?)s?", re.IGNORECASE)
_SIGNS = {"dollar": "$", "pound": "£"}
"""Of words that several currencies have: whose is meant is for the rule of amounts to say."""


def _with_code(text: str, own: str) -> str:
    """6 USD for 6 dollars: the rule for amounts knows signs and codes."""
    found = _NUMBER_AND_NAME.fullmatch(text)
    if not found or found["name"].upper() in currencies():
        return text
    unit = _code_or_sign(found["name"].lower(), own)
    return f"{found['number']} {unit}" if unit else text


def _code_or_sign(name: str, own: str) -> str | None:
    codes = [code for code, full in currencies().items() if f" {full.lower()}".endswith(f" {name}")]
    if own in codes:
        return own
    return codes[0] if len(codes) == 1 else _SIGNS.get(name)


# Refusing it


def check_price(parts: Parts, rules: ShopRules) -> None:
    """Raises SentenceUnclear unless there is one price that is clear, or nothing that looks like one."""
    if parts.price is None:
        _check_that_no_price_is_meant(parts, rules)
    elif parts.price.is_contradiction:
        fed = parts.price.fed
        message = f"“at {fed}” is the price of one, and “in total” is the total. Write one of them"
        raise SentenceUnclear("amount_unclear", message, _all_or_one(parts, fed, say(parts.goods)))
    else:
        _check_that_it_is_the_only_price(parts, rules)


def _check_that_no_price_is_meant(parts: Parts, rules: ShopRules) -> None:
    marks = [place for place, word in enumerate(parts.goods) if word.key in _MARKS]
    if marks:
        _refuse_words_for_a_price(parts, marks[-1])
    amount = _marked_amount(parts.goods, rules)
    if amount:
        said, goods = say(amount), say(without_comma(parts.goods[: -len(amount)]))
        message = f"Write “for” before “{said}” if it is the total, or “at” if it is the price of one"
        raise SentenceUnclear("amount_unclear", message, _all_or_one(parts, said, goods) + parts.quoting_the_item())


def _all_or_one(parts: Parts, amount: str, goods: str) -> list[Choice]:
    return [
        Choice(f"{amount} in total", parts.instead(goods=goods, price=f"for {amount}")),
        Choice(f"{amount} each", parts.instead(goods=goods, price=f"at {amount}")),
    ]


def _check_that_it_is_the_only_price(parts: Parts, rules: ShopRules) -> None:
    for place, word in enumerate(parts.goods):
        behind = parts.goods[place + 1 : place + 3]
        if word.key in _MARKS and (_marked_amount(behind[:1], rules) or _marked_amount(behind, rules)):
            message = "Give the amount once. If the other is part of the item, put the item in quotes"
            raise SentenceUnclear("amount_twice", message, parts.quoting_the_item())


def _refuse_words_for_a_price(parts: Parts, mark: int) -> NoReturn:
    key, words = parts.goods[mark].key, say(parts.goods[mark + 1 :])
    advice = f"Put the amount last, like: {key} $12. If “{key} {words}” is part of the item, put the item in quotes"
    message = f"“{words}” is not an amount. {advice}" if words else f"Enter an amount after “{key}”, like: {key} $12"
    raise SentenceUnclear("amount_unreadable", message, parts.quoting_the_item())


def choices_of_numbers(parts: Parts, said: str) -> list[Choice]:
    """The last comma of the price that was said as a decimal point, and as nothing."""
    found = re.search("[0-9][0-9.,]*,[0-9]+", said)
    if not found:
        return []
    head, _, tail = found[0].rpartition(",")
    whole = re.sub("[.,]", "", head)
    ways = [f"{whole}.{tail}"]
    if "." not in head:
        ways.append(f"{whole}{tail}")
    return [Choice(way, parts.instead(price=said.replace(found[0], way))) for way in ways]
