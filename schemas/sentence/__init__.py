"""A purchase in one sentence, as people say it: Sue bought 2 T-shirts for $15.50 yesterday.

    [day] customer “bought” or “purchased” [how many] item [price] [day]

The price and the last day may change places. A price is “for X” or “X in total” (of the whole line), “at X” or “X each”
(of one). Neither is read anywhere but at the end, where no word such as “of” ties it to the item, and quotes keep the
words inside them from being read at all. No word is dropped: what has two readings, or none, is refused.
"""

from dataclasses import dataclass
from typing import Any

from schemas.problems import Problem, Refused, ShopRules, judge
from schemas.purchase import PurchaseDetails, hash_of
from schemas.sentence.counts import quantity
from schemas.sentence.customers import read_customer
from schemas.sentence.days import check_days, choices_of_readings
from schemas.sentence.goods import check_goods, read_item
from schemas.sentence.parts import Parts
from schemas.sentence.prices import check_price, choices_of_numbers
from schemas.sentence.unclear import Choice, SentenceUnclear
from schemas.sentence.verb import check_that_it_was_bought, take_apart
from schemas.sentence.words import LONGEST, cut, say

__all__ = ["LONGEST", "Choice", "NotUnderstood", "SaidPurchase", "SentenceUnclear", "read_sentence", "understand"]


class SaidPurchase(PurchaseDetails):
    """A purchase as a sentence says it. Its content is the words, as what they mean depends on the day."""

    words: str

    def content_hash(self) -> bytes:
        return hash_of(self.words)


@dataclass(frozen=True)
class NotUnderstood:
    """Words that say no purchase today. They may have said one when they were first sent: on Sunday, until Sunday."""

    words: str
    refused: Refused

    def content_hash(self) -> bytes:
        return hash_of(self.words)


def understand(text: object, rules: ShopRules) -> SaidPurchase | NotUnderstood:
    """A sentence, which only who knows what was recorded may refuse. Raises SentenceUnclear where it has no words."""
    words = say(cut(text))
    try:
        return judge(SaidPurchase, read_sentence(text, rules) | {"words": words}, rules)
    except Refused as refused:
        return NotUnderstood(words, refused)


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
    parts = take_apart(cut(text), rules)
    check_that_it_was_bought(parts)
    customer = read_customer(parts)
    check_days(parts, rules.today)
    check_price(parts, rules)
    check_goods(parts, rules.today)
    fields: dict[str, Any] = {"customer": customer, "item": read_item(parts.item)}
    if parts.count:
        fields["quantity"] = quantity(parts.count)
    if parts.price:
        fields[parts.price.field] = parts.price.fed
    if parts.days:
        fields["purchased_on"] = parts.days[0].fed
    details = _judged(fields, parts, rules)
    if parts.count:
        fields["quantity"] = details.quantity
    return fields


def _judged(fields: dict[str, Any], parts: Parts, rules: ShopRules) -> PurchaseDetails:
    try:
        return judge(PurchaseDetails, fields, rules)
    except Refused as refused:
        for problem in refused.problems:
            if unclear := _with_a_way_out(problem, parts, rules):
                raise unclear from None
        raise


def _with_a_way_out(problem: Problem, parts: Parts, rules: ShopRules) -> SentenceUnclear | None:
    """What the rule of a field refuses, where a sentence can say it otherwise."""
    if problem.code == "in_future":
        return SentenceUnclear("date_future", problem.message)
    if problem.code == "date_ambiguous":
        return SentenceUnclear(problem.code, problem.message, choices_of_readings(parts, parts.days[0], rules.today))
    if problem.code == "not_whole_number":
        return SentenceUnclear(problem.code, problem.message, parts.quoting_the_goods())
    if problem.code == "amount_ambiguous" and parts.price:
        return SentenceUnclear(problem.code, problem.message, choices_of_numbers(parts, parts.price.said))
    return None
