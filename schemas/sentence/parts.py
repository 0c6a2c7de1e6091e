"""What a sentence consists of, and how it is said again with other words for some parts."""

from dataclasses import dataclass
from datetime import date
from typing import Literal, NamedTuple

from schemas.sentence.unclear import Choice
from schemas.sentence.words import Word, Words, quote, say


class Day(NamedTuple):
    fed: str = ""
    """What the rule for days is given."""
    kind: Literal["clear", "bare", "weekday"] = "clear"
    """Right behind an item, a bare 2 Nov could be part of it; a lone weekday could be part of a name, too."""
    needs_on: bool = False
    options: tuple[date, ...] = ()
    """The dates that can be meant, where there is trouble."""
    trouble: tuple[str, str] | None = None
    """Why it cannot be taken as it is: the code and the message of the refusal."""
    said: str = ""

    @property
    def phrase(self) -> str:
        """How it may stand at the end of a sentence, where it is clear."""
        if self.said.lower().startswith("on "):
            return self.said
        return f"on {self.said}" if self.needs_on else self.said.lower()

    def as_clear(self) -> "Day":
        return self._replace(kind="clear")


class Price(NamedTuple):
    said: str
    fed: str
    """What the rule for amounts is given."""
    field: Literal["amount", "unit_price"]
    is_contradiction: bool


@dataclass(frozen=True)
class Parts:
    buyer: Words
    verb: Word
    count: Words
    item: Words
    price: Price | None
    days: tuple[Day, ...]
    is_day_first: bool

    @property
    def goods(self) -> Words:
        return self.count + self.item

    def instead(self, **changes: str) -> str:
        """The sentence with other words for buyer, goods, price or day; the day comes last."""
        said = {
            "buyer": say(self.buyer),
            "verb": self.verb.said,
            "goods": say(self.goods),
            "price": self.price.said if self.price else "",
            "day": self.days[0].phrase if self.days else "",
        }
        sentence = " ".join(part for part in (said | changes).values() if part)
        # The last full stop is no part of what is said: one that is needs another behind it.
        return f"{sentence} ." if sentence.endswith(".") else sentence

    def quoting_the_item(self) -> list[Choice]:
        """The choice to take the item as it stands, whatever it looks like."""
        return self.item_is(say(self.item), say(self.count))

    def quoting_the_goods(self) -> list[Choice]:
        """The choice that no word of the goods says how many."""
        return self.item_is(say(self.goods))

    def item_is(self, words: str, count: str = "", **changes: str) -> list[Choice]:
        quoted = quote(words)
        if quoted is None:
            return []
        return [Choice(f"The item is “{words}”", self.instead(goods=f"{count} {quoted}".strip(), **changes))]

    def buyer_is(self, name: str, contact: str = "", **changes: str) -> list[Choice]:
        quoted = quote(name)
        if quoted is None:
            return []
        return [Choice(f"The customer is “{name}”", self.instead(buyer=f"{quoted} {contact}".strip(), **changes))]
