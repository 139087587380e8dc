"""The Transaction class: lazy BEGIN, COMMIT or ROLLBACK at the block's end, and savepoints."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Iterable
from contextlib import suppress
from contextvars import ContextVar, Token
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from ..driver.connection import Connection
from ..errors import (
    ConfigurationError,
    ConnectionLost,
    DatabaseError,
    TransactionEnded,
    UsageError,
)
from ..postgres.several import Listed
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
    """Return the innermost open transaction of this owner in the current context, or None."""
    transaction = innermost.get()
    while transaction is not None:
        if transaction.owner is owner and not transaction.is_over:
            return transaction
        transaction = transaction.enclosing
    return None


class Transaction(Operations):
    """A transaction, used as `async with session.begin() as tx:`.

    The first statement takes a connection from the pool and sends BEGIN. The block's end sends
    COMMIT, or ROLLBACK if the block raised, and returns the connection. A transaction within
    another one of the same session is a savepoint. A transaction belongs to the context that
    opened it. Tasks that start inside the block share its connection, one statement at a time.
    """

    def __init__(
        self, owner: object, pool: Pool, counts: EngineCounts, options: TransactionOptions
    ) -> None:
        #: The object that began it, usually a session. Transactions of the same owner nest.
        self.owner = owner
        self.counts = counts
        self.enclosing: Transaction | None = None
        self.is_closed = False
        #: True once COMMIT has succeeded. It stays False for a savepoint.
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
        #: The error for raw SQL that ended the transaction. The block's end raises it again.
        self._ended: TransactionEnded | None = None

    def __await__(self) -> Generator[Any, None, Self]:
        """Return the transaction, so that `async with await engine.transaction():` works too."""
        yield from ()
        return self

    async def __aenter__(self) -> Self:
        if parent := current_transaction(self.owner):
            await self._nest(parent)
        self._stack.open(self._block)
        self.enclosing = innermost.get()
        self._token = innermost.set(self)
        return self

    async def _nest(self, parent: Transaction) -> None:
        """Make this a savepoint of the parent, after a flush of the parent's pending writes."""
        if self._options != DEFAULTS:
            raise ConfigurationError(
                "a transaction within a transaction is a savepoint and takes no options: those "
                "of the outer transaction apply"
            )
        await parent.flush()
        if parent._stack.lock.was_interrupted:
            raise interrupted()
        if not parent._stack.is_innermost(parent._block):
            raise UsageError(
                "another nested block of this transaction is open: savepoints nest, so tasks "
                "cannot use them concurrently; give each task a transaction of its own"
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
        """Return a savepoint within this transaction, for `async with`.

        Raises TransactionClosed if this transaction has ended.
        """
        self._block.check_open()
        return Transaction(self.owner, self._pool, self.counts, DEFAULTS)

    def add(self, instance: M) -> Self:  # pyright: ignore[reportInvalidTypeVarUse]
        """Insert the object with the next flush: `tx.add(user).add(post)`.

        The next statement or the commit flushes. All added objects are inserted together. An object
        that was added before, or that the transaction already tracks, is not added again.

        Raises TransactionClosed, and UsageError if it is no object of a model.
        """
        self._block.check_open()
        self._unit.add(as_model(instance))
        return self

    def add_all(self, instances: Iterable[Model]) -> Self:
        """Insert these objects with the next flush, as add() does."""
        for instance in as_objects("add_all", instances):
            self.add(instance)
        return self

    def attach(self, *instances: M) -> None:  # pyright: ignore[reportInvalidTypeVarUse]
        """Attach detached objects, so that the next flush writes their later changes.

        Raises TransactionClosed, and UsageError if an object lacks columns or the transaction
        already holds another object for the same row.
        """
        self._block.check_open()
        self._unit.attach([as_model(instance) for instance in instances])

    def expunge_all(self) -> None:
        """Detach every object to free memory; changes that were not flushed are not written."""
        self._unit.identity.clear()

    async def flush(self) -> None:
        """Insert the added objects, then update the dirty columns of attached objects.

        The objects then hold the values that PostgreSQL filled in. After a failed flush the
        transaction can only be rolled back.

        Raises StaleObject, and the DatabaseError of a statement that failed.
        """
        await self._unit.flush(self._executor)

    def after_commit(self, callback: Callable[[], Awaitable[object] | object]) -> None:
        """Call the function after the outermost transaction has committed.

        Every callback is called, even if another one raises. AfterCommitError then holds what
        they raised. A rollback drops the callbacks.

        Raises TransactionClosed, and UsageError if it is no function.
        """
        self._block.check_open()
        if not callable(callback):
            raise UsageError(
                f"after_commit() takes a function to call, not {type(callback).__name__}"
            )
        self._after_commit.append(callback)

    async def execute_raw(self, sql: str, params: Listed[object] = ()) -> Result:
        check_statement(sql, params)
        return await self._run_raw(lambda connection: run(connection, sql, params))

    async def execute_raw_many(self, sql: str, rows: Iterable[Listed[object]]) -> Result:
        verb, _ = check_statement(sql)
        listed = checked_rows(rows)

        async def work(connection: Connection) -> Result:
            result = await run_pipelined(connection, sql, verb, listed)
            if result is None:
                result = await run_in_turn(connection, sql, verb, listed)
            return result

        return await self._run_raw(work)

    async def _run_raw(self, work: Callable[[Connection], Awaitable[Result]]) -> Result:
        """Run raw SQL; if it ends the transaction, close all enclosing blocks too."""
        await self.flush()
        try:
            return await self._executor.use(work)
        except TransactionEnded as error:
            self._end_all(error)
            raise

    def _end_all(self, error: TransactionEnded) -> None:
        """Close this block and all enclosing blocks after raw SQL has ended the transaction."""
        if self._parent is not None:
            self._parent._end_all(error)
            return
        self._ended = error
        self._after_commit.clear()
        self._unit.abandon()
        self._close()

    async def commit(self) -> None:
        """Commit now instead of at the block's end; a savepoint is released.

        Raises TransactionClosed if the block has ended, TransactionFailed if a statement had
        failed or was interrupted, CommitUnknown if the connection broke before the answer, and
        the IntegrityError of a deferred constraint. Raises AfterCommitError after the COMMIT if a
        callback of after_commit() raised.
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
            # An interrupted RELEASE may have succeeded. Then ROLLBACK TO finds no savepoint.
            with suppress(DatabaseError):
                await self.rollback()
            raise
        self.is_committed = self._parent is None
        self._close()
        if self._after_commit:
            await self._committed()

    async def rollback(self) -> None:
        """Roll back now; the block's end then does nothing more."""
        if self.is_closed:
            return
        self._after_commit.clear()
        self._unit.abandon()
        # The server rolls back the transaction of a lost connection by itself.
        try:
            with suppress(ConnectionLost):
                await self._stack.roll_back(self._block)
        finally:
            self._close()

    @property
    def is_over(self) -> bool:
        """True once this transaction or an enclosing one has ended."""
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
                # The block ends in another context, such as that of a fixture's generator. The
                # value disappears with its context, and lookups skip closed transactions.
                pass
