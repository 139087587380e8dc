"""The order of tables: parents first, ties by name, and cycles broken at one place."""

from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st

from ormkit_gen.ddl.ordering import creation_order
from ormkit_gen.ir import Model, Schema
from tests.definitions import foreign_key, key, model, schema


def models_of(graph: dict[str, list[str]]) -> list[Model]:
    return [
        model(name, key(), foreign_keys=tuple(foreign_key("id", target) for target in targets))
        for name, targets in graph.items()
    ]


def order_of(graph: dict[str, list[str]]) -> list[str]:
    return [each.name for each in creation_order(Schema(models=tuple(models_of(graph))))]


def test_parents_come_before_children() -> None:
    assert order_of({"A": ["C"], "B": ["A"], "C": []}) == ["C", "A", "B"]


def test_ties_go_by_name() -> None:
    assert order_of({"C": [], "A": [], "B": []}) == ["A", "B", "C"]


def test_a_cycle_is_entered_at_its_first_name() -> None:
    """A waits for B, and B for C; only the key from C to A points forward."""
    assert order_of({"A": ["B"], "B": ["C"], "C": ["A"]}) == ["C", "B", "A"]


@given(
    st.integers(1, 12).flatmap(
        lambda count: st.lists(st.sets(st.integers(0, count - 1)), min_size=count, max_size=count)
    )
)
def test_without_cycles_no_key_points_forward(edges: list[set[int]]) -> None:
    """And with them, every model still comes exactly once."""
    names = [f"M{place:02}" for place in range(len(edges))]
    order = order_of(
        {names[at]: [names[to] for to in sorted(each)] for at, each in enumerate(edges)}
    )
    assert sorted(order) == names
    downward = {names[at]: [names[to] for to in each if to > at] for at, each in enumerate(edges)}
    places = {name: place for place, name in enumerate(order_of(downward))}
    assert all(places[to] < places[at] for at, targets in downward.items() for to in targets)


def test_a_thousand_models_are_ordered_at_once() -> None:
    """A chain as deep as it is long, closed to a ring, and each pointing at all of ten others."""
    count = 1000
    names = [f"M{place:04}" for place in range(count)]
    graph = {
        name: [
            names[(place + 1) % count],
            *(names[(place * 7 + step) % count] for step in range(10)),
        ]
        for place, name in enumerate(names)
    }
    models = schema(*models_of(graph))
    started = time.process_time()
    assert len(creation_order(models)) == count
    assert time.process_time() - started < 1
