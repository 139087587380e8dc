"""CREATE TABLE: each feature is created on a server and read back from its catalogs."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import get_args

import pytest

from ormkit_gen.ddl.schema import schema_sql
from ormkit_gen.ir import Action, Check, Column, DefaultValue, Exclude, IndexElement, Unique
from ormkit_gen.postgres.types import BASE_TYPES
from tests.definitions import column, enum, foreign_key, key, model, schema
from tests.ormkit_gen.ddl.conftest import Apply

#: PostgreSQL and the code say the same on every interpreter.
pytestmark = pytest.mark.one_interpreter

#: What format_type() calls the types whose names are other words for it.
WORDS = {
    "char": "character",
    "varchar": "character varying",
    "timestamp": "timestamp without time zone",
    "timestamptz": "timestamp with time zone",
    "time": "time without time zone",
    "timetz": "time with time zone",
    "varbit": "bit varying",
}


def test_every_type_is_the_servers_own(apply: Apply) -> None:
    """Scalars and arrays of all types that the embedded server has."""
    names = [name for name, type_ in BASE_TYPES.items() if type_.extension != "citext"]
    columns = [column(f"c{place}", name) for place, name in enumerate(names)]
    arrays = [column(f"a{place}", f"{name}[]") for place, name in enumerate(names)]
    database = apply(schema(model("Everything", key(), *columns, *arrays)))
    found = database.columns("everything")
    lengths = {"char": "(1)", "bit": "(1)"}
    for place, name in enumerate(names):
        expected = WORDS.get(name, name) + lengths.get(name, "")
        assert (found[f"c{place}"][0], found[f"a{place}"][0]) == (expected, f"{expected}[]")


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("varchar(100)", "character varying(100)"),
        ("char(3)", "character(3)"),
        ("numeric(10,2)", "numeric(10,2)"),
        ("numeric(10)[]", "numeric(10,0)[]"),
        ("timestamptz(3)", "timestamp(3) with time zone"),
        ("timetz(0)", "time(0) with time zone"),
        ("timestamp(6)", "timestamp(6) without time zone"),
        ("interval(2)", "interval(2)"),
        ("bit(8)", "bit(8)"),
        ("varbit(8)", "bit varying(8)"),
        ("vector(3)", "vector(3)"),
        ("integer[][]", "integer[]"),
    ],
)
def test_modifiers_are_kept(apply: Apply, written: str, found: str) -> None:
    database = apply(schema(model("Item", key(), column("value", written))))
    assert database.columns("item")["value"][0] == found


def test_columns_take_null_only_where_they_say_so(apply: Apply) -> None:
    database = apply(
        schema(model("Item", key(), column("a", "text"), column("b", "text", is_nullable=True)))
    )
    columns = database.columns("item")
    assert {name: is_nullable for name, (_, is_nullable, _) in columns.items()} == {
        "id": False,
        "a": False,
        "b": True,
    }


@pytest.mark.parametrize(
    ("type_", "value", "read_back"),
    [
        ("boolean", True, True),
        ("smallint", -32768, -32768),
        ("bigint", -9223372036854775808, -9223372036854775808),
        ("double precision", 5e-324, 5e-324),
        ("double precision", 1.7976931348623157e308, 1.7976931348623157e308),
        ("double precision", 0.1, 0.1),
        ("real", float("-inf"), float("-inf")),
        ("text", "", ""),
        ("text", 'it\'s a \\ 100% $$ {{ é\n"quoted"', 'it\'s a \\ 100% $$ {{ é\n"quoted"'),
        ("text", "now()", "now()"),
        ("varchar(5)", "abcde", "abcde"),
        ("date", dt.date(1, 1, 1), dt.date(1, 1, 1)),
        ("date", dt.date(9999, 12, 31), dt.date(9999, 12, 31)),
        ("time", dt.time(23, 59, 59, 999999), dt.time(23, 59, 59, 999999)),
        (
            "timestamptz",
            dt.datetime(2024, 2, 29, 12, 0, 0, 1, dt.timezone(dt.timedelta(hours=5.5))),
            dt.datetime(2024, 2, 29, 6, 30, 0, 1, dt.UTC),
        ),
        ("timestamp", dt.datetime(2024, 1, 1, 0, 0), dt.datetime(2024, 1, 1, 0, 0)),
        ("jsonb", {}, "{}"),
        ("jsonb", [], "[]"),
        ("jsonb", {"it's": ["\\", None, 1.5, True]}, """{"it's": ["\\\\", null, 1.5, true]}"""),
        ("jsonb", "text", '"text"'),
        ("json", False, "false"),
        ("text[]", [], []),
        ("text[]", ["a", "it's", None, "{,}"], ["a", "it's", None, "{,}"]),
        ("integer[][]", [[1, 2], [3, 4]], [[1, 2], [3, 4]]),
        ("boolean[]", [True, False], [True, False]),
        ("jsonb[]", [[1], {"a": 2}], ["[1]", '{"a": 2}']),
        ("double precision[]", [float("inf"), 1.5], [float("inf"), 1.5]),
        ("date[]", [dt.date(2024, 1, 1)], [dt.date(2024, 1, 1)]),
        ("Mood", "it's fine", "it's fine"),
        ("Mood[]", ["so-so", "it's fine"], ["so-so", "it's fine"]),
    ],
)
def test_a_constant_default_is_what_a_new_row_holds(
    apply: Apply, type_: str, value: DefaultValue, read_back: object
) -> None:
    moods = enum("Mood", "so-so", "it's fine")
    database = apply(
        schema(model("Item", key(), column("value", type_, default=value)), enums=(moods,))
    )
    assert database.rows("INSERT INTO item DEFAULT VALUES RETURNING value") == [(read_back,)]


def test_json_stands_in_the_file_as_people_read_it() -> None:
    """Letters beyond ASCII are not escaped."""
    described = schema(model("Item", key(), column("value", "jsonb", default={"é": "ж"})))
    assert """value jsonb NOT NULL DEFAULT '{"é": "ж"}'""" in schema_sql(described)


def test_null_and_not_a_number_are_defaults_too(apply: Apply) -> None:
    """And so is negative zero, which a bare constant would lose."""
    database = apply(
        schema(
            model(
                "Item",
                key(),
                column("nothing", "text", default=None, is_nullable=True),
                column("nan", "real", default=float("nan")),
                column("zero", "double precision", default=-0.0),
            )
        )
    )
    rows = database.rows("INSERT INTO item DEFAULT VALUES RETURNING nothing, nan::text, zero::text")
    assert rows == [(None, "NaN", "-0")]


@pytest.mark.parametrize(
    ("type_", "expression"),
    [
        ("timestamptz", "now()"),
        ("timestamp", "now() AT TIME ZONE 'utc'"),
        ("timestamptz", "CURRENT_TIMESTAMP"),
        ("boolean", "1 IN (1, 2)"),
        ("boolean", "NOT true"),
        ("text", "'it''s' || 'so' -- concatenated"),
        ("text", "  'padded'\n"),
        ("integer", "1 +\n    2"),
        ("uuid", "gen_random_uuid()"),
        ("text", "'a'::varchar COLLATE \"C\""),
        ("bytea", "'\\x00ff'"),
    ],
)
def test_a_default_may_be_any_expression(apply: Apply, type_: str, expression: str) -> None:
    """Also one that DEFAULT takes between parentheses only, or that ends in a comment."""
    database = apply(
        schema(model("Item", key(), column("value", type_, server_default=expression)))
    )
    ((value,),) = database.rows("INSERT INTO item DEFAULT VALUES RETURNING value")
    assert value is not None


def test_identity_columns_are_by_default_or_always(apply: Apply) -> None:
    database = apply(
        schema(
            model("Loose", key()),
            model("Strict", column("id", "integer", is_primary_key=True, identity="always")),
        )
    )
    found = dict(
        database.rows(
            "SELECT table_name, identity_generation FROM information_schema.columns "
            "WHERE column_name = 'id' AND table_schema = 'public'"
        )
    )
    assert found == {"loose": "BY DEFAULT", "strict": "ALWAYS"}


def test_generated_columns_are_stored(apply: Apply) -> None:
    """PostgreSQL 18 would take VIRTUAL where nothing is said."""
    doubled = column("doubled", "integer", generated="value * 2 -- twice")
    database = apply(schema(model("Item", key(), column("value", "integer"), doubled)))
    assert database.rows("INSERT INTO item (value) VALUES (4) RETURNING doubled") == [(8,)]
    assert database.rows(
        "SELECT attgenerated::text FROM pg_attribute WHERE attname = 'doubled'"
    ) == [("s",)]


def test_primary_keys_have_their_columns_in_the_keys_order(apply: Apply) -> None:
    first = column("first", "text", is_primary_key=True)
    second = column("second", "text", is_primary_key=True)
    database = apply(
        schema(
            model("Pair", first, second, primary_key=("second", "first")),
            model("Natural", column("code", "char(2)", is_primary_key=True)),
        )
    )
    constraints = database.constraints()
    assert constraints["pair_pkey"] == "PRIMARY KEY (second, first)"
    assert constraints["natural_pkey"] == "PRIMARY KEY (code)"


def test_unique_and_check_constraints_bear_their_names(apply: Apply) -> None:
    database = apply(
        schema(
            model(
                "Item",
                key(),
                column("a", "integer", is_nullable=True),
                column("class_", "integer", db_name="class"),
                uniques=(
                    Unique(name="one", columns=("a",)),
                    Unique(name="two", columns=("class_", "a"), nulls_not_distinct=True),
                ),
                checks=(Check(name="Positive!", expression="class > 0 -- as usual"),),
            )
        )
    )
    constraints = database.constraints()
    assert constraints["one"] == "UNIQUE (a)"
    assert constraints["two"] == "UNIQUE NULLS NOT DISTINCT (class, a)"
    assert constraints["Positive!"] == "CHECK ((class > 0))"


def test_exclude_constraints_take_columns_and_expressions(apply: Apply) -> None:
    during = IndexElement(expression="tsrange(starts, ends)")
    exclude = Exclude(name="no_overlap", elements=((during, "&&"),), where="ends IS NOT NULL")
    ranges = Exclude(name="same", elements=((IndexElement(column="span"), "="),), method="gist")
    database = apply(
        schema(
            model(
                "Booking",
                key(),
                column("starts", "timestamp"),
                column("ends", "timestamp", is_nullable=True),
                column("span", "int4range"),
                excludes=(exclude, ranges),
            )
        )
    )
    constraints = database.constraints()
    assert constraints["no_overlap"] == (
        "EXCLUDE USING gist (tsrange(starts, ends) WITH &&) WHERE ((ends IS NOT NULL))"
    )
    assert constraints["same"] == "EXCLUDE USING gist (span WITH =)"


@pytest.mark.parametrize("action", get_args(Action))
def test_foreign_keys_do_what_they_say_on_delete_and_update(apply: Apply, action: Action) -> None:
    columns = [column(name, "bigint", is_nullable=True) for name in ("a", "b")]
    keys = (
        foreign_key("a", "Parent", on_delete=action),
        foreign_key("b", "Parent", on_update=action),
    )
    database = apply(
        schema(model("Child", key(), *columns, foreign_keys=keys), model("Parent", key()))
    )
    constraints = database.constraints()
    for name, event in (("a", "DELETE"), ("b", "UPDATE")):
        clause = "" if action == "no action" else f" ON {event} {action.upper()}"
        expected = f"FOREIGN KEY ({name}) REFERENCES parent(id){clause}"
        assert constraints[f"{name}_fkey"] == expected


@pytest.mark.parametrize(
    ("deferrable", "deferred", "clause"),
    [
        (False, False, ""),
        (True, False, " DEFERRABLE"),
        (True, True, " DEFERRABLE INITIALLY DEFERRED"),
        (False, True, " DEFERRABLE INITIALLY DEFERRED"),
    ],
)
def test_foreign_keys_can_wait_for_the_commit(
    apply: Apply, deferrable: bool, deferred: bool, clause: str
) -> None:
    """What is deferred from the start is deferrable."""
    reference = foreign_key(
        "id", "Parent", is_deferrable=deferrable, is_initially_deferred=deferred
    )
    database = apply(
        schema(model("Child", key(), foreign_keys=(reference,)), model("Parent", key()))
    )
    expected = f"FOREIGN KEY (id) REFERENCES parent(id){clause}"
    assert database.constraints()["id_fkey"] == expected


def test_foreign_keys_span_columns_and_schemas(apply: Apply) -> None:
    first, second = (column(name, "text", is_primary_key=True) for name in ("a", "b"))
    reference = foreign_key("x", "Pair", columns=("x", "y"), target_columns=("b", "a"))
    database = apply(
        schema(
            model(
                "Pair",
                first,
                second,
                schema="other",
                uniques=(Unique(name="ba", columns=("b", "a")),),
            ),
            model("Child", key(), *texts("x", "y"), foreign_keys=(reference,), schema="Mine"),
        )
    )
    assert database.constraints()["x_fkey"] == "FOREIGN KEY (x, y) REFERENCES other.pair(b, a)"
    assert database.columns('"Mine".child')["x"][0] == "text"


def texts(*names: str) -> list[Column]:
    return [column(name, "text") for name in names]


def test_names_may_hold_anything(apply: Apply) -> None:
    """Tables, columns, constraints and schemas, in every place where a name stands."""
    odd = "a \"b\" \\ \n$$ %s {{ é 'c'; --"
    owner = model(
        "Owner",
        replace(key(), db_name=odd),
        column("value", "integer", db_name=f"{odd}2"),
        table=odd,
        schema=f"{odd}3",
        checks=(Check(name=f"{odd}4", expression="true"),),
        uniques=(Unique(name=f"{odd}5", columns=("value",)),),
        comment=odd,
    )
    pet = model(
        "Pet", key(), column("owner_id", "bigint"), foreign_keys=(foreign_key("owner_id", "Owner"),)
    )
    database = apply(schema(owner, pet))
    assert {f"{odd}4", f"{odd}5"} <= set(database.constraints())
    found = database.rows(
        "SELECT table_schema, column_name FROM information_schema.columns "
        "WHERE table_name = $1 ORDER BY ordinal_position",
        odd,
    )
    assert found == [(f"{odd}3", odd), (f"{odd}3", f"{odd}2")]
