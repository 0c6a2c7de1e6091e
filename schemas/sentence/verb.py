"""The verb, around which a sentence is taken apart from both ends."""

from schemas.problems import ShopRules
from schemas.sentence.counts import count_and_item
from schemas.sentence.days import day_at_end, day_at_start
from schemas.sentence.parts import Parts
from schemas.sentence.prices import price_at_end
from schemas.sentence.unclear import EXAMPLE, Choice, SentenceUnclear
from schemas.sentence.words import Words, quote, say, set_of, without_comma

_VERBS = ("bought", "purchased")


def take_apart(words: Words, rules: ShopRules) -> Parts:
    """Raises SentenceUnclear unless there is one verb."""
    verbs = [place for place, word in enumerate(words) if word.key in _VERBS]
    if not verbs:
        raise SentenceUnclear("no_verb", f"Write who bought what, {EXAMPLE}")
    if len(verbs) == 1:
        return _around(verbs[0], words, rules)
    advice = "Record one purchase per line, or put a name or an item with such a word in quotes"
    message = f"“{words[verbs[1]].key}” is one verb too many. {advice}"
    # Two verbs have two readings. Nobody means any of a hundred.
    readings = [_around(place, words, rules) for place in verbs[:3]]
    raise SentenceUnclear("verb_twice", message, [_quoting_the_other_verbs(parts) for parts in readings])


def _around(verb: int, words: Words, rules: ShopRules) -> Parts:
    buyer, first = day_at_start(words[:verb], rules.today)
    rest, last = day_at_end(words[verb + 1 :], rules.today)
    goods, price = price_at_end(rest, rules)
    if price and last:
        last = last.as_clear()
    elif price:
        goods, last = day_at_end(goods, rules.today)
    days = [day for day in (first, last) if day]
    others, another = day_at_end(goods, rules.today)
    if days and another and another.kind == "clear":
        goods, days = others, [*days, another]
    count, item = count_and_item(goods)
    return Parts(without_comma(buyer), words[verb], count, item, price, tuple(days), is_day_first=first is not None)


def _quoting_the_other_verbs(parts: Parts) -> Choice:
    # A part that cannot be quoted is left out, and the choice with it: a sentence without that part is refused.
    quoted = {
        name: quote(say(words)) or ""
        for name, words in (("buyer", parts.buyer), ("goods", parts.goods))
        if any(word.key in _VERBS for word in words)
    }
    sentence = parts.instead(**quoted)
    return Choice(sentence, sentence)


_NEGATIONS = set_of("never not no nobody none cannot nearly almost hardly barely")
_NOTHING = set_of("no none not nothing neither")


def check_that_it_was_bought(parts: Parts) -> None:
    """Raises SentenceUnclear for: Tim never bought a book, and: Tim bought no book."""
    message = f"This does not say that a purchase was made. Write it {EXAMPLE}"
    denials = [word for word in parts.buyer if word.key in _NEGATIONS or word.key.endswith("n't")]
    if denials:
        is_title = all(word.is_capital for word in denials)
        raise SentenceUnclear("negated", message, parts.buyer_is(say(parts.buyer)) if is_title else [])
    if parts.goods and parts.goods[0].key in _NOTHING:
        is_title = parts.goods[0].is_capital
        raise SentenceUnclear("negated", message, parts.quoting_the_goods() if is_title else [])
