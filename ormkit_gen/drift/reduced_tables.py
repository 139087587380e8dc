"""Tables without the columns and constraints that a server cannot build."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from ormkit_gen.ddl.tables import create_table
from ormkit_gen.ir import Column, Model, Position, Schema

#: Runs statements; returns why they failed, or None.
Run = Callable[[str], Awaitable[str | None]]


@dataclass(frozen=True, slots=True)
class Lost:
    """A part of a table that cannot be built."""

    kind: str
    name: str
    #: What PostgreSQL said.
    reason: str
    at: Position | None


async def reduce_table(model: Model, schema: Schema, run: Run) -> tuple[Model, list[Lost]]:
    """Return a table with what PostgreSQL accepts of it, and what it does not.

    Each part is tried in a table that does not stay.
    """
    return await _Reduction(model, schema, run).reduced()


class _Reduction:
    """Tries the parts of one table."""

    def __init__(self, model: Model, schema: Schema, run: Run) -> None:
        self._model = model
        self._schema = schema
        self._run = run
        self._lost: list[Lost] = []
        self._bare = replace(
            model,
            columns=(),
            primary_key=(),
            key_constraint=None,
            uniques=(),
            checks=(),
            excludes=(),
            partition_by=None,
            inherits=(),
        )

    async def reduced(self) -> tuple[Model, list[Lost]]:
        """Return what is left, and what is lost."""
        table = await self._columns()
        names = {column.name for column in table.columns}
        model = self._model
        if key := model.key_constraint:
            if names.issuperset((*model.primary_key, *key.include)):
                table = replace(table, primary_key=model.primary_key, key_constraint=key)
            else:
                self._lose("constraint", key.name or f"{model.table}_pkey", _NO_COLUMN, model.at)
        for unique in model.uniques:
            if names.issuperset((*unique.columns, *unique.include)):
                table = replace(table, uniques=(*table.uniques, unique))
            else:
                self._lose("constraint", unique.name, _NO_COLUMN, unique.at)
        for check in model.checks:
            more = replace(table, checks=(*table.checks, check))
            if reason := await self._fails(more):
                self._lose("constraint", check.name, reason, check.at)
            else:
                table = more
        for exclude in model.excludes:
            used = {each.column for each, _ in exclude.elements if each.column is not None}
            more = replace(table, excludes=(*table.excludes, exclude))
            reason = await self._fails(more) if used <= names else _NO_COLUMN
            if reason:
                self._lose("constraint", exclude.name, reason, exclude.at)
            else:
                table = more
        return replace(table, partition_by=model.partition_by, inherits=model.inherits), self._lost

    async def _columns(self) -> Model:
        """Return the table with its columns alone; those that are computed come last."""
        table = self._bare
        for column in sorted(self._model.columns, key=lambda each: each.generated is not None):
            more = replace(table, columns=(*table.columns, column))
            reason = await self._fails(more)
            if reason is None:
                table = more
                continue
            plain = replace(column, default=None, server_default=None)
            without = replace(table, columns=(*table.columns, plain))
            if plain != column and await self._fails(without) is None:
                self._lose_of(column, "default", reason)
                table = without
            else:
                self._lose_of(column, "column", reason)
        return table

    async def _fails(self, table: Model) -> str | None:
        """Return why a table cannot be created; None if it can."""
        sql = create_table(table, (), self._schema)
        reason = await self._run(f"BEGIN;\n{sql}\nROLLBACK;")
        if reason is not None:
            await self._run("ROLLBACK;")
        return reason

    def _lose_of(self, column: Column, kind: str, reason: str) -> None:
        self._lose(kind, column.db_name, reason, column.at)

    def _lose(self, kind: str, name: str, reason: str, at: Position | None) -> None:
        self._lost.append(Lost(kind, name, reason, at or self._model.at))


_NO_COLUMN = "it is over a column that is not there"
