"""Shapes: what queries have in common that differ in nothing but their values, as a tree.

A query that was built by the same calls as another one before it arrives at the same place, and
finds the statement of that one there: it needs no conditions, no key and no text of its own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable
from typing import Any

from ..models.table import Table
from ..sql.ordering import Order
from .statement import Statement

#: How many places a tree has at most; it then grows anew from its root.
LIMIT = 4096


class Shape:
    """A place in the tree of the queries of one model: where these calls lead to."""

    __slots__ = ("_root", "_size", "beyond", "moments", "order", "statements")

    def __init__(self, root: Shape | None = None) -> None:
        self._root = root
        self._size = 0
        #: Where each further call leads to.
        self.beyond: dict[Hashable, Shape] = {}
        #: What such queries ask ("rows", "count", "exists"), and the statement that asks it.
        self.statements: dict[str, Statement] = {}
        #: The keywords of the last call whose values have to have a time zone.
        self.moments: tuple[str, ...] = ()
        #: The order of such queries, where the last call was for one.
        self.order: tuple[Order[Any], ...] = ()

    def then(self, call: Hashable) -> Shape:
        """Return where this call leads to from here."""
        found = self.beyond.get(call)
        if found is None:
            root = self._root or self
            if root._size >= LIMIT:
                root.beyond.clear()
                root._size = 0
            root._size += 1
            found = self.beyond[call] = Shape(root)
        return found


#: Where the queries of each model begin.
ROOTS: defaultdict[Table, Shape] = defaultdict(Shape)
