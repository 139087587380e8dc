"""The SQL that removes a difference between two databases."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ormkit.catalog import Catalog, Difference, Fact
from ormkit_gen.postgres.identifiers import quote_identifier, quote_literal

_LABEL = re.compile(r"(E?'(?:[^']|'')*')")
#: How the catalog marks a trigger that does not fire as usual, and what makes it so.
_STATE = re.compile(r" \((DISABLED|REPLICA|ALWAYS)\)$")
_STATES = {"DISABLED": "DISABLE", "REPLICA": "ENABLE REPLICA", "ALWAYS": "ENABLE ALWAYS"}
_COLUMN_PARTS = ("column", "not null", "default", "generated", "virtual", "identity")


def repair(difference: Difference, wanted: Catalog) -> list[str]:
    """Return the statements that make the database of `found` like that of `expected`.

    wanted: the catalog of `expected`, for the parts of a column that is missing.

    Each statement that loses data stands behind a comment that says so. The list is empty where
    no plain statement does it; then it is the work of a migration.
    """
    if difference.cause == "unmanaged":
        return []
    fact = difference.fact
    kind, _, name = fact.object.partition(" ")
    if kind == "table":
        return list(_of_table(difference, name, wanted))
    if kind == "type" and fact.kind == "object" and fact.definition.startswith("ENUM"):
        return list(_of_enum(difference, name))
    if fact.kind == "object" and difference.found is None:
        return list(_created(fact))
    return []


def reverse(difference: Difference) -> Difference:
    """Return the difference seen from the other side."""
    return Difference(difference.cause, difference.found, difference.expected)


def _created(fact: Fact) -> Iterator[str]:
    kind, _, name = fact.object.partition(" ")
    if kind == "schema":
        yield f"CREATE SCHEMA {name};"
    elif kind == "extension":
        yield f"CREATE EXTENSION {name} {fact.definition};"
    elif kind in ("function", "procedure"):
        yield f"{fact.definition};"
    elif kind == "view":
        yield f"CREATE VIEW {name} AS{fact.definition}"
    elif kind in ("type", "domain") and fact.definition != "COMPOSITE":
        word = "DOMAIN" if kind == "domain" else "TYPE"
        between = "" if kind == "domain" else "AS "
        yield f"CREATE {word} {name} {between}{fact.definition};"


def _of_table(difference: Difference, table: str, wanted: Catalog) -> Iterator[str]:
    expected, found, fact = difference.expected, difference.found, difference.fact
    name = quote_identifier(fact.name) if fact.name else ""
    alter = f"ALTER TABLE {table}"
    match fact.kind:
        case "object" if found is None:
            yield from _created_table(fact.object, table, wanted)
        case "column":
            if expected is None:
                yield f"-- loses data: the values of {fact.name}"
                yield f"{alter} DROP COLUMN {name};"
            elif found is None:
                yield f"{alter} ADD COLUMN {_column(expected, wanted)};"
            else:
                cast = expected.definition.partition(" COLLATE ")[0]
                yield (
                    f"{alter} ALTER COLUMN {name} TYPE {expected.definition} USING {name}::{cast};"
                )
        case "not null":
            yield f"{alter} ALTER COLUMN {name} {'SET' if expected else 'DROP'} NOT NULL;"
        case "default":
            action = f"SET DEFAULT {expected.definition}" if expected else "DROP DEFAULT"
            yield f"{alter} ALTER COLUMN {name} {action};"
        case "identity" | "constraint" | "index" | "trigger" | "policy":
            if found is not None:
                yield _dropped(found, table, name)
            if expected is not None:
                yield from _added(expected, table, name)
        case "unfinished" if fact.definition == "NOT VALID":
            yield f"{alter} VALIDATE CONSTRAINT {name};"
        case "unfinished":
            yield f"REINDEX INDEX CONCURRENTLY {_beside(table, name)};"
        case "row security":
            words = expected.definition.split() if expected else []
            is_on = words and "without" not in words
            yield f"{alter} {'ENABLE' if is_on else 'DISABLE'} ROW LEVEL SECURITY;"
            force = "FORCE" if "FORCE" in words else "NO FORCE"
            yield f"{alter} {force} ROW LEVEL SECURITY;"
        case "comment":
            yield _comment(fact, table, expected)
        case _:
            return


def _dropped(fact: Fact, table: str, name: str) -> str:
    """Return the statement that removes a part of a table, which _added() creates."""
    match fact.kind:
        case "identity":
            return f"ALTER TABLE {table} ALTER COLUMN {name} DROP IDENTITY;"
        case "constraint":
            return f"ALTER TABLE {table} DROP CONSTRAINT {name};"
        case "index":
            return f"DROP INDEX CONCURRENTLY {_beside(table, name)};"
        case kind:
            return f"DROP {kind.upper()} {name} ON {table};"


def _added(fact: Fact, table: str, name: str) -> Iterator[str]:
    match fact.kind:
        case "identity":
            yield f"ALTER TABLE {table} ALTER COLUMN {name} ADD {_identity(fact)};"
        case "constraint":
            yield f"ALTER TABLE {table} ADD CONSTRAINT {name} {fact.definition};"
        case "index":
            yield _concurrently(fact.definition)
        case "policy":
            yield f"CREATE POLICY {name} ON {table} AS {fact.definition};"
        case _:
            # A trigger, and whether it fires, where that is not the default.
            state = _STATE.search(fact.definition)
            yield f"{_STATE.sub('', fact.definition)};"
            if state is not None:
                yield f"ALTER TABLE {table} {_STATES[state[1]]} TRIGGER {name};"


def _created_table(whole: str, table: str, wanted: Catalog) -> Iterator[str]:
    facts = [fact for fact in wanted if fact.object == whole]
    lines = [_column(fact, wanted) for fact in facts if fact.kind == "column"]
    lines += [
        f"CONSTRAINT {quote_identifier(fact.name)} {fact.definition}"
        for fact in facts
        if fact.kind == "constraint"
    ]
    body = ",\n    ".join(lines)
    yield f"CREATE TABLE {table} (\n    {body}\n);"
    yield from (f"{fact.definition};" for fact in facts if fact.kind == "index")
    for fact in facts:
        if fact.kind == "trigger":
            yield from _added(fact, table, quote_identifier(fact.name))
    yield from (_comment(fact, table, fact) for fact in facts if fact.kind == "comment")


def _column(fact: Fact, wanted: Catalog) -> str:
    parts = {kind: wanted.get((fact.object, kind, fact.name)) for kind in _COLUMN_PARTS}
    words = [quote_identifier(fact.name), fact.definition]
    if generated := parts["generated"]:
        words.append(f"GENERATED ALWAYS AS ({generated.definition}) STORED")
    if virtual := parts["virtual"]:
        words.append(f"GENERATED ALWAYS AS ({virtual.definition}) VIRTUAL")
    if default := parts["default"]:
        words.append(f"DEFAULT {default.definition}")
    if identity := parts["identity"]:
        words.append(_identity(identity))
    if parts["not null"]:
        words.append("NOT NULL")
    return " ".join(words)


def _identity(fact: Fact) -> str:
    when, options = fact.definition.split(" START ", 1)
    return f"GENERATED {when} AS IDENTITY (START {options})"


def _comment(fact: Fact, table: str, expected: Fact | None) -> str:
    part, _, name = fact.name.partition(" ")
    text = quote_literal(expected.definition) if expected else "NULL"
    if part == "column":
        return f"COMMENT ON COLUMN {table}.{quote_identifier(name)} IS {text};"
    if part == "index":
        return f"COMMENT ON INDEX {_beside(table, quote_identifier(name))} IS {text};"
    if part:
        return f"COMMENT ON {part.upper()} {name} ON {table} IS {text};"
    return f"COMMENT ON TABLE {table} IS {text};"


def _of_enum(difference: Difference, name: str) -> Iterator[str]:
    expected, found = difference.expected, difference.found
    if expected is None:
        return
    if found is None:
        yield f"CREATE TYPE {name} AS {expected.definition};"
        return
    wanted, there = (_LABEL.findall(fact.definition) for fact in (expected, found))
    if [label for label in wanted if label in there] != there:
        # A label cannot be removed or moved: that takes a new type.
        return
    before = None
    for label in wanted:
        if label not in there:
            place = f"AFTER {before}" if before else f"BEFORE {there[0]}" if there else ""
            yield f"ALTER TYPE {name} ADD VALUE {label} {place}".rstrip() + ";"
        before = label


def _beside(table: str, name: str) -> str:
    """Return the qualified name of an index, which is in the schema of its table."""
    schema, _, _ = table.rpartition(".")
    return f"{schema}.{name}"


def _concurrently(definition: str) -> str:
    return re.sub(r"^(CREATE (?:UNIQUE )?INDEX)", r"\1 CONCURRENTLY", definition) + ";"
