"""What PostgreSQL takes by psycopg2 without a web: each purchase one statement, which is a transaction of its own."""

import random
import time
from hashlib import sha256
from multiprocessing import get_context

import psycopg2

CONNECTIONS = 8
RECORD = """
    WITH token AS (
        SELECT id FROM tokens WHERE token_hash = %s
    ), customer AS (
        INSERT INTO customers (name) SELECT %s FROM token
        ON CONFLICT (name) DO UPDATE SET name = excluded.name
        RETURNING id
    )
    INSERT INTO purchases (customer_id, item, quantity) SELECT id, %s, %s FROM customer
    RETURNING id
"""


def record_all(url: str, token: str, run: str, seconds: float) -> list[float]:
    """The seconds that each took; so many processes record as long."""
    with get_context("fork").Pool(CONNECTIONS) as pool:
        told = [(url, token, f"{run}-{process}", seconds) for process in range(CONNECTIONS)]
        return [took for found in pool.starmap(record_as_many, told, chunksize=1) for took in found]


def record_as_many(url: str, token: str, run: str, seconds: float) -> list[float]:
    token_hash = sha256(token.encode()).hexdigest()
    took: list[float] = []
    connection = psycopg2.connect(url)
    connection.autocommit = True
    end = time.monotonic() + seconds
    with connection.cursor() as cursor:
        while time.monotonic() < end:
            number = len(took) + 1
            name = f"Regular {random.randint(1, 1_000)}" if number % 5 else f"Somebody {run}-{number}"
            began = time.perf_counter()
            cursor.execute(RECORD, (token_hash, name, "a book", 2))
            assert cursor.fetchone()
            took.append(time.perf_counter() - began)
    connection.close()
    return took
