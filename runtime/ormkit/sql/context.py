"""Hold the state of one statement while its SQL is written: parameters and table aliases."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from ..errors import UsageError
from ..postgres.identifiers import quote

if TYPE_CHECKING:
    from .expressions import AnyExpression


#: The most parameters that asyncpg sends with one statement.
MAX_PARAMETERS = 32_767


class NamedTable(Protocol):
    """A table that a statement names: ``sql`` is its name in full, quoted."""

    @property
    def name(self) -> str: ...
    @property
    def sql(self) -> str: ...
    @property
    def label(self) -> str: ...


class NamedColumn(Protocol):
    """A column that a statement names: ``quoted`` is its name, quoted."""

    @property
    def table(self) -> NamedTable: ...
    @property
    def quoted(self) -> str: ...


class Routine(NamedTuple):
    """A function that a statement calls; without a schema it is looked for on the search path."""

    schema: str
    name: str


class Scope:
    """Numbers the parameters of a statement, and holds the alias of each table in it.

    ``parameters`` has one entry for each bound value: the expression that the value is compared
    with or assigned to, or None. An error about $3 names its column from there.
    """

    __slots__ = (
        *("_names", "_numbers", "_taken", "bars_aggregates", "called", "cast_to", "has_locks"),
        *("is_foreign", "is_qualified", "joined", "parameters", "repeated", "tables"),
    )

    def __init__(self, table: NamedTable | None = None, *, is_qualified: bool = False) -> None:
        self.parameters: list[AnyExpression | None] = []
        self._names: dict[NamedTable, list[str]] = {}
        self._taken: set[str] = set()
        self._numbers: dict[str, int] = {}
        #: What the text names: tables, functions, types that values are cast to; and whether it
        #: locks rows. It decides whether a statement whose answer was lost may be sent again.
        self.tables: set[str] = set()
        self.called: set[Routine] = set()
        self.cast_to: set[str] = set()
        self.has_locks = False
        #: True where column names are qualified, as joins and subqueries need it.
        self.is_qualified = is_qualified
        #: True once the text calls a function by name.
        self.is_foreign = False
        #: True while a WHERE clause is written, which cannot hold aggregates.
        self.bars_aggregates = False
        #: What joined tables are called, by the relationship that leads to them; empty until then
        #: for those that must be there, so that they are joined without LEFT.
        self.joined: dict[Any, str] = {}
        #: The texts that are the same wherever the statement repeats them.
        self.repeated: dict[Hashable, str] = {}
        if table is not None:
            self.enter(table)

    def bind(self, target: AnyExpression | None) -> str:
        """Return the placeholder of the next parameter, which holds a value for the target.

        Raises UsageError for one more than a statement can have.
        """
        self.parameters.append(target)
        number = len(self.parameters)
        if number > MAX_PARAMETERS:
            raise UsageError(
                f"a statement takes at most {MAX_PARAMETERS:,} values, and this one has more: "
                "pass them as one list, with in_(), or split the statement"
            )
        return f"${number}"

    def enter(self, table: NamedTable) -> str:
        """Give the table a new alias and return it, quoted.

        Columns of the table use its latest alias until `leave`.
        """
        name = self.take(table.name)
        self.enter_as(table, name)
        return name

    def enter_as(self, table: NamedTable, name: str) -> None:
        """Make columns of the table use this alias, which `take` returned, until `leave`."""
        self._names.setdefault(table, []).append(name)
        self.tables.add(table.sql)

    def take(self, wanted: str) -> str:
        """Return an alias that no other table of the statement has, quoted."""
        name = wanted
        while name in self._taken:
            # Continue from the last number, so that thousands of subqueries take linear time.
            number = self._numbers[wanted] = self._numbers.get(wanted, 1) + 1
            name = f"{wanted}_{number}"
        self._taken.add(name)
        return quote(name)

    def call(self, name: str, schema: str = "") -> str:
        """Note that the text calls a function, and return its name as the text writes it.

        schema: where it is; empty where the server looks for it on its search path.
        """
        self.called.add(Routine(schema, name))
        return f"{quote(schema)}.{quote(name)}" if schema else quote(name)

    def cast(self, text: str, type_: str) -> str:
        """Return the text with a cast to this type behind it, noted."""
        return f"{text}::{self.note_cast(type_)}"

    def note_cast(self, type_: str) -> str:
        """Note a type, which may be a domain whose CHECK calls something, and return it."""
        self.cast_to.add(type_)
        return type_

    def leave(self, table: NamedTable) -> None:
        """Undo the latest `enter` of the table; its alias remains reserved."""
        self._names[table].pop()

    def name(self, table: NamedTable) -> str:
        """Return the current alias of the table, quoted; raises UsageError where it has none."""
        names = self._names.get(table)
        if not names:
            raise UsageError(
                f"{table.label} is not part of this query: reach its columns through a "
                "relationship, with has() or any()"
            )
        return names[-1]

    def names(self) -> Hashable:
        """Return what tells which tables a text can refer to, and by which aliases."""
        return frozenset((table, names[-1]) for table, names in self._names.items() if names)

    def column(self, column: NamedColumn) -> str:
        """Return the column's name in this statement, qualified where that is needed."""
        name = self.name(column.table)
        return f"{name}.{column.quoted}" if self.is_qualified else column.quoted
