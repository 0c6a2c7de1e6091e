"""Requests that nobody sends by accident.

They are made of the map of routes, the forms on the pages and the API's own description, so that a new door is
attacked without anybody adding it here; into them go texts that have broken other programs.
"""

import json
import random
import re
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from itertools import cycle
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode, urlsplit

import schemathesis
from bs4 import BeautifulSoup, Tag
from flask import Flask
from hypothesis import HealthCheck, Phase, given, seed, settings, strategies
from hypothesis.errors import Unsatisfiable
from requests import Request
from schemathesis import GenerationMode
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Rule

from tests.cast import purchase_values, registration_values
from tests.nasty import NASTY
from tests.pages import check, values_of
from tests.server import Answer
from tests.test_bad_input import BAD

METHODS = ["PUT", "DELETE", "HEAD", "OPTIONS", "TRACE", "CONNECT", "get", "PROPFIND", "X" * 300, "G=T"]
HEADERS = [
    "Accept",
    "Accept-Language",
    "Accept-Encoding",
    "Authorization",
    "Content-Encoding",
    "Content-Type",
    "Cookie",
]
HEADERS += [
    "Expect",
    "Forwarded",
    "Host",
    "If-Match",
    "If-Modified-Since",
    "If-None-Match",
    "Idempotency-Key",
    "Origin",
]
HEADERS += ["Range", "Referer", "Sec-Fetch-Site", "Transfer-Encoding", "Upgrade", "User-Agent", "X-CSRFToken"]
HEADERS += ["X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-HTTP-Method-Override", "X-Request-Id"]
QUERY = ["after", "before", "next", "q", "limit", "cursor", "sort", "from", "to", "status", "x"]
TYPES = ["application/json", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=b", "x"]
TYPES += [
    "application/x-www-form-urlencoded; charset=utf-16",
    "multipart/form-data",
    "application/json; charset=latin-1",
]
GOOD: dict[str, list[str]] = {
    "customer": ["Tim", "Tom <tom@example.com>", "Sue (+1 212 555 0100)", "Ann"],
    "amount": ["15.50", "$3", "EUR 20", ""],
    "quantity": ["1", "2"],
    "sentence": ["", "", "", "Tim bought two books for 15.50 yesterday"],
    "purchased_on": ["today", "2026-01-31", "yesterday"],
    "name": ["Tim Miller", "Till 7"],
    "new_password": ["another good one"],
    "q": ["ti", "sue"],
    "scopes": ["purchases:read"],
    **{name: [value] for name, value in (registration_values() | purchase_values()).items() if name != "customer"},
}
"""What would do in a field of this name."""
PURCHASE = {"customer": {"name": "Tim"}, "item": "a book", "amount": {"amount": "15.50", "currency": "USD"}}
CUSTOMER_ID, PURCHASE_ID = "cus_01h455vb4pex5vsknk084sn02q", "pur_01h455vb4pex5vsknk084sn02q"
BODIES: list[dict[str, Any]] = [
    PURCHASE,
    {"customer_id": CUSTOMER_ID, "item": "a pen", "quantity": 2},
    {"sentence": "Tim bought two books for 15.50 yesterday"},
    {"purchases": [PURCHASE, PURCHASE | {"idempotency_key": "twice"}, {"item": ""}]},
    {"name": "Tim Miller", "email": "tim@example.com"},
    {"item": "a pencil"},
    {"reason": "returned"},
    {"from_customer_id": CUSTOMER_ID},
    {"purchase_ids": [PURCHASE_ID], "customer": {"name": "Eve"}},
]
"""What would do at some address of the API, with other ids."""
RECORDING = {"purchases.record", "api.record", "api.record_batch", "imports.upload", "imports.check", "imports.record"}
ID = re.compile(r"\b([a-z]{3})_[0-7][0-9a-hjkmnp-tv-z]{25}\b")


@dataclass
class Visitor:
    """Somebody with an account, whom `cookie` and `token` let in."""

    email: str
    token: str = ""
    cookie: str = ""
    csrf: str = ""

    @property
    def cookie_header(self) -> str:
        return f"tillbook={self.cookie}"

    @property
    def authorization(self) -> str:
        return f"Bearer {self.token}"

    def take_cookie(self, answer: Answer) -> None:
        for line in re.findall(r"(?mi)^Set-Cookie: (tillbook=.*)$", answer.headers):
            self.cookie = SimpleCookie(line)["tillbook"].value


@dataclass
class Attack:
    door: str
    method: str
    path: str
    headers: dict[str, str]
    body: bytes = b""
    damaged: bytes | None = None
    """What is sent instead, which need not be HTTP."""
    is_odd: bool = False
    """Its head may be no HTTP either."""

    @property
    def data(self) -> bytes:
        if self.damaged is not None:
            return self.damaged
        length = {"Content-Length": str(len(self.body))} if self.body or self.method == "POST" else {}
        head = [
            f"{self.method} {self.path} HTTP/1.1",
            *(f"{name}: {text}" for name, text in (length | self.headers).items()),
        ]
        return "\r\n".join(head).encode("utf-8", "surrogatepass") + b"\r\n\r\n" + self.body


class PageForm(NamedTuple):
    action: str
    fields: dict[str, str]


@dataclass
class Known:
    """What the visitors of a shop have seen: ids by their prefix, and by endpoint the forms that lead there."""

    app: Flask
    ids: dict[str, deque[str]]
    """Those of all shops."""
    forms: dict[str, deque[PageForm]] = field(default_factory=lambda: defaultdict(lambda: deque(maxlen=30)))

    def learn_ids(self, text: str) -> None:
        for found in list(ID.finditer(text))[:50]:
            self.ids[found[1]].append(found[0])

    def learn_forms(self, path: str, page: str) -> None:
        """Raises AssertionError where the page breaks a rule that holds for every page."""
        soup = BeautifulSoup(page, "html.parser")
        check(soup)
        for form in soup("form"):
            self._learn(form, str(form.get("action") or path))

    def _learn(self, form: Tag, action: str) -> None:
        method = str(form.get("method", "get")).upper()
        try:
            endpoint, _ = self.app.url_map.bind("localhost").match(urlsplit(action).path, method)
        except HTTPException:
            return
        self.forms[endpoint].append(PageForm(action, values_of(form)))


class Material(NamedTuple):
    """What attacks are made of, by all attackers together."""

    doors: Iterator[tuple[Rule, str]]
    """Each route with each of its methods, over and over."""
    cases: Iterator[Attack]
    texts: list[str]

    @classmethod
    def of(cls, app: Flask, requests: int, number: int) -> "Material":
        chance = random.Random(number)
        return cls(cycle(doors(app, chance)), cycle(cases(app, requests // 200 + 2, chance)), made_up_texts(number))


@dataclass
class Attacker:
    """Makes one attack after the other."""

    known: Known
    visitor: Visitor
    material: Material
    chance: random.Random

    def attack(self) -> Attack:
        attack = self._case() if self._happens(0.25) else self._at_door(*next(self.material.doors))
        while self._happens(0.07):
            attack.headers[self.chance.choice(HEADERS)], attack.is_odd = self.text(), True
        if self._happens(0.03):
            attack.method, attack.is_odd = self.chance.choice(METHODS), True
        if self._happens(0.06):
            attack.damaged, attack.is_odd = self.chance.choice(DAMAGES)(self.chance, attack), True
        return attack

    def text(self) -> str:
        return self.chance.choice(self.material.texts)

    def _happens(self, share: float) -> bool:
        return self.chance.random() < share

    def _at_door(self, rule: Rule, method: str) -> Attack:
        is_for_programs = rule.endpoint.startswith("api.")
        attack = Attack(
            rule.endpoint, method, self._path(rule), self._visitors_headers(is_for_programs=is_for_programs)
        )
        if method not in ("POST", "PATCH"):
            if self._happens(0.5):
                attack.path += "?" + self._query(rule.endpoint)
        elif is_for_programs:
            attack.headers["Content-Type"] = "application/json"
            body = ID.sub(self._known_id, json.dumps(self.chance.choice(BODIES))).encode()
            attack.body = self._spoil_json(body) if self._happens(0.5) else body
        else:
            self._fill_in(attack)
        return attack

    def headers(self) -> dict[str, str]:
        """What every request has: another address each, so that nobody is told to wait."""
        address = ".".join(str(self.chance.randrange(1, 255)) for _ in range(4))
        return {"Host": "localhost", "Connection": "close", "X-Forwarded-For": address}

    def _visitors_headers(self, *, is_for_programs: bool) -> dict[str, str]:
        headers = self.headers()
        if is_for_programs and self._happens(0.95):
            headers["Authorization"] = self.visitor.authorization
        if not is_for_programs:
            headers["Sec-Fetch-Site"] = "same-origin" if self._happens(0.95) else "cross-site"
            if self._happens(0.9):
                headers["Cookie"] = self.visitor.cookie_header
        return headers

    def _path(self, rule: Rule) -> str:
        def part(found: re.Match[str]) -> str:
            prefix = rule._converters[found[1]].regex.partition("_")[0]
            ids = self.known.ids.get(prefix)
            if ids and self._happens(0.85):
                return self.chance.choice(ids)
            return quote(self.text(), safe=self.chance.choice(("", "/.%;")), errors="surrogatepass")

        return re.sub(r"<(?:\w+:)?(\w+)>", part, rule.rule)

    def _query(self, endpoint: str) -> str:
        forms = self.known.forms.get(endpoint)
        fields = dict(self.chance.choice(forms).fields) if forms and self._happens(0.7) else {}
        for name in self.chance.sample(sorted({*fields, *QUERY}), k=2):
            fields[name] = self._value()
        return urlencode(fields, errors="surrogatepass")

    def _name(self) -> str:
        forms = self.known.forms[self.chance.choice(list(self.known.forms))] if self.known.forms else ()
        names = [*GOOD, *(name for form in tuple(forms) for name in form.fields)]
        return self.chance.choice(names) if self._happens(0.9) else self.text()

    def _value(self) -> str:
        return self.text() if self._happens(0.7) else self.chance.choice(GOOD[self.chance.choice(list(GOOD))])

    def _fill_in(self, attack: Attack) -> None:
        """A form as a page has it, filled in well or badly; or what no page has."""
        forms = self.known.forms.get(attack.door)
        fields: dict[str, str] = {self._name(): self._value() for _ in range(2)}
        if forms and self._happens(0.95):
            action, found = self.chance.choice(forms)
            attack.path = action if self._happens(0.9) else attack.path
            fields = self._filled_in(found)
        fields["csrf_token"] = self.visitor.csrf if self._happens(0.97) else self.text()
        if self._happens(0.5):
            self._spoil(fields)
        if "file" in fields:
            attack.headers["Content-Type"], attack.body = "multipart/form-data; boundary=b", self._parts(fields)
        else:
            attack.headers["Content-Type"] = TYPES[2] if self._happens(0.95) else self.chance.choice(TYPES)
            attack.body = urlencode(fields, errors="surrogatepass").encode()

    def _filled_in(self, found: dict[str, str]) -> dict[str, str]:
        share = self.chance.choice((0, 0, 0.2, 1))
        fields = {
            name: value if self._happens(share) else self.chance.choice(GOOD.get(name, [value]))
            for name, value in found.items()
        }
        if fields.get("key") and self._happens(0.9):
            fields["key"] = f"{self.chance.getrandbits(64):x}"
        if "email" in fields and self._happens(0.5):
            fields["email"] = f"user{self.chance.randrange(500)}@example.com"
        return fields

    def _spoil(self, fields: dict[str, str]) -> None:
        names = [name for name in fields if name != "csrf_token"]
        for name in self.chance.sample(names, k=min(len(names), self.chance.choice((1, 1, 2, 9)))):
            fields[name] = self.text()
        if self._happens(0.05):
            fields[self._name()] = self.text()
        if self._happens(0.05):
            fields.pop(self.chance.choice(list(fields)))

    def _parts(self, fields: dict[str, str]) -> bytes:
        parts = [
            f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields.items()
        ]
        file_name = "purchases.csv" if self._happens(0.8) else self.text()
        parts[-1] = f'--b\r\nContent-Disposition: form-data; name="file"; filename="{file_name}"\r\n\r\n'
        return "".join(parts).encode("utf-8", "surrogatepass") + self._file() + b"\r\n--b--\r\n"

    def _file(self) -> bytes:
        if self._happens(0.1):
            return self.chance.randbytes(self.chance.randrange(2_000))
        columns = self.chance.sample(
            ["customer", "item", "amount", "quantity", "purchased_on", "note", self.text()], k=4
        )
        share = self.chance.choice((0, 0.1, 1))
        rows = [
            [self.text() if self._happens(share) else self.chance.choice(GOOD.get(name, ["x"])) for name in columns]
            for _ in range(self.chance.randrange(6))
        ]
        separator = self.chance.choice(",,,;\t|")
        encoding = self.chance.choice(("utf-8", "utf-8-sig", "cp1252", "utf-16"))
        table = [separator.join(f'"{cell}"' for cell in row) for row in [columns, *rows]]
        return "\n".join(table).encode(encoding, "replace")

    def _case(self) -> Attack:
        """One that the API's description says or, on purpose, does not say; with ids that exist."""
        case = next(self.material.cases)
        path = ID.sub(self._known_id, case.path)
        body = ID.sub(self._known_id, case.body.decode(errors="surrogateescape")).encode(errors="surrogateescape")
        headers = case.headers | self._visitors_headers(is_for_programs=True)
        return Attack(case.door, case.method, path, headers, self._spoil_json(body) if self._happens(0.3) else body)

    def _known_id(self, found: re.Match[str]) -> str:
        ids = self.known.ids.get(found[1])
        return self.chance.choice(ids) if ids and self._happens(0.8) else found[0]

    def _spoil_json(self, body: bytes) -> bytes:
        """With another text somewhere in it."""
        try:
            value = json.loads(body)
        except ValueError:
            return body
        inner = value
        while isinstance(inner, dict | list) and inner:
            place: Any = self.chance.choice(list(inner) if isinstance(inner, dict) else range(len(inner)))
            if not inner[place] or not isinstance(inner[place], dict | list) or self._happens(0.3):
                inner[place] = self.text()
                break
            inner = inner[place]
        return json.dumps(value, ensure_ascii=self._happens(0.5)).encode("utf-8", "surrogatepass")


def no_ids() -> dict[str, deque[str]]:
    return defaultdict(lambda: deque(maxlen=200))


def doors(app: Flask, chance: random.Random) -> list[tuple[Rule, str]]:
    """What can store something stands there thrice, and what records purchases more often."""
    found = [(rule, method) for rule in app.url_map.iter_rules() for method in sorted(rule.methods or ())]
    found = [door for door in found if door[1] not in METHODS]
    found += [door for door in found if door[1] != "GET"] * 2
    found += [door for door in found if door[0].endpoint in RECORDING] * 2
    chance.shuffle(found)
    return found


def made_up_texts(number: int) -> list[str]:
    known_bad = [value for _, value, _ in BAD if isinstance(value, str)]
    return [*NASTY, *known_bad, *made_up(strategies.text(max_size=60), 300, number)]


def cases(app: Flask, count: int, chance: random.Random) -> list[Attack]:
    """So many of each operation that the API describes, half of them against its description."""
    described = schemathesis.openapi.from_dict(app.test_client().get("/api/v1/openapi.json").json)
    found = []
    for operation in (one.ok() for one in described.get_all_operations()):
        for mode in GenerationMode:
            made = made_up(operation.as_strategy(generation_mode=mode), count // 2 + 1, chance.getrandbits(32))
            found += [_as_attack(case) for case in made]
    chance.shuffle(found)
    return found


def made_up(strategy: strategies.SearchStrategy[Any], count: int, number: int) -> list[Any]:
    found: list[Any] = []

    @seed(number)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def keep(one: Any) -> None:
        found.append(one)

    with suppress(Unsatisfiable):  # an operation that takes nothing cannot be misused by what it takes
        keep()
    return found


def _as_attack(case: Any) -> Attack:
    request = Request(**case.as_transport_kwargs(base_url="http://localhost")).prepare()
    body = request.body.encode() if isinstance(request.body, str) else request.body or b""
    kept = {name: str(value) for name, value in request.headers.items() if name not in ("Content-Length", "Cookie")}
    return Attack(case.operation.label, str(request.method), request.path_url, kept, body)


Damage = Callable[[random.Random, Attack], bytes]


def _cut(chance: random.Random, attack: Attack) -> bytes:
    return attack.data[: chance.randrange(len(attack.data))]


def _odd_byte(chance: random.Random, attack: Attack) -> bytes:
    place = chance.randrange(attack.data.index(b"\r\n\r\n"))
    return attack.data[:place] + chance.randbytes(1) + attack.data[place + 1 :]


def _garbage(chance: random.Random, _: Attack) -> bytes:
    return chance.randbytes(chance.randrange(3_000)) + b"\r\n\r\n"


def _wrong_length(chance: random.Random, attack: Attack) -> bytes:
    length = chance.choice(("-1", "five", "0", "3", "1" + "0" * 30, str(len(attack.body) + 1), "٣", "1, 1", ""))
    return _with_headers(attack, {"Content-Length": length})


def _two_lengths(_: random.Random, attack: Attack) -> bytes:
    return attack.data.replace(b"\r\n\r\n", b"\r\nContent-Length: 1\r\n\r\n", 1)


def _too_long(chance: random.Random, attack: Attack) -> bytes:
    body = attack.body + b"&x=" + b"x" * chance.choice((64_000, 1_000_000))
    return Attack(attack.door, "POST", attack.path, attack.headers, body).data


def _chunks(_: random.Random, attack: Attack) -> bytes:
    return _chunked(attack, b"%x\r\n%b\r\n0\r\n\r\n" % (len(attack.body), attack.body))


def _broken_chunks(chance: random.Random, attack: Attack) -> bytes:
    size = chance.choice((b"ZZ", b"-5", b"", b"fffffffff", b"5;=", b"0x5", b"5" * 9_999))
    return _chunked(
        attack, size + b"\r\n" + attack.body + chance.choice((b"", b"\r\n0\r\n\r\n", b"\r\n0\r\nx\r\n\r\n"))
    )


def _chunked(attack: Attack, body: bytes) -> bytes:
    head, _, _ = _with_headers(attack, {"Transfer-Encoding": "chunked"}).partition(b"\r\n\r\n")
    return re.sub(rb"\r\nContent-Length: [^\r]*", b"", head) + b"\r\n\r\n" + body


def _with_headers(attack: Attack, headers: dict[str, str]) -> bytes:
    return Attack(attack.door, attack.method, attack.path, attack.headers | headers, attack.body).data


def _deep(_: random.Random, attack: Attack) -> bytes:
    return Attack(attack.door, "POST", attack.path, attack.headers, b"[" * 60_000).data


DAMAGES: list[Damage] = [
    _cut,
    _odd_byte,
    _garbage,
    _wrong_length,
    _two_lengths,
    _too_long,
    _chunks,
    _broken_chunks,
    _deep,
]
