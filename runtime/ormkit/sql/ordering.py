"""Define the keys of ORDER BY."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ..errors import UsageError

if TYPE_CHECKING:
    from .context import Scope
    from .expressions import AnyExpression, Expression

O = TypeVar("O")  # noqa: E741  the model that owns the expression


class Order(Generic[O]):
    """One key of an ORDER BY clause."""

    __slots__ = ("expression", "is_descending", "key", "nulls", "values")

    def __init__(
        self,
        expression: Expression[O, Any, Any],
        *,
        is_descending: bool = False,
        nulls: str = "",
    ) -> None:
        self.expression = expression
        self.is_descending = is_descending
        self.nulls = nulls
        self.key: Hashable = (expression.key, is_descending, nulls)
        self.values = expression.values

    def nulls_first(self) -> Order[O]:
        """Return the same order with NULL before everything else."""
        return Order(self.expression, is_descending=self.is_descending, nulls=" NULLS FIRST")

    def nulls_last(self) -> Order[O]:
        """Return the same order with NULL after everything else."""
        return Order(self.expression, is_descending=self.is_descending, nulls=" NULLS LAST")

    def sql(self, scope: Scope) -> str:
        """Return the text of the key in ORDER BY."""
        return self.suffixed(self.expression.sql(scope))

    def suffixed(self, text: str) -> str:
        """Return a text that stands for the expression, with the direction behind it."""
        return f"{text}{' DESC' if self.is_descending else ''}{self.nulls}"


def descending(by: Sequence[Any], desc: object) -> tuple[Any, ...]:
    """Return the orders as descending ones, for `order_by(..., desc=True)`.

    Raises UsageError for an order that has a direction already, and for what is not a bool.
    """
    if desc is not True:
        raise UsageError(f"order_by(desc=...) takes True or False, not {type(desc).__name__}")
    for each in by:
        if isinstance(each, Order) or (isinstance(each, str) and each.startswith("-")):
            raise UsageError(
                "order_by(desc=True) takes columns, and one of these has a direction already: "
                'write "-age" or User.age.desc(), without desc=True'
            )
    return tuple(
        f"-{each}" if isinstance(each, str) else each.desc() if hasattr(each, "desc") else each
        for each in by
    )


def order_by(
    by: Order[Any] | AnyExpression | str,
    find: Callable[[AnyExpression | str], AnyExpression],
) -> Order[Any]:
    """Return an ORDER BY key; "-age" is descending.

    find: returns the expression that a name stands for.
    """
    if isinstance(by, Order):
        return by
    if isinstance(by, str) and by.startswith("-"):
        return find(by[1:]).desc()
    return find(by).asc()
