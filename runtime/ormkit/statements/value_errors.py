"""Value errors: which column or expression a value that was refused was meant for, and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..driver.parameter_errors import ABOUT_VALUES, reworded, with_reason
from ..errors import DataError, InvalidValue, UnreadableValue
from ..models.columns import Column
from ..postgres.array_parameter import FlatArray, plain
from ..postgres.type_mismatch import first_mismatch, mismatch
from ..postgres.type_words import type_of
from ..sql.expressions import AnyExpression, Expression

Rows = Sequence[Sequence[Any]]

#: Errors that a statement can say more about than the connection that raised them.
VALUE_ERRORS = (InvalidValue, DataError, UnreadableValue)
#: Where an expression may hold the one that it was made of.
PARTS = ("operand", "source", "base", "path", "left", "target")


def explained(
    parameters: Sequence[AnyExpression | None],
    selected: Sequence[Any],
    error: BaseException,
    rows: Rows,
) -> BaseException:
    """Return the error about a value with what the value is for; other errors as they are.

    parameters: what each parameter is compared with or assigned to.
    selected: what each place of a row that comes back is read from.
    rows: what was sent.
    """
    if not isinstance(error, VALUE_ERRORS):
        return error
    if isinstance(error, UnreadableValue):
        better: BaseException = describe_unreadable(selected, error)
    else:
        better = describe_driver_error(parameters, error, rows)
    # The driver's own error, which came before it, may show the value.
    better.__cause__ = None
    return better


def describe_driver_error(
    parameters: Sequence[AnyExpression | None], error: InvalidValue | DataError, rows: Rows
) -> InvalidValue | DataError:
    """Return the error about a value as one about what the value was meant for.

    rows: what was sent, of which an error of the server does not say what it was about.
    """
    if isinstance(error, DataError):
        return describe_server_error(parameters, error, rows)
    number = error.parameter
    target = None if number is None else parameters[number - 1]
    if number is None or target is None:
        return error
    better = InvalidValue(refused_by_driver(target, rows[(error.row or 1) - 1][number - 1]))
    better.parameter, better.row = number, error.row
    return better


def refused_by_driver(target: AnyExpression, parameter: Any) -> str:
    """Return the message for a value that the driver did not take for this target."""
    value = plain(parameter)
    kind, place = type(value).__name__, ""
    found = culprit(target, parameter)
    if found is not None and found[0]:
        kind, place = type(value[found[0] - 1]).__name__, f" (value {found[0]})"
    text = f"{described(target)} is of type {target.type} and cannot take this {kind}{place}"
    return with_reason(text, mismatch(target.type, value) if found is None else found[1])


def describe_server_error(
    parameters: Sequence[AnyExpression | None], error: DataError, rows: Rows
) -> InvalidValue | DataError:
    """Return the server's error with the first column that has a value which does not fit it."""
    if error.sqlstate not in ABOUT_VALUES:
        return error
    for row in rows:
        for target, value in zip(parameters, row, strict=False):
            if target is None or (found := culprit(target, value)) is None:
                continue
            place = f" (value {found[0]})" if found[0] else ""
            better = reworded(error, f"{described(target)}{place}", found[1])
            if isinstance(target, Column):
                better.table = better.table or target.table.name
                better.column = better.column or target.name
            return better
    return error


def describe_unreadable(selected: Sequence[Any], error: UnreadableValue) -> UnreadableValue:
    """Return the error about a value with the column that it was read from, where that is known.

    selected: what each place of a row holds; a tuple of the same for records nested there.
    """
    source = at_place(selected, error.place)
    if source is None:
        return error
    better = UnreadableValue.of(described(source), error.reason)
    better.column, better.row, better.place = error.column, error.row, error.place
    if isinstance(source, Column):
        better.table, better.column = source.table.name, source.name
    return better


def at_place(selected: Sequence[Any], place: Sequence[int]) -> AnyExpression | None:
    """Return what is read at a place of a row and of the records nested there; None if unknown."""
    if not place or place[0] >= len(selected):
        return None
    found: Any = selected[place[0]]
    if type(found) is tuple:
        return at_place(found, place[1:])  # pyright: ignore[reportUnknownArgumentType]
    return found if isinstance(found, Expression) else None  # pyright: ignore


def culprit(target: AnyExpression, parameter: Any) -> tuple[int, str] | None:
    """Return what in the parameter does not fit the target, and why; None where nothing shows.

    It is the number of one value where the parameter holds many of the target's, else 0.
    """
    labels = target.labels if isinstance(target, Column) else None
    value, known = plain(parameter), type_of(target.type)
    is_document = known.base.is_json and not isinstance(parameter, FlatArray)
    if not isinstance(value, list) or known.dimensions or is_document:
        reason = mismatch(target.type, value, labels)
        return None if reason is None else (0, reason)
    values: list[Any] = value  # pyright: ignore[reportUnknownVariableType]
    return first_mismatch(target.type, values, labels)


def described(target: AnyExpression) -> str:
    """Return what to call an expression in a message: a column by its name."""
    if isinstance(target, Column):
        return target.label
    part: Any = target
    while part is not None and not isinstance(part, Column):
        parts = [getattr(part, name, None) for name in PARTS]
        part = next((each for each in parts if each is not None), None)
    return "the expression" if part is None else f"the expression of {part.label}"
