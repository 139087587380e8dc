"""What data a step of a down.sql would lose: PostgreSQL is asked, in the transaction itself."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from ..driver.commit import send_commit
from ..driver.connection import Connection
from ..errors import MigrationError
from ..postgres.identifiers import quote
from .run import Place, Run
from .transaction_steps import check_transaction, transaction_number

#: The columns of all tables: the table's number, name and file, and the column's number, name and
#: type.
COLUMNS = """
SELECT c.oid::bigint, n.nspname, c.relname, c.relfilenode::bigint, a.attnum::integer, a.attname,
    format_type(a.atttypid, a.atttypmod)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relkind IN ('r', 'p') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
"""
DELETED = """
SELECT c.oid::bigint FROM pg_class c WHERE c.relkind = 'r'
    AND pg_stat_get_xact_tuples_deleted(c.oid) > 0
"""


@dataclass(frozen=True, slots=True)
class Column:
    """A column before the step."""

    table_oid: int
    schema: str
    table: str
    file: int
    number: int
    name: str
    type: str

    @property
    def relation(self) -> str:
        """The table, as SQL."""
        return f"{quote(self.schema)}.{quote(self.table)}"

    @property
    def label(self) -> str:
        """The column, as a person names it."""
        return f"{self.schema}.{self.table}.{self.name}"


@dataclass(frozen=True, slots=True)
class Loss:
    """Data that a step loses."""

    column: Column
    #: The name of a column, or of a table.
    label: str
    text: str

    def is_allowed(self, names: Collection[str]) -> bool:
        """Return whether one of the names is of the table or the column; the schema may lack."""
        table = f"{self.column.schema}.{self.column.table}"
        every = {self.label, table}
        return any(name in every or f"{self.column.schema}.{name}" in every for name in names)


async def run_down(run: Run, place: Place, lose: Collection[str]) -> None:
    """Run a step in a transaction, unless it loses data that no name allows to lose.

    Raises:
        MigrationError: It does.
    """

    async def attempt() -> None:
        connection = run.connection
        await run.backend.settle()
        await connection.script("BEGIN")
        number = await transaction_number(run)
        before = await columns_of(connection)
        await connection.script("SAVEPOINT ormkit_down")
        await connection.script(place.step.sql)
        await check_transaction(run, number)
        suspects = await find_suspects(connection, before, run.tables.name)
        if suspects:
            await connection.script("ROLLBACK TO ormkit_down")
            losses = await count_losses(connection, suspects)
            refused = [each for each in losses if not each.is_allowed(lose)]
            if refused:
                raise refusal(refused)
            await connection.script(place.step.sql)
        await run.finish(place)
        await send_commit(connection)

    await run.locked(place, attempt)


@dataclass(frozen=True, slots=True)
class Suspect:
    """A column or a table whose data a step may have changed."""

    column: Column
    #: `column`, `values` or `rows`.
    what: str
    #: A number over the values after the step.
    after: Any = None


async def columns_of(connection: Connection) -> Sequence[Column]:
    """Return the columns of all tables."""
    return [Column(*row) for row in await connection.fetch(COLUMNS)]


async def find_suspects(
    connection: Connection, before: Sequence[Column], own_schema: str
) -> list[Suspect]:
    """Return what a step has dropped, changed or deleted of what was there before."""
    after = {(each.table_oid, each.number): each for each in await columns_of(connection)}
    deleted = {row[0] for row in await connection.fetch(DELETED)}
    found: list[Suspect] = []
    seen: set[int] = set()
    for each in before:
        if each.schema == own_schema:
            continue
        now = after.get((each.table_oid, each.number))
        if now is None:
            found.append(Suspect(each, "column"))
        elif now.type != each.type:
            found.append(Suspect(each, "values", await digest(connection, now)))
        if now is not None and each.table_oid not in seen:
            seen.add(each.table_oid)
            is_emptied = now.file != each.file and await is_empty(connection, now)
            if each.table_oid in deleted or is_emptied:
                found.append(Suspect(each, "rows", await count_rows(connection, now)))
    return found


async def count_losses(connection: Connection, suspects: Sequence[Suspect]) -> list[Loss]:
    """Return the data that is lost, before the step."""
    losses: list[Loss] = []
    for each in suspects:
        column = each.column
        table = f"{column.schema}.{column.table}"
        if each.what == "rows":
            number = await count_rows(connection, column) - each.after
            if number > 0:
                losses.append(Loss(column, table, f"{number:,} rows of {table}"))
            continue
        number, total = await digest(connection, column)
        if number and (each.what == "column" or (number, total) != tuple(each.after)):
            verb = "" if each.what == "column" else "changed "
            text = f"{number:,} {verb}values of {column.label}"
            losses.append(Loss(column, column.label, text))
    return losses


async def digest(connection: Connection, column: Column) -> Sequence[Any]:
    """Return how many values a column has, and a number over them."""
    name = quote(column.name)
    sum_of = f"sum(hashtextextended({name}::text, 0)::numeric)"
    rows = await connection.fetch(f"SELECT count({name}), {sum_of} FROM {column.relation}")
    return tuple(rows[0])


async def count_rows(connection: Connection, column: Column) -> int:
    """Return the number of rows of a column's table."""
    ((number,),) = await connection.fetch(f"SELECT count(*) FROM {column.relation}")
    return int(number)


async def is_empty(connection: Connection, column: Column) -> bool:
    """Return whether a column's table has no rows."""
    return not await connection.fetch(f"SELECT 1 FROM {column.relation} LIMIT 1")


def refusal(losses: Sequence[Loss]) -> MigrationError:
    """Return the error that names what would be lost, and how to allow it."""
    texts = ", ".join(each.text for each in losses)
    flags = " ".join(f"--lose {each}" for each in dict.fromkeys(each.label for each in losses))
    return MigrationError(
        f"it loses data: {texts}; nothing was changed: to lose them, add {flags}", code="loses-data"
    )
