"""Who bought: a name, an e-mail address, a phone number, or a name with one of these."""

from typing import NoReturn

from models.normal import normal_words
from schemas.contact import read_line
from schemas.sentence.parts import Parts
from schemas.sentence.unclear import Choice, SentenceUnclear
from schemas.sentence.words import say, set_of, without_comma

_NOBODY = set_of("i me you he she it we they who someone somebody anyone anybody everyone everybody this that customer")
_SEVERAL = set_of("and & + or plus")
_HELPERS = set_of("has have had just also already")
_NO_NAMES = _HELPERS | set_of("then was were been ago when if later earlier today yesterday tomorrow")


def read_customer(parts: Parts) -> dict[str, str]:
    """What was said of the customer: name, email, phone. Raises SentenceUnclear."""
    if not parts.buyer:
        _refuse_nobody(parts)
    if (literal := parts.buyer[0].literal) is not None:
        return _customer_in_quotes(parts, literal)
    line = say(parts.buyer)
    fields = _known(line)
    if name := fields.get("name"):
        _check_name(parts, name, contact=line.removeprefix(name).strip())
        # Phones put a curly apostrophe where a keyboard has the straight one: it is the same O'Neil.
        fields["name"] = name.replace("’", "'")
    return fields


def _known(line: str) -> dict[str, str]:
    return {field: text for field, text in read_line(line).items() if text}


def _refuse_nobody(parts: Parts) -> NoReturn:
    raise SentenceUnclear("no_customer", f"Enter the customer’s name before “{parts.verb.key}”")


def _customer_in_quotes(parts: Parts, name: str) -> dict[str, str]:
    contact = _known(say(parts.buyer[1:]))
    if "name" in contact:
        choices = parts.buyer_is(say(parts.buyer))
        raise SentenceUnclear("name_unclear", "Put the whole name in quotes, or no part of it", choices)
    if name.strip():
        return {"name": name} | contact
    if not contact:
        _refuse_nobody(parts)
    return contact


def _check_name(parts: Parts, name: str, contact: str) -> None:
    if normal_words(name).removeprefix("a ").removeprefix("the ") in _NOBODY:
        _refuse_nobody(parts)
    as_name = parts.buyer_is(name, contact)
    if any(word.key in _SEVERAL or word.said.endswith(",") for word in parts.buyer):
        message = f"Record one customer per purchase. If “{name}” is one customer, put it in quotes"
        raise SentenceUnclear("two_customers", message, as_name)
    strange = [word for word in parts.buyer if word.key in _NO_NAMES]
    if strange:
        message = f"“{strange[0].key}” is not read as a name. If “{name}” is the customer, put it in quotes"
        raise SentenceUnclear("name_unclear", message, _without_helpers(parts) + as_name)


def _without_helpers(parts: Parts) -> list[Choice]:
    """Tim bought, for: Tim has just bought."""
    rest = parts.buyer
    while rest and rest[-1].key in _HELPERS:
        rest = rest[:-1]
    name = say(without_comma(rest))
    return [Choice(f"The customer is “{name}”", parts.instead(buyer=name))] if rest else []
