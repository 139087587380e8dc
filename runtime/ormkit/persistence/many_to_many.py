"""Many-to-many relationships: the rows of the secondary table are added and removed."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ..errors import UsageError
from ..models.relationships import Relationship, Secondary
from ..models.table import Table, package_of
from ..sql.context import Scope
from ..statements.executor import Executor
from ..statements.key_membership import in_keys, unnested
from ..statements.shape_name import ShapeName
from ..statements.statement import Statement, statement_for

if TYPE_CHECKING:
    from ..models.model import Model


class Links:
    """Writes the rows of a secondary table that link one object to objects of the other side.

    owner: the key of the object. keys: the keys of the others, one array for each column.
    """

    def __init__(self, relationship: Relationship[Any, Any], secondary: Secondary) -> None:
        """Raise UsageError where a row of the secondary table needs more than the two keys."""
        self._relationship = relationship
        self._secondary = secondary
        model = model_at(secondary.sql, beside=relationship.table.model)
        self._is_unique = model is None or is_key_of(model.__table__, secondary)
        if model is not None:
            check_links(relationship, model.__table__, secondary)

    async def add(self, executor: Executor, owner: Sequence[object], keys: Sequence[object]) -> int:
        """Add links; return how many did not exist before."""
        statement = self._statement("add", self._write_add)
        _, count = await executor.run_counted(statement, [*owner, *keys])
        return count

    async def remove(
        self, executor: Executor, owner: Sequence[object], keys: Sequence[object]
    ) -> int:
        """Remove links; return how many existed."""
        statement = self._statement("remove", self._write_remove)
        _, count = await executor.run_counted(statement, [*owner, *keys])
        return count

    async def clear(self, executor: Executor, owner: Sequence[object]) -> int:
        """Remove all links of the object; return how many existed."""
        _, count = await executor.run_counted(self._statement("clear", self._write_clear), owner)
        return count

    async def replace(
        self, executor: Executor, owner: Sequence[object], keys: Sequence[object]
    ) -> tuple[int, int]:
        """Make these the only links; return how many were added, and how many removed."""
        statement = self._statement("replace", self._write_replace)
        ((added, removed),) = await executor.run(statement, [*owner, *keys])
        return added, removed

    def _statement(self, what: str, write: Any) -> Statement:
        key: Hashable = ("links", what, self._relationship.key)

        def build() -> Statement:
            scope = Scope()
            scope.tables.add(self._secondary.sql)
            sql = write(scope, self._owner(scope))
            operation = "UPDATE" if what == "replace" else ""
            shape = ShapeName(self._relationship.label, what, self._relationship.target)
            return Statement.of(scope, sql, shape, operation=operation)

        return statement_for(key, build)

    def _owner(self, scope: Scope) -> list[str]:
        local = self._relationship.local
        return [f"{column.placeholder(scope.bind(column))}::{column.cast}" for column in local]

    def _same_owner(self, owner: Sequence[str]) -> list[str]:
        pairs = zip(self._secondary.local, owner, strict=True)
        return [f"{name} = {value}" for name, value in pairs]

    def _write_add(self, scope: Scope, owner: Sequence[str]) -> str:
        remote = self._relationship.remote
        given = unnested(remote, [scope.bind(column) for column in remote], scope)
        return self._insert(owner, given)

    def _insert(self, owner: Sequence[str], source: str) -> str:
        names = [f"key_{place}" for place in range(len(self._secondary.remote))]
        columns = ", ".join([*self._secondary.local, *self._secondary.remote])
        text = (
            f"INSERT INTO {self._secondary.sql} ({columns}) "
            f"SELECT {', '.join([*owner, *names])} FROM {source} AS given ({', '.join(names)})"
        )
        # In a fixed order, so that two transactions that add the same links cannot deadlock.
        order = f"ORDER BY {', '.join(names)}"
        if self._is_unique:
            return f"{text} {order} ON CONFLICT ({columns}) DO NOTHING"
        there = zip(self._secondary.remote, names, strict=True)
        same = [*self._same_owner(owner), *[f"{key} = given.{name}" for key, name in there]]
        exists = f"SELECT FROM {self._secondary.sql} WHERE {' AND '.join(same)}"
        return f"{text} WHERE NOT EXISTS ({exists}) {order}"

    def _write_remove(self, scope: Scope, owner: Sequence[str]) -> str:
        remote = self._relationship.remote
        parameters = [scope.bind(column) for column in remote]
        wanted = in_keys(self._secondary.remote, remote, parameters, scope)
        return self._delete([*self._same_owner(owner), wanted])

    def _write_clear(self, scope: Scope, owner: Sequence[str]) -> str:
        return self._delete(self._same_owner(owner))

    def _delete(self, conditions: Sequence[str]) -> str:
        return f"DELETE FROM {self._secondary.sql} WHERE {' AND '.join(conditions)}"

    def _write_replace(self, scope: Scope, owner: Sequence[str]) -> str:
        """Return one statement that adds and removes links, and leaves those that stay."""
        remote = self._relationship.remote
        given = unnested(remote, [scope.bind(column) for column in remote], scope)
        keys = ", ".join(self._secondary.remote)
        gone = self._delete([*self._same_owner(owner), f"({keys}) NOT IN (SELECT * FROM {given})"])
        return (
            f"WITH gone AS ({gone} RETURNING 1), "
            f"added AS ({self._insert(owner, given)} RETURNING 1) "
            f"SELECT (SELECT count(*) FROM added), (SELECT count(*) FROM gone)"
        )


# A package may have thousands of names, and related() asks at each call.
@lru_cache(maxsize=4096)
def model_at(sql: str, *, beside: type[Model]) -> type[Model] | None:
    """Return the model of a table in the same generated package; None where it has none."""
    for each in list(vars(package_of(beside)).values()):
        table = getattr(each, "__table__", None)
        if isinstance(table, Table) and table.sql == sql:
            return table.model
    return None


def is_key_of(table: Table, secondary: Secondary) -> bool:
    """Return whether the two foreign keys together are the table's primary key."""
    return {key.quoted for key in table.primary_key} == {*secondary.local, *secondary.remote}


def check_links(relationship: Relationship[Any, Any], table: Table, secondary: Secondary) -> None:
    """Raise UsageError where rows of the secondary table need more than the two foreign keys."""
    keys = {*secondary.local, *secondary.remote}
    for column in table.columns:
        if column.quoted in keys or column.has_default or column.is_nullable:
            continue
        if not column.is_generated:
            raise UsageError(
                f"{relationship.label} goes through {table.label}, which needs {column.label} as "
                f"well: insert {table.label} objects instead"
            )
