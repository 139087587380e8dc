"""A full disk: a clear error, and the connection serves on, or a crash that loses nothing."""

# pyright: reportPrivateUsage=false
from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from examples.blog.db import Post, User
from ormkit import (
    AsyncSession,
    CommitUnknown,
    ConnectionFailed,
    ConnectionLost,
    EmbeddedServer,
    Engine,
    OperationalError,
    RetryableError,
    create_engine,
)
from tests.reliability.pool_state import assert_all_usable
from tests.reliability.small_disk import free_bytes, small_disk
from tests.servers import Server

pytestmark = [
    pytest.mark.skipif(
        sys.platform != "linux" or not shutil.which("mount"), reason="nothing can be mounted here"
    ),
    pytest.mark.one_interpreter,
]


def large() -> str:
    """Return a text that cannot be compressed much."""
    return os.urandom(20_000).hex()


@pytest.fixture(scope="module")
def tablespace(server18: Server, server_directory: Path) -> Iterator[str]:
    """A tablespace on a disk of 8 MB."""
    with small_disk(server_directory / "small", 8) as disk:
        sockets = server18.url.partition("host=")[2].partition("&")[0]
        shutil.chown(disk, Path(sockets).owner())
        server18.maintain(f"CREATE TABLESPACE small LOCATION '{disk}'")
        yield "small"
        server18.drop_left()
        server18.maintain("DROP TABLESPACE small")


@pytest.fixture
async def small(blog_url: str, tablespace: str) -> AsyncIterator[Engine]:
    """An engine on a blog whose posts are in the tablespace."""
    async with await create_engine(blog_url, min_connections=3, max_connections=3) as engine:
        await engine.execute(f"ALTER TABLE posts SET TABLESPACE {tablespace}")
        await AsyncSession(engine).insert(User(name="Ada"))
        yield engine
        await engine.execute("ALTER TABLE posts SET TABLESPACE pg_default")


async def insert(session: AsyncSession) -> int:
    await session.insert(Post(title="large", author_id=1, body=large()))
    return 1


async def insert_all(session: AsyncSession) -> int:
    await session.insert_all([Post(title="large", author_id=1, body=large()) for _ in range(9)])
    return 9


async def copy_in(session: AsyncSession) -> int:
    return await session.copy_in(
        Post, [Post(title="large", author_id=1, body=large()) for _ in range(9)]
    )


async def transaction(session: AsyncSession) -> int:
    async with session.begin() as tx:
        for _ in range(3):
            tx.add(Post(title="large", author_id=1, body=large()))
    return 3


@pytest.mark.parametrize("work", [insert, insert_all, copy_in, transaction])
async def test_a_full_disk_is_told_and_costs_no_connection(
    small: Engine, work: Callable[[AsyncSession], Awaitable[int]]
) -> None:
    session, before = AsyncSession(small), set(small.pool._opened_at)
    stored: list[int] = []

    async def fill() -> OperationalError:
        while True:
            try:
                stored.append(await work(session))
            except OperationalError as error:
                return error

    for error in await asyncio.gather(*(fill() for _ in range(6))):
        assert not isinstance(error, (ConnectionLost, RetryableError))
        assert error.sqlstate == "53100"
        assert "No space left on device" in str(error)
    assert stored
    # What was there can be read, nothing is there by half, and every connection serves on.
    assert await session.query(Post).count() == sum(stored)
    assert set(small.pool._opened_at) == before
    await assert_all_usable(small)
    await small.execute("ALTER TABLE posts SET TABLESPACE pg_default")
    stored.append(await work(session))
    assert await session.query(Post).count() == sum(stored)


async def test_sorts_that_may_not_take_more_of_the_disk_are_told_apart(blog_url: str) -> None:
    limits = {"temp_file_limit": "100kB", "work_mem": "64kB"}
    sql = "SELECT md5(n::text) FROM generate_series(1, 50000) AS n ORDER BY 1"
    async with await create_engine(blog_url, max_connections=1, server_settings=limits) as engine:
        (born,) = engine.pool._opened_at
        with pytest.raises(OperationalError, match="temporary file size exceeds") as caught:
            await engine.execute(sql)
        assert caught.value.sqlstate == "53400"
        with pytest.raises(OperationalError, match="temporary file size exceeds"):
            async with engine.transaction() as tx:
                await tx.execute_raw(sql)
        await assert_all_usable(engine)
        assert list(engine.pool._opened_at) == [born]


async def test_a_server_that_a_full_disk_brings_down_keeps_what_it_acknowledged(
    server_directory: Path,
) -> None:
    """PostgreSQL ends with PANIC where its write-ahead log cannot grow."""
    settings = {"fsync": "off", "min_wal_size": "32MB"}
    with small_disk(server_directory / "wal", 110) as disk:
        data = disk / "data"
        server = await asyncio.to_thread(EmbeddedServer.start, data, settings=settings)
        engine = await create_engine(server.url, max_connections=5, reconnect_timeout=0.5)
        try:
            await engine.execute("CREATE TABLE kept (id int PRIMARY KEY, body text)")
            ballast = disk / "ballast"
            ballast.write_bytes(bytes(free_bytes(disk) - 24_000_000))
            acknowledged, errors = await fill_until_it_ends(engine)
            assert acknowledged
            assert CommitUnknown in errors or ConnectionLost in errors
            ballast.unlink()
            # Its postmaster may have given up, as it does where the disk bars recovery too.
            server = await asyncio.to_thread(EmbeddedServer.start, data, settings=settings)
            kept = set((await engine.execute("SELECT id FROM kept")).column())
            assert acknowledged <= kept
            await assert_all_usable(engine)
        finally:
            await engine.close()
            await asyncio.to_thread(server.shut_down)


async def fill_until_it_ends(engine: Engine) -> tuple[set[object], set[type[BaseException]]]:
    """Insert until the server is gone; return the keys that were acknowledged, and the errors."""
    acknowledged: set[object] = set()
    errors: set[type[BaseException]] = set()

    async def insert_on(start: int) -> None:
        for key in range(start, start + 10_000):
            try:
                async with engine.transaction() as tx:
                    await tx.execute_raw("INSERT INTO kept VALUES ($1, $2)", [key, large()])
                acknowledged.add(key)
            except ConnectionFailed:
                return
            except OperationalError as error:
                errors.add(type(error))

    await asyncio.gather(*(insert_on(number * 10_000) for number in range(5)))
    return acknowledged, errors
