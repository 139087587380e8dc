"""Marks for values that cannot be decoded, and the UnreadableValue error for them.

If a decoder raised, the driver would stop in the middle of an answer, and the column and row would
be unknown. A decoder therefore returns a mark, and the rows are checked when they are complete.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..errors import UnreadableValue
from ..postgres.values import Range, Record

#: The position of a value: its index in the row, then its indexes in nested records.
Place = tuple[int, ...]


class Unreadable:
    """Takes the place of a value that could not be decoded."""

    __slots__ = ("reason",)

    def __init__(self, reason: str) -> None:
        self.reason = reason


def readable(rows: list[Record], marks: list[Unreadable]) -> list[Record]:
    """Return the rows; raises UnreadableValue for the first value that could not be decoded.

    marks: the marks that decoders have created since the last check; this function empties it.
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
    """Yield each mark within a row or record, with its position."""
    for number, value in enumerate(row):
        if isinstance(value, Unreadable):
            yield (*place, number), value
        elif isinstance(value, (tuple, Record)):
            yield from marks_in(value, (*place, number))
        elif isinstance(value, (list, Range)):
            yield from marks_among(value, (*place, number))


def marks_among(value: Any, place: Place) -> Iterator[tuple[Place, Unreadable]]:
    """Yield each mark within the elements of an array, or within the bounds of a range."""
    bounded: Any = value
    parts: Any = (bounded.lower, bounded.upper) if isinstance(value, Range) else value
    for part in parts:
        if isinstance(part, Unreadable):
            yield place, part
        elif isinstance(part, (tuple, Record)):
            yield from marks_in(part, place)
        elif isinstance(part, (list, Range)):
            yield from marks_among(part, place)
