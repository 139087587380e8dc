"""Factories: objects for tests, of which a test says only what it is about."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, Generic, Self, TypeVar

from ..errors import UsageError
from ..models.columns import AnyColumn
from ..models.model import Model
from ..models.package import Schema
from ..models.protocols import P, Producible
from ..models.table import Table, table_of
from ..postgres.values import UNSET
from ..session import AsyncSession
from ..sql.expressions import Expression
from .distinct_columns import distinct_columns, unique_columns
from .samples import sample

M = TypeVar("M")
#: A foreign key: its columns, the table that it refers to, and the columns of that one. Columns are
#: named, because == of two columns is a condition.
ForeignKey = tuple[tuple[str, ...], Table, tuple[str, ...]]


@dataclass(slots=True)
class CurrentTest:
    """What the factories of all modules share during a test."""

    session: AsyncSession | None = None
    #: The numbers for the values of each table, which begin anew with each test.
    numbers: dict[Table, Iterator[int]] = field(default_factory=dict[Table, Iterator[int]])

    def begin(self) -> None:
        """Begin a test: the same one gets the same values, whatever ran before it."""
        self.session = None
        self.numbers.clear()

    def next_number(self, table: Table) -> int:
        """Return the next number for a table, from 1 on."""
        return next(self.numbers.setdefault(table, itertools.count(1)))


CURRENT = CurrentTest()


class Factory(Generic[P, M]):
    """Makes objects of a model, with values for the columns that need one.

    Columns that may be NULL or have a default are left alone. Texts and numbers of objects differ,
    so that they fit into unique columns. `create` also makes the rows that foreign keys need.
    """

    def __init__(
        self, model: type[Producible[P, M]], /, *args: P.args, **defaults: P.kwargs
    ) -> None:
        """Describe the objects.

        defaults: what each object has unless build() or create() say otherwise.
        """
        made: Any = model
        self._make: Callable[..., M] = made
        self._table: Table = table_of(made)
        check_values(self._table, args, defaults)
        self._defaults: Mapping[str, Any] = defaults
        self._parents: tuple[Model, ...] = ()
        self._session: AsyncSession | None = None

    def __repr__(self) -> str:
        return f"<Factory {self._table.label}>"

    def of(self, *parents: Model) -> Self:
        """Return a factory whose objects belong to these, by the foreign keys to their tables."""
        for parent in parents:
            target = table_of(type(parent))
            if not any(key[1] is target for key in foreign_keys(self._table)):
                raise UsageError(f"{self._table.label} has no foreign key to {target.label}")
        changed = copy(self)
        changed._parents = (*self._parents, *parents)
        return changed

    def using(self, session: AsyncSession) -> Self:
        """Return a factory that writes with this session instead of the test's."""
        changed = copy(self)
        changed._session = session
        return changed

    def build(self, *args: P.args, **values: P.kwargs) -> M:
        """Return an object that is not in the database, without parents unless of() named some."""
        check_values(self._table, args, values)
        made: M = self._build(values)
        return made

    async def create(self, *args: P.args, **values: P.kwargs) -> M:
        """Insert an object, and the rows that its foreign keys need; return it."""
        check_values(self._table, args, values)
        made: list[M] = await self._create_many(1, values, {})
        return made[0]

    async def create_many(self, count: int, /, *args: P.args, **values: P.kwargs) -> list[M]:
        """Insert so many objects by one statement. They share the rows that they refer to.

        Where a unique constraint allows that for one object only, each gets a row of its own.
        """
        check_values(self._table, args, values)
        return await self._create_many(count, values, {})

    def _build(self, values: Mapping[str, Any]) -> M:
        given = {**self._defaults, **self._keys_of(self._parents), **values}
        number = CURRENT.next_number(self._table)
        parents = {slot for key in needed_keys(self._table, given) for slot in key[0]}
        for column in (*required_columns(self._table), *distinct_of(self._table)):
            if column.slot not in given and column.slot not in parents:
                given[column.slot] = sample(column, number)
        return self._make(**given)

    async def _create_many(
        self,
        count: int,
        values: Mapping[str, Any],
        shared: dict[Table, Model],
        making: tuple[Table, ...] = (),
    ) -> list[Any]:
        session = self._session or CURRENT.session
        if session is None:
            raise UsageError(
                "create() writes with the session of the test, and the test has none: let it use "
                "the fixture session, or call using(session) first"
            )
        shared.update({table_of(type(parent)): parent for parent in self._parents})
        keys = await self._missing_keys(session, count, values, shared, making)
        made: list[Any] = [self._build({**each, **values}) for each in keys]
        inserted: list[Any] = await session.insert_all(made)
        return inserted

    async def _missing_keys(
        self,
        session: AsyncSession,
        count: int,
        values: Mapping[str, Any],
        shared: dict[Table, Model],
        making: tuple[Table, ...],
    ) -> list[dict[str, Any]]:
        """Return what the foreign keys of each object hold that need a row, which is made.

        Objects share it, unless a unique constraint lets one object have it.
        """
        given = {**self._defaults, **self._keys_of(self._parents), **values}
        found: list[dict[str, Any]] = [{} for _ in range(count)]
        needed = [
            key
            for key in needed_keys(self._table, given)
            if not related_by(self._table, key[0], given)
        ]
        apart = kept_apart(self._table, needed) if count > 1 else ()
        for key in needed:
            columns, target, remote = key
            if key in apart:
                others = {table: each for table, each in shared.items() if table is not target}
                parents = await self._make_parents(session, count, target, others, making)
            else:
                if target not in shared:
                    (shared[target],) = await self._make_parents(session, 1, target, shared, making)
                parents = [shared[target]] * count
            for keys, parent in zip(found, parents, strict=True):
                keys |= keys_from(parent, columns, remote)
        return found

    async def _make_parents(
        self,
        session: AsyncSession,
        count: int,
        target: Table,
        shared: dict[Table, Model],
        making: tuple[Table, ...],
    ) -> list[Model]:
        way = (*making, self._table)
        if target is self._table:
            raise UsageError(
                f"each {target.label} needs another one by its foreign key: give its columns"
            )
        if target in way:
            names = " needs ".join(each.label for each in (*way[way.index(target) :], target))
            raise UsageError(f"foreign keys go in a circle: {names}. Give the columns of one")
        model: Any = target.model
        parents: Factory[Any, Model] = Factory(model)
        return await parents.using(session)._create_many(count, {}, shared, way)

    def _keys_of(self, parents: Sequence[Model]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for columns, target, remote in foreign_keys(self._table):
            for parent in parents:
                if table_of(type(parent)) is target:
                    found |= keys_from(parent, columns, remote)
        return found


def check_values(table: Table, args: Sequence[object], values: Mapping[str, object]) -> None:
    """Raise UsageError for what cannot be a value of an object."""
    if args:
        raise UsageError(f"name the columns of {table.label}: {next(iter(table.by_name))}=...")
    for name, value in values.items():
        if isinstance(value, Expression):
            raise UsageError(f"{table.label}.{name}: an object holds values, and no expressions")


def keys_from(parent: Model, columns: Sequence[str], remote: Sequence[str]) -> dict[str, Any]:
    """Return what the columns of a foreign key hold that refers to this object."""
    return {near: getattr(parent, far) for near, far in zip(columns, remote, strict=True)}


def related_by(table: Table, columns: Sequence[str], given: Mapping[str, Any]) -> bool:
    """Return whether a related object is given that the columns refer to."""
    owned = (each for each in table.owned if each.name in given)
    return any([column.slot for column in each.local] == [*columns] for each in owned)


def required_columns(table: Table) -> list[AnyColumn]:
    """Return the columns that an INSERT has to name."""
    return [
        column
        for column in table.columns
        if not (column.is_nullable or column.has_default or column.is_generated)
        and column.initial is UNSET
        and column.factory is None
    ]


def needed_keys(table: Table, given: Mapping[str, Any]) -> list[ForeignKey]:
    """Return the foreign keys that need a row: none of their columns will be NULL.

    given: the columns that have a value; a foreign key all of whose columns have one needs nothing.
    """
    required = {column.slot for column in required_columns(table)} - given.keys()
    filled = {*required, *(slot for slot, value in given.items() if value is not None)}
    return [
        key for key in foreign_keys(table) if required & {*key[0]} and filled.issuperset(key[0])
    ]


def kept_apart(table: Table, keys: Sequence[ForeignKey]) -> list[ForeignKey]:
    """Return the foreign keys that hold another row in each object, because of a constraint.

    Of a constraint on several foreign keys alone, that is the first one.
    """
    schema = schema_of(table)
    filled = {slot for key in keys for slot in key[0]}
    found: list[ForeignKey] = []
    for named in () if schema is None else unique_columns(schema, table):
        slots = {column.slot for column in named}
        if slots and slots <= filled:
            found += [key for key in keys if slots & {*key[0]}][:1]
    return found


_distinct: dict[Table, list[AnyColumn]] = {}


def distinct_of(table: Table) -> list[AnyColumn]:
    """Return the columns whose defaults would let a table have one row."""
    found = _distinct.get(table)
    if found is None:
        schema = schema_of(table)
        found = _distinct[table] = [] if schema is None else distinct_columns(schema, table)
    return found


_foreign_keys: dict[Table, tuple[ForeignKey, ...]] = {}


def foreign_keys(table: Table) -> tuple[ForeignKey, ...]:
    """Return the foreign keys of a table to tables of its package, as its manifest has them."""
    found = _foreign_keys.get(table)
    if found is None:
        found = _foreign_keys[table] = tuple(read_foreign_keys(table))
    return found


def read_foreign_keys(table: Table) -> Iterator[ForeignKey]:
    """Yield the foreign keys of a table."""
    package, schema = package_of(table), schema_of(table)
    if schema is None:
        return
    models = [each for each in vars(package).values() if isinstance(each, type)]
    tables: dict[str, Table] = {}
    for each in models:
        known: Any = getattr(each, "__table__", None)
        if isinstance(known, Table):
            tables[name_of(known)] = known
    references = schema.fingerprint()["tables"].get(name_of(table), {}).get("references", ())
    for columns, target, remote in references:
        if target in tables:
            yield named(table, columns), tables[target], named(tables[target], remote)


def package_of(table: Table) -> ModuleType:
    """Return the generated package of a table."""
    return sys.modules[table.model.__module__.rpartition(".")[0]]


def schema_of(table: Table) -> Schema | None:
    """Return the schema of a table's package; None for models that were not generated."""
    schema: object = getattr(package_of(table), "SCHEMA", None)
    return schema if isinstance(schema, Schema) else None


def name_of(table: Table) -> str:
    """Return the name of a table in the manifest."""
    return f"{table.schema}.{table.name}" if table.schema else table.name


def named(table: Table, names: Sequence[str]) -> tuple[str, ...]:
    """Return the attributes for columns of a table by their names in PostgreSQL."""
    slots = {column.name: column.slot for column in table.columns}
    return tuple([slots[name] for name in names])
