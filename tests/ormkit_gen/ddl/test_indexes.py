"""CREATE INDEX: each feature is created on a server and read back from its catalogs."""

from __future__ import annotations

import pytest

from ormkit_gen.ir import Index, IndexElement
from tests.definitions import column, key, model, schema
from tests.ormkit_gen.ddl.conftest import Apply

A = IndexElement(column="a")
B = IndexElement(column="b")

CASES = {
    "columns": (Index(name="i", elements=(A, B)), "USING btree (a, b)"),
    "descending": (
        Index(name="i", elements=(IndexElement(column="a", is_descending=True),)),
        "USING btree (a DESC)",
    ),
    "nulls first": (
        Index(name="i", elements=(IndexElement(column="a", nulls="first"),)),
        "USING btree (a NULLS FIRST)",
    ),
    "descending, nulls last": (
        Index(name="i", elements=(IndexElement(column="a", is_descending=True, nulls="last"),)),
        "USING btree (a DESC NULLS LAST)",
    ),
    "operator class": (
        Index(name="i", elements=(IndexElement(column="b", opclass="text_pattern_ops"),)),
        "USING btree (b text_pattern_ops)",
    ),
    "function": (
        Index(name="i", elements=(IndexElement(expression="lower(b)"),)),
        "USING btree (lower(b))",
    ),
    "expression with everything": (
        Index(
            name="i",
            elements=(
                IndexElement(
                    expression="b || 'x' -- why not",
                    opclass="text_pattern_ops",
                    is_descending=True,
                    nulls="last",
                ),
            ),
        ),
        "USING btree (((b || 'x'::text)) text_pattern_ops DESC NULLS LAST)",
    ),
    "method": (
        Index(name="i", elements=(IndexElement(column="doc"),), method="gin"),
        "USING gin (doc)",
    ),
    "method and operator class": (
        Index(
            name="i",
            elements=(IndexElement(column="doc", opclass="jsonb_path_ops"),),
            method="gin",
        ),
        "USING gin (doc jsonb_path_ops)",
    ),
    "nearest neighbours": (
        Index(
            name="i",
            elements=(IndexElement(column="place", opclass="vector_l2_ops"),),
            method="hnsw",
        ),
        "USING hnsw (place vector_l2_ops)",
    ),
    "columns carried along": (
        Index(name="i", elements=(A,), include=("b", "class_")),
        "USING btree (a) INCLUDE (b, class)",
    ),
    "partial": (
        Index(name="i", elements=(A,), where="b = 'x' OR a > 1 -- some"),
        "USING btree (a) WHERE ((b = 'x'::text) OR (a > 1))",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_an_index_is_what_it_says(apply: Apply, case: str) -> None:
    index, definition = CASES[case]
    database = apply(
        schema(
            model(
                "Item",
                key(),
                column("a", "integer"),
                column("b", "text"),
                column("class_", "integer", db_name="class"),
                column("doc", "jsonb"),
                column("place", "vector(3)"),
                schema="stock",
                indexes=(index,),
            )
        )
    )
    assert database.indexes()["i"] == f"CREATE INDEX i ON stock.item {definition}"


def test_a_unique_index_keeps_doubles_out(apply: Apply) -> None:
    index = Index(name='Odd "name"', elements=(A,), is_unique=True, where="a > 0")
    database = apply(schema(model("Item", key(), column("a", "integer"), indexes=(index,))))
    assert database.indexes()['Odd "name"'] == (
        'CREATE UNIQUE INDEX "Odd ""name""" ON public.item USING btree (a) WHERE (a > 0)'
    )
