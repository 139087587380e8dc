"""Values that Python has none for: one typed error, that names the column and never the value."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest

from ormkit import (
    AsyncSession,
    Engine,
    NotFound,
    UnknownName,
    UnreadableValue,
    create_engine,
    jsonload,
    selectinload,
)
from ormkit.driver.codecs import json_codecs
from ormkit.driver.unreadable import Unreadable
from tests.generated import models_of

SCHEMA = """
[enums]
Mood = ["sad", "ok"]
Closed = { values = ["one", "two"], unknown_labels = "error" }
Open = { values = ["red", "dark green"], unknown_labels = "text" }

[models.Owner.columns]
id = { type = "bigint", primary_key = true }
name = "text?"

[models.Owner.relationships]
things = { target = "Thing", many = true }

[models.Thing.columns]
id = { type = "bigint", primary_key = true }
owner_id = { type = "bigint", nullable = true, foreign_key = "owner.id" }
born = { type = "date?", column = "birth_day" }
seen = "timestamp?"
at = "timestamptz?"
opens = "time?"
closes = "timetz?"
data = "jsonb?"
raw = "json?"
days = "date[]?"
period = "daterange?"
mood = "Mood?"
moods = "Mood[]?"
color = "Open?"
colors = "Open[]?"
first = { type = "Open", default = "red" }

[models.Thing.relationships]
owner = { target = "Owner" }
"""
LONG = "'[' || repeat('9', 5000) || ']'"
#: Columns, SQL of what cannot be read in them, and a part of the reason.
CASES = [
    ("born", "'4714-11-24 BC'::date", "1 to 9999"),
    ("born", "'5874897-12-31'::date", "1 to 9999"),
    ("seen", "'0001-12-31 23:59 BC'::timestamp", "1 to 9999"),
    ("seen", "'10000-01-01'::timestamp", "1 to 9999"),
    ("at", "'10000-01-01 00:00+00'::timestamptz", "1 to 9999"),
    ("at", "'0044-03-15 12:00+00 BC'::timestamptz", "1 to 9999"),
    ("opens", "'24:00'::time", "24:00"),
    ("closes", "'24:00+05:30'::timetz", "24:00"),
    ("data", f"({LONG})::jsonb", "too many digits"),
    ("data", "('[' || repeat('9', 400) || '.5]')::jsonb", "double precision"),
    ("raw", "'[1e999]'::json", "double precision"),
    ("raw", f"({LONG})::json", "too many digits"),
    ("days", "ARRAY[NULL, '2026-01-01', '4713-01-01 BC']::date[]", "1 to 9999"),
    ("period", "daterange('2026-01-01', '10000-01-01')", "1 to 9999"),
    ("mood", "'brand-new'::mood", "ormkit generate"),
    ("moods", "ARRAY['ok', 'brand-new']::mood[]", "ormkit generate"),
]
IDS = [f"{name}-{number}" for number, (name, _, _) in enumerate(CASES)]
SECRETS = ("4714", "4713", "10000", "5874897", "9999999", "brand-new")


@pytest.fixture(scope="module")
def models() -> Any:
    return models_of("unreadable", SCHEMA)


@pytest.fixture
async def engine(database_url: str, models: Any) -> AsyncIterator[Engine]:
    engine = await create_engine(database_url, max_connections=2)
    await engine.create_all(models.SCHEMA)
    await engine.execute("ALTER TYPE mood ADD VALUE 'brand-new'")
    await engine.execute("ALTER TYPE open ADD VALUE 'brand-new'")
    yield engine
    await engine.close()


def column_of(models: Any, name: str) -> str:
    return str(getattr(models.Thing, name).quoted)


async def store(engine: Engine, models: Any, name: str, sql: str) -> tuple[int, int]:
    """Store an owner with three rows, of which the second one cannot be read."""
    owner = (await engine.execute("INSERT INTO owner DEFAULT VALUES RETURNING id")).scalar()
    keys: list[int] = []
    for value in ("NULL", sql, "NULL"):
        text = f"INSERT INTO thing (owner_id, {column_of(models, name)}) VALUES ($1, {value})"
        keys.append((await engine.execute(f"{text} RETURNING id", [owner])).scalar())
    return owner, keys[1]


async def refused(work: Awaitable[Any], reason: str, label: str = "") -> UnreadableValue:
    """Return the error that this raises, which shows no value, in its text or its traceback."""
    with pytest.raises(UnreadableValue) as caught:
        await work
    error = caught.value
    assert reason in error.reason
    assert reason in str(error)
    shown = "".join(traceback.format_exception(error)) if label else str(error)
    lines = [line for line in shown.split("\n") if not line.startswith("    ")]
    assert not any(secret in line for secret in SECRETS for line in lines if "9999 " not in line)
    if label:
        assert str(error).startswith(f"{label} holds a value that cannot be read: ")
        assert error.table == "thing"
        assert error.column == label.partition(".")[2].replace("born", "birth_day")
    return error


def ways(
    session: AsyncSession, models: Any, owner: int, key: int, name: str
) -> dict[str, Callable[[], Awaitable[Any]]]:
    """Every way in which the row may come."""
    thing, owners = models.Thing, models.Owner
    column = getattr(thing, name)
    query = session.query(thing)

    async def streamed(stream: Any) -> None:
        async for _ in stream:
            pass

    async def in_transaction(many: int = 1) -> None:
        async with session.begin() as tx:
            await (tx.get(thing, key) if many == 1 else tx.query(thing).all())

    return {
        "get": lambda: session.get(thing, key),
        "all": query.all,
        "first": query.filter(id=key).first,
        "page": query.limit(9).page,
        "stream": lambda: streamed(query.stream(1)),
        "stream of rows": lambda: streamed(query.values_list(thing.id, column).stream(2)),
        "values": lambda: query.values(name).all(),
        "values_list": lambda: query.values_list(thing.id, column).all(),
        "scalars": lambda: query.scalars(column).all(),
        "with_values": lambda: query.with_values(column).all(),
        "only": lambda: query.only(thing.id, column).all(),
        "update returning": lambda: query.update(owner_id=owner).returning(),
        "update returning one": lambda: query.update(owner_id=owner).returning(column),
        "delete returning": lambda: query.filter(id=key).delete().returning(),
        "selectinload": lambda: session.query(owners).options(selectinload("things")).all(),
        "jsonload": lambda: session.query(owners).options(jsonload("things")).all(),
        "transaction": in_transaction,
        "identity map": lambda: in_transaction(2),
    }


@pytest.mark.parametrize(("name", "sql", "reason"), CASES, ids=IDS)
async def test_every_way_to_read_it_raises_the_one_error_and_harms_nothing(
    session: AsyncSession, engine: Engine, models: Any, name: str, sql: str, reason: str
) -> None:
    owner, key = await store(engine, models, name, sql)
    label = f"Thing.{name}"
    works = ways(session, models, owner, key, name)
    last = works.pop("delete returning")
    for what, work in works.items():
        error = await refused(work(), reason, label)
        assert (error.row in (None, 1, 2)) or what in ("update returning", "update returning one")
        assert await session.query(models.Thing).count() == 3, what
    assert engine.pool.size <= 2
    await refused(last(), reason, label)
    assert await session.query(models.Thing).count() == 2


@pytest.mark.parametrize(("name", "sql", "reason"), CASES[:-2], ids=IDS[:-2])
async def test_raw_sql_names_the_column_as_the_statement_does(
    engine: Engine, name: str, sql: str, reason: str
) -> None:
    text = f"SELECT 1 AS one, {sql} AS wanted UNION ALL SELECT 2, NULL"
    error = await refused(engine.execute(text), reason)
    assert (error.column, error.table) == ("wanted", None)
    await refused(engine.execute(f"SELECT ROW(1, {sql}) AS wanted"), reason)
    await refused(engine.execute(f"SELECT ARRAY[ROW(1, {sql})] AS wanted"), reason)
    await engine.execute("CREATE TABLE given (n integer)")
    many = f"INSERT INTO given VALUES ($1) RETURNING n, {sql} AS wanted"
    await refused(engine.execute_many(many, [[1], [2]]), reason)
    assert (await engine.execute("SELECT 5")).scalar() == 5


@pytest.mark.parametrize(
    ("name", "sql"),
    [("born", "'0044-03-15 BC'::date"), ("mood", "'brand-new'"), ("opens", "'24:00'")],
)
async def test_of_shared_lookups_each_caller_gets_his_own_row_or_error(
    session: AsyncSession, engine: Engine, models: Any, name: str, sql: str
) -> None:
    keys = [(await session.insert(models.Thing())).id for _ in range(40)]
    bad = {keys[7], keys[8], keys[30]}
    await engine.execute(
        f"UPDATE thing SET {column_of(models, name)} = {sql} WHERE id = ANY($1)", [list(bad)]
    )
    found = await asyncio.gather(
        *(session.get(models.Thing, key) for key in [*keys, *keys, -1]), return_exceptions=True
    )
    assert found.pop() is None
    for key, each in zip([*keys, *keys], found, strict=True):
        if key in bad:
            assert isinstance(each, UnreadableValue)
            assert f"Thing.{name}" in str(each)
        else:
            assert each.id == key  # type: ignore[union-attr]
    errors = [each for each in found if isinstance(each, UnreadableValue)]
    assert len({id(each) for each in errors}) == len(bad) * 2
    async with asyncio.timeout(5):
        while engine.pool.idle < engine.pool.size:
            await asyncio.sleep(0.01)


async def test_an_open_enum_reads_unknown_labels_as_texts(
    session: AsyncSession, engine: Engine, models: Any
) -> None:
    thing = models.Thing
    made = await session.insert(thing(color="brand-new", colors=["red", "brand-new"]))
    await session.insert_all([thing(color="brand-new", first="brand-new"), thing(color="red")])
    read = await session.query(thing).order_by("id").all()
    assert [each.color for each in read] == ["brand-new", "brand-new", models.Open.red]
    assert type(read[0].color) is str
    assert read[2].color is models.Open.red
    assert read[0].colors == [models.Open.red, "brand-new"]
    assert [each.first for each in read] == ["red", "brand-new", "red"]
    assert await session.query(thing).scalars(thing.color) == ["brand-new", "brand-new", "red"]
    assert await session.query(thing).filter(color="brand-new").count() == 2
    assert await session.query(thing).filter(color__in=["brand-new", models.Open.red]).count() == 3
    query = session.query(thing).order_by("-color").limit(1)
    page = await query.page()
    assert (await query.page(str(page.next))).items[0].color == "brand-new"
    async with session.begin() as tx:
        held = await tx.get_or_raise(thing, made.id)
        held.color = models.Open.red
        held.colors.append("brand-new")
    again = await session.get_or_raise(thing, made.id)
    assert (again.color, again.colors[2]) == (models.Open.red, "brand-new")


async def test_json_that_is_too_deep_is_unreadable_and_no_error_of_python(
    engine: Engine,
) -> None:
    marks: list[Unreadable] = []
    for name, version in (("json", b""), ("jsonb", b"\1")):
        decode = json_codecs(marks)[name][1]
        assert decode(version + b"[" * 200_000 + b"]" * 200_000) is marks[-1]
        assert marks[-1].reason == "it is nested too deeply"
    # How deep is too deep depends on the interpreter.
    with suppress(UnreadableValue):
        await engine.execute("SELECT (repeat('[', 3000) || repeat(']', 3000))::jsonb")
    assert (await engine.execute("SELECT 1")).scalar() == 1


async def test_rows_without_columns_are_empty_dicts(engine: Engine) -> None:
    result = await engine.execute("SELECT FROM generate_series(1, 2)")
    assert (result.all(), result.tuples(), len(result)) == ([{}, {}], [(), ()], 2)
    assert (result.first(), result.scalar(), result.columns) == ({}, None, ())
    with pytest.raises(UnknownName, match="no columns"):
        result.column()
    assert (await engine.execute("SELECT")).one() == {}
    with pytest.raises(NotFound):
        (await engine.execute("SELECT WHERE false")).one()


async def test_what_the_driver_itself_cannot_read_is_typed_too(database_url: str) -> None:
    """A text without an encoding, which the driver takes for UTF-8."""
    engine = await create_engine(database_url)
    await engine.execute(
        "CREATE DATABASE no_encoding ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' "
        "LOCALE_PROVIDER libc TEMPLATE template0"
    )
    try:
        parts = urlsplit(database_url)._replace(path="/no_encoding")
        other = await create_engine(urlunsplit(parts))
        async with AsyncSession(other).begin() as tx:
            await tx.execute_raw("SET LOCAL client_encoding = 'SQL_ASCII'")
            text = "SELECT 1, E'\\xff' FROM generate_series(1, 9)"
            await refused(tx.execute_raw(text), "UTF-8")
            assert (await tx.execute_raw("SELECT 1")).scalar() == 1
        await other.close()
    finally:
        await engine.execute("DROP DATABASE no_encoding WITH (FORCE)")
        await engine.close()
