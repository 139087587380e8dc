"""Define the protocols by which sessions type generated classes and their objects."""

from __future__ import annotations

from typing import Any, ParamSpec, Protocol, TypeVar

P = ParamSpec("P")
Q_co = TypeVar("Q_co", covariant=True)
S_co = TypeVar("S_co", covariant=True)


class Queryable(Protocol[Q_co]):
    """A generated model: its class makes queries of its own type."""

    @classmethod
    def __query__(cls, source: Any) -> Q_co: ...


class Assignable(Protocol[P, S_co]):
    """An object of a generated model, by the names and types that can be assigned to it."""

    def __assign__(self, *args: P.args, **kwargs: P.kwargs) -> None: ...

    def __itself__(self) -> S_co: ...
