"""A network that breaks at any byte: reads come through, writes and commits tell what is known."""

# pyright: reportPrivateUsage=false
from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from examples.blog.db import Post, Tag, User
from ormkit import AsyncSession, CommitUnknown, ConnectionLost, QueryCanceled, create_engine
from tests.lengths import examples
from tests.proxy import Ending, Proxy, Way
from tests.reliability.pool_state import assert_all_usable
from tests.reliability.works import (
    WORKS,
    Work,
    get,
    get_before_others,
    get_behind_others,
    iterate,
    load,
    load_along,
    page,
    relate,
    seed,
)
from tests.statements import Statements


async def count(session: AsyncSession) -> None:
    assert await session.query(User).count() == 3


async def exists(session: AsyncSession) -> None:
    assert await session.query(User).filter(id=3).exists()


async def values(session: AsyncSession) -> None:
    assert len(await session.query(Post).values("id", "title")) == 3


async def aggregate(session: AsyncSession) -> None:
    assert await session.query(Post).max(Post.id) == 3


@pytest.fixture
async def proxy(blog_url: str) -> AsyncIterator[Proxy]:
    async with Proxy(blog_url) as proxy:
        yield proxy


@pytest.fixture
async def session(proxy: Proxy) -> AsyncIterator[AsyncSession]:
    """A session whose connections go through the proxy."""
    async with await create_engine(proxy.url, min_connections=0, max_connections=2) as engine:
        yield AsyncSession(engine)


@pytest.mark.one_interpreter
@pytest.mark.parametrize("ending", ["abort", "half-close", "reset"])
@pytest.mark.parametrize("way", ["asked", "answered"])
async def test_a_read_cut_at_any_byte_comes_through(
    session: AsyncSession, proxy: Proxy, way: Way, ending: Ending
) -> None:
    await session.insert(User(name="Ada", age=36))
    await session.get(User, 1)
    before = proxy.passed[way]
    await session.get(User, 1)
    length = proxy.passed[way] - before
    assert length > 20
    for count in range(length):
        proxy.end_after(count, way, ending)
        user = await session.get(User, 1)
        assert user is not None
        assert user.age == 36
        assert way not in proxy._allowed
    await assert_all_usable(session.engine)


#: Reads that go out again by themselves where their connection broke.
READS: tuple[Work, ...] = (
    *(get, get_before_others, get_behind_others, load, load_along, page, iterate),
    *(count, exists, values, aggregate),
)
#: How many times each work is cut, on each way.
CUTS = examples(6)
ENDINGS: tuple[Ending, ...] = ("abort", "reset", "half-close")


@pytest.mark.one_interpreter
@pytest.mark.nightly
@pytest.mark.parametrize("way", ["asked", "answered"])
@pytest.mark.parametrize("work", dict.fromkeys([*WORKS, *READS]), ids=lambda work: work.__name__)
async def test_any_work_cut_anywhere_is_whole_or_not_at_all_and_says_that_it_was_cut(
    session: AsyncSession, proxy: Proxy, work: Work, way: Way
) -> None:
    await seed(session)
    tags, whole = session.query(Tag).filter(Tag.name != "taken"), WORKS.get(work, [])
    before = proxy.passed[way]
    await work(session)
    length = proxy.passed[way] - before
    errors = 0
    for number in range(CUTS):
        await tags.delete()
        proxy.end_after(length * number // CUTS, way, ENDINGS[number % 3])
        try:
            await work(session)
            is_done = True
        except* ConnectionLost:
            errors += 1
            is_done = False
        proxy.end_nothing()
        names = sorted(name for (name,) in await tags.values_list(Tag.name))
        assert names == whole if is_done else names in ([], whole)
    # Most of what relate() is answered are the rows that it reads, which may be read again.
    assert errors == 0 if work in READS else errors > 0 or work is relate
    await assert_all_usable(session.engine)


async def test_a_view_a_lock_raw_sql_and_a_transaction_are_read_once(
    session: AsyncSession,
) -> None:
    await session.insert(Tag(name="a"))
    await session.execute_raw("ALTER TABLE tags RENAME TO hidden")
    await session.execute_raw(
        "CREATE VIEW tags AS SELECT * FROM hidden WHERE pg_terminate_backend(pg_backend_pid())"
    )
    # Each of these reads ends the connection that it runs on.
    with Statements(session.engine) as sent:
        with pytest.raises(ConnectionLost):
            await session.query(Tag).all()
        assert len([sql for sql in sent if "FROM tags" in sql]) == 1
        with pytest.raises(ConnectionLost):
            async with session.begin() as tx:
                await tx.query(Tag).for_update().all()
        with pytest.raises(ConnectionLost):
            await session.execute_raw("SELECT id FROM tags")
        with pytest.raises(ConnectionLost):
            async with session.begin() as tx:
                await tx.query(Tag).all()
    assert len([sql for sql in sent if "FROM tags" in sql]) == 4
    await assert_all_usable(session.engine)


async def test_a_write_that_was_cut_is_lost_and_not_sent_again(
    session: AsyncSession, proxy: Proxy
) -> None:
    await session.insert(Tag(name="warm"))
    before = proxy.passed["answered"]
    await session.insert(Tag(name="measured"))
    length = proxy.passed["answered"] - before
    for count in range(length):
        proxy.end_after(count, "answered")
        with pytest.raises(ConnectionLost):
            await session.insert(Tag(name=f"cut {count}"))
        assert await session.query(Tag).filter(name=f"cut {count}").count() == 1
        # A new connection prepares the statement before the next measured answer.
        await session.insert(Tag(name=f"warm {count}"))
    await assert_all_usable(session.engine)


@pytest.mark.parametrize("way", ["asked", "answered"])
async def test_a_commit_cut_at_any_byte_is_unknown_or_done(
    session: AsyncSession, proxy: Proxy, way: Way
) -> None:
    async def transfer(name: str, allowed: int | None) -> int:
        async with session.begin() as tx:
            await tx.insert(Tag(name=name))
            before = proxy.passed[way]
            if allowed is not None:
                proxy.end_after(allowed, way)
        return proxy.passed[way] - before

    length = await transfer("whole", None)
    for count in range(length):
        with pytest.raises(CommitUnknown):
            await transfer(f"cut {count}", count)
        kept = await session.query(Tag).filter(name=f"cut {count}").count()
        # Only a whole question reaches the server; each byte of its answer comes after the fact.
        assert kept == (way == "answered")
    await assert_all_usable(session.engine)


@pytest.mark.parametrize("way", ["asked", "answered"])
async def test_what_stalls_at_any_byte_ends_with_the_statement_s_timeout(
    proxy: Proxy, monkeypatch: pytest.MonkeyPatch, way: Way
) -> None:
    sql = "SELECT repeat('x', 50)"
    async with await create_engine(proxy.url, min_connections=0, max_connections=1) as engine:

        async def settled_length() -> int:
            """Run the statement; return its length, once the reset behind it is over."""
            before = proxy.passed[way]
            await engine.execute(sql)
            length = proxy.passed[way] - before
            # The only connection serves it after the reset, and needs none after it.
            await AsyncSession(engine).query(Tag).count()
            return length

        await settled_length()
        length = await settled_length()
        assert length > 20
        # Only now: on a busy machine the reset of a whole connection would end by it, too.
        monkeypatch.setattr("ormkit.pool.pool.RESET_TIMEOUT", 0.05)
        monkeypatch.setattr("ormkit.pool.pool.PROBE_TIMEOUT", 0.05)
        for count in range(0, length, 7):
            proxy.end_after(count, way, "stall")
            with pytest.raises(QueryCanceled):
                await engine.execute(sql, timeout=0.05)
            await settled_length()
        proxy.break_stalled()
        await assert_all_usable(engine)


async def test_a_slow_network_changes_nothing(session: AsyncSession, proxy: Proxy) -> None:
    proxy.delay = 0.005
    async with session.begin() as tx:
        await tx.insert(Tag(name="slow"))
    assert await session.query(Tag).count() == 1
