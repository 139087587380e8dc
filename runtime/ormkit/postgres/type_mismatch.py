"""Explain why a Python value does not fit a PostgreSQL type, for error messages.

These checks run after the driver has rejected a value, never before. They return None where they
find no reason.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from ..errors import InvalidValue
from .checks import reason_by, wrong_type
from .enum_labels import OpenLabels
from .type_words import Type, type_of
from .types import TYPES


def mismatch(type_: str, value: Any, labels: Mapping[Any, Any] | None = None) -> str | None:
    """Return why the value does not fit the type; None where no reason is found.

    type_: PostgreSQL's name with its modifier, "varchar(5)", or asyncpg's, "int4".
    labels: those of an enum.
    """
    return mismatch_of(type_of(type_), value, labels)


def mismatch_of(known: Type, value: Any, labels: Mapping[Any, Any] | None) -> str | None:
    if value is None:
        return None
    try:
        if known.dimensions:
            return array_mismatch(known, value, labels)
        if labels is not None:
            return label_mismatch(value, labels)
        return reason_by(known.base.check, value, known.modifiers)
    except Exception:
        # The caller's object may raise anything when its attributes are read.
        return None


def first_mismatch(
    type_: str, values: Collection[Any], labels: Mapping[Any, Any] | None = None
) -> tuple[int, str] | None:
    """Return the number, from 1, of the first value that does not fit the type, and the reason.

    Return None where all values fit.
    """
    for number, value in enumerate(values, 1):
        reason = mismatch(type_, value, labels)
        if reason is not None:
            return number, reason
    return None


def array_mismatch(known: Type, value: Any, labels: Mapping[Any, Any] | None) -> str | None:
    if isinstance(value, (str, bytes, bytearray, Mapping)) or not isinstance(value, Collection):
        return wrong_type("a list", value)  # pyright: ignore[reportUnknownArgumentType]
    elements: Collection[Any] = value  # pyright: ignore[reportUnknownVariableType]
    deeper = replace(known, dimensions=known.dimensions - 1)
    scalar = replace(known, dimensions=0)
    for number, each in enumerate(elements, 1):
        # PostgreSQL has one type for arrays of any number of dimensions.
        element = known if isinstance(each, (list, tuple)) else scalar
        if reason := mismatch_of(deeper if known.base.holds_lists else element, each, labels):
            return f"element {number}: {reason}"
    lengths = {len(each) if type(each) in (list, tuple) else None for each in elements}
    is_ragged = len(lengths) > 1 and not known.base.holds_lists
    return "its inner lists differ in length" if is_ragged else None


def label_mismatch(value: Any, labels: Mapping[Any, Any]) -> str | None:
    if not isinstance(value, str):
        return wrong_type("a member of its enum, or its label", value)
    is_known = isinstance(labels, OpenLabels) or value in labels
    return None if is_known else "it is not a label of its enum"


def uncut(type_: str, value: Any) -> Any:
    """Return a number for an expression of this type; InvalidValue where it would be cut."""
    known = TYPES.get(type_)
    if known is not None and known.exact is not None and (reason := mismatch(type_, value)):
        raise InvalidValue(
            f"the expression is of type {type_} and cannot take this {type(value).__name__}: "
            f"{reason}"
        )
    return value
