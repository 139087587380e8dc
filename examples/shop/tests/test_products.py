"""Products are listed in pages, and changed by who has seen their newest version."""

from __future__ import annotations

from decimal import Decimal

import httpx
import pytest

from examples.shop.db import Category, Product, Stock
from ormkit import AsyncSession
from ormkit.testing import Factory

pytestmark = pytest.mark.anyio

products = Factory(Product, price=Decimal(5))
categories = Factory(Category)


async def test_a_product_is_added_with_its_stock(
    client: httpx.AsyncClient, session: AsyncSession
) -> None:
    category = await categories.create()
    new = {"category_id": category.id, "sku": "A-1", "name": "Apple", "price": "1.50"}
    answer = await client.post("/products", json=new)
    assert answer.status_code == 201
    assert answer.json()["price"] == "1.50"
    assert (await session.get_or_raise(Stock, answer.json()["id"])).count == 0


@pytest.mark.parametrize(
    ("changes", "status", "errors"),
    [
        ({"sku": "sku 1"}, 409, {"sku": "is taken"}),
        ({"category_id": 0}, 409, None),
        ({"price": "-1"}, 422, None),
    ],
)
async def test_what_the_database_refuses_is_no_server_error(
    client: httpx.AsyncClient,
    session: AsyncSession,
    changes: dict[str, object],
    status: int,
    errors: object,
) -> None:
    product = await products.create(sku="sku 1")
    new = {"category_id": product.category_id, "sku": "B", "name": "Pear", "price": "1"}
    answer = await client.post("/products", json=new | changes)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json().get("errors") == errors
    assert "products" not in answer.text
    assert await session.query(Product).count() == 1


async def test_pages_follow_each_other(client: httpx.AsyncClient, session: AsyncSession) -> None:
    await products.create_many(5)
    await products.create(name="hidden", is_listed=False)
    seen: list[int] = []
    url: str | None = "/products?limit=2"
    while url is not None:
        answer = await client.get(url)
        assert answer.status_code == 200
        seen += [item["id"] for item in answer.json()["items"]]
        url = answer.links["next"]["url"] if answer.json()["next"] else None
    assert len(seen) == len(set(seen)) == 5


async def test_products_are_filtered(client: httpx.AsyncClient, session: AsyncSession) -> None:
    made = [await products.create(name=name, price=price) for name, price in NAMES]

    async def names(query: str) -> list[str]:
        answer = await client.get(f"/products?{query}")
        assert answer.status_code == 200, answer.text
        return [item["name"] for item in answer.json()["items"]]

    assert await names("price__gte=2&price__lte=3") == ["Pear", "Plum"]
    assert await names("name__icontains=PL") == ["Apple", "Plum"]
    assert await names(f"id__in={made[0].id}&id__in={made[1].id}") == ["Apple", "Pear"]
    category = await session.query(Category).filter(id=made[0].category_id).one()
    assert await names(f"category__name={category.name}") == ["Apple"]
    assert await names("category__name=none") == []
    assert (await client.get("/products?category__id=1")).status_code == 422
    assert (await client.get("/products?sku=x")).status_code == 422
    assert (await client.get("/products?cursor=x")).status_code == 422
    assert (await client.get("/products?limit=1000")).status_code in (400, 422)


NAMES = [("Apple", Decimal(1)), ("Pear", Decimal(2)), ("Plum", Decimal(3))]


async def test_a_change_needs_the_newest_version(
    client: httpx.AsyncClient, session: AsyncSession
) -> None:
    product = await products.create()
    url = f"/products/{product.id}"
    first = (await client.get(url)).headers["etag"]
    changed = await client.patch(url, json={"price": "6"}, headers={"If-Match": first})
    assert (changed.status_code, changed.json()["price"]) == (200, "6.00")
    assert changed.headers["etag"] != first
    stale = await client.patch(url, json={"price": "7"}, headers={"If-Match": first})
    assert (stale.status_code, stale.json()["type"]) == (412, "urn:ormkit:StaleObject")
    assert (await session.get_or_raise(Product, product.id)).price == 6


async def test_what_is_not_there_is_not_found(client: httpx.AsyncClient) -> None:
    answer = await client.get("/products/0")
    assert answer.status_code == 404
    assert answer.json() == {"type": "urn:ormkit:NotFound", "title": "Not found", "status": 404}


async def test_the_shop_is_healthy(client: httpx.AsyncClient) -> None:
    answer = await client.get("/health")
    assert (answer.status_code, answer.json()["status"]) == (200, "ok")
