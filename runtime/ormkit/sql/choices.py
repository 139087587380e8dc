"""Define the protocols of expressions that stand first among several values of one type.

`func.coalesce(User.name, 3)` is to be refused wherever it stands. If the result of a function names
the type variable of its arguments, mypy infers the variable from the place of the call first: in
`scalars(...)`, which takes any expression, that is Any, and any argument fits. Here the arguments
alone decide it, and the first one says what the result is.
"""

from __future__ import annotations

from typing import Protocol, TypeVar

T_contra = TypeVar("T_contra", contravariant=True)
R_co = TypeVar("R_co", covariant=True)


class Filled(Protocol[T_contra, R_co]):
    """An expression, by the values that it is chosen among where none of them is NULL."""

    def __filled__(self, value: T_contra, /) -> R_co: ...


class Nullable(Protocol[T_contra, R_co]):
    """An expression, by the values that it is chosen among where the result may be NULL."""

    def __nullable__(self, value: T_contra, /) -> R_co: ...


class Unfilled(Protocol[T_contra, R_co]):
    """An expression, by the values that it is chosen among where NULLs do not count."""

    def __unfilled__(self, value: T_contra, /) -> R_co: ...
