"""Relationships from foreign keys: on both sides, and many-to-many through a table of keys."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ormkit.catalog import Table, TableConstraint
from ormkit_gen.pull.inflection import plural
from ormkit_gen.pull.known_names import PUBLIC, Key, KnownNames
from ormkit_gen.pull.model_parts import ModelParts
from ormkit_gen.pull.naming import first_free, many_to_many_name, to_many_name, to_one_name
from ormkit_gen.pull.table_parts import is_sayable, sayable_key


@dataclass(frozen=True, slots=True)
class Link:
    """A foreign key between two models."""

    source: Key
    target: Key
    #: Attributes on both sides.
    columns: tuple[str, ...]
    target_columns: tuple[str, ...]
    #: Whether no two rows reference the same one.
    is_unique: bool
    #: The name of its constraint.
    name: str


@dataclass(frozen=True, slots=True)
class Added:
    """A relationship that was added, and the foreign keys that it stands for."""

    model: Key
    name: str
    source: Key
    constraints: tuple[str, ...]


class Relationships:
    """Adds relationships to the models of tables."""

    def __init__(
        self, tables: Mapping[Key, Table], models: Mapping[Key, ModelParts], known: KnownNames
    ) -> None:
        self._tables = tables
        self._models = models
        self._known = known
        self._links = [link for key in tables for link in self._links_of(key)]
        self._taken = {key: self._names(key) for key in models}
        self.added: list[Added] = []

    def add(self) -> None:
        """Add the relationships that the schema files do not decide about already."""
        new = [
            link for link in self._links if not self._is_known(link) and self._has_key(link.target)
        ]
        to_one = {id(link): self._add_to_one(link) for link in new}
        for link in new:
            if self._has_key(link.source):
                self._add_other_side(link, to_one[id(link)])
        for key in self._models:
            self._add_many_to_many(key)

    def _has_key(self, key: Key) -> bool:
        """Return whether rows can be told apart, which the target of a relationship needs."""
        return sayable_key(self._tables[key]) is not None or "key" in self._models[key].settings

    def _names(self, key: Key) -> set[str]:
        model = self._known.models.get(key)
        names = set(self._models[key].attributes.values())
        if model is not None:
            names.update(each.name for each in model.relationships)
            names.update(each.name for each in model.computed)
        return names

    def _links_of(self, key: Key) -> Iterator[Link]:
        table, model = self._tables[key], self._models.get(key)
        seen: set[tuple[Key, tuple[str, ...]]] = set()
        for each in table.constraints if model else ():
            target = self._models.get(each.target) if each.target else None
            if model is None or target is None or each.target is None or each.is_partition:
                continue
            if not is_sayable(each):
                continue
            columns = tuple(model.attributes[name] for name in each.columns)
            # Of two foreign keys with the same columns, relationships use the first.
            if (each.target, columns) not in seen:
                seen.add((each.target, columns))
                targets = tuple(target.attributes[name] for name in each.target_columns)
                yield Link(key, each.target, columns, targets, _is_unique(table, each), each.name)

    def _is_known(self, link: Link) -> bool:
        model, target = self._known.models.get(link.source), self._known.models.get(link.target)
        if model is None or target is None:
            return False
        return any(
            (key.columns, key.target) == (link.columns, target.name) for key in model.foreign_keys
        )

    def _add_to_one(self, link: Link) -> str:
        target = self._models[link.target].name
        name = to_one_name(link.columns, target, link.target_columns, self._taken[link.source])
        self._put(link.source, name, self._entry(link, is_owner=True), link, is_list=False)
        return name

    def _add_other_side(self, link: Link, to_one: str) -> None:
        source, target = self._models[link.source], self._models[link.target]
        siblings = self._between(link.source, link.target)
        is_list = not link.is_unique or link.source == link.target
        name = to_many_name(
            *(source.name, to_one, target.name, self._taken[link.target]),
            is_alone=len(siblings) == 1,
            is_list=is_list,
        )
        entry = self._entry(link, is_owner=False)
        self._put(link.target, name, entry, link, is_list=is_list)
        source.relationships[to_one]["back_populates"] = name
        target.relationships[name]["back_populates"] = to_one

    def _entry(self, link: Link, *, is_owner: bool) -> dict[str, Any]:
        other = link.target if is_owner else link.source
        entry: dict[str, Any] = {"target": self._models[other].name}
        siblings = self._between(link.source, link.target)
        if link.source != link.target:
            siblings = siblings + self._between(link.target, link.source)
        if len(siblings) > 1:
            columns = list(link.columns)
            entry["foreign_key"] = columns if len(columns) > 1 else columns[0]
        same = [each for each in siblings if each.columns == link.columns]
        if link.source == link.target or len(same) > 1:
            entry["many"] = not is_owner
        return entry

    def _between(self, source: Key, target: Key) -> list[Link]:
        return [each for each in self._links if (each.source, each.target) == (source, target)]

    def _put(self, key: Key, name: str, entry: dict[str, Any], *links: Link, is_list: bool) -> None:
        self.added.append(Added(key, name, links[0].source, tuple(each.name for each in links)))
        self._taken[key].add(name)
        self._models[key].relationships[name] = entry
        if is_list:
            self._models[key].lists.add(name)

    def _add_many_to_many(self, key: Key) -> None:
        """Add a many-to-many relationship on both sides of a table that holds only two keys."""
        if key in self._known.models or not (pair := self._sides(key)):
            return
        link = self._models[key]
        schema, table = key
        secondary = table if schema == PUBLIC else f"{schema}.{table}"
        if "." in table or "." in schema:
            secondary = link.name
        names: list[str] = []
        for own, other in (pair, pair[::-1]):
            remote = self._models[other.target].name
            taken = self._taken[own.target]
            if own.target == other.target:
                stem = to_one_name(other.columns, remote, other.target_columns, ())
                name = first_free([plural(stem), f"{stem}_{plural('row')}"], taken)
            else:
                name = many_to_many_name(remote, link.name, taken)
            entry: dict[str, Any] = {"target": remote, "secondary": secondary}
            if own.target == other.target:
                entry["foreign_key"] = list(own.columns)
            self._put(own.target, name, entry, *pair, is_list=True)
            names.append(name)
        for (own, _), name, other_name in zip((pair, pair[::-1]), names, names[::-1], strict=True):
            self._models[own.target].relationships[name]["back_populates"] = other_name

    def _sides(self, key: Key) -> tuple[Link, Link] | None:
        """Return the two foreign keys of a table whose primary key they make up."""
        table, primary = self._tables[key], sayable_key(self._tables[key])
        links = [each for each in self._links if each.source == key]
        keys = [each for each in table.constraints if each.kind == "foreign key"]
        has_keys = all(self._has_key(each.target) for each in links)
        if primary is None or len(links) != 2 or len(keys) != 2 or not has_keys:
            return None
        first, second = links
        attributes = self._models[key].attributes
        columns = [attributes[name] for name in primary.columns]
        if sorted(columns) != sorted((*first.columns, *second.columns)):
            return None
        others = [column for column in table.columns if column.name not in primary.columns]
        has_demands = any(
            column.is_not_null and column.default is None and column.identity is None
            for column in others
        )
        return None if has_demands else (first, second)


def _is_unique(table: Table, key: TableConstraint) -> bool:
    """Return whether the columns of a foreign key are unique in their own table."""
    wanted = set(key.columns)
    return any(
        index.is_unique
        and index.predicate is None
        and {element.column for element in index.elements} == wanted
        for index in table.indexes
    )
