"""Partitions that are split, merged and cut otherwise: their rows go along."""

from __future__ import annotations

import pytest

from tests.lengths import IS_NIGHTLY
from tests.ormkit_gen.migrations.changes import change, refusals, schema_of
from tests.servers import Server

pytestmark = [pytest.mark.anyio, pytest.mark.one_interpreter, pytest.mark.nightly]

EVENTS = """
[models.Event]
table = "events"
partition_by = "RANGE (at)"
columns.id = { type = "bigint", primary_key = true }
columns.at = { type = "int", primary_key = true }
columns.note = "text?"
columns.twice = { type = "int", generated = "at * 2" }
[models.Ref]
table = "refs"
columns.id = { type = "bigint", primary_key = true, identity = false }
columns.at = "int"
foreign_keys = [{ columns = ["id", "at"], target = "events", target_columns = ["id", "at"] }]
[models.Event.partitions]
"""
BOUND = '{} = "FOR VALUES FROM ({}) TO ({})"\n'
TRIGGER = """-- object: trigger mark on public.events
CREATE TRIGGER mark BEFORE INSERT ON public.events FOR EACH ROW EXECUTE FUNCTION public.mark();
"""
FUNCTION = """-- object: function public.mark()
CREATE FUNCTION public.mark() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN NEW.note := 'inserted'; RETURN NEW; END $$;
"""


def parts(*bounds: tuple[str, int, int]) -> str:
    return EVENTS + "".join(BOUND.format(*each) for each in bounds)


@pytest.fixture(params=["18", "15"] if IS_NIGHTLY else ["18"])
def server(request: pytest.FixtureRequest) -> Server:
    name = "server18" if request.param == "18" else "contrib_server"
    found: Server = request.getfixturevalue(name)
    return found


async def test_rows_go_to_the_partitions_that_take_the_place_of_theirs(
    server: Server, request: pytest.FixtureRequest
) -> None:
    before = parts(("low", 0, 10), ("ten", 10, 20), ("twenty", 20, 30), ("last", 30, 40))
    after = parts(("low", 0, 4), ("four", 4, 10), ("more", 10, 30), ("last", 30, 40))
    old, new = (schema_of(each, FUNCTION, TRIGGER) for each in (before, after))
    if "18" in request.node.name:
        asked = await refusals(server, old, new)
        assert [remedy.count("--consent rewrite:events") for _, remedy in asked] == [1, 1]
        ((message, _),) = await refusals(server, old, new, drops=("ten", "twenty"))
        assert "low, ten, twenty before, low, four, more now" in message
    rows = """INSERT INTO events (id, at) VALUES (1, 0), (2, 4), (3, 12), (4, 20), (5, 39);
        UPDATE events SET note = 'kept'; INSERT INTO refs VALUES (2, 4), (4, 20);"""
    async with change(server, old, new, rows, consents=["rewrite:events"]) as done:
        await done.run()
        found = await done.rows("SELECT tableoid::regclass::text, id, note, twice FROM events")
        assert sorted(found, key=lambda each: each[1]) == [
            *(("low", 1, "kept", 0), ("four", 2, "kept", 8), ("more", 3, "kept", 24)),
            *(("more", 4, "kept", 40), ("last", 5, "kept", 78)),
        ]
        await done.connection.execute("INSERT INTO events (id, at) VALUES (6, 5)")
        assert await done.value("SELECT note FROM events WHERE id = 6") == "inserted"
        assert await done.left(server) == []
