"""The object is the row: after a write by any way an attribute holds what a fresh read gives.

Hypothesis chooses values of each type of the schema language, of kindred types and beyond its
limits. Each is written by every way there is; either the object then equals a fresh one, in value
and in type, or the write was refused by a typed error and the table is as it was.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import enum
import ipaddress
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ormkit import (
    INFINITY,
    AsyncSession,
    BitString,
    DataError,
    Engine,
    Interval,
    InvalidValue,
    Range,
    create_engine,
)
from ormkit.postgres import forms, json_forms
from ormkit.postgres.forms import are_kept
from ormkit.postgres.json_forms import json_form
from tests.generated import import_models, models_of
from tests.lengths import examples
from tests.servers import Server

#: PostgreSQL and the code say the same on every interpreter.
pytestmark = pytest.mark.one_interpreter


class Word(str):
    """A text of another class."""


class Count(enum.IntEnum):
    one = 1


class Label(enum.StrEnum):
    good = "good"


class Day(dt.datetime):
    """A moment of another class."""


def in_vienna(moment: dt.datetime) -> dt.datetime:
    near = min(max(moment.replace(tzinfo=None), dt.datetime(1, 1, 9)), dt.datetime(9999, 12, 20))
    return near.replace(tzinfo=ZoneInfo("Europe/Vienna"))


TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)
PADDED = st.text("ab ü", max_size=6) | st.sampled_from([Word("ab "), Label.good, "abc  ", ""])
WHOLE = st.integers(-(2**33), 2**33) | st.booleans() | st.sampled_from([Count.one, 2.0, 1.5])
FLOATS = st.floats() | st.floats(width=32) | st.integers(-(2**60), 2**60) | st.booleans()
DECIMALS = (
    st.decimals(places=3, min_value=-(10**9), max_value=10**9)
    | st.sampled_from(list(map(Decimal, ("NaN", "Infinity", "-Infinity"))))
    | st.decimals(places=2, min_value=-(10**9), max_value=10**9)
    | st.floats(-(10**9), 10**9).map(lambda n: round(n, 2))
    | st.integers(-(10**12), 10**12)
    | st.builds(lambda n, places: n * 10**places, st.integers(-999, 999), st.integers(0, 9))
    | st.sampled_from(list(map(Decimal, ("-0", "-0.00", "1E+3", "0E+9", "1.500", "sNaN", "1E-5"))))
    | st.sampled_from([0.1, "1.50", True, Count.one, float("nan"), float("inf")])
)
ZONES = st.integers(-15 * 60, 15 * 60).map(lambda n: dt.timezone(dt.timedelta(minutes=n)))
ENDLESS = st.sampled_from([INFINITY, -INFINITY, INFINITY.date()])
NAIVE = st.datetimes() | st.sampled_from([dt.datetime.max, dt.datetime.min])
AWARE = st.datetimes(timezones=ZONES) | st.just(dt.datetime.max.replace(tzinfo=dt.UTC))
DATES = st.dates() | st.sampled_from([dt.date.max, dt.date.min])
SPANS = (
    st.timedeltas()
    | st.builds(
        Interval, st.integers(-99, 99), st.integers(-99, 99), st.integers(-(10**12), 10**12)
    )
    | st.sampled_from([dt.timedelta.max, Interval.INFINITY, dt.timedelta(microseconds=5_000)])
)
MOMENTS = AWARE | NAIVE | DATES | ENDLESS | AWARE.map(in_vienna)
MOMENTS |= st.just(Day(2024, 2, 29, 12, 0, 0, 500_000, dt.UTC))
TIMES = st.times() | st.sampled_from([dt.time(23, 59, 59, 999_999), dt.time(1, 30, fold=1)])
SCALARS = (
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | TEXT
    | st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from([Count.one, Label.good])
)  # fmt: skip
JSON = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(TEXT | st.integers(0, 20) | st.booleans() | st.none(), inner, max_size=4)
    ),
    max_leaves=8,
).filter(lambda value: value is not None)  # fmt: skip
ADDRESSES = (
    st.ip_addresses()
    | st.ip_addresses(v=4).map(str)
    | st.ip_addresses(v=4).map(lambda ip: ipaddress.ip_interface(f"{ip}/20"))
    | st.ip_addresses(v=4).map(lambda ip: f"{ip}/32")
    | st.ip_addresses(v=6).map(lambda ip: ipaddress.ip_interface(f"{ip}/128"))
    | st.sampled_from([ipaddress.ip_address("fe80::1%eth0"), ipaddress.ip_network("10.0.0.0/8")])
)
NETWORKS = (
    st.ip_addresses(v=4).map(lambda ip: ipaddress.ip_network(f"{ip}/16", strict=False))
    | st.ip_addresses()
    | st.sampled_from(["10.0.0.0/8", "10.0.0.1/8", "::/0", ipaddress.ip_interface("10.0.0.1/8")])
)
BYTES = st.binary(max_size=9)
BITS = st.text("01", max_size=9).map(BitString) | BYTES
SINGLES = st.floats(-(2**60), 2**60) | st.integers(-9, 9) | st.booleans()


def ranges(bounds: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Ranges with bounds of every kind, in the right order and in the wrong one, and tuples."""
    ends = bounds | st.none()
    made = st.builds(
        Range, ends, ends, lower_inc=st.booleans(), upper_inc=st.booleans(), empty=st.booleans()
    )
    same = st.builds(
        lambda end, low, high: Range(end, end, lower_inc=low, upper_inc=high),
        bounds, st.booleans(), st.booleans(),
    )  # fmt: skip
    ordered = st.tuples(bounds, bounds).filter(are_in_order)
    closed = ordered.map(lambda pair: Range(*pair, upper_inc=True))
    return made | same | closed | st.tuples(bounds, bounds) | st.just(())


def are_in_order(pair: tuple[Any, Any]) -> bool:
    try:
        return bool(pair[0] <= pair[1])
    except TypeError:  # Before CPython 3.13 a datetime refuses dates of every class, infinity too.
        return bool(pair[1] >= pair[0])


#: PostgreSQL holds NaN for larger than every number, and equal to itself.
NAN_RANGES = st.sampled_from(
    [
        Range(Decimal("NaN"), Decimal("NaN")),
        Range(Decimal(1), Decimal("NaN"), upper_inc=True),
        Range(Decimal("NaN"), Decimal(1)),
    ]
)


@dataclass(frozen=True)
class Case:
    """A type and values for it."""

    words: str
    values: st.SearchStrategy[Any]
    has_array: bool = True


CASES = [
    Case("smallint", WHOLE),
    Case("integer", WHOLE),
    Case("bigint", WHOLE),
    Case("real", FLOATS | st.sampled_from([16777217.0, 1e39, 1e-60, -0.0, Decimal("0.1")])),
    Case("double precision", FLOATS | st.sampled_from([Decimal("0.1"), 2**70, -0.0])),
    Case("numeric", DECIMALS),
    Case("numeric(10,2)", DECIMALS),
    Case("numeric(3)", DECIMALS),
    Case("numeric(4,-2)", DECIMALS | st.integers(-999, 999).map(lambda n: n * 1000)),
    Case("numeric(2,5)", st.decimals(-1, 1, places=5) | st.just(Decimal("0.00099"))),
    Case("boolean", st.booleans() | st.integers(0, 1)),
    Case("text", TEXT | PADDED),
    Case("varchar(3)", PADDED | TEXT),
    Case("varchar", PADDED),
    Case("char(3)", PADDED),
    Case("char", PADDED),
    Case("bytea", BYTES | BYTES.map(bytearray) | BYTES.map(memoryview)),
    Case("date", DATES | NAIVE | ENDLESS | st.just(Day(2024, 2, 29))),
    Case("time", TIMES | st.just(dt.time(1, tzinfo=dt.UTC))),
    Case("time(0)", TIMES),
    Case("timetz", st.times(timezones=ZONES) | st.sampled_from([dt.time(1, tzinfo=dt.UTC)])),
    Case("timetz(3)", st.times(timezones=ZONES | st.just(ZoneInfo("UTC")))),
    Case("timestamp", NAIVE | DATES | AWARE | ENDLESS | st.just(Day(2024, 2, 29, 12))),
    Case("timestamp(2)", NAIVE | st.sampled_from([dt.datetime(1999, 12, 31, 1, 1, 1, 5_000)])),
    Case("timestamptz", MOMENTS),
    Case("timestamptz(0)", MOMENTS),
    Case("interval", SPANS),
    Case("interval(2)", SPANS),
    Case("uuid", st.uuids() | st.uuids().map(str)),
    Case("json", JSON),
    Case("jsonb", JSON),
    Case("inet", ADDRESSES),
    Case("cidr", NETWORKS),
    Case("macaddr", BYTES.filter(lambda b: len(b) == 6).map(lambda b: b.hex(":"))
         | st.sampled_from(["08002b010203", "08-00-2B-01-02-03", "0800.2b01.0203", "1:2:3:4:5:6"])),
    Case("int4range", ranges(st.integers(-9, 9) | st.sampled_from([2**31 - 1, True, 2.0]))),
    Case("int8range", ranges(st.integers(-9, 9) | st.just(2**63 - 1))),
    Case("numrange", ranges(st.decimals(-9, 9, places=1) | st.sampled_from([1, 10**4]))
         | NAN_RANGES),
    Case("tsrange", ranges(NAIVE | st.just(INFINITY))),
    Case("tstzrange", ranges(AWARE | ENDLESS)),
    Case("daterange", ranges(DATES | ENDLESS)),
    Case("bit(6)", BITS | st.just(BitString("010101"))),
    Case("bit", BITS | st.just(BitString("1"))),
    Case("varbit(9)", BITS),
    Case("varbit", BITS),
    Case("tsvector", st.sampled_from(["a fat  cat", "'b' 'a'", "cat:3 cat:1", "", Word("x")])),
    Case("vector(3)", st.lists(SINGLES, min_size=3, max_size=3)
         | st.tuples(SINGLES, SINGLES, SINGLES)
         | st.sampled_from([[0.1, 16777217.0, -0.0], [1e300, 0, 0], [1, 2]])),
    Case("Mood", st.sampled_from(["so-so", "ok", Label.good, Word("ok"), "none such"])),
]  # fmt: skip


def schema_text() -> str:
    """A schema with a model for each case, one for a value and one for an array."""
    parts = ["[enums]\nMood = ['so-so', 'ok', 'good']"]
    for place, case in enumerate(CASES):
        for kind, words in (("Case", case.words), ("Many", f"{case.words}[]")):
            parts.append(
                f"[models.{kind}{place}.columns]\n"
                f'id = {{ type = "bigint", primary_key = true }}\n'
                f'value = "{words}?"'
            )
    return "\n\n".join(parts)


def shape(value: Any) -> Any:
    """Return what tells a value from every other one, its type and the types within included."""
    kind = type(value).__name__
    if isinstance(value, list):
        return kind, [shape(each) for each in value]
    if isinstance(value, dict):
        return kind, [(shape(key), shape(each)) for key, each in value.items()]
    if isinstance(value, Range):
        bounds = shape(value.lower), shape(value.upper)
        return kind, bounds, value.lower_inc, value.upper_inc, value.isempty
    if isinstance(value, BitString):
        return kind, value.as_string()
    return type(value), repr(value)


Way = Callable[[AsyncSession, Any, Any], Awaitable[Any]]


async def by_insert_all(session: AsyncSession, model: Any, value: Any) -> Any:
    return (await session.insert_all([model(value=None), model(value=value)]))[1]


async def by_add(session: AsyncSession, model: Any, value: Any) -> Any:
    async with session.begin() as tx:
        tx.add(added := model(value=value))
    return added


async def by_update(session: AsyncSession, model: Any, value: Any) -> Any:
    found = await session.get(model, -2)
    await session.update(found, value=value)
    return found


async def by_attribute(session: AsyncSession, model: Any, value: Any) -> Any:
    async with session.begin() as tx:
        found: Any = await tx.get(model, -2)
        found.value = value
    return found


async def by_attributes(session: AsyncSession, model: Any, value: Any) -> Any:
    async with session.begin() as tx:
        found: list[Any] = await tx.query(model).filter(id__in=[-2, -1]).order_by("id").all()
        for each in found:
            each.value = value
    return found[1]


async def by_bulk_update(session: AsyncSession, model: Any, value: Any) -> Any:
    found: list[Any] = await session.query(model).filter(id__in=[-2, -1]).order_by("id").all()
    found[1].value = value
    return (await session.bulk_update(found, ["value"]))[1]


async def by_upsert_all(session: AsyncSession, model: Any, value: Any) -> Any:
    return (await session.upsert_all([model(id=-2, value=None), model(id=-1, value=value)]))[1]


async def by_copy(session: AsyncSession, model: Any, value: Any) -> Any:
    await session.copy_in(model, [copied := model(id=-3, value=value)])
    return copied


WAYS: dict[str, Way] = {
    "insert": lambda session, model, value: session.insert(model(value=value)),
    "insert_all": by_insert_all,
    "add": by_add,
    "update": by_update,
    "attribute": by_attribute,
    "attributes": by_attributes,
    "bulk_update": by_bulk_update,
    "upsert": lambda session, model, value: session.upsert(model(id=-2, value=value)),
    "upsert_all": by_upsert_all,
    "copy_in": by_copy,
}


@dataclass
class Database:
    """The generated package and an engine, on an event loop that outlives one example."""

    models: Any
    runner: asyncio.Runner
    engine: Engine

    def check(self, model: Any, value: Any) -> None:
        self.runner.run(self._check(model, value))

    async def _check(self, model: Any, value: Any) -> None:
        session = AsyncSession(self.engine)
        outcomes = set()
        for name, way in WAYS.items():
            if name == "copy_in" and not has_copy(model):
                continue
            await session.query(model).delete()
            await session.insert_all([model(id=-2, value=None), model(id=-1, value=None)])
            try:
                written = await way(session, model, value)
            except (InvalidValue, DataError):
                outcomes.add("refused")
                rows = await session.query(model).values_list(model.value)
                assert [row for row in rows if row[0] is not None] == [], name
                continue
            outcomes.add("stored")
            fresh = await session.get_or_raise(model, written.id)
            assert shape(written.value) == shape(fresh.value), name
            await check_found(session, model, fresh, name)
        assert len(outcomes) == 1, "the ways do not agree whether the value can be stored"


async def check_found(session: AsyncSession, model: Any, held: Any, name: str) -> None:
    """Assert that a filter by the value that the object holds finds its row."""
    if model.value.type.startswith("json"):
        return
    found = await session.query(model).filter(model.value == held.value).all()
    assert held.id in [each.id for each in found], name


def has_copy(model: Any) -> bool:
    """Whether COPY, which is binary, has the type."""
    bare = model.value.type.partition("[")[0].partition("(")[0]
    return bare not in ("macaddr", "tsvector", "vector") and model.value.type not in (
        "json[]",
        "jsonb[]",
    )


@pytest.fixture(scope="module", params=[16, 18], ids=["postgresql16", "postgresql18"])
def database(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Database]:
    server: Server = request.getfixturevalue(f"server{request.param}")
    directory = tmp_path_factory.mktemp("stored_forms")
    file = directory / "cases.toml"
    file.write_text(schema_text(), encoding="utf-8")
    models = import_models(directory, file)
    with server.database() as url, asyncio.Runner() as runner:
        engine = runner.run(create_engine(url, max_connections=2))
        runner.run(engine.create_all(models.SCHEMA))
        yield Database(models, runner, engine)
        runner.run(engine.close())


PLACES = pytest.mark.parametrize("place", range(len(CASES)), ids=[each.words for each in CASES])


@PLACES
@settings(max_examples=examples(4), deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_an_object_holds_what_its_row_holds(
    database: Database, place: int, data: st.DataObject
) -> None:
    value = data.draw(CASES[place].values)
    database.check(getattr(database.models, f"Case{place}"), value)


@PLACES
@settings(max_examples=examples(5), deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_an_object_holds_the_array_that_its_row_holds(
    database: Database, place: int, data: st.DataObject
) -> None:
    values = st.lists(CASES[place].values | st.none(), max_size=3)
    nested = values.flatmap(
        lambda each: st.sampled_from([each, tuple(each), [each, each], (each, each), [[], []]])
    )
    deep = "json" in CASES[place].words or "vector" in CASES[place].words
    value = data.draw(values | values.map(tuple) if deep else nested)
    database.check(getattr(database.models, f"Many{place}"), value)


async def test_tuples_copied_into_a_model_are_checked(database_url: str) -> None:
    schema = """
        [models.Price.columns]
        id = { type = "bigint", primary_key = true }
        amount = "numeric(10, 2)"
        code = "char(3)"
    """
    models = models_of("copied", schema)
    async with await create_engine(database_url) as engine:
        await engine.create_all(models.SCHEMA)
        session = AsyncSession(engine)
        columns = ["amount", "code"]
        for row in [(Decimal("1.005"), "a"), (1, "abc ")]:
            with pytest.raises(InvalidValue, match=r"^(amount|code) \(row 2\) cannot take this "):
                await session.copy_in(models.Price, [(1, "a"), row], columns=columns)
        assert await session.query(models.Price).count() == 0
        await session.copy_in(models.Price, [(0.1, Word("a"))], columns=columns)
        (stored,) = await session.query(models.Price).values_list(models.Price.amount)
        assert shape(stored[0]) == shape(Decimal("0.10"))


KEYS = """
[models.Key.columns]
id = { type = "bigint", primary_key = true }
single = "real"
letters = "char(4)"
price = "numeric(10, 2)"
"""


async def test_pages_and_filters_go_by_what_a_written_object_holds(database_url: str) -> None:
    models = models_of("keys", KEYS)
    async with await create_engine(database_url) as engine:
        await engine.create_all(models.SCHEMA)
        session = AsyncSession(engine)
        rows = [
            models.Key(single=single, letters=letters, price=price)
            for single, letters, price in zip(
                [0.1, 0.2, 0.3, 16777217.0, 1e-45, -0.0],
                ["a", "ab", "abc", "b", "", "ü"],
                [0.1, "0.2", 3, Decimal("1E+3"), Decimal("-0"), True],
                strict=True,
            )
        ]
        await session.insert_all(rows)
        for name in ("single", "letters", "price"):
            for each in rows:
                held = getattr(each, name)
                query = session.query(models.Key)
                for operator in ("", "__gte", "__lte"):
                    found = await query.filter(**{f"{name}{operator}": held}).all()
                    assert each.id in [one.id for one in found], (name, operator, held)
                assert await query.filter(**{f"{name}__in": [held]}).count() == 1
                assert await query.filter(**{f"{name}__between": (held, held)}).count() == 1
            for by in (name, f"-{name}"):
                ordered = session.query(models.Key).order_by(by)
                in_order = [each.id for each in await ordered.all()]
                by_id = {each.id: each for each in rows}
                for place, key in enumerate(in_order):
                    rest = await ordered.after(ordered.cursor(by_id[key])).all()
                    assert [each.id for each in rest] == in_order[place + 1 :], (by, key)
        for each in rows:
            assert await session.query(models.Key).filter(letters__iexact=each.letters).count() == 1
            holding = session.query(models.Key).filter(models.Key.letters.icontains(each.letters))
            assert each.id in [one.id for one in await holding.all()]


@settings(max_examples=examples(100), deadline=None)
@given(value=JSON, is_binary=st.booleans())
def test_a_document_is_stored_as_the_same_with_the_accelerator_and_without(
    value: Any, is_binary: bool
) -> None:
    """The pure form reads the document's own text, which is what the server does."""
    expected = json_form(is_binary, value)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_forms, "stored_json", json_forms.stored_json_in_python)
        assert shape(json_form(is_binary, value)) == shape(expected)


@settings(max_examples=examples(100), deadline=None)
@given(
    values=st.lists(st.none() | st.text(max_size=3) | st.integers() | st.booleans(), max_size=4),
    limit=st.integers(-1, 3),
)
def test_values_are_looked_at_alike_with_the_accelerator_and_without(
    values: list[Any], limit: int
) -> None:
    for kind in (str, int) if limit < 0 else (str,):
        found = are_kept(kind, limit, values)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(forms, "accelerator", None)
            assert are_kept(kind, limit, values) == found
