"""The extensions that types, operator classes and EXCLUDE constraints need."""

from __future__ import annotations

import pytest

from ormkit_gen.ddl.extensions import extensions
from ormkit_gen.ddl.schema import schema_sql
from ormkit_gen.ir import Exclude, Index, IndexElement, Model
from tests.definitions import column, enum, key, model, schema
from tests.servers import Server

MOOD = enum("Mood", "good", "bad")


def item(**options: object) -> Model:
    return model(
        "Item",
        key(),
        column("room", "integer"),
        column("name", "text"),
        column("mood", "Mood"),
        column("span", "tstzrange"),
        column("tags", "text[]"),
        column("doc", "jsonb"),
        column("words", "tsvector"),
        **options,
    )


def index(method: str, name: str, opclass: str | None = None) -> Index:
    element = IndexElement(column=name, opclass=opclass)
    return Index(name=f"{method}_{name}", elements=(element,), method=method)


def test_types_bring_their_extensions() -> None:
    described = model("Item", key(), column("a", "citext"), column("b", "vector(3)[]"))
    assert extensions(schema(described)) == ["citext", "vector"]


@pytest.mark.parametrize(
    ("elements", "needed"),
    [
        ([("room", "="), ("span", "&&")], ["btree_gist"]),
        ([("mood", "<>"), ("span", "&&")], ["btree_gist"]),
        ([("span", "=")], []),
        ([("span", "&&")], []),
    ],
)
def test_scalars_in_exclude_constraints_need_btree_gist(
    elements: list[tuple[str, str]], needed: list[str]
) -> None:
    pairs = tuple((IndexElement(column=name), operator) for name, operator in elements)
    described = item(excludes=(Exclude(name="x", elements=pairs),))
    assert extensions(schema(described, enums=(MOOD,))) == needed


@pytest.mark.parametrize(
    ("each", "needed"),
    [
        (index("btree", "room"), []),
        (index("gist", "room"), ["btree_gist"]),
        (index("gist", "span"), []),
        (index("gist", "words"), []),
        (index("gist", "name", "gist_trgm_ops"), ["pg_trgm"]),
        (index("gin", "name", "gin_trgm_ops"), ["pg_trgm"]),
        (index("gin", "room"), ["btree_gin"]),
        (index("gin", "mood"), ["btree_gin"]),
        (index("gin", "tags"), []),
        (index("gin", "doc"), []),
        (index("gin", "words"), []),
    ],
    ids=lambda each: each.name if isinstance(each, Index) else None,
)
def test_indexes_need_what_has_their_operator_class(each: Index, needed: list[str]) -> None:
    assert extensions(schema(item(indexes=(each,)), enums=(MOOD,))) == needed


def test_a_server_with_contrib_takes_them_all(contrib_server: Server) -> None:
    room, span = IndexElement(column="room"), IndexElement(column="span")
    described = schema(
        item(
            excludes=(Exclude(name="one_at_a_time", elements=((room, "="), (span, "&&"))),),
            indexes=(
                index("gist", "mood"),
                index("gin", "room"),
                index("gin", "name", "gin_trgm_ops"),
                index("gist", "name", "gist_trgm_ops"),
                index("gin", "tags"),
                index("gist", "words"),
            ),
        ),
        model("Person", key(), column("email", "citext"), column("others", "citext[]")),
        enums=(MOOD,),
    )
    with contrib_server.database() as url:
        for _ in range(2):
            contrib_server.run_script(url, schema_sql(described))
        found = contrib_server.fetch(url, "SELECT extname FROM pg_extension ORDER BY 1")
    assert [name for (name,) in found] == [
        "btree_gin",
        "btree_gist",
        "citext",
        "pg_trgm",
        "plpgsql",
    ]
