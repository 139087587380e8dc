"""Compute the cache key, the bound values and the SQL text of expression trees in linear time.

Nothing here recurses: conditions that a program joins in a loop form a tree as deep as they are
many. A low tree computes its key and its values when it is made, as nearly every query needs. A
tall tree computes them on demand, since copying them at each level would take quadratic time.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any, Generic

from ..hints import missing_attribute
from ..other_names.columns import COLUMNS
from .operands import Selectable
from .type_variables import O, T, V_co

if TYPE_CHECKING:
    from .context import Scope

#: The height up to which a node computes its key and its values when it is made.
MAX_EAGER_HEIGHT = 16


class Node(Selectable[O, V_co], Generic[O, T, V_co]):
    """A part of a statement: it has a cache key, bound values and SQL text."""

    __slots__ = ("key", "type", "values")

    key: Hashable
    values: tuple[object, ...]
    #: PostgreSQL's name of the type; empty where it is not known.
    type: str
    #: The number of levels below this node.
    height = 0

    def sql(self, scope: Scope) -> str:
        """Return the text, its parameters numbered by the scope."""
        raise NotImplementedError

    def null_with(self) -> tuple[Node[Any, Any, Any], ...] | None:
        """Return the operands of which at least one is NULL whenever this node is.

        An empty tuple means that the node is never NULL; None means that nothing is known.
        """
        return None

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            raise missing_attribute(self, name, COLUMNS)


AnyNode = Node[Any, Any, Any]


class Tree(Node[O, T, V_co]):
    """A node with operands."""

    __slots__ = ("height",)

    height: int

    def operands(self) -> tuple[AnyNode, ...]:
        """Return the operands, in the order of the SQL text."""
        raise NotImplementedError

    def mark(self) -> Hashable:
        """Return what distinguishes it from other nodes with the same operands."""
        raise NotImplementedError

    def pieces(self, scope: Scope) -> Iterator[str | AnyNode]:
        """Yield the parts of the SQL text; an operand stands for its own text."""
        raise NotImplementedError

    def sql(self, scope: Scope) -> str:
        return tree_sql(self, scope)

    def _grow(self) -> None:
        """Compute the height, and for a low tree the key and the values."""
        operands = self.operands()
        if len(operands) == 1:
            # Most trees have one operand: the general code below takes twice as long.
            (only,) = operands
            self.height = only.height + 1
            if self.height <= MAX_EAGER_HEIGHT:
                self.key, self.values = (self.mark(), only.key), only.values
            return
        self.height = 1 + max([each.height for each in operands], default=0)
        if self.height <= MAX_EAGER_HEIGHT:
            self.key = (self.mark(), *[each.key for each in operands])
            self.values = tuple(chain.from_iterable([each.values for each in operands]))

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            # Called for an attribute that is not set: the key or the values of a tall tree.
            if name == "key":
                self.key = tree_key(self)
                return self.key
            if name == "values":
                self.values = tree_values(self)
                return self.values
            return super().__getattr__(name)


def is_eager(node: AnyNode) -> bool:
    """Return whether the node computed its key and its values when it was made."""
    return node.height <= MAX_EAGER_HEIGHT


def tree_key(root: AnyNode) -> Hashable:
    """Return the key of a tall tree: its nodes in text order, each with its operand count."""
    found: list[Hashable] = ["tree"]
    waiting = [root]
    while waiting:
        node: Any = waiting.pop()
        if is_eager(node):
            found.append(node.key)
        else:
            operands = node.operands()
            found.append((node.mark(), len(operands)))
            waiting.extend(reversed(operands))
    return tuple(found)


def tree_values(root: AnyNode) -> tuple[object, ...]:
    """Return the bound values of a tall tree, in the order of its SQL text."""
    found: list[object] = []
    waiting = [root]
    while waiting:
        node: Any = waiting.pop()
        if is_eager(node):
            found.extend(node.values)
        else:
            waiting.extend(reversed(node.operands()))
    return tuple(found)


def tree_sql(root: AnyNode, scope: Scope) -> str:
    """Return the SQL text of a tree, with its parameters numbered in text order."""
    return text_of(iter((root,)), scope)


def text_of(pieces: Iterator[str | AnyNode], scope: Scope) -> str:
    """Return the SQL text of these pieces, one after the other."""
    text: list[str] = []
    opened = [pieces]
    while opened:
        for piece in opened[-1]:
            if isinstance(piece, str):
                text.append(piece)
            elif isinstance(piece, Tree):
                opened.append(piece.pieces(scope))
                break
            else:
                text.append(piece.sql(scope))
        else:
            opened.pop()
    return "".join(text)


def repeated(
    node: AnyNode, pieces: Iterator[str | AnyNode], scope: Scope
) -> Iterator[str | AnyNode]:
    """Yield the text of a subquery: the same one wherever the statement repeats it.

    With aliases of its own each time, PostgreSQL would not take the expression in GROUP BY for the
    one that is selected. A text with parameters cannot be repeated, and a tall one takes time.
    """
    if node.height > MAX_EAGER_HEIGHT or node.values:
        yield from pieces
        return
    mark = (node.key, scope.names())
    text = scope.repeated.get(mark)
    if text is None:
        text = scope.repeated[mark] = text_of(pieces, scope)
    yield text


def may_be_null(root: AnyNode) -> bool:
    """Return whether the expression may be NULL, as far as the schema shows."""
    waiting = [root]
    while waiting:
        parts = waiting.pop().null_with()
        if parts is None:
            return True
        waiting.extend(parts)
    return False


def separated(separator: str, operands: Iterable[AnyNode]) -> Iterator[str | AnyNode]:
    """Yield operands with the separator between them."""
    is_first = True
    for operand in operands:
        if not is_first:
            yield separator
        is_first = False
        yield operand


def flattened(root: AnyNode, is_same: Callable[[AnyNode], bool]) -> Iterator[AnyNode]:
    """Yield the operands of a node; the operands of a nested node of its kind replace that node."""
    waiting = [root]
    while waiting:
        node: Any = waiting.pop()
        if is_same(node):
            waiting.extend(reversed(node.operands()))
        else:
            yield node
