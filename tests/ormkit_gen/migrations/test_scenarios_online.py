"""Changes that would write a table anew, and what is done instead while programs use it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from ormkit_gen.ir import Schema
from ormkit_gen.migrations.measure import BLOCKS_WRITERS
from tests.lengths import IS_NIGHTLY
from tests.ormkit_gen.migrations.changes import (
    Change,
    FoundRows,
    change,
    refusals,
    schema_of,
)
from tests.servers import Server

pytestmark = [pytest.mark.anyio, pytest.mark.one_interpreter]

USERS = """
[models.User]
table = "users"
[models.User.columns]
id = { type = "%s", primary_key = true }
name = "text?"
"""
POSTS = """
[models.Post]
table = "posts"
[models.Post.columns]
id = { type = "bigint", primary_key = true }
user_id = { type = "%s", foreign_key = "users.id", index = true, on_delete = "cascade" }
"""


def is_online(done: Change) -> bool:
    """Return whether no step reads or writes a table anew while others wait for it."""
    for step in done.steps:
        held = [each for each in step.measured if each.partition(" on ")[0] in BLOCKS_WRITERS]
        if held and any(each.startswith(("scans", "rewrites", "builds")) for each in step.measured):
            return False
    return bool(done.steps)


@asynccontextmanager
async def moved(
    server: Server, old: Schema, new: Schema, rows: str, **flags: Any
) -> AsyncIterator[Change]:
    """Yield a change that has run online, up to the step before the last swap."""
    async with change(server, old, new, rows, **flags) as done:
        assert is_online(done)
        yield done
        assert await done.left(server) == []


def swap_of(done: Change) -> int:
    """Return the place of the step in which columns are swapped."""
    return next(n for n, step in enumerate(done.steps) if step.sql.startswith("LOCK TABLE"))


@pytest.fixture(params=["18", pytest.param("15", marks=pytest.mark.slow)])
def server(request: pytest.FixtureRequest) -> Server:
    name = "server18" if request.param == "18" else "contrib_server"
    found: Server = request.getfixturevalue(name)
    return found


async def test_a_key_becomes_larger_with_the_keys_to_it(server: Server) -> None:
    old = schema_of(USERS % "int" + POSTS % "int")
    new = schema_of(USERS % "bigint" + POSTS % "bigint")
    rows = """INSERT INTO users (name) VALUES ('a'), ('b'), ('c'); DELETE FROM users WHERE id = 3;
        INSERT INTO posts (user_id) VALUES (1), (2), (2);
        GRANT SELECT (user_id) ON posts TO PUBLIC; GRANT USAGE ON users_id_seq TO PUBLIC;"""
    async with moved(server, old, new, rows) as done:
        place = swap_of(done)
        await done.run(done.steps[:place])
        # Programs of before write rows until the columns are swapped.
        await done.connection.execute(
            "INSERT INTO users (name) VALUES ('c'); INSERT INTO posts (user_id) VALUES (4);"
            "UPDATE posts SET user_id = 1 WHERE id = 3"
        )
        await done.run(done.steps[place:])
        found = "SELECT name, array_agg(p.id) FROM users u JOIN posts p ON user_id = u.id"
        assert await done.rows(f"{found} GROUP BY 1 ORDER BY 1") == [
            *(("a", [1, 3]), ("b", [2]), ("c", [4]))
        ]
        assert await done.value("INSERT INTO users (name) VALUES ('d') RETURNING id") == 5
        assert await done.value(
            "SELECT has_column_privilege('public', 'posts', 'user_id', 'SELECT')"
        )
        right = "SELECT has_sequence_privilege('public', 'users_id_seq', 'USAGE')"
        assert await done.value(right)
        await done.connection.execute("DELETE FROM users WHERE id = 1")
        assert await done.value("SELECT count(*) FROM posts") == 2
        left = "SELECT count(*) FROM pg_class WHERE relname ~ 'ormkit'"
        assert await done.value(left) == 0
        assert await done.value("SELECT count(*) FROM pg_proc WHERE proname ~ 'ormkit'") == 0


USED = """
code = { type = "%s", unique = true, server_default = "7", comment = "said" }
[[models.User.indexes]]
name = "found"
columns = ["name", "code"]
where = "code > 1"
unique = true
comment = "finds"
[[models.User.checks]]
name = "few"
expression = "code < 1000"
"""
VIEW = "-- object: view public.codes\nCREATE VIEW public.codes AS SELECT code FROM public.users;\n"


async def test_what_is_about_a_column_goes_along_to_the_new_one(server18: Server) -> None:
    old = schema_of(USERS % "bigint" + USED % "int", VIEW)
    new = schema_of(USERS % "bigint" + (USED % "numeric(9,2)").replace("1000", "2000"), VIEW)
    rows = "INSERT INTO users (name, code) VALUES ('a', 2), ('b', 3);"
    async with moved(server18, old, new, rows) as done:
        await done.run()
        assert [str(each) for (each,) in await done.rows("SELECT code FROM codes")] == [
            *("2.00", "3.00")
        ]
        comment = "SELECT obj_description('found'::regclass)"
        assert await done.value(comment) == "finds"


async def test_a_value_that_no_trigger_has_copied_is_no_loss(server18: Server) -> None:
    old, new = schema_of(USERS % "bigint"), schema_of((USERS % "bigint").replace("text?", "int?"))
    async with moved(server18, old, new, "INSERT INTO users (name) VALUES ('1');") as done:
        place = swap_of(done)
        await done.run(done.steps[: place - 1])
        await done.connection.execute(
            "ALTER TABLE users DISABLE TRIGGER ALL; UPDATE users SET name = '2';"
            "ALTER TABLE users ENABLE TRIGGER ALL;"
        )
        with pytest.raises(FoundRows, match="disabled"):
            await done.run(done.steps[place - 1 :])
        await done.connection.execute("UPDATE users SET id = id")
        await done.run(done.steps[place - 1 :])
        assert await done.rows("SELECT name FROM users") == [(2,)]


async def test_a_label_goes_while_programs_write_the_table(server18: Server) -> None:
    text = USERS % "bigint" + 'mood = { type = "Mood", default = "ok" }\nmoods = "Mood[]?"\n'
    mood = '[[models.User.indexes]]\nname = "glad"\ncolumns = ["name"]\nwhere = "mood = \'ok\'"\n'
    old = schema_of(f'{text}{mood}[enums.Mood]\nvalues = ["sad", "ok"]\n')
    removed = 'values = ["ok"]\nremoved = { sad = "ok" }\n'
    rows = "INSERT INTO users (mood, moods) VALUES ('sad', '{sad,NULL}');"
    async with moved(
        server18, old, schema_of(f"{text}{mood}[enums.Mood]\n{removed}"), rows
    ) as done:
        place = swap_of(done)
        await done.run(done.steps[:place])
        await done.connection.execute("INSERT INTO users (mood) VALUES ('sad')")
        await done.run(done.steps[place:])
        assert await done.rows("SELECT mood::text, moods::text FROM users ORDER BY id") == [
            *(("ok", "{ok,NULL}"), ("ok", None))
        ]


NUMBERED = {
    "plain": 'type = "bigint", primary_key = true, identity = false',
    "serial": 'type = "bigserial", primary_key = true',
    "always": 'type = "bigint", primary_key = true, identity = "always"',
    "by default": 'type = "bigint", primary_key = true, identity = "by default"',
}


def numbered(kinds: tuple[str, ...]) -> Schema:
    """Return a table for each pair of kinds, each with one of these as its key."""
    text = (
        "[models.T{0}]\ntable = \"t{0}\"\n[models.T{0}.columns]\nid = {{ {1} }}\nname = 'text?'\n"
    )
    return schema_of("\n".join(text.format(n, NUMBERED[k]) for n, k in enumerate(kinds)))


async def test_numbers_go_on_wherever_they_come_from(server18: Server) -> None:
    pairs = [(one, other) for one in NUMBERED for other in NUMBERED if one != other]
    old, new = (numbered(side) for side in zip(*pairs, strict=True))
    rows = "".join(
        (
            f"INSERT INTO t{n} (id) VALUES (1), (2), (3);"
            if one == "plain"
            else f"INSERT INTO t{n} DEFAULT VALUES;" * 3 + f"DELETE FROM t{n} WHERE id = 3;"
        )
        for n, (one, _) in enumerate(pairs)
    )
    async with moved(server18, old, new, rows) as done:
        await done.run()
        for n, (one, other) in enumerate(pairs):
            if other != "plain":
                insert = f"INSERT INTO t{n} DEFAULT VALUES RETURNING id"
                assert await done.value(insert) == 4, (one, other)


EVENTS = """
[models.Event]
table = "events"
partition_by = "RANGE (at)"
[models.Event.columns]
id = { type = "bigint", identity = false%s }
at = { type = "date", primary_key = true }
kind = { type = "text", primary_key = true }
ref = "bigint?"
[models.Event.partitions]
events_a = "FOR VALUES FROM ('2026-01-01') TO ('2026-02-01')"
[models.Event.partitions.events_b]
bound = "FOR VALUES FROM ('2026-02-01') TO ('2026-03-01')"
partition_by = "LIST (kind)"
partitions = { events_b1 = "FOR VALUES IN ('x')", events_b2 = "DEFAULT" }
"""
FOUND = '[[models.Event.indexes]]\nname = "events_found"\ncolumns = ["ref"%s]\n'
ONCE = '[[models.Event.uniques]]\nname = "events_once"\ncolumns = ["ref", "at", "kind"]\n'


async def test_partitions_build_indexes_and_keys_one_by_one(server18: Server) -> None:
    old = schema_of(EVENTS % "" + FOUND % "")
    new = schema_of(EVENTS % ", primary_key = true" + FOUND % ', "id"' + ONCE)
    rows = """INSERT INTO events (id, at, kind) VALUES (1, '2026-01-05', 'x'),
        (2, '2026-02-05', 'x'), (3, '2026-02-06', 'y');"""
    async with moved(server18, old, new, rows) as done:
        await done.run()
        invalid = "SELECT count(*) FROM pg_index WHERE NOT indisvalid"
        assert await done.value(invalid) == 0
        assert await done.value("SELECT count(*) FROM events") == 3
        with pytest.raises(Exception, match="events_b1"):
            await done.connection.execute("INSERT INTO events VALUES (2, '2026-02-05', 'x')")


async def test_partitions_get_foreign_keys_on_servers_before_18(server18: Server) -> None:
    user = USERS % "bigint"
    old = schema_of(user + EVENTS % "")
    key = 'ref = { type = "bigint?", foreign_key = "users.id" }'
    new = schema_of(user + (EVENTS % "").replace('ref = "bigint?"', key))
    rows = "INSERT INTO users DEFAULT VALUES; INSERT INTO events VALUES (1, '2026-01-05', 'x', 1);"
    async with change(server18, old, new, rows, version=15) as done:
        assert is_online(done)
        assert "ALTER TABLE public.events ADD CONSTRAINT events_ref_fkey" in done.steps[-1].sql
        assert "NOT VALID" not in done.steps[-1].sql
        await done.run()
        assert await done.left(server18) == []


RANGES = """
[models.Event]
table = "events"
partition_by = "RANGE (at)"
columns.id = { type = "%s", primary_key = true, identity = false }
columns.at = { type = "int", primary_key = true }
columns.ref = { type = "%s?", foreign_key = "users.id" }
partitions.low = "FOR VALUES FROM (0) TO (10)"
partitions.high = { bound = "FOR VALUES FROM (10) TO (20)", partition_by = "LIST (at)", \
    partitions = { ten = "FOR VALUES IN (10)", others = "DEFAULT" } }
indexes = [{ name = "found", columns = ["ref", "at"] }]
uniques = [{ name = "once", columns = ["ref", "at"] }]
checks = [{ name = "few", expression = "id < 1000" }]
"""


@pytest.mark.nightly
@pytest.mark.parametrize("server", ["18", *(["15"] if IS_NIGHTLY else [])], indirect=True)
async def test_columns_of_partitions_get_other_types(server: Server) -> None:
    old, new = (schema_of(USERS % each + RANGES % (each, each)) for each in ("int", "bigint"))
    rows = """INSERT INTO users SELECT FROM generate_series(1, 3);
        INSERT INTO events VALUES (1, 0, 1), (2, 10, 2), (3, 11, NULL);"""
    async with moved(server, old, new, rows) as done:
        place = swap_of(done)
        await done.run(done.steps[:place])
        written = "INSERT INTO events VALUES (4, 12, 3); UPDATE events SET at = 1 WHERE id = 2"
        await done.connection.execute(written)
        await done.run(done.steps[place:])
        found = "SELECT id, at, ref, tableoid::regclass::text FROM events ORDER BY id"
        assert await done.rows(found) == [
            *((1, 0, 1, "low"), (2, 1, 2, "low"), (3, 11, None, "others"), (4, 12, 3, "others"))
        ]
        left = "SELECT count(*) FROM pg_class WHERE relname ~ 'ormkit' OR relname ~ '_new'"
        assert await done.value(left) == 0
        assert await done.value("SELECT count(*) FROM pg_index WHERE NOT indisvalid") == 0


LONG = "x" * 60
KEYLESS = f"""
[models.Fact]
table = "facts"
columns.a = "%s?"
columns.b = "int?"
columns.c = %s
columns.{LONG}1 = "%s?"
columns.{LONG}2 = "%s?"
"""
VIRTUAL = """a = "%s?"
g = { type = "%s", generated = "coalesce(a, 0) * 2", virtual = true, comment = "said" }
[[models.User.checks]]
name = "even"
expression = "g < 1000"
comment = "few"
"""


async def test_tables_without_keys_and_virtual_columns_are_no_obstacle(server18: Server) -> None:
    facts = KEYLESS % ("int", '"int?"', "int", "int")
    filled = '{ type = "bigint", backfill = "7" }'
    fresh = KEYLESS % ("bigint", filled, "bigint", "bigint")
    old = schema_of(USERS % "bigint" + VIRTUAL % ("int", "int") + facts)
    more = '[models.User.columns.h]\ntype = "bigint"\ngenerated = "a * 3"\nvirtual = true\n'
    new = schema_of(USERS % "bigint" + VIRTUAL % ("bigint", "bigint") + more + fresh)
    rows = """INSERT INTO facts SELECT n % 7, n, nullif(n, 5), n, 2 FROM generate_series(1, 2000) n;
        INSERT INTO users (a) VALUES (4), (0);"""
    async with moved(server18, old, new, rows) as done:
        walked = [str(each.batches) for each in done.steps if each.batches]
        assert any(each.endswith("over public.facts (ctid)") for each in walked)
        await done.run()
        assert await done.rows("SELECT a, g, h FROM users ORDER BY id") == [(4, 8, 12), (0, 0, 0)]
        found = f"SELECT count(*), sum(a - b % 7), sum(c), sum({LONG}1), sum({LONG}2) FROM facts"
        assert await done.rows(found) == [(2000, 0, 2001002, 2001000, 4000)]


UNSAFE = """
[models.User]
table = "users"
columns.id = { type = "bigint", primary_key = true }
columns.a = "%s?"
columns.g = { type = "bigint?", generated = "a * 2" }
%s
[models.Room]
table = "rooms"
columns.id = { type = "bigint", primary_key = true }
columns.at = "%s?"
excludes = [{ name = "once", elements = [{ column = "at", operator = "&&" }] }]
[models.Old]
table = "olds"
columns.id = { type = "bigint", primary_key = true }
columns.age = "%s?"
[models.Car]
table = "cars"
columns.id = { type = "bigint", primary_key = true }
columns.wheels = "wheels?"
[domains.age]
type = "int"
checks = [{ expression = "VALUE > 0", name = "some" }]
[domains.wheels]
type = "int"
%s
"""


async def test_what_postgresql_does_only_alone_says_why(server18: Server) -> None:
    check = 'checks = [{ expression = "VALUE > 2", name = "many" }]'
    computed = 'columns.h = { type = "bigint?", generated = "a + 1" }'
    old = schema_of(UNSAFE % ("int", "", "int4range", "int", ""))
    new = schema_of(UNSAFE % ("bigint", computed, "int8range", "age", check))
    found = dict.fromkeys(message for message, _ in await refusals(server18, old, new))
    for why in (
        *(
            "to compute the stored column g",
            "virtual = true",
            "builds EXCLUDE",
            "a check of a table",
        ),
        "a column of a domain with checks",
    ):
        assert [each for each in found if why in each], why
    flags = [f"rewrite:{each}" for each in ("users", "rooms", "olds")] + ["scan:cars"]
    rows = """INSERT INTO users (a) VALUES (1); INSERT INTO cars (wheels) VALUES (4), (1);
        INSERT INTO rooms (at) VALUES ('[1,2)'); INSERT INTO olds (age) VALUES (7);"""
    async with change(server18, old, new, rows, consents=flags) as done:
        with pytest.raises(FoundRows, match="cars that many of"):
            await done.run()
        await done.connection.execute("UPDATE cars SET wheels = 3 WHERE wheels = 1")
        await done.run()
        assert await done.rows("SELECT a, g, h FROM users") == [(1, 2, 2)]
        assert await done.left(server18) == []
