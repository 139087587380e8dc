"""Riding: reading the relationships that came in the rows of their parents' query."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..models.table import Table
from .attach import keys_of_rows
from .decoding import decode, decode_part
from .nested import attach_nested, witnesses

if TYPE_CHECKING:
    from ..statements.statement import ObjectMap
    from .plan import Step


def unfold(
    table: Table,
    rows: Sequence[Any],
    joins: tuple[Step, ...],
    identity: ObjectMap | None = None,
) -> list[Any]:
    """Make the objects of rows that hold a table's columns and then those of each step."""
    if not joins:
        return decode(table.model, rows, identity)
    width = len(table.columns)
    objects = decode_part(table.model, rows, 0, identity)
    attach_joins(objects, rows, joins, width, identity)
    return objects


def attach_joins(
    objects: Sequence[Any],
    rows: Sequence[Any],
    joins: tuple[Step, ...],
    start: int,
    identity: ObjectMap | None,
) -> int:
    """Give each object what rides in its row; return where the next columns start."""
    for step in joins:
        if step.strategy == "json":
            attach_nested(objects, [row[start] for row in rows], step, identity)
            start += 1 + len(witnesses(step))
            continue
        target = step.relationship.target
        width = len(target.columns)
        places = [start + place for place in target.key_places]
        keys = keys_of_rows(rows, places)
        firsts = {key: row for key, row in zip(keys, rows, strict=True) if key is not None}
        found = decode_part(target.model, list(firsts.values()), start, identity)
        by_key = dict(zip(firsts, found, strict=True))
        slot = step.relationship.slot
        for each, key in zip(objects, keys, strict=True):
            if each is not None:
                setattr(each, slot, by_key.get(key))
        below = [by_key.get(key) for key in keys]
        start = attach_joins(below, rows, step.joins, start + width, identity)
    return start
