"""Rows for the tables of a schema, with the values at which changes go wrong.

They are the extremes of each type, empty texts, NULL wherever it is allowed, and the same values
again where no constraint forbids it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from ormkit import DatabaseError
from ormkit_gen.ir import Column, Enum, ForeignKey, Model, Schema
from ormkit_gen.postgres.identifiers import qualified, quote_identifier, quote_literal
from ormkit_gen.postgres.types import ColumnType

#: How many rows are tried in each table. The last one has NULL in every column that takes it.
ROWS = 5
_JSON = ("{}", "[]", '{"a": [1, null, "é"]}', "null")
#: Values of each type, as PostgreSQL reads them.
_VALUES: dict[str, tuple[str, ...]] = {
    "smallint": ("0", "-32768", "32767", "1"),
    "integer": ("0", "-2147483648", "2147483647", "1"),
    "bigint": ("0", "-9223372036854775808", "9223372036854775807", "1"),
    "real": ("0", "-1.5", "3.4e38", "1e-37"),
    "double precision": ("0", "-1.5", "1.7e308", "1e-307"),
    "numeric": ("0", "-1", "1", "0.5"),
    "boolean": ("true", "false"),
    "bytea": ("", r"\x00ff", r"\x01", r"\x02"),
    "date": ("2024-02-29", "0001-01-01", "9999-12-31", "2000-01-01"),
    "time": ("00:00", "23:59:59.999999", "12:00", "06:30"),
    "timetz": ("00:00+00", "23:59:59.999999-12", "12:00+14", "06:30+00"),
    "timestamp": (
        "2024-03-31 02:30",
        "0001-01-02 00:00",
        "9999-12-30 23:59:59.999999",
        "2000-01-01",
    ),
    "timestamptz": (
        *("2024-03-31 02:30+00", "0001-01-02 00:00+00", "9999-12-30 23:59:59.999999+00"),
        "2000-01-01 00:00+00",
    ),
    "interval": ("0", "-1 month", "100 years 1 day", "0.000001 seconds"),
    "uuid": tuple(f"{number:08x}-0000-4000-8000-00000000000{number}" for number in range(4)),
    "json": _JSON,
    "jsonb": _JSON,
    "inet": ("::1", "127.0.0.1", "10.0.0.0/8", "192.168.0.1"),
    "cidr": ("::/0", "127.0.0.0/8", "10.0.0.0/8", "192.168.0.0/24"),
    "macaddr": ("00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff", "08:00:2b:01:02:03", "08:00:2b:01:02:04"),
    "int4range": ("empty", "[1,2)", "(,)", "[3,)"),
    "int8range": ("empty", "[1,2)", "(,)", "[3,)"),
    "numrange": ("empty", "[1,2)", "(,)", "[3,)"),
    "daterange": ("empty", "[2024-01-01,2024-02-01)", "(,)", "[2025-01-01,)"),
    "tsrange": ("empty", "[2024-01-01,2024-02-01)", "(,)", "[2025-01-01,)"),
    "tstzrange": ("empty", "[2024-01-01 00:00+00,2024-02-01 00:00+00)", "(,)", "[2025-01-01,)"),
    "tsvector": ("", "a:1", "b:2", "c:3"),
    "xml": ("<a/>", "<b/>", "<c/>", "<d/>"),
    "money": ("0", "-1", "1", "2"),
    "name": ("", "a", "b", "c"),
    "point": ("(0,0)", "(1,2)", "(-1,-2)", "(3,4)"),
    "hstore": ("", "a=>1", "b=>NULL", "c=>2"),
    "ltree": ("", "a", "a.b", "a.b.c"),
}
_TEXTS = ("", "a", "é ' \\ \" %s", "  x  ")


class Session(Protocol):
    """A connection of an engine's pool."""

    async def script(self, sql: str) -> str:
        """Run statements."""
        ...


@dataclass(frozen=True, slots=True)
class Insert:
    """A statement that inserts one row."""

    table: str
    sql: str


def inserts(schema: Schema) -> Iterator[Insert]:
    """Yield statements that insert rows, those of a foreign key's target first.

    Some of them are against a constraint. A table has none if one of its columns is required and
    of an unknown type.
    """
    enums = {each.name: each for each in schema.enums}
    for model in _targets_first(schema):
        if model.view is None and model.is_managed:
            yield from _rows(model, schema, enums)


async def invent(connection: Session, schema: Schema) -> dict[str, int]:
    """Insert rows into the tables of a schema; return how many each table took."""
    taken: dict[str, int] = {}
    await connection.script("BEGIN")
    for each in inserts(schema):
        taken.setdefault(each.table, 0)
        await connection.script("SAVEPOINT row")
        try:
            await connection.script(f"{each.sql}; RELEASE row")
        except DatabaseError:
            # A check, a unique constraint or a trigger does not allow it.
            await connection.script("ROLLBACK TO row")
            continue
        taken[each.table] += 1
    await connection.script("COMMIT")
    return taken


def _targets_first(schema: Schema) -> list[Model]:
    ordered: dict[str, Model] = {}

    def visit(model: Model, above: frozenset[str]) -> None:
        if model.name in ordered or model.name in above:
            return
        for key in model.foreign_keys:
            visit(schema.model(key.target), above | {model.name})
        ordered[model.name] = model

    for model in schema.models:
        visit(model, frozenset())
    return list(ordered.values())


def _rows(model: Model, schema: Schema, enums: dict[str, Enum]) -> Iterator[Insert]:
    table = qualified(model.schema, model.table)
    references = {name: key for key in model.foreign_keys for name in key.columns}
    for number in range(ROWS):
        pairs: list[tuple[str, str]] = []
        for column in model.columns:
            if column.is_generated or column.is_serial or column.identity is not None:
                continue
            key = references.get(column.name)
            value = _value(column, key, number, schema, enums)
            if value is not None:
                pairs.append((quote_identifier(column.db_name), value))
        if not pairs:
            yield Insert(table, f"INSERT INTO {table} DEFAULT VALUES")
            continue
        names, values = (", ".join(each) for each in zip(*pairs, strict=True))
        yield Insert(table, f"INSERT INTO {table} ({names}) VALUES ({values})")


def _value(
    column: Column, key: ForeignKey | None, number: int, schema: Schema, enums: dict[str, Enum]
) -> str | None:
    """Return a value as SQL; None leaves the column to its default."""
    if column.is_nullable and number == ROWS - 1:
        return "NULL"
    if key is not None:
        return _reference(column, key, number, schema)
    if column.server_default is not None and number % 2:
        return None
    literal = _literal(column.type, number, enums)
    if literal is None:
        return "NULL" if column.is_nullable else None
    return quote_literal(literal)


def _reference(column: Column, key: ForeignKey, number: int, schema: Schema) -> str:
    """Return a query for a column of the target; all columns of the key get those of one row."""
    target = schema.model(key.target)
    name = target.column(key.target_columns[key.columns.index(column.name)]).db_name
    table = qualified(target.schema, target.table)
    place = f"{number} % greatest((SELECT count(*) FROM {table}), 1)"
    return f"(SELECT {quote_identifier(name)} FROM {table} ORDER BY ctid OFFSET {place} LIMIT 1)"


def _literal(type_: ColumnType, number: int, enums: dict[str, Enum]) -> str | None:
    if type_.is_array:
        return _array(type_, number, enums)
    if type_.is_enum:
        labels = [label for _, label in enums[type_.name].members]
        return labels[number % len(labels)] if labels else None
    values = _values(type_)
    return values[number % len(values)] if values else None


def _array(type_: ColumnType, number: int, enums: dict[str, Enum]) -> str | None:
    if number == 0:
        return "{}"
    element = _literal(type_.element, number, enums)
    if element is None:
        return None
    escaped = element.replace("\\", r"\\").replace('"', r"\"")
    return "{" * type_.dimensions + f'"{escaped}"' + "}" * type_.dimensions


def _values(type_: ColumnType) -> Sequence[str]:
    if type_.name == "numeric" and type_.modifiers:
        return _numbers(*type_.modifiers)
    if type_.name in ("bit", "varbit"):
        length = type_.modifiers[0] if type_.modifiers else 1
        return ("0" * length, "1" * length)
    if type_.name == "vector":
        length = type_.modifiers[0] if type_.modifiers else 1
        return tuple(f"[{','.join([str(number)] * length)}]" for number in range(4))
    if type_.name in ("varchar", "char") and (type_.modifiers or type_.name == "char"):
        length = type_.modifiers[0] if type_.modifiers else 1
        return (*(each[:length] for each in _TEXTS[:3]), "x" * length)
    if type_.name in _VALUES:
        return _VALUES[type_.name]
    return () if type_.is_text else _TEXTS


def _numbers(precision: int, scale: int = 0) -> Sequence[str]:
    largest = f"{'9' * precision}e{-scale}"
    return ("0", largest, f"-{largest}", f"1e{-scale}")
