from __future__ import annotations

import importlib
from collections.abc import AsyncGenerator, Callable
from typing import Any

import httpx
import pytest


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(params=["fastapi", "litestar"])
def app(request: pytest.FixtureRequest, ormkit_app: Callable[[Any], Any]) -> Any:
    """The shop on either framework, with the engine of the test."""
    # Imported here, the frameworks cost pytest-xdist's own process nothing, which runs no tests.
    module = importlib.import_module(f"examples.shop.{request.param}_app")
    return ormkit_app(module.app)


@pytest.fixture
async def client(app: Any) -> AsyncGenerator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://shop") as client:
        yield client
