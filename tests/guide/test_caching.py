"""Caching: objects and results that the application keeps."""

from __future__ import annotations

import pytest

from examples.blog.db import User
from ormkit import AsyncSession, Engine
from tests.guide.snippets import run
from tests.statements import Statements

USERS = """
from functools import lru_cache
import asyncio

# Simple in-memory cache
_user_cache: dict[int, User] = {}

async def get_user_cached(user_id: int) -> User | None:
    if user_id in _user_cache:
        return _user_cache[user_id]

    user = await session.get(User, user_id)
    if user:
        _user_cache[user_id] = user
    return user

def invalidate_user(user_id: int) -> None:
    _user_cache.pop(user_id, None)
"""

QUERIES = """
import hashlib
import json

_query_cache: dict[str, tuple[float, list]] = {}
CACHE_TTL = 60  # seconds

async def cached_query(query_key: str, query_fn):
    import time
    now = time.time()

    if query_key in _query_cache:
        cached_time, result = _query_cache[query_key]
        if now - cached_time < CACHE_TTL:
            return result

    result = await query_fn()
    _query_cache[query_key] = (now, result)
    return result
"""

USAGE = """
# Usage
stats = await cached_query(
    "daily_stats",
    lambda: engine.execute("SELECT date(created_at) AS day, count(*) FROM users GROUP BY 1", [])
)
"""


async def test_an_object_is_read_once_until_it_is_invalidated(
    session: AsyncSession, engine: Engine
) -> None:
    ada = await session.insert(User(name="Ada"))
    names = await run(USERS, session=session)
    with Statements(engine) as sent:
        first = await names["get_user_cached"](ada.id)
        assert await names["get_user_cached"](ada.id) is first
        assert first.name == "Ada"
        assert len(sent) == 1
        assert await names["get_user_cached"](-1) is None
        await session.update(ada, name="Ada L")
        names["invalidate_user"](ada.id)
        assert (await names["get_user_cached"](ada.id)).name == "Ada L"
    assert len(sent) == 4


async def test_a_result_serves_again_until_its_time_is_over(
    session: AsyncSession, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    await session.insert_all([User(name="a"), User(name="b")])
    names = await run(QUERIES, engine=engine)
    with Statements(engine) as sent:
        first = (await run(USAGE, **names))["stats"]
        again = (await run(USAGE, **names))["stats"]
        assert again is first
        assert len(sent) == 1
        assert [row["count"] for row in first.all()] == [2]
        assert first.all() == first.all()
        names["CACHE_TTL"] = 0
        assert (await run(USAGE, **names))["stats"] is not first
    assert len(sent) == 2
