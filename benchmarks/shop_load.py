"""The load that the example of a shop takes over TCP: `python -m benchmarks.shop_load`.

Each application runs in a process of its own under uvicorn. Clients with keep-alive connections
send requests as fast as they are answered. The tables have requests per second, and the processor
time of the application's process for each request, which other work on the machine disturbs less:
the best of several rounds, in which the applications take turns. `by hand` is a FastAPI application
with the same answers on a bare asyncpg pool. A path that is not there shows what the web server and
the framework take by themselves.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path

from benchmarks.markdown import table
from examples.shop.db import SCHEMA, Category, Customer, Product, Stock
from ormkit import AsyncSession, EmbeddedServer, create_engine

ROOT = Path(__file__).parents[1]
APPS = {
    "FastAPI": "examples.shop.fastapi_app:app",
    "Litestar": "examples.shop.litestar_app:app",
    "by hand": "benchmarks.shop_by_hand:app",
}
PRODUCTS = 200
CLIENTS = 16
SECONDS = 2.0
ROUNDS = 3

Request = Callable[[int], bytes]


def get(path: str) -> Request:
    """Return what makes a GET of a path, in which `{}` is the number of a product."""
    return lambda number: (
        f"GET {path.format(1 + number % PRODUCTS)} HTTP/1.1\r\nHost: shop\r\n\r\n".encode()
    )


def post_order(number: int) -> bytes:
    """Return a request for an order of one product."""
    lines = [{"product_id": 1 + number % PRODUCTS, "count": 1}]
    body = json.dumps({"customer_id": 1, "lines": lines})
    head = "POST /orders HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode()


REQUESTS: dict[str, tuple[Request, int]] = {
    "one product": (get("/products/{}"), 200),
    "a page of 20": (get("/products?limit=20"), 200),
    "an order": (post_order, 201),
    "no such path": (get("/nothing"), 404),
}


async def fill(url: str) -> None:
    """Create the tables and their rows."""
    async with await create_engine(url) as engine:
        await engine.create_all(SCHEMA)
        session = AsyncSession(engine)
        category = await session.insert(Category(name="books"))
        await session.insert(Customer(name="Ada", email="ada@example.com"))
        products = await session.insert_all(
            Product(
                category_id=category.id,
                sku=f"sku-{number}",
                name=f"Product {number}",
                price=Decimal(number),
            )
            for number in range(1, PRODUCTS + 1)
        )
        await session.insert_all(Stock(product_id=each.id, count=10**8) for each in products)


@asynccontextmanager
async def served(app: str, url: str) -> AsyncGenerator[tuple[int, int]]:
    """Serve an application in a process of its own; yield its port and the process's ID."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", app, "--port", str(port), "--log-level", "warning"]
    environment = {**os.environ, "DATABASE_URL": url}
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, env=environment)
    try:
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                break
            except ConnectionError:
                if process.returncode is not None:
                    raise
                await asyncio.sleep(0.05)
        yield port, process.pid
    finally:
        process.terminate()
        await process.wait()


def processor_seconds(pid: int) -> float:
    """Return the processor time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def answered(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes
) -> int:
    """Send a request, read its whole answer, and return the status."""
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    length = next(each for each in lines if each.startswith(b"content-length:"))
    await reader.readexactly(int(length.partition(b":")[2]))
    return int(head.split(b" ", 2)[1])


async def rate(port: int, request: Request, wanted: int) -> float:
    """Return how many requests a second all clients together have answered."""
    end = time.perf_counter() + SECONDS

    async def client(first: int) -> int:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        count = 0
        while time.perf_counter() < end:
            status = await answered(reader, writer, request(first + count))
            if status != wanted:
                raise RuntimeError(f"the answer was {status}, not {wanted}")
            count += 1
        writer.close()
        return count

    counts = await asyncio.gather(*(client(number * 1000) for number in range(CLIENTS)))
    return sum(counts) / SECONDS


async def main() -> None:
    """Measure each application in turn, and print the table."""
    best: dict[tuple[str, str], float] = {}
    least: dict[tuple[str, str], float] = {}
    with EmbeddedServer.start(ROOT / ".pgdata") as server:
        url = f"{server.url}"
        async with await create_engine(url) as engine:
            await engine.execute("DROP DATABASE IF EXISTS shop_load")
            await engine.execute("CREATE DATABASE shop_load")
        url = url.replace("/postgres?", "/shop_load?")
        await fill(url)
        for _ in range(ROUNDS):
            for app, module in APPS.items():
                async with served(module, url) as (port, pid):
                    for name, (request, wanted) in REQUESTS.items():
                        before = processor_seconds(pid)
                        found = await rate(port, request, wanted)
                        taken = (processor_seconds(pid) - before) / (found * SECONDS)
                        best[name, app] = max(found, best.get((name, app), 0.0))
                        least[name, app] = min(taken, least.get((name, app), taken))
    for title, unit, figures in (
        ("requests a second", 1, best),
        ("processor time in microseconds", 1e6, least),
    ):
        rows = [[name, *(f"{figures[name, app] * unit:,.0f}" for app in APPS)] for name in REQUESTS]
        print(table([title, *APPS], rows), end="\n\n")


if __name__ == "__main__":
    asyncio.run(main())
