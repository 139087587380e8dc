"""Subqueries: EXISTS, and the values of another query."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from ..errors import UsageError
from ..sql.expressions import AnyExpression, Condition, Expression
from ..sql.trees import AnyNode, Tree, repeated
from ..sql.type_variables import O, T, V_co
from ..sql.wrapper import Wrapper, unwrapped
from .select import Select

if TYPE_CHECKING:
    from ..sql.context import Scope


class NestedQuery(Tree[O, T, V_co]):
    """A query within another one, as a part of an expression."""

    __slots__ = ("_operands", "select", "selected")

    #: The text before the query, up to the parenthesis.
    opening: ClassVar[str]

    def _nest(self, select: Select, selected: AnyExpression | None) -> None:
        """Take the query and what it selects; None selects nothing, for EXISTS."""
        self.select = select
        self.selected = selected
        self._operands = select.nested_operands(selected)
        self._grow()

    def operands(self) -> tuple[AnyNode, ...]:
        return self._operands

    def mark(self) -> Hashable:
        return self.opening, len(self.select.where)

    def pieces(self, scope: Scope) -> Iterator[str | AnyNode]:
        yield self.opening
        yield from repeated(self, self.select.nested_pieces(scope, self.selected), scope)
        yield ")"


class Subquery(NestedQuery[Any, T, T | None], Wrapper[Any, T, T | None]):
    """The values of one column or expression of another query; Query.subquery() creates it.

    in_() and notin() compare with all values. Elsewhere it is a scalar subquery, NULL without a
    row. Columns of the outer query's model refer to its current row.
    """

    __slots__ = ("source",)
    opening = "("

    def __init__(self, select: Select, selected: Expression[Any, T, Any]) -> None:
        self.source = unwrapped(selected)
        self.type = selected.type
        self._nest(select, selected)


class ExistsQuery(NestedQuery[Any, bool, bool], Condition[Any]):
    """EXISTS over another query."""

    __slots__ = ()
    opening = "EXISTS ("

    def __init__(self, select: Select) -> None:
        self.type = "boolean"
        self._nest(select, None)

    def null_with(self) -> tuple[()]:
        return ()


class SelectsRows(Protocol):
    """An object with a SELECT: a Query."""

    def as_select(self) -> Select:
        """Return the SELECT that reads the rows."""
        ...


def exists(query: SelectsRows) -> Condition[Any]:
    """Match where another query has at least one row.

    The other query may refer to columns of this one's model. Raises UsageError for any other value.
    """
    select = getattr(query, "as_select", None)
    if select is None:
        raise UsageError("exists() takes a query, such as session.query(Post).filter(...)")
    return ExistsQuery(select())
