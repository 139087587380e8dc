"""Fixtures: real PostgreSQL servers, a database for each test, and golden files."""

from __future__ import annotations

import re
import shutil
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from ormkit import AsyncSession, EmbeddedServer, Engine, create_engine
from ormkit.driver import read_buffer as receiving
from tests.copies import Copies
from tests.garbage import own_garbage, pytest_runtest_protocol  # noqa: F401
from tests.golden_files import Golden
from tests.lengths import IS_NIGHTLY, examples
from tests.reliability.bouncer import PROGRAM, Bouncer
from tests.reliability.secure_server import SecureServer, secure_server
from tests.servers import ContribServer, Server, contrib_binaries, server_files

#: Durability is not what tests of a schema or a query are about.
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
#: How the core tests reach the server: by its unix socket, by TLS, and by TCP through PgBouncer in
#: transaction mode.
WAYS = [
    "direct",
    pytest.param("tls", marks=pytest.mark.one_interpreter),
    pytest.param("pgbouncer", marks=[pytest.mark.slow, pytest.mark.one_interpreter]),
]
#: Modules of tests/ormkit whose tests run by each of the ways.
CORE = {
    "loading/test_eager",
    "loading/test_loaded_lists",
    "loading/test_nested",
    "models/test_given_columns",
    "models/test_q",
    "persistence/test_flush",
    "transactions/test_copy_ways",
    "persistence/test_mixins",
    "persistence/test_related_set",
    "persistence/test_upsert",
    "queries/test_batched_get",
    "queries/test_change",
    "queries/test_pagination",
    "queries/test_query",
    "queries/test_stream",
    "sql/test_conditions",
    "statements/test_grouping",
    "statements/test_raw_sql",
    "test_session",
    "test_session_context",
    "transactions/test_copy",
    "transactions/test_options",
    "transactions/test_retries",
    "transactions/test_transaction",
}

#: The servers that few tests need.
FURTHER_SERVERS = {"server16", "contrib_server", "secure", "bouncer", "encrypted"}

#: What makes a module say that all its tests run on one interpreter.
ON_ONE_INTERPRETER = re.compile(
    r"^pytestmark = (?:\[[^\]]*)?pytest\.mark\.one_interpreter\b", re.MULTILINE
)

settings.register_profile(
    "ormkit",
    max_examples=examples(20),
    derandomize=not IS_NIGHTLY,
    # How fast examples come depends on what else the machine does.
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("ormkit")


def pytest_configure() -> None:
    # A run that is told to end stops its servers, as with Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="Write what the golden tests got as expected."
    )


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Do not import a module of which no test would run: each worker takes seconds for them."""
    if config.option.markexpr != "not one_interpreter" or collection_path.suffix != ".py":
        return None
    return bool(ON_ONE_INTERPRETER.search(collection_path.read_text(encoding="utf-8"))) or None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # Each worker starts these servers for its first test that needs one, which takes a second.
    for item in items:
        if not FURTHER_SERVERS.isdisjoint(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def server_directory() -> Iterator[Path]:
    """A directory for the servers of this run, gone after it."""
    with server_files() as directory:
        yield directory


@pytest.fixture(scope="session")
def server18(server_directory: Path) -> Iterator[Server]:
    with (
        EmbeddedServer.start(server_directory / "18", version=18, settings=FAST) as embedded,
        closing(Server(embedded.url)) as server,
    ):
        yield server


@pytest.fixture(scope="session")
def server16(server_directory: Path) -> Iterator[Server]:
    with (
        EmbeddedServer.start(server_directory / "16", version=16, settings=FAST) as embedded,
        closing(Server(embedded.url)) as server,
    ):
        yield server


@pytest.fixture(
    params=[
        pytest.param(16, id="postgresql16", marks=pytest.mark.slow),
        pytest.param(18, id="postgresql18"),
    ]
)
def any_server(request: pytest.FixtureRequest) -> Server:
    server: Server = request.getfixturevalue(f"server{request.param}")
    return server


@pytest.fixture(scope="session")
def contrib_server(server_directory: Path) -> Iterator[Server]:
    """A server with contrib's extensions, which the embedded one does not have."""
    binaries = contrib_binaries()
    if binaries is None:
        pytest.skip("no PostgreSQL with contrib's citext and btree_gist is installed")
    with ContribServer(binaries, server_directory / "contrib") as server:
        yield server


@pytest.fixture(scope="session")
def secure(server_directory: Path) -> Iterator[SecureServer]:
    """A server over TCP and TLS, with every way of proving who one is."""
    with secure_server(server_directory) as secure:
        yield secure


@pytest.fixture
def database_url(server18: Server) -> Iterator[str]:
    """The URL of an empty database, dropped after the test."""
    with server18.database() as url:
        yield url


@pytest.fixture(scope="session")
def blog_template(server18: Server) -> Iterator[str]:
    """The name of a database with the blog's tables, to copy."""
    sql = (Path(__file__).parents[1] / "examples/blog/db/schema.sql").read_text(encoding="utf-8")
    with server18.database() as url:
        server18.run_script(url, sql)
        yield url


@pytest.fixture(scope="session")
def blogs(server18: Server, blog_template: str) -> Iterator[Copies]:
    """What lends databases with the blog's tables."""
    with closing(Copies(server18, blog_template)) as copies:
        yield copies


@pytest.fixture
def blog_url(blogs: Copies) -> Iterator[str]:
    """The URL of a database with the blog's tables, empty."""
    with blogs.lend() as url:
        yield url


@pytest.fixture(scope="session")
def bouncer(server18: Server, server_directory: Path) -> Iterator[Bouncer]:
    """A PgBouncer in front of the server."""
    if PROGRAM is None:
        pytest.skip("pgbouncer is not installed")
    with Bouncer(server18.url, server_directory / "bouncer") as bouncer:
        yield bouncer


@pytest.fixture(scope="session")
def encrypted(server18: Server, server_directory: Path) -> Iterator[Bouncer]:
    """What encrypts the connections to the server, which cannot do so itself."""
    if PROGRAM is None or shutil.which("openssl") is None:
        pytest.skip("pgbouncer or openssl is not installed")
    with Bouncer(server18.url, server_directory / "encrypted", is_encrypted=True) as bouncer:
        yield bouncer


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    # What the core does, it does the same by each way to the server.
    name = metafunc.module.__name__.removeprefix("tests.ormkit.").replace(".", "/")
    if name in CORE and "engine" in metafunc.fixturenames:
        metafunc.parametrize("engine", WAYS, indirect=True)


@pytest.fixture
async def engine(request: pytest.FixtureRequest, blog_url: str) -> AsyncIterator[Engine]:
    """An engine on a database with the blog's tables."""
    way = getattr(request, "param", "direct")
    if way == "direct":
        async with await create_engine(blog_url, max_connections=5) as engine:
            yield engine
        return
    bouncer: Bouncer = request.getfixturevalue("encrypted" if way == "tls" else "bouncer")
    async with bouncer.engine(blog_url) as engine:
        yield engine


@pytest.fixture
def session(engine: Engine) -> AsyncSession:
    """A session on a database with the blog's tables."""
    return AsyncSession(engine)


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """Compares texts with files under tests/golden; --update-golden writes them."""
    return Golden(updates=request.config.getoption("--update-golden"))


@pytest.fixture(params=["in C", "in Python"])
def reader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read answers with the accelerator, where there is one, and without."""
    if request.param == "in Python":
        monkeypatch.setattr(receiving, "Reader", None)
    elif receiving.Reader is None:
        pytest.skip("there is no accelerator")
