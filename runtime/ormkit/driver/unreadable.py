"""Unreadable values: what the server sent and Python has no value for.

A decoder that raised would end the driver's reading in the middle of an answer, and hide which
column and row it was. A mark stands in the place of the value instead, until the rows are complete.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..errors import UnreadableValue
from ..postgres.values import Range, Record

#: Where a value stands: its place in the row, then in the records nested there.
Place = tuple[int, ...]


class Unreadable:
    """Stands for a value that could not be read."""

    __slots__ = ("reason",)

    def __init__(self, reason: str) -> None:
        self.reason = reason


def readable(rows: list[Record], marks: list[Unreadable]) -> list[Record]:
    """Return the rows; raises UnreadableValue for the first value that could not be read.

    marks: those that decoders have made since they were last looked at; emptied here.
    """
    marks.clear()
    for number, row in enumerate(rows, 1):
        for place, mark in marks_in(row):
            name = list(row.keys())[place[0]]
            error = UnreadableValue.of(f"the column {name!r}", mark.reason)
            error.column, error.row, error.place = name, number, place
            raise error
    return rows


def marks_in(row: Any, place: Place = ()) -> Iterator[tuple[Place, Unreadable]]:
    """Yield the marks within a row, each with its place."""
    for number, value in enumerate(row):
        if isinstance(value, Unreadable):
            yield (*place, number), value
        elif isinstance(value, (tuple, Record)):
            yield from marks_in(value, (*place, number))
        elif isinstance(value, (list, Range)):
            yield from marks_among(value, (*place, number))


def marks_among(value: Any, place: Place) -> Iterator[tuple[Place, Unreadable]]:
    """Yield the marks within the elements of an array, or the bounds of a range."""
    bounded: Any = value
    parts: Any = (bounded.lower, bounded.upper) if isinstance(value, Range) else value
    for part in parts:
        if isinstance(part, Unreadable):
            yield place, part
        elif isinstance(part, (tuple, Record)):
            yield from marks_in(part, place)
        elif isinstance(part, (list, Range)):
            yield from marks_among(part, place)
