"""json_encoder and json_decoder: the application's functions write and read JSON."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import AsyncIterator
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

import orjson
import pytest

from examples.blog.db import AuditLog, Post, User
from ormkit import AsyncSession, ConfigurationError, InvalidValue, create_engine, jsonload
from ormkit.postgres.json_hooks import hooks

KEY = UUID(int=1)
NOW = dt.datetime(2026, 1, 2, tzinfo=dt.UTC)
encode = partial(orjson.dumps, default=str)
decode = partial(json.loads, parse_float=Decimal)


@pytest.fixture
async def session(blog_url: str) -> AsyncIterator[AsyncSession]:
    """A session of an engine with both functions."""
    try:
        async with await create_engine(
            blog_url, json_encoder=encode, json_decoder=decode
        ) as engine:
            yield AsyncSession(engine)
    finally:
        hooks.clear()


async def test_values_of_other_types_are_written_everywhere(session: AsyncSession) -> None:
    value = {"key": KEY, "at": NOW, "price": 1.5}
    stored = {"key": str(KEY), "at": "2026-01-02T00:00:00+00:00", "price": Decimal("1.5")}
    user = await session.insert(User(name="a", settings=value))
    assert user.settings == stored
    users = await session.insert_all([User(name=name, settings=value) for name in "bc"])
    assert [each.settings for each in users] == [stored] * 2
    await session.update(user, settings={"at": NOW})
    await session.query(User).filter(name="b").update(settings={"key": KEY})
    found = await session.query(User).order_by("name").scalars(User.settings)
    assert found == [{"at": stored["at"]}, {"key": str(KEY)}, stored]
    assert await session.query(User).filter(User.settings.contains({"key": KEY})).count() == 2
    assert await session.query(User).filter(User.settings["price"] == 1.5).count() == 1


async def test_values_are_read_everywhere(session: AsyncSession) -> None:
    await session.insert(User(name="a", settings={"price": 0.1}))
    await session.insert(Post(title="p", author_id=1))
    expected = {"price": Decimal("0.1")}
    assert (await session.get_or_raise(User, 1)).settings == expected
    assert await session.query(User).scalars(User.settings) == [expected]
    (post,) = await session.query(Post).options(jsonload(Post.author)).all()
    assert post.author.settings == expected
    assert (await session.execute_raw("SELECT settings FROM users")).scalar() == expected
    async with session.begin() as tx:
        user = await tx.get_or_raise(User, 1)
        user.settings["price"] = Decimal("0.2")
    assert (await session.get_or_raise(User, 1)).settings == {"price": "0.2"}


async def test_what_the_functions_refuse_is_an_error_that_shows_no_value(
    session: AsyncSession,
) -> None:
    cycle: dict[str, Any] = {}
    cycle["secret"] = cycle
    with pytest.raises(InvalidValue, match=r"AuditLog\.details.*json_encoder cannot write it"):
        await session.insert(AuditLog(action="x", details=cycle))


async def test_two_engines_cannot_have_different_functions(
    session: AsyncSession, blog_url: str
) -> None:
    async with await create_engine(blog_url, json_encoder=encode):
        pass
    with pytest.raises(ConfigurationError, match="another engine has set a different one"):
        await create_engine(blog_url, json_encoder=json.dumps)
    with pytest.raises(ConfigurationError, match="json_decoder=3: give a function"):
        await create_engine(blog_url, json_decoder=3)  # type: ignore[arg-type]
