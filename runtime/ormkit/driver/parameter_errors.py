"""Error texts that name the parameter whose value was refused, and the reason."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from ..errors import DataError, InvalidValue
from ..postgres.type_mismatch import mismatch

#: SQLSTATEs of errors whose only cause is a value that does not fit its type.
ABOUT_VALUES = frozenset(("22000", "22001", "22003", "22021", "22026", "22P02", "22P05"))


def refused(number: int, row: int, wanted: str, value: object) -> InvalidValue:
    """Return the error for a parameter that the driver could not encode; it omits the value.

    number: the number of the parameter, from 1.
    row: the number of the row of parameters, from 1; 0 for a single row.
    wanted: PostgreSQL's name of the parameter's type.
    """
    place = f" of row {row}" if row else ""
    text = f"parameter ${number}{place} is of type {wanted} and cannot hold this"
    error = InvalidValue(with_reason(f"{text} {type(value).__name__}", mismatch(wanted, value)))
    error.parameter, error.row = number, row or None
    return error


def named_by_number(error: DataError, wanted: Sequence[str], values: Sequence[Any]) -> DataError:
    """Return the server's error with the number of the first parameter that does not fit its type.

    Return it unchanged if it is not about a value, or if every value fits.

    wanted: PostgreSQL's names of the parameters' types.
    """
    if error.sqlstate in ABOUT_VALUES:
        for number, (type_, value) in enumerate(zip(wanted, values, strict=False), 1):
            if reason := mismatch(type_, value):
                return reworded(error, f"parameter ${number}", reason)
    return error


def with_reason(text: str, reason: str | None) -> str:
    """Return the message, followed by the reason if there is one."""
    return f"{text}: {reason}" if reason else text


def reworded(error: DataError, where: str, reason: str) -> DataError:
    """Return a copy of the server's error whose message also names the parameter or column."""
    plain = error.unnamed or error
    better = copy.copy(plain)
    better.args = (f"{where}: {plain}; {reason}",)
    better.unnamed = plain
    return better
