"""Coalesced reads: lookups by key that many tasks make at once share statements.

Two lookups of a model fly at a time, each alone and at once. Whoever comes while they fly waits
for the first of them to land, and then goes out together with all others as one `= ANY($1)`.
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from ..driver.affinity import Origin
from ..driver.array_parameter import FlatArray
from ..loading.decoding import unknown_label
from ..models.columns import AnyColumn
from ..statements.executor import Executor
from ..statements.key_equality import has_loose_key
from ..statements.key_membership import key_condition
from ..statements.primary_keys import by_key
from ..statements.select import Select
from ..statements.statement import Statement
from ..statements.value_errors import VALUE_ERRORS

if TYPE_CHECKING:
    from ..models.table import Table

#: Those who wait, by the key that they look for.
Batch = dict[Any, list["asyncio.Future[Any]"]]
#: How many statements of a model fly at once.
FLYING = 2
#: How many keys one statement takes at most.
MOST = 10_000


class Lookups:
    """The lookups by key of one engine, by model."""

    def __init__(self, executor: Executor, origin: Origin) -> None:
        self._executor = executor
        self._origin = origin
        self._by_table: dict[Table, Lookup | None] = {}

    def of(self, table: Table) -> Lookup | None:
        """Return the lookup of a model; None where its keys cannot be told apart in Python."""
        try:
            return self._by_table[table]
        except KeyError:
            is_plain = all(key_type(column) is not None for column in table.primary_key)
            made = Lookup(self._executor, self._origin, table) if is_plain else None
            self._by_table[table] = made
            return made


class Lookup:
    """The lookups of one model."""

    __slots__ = (
        "_executor",
        "_flying",
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
        #: The statements for one key and for many, each written when it is first needed.
        self._one: Statement | None = None
        self._many: Statement | None = None
        self._mutable = [
            place for place, each in enumerate(table.columns) if each.is_json or each.is_array
        ]
        self._flying = 0
        self._waiting: Batch = {}
        self._tasks: dict[asyncio.Task[None], Batch] = {}

    def takes(self, key: Any) -> bool:
        """Return whether a key has just the types of the columns, so that it may be shared."""
        if len(self._types) == 1:
            return type(key) is self._types[0]
        return key.__class__ is tuple and [type(part) for part in key] == self._types

    async def get(self, key: Any) -> Any:
        """Return the object with this key, one of the caller's own; None where there is none."""
        if self._flying < FLYING:
            self._flying += 1
            try:
                rows = await self._alone(key)
            finally:
                self._flying -= 1
                if self._waiting:
                    self._send()
            try:
                return self._model.__decode__(rows)[0] if rows else None
            except KeyError as error:
                raise unknown_label(self._model, rows) or error from None
        waiter: asyncio.Future[Any] = self._origin.check().create_future()
        self._waiting.setdefault(key, []).append(waiter)
        try:
            row = await waiter
        except asyncio.CancelledError:
            self._leave(key, waiter)
            raise
        try:
            return None if row is None else self._model.__decode__([row])[0]
        except KeyError as error:
            raise unknown_label(self._model, [row]) or error from None

    def _alone(self, key: Any) -> Coroutine[Any, Any, list[Any]]:
        """Return the lookup of one key by itself."""
        statement = self._one
        if statement is None:
            statement = self._one = by_key(self._table, key)
        return self._executor.run(statement, (key,) if len(self._types) == 1 else key)

    def _send(self) -> None:
        """Send those who came meanwhile."""
        batch, self._waiting = self._waiting, {}
        if len(batch) > MOST:
            keys = list(batch)
            self._waiting = {key: batch[key] for key in keys[MOST:]}
            batch = {key: batch[key] for key in keys[:MOST]}
        self._flying += 1
        # A task of its own: nobody's cancellation is to reach the others.
        task = asyncio.create_task(self._together(batch))
        self._tasks[task] = batch
        task.add_done_callback(self._tasks.pop)

    def _leave(self, key: Any, waiter: asyncio.Future[Any]) -> None:
        """Give up a place in line, and what nobody waits for any more.

        On a dead network that would bar the way for all others.
        """
        waiters = self._waiting.get(key, [])
        if waiter in waiters:
            waiters.remove(waiter)
            if not waiters:
                del self._waiting[key]
            return
        for task, batch in self._tasks.items():
            # The last ones first, who give up last: most of the time one look will do.
            if all(each.done() for waiters in reversed(batch.values()) for each in waiters):
                task.cancel()
                self._tasks[task] = {}

    async def _together(self, batch: Batch) -> None:
        try:
            await self._share(batch)
        except BaseException:
            for waiters in batch.values():
                for waiter in waiters:
                    waiter.cancel()
            raise
        finally:
            self._flying -= 1
            if self._waiting:
                self._send()

    async def _share(self, batch: Batch) -> None:
        """Answer everyone by one statement, or by several where not all can be answered.

        One key that PostgreSQL's type cannot hold, or one row that cannot be read, is not to fail
        the others: it is looked for by halves, which takes few statements for few of them.
        """
        keys = list(batch)
        is_alone = len(keys) == 1
        try:
            if not is_alone and await has_loose_key(self._executor, self._table):
                # Only the server can say which of the keys a row answers.
                for key in keys:
                    await self._share({key: batch[key]})
                return
            rows = await (self._alone(keys[0]) if is_alone else self._all(keys))
        except VALUE_ERRORS as error:
            if is_alone:
                refuse(batch[keys[0]], error)
                return
            middle = len(keys) // 2
            for half in (keys[:middle], keys[middle:]):
                await self._share({key: batch[key] for key in half})
        except Exception as error:
            for waiters in batch.values():
                refuse(waiters, error)
        else:
            found = (
                dict.fromkeys(keys, rows[0] if rows else None) if is_alone else self._keyed(rows)
            )
            for key, waiters in batch.items():
                self._answer(waiters, found.get(key))

    def _keyed(self, rows: list[Any]) -> dict[Any, Any]:
        """Return the rows by their keys."""
        places = self._table.key_places
        if len(places) == 1:
            (place,) = places
            return {row[place]: row for row in rows}
        return {tuple([row[place] for place in places]): row for row in rows}

    def _answer(self, waiters: list[asyncio.Future[Any]], row: Any) -> None:
        """Give the row to each, with values of its own where they can change in place."""
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

    def _all(self, keys: list[Any]) -> Coroutine[Any, Any, list[Any]]:
        """Return the lookup of all these keys."""
        table = self._table
        statement = self._many
        if statement is None:
            where = (key_condition(table.primary_key, keys), *table.alive())
            statement = self._many = Select(table=table, where=where).rows()
        arrays = [keys] if len(self._types) == 1 else map(list, zip(*keys, strict=True))
        return self._executor.run(statement, list(map(FlatArray, arrays)))


def key_type(column: AnyColumn) -> type | None:
    """Return the type of a key's values whose equality is PostgreSQL's; None for other types."""
    return None if column.is_array else column.known.base.key


def refuse(waiters: list[asyncio.Future[Any]], error: Exception) -> None:
    """Raise the error for each waiter, with an exception and a traceback of its own."""
    for waiter in waiters:
        if not waiter.done():
            own = copy.copy(error)
            own.__cause__, own.__suppress_context__ = error.__cause__, error.__suppress_context__
            waiter.set_exception(own.with_traceback(None))
