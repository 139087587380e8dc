"""Wrap an expression: the wrapper encodes and decodes values as the wrapped expression does."""

from __future__ import annotations

from typing import Any

from .expressions import AnyExpression, Expression
from .type_variables import O, T, V_co


class Wrapper(Expression[O, T, V_co]):
    """An expression whose values are values of its source."""

    __slots__ = ()

    #: Never a wrapper: a chain of them would recurse as deep as they are nested.
    source: AnyExpression

    def encode(self, value: object) -> object:
        return self.source.encode(value)

    def decode(self, value: Any) -> Any:
        return self.source.decode(value)

    @property
    def is_plain(self) -> bool:
        return self.source.is_plain


def unwrapped(source: AnyExpression) -> AnyExpression:
    """Return the innermost expression that wrappers wrap."""
    while isinstance(source, Wrapper):
        source = source.source  # pyright: ignore[reportUnknownMemberType]
    return source  # pyright: ignore[reportUnknownVariableType]
