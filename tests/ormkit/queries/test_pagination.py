"""Keyset pagination: cursors, pages, and walks in chunks."""

from __future__ import annotations

import base64
import datetime as dt
import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from examples.blog.db import Post, PostStatus, User
from ormkit import (
    INFINITY,
    AsyncSession,
    Cursor,
    Engine,
    Interval,
    InvalidValue,
    UsageError,
    func,
    selectinload,
)
from tests.generated import models_of
from tests.lengths import examples
from tests.statements import Statements

SCHEMA = """
[enums]
Level = ["low", "mid", "high"]

[models.Thing]
table = "things"

[models.Thing.columns]
a = { type = "integer", primary_key = true }
b = { type = "text", primary_key = true }
moment = "timestamptz?"
price = "numeric?"
level = "Level?"
span = "interval?"
raw = "bytea?"
mark = "uuid?"
day = "date?"
hour = "time?"
ratio = "double precision?"
flag = "boolean?"
"""


#: The columns that may be NULL.
THINGS = ["moment", "price", "level", "span", "raw", "mark", "day", "hour", "ratio", "flag"]


async def walk(query: Any) -> list[Any]:
    found: list[Any] = []
    page = await query.page()
    while True:
        found.extend(page.items)
        if page.next is None:
            return found
        page = await query.page(str(page.next))


async def test_pages_follow_each_other_without_gaps_or_repeats(session: AsyncSession) -> None:
    await session.insert_all([User(name=f"u{n}", age=n % 3 if n % 4 else None) for n in range(23)])
    for order in ([], ["age"], ["-age", "name"], [User.age.asc().nulls_first(), "-id"]):
        query: Any = session.query(User).order_by(*order)
        expected = [user.id for user in await query.order_by("id").all()]
        for size in (1, 4, 23, 50):
            assert [user.id for user in await walk(query.limit(size))] == expected, order


async def test_a_page_reads_by_the_index_of_its_order_and_one_row_more(
    session: AsyncSession, engine: Engine
) -> None:
    await session.insert_all([User(name=str(n)) for n in range(5)])
    query = session.query(User).order_by("-created_at", "-id").limit(2)
    first = await query.page()
    with Statements(engine) as sent:
        second = await query.page(first.next)
    assert "(created_at, id) < ($1, $2)" in sent[0]
    assert len(second.items) == 2
    third = await query.page(second.next)
    assert (len(third.items), third.next) == (1, None)
    last = await session.query(User).order_by("id").limit(5).page()
    assert last.next is None
    empty = await session.query(User).filter(id=-1).limit(5).page()
    assert (empty.items, empty.next) == ([], None)


async def test_after_takes_the_place_of_any_object(session: AsyncSession) -> None:
    users = await session.insert_all([User(name=name) for name in "abcde"])
    query = session.query(User).order_by("name")
    cursor = query.cursor(users[2])
    assert isinstance(cursor, Cursor)
    assert await query.after(cursor).scalars(User.name) == ["d", "e"]
    assert await query.after(str(cursor)).limit(1).scalars(User.name) == ["d"]
    assert len(await query.after(None).all()) == 5
    assert str(cursor).replace("-", "").replace("_", "").isalnum()


AWARE = st.datetimes(dt.datetime(1990, 1, 1), dt.datetime(2050, 1, 1), timezones=st.just(dt.UTC))
INFINITE = st.sampled_from([INFINITY, -INFINITY])
ROW = st.fixed_dictionaries(
    {
        "moment": st.none() | AWARE | INFINITE,
        "price": st.none() | st.decimals(-9, 9, places=2) | st.just(Decimal("NaN")),
        "level": st.none() | st.sampled_from(["low", "mid", "high"]),
        "span": st.none()
        | st.timedeltas(dt.timedelta(-9), dt.timedelta(9))
        | st.builds(Interval, st.integers(-2, 2), st.integers(-60, 60), st.integers(-9, 9)),
        "raw": st.none() | st.binary(max_size=2),
        "mark": st.none() | st.uuids(),
        "day": st.none() | st.dates() | INFINITE,
        "hour": st.none() | st.times(),
        "ratio": st.none() | st.floats(),
        "flag": st.none() | st.booleans(),
    }
)
NULLS = st.sampled_from(["nulls_first", "nulls_last", ""])
KEYS = st.lists(
    st.tuples(st.sampled_from(["a", "b", *THINGS]), st.sampled_from(["asc", "desc"]), NULLS),
    unique_by=lambda key: key[0],
    max_size=4,
)


@pytest.fixture(scope="module")
def models() -> Any:
    return models_of("keyset", SCHEMA)


@pytest.mark.one_interpreter
@settings(max_examples=examples(20), suppress_health_check=list(HealthCheck), deadline=None)
@given(rows=st.lists(ROW, max_size=8), keys=KEYS, size=st.integers(1, 4))
async def test_every_type_of_column_orders_pages(
    engine: Engine, models: Any, rows: list[Any], keys: list[Any], size: int
) -> None:
    await engine.create_all(models.SCHEMA)
    session = AsyncSession(engine)
    await session.query(models.Thing).delete()
    for number, row in enumerate(rows):
        level = None if row["level"] is None else models.Level(row["level"])
        await session.insert(models.Thing(a=number % 3, b=str(number), **{**row, "level": level}))
    order = [getattr(getattr(models.Thing, name), direction)() for name, direction, _ in keys]
    order = [
        getattr(key, nulls)() if nulls else key
        for key, (_, _, nulls) in zip(order, keys, strict=True)
    ]
    query = session.query(models.Thing).order_by(*order)
    expected = [(each.a, each.b) for each in await query.order_by("a", "b").all()]
    found = await walk(query.limit(size))
    assert [(each.a, each.b) for each in found] == expected


@pytest.mark.parametrize(
    "token",
    ["", "x", "!!!", "W10", "eyJhIjoxfQ", "WyJhIiwxLDJd", 3, None.__class__, b"W10", "a" * 9999],
)
async def test_what_is_no_cursor_is_refused(session: AsyncSession, token: Any) -> None:
    with pytest.raises(InvalidValue, match="cursor"):
        session.query(User).order_by("name").after(token)


#: What somebody may write in the place of a value; some of it is a value of some types.
FORGED: list[Any] = [
    *(5, -1, 2**70, 1.5, float("inf"), True, "", "x", "1", "24:00", "2026-13-01", "0000-01-01"),
    *(
        "9999-12-31T23:59:59-10:00",
        "infinity",
        "NaN",
        "sNaN",
        "\0",
        "\ud800",
        "zz",
        "é",
        "9" * 5000,
    ),
    *(
        [],
        [1],
        [1, 2, 3, 4],
        [2**40, 0, 0],
        [1.5, 0, 0],
        [None],
        [[]],
        {},
        {"a": 1},
        None,
        [None] * 3,
    ),
]
#: Those that are a value of the type, and no mistake.
FITTING: dict[str, list[Any]] = {
    "a": [5, -1],
    "b": ["", "x", "1", "24:00", "2026-13-01", "0000-01-01", *FORGED[12:16], *FORGED[18:21]],
    "moment": ["infinity"],
    "price": ["1", "infinity", "NaN", "sNaN", "9" * 5000],
    "span": [[], [1]],
    "raw": ["", "9" * 5000],
    "day": ["infinity"],
    "hour": [],
    "ratio": ["1", "infinity", "NaN", "9" * 5000],
    "flag": [True],
}


def forged(cursor: Any, place: int, value: Any) -> str:
    """Return the cursor with another value at this place."""
    held = json.loads(base64.urlsafe_b64decode(str(cursor) + "=="))
    held[1 + place] = value
    return base64.urlsafe_b64encode(json.dumps(held).encode()).rstrip(b"=").decode()


@pytest.mark.parametrize("name", ["a", "b", *THINGS])
async def test_a_forged_cursor_is_refused_or_means_what_it_says(
    engine: Engine, models: Any, name: str
) -> None:
    await engine.create_all(models.SCHEMA)
    thing = await AsyncSession(engine).insert(models.Thing(a=1, b="b"))
    order = [name] if name in ("a", "b") else [name, "a", "b"]
    query = AsyncSession(engine).query(models.Thing).order_by(*order).limit(2)
    cursor = query.cursor(thing)
    for value in FORGED:
        is_null = value is None and name in THINGS
        if is_null or any(
            type(each) is type(value) and each == value for each in FITTING.get(name, ())
        ):
            await query.after(forged(cursor, 0, value)).page()
            continue
        with pytest.raises(InvalidValue, match="cursor"):
            query.after(forged(cursor, 0, value))


async def test_a_cursor_of_another_query_is_refused(session: AsyncSession) -> None:
    user = await session.insert(User(name="Ada"))
    cursor = session.query(User).order_by("name").cursor(user)
    with pytest.raises(InvalidValue, match="another query or order"):
        session.query(User).order_by("-name").after(cursor)
    other: Any = cursor
    with pytest.raises(InvalidValue, match="cursor"):
        session.query(Post).order_by("title").after(other)


async def test_what_cannot_be_paged_is_refused(session: AsyncSession) -> None:
    query = session.query(User)
    with pytest.raises(UsageError, match="limit"):
        await query.page()
    with pytest.raises(UsageError, match="offset"):
        await query.limit(1).offset(1).page()
    with pytest.raises(UsageError, match="own columns"):
        query.order_by(func.lower(User.name)).after(None)
    with pytest.raises(UsageError, match="jsonb"):
        query.order_by("settings").after(None)
    with pytest.raises(UsageError, match="lacks a value"):
        query.order_by("name").cursor(User(name="new"))
    with pytest.raises(UsageError, match="iterate"):
        query.limit(3).iterate()


async def test_iterate_walks_in_chunks_and_holds_nothing_between(
    session: AsyncSession, engine: Engine
) -> None:
    await session.insert_all([User(name=str(n)) for n in range(7)])
    seen: list[str] = []
    with Statements(engine) as sent:
        async for user in session.query(User).options(selectinload("posts")).iterate(chunk=3):
            assert engine.pool.idle == engine.pool.size
            assert user.posts == []
            seen.append(user.name)
    assert seen == [str(n) for n in range(7)]
    assert len([text for text in sent if "FROM users" in text]) == 3


async def test_an_enum_orders_by_the_order_of_its_labels(session: AsyncSession) -> None:
    ada = await session.insert(User(name="Ada"))
    labels = [PostStatus.archived, PostStatus.draft, PostStatus.published]
    await session.insert_all([Post(author=ada, title=each, status=each) for each in labels])
    found = await walk(session.query(Post).order_by("status").limit(1))
    assert [post.title for post in found] == ["draft", "published", "archived"]
