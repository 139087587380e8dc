"""The session: the door through which an application reads and writes objects."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from .compiler import Executor
from .isolation import Isolation, TransactionOptions
from .operations import Operations
from .result import Result
from .transaction import Transaction, current_transaction
from .unit import insert_objects, is_one_statement

if TYPE_CHECKING:
    from .engine import Engine
    from .model import Model


class AsyncSession(Operations):
    """Reads and writes objects on an engine.

    It holds nothing itself, so that one may serve all tasks: outside a transaction each statement
    takes a connection for as long as it runs. Inside `async with session.begin()` the session's
    own methods take part in that transaction.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def executor(self) -> Executor:
        return current_transaction(self) or self.engine

    def begin(
        self,
        *,
        isolation: Isolation | None = None,
        read_only: bool = False,
        deferrable: bool = False,
    ) -> Transaction:
        """Return a transaction for `async with`; within another one, a savepoint.

        isolation: the server's default (READ COMMITTED unless configured) where None.
        """
        return Transaction(self, TransactionOptions(isolation, read_only, deferrable))

    async def execute_raw(self, sql: str, params: Sequence[object] = ()) -> Result:
        transaction = current_transaction(self)
        if transaction is None:
            return await self.engine.execute(sql, params)
        return await transaction.execute_raw(sql, params)

    async def execute_raw_many(self, sql: str, rows: Iterable[Sequence[object]]) -> Result:
        transaction = current_transaction(self)
        if transaction is None:
            return await self.engine.execute_many(sql, rows)
        return await transaction.execute_raw_many(sql, rows)

    async def _insert_listed(self, instances: Sequence[Model]) -> None:
        if current_transaction(self) is not None or is_one_statement(instances):
            await insert_objects(self.executor(), instances)
            return
        async with self.begin() as tx:
            await insert_objects(tx, instances)
