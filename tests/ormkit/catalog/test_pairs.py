"""Two hundred generated pairs of schemas: no difference is missed, and none is invented."""

from __future__ import annotations

from collections import defaultdict
from random import Random

import pytest

from ormkit import create_engine
from ormkit.catalog import Catalog, Difference, compare, read_catalog
from ormkit_gen.drift.repairs import repair
from ormkit_gen.drift.sides import Sides, kind_and_name
from ormkit_gen.drift.statement import ordered
from tests.lengths import IS_NIGHTLY
from tests.ormkit.catalog.pairs import Pair

pytestmark = [pytest.mark.one_interpreter, pytest.mark.nightly]

#: How often 200 pairs are tried; each run of the long form tries others.
ROUNDS = 10 if IS_NIGHTLY else 1
PAIRS = 200


async def catalog_of(url: str) -> Catalog:
    async with await create_engine(url, max_connections=1) as engine:
        return await read_catalog(engine)


async def run_scripts(url: str, scripts: list[str]) -> None:
    async with (
        await create_engine(url, max_connections=1) as engine,
        engine.pool.connection() as connection,
    ):
        connection.mark_dirty()
        for each in scripts:
            await connection.script(each)


def by_namespace(found: list[Difference]) -> dict[str, set[tuple[str, str, str]]]:
    parts: defaultdict[str, set[tuple[str, str, str]]] = defaultdict(set)
    for each in found:
        _, name = kind_and_name(each.fact.object)
        parts[name.partition(".")[0]].add((each.fact.object, each.fact.kind, each.fact.name))
    return parts


@pytest.mark.parametrize("part", range(ROUNDS))
async def test_every_change_is_found_and_undone_and_nothing_else(
    database_url: str, part: int
) -> None:
    seed = Random().getrandbits(32) if IS_NIGHTLY else part
    pairs = [Pair(f"p{number}", Random(f"{seed} {number}")) for number in range(PAIRS)]
    await run_scripts(database_url, [pair.script() for pair in pairs])
    before = await catalog_of(database_url)
    await run_scripts(database_url, [pair.change() for pair in pairs])
    after = await catalog_of(database_url)
    found = compare(before, after)
    parts = by_namespace(found)
    wrong = [
        (seed, pair.namespace, pair.changes, parts[pair.namespace] ^ pair.parts)
        for pair in pairs
        if parts[pair.namespace] != pair.parts
    ]
    assert wrong == []
    assert sum(len(pair.changes) for pair in pairs) > PAIRS
    # The statements undo all of it, but for labels of enums.
    sides = Sides(before, after)
    undo = [("", statement) for each in found for statement in repair(each, sides)]
    await run_scripts(database_url, [statement.sql for _, statement in ordered(undo)])
    left = compare(before, await catalog_of(database_url))
    assert {each.fact.definition[:4] for each in left if each.cause != "unmanaged"} == {"ENUM"}
