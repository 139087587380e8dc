"""Cursor pagination (keyset pagination): a page begins after the last row of the previous one."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from ..errors import InvalidValue, NotLoaded, UsageError
from ..models.columns import AnyColumn, Column
from ..models.table import Table
from ..postgres.checks import reason_by
from ..postgres.cursor_values import Reader, of_type, to_json
from ..postgres.interval import Interval
from ..sql.context import Scope
from ..sql.expressions import BOUND, Condition, Junction, Test
from ..sql.ordering import Order
from ..sql.templates import IS_NOT_NULL, IS_NULL

M = TypeVar("M")


@dataclass(frozen=True, slots=True)
class Cursor(Generic[M]):
    """A position in an ordered query over M; opaque to clients.

    `str(cursor)` is a token of letters, digits, - and _ that is safe in a URL. `after()` takes it
    as well. It contains the values that the rows are ordered by, unencrypted.
    """

    token: str

    def __str__(self) -> str:
        return self.token


@dataclass(frozen=True, slots=True)
class Page(Generic[M]):
    """One page of a query.

    items: the objects of this page.
    next: the cursor of the next page; None on the last page.
    """

    items: list[M]
    next: Cursor[M] | None


class InvalidCursor(InvalidValue):
    """A cursor is malformed, or that of another query or order."""


def keyset_order(table: Table, order: Sequence[Order[Any]]) -> tuple[Order[Any], ...]:
    """Return the order, followed by the primary key, so that it is unique.

    Raises UsageError for an expression that is not a column of the table, for a private column, and
    for a type that cannot order pages.
    """
    for each in order:
        column = each.expression
        if not isinstance(column, Column) or column.table is not table:
            raise UsageError(
                f"pages of {table.label} can only be ordered by its own columns: the cursor is "
                f"made of an object's attributes"
            )
        if column.is_private:
            raise UsageError(
                f"{column.label} is private, and a cursor reveals the values that pages "
                "are ordered by"
            )
        if column.labels is None and reader_of(column) is None:
            raise UsageError(
                f"{column.label} is of type {column.type}, which pages cannot be ordered by"
            )
    if not table.primary_key:
        raise UsageError(
            f"{table.label} has no key, and pages need an order in which no two rows are alike: "
            f'name unique columns in the schema, as in key = ["column"]'
        )
    held = {each.expression.key for each in order}
    return (*order, *(each.asc() for each in table.primary_key if each.key not in held))


def cursor_at(table: Table, order: Sequence[Order[Any]], instance: Any) -> Cursor[Any]:
    """Return the cursor of an object in a keyset order.

    Raises UsageError where the object lacks a column of the order.
    """
    try:
        values = [to_json(getattr(instance, column_of(each).slot)) for each in order]
    except (AttributeError, NotLoaded):
        raise UsageError(f"this {table.label} lacks a value that the query is ordered by") from None
    text = json.dumps([fingerprint(table, order), *values], separators=(",", ":"))
    return Cursor(base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode())


def after_cursor(table: Table, order: Sequence[Order[Any]], cursor: object) -> Condition[Any]:
    """Return the condition that a row comes after the cursor.

    Raises InvalidCursor for a malformed cursor, and for a cursor of another query.
    """
    token = cursor.token if isinstance(cursor, Cursor) else cursor  # pyright: ignore
    values = cursor_values(table, order, token)
    keys = list(zip(order, values, strict=True))
    directions = {each.is_descending for each in order}
    if len(directions) == 1 and not any(column_of(each).is_nullable for each in order):
        return RowComparison("<" if directions.pop() else ">", keys)
    found = after_values(keys)
    if found is None:
        raise InvalidCursor(f"the cursor is not a position among {table.label} rows")
    return found


def cursor_values(table: Table, order: Sequence[Order[Any]], token: object) -> list[Any]:
    """Return the values in a token, one for each key of the order; raises InvalidCursor."""
    wrong = InvalidCursor(
        f"this is not a cursor of {table.label} rows: get one from page() or cursor()"
    )
    if not isinstance(token, str):
        raise wrong
    try:
        padded = token + "=" * (-len(token) % 4)
        held: Any = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, binascii.Error, RecursionError):
        raise wrong from None
    if type(held) is not list or len(held) != len(order) + 1:  # pyright: ignore
        raise wrong
    stored: list[Any] = held  # pyright: ignore[reportUnknownVariableType]
    if stored[0] != fingerprint(table, order):
        raise InvalidCursor(f"the cursor belongs to another query or order of {table.label} rows")
    try:
        return [
            from_json(column_of(each), value) for each, value in zip(order, stored[1:], strict=True)
        ]
    except Exception:
        # A forged token may make a reader raise anything.
        raise wrong from None


def fingerprint(table: Table, order: Sequence[Order[Any]]) -> str:
    """Return a short hash of the model and the order, which a cursor has to match."""
    keys = [f"{column_of(each).name} {each.is_descending}{each.nulls}" for each in order]
    return hashlib.sha256(json.dumps([table.sql, *keys]).encode()).hexdigest()[:8]


def column_of(order: Order[Any]) -> AnyColumn:
    """Return the column of a key of the order."""
    column: Any = order.expression
    return column  # type: ignore[no-any-return]


def reader_of(column: AnyColumn) -> Reader | None:
    """Return what reads values of the column's type; None where the type orders no pages."""
    return None if column.is_array else column.known.base.from_cursor


def from_json(column: AnyColumn, value: Any) -> Any:
    """Return a value of the column from what a token holds; raises ValueError, TypeError."""
    if value is None:
        if not column.is_nullable:
            raise ValueError
        return None
    if column.labels is not None:
        return column.labels[of_type(str, value)]
    reader = reader_of(column)
    if reader is None:
        raise TypeError
    found = reader(value)
    # Interval checks its own fields. Whether it may be infinite depends on the server's version.
    if not isinstance(found, Interval) and reason_by(column.known.base.check, found):
        raise ValueError
    return found


def after_values(keys: Sequence[tuple[Order[Any], Any]]) -> Condition[Any] | None:
    """Return the condition that a row comes after all these values; None where no row can."""
    (order, value), *rest = keys
    column = order.expression
    strictly = strictly_after(order, value)
    if not rest:
        return strictly
    below = after_values(rest)
    if below is None:
        return strictly
    same = Test(IS_NULL, column) if value is None else column == value
    level: Condition[Any] = Junction("AND", (same, below))
    return level if strictly is None else Junction("OR", (strictly, level))


def strictly_after(order: Order[Any], value: Any) -> Condition[Any] | None:
    """Return the condition for one key; None where nothing comes after NULL."""
    column = column_of(order)
    is_null_last = order.nulls == " NULLS LAST" or (not order.nulls and not order.is_descending)
    if value is None:
        return None if is_null_last else Test(IS_NOT_NULL, column)
    beyond: Condition[Any] = column < value if order.is_descending else column > value
    if column.is_nullable and is_null_last:
        return Junction("OR", (beyond, Test(IS_NULL, column)))
    return beyond


class RowComparison(Condition[Any]):
    """A row comparison, (a, b) > ($1, $2), which one index over the columns can answer."""

    __slots__ = ("columns", "operator")

    def __init__(self, operator: str, keys: Sequence[tuple[Order[Any], Any]]) -> None:
        self.operator = operator
        self.columns = [column_of(order) for order, _ in keys]
        self.key = ("row", operator, *((column.key, BOUND) for column in self.columns))
        self.values = tuple(column_of(order).encode(value) for order, value in keys)
        self.type = "boolean"

    def sql(self, scope: Scope) -> str:
        names = ", ".join(column.sql(scope) for column in self.columns)
        parameters = ", ".join(each.sent(scope.bind(each)) for each in self.columns)
        return f"({names}) {self.operator} ({parameters})"
