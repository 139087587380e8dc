"""Constant defaults: what is accepted reads back from PostgreSQL, and the rest is refused."""

from __future__ import annotations

import datetime as dt
import json
import math
import struct
from collections.abc import Iterator
from contextlib import suppress
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ormkit import INFINITY
from ormkit_gen.ddl.spelling import sql_constant, sql_type
from ormkit_gen.ir import DefaultValue, Enum, Schema
from ormkit_gen.schema.defaults import BadDefault, default_value
from ormkit_gen.schema.type_words import parse_type
from tests.lengths import examples
from tests.servers import Server

MOOD = Enum(name="Mood", db_name="mood", members=(("good", "good"), ("so_so", "so so")))
ENUMS = {"Mood": MOOD}
SCHEMA = Schema(models=(), enums=(MOOD,))
UTC = dt.UTC
KOLKATA = dt.timezone(dt.timedelta(hours=5, minutes=30))
LONG = f"1234567890.{'1234567890' * 3}"
MIDNIGHT = dt.datetime(2030, 1, 1, tzinfo=KOLKATA)
NUMBERED = UUID(int=0x12345678123412341234123456789ABC)
#: Words of a type, what a schema says, and what a row holds.
ACCEPTED: list[tuple[str, Any, Any]] = [
    ("boolean", True, True),
    ("smallint", -(2**15), -(2**15)),
    ("smallint", 2**15 - 1, 2**15 - 1),
    ("integer", -(2**31), -(2**31)),
    ("bigint", 2**63 - 1, 2**63 - 1),
    ("bigint", -(2**63), -(2**63)),
    ("real", 3, 3.0),
    ("real", -0.5, -0.5),
    ("real", 3.4028234663852886e38, 3.4028234663852886e38),
    ("real", math.inf, math.inf),
    ("double precision", 1.7976931348623157e308, 1.7976931348623157e308),
    ("double precision", 5e-324, 5e-324),
    ("double precision", -math.inf, -math.inf),
    ("numeric", "1.50", Decimal("1.50")),
    ("numeric", 10**200, Decimal(10**200)),
    ("numeric", "Infinity", Decimal("Infinity")),
    ("numeric", "1e131071", Decimal("1e131071")),
    ("numeric", "1e-16383", Decimal("1e-16383")),
    ("numeric", "0e500", Decimal(0)),
    ("numeric(4, 2)", 99.99, Decimal("99.99")),
    ("numeric(4, 2)", "-99.990", Decimal("-99.99")),
    ("numeric(4, 2)", 0, Decimal(0)),
    ("numeric(4)", 9999, Decimal(9999)),
    ("numeric(4, -2)", 123400, Decimal(123400)),
    ("numeric(2, 4)", "0.0099", Decimal("0.0099")),
    ("numeric(40, 30)", LONG, Decimal(LONG)),
    ("text", "", ""),
    ("text", 'it\'s \\ "so" $$ \n\t🐘', 'it\'s \\ "so" $$ \n\t🐘'),
    ("varchar(3)", "🐘🐘🐘", "🐘🐘🐘"),
    ("char(3)", "abc", "abc"),
    ("date", dt.date(2030, 1, 31), dt.date(2030, 1, 31)),
    ("date", "0001-01-01", dt.date(1, 1, 1)),
    ("date", "9999-12-31", dt.date(9999, 12, 31)),
    ("time", dt.time(23, 59, 59, 999999), dt.time(23, 59, 59, 999999)),
    ("time", "12:30", dt.time(12, 30)),
    ("timetz", "12:30:00+05:30", dt.time(12, 30, tzinfo=KOLKATA)),
    ("timetz", "12:30:00-15:59", dt.time(12, 30, tzinfo=dt.timezone(-dt.timedelta(minutes=959)))),
    ("timestamp", dt.datetime(2030, 1, 31, 12), dt.datetime(2030, 1, 31, 12)),
    ("timestamp", "9999-12-31T23:59:59.999999", dt.datetime.max),
    ("timestamptz", MIDNIGHT, MIDNIGHT),
    ("timestamptz", "0001-01-01T00:00:00Z", dt.datetime(1, 1, 1, tzinfo=UTC)),
    ("uuid", str(NUMBERED), NUMBERED),
    ("Mood", "so so", "so so"),
    ("Mood[]", ["good", "so so"], ["good", "so so"]),
    ("text[]", [], []),
    ("text[]", ["a,b", "{c}", "NULL", ""], ["a,b", "{c}", "NULL", ""]),
    ("integer[][]", [[1, 2], [3, 4]], [[1, 2], [3, 4]]),
    ("integer[][]", [], []),
    ("numeric(4, 2)[]", [1, "2.50"], [Decimal(1), Decimal("2.50")]),
    ("uuid[]", [str(NUMBERED)], [NUMBERED]),
    ("date[]", [dt.date(2030, 1, 31)], [dt.date(2030, 1, 31)]),
]
JSON = [{}, [], "it's", 0, -1.5, True, {"a": {"b": [1, None, "\u2028"]}}, 2**70]
REFUSED: list[tuple[str, Any, str]] = [
    ("boolean", 1, "must be true or false"),
    ("integer", True, "must be a whole number"),
    ("integer", 1.0, "must be a whole number"),
    ("integer", "1", "must be a whole number"),
    ("integer", 2**31, "out of the range of integer"),
    ("smallint", -(2**15) - 1, "out of the range of smallint"),
    ("bigint", 10**5000, "the number is out of the range of bigint"),
    ("real", True, "must be a number"),
    ("real", 1e39, "out of the range of real"),
    ("real", 1e-50, "out of the range of real"),
    ("double precision", 10**400, "out of the range of double precision"),
    ("numeric", "one", "must be a number"),
    ("numeric", True, "must be a number"),
    ("numeric", "sNaN", "must be a number"),
    ("numeric", "1e131072", "does not fit numeric"),
    ("numeric", "1e-16384", "does not fit numeric"),
    ("numeric", 10**140_000, "does not fit numeric"),
    ("numeric(4, 2)", 100, "does not fit numeric"),
    ("numeric(4, 2)", "0.001", "does not fit numeric"),
    ("numeric(4, 2)", math.inf, "cannot be infinity"),
    ("numeric(4, -2)", 150, "does not fit numeric"),
    ("numeric(4, -2)", 1_000_000, "does not fit numeric"),
    ("numeric(2, 4)", 0.01, "does not fit numeric"),
    ("numeric(40, 30)", "0." + "1" * 31, "does not fit numeric"),
    ("text", 1, "must be a string"),
    ("text", "\0", "NUL"),
    ("text", "\ud800", "surrogate"),
    ("varchar(3)", "four", "the column holds 3"),
    ("date", dt.datetime(2030, 1, 1), "must be of type date"),
    ("date", "tomorrow", "is not a valid date"),
    ("time", dt.date(2030, 1, 1), "must be of type time"),
    ("time", "12:00+00:00", "cannot have a time zone"),
    ("timetz", dt.time(12), "needs a time zone"),
    ("timetz", "12:00+16:00", "less than 16 hours"),
    ("timestamp", dt.date(2030, 1, 1), "must be of type timestamp"),
    ("timestamp", "2030-01-01T00:00:00Z", "cannot have a time zone"),
    ("timestamptz", "2030-01-01T00:00:00", "needs a time zone"),
    ("timestamptz", "2030-01-01T00:00:00-16:00", "less than 16 hours"),
    ("timestamptz", "9999-12-31T23:00:00-02:00", "outside of the years"),
    ("uuid", 5, "is not a valid uuid"),
    ("uuid", "new", "is not a valid uuid"),
    ("uuid", 10**5000, "is not a valid uuid"),
    ("jsonb", {"a": math.nan}, "no infinity and no NaN"),
    ("jsonb", [dt.date(2030, 1, 1)], "JSON has no date"),
    ("jsonb", "\0", "NUL"),
    ("jsonb", {"\0": 1}, "NUL"),
    ("jsonb", 10**5000, "too many digits"),
    ("Mood", "bad", "no label 'bad'"),
    ("Mood", 10**5000, "no label"),
    ("Mood", ["good"], "no label"),
    ("text[]", "a", "must be a list"),
    ("text[]", [1], "must be a string"),
    ("integer[][]", [1], "must be a list"),
    ("integer[][]", [[1], [1, 2]], "equally long"),
    ("integer[][]", [[], []], "not empty"),
    ("integer[][][]", [[[1]], [[1], [2]]], "equally long"),
    ("bytea", "x", "cannot be a constant"),
    ("interval", "1 day", "cannot be a constant"),
    ("int4range", "[1,2)", "cannot be a constant"),
    ("vector(3)", [1, 2, 3], "cannot be a constant"),
    ("bytea[]", ["x"], "cannot be a constant"),
]
WORDS = sorted({words for words, *_ in [*ACCEPTED, *REFUSED]})
ANYTHING = st.one_of(
    st.integers(),
    st.floats(),
    st.decimals(),
    st.decimals(-100, 100, places=3).map(str),
    st.text(max_size=4),
    st.dates(),
    st.times(),
    st.times(timezones=st.just(KOLKATA)),
    st.datetimes(),
    st.datetimes(timezones=st.timezones()),
    st.uuids().map(str),
    st.booleans(),
)


def read(words: str, value: Any) -> DefaultValue:
    return default_value(value, parse_type(words, ENUMS).type, ENUMS)


def stored(server: Server, url: str, defaults: list[tuple[str, DefaultValue]]) -> list[Any]:
    """Return what a new row holds in columns of these types with these defaults."""
    columns: list[str] = []
    for index, (words, value) in enumerate(defaults):
        type_ = parse_type(words, ENUMS).type
        default = sql_constant(value, type_, SCHEMA)
        columns.append(f"c{index} {sql_type(type_, SCHEMA)} DEFAULT {default}")
    sql = f"CREATE TABLE t ({', '.join(columns)}); INSERT INTO t DEFAULT VALUES"
    server.run_script(url, f"DROP TABLE IF EXISTS t; {sql}")
    return list(server.fetch(url, "SELECT * FROM t")[0])


@pytest.fixture(scope="module")
def moody_url(server18: Server) -> Iterator[str]:
    """The URL of a database with the enum mood."""
    with server18.database() as url:
        server18.run_script(url, "CREATE TYPE mood AS ENUM ('good', 'so so')")
        yield url


def test_what_is_accepted_is_what_postgresql_holds(server18: Server, moody_url: str) -> None:
    """The extremes of each type, and text that SQL would read as something else."""
    defaults = [(words, read(words, value)) for words, value, _ in ACCEPTED]
    wanted = [expected for _, _, expected in ACCEPTED]
    assert [value for _, value in defaults] == wanted
    assert stored(server18, moody_url, defaults) == wanted


@pytest.mark.parametrize("words", ["date", "timestamp", "timestamptz"])
def test_infinity_is_a_default_of_dates_and_timestamps(words: str) -> None:
    for value, text in ((INFINITY, "infinity"), (-INFINITY, "-infinity"), ("infinity", "infinity")):
        assert read(words, value) == text
        assert read(f"{words}[]", [value]) == [text]
    for real in ("9999-12-31", "0001-01-01"):
        suffix = {"date": "", "timestamp": "T00:00:00"}.get(words, "T00:00:00Z")
        assert not isinstance(read(words, real + suffix), str)
    with pytest.raises(BadDefault):
        read(words, "Infinity")


def test_nan_and_negative_zero_are_held(server18: Server, moody_url: str) -> None:
    types = ["real", "double precision", "numeric", "numeric(4, 2)"]
    defaults = [(words, read(words, math.nan)) for words in types]
    *held, zero = stored(server18, moody_url, [*defaults, ("real", read("real", -0.0))])
    assert all(value != value for value in held)
    assert math.copysign(1, zero) == -1


@pytest.mark.parametrize("type_", ["json", "jsonb"])
def test_json_is_what_postgresql_holds(server18: Server, moody_url: str, type_: str) -> None:
    held = stored(server18, moody_url, [(type_, read(type_, value)) for value in JSON])
    assert list(map(json.loads, held)) == JSON


def exactly(text: str) -> Any:
    """Return the JSON value, its numbers as decimals."""
    return json.loads(text, parse_float=Decimal, parse_int=Decimal)


def is_same(words: str, value: Any, held: Any) -> bool:
    """Return whether a row holds the value, as precisely as its type can."""
    if words == "real":
        (value,) = struct.unpack("<f", struct.pack("<f", value))
    if words.startswith("char"):
        return bool(held.rstrip(" ") == value.rstrip(" "))
    if words == "jsonb":
        # Digit by digit: jsonb keeps numbers as numeric, and writes large ones without an exponent.
        value, held = exactly(json.dumps(value)), exactly(held)
    return bool(held == value or (held != held and value != value))


@given(st.lists(st.tuples(st.sampled_from(WORDS), ANYTHING), min_size=1, max_size=60))
@settings(
    max_examples=examples(20),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_whatever_is_accepted_postgresql_holds(
    server18: Server, moody_url: str, wishes: list[tuple[str, Any]]
) -> None:
    """No value of any type is let through that PostgreSQL refuses or changes."""
    defaults: list[tuple[str, DefaultValue]] = []
    for words, value in wishes:
        with suppress(BadDefault):
            defaults.append((words, read(words, value)))
    for (words, value), held in zip(defaults, stored(server18, moody_url, defaults), strict=True):
        assert is_same(words, value, held), (words, value, held)


@pytest.mark.parametrize(("words", "value", "reason"), REFUSED, ids=range(len(REFUSED)))
def test_what_the_type_cannot_hold_is_refused(words: str, value: Any, reason: str) -> None:
    with pytest.raises(BadDefault) as caught:
        read(words, value)
    message, remedy = caught.value.args
    assert reason in message
    assert remedy
    assert len(message) < 200


def test_a_list_within_itself_is_refused() -> None:
    """Only Python can spell one."""
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(BadDefault, match="more than 32 levels deep"):
        read("jsonb", endless)
