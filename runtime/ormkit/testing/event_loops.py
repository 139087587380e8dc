"""Which plugin runs a test's coroutine, and in which event loop.

The engine of a test has to be opened in the loop that the test runs in. A fixture for each kind of
loop opens it, and the fixture `engine` asks for the right one.
"""

from __future__ import annotations

from typing import Any

import pytest

from ..errors import UsageError

#: The fixture that opens the engine of tests that anyio runs, and the names of pytest-asyncio's.
ANYIO_ENGINE = "ormkit_engine_anyio"
ASYNCIO_ENGINES = {
    scope: f"ormkit_engine_asyncio_{scope}"
    for scope in ("function", "class", "module", "package", "session")
}


def engine_fixture(request: pytest.FixtureRequest) -> str:
    """Return the name of the fixture that opens an engine in the loop of the test.

    Raises UsageError for a test that no plugin runs in an event loop of asyncio.
    """
    item = request.node
    if "anyio_backend" in item.fixturenames:
        name = request.getfixturevalue("anyio_backend_name")
        if name != "asyncio":
            raise UsageError(
                f"the test runs on {name}, and OrmKit needs asyncio: have a fixture anyio_backend "
                'that returns "asyncio"'
            )
        return ANYIO_ENGINE
    marker = item.get_closest_marker("asyncio")
    if marker is None or not request.config.pluginmanager.has_plugin("asyncio"):
        raise UsageError(
            "the fixtures engine and session are for async tests that anyio or pytest-asyncio "
            "runs: mark the test with one of theirs, or use the fixture database_url in any other "
            "test, such as one of unittest.IsolatedAsyncioTestCase"
        )
    return ASYNCIO_ENGINES[loop_scope(marker, request.config)]


def loop_scope(marker: pytest.Mark, config: pytest.Config) -> str:
    """Return how long the loop lives that pytest-asyncio runs a test in."""
    given: Any = marker.kwargs.get("loop_scope") or marker.kwargs.get("scope")
    found: str = given or config.getini("asyncio_default_test_loop_scope") or "function"
    return found
