"""A purchase in one sentence, as people say it: Sue bought 2 T-shirts for $15.50 yesterday.

    [day] customer “bought” or “purchased” [how many] item [price] [day]

The price and the last day may change places. A price is “for X” or “X in total” (of the whole line), “at X” or “X each”
(of one). Neither is read anywhere but at the end, where no word such as “of” ties it to the item, and quotes keep the
words inside them from being read at all. No word is dropped: what has two readings, or none, is refused.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Any, Literal, NamedTuple, NoReturn

from pydantic_core import PydanticCustomError

from models.normal import normal_words
from schemas.contact import read_line
from schemas.currencies import currencies
from schemas.days import MONTHS, PAST, day_and_month, is_written_like_a_day, read_day, ways_to_write
from schemas.money import read_money
from schemas.problems import Problem, Refused, ShopRules, judge
from schemas.purchase import PurchaseDetails
from schemas.text import one_line

LONGEST = 1_000
_EXAMPLE = "like: Tim bought a book"


class Choice(NamedTuple):
    label: str
    sentence: str
    """Accepted, and has only the reading that the label names."""


class SentenceUnclear(Refused):
    """The sentence has no reading, or several: `choices` has those that can be offered."""

    def __init__(self, code: str, message: str, choices: Iterable[Choice] = ()):
        super().__init__([Problem(("sentence",), code, message)])
        self.choices = list(choices)


def read_sentence(text: object, rules: ShopRules) -> dict[str, Any]:
    """The fields that PurchaseDetails accepts; what was not said is left out.

    Raises SentenceUnclear, or Refused where a part breaks the rule of its own field.
    """
    try:
        return _read(text, rules)
    except SentenceUnclear as unclear:
        unclear.choices = [choice for choice in unclear.choices if _is_accepted(choice.sentence, rules)]
        raise


def _is_accepted(sentence: str, rules: ShopRules) -> bool:
    try:
        _read(sentence, rules)
    except Refused:
        return False
    return True


def _read(text: object, rules: ShopRules) -> dict[str, Any]:
    parts = _parts(_words(text), rules)
    _check_that_it_was_bought(parts)
    fields: dict[str, Any] = {"customer": _customer(parts)}
    _check_days(parts, rules.today)
    _check_price(parts, rules)
    _check_goods(parts, rules.today)
    count, item = _count_and_item(parts.goods)
    fields |= _said_item(item) | ({"quantity": _quantity(count)} if count else {})
    if parts.price:
        fields[parts.price.field] = parts.price.fed
    if parts.days:
        fields["purchased_on"] = parts.days[0].fed
    try:
        details = judge(PurchaseDetails, fields, rules)
    except Refused as refused:
        _refuse_in_own_words(refused, parts, rules)
    return fields | ({"quantity": details.quantity} if "quantity" in fields else {})


# What a sentence consists of


def _set_of(*words: str) -> frozenset[str]:
    return frozenset(word for line in words for word in line.split())


class _Word(NamedTuple):
    said: str
    key: str
    """To compare with the words of the grammar; empty when quoted, as quoted words are none of them."""
    literal: str | None = None
    """What stands inside the quotes."""

    @property
    def is_capital(self) -> bool:
        """As in a title, and not BECAUSE ALL IS."""
        return self.said[:1].isupper() and (len(self.said) == 1 or not self.said.isupper())


_Words = tuple[_Word, ...]
_Kind = Literal["clear", "bare", "weekday"]
"""Right behind an item, a bare 2 Nov could be part of it; a lone weekday could be part of a name, too."""


class _Day(NamedTuple):
    said: str
    """As typed; the phrase is how it may stand at the end of a sentence."""
    phrase: str
    fed: str = ""
    """What the rule for days is given."""
    kind: _Kind = "clear"
    options: tuple[date, ...] = ()
    trouble: tuple[str, str] | None = None


class _Price(NamedTuple):
    said: str
    fed: str
    field: Literal["amount", "unit_price"]
    is_contradiction: bool = False


@dataclass(frozen=True)
class _Parts:
    buyer: _Words
    verb: _Word
    goods: _Words
    """Item and quantity."""
    price: _Price | None
    days: tuple[_Day, ...]
    is_day_first: bool = False

    def instead(self, **changes: str | None) -> str:
        """The sentence with other words for some parts; the day comes last."""
        day = self.days[0].phrase if self.days else ""
        price = self.price.said if self.price else ""
        said = {"buyer": _say(self.buyer), "verb": self.verb.said, "goods": _say(self.goods), "price": price}
        sentence = " ".join(part for part in (said | {"day": day} | changes).values() if part)
        # The last full stop is no part of what is said: one that is needs another behind it.
        return f"{sentence} ." if sentence.endswith(".") else sentence

    def item_is(self, words: str, count: str = "", **changes: str) -> list[Choice]:
        """The choice to take the words as the item, whatever they look like."""
        quoted = _quoted(words)
        choice = Choice(f"The item is “{words}”", self.instead(goods=f"{count} {quoted}".strip(), **changes))
        return [choice] if quoted else []

    def buyer_is(self, name: str, contact: str = "", **changes: str) -> list[Choice]:
        """The choice to take the words as the name, whatever they look like."""
        quoted = _quoted(name)
        choice = Choice(f"The customer is “{name}”", self.instead(buyer=f"{quoted} {contact}".strip(), **changes))
        return [choice] if quoted else []


_QUOTED = r'(?:"(?P<straight>[^"]*)"|“(?P<curly>[^“”]*)”)(?P<comma>,?)(?=\s|$)'
_WORD = re.compile(rf"{_QUOTED}|\S+")
# Behind a digit it means inches.
_STRAY_QUOTE = re.compile('(?<![0-9])["”]|“')


def _words(text: object) -> _Words:
    try:
        line = one_line("Sentence", text, LONGEST)
    except PydanticCustomError as error:
        raise SentenceUnclear(error.type, error.message()) from None
    words = tuple(map(_word, _WORD.finditer((line or "").removesuffix("."))))
    if not words:
        raise SentenceUnclear("blank", f"Enter a purchase, {_EXAMPLE}")
    return words


def _word(found: re.Match[str]) -> _Word:
    literal = found["curly"] if found["straight"] is None else found["straight"]
    if literal is None and _STRAY_QUOTE.search(found[0]):
        raise SentenceUnclear("quotes_open", "Put quotes around whole words, like: Ana bought “The 5th Wave”")
    key = normal_words(found[0]).removesuffix(",").replace("’", "'") if literal is None else ""
    return _Word(found[0], key, literal)


def _say(words: _Words) -> str:
    return " ".join(word.said for word in words)


def _without_comma(words: _Words) -> _Words:
    while words and words[-1].said == ",":
        words = words[:-1]
    return (*words[:-1], words[-1]._replace(said=words[-1].said.removesuffix(","))) if words else words


def _quoted(text: str) -> str | None:
    if '"' not in text:
        return f'"{text}"'
    return None if "“" in text or "”" in text else f"“{text}”"


# Taking it apart, from both ends

_VERBS = ("bought", "purchased")


def _parts(words: _Words, rules: ShopRules) -> _Parts:
    verbs = [place for place, word in enumerate(words) if word.key in _VERBS]
    if not verbs:
        raise SentenceUnclear("no_verb", f"Write who bought what, {_EXAMPLE}")
    if len(verbs) == 1:
        return _split(words, verbs[0], rules)
    advice = "Record one purchase per line, or put a name or an item with such a word in quotes"
    message = f"“{words[verbs[1]].key}” is one verb too many. {advice}"
    # Two verbs have two readings. Nobody means any of a hundred.
    readings = [_split(words, place, rules) for place in verbs[:3]]
    raise SentenceUnclear("verb_twice", message, [_quoting_the_other_verbs(parts) for parts in readings])


def _quoting_the_other_verbs(parts: _Parts) -> Choice:
    quoted = {
        part: _quoted(_say(words))
        for part, words in (("buyer", parts.buyer), ("goods", parts.goods))
        if any(word.key in _VERBS for word in words)
    }
    sentence = parts.instead(**quoted)
    return Choice(sentence, sentence)


def _split(words: _Words, verb: int, rules: ShopRules) -> _Parts:
    buyer, first = _day_at_start(words[:verb], rules.today)
    rest, last = _day_at_end(words[verb + 1 :], rules.today)
    goods, price = _price_at_end(rest, rules)
    if price and last:
        last = last._replace(kind="clear")
    elif price:
        goods, last = _day_at_end(goods, rules.today)
    days = [day for day in (first, last) if day]
    others, another = _day_at_end(goods, rules.today)
    if days and another and another.kind == "clear":
        goods, days = others, [*days, another]
    return _Parts(_without_comma(buyer), words[verb], goods, price, tuple(days), is_day_first=first is not None)


_LONGEST_DAY = 5
_TIES = _set_of(
    "a an the of for from by to at in on with and or & plus since until till before after past per every last next",
    "this than dated",
)
"""What comes right behind one of these belongs to it: the paper of yesterday."""


def _day_at_end(words: _Words, today: date) -> tuple[_Words, _Day | None]:
    for length in range(min(_LONGEST_DAY, len(words)), 0, -1):
        rest, phrase = words[:-length], words[-length:]
        if day := _day(phrase, today):
            if rest and rest[-1].key in _TIES:
                break
            is_set_off = bool(rest) and rest[-1].said.endswith(",")
            return _without_comma(rest), day._replace(kind="clear") if is_set_off else day
    return words, None


def _day_at_start(words: _Words, today: date) -> tuple[_Words, _Day | None]:
    for length in range(min(_LONGEST_DAY, len(words)), 0, -1):
        phrase, rest = words[:length], words[length:]
        if day := _day(phrase, today):
            is_set_off = phrase[-1].said.endswith(",") or day.kind != "weekday"
            return rest, day._replace(kind="clear") if is_set_off else day
    return words, None


_LONGEST_PRICE = 5
_MARKS = ("for", "at")


def _price_at_end(words: _Words, rules: ShopRules) -> tuple[_Words, _Price | None]:
    ending = _price_ending(words)
    body = _without_comma(words[: len(words) - ending])
    is_each = ending == 1 and words[-1].key == "each"
    for length in range(1, min(_LONGEST_PRICE, len(body) - 1) + 1):
        mark, price = body[-length - 1].key, body[-length:]
        if mark in _MARKS:
            if not (fed := _money(price, rules)):
                break
            said = _say(words[len(body) - length - 1 :])
            field: Literal["amount", "unit_price"] = "unit_price" if is_each or mark == "at" else "amount"
            is_contradiction = mark == "at" and bool(ending) and not is_each
            return _without_comma(body[: -length - 1]), _Price(said, fed, field, is_contradiction)
    length, fed = _marked_money(body, rules)
    if not ending or not fed:
        return words, None
    said = _say(words[len(body) - length :])
    return _without_comma(body[:-length]), _Price(said, fed, "unit_price" if is_each else "amount")


def _price_ending(words: _Words) -> int:
    """How many words at the end only say what a price is of."""
    if [word.key for word in words[-2:]] == ["in", "total"]:
        return 2
    return 1 if words and words[-1].key in ("each", "total") else 0


def _money(words: _Words, rules: ShopRules) -> str:
    """What the rule for amounts is given; empty when the words are no amount, not even a refused one."""
    if any(word.literal is not None for word in words):
        return ""
    text = _with_code(_say(words), rules.currency)
    try:
        read_money("Amount", text, rules.currency, is_fixed=False)
    except PydanticCustomError as error:
        return "" if error.type == "not_an_amount" else text
    return text


def _marked_money(words: _Words, rules: ShopRules) -> tuple[int, str]:
    """How many of the last words are an amount that names its currency, and what its rule is given."""
    for length in (2, 1):
        price = words[-length:]
        # A word that is neither the number nor the currency would otherwise be no part of the amount.
        is_marked = bool(re.match(r"[^−-]*[^0-9.,'’+−-]", _say(price)))
        if len(price) == length and is_marked and (fed := _money(price, rules)):
            return length, fed
    return 0, ""


_NUMBER_AND_NAME = re.compile(r"(?P<number>[^a-z]*[0-9])\s(?P<name>[a-z. &]+?)s?", re.IGNORECASE)
_SIGNS = {"dollar": "$", "pound": "£"}
"""Of words that several currencies have: whose is meant is for the rule of amounts to say."""


def _with_code(text: str, own: str) -> str:
    """6 USD for 6 dollars: the rule for amounts knows signs and codes."""
    found = _NUMBER_AND_NAME.fullmatch(text)
    if not found or found["name"].upper() in currencies():
        return text
    name = found["name"].lower()
    codes = [code for code, full in currencies().items() if f" {full.lower()}".endswith(f" {name}")]
    if own not in codes and len(codes) != 1:
        return f"{found['number']} {_SIGNS[name]}" if name in _SIGNS else text
    return f"{found['number']} {own if own in codes else codes[0]}"


# Days whose names only a sentence knows

_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_ABBREVIATIONS = ("mon", "tues|tue", "weds|wed", "thurs|thur|thu", "fri", "sat", "sun")
_SHORT = {name: number for number, names in enumerate(_ABBREVIATIONS) for name in names.split("|")}
_NUMBER_OF = {name: number for number, name in enumerate(_WEEKDAYS)} | _SHORT
_WEEKDAY = re.compile(rf"(?P<which>last |this |next )?(?P<weekday>{'|'.join(_NUMBER_OF)})\.?(?:,? (?P<day>.+))?")
_DAYS_AGO = re.compile(r"(?P<number>\S+) days? ago")
_PARTS_OF_DAYS = "(?:week|weekend|month|year|night|morning|afternoon|evening)"
_NO_DAY = re.compile(rf"(?:last|this|past) {_PARTS_OF_DAYS}|tonight|recently")
_FUTURE = re.compile(rf"tomorrow(?: {_PARTS_OF_DAYS})?|next {_PARTS_OF_DAYS}")
_IN_FUTURE = ("date_future", f"Purchase date {PAST}")


def _day(words: _Words, today: date) -> _Day | None:
    """The day that these words say, all of them."""
    if any(word.literal is not None for word in words):
        return None
    said = _say(_without_comma(words))
    text = said.lower()
    has_on = text.startswith("on ")
    text = text.removeprefix("on ")
    day = _written_day(text) or _weekday(text, today, has_on=has_on) or _days_ago(text, today) or _no_day(text)
    if day is None:
        return None
    # Yesterday, with its capital, may be the song.
    is_title = words[-1].is_capital and text in ("today", "yesterday")
    kind: _Kind = "clear" if has_on else "bare" if is_title else day.kind
    is_bare = not has_on and day.phrase.startswith("on ")
    return day._replace(said=said, kind=kind, phrase=said if has_on else f"on {said}" if is_bare else day.phrase)


def _written_day(text: str) -> _Day | None:
    if not is_written_like_a_day(text):
        return None
    if text.isalpha():
        return _Day(text, text, text)
    return _Day(text, f"on {text}", text, "clear" if re.search("[0-9]{4}", text) else "bare")


def _no_day(text: str) -> _Day | None:
    if _FUTURE.fullmatch(text):
        return _Day(text, text, trouble=_IN_FUTURE)
    return _Day(text, text, trouble=_not_a_day(text)) if _NO_DAY.fullmatch(text) else None


def _not_a_day(text: str) -> tuple[str, str]:
    return "date_unreadable", f"“{text}” is not a day. Write it like: on 2 November, or: 3 days ago"


def _days_ago(text: str, today: date) -> _Day | None:
    found = _DAYS_AGO.fullmatch(text)
    number = found and ("1" if found["number"] == "a" else _NUMBERS.get(found["number"], found["number"]))
    if not number or not re.fullmatch("[0-9]{1,9}", number):
        return None
    # The first day of the calendar is refused like any that is too early.
    on = date.fromordinal(max(today.toordinal() - int(number), 1))
    return _Day(text, text, on.isoformat())


def _weekday(text: str, today: date, *, has_on: bool) -> _Day | None:
    found = _WEEKDAY.fullmatch(text)
    if not found:
        return None
    number = _NUMBER_OF[found["weekday"]]
    if found["day"]:
        return None if found["which"] else _weekday_and_day(text, found["day"], number, today)
    if found["which"]:
        return _weekday_of_a_week(text, found["which"].strip(), number, today)
    # “sat” and “sun” are words of their own.
    if not has_on and found["weekday"] in _SHORT:
        return None
    latest = _latest(number, today)
    if number == today.weekday():
        return _either(text, (today, latest), "weekday")
    return _Day(text, f"on {text}", latest.isoformat(), "weekday")


def _latest(weekday: int, today: date) -> date:
    """The last such day before today."""
    return today - timedelta(days=(today.weekday() - weekday) % 7 or 7)


def _weekday_of_a_week(text: str, which: str, weekday: int, today: date) -> _Day:
    latest = _latest(weekday, today)
    if which != "last":
        trouble, options = (_IN_FUTURE, ()) if which == "next" else (_not_a_day(text), (latest,))
        return _Day(text, text, options=options, trouble=trouble)
    if weekday == today.weekday():
        return _Day(text, text, latest.isoformat())
    return _either(text, (latest, latest - timedelta(days=7)), "clear")


def _either(text: str, options: tuple[date, date], kind: _Kind) -> _Day:
    trouble = ("date_ambiguous", f"“{text}” can mean two days. Choose {' or '.join(map(_with_weekday, options))}")
    return _Day(text, text, options[0].isoformat(), kind, options, trouble)


def _with_weekday(on: date) -> str:
    """Fri 20 Nov"""
    return f"{_WEEKDAYS[on.weekday()][:3].title()} {day_and_month(on)}"


def _weekday_and_day(text: str, day: str, weekday: int, today: date) -> _Day | None:
    if not is_written_like_a_day(day) or day.isalpha():
        return None
    try:
        known = read_day("Purchase date", day, today)
    except PydanticCustomError:
        known = None  # judged, it is refused with the reason
    if known and known.on.weekday() != weekday:
        name = _WEEKDAYS[known.on.weekday()].title()
        trouble = ("date_contradiction", f"“{text}” contradicts itself: {known.on} is a {name}")
        return _Day(text, f"on {text}", day, "clear", (known.on,), trouble)
    return _Day(text, f"on {text}", day)


# What the parts must be

_NEGATIONS = _set_of("never not no nobody none cannot nearly almost hardly barely")
_NOTHING = _set_of("no none not nothing neither")


def _check_that_it_was_bought(parts: _Parts) -> None:
    message = f"This does not say that a purchase was made. Write it {_EXAMPLE}"
    denials = [word for word in parts.buyer if word.key in _NEGATIONS or word.key.endswith("n't")]
    if denials:
        is_title = all(word.is_capital for word in denials)
        raise SentenceUnclear("negated", message, parts.buyer_is(_say(parts.buyer)) if is_title else [])
    if parts.goods and parts.goods[0].key in _NOTHING:
        choices = parts.item_is(_say(parts.goods)) if parts.goods[0].is_capital else []
        raise SentenceUnclear("negated", message, choices)


_NOBODY = _set_of(
    "i me you he she it we they who someone somebody anyone anybody everyone everybody this that customer"
)
_HELPERS = _set_of("has have had just also already")
_SEVERAL = _set_of("and & + or plus")
_NO_NAMES = _set_of(
    "has have had just also already then was were been ago when if later earlier today yesterday tomorrow"
)


def _customer(parts: _Parts) -> dict[str, str]:
    if not parts.buyer:
        _refuse_nobody(parts)
    if (literal := parts.buyer[0].literal) is not None:
        return _literal_customer(parts, literal)
    line = _say(parts.buyer)
    fields = {field: text for field, text in read_line(line).items() if text}
    name = fields.get("name", "")
    if name:
        _check_name(parts, name, contact=line.removeprefix(name).strip())
        fields["name"] = _as_names_are_typed(name)
    return fields


def _as_names_are_typed(name: str) -> str:
    """Phones put a curly apostrophe where a keyboard has the straight one: it is the same O'Neil."""
    return name if "“" in name or '"' in name else name.replace("’", "'")


def _refuse_nobody(parts: _Parts) -> NoReturn:
    raise SentenceUnclear("no_customer", f"Enter the customer’s name before “{parts.verb.key}”")


def _literal_customer(parts: _Parts, name: str) -> dict[str, str]:
    said = _say(parts.buyer[1:])
    contact = {field: text for field, text in read_line(said).items() if text} if said else {}
    if "name" in contact:
        raise SentenceUnclear(
            "name_unclear", "Put the whole name in quotes, or no part of it", parts.buyer_is(_say(parts.buyer))
        )
    return {"name": name} | contact if name.strip() else contact or _refuse_nobody(parts)


def _check_name(parts: _Parts, name: str, contact: str) -> None:
    if normal_words(name).removeprefix("a ").removeprefix("the ") in _NOBODY:
        _refuse_nobody(parts)
    as_name = parts.buyer_is(name, contact)
    if any(word.key in _SEVERAL or (word.literal is None and word.said.endswith(",")) for word in parts.buyer):
        message = f"Record one customer per purchase. If “{name}” is one customer, put it in quotes"
        raise SentenceUnclear("two_customers", message, as_name)
    strange = [word for word in parts.buyer if word.key in _NO_NAMES]
    if strange:
        message = f"“{strange[0].key}” is not read as a name. If “{name}” is the customer, put it in quotes"
        raise SentenceUnclear("name_unclear", message, _without_helpers(parts) + as_name)


def _without_helpers(parts: _Parts) -> list[Choice]:
    """Tim bought, for: Tim has just bought."""
    rest = parts.buyer
    while rest and rest[-1].key in _HELPERS:
        rest = rest[:-1]
    name = _say(_without_comma(rest))
    return [Choice(f"The customer is “{name}”", parts.instead(buyer=name))] if rest else []


def _check_days(parts: _Parts, today: date) -> None:
    if len(parts.days) > 1:
        choices = [Choice(f"The date is “{day.said}”", parts.instead(day=day.phrase)) for day in parts.days]
        raise SentenceUnclear("date_twice", "Give the date once", choices)
    for day in parts.days:
        if day.trouble:
            is_unreadable = day.trouble[0] == "date_unreadable"
            otherwise = _as_part_of_what_is_beside(parts, day) if is_unreadable else []
            raise SentenceUnclear(*day.trouble, _choices_of_days(parts, day.options) + otherwise)
        if day.kind != "clear":
            _refuse_unsure_day(parts, day, today)


def _choices_of_days(parts: _Parts, options: Iterable[date]) -> list[Choice]:
    return [Choice(_with_weekday(on), parts.instead(day=f"on {_with_weekday(on)} {on.year}")) for on in options]


def _refuse_unsure_day(parts: _Parts, day: _Day, today: date) -> NoReturn:
    message = f"“{day.said}” can be the date or part of what stands beside it. Write the date like: on 2 November"
    ways = ways_to_write(day.fed, today)
    if len(ways) > 1:
        as_date = [Choice(way, parts.instead(day=f"on {way}")) for way in ways]
    else:
        as_date = [Choice(f"The date is “{day.said}”", parts.instead(day=day.phrase))]
    raise SentenceUnclear("date_unclear", message, as_date + _as_part_of_what_is_beside(parts, day))


def _as_part_of_what_is_beside(parts: _Parts, day: _Day) -> list[Choice]:
    if parts.is_day_first:
        return parts.buyer_is(f"{day.said} {_say(parts.buyer)}", day="")
    count, item = _count_and_item(parts.goods)
    return parts.item_is(f"{_say(item)} {day.said}".strip(), _say(count), day="")


def _check_price(parts: _Parts, rules: ShopRules) -> None:
    if parts.price and parts.price.is_contradiction:
        message = f"“at {parts.price.fed}” is the price of one, and “in total” is the total. Write one of them"
        raise SentenceUnclear("amount_unclear", message, _readings_of_money(parts, parts.price.fed, _say(parts.goods)))
    if parts.price:
        _check_that_it_is_the_only_price(parts, rules)
        return
    if marks := [place for place, word in enumerate(parts.goods) if word.key in _MARKS]:
        _refuse_words_for_a_price(parts, marks[-1])
    length, fed = _marked_money(parts.goods, rules)
    if fed:
        money, goods = _say(parts.goods[-length:]), _say(_without_comma(parts.goods[:-length]))
        message = f"Write “for” before “{money}” if it is the total, or “at” if it is the price of one"
        count, item = _count_and_item(parts.goods)
        choices = _readings_of_money(parts, money, goods) + parts.item_is(_say(item), _say(count))
        raise SentenceUnclear("amount_unclear", message, choices)


def _readings_of_money(parts: _Parts, money: str, goods: str) -> list[Choice]:
    return [
        Choice(f"{money} in total", parts.instead(goods=goods, price=f"for {money}")),
        Choice(f"{money} each", parts.instead(goods=goods, price=f"at {money}")),
    ]


def _check_that_it_is_the_only_price(parts: _Parts, rules: ShopRules) -> None:
    for place, word in enumerate(parts.goods):
        is_price = word.key in _MARKS and any(_marked_money(parts.goods[: place + end], rules)[1] for end in (2, 3))
        if is_price:
            count, item = _count_and_item(parts.goods)
            message = "Give the amount once. If the other is part of the item, put the item in quotes"
            raise SentenceUnclear("amount_twice", message, parts.item_is(_say(item), _say(count)))


def _refuse_words_for_a_price(parts: _Parts, mark: int) -> NoReturn:
    count, item = _count_and_item(parts.goods)
    key, words = parts.goods[mark].key, _say(parts.goods[mark + 1 :])
    advice = f"Put the amount last, like: {key} $12. If “{key} {words}” is part of the item, put the item in quotes"
    message = f"“{words}” is not an amount. {advice}" if words else f"Enter an amount after “{key}”, like: {key} $12"
    raise SentenceUnclear("amount_unreadable", message, parts.item_is(_say(item), _say(count)))


# What was bought, and how many

_UNITS = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_NUMBERS = (
    {word: str(number) for number, word in enumerate(_UNITS)}
    | {word: str(10 * number) for number, word in enumerate(_TENS, 2)}
    | {f"{ten}-{_UNITS[unit]}": str(10 * number + unit) for number, ten in enumerate(_TENS, 2) for unit in range(1, 10)}
)
_ARTICLES = ("a", "an")
_NUMBER = re.compile(r"[+−-]?[0-9][0-9.,]*[x×]?")
_TIMES = ("x", "×")
_MULTIPLES = {"dozen": 12, "hundred": 100, "thousand": 1_000, "million": 1_000_000}
_VAGUE = _set_of(
    "some any many several few various numerous multiple lots plenty loads dozens hundreds thousands couple both more",
    "most",
)
_VAGUE_WITH_ARTICLE = re.compile("an? (?:few|couple|(?:lot|bunch|handful|number|load|pile) of)( |$)")


def _count_and_item(goods: _Words) -> tuple[_Words, _Words]:
    """The words that say how many, and those that say of what."""
    first, second = [word.key for word in (*goods, _NO_WORD, _NO_WORD)[:2]]
    length = int(first in _ARTICLES or _is_number(first))
    if length and second in _TIMES and len(goods) > 2:
        length = 2
    return goods[:length], goods[length:]


_NO_WORD = _Word("", "")


def _is_number(key: str) -> bool:
    return key in _NUMBERS or _NUMBER.fullmatch(key) is not None


def _quantity(count: _Words) -> str:
    """What the rule for quantities is given."""
    word = count[0]
    number = word.said.removesuffix(",")
    if word.key[-1] in _TIMES:
        number = number[:-1]
    return "1" if word.key in _ARTICLES else _NUMBERS.get(word.key, number)


def _said_item(item: _Words) -> dict[str, str]:
    is_quoted = len(item) == 1 and item[0].literal is not None
    return {"item": (item[0].literal or "") if is_quoted else _say(item)}


def _check_goods(parts: _Parts, today: date) -> None:
    if not parts.goods:
        _refuse_nothing(parts)
    _check_quantity(parts)
    _check_that_it_is_one_item(parts)
    count, item = _count_and_item(parts.goods)
    if not item:
        said = _say(count)
        message = f"Enter what was bought after “{said}”. If “{said}” is the item, put it in quotes"
        raise SentenceUnclear("item_missing", message, parts.item_is(said))
    _check_how_it_begins(parts, count, item, today)
    _check_how_it_ends(parts, count, item)


def _refuse_nothing(parts: _Parts) -> NoReturn:
    said = parts.days[0].said if parts.days and not parts.is_day_first else ""
    hint = f". If “{said}” is the item, put it in quotes" if said else ""
    message = f"Enter what was bought, {_EXAMPLE}{hint}"
    raise SentenceUnclear("item_missing", message, parts.item_is(said, day="") if said else [])


def _check_quantity(parts: _Parts) -> None:
    goods = parts.goods
    keys = " ".join(word.key for word in goods)
    if goods[0].key in _VAGUE or _VAGUE_WITH_ARTICLE.match(keys):
        _refuse_vague_quantity(parts)
    count, item = _count_and_item(goods)
    if item and item[0].key in _MULTIPLES:
        number = _whole(_quantity(count)) if count else 1
        _ask_how_many(parts, item[0], number * _MULTIPLES[item[0].key], item[1:])
    is_title = bool(count) and count[0].is_capital and not parts.verb.said.isupper()
    is_year = bool(count) and re.fullmatch("(?:19|20)[0-9]{2}", count[0].said) is not None
    if item and (is_title or is_year):
        _ask_how_many(parts, count[0], _whole(_quantity(count)), item)
    if multiplied := _MULTIPLIED.search(keys):
        length = 1 + multiplied[0].strip().count(" ")
        _ask_how_many(parts, goods[-1], _whole(multiplied["before"] or multiplied["after"]), goods[:-length])


_MULTIPLIED = re.compile(r" (?:[x×] ?(?P<before>[0-9]{1,7})|(?P<after>[0-9]{1,7})[x×])$")


def _whole(number: str) -> int:
    return int(number) if re.fullmatch("[0-9]{1,7}", number) else 0


def _refuse_vague_quantity(parts: _Parts) -> NoReturn:
    rest = list(parts.goods)
    while rest and rest[0].key in _VAGUE | {"a", "an", "of", "lot", "bunch", "handful", "number", "load", "pile"}:
        rest.pop(0)
    example = f"{_say(parts.buyer)} {parts.verb.key} 3 {_say(tuple(rest)) or 'apples'}"
    choices = parts.item_is(_say(parts.goods)) if parts.goods[0].is_capital or not rest else []
    raise SentenceUnclear("quantity_vague", f"Enter how many, like: {example}", choices)


def _ask_how_many(parts: _Parts, word: _Word, number: int, item: _Words) -> NoReturn:
    said = f"“{word.said}” can say how many or be part of the item"
    message = f"{said}. Write how many like {number:,}, or put the item in quotes"
    as_quantity = Choice(f"{number:,} × {_say(item)}", parts.instead(goods=f"{number:,} {_say(item)}"))
    raise SentenceUnclear("quantity_unclear", message, [as_quantity, *parts.item_is(_say(parts.goods))])


def _check_that_it_is_one_item(parts: _Parts) -> None:
    goods = parts.goods
    for before, word in pairwise(goods):
        is_next = before.key in ("and", "&", "+", "plus") or before.said.endswith(",")
        if is_next and (word.key in _VAGUE or word.key in ("a", "an", "the", "another") or _is_number(word.key)):
            message = "Record one item per line. If it is one item, put it in quotes"
            raise SentenceUnclear("two_items", message, parts.item_is(_say(goods)))


_NO_START = _set_of("on by from of for at to and & or x × today yesterday tomorrow")
_NO_END = _set_of("on by from of for at to and & or plus a an the each total")
_LIKE_A_DAY = re.compile(rf"(?:the )?(?:[0-9]|(?:{'|'.join(_NUMBER_OF)}|{'|'.join(MONTHS)})\b)")


def _check_how_it_begins(parts: _Parts, count: _Words, item: _Words, today: date) -> None:
    if item[0].key not in _NO_START:
        return
    rest, day = _day_at_start(item, today)
    choices = parts.item_is(_say(item), _say(count))
    if day and not parts.days:
        moved = parts.instead(goods=_say((*count, *rest)), day=day.phrase)
        choices.insert(0, Choice(f"The date is “{day.said}”", moved))
    message = f"No item begins with “{item[0].key}”. Write day and price last, or put the item in quotes"
    raise SentenceUnclear("item_unclear", message, choices)


def _check_how_it_ends(parts: _Parts, count: _Words, item: _Words) -> None:
    as_item = parts.item_is(_say(item), _say(count))
    if item[-1].key == "ago":
        message = "Say how many days ago, like: 3 days ago. If it is part of the item, put the item in quotes"
        raise SentenceUnclear("date_unreadable", message, as_item)
    if item[-1].key in _NO_END:
        message = f"No item ends with “{item[-1].key}”. Write the item in full, or put it in quotes"
        raise SentenceUnclear("item_unclear", message, as_item)
    places = [place for place, word in enumerate(item) if word.key == "on"]
    on = _say(item[places[-1] + 1 :]) if places else ""
    if _LIKE_A_DAY.match(on.lower()):
        advice = f"If “on {on}” is part of the item, put the item in quotes"
        raise SentenceUnclear(
            "date_unreadable", f"“{on}” is not a day. Write it like: on 2 November. {advice}", as_item
        )


# What the rules of the fields refuse, and a sentence can offer a way out of


def _refuse_in_own_words(refused: Refused, parts: _Parts, rules: ShopRules) -> NoReturn:
    for problem in refused.problems:
        if problem.code == "in_future":
            raise SentenceUnclear("date_future", problem.message)
        if problem.code == "date_ambiguous":
            ways = ways_to_write(parts.days[0].fed, rules.today)
            choices = [Choice(way, parts.instead(day=f"on {way}")) for way in ways]
            raise SentenceUnclear(problem.code, problem.message, choices)
        if problem.code == "not_whole_number":
            raise SentenceUnclear(problem.code, problem.message, parts.item_is(_say(parts.goods)))
        if problem.code == "amount_ambiguous" and parts.price:
            raise SentenceUnclear(problem.code, problem.message, _choices_of_numbers(parts, parts.price.said))
    raise refused


def _choices_of_numbers(parts: _Parts, said: str) -> list[Choice]:
    """The last comma as a decimal point, and as nothing."""
    found = re.search("[0-9][0-9.,]*,[0-9]+", said)
    if not found:
        return []
    head, _, tail = found[0].rpartition(",")
    whole = re.sub("[.,]", "", head)
    ways = [f"{whole}.{tail}"] + ([] if "." in head else [f"{whole}{tail}"])
    return [Choice(way, parts.instead(price=said.replace(found[0], way))) for way in ways]
