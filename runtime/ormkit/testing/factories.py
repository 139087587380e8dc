"""Factories: objects for tests, of which a test says only what it is about."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
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

    def __init__(self, model: type[Producible[P, M]], *args: P.args, **defaults: P.kwargs) -> None:
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
        """Insert so many objects by one statement. They share the rows that they refer to."""
        check_values(self._table, args, values)
        return await self._create_many(count, values, {})

    def _build(self, values: Mapping[str, Any]) -> M:
        given = {**self._defaults, **self._keys_of(self._parents), **values}
        number = CURRENT.next_number(self._table)
        for column in required_columns(self._table):
            if column.slot not in given and not is_foreign(self._table, column):
                given[column.slot] = sample(column, number)
        return self._make(**given)

    async def _create_many(
        self, count: int, values: Mapping[str, Any], shared: dict[Table, Model]
    ) -> list[Any]:
        session = self._session or CURRENT.session
        if session is None:
            raise UsageError(
                "create() writes with the session of the test, and the test has none: let it use "
                "the fixture session, or call using(session) first"
            )
        shared.update({table_of(type(parent)): parent for parent in self._parents})
        every = {**await self._missing_keys(session, values, shared), **values}
        made: list[Any] = [self._build(every) for _ in range(count)]
        return await session.insert_all(made)

    async def _missing_keys(
        self, session: AsyncSession, values: Mapping[str, Any], shared: dict[Table, Model]
    ) -> dict[str, Any]:
        """Return what the foreign keys hold that need a row, which is made where there is none."""
        given = {**self._defaults, **self._keys_of(self._parents), **values}
        needed = {column.slot for column in required_columns(self._table)}
        found: dict[str, Any] = {}
        for columns, target, remote in foreign_keys(self._table):
            if not (needed - given.keys()) & {*columns} or related_by(self._table, columns, given):
                continue
            parent = shared.get(target)
            if parent is None:
                parent = shared[target] = await self._parent(session, target, shared)
            found |= keys_from(parent, columns, remote)
        return found

    async def _parent(
        self, session: AsyncSession, target: Table, shared: dict[Table, Model]
    ) -> Model:
        if target is self._table:
            raise UsageError(
                f"each {target.label} needs another one by its foreign key: give its columns"
            )
        model: Any = target.model
        parents: Factory[Any, Model] = Factory(model)
        made: list[Model] = await parents.using(session)._create_many(1, {}, shared)
        return made[0]

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


def is_foreign(table: Table, column: AnyColumn) -> bool:
    """Return whether the column belongs to a foreign key."""
    return any(column.slot in columns for columns, _, _ in foreign_keys(table))


_foreign_keys: dict[Table, tuple[ForeignKey, ...]] = {}


def foreign_keys(table: Table) -> tuple[ForeignKey, ...]:
    """Return the foreign keys of a table to tables of its package, as its manifest has them."""
    found = _foreign_keys.get(table)
    if found is None:
        found = _foreign_keys[table] = tuple(read_foreign_keys(table))
    return found


def read_foreign_keys(table: Table) -> Iterator[ForeignKey]:
    """Yield the foreign keys of a table."""
    package = sys.modules[table.model.__module__.rpartition(".")[0]]
    schema: Any = getattr(package, "SCHEMA", None)
    if not isinstance(schema, Schema):
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


def name_of(table: Table) -> str:
    """Return the name of a table in the manifest."""
    return f"{table.schema}.{table.name}" if table.schema else table.name


def named(table: Table, names: Sequence[str]) -> tuple[str, ...]:
    """Return the attributes for columns of a table by their names in PostgreSQL."""
    slots = {column.name: column.slot for column in table.columns}
    return tuple([slots[name] for name in names])
