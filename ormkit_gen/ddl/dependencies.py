"""What must exist before what: tables, and the objects that a schema has as SQL."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ormkit_gen.ir import Domain, Model, NumberSequence, Schema, SqlObject
from ormkit_gen.postgres.identifiers import sequence_name
from ormkit_gen.postgres.object_kinds import OF_RELATIONS, RANKS, alike, split_label
from ormkit_gen.postgres.sql_names import Name, name_parts, names_in, names_in_bodies
from ormkit_gen.postgres.types import ColumnType

#: The schema of what is written without one, as a rule.
PUBLIC = "public"
#: The part of an object's name before its arguments or its table.
_OWN_NAME = re.compile(r'(?:"(?:[^"]|"")*"|[^("\s])+')
Item = Model | Domain | NumberSequence | SqlObject


@dataclass(frozen=True, slots=True)
class Node:
    """Something that is created, and what it needs."""

    label: str  #: Kind and name.
    rank: int
    item: Item
    #: Labels of what has to exist before it.
    hard: tuple[str, ...] = ()
    #: Labels of what its text names; a circle is broken here.
    soft: tuple[str, ...] = ()


class Dependencies:
    """The tables and SQL objects of a schema, by label, with what each of them needs."""

    def __init__(self, schema: Schema) -> None:
        self._by_name: dict[str, list[tuple[str | None, str]]] = defaultdict(list)
        #: The tables that bring a sequence with one of their columns, by its name.
        self._brought: dict[str, list[tuple[str | None, str]]] = defaultdict(list)
        #: Declared dependencies that no object of the schema has.
        self.unknown: list[tuple[SqlObject, str]] = []
        self.labels = {model.name: table_label(model) for model in schema.models}
        self._models = frozenset(self.labels.values())
        self._labels = {*self._models, *map(domain_label, schema.domains)}
        self._labels |= {each.label for each in schema.objects}
        for model in schema.models:
            self._by_name[model.table].append((model.schema, self.labels[model.name]))
            for name in _sequences_of(model):
                self._by_name[name].append((model.schema, self.labels[model.name]))
                self._brought[name].append((model.schema, self.labels[model.name]))
        for domain in schema.domains:
            self._by_name[domain.name].append((domain.schema, domain_label(domain)))
        for sequence in schema.sequences:
            self._by_name[sequence.name].append((sequence.schema, sequence_label(sequence)))
            self._labels.add(sequence_label(sequence))
        for each in schema.objects:
            if each.kind not in OF_RELATIONS:
                namespace, name = qualified_name(each.name)
                self._by_name[name].append((namespace, each.label))
        self.nodes = {
            node.label: node
            for node in (
                *map(self._table, schema.models),
                *map(self._domain, schema.domains),
                *map(_sequence, schema.sequences),
                *map(self._object, schema.objects),
            )
        }

    def circle(self) -> list[str] | None:
        """Return labels of objects whose declared dependencies form a circle, or None."""
        done: set[str] = set()
        for root in self.nodes:
            path: list[str] = []
            stack: list[Iterator[str]] = [iter((root,))]
            while stack:
                label = next(stack[-1], None)
                if label is None:
                    stack.pop()
                    done.update(path[-1:])
                    del path[-1:]
                elif label in path:
                    return path[path.index(label) :]
                elif label not in done:
                    path.append(label)
                    stack.append(iter(self.nodes[label].hard))
        return None

    def _table(self, model: Model) -> Node:
        label = self.labels[model.name]
        parents = sorted({key.target for key in model.foreign_keys} - {model.name})
        soft = [self.labels[parent] for parent in parents]
        soft += self._named(_texts(model), label)
        kind = "table" if model.view is None else model.view.kind
        # The file of SQL that creates the view comes before its indexes and comments.
        soft += [
            each
            for place, each in self._by_name[model.table]
            if _is_same(place, model.schema) and each not in self._models
        ]
        soft = [each for each in dict.fromkeys(soft) if each != label]
        return Node(label, RANKS[kind], model, soft=tuple(soft))

    def _domain(self, domain: Domain) -> Node:
        label = domain_label(domain)
        texts = [type_text(domain.type), domain.server_default or "", domain.collation or ""]
        texts += [check.expression for check in domain.checks]
        return Node(label, RANKS["domain"], domain, soft=tuple(self._named(texts, label)))

    def _object(self, each: SqlObject) -> Node:
        rank = RANKS[each.kind]
        if each.depends_on is None:
            # Its own name in its text may be that of another kind, such as a class's family.
            named = self._named([each.text], each.label)
            soft = [label for label in named if not self._is_later_namesake(each, label)]
            return Node(each.label, rank, each, soft=(*soft, *self._called(each, soft)))
        hard: list[str] = []
        for wanted in each.depends_on:
            found = [label for label in self._declared(wanted) if label != each.label]
            hard += found
            if not found:
                self.unknown.append((each, wanted))
        return Node(
            each.label, rank, each, tuple(dict.fromkeys(hard)), tuple(self._called(each, hard))
        )

    def _called(self, each: SqlObject, others: Sequence[str]) -> Iterator[str]:
        """Yield the functions that the body of a function names, without those of `others`.

        PostgreSQL does not note them, but an index of a new table may run the body.
        """
        if alike(each.kind) == "function":
            for label in self._labels_of(names_in_bodies(each.text), each.label):
                if alike(split_label(label)[0]) == "function" and label not in others:
                    yield label

    def _is_later_namesake(self, each: SqlObject, label: str) -> bool:
        """Return whether a label is of an object of the same name that is created later."""
        kind, written = split_label(label)
        is_later = RANKS.get(kind, 0) > RANKS[each.kind]
        return is_later and qualified_name(written) == qualified_name(each.name)

    def _declared(self, wanted: str) -> list[str]:
        """Return the labels of what a dependency names, as in "function f" or "table users"."""
        if wanted in self._labels:
            return [wanted]
        kind, written = split_label(wanted)
        namespace, name = qualified_name(written)
        found = [
            (place, label)
            for place, label in self._by_name.get(name, ())
            if _is_same(namespace, place) and alike(split_label(label)[0]) == alike(kind)
        ]
        if kind == "sequence":
            brought = self._brought.get(name, ())
            found += [each for each in brought if _is_same(namespace, each[0])]
        # Where several schemas have the name, it is the one in the schema that is written.
        exact = [label for place, label in found if (place or PUBLIC) == (namespace or PUBLIC)]
        return exact or [label for _, label in found]

    def _named(self, texts: Iterable[str], own: str) -> list[str]:
        """Return the labels of what the texts name, except the one that they belong to."""
        return self._labels_of((name for text in texts for name in names_in(text)), own)

    def _labels_of(self, names: Iterable[Name], own: str) -> list[str]:
        found: dict[str, None] = {}
        for name in names:
            found.update(dict.fromkeys(self._of(name)))
        found.pop(own, None)
        return list(found)

    def _of(self, name: Name) -> Iterator[str]:
        """Yield the labels that a name may mean: `users.id` is a column of users, or users.id."""
        for place, label in self._by_name.get(name[0], ()):
            if len(name) < 3 or place is None:
                yield label
        if len(name) > 1:
            for place, label in self._by_name.get(name[1], ()):
                if _is_same(name[0], place):
                    yield label


def table_label(model: Model) -> str:
    """Return the label of a model's table."""
    return f"table {model.schema}.{model.table}" if model.schema else f"table {model.table}"


def domain_label(domain: Domain) -> str:
    """Return the label of a domain."""
    return f"domain {domain.schema}.{domain.name}" if domain.schema else f"domain {domain.name}"


def sequence_label(sequence: NumberSequence) -> str:
    """Return the label of a sequence."""
    name = f"{sequence.schema}.{sequence.name}" if sequence.schema else sequence.name
    return f"sequence {name}"


def _sequences_of(model: Model) -> Iterator[str]:
    """Yield the names of the sequences that a table brings, which other tables may use."""
    for column in model.columns:
        if column.is_serial or column.identity is not None:
            options = column.identity_options
            given = options.name if options is not None else None
            yield given or sequence_name(model.table, column.db_name)


def _sequence(sequence: NumberSequence) -> Node:
    return Node(sequence_label(sequence), RANKS["sequence"], sequence)


def type_text(type_: ColumnType) -> str:
    """Return the name of a type that the schema may have to create."""
    return type_.spelling or (type_.name if type_.is_text else "")


def qualified_name(name: str) -> tuple[str | None, str]:
    """Return the schema and the name of an object, without arguments, as PostgreSQL stores them."""
    found = _OWN_NAME.match(name)
    parts = name_parts(found[0] if found else name)
    if not parts:
        return None, name
    *schemas, own = parts
    return (schemas[-1] if schemas else None), own


def _is_same(one: str | None, other: str | None) -> bool:
    """Return whether two names of a schema may mean the same one: none is that of the session."""
    return one == other or one is None or other is None


def _texts(model: Model) -> Iterator[str]:
    """Yield the SQL texts of a model, which may call functions of the schema."""
    if model.view is not None:
        yield model.view.query or ""
    yield from model.inherits
    yield model.partition_by or ""
    for column in model.columns:
        yield type_text(column.type)
        yield from filter(None, (column.server_default, column.generated, column.collation))
    yield from (check.expression for check in model.checks)
    for index in model.indexes:
        yield from filter(None, (index.where, *(each.expression for each in index.elements)))
        yield from filter(None, (each.collation for each in index.elements))
        yield from filter(None, (each.opclass for each in index.elements))
    for exclude in model.excludes:
        yield from filter(None, (exclude.where, *(each.expression for each, _ in exclude.elements)))
