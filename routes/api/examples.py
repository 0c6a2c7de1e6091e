"""The examples of the documentation: one story of a shop, told by requests and their answers in story.http.

A test runs it from top to bottom and compares every answer, so that nothing there can become untrue. by_hand.http has
the answers that nobody can ask for: of a server that is busy, broken or asked too often.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

_PLACE = re.compile(r"\{([a-z_]+)\}")
_PROBLEM = re.compile(r'"type": "/problems/([a-z-]+)"')
_EXAMPLE = re.compile(r"^### (.+)\n\n([\s\S]+?)\n\nHTTP/1\.1 ([\s\S]+?)\n*(?=^### |\Z)", re.MULTILINE)


class Message(NamedTuple):
    """A request or an answer, taken apart."""

    first: str
    """`POST /api/v1/purchases`, or `201 Created`."""
    headers: Mapping[str, str]
    body: str


class Example(NamedTuple):
    """A request and its answer as they are shown.

    Every request has a token and, with a body, is of JSON, unless its headers say otherwise. `{names}` stand for what
    is different in every shop, like ids; in JSON, "…" stands for more than is shown.
    """

    title: str
    asked: str
    answered: str

    @property
    def request(self) -> Message:
        return _take_apart(self.asked)

    @property
    def answer(self) -> Message:
        return _take_apart(self.answered)

    @property
    def method(self) -> str:
        return self.request.first.partition(" ")[0]

    @property
    def path(self) -> str:
        return self.request.first.partition(" ")[2]

    @property
    def status(self) -> int:
        return int(self.answer.first.partition(" ")[0])

    @property
    def problems(self) -> list[str]:
        """The names of the problems in the answer."""
        return _PROBLEM.findall(self.answered)


def shown(text: str) -> str:
    """With something that looks right in the places of names."""
    return _PLACE.sub(lambda place: SAMPLES.get(place[1], place[0]), text)


def filled(text: str, known: Mapping[str, str]) -> str:
    """With what is known by now in the places of names."""
    return _PLACE.sub(lambda place: known.get(place[1], place[0]), text)


def of_problem(name: str) -> list[Example]:
    """The examples that answer with a problem; inside a batch only when it comes nowhere else."""
    found = [example for example in (*STORY, *BY_HAND) if name in example.problems]
    return [example for example in found if example.status >= 400] or found


def _read(file_name: str) -> Iterator[Example]:
    text = Path(__file__).with_name(file_name).read_text(encoding="utf-8")
    return (Example(*parts) for parts in _EXAMPLE.findall(text))


def _take_apart(text: str) -> Message:
    head, _, body = text.partition("\n\n")
    first, *headers = head.split("\n")
    pairs = (header.partition(":") for header in headers)
    return Message(first, {name: value.strip() for name, _, value in pairs}, body)


SAMPLES = {
    "sue": "cus_01kajf3d6rf0ntw8z5hb2q7xmc",
    "tim": "cus_01kajf4m0he5avrd3k9y1c6pzs",
    "other_tim": "cus_01kajf6b7xe8jstn4v0w2g5hqr",
    "tom": "cus_01kajf9wq2fgkb6x7d1m3n8tyv",
    "shirts": "pur_01kajf3tgve9z8c2m4q6w1hrnd",
    "book": "pur_01kajf4m5nfkx0y7b3d9t2vscg",
    "pens": "pur_01kajf7x1ae1h5r8n2z4k6wqpm",
    "phone_added": "act_01kajf5h9cf2d4g6j8m0p1q3s5",
    "shirts_restored": "act_01kajf5k2be1d3f5h7m9p0q2r4",
    "purchase_history_cursor": "7c05e2b9a41d.WyIwMTljYTRmMS0…",
    "susan_kept": "act_01kajf3d8tf7w9y1a2c4e6g8k0",
    "merge": "act_01kajf8k3medvt5q7r9x0z2b4n",
    "merge_undone": "act_01kajf8z6rf3h5k7n9q1s2v4x6",
    "update_undone": "act_01kajf9x2mek3b6d8g0j1n4q7s",
    "split": "act_01kajf9wt8e0c2f4h6m8p9r1t3",
    "tim_etag": "5d41c0a97b2e4f6688d1035c9ea7b210",
    "tim_new_etag": "c83f19d2604b7ae5913f7d08b65a2ce4",
    "shirts_etag": "0b7e5a1f93c84d26a5f0e8127c6d39b4",
    "shirts_new_etag": "e92d4c7018af5b36d7149c0ea8b3f265",
    "shirts_last_etag": "7f30b6d85ce2419a0e6d28f3b19c75a4",
    "purchases_cursor": "b06d2f81c3a9.WyIyMDI2LTExLTIxIiwiMDE5Y…",
    "customers_cursor": "4e8a17f5d02c.WyJzdWUiLCIwMTljYTRm…",
    "toms_cursor": "93c5e07b1f6a.WyIyMDI2LTExLTIxIiwiMDE5Y2…",
    "made_key": "2f6d0c1a-94b3-4e57-8a60-d13c9b7e5f28",
    "request_id": "019ca4f31b7c7d02a6e58f3c901d4b7e",
    "customers_token": "till_…",
}
"""What is shown in the places of names."""

STORY = tuple(_read("story.http"))
BY_HAND = tuple(_read("by_hand.http"))
