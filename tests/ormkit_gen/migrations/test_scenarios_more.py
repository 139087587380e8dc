"""Further changes that people make: partitions, names of what has no class, types, and data."""

from __future__ import annotations

import pytest

from ormkit_gen.migrations.conversions import FORMS
from tests.ormkit_gen.migrations.changes import FoundRows, change, refusals, schema_of
from tests.servers import Server

pytestmark = [pytest.mark.anyio, pytest.mark.one_interpreter]

EVENTS = """
[models.Event]
table = "events"
partition_by = "RANGE (at)"
[models.Event.columns]
id = { type = "bigint", primary_key = true, identity = false }
at = { type = "date", primary_key = true }
[models.Event.partitions]
events_rest = "DEFAULT"
%s
"""
TABLE = """
[models.%s]
table = "%s"
[models.%s.columns]
id = { type = "bigint", primary_key = true, identity = false }
at = { type = "date", primary_key = true }
"""
MONTH = "%s = { bound = \"FOR VALUES FROM ('2026-0%s-01') TO ('2026-0%s-01')\"%s }\n"


async def test_partitions_come_and_go_with_their_rows(server18: Server) -> None:
    old = schema_of(
        EVENTS % (MONTH % ("e1", 1, 2, "") + MONTH % ("e2", 2, 3, "") + MONTH % ("e5", 5, 6, ""))
        + TABLE % ("March", "e3", "March")
    )
    wanted = MONTH % ("jan", 1, 2, ', renamed_from = "e1"')
    wanted += MONTH % ("e3", 3, 4, "") + MONTH % ("e4", 4, 5, "")
    new = schema_of(EVENTS % wanted + TABLE % ("February", "e2", "February"))
    ((message, remedy),) = await refusals(server18, old, new)
    assert "the partition e5 is gone" in message
    assert "--drop e5" in remedy
    rows = """INSERT INTO events VALUES (1, '2026-01-03'), (2, '2026-02-03'), (9, '2026-09-01');
        INSERT INTO e3 VALUES (3, '2026-03-03');"""
    async with change(server18, old, new, rows, drops=["e5"]) as done:
        assert not any(
            "AccessExclusive" in each and "scans" in each
            for step in done.steps
            for each in ["; ".join(step.measured)]
        )
        await done.connection.execute("INSERT INTO events VALUES (4, '2026-04-03')")
        with pytest.raises(FoundRows, match="within the bounds of"):
            await done.run()
        await done.connection.execute("DELETE FROM events_rest WHERE id = 4")
        place = next(n for n, step in enumerate(done.steps) if step.mode == "check")
        await done.run(done.steps[place:])
        assert await done.rows("SELECT id FROM events ORDER BY 1") == [(1,), (3,), (9,)]
        assert await done.rows("SELECT id FROM jan UNION SELECT id FROM e2 ORDER BY 1") == [
            (1,),
            (2,),
        ]
        assert await done.left(server18) == []


async def test_a_table_does_not_become_partitioned(server18: Server) -> None:
    ((message, remedy),) = await refusals(
        server18, schema_of(TABLE % ("Event", "events", "Event")), schema_of(EVENTS % "")
    )
    assert "cannot make events partitioned" in message
    assert "--data" in remedy


NAMED = """
[sequences.%s]
start = 100
%s
[domains.%s]
type = "%s"
checks = [{ expression = "VALUE <> '%s'" }]
%s
[models.User]
table = "users"
[models.User.columns]
id = { type = "bigint", primary_key = true }
mail = { type = "%s", unique = true }
mails = "%s[]?"
"""
VIEW = """-- object: view public.{0}
CREATE VIEW public.{0} AS SELECT id, mail FROM public.users;
"""


async def test_what_has_no_class_is_renamed_by_hints_and_flags(server18: Server) -> None:
    old = schema_of(
        NAMED % ("numbers", "", "mail", "text", "x", "", "mail", "mail"), VIEW.format("known")
    )
    text = NAMED % ("codes", "%s", "email", "text", "x", "%s", "email", "email")
    asked = await refusals(server18, old, schema_of(text % ("", ""), VIEW.format("people")))
    assert [remedy for _, remedy in asked] == [
        "pass --rename mail=email or --drop mail",
        "pass --rename numbers=codes or --drop numbers",
    ]
    hints = ('renamed_from = "numbers"', 'renamed_from = "mail"')
    new = schema_of(text % hints, VIEW.format("people"))
    rows = """INSERT INTO users (mail, mails) VALUES ('a', '{b}'); GRANT SELECT ON known TO PUBLIC;
        SELECT nextval('numbers');"""
    async with change(server18, old, new, rows, renames=[("known", "people")]) as done:
        assert "DROP" not in done.sql
        await done.run()
        assert await done.value("SELECT nextval('codes')") == 101
        assert await done.value("SELECT has_table_privilege('public', 'people', 'SELECT')")
        with pytest.raises(Exception, match="email"):
            await done.connection.execute("INSERT INTO users (mail) VALUES ('x')")
        assert await done.left(server18) == []


async def test_a_sequence_goes_only_with_a_flag_that_names_it(server18: Server) -> None:
    text = TABLE % ("User", "users", "User")
    old = schema_of(f"{text}[sequences.numbers]\nstart = 100\n")
    ((message, remedy),) = await refusals(server18, old, schema_of(text))
    assert message == "the sequence numbers is gone, and its data would be lost"
    assert remedy == "pass --drop numbers"
    async with change(server18, old, schema_of(text), drops=["numbers"]) as done:
        assert [each.phase for each in done.drafts.drafts] == ["contract"]
        await done.run()
        assert await done.left(server18) == []


async def test_a_domain_gets_another_type(server18: Server) -> None:
    text = """
[domains.code]
type = "%s"
comment = "said"
[models.User]
table = "users"
[models.User.columns]
id = { type = "bigint", primary_key = true }
code = { type = "code", unique = true }
codes = "code[]?"
"""
    rows = "INSERT INTO users (code, codes) VALUES (1, '{2,NULL}');"
    async with change(server18, schema_of(text % "int"), schema_of(text % "bigint"), rows) as done:
        assert not any("rewrites public.users" in step.measured for step in done.steps)
        await done.run()
        assert await done.rows("SELECT code, codes FROM users") == [(1, [2, None])]
        assert await done.left(server18) == []


LINKED = """
[models.User]
table = "users"
[models.User.columns]
id = { type = "bigint", primary_key = true }
org = "int"
code = %s
low = %s
%s
[models.Post]
table = "posts"
[models.Post.columns]
id = { type = "bigint", primary_key = true }
user_id = { type = "bigint", foreign_key = "users.id"%s }
tags = "%s?"
"""


async def test_constraints_stay_until_others_take_their_place(server18: Server) -> None:
    old = schema_of(LINKED % ('{ type = "text", unique = true }', '"text?"', "", "", "text"))
    once = '[[models.User.uniques]]\ncolumns = ["org", "code"]\n'
    low = '{ type = "text?", generated = "lower(code)" }'
    deferred = ", deferrable = true, initially_deferred = true"
    new = schema_of(LINKED % ('"text"', '"text?"', once, deferred, "text[]"))
    ((message, remedy),) = await refusals(
        server18, old, schema_of(LINKED % ('"text"', low, "", "", "text"))
    )
    assert message == "the column users.low is generated now, and its data would be lost"
    assert remedy == "pass --drop users.low"
    rows = """INSERT INTO users (org, code) VALUES (1, 'a');
        INSERT INTO posts (user_id, tags) VALUES (1, '{a}'), (1, 'b');"""
    async with change(server18, old, new, rows) as done:
        texts = [step.sql for step in done.steps]
        brief = "ALTER CONSTRAINT posts_user_id_fkey DEFERRABLE INITIALLY DEFERRED;"
        assert sum(brief in each for each in texts) == 1
        added = next(n for n, each in enumerate(texts) if "UNIQUE USING INDEX" in each)
        gone = next(n for n, each in enumerate(texts) if "DROP CONSTRAINT users_code_key" in each)
        assert added < gone
        with pytest.raises(FoundRows, match="tags") as caught:
            await done.run()
        assert caught.value.args[1] == [(2, "b")]
        await done.connection.execute("UPDATE posts SET tags = '{b,c}' WHERE id = 2")
        await done.run()
        assert await done.rows("SELECT tags FROM posts ORDER BY id") == [(["a"],), (["b", "c"],)]
        assert await done.left(server18) == []


@pytest.mark.parametrize(
    ("type_", "good", "bad"),
    [
        ("integer", [" 1", "-2 "], ["1.5", "x", ""]),
        ("numeric", ["1", ".5", "1e3"], ["1e", "x"]),
        ("uuid", ["00000000-0000-0000-0000-00000000000A"], ["0"]),
        ("date", ["2026-01-01"], ["1.1.2026"]),
        ("boolean", ["TRUE", "f", " No"], ["2", "truely"]),
    ],
)
def test_texts_are_told_apart_on_servers_that_cannot_be_asked(
    server18: Server, database_url: str, type_: str, good: list[str], bad: list[str]
) -> None:
    sql = "SELECT " + ", ".join(f"'{each}' ~ $form${FORMS[type_]}$form$" for each in good + bad)
    assert server18.fetch(database_url, sql) == [(*(True,) * len(good), *(False,) * len(bad))]


LOSSY = {
    "float": ("real", "0.123456789"),
    "timestamp": ("time", "2026-01-01 10:00"),
    "interval": ("time", "25:00"),
    "float[]": ("int[]", "{1.5}"),
    "bit(8)": ("bit(4)", "10000001"),
    "bigint": ("float", "9007199254740993"),
}
KEYS = """
[models.A]
table = "aa"
columns.id = {{ type = "{0}", primary_key = true }}
[models.B]
table = "bb"
columns.id = {{ type = "bigint", primary_key = true }}
columns.a = {{ type = "{0}?", foreign_key = "aa.id" }}
[models.User]
table = "users"
columns.id = {{ type = "bigint", primary_key = true }}
"""


async def test_no_type_loses_a_part_of_a_value_unnoticed(server18: Server) -> None:
    old, new = (
        schema_of(
            KEYS.format(key)
            + "".join(f'columns.c{n} = "{each}?"\n' for n, each in enumerate(types))
        )
        for key, types in (("text", LOSSY), ("uuid", [new for new, _ in LOSSY.values()]))
    )
    values = ", ".join(f"'{value}'" for _, value in LOSSY.values())
    names = ", ".join(f"c{n}" for n in range(len(LOSSY)))
    key = "00000000-0000-0000-0000-00000000000a"
    rows = f"""INSERT INTO users ({names}) VALUES ({values});
        INSERT INTO aa VALUES ('{key}'); INSERT INTO bb (a) VALUES ('{key}');"""
    async with change(server18, old, new, rows) as done:
        checks = [each for each in done.steps if "would lose a part" in each.message]
        found = [await done.rows(each.sql) for each in checks if "public.users" in each.sql]
        assert list(map(len, found)) == [1] * len(LOSSY)
        with pytest.raises(FoundRows):
            await done.run()
        await done.connection.execute("DELETE FROM users")
        await done.run()
        assert await done.left(server18) == []
        assert await done.rows("SELECT a::text FROM bb") == [(key,)]
