"""Convert ranges to their canonical form, as PostgreSQL returns them."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from ..errors import InvalidValue
from .checks import Check, reason_by
from .infinity import Infinite
from .values import Range


class RangeForm:
    """Converts ranges of one type: discrete ones include the lower and exclude the upper bound."""

    def __init__(self, bound: Callable[[Any], Any], check: Check, step: Any) -> None:
        """Describe the ranges of a type.

        bound: returns the stored form of a bound, as the type of the bounds has it.
        check: that of the bounds.
        step: what is between two neighbours of a discrete range; None for other ranges.
        """
        self._bound = bound
        self._check = check
        self._step = step

    def __call__(self, value: Any) -> Any:
        given: Any = as_range(value)
        if given is None or given.isempty:
            return value if given is None else given
        lower, upper = self._stored("lower", given.lower), self._stored("upper", given.upper)
        stored = self._made(lower, upper, given.lower_inc, given.upper_inc)
        if stored is None:
            return value
        is_same = lower is given.lower and upper is given.upper and stored == given
        return given if is_same else stored

    def _made(self, lower: Any, upper: Any, has_lower: bool, has_upper: bool) -> Range[Any] | None:
        """Return the canonical range; None for bounds that PostgreSQL rejects."""
        if lower is not None and upper is not None:
            first, last = bound_order(lower), bound_order(upper)
            if first > last:
                return None
            if first == last and not (has_lower and has_upper):
                return Range(empty=True)
        if self._step is not None:
            if is_finite(lower) and not has_lower:
                lower, has_lower = self._stepped("lower", lower), True
            if is_finite(upper) and has_upper:
                upper, has_upper = self._stepped("upper", upper), False
            if lower is not None and lower == upper and not (has_lower and has_upper):
                return Range(empty=True)
        return Range(lower, upper, lower_inc=has_lower, upper_inc=has_upper)

    def _stored(self, side: str, bound: Any) -> Any:
        try:
            return None if bound is None else self._bound(bound)
        except InvalidValue as error:
            raise InvalidValue(f"its {side} bound: {error}") from None

    def _stepped(self, side: str, bound: Any) -> Any:
        """Return the value after a bound of a discrete range."""
        try:
            found = bound + self._step
        except OverflowError:
            raise InvalidValue(f"its {side} bound: the day after it is in the year 10000") from None
        if reason := reason_by(self._check, found):
            raise InvalidValue(f"the value after its {side} bound: {reason}")
        return found


def is_finite(bound: object) -> bool:
    """Return whether there is a bound and it is finite."""
    return bound is not None and not isinstance(bound, Infinite)


def as_range(value: object) -> Range[Any] | None:
    """Return a Range for a Range, or for a tuple or list of bounds; None for other values."""
    if isinstance(value, Range):
        return value  # pyright: ignore[reportUnknownVariableType]
    if not isinstance(value, (tuple, list)):
        return None
    bounds = list[Any](value)  # pyright: ignore[reportUnknownArgumentType]
    if len(bounds) > 2:
        return None
    return Range(*bounds, upper_inc=True) if bounds else Range(empty=True)


def bound_order(bound: Any) -> tuple[bool, Any]:
    """Return the sort key of a bound; NaN comes after every number."""
    is_nan = isinstance(bound, Decimal) and bound.is_nan()
    return is_nan, 0 if is_nan else bound
