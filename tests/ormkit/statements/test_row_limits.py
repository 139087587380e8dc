"""Limits stand in the text of statements, so that PostgreSQL keeps a plan for them."""

from __future__ import annotations

from typing import Any

import pytest

from examples.blog.db import Post, User
from ormkit import AsyncSession, Engine, InvalidValue, exists, jsonload, selectinload
from ormkit.statements.row_limits import LARGEST, MOST_LIMITS, MOST_OFFSETS
from tests.statements import Statements

pytestmark = pytest.mark.one_interpreter

#: PostgreSQL takes a generic plan after five others at the earliest, and a count is written when it
#: comes for the sixth time.
TIMES = 14


@pytest.fixture
async def filled(session: AsyncSession, engine: Engine) -> AsyncSession:
    """A session on tables in which a plan matters."""
    await engine.execute(
        "INSERT INTO users (name, age, status) "
        "SELECT 'user ' || n, n % 80, CASE WHEN n % 3 = 0 THEN 'gone' ELSE 'active' END "
        "FROM generate_series(1, 3000) n"
    )
    await engine.execute(
        "INSERT INTO posts (author_id, title, views) "
        "SELECT 1 + n % 300, 'post ' || n, n FROM generate_series(1, 3000) n"
    )
    await engine.execute("ANALYZE")
    return session


async def plans(session: AsyncSession) -> dict[str, tuple[int, int]]:
    """Return how often each statement with a LIMIT was planned anew, and how often it was not."""
    found = await session.execute_raw(
        "SELECT statement, generic_plans, custom_plans FROM pg_prepared_statements"
    )
    return {sql: (generic, custom) for sql, generic, custom in found.tuples() if " LIMIT " in sql}


READS: dict[str, Any] = {
    "page": lambda s: s.query(User).filter(status="active").order_by("-created_at").limit(10).all(),
    "offset": lambda s: s.query(User)
    .filter(status="active")
    .order_by("id")
    .limit(5)
    .offset(20)
    .all(),
    "keyset": lambda s: s.query(User).filter(status="active").order_by("id").limit(7).page(),
    "first": lambda s: s.query(User).filter(User.age > 3).order_by("id").first(),
    "one": lambda s: s.query(User).filter(User.name == "user 7").one(),
    "values": lambda s: s.query(User).filter(User.age > 3).order_by("id").limit(6).values(User.id),
    "first of values": lambda s: (
        s.query(User).filter(User.age > 3).order_by("id").values_list(User.id).first()
    ),
    "count": lambda s: s.query(User).filter(User.age > 3).limit(9).count(),
    "sum": lambda s: s.query(User).filter(User.age > 3).limit(9).sum(User.age),
    "subquery": lambda s: s.query(User)
    .filter(
        User.id.in_(
            s.query(Post).filter(Post.views > 9).order_by("id").limit(3).subquery(Post.author_id)
        )
    )
    .all(),
    "exists": lambda s: s.query(User)
    .filter(exists(s.query(Post).filter(Post.author_id == User.id).limit(4)), User.age > 70)
    .all(),
    "selectinload": lambda s: s.query(User)
    .filter(User.age == 3)
    .options(selectinload(User.posts).order_by("-views").limit(3))
    .all(),
    "jsonload": lambda s: s.query(User)
    .filter(User.age == 3)
    .options(jsonload(User.posts).order_by("-views").limit(3).offset(1))
    .all(),
    "update": lambda s: s.query(User).filter(User.age > 3).order_by("id").limit(2).update(role="x"),
}


@pytest.mark.parametrize("name", READS)
async def test_a_statement_with_a_limit_is_not_planned_each_time(
    filled: AsyncSession, name: str
) -> None:
    async with filled.begin() as tx:
        expected = None
        for _ in range(TIMES):
            got = await READS[name](tx)
            keys = [getattr(each, "id", each) for each in got] if isinstance(got, list) else got
            expected = keys if expected is None else expected
            assert keys == expected or getattr(keys, "id", 0) == getattr(expected, "id", 0)
            tx.expunge_all()
        counted = await plans(tx)
    assert counted
    assert max(generic for generic, _ in counted.values()) > 0, counted


async def test_streams_and_chunks_with_limits_bind_none_that_comes_often(
    filled: AsyncSession, engine: Engine
) -> None:
    for _ in range(6):
        read = [user.id async for user in filled.query(User).iterate(chunk=1000)]
        cut = [user.id async for user in filled.query(User).order_by("id").limit(15).stream()]
    assert read == list(range(1, 3001))
    assert cut == list(range(1, 16))
    with Statements(engine) as sent:
        [user async for user in filled.query(User).iterate(chunk=1000)]
    assert all("LIMIT 1001" in sql for sql in sent)


@pytest.mark.slow
async def test_ten_thousand_limits_make_few_statements(
    filled: AsyncSession, engine: Engine
) -> None:
    with Statements(engine) as sent:
        for _ in range(3):
            for count in range(0, 10_000, 3):
                query = filled.query(User).filter(User.id < 0).limit(count)
                await query.all()
                await query.offset(count).values_list(User.id)
    texts = set(sent)
    assert len([sql for sql in texts if "OFFSET" not in sql]) <= MOST_LIMITS + 1
    assert len(texts) <= (MOST_LIMITS + 1) * (MOST_OFFSETS + 2)


async def test_a_limit_that_comes_often_reads_what_it_says(filled: AsyncSession) -> None:
    users = filled.query(User).order_by("id")
    for count in (0, 1, 2, 7, LARGEST, LARGEST + 1, 2**62):
        for _ in range(7):
            found = await users.limit(count).offset(2).values_list(User.id)
            assert [key for (key,) in found] == list(range(3, 3001))[:count]
            assert len(await users.limit(count).all()) == min(count, 3000)
            skipped = await users.limit(3).offset(count).all()
            assert [user.id for user in skipped] == list(range(1, 3001))[count : count + 3]


@pytest.mark.parametrize("value", [True, 1.0, "1", -1, None, [], 2**63])
async def test_what_is_no_count_is_refused_also_where_its_like_is_known(
    filled: AsyncSession, value: Any
) -> None:
    for _ in range(5):
        await filled.query(User).limit(1).offset(1).all()
    with pytest.raises(InvalidValue, match="limit"):
        filled.query(User).limit(value)
    with pytest.raises(InvalidValue, match="offset"):
        filled.query(User).offset(value)


async def test_two_loads_of_one_list_must_agree_on_a_limit(filled: AsyncSession) -> None:
    for _ in range(6):
        users = filled.query(User).filter(id=1)
        await users.options(selectinload("posts").limit(2), selectinload("posts").limit(2)).all()
    with pytest.raises(Exception, match="different filters, orders or limits"):
        users.options(selectinload("posts").limit(2), selectinload("posts").limit(3))
