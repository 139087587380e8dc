"""Key membership: the condition key = ANY(...) for one column or several, with array parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..models.columns import AnyColumn
from ..postgres.array_parameter import FlatArray
from ..sql.context import Scope
from ..sql.expressions import Condition


class KeyMembership(Condition[Any]):
    """Several columns that together equal one of many keys."""

    __slots__ = ("columns",)

    def __init__(self, columns: Sequence[AnyColumn], keys: Sequence[Any]) -> None:
        self.columns = tuple(columns)
        self.key = ("keys", *(column.key for column in columns))
        self.values = tuple([key[place] for key in keys] for place in range(len(columns)))
        self.type = "boolean"

    def sql(self, scope: Scope) -> str:
        names = [column.sql(scope) for column in self.columns]
        parameters = [scope.bind(column) for column in self.columns]
        return in_keys(names, self.columns, parameters, scope)


def key_condition(columns: Sequence[AnyColumn], keys: Sequence[Any]) -> Condition[Any]:
    """Return the condition that the columns equal one of the keys."""
    return columns[0].in_(keys) if len(columns) == 1 else KeyMembership(columns, keys)


def in_keys(
    names: Sequence[str], columns: Sequence[AnyColumn], parameters: Sequence[str], scope: Scope
) -> str:
    """Return the text that compares columns with arrays, one array for each column."""
    if len(names) == 1:
        return f"{names[0]} = ANY({columns[0].sent(parameters[0], is_many=True)})"
    return f"({', '.join(names)}) IN (SELECT * FROM {unnested(columns, parameters, scope)})"


def unnested(columns: Sequence[AnyColumn], parameters: Sequence[str], scope: Scope) -> str:
    """Return the rows of parameters that are arrays of values of the columns."""
    pairs = zip(parameters, columns, strict=True)
    arrays = [column.array(parameter) for parameter, column in pairs]
    for column in columns:
        scope.note_cast(f"{column.cast}[]")
    return f"{scope.call('unnest')}({', '.join(arrays)})"


def arrays_of(columns: Sequence[AnyColumn], objects: Sequence[Any]) -> list[object]:
    """Return the values of columns as arrays, one for each column."""
    found: list[object] = []
    for column in columns:
        values = [getattr(each, column.slot) for each in objects]
        # A list among JSON values is a value, and no further dimension.
        found.append(FlatArray(values) if column.is_json else values)
    return found
