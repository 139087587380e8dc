"""Select: the SQL of a SELECT, UPDATE or DELETE by query, written once for each shape."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from operator import attrgetter
from typing import Any, Protocol

from ..models.columns import AnyColumn, Column
from ..models.computed import Computed
from ..models.relationships import table_as
from ..models.table import Table
from ..postgres.type_words import type_of
from ..sql.aggregates import value_source
from ..sql.context import Scope
from ..sql.expressions import AnyExpression, Condition, Expression
from ..sql.ordering import Order
from ..sql.trees import AnyNode, Node, separated
from .grouping import Grouping, Selected, place_of
from .row_limits import bound, limit_sql, shape_of
from .row_locks import Lock
from .shape_name import ShapeName
from .statement import Statement, statement_for

#: What tells a part of a query from others of another shape.
KEY = attrgetter("key")
#: Expressions that have a column's type, and are read as that type requires.
STORED = (Column, Computed)
#: What a part of a query binds.
VALUES = attrgetter("values")


class Join(Protocol):
    """What reads related rows in the query of their parents."""

    @property
    def key(self) -> Hashable:
        """What tells it from others whose text differs."""
        ...

    @property
    def joined_values(self) -> list[object]:
        """What it binds, in the order of its text."""
        ...

    def write_join(self, scope: Scope, outer: str, selected: list[str], joins: list[str]) -> None:
        """Add its columns and its LEFT JOINs to those of the query of `outer`."""
        ...

    def row_layout(self) -> list[Any]:
        """Return what each place of a row holds that it adds, as `Statement.selected` does."""
        ...


# Not frozen: setting the fields of a frozen dataclass takes four times as long, and a query makes
# one of these each time it runs.
@dataclass(slots=True, kw_only=True)
class Select:
    """A SELECT over one table, with the rows of to-one relationships joined on."""

    table: Table
    where: tuple[Condition[Any], ...] = ()
    order: tuple[Order[Any], ...] = ()
    limit: int | None = None
    offset: int | None = None
    joins: tuple[Join, ...] = ()
    lock: Lock | None = None
    grouping: Grouping | None = None

    def values(self, selected: Selected = ()) -> list[object]:
        """Return what the statement binds, in the order of its parameters.

        selected: the expressions that it reads; none where those are whole rows.
        """
        values: list[object] = []
        grouping = self.grouping
        if grouping is not None:
            values.extend(grouping.bound_on(selected))
        for step in self.joins:
            values.extend(step.joined_values)
        for expression in selected:
            values.extend(expression.values)
        for condition in self.where:
            values.extend(condition.values)
        if grouping is not None:
            values.extend(grouping.bound(selected))
        for order in self.order:
            if not (order.values and place_of(order.expression, selected)):
                values.extend(order.values)
        values.extend(bound(self.limit, self.offset))
        return values

    def shape(self, what: Hashable) -> Hashable:
        """Return the key under which the statement is kept; `what` tells what it selects."""
        return (
            what,
            self.table,
            tuple(map(KEY, self.where)),
            tuple(map(KEY, self.order)) if self.order else (),
            shape_of(self.limit),
            shape_of(self.offset),
            tuple(map(KEY, self.joins)) if self.joins else (),
            None if self.lock is None else self.lock.key,
            None if self.grouping is None else self.grouping.key,
        )

    def rows(self, extra: Selected = ()) -> Statement:
        """Return the statement that reads every column, those of each join, and then these."""
        if not extra:
            return statement_for(self.shape("rows"), self._write_rows)
        return statement_for(
            self.shape(("rows", self._selection(extra))), lambda: self._write_rows(extra)
        )

    def expressions(self, selected: Selected) -> Statement:
        """Return the statement that reads these expressions, and then what the joins add."""
        key = ("expressions", self._selection(selected))
        return statement_for(self.shape(key), lambda: self._write_expressions(selected))

    def count(self) -> Statement:
        """Return the statement that counts the rows."""
        return statement_for(self.shape("count"), self._write_count)

    def exists(self) -> Statement:
        """Return the statement that tells whether there is any row."""
        return statement_for(self.shape("exists"), self._write_exists)

    def aggregate(self, function: str, operand: AnyExpression) -> Statement:
        """Return the statement that applies an aggregate function to one expression."""
        return statement_for(
            self.shape((function, operand.key)), lambda: self._write_aggregate(function, operand)
        )

    def delete(self, returned: Selected = ()) -> Statement:
        """Return the statement that deletes the rows."""
        key = ("delete", self._selection(returned))
        return statement_for(self.shape(key), lambda: self._write_delete(returned))

    def update(
        self, changes: Sequence[tuple[AnyColumn, object]], returned: Selected = ()
    ) -> Statement:
        """Return the statement that assigns to columns; its first parameters are the new values."""
        assigned = tuple(
            (column.key, value.key if isinstance(value, Expression) else None)
            for column, value in changes
        )
        key = ("update", assigned, self._selection(returned))
        return statement_for(self.shape(key), lambda: self._write_update(changes, returned))

    @property
    def is_cut(self) -> bool:
        """True where limits or grouping decide which rows these are, beside the filter."""
        return self.limit is not None or self.offset is not None or self.grouping is not None

    def as_set(self) -> Select:
        """Return the same rows without order and joins, for statements that need neither."""
        if not self.joins and (not self.order or self.is_cut):
            return self
        return replace(self, order=self.order if self.is_cut else (), joins=())

    def nested_pieces(
        self, scope: Scope, selected: AnyExpression | None
    ) -> Iterator[str | AnyNode]:
        """Yield the text of the query within another one; None selects nothing, for EXISTS.

        What it selects and its conditions are yielded as nodes: they may hold queries themselves,
        in any depth.
        """
        scope.enter(self.table)
        saved = scope.is_qualified, scope.bars_aggregates
        scope.is_qualified, scope.bars_aggregates = True, False
        yield "SELECT "
        if selected is not None:
            yield from (
                selected_sql((selected,), scope) if isinstance(selected, STORED) else (selected,)
            )
        yield self._source(scope, is_bare=selected is None)
        if self.where:
            scope.bars_aggregates = True
            yield " WHERE "
            yield from separated(" AND ", self.where)
            scope.bars_aggregates = False
        yield self._tail(scope, () if selected is None else (selected,))
        scope.is_qualified, scope.bars_aggregates = saved
        scope.leave(self.table)

    def nested_operands(self, selected: AnyExpression | None) -> tuple[AnyNode, ...]:
        """Return what the nested query binds and is told by, in the order of its text."""
        rest = replace(self, where=())
        bound = rest.values()
        before = len(self.grouping.bound_on(())) if self.grouping is not None else 0
        chosen = () if selected is None else (selected,)
        outer = Part(rest.shape("nested"), tuple(bound[:before]))
        return (*chosen, outer, *self.where, Part(None, tuple(bound[before:])))

    def _selection(self, selected: Selected) -> Hashable:
        """Return the part of a statement's key that depends on what it selects."""
        keys = tuple([each.key for each in selected])
        later = [order.expression for order in self.order]
        if self.grouping is not None:
            later += (*self.grouping.by, *self.grouping.on)
        if not any(each.values for each in later):
            return keys
        return keys, tuple([place_of(each, selected) for each in later])

    def _write_rows(self, extra: Selected = ()) -> Statement:
        scope = Scope(self.table, is_qualified=bool(self.joins))
        places = (*self.table.columns, *extra) if extra and not self.joins else ()
        distinct = self._distinct(scope, places)
        selected = selected_sql(self.table.columns, scope)
        joined: list[str] = []
        scope.joined.update(dict.fromkeys(self.lock.joined if self.lock else (), ""))
        for step in self.joins:
            step.write_join(scope, scope.name(self.table), selected, joined)
        selected += selected_sql(extra, scope)
        text = self._text(scope, distinct + ", ".join(selected), "".join(joined), places)
        joined_places = chain.from_iterable(step.row_layout() for step in self.joins)
        read = (*self.table.columns, *joined_places, *extra)
        return Statement.reading(text, scope, ShapeName.of_query(self, "all"), read)

    def _write_expressions(self, selected: Selected) -> Statement:
        scope = Scope(self.table, is_qualified=bool(self.joins))
        distinct = self._distinct(scope, selected)
        beside: list[str] = []
        joined: list[str] = []
        scope.joined.update(dict.fromkeys(self.lock.joined if self.lock else (), ""))
        for step in self.joins:
            step.write_join(scope, scope.name(self.table), beside, joined)
        chosen = distinct + ", ".join([*selected_sql(selected, scope), *beside])
        text = self._text(scope, chosen, "".join(joined), selected)
        layout = chain.from_iterable(step.row_layout() for step in self.joins)
        return Statement.reading(
            text, scope, ShapeName.of_query(self, "values"), (*selected, *layout)
        )

    def _write_count(self) -> Statement:
        scope = Scope(self.table)
        result = f"{scope.call('count')}(*)"
        if not self.is_cut:
            return Statement.reading(
                self._text(scope, result, ""), scope, ShapeName.of_query(self, "count")
            )
        distinct = self._distinct(scope)
        chosen = distinct + ", ".join(selected_sql(self.table.columns, scope)) if distinct else ""
        inner = self._text(scope, chosen, "")
        return Statement.reading(
            f"SELECT {result} FROM ({inner}) AS cut", scope, ShapeName.of_query(self, "count")
        )

    def _write_exists(self) -> Statement:
        scope = Scope(self.table)
        return Statement.reading(
            f"SELECT EXISTS ({self._text(scope, '', '')})",
            scope,
            ShapeName.of_query(self, "exists"),
        )

    def _write_aggregate(self, function: str, operand: AnyExpression) -> Statement:
        scope = Scope(self.table)
        name = scope.call(function)
        distinct = self._distinct(scope, (operand,))
        text = operand.sql(scope)
        if not self.is_cut:
            sql = self._text(scope, _aggregated(function, operand, f"{name}({text})", scope), "")
            return Statement.reading(sql, scope, ShapeName.of_query(self, function), (operand,))
        inner = self._text(scope, distinct + text, "", (operand,))
        # Named outside: ORDER BY inside would take an output column's name before a table's.
        value = _aggregated(function, operand, f"{name}(value)", scope)
        sql = f"SELECT {value} FROM ({inner}) AS cut (value)"
        return Statement.reading(sql, scope, ShapeName.of_query(self, function), (operand,))

    def _write_delete(self, returned: Selected) -> Statement:
        scope = Scope(self.table)
        text = f"DELETE FROM {self.table.written}{self._changed_rows(scope)}"
        text += returning(returned, scope)
        return Statement.of(
            scope, text, ShapeName.of_query(self, "delete"), selected=tuple(returned)
        )

    def _write_update(
        self, changes: Sequence[tuple[AnyColumn, object]], returned: Selected
    ) -> Statement:
        scope = Scope(self.table)
        text = f"UPDATE {self.table.written} SET {assignments(changes, scope)}"
        text += self._changed_rows(scope) + returning(returned, scope)
        return Statement.of(
            scope, text, ShapeName.of_query(self, "update"), selected=tuple(returned)
        )

    def _changed_rows(self, scope: Scope) -> str:
        """Return the WHERE of a DELETE or UPDATE; with a limit it goes by primary key."""
        if not self.is_cut:
            return self._where(scope)
        key = ", ".join(column.quoted for column in self.table.primary_key)
        return f" WHERE ({key}) IN ({self._text(scope, key, '')})"

    def _distinct(self, scope: Scope, selected: Selected = ()) -> str:
        """Return the SQL of DISTINCT; its values come first."""
        return "" if self.grouping is None else self.grouping.distinct_sql(scope, selected)

    def _text(self, scope: Scope, chosen: str, joined: str, selected: Selected = ()) -> str:
        """Return the SQL of the SELECT; `selected` expressions may be named by their position."""
        source = self._source(scope, is_bare=not chosen)
        return "".join(
            ["SELECT ", chosen, source, joined, self._where(scope), self._tail(scope, selected)]
        )

    def _source(self, scope: Scope, *, is_bare: bool) -> str:
        """Return FROM and the table; `is_bare` where nothing stands between SELECT and it."""
        word = "FROM" if is_bare else " FROM"
        return f"{word} {table_as(self.table.sql, scope.name(self.table))}"

    def _tail(self, scope: Scope, selected: Selected) -> str:
        """Return what stands behind WHERE; what is `selected` may be named by its place."""
        parts: list[str] = []
        if self.grouping is not None:
            parts.append(self.grouping.sql(scope, selected))
        if self.order:
            keys = [ordered(order, scope, selected) for order in self.order]
            parts.append(f" ORDER BY {', '.join(keys)}")
        parts.append(limit_sql(self.limit, self.offset, scope))
        if self.lock is not None:
            scope.has_locks = True
            parts.append(self.lock.sql(scope, self.table))
        return "".join(parts)

    def _where(self, scope: Scope) -> str:
        if not self.where:
            return ""
        was_barred, scope.bars_aggregates = scope.bars_aggregates, True
        text = " AND ".join([condition.sql(scope) for condition in self.where])
        scope.bars_aggregates = was_barred
        return f" WHERE {text}"


class Part(Node[Any, Any, Any]):
    """What a nested query consists of besides its conditions and what it selects."""

    __slots__ = ()

    def __init__(self, key: Hashable, values: tuple[object, ...]) -> None:
        self.key = key
        self.values = values


def selected_sql(selected: Selected, scope: Scope) -> list[str]:
    """Return the SQL of the selected expressions."""
    return [read_sql(each, each.sql(scope), scope) for each in selected]


def read_sql(each: AnyExpression, text: str, scope: Scope) -> str:
    """Return the SQL that reads an expression, whose own SQL is the text."""
    if isinstance(each, STORED):
        return each.read(text, scope)
    source = value_source(each)
    if isinstance(source, Column) and source.is_text:
        # It has values of a column that is read as text, or arrays of them.
        cast = f"text{'[]' * type_of(each.type or source.type).dimensions}"
        scope.note_cast(cast)
        return f"({text})::{cast}"
    return text


def _aggregated(function: str, operand: AnyExpression, text: str, scope: Scope) -> str:
    """Return the SQL that reads the result of an aggregate function over one expression."""
    return read_sql(operand, text, scope) if function in ("min", "max") else text


def returning(selected: Selected, scope: Scope) -> str:
    """Return the RETURNING clause for these expressions; empty without any."""
    return f" RETURNING {', '.join(selected_sql(selected, scope))}" if selected else ""


def ordered(order: Order[Any], scope: Scope, selected: Selected) -> str:
    """Return one key of ORDER BY; a selected expression with values is named by its position."""
    place = place_of(order.expression, selected) if order.values else 0
    return order.sql(scope) if not place else order.suffixed(str(place))


def assignments(changes: Sequence[tuple[AnyColumn, object]], scope: Scope) -> str:
    """Return the assignments of SET for pairs of a column and its new value."""
    return ", ".join(
        (
            f"{column.quoted} = {value.sql(scope)}"
            if isinstance(value, Expression)
            else f"{column.quoted} = {column.placeholder(scope.bind(column))}"
        )
        for column, value in changes
    )
