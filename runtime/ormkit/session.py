"""Define AsyncSession, with which an application reads and writes objects."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from contextvars import ContextVar
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from .errors import UsageError
from .events.query_budget import query_budget
from .events.units import unit_of_work
from .hints import refuse_keywords
from .models.protocols import Looking, P, Queryable, S_co
from .models.table import table_of
from .persistence.bulk_update import update_objects
from .persistence.delete_many import delete_objects
from .persistence.insert import insert_many
from .persistence.insert_order import insert_objects, one_statement
from .persistence.named_columns import Names
from .persistence.upsert import send_upserts, upserts_of
from .postgres.several import Listed
from .statements.executor import Executor
from .statements.result import Result
from .transactions.operations import Operations
from .transactions.options import Isolation, TransactionOptions
from .transactions.retries import run_with_retries
from .transactions.transaction import Transaction, current_transaction, innermost

if TYPE_CHECKING:
    from .engine import Engine
    from .models.model import Model

T = TypeVar("T")
M = TypeVar("M", bound="Model")
K = TypeVar("K")


class AsyncSession(Operations):
    """Reads and writes objects on an engine.

    It has no state of its own, so that all tasks can share one. Outside a transaction, each
    statement takes a connection from the pool while it runs. Inside `async with session.begin()`,
    the session's methods run in that transaction.
    """

    if TYPE_CHECKING:

        def __init__(self, engine: Engine) -> None: ...

    else:

        def __init__(self, *engine, **given):
            refuse_keywords("AsyncSession", given)
            self._open(*engine, **given)

    def _open(self, engine: Engine) -> None:
        """Take an engine; raises UsageError for anything else."""
        if not hasattr(engine, "pool"):
            raise UsageError(
                f"a session takes an engine from create_engine(), not {type(engine).__name__}"
            )
        self.engine = engine
        self.counts = engine.counts
        #: What runs statements outside of a transaction.
        self._outside = engine.executor()

    async def __aenter__(self) -> Self:
        """Return the session: it holds nothing, and opens no transaction."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Do nothing."""

    def executor(self) -> Executor:
        if innermost.get() is None:
            return self._outside
        transaction = current_transaction(self)
        return self._outside if transaction is None else transaction.executor()

    # P is the model's key and the options, as in Operations.
    if TYPE_CHECKING:

        async def get(  # type: ignore[override]
            self, model: type[Queryable[Looking[P, S_co]]], /, *args: P.args, **given: P.kwargs
        ) -> S_co | None: ...

    else:

        async def get(
            self,
            model: type[Any],
            key: object,
            *,
            include_deleted: bool = False,
            coalesce: bool = True,
        ) -> Any:
            """Return the object with this primary key, a tuple for a composite one; None without.

            include_deleted: return it also if it is soft-deleted.
            coalesce: outside a transaction, let lookups that many tasks make at once share
                statements; with False this one, and with the engine's option all, go out by
                themselves.
            """
            is_plain = coalesce and not include_deleted
            if is_plain and self.engine.lookups is not None and self.executor() is self._outside:
                asked: Any = model
                table = table_of(asked)
                lookup = self.engine.lookups.of(table)
                if lookup is not None and table.model is asked and lookup.can_batch(key):
                    return await lookup.get(key)
            return await super()._get(model, key, include_deleted=include_deleted)

    def begin(
        self,
        *,
        isolation: Isolation | None = None,
        read_only: bool | None = None,
        deferrable: bool | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> Transaction:
        """Return a transaction for `async with`; within another one, a savepoint.

        isolation: the server's default (READ COMMITTED unless configured) where None.
        read_only, deferrable: the default of the server, database or role where None; True and
            False are sent, so that False writes also where default_transaction_read_only is on.
        settings: run-time parameters for this transaction alone, such as {"app.tenant": "42"}.
        """
        options = TransactionOptions.of(isolation, read_only, deferrable, settings)
        return Transaction(self, self.engine.pool, self.counts, options)

    #: Another name for begin().
    transaction = begin

    async def run(
        self,
        fn: Callable[[Transaction], Awaitable[T]],
        *,
        retries: int = 3,
        isolation: Isolation | None = None,
        read_only: bool | None = None,
        deferrable: bool | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> T:
        """Run `await fn(tx)` in a transaction and return its result once that is committed.

        retries: how many times at most it is run again from the start where the server ended the
            transaction for another one's sake (RetryableError), also at COMMIT; with growing,
            random waits in between. Every other error passes through at once.

        Raises UsageError inside a transaction of the session, which cannot be begun again.
        """
        if current_transaction(self) is not None:
            raise UsageError(
                "run() cannot repeat a part of a transaction: call the function with the open "
                "transaction, and let run() begin the outermost one"
            )
        begin = partial(
            self.begin,
            isolation=isolation,
            read_only=read_only,
            deferrable=deferrable,
            settings=settings,
        )
        return await run_with_retries(begin, fn, retries)

    async def execute_raw(self, sql: str, params: Listed[object] = ()) -> Result:
        transaction = current_transaction(self)
        if transaction is None:
            return await self.engine.execute(sql, params)
        return await transaction.execute_raw(sql, params)

    async def execute_raw_many(self, sql: str, rows: Iterable[Listed[object]]) -> Result:
        transaction = current_transaction(self)
        if transaction is None:
            return await self.engine.execute_many(sql, rows)
        return await transaction.execute_raw_many(sql, rows)

    async def _update_listed(
        self, instances: Sequence[Model], fields: Sequence[Any] | None
    ) -> None:
        async with self.begin() as tx:
            await update_objects(tx.executor(), instances, fields)

    async def _delete_listed(self, instances: Sequence[Model]) -> None:
        async with self.begin() as tx:
            await delete_objects(tx.executor(), instances)

    async def _upsert_listed(
        self,
        instances: Sequence[Model],
        conflict_target: Names | None,
        update_fields: Names | None,
    ) -> None:
        executor = self.executor()
        upserts = executor.with_json(
            upserts_of, instances, conflict_target, update_fields, executor.identity
        )
        if executor is not self._outside or len(upserts) == 1:
            await send_upserts(executor, upserts)
        else:
            async with self.begin() as tx:
                await send_upserts(tx.executor(), upserts)

    async def _insert_listed(self, instances: Sequence[Model]) -> None:
        executor = self.executor()
        if executor is not self._outside:
            await insert_objects(executor, instances)
        elif (batch := executor.with_json(one_statement, instances)) is not None:
            await insert_many(executor, table_of(type(instances[0])), batch)
        else:
            async with self.begin() as tx:
                await insert_objects(tx.executor(), instances)


_current: ContextVar[AsyncSession | None] = ContextVar("ormkit_session", default=None)


@asynccontextmanager
async def session_context(
    engine: Engine, *, budget: int | None = None, transaction: bool = False
) -> AsyncGenerator[AsyncSession]:
    """Bind a session to the block: code below it, in any depth, gets it from current_session().

    budget: how many statements the block may send, as in query_budget(); None sets no limit.
    transaction: whether the block is a transaction of the session, which its end commits.

    Tasks started inside see it too; those outside do not. It is no transaction unless asked for:
    the session's `begin()` is one. detect_repeats() looks for repeated statements within the
    block. Raises QueryBudgetExceeded at its end, and RepeatedStatement where that was asked for.
    """
    session = AsyncSession(engine)
    judged = unit_of_work() if budget is None else query_budget(engine, budget)
    token = _current.set(session)
    try:
        with judged:
            if not transaction:
                yield session
                return
            async with session.begin():
                yield session
    finally:
        # ContextVar.reset() raises ValueError in another context, where a fixture may end.
        with suppress(ValueError):
            _current.reset(token)


def current_session() -> AsyncSession:
    """Return the session of the innermost session_context() around; raises UsageError."""
    session = _current.get()
    if session is None:
        raise UsageError(
            "there is no current session: enter `async with session_context(engine):` first"
        )
    return session
