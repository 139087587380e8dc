"""Choose the PostgreSQL type under which a value is sent when it is compared with an expression.

By default the driver sends a value as the type of the expression beside it. A datetime compared
with a date would lose its time of day, and the result would change. Where PostgreSQL compares the
two types, the value is sent as its own type; where the type is ambiguous, the value is rejected.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from ..errors import InvalidValue
from ..postgres.comparability import Comparability, is_unzoned
from ..postgres.type_words import Type, type_of
from ..postgres.values import Range
from .operands import subject


def are_unzoned(by: Mapping[str, Any], names: tuple[str, ...]) -> bool:
    """Return whether any of these keywords has a datetime without a time zone."""
    for name in names:  # noqa: SIM110  a generator would take as long as the query itself
        if by[name].tzinfo is None and is_unzoned(by[name]):
            return True
    return False


def native_types(known: Type) -> frozenset[type]:
    """Return the Python types whose values are always sent as this type."""
    return frozenset() if known.dimensions else known.base.compared.native


def foreign_type(compared: Any, value: object) -> str:
    """Return the type under which a value is sent; "" for the type of the expression.

    compared: the expression. Raises InvalidValue for a value that cannot be compared with it.
    """
    if value is None:
        raise cannot_compare(compared, value, "a comparison with NULL is never true: use isnull()")
    known = type_of(compared.type)
    if known.dimensions or known.base.bound is not None:
        check_elements(compared, known, value)
        return ""
    return foreign_as(compared, value, known.base.compared)


def foreign_as(compared: Any, value: object, known: Comparability) -> str:
    """Return the type under which a value is sent; "" for the type that `known` describes."""
    if type(value) in known.native:
        return ""
    try:
        return known.foreign(value)
    except ValueError as error:
        raise cannot_compare(compared, value, str(error)) from None


def check_own(compared: Any, values: Collection[Any], kinds: set[type]) -> None:
    """Raise InvalidValue for a value that would not be sent as the expression's type.

    kinds: the types of the values.
    """
    known = type_of(compared.type).base.compared
    if not kinds <= known.native:
        for value in values:
            check_one(compared, value, known)


def check_elements(compared: Any, known: Type, value: Any) -> None:
    """Raise InvalidValue where an array or a range holds what is no value of its type.

    known: the type of the expression that is compared.
    """
    if isinstance(value, (list, tuple)):
        for each in value:  # pyright: ignore[reportUnknownVariableType]
            check_elements(compared, known, each)
    elif isinstance(value, Range):
        given: Range[Any] = value  # pyright: ignore[reportUnknownVariableType]
        for bound in (given.lower, given.upper):
            if bound is not None and known.base.bound is not None:
                check_one(compared, bound, known.base.bound.compared)
    elif value is not None and known.dimensions:
        check_one(compared, value, known.base.compared)


def check_one(compared: Any, value: Any, known: Comparability | None = None) -> None:
    """Raise InvalidValue where the value would be sent as another type.

    known: how the expected type is compared, where it is not the type of the expression.
    """
    if known is None:
        foreign = foreign_type(compared, value)
    else:
        foreign = foreign_as(compared, value, known)
    if foreign:
        raise cannot_compare(
            compared, value, f"here it must be of that type, and is {foreign}: convert it"
        )


def cannot_compare(compared: Any, value: object, reason: str) -> InvalidValue:
    """Return the error for a value that cannot be compared with an expression."""
    name = subject(compared).removesuffix(": ") or "the expression"
    return InvalidValue(
        f"{name} is of type {compared.type} and cannot be compared with this "
        f"{type(value).__name__}: {reason}"
    )
