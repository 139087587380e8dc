"""The schema document of a database: the values that a TOML file has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ormkit.catalog import Domain, EnumType, Sequence, Table
from ormkit_gen.drift.places import plain
from ormkit_gen.postgres.identifiers import qualified
from ormkit_gen.postgres.types import ALIASES, BASE_TYPES
from ormkit_gen.pull import naming
from ormkit_gen.pull.column_types import TypeWords
from ormkit_gen.pull.foreign_keys import Added, Relationships
from ormkit_gen.pull.known_names import PUBLIC, Key, KnownNames
from ormkit_gen.pull.model_parts import ModelParts
from ormkit_gen.pull.rare_objects import rare_objects
from ormkit_gen.pull.snapshot import DatabaseObject, Snapshot
from ormkit_gen.pull.table_facts import TableFacts
from ormkit_gen.pull.table_parts import Reader, bare, collation, option, sequence_options
from ormkit_gen.pull.table_statements import statements_of
from ormkit_gen.schema.names import is_attribute


@dataclass(slots=True)
class SchemaDocument:
    """All that schema files say about a database."""

    extensions: dict[str, Any] = field(default_factory=dict[str, Any])
    schemas: dict[str, Any] = field(default_factory=dict[str, Any])
    enums: dict[str, Any] = field(default_factory=dict[str, Any])
    domains: dict[str, Any] = field(default_factory=dict[str, Any])
    sequences: dict[str, Any] = field(default_factory=dict[str, Any])
    models: dict[Key, ModelParts] = field(default_factory=dict[Key, ModelParts])
    #: The relationships of the models, with their foreign keys.
    added: list[Added] = field(default_factory=list[Added])
    #: All tables of the database, with their partitions.
    tables: tuple[Key, ...] = ()
    #: What stays SQL.
    objects: tuple[DatabaseObject, ...] = ()


def describe(snapshot: Snapshot, known: KnownNames) -> SchemaDocument:
    """Return the document of a database.

    known: the names that stay as the schema files have them.
    """
    return _Builder(snapshot, known).build()


class _Builder:
    def __init__(self, snapshot: Snapshot, known: KnownNames) -> None:
        self._snapshot = snapshot
        self._known = known
        self._tables = {(table.schema, table.name): table for table in snapshot.tables}
        self._facts = TableFacts(snapshot.catalog)
        self._classes = naming.ClassNames(known.classes)

    def build(self) -> SchemaDocument:
        found = SchemaDocument(tables=tuple(self._tables))
        described = sorted(
            (each for each in self._snapshot.tables if each.columns and not each.is_partition),
            key=lambda table: (table.schema != PUBLIC, table.schema, table.name),
        )
        for table in described:
            found.models[table.schema, table.name] = self._named(table)
        enums = {(each.schema, each.name): self._enum_name(each) for each in self._snapshot.enums}
        domains = {
            (each.schema, each.name): name
            for each, name in zip(self._snapshot.domains, domain_keys(self._snapshot), strict=True)
        }
        types = TypeWords({**enums, **domains})
        found.enums = {enums[e.schema, e.name]: _enum(e, enums) for e in self._snapshot.enums}
        for domain in self._snapshot.domains:
            found.domains[domains[domain.schema, domain.name]] = _domain(domain, domains, types)
        sequences = {(each.schema, each.name): each for each in self._snapshot.sequences}
        reader = Reader(found.models, self._tables, types, sequences, self._facts)
        for table in described:
            reader.read(table)
        self._add_partitions(found.models)
        tables = {(table.schema, table.name): table for table in described}
        relationships = Relationships(tables, found.models, self._known)
        relationships.add()
        found.added = relationships.added
        found.sequences = dict(_sequences(self._snapshot.sequences, reader.implied))
        found.extensions = {
            name: {"schema": schema} | ({} if comment is None else {"comment": comment})
            for name, schema, comment in self._snapshot.extensions
        }
        found.schemas = dict(self._schemas(found))
        statements = (
            each
            for table in self._snapshot.tables
            for each in statements_of(table, self._facts, self._tables)
        )
        rare = rare_objects(self._snapshot.catalog)
        objects = (*self._snapshot.objects, *rare, *statements)
        roots = self._roots()
        found.objects = tuple(_on_whole_tables(each, roots) for each in objects)
        return found

    def _named(self, table: Table) -> ModelParts:
        key = (table.schema, table.name)
        known = self._known.models.get(key)
        name = known.name if known else self._class_name(table)
        settings: dict[str, Any] = {"table": table.name}
        if table.schema != PUBLIC:
            settings["schema"] = table.schema
        if table.kind in ("view", "materialized view"):
            settings["view"] = True
            if table.kind == "materialized view":
                settings["materialized"] = True
        elif table.kind == "foreign table" or key in self._snapshot.foreign:
            settings["managed"] = False
        else:
            settings.update(_table_settings(table))
        model = ModelParts(name, settings)
        taken = {each.name for each in known.columns} if known else set[str]()
        for column in table.columns:
            attribute = self._known.attribute(key, column.name)
            if attribute is None:
                attribute = naming.attribute(column.name, taken)
                taken.add(attribute)
            model.attributes[column.name] = attribute
        return model

    def _class_name(self, table: Table) -> str:
        name, whole = naming.class_name(table.name), naming.enum_name(table.name)
        prefix = naming.enum_name(table.schema)
        return self._classes.give(name, whole, f"{prefix}{name}", f"{prefix}{whole}")

    def _enum_name(self, each: EnumType) -> str:
        known = self._known.enums.get((each.schema, each.name))
        name = naming.enum_name(each.name)
        prefixed = f"{naming.enum_name(each.schema)}{name}"
        return known or self._classes.give(name, f"{name}Type", prefixed)

    def _add_partitions(self, models: Mapping[Key, ModelParts]) -> None:
        parts = {
            key: _partition(table, self._tables)
            for key, table in self._tables.items()
            if table.is_partition
        }
        for key, part in parts.items():
            parent = self._tables[key].parents[0]
            if parent in parts:
                parts[parent].setdefault("partitions", {})[key[1]] = part
            elif parent in models:
                models[parent].partitions[key[1]] = _short_partition(part)

    def _roots(self) -> dict[str, str]:
        """Return the labels of partitions, with those of the tables that create them."""
        found: dict[str, str] = {}
        for key, table in self._tables.items():
            root = table
            while root.is_partition and root.parents[0] in self._tables:
                root = self._tables[root.parents[0]]
            if root is not table:
                found[f"table {qualified(*key)}"] = f"table {qualified(root.schema, root.name)}"
        return found

    def _schemas(self, found: SchemaDocument) -> Iterator[tuple[str, Any]]:
        """Yield the schemas that nothing else in the files creates."""
        created = {PUBLIC, *(schema for schema, _ in found.models)}
        created |= {each.schema for each in self._snapshot.enums}
        comments = {
            plain(fact.object): fact.definition
            for fact in self._snapshot.catalog
            if fact.kind == "comment" and fact.object.startswith("schema ")
        }
        for fact in self._snapshot.catalog:
            kind, _, name = fact.object.partition(" ")
            if (kind, fact.kind) == ("schema", "object"):
                comment = comments.get(plain(fact.object))
                if comment is not None:
                    yield plain(name), {"comment": comment}
                elif plain(name) not in created:
                    yield plain(name), {}


def _on_whole_tables(item: DatabaseObject, roots: Mapping[str, str]) -> DatabaseObject:
    """Return an object that depends on tables in place of their partitions."""
    if item.depends_on is None:
        return item
    needs = tuple(dict.fromkeys(roots.get(each, each) for each in item.depends_on))
    return item if needs == item.depends_on else replace(item, depends_on=needs)


def _table_settings(table: Table) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if table.comment is not None:
        found["comment"] = table.comment
    if table.is_unlogged:
        found["unlogged"] = True
    if table.partition_key is not None:
        found["partition_by"] = table.partition_key
    if table.parents:
        found["inherits"] = [
            name if schema == PUBLIC else f"{schema}.{name}" for schema, name in table.parents
        ]
    if table.storage:
        found["storage"] = {name: option(value) for name, value in table.storage}
    return found


def _partition(table: Table, tables: Mapping[Key, Table]) -> dict[str, Any]:
    found: dict[str, Any] = {"bound": table.bounds}
    if table.schema != table.parents[0][0]:
        found["schema"] = table.schema
    if table.partition_key is not None:
        found["partition_by"] = table.partition_key
    if table.comment is not None:
        found["comment"] = table.comment
    if table.storage:
        found["storage"] = {name: option(value) for name, value in table.storage}
    return found


def _short_partition(part: dict[str, Any]) -> Any:
    return part["bound"] if list(part) == ["bound"] else part


def _enum(each: EnumType, names: Mapping[Key, str]) -> Any:
    found: dict[str, Any] = {"values": list(each.labels), "name": each.name}
    if each.schema != PUBLIC:
        found["schema"] = each.schema
    if (members := naming.members(each.labels)) is not None:
        found["members"] = members
    if each.comment is not None:
        found["comment"] = each.comment
    return found


def domain_keys(snapshot: Snapshot) -> list[str]:
    """Return what columns write for each domain: its name, where no type has that."""
    columns = (column for table in snapshot.tables for column in table.columns)
    types = {*BASE_TYPES, *ALIASES, *(each.type.name for each in columns if each.type.is_system)}
    found: list[str] = []
    for domain in snapshot.domains:
        name = domain.name
        if not is_attribute(name) or name.lower() in types:
            name = f"{'_'.join(naming.words_of(name)) or 'unnamed'}_domain"
        found.append(naming.free(name, found))
    return found


def _domain(domain: Domain, names: Mapping[Key, str], types: TypeWords) -> dict[str, Any]:
    found: dict[str, Any] = {"type": types.of(domain.type)}
    is_renamed = names[domain.schema, domain.name] != domain.name
    if is_renamed:
        found["name"] = domain.name
    # PostgreSQL finds its own type of that name first.
    if domain.schema != PUBLIC or is_renamed:
        found["schema"] = domain.schema
    if domain.is_not_null:
        found["nullable"] = False
    if domain.default is not None:
        found["server_default"] = domain.default
    if domain.collation is not None:
        found["collation"] = collation(domain.collation)
    if domain.comment is not None:
        found["comment"] = domain.comment
    checks: list[dict[str, Any]] = []
    for each in domain.checks:
        check: dict[str, Any] = {"name": each.name, "expression": bare(each.expression)}
        if not each.is_validated:
            check["not_valid"] = True
        if each.comment is not None:
            check["comment"] = each.comment
        checks.append(check)
    if checks:
        found["checks"] = checks
    return found


def _sequences(
    sequences: tuple[Sequence, ...], implied: set[Key]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the sequences that no column implies."""
    seen: list[str] = []
    for each in sequences:
        if (each.schema, each.name) in implied or each.is_identity:
            continue
        key = naming.free(each.name, seen)
        seen.append(key)
        found: dict[str, Any] = {} if key == each.name else {"name": each.name}
        if each.schema != PUBLIC:
            found["schema"] = each.schema
        if each.type != "bigint":
            found["type"] = each.type
        found.update(sequence_options(each))
        if each.owner is not None:
            schema, table, column = each.owner
            found["owned_by"] = ".".join((*(() if schema == PUBLIC else (schema,)), table, column))
        if each.is_unlogged:
            found["unlogged"] = True
        if each.comment is not None:
            found["comment"] = each.comment
        yield key, found
