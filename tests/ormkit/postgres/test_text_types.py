"""Types whose values are texts in Python: they go in and come back in PostgreSQL's own form."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from ormkit import AsyncSession, DataError, InvalidValue, create_engine, jsonload
from tests.generated import models_of
from tests.servers import Server

pytestmark = pytest.mark.one_interpreter

#: By type: what is written, and what PostgreSQL makes of it.
VALUES = {
    "point": ("(1, 2)", "(1,2)"),
    "polygon": ("((0,0),(1,1),(1,0))", "((0,0),(1,1),(1,0))"),
    "line": ("{1,2,3}", "{1,2,3}"),
    "box": ("(0,0),(1,1)", "(1,1),(0,0)"),
    "money": ("1234.5", "$1,234.50"),
    "name": ("a name", "a name"),
    '"char"': ("x", "x"),
    "oid": ("4294967295", "4294967295"),
    "regclass": ("pg_class", "pg_class"),
    "xid8": ("18446744073709551615", "18446744073709551615"),
    "pg_lsn": ("16/B374d848", "16/B374D848"),
    "tsquery": ("fat & rat", "'fat' & 'rat'"),
    "jsonpath": ("$.a[*] ? (@ > 1)", '$."a"[*]?(@ > 1)'),
    "int4multirange": ("{[1,3], [5,6)}", "{[1,4),[5,6)}"),
    "macaddr8": ("08:00:2b:01:02:03:04:05", "08:00:2b:01:02:03:04:05"),
    'app."Pair"': ('(1,"a ""b"", c")', '(1,"a ""b"", c")'),
    "app.mood": ("sad", "sad"),
    "spot": ("(3,4)", "(3,4)"),
}
WITHOUT_EQUALITY = {"point", "polygon", "jsonpath", "spot"}
WITHOUT_INEQUALITY = {"line", "box"}
COLUMNS = "".join(
    f"c{place} = '{name}?'\nmany{place} = '{name}[]?'\n" for place, name in enumerate(VALUES)
)
SCHEMA = f"""
[domains]
spot = "point"
code = {{ type = "varchar(3)", checks = [{{ expression = "VALUE <> 'no'" }}] }}

[models.Parent.columns]
id = {{ type = "bigint", primary_key = true }}
code = "code?"
codes = "code[]?"

[models.Parent.relationships]
things = {{ target = "Thing", back_populates = "parent" }}

[models.Thing.columns]
id = {{ type = "bigint", primary_key = true }}
parent_id = {{ type = "bigint?", foreign_key = "parent.id" }}
{COLUMNS}

[models.Thing.relationships]
parent = {{ target = "Parent", back_populates = "things" }}

[models.Keyed.columns]
key = {{ type = "oid", primary_key = true }}
at = {{ type = "point", default = "(0,0)" }}
"""
BEFORE = """
CREATE SCHEMA app; CREATE TYPE app."Pair" AS (a integer, b text);
CREATE TYPE app.mood AS ENUM ('sad', 'ok');
"""
models: Any = models_of("texts", SCHEMA)
Thing, Parent, Keyed = models.Thing, models.Parent, models.Keyed


@pytest.fixture(scope="module")
def url(server18: Server) -> Iterator[str]:
    with server18.database() as found:
        server18.run_script(found, BEFORE + Path(models.SCHEMA.path).read_text())
        yield found


@pytest.fixture
async def session(url: str) -> AsyncIterator[AsyncSession]:
    async with await create_engine(url, max_connections=2) as engine:
        await engine.execute("TRUNCATE parent, thing, keyed")
        yield AsyncSession(engine)


def written(form: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for place, forms in enumerate(VALUES.values()):
        found[f"c{place}"] = forms[form]
        found[f"many{place}"] = [forms[form], None, forms[form]]
    return found


def held(thing: Any) -> dict[str, Any]:
    return {name: getattr(thing, name) for name in written()}


async def test_values_are_texts_however_they_are_written_and_read(session: AsyncSession) -> None:
    expected = written(1)
    parent = await session.insert(Parent(code="abc", codes=["a", None]))
    one = await session.insert(Thing(parent_id=parent.id, **written()))
    assert held(one) == expected
    several = [Thing(parent_id=parent.id, **written()), Thing(parent_id=parent.id)]
    await session.insert_all(several)
    assert held(several[0]) == expected
    assert set(held(several[1]).values()) == {None}
    assert [held(each) for each in await session.query(Thing).order_by("id").limit(2).all()] == [
        *(expected, expected)
    ]
    (found,) = await session.query(Parent).options(jsonload(Parent.things)).all()
    assert held(sorted(found.things, key=lambda each: each.id)[0]) == expected
    (found,) = await session.query(Parent).all()
    assert (found.code, found.codes) == ("abc", ["a", None])
    things = await session.query(Thing).order_by("id").all()
    things[2].c0, things[2].many0 = "(7,8)", ["(9,9)"]
    await session.bulk_update([things[2]])
    again = await session.get_or_raise(Thing, things[2].id)
    assert (again.c0, again.many0) == ("(7,8)", ["(9,9)"])
    changed = await session.query(Thing).filter(id=one.id).update(c0="(5, 5)").returning()
    assert [each.c0 for each in changed] == ["(5,5)"]
    assert await session.query(Thing).filter(id=one.id).values_list(Thing.c0, Thing.many2) == [
        ("(5,5)", ["{1,2,3}", None, "{1,2,3}"])
    ]


async def test_types_with_equality_are_found_by_their_values(session: AsyncSession) -> None:
    await session.insert(Thing(**written()))
    for place, (name, (given, _)) in enumerate(VALUES.items()):
        if name in WITHOUT_EQUALITY:
            continue
        column = getattr(Thing, f"c{place}")
        for condition in (column == given, column.in_([given])):
            assert await session.query(Thing).filter(condition).count() == 1, name
        if name not in WITHOUT_INEQUALITY:
            assert await session.query(Thing).filter(column != given).count() == 0
            assert await session.query(Thing).filter(column.notin([given])).count() == 0


async def test_order_is_that_of_the_type(session: AsyncSession) -> None:
    place = [*VALUES].index("oid")
    await session.insert_all([Thing(**{f"c{place}": text}) for text in ("9", "10", "100")])
    found = await session.query(Thing).order_by(f"-c{place}").all()
    assert [getattr(each, f"c{place}") for each in found] == ["100", "10", "9"]


async def test_a_key_may_be_such_a_text(session: AsyncSession) -> None:
    first, second = Keyed(key="7"), Keyed(key="8", at="(1, 1)")
    await session.insert_all([first, second])
    assert (first.at, second.at) == ("(0,0)", "(1,1)")
    assert (await session.get_or_raise(Keyed, "8")).at == "(1,1)"
    first.at = second.at = "(2,2)"
    await session.bulk_update([first, second])
    async with session.begin() as tx:
        for each in await tx.query(Keyed).order_by("key").all():
            each.at = "(3, 3)"
    assert [each.at for each in await session.query(Keyed).all()] == ["(3,3)", "(3,3)"]
    await session.upsert(Keyed(key="8", at="(4,4)"))
    assert (await session.get_or_raise(Keyed, "8")).at == "(4,4)"
    assert [each.key for each in await session.query(Keyed).filter(key__in=["7", "9"]).all()] == [
        "7"
    ]
    await session.delete(await session.get_or_raise(Keyed, "7"))
    assert await session.query(Keyed).count() == 1


async def test_what_is_no_text_or_none_of_the_type_is_told(session: AsyncSession) -> None:
    with pytest.raises(InvalidValue, match=r"Keyed\.at"):
        await session.insert(Keyed(key="1", at=(1, 2)))
    with pytest.raises(DataError, match="point"):
        await session.insert(Keyed(key="1", at="nowhere"))
    with pytest.raises(DataError, match="point"):
        await session.copy_in(Keyed, [Keyed(key="1", at="nowhere")])
    with pytest.raises(InvalidValue, match=r"Keyed\.at"):
        await session.copy_in(Keyed, [Keyed(key="1", at=(1, 2))])
    assert await session.copy_in(Keyed, [Keyed(key="1", at="(1, 2)")]) == 1
    assert (await session.get_or_raise(Keyed, "1")).at == "(1,2)"
