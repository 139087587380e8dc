"""CREATE, ALTER and DROP of whole objects, as their facts describe them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from ormkit.catalog import RIGHTS, Catalog, Difference, Fact
from ormkit_gen.drift.parts import (
    STATE,
    changed,
    column_definition,
    member,
    sequence_options,
)
from ormkit_gen.drift.sides import Sides, bare_name, keyword, kind_and_name
from ormkit_gen.drift.statement import Stage, Statement
from ormkit_gen.postgres.identifiers import quote_identifier, quote_literal

_LABEL = re.compile(r"(E?'(?:[^']|'')*')")
#: Options of a text search dictionary.
_OPTION = re.compile(r"(\w+|\"(?:[^\"]|\"\")+\") = E?'(?:[^']|'')*'")
#: How an operator estimates how many rows it selects.
_ESTIMATE = re.compile(r", (RESTRICT|JOIN) = ([^,)]+)")
#: The version of a server, before its wrapper.
_VERSION = re.compile(r"(?:^| )VERSION '(?:[^']|'')*'")
#: The type of a typed table.
_TYPED = re.compile(r"^(?:UNLOGGED )?OF (.+?)(?: PARTITION BY .*)?$", re.DOTALL)
_OWNER = re.compile(r" OWNED BY (.*)$")
#: The facts about tables, types and views that CREATE says already.
_SAID = {
    "table": ("column", "not null", "default", "generated", "virtual", "identity", "inherits"),
    "foreign table": ("column", "not null", "default", "server", "foreign table option"),
    "domain": ("not null", "default", "constraint"),
    "type": ("column",),
    "view": ("column",),
    "materialized view": ("column",),
    "server": ("option",),
    "foreign-data wrapper": ("option",),
    "operator class": ("member",),
}

#: What a partition has for itself, also where its table has the same.
_OWN = ("constraint", *RIGHTS)
#: What is created before all else, and what fires once it is there.
_CREATED = {
    "schema": Stage.SCHEMAS,
    **dict.fromkeys(("extension", "language", "foreign-data wrapper", "server"), Stage.EXTENSIONS),
    "event trigger": Stage.DEPENDENTS,
    "statistics": Stage.CONSTRAINTS,
}
_DROPPED_LAST = ("schema", "extension", "language", "foreign-data wrapper")


def comes_with(difference: Difference, wanted: Catalog, present: Catalog) -> bool:
    """Return whether the statement of another difference removes this one, too.

    A comment goes with its column, constraint, index, trigger, policy or rule. The columns of a
    typed table are those of its type, and those of a view are those of its query. A
    partition that is detached keeps what it had of its table.
    """
    fact = difference.fact
    if fact.kind == "comment" and difference.expected is None and " " in fact.name:
        kind, _, name = fact.name.partition(" ")
        return wanted.get((fact.object, kind, name)) is None
    if fact.kind == "column" and fact.object.startswith(("view ", "materialized view ")):
        return True
    if fact.kind == "column" and (type_ := typed(fact.object, present)):
        return typed(fact.object, wanted) == type_
    if fact.kind in ("constraint", "index") and difference.found is None:
        return _is_kept(fact, wanted, present)
    return False


def typed(table: str, catalog: Catalog) -> str:
    """Return the type of a typed table; empty for another one."""
    fact = catalog.get((table, "object", ""))
    found = _TYPED.search(fact.definition) if fact else None
    return found[1] if found and table.startswith("table ") else ""


def _is_kept(fact: Fact, wanted: Catalog, present: Catalog) -> bool:
    """Return whether a partition has the part from its table, and keeps it without that."""
    partitions = present.facts_of(fact.object, "partition")
    if not partitions or wanted.facts_of(fact.object, "partition"):
        return False
    above = f"table {partitions[0].name}"
    return any(_anonymous(each) == _anonymous(fact) for each in present.facts_of(above, fact.kind))


def _anonymous(fact: Fact) -> str:
    """Return the definition of an index or constraint without its name and its table."""
    if fact.kind == "constraint":
        return fact.definition
    return re.sub(r"^(CREATE (?:UNIQUE )?INDEX) .*? (USING )", r"\1 \2", fact.definition)


def created(fact: Fact, sides: Sides) -> Iterator[Statement]:
    """Yield the statements that create an object with all its parts."""
    kind, name = kind_and_name(fact.object)
    sql = _create(fact, kind, name, sides)
    if sql is None:
        return
    is_late = _uses_columns(fact, kind)
    for each in _created_parts(fact, kind, name, sql, sides):
        # It comes after the columns that it uses, and what it has after itself.
        yield replace(each, stage=Stage.VIEWS) if is_late and each.stage < Stage.VIEWS else each


def _uses_columns(fact: Fact, kind: str) -> bool:
    """Return whether PostgreSQL binds an object to the columns that it names, as it does a view."""
    is_parsed = kind in ("function", "procedure") and "\nBEGIN ATOMIC\n" in fact.definition
    return is_parsed or kind in ("view", "materialized view")


def _created_parts(fact: Fact, kind: str, name: str, sql: str, sides: Sides) -> Iterator[Statement]:
    """Yield the statement that creates an object, and those for the parts that it does not say."""
    yield Statement(_CREATED.get(kind, Stage.CREATE), sql, creates=bare_name(name))
    said = _SAID.get(kind, ())
    is_partition = kind == "table" and bool(sides.wanted.facts_of(fact.object, "partition"))
    for part in sides.wanted.facts_of(fact.object):
        if part.kind == "object" or (part.kind in said and not is_partition):
            continue
        if part.kind == "constraint" and not is_partition and not _comes_later(part, kind, sides):
            continue
        if is_partition and part.kind not in _OWN and _is_of_parent(part, sides):
            continue
        yield from changed(part, None, sides)
    if type_ := typed(fact.object, sides.wanted):
        yield Statement(Stage.CONSTRAINTS, f"ALTER TABLE {name} OF {type_};")
    if owner := _OWNER.search(fact.definition) if kind == "sequence" else None:
        yield Statement(Stage.ALTER, f"ALTER SEQUENCE {name} OWNED BY {owner[1]};")


def dropped(fact: Fact, sides: Sides) -> Iterator[Statement]:
    """Yield the statements that drop an object, whose foreign keys go first."""
    kind, name = kind_and_name(fact.object)
    stage = Stage.DROP_DEPENDENTS if _is_dependent(kind) else Stage.DROP
    if kind in _DROPPED_LAST:
        stage = Stage.DROP_SCHEMAS
    what = "aggregate" if kind == "aggregate" else kind
    if kind == "aggregate" and name.endswith("()"):
        name = f"{name[:-2]}(*)"
    note = f"loses data: the rows of {name}" if kind == "table" else ""
    for part in sides.present.facts_of(fact.object, "constraint"):
        if part.definition.startswith("FOREIGN KEY"):
            yield from changed(None, part, sides)
    as_it_is = Sides(sides.present, sides.wanted)
    needs = "\n".join(each.sql for each in created(fact, as_it_is))
    if kind == "sequence":
        # It goes after the table whose column uses it, and not together with that.
        needs = ""
        if _OWNER.search(fact.definition):
            yield Statement(Stage.ALTER, f"ALTER SEQUENCE {name} OWNED BY NONE;")
    drop = f"DROP {keyword(what)} {name};"
    yield Statement(stage, drop, note, drops=bare_name(name), needs=needs)


def altered(expected: Fact, found: Fact, sides: Sides) -> Iterator[Statement]:
    """Yield the statements that give an object another definition."""
    kind, name = kind_and_name(expected.object)
    wanted, there = expected.definition, found.definition
    if wanted.startswith("ENUM") and there.startswith("ENUM"):
        yield from _labels(name, wanted, there)
    elif kind == "table":
        yield from _persistence(name, wanted, there)
    elif kind == "sequence":
        yield from _sequence(name, wanted, there)
    elif kind == "extension":
        yield Statement(Stage.ALTER, f"ALTER EXTENSION {name} SET {wanted};")
    elif kind == "event trigger" and _without_state(wanted) == _without_state(there):
        yield Statement(Stage.DEPENDENTS, f"ALTER EVENT TRIGGER {name} {_enabled(wanted)};")
    elif kind == "publication" and ("ALL TABLES" in wanted) == ("ALL TABLES" in there):
        options = wanted[wanted.index("WITH (") + 5 :]
        yield Statement(Stage.DEPENDENTS, f"ALTER PUBLICATION {name} SET {options};")
    elif kind == "text search dictionary" and wanted.split(",")[0] == there.split(",")[0]:
        yield from _dictionary(name, wanted, there)
    elif kind == "operator" and _without_estimates(wanted) == _without_estimates(there):
        estimates = {"RESTRICT": "NONE", "JOIN": "NONE", **dict(_ESTIMATE.findall(wanted))}
        listed = ", ".join(f"{each} = {function}" for each, function in estimates.items())
        yield Statement(Stage.ALTER, f"ALTER OPERATOR {name} SET ({listed});")
    elif kind == "foreign-data wrapper":
        functions = (_function(each, wanted) for each in ("HANDLER", "VALIDATOR"))
        yield Statement(Stage.ALTER, f"ALTER {keyword(kind)} {name} {' '.join(functions)};")
    elif kind == "server" and (version := _new_version(wanted, there)):
        yield Statement(Stage.ALTER, f"ALTER SERVER {name} {version};")
    elif _is_replaceable(kind, expected, sides):
        stage = Stage.VIEWS if _uses_columns(expected, kind) else Stage.CREATE
        sql = _create(expected, kind, name, sides) or ""
        if not sql.startswith("CREATE OR REPLACE"):
            sql = sql.replace("CREATE ", "CREATE OR REPLACE ", 1)
        yield Statement(stage, sql, creates=bare_name(name))
        # A view that is replaced loses the options that the statement does not name.
        for option in sides.wanted.facts_of(expected.object, "storage") if kind == "view" else ():
            for again in changed(option, option, sides):
                yield replace(again, stage=Stage.DEPENDENTS)
    elif kind not in ("type", "domain", "schema"):
        yield from _replaced(expected, found, sides)


def _replaced(expected: Fact, found: Fact, sides: Sides) -> Iterator[Statement]:
    """Yield what drops an object, and creates it with all its parts.

    PostgreSQL refuses that where others depend on the object, and changes nothing.
    """
    for each in dropped(found, sides):
        yield replace(each, stage=Stage.DROP_DEPENDENTS)
    yield from created(expected, sides)


def _create(fact: Fact, kind: str, name: str, sides: Sides) -> str | None:
    """Return the statement that creates an object, with the parts in _SAID."""
    text = fact.definition
    match kind:
        case "table" | "foreign table":
            return _table(fact, kind, name, sides)
        case "type":
            return _type(fact, name, sides)
        case "domain":
            return _domain(fact, name, sides)
        case "view" | "materialized view":
            return f"CREATE {keyword(kind)} {name} AS\n{text}"
        case "function" | "procedure":
            return f"{text};"
        case "statistics":
            return f"{text};"
        case "sequence":
            persistence = "UNLOGGED " if text.startswith("UNLOGGED ") else ""
            return f"CREATE {persistence}SEQUENCE {name} {sequence_options(text)};"
        case "schema":
            return f"CREATE SCHEMA {name};"
        case "aggregate":
            return f"CREATE AGGREGATE {bare_name(name)} {text};"
        case "operator":
            return f"CREATE OPERATOR {bare_name(name)} {text};"
        case "operator family":
            return f"CREATE OPERATOR FAMILY {name};"
        case "operator class":
            return _operator_class(fact, name, sides)
        case "conversion" | "language":
            # The first word stands before the kind.
            first, _, rest = text.partition(" ")
            if first in ("DEFAULT", "TRUSTED"):
                return f"CREATE {first} {keyword(kind)} {name} {rest};"
            return f"CREATE {keyword(kind)} {name} {text};"
        case "server" | "foreign-data wrapper":
            options = _options(fact.object, "option", sides)
            return f"CREATE {keyword(kind)} {name} {text}{options};".replace(" ;", ";")
        case "event trigger":
            return f"CREATE EVENT TRIGGER {name} {_without_state(text)};"
        case _:
            return f"CREATE {keyword(kind)} {name} {text};"


def _table(fact: Fact, kind: str, name: str, sides: Sides) -> str:
    wanted = sides.wanted
    persistence, _, partitioned = fact.definition.partition("PARTITION BY ")
    unlogged = "UNLOGGED " if persistence.startswith("UNLOGGED") else ""
    tail = f"\nPARTITION BY {partitioned}" if partitioned else ""
    if servers := wanted.facts_of(fact.object, "server"):
        options = _options(fact.object, "foreign table option", sides)
        tail = f"\nSERVER {servers[0].definition}{options}"
    head = f"CREATE {unlogged}{keyword(kind)} {name}"
    if partitions := wanted.facts_of(fact.object, "partition"):
        return f"{head} PARTITION OF {partitions[0].name} {partitions[0].definition}{tail};"
    lines = [column_definition(each, wanted) for each in wanted.facts_of(fact.object, "column")]
    lines += [
        f"CONSTRAINT {quote_identifier(each.name)} {each.definition}"
        for each in wanted.facts_of(fact.object, "constraint")
        if not _comes_later(each, kind, sides)
    ]
    parents = sorted(
        wanted.facts_of(fact.object, "inherits"), key=lambda each: int(each.definition)
    )
    if parents:
        tail = f"\nINHERITS ({', '.join(each.name for each in parents)}){tail}"
    body = ",\n    ".join(lines)
    return f"{head} (\n    {body}\n){tail};" if lines else f"{head} (){tail};"


def _type(fact: Fact, name: str, sides: Sides) -> str | None:
    if fact.definition == "SHELL":
        return f"CREATE TYPE {name};"
    if fact.definition == "COMPOSITE":
        columns = sides.wanted.facts_of(fact.object, "column")
        listed = ", ".join(f"{quote_identifier(each.name)} {each.definition}" for each in columns)
        return f"CREATE TYPE {name} AS ({listed});"
    between = " " if fact.definition.startswith("(") else " AS "
    return f"CREATE TYPE {name}{between}{fact.definition};"


def _domain(fact: Fact, name: str, sides: Sides) -> str:
    words = [f"CREATE DOMAIN {name} {fact.definition}"]
    for each in sides.wanted.facts_of(fact.object):
        if each.kind == "default":
            words.append(f"DEFAULT {each.definition}")
        elif each.kind == "not null":
            words.append("NOT NULL")
        elif each.kind == "constraint":
            words.append(f"CONSTRAINT {quote_identifier(each.name)} {each.definition}")
    return " ".join(words) + ";"


def _operator_class(fact: Fact, name: str, sides: Sides) -> str:
    bare, _, method = name.rpartition(" USING ")
    before, _, family = fact.definition.partition(" FAMILY ")
    family, _, storage = family.partition(" STORAGE ")
    members = [member(each) for each in sides.wanted.facts_of(fact.object, "member")]
    if storage or not members:
        members.append(f"STORAGE {storage or before.rpartition('FOR TYPE ')[2]}")
    listed = ", ".join(members)
    return f"CREATE OPERATOR CLASS {bare} {before} USING {method} FAMILY {family} AS {listed};"


def _options(whole: str, kind: str, sides: Sides) -> str:
    listed = [
        f"{quote_identifier(each.name)} {quote_literal(each.definition)}"
        for each in sides.wanted.facts_of(whole, kind)
    ]
    return f" OPTIONS ({', '.join(listed)})" if listed else ""


def _comes_later(constraint: Fact, kind: str, sides: Sides) -> bool:
    """Return whether a constraint is no part of CREATE TABLE.

    The target of a foreign key may not be there yet, and a constraint of a new table is valid.
    """
    if kind not in ("table", "foreign table"):
        return False
    is_open = sides.wanted.get((constraint.object, "unfinished", constraint.name)) is not None
    return is_open or constraint.definition.startswith("FOREIGN KEY")


def _is_of_parent(part: Fact, sides: Sides) -> bool:
    """Return whether a partition has the part from its table."""
    if part.kind in ("partition", "column", "not null", "generated", "virtual", "identity"):
        return True
    (partition,) = sides.wanted.facts_of(part.object, "partition")
    above = sides.wanted.get((f"table {partition.name}", part.kind, part.name))
    return above is not None and above.definition == part.definition


def _is_dependent(kind: str) -> bool:
    return kind in ("view", "materialized view", "publication", "event trigger", "statistics")


def _is_replaceable(kind: str, expected: Fact, sides: Sides) -> bool:
    """Return whether CREATE OR REPLACE is allowed, which keeps what depends on the object."""
    if kind == "view":
        wanted, there = (
            [(each.name, each.definition) for each in side.facts_of(expected.object, "column")]
            for side in (sides.wanted, sides.present)
        )
        return wanted[: len(there)] == there
    if kind in ("function", "procedure"):
        before = sides.present.get(expected.key)
        # The first two lines are the parameters and the result.
        return before is not None and _heading(before) == _heading(expected)
    return kind in ("aggregate", "language", "transform")


def _heading(fact: Fact) -> list[str]:
    return fact.definition.splitlines()[:2]


def _labels(name: str, wanted: str, there: str) -> Iterator[Statement]:
    labels, present = _LABEL.findall(wanted), _LABEL.findall(there)
    if [label for label in labels if label in present] != present:
        # A label cannot be removed or moved: that takes a new type.
        return
    before = None
    for label in labels:
        if label not in present:
            place = f" AFTER {before}" if before else f" BEFORE {present[0]}" if present else ""
            yield Statement(Stage.ALTER, f"ALTER TYPE {name} ADD VALUE {label}{place};")
        before = label


def _persistence(name: str, wanted: str, there: str) -> Iterator[Statement]:
    """Yield what changes whether a table is logged, and whether it is one of a composite type."""
    type_, before = (_TYPED.search(each) for each in (wanted, there))
    rest, rest_before = (_plain_table(each) for each in (wanted, there))
    if rest != rest_before:
        # Nothing changes how a table is partitioned.
        return
    if wanted.startswith("UNLOGGED") != there.startswith("UNLOGGED"):
        logged = "UNLOGGED" if wanted.startswith("UNLOGGED") else "LOGGED"
        yield Statement(Stage.ALTER, f"ALTER TABLE {name} SET {logged};")
    if (type_ and type_[1]) != (before and before[1]):
        if before:
            yield Statement(Stage.DROP_CONSTRAINTS, f"ALTER TABLE {name} NOT OF;")
        if type_:
            # Its columns have to be those of the type.
            yield Statement(Stage.CONSTRAINTS, f"ALTER TABLE {name} OF {type_[1]};")


def _plain_table(definition: str) -> str:
    """Return how a table is partitioned."""
    return definition[definition.find("PARTITION BY ") :] if "PARTITION BY " in definition else ""


def _sequence(name: str, wanted: str, there: str) -> Iterator[Statement]:
    if sequence_options(wanted) != sequence_options(there):
        options = sequence_options(wanted)
        cycle = "" if options.endswith(" CYCLE") else " NO CYCLE"
        yield Statement(Stage.ALTER, f"ALTER SEQUENCE {name} {options}{cycle};")
    if wanted.startswith("UNLOGGED") != there.startswith("UNLOGGED"):
        logged = "UNLOGGED" if wanted.startswith("UNLOGGED") else "LOGGED"
        yield Statement(Stage.ALTER, f"ALTER SEQUENCE {name} SET {logged};")
    owner, before = _OWNER.search(wanted), _OWNER.search(there)
    if (owner and owner[1]) != (before and before[1]):
        whose = owner[1] if owner else "NONE"
        yield Statement(Stage.ALTER, f"ALTER SEQUENCE {name} OWNED BY {whose};")


def _dictionary(name: str, wanted: str, there: str) -> Iterator[Statement]:
    options = {found[1]: found[0] for found in _OPTION.finditer(wanted)}
    gone = [each for each in _OPTION.findall(there) if each not in options]
    listed = ", ".join([*options.values(), *gone])
    yield Statement(Stage.ALTER, f"ALTER TEXT SEARCH DICTIONARY {name} ({listed});")


def _new_version(wanted: str, there: str) -> str:
    """Return the version that a server gets, if nothing else differs; a server cannot lose it."""
    version = _VERSION.search(wanted)
    before, after = (_VERSION.sub("", text).strip() for text in (there, wanted))
    return version[0].strip() if version and before == after else ""


def _function(word: str, wanted: str) -> str:
    """Return a clause of ALTER FOREIGN DATA WRAPPER."""
    found = re.search(rf"\b{word} \S+", wanted)
    return found[0] if found else f"NO {word}"


def _without_estimates(text: str) -> str:
    return _ESTIMATE.sub("", text)


def _without_state(text: str) -> str:
    return STATE.sub("", text)


def _enabled(text: str) -> str:
    state = STATE.search(text)
    return {"DISABLED": "DISABLE", "REPLICA": "ENABLE REPLICA", "ALWAYS": "ENABLE ALWAYS"}.get(
        state[1] if state else "", "ENABLE"
    )
