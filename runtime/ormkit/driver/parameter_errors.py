"""Parameter errors: which parameter of a statement holds a value that was refused, and why."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from ..errors import DataError, InvalidValue
from ..postgres.mismatch import misfit

#: SQLSTATEs that a value alone explains, which does not fit the type of its column.
ABOUT_VALUES = frozenset(("22000", "22001", "22003", "22021", "22026", "22P02", "22P05"))


def refused(number: int, row: int, wanted: str, value: object) -> InvalidValue:
    """Return the error for a parameter that the driver could not encode, without its value.

    number: of the parameter, from 1.
    row: of the rows of parameters, from 1; 0 where there is one.
    wanted: the server's name of the parameter's type.
    """
    place = f" of row {row}" if row else ""
    text = f"parameter ${number}{place} is of type {wanted} and cannot hold this"
    error = InvalidValue(with_reason(f"{text} {type(value).__name__}", misfit(wanted, value)))
    error.parameter, error.row = number, row or None
    return error


def named_by_number(error: DataError, wanted: Sequence[str], values: Sequence[Any]) -> DataError:
    """Return the server's error with the number of the parameter that it can only be about.

    wanted: the server's names of the parameters' types.
    """
    if error.sqlstate in ABOUT_VALUES:
        for number, (type_, value) in enumerate(zip(wanted, values, strict=False), 1):
            if reason := misfit(type_, value):
                return reworded(error, f"parameter ${number}", reason)
    return error


def with_reason(text: str, reason: str | None) -> str:
    """Return the message with the reason behind it, where there is one."""
    return f"{text}: {reason}" if reason else text


def reworded(error: DataError, where: str, reason: str) -> DataError:
    """Return a copy of the error, with all that the server said, that tells what it is about."""
    plain = error.unnamed or error
    better = copy.copy(plain)
    better.args = (f"{where}: {plain}; {reason}",)
    better.unnamed = plain
    return better
