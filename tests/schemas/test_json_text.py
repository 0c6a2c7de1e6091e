"""JSON that every reader understands in the same way, and what is refused."""

import json
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from schemas.json_text import MAX_DEPTH, UnreadableJson, read_object


def refusal(body: str | bytes) -> str:
    with pytest.raises(UnreadableJson) as refused:
        read_object(body.encode() if isinstance(body, str) else body)
    return str(refused.value)


def nested(depth: int, opening: str, closing: str) -> str:
    """An object with so many levels."""
    return '{"a":' + opening * (depth - 1) + "1" + closing * (depth - 1) + "}"


@pytest.mark.parametrize(
    ("body", "value"),
    [
        ("{}", {}),
        (" \r\n\t{ } \n", {}),
        ('{"item": "a book", "quantity": 2}', {"item": "a book", "quantity": 2}),
        ('{"a": [1, [2], {"a": null}], "b": {"a": true}}', {"a": [1, [2], {"a": None}], "b": {"a": True}}),
        ('{"": "", "Größe": "本"}', {"": "", "Größe": "本"}),
        ('{"a": "\\ud83d\\ude00 \\"\\\\[[{"}', {"a": '😀 "\\[[{'}),
        ('{"a": "\\ud800", "b": "\\u0000", "c": "\\t"}', {"a": "\ud800", "b": "\0", "c": "\t"}),
        ('{"a": ' + "9" * 4300 + "}", {"a": 10**4300 - 1}),
        ('{"a": "' + "[" * 100 + '", "b": "\\\\"}', {"a": "[" * 100, "b": "\\"}),
        ('{"a": [' + "[],{}," * 100 + "1]}", {"a": [[], {}] * 100 + [1]}),
    ],
)
def test_an_object_is_read(body: str, value: dict[str, object]) -> None:
    assert read_object(body.encode()) == value


@pytest.mark.parametrize(
    ("number", "kind"), [("1", int), ("-0", int), ("1.0", float), ("1e2", float), ("-1E-400", float), ("1.5", float)]
)
def test_a_number_with_a_fraction_or_an_exponent_is_a_float(number: str, kind: type) -> None:
    assert type(read_object(f'{{"a": {number}}}'.encode())["a"]) is kind


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("", "Send a JSON object: the body is empty."),
        (" \n", "Send a JSON object: the body is empty."),
        ("[]", "Send a JSON object, which begins with { and ends with }."),
        ('"{}"', "Send a JSON object, which begins with { and ends with }."),
        ("5", "Send a JSON object, which begins with { and ends with }."),
        ("null", "Send a JSON object, which begins with { and ends with }."),
        (b"\xef\xbb\xbf{}", "Send the JSON without a byte order mark before it."),
        (b'{"a": "\xff"}', "Send the JSON in UTF-8, which byte 8 of the body is not."),
        (b'{"a": "\xed\xa0\x80"}', "Send the JSON in UTF-8, which byte 8 of the body is not."),
        ("{}".encode("utf-16"), "Send the JSON in UTF-8, which byte 1 of the body is not."),
        ('{"a": 1, "b": 2, "a": 3}', "Give “a” only once in an object."),
        ('{"a": 1, "\\u0061": 1}', "Give “a” only once in an object."),
        ('{"a": [{"b": {"c": 1, "c": 1}}]}', "Give “c” only once in an object."),
        (f'{{"{"x" * 99}": 1, "{"x" * 99}": 1}}', f"Give “{'x' * 40}…” only once in an object."),
        ('{"\u202ea": 1, "\u202ea": 1}', "Give “\ufffda” only once in an object."),
        ('{"a": NaN}', "Give a number or null instead of NaN, which is not JSON."),
        ('{"a": [Infinity]}', "Give a number or null instead of Infinity, which is not JSON."),
        ('{"a": -Infinity}', "Give a number or null instead of -Infinity, which is not JSON."),
        ('{"a": 1e400}', "Give a number nearer to zero than 1e400."),
        ('{"a": -1e400}', "Give a number nearer to zero than -1e400."),
        (f'{{"a": {"1" * 400}.5}}', f"Give a number nearer to zero than {'1' * 40}…."),
        (f'{{"a": {"1" * 4301}}}', f"Give a number with fewer digits than {'1' * 40}…."),
        ('{"a\\u0000b": 1}', "Take the unreadable character out of the name “a\ufffdb”."),
        ('{"a\\n": 1}', "Take the unreadable character out of the name “a\ufffd”."),
        ('{"a": {"\\udc00": 1}}', "Take the unreadable character out of the name “\ufffd”."),
        ('{"\x7f": 1}', "Take the unreadable character out of the name “\ufffd”."),
        ('{"a": 1} x', "Correct the JSON at line 1, column 10: extra data."),
        ('{"a": 1}{}', "Correct the JSON at line 1, column 9: extra data."),
        ('{\n "a" 1}', "Correct the JSON at line 2, column 6: expecting ':' delimiter."),
        ('{"a": "b', "Correct the JSON at line 1, column 7: unterminated string."),
        ('{"a": "b\nc"}', "Correct the JSON at line 1, column 9: invalid control character."),
        ('{"a": "\\x"}', "Correct the JSON at line 1, column 8: invalid \\escape."),
        ("{'a': 1}", "Correct the JSON at line 1, column 2: expecting property name enclosed in double quotes."),
        ('{"a": 01}', "Correct the JSON at line 1, column 8: expecting ',' delimiter."),
        ('{"a": +1}', "Correct the JSON at line 1, column 7: expecting value."),
        ('{"a": tru}', "Correct the JSON at line 1, column 7: expecting value."),
    ],
)
def test_what_is_no_object_is_refused_in_words(body: str | bytes, message: str) -> None:
    assert refusal(body) == message


@pytest.mark.parametrize("body", ['{"a": 1,}', '{"a": [1,]}', "{", "{]", '{"a"}', "{} // done", "\0", "{}\0", "}{"])
def test_what_each_python_words_in_its_own_way_is_refused_too(body: str) -> None:
    assert refusal(body).startswith("Correct the JSON at line 1, column ")


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}"), ('[{"\\"]":', "}]")])
def test_an_object_has_at_most_so_many_levels(opening: str, closing: str) -> None:
    levels = opening.count("[") + opening.count("{")
    most = (MAX_DEPTH - 1) // levels + 1
    assert read_object(nested(most, opening, closing).encode())
    assert refusal(nested(most + 1, opening, closing)) == "Send a JSON object that is at most 20 levels deep."


@pytest.mark.parametrize("part", ["[", '{"a":', '{"a":[', '"', '\\"', '"\\', "[]", '{"a":"', "1", "]", '{"a":1,"a":1,'])
@pytest.mark.parametrize("before", ["", '{"a":', '{"a":"'])
def test_what_is_large_and_broken_is_refused_at_once(before: str, part: str) -> None:
    body = (before + part * (1_000_000 // len(part))).encode()
    began = time.perf_counter()
    refusal(body)
    assert time.perf_counter() - began < 3  # it takes 0.2 s; what grows quadratically takes minutes


names = st.text(st.characters(exclude_categories=["Cc", "Cs"]))
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda parts: st.lists(parts, max_size=4) | st.dictionaries(names, parts, max_size=4),
    max_leaves=8,
)


@given(st.dictionaries(names, values, max_size=4), st.booleans())
def test_whatever_is_written_as_json_is_read_back(value: dict[str, object], is_ascii: bool) -> None:
    text = json.dumps(value, ensure_ascii=is_ascii)
    assert read_object(text.encode()) == json.loads(text) == value


mistakes = st.lists(
    st.sampled_from([*'{}[]",:\\\0 1-.eE+', "\ufeff", "NaN", '{"a":', '"b"', "null", "\\u0000", "\\ud800"])
)


@given(st.binary() | mistakes.map("".join).map(str.encode))
@example(b'{"a":' * 100_000)
@example(b"[" * 100_000)
def test_any_bytes_are_an_object_or_refused(body: bytes) -> None:
    try:
        value = read_object(body)
    except UnreadableJson as refused:
        message = str(refused)
        assert message.endswith(".")
        assert len(message.encode()) < 300
        assert message.isprintable()
    else:
        assert isinstance(value, dict)
        assert value == json.loads(body)
