"""The shape cache: a tree that maps the calls which built a query to its prepared SQL.

Queries that differ only in their values have the same shape. A query built by the same calls as an
earlier one finds that one's statement, without creating conditions, keys or SQL.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable
from typing import Any

from ..models.table import Table
from ..sql.ordering import Order
from .statement import Statement

#: How many nodes a tree has at most. A full tree is cleared.
LIMIT = 4096


class Shape:
    """A node of the tree of one model: the queries that were built by the same calls."""

    __slots__ = ("_root", "_size", "beyond", "moments", "order", "statements")

    def __init__(self, root: Shape | None = None) -> None:
        self._root = root
        self._size = 0
        #: The node of each further call.
        self.beyond: dict[Hashable, Shape] = {}
        #: The statements for "rows", "count" and "exists".
        self.statements: dict[str, Statement] = {}
        #: The keywords of the last call whose values must have a time zone.
        self.moments: tuple[str, ...] = ()
        #: The order of the queries, where the last call was order_by().
        self.order: tuple[Order[Any], ...] = ()

    def then(self, call: Hashable) -> Shape:
        """Return the node of a further call."""
        found = self.beyond.get(call)
        if found is None:
            root = self._root or self
            if root._size >= LIMIT:
                root.beyond.clear()
                root._size = 0
            root._size += 1
            found = self.beyond[call] = Shape(root)
        return found


#: The root of each table's tree.
ROOTS: defaultdict[Table, Shape] = defaultdict(Shape)
