"""The parts of objects: columns, constraints, indexes, triggers, comments, options."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ormkit.catalog import Catalog, Fact
from ormkit_gen.drift.grants import rights_changed
from ormkit_gen.drift.sides import Sides, beside, keyword, kind_and_name, typed_tables
from ormkit_gen.drift.statement import Stage, Statement
from ormkit_gen.postgres.identifiers import quote_identifier, quote_literal

#: How the catalog marks a trigger or rule that does not fire as usual, and what makes it so.
STATE = re.compile(r" \((DISABLED|REPLICA|ALWAYS)\)$")
_STATES = {"DISABLED": "DISABLE", "REPLICA": "ENABLE REPLICA", "ALWAYS": "ENABLE ALWAYS"}
#: An option of a foreign column: its name and its value.
_OPTION = re.compile(r"(\"(?:[^\"]|\"\")+\"|\w+) (E?'(?:[^']|'')*')")
#: What stands in the definition of a column.
_COLUMN_PARTS = ("column", "not null", "default", "generated", "virtual", "identity")
#: What is set after a column was added.
_LATER_PARTS = ("column storage", "compression", "statistics target", "column options")
_ALL_PARTS = (*_LATER_PARTS, "foreign options")
#: The largest number that the identity of a column counts to, if nothing else is said.
_LARGEST = {"smallint": 2**15 - 1, "integer": 2**31 - 1, "bigint": 2**63 - 1}


def changed(expected: Fact | None, found: Fact | None, sides: Sides) -> Iterator[Statement]:
    """Yield the statements that give an object a part, another one of its name, or none."""
    fact = expected or found
    assert fact is not None
    kind, name = kind_and_name(fact.object)
    match fact.kind:
        case "column":
            yield from _column(expected, found, kind, name, sides)
        case "not null" | "default" | "generated" | "virtual" | "identity":
            yield from _column_part(expected, found, kind, name, sides)
        case "column storage" | "compression" | "statistics target" | "column options":
            yield from _column_setting(expected, found, kind, name, sides)
        case "statistics target" | "index statistics" | "index tablespace" | "clustered":
            yield from _setting(expected, found, kind, name)
        case "constraint" | "index" | "trigger" | "policy" | "rule" | "partition" | "mapping":
            yield from _replaced(expected, found, kind, name, sides)
        case "member" | "published table" | "published schema" | "inherits":
            yield from _replaced(expected, found, kind, name, sides)
        case "unfinished":
            yield from _unfinished(expected, fact, name, sides)
        case "comment":
            yield Statement(Stage.COMMENTS, _comment(fact, kind, name, expected))
        case "security label":
            label = quote_literal(expected.definition) if expected else "NULL"
            target = f"{keyword(kind)} {name}"
            provider = quote_identifier(fact.name)
            yield Statement(
                Stage.COMMENTS, f"SECURITY LABEL FOR {provider} ON {target} IS {label};"
            )
        case "option" | "foreign table option" | "foreign options":
            yield from _options(expected, found, kind, name)
        case "owner" | "grant":
            yield from rights_changed(expected, found, sides)
        case _:
            yield from _setting(expected, found, kind, name)


def column_definition(fact: Fact, wanted: Catalog) -> str:
    """Return a column as CREATE TABLE writes it."""
    parts = {kind: wanted.get((fact.object, kind, fact.name)) for kind in _COLUMN_PARTS}
    words = [quote_identifier(fact.name), fact.definition]
    if generated := parts["generated"]:
        words.append(f"GENERATED ALWAYS AS ({generated.definition}) STORED")
    if virtual := parts["virtual"]:
        words.append(f"GENERATED ALWAYS AS ({virtual.definition}) VIRTUAL")
    if default := parts["default"]:
        words.append(f"DEFAULT {default.definition}")
    if identity := parts["identity"]:
        words.append(identity_text(identity, fact.definition))
    if parts["not null"]:
        words.append("NOT NULL")
    return " ".join(words)


def sequence_options(definition: str) -> str:
    """Return the options of a sequence without its owner and persistence."""
    return definition.removeprefix("UNLOGGED ").partition(" OWNED BY ")[0]


def _alter(kind: str, name: str) -> str:
    return f"ALTER {keyword(kind)} {name}"


def _column(
    expected: Fact | None, found: Fact | None, kind: str, name: str, sides: Sides
) -> Iterator[Statement]:
    fact = expected or found
    assert fact is not None
    alter, column = _alter(kind, name), quote_identifier(fact.name)
    part = "ATTRIBUTE" if kind == "type" else "COLUMN"
    if kind in ("view", "materialized view"):
        return
    tables = typed_tables(name, sides) if kind == "type" else ()
    cascade = " CASCADE" if tables else ""
    if expected is None:
        is_data = kind != "type" or tables
        note = f"loses data: the values of {fact.name}" if is_data else ""
        sql = f"{alter} DROP {part} {column}{cascade};"
        yield Statement(Stage.ALTER, sql, note, tables=tables)
    elif found is None and kind == "type":
        sql = f"{alter} ADD ATTRIBUTE {column} {expected.definition}{cascade};"
        yield Statement(Stage.ALTER, sql, tables=tables)
    elif found is None:
        yield Statement(
            Stage.ALTER, f"{alter} ADD COLUMN {column_definition(expected, sides.wanted)};"
        )
        for each in _ALL_PARTS:
            if later := sides.wanted.get((fact.object, each, fact.name)):
                yield from changed(later, None, sides)
    elif kind == "type":
        sql = f"{alter} ALTER ATTRIBUTE {column} TYPE {expected.definition}{cascade};"
        yield Statement(Stage.ALTER, sql, tables=tables)
    else:
        yield from _retyped(expected, alter, column, sides)


def _retyped(expected: Fact, alter: str, column: str, sides: Sides) -> Iterator[Statement]:
    """Yield what changes a column's type. A default may have no cast to the new one."""
    key = (expected.object, "default", expected.name)
    before, after = sides.present.get(key), sides.wanted.get(key)
    if before is not None:
        yield Statement(Stage.ALTER, f"{alter} ALTER COLUMN {column} DROP DEFAULT;")
    cast = expected.definition.partition(" COLLATE ")[0]
    is_computed = any(
        sides.present.get((expected.object, kind, expected.name))
        for kind in ("generated", "virtual")
    )
    # A foreign table has no rows that the server could convert.
    is_foreign = expected.object.startswith("foreign table ")
    using = "" if is_computed or is_foreign else f" USING {column}::{cast}"
    yield Statement(
        Stage.ALTER, f"{alter} ALTER COLUMN {column} TYPE {expected.definition}{using};"
    )
    if before is not None and after is not None and before.definition == after.definition:
        yield Statement(
            Stage.ALTER, f"{alter} ALTER COLUMN {column} SET DEFAULT {after.definition};"
        )


def _column_part(
    expected: Fact | None, found: Fact | None, kind: str, name: str, sides: Sides
) -> Iterator[Statement]:
    fact = expected or found
    assert fact is not None
    alter = _alter(kind, name)
    if kind != "domain":
        alter += f" ALTER COLUMN {quote_identifier(fact.name)}"
    match fact.kind:
        case "not null":
            yield Statement(Stage.ALTER, f"{alter} {'SET' if expected else 'DROP'} NOT NULL;")
        case "default":
            action = f"SET DEFAULT {expected.definition}" if expected else "DROP DEFAULT"
            yield Statement(Stage.ALTER, f"{alter} {action};")
        case "identity":
            yield from _identity_changed(expected, found, alter, name)
        case _:
            yield from _expression(expected, found, kind, name, sides)


def _expression(
    expected: Fact | None, found: Fact | None, kind: str, name: str, sides: Sides
) -> Iterator[Statement]:
    """Yield what changes how a generated column is computed, or that it is."""
    fact = expected or found
    assert fact is not None
    alter = f"{_alter(kind, name)} ALTER COLUMN {quote_identifier(fact.name)}"
    if expected is not None and found is not None:
        yield Statement(Stage.ALTER, f"{alter} SET EXPRESSION AS ({expected.definition});")
    elif expected is None and _is_generated(fact, sides.wanted):
        # The other kind of a generated column, whose fact says what to do.
        return
    elif expected is None and fact.kind == "generated":
        yield Statement(Stage.ALTER, f"{alter} DROP EXPRESSION;")
    else:
        # No statement makes a column a generated one: it becomes another column.
        key = (fact.object, "column", fact.name)
        column = sides.wanted.get(key)
        if column is not None and sides.present.get(key) is not None:
            yield from _column(None, fact, kind, name, sides)
            yield from _column(column, None, kind, name, sides)


def _is_generated(fact: Fact, catalog: Catalog) -> bool:
    """Return whether the column is a generated one there."""
    kinds = ("generated", "virtual")
    return any(catalog.get((fact.object, kind, fact.name)) for kind in kinds)


def _identity_changed(
    expected: Fact | None, found: Fact | None, alter: str, table: str
) -> Iterator[Statement]:
    if any(each is not None and " START " not in each.definition for each in (expected, found)):
        # A partition has the identity of its table, which comes and goes with that.
        return
    if expected is None:
        yield Statement(Stage.ALTER, f"{alter} DROP IDENTITY;")
    elif found is None:
        yield Statement(Stage.ALTER, f"{alter} ADD {identity_text(expected)};")
        column = quote_identifier(expected.name)
        sequence = f"pg_get_serial_sequence({quote_literal(table)}, {quote_literal(expected.name)})"
        yield Statement(
            Stage.ALTER,
            f"SELECT setval({sequence}, max({column})) FROM {table};",
            "the numbers begin behind those of the rows",
        )
    else:
        when, _, options = expected.definition.partition(" START ")
        sets = re.sub(r" (?=[A-Z])", " SET ", f"START {options}".replace(" CYCLE", ""))
        cycle = "CYCLE" if options.endswith(" CYCLE") else "NO CYCLE"
        yield Statement(Stage.ALTER, f"{alter} SET GENERATED {when} SET {sets} SET {cycle};")


def identity_text(fact: Fact, type_: str = "") -> str:
    """Return the identity of a column of a type, without the options that are usual for it."""
    when, options = fact.definition.split(" START ", 1)
    is_usual = options == f"1 INCREMENT 1 MINVALUE 1 MAXVALUE {_LARGEST.get(type_)} CACHE 1"
    return f"GENERATED {when} AS IDENTITY" + ("" if is_usual else f" (START {options})")


def _column_setting(
    expected: Fact | None, found: Fact | None, kind: str, name: str, sides: Sides
) -> Iterator[Statement]:
    fact = expected or found
    assert fact is not None
    if not fact.name:
        yield from _setting(expected, found, kind, name)
        return
    alter = f"{_alter(kind, name)} ALTER COLUMN {quote_identifier(fact.name)}"
    match fact.kind:
        case "column storage":
            action = f"SET STORAGE {expected.definition if expected else 'DEFAULT'}"
        case "compression":
            action = f"SET COMPRESSION {expected.definition if expected else 'DEFAULT'}"
        case "statistics target":
            action = f"SET STATISTICS {expected.definition if expected else -1}"
        case _:
            if found is not None:
                names = [each.partition("=")[0] for each in found.definition.split(", ")]
                yield Statement(Stage.ALTER, f"{alter} RESET ({', '.join(names)});")
            if expected is None:
                return
            action = f"SET ({expected.definition})"
    yield Statement(Stage.ALTER, f"{alter} {action};")


def _replaced(
    expected: Fact | None, found: Fact | None, kind: str, name: str, sides: Sides
) -> Iterator[Statement]:
    """Yield what drops a part of an object and adds another one of its name."""
    if kind == "operator class":
        # A class has what it was created with.
        return
    if expected is not None and found is not None:
        if expected.kind == "inherits":
            return
        state, before = STATE.sub("", expected.definition), STATE.sub("", found.definition)
        if expected.kind in ("trigger", "rule") and state == before:
            yield _fires(expected, kind, name)
            return
    if found is not None:
        yield _dropped(found, kind, name, sides)
    if expected is not None:
        yield from _added(expected, kind, name, sides)
    if expected is not None and found is not None:
        # The comment has gone with what was dropped.
        comment = sides.wanted.get((expected.object, "comment", f"{expected.kind} {expected.name}"))
        if comment is not None and sides.present.get(comment.key) == comment:
            yield Statement(Stage.COMMENTS, _comment(comment, kind, name, comment))


def _dropped(fact: Fact, kind: str, whole: str, sides: Sides) -> Statement:
    # The name of a member of an operator family is no identifier, and is too long for one.
    alter, part = _alter(kind, whole), _quoted(fact)
    match fact.kind:
        case "constraint":
            is_foreign = fact.definition.startswith("FOREIGN KEY")
            stage = Stage.DROP_FOREIGN_KEYS if is_foreign else Stage.DROP_CONSTRAINTS
            return Statement(stage, f"{alter} DROP CONSTRAINT {part};")
        case "index":
            way = "" if _is_partitioned(fact, sides.present) else "CONCURRENTLY "
            return Statement(Stage.DROP_CONSTRAINTS, f"DROP INDEX {way}{beside(whole, part)};")
        case "partition":
            # A table that is no part any more does not get the columns of its table.
            detach = f"ALTER TABLE {fact.name} DETACH PARTITION {whole};"
            return Statement(Stage.DROP_CONSTRAINTS, detach)
        case "inherits":
            return Statement(Stage.DROP_CONSTRAINTS, f"{alter} NO INHERIT {fact.name};")
        case "mapping":
            return Statement(Stage.ALTER, f"{alter} DROP MAPPING FOR {fact.name};")
        case "member":
            return Statement(Stage.ALTER, f"{alter} DROP {fact.name};")
        case "published table":
            return Statement(Stage.DROP_DEPENDENTS, f"{alter} DROP TABLE ONLY {fact.name};")
        case "published schema":
            return Statement(Stage.DROP_DEPENDENTS, f"{alter} DROP TABLES IN SCHEMA {fact.name};")
        case other:
            return Statement(Stage.DROP_DEPENDENTS, f"DROP {other.upper()} {part} ON {whole};")


def _added(fact: Fact, kind: str, whole: str, sides: Sides) -> Iterator[Statement]:
    alter, part, text = _alter(kind, whole), _quoted(fact), fact.definition
    match fact.kind:
        case "constraint":
            stage = Stage.CONSTRAINTS
            if text.startswith("FOREIGN KEY"):
                stage = Stage.FOREIGN_KEYS
            is_open = sides.wanted.get((fact.object, "unfinished", fact.name)) is not None
            valid = " NOT VALID" if is_open and "NOT VALID" not in text else ""
            yield Statement(stage, f"{alter} ADD CONSTRAINT {part} {text}{valid};")
        case "index":
            yield Statement(Stage.CONSTRAINTS, _index(fact, sides))
        case "policy":
            yield Statement(Stage.DEPENDENTS, f"CREATE POLICY {part} ON {whole} AS {text};")
        case "partition":
            attach = f"ALTER TABLE {fact.name} ATTACH PARTITION {whole} {text};"
            yield Statement(Stage.ALTER, attach)
        case "inherits":
            yield Statement(Stage.ALTER, f"{alter} INHERIT {fact.name};")
        case "mapping":
            yield Statement(Stage.ALTER, f"{alter} ADD MAPPING FOR {fact.name} WITH {text};")
        case "member":
            yield Statement(Stage.ALTER, f"{alter} ADD {member(fact)};")
        case "published table":
            listed = f"{alter} ADD TABLE ONLY {fact.name} {text}".rstrip()
            yield Statement(Stage.DEPENDENTS, f"{listed};")
        case "published schema":
            yield Statement(Stage.DEPENDENTS, f"{alter} ADD TABLES IN SCHEMA {fact.name};")
        case _:
            # A trigger or a rule, and whether it fires, where that is not the default.
            yield Statement(Stage.DEPENDENTS, f"{STATE.sub('', text).rstrip(';')};")
            if STATE.search(text):
                yield _fires(fact, kind, whole)


def _fires(fact: Fact, kind: str, whole: str) -> Statement:
    """Return what makes a trigger or a rule fire as the fact says."""
    state = STATE.search(fact.definition)
    action = _STATES[state[1]] if state else "ENABLE"
    part = f"{fact.kind.upper()} {quote_identifier(fact.name)}"
    return Statement(Stage.DEPENDENTS, f"ALTER TABLE {whole} {action} {part};")


def _quoted(fact: Fact) -> str:
    return fact.name if fact.kind == "member" else quote_identifier(fact.name)


def member(fact: Fact) -> str:
    """Return an operator or a function of an operator class or family."""
    if fact.name.startswith("OPERATOR"):
        number = " ".join(fact.name.split()[:2])
        return f"{number} {fact.definition}"
    return f"{fact.name} {fact.definition}"


def _is_partitioned(fact: Fact, catalog: Catalog) -> bool:
    whole = catalog.get((fact.object, "object", ""))
    return whole is not None and "PARTITION BY" in whole.definition


def _index(fact: Fact, sides: Sides) -> str:
    if _is_partitioned(fact, sides.wanted):
        # PostgreSQL prints ONLY, which would leave the partitions without the index.
        return fact.definition.replace(" ON ONLY ", " ON ", 1) + ";"
    if sides.present.get((fact.object, "object", "")) is None:
        return f"{fact.definition};"
    return re.sub(r"^(CREATE (?:UNIQUE )?INDEX)", r"\1 CONCURRENTLY", fact.definition) + ";"


def _unfinished(expected: Fact | None, fact: Fact, table: str, sides: Sides) -> Iterator[Statement]:
    name = quote_identifier(fact.name)
    kind = "constraint" if fact.definition == "NOT VALID" else "index"
    whole = (fact.object, kind, fact.name)
    if sides.present.get(whole) is not None and sides.wanted.get(whole) is None:
        # It is dropped, unfinished as it is.
        return
    if expected is None and fact.definition == "NOT VALID":
        yield Statement(Stage.FOREIGN_KEYS, f"ALTER TABLE {table} VALIDATE CONSTRAINT {name};")
    elif expected is None:
        yield Statement(Stage.CONSTRAINTS, f"REINDEX INDEX CONCURRENTLY {beside(table, name)};")
    else:
        constraint = sides.wanted.get((fact.object, "constraint", fact.name))
        if constraint is not None and sides.present.get(constraint.key) == constraint:
            yield from _replaced(constraint, constraint, "table", table, sides)


def _comment(fact: Fact, kind: str, whole: str, expected: Fact | None) -> str:
    part, _, name = fact.name.partition(" ")
    text = quote_literal(expected.definition) if expected else "NULL"
    if part == "column":
        return f"COMMENT ON COLUMN {whole}.{quote_identifier(name)} IS {text};"
    if part == "index":
        return f"COMMENT ON INDEX {beside(whole, quote_identifier(name))} IS {text};"
    if part:
        owner = f"DOMAIN {whole}" if kind == "domain" else whole
        return f"COMMENT ON {part.upper()} {quote_identifier(name)} ON {owner} IS {text};"
    if kind == "aggregate" and whole.endswith("()"):
        whole = f"{whole[:-2]}(*)"
    return f"COMMENT ON {keyword(kind)} {whole} IS {text};"


def _options(
    expected: Fact | None, found: Fact | None, kind: str, name: str
) -> Iterator[Statement]:
    fact = expected or found
    assert fact is not None
    alter = _alter(kind, name)
    if fact.kind == "foreign options":
        wanted, there = (
            dict(_OPTION.findall(each.definition)) if each else {} for each in (expected, found)
        )
        changes = [f"DROP {each}" for each in there if each not in wanted]
        changes += [
            f"{'SET' if each in there else 'ADD'} {each} {value}"
            for each, value in wanted.items()
            if there.get(each) != value
        ]
        alter += f" ALTER COLUMN {quote_identifier(fact.name)}"
    elif expected is None:
        changes = [f"DROP {quote_identifier(fact.name)}"]
    else:
        action = "ADD" if found is None else "SET"
        value = quote_literal(expected.definition)
        changes = [f"{action} {quote_identifier(fact.name)} {value}"]
    yield Statement(Stage.ALTER, f"{alter} OPTIONS ({', '.join(changes)});")


def _setting(
    expected: Fact | None, found: Fact | None, kind: str, name: str
) -> Iterator[Statement]:
    """Yield what changes a property of the whole object, or of an index."""
    fact = expected or found
    assert fact is not None
    alter = _alter(kind, name)
    text = expected.definition if expected else ""
    match fact.kind:
        case "storage":
            option = quote_identifier(fact.name)
            if "." in fact.name:
                option = ".".join(map(quote_identifier, fact.name.split(".")))
            action = f"SET ({option} = {quote_literal(text)})" if expected else f"RESET ({option})"
            yield Statement(Stage.ALTER, f"{alter} {action};")
        case "access method":
            yield Statement(Stage.ALTER, f"{alter} SET ACCESS METHOD {text or 'heap'};")
        case "tablespace":
            where = quote_identifier(text) if text else "pg_default"
            yield Statement(Stage.ALTER, f"{alter} SET TABLESPACE {where};")
        case "replica identity":
            # An index has to be there first.
            yield Statement(Stage.DEPENDENTS, f"{alter} REPLICA IDENTITY {text or 'DEFAULT'};")
        case "row security":
            words = text.split()
            is_on = words and "without" not in words
            yield Statement(
                Stage.ALTER, f"{alter} {'ENABLE' if is_on else 'DISABLE'} ROW LEVEL SECURITY;"
            )
            force = "FORCE" if "FORCE" in words else "NO FORCE"
            yield Statement(Stage.ALTER, f"{alter} {force} ROW LEVEL SECURITY;")
        case "clustered":
            action = f"CLUSTER ON {quote_identifier(fact.name)}" if expected else ""
            yield Statement(Stage.DEPENDENTS, f"{alter} {action or 'SET WITHOUT CLUSTER'};")
        case "statistics target":
            yield Statement(Stage.ALTER, f"{alter} SET STATISTICS {text or -1};")
        case "index tablespace":
            index = beside(name, quote_identifier(fact.name))
            where = quote_identifier(text) if text else "pg_default"
            yield Statement(Stage.CONSTRAINTS, f"ALTER INDEX {index} SET TABLESPACE {where};")
        case "index statistics":
            yield from _index_statistics(expected, found, name)
        case _:
            # The server of a foreign table stays.
            return


def _index_statistics(expected: Fact | None, found: Fact | None, table: str) -> Iterator[Statement]:
    fact = expected or found
    assert fact is not None
    index = beside(table, quote_identifier(fact.name))
    wanted, there = (
        dict(re.findall(r"(\d+): (\d+)", each.definition)) if each else {}
        for each in (expected, found)
    )
    for number in sorted({**wanted, **there}, key=int):
        target = wanted.get(number, "-1")
        if target != there.get(number, "-1"):
            yield Statement(
                Stage.DEPENDENTS,
                f"ALTER INDEX {index} ALTER COLUMN {number} SET STATISTICS {target};",
            )
