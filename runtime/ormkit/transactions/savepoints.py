"""The connection of a transaction, and the blocks open on it: its own and those of savepoints."""

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
    #: True once BEGIN or SAVEPOINT was sent, which the first statement of a block does.
    has_begun: bool = False
    #: True once it has ended, or a block around it has.
    is_over: bool = False

    @property
    def savepoint(self) -> str:
        """The name of the savepoint."""
        return f"ormkit_{self.depth}"

    def check_open(self) -> None:
        """Raise TransactionClosed where it is over."""
        if self.is_over:
            raise ended()


def ended() -> TransactionClosed:
    """Return the error for the use of a block that is over."""
    return TransactionClosed("the transaction has ended: begin another one")


class BlockStack:
    """The open blocks of a transaction, the outermost first, and the connection that they share."""

    def __init__(self, pool: Pool, options: TransactionOptions) -> None:
        self.lock = ConnectionLock()
        #: The connection, once every open block has begun on it.
        self.ready: Connection | None = None
        self._pool = pool
        self._options = options
        self._connection: Connection | None = None
        self._blocks: list[Block] = []

    def open(self, block: Block) -> None:
        """Put a block within those that are open."""
        block.depth = len(self._blocks)
        self._blocks.append(block)
        self.ready = None

    def is_innermost(self, block: Block) -> bool:
        """Return whether no other block is open within this one."""
        return self._blocks[-1] is block

    async def start(self, block: Block) -> Connection:
        """Begin every open block that has not begun, and return the connection.

        A statement that an outer block sends is a part of the innermost one, which may be about to
        be rolled back.
        """
        if block.is_over:
            raise ended()
        if not self._blocks:
            raise TransactionClosed("a transaction is a block: `async with session.begin() as tx:`")
        connection = self._connection or await self._begin(self._blocks[0])
        for each in self._blocks:
            if not each.has_begun:
                await connection.script(f"SAVEPOINT {each.savepoint}")
                each.has_begun = True
        if block.is_over:  # meanwhile, where a task that it started runs on
            raise ended()
        self.ready = connection
        return connection

    async def _begin(self, outermost: Block) -> Connection:
        pool = self._pool
        # Without `take` it is two calls more for each transaction.
        connection = pool.take() or await pool.acquire()
        try:
            await connection.script(self._options.sql)
            if settings := self._options.settings:
                await connection.fetch(SET_ALL, [list(settings), list(settings.values())])
            # The block may have ended meanwhile, where a task that it started runs on.
            if outermost.is_over:
                raise ended()
        except BaseException:
            pool.give(connection)
            raise
        self.lock.was_interrupted = False  # what was interrupted before had done nothing yet
        self._connection = connection
        outermost.has_begun = True
        if self._options.namespace is not None:
            connection.enter_namespace(self._options.namespace)
        return connection

    async def commit(self, block: Block) -> None:
        """Send COMMIT, or RELEASE for a savepoint; nothing where the block has not begun."""
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
        """Send ROLLBACK, or ROLLBACK TO for a savepoint; nothing where the block has not begun."""
        if block.has_begun and not block.is_over and not self._is_left_to_the_pool(block):
            await self._undo(block)
        # What was interrupted began within this block, and is undone with it.
        self.lock.was_interrupted = False

    def _is_left_to_the_pool(self, block: Block) -> bool:
        """Tell whether the pool rolls back: a task that was cancelled may not wait for it."""
        return block.depth == 0 and self.lock.was_interrupted and not self.lock.locked()

    async def _undo(self, block: Block) -> None:
        connection = self._connection
        if connection is None or connection.is_closed:
            return
        async with self.lock.for_rollback(connection):
            await connection.script(f"ROLLBACK TO {block.savepoint}" if block.depth else "ROLLBACK")
            if connection.prepared.namespace is not None:
                # The block may have changed where names lead.
                connection.enter_namespace(UNSURE)

    def close(self, block: Block) -> None:
        """End the block and those within it; with the outermost, give the connection back."""
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
