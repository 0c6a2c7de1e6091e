"""FastAPI with SQLAlchemy async and asyncpg: the token from the database, one statement for customer and purchase."""

import os
from hashlib import sha256
from typing import Annotated

from fastapi import FastAPI, Header, HTTPException
from pydantic import BaseModel, Field
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

Text = Annotated[str, Field(min_length=1, max_length=200)]

FIND_TOKEN = text("SELECT id FROM tokens WHERE token_hash = :token_hash")
RECORD = text("""
    WITH customer AS (
        INSERT INTO customers (name) VALUES (:name)
        ON CONFLICT (name) DO UPDATE SET name = excluded.name
        RETURNING id
    )
    INSERT INTO purchases (customer_id, item, quantity) SELECT id, :item, :quantity FROM customer
    RETURNING id
""")

app = FastAPI()
engine = create_async_engine(os.environ["DATABASE_URL"], pool_size=16, max_overflow=0)


class Customer(BaseModel):
    name: Text


class Purchase(BaseModel):
    customer: Customer
    item: Text
    quantity: Annotated[int, Field(ge=1)] = 1


@app.post("/purchases", status_code=201)
async def record(purchase: Purchase, authorization: Annotated[str, Header()]) -> dict[str, int]:
    token_hash = sha256(authorization.removeprefix("Bearer ").encode()).hexdigest()
    told = {"name": purchase.customer.name, "item": purchase.item, "quantity": purchase.quantity}
    async with engine.begin() as connection:
        if await connection.scalar(FIND_TOKEN, {"token_hash": token_hash}) is None:
            raise HTTPException(401)
        return {"id": await connection.scalar(RECORD, told)}
