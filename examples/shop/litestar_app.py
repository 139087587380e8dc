"""The shop on Litestar: `uvicorn examples.shop.litestar_app:app`."""

from __future__ import annotations

import os

from litestar import Litestar, get, patch, post
from litestar.params import FromPath, JSONBody

from ormkit.litestar import (
    ETagDep,
    FilterDep,
    OrmKitPlugin,
    PageDep,
    PageOf,
    SessionDep,
    TransactionDep,
    filters,
)

from . import orders
from .answers import OrderCreate, OrderRead, ProductCreate, ProductRead, ProductUpdate
from .db import Order, Product

PRODUCT_FILTERS = filters(
    Product,
    "category_id",
    "category__name",
    "price__gte",
    "price__lte",
    "name__icontains",
    "id__in",
)


@get("/products", dependencies={"where": PRODUCT_FILTERS})
async def list_products(
    session: SessionDep, page: PageDep, where: FilterDep[Product]
) -> PageOf[ProductRead]:
    query = session.query(Product).filter(where, is_listed=True).order_by("name")
    return await page.read(query.into(ProductRead))


@get("/products/{key:int}")
async def read_product(key: FromPath[int], session: SessionDep, etag: ETagDep) -> ProductRead:
    product = await session.get_or_raise(Product, key)
    etag.send(product)
    return ProductRead.model_validate(product, from_attributes=True)


@post("/products")
async def add_product(data: JSONBody[ProductCreate], transaction: TransactionDep) -> ProductRead:
    product = await orders.add_product(transaction, data)
    return ProductRead.model_validate(product, from_attributes=True)


@patch("/products/{key:int}")
async def change_product(
    key: FromPath[int], data: JSONBody[ProductUpdate], transaction: TransactionDep, etag: ETagDep
) -> ProductRead:
    product = await transaction.get_or_raise(Product, key)
    etag.check(product)
    orders.change_product(product, data)
    await transaction.flush()
    etag.send(product)
    return ProductRead.model_validate(product, from_attributes=True)


@post("/orders")
async def place_order(data: JSONBody[OrderCreate], transaction: TransactionDep) -> OrderRead:
    return await orders.place_order(transaction, data)


@get("/orders/{key:int}")
async def read_order(key: FromPath[int], session: SessionDep) -> OrderRead:
    return await session.query(Order).filter(id=key).into(OrderRead).one()


db = OrmKitPlugin(
    os.environ.get("DATABASE_URL", "embedded://.pgdata"),
    health="/health",
    cursor_key=os.environ.get("CURSOR_KEY"),
    constraints={"products_sku_key": ("sku", "is taken")},
)
app = Litestar(
    [list_products, read_product, add_product, change_product, place_order, read_order],
    plugins=[db],
)
