"""Transactions: BEGIN with the first statement, COMMIT or ROLLBACK at the end, savepoints."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from contextvars import ContextVar, Token
from types import TracebackType
from typing import TYPE_CHECKING, Self

from ..driver.connection import Connection
from ..errors import (
    ConfigurationError,
    ConnectionLost,
    DatabaseError,
    TransactionEnded,
    UsageError,
)
from ..statements.executor import Executor
from ..statements.raw_sql import check_statement, checked_rows, run, run_in_turn, run_pipelined
from ..statements.result import Result
from .after_commit import run_callbacks
from .connection_lock import interrupted
from .executor import TransactionExecutor
from .operations import M, Operations, as_model, as_objects
from .options import DEFAULTS, TransactionOptions
from .savepoints import Block, BlockStack
from .unit_of_work import UnitOfWork, flush_failed

if TYPE_CHECKING:
    from ..models.model import Model
    from ..pool.pool import Pool
    from ..statements.row_limits import EngineCounts

innermost: ContextVar[Transaction | None] = ContextVar("ormkit_transaction", default=None)


def current_transaction(owner: object) -> Transaction | None:
    """Return the innermost open transaction of this owner that this task context holds."""
    transaction = innermost.get()
    while transaction is not None:
        if transaction.owner is owner and not transaction.is_over:
            return transaction
        transaction = transaction.enclosing
    return None


class Transaction(Operations):
    """A transaction, used as `async with session.begin() as tx:`.

    It takes a connection with its first statement and keeps it until the block ends: COMMIT, or
    ROLLBACK where the block raised. Within another one of the same session it is a savepoint. It
    belongs to the task context that opened it; tasks started inside take turns on its connection.
    """

    def __init__(
        self, owner: object, pool: Pool, counts: EngineCounts, options: TransactionOptions
    ) -> None:
        #: What began it, a session as a rule: within another transaction of its own it is nested.
        self.owner = owner
        self.counts = counts
        self.enclosing: Transaction | None = None
        self.is_closed = False
        #: True once COMMIT has succeeded; a savepoint is never committed by itself.
        self.is_committed = False
        self._pool = pool
        self._options = options
        self._unit = UnitOfWork(is_read_only=options.is_read_only is True)
        self._stack = BlockStack(pool, options)
        self._block = Block()
        self._executor = TransactionExecutor(self._unit, self._stack, self._block)
        self._parent: Transaction | None = None
        self._after_commit: list[Callable[[], Awaitable[object] | object]] = []
        self._token: Token[Transaction | None] | None = None
        #: What raw SQL did that ended it, so that the block cannot end in silence.
        self._ended: TransactionEnded | None = None

    async def __aenter__(self) -> Self:
        if parent := current_transaction(self.owner):
            await self._nest(parent)
        self._stack.open(self._block)
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
        if parent._stack.lock.was_interrupted:
            raise interrupted()
        if not parent._stack.is_innermost(parent._block):
            raise UsageError(
                "another block within this transaction is open: savepoints nest, so that tasks "
                "cannot hold them side by side; give each task a transaction of its own"
            )
        self._parent = parent
        self._unit.nest_in(parent._unit)
        self._stack = parent._stack
        self._executor = TransactionExecutor(self._unit, self._stack, self._block)

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
        return self._executor

    def begin(self) -> Transaction:
        """Return a savepoint within this transaction, for `async with`."""
        self._block.check_open()
        return Transaction(self.owner, self._pool, self.counts, DEFAULTS)

    def add(self, instance: M) -> None:  # pyright: ignore[reportInvalidTypeVarUse]
        """Insert the object at the end, or before the next read, together with the others added.

        An object that was added before, or that the transaction holds, is not added again.
        """
        self._block.check_open()
        self._unit.add(as_model(instance))

    def add_all(self, instances: Sequence[Model]) -> None:
        """Insert these objects at the end, or before the next read."""
        for instance in as_objects("add_all", instances):
            self.add(instance)

    def attach(self, *instances: M) -> None:  # pyright: ignore[reportInvalidTypeVarUse]
        """Hold objects that came from elsewhere, so that what is changed from now on is written.

        Raises UsageError where the transaction holds another object for the same row.
        """
        self._block.check_open()
        self._unit.attach([as_model(instance) for instance in instances])

    def expunge_all(self) -> None:
        """Let go of every object, for long transactions; what was not flushed is not written."""
        self._unit.identity.clear()

    async def flush(self) -> None:
        """Send what was added, then what was changed on objects that the transaction holds.

        Fields that PostgreSQL fills in are on the objects afterwards. Where it fails, the
        transaction can only be rolled back. Raises what the statements raise, and StaleObject.
        """
        await self._unit.flush(self._executor)

    def after_commit(self, callback: Callable[[], Awaitable[object] | object]) -> None:
        """Call this once the transaction was committed; of a savepoint, once the outermost was.

        Every callback is called, whatever others raise; AfterCommitError then tells what they did.
        """
        self._block.check_open()
        if not callable(callback):
            raise UsageError(
                f"after_commit() takes a function to call, not {type(callback).__name__}"
            )
        self._after_commit.append(callback)

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
            return await self._executor.use(work)
        except TransactionEnded as error:
            self._end_all(error)
            raise

    def _end_all(self, error: TransactionEnded) -> None:
        """Close this block and all around it, whose transaction raw SQL has ended."""
        if self._parent is not None:
            self._parent._end_all(error)
            return
        self._ended = error
        self._after_commit.clear()
        self._unit.abandon()
        self._close()

    async def commit(self) -> None:
        """Commit now, before the block ends; of a savepoint, release it.

        Raises TransactionFailed where a statement had failed or was cut short, CommitUnknown where
        the connection broke before the answer came, and what a deferred constraint raises; after
        the COMMIT, AfterCommitError where a callback of after_commit() raised.
        """
        self._block.check_open()
        lock = self._stack.lock
        try:
            if self._unit.is_broken:
                raise flush_failed()
            if lock.was_interrupted:
                raise interrupted()
            await self._unit.flush(self._executor)
            await self._stack.commit(self._block)
        except BaseException as error:
            lock.note(error)
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
        self._unit.abandon()
        # Where the connection is lost, what the server saw of the transaction is gone with it.
        try:
            with suppress(ConnectionLost):
                await self._stack.roll_back(self._block)
        finally:
            self._close()

    @property
    def is_over(self) -> bool:
        """True once it has ended, or one around it has."""
        return self._block.is_over

    async def _committed(self) -> None:
        callbacks, self._after_commit = self._after_commit, []
        if self._parent is not None:
            self._parent._after_commit.extend(callbacks)
            return
        await run_callbacks(callbacks)

    def _close(self) -> None:
        self.is_closed = True
        self._unit.close()
        self._stack.close(self._block)

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
