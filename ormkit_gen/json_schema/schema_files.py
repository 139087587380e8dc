"""The JSON Schema of a schema file in TOML.

Which settings there are, and which words they take, is what the readers in `ormkit_gen.schema` say.
Only the shape of each value is said here again, and a test compares it with what the readers take.
"""

from __future__ import annotations

from typing import Any

from ormkit_gen.json_schema import descriptions
from ormkit_gen.json_schema.shapes import (
    ANYTHING,
    ATTRIBUTES,
    CLASSES,
    DRAFT,
    FLAG,
    LABELS,
    NAME,
    NUMBER,
    SOME_TEXTS,
    TEXT,
    TEXTS,
    Shape,
    choice,
    described,
    listed,
    matching,
    named,
    of_any_case,
    or_text,
    table,
    whole,
)
from ormkit_gen.postgres.types import ALIASES as TYPE_ALIASES
from ormkit_gen.postgres.types import BASE_TYPES, TEXT_TYPES
from ormkit_gen.schema import (
    SECTIONS,
    columns,
    computed,
    constraints,
    domains,
    enums,
    index_methods,
    keys,
    migration_settings,
    models,
    namespaces,
    references,
    relationships,
    sequences,
    table_options,
)
from ormkit_gen.schema.fields import PARAMETER
from ormkit_gen.schema.type_words import MAX_DIMENSIONS

#: A type: a name that may have a schema or quotes, then modifiers, dimensions and a question mark.
_TYPE = (
    r'\s*(?:"(?:[^"]|"")+"|[^\W\d])(?:"(?:[^"]|"")*"|[\w$.\s])*'
    rf"(?:\([^()]*\)[A-Za-z ]*)?(?:\s*\[\d*\]){{0,{MAX_DIMENSIONS}}}\s*\??\s*"
)
TYPE: Shape = matching(_TYPE)
_TYPE_NAMES = sorted({*BASE_TYPES, *TYPE_ALIASES, *TEXT_TYPES, *columns.SERIALS})
#: The same with the names that an editor offers. Enums and domains have other ones.
TYPE_SETTING: Shape = {
    "type": "string",
    "anyOf": [{"enum": _TYPE_NAMES}, {"pattern": TYPE["pattern"]}],
}
#: A module and what is in it.
PLACE: Shape = matching(r"[^:\s]+:[^:\s]+")
#: PostgreSQL keeps the other ones for itself. Patterns of editors cannot say "not".
SCHEMA: Shape = {**NAME, "pattern": r"^\s*(?:[^p\s]|p$|p[^g]|pg$|pg[^_])"}
STORAGE: Shape = named(
    {"type": ["string", "number", "boolean"]}, {"pattern": f"^(?:{PARAMETER.pattern})$"}
)
#: A name, or a list of names.
MIXINS: Shape = {
    "type": ["string", "array"],
    "pattern": f"^(?:{'|'.join(models.MIXINS)})$",
    "items": {"type": "string", "enum": [*models.MIXINS]},
}
PARTITION_BY: Shape = matching(
    rf"\s*(?:{'|'.join(map(of_any_case, ('range', 'list', 'hash')))})\s*\([\s\S]*\)\s*"
)
BOUND: Shape = matching(
    rf"\s*(?:{of_any_case('for')}\s+{of_any_case('values')}\b[\s\S]*|{of_any_case('default')})\s*"
)
_DEFERRING = {"deferrable": FLAG, "initially_deferred": FLAG}
_REFERENCE = {
    "on_delete": choice(references.ACTIONS),
    "on_update": choice(references.ACTIONS),
    "match": choice(references.MATCHES),
    "on_delete_columns": TEXTS,
    "not_valid": FLAG,
    **_DEFERRING,
}
#: Where the values of a column come from. An identity may be false, which is none.
_SOURCES = ("default", "default_factory", "generated", "server_default")
_COUNTING = {
    **dict.fromkeys(("start", "increment", "min", "max", "cache"), NUMBER),
    "cycle": FLAG,
}
_COLUMN_OR_EXPRESSION = [{"required": ["column"]}, {"required": ["expression"]}]


def schema_file() -> dict[str, Any]:
    """Return the JSON Schema of a schema file."""
    shapes = {
        "enums": named(_enum(), CLASSES),
        "domains": named(_domain()),
        "sequences": named(_sequence()),
        "extensions": named(_extension()),
        "schemas": named(table(namespaces.NAMESPACE_KEYS, _told({"comment": TEXT}))),
        "models": named(_model(), CLASSES),
    }
    return {
        "$schema": DRAFT,
        "title": "OrmKit schema",
        "description": "Tables for PostgreSQL, from which `ormkit generate` makes Python code.",
        **table(SECTIONS, described(shapes, descriptions.SECTIONS)),
        "definitions": {"partition": _partition()},
    }


def _told(shapes: dict[str, Shape]) -> dict[str, Shape]:
    return described(shapes, descriptions.SETTINGS)


def _enum() -> Shape:
    shapes = {
        "values": LABELS,
        "members": TEXTS,
        "name": NAME,
        "schema": SCHEMA,
        "comment": TEXT,
        "unknown_labels": choice(enums.UNKNOWN_LABELS),
        "renamed_from": TEXT,
        "renamed_values": named({"type": "string"}),
        "removed": named({"type": "string"}),
    }
    made = table(enums.KEYS, _told(shapes), required=["values"])
    # A list of its labels may stand for the table.
    return {**made, "type": ["array", "object"], "minItems": 1, "items": {"type": "string"}}


def _domain() -> Shape:
    check = {"expression": TEXT, "name": TEXT, "not_valid": FLAG, "comment": TEXT}
    shapes = {
        "type": TYPE_SETTING,
        "name": NAME,
        "schema": SCHEMA,
        "nullable": FLAG,
        "server_default": TEXT,
        "collation": TEXT,
        "checks": listed(table(domains.CHECK_KEYS, _told(check), required=["expression"])),
        "comment": TEXT,
        "renamed_from": TEXT,
    }
    return or_text(table(domains.KEYS, _told(shapes), required=["type"]), TYPE)


def _sequence() -> Shape:
    of_types = [*sequences.TYPES]
    of_types += [alias for alias, name in TYPE_ALIASES.items() if name in sequences.TYPES]
    shapes = {
        **_COUNTING,
        "name": NAME,
        "schema": SCHEMA,
        "type": choice(of_types),
        "owned_by": TEXT,
        "unlogged": FLAG,
        "comment": TEXT,
        "renamed_from": TEXT,
    }
    return table(sequences.KEYS, _told(shapes))


def _extension() -> Shape:
    shapes: dict[str, Shape] = {"schema": NAME, "comment": TEXT}
    return or_text(table(namespaces.EXTENSION_KEYS, _told(shapes)), NAME)


def _model() -> Shape:
    of_key = {"columns": TEXTS, "name": NAME, "include": TEXTS, "comment": TEXT, **_DEFERRING}
    # The names of its columns may stand for the table.
    primary_key = {**TEXTS, **table(keys.KEYS, _told(of_key))}
    shapes = {
        "table": NAME,
        "schema": SCHEMA,
        "comment": TEXT,
        "columns": {**named(_column(), ATTRIBUTES), "minProperties": 1},
        "computed": named(_computed(), ATTRIBUTES),
        "relationships": named(_relationship(), ATTRIBUTES),
        "indexes": listed(_index()),
        "uniques": listed(_unique()),
        "checks": listed(_check()),
        "foreign_keys": listed(_foreign_key()),
        "excludes": listed(_exclude()),
        "mixins": MIXINS,
        "methods": PLACE,
        "primary_key": {**primary_key, "type": ["string", "array", "object"]},
        "key": TEXTS,
        "view": {**TEXT, "type": ["string", "boolean"]},
        "materialized": FLAG,
        "read_only": FLAG,
        "managed": FLAG,
        "renamed_from": TEXT,
        "storage": STORAGE,
        "unlogged": FLAG,
        "row_level_security": choice(table_options.ROW_LEVEL_SECURITY),
        "replica_identity": TEXT,
        "partition_by": PARTITION_BY,
        "partitions": named({"$ref": "#/definitions/partition"}),
        "inherits": TEXTS,
    }
    return table(
        models.KEYS, _told(shapes), required=["columns"], needs={"partitions": "partition_by"}
    )


def _column() -> Shape:
    identity = {
        **_COUNTING,
        "generated": choice(columns.IDENTITIES),
        "name": NAME,
    }
    identities = f"^(?:{'|'.join(map(of_any_case, columns.IDENTITIES))})$"
    shapes = {
        "type": TYPE_SETTING,
        **dict.fromkeys(("primary_key", "nullable", "unique", "index", "private"), FLAG),
        "default": ANYTHING,
        "default_factory": PLACE,
        "server_default": TEXT,
        "identity": {
            **table(columns.IDENTITY_KEYS, _told(identity)),
            "type": ["boolean", "string", "object"],
            "pattern": identities,
        },
        "generated": TEXT,
        "virtual": FLAG,
        "foreign_key": matching(r"[\s\S]+\.[\s\S]+"),
        **_REFERENCE,
        "comment": TEXT,
        "column": NAME,
        "python_type": TEXT,
        "max_length": whole(BASE_TYPES["varchar"].max_modifier),
        "json_type": PLACE,
        "codec": PLACE,
        "collation": TEXT,
        "storage": choice(columns.STORAGES),
        "compression": choice(columns.COMPRESSIONS),
        "statistics": NUMBER,
        "renamed_from": TEXT,
        "retired": FLAG,
        "backfill": TEXT,
        "time_zone": matching(migration_settings.ZONE.pattern),
    }
    words = described(shapes, descriptions.SETTINGS | descriptions.OF_COLUMNS)
    needs = dict.fromkeys(columns.OF_FOREIGN_KEYS, "foreign_key")
    made = table(columns.KEYS, words, required=["type"], needs=needs, rivals=_SOURCES)
    return or_text(made, TYPE)


def _computed() -> Shape:
    shapes = {"type": TYPE_SETTING, "expression": TEXT, "nullable": FLAG, "python_type": TEXT}
    return table(computed.KEYS, _told(shapes), required=["type", "expression"])


def _relationship() -> Shape:
    shapes = {
        "target": TEXT,
        "back_populates": TEXT,
        "secondary": TEXT,
        "foreign_key": TEXTS,
        "many": FLAG,
    }
    words = described(shapes, descriptions.SETTINGS | descriptions.OF_RELATIONSHIPS)
    return or_text(table(relationships.KEYS, words, required=["target"]), TEXT)


def _unique() -> Shape:
    shapes = {
        "columns": SOME_TEXTS,
        "name": NAME,
        "nulls_not_distinct": FLAG,
        "include": TEXTS,
        "comment": TEXT,
        "storage": STORAGE,
        "renamed_from": TEXT,
        **_DEFERRING,
    }
    return table(constraints.UNIQUE_KEYS, _told(shapes), required=["columns"])


def _check() -> Shape:
    shapes = {
        "expression": TEXT,
        "name": NAME,
        "not_valid": FLAG,
        "no_inherit": FLAG,
        "comment": TEXT,
        "renamed_from": TEXT,
    }
    return table(constraints.CHECK_KEYS, _told(shapes), required=["expression"])


def _index() -> Shape:
    element = or_text(_element(), TEXT)
    shapes = {
        "columns": {
            **element,
            "type": ["string", "object", "array"],
            "items": element,
            "minItems": 1,
        },
        "name": NAME,
        "method": choice([*index_methods.METHODS], constraints.IDENTIFIER.pattern),
        "unique": FLAG,
        "where": TEXT,
        "include": TEXTS,
        "nulls_not_distinct": FLAG,
        "storage": STORAGE,
        "comment": TEXT,
        "renamed_from": TEXT,
    }
    return table(constraints.INDEX_KEYS, _told(shapes), required=["columns"])


def _element(*, has_operator: bool = False) -> dict[str, Any]:
    shapes = {
        "column": TEXT,
        "expression": TEXT,
        "opclass": matching(constraints.OPCLASS.pattern),
        "collation": TEXT,
        "descending": FLAG,
        "nulls": choice(constraints.NULLS),
        "operator": matching(constraints.OPERATOR.pattern),
    }
    known = (*constraints.ELEMENT_KEYS, *(("operator",) if has_operator else ()))
    words = described(shapes, descriptions.SETTINGS | descriptions.OF_ELEMENTS)
    made = table(known, words, required=["operator"] if has_operator else ())
    alone = {"column": {"properties": {"expression": False}}}
    return {**made, "anyOf": _COLUMN_OR_EXPRESSION, "dependencies": alone}


def _exclude() -> Shape:
    shapes = {
        "elements": listed(_element(has_operator=True), 1),
        "name": NAME,
        "method": choice(index_methods.EXCLUDE_METHODS),
        "where": TEXT,
        "comment": TEXT,
        "renamed_from": TEXT,
        **_DEFERRING,
    }
    return table(constraints.EXCLUDE_KEYS, _told(shapes), required=["elements"])


def _foreign_key() -> Shape:
    shapes = {
        "columns": SOME_TEXTS,
        "target": TEXT,
        "target_columns": TEXTS,
        "name": NAME,
        "comment": TEXT,
        "renamed_from": TEXT,
        **_REFERENCE,
    }
    return table(constraints.FOREIGN_KEY_KEYS, _told(shapes), required=["columns", "target"])


def _partition() -> Shape:
    shapes = {
        "bound": BOUND,
        "schema": TEXT,
        "partition_by": PARTITION_BY,
        "partitions": named({"$ref": "#/definitions/partition"}),
        "storage": STORAGE,
        "comment": TEXT,
        "renamed_from": TEXT,
    }
    needs = {"partitions": "partition_by"}
    made = table(table_options.PARTITION_KEYS, _told(shapes), required=["bound"], needs=needs)
    return or_text(made, BOUND)
