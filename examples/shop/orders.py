"""What the shop does, whatever framework calls it."""

from __future__ import annotations

from ormkit import NotFound, Transaction

from .answers import OrderCreate, OrderRead, ProductCreate, ProductUpdate
from .db import Customer, Order, OrderLine, OutboxMail, Product, Stock


async def add_product(tx: Transaction, new: ProductCreate) -> Product:
    """Add a product, of which there is none in stock yet."""
    product = Product(**new.model_dump())
    tx.add(product).add(Stock(product=product))
    await tx.flush()
    return product


def change_product(product: Product, changes: ProductUpdate) -> None:
    """Take over what is given; the transaction writes it."""
    if changes.name is not None:
        product.name = changes.name
    if changes.price is not None:
        product.price = changes.price


async def place_order(tx: Transaction, new: OrderCreate) -> OrderRead:
    """Place an order at today's prices, and take what it is about out of stock.

    Raises NotFound for a product that is not there, and CheckViolation if there is not enough.
    """
    counts = {line.product_id: line.count for line in new.lines}
    found = await tx.query(Product).filter(id__in=list(counts), is_listed=True).all()
    if len(found) < len(counts):
        raise NotFound("a product of the order is not there")
    order = Order(customer_id=new.customer_id)
    tx.add(order)
    for product in found:
        count = counts[product.id]
        tx.add(OrderLine(order=order, product=product, count=count, price=product.price))
        await tx.query(Stock).filter(product_id=product.id).update(count=Stock.count - count)
    customer = await tx.get(Customer, new.customer_id)
    if customer is not None:
        tx.add(OutboxMail(recipient=customer.email, subject=f"Your order {order.id}"))
    return await tx.query(Order).filter(id=order.id).into(OrderRead).one()
