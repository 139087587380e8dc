"""Budgets: how many statements a block may send."""

from __future__ import annotations

from collections import Counter
from contextlib import AbstractContextManager, ExitStack
from types import TracebackType

from ..errors import ConfigurationError, QueryBudgetExceeded, UsageError, shown
from .callers import Caller
from .event import StatementEvent
from .listeners import Listened
from .units import Unit, current_unit, unit_of_work


class QueryBudget:
    """A block that may send so many statements; `query_budget()` makes it."""

    def __init__(
        self, engine: Listened, most: int, *, exact: bool, is_everywhere: bool = False
    ) -> None:
        """Describe a budget.

        is_everywhere: count what any task sends, and not the block's alone.
        """
        if not hasattr(engine, "listen"):
            raise UsageError(f"query_budget() takes an engine, not {type(engine).__name__}")
        given: object = most
        if type(given) is not int or most < 0:
            raise ConfigurationError(
                f"a budget of {shown(given)} statements: give a whole number, at least 0"
            )
        self._engine = engine
        self._most = most
        self._is_exact = exact
        self._is_everywhere = is_everywhere
        self._sent: list[StatementEvent] = []
        self._lines = Counter[tuple[str, Caller | None]]()
        self._unit: Unit | None = None
        self._open = ExitStack()

    def __enter__(self) -> list[StatementEvent]:
        block: AbstractContextManager[Unit] = unit_of_work()
        self._unit = self._open.enter_context(block)
        self._unit.ends.append(self._judge)
        self._open.enter_context(self._engine.listen(on_statement=self._note))
        return self._sent

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._open.__exit__(kind, error, traceback)

    async def __aenter__(self) -> list[StatementEvent]:
        return self.__enter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.__exit__(kind, error, traceback)

    def _note(self, event: StatementEvent) -> None:
        unit = current_unit()
        is_own = unit is not None and self._unit is not None and unit.is_within(self._unit)
        if (is_own or self._is_everywhere) and not event.is_internal:
            self._sent.append(event)
            self._lines[event.name, event.caller()] += 1

    def _judge(self) -> QueryBudgetExceeded | None:
        count = len(self._sent)
        if count == self._most or (count < self._most and not self._is_exact):
            return None
        limit = f"{'exactly' if self._is_exact else 'at most'} {self._most}"
        lines = [
            f"\n  {times} x {name}{f' from {caller}' if caller is not None else ''}"
            for (name, caller), times in self._lines.items()
        ]
        words = "statement was" if count == 1 else "statements were"
        return QueryBudgetExceeded(
            f"{count} {words} sent, and the budget is {limit}{':' if lines else ''}{''.join(lines)}"
        )


def query_budget(engine: Listened, most: int, *, exact: bool = False) -> QueryBudget:
    """Return a block, `with` or `async with`, that may send so many statements.

    most: how many statements may be sent; BEGIN, COMMIT and savepoints do not count.
    exact: whether fewer are wrong, too.

    The block yields the list of its StatementEvents. Those of tasks that it starts are its own;
    what other tasks send at the same time is not. Raises QueryBudgetExceeded at its end, with each
    statement and the line that sent it, unless the block has failed. Raises ConfigurationError for
    a number that is none.
    """
    return QueryBudget(engine, most, exact=exact)
