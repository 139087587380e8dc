"""Define literals, casts and CASE expressions."""

from __future__ import annotations

import datetime as dt
from collections.abc import Hashable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, overload

from ..errors import UsageError
from ..postgres.interval import Interval, Span
from ..postgres.type_words import ARRAY, scalar_of
from .comparison_types import check_one
from .expressions import AnyExpression, Bound, Condition, Expression, Literal, grouped
from .trees import AnyNode, Tree
from .type_names import type_name, type_of_value
from .type_variables import O, T
from .wrapper import Wrapper, unwrapped

if TYPE_CHECKING:
    from .context import Scope

S = TypeVar("S")

#: The default of `else_`, where None would be a value.
NOT_GIVEN: Any = object()


@overload
def literal(
    value: Interval | dt.timedelta, type_: type | str | None = None
) -> Expression[Any, Span, Interval]: ...
@overload
def literal(value: T, type_: type | str | None = None) -> Expression[Any, T, T]: ...
def literal(value: Any, type_: type | str | None = None) -> AnyExpression:
    """Return a value as an expression, bound like any other.

    type_: the type it is sent under, a Python type or PostgreSQL's name; told by the value where
        None: int is integer or bigint, str is text, a datetime is a timestamptz if it has a zone.

    Raises InvalidValue where no type stands for the value.
    """
    return Literal(value, type_of_value(value) if type_ is None else type_name(type_))


def as_expression(value: Any) -> AnyExpression:
    """Return the argument if it is an expression, else the value as a literal."""
    return value if isinstance(value, Expression) else literal(value)  # pyright: ignore


@overload
def cast(
    operand: Expression[O, T, T], to: type[Interval] | type[dt.timedelta]
) -> Expression[O, Span, Interval]: ...
@overload
def cast(
    operand: Expression[O, T, T | None], to: type[Interval] | type[dt.timedelta]
) -> Expression[O, Span, Interval | None]: ...
@overload
def cast(operand: Expression[O, T, T], to: type[S]) -> Expression[O, S, S]: ...
@overload
def cast(operand: Expression[O, T, T | None], to: type[S]) -> Expression[O, S, S | None]: ...
@overload
def cast(operand: Expression[O, Any, Any], to: str) -> Expression[O, Any, Any]: ...
def cast(operand: AnyExpression, to: type | str) -> AnyExpression:
    """Convert to another type: CAST(operand AS type).

    to: a Python type (int is bigint, float double precision, str text, datetime timestamptz), or
        PostgreSQL's name, such as "numeric(10, 2)".
    """
    if not isinstance(operand, Expression):
        raise UsageError("cast() takes an expression such as User.age, and then a type")
    name = type_name(to)
    return Cast(operand, name)


class Cast(Tree[O, Any, Any], Expression[O, Any, Any]):
    """An expression converted to another type."""

    __slots__ = ("operand",)

    def __init__(self, operand: Expression[O, Any, Any], type_: str) -> None:
        self.operand = operand
        self.type = type_
        self._grow()

    def operands(self) -> tuple[AnyNode, ...]:
        return (self.operand,)

    def mark(self) -> Hashable:
        return "cast", self.type

    def pieces(self, scope: Scope) -> Iterator[str | AnyNode]:
        yield "CAST("
        yield from grouped(self.operand)
        yield f" AS {scope.note_cast(self.type)})"


class Case(Tree[O, T, T], Wrapper[O, T, T]):
    """CASE WHEN ... THEN ... ELSE ... END."""

    __slots__ = ("branches", "otherwise", "source")

    def __init__(
        self,
        branches: tuple[tuple[Condition[Any], AnyExpression], ...],
        otherwise: AnyExpression | None,
    ) -> None:
        self.branches = branches
        self.otherwise = otherwise
        held = [value for _, value in branches if not isinstance(value, Null)]
        first = held[0] if held else branches[0][1]
        self.source = unwrapped(first)
        self.type = first.type
        self._grow()

    def operands(self) -> tuple[AnyNode, ...]:
        parts = [part for branch in self.branches for part in branch]
        return (*parts, self.otherwise) if self.otherwise is not None else tuple(parts)

    def mark(self) -> Hashable:
        return "case", self.otherwise is not None

    def pieces(self, scope: Scope) -> Iterator[str | AnyNode]:
        yield "CASE"
        last: AnyExpression | None = self
        # A CASE in ELSE becomes further branches of this one: the server's parser limits how deep
        # expressions can be nested.
        while isinstance(last, Case):
            for condition, value in last.branches:
                yield " WHEN "
                yield condition
                yield " THEN "
                yield from grouped(value)
            last = last.otherwise
        if last is not None:
            yield " ELSE "
            yield from grouped(last)
        yield " END"


@overload
def case(
    *branches: tuple[Condition[O], T | Expression[Any, T, T]], else_: T | Expression[Any, T, T]
) -> Expression[O, T, T]: ...
@overload
def case(
    *branches: tuple[Condition[O], T | Expression[Any, T, Any]],
    else_: T | Expression[Any, T, Any] | None = ...,
) -> Expression[O, T, T | None]: ...
def case(*branches: tuple[Condition[Any], Any], else_: Any = NOT_GIVEN) -> AnyExpression:
    """Choose by conditions: the value beside the first that is true, else `else_`, else NULL.

    Write it as `case((User.age < 18, "minor"), (User.age < 65, "adult"), else_="senior")`.
    """
    if not branches:
        raise UsageError("case() needs at least one pair (condition, value)")
    for branch in branches:
        if (
            not isinstance(branch, tuple)
            or len(branch) != 2
            or not isinstance(branch[0], Condition)
        ):
            raise UsageError(
                "case() takes pairs (condition, value) such as (User.age < 18, 'young')"
            )
    values: list[Any] = [value for _, value in branches]
    column: Any = next(filter(is_expression, values), None)
    made = tuple((condition, branch_value(value, column)) for condition, value in branches)
    is_open = else_ is NOT_GIVEN or else_ is None
    otherwise = None if is_open else branch_value(else_, column)
    check_branches(
        [value.type for _, value in made] + ([] if otherwise is None else [otherwise.type])
    )
    return Case(made, otherwise)


def check_branches(types: Sequence[str]) -> None:
    """Raise UsageError for types that PostgreSQL surely does not bring into one."""
    found = {kind_of(type_): type_ for type_ in types}
    found.pop("", None)  # not known
    if len(found) > 1:
        raise UsageError(
            f"case() has values of different types, {' and '.join(found.values())}: give "
            f"all of them one type, as by cast(..., 'text')"
        )


def kind_of(type_: str) -> str:
    """Return what PostgreSQL converts into each other: numbers, texts ...; empty if not known."""
    base = scalar_of(type_)
    return "array" if base is ARRAY else base.convertible_kind


def bound_beside(beside: AnyExpression, value: object) -> AnyExpression:
    """Return a value that is sent as the type of the expression beside it; raises InvalidValue."""
    if value is not None:
        check_one(beside, value)
    return Bound(beside, beside.encode(value))


def is_expression(value: object) -> bool:
    """Return whether the value is an expression."""
    return isinstance(value, Expression)


class Null(Expression[Any, Any, None]):
    """NULL without a type."""

    __slots__ = ()

    def __init__(self) -> None:
        self.type = ""
        self.key = "NULL"
        self.values = ()

    def sql(self, scope: Scope) -> str:
        return "NULL"


def branch_value(value: Any, beside: Any) -> AnyExpression:
    """Return a branch's value, which is sent as the type of another branch's expression."""
    if value is None:
        return Null()
    if isinstance(value, Expression):
        return value  # pyright: ignore[reportUnknownVariableType]
    return literal(value) if beside is None else bound_beside(beside, value)
