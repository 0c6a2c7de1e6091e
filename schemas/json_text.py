"""The strict reader of JSON: what two readers could understand differently is refused."""

import json
import math
import re
from itertools import accumulate
from typing import Any, NoReturn

MAX_DEPTH = 20
_EXCERPT_LENGTH = 40
_BOM = b"\xef\xbb\xbf"
# Half characters (lone surrogates) and control characters.
_NOT_IN_NAMES = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


class UnreadableJson(ValueError):
    """The text is no JSON object, or one that can be understood in two ways; the message says what to do."""


def read_object(body: bytes) -> dict[str, Any]:
    """The object that the body is, in UTF-8; numbers with a fraction or an exponent are floats.

    Names are text that can be seen; values are left to the rules of their fields. Raises UnreadableJson.
    """
    text = _decoded(body)
    if not text.strip():
        raise UnreadableJson("Send a JSON object: the body is empty.")
    if _depth(body) > MAX_DEPTH:
        raise UnreadableJson(f"Send a JSON object that is at most {MAX_DEPTH} levels deep.")
    try:
        value = json.loads(
            text, object_pairs_hook=_object, parse_float=_number, parse_int=_whole_number, parse_constant=_no_constant
        )
    except json.JSONDecodeError as error:
        raise UnreadableJson(_advice(error)) from None
    if not isinstance(value, dict):
        raise UnreadableJson("Send a JSON object, which begins with { and ends with }.")
    return value


def _decoded(body: bytes) -> str:
    if body.startswith(_BOM):
        raise UnreadableJson("Send the JSON without a byte order mark before it.")
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise UnreadableJson(f"Send the JSON in UTF-8, which byte {error.start + 1} of the body is not.") from None


def _depth(body: bytes) -> int:
    """How deep the brackets outside of strings go; brackets after a mistake count too, which changes nothing.

    Looked at before the parser does, which calls itself for each level until the stack is full.
    """
    # In UTF-8 quotes, backslashes and brackets are never a part of another character.
    outside = body.replace(rb"\\", b"").replace(rb"\"", b"").split(b'"')[::2]
    brackets = re.findall(rb"[\[\]{}]", b"".join(outside))
    return max(accumulate(1 if bracket in b"[{" else -1 for bracket in brackets), default=0)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if _NOT_IN_NAMES.search(name):
            raise UnreadableJson(f"Take the unreadable character out of the name “{_excerpt(name)}”.")
        if name in found:
            raise UnreadableJson(f"Give “{_excerpt(name)}” only once in an object.")
        found[name] = value
    return found


def _number(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise UnreadableJson(f"Give a number nearer to zero than {_excerpt(digits)}.")
    return number


def _whole_number(digits: str) -> int:
    try:
        return int(digits)
    except ValueError:  # more digits than Python takes, as their time is quadratic
        raise UnreadableJson(f"Give a number with fewer digits than {_excerpt(digits)}.") from None


def _no_constant(name: str) -> NoReturn:
    raise UnreadableJson(f"Give a number or null instead of {name}, which is not JSON.")


def _advice(error: json.JSONDecodeError) -> str:
    what = error.msg.removesuffix(" at").removesuffix(" starting")
    return f"Correct the JSON at line {error.lineno}, column {error.colno}: {what[0].lower()}{what[1:]}."


def _excerpt(text: str) -> str:
    shown = "".join(char if char.isprintable() else "\ufffd" for char in text[:_EXCERPT_LENGTH])
    return shown if len(text) <= _EXCERPT_LENGTH else shown + "…"
