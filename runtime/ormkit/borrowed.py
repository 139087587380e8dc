"""Expressions whose values are those of another expression, and are read and sent as such."""

from __future__ import annotations

from typing import Any, TypeVar

from .expressions import Expression

O = TypeVar("O")  # noqa: E741  the model that owns the expression
T = TypeVar("T")
V_co = TypeVar("V_co", covariant=True)


class Borrowed(Expression[O, T, V_co]):
    """An expression that holds a value of its source."""

    __slots__ = ("source",)

    source: Expression[Any, Any, Any]

    def encode(self, value: object) -> object:
        return self.source.encode(value)

    def decode(self, value: Any) -> Any:
        return self.source.decode(value)

    @property
    def is_plain(self) -> bool:
        return self.source.is_plain
