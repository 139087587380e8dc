"""Intervals: what PostgreSQL holds is what is read, compared and written again."""

from __future__ import annotations

import copy
import datetime as dt
import pickle
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ormkit import (
    AsyncSession,
    Engine,
    Interval,
    InvalidValue,
    cast,
    create_engine,
    func,
    jsonload,
    literal,
)
from ormkit.postgres.interval import fields
from tests.generated import models_of
from tests.lengths import examples
from tests.servers import Server

SCHEMA = """
[models.Owner.columns]
id = { type = "bigint", primary_key = true }

[models.Owner.relationships]
tasks = { target = "Task", many = true }

[models.Task.columns]
id = { type = "bigint", primary_key = true }
wait = "interval"
rest = "interval?"
steps = "interval[]?"
due = { type = "timestamptz", default = "2026-01-31T12:00:00Z" }
owner_id = { type = "bigint", nullable = true, foreign_key = "owner.id" }

[models.Term.columns]
span = { type = "interval", primary_key = true }
name = "text"
"""
HOUR = 3_600_000_000
DAY = 24 * HOUR
#: Among them several that PostgreSQL takes for equal.
WAITS = [
    Interval(12),
    Interval(0, 360),
    Interval(0, 365),
    Interval(1),
    Interval(0, 30),
    Interval(0, 0, 30 * DAY),
    Interval(0, 1),
    Interval(0, 0, DAY),
    Interval(-1, 40, -HOUR),
    Interval(),
    Interval(14, 3, 14706700000),
    Interval(-3),
    Interval(0, 29, DAY - 1),
    Interval.INFINITY,
    -Interval.INFINITY,
]
INTERVALS = st.builds(
    Interval,
    st.integers(-1000, 1000),
    st.integers(-10000, 10000),
    st.integers(-(10**15), 10**15),
)


@pytest.fixture(scope="module")
def models() -> Any:
    return models_of("intervals", SCHEMA)


@pytest.fixture
async def engine(database_url: str, models: Any) -> AsyncIterator[Engine]:
    engine = await create_engine(database_url, max_connections=2)
    await engine.create_all(models.SCHEMA)
    yield engine
    await engine.close()


async def test_an_interval_is_read_as_it_was_stored_by_every_way(
    session: AsyncSession, engine: Engine, models: Any
) -> None:
    task = models.Task
    inserted = [await session.insert(task(wait=each)) for each in WAITS]
    inserted += await session.insert_all([task(wait=each) for each in WAITS])
    inserted += [await session.upsert(task(id=500 + n, wait=w)) for n, w in enumerate(WAITS)]
    await engine.copy_in(task, [task(id=900 + n, wait=each) for n, each in enumerate(WAITS)])
    changed = [await session.insert(task(wait=Interval(5))) for _ in WAITS]
    for row, value in zip(changed, WAITS, strict=True):
        await session.update(row, wait=value)
    keys = [each.id for each in inserted] + [900 + n for n in range(len(WAITS))]
    for number, key in enumerate([*keys, *[each.id for each in changed]]):
        read = await session.get_or_raise(task, key)
        assert fields(read.wait) == fields(WAITS[number % len(WAITS)])
    shown = await engine.execute("SELECT wait::text FROM task ORDER BY id LIMIT $1", [len(WAITS)])
    assert shown.column() == [str(each) for each in WAITS]


async def test_a_filter_by_the_value_just_read_finds_its_row(
    session: AsyncSession, models: Any
) -> None:
    task = models.Task
    for row in await session.insert_all([task(wait=each) for each in WAITS]):
        read = await session.get_or_raise(task, row.id)
        for query in (
            session.query(task).filter(wait=read.wait),
            session.query(task).filter(wait__in=[read.wait]),
            session.query(task).filter(wait__between=(read.wait, read.wait)),
            session.query(task).filter(task.wait >= read.wait, task.wait <= read.wait),
        ):
            found = await query.all()
            assert row.id in [each.id for each in found]
            assert all(each.wait == read.wait for each in found)


@pytest.mark.parametrize("direction", ["", "-"])
async def test_pages_over_intervals_neither_lose_rows_nor_repeat(
    session: AsyncSession, models: Any, direction: str
) -> None:
    task = models.Task
    await session.insert_all([task(wait=each) for each in WAITS * 2])
    for size in (1, 4):
        query = session.query(task).order_by(f"{direction}wait").limit(size)
        page = await query.page()
        found = list(page.items)
        while page.next is not None and len(found) < 99:
            page = await query.page(str(page.next))
            found += page.items
        expected = await session.query(task).order_by(f"{direction}wait", "id").all()
        assert [each.id for each in found] == [each.id for each in expected]


@given(values=st.lists(INTERVALS, min_size=1, max_size=12))
@settings(max_examples=examples(15), deadline=None, suppress_health_check=list(HealthCheck))
async def test_python_orders_and_groups_them_as_postgresql(
    engine: Engine, values: list[Interval]
) -> None:
    values += [Interval(each.months - 1, each.days + 30, each.microseconds) for each in values]
    result = await engine.execute(
        "SELECT array_agg(v ORDER BY v), count(DISTINCT v) FROM unnest($1::interval[]) AS v",
        [values],
    )
    ((ordered, count),) = result.tuples()
    assert ordered == sorted(values)
    assert count == len(set(values))


async def test_a_timedelta_is_taken_wherever_an_interval_is(
    session: AsyncSession, engine: Engine, models: Any
) -> None:
    task, span = models.Task, dt.timedelta(days=30, seconds=5, microseconds=7)
    expected = Interval(0, 30, 5_000_007)
    made = task(wait=span, rest=span, steps=[span, expected])
    assert all(type(each) is Interval for each in (made.wait, made.rest, *made.steps))
    await session.insert(made)
    await session.insert_all([task(wait=span), task(wait=span, steps=[])])
    await engine.copy_in(task, [(77, span)], columns=["id", "wait"])
    assert fields(made.wait) == fields(expected)
    query = session.query(task)
    assert await query.filter(wait=span).count() == 4
    assert await query.filter(wait__in=[span, dt.timedelta(1)]).count() == 4
    assert await query.filter(steps__contains=[span]).count() == 1
    assert await query.filter(task.wait < dt.timedelta(31)).count() == 4
    assert await query.filter(id=made.id).update(rest=dt.timedelta(2)) == 1
    read = await session.get_or_raise(task, made.id)
    assert fields(read.rest) == (0, 2, 0)
    await session.update(read, rest=dt.timedelta(3), steps=[span])
    assert type(read.rest) is type(read.steps[0]) is Interval
    async with session.begin() as tx:
        held = await tx.get_or_raise(task, made.id)
        held.rest = dt.timedelta(4)
        await tx.flush()
        assert type(held.rest) is Interval
    assert read.wait == span
    (row,) = (await engine.execute("SELECT $1::interval, $2::interval[]", [span, [span]])).tuples()
    assert row == (expected, [expected])


async def test_a_change_between_equal_intervals_is_written(
    session: AsyncSession, models: Any
) -> None:
    row = await session.insert(models.Task(wait=Interval(1)))
    many = await session.insert_all([models.Task(wait=Interval(1)) for _ in range(10)])
    for value in (Interval(0, 30), dt.timedelta(hours=720), Interval(0, 0, 30 * DAY)):
        async with session.begin() as tx:
            held = await tx.get_or_raise(models.Task, row.id)
            held.wait = value
        async with session.begin() as tx:
            for each in await tx.query(models.Task).filter(id__in=[m.id for m in many]).all():
                each.wait = value
        for read in await session.query(models.Task).all():
            assert fields(read.wait) == fields(Interval.of(value))


async def test_an_interval_is_a_key_as_postgresql_takes_it(
    session: AsyncSession, models: Any
) -> None:
    term = models.Term
    await session.insert_all(
        [term(span=Interval(1), name="month"), term(span=Interval(2), name="2")]
    )
    for key in (Interval(1), Interval(0, 30), dt.timedelta(30)):
        assert (await session.get_or_raise(term, key)).name == "month"
        async with session.begin() as tx:
            assert await tx.get(term, key) is await tx.get(term, Interval(1))


async def test_they_come_nested_computed_and_cast(session: AsyncSession, models: Any) -> None:
    task = models.Task
    owner = await session.insert(models.Owner())
    await session.insert(task(wait=Interval(1, 2, 3), owner_id=owner.id, steps=[Interval(5), None]))
    (loaded,) = await session.query(models.Owner).options(jsonload("tasks")).all()
    assert fields(loaded.tasks[0].wait) == (1, 2, 3)
    assert loaded.tasks[0].steps == [Interval(5), None]
    query = session.query(task)
    assert await query.scalars(task.due + Interval(1)) == [
        dt.datetime(2026, 2, 28, 12, tzinfo=dt.UTC)
    ]
    assert await query.scalars(task.due - dt.timedelta(1)) == [
        dt.datetime(2026, 1, 30, 12, tzinfo=dt.UTC)
    ]
    assert await query.scalars(task.due - task.due) == [Interval()]
    assert await query.scalars(task.wait + dt.timedelta(1)) == [Interval(1, 3, 3)]
    assert await query.scalars(func.max(task.wait)) == [Interval(1, 2, 3)]
    assert await query.scalars(literal(Interval(7))) == [Interval(7)]
    assert await query.scalars(cast(task.wait, Interval)) == [Interval(1, 2, 3)]
    assert await query.filter(task.due + task.wait > task.due).count() == 1


@pytest.fixture
def url16(server16: Server) -> Iterator[str]:
    with server16.database() as url:
        yield url


@pytest.mark.parametrize("value", [Interval.INFINITY, -Interval.INFINITY])
async def test_an_older_server_has_no_infinite_intervals(url16: str, value: Interval) -> None:
    engine = await create_engine(url16)
    with pytest.raises(InvalidValue, match="since version 17"):
        await engine.execute("SELECT $1::interval", [value])
    assert (await engine.execute("SELECT $1::interval", [Interval(1)])).scalar() == Interval(1)
    await engine.close()


def test_it_equals_what_postgresql_takes_for_equal() -> None:
    for one, other in [
        (Interval(12), Interval(0, 360)),
        (Interval(1), dt.timedelta(30)),
        (Interval(0, 1), dt.timedelta(hours=24)),
        (Interval(0, 0, 7), dt.timedelta(microseconds=7)),
    ]:
        assert one == other
        assert other == one
        assert hash(one) == hash(other)
        assert {one: 1}[other] == 1
    assert Interval(1) != dt.timedelta(31)
    assert dt.timedelta(29) < Interval(1) < dt.timedelta(31)
    assert Interval(0, 29) <= Interval(1) <= Interval(0, 30)
    assert Interval.INFINITY > Interval(2**31 - 1) > dt.timedelta.max
    assert Interval(1) != "1 mon"
    assert len({Interval.INFINITY, -Interval.INFINITY, Interval(2**31 - 1, 2**31 - 1)}) == 3
    with pytest.raises(TypeError):
        Interval(1) < 5  # type: ignore[operator]  # noqa: B015
    assert Interval.INFINITY.is_infinite
    assert not Interval(2**31 - 1).is_infinite


def test_it_becomes_a_timedelta_where_that_is_the_same() -> None:
    assert Interval(0, 3, 7).to_timedelta() == dt.timedelta(3, 0, 7)
    assert Interval(0, 1, -1).total_seconds() == 86400 - 1e-6
    for span in (dt.timedelta.max, dt.timedelta.min, dt.timedelta(-1, 5)):
        assert Interval.of(span).to_timedelta() == span
    for other in (Interval(1), Interval(12, -360), Interval.INFINITY, Interval(0, 2**31 - 1)):
        with pytest.raises(InvalidValue):
            other.to_timedelta()


@given(INTERVALS | st.just(Interval.INFINITY))
def test_it_does_not_change_and_can_be_copied(value: Interval) -> None:
    assert copy.deepcopy(value) is copy.copy(value) is value
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        assert fields(pickle.loads(pickle.dumps(value, protocol))) == fields(value)
    assert fields(eval(repr(value), {"Interval": Interval})) == fields(value)
    for name in ("months", "anything"):
        with pytest.raises(AttributeError):
            setattr(value, name, 1)
    with pytest.raises(AttributeError):
        del value.days


@pytest.mark.parametrize(
    "arguments", [(2**31,), (0, -(2**31) - 1), (0, 0, 2**63), (1.5,), ("1",), (True,), (None,)]
)
def test_what_postgresql_has_no_place_for_is_refused(arguments: Any) -> None:
    with pytest.raises(InvalidValue, match="of an interval must be"):
        Interval(*arguments)


async def test_it_counts_with_dates_as_postgresql_does(engine: Engine) -> None:
    sql = "SELECT $1::timestamp + $2::interval, $1::timestamp - $2::interval, $2::interval * 3"
    for moment in (dt.datetime(2024, 1, 31, 12), dt.datetime(2023, 12, 30, 1, 2, 3, 4)):
        for span in (Interval(1), Interval(13, -40, 5), Interval(-11, 0, -HOUR), Interval(0, 1)):
            (row,) = (await engine.execute(sql, [moment, span])).tuples()
            assert row[:2] == (moment + span, moment - span)
            assert fields(row[2]) == fields(span * 3)
    assert dt.date(2024, 1, 31) + Interval(1) == dt.date(2024, 2, 29)
    assert Interval(1) + dt.timedelta(1) == Interval(1, 1)
    assert fields(dt.timedelta(1) - Interval(1)) == (-1, 1, 0)
    assert fields(-Interval(1, 2, 3)) == (-1, -2, -3)
    assert Interval(1) + Interval.INFINITY == Interval.INFINITY
    assert Interval.INFINITY - Interval(1) == Interval.INFINITY
    assert not Interval()
    for wrong in (
        lambda: dt.date(2024, 1, 1) + Interval(0, 0, 5),
        lambda: Interval.INFINITY - Interval.INFINITY,
        lambda: dt.datetime(2024, 1, 1) + Interval.INFINITY,
        lambda: Interval(2**31 - 1) + Interval(1),
    ):
        with pytest.raises(InvalidValue):
            wrong()


@given(INTERVALS)
@settings(max_examples=examples(20), suppress_health_check=list(HealthCheck), deadline=None)
async def test_it_shows_as_postgresql_writes_it(engine: Engine, value: Interval) -> None:
    assert (await engine.execute("SELECT $1::interval::text", [value])).scalar() == str(value)
