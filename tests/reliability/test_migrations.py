"""A schema that changes under running connections: statements work, or say what is wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from examples.blog.db import SCHEMA, Post, PostStatus, Tag, User
from ormkit import (
    AsyncSession,
    ConnectionLost,
    DatabaseError,
    DataError,
    Engine,
    OutdatedStatement,
    RetryableError,
    StatementError,
    Transaction,
    UsageError,
    create_engine,
)
from tests.reliability.pool_state import assert_all_usable
from tests.statements import Statements

pytestmark = pytest.mark.one_interpreter


async def warm(session: AsyncSession) -> None:
    """Let every connection prepare the statements, and read the types they use."""
    await asyncio.gather(*(read(session) for _ in range(50)))


async def read(session: AsyncSession) -> list[Post]:
    return await session.query(Post).filter(status=PostStatus.draft).all()


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE posts ADD COLUMN more text",
        "ALTER TABLE posts ALTER COLUMN title TYPE varchar(50)",
        "ALTER TABLE posts ALTER COLUMN id TYPE bigint",
        "ALTER TYPE post_status ADD VALUE 'lost'",
        "ALTER TYPE post_status RENAME TO stage",
        "CREATE INDEX ON posts (status)",
        "DROP INDEX IF EXISTS posts_author_id_idx",
    ],
)
async def test_every_connection_works_after_a_change_that_leaves_the_columns(
    session: AsyncSession, engine: Engine, change: str
) -> None:
    ada = await session.insert(User(name="Ada"))
    await session.insert(Post(title="a", author_id=ada.id))
    await warm(session)
    await engine.execute(change)
    for posts in await asyncio.gather(*(read(session) for _ in range(50))):
        assert [post.title for post in posts] == ["a"]
    await assert_all_usable(engine)


async def make_anew(engine: Engine) -> None:
    """Drop the type of a column and make it again, under the same name and with the same labels."""
    for sql in (
        "ALTER TYPE post_status RENAME TO old_status",
        "CREATE TYPE post_status AS ENUM ('draft', 'published', 'archived')",
        "ALTER TABLE posts ALTER COLUMN status DROP DEFAULT",
        "ALTER TABLE posts ALTER COLUMN status TYPE post_status USING status::text::post_status",
        "DROP TYPE old_status",
    ):
        await engine.execute(sql)


async def make_table_anew(engine: Engine) -> None:
    """Drop a table and its type and make them again, with the rows."""
    await engine.execute("CREATE TABLE kept AS SELECT id, author_id, title FROM posts")
    await engine.execute("DROP TABLE posts CASCADE")
    await engine.execute("DROP TYPE post_status")
    await engine.create_all(SCHEMA)
    await engine.execute("INSERT INTO posts (id, author_id, title) SELECT * FROM kept")
    await engine.execute("ALTER TABLE posts ALTER COLUMN id RESTART WITH 1000")


async def give_column_anew(engine: Engine) -> None:
    await engine.execute("ALTER TABLE posts DROP COLUMN views, DROP COLUMN title")
    await engine.execute("ALTER TABLE posts ADD COLUMN title text DEFAULT 'a' NOT NULL")
    await engine.execute("ALTER TABLE posts ADD COLUMN views smallint DEFAULT 0 NOT NULL")


CHANGES = [make_anew, make_table_anew, give_column_anew]
Change = Callable[[Engine], Awaitable[None]]


@pytest.mark.parametrize("change", CHANGES)
async def test_what_was_made_anew_costs_no_error_outside_a_transaction(
    session: AsyncSession, engine: Engine, change: Change
) -> None:
    """Its statements are prepared anew and sent again, writes too: nothing of them has run."""
    ada = await session.insert(User(name="Ada"))
    await session.insert(Post(title="a", author_id=ada.id))

    async def write(number: int) -> None:
        title = f"{number}"
        await session.insert(Post(title=title, author_id=ada.id, status=PostStatus.archived))
        await session.query(Post).filter(title=title).update(status=PostStatus.published)

    await warm(session)
    await asyncio.gather(*(write(number) for number in range(20)))
    await session.query(Post).filter(Post.title != "a").delete()
    await change(engine)
    reads, _ = await asyncio.gather(
        asyncio.gather(*(read(session) for _ in range(50))),
        asyncio.gather(*(write(number) for number in range(20))),
    )
    assert [[post.title for post in posts] for posts in reads] == [["a"]] * 50
    written = await session.query(Post).filter(status=PostStatus.published).values_list(Post.title)
    assert sorted(written) == sorted((f"{number}",) for number in range(20))
    await assert_all_usable(engine)


@pytest.mark.parametrize("change", CHANGES)
async def test_a_transaction_that_meets_what_was_made_anew_can_be_run_again(
    session: AsyncSession, engine: Engine, change: Change
) -> None:
    """The first one finds out for all connections and statements, so that run() gets through."""
    ada = await session.insert(User(name="Ada"))
    post = await session.insert(Post(title="a", author_id=ada.id))

    async def work(tx: Transaction) -> int:
        await tx.query(Post).filter(status=PostStatus.draft).all()
        await tx.query(Post).filter(status=PostStatus.draft).count()
        await tx.query(Post).filter(id=post.id).update(status=PostStatus.draft)
        await tx.query(Post).filter(status__in=[PostStatus.draft]).exists()
        return await tx.query(Post).filter(Post.status != PostStatus.archived).count()

    await asyncio.gather(*(engine.run(work) for _ in range(20)))
    await change(engine)
    with pytest.raises(OutdatedStatement) as caught:
        async with session.begin() as tx:
            await work(tx)
    assert caught.value.sqlstate in ("0A000", "XX000")
    assert isinstance(caught.value, RetryableError)

    async def apart(barrier: asyncio.Barrier) -> int:
        async with AsyncSession(engine).begin() as tx:
            await tx.execute_raw("SELECT 1")
            await barrier.wait()
            return await work(tx)

    # It has told the other connections: not even a transaction that is not run again meets it.
    together = asyncio.Barrier(5)
    assert await asyncio.gather(*(apart(together) for _ in range(5))) == [1] * 5
    await change(engine) if change is make_anew else None
    assert await asyncio.gather(*(engine.run(work) for _ in range(50))) == [1] * 50
    await assert_all_usable(engine)


async def test_a_row_type_that_changed_is_told_apart_from_a_broken_connection(
    session: AsyncSession, engine: Engine, blog_url: str
) -> None:
    await session.insert(Tag(name="a"))
    sql = "UPDATE tags SET name = name || '!' RETURNING tags"
    # One connection, so that the statement runs where it was prepared; the change comes by another.
    async with await create_engine(blog_url, max_connections=1) as single:
        await single.execute(sql)
        await engine.execute("ALTER TABLE tags ADD COLUMN more text")
        with pytest.raises(DatabaseError, match="the statement ran") as caught:
            await single.execute(sql)
        assert not isinstance(caught.value, (ConnectionLost, RetryableError))
        ((row,),) = (await single.execute(sql)).tuples()
    assert tuple(row)[1:] == ("a!!!", None)


async def test_a_row_whose_parts_cannot_be_read_is_no_broken_connection(engine: Engine) -> None:
    with pytest.raises(UsageError, match="no decoder for composite type"):
        await engine.execute("SELECT ROW(1, 'draft'::post_status)")
    await assert_all_usable(engine)


async def test_a_statement_that_was_never_prepared_is_asked_for_once(engine: Engine) -> None:
    with Statements(engine) as sent, pytest.raises(DatabaseError, match="does not exist"):
        await engine.execute("EXECUTE missing")
    assert sent == ["EXECUTE missing"]


async def test_what_is_gone_is_said_by_name_and_costs_no_connection(
    session: AsyncSession, engine: Engine
) -> None:
    await session.query(Tag).all()
    await engine.execute("ALTER TABLE tags DROP COLUMN name CASCADE")
    for _ in range(3):
        with pytest.raises(StatementError, match="name"):
            await session.query(Tag).all()
    await engine.execute("DROP TABLE tags CASCADE")
    for _ in range(3):
        with pytest.raises(StatementError, match="tags"):
            await session.query(Tag).all()
    await assert_all_usable(engine)


async def test_a_value_that_is_no_longer_in_the_enum_is_refused_by_the_server(
    session: AsyncSession, engine: Engine
) -> None:
    await warm(session)
    await engine.execute("ALTER TYPE post_status RENAME VALUE 'draft' TO 'sketch'")
    with pytest.raises(DataError, match="enum post_status"):
        await read(session)
    await assert_all_usable(engine)


async def test_a_deadlock_can_be_told_and_tried_again(session: AsyncSession) -> None:
    tags = [await session.insert(Tag(name=name)) for name in "ab"]
    both = asyncio.Barrier(2)
    tries = 0

    async def work(first: Tag, second: Tag) -> None:
        nonlocal tries
        while True:
            tries += 1
            try:
                async with session.begin() as tx:
                    await tx.update(first, name=f"{first.name}!")
                    if tries <= 2:
                        await both.wait()
                    await tx.update(second, name=f"{second.name}?")
                return
            except RetryableError:
                continue

    await asyncio.gather(work(tags[0], tags[1]), work(tags[1], tags[0]))
    assert tries > 2
