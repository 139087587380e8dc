"""Expressions whose values are those of another expression, and are read and sent as such."""

from __future__ import annotations

from typing import Any

from .expressions import AnyExpression, Expression
from .operands import O, T, V_co


class Borrowed(Expression[O, T, V_co]):
    """An expression that holds a value of its source."""

    __slots__ = ()

    #: Never one that borrows by itself: each would ask the next, as deep as they are nested.
    source: AnyExpression

    def encode(self, value: object) -> object:
        return self.source.encode(value)

    def decode(self, value: Any) -> Any:
        return self.source.decode(value)

    @property
    def is_plain(self) -> bool:
        return self.source.is_plain


def lender(source: AnyExpression) -> AnyExpression:
    """Return the expression whose values those of this one are in the end."""
    while isinstance(source, Borrowed):
        source = source.source  # pyright: ignore[reportUnknownMemberType]
    return source  # pyright: ignore[reportUnknownVariableType]
