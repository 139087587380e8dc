"""The plugin gives each test a database, by whatever plugin and in whatever loop it runs."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

# So that the runs within this one share them.
import ormkit.testing.asyncio_engines
import ormkit.testing.plugin  # noqa: F401
from ormkit.testing.databases import Databases
from tests.servers import Server, run_on

pytest_plugins = ["pytester"]
pytestmark = pytest.mark.one_interpreter

SETTINGS = """
[pytest]
ormkit_schema = examples.blog.db
asyncio_default_fixture_loop_scope = function
filterwarnings = error
"""
#: Tests of one kind of loop: what one writes, the next one does not see.
TESTS = """
import asyncio

import pytest
from examples.blog.db import User
from ormkit import AsyncSession, Engine, create_engine

{marks}

@{fixture}
async def ada(session: AsyncSession):
    yield await session.insert(User(name="Ada", email="ada@x"))
    await session.query(User).filter_by(email="ada@x").delete()
    assert await session.query(User).count() == 1

@pytest.mark.parametrize("number", range(2))
async def test_rolled_back(session, engine: Engine, ada, number):
    committed = []
    async with session.begin() as tx:
        tx.add(User(name="Grace"))
        tx.after_commit(lambda: committed.append(1))
    assert (committed, await session.query(User).count()) == ([1], 2)
    assert session.engine is engine

@pytest.mark.ormkit(isolation="database")
@pytest.mark.parametrize("number", range(2))
async def test_with_a_database_of_its_own(session, ada, number):
    await session.insert(User(name="Grace"))
    async with session.begin() as tx:
        await tx.query(User).all()
        # On a second connection, which sees what was committed.
        assert await AsyncSession(session.engine).query(User).count() == 2
    assert {{user.id for user in await session.query(User).all()}} == {{1, 2}}
"""
ANYIO = """
pytestmark = pytest.mark.anyio

@pytest.fixture(scope="module")
def anyio_backend():
    return "asyncio"
"""
KINDS = {
    "anyio": (ANYIO, "pytest.fixture"),
    **{
        scope: (
            f"import pytest_asyncio\npytestmark = pytest.mark.asyncio(loop_scope={scope!r})",
            f"pytest_asyncio.fixture(loop_scope={scope!r})",
        )
        for scope in ("function", "class", "module", "session")
    },
}


@pytest.fixture(autouse=True)
def _settings(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, server18: Server) -> None:
    pytester.makeini(SETTINGS)
    monkeypatch.setenv("ORMKIT_TEST_URL", server18.url)


def run(pytester: pytest.Pytester, *args: str) -> pytest.RunResult:
    """Run the tests with the plugins that they need, within this process."""
    return pytester.runpytest_inprocess(
        "-p", "ormkit.testing", "-p", "no:cacheprovider", "-p", "no:xdist", *args
    )


def databases_of(server: Server) -> list[str]:
    sql = "SELECT datname FROM pg_database WHERE datname LIKE 'ormkit%' ORDER BY 1"
    return [name for (name,) in server.fetch(server.url, sql)]


def test_tests_are_rolled_back_in_every_loop(pytester: pytest.Pytester, server18: Server) -> None:
    files = {
        f"test_{name}": TESTS.format(marks=marks, fixture=fixture)
        for name, (marks, fixture) in KINDS.items()
    }
    pytester.makepyfile(**files)
    run(pytester).assert_outcomes(passed=4 * len(KINDS))
    (template,) = databases_of(server18)
    assert template.startswith("ormkit_template_")


def test_what_killed_tests_have_left_is_dropped(
    pytester: pytest.Pytester, server18: Server
) -> None:
    """Databases whose process has let go of its lock, and of no other one."""
    gone, there = (f"ormkit_test_{token}_1" for token in ("0abc", "0def"))
    pytester.makepyfile("def test_it(database_url): pass")

    async def hold(connection: Any) -> list[str]:
        await connection.execute("SELECT pg_advisory_lock($1)", 0xDEF)
        for name in (gone, there):
            await connection.execute(f"CREATE DATABASE {name}")
        result = await asyncio.to_thread(run, pytester)
        result.assert_outcomes(passed=1)
        return (await asyncio.to_thread(databases_of, server18))[1:]

    assert run_on(server18.url, hold) == [there]
    server18.maintain(f"DROP DATABASE {there}")


def test_a_database_is_made_while_the_test_before_runs(
    pytester: pytest.Pytester, server18: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytester.makepyfile("""
        import pytest
        @pytest.fixture
        def anyio_backend():
            return "asyncio"
        @pytest.mark.anyio
        async def test_rolled_back(session): pass
        def test_url(database_url): pass
        @pytest.mark.anyio
        @pytest.mark.ormkit(isolation="database")
        async def test_own(engine): pass
        def test_nothing(): pass
        """)
    own = Databases.own
    is_there: list[bool] = []

    def noting(self: Databases) -> Any:
        is_there.append(self._prepared is not None)
        return own(self)

    monkeypatch.setattr(Databases, "own", noting)
    run(pytester).assert_outcomes(passed=4)
    assert is_there == [True, True]
    assert [name for name in databases_of(server18) if "template" not in name] == []


def test_nothing_is_committed_beside_a_test_that_is_rolled_back(
    pytester: pytest.Pytester, server18: Server
) -> None:
    """Whether the test has used its own connection before or not, and by whatever driver."""
    pytester.makepyfile("""
        import asyncpg
        import pytest
        from examples.blog.db import User
        from ormkit import AsyncSession, ConnectionFailed, create_engine
        pytestmark = pytest.mark.asyncio
        INSERT = "INSERT INTO users (name) VALUES ('Eve')"

        @pytest.mark.parametrize("is_used", [False, True])
        async def test_rolled_back(engine, is_used):
            if is_used:
                await engine.execute(INSERT)
            with pytest.raises(ConnectionFailed, match="its tests are rolled back"):
                async with await create_engine(engine.url) as other:
                    await other.execute(INSERT)
            with pytest.raises(asyncpg.ObjectNotInPrerequisiteStateError):
                await asyncpg.connect(engine.url)
            assert await AsyncSession(engine).query(User).count() == is_used

        @pytest.mark.ormkit(isolation="database")
        async def test_own(engine):
            async with await create_engine(engine.url) as other:
                await other.execute(INSERT)
            assert await AsyncSession(engine).query(User).count() == 1
        """)
    run(pytester).assert_outcomes(passed=3)


def test_a_seed_is_in_every_database(pytester: pytest.Pytester) -> None:
    pytester.makeini(f"{SETTINGS}ormkit_seed = seeds:main\npythonpath = .\n")
    pytester.makepyfile(
        seeds="""
        from examples.blog.db import User
        async def main(session):
            await session.insert(User(name="Root"))
        """,
        test_it="""
        import pytest
        from examples.blog.db import User
        pytestmark = pytest.mark.anyio
        @pytest.fixture
        def anyio_backend():
            return "asyncio"
        async def test_rolled_back(session):
            assert [user.name for user in await session.query(User).all()] == ["Root"]
        @pytest.mark.ormkit(isolation="database")
        async def test_own(session):
            assert [user.name for user in await session.query(User).all()] == ["Root"]
        """,
    )
    run(pytester).assert_outcomes(passed=2)


@pytest.mark.parametrize(
    ("setting", "test", "message"),
    [
        ("", "async def test(session): pass", "engine and session are for async tests"),
        ("", "def test(session): pass", "use the fixture database_url"),
        (
            "ormkit_isolation = none",
            "import pytest\n@pytest.mark.anyio\nasync def test(session): pass",
            "isolation='none': it must be one of 'rollback', 'database'",
        ),
        ("ormkit_seed = os:path", "def test(database_url): pass", "name an async function"),
        ("ormkit_seed = nowhere:x", "def test(database_url): pass", "cannot be imported"),
    ],
)
def test_mistakes_are_named(
    pytester: pytest.Pytester, setting: str, test: str, message: str
) -> None:
    pytester.makeini(f"{SETTINGS}{setting}\n")
    pytester.makepyfile(test_it=test)
    result = run(pytester)
    assert message in result.stdout.str()
    assert result.ret != 0


def test_the_marker_limits_the_statements_of_a_test(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import pytest
        from examples.blog.db import User
        pytestmark = [pytest.mark.anyio, pytest.mark.ormkit(budget=2)]

        @pytest.fixture
        def anyio_backend():
            return "asyncio"

        @pytest.fixture
        async def users(session):
            for number in range(6):
                await session.insert(User(name=str(number)))
            return await session.query(User).all()

        async def test_within(session, users):
            await session.query(User).all()
            await session.query(User).count()

        async def test_beyond(session, users):
            for _ in range(3):
                await session.query(User).all()

        @pytest.mark.ormkit(budget=100, repeats="raise")
        async def test_loop(session, users):
            for user in users:
                await session.query(User).filter(name=user.name).all()

        @pytest.mark.ormkit(repeats="never")
        async def test_bad_word(session): pass

        @pytest.mark.ormkit(bugdet=1)
        async def test_bad_argument(session): pass

        def test_without_engine(): pass
        """)
    result = run(pytester, "-rf")
    result.assert_outcomes(passed=1, failed=5)
    result.stdout.fnmatch_lines(
        [
            "*3 statements were sent, and the budget is at most 2:*",
            "*User.filter(name).all was sent 6 times from *test_loop*",
            "*repeats='never': it must be 'log' or 'raise'",
            "*the marker ormkit has no argument bugdet: it takes isolation=, budget=, repeats=",
            "*needs the fixture `engine` or `session` in the test",
        ]
    )
