"""One-to-many relationships: the foreign keys of children are set and cleared."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from ..errors import StaleObject, UsageError
from ..models.columns import AnyColumn
from ..models.given_columns import mark_known
from ..models.hashable_keys import hashable
from ..models.relationships import Relationship
from ..sql.context import Scope
from ..sql.expressions import Condition
from ..statements.executor import Executor
from ..statements.key_membership import arrays_of, in_keys
from ..statements.select import Select, assignments
from ..statements.shape_name import ShapeName
from ..statements.statement import Statement, statement_for
from .insert import receive, returning
from .update import changes_for, computed_columns, stale, values_of

if TYPE_CHECKING:
    from ..models.model import Model

Changes = Sequence[tuple[AnyColumn, object]]


class ChildKeys:
    """Writes the foreign keys that refer to one parent, to the rows and to the objects.

    owner: the values of the parent's columns that the foreign keys refer to.
    """

    def __init__(
        self, relationship: Relationship[Any, Any], instance: Model, owner: Sequence[object]
    ) -> None:
        self._relationship = relationship
        self._target = relationship.target
        self._instance = instance
        self._owner = tuple(owner)

    async def assign(self, executor: Executor, objects: Sequence[Any]) -> int:
        """Set the foreign key of all objects to the parent; return how many had another one.

        Raises StaleObject where a row is gone or has changed, and then writes none.
        """
        added, _ = await self._assign(executor, objects, self._owner)
        self._update_objects(executor, objects, self._owner, self._instance)
        return added

    async def clear(self, executor: Executor, objects: Sequence[Any]) -> int:
        """Clear the foreign key of those objects that refer to the parent; return their number."""
        null_key = self._null_key()
        own = [each for each in objects if self._key_of(each) == self._owner]
        if own:
            await self._assign(executor, own, null_key)
            self._update_objects(executor, own, null_key, None)
        return len(own)

    async def replace(
        self, executor: Executor, objects: Sequence[Any], left: Sequence[Any]
    ) -> tuple[int, int]:
        """Make these the only children of the parent.

        left: loaded objects that are no longer among them.

        Return how many were added, and how many removed.
        """
        null_key = self._null_key()
        change = await self._assign(executor, objects, self._owner, null_key)
        self._update_objects(executor, left, null_key, None)
        self._update_objects(executor, objects, self._owner, self._instance)
        return change

    async def clear_all(self, executor: Executor, held: Sequence[Any]) -> int:
        """Clear the foreign key of every child; return their number.

        held: the children that are loaded.
        """
        null_key = self._null_key()
        remote = self._relationship.remote
        pairs = zip(remote, self._owner, strict=True)
        where: tuple[Condition[Any], ...] = tuple([key == value for key, value in pairs])
        changes = self._changes(null_key)
        select = Select(table=self._target, where=where)
        values = [*values_of(changes), *select.values()]
        _, count = await executor.run_counted(select.update(changes), values)
        self._update_objects(executor, held, null_key, None)
        return count

    def _key_of(self, instance: Any) -> tuple[object, ...]:
        return tuple([getattr(instance, key.slot, None) for key in self._relationship.remote])

    def _null_key(self) -> tuple[object, ...]:
        """Return the foreign key of no parent; UsageError where none of its columns can be NULL."""
        remote = self._relationship.remote
        if not any(key.is_nullable for key in remote):
            raise UsageError(
                f"{remote[0].label} cannot be NULL, so each {self._target.label} must belong "
                f"to an object: add() it to another {self._relationship.table.label}, or "
                "delete it with session.remove()"
            )
        pairs = zip(remote, self._owner, strict=True)
        return tuple([None if key.is_nullable else value for key, value in pairs])

    def _changes(self, key: Iterable[object]) -> Changes:
        slots = [column.slot for column in self._relationship.remote]
        return changes_for(self._target, dict(zip(slots, key, strict=True)))

    async def _assign(
        self,
        executor: Executor,
        objects: Sequence[Any],
        key: Sequence[object],
        others: Sequence[object] | None = None,
    ) -> tuple[int, int]:
        """Write the foreign key to the rows of all objects, or to none where one has changed.

        others: the foreign key for all other children of the parent; None leaves them unchanged.

        Return how many rows of each kind were written.
        """
        changes = self._changes(key)
        cleared = None if others is None else self._changes(others)
        statement = statement_for(
            ("ownership", self._relationship.key, key == self._owner, others is None),
            lambda: self._write(changes, cleared),
        )
        identity = arrays_of(self._target.identity, objects)
        values = [*values_of(changes), *identity, len(objects), *key]
        if cleared is not None:
            values += [*values_of(cleared), *self._owner]
        rows = await executor.run(statement, values)
        holds, removed = rows[0][:2]
        if not holds:
            raise StaleObject(stale(self._target, "update"))
        written = [row[2:] for row in rows if row[2] is not None]
        self._receive(executor, objects, written, changes)
        return len(written), removed

    def _write(self, changes: Changes, cleared: Changes | None) -> Statement:
        """Return one statement that writes only if every row is as it was read."""
        table = self._target
        scope = Scope(table)
        assigned = assignments(changes, scope)
        parameters = [scope.bind(column) for column in table.identity]
        same = in_keys([c.quoted for c in table.identity], table.identity, parameters, scope)
        count = scope.bind(None)
        keys = ", ".join([column.quoted for column in self._relationship.remote])
        returned = (*table.primary_key, *computed_columns(table, changes))
        parts = [
            f"same AS (SELECT count(*) = {count} AS holds FROM {table.sql} WHERE {same})",
            f"taken AS (UPDATE {table.written} SET {assigned} WHERE {same} "
            f"AND ({keys}) IS DISTINCT FROM ({self._bound(scope)}) "
            f"AND (SELECT holds FROM same){returning(returned)})",
        ]
        gone = "0"
        if cleared is not None:
            width = len(table.primary_key)
            names = [column.quoted for column in table.primary_key]
            stays = in_keys(names, table.primary_key, parameters[:width], scope)
            parts.append(
                f"gone AS (UPDATE {table.written} SET {assignments(cleared, scope)} "
                f"WHERE ({keys}) = ({self._bound(scope)}) AND NOT {stays} "
                f"AND (SELECT holds FROM same) RETURNING 1)"
            )
            gone = "(SELECT count(*) FROM gone)"
        sql = (
            f"WITH {', '.join(parts)} "
            f"SELECT same.holds, {gone}, taken.* FROM same LEFT JOIN taken ON true"
        )
        shape = ShapeName(self._relationship.label, "set", table)
        return Statement.of(scope, sql, shape, selected=(None, None, *returned), operation="UPDATE")

    def _bound(self, scope: Scope) -> str:
        """Return parameters for a foreign key, with the types of its columns."""
        remote = self._relationship.remote
        return ", ".join(
            [f"{column.placeholder(scope.bind(column))}::{column.cast}" for column in remote]
        )

    def _receive(
        self,
        executor: Executor,
        objects: Sequence[Any],
        rows: Sequence[Any],
        changes: Changes,
    ) -> None:
        """Set what PostgreSQL filled in, such as the version, on the object of each row."""
        table = self._target
        computed = computed_columns(table, changes)
        # Without computed columns, the primary key was returned once more.
        if computed[0] is table.primary_key[0]:
            return
        before = [self._primary_key_of(each) for each in objects]
        after = [hashable(self._key_after(key, changes)) for key in before]
        by_key = {key: place for place, key in enumerate(after)}
        width = len(table.primary_key)
        places = [by_key[hashable(tuple(row[:width]))] for row in rows]
        found = [objects[place] for place in places]
        receive(found, [row[width:] for row in rows], computed)
        mark_known(found, computed)
        if executor.identity is not None:
            for place in places:
                executor.identity.wrote(objects[place], before[place], computed)

    def _primary_key_of(self, instance: Any) -> tuple[object, ...]:
        return tuple([getattr(instance, key.slot) for key in self._target.primary_key])

    def _key_after(self, key: Sequence[object], changes: Changes) -> tuple[object, ...]:
        """Return a primary key after the changes, which may assign some of its columns."""
        assigned = {column.slot: value for column, value in changes}
        pairs = zip(self._target.primary_key, key, strict=True)
        return tuple([assigned.get(column.slot, value) for column, value in pairs])

    def _update_objects(
        self,
        executor: Executor,
        objects: Sequence[Any],
        key: Sequence[object],
        instance: Model | None,
    ) -> None:
        """Set the foreign key on objects, and the relationship to the parent if there is one."""
        remote = self._relationship.remote
        back = [each.slot for each in self._target.owned if are_same(each.local, remote)]
        for each in objects:
            before = self._primary_key_of(each)
            for column, value in zip(remote, key, strict=True):
                setattr(each, column.slot, value)
            for slot in back:
                setattr(each, slot, instance)
            if executor.identity is not None:
                executor.identity.wrote(each, before, remote)


def are_same(columns: Sequence[AnyColumn], others: Sequence[AnyColumn]) -> bool:
    """Return whether these are the same columns; `==` between columns makes a condition."""
    return [each.key for each in columns] == [each.key for each in others]
