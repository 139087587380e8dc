"""schema.sql as a whole: its order, its enums and comments, and that it may run again."""

from __future__ import annotations

from pathlib import Path

import pytest

from ormkit_gen.ddl.schema import schema_sql
from ormkit_gen.ir import Index, IndexElement, Model
from ormkit_gen.schema import load
from tests.definitions import column, enum, foreign_key, key, model, schema
from tests.golden_files import Golden
from tests.ormkit_gen.ddl.conftest import Apply
from tests.servers import Server

ROOT = Path(__file__).parents[3]
SCHEMAS = ROOT / "schemas"
#: The schemas that the embedded server has all extensions for.
EMBEDDABLE = sorted(each.name for each in SCHEMAS.glob("*.toml") if each.stem != "extensions")
HOSTILE = 'it\'s "odd" \\ \n$$ $do1$ %s {{ é */ ; --'


def test_the_blogs_ddl_reads_as_if_typed(golden: Golden) -> None:
    loaded = load([ROOT / "schemas/blog.toml"], ROOT)
    golden.check("ddl/blog.sql", schema_sql(loaded.schema))


@pytest.mark.parametrize("file", EMBEDDABLE)
def test_a_schema_file_makes_every_table_and_column(apply: Apply, file: str) -> None:
    described = load([SCHEMAS / file], ROOT).schema
    database = apply(described)
    found = database.rows(
        "SELECT table_schema, table_name, column_name FROM information_schema.columns "
        "WHERE table_schema NOT IN ('pg_catalog', 'information_schema')"
    )
    assert sorted(found) == sorted(
        (each.schema or "public", each.table, column.db_name)
        for each in described.models
        for column in each.columns
    )
    names = {name for name in database.constraints() if not name.endswith("_pkey")}
    assert names == {name for each in described.models for name in constraint_names(each)}


def constraint_names(model: Model) -> list[str]:
    """Return the names of a model's constraints but its primary key."""
    names = [key.name for key in model.foreign_keys]
    names += [unique.name for unique in model.uniques]
    names += [check.name for check in model.checks]
    return names + [exclude.name for exclude in model.excludes]


@pytest.mark.parametrize(
    "file", sorted({each.name for each in SCHEMAS.glob("*.toml")} - {*EMBEDDABLE})
)
def test_a_schema_file_that_needs_contrib_runs_where_it_is(
    contrib_server: Server, file: str
) -> None:
    described = load([SCHEMAS / file], ROOT).schema
    with contrib_server.database() as url:
        for _ in range(2):
            contrib_server.run_script(url, schema_sql(described))
        found = contrib_server.fetch(url, "SELECT conname FROM pg_constraint WHERE conrelid <> 0")
    names = {name for each in described.models for name in constraint_names(each)}
    assert names <= {name for (name,) in found}


def test_an_empty_schema_has_no_statements() -> None:
    assert schema_sql(schema()).strip() == ""


def test_enums_keep_their_labels_in_order(apply: Apply) -> None:
    labels = ["z", HOSTILE, "it's", "a" * 63, "", "m"]
    database = apply(schema(enums=(enum("Mood", *labels, schema="my types", comment=HOSTILE),)))
    found = database.rows(
        "SELECT enumlabel FROM pg_enum JOIN pg_type t ON t.oid = enumtypid "
        "WHERE typnamespace = '\"my types\"'::regnamespace ORDER BY enumsortorder"
    )
    assert [label for (label,) in found] == labels
    assert database.rows("SELECT obj_description('\"my types\".mood'::regtype, 'pg_type')") == [
        (HOSTILE,)
    ]


def test_comments_are_kept_to_the_letter(apply: Apply) -> None:
    database = apply(
        schema(model("Item", key(), column("a", "text", comment=HOSTILE), comment=HOSTILE * 2))
    )
    found = database.rows(
        "SELECT obj_description('item'::regclass), col_description('item'::regclass, 2)"
    )
    assert found == [(HOSTILE * 2, HOSTILE)]


def test_tables_that_point_at_each_other_get_all_their_keys(apply: Apply) -> None:
    """A ring of three, whose closing key is added when all tables are there."""
    ring = [
        model(
            name,
            key(),
            column("next_id", "bigint", is_nullable=True),
            foreign_keys=(foreign_key("next_id", target, name=f"{name} $$ to {target}"),),
        )
        for name, target in (("A", "B"), ("B", "C"), ("C", "A"))
    ]
    database = apply(schema(*ring))
    found = {name: text for name, text in database.constraints().items() if " to " in name}
    assert found == {
        "A $$ to B": "FOREIGN KEY (next_id) REFERENCES b(id)",
        "B $$ to C": "FOREIGN KEY (next_id) REFERENCES c(id)",
        "C $$ to A": "FOREIGN KEY (next_id) REFERENCES a(id)",
    }


def test_a_table_may_point_at_itself(apply: Apply) -> None:
    reference = foreign_key("parent_id", "Node")
    node = model("Node", key(), column("parent_id", "bigint"), foreign_keys=(reference,))
    database = apply(schema(node))
    assert "ALTER TABLE" not in schema_sql(schema(node))
    assert "parent_id_fkey" in database.constraints()


def test_a_table_may_point_at_a_unique_index_of_its_own(apply: Apply) -> None:
    """The index is made after the table, so the key waits for it."""
    code = IndexElement(column="code")
    node = model(
        "Node",
        key(),
        column("code", "text"),
        column("parent", "text"),
        foreign_keys=(foreign_key("parent", "Node", target_columns=("code",)),),
        indexes=(Index(name="node_code", elements=(code,), is_unique=True),),
    )
    assert "parent_fkey" in apply(schema(node)).constraints()


def test_a_table_may_point_at_a_unique_index_of_another(apply: Apply) -> None:
    parent = model(
        "Zone",
        key(),
        column("code", "text"),
        indexes=(Index(name="zone_code", elements=(IndexElement(column="code"),), is_unique=True),),
    )
    child = model(
        "Area",
        key(),
        column("zone", "text"),
        foreign_keys=(foreign_key("zone", "Zone", target_columns=("code",)),),
    )
    assert "zone_fkey" in apply(schema(parent, child)).constraints()


def test_a_second_run_leaves_rows_and_tables_as_they_are(apply: Apply) -> None:
    described = schema(model("Item", key(), column("a", "text", default="x")))
    database = apply(described)
    database.run("INSERT INTO item DEFAULT VALUES; ALTER TABLE item ADD COLUMN mine text")
    database.run(schema_sql(described))
    assert database.rows("SELECT id, a, mine FROM item") == [(1, "x", None)]
