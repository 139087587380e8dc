"""Everything that pull reads of a database, in one read-only transaction."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Set
from dataclasses import dataclass, replace

from ormkit import Engine
from ormkit.catalog import (
    RIGHTS,
    Catalog,
    Domain,
    EnumType,
    Fact,
    Sequence,
    Table,
    catalog_transaction,
    read_domains,
    read_enums,
    read_facts,
    read_sequences,
    read_tables,
)
from ormkit_gen.drift.namespaces import within
from ormkit_gen.drift.other_tools import tool_of
from ormkit_gen.drift.places import plain
from ormkit_gen.drift.sides import kind_and_name, schema_of
from ormkit_gen.postgres.object_kinds import OF_RELATIONS
from ormkit_gen.pull.known_names import Key
from ormkit_gen.pull.object_queries import DEPENDENCIES, objects


@dataclass(frozen=True, slots=True)
class DatabaseObject:
    """An object that schema files keep as SQL."""

    kind: str
    #: Quoted and qualified, as in `public.total(integer)` or `audit on public.users`.
    name: str
    #: The statements that create it.
    sql: str
    #: The labels of what must exist before, as in `table public.users`; None for what its text
    #: names.
    depends_on: tuple[str, ...] | None

    @property
    def label(self) -> str:
        """Its kind and name."""
        return f"{self.kind} {self.name}"

    @property
    def whole(self) -> str:
        """The plain label of the object in the catalog: that of its table for a trigger."""
        if self.kind not in OF_RELATIONS:
            return plain(self.label)
        return f"table {plain(self.name.rpartition(' on ')[2])}"

    @property
    def schema(self) -> str:
        """The schema that it is in, or that its table is in; empty where it is in none."""
        place = self.name.rpartition(" on ")[2] if self.kind in OF_RELATIONS else self.name
        return plain(schema_of(place))


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The state of a database at one moment."""

    catalog: Catalog
    tables: tuple[Table, ...]
    enums: tuple[EnumType, ...]
    domains: tuple[Domain, ...]
    sequences: tuple[Sequence, ...]
    objects: tuple[DatabaseObject, ...]
    #: The extensions, with the schemas that they are in, and comments of the database's own.
    extensions: tuple[tuple[str, str, str | None], ...]
    #: The tables that belong to others, and that foreign keys of these tables reference.
    foreign: frozenset[Key] = frozenset()
    #: The owners and grants of all objects; none where they were not asked for.
    rights: tuple[Fact, ...] = ()

    def of_schemas(self, schemas: Collection[str]) -> Snapshot:
        """Return the part of these schemas; all of it if there are none."""
        if not schemas:
            return self
        tables, foreign = self._with_targets([e for e in self.tables if e.schema in schemas])
        return Snapshot(
            within(self.catalog, schemas),
            tables,
            tuple(each for each in self.enums if each.schema in schemas),
            tuple(each for each in self.domains if each.schema in schemas),
            tuple(each for each in self.sequences if each.schema in schemas),
            tuple(each for each in self.objects if each.schema in schemas),
            self.extensions,
            foreign,
            self.rights,
        )

    def _with_targets(self, tables: list[Table]) -> tuple[tuple[Table, ...], frozenset[Key]]:
        """Return tables with those that their foreign keys reference, and the names of these."""
        own = {(each.schema, each.name) for each in tables}
        targets = {key.target for each in tables for key in each.foreign_keys if key.target} - own
        foreign = {(e.schema, e.name): _keys_only(e) for e in self.tables}
        foreign = {name: table for name, table in foreign.items() if name in targets}
        return (*tables, *foreign.values()), frozenset(foreign)

    def without(self, objects: Set[str]) -> Snapshot:
        """Return the part without some objects and what belongs to them, such as triggers.

        objects: their labels, quoted as in facts.
        """
        if not objects:
            return self
        gone = set(map(plain, objects))

        def stays(each: Table | EnumType | Domain | Sequence, kind: str) -> bool:
            return f"{kind} {each.schema}.{each.name}" not in gone

        facts = (fact for fact in self.catalog if plain(fact.object) not in gone)
        tables, foreign = self._with_targets(
            [
                each
                for each in self.tables
                if stays(each, each.kind) and (each.schema, each.name) not in self.foreign
            ]
        )
        return Snapshot(
            Catalog(facts, self.catalog.server_version),
            tables,
            tuple(each for each in self.enums if stays(each, "type")),
            tuple(each for each in self.domains if stays(each, "domain")),
            tuple(each for each in self.sequences if stays(each, "sequence")),
            tuple(each for each in self.objects if each.whole not in gone),
            tuple(each for each in self.extensions if f"extension {each[0]}" not in gone),
            foreign,
        )

    def without_bookkeeping(self, described: Collection[tuple[str, str]]) -> Snapshot:
        """Return all but the tables in which other tools keep their migrations.

        described: tables that schema files describe, which stay: their schemas and names.
        """
        out = {
            place
            for each in self.tables
            if tool_of(each.name, [column.name for column in each.columns])
            and (place := (each.schema, each.name)) not in described
        }
        gone = [each for each in self.sequences if each.owner and each.owner[:2] in out]
        objects = {("table", *place) for place in out}
        objects |= {("sequence", each.schema, each.name) for each in gone}

        def stays(fact: Fact) -> bool:
            kind, name = kind_and_name(fact.object)
            schema, _, rest = plain(name).partition(".")
            return (kind, schema, rest) not in objects

        return replace(
            self,
            catalog=Catalog(filter(stays, self.catalog), self.catalog.server_version),
            tables=tuple(each for each in self.tables if (each.schema, each.name) not in out),
            sequences=tuple(each for each in self.sequences if each not in gone),
        )


async def read_snapshot(engine: Engine, *, rights: bool = False) -> Snapshot:
    """Read a database. Nothing is changed, and no right beyond connecting is needed.

    rights: whether to read owners and grants, too.
    """
    async with catalog_transaction(engine) as tx:
        facts = await read_facts(tx, rights=rights)
        tables = await read_tables(tx)
        enums, domains = await read_enums(tx), await read_domains(tx)
        sequences = await read_sequences(tx)
        found = [
            row
            for query in objects(facts.server_version)
            for row in (await tx.execute_raw(query)).tuples()
        ]
        needs = {(row[0], row[1]): row[2] for row in (await tx.execute_raw(DEPENDENCIES)).tuples()}
    catalog = facts
    if rights:
        catalog = Catalog((f for f in facts if f.kind not in RIGHTS), facts.server_version)
    made = (
        DatabaseObject(kind, name, sql, _others(needs.get((class_, oid), ()), f"{kind} {name}"))
        for class_, oid, kind, name, sql in found
    )
    return Snapshot(
        *(catalog, tables, enums, domains, sequences, tuple(sorted(made, key=_order))),
        tuple(_extensions(catalog)),
        rights=tuple(fact for fact in facts if fact.kind in RIGHTS),
    )


def _keys_only(table: Table) -> Table:
    """Return a table of others as foreign keys need it: its columns, and its keys."""
    constraints = [each for each in table.constraints if each.kind in ("primary key", "unique")]
    named = {each.name for each in constraints}
    columns = [
        replace(each, default=None, identity=None, generated=None, comment=None)
        for each in table.columns
        if any(each.name in constraint.columns for constraint in constraints)
    ]
    return replace(
        table,
        comment=None,
        storage=(),
        partition_key=None,
        columns=tuple(columns),
        constraints=tuple(constraints),
        indexes=tuple(each for each in table.indexes if each.constraint in named),
    )


def _extensions(catalog: Catalog) -> Iterator[tuple[str, str, str | None]]:
    for fact in catalog:
        kind, _, name = fact.object.partition(" ")
        if (kind, fact.kind) == ("extension", "object"):
            comment = catalog.get((fact.object, "comment", ""))
            place = plain(fact.definition.removeprefix("SCHEMA "))
            yield plain(name), place, comment.definition if comment else None


def _order(each: DatabaseObject) -> tuple[str, str]:
    return each.kind, each.name


def _others(labels: Iterable[str], own: str) -> tuple[str, ...]:
    return tuple(label for label in labels if label != own)
