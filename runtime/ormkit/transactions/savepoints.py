"""Nested transaction blocks: BEGIN, SAVEPOINT and their ends on one shared connection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..driver.commit import send_commit, send_release
from ..driver.prepared_statements import UNSURE
from ..errors import TransactionClosed
from .connection_lock import ConnectionLock
from .options import SET_ALL, TransactionOptions

if TYPE_CHECKING:
    from ..driver.connection import Connection
    from ..pool.pool import Pool


@dataclass(eq=False, slots=True)
class Block:
    """The block of a transaction, or that of a savepoint within it."""

    #: 0 for the transaction, 1 for a savepoint in it, and so on.
    depth: int = 0
    #: True once BEGIN or SAVEPOINT was sent. The first statement of a block sends it.
    has_begun: bool = False
    #: True once this block or an enclosing block has ended.
    is_over: bool = False

    @property
    def savepoint(self) -> str:
        """The name of the savepoint."""
        return f"ormkit_{self.depth}"

    def check_open(self) -> None:
        """Raise TransactionClosed if the block has ended."""
        if self.is_over:
            raise ended()


def ended() -> TransactionClosed:
    """Return the error for the use of a block that has ended."""
    return TransactionClosed("the transaction has ended: begin another one")


class BlockStack:
    """The open blocks of a transaction, outermost first, and the connection that they share."""

    def __init__(self, pool: Pool, options: TransactionOptions) -> None:
        self.lock = ConnectionLock()
        #: The connection if every open block has begun on it, otherwise None.
        self.ready: Connection | None = None
        self._pool = pool
        self.json = pool.json
        self._options = options
        self._connection: Connection | None = None
        self._blocks: list[Block] = []

    def open(self, block: Block) -> None:
        """Push a block onto the stack."""
        block.depth = len(self._blocks)
        self._blocks.append(block)
        self.ready = None

    def is_innermost(self, block: Block) -> bool:
        """Return whether no other block is open within this one."""
        return self._blocks[-1] is block

    async def start(self, block: Block) -> Connection:
        """Begin every open block that has not begun, and return the connection.

        The innermost block owns a statement that an outer block sends: a rollback of the innermost
        block also undoes that statement.

        Raises TransactionClosed if the block has ended or was never entered.
        """
        if block.is_over:
            raise ended()
        if not self._blocks:
            raise TransactionClosed(
                "a transaction must be used as a block: `async with session.begin() as tx:`"
            )
        connection = self._connection or await self._begin(self._blocks[0])
        for each in self._blocks:
            if not each.has_begun:
                await connection.script(f"SAVEPOINT {each.savepoint}")
                each.has_begun = True
        if block.is_over:  # The block can end while a task that it started still runs.
            raise ended()
        self.ready = connection
        return connection

    async def _begin(self, outermost: Block) -> Connection:
        pool = self._pool
        # `take` saves two calls for each transaction if the pool has an idle connection.
        connection = pool.take() or await pool.acquire()
        try:
            await connection.script(self._options.sql)
            if settings := self._options.settings:
                await connection.fetch(SET_ALL, [list(settings), list(settings.values())])
            # The block can end while a task that it started still runs.
            if outermost.is_over:
                raise ended()
        except BaseException:
            pool.give(connection)
            raise
        self.lock.was_interrupted = False  # Earlier interrupted calls had sent nothing.
        self._connection = connection
        outermost.has_begun = True
        if self._options.namespace is not None:
            connection.enter_namespace(self._options.namespace)
        return connection

    async def commit(self, block: Block) -> None:
        """Send COMMIT, or RELEASE for a savepoint; send nothing if the block has not begun."""
        async with self.lock:
            if not block.has_begun:
                return
            connection = self._connection
            if connection is None or block.is_over:
                raise ended()
            if block.depth == 0:
                await send_commit(connection)
            else:
                await send_release(connection, block.savepoint)

    async def roll_back(self, block: Block) -> None:
        """Send ROLLBACK, or ROLLBACK TO for a savepoint, if the block has begun."""
        if block.has_begun and not block.is_over and not self._is_left_to_the_pool(block):
            await self._undo(block)
        # The interrupted call ran within this block, so that the rollback undoes it too.
        self.lock.was_interrupted = False

    def _is_left_to_the_pool(self, block: Block) -> bool:
        """Return whether the pool sends ROLLBACK, since a cancelled task must not wait for it."""
        return block.depth == 0 and self.lock.was_interrupted and not self.lock.locked()

    async def _undo(self, block: Block) -> None:
        connection = self._connection
        if connection is None or connection.is_closed:
            return
        async with self.lock.for_rollback(connection):
            await connection.script(f"ROLLBACK TO {block.savepoint}" if block.depth else "ROLLBACK")
            if connection.prepared.namespace is not None:
                # The block may have changed the search_path or the role.
                connection.enter_namespace(UNSURE)

    def close(self, block: Block) -> None:
        """End the block and its nested blocks; the outermost returns the connection to the pool."""
        if block.is_over:
            return
        block.is_over = True
        for each in self._blocks[block.depth :]:
            each.is_over = True
        del self._blocks[block.depth :]
        self.ready = None
        if block.depth > 0:
            return
        connection, self._connection = self._connection, None
        if connection is not None:
            if connection.prepared.namespace is not None:
                connection.enter_namespace(None)
            self._pool.give(connection)
