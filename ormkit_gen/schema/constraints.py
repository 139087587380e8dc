"""Reading the constraints and indexes that belong to a model instead of a column."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import Any, Literal

from ormkit_gen.diagnostics.diagnostic import did_you_mean
from ormkit_gen.ir import Check, Exclude, Index, IndexElement, Unique
from ormkit_gen.schema.column_checks import is_comparable
from ormkit_gen.schema.columns import find_columns
from ormkit_gen.schema.document import is_list
from ormkit_gen.schema.draft import ModelDraft, Reference
from ormkit_gen.schema.fields import Fields
from ormkit_gen.schema.index_methods import (
    EXCLUDE_METHODS,
    METHODS,
    check_key_count,
    check_method,
)
from ormkit_gen.schema.names import MAX_IDENTIFIER, constraint_name, is_database_name

UNIQUE_KEYS = (
    *("columns", "name", "nulls_not_distinct", "include", "comment", "storage"),
    *("deferrable", "initially_deferred", "renamed_from"),
)
CHECK_KEYS = ("expression", "name", "not_valid", "no_inherit", "comment", "renamed_from")
INDEX_KEYS = (
    *("columns", "name", "method", "unique", "where", "include"),
    *("nulls_not_distinct", "storage", "comment", "renamed_from"),
)
EXCLUDE_KEYS = (
    *("elements", "name", "method", "where", "deferrable", "initially_deferred"),
    *("comment", "renamed_from"),
)
#: The settings of one key of an index; those of an exclusion constraint have an operator, too.
ELEMENT_KEYS = ("column", "expression", "opclass", "collation", "descending", "nulls")
FOREIGN_KEY_KEYS = (
    *("columns", "target", "target_columns", "name", "on_delete", "on_update"),
    *("deferrable", "initially_deferred", "match", "on_delete_columns", "not_valid"),
    *("comment", "renamed_from"),
)
NULLS: tuple[Literal["first", "last"], ...] = ("first", "last")
#: A name, in quotes where it has to be, and one of a schema.
_NAME = r'(?:[A-Za-z_]\w*|"(?:[^"\x00]|"")+")'
_QUALIFIED = rf"{_NAME}(?:\.{_NAME})?"
#: The operators that PostgreSQL's lexer accepts.
_SIGNS = "[-+*/<>=~!@#%^&|`?]{1,63}"
OPERATOR = re.compile(rf"{_SIGNS}|OPERATOR\({_NAME}\.{_SIGNS}\)")
IDENTIFIER = re.compile(r"[a-z_]\w*")
OPCLASS = re.compile(rf"{_QUALIFIED}(\([\w\s=,.']*\))?")


def read_constraints(model: ModelDraft) -> None:
    """Read unique, check and exclusion constraints, indexes, and composite foreign keys."""
    for fields in model.fields.tables("uniques", f"a unique of {model.name}"):
        read_unique(model, fields)
    for fields in model.fields.tables("checks", f"a check of {model.name}"):
        read_check(model, fields)
    for fields in model.fields.tables("indexes", f"an index of {model.name}"):
        read_index(model, fields)
    for fields in model.fields.tables("excludes", f"an exclude of {model.name}"):
        read_exclude(model, fields)
    for fields in model.fields.tables("foreign_keys", f"a foreign key of {model.name}"):
        read_foreign_key(model, fields)


def read_unique(model: ModelDraft, fields: Fields) -> None:
    fields.only(UNIQUE_KEYS)
    columns = wanted_columns(model, fields)
    if columns:
        model.uniques.append(
            Unique(
                name=name_of(model, fields, columns, "key"),
                columns=columns,
                nulls_not_distinct=fields.flag("nulls_not_distinct"),
                include=find_columns(model, fields, fields.texts("include"), "include"),
                is_deferrable=fields.flag("deferrable") or fields.flag("initially_deferred"),
                is_initially_deferred=fields.flag("initially_deferred"),
                storage=fields.storage(),
                comment=fields.text("comment"),
                renamed_from=fields.text("renamed_from"),
                at=fields.at,
            )
        )


def read_check(model: ModelDraft, fields: Fields) -> None:
    fields.only(CHECK_KEYS)
    expression = fields.text("expression")
    if expression is None:
        missing(fields, "expression", 'as in expression = "price >= 0"')
        return
    number = f"check{len(model.checks) + 1}" if model.checks else "check"
    name = name_of(model, fields, (), number)
    model.checks.append(
        Check(
            name=name,
            expression=expression,
            is_valid=not fields.flag("not_valid"),
            is_inherited=not fields.flag("no_inherit"),
            comment=fields.text("comment"),
            renamed_from=fields.text("renamed_from"),
            at=fields.at,
        )
    )


def read_index(model: ModelDraft, fields: Fields) -> None:
    fields.only(INDEX_KEYS)
    elements = read_elements(model, fields, fields.data.get("columns"), "columns")
    if not elements:
        return
    names = tuple(element.column or "expr" for element in elements)
    method = read_method(fields)
    include = find_columns(model, fields, fields.texts("include"), "include")
    is_unique = fields.flag("unique")
    check_method(
        fields, method, elements, "columns", is_unique=is_unique, has_include=bool(include)
    )
    check_key_count(fields, len(elements) + len(include), "columns")
    model.indexes.append(
        Index(
            name=name_of(model, fields, names, "idx"),
            elements=elements,
            method=method,
            is_unique=is_unique,
            where=fields.text("where"),
            include=include,
            nulls_not_distinct=fields.flag("nulls_not_distinct"),
            storage=fields.storage(),
            comment=fields.text("comment"),
            renamed_from=fields.text("renamed_from"),
            at=fields.at,
        )
    )


def read_method(fields: Fields) -> str:
    """Return the access method of an index: one of PostgreSQL's, or that of an extension."""
    name = fields.data.get("method")
    is_other = isinstance(name, str) and IDENTIFIER.fullmatch(name) and name not in METHODS
    if is_other and not get_close_matches(str(name), METHODS, n=1):
        return str(name)
    return fields.choice("method", tuple(METHODS)) or "btree"


def read_exclude(model: ModelDraft, fields: Fields) -> None:
    fields.only(EXCLUDE_KEYS)
    pairs: list[tuple[IndexElement, str]] = []
    for part in fields.tables("elements", f"an element of {fields.what}"):
        part.only((*ELEMENT_KEYS, "operator"))
        element = read_element(model, part, part.data)
        operator = part.text("operator")
        if operator is None:
            missing(part, "operator", 'as in operator = "&&"')
        elif not OPERATOR.fullmatch(operator):
            fields.problems.error(
                "bad-operator",
                f"{operator!r} is not an operator",
                'as in operator = "&&"',
                part.value_at("operator"),
            )
        elif element is not None:
            pairs.append((element, operator))
    if not fields.data.get("elements"):
        missing(fields, "elements", 'as in elements = [{ column = "period", operator = "&&" }]')
    if not pairs:
        return
    elements = [element for element, _ in pairs]
    method = fields.choice("method", EXCLUDE_METHODS) or "gist"
    check_method(fields, method, elements, "elements")
    check_key_count(fields, len(elements), "elements")
    names = tuple(element.column or "expr" for element in elements)
    model.excludes.append(
        Exclude(
            name=name_of(model, fields, names, "excl"),
            elements=tuple(pairs),
            method=method,
            where=fields.text("where"),
            is_deferrable=fields.flag("deferrable") or fields.flag("initially_deferred"),
            is_initially_deferred=fields.flag("initially_deferred"),
            comment=fields.text("comment"),
            renamed_from=fields.text("renamed_from"),
            at=fields.at,
        )
    )


def read_foreign_key(model: ModelDraft, fields: Fields) -> None:
    fields.only(FOREIGN_KEY_KEYS)
    columns = wanted_columns(model, fields)
    target = fields.text("target")
    if target is None:
        missing(fields, "target", 'as in target = "users"')
    elif columns:
        target_columns = fields.texts("target_columns")
        at = fields.value_at("target")
        model.references.append(Reference(columns, target, target_columns, fields, at))


def read_elements(
    model: ModelDraft, fields: Fields, value: Any, key: str
) -> tuple[IndexElement, ...]:
    """Return the keys of an index. Each is the name of a column or a table."""
    values: list[Any] = value if is_list(value) else [value] if value else []
    if not values:
        missing(fields, key, 'as in columns = ["status", "created_at"]')
    elements: list[IndexElement] = []
    for index, each in enumerate(values):
        data = {"column": each} if isinstance(each, str) else each
        what = f"a key of {fields.what}"
        part = Fields(fields.document, (*fields.path, key, index), data, fields.problems, what)
        part.only(ELEMENT_KEYS)
        if element := read_element(model, part, data):
            elements.append(element)
    return tuple(elements)


def read_element(model: ModelDraft, fields: Fields, data: Any) -> IndexElement | None:
    """Return one key of an index or exclusion constraint, or record the problem and return None."""
    name, expression = fields.text("column"), fields.text("expression")
    if (name is None) == (expression is None):
        fields.problems.error(
            "bad-index-key",
            f"{fields.what} needs a column or an expression, and only one of them",
            'as in { column = "status" } or { expression = "lower(email)" }',
            fields.document.value_at(fields.path),
        )
        return None
    column = model.column(name) if name is not None else None
    if name is not None and column is None:
        fields.problems.error(
            "unknown-column",
            f"{model.name} has no column {name!r}",
            did_you_mean(name, [each.name for each in model.columns]),
            fields.document.value_at(fields.path),
        )
        return None
    opclass = fields.text("opclass")
    if column is not None and opclass is None and not is_comparable(column):
        fields.problems.error(
            "json-key",
            f"{fields.what} cannot be {name!r}: PostgreSQL does not compare json",
            "use jsonb, or an expression",
            fields.document.value_at(fields.path),
        )
    if opclass is not None and not OPCLASS.fullmatch(opclass):
        fields.problems.error(
            "bad-opclass", f"{opclass!r} is not an operator class", "as in text_pattern_ops",
            fields.value_at("opclass"),
        )  # fmt: skip
    return IndexElement(
        column=column.name if column else None,
        expression=expression,
        opclass=opclass,
        collation=fields.collation("collation"),
        is_descending=fields.flag("descending"),
        nulls=fields.choice("nulls", NULLS),
    )


def wanted_columns(model: ModelDraft, fields: Fields) -> tuple[str, ...]:
    """Return the columns that a constraint names. If one is wrong, record it and return none."""
    names = fields.texts("columns")
    if not names:
        missing(fields, "columns", 'as in columns = ["a", "b"]')
        return ()
    found = find_columns(model, fields, names, "columns")
    check_key_count(fields, len(found), "columns")
    return found if len(found) == len(names) else ()


def missing(fields: Fields, key: str, remedy: str) -> None:
    """Record that a setting is missing."""
    fields.problems.error("missing-key", f"{fields.what} needs {key}", remedy, fields.at)


def name_of(model: ModelDraft, fields: Fields, columns: tuple[str, ...], ending: str) -> str:
    """Return the given name of the constraint, or the name that PostgreSQL would choose."""
    name = fields.text("name")
    if name is None:
        found = [model.column(each) for each in columns]
        parts = [
            column.db_name if column else each for column, each in zip(found, columns, strict=True)
        ]
        return constraint_name(model.table, tuple(parts), ending)
    if not is_database_name(name):
        fields.problems.error(
            "long-name",
            f"the name {name!r} does not fit PostgreSQL",
            f"a name may have up to {MAX_IDENTIFIER} bytes",
            fields.value_at("name"),
        )
    return name
