"""The parts of tables that the schema language does not have, as SQL."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ormkit.catalog import Table, TableColumn, TableConstraint, TableIndex
from ormkit_gen.postgres.identifiers import qualified, quote_identifier, quote_literal
from ormkit_gen.pull.known_names import Key
from ormkit_gen.pull.snapshot import DatabaseObject
from ormkit_gen.pull.table_facts import TableFacts
from ormkit_gen.pull.table_parts import is_sayable, is_sayable_index

#: Facts of a table that one statement makes, and that statement.
_SETTINGS = {
    "tablespace": "ALTER TABLE {table} SET TABLESPACE {value};",
    "access method": "ALTER TABLE {table} SET ACCESS METHOD {value};",
}


def statements_of(
    table: Table, facts: TableFacts, tables: Mapping[Key, Table]
) -> Iterator[DatabaseObject]:
    """Yield what a table, or a partition, has beside what its model says."""
    if table.kind in ("view", "materialized view", "foreign table"):
        return
    name = qualified(table.schema, table.name)
    if not table.columns and not table.is_partition:
        yield DatabaseObject("table", name, f"CREATE TABLE {name} ();", ())
    for constraint in table.constraints:
        is_own = constraint.is_local and not constraint.is_partition
        if is_own and (table.is_partition or not _is_said(constraint, tables)):
            yield _constraint(table, constraint)
    for index in table.indexes:
        is_own = index.constraint is None and not index.is_partition
        if is_own and (table.is_partition or not is_sayable_index(index)):
            yield _index(table, index)
        if facts.get(table, "clustered", index.name) is not None:
            sql = f"ALTER TABLE {name} CLUSTER ON {quote_identifier(index.name)};"
            yield _statement(table, f"cluster {name}", sql)
        if (targets := facts.get(table, "index statistics", index.name)) is not None:
            whole = qualified(table.schema, index.name)
            sql = "\n".join(
                f"ALTER INDEX {whole} ALTER COLUMN {number} SET STATISTICS {target};"
                for number, _, target in (each.partition(": ") for each in targets.split(", "))
            )
            yield _statement(table, f"statistics of {whole} {name}", sql)
    for kind, statement in _SETTINGS.items():
        if (value := facts.get(table, kind)) is not None:
            sql = statement.format(table=name, value=quote_identifier(value))
            maker = f"{kind} {value}"
            needs = [f"statement {maker}"] if facts.has_object(maker) else []
            yield _statement(table, f"{kind} {name}", sql, *needs)
    for column in table.columns:
        if (options := facts.get(table, "column options", column.name)) is not None:
            place = f"{name} ALTER COLUMN {quote_identifier(column.name)}"
            sql = f"ALTER TABLE {place} SET ({options});"
            yield _statement(table, f"options {name}.{quote_identifier(column.name)}", sql)
    if table.of_type is not None:
        yield _statement(table, f"type of {name}", f"ALTER TABLE {name} OF {table.of_type};")
    parent = tables.get(table.parents[0]) if table.is_partition else None
    for column in table.columns if parent is not None else ():
        if statements := _own_default(name, column, parent):
            place = f"default {name}.{quote_identifier(column.name)}"
            yield _statement(table, place, statements)
    if facts.get(table, "row security") == "FORCE without ENABLE":
        sql = f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY;"
        yield _statement(table, f"row security {name}", sql)


def _own_default(table: str, column: TableColumn, parent: Table | None) -> str | None:
    """Return the statements for what a partition's column has other than its table's."""
    inherited = parent.column(column.name) if parent is not None else None
    if inherited is None or column.generated is not None:
        return None
    alter = f"ALTER TABLE {table} ALTER COLUMN {quote_identifier(column.name)}"
    actions: list[str] = []
    if column.default != inherited.default:
        action = "DROP DEFAULT" if column.default is None else f"SET DEFAULT {column.default}"
        actions.append(f"{alter} {action};")
    if column.is_not_null and not inherited.is_not_null:
        actions.append(f"{alter} SET NOT NULL;")
    return "\n".join(actions) or None


def _is_said(constraint: TableConstraint, tables: Mapping[Key, Table]) -> bool:
    """Return whether the model of its table says the constraint."""
    target = tables.get(constraint.target) if constraint.target else None
    has_target = constraint.target is None or (target is not None and not target.is_partition)
    return is_sayable(constraint) and has_target


def _constraint(table: Table, constraint: TableConstraint) -> DatabaseObject:
    name, place = quote_identifier(constraint.name), qualified(table.schema, table.name)
    sql = f"ALTER TABLE {place} ADD CONSTRAINT {name} {constraint.definition};"
    if constraint.comment is not None:
        comment = quote_literal(constraint.comment)
        sql += f"\nCOMMENT ON CONSTRAINT {name} ON {place} IS {comment};"
    needs = [f"table {place}"]
    if constraint.target is not None:
        needs.append(f"table {qualified(*constraint.target)}")
    return DatabaseObject("constraint", f"{name} on {place}", sql, tuple(dict.fromkeys(needs)))


def _index(table: Table, index: TableIndex) -> DatabaseObject:
    name, place = qualified(table.schema, index.name), qualified(table.schema, table.name)
    sql = f"{index.definition};"
    if index.comment is not None:
        sql += f"\nCOMMENT ON INDEX {name} IS {quote_literal(index.comment)};"
    return DatabaseObject("index", name, sql, (f"table {place}",))


def _statement(table: Table, name: str, sql: str, *needs: str) -> DatabaseObject:
    own = f"table {qualified(table.schema, table.name)}"
    return DatabaseObject("statement", name, sql, (own, *needs))
