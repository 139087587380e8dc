"""The old schema with the names of the new one, and the statements that rename what has them."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from ormkit.migrations.files import Step
from ormkit_gen.ir import (
    Column,
    Domain,
    Enum,
    ForeignKey,
    IndexElement,
    Model,
    NumberSequence,
    Partition,
    Relationship,
    Schema,
)
from ormkit_gen.migrations.pairing import RENAMED_KINDS, Names, Pairing, partitions_of
from ormkit_gen.postgres.identifiers import (
    qualified,
    quote_identifier,
    quote_literal,
    sequence_name,
)
from ormkit_gen.postgres.types import ColumnType
from ormkit_gen.schema.names import MAX_IDENTIFIER

#: The schema of what the files give none.
PUBLIC = "public"
#: Ends the name of what goes, where something else gets its name.
OLD = "_old"
#: Ends the name that one of two gets for a moment, where both swap names.
TEMPORARY = "_ormkit_swap"


#: The schema at the beginning of a qualified name.
_QUALIFIED = re.compile(r'("(?:[^"]|"")+"|[^\s(".]+)\.')
P = TypeVar("P", Domain, NumberSequence, Partition)


@dataclass(frozen=True, slots=True)
class Renaming:
    """What renames do to a schema."""

    #: The schema in which everything that stays has its new names. What goes keeps its names,
    #: unless something that stays gets one of them.
    schema: Schema
    steps: tuple[Step, ...]
    #: The names of everything before, each with the one after.
    names: Pairing


def rename(old: Schema, new: Schema, pairing: Pairing) -> Renaming:
    """Return what gives everything that stays its new names, in Python and in PostgreSQL."""
    names = _Names(old, new, pairing)
    after = names.schema()
    scopes = _scopes(old, after, names)
    steps = tuple(Step(sql="\n".join(each)) for each in scopes if each)
    return Renaming(after, steps, names.pairing())


class _Names:
    def __init__(self, old: Schema, new: Schema, pairing: Pairing) -> None:
        self._old, self._new, self._pairing = old, new, pairing
        taken = {each.name for each in new.models}
        self.models = {
            each.name: pairing.models.get(each.name) or _free(each.name, taken, "Old")
            for each in old.models
        }
        taken = {each.name for each in new.enums}
        self.enums = {
            each.name: pairing.enums.get(each.name) or _free(each.name, taken, "Old")
            for each in old.enums
        }
        self._columns = {each.name: self._column_names(each) for each in old.models}
        self._tables = {(each.schema, each.table) for each in new.models}
        columns = self._columns.values()
        #: Whether every model, column, enum and domain has the Python name that it had.
        self._stay = not pairing.domains and all(
            was == now
            for names in (self.models, self.enums, *columns)
            for was, now in names.items()
        )

    def pairing(self) -> Pairing:
        """Return the names of all elements, and not only of those that stay."""
        found = self._pairing
        return replace(found, models=self.models, columns=self._columns, enums=self.enums)

    def schema(self) -> Schema:
        """Return the whole schema."""
        models = sorted(map(self._model, self._old.models), key=lambda each: each.name)
        enums = sorted(map(self._enum, self._old.enums), key=lambda each: each.name)
        return replace(
            self._old,
            models=tuple(models),
            enums=tuple(enums),
            sequences=tuple(map(self._sequence, self._old.sequences)),
            domains=tuple(map(self._domain, self._old.domains)),
        )

    def _column_names(self, model: Model) -> Names:
        stay = self._pairing.columns.get(model.name, {})
        if model.name not in self._pairing.models:
            return {each.name: each.name for each in model.columns}
        now = self._new.model(self._pairing.models[model.name])
        taken = {each.name for each in now.columns}
        return {each.name: stay.get(each.name) or _free(each.name, taken) for each in model.columns}

    def _model(self, old: Model) -> Model:
        names = self._columns[old.name]
        now = self._pairing.models.get(old.name)
        new = self._new.model(now) if now is not None else None
        if new is old and self._stay:
            return replace(old, computed=()) if old.computed else old

        def mapped(columns: Iterable[str]) -> tuple[str, ...]:
            return tuple(names[each] for each in columns)

        present = {each.name: each.db_name for each in new.columns} if new else {}
        own = old.table
        if new is None and (old.schema, own) in self._tables:
            own = _free(own, {table for _, table in self._tables})
        constraints = self._pairing.constraints.get(old.name, {})
        return replace(
            old,
            name=self.models[old.name],
            table=new.table if new else own,
            schema=new.schema if new else old.schema,
            columns=tuple(self._column(each, names, present) for each in old.columns),
            primary_key=mapped(old.primary_key),
            key_constraint=old.key_constraint
            and replace(old.key_constraint, include=mapped(old.key_constraint.include)),
            foreign_keys=tuple(
                replace(self._key(each, old), name=constraints.get(each.name, each.name))
                for each in old.foreign_keys
            ),
            uniques=tuple(
                replace(
                    each,
                    name=constraints.get(each.name, each.name),
                    columns=mapped(each.columns),
                    include=mapped(each.include),
                )
                for each in old.uniques
            ),
            checks=tuple(
                replace(each, name=constraints.get(each.name, each.name)) for each in old.checks
            ),
            indexes=tuple(
                replace(
                    each,
                    name=constraints.get(each.name, each.name),
                    elements=tuple(_element(part, names) for part in each.elements),
                    include=mapped(each.include),
                )
                for each in old.indexes
            ),
            excludes=tuple(
                replace(
                    each,
                    name=constraints.get(each.name, each.name),
                    elements=tuple((_element(part, names), sign) for part, sign in each.elements),
                )
                for each in old.excludes
            ),
            partitions=self._partitions(old.partitions, old.name, new),
            relationships=tuple(self._relationship(each, old) for each in old.relationships),
            computed=(),
            soft_delete=old.soft_delete and names[old.soft_delete],
            version=old.version and names[old.version],
            updated_at=old.updated_at and names[old.updated_at],
        )

    def _column(self, old: Column, names: Names, present: Names) -> Column:
        type_ = old.type
        if type_.is_enum:
            type_ = replace(type_, name=self.enums[type_.name])
        type_ = self._type(type_)
        name, db_name = names[old.name], old.db_name
        if name in present:
            db_name = present[name]
        elif db_name in present.values():
            db_name = _free(db_name, set(present.values()))
        if (name, db_name, type_) == (old.name, old.db_name, old.type):
            return old
        return replace(old, name=name, db_name=db_name, type=type_)

    def _key(self, key: ForeignKey, model: Model) -> ForeignKey:
        own, there = self._columns[model.name], self._columns[key.target]
        return replace(
            key,
            columns=tuple(own[each] for each in key.columns),
            target=self.models[key.target],
            target_columns=tuple(there[each] for each in key.target_columns),
            set_columns=tuple(own[each] for each in key.set_columns),
        )

    def _relationship(self, each: Relationship, model: Model) -> Relationship:
        own, there = self._columns[model.name], self._columns[each.target]
        secondary = self._columns[each.secondary] if each.secondary else {}
        return replace(
            each,
            target=self.models[each.target],
            local=tuple(own[name] for name in each.local),
            remote=tuple(there[name] for name in each.remote),
            secondary=self.models[each.secondary] if each.secondary else None,
            secondary_local=tuple(secondary[name] for name in each.secondary_local),
            secondary_remote=tuple(secondary[name] for name in each.secondary_remote),
        )

    def _enum(self, old: Enum) -> Enum:
        now = self._pairing.enums.get(old.name)
        labels = self._pairing.labels.get(old.name, {})
        new = self._new.enum(now) if now is not None else None
        return replace(
            old,
            name=self.enums[old.name],
            db_name=new.db_name if new else old.db_name,
            schema=new.schema if new else old.schema,
            members=tuple((member, labels.get(label, label)) for member, label in old.members),
        )

    def _sequence(self, old: NumberSequence) -> NumberSequence:
        now = self._placed(old, self._new.sequences, self._pairing.sequences)
        if old.owner is None:
            return now
        model, column = old.owner
        return replace(now, owner=(self.models[model], self._columns[model][column]))

    def _domain(self, old: Domain) -> Domain:
        now = self._placed(old, self._new.domains, self._pairing.domains)
        return replace(now, type=self._type(old.type))

    def _placed(self, old: P, news: Iterable[P], names: Names) -> P:
        """Return a domain or a sequence with the name and the schema that it gets."""
        now = names.get(_short_name(old))
        for each in news:
            if _short_name(each) == now:
                return replace(old, name=each.name, schema=each.schema)
        return old

    def _type(self, old: ColumnType) -> ColumnType:
        """Return the type of a column whose domain may have another name."""
        if old.spelling is None or not self._pairing.domains:
            return old
        spelling = old.spelling.rstrip("[]")
        for each in self._old.domains:
            if qualified(each.schema, each.name) == spelling:
                now = self._placed(each, self._new.domains, self._pairing.domains)
                rest = old.spelling[len(spelling) :]
                return replace(old, spelling=f"{qualified(now.schema, now.name)}{rest}")
        return old

    def _partitions(
        self, olds: tuple[Partition, ...], model: str, new: Model | None
    ) -> tuple[Partition, ...]:
        names = self._pairing.partitions.get(model, {})
        news = {each.name: each for each in partitions_of(new)} if new else {}
        found: list[Partition] = []
        for each in olds:
            now = news.get(names.get(each.name, ""))
            placed = replace(each, name=now.name, schema=now.schema) if now else each
            below = self._partitions(each.partitions, model, new)
            found.append(replace(placed, partitions=below))
        return tuple(found)


def _element(element: IndexElement, names: Mapping[str, str]) -> IndexElement:
    return replace(element, column=names[element.column]) if element.column else element


def _free(name: str, taken: Collection[str], ending: str = OLD) -> str:
    """Return the name, or one like it that nothing else has."""
    while name in taken:
        name = f"{name.encode()[: MAX_IDENTIFIER - len(ending)].decode(errors='ignore')}{ending}"
    return name


@dataclass(frozen=True, slots=True)
class Rename:
    """One rename: the name that something has, the one it gets, and the SQL for such a pair."""

    sql: Callable[[str, str], str]
    was: str
    now: str

    def __str__(self) -> str:
        return self.sql(self.was, self.now)


def _altering(what: str, action: str = "RENAME TO") -> Callable[[str, str], str]:
    """Return what makes the SQL of renames within a table, as in ALTER TABLE a RENAME COLUMN."""
    infix = "" if action == "RENAME TO" else " TO"

    def sql(was: str, now: str) -> str:
        one, other = quote_identifier(was), quote_identifier(now)
        return f"ALTER {what} {action} {one}{infix} {other};"

    return sql


def _renaming(kind: str, namespace: str) -> Callable[[str, str], str]:
    """Return what makes the SQL of renames within a schema of PostgreSQL."""
    place = quote_identifier(namespace)

    def sql(was: str, now: str) -> str:
        return f"ALTER {kind} {place}.{quote_identifier(was)} RENAME TO {quote_identifier(now)};"

    return sql


def _scopes(old: Schema, after: Schema, names: _Names) -> Iterator[list[str]]:
    """Yield the statements of each scope: tables together, and the columns of each table."""
    pairs = [(each, after.model(names.models[each.name])) for each in old.models]
    pairs = [(was, now) for was, now in pairs if was.view is None and was.is_managed]
    changed = [(was, now) for was, now in pairs if was is not now]
    yield list(_moved(changed))
    yield list(_tables(pairs))
    for was, now in changed:
        yield list(_of_partitions(was, now))
    for was, now in changed:
        yield list(_of_columns(was, now))
    yield list(_sequences(pairs))
    yield list(_of_kind("SEQUENCE", old.sequences, after.sequences))
    yield list(_of_kind("DOMAIN", old.domains, after.domains))
    yield list(_objects(names.pairing().objects))
    for was, now in changed:
        yield list(_of_constraints(was, now))
    enums = [(each, after.enum(names.enums[each.name])) for each in old.enums]
    yield list(_enums(enums))
    for before, later in enums:
        yield list(_labels(before, later))


def _moved(pairs: Iterable[tuple[Model, Model]]) -> Iterator[str]:
    """Yield what moves tables to other schemas of PostgreSQL."""
    for was, now in pairs:
        yield from _moving("TABLE", was.schema, was.table, now.schema)


def _moving(kind: str, before: str | None, name: str, after: str | None) -> Iterator[str]:
    """Yield what moves an object to another schema, which is created if it is not there."""
    if before != after:
        place = quote_identifier(after or PUBLIC)
        if after is not None:
            yield f"CREATE SCHEMA IF NOT EXISTS {place};"
        yield f"ALTER {kind} {_name(before, name)} SET SCHEMA {place};"


def _tables(pairs: list[tuple[Model, Model]]) -> Iterator[str]:
    for namespace in sorted({now.schema or PUBLIC for _, now in pairs}):
        sql = _renaming("TABLE", namespace)
        within = [(was, now) for was, now in pairs if (now.schema or PUBLIC) == namespace]
        found = [Rename(sql, was.table, now.table) for was, now in within]
        yield from in_order(found, {was.table for was, _ in within})


def _of_columns(was: Model, now: Model) -> Iterator[str]:
    sql = _altering(f"TABLE {_name(now.schema, now.table)}", "RENAME COLUMN")
    both = zip(was.columns, now.columns, strict=True)
    found = [Rename(sql, one.db_name, other.db_name) for one, other in both]
    yield from in_order(found, {each.db_name for each in was.columns})


def _sequences(pairs: list[tuple[Model, Model]]) -> Iterator[str]:
    """Yield what renames sequences whose names PostgreSQL has made of those of their columns."""
    for namespace in sorted({now.schema or PUBLIC for _, now in pairs}):
        sql = _renaming("SEQUENCE IF EXISTS", namespace)
        found = [
            Rename(sql, one, other)
            for was, now in pairs
            if (now.schema or PUBLIC) == namespace
            for one, other in zip(_own_sequences(was), _own_sequences(now), strict=True)
        ]
        yield from in_order(found, {each.was for each in found})


def _of_partitions(was: Model, now: Model) -> Iterator[str]:
    yield from _of_kind("TABLE", list(partitions_of(was)), list(partitions_of(now)))


def _of_kind(kind: str, olds: Sequence[P], news: Sequence[P]) -> Iterator[str]:
    """Yield what gives objects of one kind other schemas and names."""
    pairs = list(zip(olds, news, strict=True))
    for was, now in pairs:
        yield from _moving(kind, was.schema, was.name, now.schema)
    for namespace in sorted({now.schema or PUBLIC for _, now in pairs}):
        sql = _renaming(kind, namespace)
        within = [(was, now) for was, now in pairs if (now.schema or PUBLIC) == namespace]
        found = [Rename(sql, was.name, now.name) for was, now in within]
        yield from in_order(found, {was.name for was, _ in within})


def _objects(labels: Names) -> Iterator[str]:
    """Yield what gives objects that the schema has as SQL other schemas and names."""
    for was, now in labels.items():
        kind = next(each for each in RENAMED_KINDS if was.startswith(f"{each} "))
        old, new = was[len(kind) + 1 :], now[len(kind) + 1 :]
        (before, own), (after, becomes) = _split(old), _split(new)
        if (before or PUBLIC) != (after or PUBLIC):
            yield f"ALTER {kind.upper()} {old} SET SCHEMA {after or PUBLIC};"
        if own.partition("(")[0] != becomes.partition("(")[0]:
            name = f"{after or PUBLIC}.{own}"
            yield f"ALTER {kind.upper()} {name} RENAME TO {becomes.partition('(')[0]};"


def _split(name: str) -> tuple[str, str]:
    """Return the schema and the rest of a name that is SQL."""
    found = _QUALIFIED.match(name)
    return (found[1], name[found.end() :]) if found else ("", name)


def _short_name(each: Domain | NumberSequence | Partition) -> str:
    return f"{each.schema}.{each.name}" if each.schema not in (None, PUBLIC) else each.name


def _own_sequences(model: Model) -> list[str]:
    names: list[str] = []
    for column in model.columns:
        options = column.identity_options
        is_named = options is not None and options.name is not None
        if (column.identity or column.is_serial) and not is_named:
            names.append(sequence_name(model.table, column.db_name))
    return names


def _of_constraints(was: Model, now: Model) -> Iterator[str]:
    constraint = _altering(f"TABLE {_name(now.schema, now.table)}", "RENAME CONSTRAINT")
    index = _renaming("INDEX", now.schema or PUBLIC)
    found: list[Rename] = []
    for kind in ("uniques", "checks", "foreign_keys", "excludes", "indexes"):
        sql = index if kind == "indexes" else constraint
        both = zip(getattr(was, kind), getattr(now, kind), strict=True)
        found += [Rename(sql, one.name, other.name) for one, other in both]
    yield from in_order(found, {each.was for each in found})


def _enums(pairs: list[tuple[Enum, Enum]]) -> Iterator[str]:
    for was, now in pairs:
        yield from _moving("TYPE", was.schema, was.db_name, now.schema)
    for namespace in sorted({now.schema or PUBLIC for _, now in pairs}):
        sql = _renaming("TYPE", namespace)
        within = [(was, now) for was, now in pairs if (now.schema or PUBLIC) == namespace]
        found = [Rename(sql, was.db_name, now.db_name) for was, now in within]
        yield from in_order(found, {was.db_name for was, _ in within})


def _labels(before: Enum, later: Enum) -> Iterator[str]:
    alter = f"ALTER TYPE {_name(later.schema, later.db_name)} RENAME VALUE"

    def sql(was: str, now: str) -> str:
        return f"{alter} {quote_literal(was)} TO {quote_literal(now)};"

    both = zip(before.members, later.members, strict=True)
    found = [Rename(sql, one, other) for (_, one), (_, other) in both]
    yield from in_order(found, {label for _, label in before.members})


def in_order(renames: Iterable[Rename], taken: set[str]) -> Iterator[str]:
    """Yield renames so that each name is free when something gets it."""
    waiting = [each for each in renames if each.was != each.now]
    while waiting:
        ready = next((each for each in waiting if each.now not in taken), None)
        if ready is None:
            # A circle: one of them gets another name for a moment.
            first = waiting[0]
            temporary = _free(first.was, {*taken, first.was}, TEMPORARY)
            yield str(replace(first, now=temporary))
            waiting[0] = replace(first, was=temporary)
            taken = (taken - {first.was}) | {temporary}
            continue
        waiting.remove(ready)
        taken = (taken - {ready.was}) | {ready.now}
        yield str(ready)


def _name(schema: str | None, name: str) -> str:
    return qualified(schema or PUBLIC, name)
