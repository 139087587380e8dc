"""The shop on FastAPI: `uvicorn examples.shop.fastapi_app:app`."""

from __future__ import annotations

import os
from typing import Annotated

from fastapi import FastAPI

from ormkit import Condition
from ormkit.fastapi import (
    ETagDep,
    OrmKit,
    PageDep,
    PageOf,
    SessionDep,
    TransactionDep,
    filters,
)

from . import orders
from .answers import OrderCreate, OrderRead, ProductCreate, ProductRead, ProductUpdate
from .db import Order, Product

db = OrmKit(
    os.environ.get("DATABASE_URL", "embedded://.pgdata"),
    cursor_key=os.environ.get("CURSOR_KEY"),
    constraints={"products_sku_key": ("sku", "is taken")},
)
app = FastAPI(title="Shop", lifespan=db.lifespan)
db.install(app, health="/health")

ProductFilters = Annotated[
    Condition[Product],
    filters(
        Product,
        "category_id",
        "category__name",
        "price__gte",
        "price__lte",
        "name__icontains",
        "id__in",
    ),
]


@app.get("/products")
async def list_products(
    session: SessionDep, page: PageDep, where: ProductFilters
) -> PageOf[ProductRead]:
    query = session.query(Product).filter(where, is_listed=True).order_by("name")
    return await page.read(query.into(ProductRead))


@app.get("/products/{key}")
async def read_product(key: int, session: SessionDep, etag: ETagDep) -> ProductRead:
    product = await session.get_or_raise(Product, key)
    etag.send(product)
    return ProductRead.model_validate(product, from_attributes=True)


@app.post("/products", status_code=201)
async def add_product(new: ProductCreate, tx: TransactionDep) -> ProductRead:
    product = await orders.add_product(tx, new)
    return ProductRead.model_validate(product, from_attributes=True)


@app.patch("/products/{key}")
async def change_product(
    key: int, changes: ProductUpdate, tx: TransactionDep, etag: ETagDep
) -> ProductRead:
    product = await tx.get_or_raise(Product, key)
    etag.check(product)
    orders.change_product(product, changes)
    await tx.flush()
    etag.send(product)
    return ProductRead.model_validate(product, from_attributes=True)


@app.post("/orders", status_code=201)
async def place_order(new: OrderCreate, tx: TransactionDep) -> OrderRead:
    return await orders.place_order(tx, new)


@app.get("/orders/{key}")
async def read_order(key: int, session: SessionDep) -> OrderRead:
    return await session.query(Order).filter(id=key).into(OrderRead).one()
