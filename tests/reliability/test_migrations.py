"""A schema that changes under running connections: statements work, or say what is wrong."""

from __future__ import annotations

import asyncio

import pytest

from examples.blog.db import Post, PostStatus, Tag, User
from ormkit import AsyncSession, DatabaseError, DataError, Engine, RetryableError, StatementError
from tests.reliability.pool_state import assert_all_usable


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


async def test_an_enum_that_was_made_anew_costs_each_connection_one_error_at_most(
    session: AsyncSession, engine: Engine
) -> None:
    ada = await session.insert(User(name="Ada"))
    await session.insert(Post(title="a", author_id=ada.id))
    await warm(session)
    await engine.execute("ALTER TYPE post_status RENAME TO old_status")
    await engine.execute("CREATE TYPE post_status AS ENUM ('draft', 'published', 'archived')")
    await engine.execute("ALTER TABLE posts ALTER COLUMN status DROP DEFAULT")
    await engine.execute(
        "ALTER TABLE posts ALTER COLUMN status TYPE post_status USING status::text::post_status"
    )
    await engine.execute("DROP TYPE old_status")
    # A statement that was prepared for the old type says so once on each connection.
    told = await asyncio.gather(*(read(session) for _ in range(50)), return_exceptions=True)
    errors = [answer for answer in told if isinstance(answer, BaseException)]
    assert {type(error) for error in errors} <= {DatabaseError}
    assert len(errors) <= engine.pool.options.max_connections
    for posts in await asyncio.gather(*(read(session) for _ in range(50))):
        assert [post.title for post in posts] == ["a"]
    await assert_all_usable(engine)


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
