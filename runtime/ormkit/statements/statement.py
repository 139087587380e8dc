"""Statements: SQL text written once for each shape, as values; executor.py runs them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..driver.command import Command
from ..models.columns import AnyColumn
from ..sql.expressions import AnyExpression
from .retry_safe import Read
from .shape_name import ShapeName
from .value_errors import explained

if TYPE_CHECKING:
    from ..sql.context import Scope

#: How many shapes are kept; the oldest goes first.
CACHE_LIMIT = 4096


@dataclass(frozen=True, slots=True)
class Statement(Command):
    """The text of a statement, and what each of its parameters is compared with or assigned to."""

    parameters: tuple[AnyExpression | None, ...]
    #: The columns that come back, of a change that returns some.
    returned: tuple[AnyColumn, ...] = ()
    #: What each place of a row is read from, for errors: an expression, None, or a tuple of the
    #: same for the records that are nested there.
    selected: tuple[Any, ...] = ()
    #: What a SELECT without locks names; None for whatever may not be sent again.
    read: Read | None = None
    #: True for a SELECT that locks rows, which has a meaning in a transaction only.
    has_locks: bool = False

    @classmethod
    def reading(
        cls, sql: str, scope: Scope, shape: ShapeName, selected: tuple[Any, ...] = ()
    ) -> Statement:
        """Return the statement of a SELECT, which may be sent again unless it locks rows."""
        read = None if scope.has_locks else Read.of(scope)
        return cls(
            sql,
            tuple(scope.parameters),
            selected=selected,
            read=read,
            has_locks=scope.has_locks,
            shape=shape,
            tables=tuple(sorted(scope.tables)),
            is_foreign=scope.is_foreign,
        )

    @classmethod
    def of(
        cls,
        scope: Scope,
        sql: str,
        shape: ShapeName,
        returned: tuple[AnyColumn, ...] = (),
        selected: tuple[Any, ...] = (),
        *,
        operation: str = "",
    ) -> Statement:
        """Return the statement whose text was written in this scope."""
        return cls(
            sql,
            tuple(scope.parameters),
            returned,
            selected,
            shape=shape,
            tables=tuple(sorted(scope.tables)),
            operation=operation,
            is_foreign=scope.is_foreign,
        )

    def explained(self, error: BaseException, rows: Sequence[Sequence[Any]]) -> BaseException:
        """Return the error about a value as one about the column that it is meant for, or from."""
        return explained(self.parameters, self.selected or self.returned, error, rows)


_statements: dict[Hashable, Statement] = {}


def statement_for(key: Hashable, write: Callable[[], Statement]) -> Statement:
    """Return the statement of this shape, written now if no one asked for it before."""
    statement = _statements.get(key)
    if statement is None:
        if len(_statements) >= CACHE_LIMIT:
            del _statements[next(iter(_statements))]
        statement = _statements[key] = write()
    return statement
