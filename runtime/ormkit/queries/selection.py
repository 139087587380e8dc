"""Selection: the methods of a query that read chosen values in place of objects."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, TypeVar, overload

from ..errors import UsageError
from ..models.computed import Computed
from ..sql.expressions import AnyExpression, Expression
from ..sql.operands import Selectable
from ..statements.result import as_tuples, dict_maker
from ..statements.select import Select
from ..statements.subqueries import Subquery
from .builder import L, N, QueryBuilder, S, X_contra
from .rows import Rows, as_scalars, checked_columns

if TYPE_CHECKING:
    from ..models.model import Model

M = TypeVar("M", bound="Model")
T = TypeVar("T")
A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")
E = TypeVar("E")
F = TypeVar("F")


class Selection(QueryBuilder[M, N, S, L, X_contra]):
    """A query whose rows can be read as tuples, dicts, single values, or objects with values."""

    @overload
    def values_list(self, a: Selectable[M, A], /, *, flat: Literal[True]) -> Rows[A]: ...
    @overload
    def values_list(self, name: N | X_contra, /, *, flat: Literal[True]) -> Rows[Any]: ...
    @overload
    def values_list(self, a: Selectable[M, A], /) -> Rows[tuple[A]]: ...
    @overload
    def values_list(self, a: Selectable[M, A], b: Selectable[M, B], /) -> Rows[tuple[A, B]]: ...
    @overload
    def values_list(
        self, a: Selectable[M, A], b: Selectable[M, B], c: Selectable[M, C], /
    ) -> Rows[tuple[A, B, C]]: ...
    @overload
    def values_list(
        self,
        a: Selectable[M, A],
        b: Selectable[M, B],
        c: Selectable[M, C],
        d: Selectable[M, D],
        /,
    ) -> Rows[tuple[A, B, C, D]]: ...
    @overload
    def values_list(
        self,
        a: Selectable[M, A],
        b: Selectable[M, B],
        c: Selectable[M, C],
        d: Selectable[M, D],
        e: Selectable[M, E],
        /,
    ) -> Rows[tuple[A, B, C, D, E]]: ...
    @overload
    def values_list(
        self,
        a: Selectable[M, A],
        b: Selectable[M, B],
        c: Selectable[M, C],
        d: Selectable[M, D],
        e: Selectable[M, E],
        f: Selectable[M, F],
        /,
    ) -> Rows[tuple[A, B, C, D, E, F]]: ...

    # Seven columns, or a name. Arguments of the overloads above must not match here as well: mypy
    # would find an argument with Any in its type, such as func.count(), ambiguous.
    @overload
    def values_list(
        self,
        a: Selectable[M, Any],
        b: Selectable[M, Any],
        c: Selectable[M, Any],
        d: Selectable[M, Any],
        e: Selectable[M, Any],
        f: Selectable[M, Any],
        g: Selectable[M, Any],
        /,
        *columns: Selectable[M, Any] | N | X_contra,
    ) -> Rows[tuple[Any, ...]]: ...
    @overload
    def values_list(
        self, name: N | X_contra, /, *columns: Selectable[M, Any] | N | X_contra
    ) -> Rows[tuple[Any, ...]]: ...
    @overload
    def values_list(self) -> Rows[tuple[Any, ...]]: ...
    def values_list(self, *columns: Any, flat: bool = False) -> Rows[Any]:
        """Read columns and expressions as tuples; type checkers know the types of up to six.

        A str names a column or an annotation. Without arguments, the columns are those of values().
        flat: read one column as single values, as scalars() does.

        Raises UnknownName for an unknown name, and UsageError for flat with several columns.
        """
        chosen = self._chosen(columns)
        if flat and len(columns) != 1:
            raise UsageError(f"values_list(flat=True) takes one column, not {len(columns)}")
        make = as_scalars if flat else as_tuples
        return Rows(self._source, self._select_of_values(), tuple(chosen.values()), make)

    def values(self, *columns: Expression[M, Any, Any] | N | X_contra) -> Rows[dict[str, Any]]:
        """Read columns and annotations as dicts by name.

        Without arguments, a grouped query reads the columns of group_by() and all annotations, and
        any other query reads every column and all annotations. Raises UnknownName for an unknown
        name.
        """
        chosen = self._chosen(columns)
        make: Callable[[Any], list[dict[str, Any]]] = dict_maker(tuple(chosen))
        return Rows(self._source, self._select_of_values(), tuple(chosen.values()), make)

    def scalars(self, column: Selectable[M, A]) -> Rows[A]:
        """Read one column or expression as a list of its values."""
        chosen: Any = column
        checked_columns("scalars()", (chosen,))
        return Rows(self._source, self._select_of_values(), (chosen,), as_scalars)

    def subquery(self, column: Expression[M, T, Any]) -> Subquery[T]:
        """Return the values of one column as an expression for another query.

        in_() and notin() compare with all values. Elsewhere it is a scalar subquery, which must
        return at most one row.
        """
        checked_columns("subquery()", (column,))
        return Subquery(self._select_of_values(), column)

    def _select_of_values(self) -> Select:
        """Return the SELECT without the joins that load relationships."""
        select = self.as_select()
        select.joins = ()
        return select

    def _check_whole(self, method: str) -> None:
        if self._grouping is not None and self._grouping.is_grouped:
            raise UsageError(
                f"{method}: the rows of group_by() are not {self._table.label} objects: read "
                "them with values() or values_list()"
            )
        if self._only and method != "objects":
            raise UsageError(f"{method} reads whole objects, and only() reads a part of them")

    def _chosen(self, columns: tuple[Any, ...]) -> dict[str, AnyExpression]:
        """Return the selected expressions by name; one without a name is named by its position."""
        if not columns:
            return self._all_columns()
        chosen: dict[str, AnyExpression] = {}
        for place, each in enumerate(columns, 1):
            expression = self._expression(each)
            name = each if isinstance(each, str) else self._name_of(expression, place)
            if name in chosen:
                raise UsageError(f"{name!r} is selected twice: give one a name with annotate()")
            chosen[name] = expression
        return chosen

    def _all_columns(self) -> dict[str, AnyExpression]:
        grouping = self._grouping
        held: tuple[AnyExpression, ...] = self._only or self._table.columns
        if grouping is not None and grouping.is_grouped:
            named = {id(each) for each in self._named.values()}
            held = tuple(each for each in grouping.by if id(each) not in named)
        shown = {self._name_of(each, place): each for place, each in enumerate(held, 1)}
        if grouping is None or not grouping.is_grouped:
            shown.update({each.name: each for each in self._computed})
        return {**shown, **self._named}

    def _name_of(self, expression: AnyExpression, place: int) -> str:
        for name, each in self._named.items():
            if each is expression:
                return name
        if isinstance(expression, Computed):
            return expression.name
        return getattr(expression, "slot", f"value_{place}")
