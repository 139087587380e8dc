"""Objects that a schema has as SQL: they are created in the right order, around the tables."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ormkit_gen.ddl.ordering import creation_order
from ormkit_gen.ir import Model, Schema
from ormkit_gen.schema import load
from tests.ormkit_gen.ddl.conftest import Apply

#: PostgreSQL and the code say the same on every interpreter.
pytestmark = pytest.mark.one_interpreter

SCHEMA = """
[models.User]
table = "users"

[models.User.columns]
id = { type = "bigint", primary_key = true }
name = { type = "text", server_default = "app_name('x')" }
words = { type = "tsvector?", generated = "to_tsvector('public.plain'::regconfig, name)" }

[[models.User.checks]]
expression = "is_fine(name)"

[models.Order.columns]
id = { type = "bigint", primary_key = true }
user_id = { type = "bigint", foreign_key = "users.id" }
"""
#: A first view by name that needs a later one, functions before and after the tables, and the rest.
FILES = {
    "view/a.sql": 'CREATE VIEW a AS SELECT "Late View".id FROM "Late View";',
    "view/late.sql": '-- object: view "Late View"\n'
    "CREATE VIEW \"Late View\" AS SELECT id, 'a; $$' AS text FROM users -- from a\n;",
    "materialized_view/totals.sql": "-- object: materialized view totals\n"
    "CREATE MATERIALIZED VIEW totals AS SELECT count(*) FROM first_users();\n"
    "CREATE UNIQUE INDEX totals_idx ON totals (count);\n"
    "COMMENT ON MATERIALIZED VIEW totals IS 'It''s all.';",
    "function/is_fine.sql": "CREATE FUNCTION is_fine(text) RETURNS boolean IMMUTABLE LANGUAGE sql "
    "AS $$ SELECT $1 <> (SELECT 'nobody' FROM \"Late View\" WHERE false) IS NOT FALSE $$;",
    "function/app_name.sql": "-- object: function app_name(text)\n"
    "CREATE OR REPLACE FUNCTION app_name(text) RETURNS text LANGUAGE sql AS $$ SELECT $1 $$;",
    "function/app_name2.sql": "-- object: function app_name(integer)\n"
    "CREATE FUNCTION app_name(integer) RETURNS text LANGUAGE sql AS $$ SELECT 'x' $$;",
    "function/first_users.sql": "CREATE FUNCTION first_users() RETURNS SETOF users STABLE "
    "LANGUAGE sql AS $$ SELECT * FROM public.users ORDER BY id LIMIT 10 $$;",
    "function/touched.sql": "CREATE FUNCTION touched() RETURNS trigger LANGUAGE plpgsql AS "
    "$body$ BEGIN RETURN NEW; END $body$;",
    "trigger/touch.sql": "-- object: trigger touch on users\n-- depends on: table users, "
    "function touched\nCREATE TRIGGER touch BEFORE UPDATE ON users FOR EACH ROW "
    "EXECUTE FUNCTION touched();",
    "rule/quiet.sql": "-- object: rule quiet on a\n"
    "CREATE RULE quiet AS ON INSERT TO a DO INSTEAD INSERT INTO users DEFAULT VALUES;",
    "policy/own.sql": "-- object: policy own on users\nCREATE POLICY own ON users USING (id > 0);",
    "aggregate/longest.sql": "-- object: aggregate longest(text)\n"
    "CREATE AGGREGATE longest(text) (SFUNC = longer, STYPE = text);",
    "function/longer.sql": "CREATE FUNCTION longer(text, text) RETURNS text IMMUTABLE "
    "LANGUAGE sql AS 'SELECT $2';",
    "text_search_configuration/plain.sql": "CREATE TEXT SEARCH CONFIGURATION plain "
    "(COPY = simple);",
    "type/pair.sql": "CREATE TYPE pair AS (one integer, other text);",
    "statistics/pairs.sql": "CREATE STATISTICS pairs ON id, name FROM users;",
    "publication/everything.sql": 'CREATE PUBLICATION everything FOR TABLE users, "order";',
    "event_trigger/watch.sql": "CREATE EVENT TRIGGER watch ON ddl_command_end "
    "EXECUTE FUNCTION watching();",
    "function/watching.sql": "CREATE FUNCTION watching() RETURNS event_trigger LANGUAGE plpgsql "
    "AS $$ BEGIN RAISE NOTICE 'seen'; END $$;",
}

Build = Callable[..., Schema]


@pytest.fixture
def build(tmp_path: Path) -> Build:
    """Reads a TOML text and files with SQL as a schema."""

    def built(text: str, files: dict[str, str]) -> Schema:
        (tmp_path / "schema.toml").write_text(text)
        for name, sql in files.items():
            (tmp_path / "sql" / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "sql" / name).write_text(sql)
        found = sorted(tmp_path.glob("sql/**/*.sql"))
        return load([tmp_path / "schema.toml"], tmp_path, (), found).schema

    return built


def order(schema: Schema) -> list[str]:
    return [
        each.table if isinstance(each, Model) else str(getattr(each, "label", ""))
        for each in creation_order(schema)
    ]


def test_everything_is_created_where_it_can_be_and_only_once(apply: Apply, build: Build) -> None:
    database = apply(build(SCHEMA, FILES))
    database.run("INSERT INTO users DEFAULT VALUES; UPDATE users SET name = 'y'")
    assert database.rows('SELECT id, text FROM "Late View"') == [(1, "a; $$")]
    assert database.rows("SELECT longest(name) FROM users") == [("y",)]
    assert database.rows("SELECT obj_description('totals'::regclass)") == [("It's all.",)]
    assert database.rows("SELECT tgname::text FROM pg_trigger WHERE NOT tgisinternal") == [
        ("touch",)
    ]
    assert database.rows("SELECT evtname::text FROM pg_event_trigger") == [("watch",)]
    assert database.rows("SHOW check_function_bodies") == [("on",)]


def test_names_in_the_text_decide_where_nothing_is_declared(build: Build) -> None:
    found = order(build(SCHEMA, FILES))
    assert found.index("function is_fine") < found.index("users")
    assert found.index("users") < found.index("function first_users")
    assert found.index('view "Late View"') < found.index("view a")
    assert found.index("function longer") < found.index("aggregate longest(text)")
    assert found[-1] == "event trigger watch"


def test_declared_dependencies_hold_against_names_in_the_text(build: Build) -> None:
    """A circle of names is broken where nothing is declared."""
    schema = build(
        SCHEMA,
        {
            **FILES,
            "view/b.sql": "-- depends on: view c\nCREATE VIEW b AS SELECT 1 AS a, 2 AS d;",
            "view/c.sql": "CREATE VIEW c AS SELECT 1 AS b FROM b;",
            "view/d.sql": "-- depends on: nothing\nCREATE VIEW d AS SELECT id AS c FROM a;",
        },
    )
    found = order(schema)
    assert found.index("view c") < found.index("view b")
    assert found.index("view a") < found.index("view b") < found.index("view d")


def test_a_function_is_named_with_its_arguments_or_without(build: Build) -> None:
    schema = build(
        SCHEMA,
        {
            **FILES,
            "cast/c.sql": "-- object: cast (pair AS text)\n-- depends on: type pair,"
            " function app_name(integer), function public.longer\nCREATE CAST;",
        },
    )
    found = order(schema)
    assert found.index("function app_name(integer)") < found.index("cast (pair AS text)")
    assert found.index("function longer") < found.index("cast (pair AS text)")


def test_an_object_may_need_the_sequence_of_a_serial_or_an_identity(build: Build) -> None:
    """The table that brings it comes first."""
    schema = build(
        """
        [models.Counted.columns]
        id = { type = "bigserial", primary_key = true }
        number = { type = "bigint", identity = { generated = "always", name = "numbers" } }
        """,
        {
            "function/a.sql": "-- object: function a()\n"
            "-- depends on: sequence counted_id_seq, sequence public.numbers\nCREATE FUNCTION a();",
        },
    )
    found = order(schema)
    assert found.index("counted") < found.index("function a()")
