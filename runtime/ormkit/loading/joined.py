"""Joined loads: to-one relationships read by a LEFT JOIN in the query of their parents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..errors import UsageError
from ..events.observed_rows import ObservedRows
from ..models.relationships import table_as
from ..models.table import Table
from ..sql.context import Scope
from ..statements.executor import Executor
from .attach import keys_of_rows, related_objects
from .decoding import decode, decode_part
from .step import RelationshipStep, Step, row_layout

if TYPE_CHECKING:
    from ..statements.executor import ObjectMap


class JoinedStep(RelationshipStep):
    """joinedload(): the related row comes with its parent's row, by a LEFT JOIN."""

    __slots__ = ()
    strategy = "joined"
    is_joined = True

    def check(self, *, is_refined: bool) -> None:
        relationship = self.relationship
        if relationship.is_to_many:
            raise UsageError(
                f"{relationship.label} is a to-many relationship, and a join would repeat the "
                f"row for each of its objects: use selectinload({relationship.name!r})"
            )

    def write_join(self, scope: Scope, outer: str, selected: list[str], joins: list[str]) -> None:
        target = self.relationship.target
        name, text = left_join(self, scope, outer)
        selected.extend(column.read(f"{name}.{column.quoted}", scope) for column in target.columns)
        joins.append(text)
        for step in self.joins:
            step.write_join(scope, name, selected, joins)

    def row_layout(self) -> list[Any]:
        return row_layout(self.relationship.target, self.joins)

    def attach_joined(
        self, objects: Sequence[Any], rows: Sequence[Any], start: int, identity: ObjectMap | None
    ) -> int:
        target = self.relationship.target
        places = [start + place for place in target.key_places]
        keys = keys_of_rows(rows, places, target.has_mutable_key)
        firsts = {key: row for key, row in zip(keys, rows, strict=True) if key is not None}
        found = decode_part(target.model, list(firsts.values()), start, identity)
        by_key = dict(zip(firsts, found, strict=True))
        slot = self.relationship.slot
        for each, key in zip(objects, keys, strict=True):
            if each is not None:
                setattr(each, slot, by_key.get(key))
        below = [by_key.get(key) for key in keys]
        start += len(target.columns)
        for step in self.joins:
            start = step.attach_joined(below, rows, start, identity)
        return start

    async def load(self, executor: Executor, objects: Sequence[Any]) -> list[Any]:
        # The related objects came with the objects.
        return related_objects(objects, self.relationship) if self.below else []


def left_join(step: RelationshipStep, scope: Scope, outer: str) -> tuple[str, str]:
    """Return the alias of a to-one relationship's target, and the text that joins it to `outer`."""
    relationship = step.relationship
    target = relationship.target
    name = scope.take(relationship.name)
    # The same relationship may be joined again further down; the lock means the first one.
    is_required = scope.joined.setdefault(relationship, name) == ""
    if is_required:
        scope.joined[relationship] = name
    word = "JOIN" if is_required else "LEFT JOIN"
    pairs = zip(relationship.local, relationship.remote, strict=True)
    matches = [f"{name}.{there.quoted} = {outer}.{here.quoted}" for here, there in pairs]
    scope.enter_as(target, name)
    matches += [condition.sql(scope) for condition in step.where]
    scope.leave(target)
    return name, f" {word} {table_as(target.sql, name)} ON {' AND '.join(matches)}"


def decode_joined(
    table: Table,
    rows: Sequence[Any],
    joins: tuple[Step, ...],
    identity: ObjectMap | None = None,
) -> list[Any]:
    """Create the objects of rows, with the relationships that were joined.

    Each row holds the table's columns and then those of each joined step.
    """
    if not joins:
        return decode(table.model, rows, identity)
    if isinstance(rows, ObservedRows):
        return rows.made(lambda plain: decode_joined(table, plain, joins, identity))
    start = len(table.columns)
    objects = decode_part(table.model, rows, 0, identity)
    for step in joins:
        start = step.attach_joined(objects, rows, start, identity)
    return objects
