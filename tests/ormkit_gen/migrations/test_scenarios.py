"""What people change in a schema, over tables with rows: planned, proved, run, and looked at."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ormkit import MigrationError
from ormkit_gen.ddl.schema import Part, schema_parts
from ormkit_gen.ir import Schema
from ormkit_gen.migrations.answers import Answers
from ormkit_gen.migrations.drafting import draft
from ormkit_gen.migrations.state import state_text
from tests.definitions import key, model
from tests.lengths import IS_NIGHTLY
from tests.ormkit_gen.migrations.changes import FoundRows, change, refusals, schema_of
from tests.servers import Server

pytestmark = [pytest.mark.anyio, pytest.mark.one_interpreter, pytest.mark.nightly]

USERS = """
[models.User]
table = "users"
[models.User.columns]
id = { type = "bigint", primary_key = true }
"""
NAMED = USERS + 'name = "text?"\n'
TWO = "INSERT INTO users (name) VALUES ('a'), ('b');"


#: Plans that are others before PostgreSQL 18.
BOTH = pytest.mark.parametrize(
    "server", ["18", pytest.param("15", marks=pytest.mark.slow)], indirect=True
)


@pytest.fixture(params=["18", "15"] if IS_NIGHTLY else ["18"])
def server(request: pytest.FixtureRequest) -> Server:
    found: Server = request.getfixturevalue(
        "server18" if request.param == "18" else "contrib_server"
    )
    return found


def locks(measured: list[str], lock: str) -> list[str]:
    return [each for each in measured if f"{lock} on" in each]


async def test_a_nullable_column_is_one_step(server: Server) -> None:
    new = schema_of(NAMED + 'bio = "text?"\n')
    async with change(server, schema_of(NAMED), new, TWO) as done:
        assert [step.mode for step in done.steps] == ["transaction"]
        assert "rewrites" not in done.measured[0]
        await done.run()
        assert await done.rows("SELECT name, bio FROM users ORDER BY id") == [
            ("a", None),
            ("b", None),
        ]
        assert await done.left(server) == []


async def test_a_column_that_is_not_null_needs_a_value_for_rows(server: Server) -> None:
    new = schema_of(NAMED + 'age = "int"\n')
    ((message, remedy),) = await refusals(server, schema_of(NAMED), new)
    assert "users.age is NOT NULL" in message
    assert "backfill" in remedy
    assert "--consent no-rows:users" in remedy
    empty = {"consents": ("no-rows:users",)}
    async with change(server, schema_of(NAMED), new, **empty) as done:
        await done.run()
        assert await done.left(server) == []
    async with change(server, schema_of(NAMED), new, TWO, **empty) as done:
        with pytest.raises(FoundRows, match="has rows"):
            await done.run()


async def test_a_backfill_fills_rows_before_the_column_is_not_null(server: Server) -> None:
    new = schema_of(NAMED + 'age = { type = "int", backfill = "0" }\n')
    async with change(server, schema_of(NAMED), new, TWO) as done:
        expand, contract = done.drafts.drafts
        assert len(expand.steps) >= 3
        assert not any("scans" in each for each in locks(done.measured, "AccessExclusive"))
        await done.run(expand.steps)
        # Programs that do not know the column go on in between.
        await done.connection.execute("INSERT INTO users (name) VALUES ('c')")
        await done.run(contract.steps)
        assert await done.rows("SELECT DISTINCT age FROM users") == [(0,)]
        assert await done.left(server) == []


async def test_a_backfill_over_other_columns(server: Server) -> None:
    new = schema_of(NAMED + 'label = { type = "text", backfill = "coalesce(name, \'-\')" }\n')
    async with change(server, schema_of(NAMED), new, TWO) as done:
        expand, contract = done.drafts.drafts
        await done.run(expand.steps)
        await done.connection.execute("INSERT INTO users DEFAULT VALUES")
        await done.run(contract.steps)
        assert await done.rows("SELECT label FROM users ORDER BY id") == [("a",), ("b",), ("-",)]
        assert await done.left(server) == []


@BOTH
async def test_a_random_default_gives_each_row_its_own_value(server: Server) -> None:
    column = 'token = { type = "uuid", server_default = "gen_random_uuid()" }\n'
    async with change(server, schema_of(NAMED), schema_of(NAMED + column), TWO) as done:
        assert not any("rewrites" in each for each in done.measured)
        assert any(step.mode == "batches" for step in done.steps)
        await done.run()
        assert await done.value("SELECT count(DISTINCT token) FROM users") == 2
        assert await done.left(server) == []


@BOTH
async def test_not_null_is_validated_apart_and_fails_cleanly(server: Server) -> None:
    new = schema_of(USERS + 'name = "text"\n')
    rows = "INSERT INTO users (name) VALUES ('a'), (NULL);"
    async with change(server, schema_of(NAMED), new, rows) as done:
        assert not any("scans" in each for each in locks(done.measured, "AccessExclusive"))
        with pytest.raises(MigrationError, match=r"null values|not_null"):
            await done.run()
        # The constraint holds for new rows already.
        with pytest.raises(Exception, match=r"null value|not_null"):
            await done.connection.execute("INSERT INTO users (name) VALUES (NULL)")
        await done.connection.execute("UPDATE users SET name = 'b' WHERE name IS NULL")
        await done.run()
        assert await done.left(server) == []


FOREIGN = """
[models.Post]
table = "posts"
[models.Post.columns]
id = { type = "bigint", primary_key = true }
user_id = %s
"""
KEY = '{ type = "bigint?", foreign_key = "users.id" }'


async def test_a_foreign_key_with_an_orphan(server: Server) -> None:
    old, new = schema_of(NAMED + FOREIGN % '"bigint?"'), schema_of(NAMED + FOREIGN % KEY)
    rows = f"{TWO} INSERT INTO posts (user_id) VALUES (1), (99), (NULL);"
    async with change(server, old, new, rows) as done:
        assert not any("scans" in each for each in locks(done.measured, "ShareRowExclusive"))
        with pytest.raises(FoundRows, match="posts_user_id_fkey") as caught:
            await done.run()
        assert caught.value.args[1] == [(2, 99)]
        # New rows are checked already, and the constraint is known as unfinished.
        (left,) = await done.left(server)
        assert (left.cause, left.fact.name) == ("unfinished", "posts_user_id_fkey")
        await done.connection.execute("DELETE FROM posts WHERE user_id = 99")
        await done.run()
        assert await done.left(server) == []


async def test_duplicates_are_found_before_a_unique_index_is_built(server: Server) -> None:
    new = schema_of(USERS + 'name = { type = "text?", unique = true }\n')
    rows = "INSERT INTO users (name) VALUES ('a'), ('a'), (NULL), (NULL);"
    async with change(server, schema_of(NAMED), new, rows) as done:
        with pytest.raises(FoundRows, match="users_name_key") as caught:
            await done.run()
        assert caught.value.args[1] == [("a", 2)]
        assert await done.value("SELECT count(*) FROM pg_index WHERE NOT indisvalid") == 0
        await done.connection.execute("DELETE FROM users WHERE id = 2")
        await done.run()
        assert await done.left(server) == []


CODE = """-- object: function public.code()
CREATE FUNCTION public.code() RETURNS text LANGUAGE sql AS 'SELECT ''x''::text';
"""


async def test_a_backfill_may_call_what_the_schema_has(server: Server) -> None:
    new = schema_of(NAMED + 'code = { type = "text", backfill = "public.code()" }\n', CODE)
    async with change(server, schema_of(NAMED, CODE), new, TWO) as done:
        expand, contract = done.drafts.drafts
        await done.run(expand.steps)
        await done.connection.execute("INSERT INTO users DEFAULT VALUES")
        assert await done.rows("SELECT DISTINCT code FROM users") == [("x",)]
        await done.run(contract.steps)
        assert await done.left(server) == []


async def test_a_schema_without_a_change_needs_no_server() -> None:
    drafts = await draft(schema_of(NAMED), schema_of(NAMED), Answers(), "postgresql://localhost:1")
    assert drafts.drafts == ()


MANY = 1000


async def test_a_column_in_one_of_a_thousand_tables_builds_that_one_only(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = tuple(model(f"Other{number}", key()) for number in range(MANY - 1))
    old, new = schema_of(NAMED), schema_of(NAMED + 'bio = "text?"\n')
    large = [replace(each, models=(*each.models, *others)) for each in (old, new)]
    built: list[int] = []

    def counted(schema: Schema, **options: bool) -> list[Part]:
        built.append(len(schema.models))
        return schema_parts(schema, **options)

    for module in ("drift.shadow", "ddl.schema"):
        monkeypatch.setattr(f"ormkit_gen.{module}.schema_parts", counted)
    drafts = await draft(*large, Answers(), server.url)
    assert max(built) == 1
    async with change(server, old, new, TWO) as done:
        done.drafts = drafts
        (step,) = done.steps
        assert step.mode == "transaction"
        await done.run()
        assert await done.rows("SELECT name, bio FROM users") == [("a", None), ("b", None)]
        assert await done.left(server) == []


INDEXED = NAMED + 'mail = "text?"\n[[models.User.indexes]]\nname = "found"\n'


async def test_a_changed_index_is_built_before_the_old_one_goes(server: Server) -> None:
    old = schema_of(INDEXED + 'columns = ["name"]\ncomment = "finds"\n')
    new = schema_of(INDEXED + 'columns = ["name", "mail"]\ncomment = "finds"\n')
    async with change(server, old, new, TWO) as done:
        for step in done.steps:
            await done.run([step])
            valid = await done.value(
                "SELECT count(*) FROM pg_index WHERE indrelid = 'users'::regclass "
                "AND NOT indisprimary AND indisvalid"
            )
            assert valid >= 1
        assert await done.left(server) == []


async def test_a_changed_predicate_is_a_change(server: Server) -> None:
    old = schema_of(INDEXED + 'columns = ["name"]\nwhere = "id > 5"\n')
    new = schema_of(INDEXED + 'columns = ["name"]\nwhere = "id > 6"\n')
    async with change(server, old, new, TWO) as done:
        await done.run()
        definition = "SELECT pg_get_indexdef('found'::regclass)"
        assert "(id > 6)" in await done.value(definition)
        assert await done.left(server) == []


CHECKED = USERS + 'a = "int"\n[[models.User.checks]]\nname = "few"\nexpression = "%s"\n'


async def test_an_expression_that_is_spelled_otherwise_is_no_change(server: Server) -> None:
    old = schema_of(CHECKED % "a in (1, 2)")
    async with change(server, old, schema_of(CHECKED % "a = any(array[1,2])")) as done:
        assert done.steps == []


async def test_a_changed_check_is_validated_before_the_old_one_goes(server: Server) -> None:
    old, new = schema_of(CHECKED % "a > 0"), schema_of(CHECKED % "a > 1")
    async with change(server, old, new, "INSERT INTO users (a) VALUES (2);") as done:
        assert not any("scans" in each for each in locks(done.measured, "AccessExclusive"))
        await done.run()
        assert await done.left(server) == []


async def test_another_default_is_one_statement(server: Server) -> None:
    column = 'at = { type = "timestamptz", server_default = "%s" }\n'
    old, new = schema_of(USERS + column % "now()"), schema_of(USERS + column % "clock_timestamp()")
    async with change(server, old, new, "INSERT INTO users DEFAULT VALUES;") as done:
        (step,) = done.steps
        assert "SET DEFAULT clock_timestamp()" in step.sql
        await done.run()
        assert await done.left(server) == []
    assert await refusals(server, new, new) == []


async def test_wider_types_rewrite_nothing(server: Server) -> None:
    old = schema_of(USERS + 'a = "varchar(10)"\nb = "varchar(9)"\nc = "numeric(10,2)"\n')
    new = schema_of(USERS + 'a = "varchar(20)"\nb = "text"\nc = "numeric(12,2)"\n')
    rows = "INSERT INTO users (a, b, c) VALUES ('a', 'b', 1.25);"
    async with change(server, old, new, rows) as done:
        assert not any("rewrites" in each for each in done.measured)
        assert not any(step.notes for step in done.steps)
        await done.run()
        assert [str(each) for each in (await done.rows("SELECT a, b, c FROM users"))[0]] == [
            *("a", "b", "1.25")
        ]
        assert await done.left(server) == []


@BOTH
async def test_a_text_that_is_no_number_is_named_by_its_key(server: Server) -> None:
    new = schema_of(USERS + 'name = "integer?"\n')
    rows = "INSERT INTO users (name) VALUES ('1'), ('x'), (NULL);"
    async with change(server, schema_of(NAMED), new, rows, consents=["rewrite:users"]) as done:
        with pytest.raises(FoundRows, match="integer") as caught:
            await done.run()
        assert caught.value.args[1] == [(2, "x")]
        assert await done.value("SELECT pg_typeof(name)::text FROM users LIMIT 1") == "text"
        await done.connection.execute("UPDATE users SET name = '-7' WHERE id = 2")
        await done.run()
        assert await done.rows("SELECT name FROM users ORDER BY id") == [(1,), (-7,), (None,)]
        assert await done.left(server) == []


async def test_a_time_gets_a_zone_only_where_the_schema_names_it(server: Server) -> None:
    old = schema_of(USERS + 'at = "timestamp"\n')
    ((message, remedy),) = await refusals(server, old, schema_of(USERS + 'at = "timestamptz"\n'))
    assert "which time zone" in message
    assert "time_zone" in remedy
    zoned = schema_of(USERS + 'at = { type = "timestamptz", time_zone = "Europe/Berlin" }\n')
    rows = "INSERT INTO users (at) VALUES ('2026-07-01 12:00');"
    async with change(server, old, zoned, rows, consents=["rewrite:users"]) as done:
        await done.run()
        assert await done.value("SELECT at = '2026-07-01 10:00Z' FROM users") is True
        assert await done.left(server) == []


MOOD = """
[enums.Mood]
values = [%s]
%s
"""
MOODY = NAMED + 'mood = "Mood"\n'


def moods(values: str, more: str = "") -> str:
    return MOODY + MOOD % (values, more)


async def test_labels_are_added_where_they_belong_and_renamed(server: Server) -> None:
    old = schema_of(moods('"sad", "ok"'))
    rows = "INSERT INTO users (mood) VALUES ('sad'), ('ok');"
    async with change(server, old, schema_of(moods('"sad", "ok", "new"')), rows) as done:
        (step,) = done.steps
        assert "ADD VALUE" in step.sql
        await done.run()
        assert await done.left(server) == []
    new = schema_of(moods('"blue", "so-so", "ok"', 'renamed_values = { blue = "sad" }'))
    async with change(server, old, new, rows) as done:
        assert "RENAME VALUE 'sad' TO 'blue'" in done.sql
        assert "CREATE TYPE" not in done.sql
        await done.run()
        assert await done.rows("SELECT mood::text FROM users ORDER BY mood") == [("blue",), ("ok",)]
        assert await done.left(server) == []


USED = """\
moods = "Mood[]?"
calm = { type = "Mood", default = "ok" }
[[models.User.indexes]]
name = "glad_ones"
columns = ["name"]
where = "calm = 'ok'"
[[models.User.checks]]
name = "not_sad"
expression = "calm <> 'sad'"
"""


@BOTH
async def test_a_label_goes_and_rows_get_another_one(server: Server) -> None:
    old = schema_of(MOODY + USED + MOOD % ('"sad", "ok", "glad"', ""))
    removed = 'removed = { sad = "ok", glad = "ok" }'
    new = schema_of(MOODY + USED.replace("sad'", "odd'") + MOOD % ('"ok", "odd"', removed))
    rows = """INSERT INTO users (name, mood, moods) VALUES
        ('a', 'sad', '{sad,glad,NULL}'), ('b', 'glad', NULL), ('c', 'ok', '{ok}');"""
    async with change(server, old, new, rows, consents=["rewrite:users"]) as done:
        await done.run()
        found = await done.rows("SELECT mood::text, moods::text, calm::text FROM users ORDER BY id")
        assert found == [("ok", "{ok,ok,NULL}", "ok"), ("ok", None, "ok"), ("ok", "{ok}", "ok")]
        labels = "SELECT string_agg(enumlabel, ',' ORDER BY enumsortorder) FROM pg_enum"
        assert await done.value(labels) == "ok,odd"
        assert await done.left(server) == []


async def test_a_label_without_another_one_needs_a_flag_and_no_row(server: Server) -> None:
    old, new = schema_of(moods('"sad", "ok"')), schema_of(moods('"ok"'))
    ((message, remedy),) = await refusals(server, old, new)
    assert "mood.sad" in message
    assert "--drop mood.sad" in remedy
    flags = {"drops": ["mood.sad"], "consents": ["rewrite:users"]}
    async with change(
        server, old, new, "INSERT INTO users (mood) VALUES ('sad');", **flags
    ) as done:
        with pytest.raises(FoundRows, match="removed"):
            await done.run()
        await done.connection.execute("UPDATE users SET mood = 'ok'")
        await done.run()
        assert await done.left(server) == []


async def test_another_name_in_postgresql_is_a_rename(server: Server) -> None:
    column = "name = {{ type = 'text?', unique = true{} }}\n"
    old = schema_of(USERS + column.format(""))
    new = schema_of(USERS + column.format(", column = 'title'"))
    async with change(server, old, new, TWO) as done:
        assert "RENAME COLUMN name TO title" in done.sql
        assert "DROP" not in done.sql
        await done.run()
        assert await done.rows("SELECT title FROM users ORDER BY id") == [("a",), ("b",)]
        constraint = (
            "SELECT conname FROM pg_constraint WHERE conindid = 'users_title_key'::regclass"
        )
        assert await done.value(constraint) == "users_title_key"
        assert await done.left(server) == []


async def test_another_name_in_python_is_no_migration(server: Server) -> None:
    new = schema_of(USERS + "title = { type = 'text?', column = 'name' }\n")
    async with change(server, schema_of(NAMED), new, TWO) as done:
        assert done.steps == []


RELATED = """
[models.Post]
table = "posts"
[models.Post.columns]
id = { type = "bigint", primary_key = true }
user_id = { type = "bigint", foreign_key = "users.id", index = true }
[models.Post.relationships]
tags = { target = "Tag", secondary = "post_tags" }
readers = { target = "User", secondary = "user_posts" }
[models.Tag]
table = "tags"
[models.Tag.columns]
id = { type = "bigint", primary_key = true }
"""


async def test_a_renamed_table_takes_keys_sequences_and_links_along(server: Server) -> None:
    old = schema_of(NAMED + RELATED)
    text = (NAMED + RELATED).replace("models.User", "models.Writer").replace('"User"', '"Writer"')
    text = text.replace('"users', '"writers').replace("user_posts", "writer_posts")
    text = text.replace('table = "writers"', 'table = "writers"\nrenamed_from = "User"', 1)
    rows = f"""{TWO} INSERT INTO posts (user_id) VALUES (1); INSERT INTO tags DEFAULT VALUES;
        INSERT INTO user_posts (user_id, post_id) VALUES (2, 1);
        INSERT INTO post_tags (post_id, tag_id) VALUES (1, 1);"""
    async with change(server, old, schema_of(text), rows) as done:
        assert "DROP" not in done.sql
        await done.run()
        assert await done.rows("SELECT name FROM writers ORDER BY id") == [("a",), ("b",)]
        assert await done.rows("SELECT writer_id, post_id FROM writer_posts") == [(2, 1)]
        sequence = "SELECT pg_get_serial_sequence('writers', 'id')"
        assert await done.value(sequence) == "public.writers_id_seq"
        assert await done.left(server) == []
        # The hint stays in the file until somebody removes it.
        assert state_text(done.new) != state_text(done.old)
    async with change(server, schema_of(text), schema_of(text)) as done:
        assert done.steps == []
        (warning,) = done.drafts.warnings
        assert "model Writer" in warning.message


async def test_comments_schemas_and_extensions_come_in_order(server: Server) -> None:
    more = """
[schemas.audit]
comment = "who did what"
[models.Entry]
schema = "audit"
table = "entries"
comment = "what was done"
[models.Entry.columns]
id = { type = "bigint", primary_key = true }
user_id = { type = "bigint", foreign_key = "users.id", comment = "who" }
"""
    async with change(server, schema_of(NAMED), schema_of(NAMED + more), TWO) as done:
        await done.run()
        assert await done.left(server) == []


async def test_tables_in_a_circle_of_keys_come_and_go(server: Server) -> None:
    circle = """
[models.A]
table = "a"
[models.A.columns]
id = { type = "bigint", primary_key = true }
b_id = { type = "bigint?", foreign_key = "b.id" }
[models.B]
table = "b"
[models.B.columns]
id = { type = "bigint", primary_key = true }
a_id = { type = "bigint?", foreign_key = "a.id" }
"""
    old, new = schema_of(NAMED), schema_of(NAMED + circle)
    async with change(server, old, new, TWO) as done:
        (step,) = done.steps
        assert step.mode == "transaction"
        await done.run()
        assert await done.left(server) == []
    assert len(await refusals(server, new, old)) == 2
    async with change(server, new, old, TWO, drops=["a", "b"]) as done:
        assert [each.phase for each in done.drafts.drafts] == ["contract"]
        assert "CASCADE" not in done.sql
        await done.run()
        assert await done.left(server) == []


async def test_a_column_goes_in_two_phases(server: Server) -> None:
    text = USERS + 'bio = "text"\n'
    old, new = schema_of(text), schema_of(USERS)
    ((message, remedy),) = await refusals(server, old, new)
    assert "users.bio" in message
    assert remedy == "pass --drop users.bio"
    rows = "INSERT INTO users (bio) VALUES ('x');"
    async with change(server, old, new, rows, drops=["users.bio"]) as done:
        expand, contract = done.drafts.drafts
        assert "DROP NOT NULL" in expand.steps[0].sql
        assert "DROP COLUMN" in contract.steps[0].sql
        await done.run(expand.steps)
        # Programs of before and of after write rows in between.
        await done.connection.execute("INSERT INTO users (bio) VALUES ('y')")
        await done.connection.execute("INSERT INTO users DEFAULT VALUES")
        assert await done.value("SELECT count(bio) FROM users") == 2
        await done.run(contract.steps)
        assert await done.left(server) == []
    retired = schema_of(USERS + "bio = { type = 'text', retired = true }\n")
    async with change(server, old, retired, rows) as done:
        (step,) = done.steps
        assert "DROP NOT NULL" in step.sql
    async with change(server, retired, new, drops=["users.bio"]) as done:
        assert [each.phase for each in done.drafts.drafts] == ["contract"]


VIEW = """-- object: view public.known
CREATE VIEW public.known AS SELECT id, code FROM public.users;
COMMENT ON VIEW public.known IS 'who is known';
"""
ABOVE = """-- object: view public.names
CREATE VIEW public.names AS SELECT code FROM public.known;
"""


async def test_a_view_over_a_column_that_changes_comes_back_with_its_rights(
    server: Server,
) -> None:
    old = schema_of(USERS + 'code = "varchar(10)"\n', VIEW, ABOVE)
    new = schema_of(USERS + 'code = "text"\n', VIEW, ABOVE)
    rows = "INSERT INTO users (code) VALUES ('a'); GRANT SELECT ON known TO PUBLIC; "
    rows += "GRANT SELECT (code) ON names TO PUBLIC;"
    async with change(server, old, new, rows) as done:
        (step,) = done.steps
        assert step.mode == "transaction"
        rights = "SELECT relacl::text FROM pg_class WHERE relname = 'known'"
        before = await done.value(rights)
        await done.run()
        assert await done.value(rights) == before
        assert await done.value("SELECT obj_description('known'::regclass)") == "who is known"
        assert await done.value("SELECT has_column_privilege('public', 'names', 'code', 'SELECT')")
        assert await done.rows("SELECT code FROM names") == [("a",)]
        assert await done.left(server) == []


POLICY = """-- object: policy own on users
CREATE POLICY own ON users USING (id > %s);
"""
FUNCTION = """-- object: function public.touched()
CREATE FUNCTION public.touched() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
"""
TRIGGER = """-- object: trigger touch on users
CREATE TRIGGER touch BEFORE %s ON users FOR EACH ROW EXECUTE FUNCTION public.touched();
"""


async def test_policies_and_triggers_are_replaced_in_one_transaction(server: Server) -> None:
    secured = NAMED.replace('"users"', '"users"\nrow_level_security = "enabled"')
    old = schema_of(secured, POLICY % 0, FUNCTION, TRIGGER % "UPDATE")
    new = schema_of(secured, POLICY % 1, FUNCTION, TRIGGER % "INSERT OR UPDATE")
    async with change(server, old, new, TWO) as done:
        assert [step.mode for step in done.steps] == ["transaction"]
        assert "ROW LEVEL SECURITY" not in done.sql
        await done.run()
        assert await done.left(server) == []


async def test_two_columns_swap_their_names(server: Server) -> None:
    pair = 'a = { type = "text?"%s }\nb = { type = "text?"%s }\n'
    old = schema_of(USERS + pair % ("", ""))
    hints = ', renamed_from = "b"', ', renamed_from = "a"'
    rows = "INSERT INTO users (a, b) VALUES ('was a', 'was b');"
    new = schema_of(USERS + pair % hints)
    for wanted, flags in (
        (new, {}),
        (old, {"renames": [("users.a", "users.b"), ("users.b", "users.a")]}),
        (schema_of(USERS + pair % (', column = "b"', ', column = "a"')), {}),
    ):
        async with change(server, old, wanted, rows, **flags) as done:
            (step,) = done.steps
            assert step.sql.count("RENAME COLUMN") == 3
            await done.run()
            assert await done.rows("SELECT a, b FROM users") == [("was b", "was a")]
            assert await done.left(server) == []
    # The hints are done with, and do not swap the names back.
    async with change(server, new, new) as done:
        assert done.steps == []
        assert len(done.drafts.warnings) == 2


async def test_a_name_passes_on_and_something_new_gets_it(server: Server) -> None:
    old = schema_of(USERS + 'a = { type = "text?", unique = true }\n')
    new = schema_of(
        USERS + 'b = { type = "text?", unique = true, renamed_from = "a" }\na = "int?"\n'
    )
    async with change(server, old, new, "INSERT INTO users (a) VALUES ('x');") as done:
        await done.run()
        assert await done.rows("SELECT a, b FROM users") == [(None, "x")]
        assert await done.left(server) == []


async def test_a_name_of_what_goes_is_free_for_something_that_stays(server: Server) -> None:
    old = schema_of(USERS + 'a = "text?"\nb = "text?"\n')
    new = schema_of(USERS + 'b = { type = "text?", renamed_from = "a" }\n')
    rows = "INSERT INTO users (a, b) VALUES ('x', 'y');"
    async with change(server, old, new, rows, drops=["users.b"]) as done:
        expand, contract = done.drafts.drafts
        await done.run(expand.steps)
        assert await done.rows("SELECT b, b_old FROM users") == [("x", "y")]
        await done.run(contract.steps)
        assert await done.left(server) == []


async def test_two_tables_swap_their_names(server: Server) -> None:
    text = """
[models.{}]
table = "{}"
[models.{}.columns]
id = {{ type = "bigint", primary_key = true }}
note = {{ type = "text?", unique = true }}
"""
    one, two = text.format("A", "a", "A"), text.format("B", "b", "B")
    swapped = text.format("A", "b", "A") + text.format("B", "a", "B")
    rows = "INSERT INTO a (note) VALUES ('in a'); INSERT INTO b (note) VALUES ('in b');"
    async with change(server, schema_of(one + two), schema_of(swapped), rows) as done:
        assert "DROP" not in done.sql
        await done.run()
        assert await done.rows("SELECT note FROM a") == [("in b",)]
        assert await done.left(server) == []


async def test_a_way_back_is_there_where_it_loses_nothing(server: Server) -> None:
    old = schema_of(INDEXED + 'columns = ["name"]\n')
    text = INDEXED.replace("name =", "title =", 1).replace(
        '"text?"\nmail', '{ type = "text?", renamed_from = "name" }\nmail'
    )
    new = schema_of(text + 'columns = ["title", "mail"]\n')
    async with change(server, old, new, TWO, with_way_back=True) as done:
        assert done.drafts.drafts[0].down is not None
        await done.run()
        await done.take_back()
        assert await done.rows("SELECT name FROM users ORDER BY id") == [("a",), ("b",)]
        done.new = old
        assert await done.left(server) == []
    more = schema_of(NAMED + 'bio = "text?"\n')
    async with change(server, schema_of(NAMED), more, with_way_back=True) as done:
        assert done.drafts.drafts[0].down is None


async def test_a_key_of_a_larger_type_takes_its_sequence_along(server: Server) -> None:
    old = schema_of(NAMED.replace('type = "bigint"', 'type = "int"'))
    assert old != schema_of(NAMED)
    consents = {"consents": ("rewrite:users",)}
    async with change(server, old, schema_of(NAMED), TWO, **consents) as done:
        await done.run()
        assert await done.left(server) == []
        largest = await done.value(
            "SELECT max_value FROM pg_sequences WHERE sequencename = 'users_id_seq'"
        )
        assert largest == 2**63 - 1
