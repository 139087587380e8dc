"""Define the containment operators @>, <@ and && of arrays, ranges and jsonb."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from ..errors import UsageError
from ..postgres.base_type import BaseType
from ..postgres.several import Several
from ..postgres.type_mismatch import mismatch
from ..postgres.type_words import scalar_of, type_of
from ..postgres.types import DATE, RANGES
from ..postgres.values import Range
from .comparison_types import cannot_compare, check_one
from .operands import Selectable, is_selectable, like_text, listed, subject
from .templates import CONTAINED_BY, CONTAINS, LIKE, OVERLAPS
from .type_variables import O, T, V_co

if TYPE_CHECKING:
    from .expressions import AnyExpression, Condition, Expression

E = TypeVar("E")  # an array's element, or a value within a range


class ContainmentOperators(Selectable[O, V_co], Generic[O, T, V_co]):
    """The containment operators of an expression."""

    __slots__ = ()

    type: str

    @property
    def is_array(self) -> bool:
        """True for an expression of an array type."""
        return type_of(self.type).dimensions > 0

    @overload
    def contains(self: ContainmentOperators[O, str, Any], value: str) -> Condition[O]: ...
    @overload
    def contains(
        self: ContainmentOperators[O, list[E], Any],
        value: Several[E] | Expression[Any, list[E], Any],
    ) -> Condition[O]: ...
    @overload
    def contains(
        self: ContainmentOperators[O, Range[E], Any],
        value: E | Range[E] | Expression[Any, E, Any] | Expression[Any, Range[E], Any],
    ) -> Condition[O]: ...
    def contains(self, value: Any) -> Condition[O]:
        """Match text with this in it, an array with all of these, a range or jsonb around this.

        In text every character stands for itself. For arrays, ranges and jsonb it is
        PostgreSQL's @> operator; a range is asked for another one, or for one value.
        """
        if type_of(self.type).is_text:
            return self.asked(LIKE, self, f"%{like_text(value, self)}%")
        bound = scalar_of(self.type).bound
        if bound is not None and is_element(value):
            return self.asked(CONTAINS, self, self._of_type(value, bound, bound))
        check_container(self, "contains()")
        return self.asked(CONTAINS, self, self._whole(value))

    @overload
    def contained_by(
        self: ContainmentOperators[O, list[E], Any],
        value: Several[E] | Expression[Any, list[E], Any],
    ) -> Condition[O]: ...
    @overload
    def contained_by(
        self: ContainmentOperators[O, Range[E], Any],
        value: Range[E] | Expression[Any, Range[E], Any],
    ) -> Condition[O]: ...
    @overload
    def contained_by(
        self: ContainmentOperators[O, str, Any], value: str | Expression[Any, str, Any]
    ) -> Condition[O]: ...
    @overload
    def contained_by(self, value: Range[T] | Expression[Any, Range[T], Any]) -> Condition[O]: ...
    def contained_by(self, value: Any) -> Condition[O]:
        """Match an array, a range or jsonb that lies wholly within this (PostgreSQL's <@).

        One value lies within a range.
        """
        bound = scalar_of(self.type)
        if is_range(value) and (range_ := RANGES.get(bound.name)):
            return self.asked(CONTAINED_BY, self, self._of_type(value, range_, bound))
        if not is_selectable(value):
            check_container(self, "contained_by()")
        return self.asked(CONTAINED_BY, self, self._whole(value))

    @overload
    def overlaps(
        self: ContainmentOperators[O, list[E], Any],
        value: Several[E] | Expression[Any, list[E], Any],
    ) -> Condition[O]: ...
    @overload
    def overlaps(
        self: ContainmentOperators[O, Range[E], Any],
        value: Range[E] | Expression[Any, Range[E], Any],
    ) -> Condition[O]: ...
    @overload
    def overlaps(
        self: ContainmentOperators[O, str, Any], value: str | Expression[Any, str, Any]
    ) -> Condition[O]: ...
    def overlaps(self, value: Any) -> Condition[O]:
        """Match an array or a range that has anything in common with this (PostgreSQL's &&)."""
        check_container(self, "overlaps()")
        return self.asked(OVERLAPS, self, self._whole(value))

    def _whole(self, value: Any) -> Any:
        """Return the value beside an array as a list; other values unchanged."""
        is_value = self.is_array and not is_selectable(value)
        return listed(value, self) if is_value else value

    def _of_type(self, value: Any, wanted: BaseType, bound: BaseType) -> AnyExpression:
        """Return a value under a type that PostgreSQL could not tell; raises InvalidValue.

        bound: the type itself, or that of the bounds where a range is wanted.
        """
        bounds: tuple[Any, ...] = (value.lower, value.upper) if is_range(value) else (value,)
        for each in bounds:
            if each is not None:
                check_one(self, each, bound.compared)
        if value is None:
            raise cannot_compare(self, value, "no range contains NULL: use isnull()")
        if reason := mismatch(wanted.name, value):
            raise cannot_compare(self, value, reason)
        return self.sent_as(value, wanted.name)


def check_container(operand: Any, method: str) -> None:
    """Raise UsageError for a number or a time, which contains nothing."""
    base = scalar_of(operand.type)
    is_single = base.is_number or base.arithmetic == DATE.arithmetic
    if is_single and type_of(operand.type).dimensions == 0:
        raise UsageError(
            f"{subject(operand)}{method} is for arrays, ranges and jsonb, and this is of type "
            f"{operand.type}: compare it, or write in_([...])"
        )


def is_element(value: object) -> bool:
    """Return whether a value beside a range is an element and not a range."""
    return not (is_range(value) or isinstance(value, (tuple, list)) or is_selectable(value))


def is_range(value: object) -> bool:
    """Return whether the value is a range."""
    return isinstance(value, Range)
