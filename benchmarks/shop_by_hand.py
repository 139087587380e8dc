"""The shop's busiest answers on FastAPI and a bare asyncpg pool, as an expert of both writes them.

It answers with the same documents as examples/shop/fastapi_app.py: an ETag, a page with its cursor,
and an order in one transaction.
"""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from fastapi import FastAPI, HTTPException, Request, Response

from examples.shop.answers import LineRead, OrderCreate, OrderRead, ProductRead
from examples.shop.db import OrderStatus

PRODUCT = "SELECT id, sku, name, price, version FROM products WHERE id = $1"
PAGE = """SELECT id, sku, name, price, version FROM products
WHERE is_listed ORDER BY name, id LIMIT 21"""
PRICES = "SELECT id, price FROM products WHERE id = ANY($1) AND is_listed"
ORDER = "INSERT INTO orders (customer_id, status) VALUES ($1, 'open') RETURNING id"
LINE = """WITH taken AS (UPDATE stocks SET count = count - $3 WHERE product_id = $2)
INSERT INTO order_lines (order_id, product_id, count, price) VALUES ($1, $2, $3, $4)"""
MAIL = """INSERT INTO outbox_mails (recipient, subject)
SELECT email, $2 FROM customers WHERE id = $1"""


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncGenerator[dict[str, Any]]:
    """Open the pool."""
    async with asyncpg.create_pool(os.environ["DATABASE_URL"], max_size=10) as pool:
        yield {"pool": pool}


app = FastAPI(title="Shop", lifespan=lifespan)


@app.get("/products/{key}")
async def read_product(key: int, request: Request, response: Response) -> ProductRead:
    """Answer with one product."""
    row = await request.state.pool.fetchrow(PRODUCT, key)
    if row is None:
        raise HTTPException(404)
    response.headers["ETag"] = f'"{row["version"]}"'
    return ProductRead.model_construct(**row)


@app.get("/products")
async def list_products(request: Request) -> dict[str, list[ProductRead] | str | None]:
    """Answer with the first page."""
    rows = await request.state.pool.fetch(PAGE)
    items = [ProductRead.model_construct(**row) for row in rows[:20]]
    return {"items": items, "next": str(rows[19]["id"]) if len(rows) > 20 else None}


@app.post("/orders", status_code=201)
async def place_order(new: OrderCreate, request: Request) -> OrderRead:
    """Place an order."""
    async with request.state.pool.acquire() as connection, connection.transaction():
        found = await connection.fetch(PRICES, [line.product_id for line in new.lines])
        prices = {row["id"]: row["price"] for row in found}
        if len(prices) < len(new.lines):
            raise HTTPException(404)
        key = await connection.fetchval(ORDER, new.customer_id)
        rows = [(key, each.product_id, each.count, prices[each.product_id]) for each in new.lines]
        await connection.executemany(LINE, rows)
        await connection.execute(MAIL, new.customer_id, f"Your order {key}")
    lines = [
        LineRead.model_construct(product_id=product, count=count, price=price)
        for _, product, count, price in rows
    ]
    return OrderRead.model_construct(
        id=key, customer_id=new.customer_id, status=OrderStatus.open, lines=lines
    )
