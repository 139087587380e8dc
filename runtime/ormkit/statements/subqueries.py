"""Queries within a query: EXISTS, and the values that another query finds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from ..errors import UsageError
from ..sql.expressions import Condition, Expression
from ..sql.wrapper import Borrowed, lender
from .select import Select

if TYPE_CHECKING:
    from ..sql.context import Scope

T = TypeVar("T")


class Subquery(Borrowed[Any, T, T | None]):
    """The values of one column or expression of another query; made by Query.subquery().

    In in_() and notin() it stands for all of them, elsewhere for the only one, NULL without any.
    Columns of the outer query's model mean its row.
    """

    __slots__ = ("select", "selected", "source")

    def __init__(self, select: Select, selected: Expression[Any, T, Any]) -> None:
        self.select = select
        self.selected = selected
        self.source = lender(selected)
        self.key = ("subquery", select.shape(("expressions", selected.key)))
        self.values = (*selected.values, *select.values())
        self.type = selected.type

    def sql(self, scope: Scope) -> str:
        return f"({self.select.nested(scope, self.selected)})"


class ExistsQuery(Condition[Any]):
    """EXISTS over another query."""

    __slots__ = ("select",)

    def __init__(self, select: Select) -> None:
        self.select = select
        self.key = ("exists query", select.shape("exists"))
        self.values = tuple(select.values())
        self.type = "boolean"

    def null_with(self) -> tuple[()]:
        return ()

    def sql(self, scope: Scope) -> str:
        return f"EXISTS ({self.select.nested(scope, None)})"


class SelectsRows(Protocol):
    """What finds rows: a Query."""

    def as_select(self) -> Select:
        """Return the SELECT that reads the rows."""
        ...


def exists(query: SelectsRows) -> Condition[Any]:
    """Match where another query finds any row; it may refer to columns of this one's model."""
    select = getattr(query, "as_select", None)
    if select is None:
        raise UsageError("exists() takes a query, such as session.query(Post).filter(...)")
    return ExistsQuery(select())
