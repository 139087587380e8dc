"""What data a step of a down.sql would lose: PostgreSQL is asked, in the transaction itself.

Nothing is read from the SQL of a step. It runs, and then the catalogs and the locks that it holds
say which tables and columns are gone, were written anew, or may have other rows. If there are any,
the step is undone, their values are noted, and it runs again. What is not there afterwards is lost.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..driver.connection import Connection
from ..errors import DatabaseError, MigrationError, StatementError
from ..postgres.identifiers import quote
from .run import Run

#: Of each column of each table: the table's number and that of the table whose partition it is, its
#: schema, name and file, whether rows of it are hidden from the role; the column's number, name and
#: type, and whether it is there because the table is a partition.
COLUMNS = """
SELECT c.oid::bigint, coalesce(pg_partition_root(c.oid), c.oid)::oid::bigint, n.nspname, c.relname,
    c.relfilenode::bigint, row_security_active(c.oid), a.attnum::integer, a.attname,
    format_type(a.atttypid, a.atttypmod), coalesce(a.attinhcount > 0 AND NOT a.attislocal, false)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relkind IN ('r', 'p') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    AND n.nspname <> $1
"""
#: The tables whose rows the transaction may have changed: PostgreSQL locks a table in this mode for
#: INSERT, UPDATE, DELETE, MERGE and COPY, also for those of triggers and foreign keys.
WRITTEN = """
SELECT relation::bigint FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'relation'
    AND mode = 'RowExclusiveLock'
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
#: A transaction with these rows cannot be committed until they are deleted, so that a COMMIT in the
#: SQL of a step fails.
GUARD, GUARD_CONSTRAINT = "ormkit_guard", "ormkit_guard_open"
GUARD_SQL = f"""
CREATE TEMPORARY TABLE {GUARD} (
    id integer, CONSTRAINT {GUARD_CONSTRAINT} UNIQUE (id) DEFERRABLE INITIALLY DEFERRED)
    ON COMMIT DROP;
INSERT INTO pg_temp.{GUARD} VALUES (1), (1)
"""
NOT_UNIQUE, NOT_ALLOWED = "23505", "42501"
#: Begins the names of the tables in which values are noted.
NOTED = "ormkit_noted"


@dataclass(frozen=True, slots=True)
class Column:
    """A column before the step."""

    number: int
    name: str
    type: str
    is_of_partition: bool


@dataclass(frozen=True, slots=True)
class Table:
    """A table before the step."""

    oid: int
    #: The table whose partition it is, at the top; itself if it is none.
    root: int
    schema: str
    name: str
    file: int
    #: Whether row-level security hides rows from the role.
    is_hidden: bool
    columns: dict[int, Column] = field(default_factory=dict[int, Column], hash=False)

    @property
    def label(self) -> str:
        """The table, as a person names it."""
        return f"{self.schema}.{self.name}"

    @property
    def relation(self) -> str:
        """The table, as SQL."""
        return f"{quote(self.schema)}.{quote(self.name)}"


Tables = Mapping[int, Table]


@dataclass(frozen=True, slots=True)
class Loss:
    """Data that a step loses."""

    table: Table
    #: The name of a column, or of a table.
    label: str
    text: str

    def is_allowed(self, names: Collection[str]) -> bool:
        """Return whether one of the names is of the table or the column; the schema may lack."""
        every = {self.label, self.table.label}
        return any(name in every or f"{self.table.schema}.{name}" in every for name in names)


async def send_unless_it_loses(
    run: Run, sql: str, lose: Collection[str], within: Mapping[str, str] | None = None
) -> str:
    """Run statements in the open transaction, and return the tag of the last one.

    lose: the names of what may be lost.
    within: by the name of a table as SQL, the condition of the rows that they may change.

    Raises:
        MigrationError: They lose data that no name allows to lose, or end the transaction.
    """
    connection = run.connection
    before = await tables_of(connection, run.tables.name)
    await guard(connection)
    await connection.script("SAVEPOINT ormkit_down")
    tag = await send_guarded(connection, sql)
    after = await tables_of(connection, run.tables.name)
    gone = list(gone_columns(before, after))
    changed = await changed_tables(connection, before, after)
    if gone or changed:
        await connection.script("ROLLBACK TO ormkit_down")
        refuse(await count_gone(connection, gone), lose)
        walked = {
            await table_number(connection, name): each for name, each in (within or {}).items()
        }
        notes = [await Note.take(connection, each, walked.get(each.oid)) for each in changed]
        tag = await send_guarded(connection, sql)
        refuse([loss for note in notes for loss in await note.losses(connection, after)], lose)
    await connection.script(f"DELETE FROM pg_temp.{GUARD}")
    return tag


async def guard(connection: Connection) -> None:
    """Keep the SQL of a step from committing."""
    try:
        await connection.script(GUARD_SQL)
    except StatementError as error:
        if error.sqlstate != NOT_ALLOWED:
            raise
        raise MigrationError(
            "to find out what a down would lose, its role needs the right TEMPORARY on the "
            "database: grant it, or give another --role",
            code="no-right",
            sqlstate=error.sqlstate,
        ) from error


async def send_guarded(connection: Connection, sql: str) -> str:
    """Run statements; raises MigrationError if they commit."""
    try:
        return await connection.script(sql)
    except DatabaseError as error:
        if error.sqlstate != NOT_UNIQUE or getattr(error, "constraint", None) != GUARD_CONSTRAINT:
            raise
        raise MigrationError(
            "its SQL ends the transaction in which it runs: leave out COMMIT, and put what comes "
            "after it into a step of its own; nothing was changed",
            code="ended-transaction",
        ) from error


async def tables_of(connection: Connection, own_schema: str) -> Tables:
    """Return all tables but those with the state of migrations."""
    found: dict[int, Table] = {}
    for *of_table, number, name, type_, is_of_partition in await connection.fetch(
        COLUMNS, [own_schema]
    ):
        oid = of_table[0]
        if oid not in found:
            found[oid] = Table(*of_table)
        if number is not None:
            found[oid].columns[number] = Column(number, name, type_, is_of_partition)
    return found


async def table_number(connection: Connection, name: str) -> int:
    """Return the number of a table by its name as SQL; that of the whole if it is a partition."""
    sql = "SELECT coalesce(pg_partition_root($1::text::regclass), $1::text::regclass)::oid::bigint"
    ((number,),) = await connection.fetch(sql, [name])
    return int(number)


def successor(column: Column, now: Table) -> Column | None:
    """Return what a column is after the step: another one may have taken its place and name."""
    named = (each for each in now.columns.values() if each.name == column.name)
    return now.columns.get(column.number) or next(named, None)


def gone_columns(before: Tables, after: Tables) -> Iterable[tuple[Table, Column]]:
    """Yield the columns that are not there any more; of partitions only if all of it is gone."""
    for table in before.values():
        now = after.get(table.oid)
        for column in table.columns.values():
            if now is None or (successor(column, now) is None and not column.is_of_partition):
                yield table, column


async def changed_tables(connection: Connection, before: Tables, after: Tables) -> list[Table]:
    """Return the tables that may have other rows or values; the whole in place of a partition."""
    written = {row[0] for row in await connection.fetch(WRITTEN)}
    found = {
        table.root if table.root in before and table.root in after else table.oid
        for table in before.values()
        if (now := after.get(table.oid)) is not None
        and (table.oid in written or now.file != table.file or other_types(table, now))
    }
    return [table for oid, table in before.items() if oid in found]


def other_types(table: Table, now: Table) -> bool:
    """Return whether a column has another type, or another one has its place."""
    pairs = ((each, successor(each, now)) for each in table.columns.values())
    return any(
        after is not None and (after.number, after.type) != (before.number, before.type)
        for before, after in pairs
    )


async def count_gone(connection: Connection, gone: Sequence[tuple[Table, Column]]) -> list[Loss]:
    """Return the values of columns that go."""
    losses: list[Loss] = []
    for table in dict.fromkeys(table for table, _ in gone):
        columns = [column for each, column in gone if each == table]
        if table.is_hidden:
            losses.append(hidden(table))
            continue
        counts = ", ".join(f"count({quote(each.name)})" for each in columns)
        (row,) = await connection.fetch(f"SELECT {counts} FROM {table.relation}")
        for column, number in zip(columns, row, strict=True):
            if number:
                label = f"{table.label}.{column.name}"
                losses.append(Loss(table, label, f"{counted_values(number)} of {label}"))
    return losses


@dataclass(frozen=True, slots=True)
class Note:
    """How many rows a table had before the step, and how often it had each value."""

    table: Table
    rows: int
    #: The table with the values; empty if rows are hidden from the role.
    name: str
    condition: str

    @classmethod
    async def take(cls, connection: Connection, table: Table, condition: str | None) -> Note:
        """Note the rows and values that a table has now."""
        where = f" WHERE {condition}" if condition else ""
        if table.is_hidden:
            return cls(table, 0, "", where)
        name = f"{NOTED}_{table.oid}"
        texts = {number: f"{quote(each.name)}::text" for number, each in table.columns.items()}
        await connection.script(
            f"CREATE TEMPORARY TABLE {name} ON COMMIT DROP AS {values_of(table, texts, where)}"
        )
        return cls(table, await count_rows(connection, table.relation, where), name, where)

    async def losses(self, connection: Connection, after: Tables) -> list[Loss]:
        """Return what of it is not there any more."""
        table, now = self.table, after[self.table.oid]
        if table.is_hidden:
            return [hidden(table)]
        losses: list[Loss] = []
        lost = self.rows - await count_rows(connection, now.relation, self.condition)
        if lost > 0:
            losses.append(
                Loss(table, table.label, f"{lost:,} row{'' if lost == 1 else 's'} of {table.label}")
            )
        for number, values in await self._lost_values(connection, now):
            # With each row go its values.
            if values > max(lost, 0):
                label = f"{table.label}.{table.columns[number].name}"
                losses.append(
                    Loss(table, label, f"{counted_values(values, 'changed ')} of {label}")
                )
        return losses

    async def _lost_values(self, connection: Connection, now: Table) -> Sequence[Any]:
        """Return the numbers of columns, and how many of their values are not there any more.

        A value of another type is what it was if its old type gives back the same text.
        """
        both = {
            number: after
            for number, each in self.table.columns.items()
            if (after := successor(each, now)) is not None
        }
        if not both:
            return ()
        texts: dict[int, str] = {}
        for number, each in both.items():
            text = f"{quote(each.name)}::text"
            was = self.table.columns[number].type
            if each.type != was:
                back = f"{quote(each.name)}::{was}::text"
                sql = f"SELECT count({back}) FROM {now.relation}{self.condition}"
                text = back if await succeeds(connection, sql) else text
            texts[number] = text
        numbers = ", ".join(map(str, both))
        return await connection.fetch(
            f"SELECT number, sum(noted.times - coalesce(found.times, 0))::bigint "
            f"FROM pg_temp.{self.name} noted "
            f"LEFT JOIN ({values_of(now, texts, self.condition)}) found USING (number, value) "
            f"WHERE noted.times > coalesce(found.times, 0) AND number IN ({numbers}) "
            "GROUP BY number ORDER BY number"
        )


def values_of(table: Table, texts: Mapping[int, str], where: str) -> str:
    """Return the query for how often each value is in each column of a table, by its hash."""
    # Some collations take different texts for the same.
    pairs = ", ".join(
        f'({number}, hashtextextended({text} COLLATE "C", 0))' for number, text in texts.items()
    )
    return (
        f"SELECT of_row.number, of_row.value, count(*) AS times FROM {table.relation} "
        f"CROSS JOIN LATERAL (VALUES {pairs or '(0, NULL::bigint)'}) AS of_row (number, value)"
        f"{where} {'AND' if where else 'WHERE'} of_row.value IS NOT NULL "
        "GROUP BY of_row.number, of_row.value"
    )


async def succeeds(connection: Connection, sql: str) -> bool:
    """Return whether a query succeeds."""
    await connection.script("SAVEPOINT ormkit_trial")
    try:
        await connection.fetch(sql)
    except DatabaseError:
        await connection.script("ROLLBACK TO ormkit_trial")
        return False
    await connection.script("RELEASE ormkit_trial")
    return True


async def count_rows(connection: Connection, relation: str, where: str) -> int:
    """Return the number of rows of a table."""
    ((number,),) = await connection.fetch(f"SELECT count(*) FROM {relation}{where}")
    return int(number)


def counted_values(number: int, kind: str = "") -> str:
    """Return a number of values in words."""
    return f"{number:,} {kind}value{'' if number == 1 else 's'}"


def hidden(table: Table) -> Loss:
    """Return the loss of what cannot be seen."""
    text = f"rows of {table.label} that row-level security hides from the role"
    return Loss(table, table.label, text)


def refuse(losses: Sequence[Loss], lose: Collection[str]) -> None:
    """Raise MigrationError for losses that no name allows, with what would allow them."""
    refused = [each for each in losses if not each.is_allowed(lose)]
    if refused:
        raise refusal(
            ", ".join(each.text for each in refused), dict.fromkeys(each.label for each in refused)
        )


def refusal(text: str, labels: Iterable[str]) -> MigrationError:
    """Return the error that names what would be lost, and how to allow it."""
    flags = " ".join(f"--lose {each}" for each in labels)
    return MigrationError(
        f"it loses data: {text}; nothing was changed: to lose them, add {flags}", code="loses-data"
    )
