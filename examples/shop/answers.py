"""What the shop's clients send and get."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, Field

from .db import OrderStatus


class ProductRead(BaseModel):
    id: int
    sku: str
    name: str
    price: Decimal
    version: int


class ProductCreate(BaseModel):
    category_id: int
    sku: Annotated[str, Field(max_length=20)]
    name: str
    price: Decimal


class ProductUpdate(BaseModel):
    name: str | None = None
    price: Decimal | None = None


class LineCreate(BaseModel):
    product_id: int
    count: int


class OrderCreate(BaseModel):
    customer_id: int
    lines: list[LineCreate]


class LineRead(BaseModel):
    product_id: int
    count: int
    price: Decimal


class OrderRead(BaseModel):
    id: int
    customer_id: int
    status: OrderStatus
    lines: list[LineRead]
