"""Trees of expressions: their key, values and text, without recursion and in linear time.

Conditions that a program joins in a loop are as deep as they are many. A low tree has its key and
its values from the start, which is what nearly every query needs. A tall one has them when they are
asked for: each node that copied those below it would take quadratic time.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any, Generic

from .operands import O, Selectable, T, V_co

if TYPE_CHECKING:
    from .context import Scope

#: The height up to which a node keeps a key and values of its own.
LOW = 16


class Node(Selectable[O, V_co], Generic[O, T, V_co]):
    """A part of a statement, by itself: what it is asked for when it is written and bound."""

    __slots__ = ("key", "type", "values")

    key: Hashable
    values: tuple[object, ...]
    #: PostgreSQL's name of the type; empty where it is not known.
    type: str
    #: How many nodes lie below this one at most, one under the other.
    height = 0

    def sql(self, scope: Scope) -> str:
        """Return the text, its parameters numbered by the scope."""
        raise NotImplementedError

    def null_with(self) -> tuple[Node[Any, Any, Any], ...] | None:
        """Return the operands of which one is NULL where this is; None where none tells that.

        Without operands it is never NULL.
        """
        return None


AnyNode = Node[Any, Any, Any]


class Tree(Node[O, T, V_co]):
    """A node that is made of others."""

    __slots__ = ("height",)

    height: int

    def operands(self) -> tuple[AnyNode, ...]:
        """Return what it is made of, in the order of its text."""
        raise NotImplementedError

    def mark(self) -> Hashable:
        """Return what tells it from another node of the same operands."""
        raise NotImplementedError

    def pieces(self, scope: Scope) -> Iterator[str | AnyNode]:
        """Yield the parts of its text, those of its operands as the operands themselves."""
        raise NotImplementedError

    def sql(self, scope: Scope) -> str:
        return written(self, scope)

    def _grow(self) -> None:
        """Take the key and the values of the operands, where these are low trees."""
        operands = self.operands()
        if len(operands) == 1:
            # Most trees: the general way below would take twice as long for the same.
            (only,) = operands
            self.height = only.height + 1
            if self.height <= LOW:
                self.key, self.values = (self.mark(), only.key), only.values
            return
        self.height = 1 + max([each.height for each in operands], default=0)
        if self.height <= LOW:
            self.key = (self.mark(), *[each.key for each in operands])
            self.values = tuple(chain.from_iterable([each.values for each in operands]))

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            # Asked for where an attribute is not set: the key and the values of a tall tree.
            if name == "key":
                self.key = key_of(self)
                return self.key
            if name == "values":
                self.values = values_of(self)
                return self.values
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")


def is_low(node: AnyNode) -> bool:
    """Return whether the node has a key and values of its own."""
    return node.height <= LOW


def key_of(root: AnyNode) -> Hashable:
    """Return the key of a tall tree: its nodes in the order of their text, each with its width."""
    found: list[Hashable] = ["tree"]
    waiting = [root]
    while waiting:
        node: Any = waiting.pop()
        if is_low(node):
            found.append(node.key)
        else:
            operands = node.operands()
            found.append((node.mark(), len(operands)))
            waiting.extend(reversed(operands))
    return tuple(found)


def values_of(root: AnyNode) -> tuple[object, ...]:
    """Return what a tall tree binds, in the order of its text."""
    found: list[object] = []
    waiting = [root]
    while waiting:
        node: Any = waiting.pop()
        if is_low(node):
            found.extend(node.values)
        else:
            waiting.extend(reversed(node.operands()))
    return tuple(found)


def written(root: AnyNode, scope: Scope) -> str:
    """Return the text of a tree, its parameters numbered in the order of the text."""
    text: list[str] = []
    opened: list[Iterator[str | AnyNode]] = [iter((root,))]
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


def may_be_null(root: AnyNode) -> bool:
    """Return whether the expression may be NULL, as far as the schema tells."""
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
    """Yield the operands of a node, and in the place of one of its kind the operands of that."""
    waiting = [root]
    while waiting:
        node: Any = waiting.pop()
        if is_same(node):
            waiting.extend(reversed(node.operands()))
        else:
            yield node
