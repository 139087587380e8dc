"""Partitions that become tables, tables that become partitions, and those beside a default one.

They are steps of their own before everything else is planned: what a partition has of its table
comes and goes with them.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass

from ormkit.migrations.files import NOTHING, Step
from ormkit_gen.ir import Model, Partition, Schema
from ormkit_gen.migrations.pairing import partitions_of
from ormkit_gen.migrations.pieces import without_constraint
from ormkit_gen.migrations.situation import ending
from ormkit_gen.migrations.trial import Trial
from ormkit_gen.postgres.identifiers import qualified, quote_identifier
from ormkit_gen.postgres.sql_names import plain_name

PUBLIC = "public"
_SHOWN = 10
#: Ends the name of the check that tells PostgreSQL which rows a table has.
_BOUND = "_ormkit_bound"


@dataclass(frozen=True, slots=True)
class _Place:
    """A partition, and the table that it is part of."""

    part: Partition
    #: The table or partition above it, as SQL.
    parent: str
    siblings: tuple[Partition, ...]

    @property
    def name(self) -> str:
        """The partition, as SQL."""
        return _name(self.part)

    @property
    def default(self) -> Partition | None:
        """The partition beside it that takes all other rows."""
        found = (each for each in self.siblings if each.bound == "DEFAULT")
        return next((each for each in found if each is not self.part), None)


def places(schema: Schema) -> dict[str, _Place]:
    """Return the partitions of a schema by their names as SQL."""
    found: dict[str, _Place] = {}
    for model in schema.models:
        if model.is_managed:
            found.update(_below(_table(model), model.partitions))
    return found


def _below(parent: str, parts: tuple[Partition, ...]) -> Iterator[tuple[str, _Place]]:
    for each in parts:
        yield _name(each), _Place(each, parent, parts)
        yield from _below(_name(each), each.partitions)


def tables(schema: Schema) -> set[str]:
    """Return the names of the tables of a schema, as SQL."""
    return {_table(each) for each in schema.models if each.view is None}


def _table(model: Model) -> str:
    return qualified(model.schema or PUBLIC, model.table)


def _name(part: Partition) -> str:
    return qualified(part.schema or PUBLIC, part.name)


def detached(old: Schema, new: Schema) -> tuple[Step, ...]:
    """Return the steps that make partitions tables of their own.

    old: the schema before, with the names of the new one.
    """
    wanted = tables(new)
    return tuple(
        detaching(place.parent, name, has_default=_has_default(place))
        for name, place in places(old).items()
        if name in wanted
    )


def _has_default(place: _Place) -> bool:
    return any(each.bound == "DEFAULT" for each in place.siblings)


def detaching(parent: str, name: str, *, has_default: bool) -> Step:
    """Return the step that takes a partition out of its table.

    PostgreSQL does not do it CONCURRENTLY beside a default partition.
    """
    if has_default:
        return Step(sql=f"ALTER TABLE {parent} DETACH PARTITION {name};")
    sql = f"ALTER TABLE {parent} DETACH PARTITION {name} CONCURRENTLY;"
    return Step(sql=sql, mode="no transaction")


async def attached(old: Schema, new: Schema, database: Trial) -> AsyncGenerator[Step]:
    """Yield the steps that make tables partitions, and partitions that a default one is beside.

    A check that is validated before tells PostgreSQL that no row has to be looked at, so that
    nobody waits for that.
    """
    there, known = tables(old), places(old)
    for name, place in places(new).items():
        if place.parent not in there and place.parent not in known:
            continue
        is_table = name in there
        if name in known or not (is_table or place.default):
            continue
        bound = f"{name} {place.part.bound}"
        statement = f"ALTER TABLE {place.parent} ATTACH PARTITION {bound};"
        if not is_table:
            by = f" PARTITION BY {place.part.partition_by}" if place.part.partition_by else ""
            statement = f"CREATE TABLE {name} PARTITION OF {place.parent} {place.part.bound}{by};"
        condition = await database.condition_of(statement, name)
        if condition is None:
            continue
        checked = {name: condition} if is_table else dict[str, str]()
        default = place.default
        if default is not None and _name(default) in known:
            checked[_name(default)] = f"NOT ({condition})"
        for step in _steps(statement, place, checked):
            yield step


def _steps(statement: str, place: _Place, checked: Mapping[str, str]) -> Iterator[Step]:
    for table, condition in checked.items():
        parent = place.parent.removeprefix("public.")
        remedy = f"move them first, or plan the migration with --consent rewrite:{parent}"
        remedy = "mend or delete them first" if table == place.name else remedy
        which = "is out of the bounds of" if table == place.name else "is within the bounds of"
        yield Step(
            sql=f"SELECT * FROM {table}\nWHERE NOT ({condition})\nLIMIT {_SHOWN};",
            mode="check",
            message=f"rows of {table}: each {which} the partition {place.name}; {remedy}",
        )
    names = {table: _check(table) for table in checked}
    for table, condition in checked.items():
        add = f"ALTER TABLE {table} ADD CONSTRAINT {names[table]} CHECK ({condition}) NOT VALID;"
        undo = without_constraint(table, names[table])
        yield Step(sql=add, undo=undo)
        validate = f"ALTER TABLE {table} VALIDATE CONSTRAINT {names[table]};"
        yield Step(sql=validate, undo=NOTHING)
    yield Step(sql=statement)
    for table in checked:
        yield Step(sql=f"ALTER TABLE {table} DROP CONSTRAINT {names[table]};")


def _check(table: str) -> str:
    return quote_identifier(ending(plain_name(table), _BOUND))


def is_partition(model: Model, names: Set[str]) -> bool:
    """Return whether a table is one of the partitions with these names."""
    return _table(model) in names


def names_of(models: Iterable[Model]) -> set[str]:
    """Return the names of the partitions of tables, as SQL."""
    return {_name(part) for model in models for part in partitions_of(model)}
