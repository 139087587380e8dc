"""Moments by the accelerator are those that asyncpg would have sent and read."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from examples.blog.db import User
from ormkit import AsyncSession, Engine
from ormkit.moments import EPOCH, encode_moment, encoded

accelerator = pytest.importorskip(
    "ormkit._accelerator", reason="no C compiler was there to build the accelerator"
)

ZONES = st.sampled_from([dt.UTC, dt.timezone(dt.timedelta(hours=-7, minutes=-30)), None])
MOMENTS = st.datetimes(
    min_value=dt.datetime(1, 1, 3), max_value=dt.datetime(9999, 12, 29), timezones=ZONES
)
DAYS = st.dates(min_value=dt.date(1, 1, 3), max_value=dt.date(9999, 12, 29))
MICROSECOND = dt.timedelta(microseconds=1)


@pytest.fixture
async def plain(blog_url: str) -> AsyncIterator[Any]:
    """A connection of asyncpg's own."""
    connection = await asyncpg.connect(blog_url)
    yield connection
    await connection.close()


def data_of(when: int) -> bytes:
    return when.to_bytes(8, "big", signed=True)


@given(MOMENTS | DAYS)
def test_what_is_sent_is_what_python_computes(value: dt.date) -> None:
    data = encode_moment(value)
    assert data == encoded(value)
    if isinstance(value, dt.datetime):
        found = accelerator.decode_timestamptz(data)
        assert found == value.astimezone(dt.UTC)
        assert found.tzinfo is dt.UTC


@given(st.integers(-63082281599999999, 252455615999999998))
def test_every_moment_that_python_knows_is_read(when: int) -> None:
    assert accelerator.decode_timestamptz(data_of(when)) == EPOCH + when * MICROSECOND


@pytest.mark.parametrize("year", [1, 4, 100, 400, 1582, 1899, 1900, 1999, 2000, 2024, 2100, 9999])
def test_every_day_of_a_year_goes_there_and_back(year: int) -> None:
    day = dt.datetime(year, 1, 1, 23, 59, 59, 999998, tzinfo=dt.UTC)
    while day.year == year:
        data = accelerator.encode_timestamptz(day)
        assert data == encoded(day)
        assert accelerator.decode_timestamptz(data) == day
        if day.date() == dt.date.max:
            break
        day += dt.timedelta(days=1)


@pytest.mark.parametrize("when", [252455616000000000, -63082281600000001, 2**63 - 2, 1 - 2**63])
def test_what_lies_beyond_python_s_years_is_an_error(when: int) -> None:
    with pytest.raises(OverflowError, match="date value out of range"):
        accelerator.decode_timestamptz(data_of(when))


@pytest.mark.parametrize("data", [b"", b"1234567", b"123456789", bytearray(8), "12345678", None])
def test_what_is_no_timestamptz_is_refused(data: Any) -> None:
    with pytest.raises(ValueError, match="8 bytes"):
        accelerator.decode_timestamptz(data)


@pytest.mark.parametrize("value", [None, 5, "2026-01-01", dt.time(1)])
def test_what_is_no_moment_is_refused_in_the_driver_s_words(value: Any) -> None:
    assert accelerator.encode_timestamptz(value) is None
    with pytest.raises(
        TypeError, match=r"expected a datetime\.date or datetime\.datetime instance"
    ):
        encode_moment(value)


def test_a_class_of_datetime_s_own_is_left_to_python() -> None:
    class Moment(dt.datetime):
        def astimezone(self, tz: dt.tzinfo | None = None) -> Any:
            return EPOCH

    assert encode_moment(Moment(2026, 1, 1, tzinfo=dt.UTC)) == data_of(0)


@given(value=MOMENTS | DAYS | st.sampled_from([dt.datetime.max, dt.datetime.min]))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_the_server_and_asyncpg_take_it_for_the_same(
    engine: Engine, plain: Any, value: dt.date
) -> None:
    sql = "SELECT $1::timestamptz AS value, $1::timestamptz::text AS text"
    (ours,) = (await engine.execute(sql, [value])).tuples()
    assert ours == tuple(await plain.fetchrow(sql, value))


async def test_moments_of_columns_arrays_and_copies_are_alike(
    session: AsyncSession, engine: Engine, plain: Any
) -> None:
    when = dt.datetime(2026, 5, 4, 3, 2, 1, 999999, tzinfo=dt.UTC)
    await session.insert(User(name="Ada", created_at=when))
    await session.insert_all([User(name="Eve", created_at=when) for _ in range(3)])
    await engine.copy_in(User, [User(name="Sue", created_at=when)])
    sql = "SELECT array_agg(created_at) || $1::timestamptz AS value, count(*) AS count FROM users"
    result = await engine.execute(sql, [when])
    assert result.tuples() == [([when] * 6, 5)]
    assert [tuple(row) for row in await plain.fetch(sql, when)] == result.tuples()
    assert {user.created_at for user in await session.query(User).all()} == {when}
