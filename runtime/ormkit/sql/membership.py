"""Define in_() and notin(): comparisons of an expression with many values."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Generic, overload

from ..postgres.several import Several
from .operands import Selectable
from .templates import EQUAL_ANY, IN, NOT_EQUAL_ALL, NOT_IN, Template
from .type_variables import O, T, V_co

if TYPE_CHECKING:
    from .expressions import Condition, Expression


class ListOperators(Selectable[O, V_co], Generic[O, T, V_co]):
    """The operators of an expression that compare it with many values."""

    __slots__ = ()

    def among(self, template: Template, values: Any) -> Condition[O]:
        """Return the condition for an operator between this and each of the values."""
        raise NotImplementedError

    @overload
    def in_(
        self: ListOperators[O, Decimal, Any], values: Several[Decimal | int]
    ) -> Condition[O]: ...
    @overload
    def in_(self, values: Several[T] | Expression[Any, T, Any]) -> Condition[O]: ...
    def in_(self, values: Any) -> Condition[O]:
        """Match any of the values; an empty list matches nothing, and None in it is refused.

        values: a collection, or a subquery of one column.
        """
        if isinstance(values, Selectable):
            return self.asked(IN, self, values)
        return self.among(EQUAL_ANY, values)

    @overload
    def notin(
        self: ListOperators[O, Decimal, Any], values: Several[Decimal | int]
    ) -> Condition[O]: ...
    @overload
    def notin(self, values: Several[T] | Expression[Any, T, Any]) -> Condition[O]: ...
    def notin(self, values: Any) -> Condition[O]:
        """Match whatever equals none of the values; NULL never does. None in the list is refused.

        A subquery that returns a NULL matches nothing: that is SQL's NOT IN.
        """
        if isinstance(values, Selectable):
            return self.asked(NOT_IN, self, values)
        return self.among(NOT_EQUAL_ALL, values)
