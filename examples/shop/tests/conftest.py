from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from typing import Any

import httpx
import pytest

from examples.shop import fastapi_app, litestar_app


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(params=["fastapi", "litestar"])
def app(request: pytest.FixtureRequest, ormkit_app: Callable[[Any], Any]) -> Any:
    """The shop on either framework, with the engine of the test."""
    apps: dict[str, Any] = {"fastapi": fastapi_app.app, "litestar": litestar_app.app}
    return ormkit_app(apps[request.param])


@pytest.fixture
async def client(app: Any) -> AsyncGenerator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://shop") as client:
        yield client
