"""Models of views and of tables without a key: they are read like others, and never written."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from ormkit import AsyncSession, UsageError, create_engine, joinedload, selectinload
from tests.generated import models_of
from tests.servers import Server

pytestmark = pytest.mark.one_interpreter

SCHEMA = """
[models.User]
table = "users"

[models.User.columns]
id = { type = "bigint", primary_key = true }
name = "text"

[models.User.relationships]
recent = { target = "Recent" }

[models.Recent]
view = "SELECT id, name, id AS user_id FROM users WHERE id > 1"
key = ["id"]

[models.Recent.columns]
id = "bigint"
name = "text?"
user_id = { type = "bigint?", foreign_key = "users.id" }

[models.Recent.relationships]
user = { target = "User" }

[models.Log]
read_only = true

[models.Log.columns]
line = "text"
user_id = { type = "bigint?", foreign_key = "users.id" }

[models.Log.relationships]
user = { target = "User" }

[models.Code]
key = ["code"]

[models.Code.columns]
code = { type = "text", unique = true }
n = { type = "integer", default = 0 }
"""
models: Any = models_of("readonly", SCHEMA)
User, Recent, Log, Code = models.User, models.Recent, models.Log, models.Code


@pytest.fixture(scope="module")
def url(server18: Server) -> Iterator[str]:
    with server18.database() as found:
        server18.run_script(found, Path(models.SCHEMA.path).read_text())
        server18.run_script(
            found,
            "INSERT INTO users (name) VALUES ('a'), ('b'), ('c');"
            "INSERT INTO log VALUES ('same', 1), ('same', 1), ('other', NULL)",
        )
        yield found


@pytest.fixture
async def session(url: str) -> AsyncIterator[AsyncSession]:
    async with await create_engine(url, max_connections=2) as engine:
        yield AsyncSession(engine)


async def test_rows_that_are_alike_are_objects_of_their_own(session: AsyncSession) -> None:
    for source in (session, None):
        if source is None:
            async with session.begin() as tx:
                await check_log(tx)
        else:
            await check_log(source)


async def check_log(source: Any) -> None:
    logs = await source.query(Log).order_by("line").all()
    assert [(each.line, each.user_id) for each in logs] == [("other", None), *[("same", 1)] * 2]
    assert len({id(each) for each in logs}) == 3
    assert await source.query(Log).filter(line="same").count() == 2
    assert (await source.query(Log).order_by("line").first()).line == "other"
    for load in (selectinload, joinedload):
        found = await source.query(Log).options(load(Log.user)).order_by("line").all()
        assert [each.user and each.user.name for each in found] == [None, "a", "a"]
    assert [each.line async for each in source.query(Log).order_by("line").stream()][:1] == [
        "other"
    ]


async def test_a_view_with_a_key_has_all_that_reads(session: AsyncSession) -> None:
    assert (await session.get_or_raise(Recent, 2)).name == "b"
    page = await session.query(Recent).limit(1).page()
    assert [each.id for each in page.items] == [2]
    users = await session.query(User).options(selectinload(User.recent)).order_by("id").all()
    assert [[each.name for each in user.recent] for user in users] == [[], ["b"], ["c"]]


async def test_nothing_is_written(session: AsyncSession) -> None:
    (recent, *_), (log, *_) = await session.query(Recent).all(), await session.query(Log).all()
    for made in (Recent, Log):
        with pytest.raises(UsageError, match="read-only"):
            made(name="x")
    async with session.begin() as tx:
        for each in (recent, log):
            kind: Any = type(each)
            with pytest.raises(UsageError, match="read-only"):
                await tx.update(each, user_id=2)
            for write in (tx.insert, tx.delete, tx.upsert):
                with pytest.raises(UsageError, match=r"read-only|no key"):
                    await write(each)
            for write_all in (tx.insert_all, tx.bulk_update, tx.upsert_all, tx.remove_all):
                with pytest.raises(UsageError, match=r"read-only|no key"):
                    await write_all([each])
            with pytest.raises(UsageError, match="read-only"):
                await tx.copy_in(kind, [each])
            with pytest.raises(UsageError, match="read-only"):
                await tx.query(kind).filter(user_id=1).delete()
            with pytest.raises(UsageError, match="read-only"):
                await tx.query(kind).filter(user_id=1).update(user_id=2)


async def test_a_change_of_a_viewed_row_is_refused_and_not_lost(session: AsyncSession) -> None:
    with pytest.raises(UsageError, match="Recent is read-only"):
        async with session.begin() as tx:
            (await tx.get_or_raise(Recent, 2)).name = "x"


async def test_what_needs_a_key_says_so(session: AsyncSession) -> None:
    with pytest.raises(UsageError, match="Log has no key"):
        await session.get(Log, 1)
    with pytest.raises(UsageError, match="Log has no key"):
        await session.query(Log).order_by("line").limit(1).page()


async def test_unique_columns_stand_in_for_a_primary_key(session: AsyncSession) -> None:
    await session.insert_all([Code(code="a"), Code(code="b", n=1)])
    async with session.begin() as tx:
        (await tx.get_or_raise(Code, "a")).n = 5
    await session.upsert(Code(code="b", n=7))
    assert await session.query(Code).order_by("code").values_list(Code.n) == [(5,), (7,)]
    await session.delete(await session.get_or_raise(Code, "a"))
    assert await session.query(Code).count() == 1
