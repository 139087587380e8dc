"""Building what a server can build of a schema, if it lacks some of the extensions."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ormkit import DatabaseError, create_engine
from ormkit.catalog import SHADOW_SETTINGS, Catalog, read_catalog
from ormkit_gen.ddl.dependencies import Item
from ormkit_gen.ddl.extensions import extensions
from ormkit_gen.ddl.indexes import create_index
from ormkit_gen.ddl.schema import Part, is_enforced, late_foreign_key, schema_parts
from ormkit_gen.ddl.tables import all_partitions, create_table
from ormkit_gen.drift.left_out import LeftOut, Missing
from ormkit_gen.drift.places import object_keys
from ormkit_gen.drift.reduced_tables import Lost, Run, reduce_table
from ormkit_gen.drift.roles import Roles
from ormkit_gen.ir import Domain, Enum, Model, NumberSequence, Schema, SqlObject
from ormkit_gen.postgres.identifiers import quote_identifier, sequence_name

Key = tuple[str, str]
_EXTENSION = re.compile(r"CREATE EXTENSION IF NOT EXISTS (.+?)(?: WITH SCHEMA .*)?;")


async def missing_extensions(url: str, schemas: Sequence[Schema]) -> tuple[Missing, ...]:
    """Return the extensions that a new database, which is for this only, cannot have."""
    names = sorted({name for schema in schemas for name in extensions(schema)})
    places = {each.name: each.schema for schema in schemas for each in schema.extensions}
    found: list[Missing] = []
    async with await create_engine(url, max_connections=1) as engine:
        for name in names:
            quoted = quote_identifier(name)
            try:
                await engine.execute(f"CREATE EXTENSION IF NOT EXISTS {quoted} CASCADE")
            except DatabaseError as error:
                place = places.get(name)
                quoted_place = None if place is None else quote_identifier(place)
                found.append(Missing(name, str(error), quoted_place))
    return tuple(found)


async def build_possible(
    url: str, schemas: Sequence[Schema], missing: Sequence[Missing], roles: Roles
) -> tuple[Catalog, tuple[LeftOut, ...]]:
    """Build on an empty database what needs none of the missing extensions.

    roles: those that statements need.

    Return its catalog, and what could not be built: each statement runs by itself, and PostgreSQL
    says which ones fail.
    """
    left_out: list[LeftOut] = []
    async with await create_engine(url, max_connections=1) as engine:
        async with engine.pool.connection() as connection:
            connection.mark_dirty()

            async def run(sql: str) -> str | None:
                while True:
                    try:
                        await connection.script(sql)
                    except DatabaseError as error:
                        if not await roles.provide(error):
                            return str(error)
                    else:
                        return None

            await connection.script(SHADOW_SETTINGS)
            for schema in schemas:
                builder = _Builder(run, schema, {each.name for each in missing})
                await builder.build()
                left_out += builder.left_out
        return await read_catalog(engine), tuple(left_out)


class _Builder:
    """Builds one schema as far as possible."""

    def __init__(self, run: Run, schema: Schema, missing: set[str]) -> None:
        self.left_out: list[LeftOut] = []
        self._run = run
        self._schema = schema
        self._missing = {quote_identifier(name) for name in missing}
        self._parts = schema_parts(schema, with_unmanaged=True)

    async def build(self) -> None:
        """Run the statements of every part."""
        for part in self._parts:
            item = part.item
            if item is None:
                await self._prepare(part)
            elif part.key is not None and isinstance(item, Model):
                await self._part(item, "constraint", part.key.name, part.statements[0])
            elif isinstance(item, Model) and item.view is None:
                await self._table(part, item)
            else:
                await self._object(part, item)

    async def _prepare(self, part: Part) -> None:
        for statement in part.statements:
            created = _EXTENSION.fullmatch(statement)
            if created is None or created[1] not in self._missing:
                await self._run(statement)

    async def _object(self, part: Part, item: Item | Enum) -> None:
        """Create a view, a function, a type and the like, which fail as a whole."""
        first, *rest = part.statements
        if (reason := await self._run(first)) is not None:
            label, keys = _named(item)
            self._leave_out(item, LeftOut(label, "", keys, reason, item.at))
            return
        for statement in rest:
            await self._run(statement)

    async def _table(self, part: Part, model: Model) -> None:
        """Create a table; without what fails, if CREATE TABLE does."""
        first, *rest = part.statements
        if (reason := await self._run(first)) is not None:
            reduced, lost = await reduce_table(model, self._schema, self._run)
            if await self._run(create_table(reduced, (), self._schema)) is not None:
                label, keys = _named(model)
                self._leave_out(model, LeftOut(label, "", keys, reason, model.at))
                return
            for each in lost:
                self._lose(model, each)
            late = {each.key.name for each in self._parts if each.key and each.item is model}
            for key in model.foreign_keys:
                if key.name not in late and is_enforced(model, key, self._schema):
                    statement = late_foreign_key(model, key, self._schema)
                    await self._part(model, "constraint", key.name, statement)
        indexes = {create_index(model, each): each.name for each in model.indexes}
        for statement in rest:
            if statement in indexes:
                await self._part(model, "index", indexes[statement], statement)
            elif " REPLICA IDENTITY " in statement:
                await self._part(model, "replica identity", "", statement)
            else:  # a comment, or an option of a column: it fails together with that
                await self._run(statement)

    async def _part(self, model: Model, kind: str, name: str, statement: str) -> None:
        if (reason := await self._run(statement)) is not None:
            self._lose(model, Lost(kind, name, reason, model.at))

    def _lose(self, model: Model, lost: Lost) -> None:
        label, keys = _named(model)
        whole = keys[0][0]
        label = f"{label}: {lost.kind} {lost.name}".rstrip()
        parts = ((whole, lost.name),)
        self._leave_out(model, LeftOut(label, lost.kind, parts, lost.reason, lost.at))

    def _leave_out(self, item: Item | Enum, each: LeftOut) -> None:
        if not isinstance(item, Model) or item.is_managed:
            self.left_out.append(each)


def _named(item: Item | Enum) -> tuple[str, tuple[Key, ...]]:
    """Return what an item is called, and its keys in `Places`."""
    if isinstance(item, SqlObject):
        return item.label, tuple(object_keys(item))
    namespace = item.schema or "public"
    if isinstance(item, Model):
        kind = "table" if item.view is None else item.view.kind
        whole = f"{kind} {namespace}.{item.table}"
        names = [whole]
        names += (
            f"table {each.schema or 'public'}.{each.name}"
            for each in all_partitions(item.partitions)
        )
        names += (
            f"sequence {namespace}.{sequence_name(item.table, column.db_name)}"
            for column in item.columns
            if column.is_serial
        )
        return whole, tuple((name, "") for name in names)
    kinds = {Enum: "type", Domain: "domain", NumberSequence: "sequence"}
    whole = f"{kinds[type(item)]} {namespace}.{getattr(item, 'db_name', item.name)}"
    return whole, ((whole, ""),)
