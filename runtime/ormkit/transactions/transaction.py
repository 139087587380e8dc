"""Transactions: BEGIN with the first statement, COMMIT or ROLLBACK at the end, savepoints."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from contextvars import ContextVar, Token
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

from ..driver.commit import send_commit, send_release
from ..driver.connection import Connection
from ..driver.prepared_statements import UNSURE
from ..errors import (
    ConfigurationError,
    ConnectionLost,
    DatabaseError,
    TransactionClosed,
    TransactionEnded,
    UsageError,
)
from ..postgres.values import Record
from ..statements.executor import Executor, Values
from ..statements.raw_sql import check_statement, checked_rows, run, run_in_turn, run_pipelined
from ..statements.result import Result
from ..statements.statement import Statement
from .after_commit import run_callbacks
from .connection_lock import Turn, cut_short
from .options import DEFAULTS, SET_ALL, TransactionOptions
from .unit_of_work import Pending

if TYPE_CHECKING:
    from ..pool.pool import Pool
    from ..statements.row_limits import EngineCounts

T = TypeVar("T")

innermost: ContextVar[Transaction | None] = ContextVar("ormkit_transaction", default=None)


def current_transaction(owner: object) -> Transaction | None:
    """Return the innermost open transaction of this owner that this task context holds."""
    transaction = innermost.get()
    while transaction is not None:
        if transaction.owner is owner and not transaction.is_over:
            return transaction
        transaction = transaction.enclosing
    return None


class Transaction(Pending):
    """A transaction, used as `async with session.begin() as tx:`.

    It takes a connection with its first statement and keeps it until the block ends: COMMIT, or
    ROLLBACK where the block raised. Within another one of the same session it is a savepoint. It
    belongs to the task context that opened it; tasks started inside take turns on its connection.
    """

    def __init__(
        self, owner: object, pool: Pool, counts: EngineCounts, options: TransactionOptions
    ) -> None:
        super().__init__(is_read_only=options.is_read_only is True)
        #: What began it, a session as a rule: within another transaction of its own it is nested.
        self.owner = owner
        self.counts = counts
        self.enclosing: Transaction | None = None
        self.is_closed = False
        #: True once COMMIT has succeeded; a savepoint is never committed by itself.
        self.is_committed = False
        self._inner = None
        self._pool = pool
        self._options = options
        self._parent: Transaction | None = None
        self._connection: Connection | None = None
        self._is_begun = False
        self._turn = Turn()
        self._after_commit: list[Callable[[], Awaitable[object] | object]] = []
        self._token: Token[Transaction | None] | None = None
        #: What raw SQL did that ended it, so that the block cannot end in silence.
        self._ended: TransactionEnded | None = None

    async def __aenter__(self) -> Self:
        if parent := current_transaction(self.owner):
            await self._nest(parent)
        self.enclosing = innermost.get()
        self._token = innermost.set(self)
        return self

    async def _nest(self, parent: Transaction) -> None:
        """Become a savepoint of the transaction, behind everything that was added to it."""
        if self._options != DEFAULTS:
            raise ConfigurationError(
                "a transaction within a transaction is a savepoint and takes no options: the "
                "outer one's hold"
            )
        await parent.flush()
        if parent._turn.is_cut:
            raise cut_short()
        self._share(parent)
        if parent._inner is not None:
            raise UsageError(
                "another block within this transaction is open: savepoints nest, so that tasks "
                "cannot hold them side by side; give each task a transaction of its own"
            )
        self._parent = parent
        parent._inner = self
        self._turn = parent._turn

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if self.is_closed:
                if self._ended is not None and error is None:
                    raise self._ended
                return
            if error is None:
                await self.commit()
            else:
                await self.rollback()
        finally:
            self._leave()

    def executor(self) -> Executor:
        return self

    def begin(self) -> Transaction:
        """Return a savepoint within this transaction, for `async with`."""
        self._check_open()
        return Transaction(self.owner, self._pool, self.counts, DEFAULTS)

    def after_commit(self, callback: Callable[[], Awaitable[object] | object]) -> None:
        """Call this once the transaction was committed; of a savepoint, once the outermost was.

        Every callback is called, whatever others raise; AfterCommitError then tells what they did.
        """
        self._check_open()
        if not callable(callback):
            raise UsageError(
                f"after_commit() takes a function to call, not {type(callback).__name__}"
            )
        self._after_commit.append(callback)

    async def run(self, statement: Statement, values: Values) -> list[Record]:
        """Run the statement in the transaction and return its rows."""
        if self._added:
            await self._flush_added()
        try:
            async with self._turn:
                connection = self._connection
                if connection is None or self._inner is not None or self._parent is not None:
                    connection = await self._ready()
                rows, _ = await connection.run(statement, values)
                return rows
        except BaseException as error:
            self._turn.note(error)
            raise

    async def stream(
        self, statement: Statement, values: Sequence[object], chunk: int
    ) -> AsyncGenerator[tuple[Executor, list[Record]], None]:
        """Yield the rows of the statement in the transaction, in chunks."""

        async def begun(connection: Connection) -> AsyncGenerator[list[Record], None]:
            return connection.stream(statement, values, chunk)

        records = await self.use(begun)
        try:
            while (found := await self._next(records)) is not None:
                yield self, found
        finally:
            await records.aclose()

    async def _next(self, records: AsyncGenerator[list[Record], None]) -> list[Record] | None:
        """Return the next chunk of a stream; None at its end."""
        try:
            async with self._turn:
                self._check_open()
                return await anext(records, None)
        except BaseException as error:
            self._turn.note(error)
            raise

    async def use(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """Do the work with the transaction's connection, in turn with other tasks on it."""
        if self._added:
            await self._flush_added()
        try:
            async with self._turn:
                connection = await self._ready()
                return await work(connection)
        except BaseException as error:
            self._turn.note(error)
            raise

    async def execute_raw(self, sql: str, params: Sequence[object] = ()) -> Result:
        check_statement(sql, params)
        return await self._run_raw(lambda connection: run(connection, sql, params))

    async def execute_raw_many(self, sql: str, rows: Iterable[Sequence[object]]) -> Result:
        verb, _ = check_statement(sql)
        listed = checked_rows(rows)

        async def work(connection: Connection) -> Result:
            result = await run_pipelined(connection, sql, verb, listed)
            if result is None:
                result = await run_in_turn(connection, sql, verb, listed)
            return result

        return await self._run_raw(work)

    async def _run_raw(self, work: Callable[[Connection], Awaitable[Result]]) -> Result:
        """Do the work, which is raw SQL; where it ended the transaction, every block is over."""
        await self.flush()
        try:
            return await self.use(work)
        except TransactionEnded as error:
            outermost = self
            while outermost._parent is not None:
                outermost = outermost._parent
            outermost._ended = error
            outermost._after_commit.clear()
            outermost._forsake()
            outermost._close()
            raise

    async def commit(self) -> None:
        """Commit now, before the block ends; of a savepoint, release it.

        Raises TransactionFailed where a statement had failed or was cut short, CommitUnknown where
        the connection broke before the answer came, and what a deferred constraint raises; after
        the COMMIT, AfterCommitError where a callback of after_commit() raised.
        """
        self._check_open()
        try:
            self._check_whole()
            if self._turn.is_cut:
                raise cut_short()
            await self.flush()
            async with self._turn:
                if self._is_begun:
                    connection = self._checked(self._connection)
                    if self._parent is None:
                        await send_commit(connection)
                    else:
                        await send_release(connection, self._savepoint)
        except BaseException as error:
            self._turn.note(error)
            # After a RELEASE that was cut short, and done all the same, there is nothing to undo.
            with suppress(DatabaseError):
                await self.rollback()
            raise
        self.is_committed = self._parent is None
        self._close()
        if self._after_commit:
            await self._committed()

    async def rollback(self) -> None:
        """Undo everything, now; the block's end then does nothing more."""
        if self.is_closed:
            return
        self._after_commit.clear()
        self._forsake()
        try:
            if self._is_begun and not self.is_over and not self._leaves_undoing_to_the_pool:
                await self._undo()
            # What was cut short began within this block, and is undone with it.
            self._turn.is_cut = False
        except ConnectionLost:
            pass  # What the server saw of the transaction is gone with the connection.
        finally:
            self._close()

    @property
    def _leaves_undoing_to_the_pool(self) -> bool:
        """True where nobody may wait for it, who was cancelled, and nobody else is at it."""
        return self._parent is None and self._turn.is_cut and not self._turn.locked()

    @property
    def is_over(self) -> bool:
        """True once it has ended, or one around it has."""
        return self.is_closed or (self._parent is not None and self._parent.is_over)

    async def _undo(self) -> None:
        connection = self._connection
        if connection is not None and not connection.is_closed:
            undo = f"ROLLBACK TO {self._savepoint}" if self._parent else "ROLLBACK"
            async with self._turn.undoing(connection):
                await connection.script(undo)
                if connection.prepared.namespace is not None:
                    # The block may have changed where names lead.
                    connection.enter_namespace(UNSURE)

    @property
    def _savepoint(self) -> str:
        depth, parent = 1, self._parent
        while parent is not None and parent._parent is not None:
            depth, parent = depth + 1, parent._parent
        return f"ormkit_{depth}"

    async def _ready(self) -> Connection:
        """Begin what has not begun yet, savepoints that are open within this one included.

        A statement through the outer transaction's object inside a nested block is a part of that
        block, which may be about to be undone.
        """
        if self._inner is not None:
            ready: Connection = await self._inner._ready()
            return ready
        if self._is_begun:
            return self._checked(self._connection)
        return await self._begin()

    async def _begin(self) -> Connection:
        self._check_open()
        if self._parent is not None:
            return await self._begin_savepoint(self._parent)
        if self._token is None:
            raise TransactionClosed("a transaction is a block: `async with session.begin() as tx:`")
        pool = self._pool
        # Without `take` it is two calls more for each transaction.
        connection = pool.take() or await pool.acquire()
        try:
            await connection.script(self._options.sql)
            if settings := self._options.settings:
                await connection.fetch(SET_ALL, [list(settings), list(settings.values())])
            # The block may have ended meanwhile, where a task that it started runs on.
            self._check_open()
        except BaseException:
            pool.give(connection)
            raise
        self._turn.is_cut = False  # what was cut short before had done nothing yet
        self._connection, self._is_begun = connection, True
        if self._options.namespace is not None:
            connection.enter_namespace(self._options.namespace)
        return connection

    async def _begin_savepoint(self, parent: Transaction) -> Connection:
        connection = self._checked(
            parent._connection if parent._is_begun else await parent._begin()
        )
        await connection.script(f"SAVEPOINT {self._savepoint}")
        self._connection, self._is_begun = connection, True
        return connection

    def _checked(self, connection: Connection | None) -> Connection:
        self._check_open()
        if connection is None:
            raise TransactionClosed("the transaction has no connection any more")
        return connection

    def _check_open(self) -> None:
        if self.is_closed or (self._parent is not None and self._parent.is_over):
            raise TransactionClosed("the transaction has ended: begin another one")

    async def _committed(self) -> None:
        callbacks, self._after_commit = self._after_commit, []
        if self._parent is not None:
            self._parent._after_commit.extend(callbacks)
            return
        await run_callbacks(callbacks)

    def _close(self) -> None:
        self.is_closed = True
        connection, self._connection = self._connection, None
        self._saved = None
        if self._parent is not None:
            self._parent._inner = None
            return
        # Nothing is written any more: what was read is the application's alone.
        self.identity.clear()
        self._added.clear()
        if connection is not None:
            if connection.prepared.namespace is not None:
                connection.enter_namespace(None)
            self._pool.give(connection)

    def _leave(self) -> None:
        if not self.is_closed:
            self._close()
        if self._token is not None:
            token, self._token = self._token, None
            try:  # noqa: SIM105  three calls at the end of every transaction
                innermost.reset(token)
            except ValueError:
                # Another context, as a fixture's generator may leave in: the value dies with that
                # context, and a closed transaction is passed over anyway.
                pass
