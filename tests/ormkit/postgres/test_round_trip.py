"""Every column type through a real database: what goes in comes back, to its extremes.

One model is generated for each type, with a value and an array of values, through the generator
itself; hypothesis chooses the values, and inserts many at once and one by one.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ormkit import INFINITY, AsyncSession, BitString, Engine, Interval, Range, create_engine
from tests.generated import import_models
from tests.lengths import examples
from tests.servers import Server

pytestmark = pytest.mark.one_interpreter

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30)
ZONES = st.integers(-15 * 60, 15 * 60).map(lambda n: dt.timezone(dt.timedelta(minutes=n)))
DATES = st.dates() | st.sampled_from([dt.date.min, dt.date.max])
TIMESTAMPS = st.datetimes() | st.sampled_from([dt.datetime.min, dt.datetime.max])
#: Not the first and the last day, which Python has not in UTC where they are there in a zone.
AWARE = st.datetimes(dt.datetime(1, 1, 2), dt.datetime(9999, 12, 30), timezones=ZONES)
DECIMALS = st.decimals(allow_nan=False, places=8, min_value=-(10**20), max_value=10**20)
WORDS = st.lists(st.text("abcxyz", min_size=1, max_size=5), unique=True, max_size=5)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | TEXT
    | st.floats(-(10**15), 10**15, allow_subnormal=False).map(lambda n: round(n, 6)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=8,
)  # fmt: skip


def integers(bits: int) -> st.SearchStrategy[int]:
    low, high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    return st.integers(low, high) | st.sampled_from([low, high])


def ranges(bounds: st.SearchStrategy[Any]) -> st.SearchStrategy[Range[Any]]:
    """Ranges as PostgreSQL itself writes them: without the upper bound, or empty."""
    pairs = st.tuples(bounds, bounds).filter(lambda pair: pair[0] != pair[1]).map(sorted)
    closed = pairs.map(lambda pair: Range(*pair))
    open_ended = bounds.map(lambda low: Range(low)) | bounds.map(lambda high: Range(None, high))
    return closed | open_ended | st.sampled_from([Range(empty=True), Range()])


def bits(lengths: st.SearchStrategy[int]) -> st.SearchStrategy[BitString]:
    return lengths.flatmap(lambda n: st.text("01", min_size=n, max_size=n)).map(BitString)


def same(value: Any) -> Any:
    return value


def number(value: Any) -> Any:
    """A number, with NaN as something that equals itself."""
    return "NaN" if math.isnan(value) else value


def address(value: Any) -> str:
    """An address without the netmask that covers all of it."""
    return str(value).removesuffix("/32" if value.version == 4 else "/128")


@dataclass(frozen=True)
class Case:
    """A type, the values it takes, and the form in which two values are compared."""

    words: str
    values: st.SearchStrategy[Any]
    form: Callable[[Any], Any] = field(default=same)


V4 = st.ip_addresses(v=4)
V6 = st.ip_addresses(v=6)
V4_NETWORKS = V4.map(lambda ip: ipaddress.ip_network(f"{ip}/16", strict=False))
INTERVALS = st.builds(
    Interval,
    st.integers(-(2**31), 2**31 - 1),
    st.integers(-(2**31), 2**31 - 1),
    st.integers(-(2**62), 2**62),
)
SINGLES = st.floats(width=32, allow_nan=False, allow_infinity=False)
SPECIAL_DECIMALS = st.sampled_from(list(map(Decimal, ("NaN", "Infinity", "-Infinity", "1.50"))))

CASES = [
    Case("smallint", integers(16)),
    Case("integer", integers(32)),
    Case("bigint", integers(64)),
    Case("real", st.floats(width=32), number),
    Case("double precision", st.floats(), number),
    Case("numeric", DECIMALS | SPECIAL_DECIMALS, number),
    Case("numeric(10,2)", st.decimals(-(10**7), 10**7, places=2, allow_nan=False)),
    Case("boolean", st.booleans()),
    Case("text", TEXT),
    Case("varchar(40)", TEXT),
    Case("char(5)", st.text("abc'\\ü%", min_size=5, max_size=5)),
    Case("bpchar", TEXT),
    Case("bytea", st.binary(max_size=50)),
    Case("date", DATES),
    Case("time", st.times()),
    Case("timetz", st.times(timezones=ZONES)),
    Case("timestamp", TIMESTAMPS),
    Case("timestamptz", AWARE),
    Case("interval", INTERVALS),
    Case("uuid", st.uuids()),
    Case("json", JSON.filter(lambda value: value is not None)),
    Case("jsonb", JSON.filter(lambda value: value is not None)),
    Case("inet", V4 | V6 | V4.map(lambda ip: ipaddress.ip_interface(f"{ip}/20")), address),
    Case("cidr", V4_NETWORKS | V6.map(ipaddress.ip_network)),
    Case("macaddr", st.binary(min_size=6, max_size=6).map(lambda raw: raw.hex(":"))),
    Case("int4range", ranges(st.integers(-(2**31), 2**31 - 2))),
    Case("int8range", ranges(st.integers(-(2**63), 2**63 - 2))),
    Case("numrange", ranges(DECIMALS)),
    Case("tsrange", ranges(st.datetimes())),
    Case("tstzrange", ranges(AWARE)),
    Case("daterange", ranges(st.dates(max_value=dt.date(9999, 12, 30)))),
    Case("bit(6)", bits(st.just(6))),
    Case("varbit", bits(st.integers(1, 70))),
    Case("tsvector", WORDS.map(lambda words: " ".join(f"'{word}'" for word in sorted(words)))),
    Case("vector(3)", st.lists(SINGLES, min_size=3, max_size=3)),
    Case("Mood", st.sampled_from(["so-so", "it's \\ fine", "ok"])),
]  # fmt: skip


def schema_text() -> str:
    """A schema with a model for each case."""
    labels = ", ".join(f"'''{label}'''" for label in ("so-so", "it's \\ fine", "ok"))
    parts = [f"[enums]\nMood = [{labels}]"]
    for place, case in enumerate(CASES):
        parts.append(
            f"[models.Case{place}.columns]\n"
            f'id = {{ type = "bigint", primary_key = true }}\n'
            f'value = "{case.words}?"\n'
            f"[models.Many{place}.columns]\n"
            f'id = {{ type = "bigint", primary_key = true }}\n'
            f'items = "{case.words}[]?"'
        )
    return "\n\n".join(parts)


@dataclass
class Database:
    """The generated package and an engine, on an event loop that outlives one example."""

    models: Any
    runner: asyncio.Runner
    engine: Engine

    def round_trip(self, model: Any, name: str, values: list[Any]) -> list[Any]:
        return self.runner.run(self._round_trip(model, name, values))

    async def _round_trip(self, model: Any, name: str, values: list[Any]) -> list[Any]:
        session = AsyncSession(self.engine)
        objects = [model(**{name: value}) for value in values]
        await session.insert_all(objects)
        await session.insert(alone := model(**{name: values[0]}))
        keys = [each.id for each in [*objects, alone]]
        found = await session.query(model).filter(id__in=keys).order_by("id").all()
        texts = f"SELECT array_agg({name}::text ORDER BY id) FROM {model.__name__.lower()}"
        stored = (await self.engine.execute(texts)).scalar()
        await session.query(model).delete()
        # COPY as text stores the same as INSERT, also for the types that it sends as binary.
        with patch("ormkit.transactions.copy.is_copied_as_text", return_value=True):
            await session.copy_in(model, [model(**{name: each}) for each in [*values, values[0]]])
        assert (await self.engine.execute(texts)).scalar() == stored
        await session.query(model).delete()
        return [getattr(each, name) for each in found]


@pytest.fixture(scope="module")
def database(server18: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    directory = tmp_path_factory.mktemp("round_trip")
    file = directory / "cases.toml"
    file.write_text(schema_text(), encoding="utf-8")
    models = import_models(directory, file)
    with server18.database() as url, asyncio.Runner() as runner:
        engine = runner.run(create_engine(url, max_connections=2))
        runner.run(engine.create_all(models.SCHEMA))
        yield Database(models, runner, engine)
        runner.run(engine.close())


def drawn(data: st.DataObject, case: Case, models: Any, size: int) -> list[Any]:
    values = data.draw(st.lists(case.values, min_size=1, max_size=size))
    return [models.Mood(value) for value in values] if case.words == "Mood" else values


@pytest.mark.parametrize("place", range(len(CASES)), ids=[case.words for case in CASES])
@settings(max_examples=examples(10), deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_value_comes_back_as_it_went_in(
    database: Database, place: int, data: st.DataObject
) -> None:
    case = CASES[place]
    values = drawn(data, case, database.models, 20)
    found = database.round_trip(getattr(database.models, f"Case{place}"), "value", [*values, None])
    assert found.pop(-2) is None
    assert list(map(case.form, found)) == list(map(case.form, [*values, values[0]]))
    assert all(type(a) is type(b) for a, b in zip(found, values, strict=False)) or case.form


@pytest.mark.parametrize("place", range(len(CASES)), ids=[case.words for case in CASES])
@settings(max_examples=examples(10), deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_an_array_comes_back_as_it_went_in(
    database: Database, place: int, data: st.DataObject
) -> None:
    case = CASES[place]
    values = [drawn(data, case, database.models, 6) for _ in range(2)]
    model = getattr(database.models, f"Many{place}")
    found = database.round_trip(model, "items", [*values, [], [values[0][0], None]])
    expected = [*values, [], [values[0][0], None], values[0]]

    def form(items: list[Any]) -> list[Any]:
        return [None if item is None else case.form(item) for item in items]

    assert list(map(form, found)) == list(map(form, expected))


INFINITIES = [
    ("date", "infinity", INFINITY),
    ("date", "-infinity", -INFINITY),
    ("timestamp", "infinity", INFINITY),
    ("timestamp", "-infinity", -INFINITY),
    ("timestamptz", "infinity", INFINITY),
    ("timestamptz", "-infinity", -INFINITY),
    ("interval", "infinity", Interval.INFINITY),
    ("interval", "-infinity", -Interval.INFINITY),
    ("real", "Infinity", math.inf),
    ("double precision", "-Infinity", -math.inf),
    ("numeric", "Infinity", Decimal("Infinity")),
]


@pytest.mark.parametrize(("words", "text", "value"), INFINITIES)
def test_infinities_have_values_of_their_own(
    database: Database, words: str, text: str, value: Any
) -> None:
    place = [case.words for case in CASES].index(words)
    model = getattr(database.models, f"Case{place}")

    async def both_ways() -> tuple[Any, Any]:
        session = AsyncSession(database.engine)
        sql = f"INSERT INTO case{place} (value) VALUES ('{text}') RETURNING id"
        key = (await database.engine.execute(sql)).scalar()
        read = (await session.get(model, key)).value
        written = await session.insert(model(value=value))
        shown = await database.engine.execute(
            f"SELECT value::text FROM case{place} WHERE id = $1", [written.id]
        )
        return read, shown.scalar()

    assert database.runner.run(both_ways()) == (value, text)
