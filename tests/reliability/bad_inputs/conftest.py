"""A database for bad input, and the look behind each piece of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from ormkit import AsyncSession, create_engine
from tests.reliability.bad_inputs.cases import Lab, furnish, lab_models
from tests.reliability.pool_state import assert_all_usable
from tests.servers import Server


@pytest.fixture(scope="session")
def lab_url(server18: Server) -> Iterator[str]:
    with server18.database() as url:
        yield url


@pytest.fixture(scope="session")
async def furnished(lab_url: str, server_directory: Path) -> AsyncIterator[Lab]:
    directory = server_directory / "bad_inputs"
    directory.mkdir(exist_ok=True)
    nothing: Any = None
    closed = await create_engine(lab_url)
    await closed.close()
    async with (
        await create_engine(lab_url, max_connections=3, acquire_timeout=5) as engine,
        await create_engine(lab_url, max_connections=2) as other,
    ):
        sessions = (AsyncSession(engine), AsyncSession(other), AsyncSession(closed))
        lab = Lab(lab_url, engine, *sessions, lab_models(directory), *[nothing] * 8)
        await furnish(lab)
        yield lab


@pytest.fixture
async def lab(furnished: Lab) -> AsyncIterator[Lab]:
    """The database; afterwards every connection answers, and holds what it held."""
    before = await furnished.content()
    yield furnished
    await assert_all_usable(furnished.engine)
    assert await furnished.content() == before


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run these on one interpreter: what is refused does not depend on it."""
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.one_interpreter)
