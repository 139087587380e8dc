"""The order in which DDL creates tables and other objects: what is needed comes first."""

from __future__ import annotations

from collections.abc import Iterator

from ormkit_gen.ddl.dependencies import Dependencies, Item, Node
from ormkit_gen.ir import Schema


def creation_order(schema: Schema) -> list[Item]:
    """Return tables and SQL objects so that each follows what it needs.

    Ties are ordered by kind, then by name. In a circle of foreign keys, one key references a later
    table, and its constraint must be added after both tables are created.
    """
    return list(_Order(Dependencies(schema).nodes).items())


class _Order:
    """Orders nodes depth first, along their dependencies."""

    def __init__(self, nodes: dict[str, Node]) -> None:
        self._nodes = nodes
        self._needed: dict[str, frozenset[str]] = {}

    def items(self) -> Iterator[Item]:
        """Yield what to create, in order."""
        done: set[str] = set()
        for root in sorted(self._nodes.values(), key=_rank_and_name):
            if root.label in done:
                continue
            path = {root.label}
            stack: list[tuple[Node, Iterator[str]]] = [(root, iter((*root.hard, *root.soft)))]
            while stack:
                node, needs = stack[-1]
                need = next(
                    (each for each in needs if each not in done and not self._waits(each, path)),
                    None,
                )
                if need is None:
                    yield node.item
                    done.add(node.label)
                    path.discard(node.label)
                    stack.pop()
                else:
                    path.add(need)
                    child = self._nodes[need]
                    stack.append((child, iter((*child.hard, *child.soft))))

    def _waits(self, label: str, path: set[str]) -> bool:
        """Return whether something needs what is not created yet, so that it cannot come first."""
        return label in path or not path.isdisjoint(self._all_needed(label))

    def _all_needed(self, label: str) -> frozenset[str]:
        """Return the labels of everything that has to exist before something."""
        if label not in self._needed:
            found: set[str] = set()
            waiting = list(self._nodes[label].hard)
            while waiting:
                each = waiting.pop()
                if each not in found:
                    found.add(each)
                    waiting += self._nodes[each].hard
            self._needed[label] = frozenset(found)
        return self._needed[label]


def _rank_and_name(node: Node) -> tuple[int, str]:
    return node.rank, getattr(node.item, "name", node.label)
