"""Sends a CSV file of purchases to Tillbook: each is recorded exactly once, whatever breaks on the way.

Every purchase has a key that stays the same whenever it is sent. So what went wrong, or might have, is simply sent
again. Needs nothing but Python 3.11 or newer.
"""

import argparse
import csv
import hashlib
import json
import os
import random
import re
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

COLUMNS = ["customer_id", "date", "number_of_cds", "dollar_value"]
PASSING = {429, 502, 503, 504}  # not now, but maybe in a moment
LONGEST_WAIT = 30


class Failed(Exception):
    """There is no use in going on."""


class Tillbook:
    """One connection, which stays open, and the token that lets us in."""

    def __init__(self, address: str, token: str, tries: int):
        parts = urlsplit(address)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise Failed("--url must be like https://till.example.com")
        connection = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        self._connection = connection(parts.netloc, timeout=60)
        self._root = parts.path.rstrip("/") + "/api/v1"
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self._tries = tries

    def ask(self, method: str, path: str, content: dict[str, Any] | None = None) -> dict[str, Any]:
        """The answer's JSON. May send more than once: what is sent must be safe to repeat, as it is with keys."""
        body = json.dumps(content) if content else None
        for attempt in range(1, self._tries + 1):
            wait = min(0.2 * 2**attempt, LONGEST_WAIT) * random.uniform(0.5, 1)  # many clients must not come in step
            try:
                self._connection.request(method, self._root + path, body, self._headers)
                response = self._connection.getresponse()
                answer = response.read()  # to its end: only then can the connection be used again
            except (OSError, HTTPException) as error:
                self._connection.close()  # the next request opens it anew
                trouble = f"{type(error).__name__}: {error}"
            else:
                if response.status == 200:
                    return dict(json.loads(answer))
                trouble = f"{response.status}: {reason_of(answer)}"
                if response.status not in PASSING:
                    raise Failed(trouble)
                told = response.headers.get("Retry-After", "")
                wait = min(int(told), LONGEST_WAIT) if re.fullmatch("[0-9]{1,9}", told) else wait
            if attempt < self._tries:
                print(f"{trouble}; again in {wait:.1f} s", file=sys.stderr)
                time.sleep(wait)
        raise Failed(f"{trouble}; given up after {self._tries} tries. Run it again later: nothing is recorded twice")

    def close(self) -> None:
        self._connection.close()


class Tally:
    """What became of the lines."""

    def __init__(self) -> None:
        self.recorded = self.repeated = self.quantity = 0
        self.amount = Decimal(0)
        self.customers: set[str] = set()
        self.refused: dict[int, str] = {}

    def add(self, line: int, result: dict[str, Any]) -> None:
        if "problem" in result:
            self.refused[line] = reason_of(json.dumps(result["problem"]))
            return
        self.repeated += result["replayed"]
        self.recorded += not result["replayed"]
        self.quantity += result["purchase"]["quantity"]
        self.amount += Decimal(result["purchase"]["amount"]["amount"])
        self.customers.add(result["purchase"]["customer"]["id"])


def reason_of(answer: str | bytes) -> str:
    """What a problem (RFC 9457) says; a proxy on the way may say anything."""
    try:
        problem = json.loads(answer)
        return "; ".join(error["detail"] for error in problem.get("errors", ())) or str(problem["detail"])
    except (ValueError, KeyError, AttributeError, TypeError):
        return "no reason given"


def read_purchases(options: argparse.Namespace, tally: Tally) -> Iterator[tuple[int, dict[str, Any]]]:
    """Each line's number and purchase. Whether it is right is for Tillbook to say."""
    with options.file.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.DictReader(file, restval="")  # what is missing is blank, and refused; null would mean the default
        if missing := [name for name in options.columns if name not in (rows.fieldnames or ())]:
            raise Failed(f"{options.file} has no column {', '.join(missing)}")
        for row in rows:
            if None in row:
                tally.refused[rows.line_num] = "It has more values than the first line has names"
                continue
            customer, day, quantity, amount = (row[name] for name in options.columns)
            purchase = {
                "idempotency_key": f"{options.keys}-{rows.line_num}",
                "customer": {"reference": customer},
                "item": options.item,
                "purchased_on": day,
                "quantity": int(quantity)
                if quantity.isascii() and quantity.isdecimal() and len(quantity) < 10
                else quantity,
                "amount": {"amount": amount, "currency": options.currency},
            }
            yield rows.line_num, purchase


def send_all(tillbook: Tillbook, options: argparse.Namespace) -> Tally:
    tally, number = Tally(), 0
    purchases = read_purchases(options, tally)
    while batch := dict(islice(purchases, options.size)):
        number += 1
        content = {"purchases": list(batch.values())}
        results = tillbook.ask("POST", "/purchases/batch", content)["results"]
        if options.twice_every and number % options.twice_every == 0:
            again = tillbook.ask("POST", "/purchases/batch", content)["results"]
            if [result.get("purchase") for result in again] != [result.get("purchase") for result in results]:
                raise Failed(f"Request {number} was sent twice and answered in two ways")
        for line, result in zip(batch, results, strict=True):
            tally.add(line, result)
    return tally


def tell(tally: Tally, options: argparse.Namespace) -> None:
    print(f"Recorded: {tally.recorded:,}")
    print(f"Already recorded, by an earlier run or by a request whose answer was lost: {tally.repeated:,}")
    paid = f"{tally.amount:,} {options.currency}"
    print(f"Together: {len(tally.customers):,} customers, {tally.quantity:,} pieces, {paid}")
    print(f"Refused: {len(tally.refused):,}")
    for line, reason in sorted(tally.refused.items()):
        print(f"  line {line}: {reason}")
    if tally.refused:
        print(f"Mend these lines where they stand, and send the file again with --keys {options.keys}")


def check(tillbook: Tillbook, tally: Tally, currency: str) -> None:
    months = tillbook.ask("GET", "/reports/summary")["items"]
    purchases, quantity = (sum(month[what] for month in months) for what in ("purchases", "quantity"))
    sums = [Decimal(money["amount"]) for month in months for money in month["amounts"] if money["currency"] == currency]
    print(f"Tillbook's summary: {purchases:,} purchases, {quantity:,} pieces, {sum(sums):,} {currency}")
    if (purchases, quantity, sum(sums)) != (tally.recorded + tally.repeated, tally.quantity, tally.amount):
        raise Failed("That is not what was sent. Was the shop empty before?")


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Sends a CSV file of purchases to Tillbook, each exactly once.")
    add = parser.add_argument
    add("file", type=Path, help="UTF-8, with the names of its columns in the first line")
    add("--url", default="http://127.0.0.1:5000", help="where Tillbook is (%(default)s)")
    add("--columns", nargs=4, default=COLUMNS, metavar="NAME", help="of customer number, day, quantity and amount")
    add("--item", default="CDs", help="what was bought (%(default)s)")
    add("--currency", default="USD", help="ISO 4217 code (%(default)s)")
    add("--keys", help="what the keys begin with; by default a hash of the file")
    add("--size", type=int, default=500, help="purchases in a request, up to 1000 (%(default)s)")
    add("--tries", type=int, default=10, help="for each request (%(default)s)")
    add("--twice-every", type=int, metavar="N", help="send every Nth request twice, to see that it does no harm")
    add("--check", action="store_true", help="compare with the summary of a shop that was empty")
    options = parser.parse_args()
    if not 1 <= options.size <= 1000 or options.tries < 1:
        parser.error("--size must be 1 to 1000, and --tries at least 1")
    return options


def main() -> int:
    options = read_options()
    try:
        token = os.environ.get("TILLBOOK_TOKEN", "").strip()
        if not token:
            raise Failed("Set TILLBOOK_TOKEN to an API token; make one on the page of your account")
        options.keys = options.keys or hashlib.sha256(options.file.read_bytes()).hexdigest()[:16]
        with closing(Tillbook(options.url, token, options.tries)) as tillbook:
            tally = send_all(tillbook, options)
            tell(tally, options)
            if options.check:
                check(tillbook, tally, options.currency)
    except (Failed, OSError, HTTPException, ValueError, csv.Error) as error:
        print(error, file=sys.stderr)
        return 2
    return 1 if tally.refused else 0


if __name__ == "__main__":
    sys.exit(main())
