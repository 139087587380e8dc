"""Dates, times, timestamps and intervals: C and Python read and write the same, and asyncpg too."""

from __future__ import annotations

import datetime as dt
import gc
import sys
import weakref
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from examples.blog.db import User
from ormkit import INFINITY, AsyncSession, Engine, Interval
from ormkit.driver.timestamptz import FORMS, Reading, in_c, in_python
from ormkit.driver.unreadable import Unreadable
from ormkit.postgres.interval import SLOTS, fields
from tests.lengths import examples

accelerator = pytest.importorskip(
    "ormkit._accelerator", reason="no C compiler was there to build the accelerator"
)

ZONES = st.sampled_from([dt.UTC, dt.timezone(dt.timedelta(hours=-7, minutes=-30)), None])
INNER = (dt.datetime(1, 1, 3), dt.datetime(9999, 12, 29))
MOMENTS = st.datetimes(*INNER, timezones=ZONES)
DAYS = st.dates(dt.date(1, 1, 3), dt.date(9999, 12, 29))
INTERVALS = st.builds(
    Interval,
    st.integers(-(2**31), 2**31 - 1),
    st.integers(-(2**31), 2**31 - 1),
    st.integers(-(2**63), 2**63 - 1),
)
EAST = dt.timezone(dt.timedelta(0, 3661))


def without_fold(value: Any) -> Any:
    """Return a time as the server can tell it."""
    return value.replace(fold=0)


#: What each type holds that has a value in Python.
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "date": st.dates(),
    "timestamp": st.datetimes().map(without_fold),
    "timestamptz": MOMENTS,
    "time": st.times().map(without_fold),
    "timetz": st.times(timezones=st.sampled_from([dt.UTC, EAST])).map(without_fold),
    "interval": INTERVALS | st.timedeltas(),
}
#: PostgreSQL's ranges of the numbers that are sent.
NUMBERS = {
    "date": (st.integers(-2451545, 2145031948),),
    "timestamp": (st.integers(-(2**63), 2**63 - 1),),
    "timestamptz": (st.integers(-(2**63), 2**63 - 1),),
    "time": (st.integers(0, 86_400_000_000),),
    "timetz": (st.integers(0, 86_400_000_000), st.integers(-57599, 57599)),
    "interval": (
        st.integers(-(2**63), 2**63 - 1),
        *[st.integers(-(2**31), 2**31 - 1) for _ in range(2)],
    ),
}
NAMES = sorted(FORMS)


@pytest.fixture
async def plain(blog_url: str) -> AsyncIterator[Any]:
    """A connection of asyncpg's own."""
    connection = await asyncpg.connect(blog_url)
    yield connection
    await connection.close()


def refuse(given: Any) -> Any:
    """Stand for what is not ordinary."""
    raise LookupError


def shortcut(name: str, otherwise: Any = refuse) -> Any:
    return accelerator.Shortcut(name, otherwise, Interval, SLOTS)


def same(one: Any, other: Any) -> bool:
    """Return whether two values are alike, fields and marks included."""
    if isinstance(one, Unreadable):
        return type(other) is Unreadable and one.reason == other.reason
    if isinstance(one, Interval):
        return isinstance(other, Interval) and fields(one) == fields(other)
    return type(one) is type(other) and repr(one) == repr(other)


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
def test_c_sends_what_python_sends(name: str, data: st.DataObject) -> None:
    value = data.draw(VALUES[name])
    encode, decode, _ = in_c(name, FORMS[name], getattr(Reading([]), name))
    sent = encode(value)
    assert sent == FORMS[name].layout.pack(*FORMS[name].encode(value))
    back = decode(sent)
    if isinstance(value, dt.datetime) and name == "timestamptz":
        assert back == value.astimezone(dt.UTC)
        assert back.tzinfo is dt.UTC
    else:
        assert same(back, Interval.of(value))


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
def test_c_reads_what_python_reads(name: str, data: st.DataObject) -> None:
    numbers = tuple(data.draw(each) for each in NUMBERS[name])
    marks: list[Unreadable] = []
    in_python = getattr(Reading(marks), name)
    _, decode, _ = in_c(name, FORMS[name], in_python)
    expected = in_python(numbers)
    assert same(decode(FORMS[name].layout.pack(*numbers)), expected)
    assert len(marks) == 2 * isinstance(expected, Unreadable)


@pytest.mark.parametrize("year", [1, 4, 100, 400, 1582, 1899, 1900, 1999, 2000, 2024, 2100, 9999])
def test_every_day_of_a_year_goes_there_and_back_in_c(year: int) -> None:
    day = dt.datetime(year, 1, 1, 23, 59, 59, 999999, tzinfo=dt.UTC)
    while day.year == year:
        for name, value in (
            ("timestamptz", day),
            ("timestamp", day.replace(tzinfo=None)),
            ("date", day.date()),
        ):
            data = shortcut(f"encode_{name}")(value)
            assert data == FORMS[name].layout.pack(*FORMS[name].encode(value))
            assert shortcut(f"decode_{name}")(data) == value
        if day.date() == dt.date.max:
            break
        day += dt.timedelta(days=1)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("data", [b"", b"1234567", b"1" * 17, bytearray(8), "12345678", None])
def test_what_is_no_value_of_the_type_is_left_to_python(name: str, data: Any) -> None:
    with pytest.raises(LookupError):
        shortcut(f"decode_{name}")(data)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", [None, 5, "2026-01-01", object()])
def test_what_is_of_another_type_is_refused(name: str, value: Any) -> None:
    with pytest.raises(LookupError):
        shortcut(f"encode_{name}")(value)
    with pytest.raises(TypeError, match=r"expected an? "):
        FORMS[name].encode(value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("date", INFINITY),
        ("date", INFINITY.date()),
        ("date", dt.datetime(2026, 1, 1)),
        ("timestamp", INFINITY),
        ("timestamp", dt.date(2026, 1, 1)),
        ("timestamp", dt.datetime(2026, 1, 1, tzinfo=dt.UTC)),
        ("timestamptz", INFINITY),
        ("timestamptz", dt.datetime(2026, 1, 1)),
        ("time", dt.time(1, tzinfo=dt.UTC)),
        ("interval", Interval.INFINITY),
        ("interval", -Interval.INFINITY),
        ("interval", object.__new__(Interval)),
    ],
)
def test_what_is_not_ordinary_is_left_to_python(name: str, value: Any) -> None:
    with pytest.raises(LookupError):
        shortcut(f"encode_{name}")(value)


def test_a_class_of_datetime_s_own_is_left_to_python() -> None:
    class Moment(dt.datetime):
        pass

    with pytest.raises(LookupError):
        shortcut("encode_timestamptz")(Moment(2026, 1, 1, tzinfo=dt.UTC))


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("decode_date",),
        ("decode_dates", refuse, Interval, SLOTS),
        ("decode_date", refuse, Interval, SLOTS[:2]),
        ("decode_interval", refuse, int, SLOTS),
        ("decode_interval", refuse, Interval, (None, None, None)),
        ("decode_interval", refuse, None, SLOTS),
    ],
)
def test_a_shortcut_that_would_write_elsewhere_is_refused(arguments: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        accelerator.Shortcut(*arguments)
    with pytest.raises(TypeError, match="one value"):
        shortcut("decode_date")()
    with pytest.raises(TypeError, match="one value"):
        shortcut("decode_date")(b"", data=b"")


@pytest.mark.usefixtures("own_garbage")
def test_shortcuts_leak_nothing_and_are_collected() -> None:
    def otherwise(given: Any) -> Any:
        return given

    watched = [otherwise, Interval]
    call = shortcut("decode_interval", otherwise)
    before = list(map(sys.getrefcount, watched))
    for _ in range(100):
        call(bytes(16)), call(b""), shortcut("encode_interval", otherwise)(Interval(1))
    assert list(map(sys.getrefcount, watched)) == before
    otherwise.held = call  # type: ignore[attr-defined]
    reference = weakref.ref(otherwise)
    watched.clear()
    del otherwise, call
    gc.collect()
    assert reference() is None


@given(value=MOMENTS | DAYS)
@settings(max_examples=examples(20), suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_the_server_and_asyncpg_take_it_for_the_same(
    engine: Engine, plain: Any, value: dt.date
) -> None:
    sql = "SELECT $1::timestamptz AS value, $1::timestamptz::text AS text"
    (ours,) = (await engine.execute(sql, [value])).tuples()
    assert ours == tuple(await plain.fetchrow(sql, value))


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("interval", Interval(14, -3, 5_000_001), "1 year 2 mons -3 days +00:00:05.000001"),
        ("interval", dt.timedelta(2, 3), "2 days 00:00:03"),
        ("timetz", dt.time(1, 2, 3, 4, EAST), "01:02:03.000004+01:01:01"),
        ("time", dt.time(1, 2, 3, 4), "01:02:03.000004"),
        ("date", dt.date.max, "9999-12-31"),
        ("date", INFINITY, "infinity"),
        ("timestamp", dt.datetime.max, "9999-12-31 23:59:59.999999"),
        ("timestamptz", -INFINITY, "-infinity"),
    ],
)
@pytest.mark.parametrize("make", [in_c, in_python])
async def test_the_server_reads_what_each_of_them_sends(
    plain: Any, make: Any, name: str, value: Any, text: str
) -> None:
    encode, decode, form = make(name, FORMS[name], getattr(Reading([]), name))
    await plain.set_type_codec(
        name, schema="pg_catalog", encoder=encode, decoder=decode, format=form
    )
    found, shown = await plain.fetchrow(f"SELECT $1::{name}, $1::{name}::text", value)
    assert shown == text
    assert found == value
    (again,) = await plain.fetchval(f"SELECT ARRAY[$1::{name}]", value)
    assert again == value


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
