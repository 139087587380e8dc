"""Coalesced reads: lookups of many tasks share statements, and nothing else."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from examples.blog.db import Post, User
from ormkit import AsyncSession, Engine, InvalidValue, StatementError, create_engine
from tests.generated import import_models
from tests.statements import Statements

SCHEMA = """
[models.Pair]
table = "pairs"
[models.Pair.columns]
kind = { type = "text", primary_key = true }
number = { type = "integer", primary_key = true }
value = "text?"

[models.Price]
table = "prices"
[models.Price.columns]
amount = { type = "numeric", primary_key = true }
value = "text?"

[models.Secret]
table = "secrets"
[models.Secret.columns]
id = { type = "bigint", primary_key = true }
tenant = "text"
"""


@pytest.fixture
async def users(session: AsyncSession) -> list[User]:
    return await session.insert_all([User(name=f"u{n}", settings={"n": [n]}) for n in range(60)])


def lookups(sent: list[str]) -> list[str]:
    return [text for text in sent if text.startswith("SELECT")]


async def test_many_lookups_at_once_share_statements(
    session: AsyncSession, engine: Engine, users: list[User]
) -> None:
    with Statements(engine) as sent:
        found = await asyncio.gather(*(session.get(User, user.id) for user in users))
    assert [user.name for user in found if user] == [user.name for user in users]
    assert len(lookups(sent)) == 3
    assert sum("= ANY(" in text for text in sent) == 1


async def test_a_lone_lookup_goes_out_at_once_and_alone(
    session: AsyncSession, engine: Engine, users: list[User]
) -> None:
    with Statements(engine) as sent:
        for user in users[:3]:
            assert (await session.get_or_raise(User, user.id)).name == user.name
        await asyncio.gather(*(session.get(User, user.id) for user in users[:2]))
    assert len(sent) == 5
    assert not any("ANY" in text for text in sent)


async def test_everyone_gets_an_object_of_his_own(session: AsyncSession, users: list[User]) -> None:
    same = users[0].id
    keys = [users[1].id, users[2].id, *[same] * 5, -1]
    found = await asyncio.gather(*(session.get(User, key) for key in keys))
    assert found[-1] is None
    objects: list[Any] = found[2:7]
    assert len({id(each) for each in objects}) == 5
    assert len({id(each.settings) for each in objects}) == 5
    objects[0].settings["n"].append("mine")
    objects[0].name = "mine"
    assert [each.settings for each in objects[1:]] == [{"n": [0]}] * 4


async def test_a_lookup_sees_what_was_written_before_it(
    session: AsyncSession, users: list[User]
) -> None:
    async def write_and_read(user: User, n: int) -> None:
        for step in range(20):
            await session.query(User).filter(id=user.id).update(age=n * 100 + step)
            assert (await session.get_or_raise(User, user.id)).age == n * 100 + step

    await asyncio.gather(*(write_and_read(user, n) for n, user in enumerate(users[:12])))


async def test_the_cancellation_of_one_does_not_reach_the_others(
    session: AsyncSession, engine: Engine, users: list[User]
) -> None:
    for doomed in (0, 1, 2, 7):
        tasks = [asyncio.create_task(session.get(User, user.id)) for user in users[:10]]
        await asyncio.sleep(0)
        tasks[doomed].cancel()
        found = await asyncio.gather(*tasks, return_exceptions=True)
        assert isinstance(found[doomed], asyncio.CancelledError)
        names = [each.name for n, each in enumerate(found) if n != doomed]  # type: ignore[union-attr]
        assert names == [user.name for n, user in enumerate(users[:10]) if n != doomed]
    async with asyncio.timeout(5):
        while engine.pool.idle < engine.pool.size:
            await asyncio.sleep(0.01)


async def test_a_timeout_of_one_does_not_reach_the_others(
    session: AsyncSession, users: list[User]
) -> None:
    async def hasty(key: int) -> User | None:
        async with asyncio.timeout(0):
            return await session.get(User, key)

    calls = [session.get(User, user.id) for user in users[:5]]
    *found, late = await asyncio.gather(*calls, hasty(users[5].id), return_exceptions=True)
    assert isinstance(late, TimeoutError)
    assert [user.name for user in found if isinstance(user, User)] == [f"u{n}" for n in range(5)]


async def test_a_failure_reaches_each_with_an_error_of_its_own(
    session: AsyncSession, engine: Engine, users: list[User]
) -> None:
    await engine.execute("ALTER TABLE users RENAME TO others")
    found = await asyncio.gather(
        *(session.get(User, user.id) for user in users[:8]), return_exceptions=True
    )
    assert all(isinstance(each, StatementError) for each in found)
    assert len({id(each) for each in found}) == 8
    for each in found:
        assert isinstance(each, StatementError)
        assert each.sqlstate == "42P01"
        assert "test_coalescing" not in "".join(traceback.format_tb(each.__traceback__)[1:])
    await engine.execute("ALTER TABLE others RENAME TO users")
    assert await session.get(User, users[0].id)


async def test_a_key_that_does_not_fit_fails_alone(
    session: AsyncSession, users: list[User]
) -> None:
    wrong: list[Any] = [2**70, "1", 1.5, True, None]
    calls: list[Any] = [session.get(User, user.id) for user in users[:4]]
    calls += [session.get(User, key) for key in wrong]
    found = await asyncio.gather(*calls, return_exceptions=True)
    assert [user.name for user in found[:4]] == ["u0", "u1", "u2", "u3"]
    assert isinstance(found[4], InvalidValue)
    assert all(isinstance(each, Exception) for each in (found[5], found[8]))


@pytest.fixture
async def others(database_url: str, tmp_path: Path) -> AsyncIterator[tuple[Engine, Any]]:
    (tmp_path / "schema.toml").write_text(SCHEMA, encoding="utf-8")
    models = import_models(tmp_path, tmp_path / "schema.toml")
    async with await create_engine(database_url) as engine:
        await engine.create_all(models.SCHEMA)
        yield engine, models


async def test_composite_keys_are_shared_and_keys_of_other_types_go_alone(
    others: tuple[Engine, Any],
) -> None:
    engine, models = others
    session = AsyncSession(engine)
    await session.insert_all([models.Pair(kind="a", number=n, value=str(n)) for n in range(20)])
    await session.insert_all([models.Price(amount=n, value=str(n)) for n in range(20)])
    with Statements(engine) as sent:
        found = await asyncio.gather(*(session.get(models.Pair, ("a", n)) for n in range(21)))
    assert [each.value for each in found[:20]] == [str(n) for n in range(20)]
    assert found[20] is None
    assert len(lookups(sent)) == 3
    with Statements(engine) as sent:
        prices = await asyncio.gather(*(session.get(models.Price, n) for n in range(20)))
    assert [each.value for each in prices] == [str(n) for n in range(20)]
    assert len(lookups(sent)) == 20


async def test_it_is_switched_off_for_one_call_or_an_engine(
    session: AsyncSession, engine: Engine, blog_url: str, users: list[User]
) -> None:
    with Statements(engine) as sent:
        await asyncio.gather(*(session.get(User, each.id, coalesce=False) for each in users[:9]))
    assert len(sent) == 9
    async with await create_engine(blog_url, coalesce=False) as plain:
        with Statements(plain) as sent:
            await asyncio.gather(*(AsyncSession(plain).get(User, u.id) for u in users[:9]))
    assert len(sent) == 9


async def test_lookups_in_transactions_stay_in_them(
    session: AsyncSession, engine: Engine, users: list[User]
) -> None:
    async def within(user: User) -> None:
        async with session.begin() as tx:
            await tx.query(User).filter(id=user.id).update(name="mine")
            assert (await session.get_or_raise(User, user.id)).name == "mine"
            await asyncio.sleep(0)
            await tx.rollback()

    async def outside(user: User) -> None:
        for _ in range(10):
            assert (await session.get_or_raise(User, user.id)).name == user.name

    await asyncio.gather(*(play(user) for user in users[:10] for play in (within, outside)))


async def test_no_tenant_reads_another_s_rows(others: tuple[Engine, Any]) -> None:
    engine, models = others
    await AsyncSession(engine).insert_all([models.Secret(tenant="ab"[n % 2]) for n in range(20)])
    for sql in (
        "CREATE ROLE reader",
        "GRANT SELECT ON secrets TO reader",
        "ALTER TABLE secrets ENABLE ROW LEVEL SECURITY",
        "CREATE POLICY own ON secrets USING (tenant = current_setting('app.tenant', true))",
    ):
        await engine.execute(sql)
    try:

        async def read(tenant: str) -> None:
            session = AsyncSession(engine)
            for key in range(1, 21):
                async with session.begin(settings={"app.tenant": tenant, "role": "reader"}):
                    found = await session.get(models.Secret, key)
                    assert found is None or found.tenant == tenant

        async def read_all() -> None:
            for key in range(1, 21):
                assert await AsyncSession(engine).get(models.Secret, key) is not None

        await asyncio.gather(*(read(tenant) for tenant in "abab"), read_all(), read_all())
    finally:
        await engine.execute("DROP OWNED BY reader")
        await engine.execute("DROP ROLE reader")


async def test_engines_do_not_share(
    session: AsyncSession, engine: Engine, users: list[User], blog_url: str
) -> None:
    async with await create_engine(blog_url) as second:
        await asyncio.gather(
            *(AsyncSession(each).get(User, u.id) for u in users[:10] for each in (engine, second))
        )
        assert engine.lookups is not second.lookups
    assert await session.insert(Post(author=users[0], title="t"))
