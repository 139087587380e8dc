"""Batching of lookups by key: concurrent get() calls of many tasks share statements.

Two statements per model are in flight at a time. While fewer are, a lookup is sent at once, by
itself. A lookup that comes later waits until one of them has returned, and is then sent together
with all others that wait, as one `key = ANY($1)`.
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Coroutine
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..driver.affinity import Origin
from ..events.event import shared_by
from ..events.observed_rows import ObservedRows
from ..loading.decoding import unknown_label
from ..models.columns import AnyColumn
from ..postgres.array_parameter import FlatArray
from ..statements.executor import Executor
from ..statements.key_equality import has_loose_key
from ..statements.key_membership import key_condition
from ..statements.primary_keys import by_key
from ..statements.select import Select
from ..statements.shape_name import ShapeName
from ..statements.statement import Statement
from ..statements.value_errors import VALUE_ERRORS

if TYPE_CHECKING:
    from ..models.table import Table

#: The waiters, by the key that they look up.
PendingLookups = dict[Any, list["asyncio.Future[Any]"]]
#: How many statements of a model are in flight at a time.
MOST_IN_FLIGHT = 2
#: How many keys one statement looks up at most.
MOST_KEYS = 10_000


class Lookups:
    """The batched lookups of one engine, by model."""

    def __init__(self, executor: Executor, origin: Origin) -> None:
        self._executor = executor
        self._origin = origin
        self._by_table: dict[Table, Lookup | None] = {}

    def of(self, table: Table) -> Lookup | None:
        """Return the batched lookup of a model; None where Python cannot compare its keys."""
        try:
            return self._by_table[table]
        except KeyError:
            is_plain = all(key_type(column) is not None for column in table.primary_key)
            made = Lookup(self._executor, self._origin, table) if is_plain else None
            self._by_table[table] = made
            return made


class Lookup:
    """The batched lookups of one model."""

    __slots__ = (
        "_executor",
        "_in_flight",
        "_many",
        "_model",
        "_mutable",
        "_one",
        "_origin",
        "_table",
        "_tasks",
        "_types",
        "_waiting",
    )

    def __init__(self, executor: Executor, origin: Origin, table: Table) -> None:
        self._executor = executor
        self._origin = origin
        self._table = table
        self._types = [key_type(column) for column in table.primary_key]
        self._model = table.model
        #: The statements for one key and for many keys, each written on first use.
        self._one: Statement | None = None
        self._many: Statement | None = None
        self._mutable = [
            place for place, each in enumerate(table.columns) if each.is_json or each.is_array
        ]
        self._in_flight = 0
        self._waiting: PendingLookups = {}
        self._tasks: dict[asyncio.Task[None], PendingLookups] = {}

    def can_batch(self, key: Any) -> bool:
        """Return whether a key has exactly the types of the columns, so that it can be batched."""
        if len(self._types) == 1:
            return type(key) is self._types[0]
        return key.__class__ is tuple and [type(part) for part in key] == self._types

    async def get(self, key: Any) -> Any:
        """Return a new object with this key, which no other caller shares; None without a row."""
        if self._in_flight < MOST_IN_FLIGHT:
            self._in_flight += 1
            try:
                rows = await self._fetch_one(key)
            finally:
                self._in_flight -= 1
                if self._waiting:
                    self._send()
            try:
                if isinstance(rows, ObservedRows):
                    return rows.made(self._model.__decode__)[0] if rows else None
                return self._model.__decode__(rows)[0] if rows else None
            except KeyError as error:
                raise unknown_label(self._model, rows) or error from None
        waiter: asyncio.Future[Any] = self._origin.check().create_future()
        self._waiting.setdefault(key, []).append(waiter)
        try:
            row = await waiter
        except asyncio.CancelledError:
            self._remove_waiter(key, waiter)
            raise
        try:
            return None if row is None else self._model.__decode__([row])[0]
        except KeyError as error:
            raise unknown_label(self._model, [row]) or error from None

    def _fetch_one(self, key: Any) -> Coroutine[Any, Any, list[Any]]:
        """Fetch the rows of one key."""
        statement = self._one
        if statement is None:
            statement = self._one = by_key(self._table, key)
        return self._executor.run(statement, (key,) if len(self._types) == 1 else key)

    def _send(self) -> None:
        """Send the waiting lookups as one batch of at most MOST_KEYS keys."""
        batch, self._waiting = self._waiting, {}
        if len(batch) > MOST_KEYS:
            keys = list(batch)
            self._waiting = {key: batch[key] for key in keys[MOST_KEYS:]}
            batch = {key: batch[key] for key in keys[:MOST_KEYS]}
        self._in_flight += 1
        # In a separate task: the cancellation of one caller must not reach the others.
        task = asyncio.create_task(self._send_batch(batch))
        self._tasks[task] = batch
        task.add_done_callback(self._tasks.pop)

    def _remove_waiter(self, key: Any, waiter: asyncio.Future[Any]) -> None:
        """Remove a cancelled waiter, and cancel a batch that nothing waits for any more.

        On a dead network such a batch would block all later lookups.
        """
        waiters = self._waiting.get(key, [])
        if waiter in waiters:
            waiters.remove(waiter)
            if not waiters:
                del self._waiting[key]
            return
        for task, batch in self._tasks.items():
            # The last waiters time out last: looking at them first mostly decides at once.
            if all(each.done() for waiters in reversed(batch.values()) for each in waiters):
                task.cancel()
                self._tasks[task] = {}

    async def _send_batch(self, batch: PendingLookups) -> None:
        shared_by.set(batch.values())
        try:
            await self._resolve(batch)
        except BaseException:
            for waiters in batch.values():
                for waiter in waiters:
                    waiter.cancel()
            raise
        finally:
            self._in_flight -= 1
            if self._waiting:
                self._send()

    async def _resolve(self, batch: PendingLookups) -> None:
        """Resolve every waiter by one statement, or by several where that statement fails.

        A key that does not fit the type, or a row that cannot be decoded, must not fail the other
        lookups. The batch is split in halves, so that a few such keys cost few statements.
        """
        keys = list(batch)
        is_alone = len(keys) == 1
        try:
            if not is_alone and await has_loose_key(self._executor, self._table):
                # Only the server can tell which of the keys a row matches.
                for key in keys:
                    await self._resolve({key: batch[key]})
                return
            rows = await (self._fetch_one(keys[0]) if is_alone else self._fetch_many(keys))
        except VALUE_ERRORS as error:
            if is_alone:
                fail(batch[keys[0]], error)
                return
            middle = len(keys) // 2
            for half in (keys[:middle], keys[middle:]):
                await self._resolve({key: batch[key] for key in half})
        except Exception as error:
            for waiters in batch.values():
                fail(waiters, error)
        else:
            found = (
                dict.fromkeys(keys, rows[0] if rows else None) if is_alone else self._by_key(rows)
            )
            for key, waiters in batch.items():
                self._deliver(waiters, found.get(key))

    def _by_key(self, rows: list[Any]) -> dict[Any, Any]:
        """Return the rows by their keys."""
        places = self._table.key_places
        if len(places) == 1:
            (place,) = places
            return {row[place]: row for row in rows}
        return {tuple([row[place] for place in places]): row for row in rows}

    def _deliver(self, waiters: list[asyncio.Future[Any]], row: Any) -> None:
        """Resolve the waiters with the row, each with its own copies of mutable values."""
        is_first = True
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(row if is_first or not self._mutable else self._copied(row))
                is_first = False

    def _copied(self, row: Any) -> Any:
        values = None if row is None else list(row)
        for place in self._mutable if values is not None else ():
            values[place] = copy.deepcopy(values[place])  # type: ignore[index]
        return values

    def _fetch_many(self, keys: list[Any]) -> Coroutine[Any, Any, list[Any]]:
        """Fetch the rows of all these keys."""
        table = self._table
        statement = self._many
        if statement is None:
            where = (key_condition(table.primary_key, keys), *table.alive())
            written = Select(table=table, where=where).rows()
            statement = self._many = replace(
                written, is_lookup=True, shape=ShapeName.of(table, "get")
            )
        arrays = [keys] if len(self._types) == 1 else map(list, zip(*keys, strict=True))
        return self._executor.run(statement, list(map(FlatArray, arrays)))


def key_type(column: AnyColumn) -> type | None:
    """Return the Python type of a key column that can be batched; None for other columns."""
    return None if column.is_array else column.known.base.key


def fail(waiters: list[asyncio.Future[Any]], error: Exception) -> None:
    """Raise a copy of the error for each waiter, with its own traceback."""
    for waiter in waiters:
        if not waiter.done():
            own = copy.copy(error)
            own.__cause__, own.__suppress_context__ = error.__cause__, error.__suppress_context__
            waiter.set_exception(own.with_traceback(None))
