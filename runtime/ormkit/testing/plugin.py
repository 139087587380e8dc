"""The plugin for pytest: its settings, its marker, and its fixtures.

No fixture with an event loop outlives a test, so that any plugin may run the tests' coroutines.

PYTEST_DONT_REWRITE: there are no assertions in it.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import ExitStack
from typing import Any, TypeVar

import pytest

from ..engine import Engine
from ..session import AsyncSession
from .databases import Database, Databases
from .event_loops import ANYIO_ENGINE, engine_fixture
from .factories import CURRENT
from .limits import limited
from .opened_engine import opened
from .server import server_for
from .settings import (
    MARKER,
    Contents,
    add_settings,
    isolation_of,
    needs_own_database,
    server_url,
)

App = TypeVar("App")
#: The databases of the run, once a test has needed one.
DATABASES = pytest.StashKey[Databases]()
#: Whether the test that follows will need a database of its own.
NEXT = pytest.StashKey[bool]()


def pytest_addoption(parser: pytest.Parser) -> None:
    add_settings(parser)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", MARKER)
    if config.pluginmanager.has_plugin("asyncio"):
        from . import asyncio_engines

        config.pluginmanager.register(asyncio_engines, asyncio_engines.__name__)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    CURRENT.begin()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    item.stash[NEXT] = nextitem is not None and needs_own_database(nextitem)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    databases = item.config.stash.get(DATABASES, None)
    if databases is not None and item.stash.get(NEXT, False):
        databases.prepare()
    engine = CURRENT.session.engine if CURRENT.session is not None else None
    with limited(item, engine):
        return (yield)


@pytest.fixture(scope="session")
def ormkit_databases(pytestconfig: pytest.Config) -> Generator[Databases]:
    """The databases of the tests. The first test that needs one starts the server."""
    contents = Contents.of(pytestconfig)
    with server_for(server_url(pytestconfig)) as url:
        databases = pytestconfig.stash[DATABASES] = Databases(url, contents)
        yield databases
        del pytestconfig.stash[DATABASES]
        databases.close()


@pytest.fixture(scope="session")
def ormkit_engine_options() -> dict[str, Any]:
    """The options of create_engine() for the engines of tests; define it anew to give some."""
    return {}


@pytest.fixture
def ormkit_database(
    request: pytest.FixtureRequest, ormkit_databases: Databases
) -> Generator[Database]:
    """The database of the test: its own, or the one that all tests share that are rolled back."""
    if isolation_of(request.node) == "rollback":
        yield ormkit_databases.shared
    else:
        with ormkit_databases.own() as database:
            yield database


@pytest.fixture
def database_url(ormkit_databases: Databases) -> Generator[str]:
    """The URL of a database of the test's own, for code that opens its engine itself."""
    with ormkit_databases.own() as database:
        yield database.url


@pytest.fixture(name=ANYIO_ENGINE)
async def _anyio_engine(
    ormkit_database: Database, ormkit_engine_options: dict[str, Any]
) -> AsyncGenerator[Engine]:
    async with opened(ormkit_database, ormkit_engine_options) as engine:
        yield engine


@pytest.fixture
def engine(request: pytest.FixtureRequest) -> Engine:
    """An engine on the database of the test, opened in the test's event loop."""
    found: Engine = request.getfixturevalue(engine_fixture(request))
    CURRENT.session = AsyncSession(found)
    return found


@pytest.fixture
def ormkit_app(engine: Engine) -> Generator[Callable[[App], App]]:
    """A function that has an application of FastAPI or Litestar use the test's engine."""
    with ExitStack() as stack:

        def using_engine(app: App) -> App:
            state: Any = app
            stack.enter_context(state.state.ormkit.use(engine))
            return app

        yield using_engine


@pytest.fixture
def session(engine: Engine) -> AsyncSession:
    """A session of the test's engine."""
    return CURRENT.session or AsyncSession(engine)
