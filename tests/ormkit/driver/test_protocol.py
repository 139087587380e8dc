"""The wire: asyncpg's own protocol for releases that are known, its public methods for others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg  # pyright: ignore[reportMissingTypeStubs]
import pytest

from examples.blog.db import User
from ormkit import (
    AsyncSession,
    DatabaseError,
    Engine,
    InvalidValue,
    QueryCanceled,
    UniqueViolation,
    create_engine,
)
from ormkit.driver.protocol import PublicWire, is_known


@pytest.fixture(params=["0.32.0", "0.99.0"], ids=["known", "unknown"])
async def engine(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, blog_url: str
) -> AsyncIterator[Engine]:
    """An engine over asyncpg as it is, and as a release that nobody has looked at."""
    monkeypatch.setattr(asyncpg, "__version__", request.param)
    async with await create_engine(blog_url) as engine:
        connection: Any = engine.pool.take()
        engine.pool.give(connection)
        assert isinstance(connection.wire, PublicWire) == (not is_known())
        yield engine


@pytest.mark.parametrize(
    ("version", "known"),
    [
        ("0.31.0", False),
        ("0.32.0", True),
        ("0.32.1.dev0", True),
        ("0.33.0", False),
        ("1.0", False),
    ],
)
def test_only_releases_that_were_looked_at_are_known(
    monkeypatch: pytest.MonkeyPatch, version: str, known: bool
) -> None:
    monkeypatch.setattr(asyncpg, "__version__", version)
    assert is_known() is known


def test_the_installed_release_is_known() -> None:
    assert is_known()


async def test_objects_are_written_and_read(engine: Engine) -> None:
    session = AsyncSession(engine)
    async with session.begin() as tx:
        user = await tx.insert(User(name="Ada", email="ada@x", age=36))
        user.age = 37
    assert (await session.query(User).filter(name="Ada").all())[0].age == 37
    assert await session.query(User).filter(name="Ada").delete() == 1
    assert await session.get(User, user.id) is None


async def test_errors_name_what_was_wrong_and_the_connection_goes_on(engine: Engine) -> None:
    session = AsyncSession(engine)
    await session.insert(User(name="Ada", email="ada@x"))
    with pytest.raises(UniqueViolation):
        await session.insert(User(name="Grace", email="ada@x"))
    with pytest.raises(InvalidValue, match=r"User\.age"):
        await session.query(User).filter(age="old").all()  # type: ignore[arg-type]
    with pytest.raises(QueryCanceled):
        await engine.execute("SELECT pg_sleep(5)", timeout=0.01)
    assert await session.query(User).count() == 1


async def test_a_copy_that_is_cut_leaves_nothing_to_the_next_statement(engine: Engine) -> None:
    async def never(data: bytes) -> None:
        raise AssertionError

    copying = asyncio.create_task(
        engine.copy_out("SELECT g FROM generate_series(1, 9) g, pg_sleep(9)", never)
    )
    await asyncio.sleep(0.05)
    copying.cancel()
    with pytest.raises(asyncio.CancelledError):
        await copying
    assert (await engine.execute("SELECT 42")).scalar() == 42


async def test_a_statement_without_a_tag_changes_nothing(engine: Engine) -> None:
    assert (await engine.execute("UPDATE users SET age = 1")).rowcount == 0
    assert (await engine.execute("SELECT 1 WHERE false")).all() == []


async def test_an_answer_that_a_changed_type_made_unreadable_is_readable_again(
    engine: Engine,
) -> None:
    await engine.execute("CREATE TYPE pair AS (a integer, b integer)")
    sql = "SELECT row(1, 2)::pair AS it"
    async with AsyncSession(engine).begin() as tx:
        await tx.execute_raw(sql)
    await engine.execute("ALTER TYPE pair ADD ATTRIBUTE c text")
    with pytest.raises(DatabaseError):
        await engine.execute("SELECT row(1, 2, 'x')::pair AS it")
    assert tuple((await engine.execute("SELECT row(1, 2, 'x')::pair AS it")).scalar()) == (
        1,
        2,
        "x",
    )
