"""Whether a request can be made that breaks Tillbook: at every door, by nobody and by who has an account.

No answer may be a 5xx (but a 503 that says when to try again), none may take longer than 5 s, and in the end exactly
those purchases must be there of which an answer said so.
"""

import argparse
import json
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from http.client import HTTPException
from itertools import cycle
from urllib.parse import urlencode

from flask import Flask, current_app
from sqlalchemy import Connection, Table, func, select

from bench.attacks import Attack, Attacker, Known, Material, Visitor, no_ids
from bench.crash import faults_of, postgresql, sqlite
from bench.imports import fresh_app, new_user
from extensions import db
from models import ApiToken, Import, Purchase, User
from schemas.problems import judge
from schemas.table_rows import Kind
from schemas.token import TokenDetails
from services import tokens
from services.imports import is_of, kind
from tests.nasty import IN_HTML
from tests.server import Answer, Server, serve

CLIENTS = 4
PATIENCE_SECONDS = 5
PASSWORD = "not a secret"  # pragma: allowlist secret
JUST_RECORDED = re.compile(r'<form class="undo" method="post" action="/purchases/(pur_\w{26})/undo"')
PAGES_READ = 0.1  # of those that are like others; reading one takes longer than making it
SAFE = ("GET", "HEAD", "OPTIONS")
CSRF = re.compile(r'name="csrf_token"[^>]* value="([^"]+)"')
BROKEN = 599
"""Instead of the status of an answer that broke off or never came."""
VISITS = ("tries", "user_sessions")


@dataclass
class Figures:
    requests: int = 0
    seconds: float = 0
    slowest: float = 0
    slowest_door: str = ""
    statuses: Counter[int] = field(default_factory=Counter)
    doors: Counter[str] = field(default_factory=Counter)
    recorded: set[str] = field(default_factory=set)
    """The ids of the purchases that answers told of."""
    missing: int = 0
    uninvited: int = 0
    """Purchases of which no answer told."""
    imported: int = 0
    faults: list[str] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        return not (self.faults or self.missing or self.uninvited) and bool(self.recorded)

    def note(self, attack: Attack, answer: Answer, seconds: float) -> None:
        self.requests += 1
        self.statuses[answer.status] += 1
        self.doors[attack.door] += 1
        if seconds > self.slowest:
            self.slowest, self.slowest_door = seconds, attack.door
        for fault in faults_in(attack, answer, seconds):
            self.complain(fault, attack)

    def complain(self, fault: str, attack: Attack) -> None:
        sent = re.sub(rb"tillbook=[\w.-]*", b"", attack.data)[:1_000]
        self.faults.append(f"{fault}: {sent!r}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=50_000, help="to each database (%(default)s)")
    parser.add_argument("--database", choices=("sqlite", "postgresql", "both"), default="both")
    parser.add_argument("--seed", type=int, default=0, help="for what is sent (%(default)s)")
    options = parser.parse_args()
    is_good = True
    for name, database in (("sqlite", sqlite), ("postgresql", postgresql)):
        if options.database in (name, "both"):
            with database() as (url, _):
                figures = attack_all(url, options.requests, options.seed)
            tell(name, figures)
            is_good = is_good and figures.is_good
    return 0 if is_good else 1


def attack_all(url: str, requests: int, number: int, *, is_watched: bool = False) -> Figures:
    """Sends so many, and counts what is there in the end.

    If `is_watched`, one after the other, and all tables are compared before and after each that is refused or reads.
    """
    figures, chance = Figures(), random.Random(number)
    with fresh_app(url):
        app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
        users = [new_user(f"visitor{place}@example.com") for place in range(2)]
        ids = no_ids()
        visitors = [(Visitor(user.email, new_token(user)), Known(app, ids)) for user in users]
        db.session.remove()
        material = Material.of(app, requests, number)
        with serve(url, TRUSTED_PROXIES="1", API_RATE_LIMIT="1000000 per minute", LOG_LEVEL="WARNING") as server:
            attackers = [
                Attacker(known, replace(visitor), material, random.Random(chance.random()))
                for visitor, known in visitors * (1 if is_watched else CLIENTS // 2)
            ]
            clients = [Client(server, attacker, figures) for attacker in attackers]
            began = time.perf_counter()
            for client in clients:
                client.look_around()
            send(requests, clients, is_watched=is_watched)
            figures.seconds = time.perf_counter() - began
            wait_for_imports()
            figures.faults += faults_of(server)
        count_all(figures)
    return figures


def new_token(user: User) -> str:
    details = judge(TokenDetails, {"name": "Doors", "scopes": ApiToken.SCOPES, "expires_in_days": None})
    _, token = tokens.make(details, user=user)
    db.session.commit()
    return token


def send(requests: int, clients: list["Client"], *, is_watched: bool) -> None:
    if is_watched:
        watch_all(requests, clients)
        return
    left = iter(range(requests))
    with ThreadPoolExecutor(len(clients)) as pool:
        for sending in [pool.submit(client.attack_while, left) for client in clients]:
            sending.result()


def watch_all(requests: int, clients: list["Client"]) -> None:
    before = content()
    for _, client in zip(range(requests), cycle(clients), strict=False):
        attack, answer = client.attack()
        after = content()
        if is_nothing_to_store(attack, answer) and after != before:
            client.figures.complain(f"something was stored by a {answer.status}", attack)
        if client.go_on(attack, answer):
            wait_for_imports()
            after = content()
        before = after


@dataclass
class Client:
    """Sends what an attacker makes, and goes on like a browser."""

    server: Server
    attacker: Attacker
    figures: Figures

    @property
    def visitor(self) -> Visitor:
        return self.attacker.visitor

    @property
    def known(self) -> Known:
        return self.attacker.known

    def look_around(self) -> None:
        """Signs in, records a few purchases and opens the pages that others start from."""
        self.sign_in()
        for name in ("Tim", "Sue", "Ann"):
            headers = {"Host": "localhost", "Authorization": f"Bearer {self.visitor.token}", "Connection": "close"}
            headers["Content-Type"] = "application/json"
            body = json.dumps({"customer": {"name": name, "email": f"{name}@example.com"}, "item": "a book"}).encode()
            self.ask(Attack("look around", "POST", "/api/v1/purchases", headers, body))
        for rule in self.known.app.url_map.iter_rules():
            if "GET" in (rule.methods or ()) and "<" not in rule.rule:
                self.get(rule.rule)

    def attack_while(self, left: Iterator[int]) -> None:
        for _ in left:
            self.go_on(*self.attack())

    def attack(self) -> tuple[Attack, Answer]:
        attack = self.attacker.attack()
        return attack, self.ask(attack)

    def go_on(self, attack: Attack, answer: Answer) -> bool:
        """What a visitor does then; whether that may have stored something."""
        requests = self.figures.requests
        if attack.headers.get("Cookie") == self.visitor.cookie_header:
            self.follow(answer)
        elif answer.status == 401 and attack.headers.get("Authorization") == self.visitor.authorization:
            self.renew_token()
            return True
        return self.figures.requests > requests

    def follow(self, answer: Answer) -> None:
        """Opens the page that the answer leads to, and signs in again where that is needed."""
        self.visitor.take_cookie(answer)
        target = location(answer)
        if target.startswith("/login") or answer.status == 401 or "open for too long" in answer.body:
            self.renew_session()
        elif target:
            self.read(target)

    def read(self, path: str) -> None:
        """The page as it is once it comes, and once what it waits for is done."""
        for _ in range(100):
            page = self.get(path)
            path = location(page) or path
            if page.status == 503 or "data-progress" in page.body:
                time.sleep(0.05)
            elif not location(page):
                break
        self.learn_forms(Attack("browse", "GET", path, {}), page)

    def renew_session(self) -> None:
        page = self.get("/account")
        if page.status != 200:
            self.sign_in()

    def renew_token(self) -> None:
        with self.known.app.app_context():
            found = select(User).where(User.email == self.visitor.email)
            self.visitor.token = new_token(db.session.scalars(found).one())

    def sign_in(self) -> None:
        self.visitor.cookie = ""
        self.get("/login")
        fields = {"csrf_token": self.visitor.csrf, "email": self.visitor.email, "password": PASSWORD}
        headers = self.attacker.headers() | {"Content-Type": "application/x-www-form-urlencoded"}
        headers["Cookie"] = self.visitor.cookie_header
        answer = self.ask(Attack("sign in", "POST", "/login", headers, urlencode(fields).encode()))
        if answer.status != 303:
            self.figures.faults.append(f"nobody is let in with the right password, but answered a {answer.status}")
        self.visitor.take_cookie(answer)
        self.get("/account")

    def get(self, path: str) -> Answer:
        headers = self.attacker.headers() | {"Cookie": self.visitor.cookie_header}
        answer = self.ask(Attack("browse", "GET", path, headers))
        self.visitor.take_cookie(answer)
        if found := CSRF.search(answer.body):
            self.visitor.csrf = found[1]
        return answer

    def ask(self, attack: Attack) -> Answer:
        began = time.perf_counter()
        try:
            answer = self.server.ask(attack.data, hangs_up=attack.is_odd)
        except (OSError, HTTPException) as broken:
            answer = Answer(BROKEN, body=repr(broken))
        self.figures.note(attack, answer, time.perf_counter() - began)
        self.learn(attack, answer)
        return answer

    def learn(self, attack: Attack, answer: Answer) -> None:
        self.figures.recorded |= told_of(answer)
        self.known.learn_ids(answer.body)
        is_new = self.figures.doors[attack.door] < 3 or self.attacker.chance.random() < PAGES_READ
        if is_new and not attack.is_odd:
            self.learn_forms(attack, answer)

    def learn_forms(self, attack: Attack, answer: Answer) -> None:
        if "<html" in answer.body and answer.status < 500:
            try:
                self.known.learn_forms(attack.path, answer.body)
            except AssertionError as wrong:
                self.figures.complain(f"a page that breaks a rule, {wrong!r}", attack)


def told_of(answer: Answer) -> set[str]:
    """The ids of purchases of which an answer says that they were recorded."""
    told = set(JUST_RECORDED.findall(answer.body))
    if answer.status in (200, 201) and "application/json" in answer.headers and answer.body:
        body = json.loads(answer.body)
        if answer.status == 201:
            told.add(body["id"])
        told |= {result["purchase"]["id"] for result in body.get("results", ()) if "purchase" in result}
    return {one for one in told if one.startswith("pur_")}


def location(answer: Answer) -> str:
    """Where a browser goes on; blank where it stays."""
    found = re.search(r"(?mi)^Location: (.*)$", answer.headers)
    return found[1].strip() if found and answer.status in (302, 303) else ""


def faults_in(attack: Attack, answer: Answer, seconds: float) -> Iterator[str]:
    if answer.status >= 500 and not (answer.status == 503 and "Retry-After" in answer.headers):
        yield f"a {answer.status} {answer.body[:200]}"
    if answer.status == 0 and not attack.is_odd:
        yield "no answer"
    if seconds > PATIENCE_SECONDS:
        yield f"an answer after {seconds:.1f} s"
    if "text/html" in answer.headers and any(part in answer.body for part in IN_HTML):
        yield "markup of a stranger"
    if re.search(r"(?mi)^(Set-Cookie: planted|Location: (?!/(?![/\\])))", answer.headers):
        yield "a header of a stranger"


def is_nothing_to_store(attack: Attack, answer: Answer) -> bool:
    return answer.status == 0 or answer.status >= 400 or attack.method in SAFE


def content() -> dict[str, int]:
    """What all tables hold, but for who was here when and who tried what."""
    tables = [table for table in db.metadata.sorted_tables if table.name not in VISITS]
    with db.engine.connect() as connection:
        return {table.name: content_of(table, connection) for table in tables}


def content_of(table: Table, connection: Connection) -> int:
    columns = [column for column in table.columns if column.name != "last_used_at"]
    return hash(frozenset(map(str, connection.execute(select(*columns)))))


def wait_for_imports() -> None:
    """Until none is under way."""
    busy = select(func.count()).select_from(Import).where(Import.status.in_(Import.BUSY))
    while db.session.scalar(busy):
        db.session.rollback()
        time.sleep(0.02)
    db.session.rollback()


def count_all(figures: Figures) -> None:
    stored = {one.public_id for one in db.session.scalars(select(Purchase).where(Purchase.source != "import"))}
    figures.missing = len(figures.recorded - stored)
    figures.uninvited = len(stored - figures.recorded)
    for file in db.session.scalars(select(Import)):
        rows = db.session.scalar(select(func.count()).select_from(Purchase).where(is_of(file))) or 0
        told = file.outcome["recorded"] if file.action_id and file.outcome and kind(file) == Kind.PURCHASES else 0
        figures.imported += rows
        figures.missing += max(0, told - rows)
        figures.uninvited += max(0, rows - told)


def tell(name: str, figures: Figures) -> None:
    classes = Counter({f"{status // 100}xx": 0 for status in figures.statuses})
    for status, number in figures.statuses.items():
        classes[f"{status // 100}xx" if status else "closed"] += number
    told = ", ".join(f"{number:,} × {what}" for what, number in sorted(classes.items()) if number)
    print(f"{name}: {figures.requests:,} requests to {len(figures.doors)} doors in {figures.seconds:,.0f} s: {told}")
    print(f"  503: {figures.statuses[503]}; slowest: {figures.slowest:.2f} s ({figures.slowest_door})")
    print(f"  purchases: {len(figures.recorded):,} told of, {figures.missing} missing, {figures.uninvited} uninvited,")
    print(f"    {figures.imported:,} imported")
    print(f"  faults: {len(figures.faults)}", *figures.faults[:20], sep="\n    ", flush=True)


if __name__ == "__main__":
    sys.exit(main())
