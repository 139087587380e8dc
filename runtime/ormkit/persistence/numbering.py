"""Numbered inserts: RETURNING tells for each row which object it belongs to.

PostgreSQL promises no order for RETURNING, and INSERT cannot return columns of its source. MERGE
can, from PostgreSQL 17 on. Before it, rows are matched to objects by a unique key.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter

from ..errors import DatabaseError
from ..models.columns import AnyColumn
from ..models.relationships import table_as
from ..models.table import Table
from ..postgres.values import Record
from ..sql.context import Scope
from ..statements.shape_name import ShapeName
from ..statements.statement import Statement
from ..statements.table_facts import ANOTHER_KEY, TableFacts


def check_stored(table: Table, stored: int, given: int) -> None:
    """Raise DatabaseError where a trigger or rule dropped rows without an error."""
    if stored < given:
        raise DatabaseError(
            f"{given - stored} of {given} {table.label} objects were not stored: a trigger or "
            f"a rule of {table.sql} skipped them, as a BEFORE trigger does by returning NULL; "
            "let it raise an error, or insert such objects with raw SQL"
        )


def in_object_order(table: Table, rows: list[Record], count: int) -> list[Record]:
    """Return the rows in the order of the objects, by the position at the end of each row."""
    check_stored(table, len(rows), count)
    places = list(map(itemgetter(-1), rows))
    wanted = range(1, count + 1)
    if places == list(wanted):
        return rows
    found = dict(zip(places, rows, strict=True))
    return [found[place] for place in wanted]


def key_types(key: Sequence[AnyColumn], facts: TableFacts) -> tuple[str, ...]:
    """Return the types of these columns with modifiers, as the table defines them."""
    return tuple([facts.types[column.name] for column in key])


def write_merge(
    table: Table, given: Sequence[AnyColumn], returned: Sequence[AnyColumn]
) -> Statement:
    """Return a MERGE that only inserts, and returns the position of each row's source row.

    ON false matches no row, so that the table is not scanned.
    """
    scope = Scope(table)
    name, source = scope.name(table), scope.take("given")
    answers = [column.selected(f"{name}.{column.quoted}") for column in returned]
    sql = (
        f"MERGE INTO {table_as(table.written, name)} "
        f"USING ({rows_given(given, scope)}) AS {source} "
        f"ON false WHEN NOT MATCHED THEN "
        f"INSERT ({', '.join(column.quoted for column in given)}) "
        f"VALUES ({', '.join(cast_values(given, source))}) "
        f"RETURNING {', '.join(answers)}, {source}.place"
    )
    return Statement.of(scope, sql, ShapeName.of(table, "insert_all"), tuple(returned))


@dataclass(frozen=True, slots=True)
class NumberedInsert:
    """An INSERT of many rows that matches stored rows to given rows by a unique key.

    The key's values are known before the INSERT. The same statement compares both, so that the
    server's rules of equality apply.
    """

    table: Table
    given: Sequence[AnyColumn]
    returned: Sequence[AnyColumn]
    #: The columns of the unique key.
    key: Sequence[AnyColumn]
    #: Their types with modifiers.
    types: Sequence[str]
    #: The SQL of the defaults of key columns without a given value, by name.
    made: Mapping[str, str] = field(default_factory=dict[str, str])

    def sql(self, scope: Scope, on_conflict: str = "") -> str:
        """Return the SQL; its last parameter is the position before the first row's."""
        given, rows, stored = scope.take("given"), scope.take("rows"), scope.take("stored")
        keys = [f"{sql} AS {self._name(column)}" for column, sql in self._made()]
        return (
            f"WITH {given} AS MATERIALIZED (SELECT {', '.join([f'{rows}.*', *keys])} "
            f"FROM ({rows_given(self.given, scope)}) AS {rows}), "
            f"{stored} AS ({self._insert(given)}{on_conflict}{self._returning()}) "
            f"SELECT {self._answers(stored)}, {self._number(given)} "
            f"FROM {stored} LEFT JOIN {given} ON {self._matches(stored, given)}"
        )

    def _made(self) -> list[tuple[AnyColumn, str]]:
        return [(column, self.made[column.name]) for column in self.key if column.name in self.made]

    def _name(self, column: AnyColumn) -> str:
        """Return the name of the column among the given rows."""
        if column.name in self.made:
            return f"key_{[each.key for each in self.key].index(column.key)}"
        return f"value_{[each.key for each in self.given].index(column.key)}"

    def _insert(self, given: str) -> str:
        made = [column for column, _ in self._made()]
        values = [
            *cast_values(self.given, given),
            *[f"{given}.{self._name(each)}" for each in made],
        ]
        overriding = "OVERRIDING SYSTEM VALUE " if made else ""
        return (
            f"INSERT INTO {self.table.written} "
            f"({', '.join(column.quoted for column in (*self.given, *made))}) "
            f"{overriding}SELECT {', '.join(values)} FROM {given} ORDER BY place"
        )

    def _returning(self) -> str:
        answers = [
            f"{column.selected(column.quoted)} AS answer_{place}"
            for place, column in enumerate(self.returned)
        ]
        answers += [f"{column.quoted} AS key_{place}" for place, column in enumerate(self.key)]
        return f" RETURNING {', '.join(answers)}"

    def _answers(self, stored: str) -> str:
        return ", ".join([f"{stored}.answer_{place}" for place in range(len(self.returned))])

    def _number(self, given: str) -> str:
        """Return the SQL of a row's position, which fails for a key that was not given."""
        return (
            f"CASE WHEN {given}.place IS NULL THEN '{ANOTHER_KEY}'::text::regclass::oid::integer "
            f"ELSE {given}.place END"
        )

    def _matches(self, stored: str, given: str) -> str:
        # The given value is cast to the column's type: numeric(10,2) stores 1.005 as 1.01.
        return " AND ".join(
            f"{stored}.key_{place} = {given}.{self._name(column)}::{type_}"
            for place, (column, type_) in enumerate(zip(self.key, self.types, strict=True))
        )


def rows_given(given: Sequence[AnyColumn], scope: Scope) -> str:
    """Return the SELECT that turns arrays into rows of value_0, value_1 ... and their position.

    Set-returning functions in the select list advance together, row by row. In FROM, the server
    would materialize each of them first.
    """
    parameters = [f"{scope.bind(column)}::{column.carrier}[]" for column in given]
    arrays = [f"unnest({each}) AS value_{place}" for place, each in enumerate(parameters)]
    place = f"generate_subscripts({parameters[0]}, 1) + {scope.bind(None)}::integer AS place"
    return f"SELECT {', '.join([*arrays, place])}"


def cast_values(given: Sequence[AnyColumn], source: str) -> list[str]:
    """Return the values of `rows_given`, cast to the types of the columns."""
    return [
        f"{source}.value_{place}" + ("" if column.carrier == column.cast else f"::{column.cast}")
        for place, column in enumerate(given)
    ]
