"""An order is placed as a whole or not at all, and its answer tells which."""

from __future__ import annotations

from decimal import Decimal

import httpx
import pytest

from examples.shop.db import Customer, Order, OutboxMail, Product, Stock
from ormkit import AsyncSession
from ormkit.testing import Factory

pytestmark = pytest.mark.anyio

customers = Factory(Customer)
products = Factory(Product, price=Decimal("2.50"))
stocks = Factory(Stock, count=10)


async def test_an_order_takes_its_products_out_of_stock(
    client: httpx.AsyncClient, session: AsyncSession
) -> None:
    ada = await customers.create(email="ada@x")
    stock = await stocks.create()
    lines = [{"product_id": stock.product_id, "count": 3}]
    answer = await client.post("/orders", json={"customer_id": ada.id, "lines": lines})
    assert answer.status_code == 201
    assert (await session.get_or_raise(Stock, stock.product_id)).count == 7
    assert (await session.query(OutboxMail).one()).recipient == "ada@x"
    assert (await client.get(f"/orders/{answer.json()['id']}")).json() == answer.json()


@pytest.mark.parametrize("count", [11, -1])
async def test_an_order_that_cannot_be_placed_changes_nothing(
    client: httpx.AsyncClient, session: AsyncSession, count: int
) -> None:
    ada = await customers.create()
    stock = await stocks.create()
    lines = [{"product_id": stock.product_id, "count": count}]
    answer = await client.post("/orders", json={"customer_id": ada.id, "lines": lines})
    assert answer.status_code == 422
    assert (await session.get_or_raise(Stock, stock.product_id)).count == 10
    assert await session.query(Order).count() == 0


async def test_a_commit_that_fails_is_no_success(
    client: httpx.AsyncClient, session: AsyncSession
) -> None:
    """The foreign key to the customer is checked by the COMMIT."""
    stock = await stocks.create()
    lines = [{"product_id": stock.product_id, "count": 1}]
    answer = await client.post("/orders", json={"customer_id": 0, "lines": lines})
    assert answer.status_code == 409
    assert await session.query(Order).count() == 0


@pytest.mark.ormkit(isolation="database")
async def test_real_commits(client: httpx.AsyncClient, session: AsyncSession) -> None:
    stock = await stocks.create()
    lines = [{"product_id": stock.product_id, "count": 1}]
    answer = await client.post("/orders", json={"customer_id": 0, "lines": lines})
    assert (answer.status_code, await session.query(Order).count()) == (409, 0)
    ada = await customers.create()
    answer = await client.post("/orders", json={"customer_id": ada.id, "lines": lines})
    assert (answer.status_code, await session.query(Order).count()) == (201, 1)
    assert session.engine.pool_stats().in_use == 0
