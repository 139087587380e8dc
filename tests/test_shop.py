"""The example of a shop: its own tests, its OpenAPI document, and its answers over TCP."""

from __future__ import annotations

import asyncio
import json
import socket
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

import ormkit.testing.plugin  # noqa: F401  so that the run within this one shares it
from examples.shop import fastapi_app, litestar_app
from examples.shop.db import SCHEMA, Category, Customer, Product
from ormkit import AsyncSession, create_engine
from ormkit.testing import Factory
from tests.golden_files import Golden
from tests.servers import Server

pytest_plugins = ["pytester"]
pytestmark = pytest.mark.one_interpreter

TESTS = Path(__file__).parents[1] / "examples/shop/tests"
APPS = {"fastapi": fastapi_app, "litestar": litestar_app}


def test_the_shops_own_tests_pass(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, server18: Server
) -> None:
    monkeypatch.setenv("ORMKIT_TEST_URL", server18.url)
    where = ("-c", str(TESTS / "pytest.ini"), "--rootdir", str(TESTS.parents[2]), str(TESTS))
    result = pytester.runpytest_inprocess("-p", "ormkit.testing", "-p", "no:cacheprovider", *where)
    assert result.ret == 0
    assert result.parseoutcomes()["passed"] >= 28


def test_the_api_of_the_shop_is_documented(golden: Golden) -> None:
    document: dict[str, Any] = fastapi_app.app.openapi()
    golden.check("shop/openapi.json", json.dumps(document, indent=2) + "\n")


@pytest.mark.parametrize("name", APPS)
async def test_the_shop_answers_over_tcp(name: str, database_url: str) -> None:
    """A server runs the lifespan, and holds no connection after its answers."""
    module = APPS[name]
    async with await create_engine(database_url) as engine:
        await engine.create_all(SCHEMA)
        session = AsyncSession(engine)
        category = await Factory(Category).using(session).create()
        await Factory(Customer).using(session).create()
    with module.db.use(database_url), socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(module.app, log_level="warning"))
        serving = asyncio.create_task(server.serve([listening]))
        port = listening.getsockname()[1]
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            new = [
                {"category_id": category.id, "sku": f"{n}", "name": f"{n}", "price": "1"}
                for n in range(20)
            ]
            answers = await asyncio.gather(
                *(client.post("/products", json=each) for each in [*new, *new])
            )
            statuses = sorted(answer.status_code for answer in answers)
            assert statuses == [201] * 20 + [409] * 20
            found = await client.get("/products?limit=50")
            assert len(found.json()["items"]) == 20
            # The customer is checked at the COMMIT.
            lines = [{"product_id": found.json()["items"][0]["id"], "count": 0}]
            order = {"customer_id": 0, "lines": lines}
            assert (await client.post("/orders", json=order)).status_code in (409, 422)
            health = await client.get("/health")
            assert health.json()["pool"]["in_use"] == 0
        server.should_exit = True
        await serving
    async with await create_engine(database_url) as engine:
        assert await AsyncSession(engine).query(Product).count() == 20
