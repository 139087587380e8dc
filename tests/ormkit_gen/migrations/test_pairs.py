"""Hundreds of random pairs of schemas: each is planned, proved and run over rows, and no value that
no flag names is lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from random import Random
from typing import Any

import pytest

from ormkit_gen.ir import Schema
from ormkit_gen.migrations.answers import Answers
from tests.lengths import IS_NIGHTLY
from tests.ormkit_gen.migrations.changes import Change, change, schema_of
from tests.ormkit_gen.migrations.pair_objects import REVERSIBLE, Feature
from tests.ormkit_gen.migrations.pairs import Pair
from tests.servers import Server

pytestmark = [pytest.mark.anyio, pytest.mark.one_interpreter, pytest.mark.nightly]

#: Pairs that are planned together. One plan for all takes no longer than some plans.
TOGETHER = 50
ROUNDS = 40 if IS_NIGHTLY else 10


class Consenting(Answers):
    """What agrees to every hazard: that is no matter of values."""

    def consents_to(self, reason: str, *tables: str) -> str | None:
        is_asked = reason in ("rewrite", "index", "exclude")
        # A constraint or an index of a plain table is never made while others wait for a scan.
        is_asked = is_asked or (reason == "scan" and tables[0].startswith("f"))
        return f"{reason}:{tables[0]}" if is_asked else None


async def values_of(connection: Any, table: str, names: list[str]) -> dict[int, list[Any]]:
    listed = ", ".join(f'"{each}"::text' for each in names)
    rows = await connection.fetch(f"SELECT id, {listed or 'id'} FROM {table} ORDER BY id")
    return {row[0]: list(row.values())[1:] for row in rows}


def kept(pair: Pair) -> list[tuple[str, str, list[tuple[str, str, bool]]]]:
    """Return the tables that stay: old name, new name, and the columns of both that stay."""
    found: list[tuple[str, str, list[tuple[str, str, bool]]]] = []
    for table in pair.tables:
        if not table.was:
            continue
        columns: list[tuple[str, str, bool]] = []
        for column in table.columns.values():
            if column.was:
                now = column.settings.get("column", column.name).strip('"')
                columns.append((column.was, now, column.type.startswith("Mood")))
        found.append((table.was, table.name, columns))
    return found


def same(before: str | None, after: str | None, mapped: dict[str, str]) -> bool:
    if before is None:
        return True  # A backfill may have filled it.
    if mapped.get(before, before) == after:
        return True
    try:
        return after is not None and float(before) == float(after)
    except ValueError:
        return False


def _schemas(old: str, new: str, features: Iterable[Feature]) -> tuple[Schema, Schema]:
    """Return both schemas of a change. The objects in SQL are those of the features."""
    found = list(features)
    return (
        schema_of(old, *(text for each in found for text in each.old_sql)),
        schema_of(new, *(text for each in found for text in each.new_sql)),
    )


async def cells(done: Change, features: Iterable[Feature], side: int) -> list[Any]:
    """Return the values of features before the change, side 0, or after it."""
    return [
        (each.kind, await done.rows(query[side])) for each in features for query in each.queries
    ]


@pytest.mark.parametrize("part", range(ROUNDS))
async def test_no_value_is_lost(
    server18: Server, part: int, record_property: Callable[[str, object], None]
) -> None:
    record_property("examples", TOGETHER)
    seed = Random().getrandbits(32) if IS_NIGHTLY else part
    pairs = [Pair(number, Random(f"{seed} {number}")) for number in range(TOGETHER)]
    for pair in pairs:
        pair.change()
    features = [feature for pair in pairs for feature in pair.features]
    old, new = _schemas(
        "\n".join(pair.old_text() for pair in pairs),
        "\n".join(pair.new_text() for pair in pairs),
        features,
    )
    answers = Consenting(
        tuple(each for pair in pairs for each in pair.renames),
        tuple(each for pair in pairs for each in pair.drops),
    )
    rows = "\n".join(pair.rows() for pair in pairs)
    async with change(server18, old, new, rows, answers=answers) as done:
        before = {
            was: await values_of(done.connection, was, [name for name, _, _ in columns])
            for pair in pairs
            for was, _, columns in kept(pair)
        }
        read = await cells(done, features, 0)
        await done.run()
        lost: list[Any] = []
        for one, other in zip(read, await cells(done, features, 1), strict=True):
            if one != other:
                lost.append((seed, one, other))
        for pair in pairs:
            for was, now, columns in kept(pair):
                after = await values_of(done.connection, now, [name for _, name, _ in columns])
                for key, values in before[was].items():
                    for column, one, other in zip(columns, values, after[key], strict=True):
                        mapped = pair.mapped if column[2] else {}
                        if not same(one, other, mapped):
                            lost.append((seed, pair.number, pair.kinds, now, column, one, other))
        assert lost == []
        assert await done.left(server18) == []
    print(dict(Counter(kind for pair in pairs for kind in pair.kinds)))


@pytest.mark.parametrize("part", range(ROUNDS // 10))
async def test_the_way_back_keeps_values(server18: Server, part: int) -> None:
    seed = Random().getrandbits(32) if IS_NIGHTLY else part
    features = [make(f"f{at}_0", Random(f"{seed} {at}")) for at, make in enumerate(REVERSIBLE)]
    old, new = _schemas(
        "\n".join(each.old for each in features),
        "\n".join(each.new for each in features),
        features,
    )
    rows = "\n".join(each.rows for each in features)
    answers = Consenting()
    async with change(server18, old, new, rows, answers=answers, with_way_back=True) as done:
        (draft,) = done.drafts.drafts
        assert draft.down is not None
        before = await cells(done, features, 0)
        await done.run()
        assert await cells(done, features, 1) == before
        await done.take_back()
        assert await cells(done, features, 0) == before
        done.new = old
        assert await done.left(server18) == []
