"""COPY into columns of types that travel as text: the same values as INSERT stores."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from ormkit import (
    AsyncSession,
    CheckViolation,
    DataError,
    InvalidValue,
    NotNullViolation,
    Range,
    create_engine,
)
from ormkit.driver.copy_lines import BINARY
from tests.generated import models_of
from tests.ormkit.postgres.spot_codec import Spot
from tests.servers import Server

pytestmark = pytest.mark.one_interpreter


PLACE = "tests.ormkit.postgres.spot_codec"
CODEC = f'codec = "{PLACE}:SpotCodec"'
#: Columns by name, with two values for each, as texts that PostgreSQL writes.
TEXTS: dict[str, tuple[str, Any, Any]] = {
    "shape": ("box", "(3,4),(1,2)", "(1,1),(0,0)"),
    "shapes": ("box[]", ["(3,4),(1,2)", None], []),
    "letter": ('"char"', "\\134", "x"),
    "named": ("name", "a\tb\\N", ""),
    "position": ("pg_lsn", "16/B374D848", "0/0"),
    "price": ("money", "$1,000.00", "-$2.50"),
    "fields": ("app.pair", '(1,"a ""b"", \\\\N")', "(,)"),
    "pairs": ("app.pair[]", ['(1,"x,y")', "(2,)"], [None]),
    "span": ("app.span", "[a,b]", "empty"),
    "spans": ("app.span[]", ["[a,b]", "(,)"], []),
    "limit_": ("app.spot", "(1,2)", "(3,4)"),
    "deep": ("app.spot[]", ["(1,2)", "(3,4)"], ["(5,6)"]),
    "odd": ('app."Odd, ""type"', "(1,2)", "(0,0)"),
    "words": ("tsvector", "'a':1 'b\\\\':2", ""),
    "search": ("tsquery", "'a' & 'b'", "'c'"),
    "several": ("int4multirange", "{[1,3),[5,7)}", "{}"),
    "hardware": ("macaddr", "08:00:2b:01:02:03", "00:00:00:00:00:00"),
    "hardwares": ("macaddr[]", ["08:00:2b:01:02:03"], []),
    "path_": ("jsonpath", '$."a"', "$"),
}
BEFORE = """
CREATE SCHEMA app;
CREATE TYPE app.pair AS (a integer, b text);
CREATE TYPE app.span AS RANGE (subtype = text);
CREATE DOMAIN app.spot AS point CHECK (VALUE IS NULL OR (VALUE)[0] < 100);
CREATE DOMAIN app."Odd, ""type" AS app.spot;
"""
SCHEMA = (
    "[models.Thing.columns]\nid = { type = 'bigint', primary_key = true }\n"
    "label = { type = 'text', server_default = \"'none'\" }\n"
    "made = { type = 'timestamptz?' }\nsettings = { type = 'jsonb?' }\n"
    "notes = { type = 'jsonb[]?' }\n"
    f"spot = {{ type = 'point?', {CODEC}, python_type = '{PLACE}.Spot' }}\n"
    f"spots = {{ type = 'point[]?', {CODEC}, python_type = 'list[{PLACE}.Spot]' }}\n"
    + "".join(f"{name} = '''{kind}?'''\n" for name, (kind, *_) in TEXTS.items())
)
models: Any = models_of("copied", SCHEMA)
Thing: Any = models.Thing
ALL = "SELECT t::text FROM thing t ORDER BY id"


@pytest.fixture(scope="module")
def url(server18: Server) -> Iterator[str]:
    with server18.database() as found:
        server18.run_script(found, BEFORE + Path(models.SCHEMA.path).read_text())
        yield found


@pytest.fixture
async def session(url: str) -> AsyncIterator[AsyncSession]:
    async with await create_engine(url, max_connections=1) as engine:
        await engine.execute("TRUNCATE thing")
        yield AsyncSession(engine)


def things() -> list[Any]:
    """Things with every column: with one value each, with the other one, and with NULL."""
    moment = dt.datetime(2030, 1, 2, 3, 4, 5, 6, dt.timezone(dt.timedelta(hours=-3)))
    made = [
        Thing(
            id=number,
            label=label,
            made=moment,
            settings={"a": ["\t\\N", None]},
            notes=[[1, "\n"], {"b": 2}, "x", None],
            spot=Spot(1, 2),
            spots=[Spot(3, 4), None],
            **{name: values[number] for name, (_, *values) in TEXTS.items()},
        )
        for number, label in enumerate(("\\N", "\\.\r\n\t\\"))
    ]
    return [*made, Thing(id=3, label="ü\x01\b\f\v{}\"'")]


async def stored(session: AsyncSession) -> list[str]:
    found = (await session.execute_raw(ALL)).tuples()
    await session.execute_raw("TRUNCATE thing")
    return [text for (text,) in found]


async def test_objects_are_stored_as_insert_stores_them(session: AsyncSession) -> None:
    await session.insert_all(things())
    expected = await stored(session)
    assert len(expected) == 3
    assert await session.copy_in(Thing, [Thing(id=0)]) == 1
    assert await session.query(Thing).values_list(Thing.label) == [("none",)]
    await session.execute_raw("TRUNCATE thing")
    whole = [each for each in things() if each.id < 2]
    assert await session.copy_in(Thing, whole) == 2
    assert await session.copy_in(Thing, things()[2:]) == 1
    found = await session.query(Thing).order_by("id").all()
    assert (found[0].spot, found[0].spots) == (Spot(1, 2), [Spot(3, 4), None])
    assert found[0].shapes == ["(3,4),(1,2)", None]
    assert await stored(session) == expected


async def test_tuples_of_a_model_are_stored_the_same(session: AsyncSession) -> None:
    await session.insert_all(things())
    expected = await stored(session)
    names = ["id", "label", "made", "settings", "notes", "spot", "spots", *TEXTS]

    async def rows() -> AsyncIterator[tuple[object, ...]]:
        for thing in things():
            yield tuple(getattr(thing, name) for name in names)

    assert await session.copy_in(Thing, rows(), columns=names) == 3
    assert await stored(session) == expected


async def test_a_table_by_name_takes_what_its_parameters_take(session: AsyncSession) -> None:
    """Values are those that the driver takes; only those of types without a format are texts."""
    names = ["id", "label", "made", "settings", "words", "price", "hardwares"]
    rows = [tuple(getattr(thing, name) for name in names) for thing in things()[:2]]
    assert await session.copy_in("thing", rows, columns=names) == 2
    await session.execute_raw("TRUNCATE thing")
    given = [*names, "fields", "span", "several", "pairs"]
    more = ((1, 'a "b", \\N'), Range("a", "b", upper_inc=True), [Range(1, 3), Range(5, 7)])
    async with session.begin() as tx:
        await tx.copy_in(
            "public.thing", [(*rows[0], *more, [(1, "x,y"), (2, None)])], columns=given
        )
        found = await tx.query(Thing).one()
    one = things()[0]
    assert [getattr(found, name) for name in given] == [getattr(one, name) for name in given]


async def test_every_type_of_postgresql_has_the_format_that_the_driver_gives_it(url: str) -> None:
    """The list of what the driver sends as binary is the driver's own."""
    query = """
        SELECT format_type(oid, NULL), typname FROM pg_type
        WHERE typnamespace = 'pg_catalog'::regnamespace AND typtype = 'b' AND typcategory <> 'A'
        AND typname NOT LIKE 'pg!_%' ESCAPE '!' AND typname NOT IN ('gtsvector', 'aclitem')
        ORDER BY 2"""
    import asyncpg  # pyright: ignore[reportMissingTypeStubs]

    driver: Any = asyncpg
    wrong: list[str] = []
    async with await create_engine(url, max_connections=1) as engine:
        types = (await engine.execute(query)).tuples()
    raw = await driver.connect(url)
    try:
        for kind, name in types:
            await raw.execute(f"CREATE TEMPORARY TABLE one_{name} (v {kind})")
            try:
                await raw.copy_records_to_table(f"one_{name}", records=[(None,)], columns=["v"])
                is_binary = True
            except driver.InternalClientError:
                is_binary = False
            if is_binary != (name in BINARY):
                wrong.append(name)
    finally:
        await raw.close()
    assert not wrong
    assert len(types) > 50


@pytest.mark.parametrize("place", [0, 1, 3000])
async def test_a_value_that_does_not_fit_is_named_by_column_and_row(
    session: AsyncSession, place: int
) -> None:
    rows: list[tuple[object, ...]] = [(n, "x", "a") for n in range(4000)]

    async def refused(kind: type[Exception], words: str, row: tuple[object, ...]) -> Exception:
        rows[place] = row
        with pytest.raises(kind, match=words) as caught:
            await session.copy_in("thing", rows, columns=["id", "label", "words"])
        assert "secret" not in str(caught.value)
        return caught.value

    row = rf"\(row {place + 1}\)"
    await refused(InvalidValue, rf"^id {row} cannot take this str", ("secret", "x", "y"))
    await refused(InvalidValue, rf"^id {row} cannot take this int", (2**63, "x", "y"))
    await refused(InvalidValue, rf"^words {row} cannot take this int", (1, "x", 5))
    await refused(InvalidValue, rf"^label {row} cannot take this str", (1, "secret\ud800", "y"))
    await refused(InvalidValue, rf"^label {row} cannot take this bytes", (1, b"secret", "y"))
    error = await refused(DataError, row, (1, "x", "'secret id: label"))
    assert getattr(error, "column", None) == "words"
    error = await refused(NotNullViolation, row, (None, "secret", ""))
    assert getattr(error, "column", None) == "id"
    with pytest.raises(InvalidValue, match=r"^Thing\.spot \(row 2\)") as caught:
        await session.copy_in(Thing, [Thing(id=1, spot=Spot(1, 2)), Thing(id=2, spot=3)])
    assert "codec" in str(caught.value)
    assert (await session.execute_raw("SELECT count(*) FROM thing")).scalar() == 0


async def test_a_domain_that_refuses_names_row_and_column(session: AsyncSession) -> None:
    rows = [Thing(id=1, limit_="(1,2)"), Thing(id=2, limit_="(100,2)")]
    with pytest.raises(CheckViolation, match=r"spot_check.*\(row 2\)"):
        await session.copy_in(Thing, rows)


async def test_a_copy_that_is_cancelled_leaves_a_clean_connection(session: AsyncSession) -> None:
    async def endless() -> AsyncIterator[tuple[object, ...]]:
        number = 0
        while True:
            number += 1
            if number % 10_000 == 0:
                await asyncio.sleep(0.01)
            yield (number, "'a'")

    for _ in range(2):
        task = asyncio.ensure_future(session.copy_in("thing", endless(), columns=["id", "words"]))
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (await session.execute_raw("SELECT count(*) FROM thing")).scalar() == 0


async def test_an_error_of_the_source_comes_out_as_it_is(session: AsyncSession) -> None:
    def broken() -> Iterator[tuple[object, ...]]:
        yield (1, "a")
        raise FileNotFoundError("the source's own")

    with pytest.raises(FileNotFoundError):
        await session.copy_in("thing", broken(), columns=["id", "words"])
    assert (await session.execute_raw("SELECT count(*) FROM thing")).scalar() == 0


async def test_rows_of_a_megabyte_arrive(session: AsyncSession) -> None:
    texts = ["\t\\" * 500_000 + str(number) for number in range(3)]
    things = [Thing(id=n, label=text, shape="(1,1),(0,0)") for n, text in enumerate(texts)]
    assert await session.copy_in(Thing, things) == 3
    assert await session.query(Thing).order_by("id").values_list(Thing.label) == [
        (text,) for text in texts
    ]


async def test_settings_of_the_session_change_no_value(url: str) -> None:
    """Such as a role has by ALTER ROLE."""
    settings = {
        "datestyle": "SQL, DMY",
        "intervalstyle": "sql_standard",
        "timezone": "Asia/Kathmandu",
        "bytea_output": "escape",
        "extra_float_digits": "-15",
        "standard_conforming_strings": "off",
        "array_nulls": "off",
        "xmloption": "document",
    }
    changed = " ".join(
        f"-c {name}={value}".replace(", ", ",\\ ") for name, value in settings.items()
    )
    join = "&" if "?" in url else "?"
    make = "CREATE TABLE times (a date, b timestamptz, c interval, d bytea, e float8[], w tsvector)"
    row = (
        dt.date(2030, 2, 1),
        dt.datetime(2030, 2, 1, 3, 4, tzinfo=dt.UTC),
        dt.timedelta(-3, 5, 7),
        b"\\x00\0",
        [0.1 + 0.2, None],
        "'a'",
    )
    async with await create_engine(url) as engine:
        await engine.execute(make)
    async with await create_engine(f"{url}{join}options={quote(changed)}") as engine:
        assert (await engine.execute("SHOW intervalstyle")).scalar() == "sql_standard"
        assert await engine.copy_in("times", [row], columns=list("abcdew")) == 1
        found = (await engine.execute("SELECT * FROM times")).tuples()
    assert found == [row]


async def test_the_functions_of_an_engine_write_json(url: str) -> None:
    def encode(value: Any) -> str:
        return json.dumps(value, default=lambda each: f"it is {each}")

    async with await create_engine(url, json_encoder=encode) as engine:
        await engine.execute("TRUNCATE thing")
        rows = [(1, {"a": Decimal("1.5")}, "(1,1),(0,0)")]
        await engine.copy_in(Thing, rows, columns=["id", "settings", "shape"])
        await engine.copy_in(
            "thing", [(2, {"a": Decimal(2)}, "'a'")], columns=["id", "settings", "words"]
        )
        found = await AsyncSession(engine).query(Thing).order_by("id").values_list(Thing.settings)
    assert found == [({"a": "it is 1.5"},), ({"a": "it is 2"},)]
