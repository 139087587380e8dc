"""A table of the database as the parts of a model."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ormkit.catalog import (
    IndexElement,
    Sequence,
    Table,
    TableColumn,
    TableConstraint,
    TableIndex,
)
from ormkit_gen.postgres.identifiers import qualified, sequence_name
from ormkit_gen.pull.column_types import TypeWords
from ormkit_gen.pull.constants import NOTHING, constant
from ormkit_gen.pull.known_names import PUBLIC, Key
from ormkit_gen.pull.model_parts import ModelParts, Part
from ormkit_gen.pull.table_facts import TableFacts
from ormkit_gen.schema.names import constraint_name

_SERIALS = {"int2": "smallserial", "int4": "serial", "int8": "bigserial"}
_LIMITS = {"smallint": 2**15 - 1, "integer": 2**31 - 1, "bigint": 2**63 - 1}
#: Parentheses, and the strings and quoted names that may hold some.
_TOKEN = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|[()]""")


class Reader:
    """Describes tables, given the names of all of them."""

    def __init__(
        self,
        models: Mapping[Key, ModelParts],
        tables: Mapping[Key, Table],
        types: TypeWords,
        sequences: Mapping[Key, Sequence],
        facts: TableFacts,
    ) -> None:
        self._models = models
        self._tables = tables
        self._types = types
        self._sequences = sequences
        self._facts = facts
        #: The sequences that columns imply: they are no sequences of the schema.
        self.implied: set[Key] = set()

    def read(self, table: Table) -> ModelParts:
        """Fill in the model of a table, whose attributes have names already, and return it."""
        model = self._models[table.schema, table.name]
        for column in table.columns:
            attribute = model.attributes[column.name]
            model.columns[attribute] = self._column(table, column, attribute)
        self._add_key(table, model)
        for each in table.constraints:
            if each.is_local and not each.is_partition and each.kind != "primary key":
                self._add_constraint(table, model, each)
        for index in table.indexes:
            if index.constraint is None and not index.is_partition and is_sayable_index(index):
                self._add_index(table, model, index)
        model.settings.update(self._facts.settings(table))
        return model

    def _column(self, table: Table, column: TableColumn, attribute: str) -> dict[str, Any]:
        is_view = table.kind.endswith("view")
        key = sayable_key(table)
        is_key = key is not None and column.name in key.columns
        serial = self._serial(table, column)
        entry: dict[str, Any] = {
            "type": serial
            or self._types.of(column.type, is_nullable=not column.is_not_null and not is_key)
        }
        if attribute != column.name:
            entry["column"] = column.name
        if is_key and _is_plain_key(table):
            entry["primary_key"] = True
        if column.generated is not None:
            entry["generated"] = bare(column.generated)
            if column.is_virtual:
                entry["virtual"] = True
        elif column.identity is not None:
            identity = self._identity(table, column)
            if identity != "by default" or not (is_key and _would_be_identity(table, column)):
                entry["identity"] = identity
        elif column.default is not None and serial is None and not is_view:
            value = constant(column.default, column.type)
            if value is NOTHING:
                entry["server_default"] = column.default
            else:
                entry["default"] = value
        elif is_key and serial is None and _would_be_identity(table, column):
            entry["identity"] = False
        if column.collation is not None:
            entry["collation"] = collation(column.collation)
        if not is_view:
            entry.update(self._facts.column_settings(table, column.name))
            if column.comment is not None:
                entry["comment"] = column.comment
        return entry

    def _serial(self, table: Table, column: TableColumn) -> str | None:
        """Return the serial type of a column with a sequence of its own, as `serial` makes it."""
        word = _SERIALS.get(column.type.name) if column.type.is_system else None
        name = sequence_name(table.name, column.name)
        sequence = self._sequences.get((table.schema, name))
        if word is None or sequence is None or not column.is_not_null or column.type.is_array:
            return None
        default = f"nextval('{qualified(table.schema, name)}'::regclass)"
        # The sequence of a serial column is logged where its table is.
        is_usual = _is_usual(sequence, column) and sequence.is_unlogged == table.is_unlogged
        is_own = sequence.owner == (table.schema, table.name, column.name)
        if column.default != default or not is_usual or not is_own or sequence.comment:
            return None
        self.implied.add((table.schema, name))
        return word

    def _identity(self, table: Table, column: TableColumn) -> Any:
        owner = (table.schema, table.name, column.name)
        sequence = next(each for each in self._sequences.values() if each.owner == owner)
        self.implied.add((sequence.schema, sequence.name))
        kind = (column.identity or "").lower()
        options = sequence_options(sequence)
        name = sequence_name(table.name, column.name)
        if sequence.name != name:
            options["name"] = sequence.name
        return {"generated": kind, **options} if options else kind

    def _add_key(self, table: Table, model: ModelParts) -> None:
        key = sayable_key(table)
        if key is None:
            if table.kind != "foreign table" and (columns := _row_key(table)):
                model.settings["key"] = [model.attributes[each] for each in columns]
            elif not table.kind.endswith("view"):
                # So that generating does not warn of what the database is like.
                model.settings["read_only"] = True
            return
        if _is_plain_key(table):
            return
        index = table.index(key.name)
        entry: dict[str, Any] = {"columns": [model.attributes[each] for each in key.columns]}
        if key.name != constraint_name(table.name, (), "pkey"):
            entry["name"] = key.name
        entry.update(_deferral(key))
        entry.update(_index_extras(model, index, key.comment))
        model.settings["primary_key"] = entry

    def _add_constraint(self, table: Table, model: ModelParts, key: TableConstraint) -> None:
        if not is_sayable(key):
            return
        if key.kind == "foreign key":
            self._add_foreign_key(table, model, key)
        elif key.kind == "check":
            entry: dict[str, Any] = {"name": key.name, "expression": bare(key.expression or "")}
            _add_state(entry, key)
            model.parts.append(Part(_facts_of(key), entry, array="checks"))
        elif key.kind == "unique":
            self._add_unique(table, model, key)
        else:
            self._add_exclude(table, model, key)

    def _add_unique(self, table: Table, model: ModelParts, key: TableConstraint) -> None:
        index = table.index(key.name)
        extras = {**_deferral(key), **_index_extras(model, index, key.comment)}
        is_default = key.name == constraint_name(table.name, key.columns, "key")
        primary = sayable_key(table)
        in_key = primary is not None and key.columns[0] in primary.columns
        if len(key.columns) == 1 and is_default and not extras and not in_key:
            attribute = model.attributes[key.columns[0]]
            model.parts.append(Part(_facts_of(key), {"unique": True}, column=attribute))
            return
        entry: dict[str, Any] = {} if is_default else {"name": key.name}
        entry["columns"] = [model.attributes[each] for each in key.columns]
        model.parts.append(Part(_facts_of(key), {**entry, **extras}, array="uniques"))

    def _add_exclude(self, table: Table, model: ModelParts, key: TableConstraint) -> None:
        index = table.index(key.name)
        assert index is not None
        elements: list[dict[str, Any]] = []
        for element in index.elements:
            found = _element(model, element, index.method)
            pair = {"column": found} if isinstance(found, str) else found
            elements.append({**pair, "operator": element.operator})
        entry: dict[str, Any] = {"name": key.name, "elements": elements}
        if index.method != "gist":
            entry["method"] = index.method
        if index.predicate is not None:
            entry["where"] = bare(index.predicate)
        entry.update(_deferral(key))
        entry.update(_index_extras(model, index, key.comment))
        model.parts.append(Part(_facts_of(key), entry, array="excludes"))

    def _add_foreign_key(self, table: Table, model: ModelParts, key: TableConstraint) -> None:
        target = self._target(table, key)
        if target is None:
            return
        words, other = target
        both = {"on_delete": key.on_delete, "on_update": key.on_update}
        actions: dict[str, Any] = {each: both[each] for each in both if both[each] != "no action"}
        actions.update(_deferral(key))
        is_default = key.name == constraint_name(table.name, key.columns, "fkey")
        extras: dict[str, Any] = {}
        _add_state(extras, key)
        if key.match == "full":
            extras["match"] = "full"
        if key.on_delete_columns:
            extras["on_delete_columns"] = [model.attributes[c] for c in key.on_delete_columns]
        has_one = any(
            part.column == model.attributes[key.columns[0]] and "foreign_key" in part.entry
            for part in model.parts
        )
        targets = [other.attributes[each] for each in key.target_columns]
        if len(key.columns) == 1 and is_default and not extras and not has_one:
            entry: dict[str, Any] = {"foreign_key": f"{words}.{targets[0]}", **actions}
            attribute = model.attributes[key.columns[0]]
            model.parts.append(Part(_facts_of(key), entry, column=attribute))
            return
        entry = {} if is_default else {"name": key.name}
        entry["columns"] = [model.attributes[each] for each in key.columns]
        entry["target"] = words
        entry["target_columns"] = targets
        model.parts.append(
            Part(_facts_of(key), {**entry, **actions, **extras}, array="foreign_keys")
        )

    def _target(self, table: Table, key: TableConstraint) -> tuple[str, ModelParts] | None:
        """Return how the referenced table is written, and its model; None where it has none."""
        assert key.target is not None
        other = self._models.get(key.target)
        if other is None:
            return None
        schema, name = key.target
        words = name if schema == PUBLIC else f"{schema}.{name}"
        # The name without a schema is first looked up in the schema of the model itself.
        own = (table.schema, words)
        is_other = own in self._models and own != key.target
        if "." in name or "." in schema:
            words = other.name
        elif is_other:
            # The class may have the name of that other table.
            words = f"{schema}.{name}"
        return words, other

    def _add_index(self, table: Table, model: ModelParts, index: TableIndex) -> None:
        facts = (("index", index.name), ("comment", f"index {index.name}"))
        elements = [_element(model, each, index.method) for each in index.elements]
        names = tuple(
            (each.column or "expr") if isinstance(each, IndexElement) else "expr"
            for each in index.elements
        )
        extras = _index_extras(model, index, index.comment)
        if index.is_unique:
            extras = {"unique": True, **extras}
        if index.predicate is not None:
            extras["where"] = bare(index.predicate)
        if index.method != "btree":
            extras["method"] = index.method
        is_default = index.name == constraint_name(table.name, names, "idx")
        if len(elements) == 1 and isinstance(elements[0], str) and is_default and not extras:
            attribute = elements[0]
            entry = model.entry(attribute)
            primary = sayable_key(table)
            is_key = primary is not None and index.elements[0].column in primary.columns
            if "unique" not in entry and not is_key:
                model.parts.append(Part(facts, {"index": True}, column=attribute))
                return
        named: dict[str, Any] = {} if is_default else {"name": index.name}
        model.parts.append(Part(facts, {**named, "columns": elements, **extras}, array="indexes"))


def is_sayable(key: TableConstraint) -> bool:
    """Return whether the schema language has the constraint."""
    return (
        not key.is_period
        and key.is_enforced
        and key.match != "partial"
        and not (key.kind == "check" and key.is_no_inherit)
    )


def sayable_key(table: Table) -> TableConstraint | None:
    """Return the primary key, where the schema language has it: not WITHOUT OVERLAPS."""
    key = table.primary_key
    return key if key is not None and is_sayable(key) else None


def is_sayable_index(index: TableIndex) -> bool:
    """Return whether the schema language has the index."""
    return index.tablespace is None and index.is_valid


def sequence_options(sequence: Sequence) -> dict[str, Any]:
    """Return the options of a sequence that are not the defaults of its type."""
    limit = _LIMITS[sequence.type]
    is_rising = sequence.increment > 0
    lowest, highest = (1, limit) if is_rising else (-limit - 1, -1)
    found: dict[str, Any] = {}
    if sequence.start != (sequence.minimum if is_rising else sequence.maximum):
        found["start"] = sequence.start
    if sequence.increment != 1:
        found["increment"] = sequence.increment
    if sequence.minimum != lowest:
        found["min"] = sequence.minimum
    if sequence.maximum != highest:
        found["max"] = sequence.maximum
    if sequence.cache != 1:
        found["cache"] = sequence.cache
    if sequence.cycle:
        found["cycle"] = True
    return found


def _is_usual(sequence: Sequence, column: TableColumn) -> bool:
    return sequence.type == column.type.text and not sequence_options(sequence)


def _is_plain_key(table: Table) -> bool:
    """Return whether `primary_key = true` at the columns says all about the primary key."""
    key = sayable_key(table)
    if key is None:
        return False
    index = table.index(key.name)
    in_order = [each.name for each in table.columns if each.name in key.columns]
    return (
        key.is_local
        and list(key.columns) == in_order
        and key.name == constraint_name(table.name, (), "pkey")
        and not key.is_deferrable
        and key.comment is None
        and (index is None or not (index.include or index.storage or index.comment))
    )


def _would_be_identity(table: Table, column: TableColumn) -> bool:
    """Return whether the schema language would make the column an identity by itself."""
    key = sayable_key(table)
    is_whole = column.type.is_system and column.type.name in _SERIALS and not column.type.is_array
    return key is not None and len(key.columns) == 1 and is_whole


def _row_key(table: Table) -> tuple[str, ...]:
    """Return unique columns that are never NULL, which identify the rows without a primary key."""
    unsaid = {each.name for each in table.constraints if not is_sayable(each)}
    for index in table.indexes:
        if index.constraint in unsaid:
            continue
        columns = tuple(element.column or "" for element in index.elements)
        known = [table.column(name) for name in columns]
        is_certain = all(column is not None and column.is_not_null for column in known)
        if index.is_unique and index.predicate is None and index.is_valid and is_certain:
            return columns
    return ()


def _element(model: ModelParts, element: IndexElement, method: str) -> Any:
    entry: dict[str, Any] = {}
    if element.column is not None:
        entry["column"] = model.attributes[element.column]
    else:
        entry["expression"] = bare(element.expression or "")
    if element.collation is not None:
        entry["collation"] = collation(element.collation)
    if element.opclass is not None:
        entry["opclass"] = element.opclass
    if element.is_descending:
        entry["descending"] = True
    if element.is_nulls_first != element.is_descending:
        entry["nulls"] = "first" if element.is_nulls_first else "last"
    return entry["column"] if list(entry) == ["column"] else entry


def collation(quoted: str) -> str:
    """Return a collation as in `C`, or as SQL with double quotes where it needs a schema."""
    name = quoted.removeprefix("pg_catalog.")
    if name != quoted:
        return name[1:-1] if name.startswith('"') and '""' not in name else name
    schema, _, own = quoted.rpartition(".")
    return quoted if own.endswith('"') else f'{schema}."{own}"'


def _index_extras(
    model: ModelParts, index: TableIndex | None, comment: str | None
) -> dict[str, Any]:
    """Return the settings of an index that stand behind its columns."""
    found: dict[str, Any] = {}
    if index is not None and index.include:
        found["include"] = [model.attributes[each] for each in index.include]
    if index is not None and index.is_nulls_not_distinct:
        found["nulls_not_distinct"] = True
    if index is not None and index.storage:
        found["storage"] = {name: option(value) for name, value in index.storage}
    if comment is not None:
        found["comment"] = comment
    return found


def bare(expression: str) -> str:
    """Return an expression without the parentheses around all of it."""
    inner = expression[1:-1]
    depth = 0
    for found in _TOKEN.finditer(inner):
        depth += {"(": 1, ")": -1}.get(found[0], 0)
        if depth < 0:
            return expression
    is_enclosed = expression.startswith("(") and expression.endswith(")")
    return inner if is_enclosed and inner.strip() else expression


def option(value: str) -> Any:
    """Return the value of a storage option for TOML."""
    if value in ("true", "false"):
        return value == "true"
    return int(value) if value.isdigit() and str(int(value)) == value else value


def _deferral(key: TableConstraint) -> dict[str, Any]:
    if key.is_initially_deferred:
        return {"deferrable": True, "initially_deferred": True}
    return {"deferrable": True} if key.is_deferrable else {}


def _add_state(entry: dict[str, Any], key: TableConstraint) -> None:
    if not key.is_validated:
        entry["not_valid"] = True
    if key.comment is not None:
        entry["comment"] = key.comment


def _facts_of(key: TableConstraint) -> tuple[tuple[str, str], ...]:
    return (
        ("constraint", key.name),
        ("unfinished", key.name),
        ("comment", f"constraint {key.name}"),
    )
