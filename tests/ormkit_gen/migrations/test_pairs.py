"""Hundreds of random pairs of schemas: each is planned, proved and run over rows, and no value that
no flag names is lost."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any

import pytest

from ormkit_gen.migrations.answers import Answers
from tests.lengths import IS_NIGHTLY
from tests.ormkit_gen.migrations.changes import change, schema_of
from tests.ormkit_gen.migrations.pairs import CHANGES, Pair
from tests.servers import Server

pytestmark = [pytest.mark.anyio, pytest.mark.one_interpreter, pytest.mark.nightly]

#: Pairs that are planned together. One plan for all takes no longer than some plans.
TOGETHER = 50
ROUNDS = 40 if IS_NIGHTLY else 2


class Consenting(Answers):
    """What agrees to every hazard: that is no matter of values."""

    def consents_to(self, reason: str, *tables: str) -> str | None:
        return f"{reason}:{tables[0]}" if reason in ("rewrite", "index") else None


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


@pytest.mark.parametrize("part", range(ROUNDS))
async def test_no_value_is_lost(server18: Server, part: int) -> None:
    seed = Random().getrandbits(32) if IS_NIGHTLY else part
    pairs = [Pair(number, Random(f"{seed} {number}")) for number in range(TOGETHER)]
    for pair in pairs:
        pair.change()
    old = schema_of("\n".join(pair.old_text() for pair in pairs))
    new = schema_of("\n".join(pair.new_text() for pair in pairs))
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
        await done.run()
        lost: list[Any] = []
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
    counted = Counter(kind for pair in pairs for kind in pair.kinds)
    print(dict(counted))
    assert set(counted) <= set(CHANGES)
