"""Where in the schema files an object of the database is described."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple
from typing import Any

from ormkit.catalog import Fact
from ormkit_gen.ddl.dependencies import qualified_name
from ormkit_gen.ddl.tables import all_partitions
from ormkit_gen.ir import Model, Position, Schema, SqlObject
from ormkit_gen.postgres.object_kinds import OF_RELATIONS
from ormkit_gen.postgres.sql_names import name_parts

_QUOTED = re.compile(r'"((?:[^"]|"")*)"')

Key = tuple[str, str]


class Places:
    """The positions of tables, columns, constraints, indexes and enums, by their names."""

    def __init__(self, schemas: Sequence[Schema]) -> None:
        self._found: dict[Key, Position | None] = {}
        models = [model for schema in schemas for model in schema.models]
        # Where one target describes a table that another one manages, the latter is its place.
        for model in sorted(models, key=lambda each: each.is_managed):
            self._found.update(_of_model(model))
        for schema in schemas:
            for enum in schema.enums:
                self._found[f"type {enum.schema or 'public'}.{enum.db_name}", ""] = enum.at
            for sequence in schema.sequences:
                whole = f"sequence {sequence.schema or 'public'}.{sequence.name}"
                self._found[whole, ""] = sequence.at
            for extension in schema.extensions:
                self._found[f"extension {extension.name}", ""] = extension.at
            for namespace in schema.namespaces:
                self._found[f"schema {namespace.name}", ""] = namespace.at
            for domain in schema.domains:
                self._found[f"domain {domain.schema or 'public'}.{domain.name}", ""] = domain.at
            for each in schema.objects:
                for key in object_keys(each):
                    self._found.setdefault(key, each.at)

    @classmethod
    def from_rows(cls, rows: Iterable[Sequence[Any]]) -> Places:
        """Return the places that `rows()` has listed."""
        places = cls(())
        places._found = {(row[0], row[1]): Position(*row[2:]) for row in rows}
        return places

    def rows(self) -> list[tuple[Any, ...]]:
        """Return the places as values that JSON has."""
        return [(*key, *astuple(at)) for key, at in self._found.items() if at is not None]

    def of(self, fact: Fact) -> Position | None:
        """Return where the fact comes from: the part's place, or else that of the object."""
        whole, name = plain(fact.object), part_of(fact)
        found = self._found.get((whole, name)) or self._found.get((whole, ""))
        return found or self._found.get((whole.partition("(")[0], ""))


def _of_model(model: Model) -> Iterator[tuple[Key, Position | None]]:
    kind = "table" if model.view is None else model.view.kind
    whole = f"{kind} {model.schema or 'public'}.{model.table}"
    yield (whole, ""), model.at
    if model.key_constraint is not None and model.key_constraint.name is not None:
        yield (whole, model.key_constraint.name), model.at
    yield from (((whole, each.name), each.at) for each in model.foreign_keys)
    yield from (((whole, each.name), each.at) for each in model.uniques)
    yield from (((whole, each.name), each.at) for each in model.checks)
    yield from (((whole, each.name), each.at) for each in model.indexes)
    yield from (((whole, each.name), each.at) for each in model.excludes)
    for part in all_partitions(model.partitions):
        yield (f"table {part.schema or 'public'}.{part.name}", ""), model.at
    for column in model.columns:
        yield (whole, column.db_name), column.at


def object_keys(each: SqlObject) -> Iterator[Key]:
    """Yield what facts about an object are found by: itself, or its part of a table or view."""
    if each.kind in OF_RELATIONS:
        part, _, relation = each.name.partition(" on ")
        for kind in ("table", "view", "materialized view"):
            yield f"{kind} {_qualified(relation)}", ".".join(name_parts(part))
        return
    name = _qualified(each.name)
    yield f"{each.kind} {name}{''.join(each.name.partition('(')[1:])}", ""
    yield f"{each.kind} {name}", ""


def _qualified(name: str) -> str:
    namespace, own = qualified_name(name)
    return f"{namespace or 'public'}.{own}"


def part_of(fact: Fact) -> str:
    """Return the name of the part that a fact, or a comment, is about, without quotes."""
    return plain(fact.name.partition(" ")[2] if fact.kind == "comment" else fact.name)


def plain(name: str) -> str:
    """Return the name without PostgreSQL's double quotes."""
    return _QUOTED.sub(lambda found: found[1].replace('""', '"'), name)
