"""Typed SQL expressions: what conditions, orderings and computed values are made of.

Every node is immutable and knows its ``key``, a hashable description of its shape without values;
its ``values``, in the order its text numbers them; and ``sql``, the text, written once a shape.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Hashable
from typing import TYPE_CHECKING, Any, Generic, NoReturn, TypeVar, overload

from .errors import UsageError
from .exactness import FRACTIONAL, uncut
from .operands import Selectable, as_list, is_textual, like_text, single, singles, span_cast, truth
from .ordering import Order

if TYPE_CHECKING:
    from .scope import Scope

O = TypeVar("O")  # noqa: E741  the model that owns the expression
T = TypeVar("T")  # what the expression is compared with
V_co = TypeVar("V_co", covariant=True)  # what a row holds
E = TypeVar("E")  # an array's element
V = TypeVar("V")

NO_TRUTH = (
    "an SQL expression is no truth in Python: combine conditions with & | ~ instead of and, or, not"
)
#: Stands in a key for a bound value.
BOUND = "$"


class Expression(Selectable[O, V_co], Generic[O, T, V_co]):
    """An SQL expression over the columns of model O, compared with T, whose rows hold V."""

    __slots__ = ("key", "type", "values")

    key: Hashable
    values: tuple[object, ...]
    #: PostgreSQL's name of the type; empty where it is not known.
    type: str
    #: True for a Q, which has a meaning only once the query's model is known.
    is_open = False

    def sql(self, scope: Scope) -> str:
        """Return the text, its parameters numbered by the scope."""
        raise NotImplementedError

    def encode(self, value: object) -> object:
        return uncut(self.type, value) if type(value) in FRACTIONAL else value

    @property
    def as_text(self) -> Expression[O, Any, Any]:
        """What patterns are matched with: the expression itself, or the text within JSON."""
        return self

    # A condition is not a truth: `if User.age == 3` would always be taken.
    def __bool__(self) -> NoReturn:
        raise UsageError(NO_TRUTH)

    __hash__ = object.__hash__

    def __eq__(  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        self, other: T | Expression[Any, T, Any] | None
    ) -> Condition[O]:
        return Test(IS_NULL, self) if other is None else Comparison("{0} = {1}", self, other)

    def __ne__(  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        self, other: T | Expression[Any, T, Any] | None
    ) -> Condition[O]:
        return Test(IS_NOT_NULL, self) if other is None else Comparison("{0} <> {1}", self, other)

    def __lt__(self, other: T | Expression[Any, T, Any]) -> Condition[O]:
        return Comparison("{0} < {1}", self, other)

    def __le__(self, other: T | Expression[Any, T, Any]) -> Condition[O]:
        return Comparison("{0} <= {1}", self, other)

    def __gt__(self, other: T | Expression[Any, T, Any]) -> Condition[O]:
        return Comparison("{0} > {1}", self, other)

    def __ge__(self, other: T | Expression[Any, T, Any]) -> Condition[O]:
        return Comparison("{0} >= {1}", self, other)

    @overload
    def __add__(
        self: Expression[O, dt.datetime, V],
        other: dt.timedelta | Expression[Any, dt.timedelta, Any],
    ) -> Expression[O, dt.datetime, V]: ...
    @overload
    def __add__(self, other: T | Expression[Any, T, Any]) -> Expression[O, T, V_co]: ...
    def __add__(self, other: Any) -> Any:
        """Add; texts are joined."""
        if is_textual(self.type):
            return Arithmetic[O, Any, Any]("({0} || {1})", self, other)
        return Arithmetic[O, Any, Any](f"({{0}} + {{1}}{span_cast(other)})", self, other)

    @overload
    def __sub__(
        self: Expression[O, dt.datetime, V],
        other: dt.timedelta | Expression[Any, dt.timedelta, Any],
    ) -> Expression[O, dt.datetime, V]: ...
    @overload
    def __sub__(
        self: Expression[O, dt.datetime, dt.datetime],
        other: dt.datetime | Expression[Any, dt.datetime, dt.datetime],
    ) -> Expression[O, dt.timedelta, dt.timedelta]: ...
    @overload
    def __sub__(
        self: Expression[O, dt.datetime, Any],
        other: dt.datetime | Expression[Any, dt.datetime, Any],
    ) -> Expression[O, dt.timedelta, dt.timedelta | None]: ...
    @overload
    def __sub__(self, other: T | Expression[Any, T, Any]) -> Expression[O, T, V_co]: ...
    def __sub__(self, other: Any) -> Any:
        return Arithmetic[O, Any, Any](f"({{0}} - {{1}}{span_cast(other)})", self, other)

    def __mul__(self, other: T | Expression[Any, T, Any]) -> Expression[O, T, V_co]:
        return Arithmetic("({0} * {1})", self, other)

    def __truediv__(self, other: T | Expression[Any, T, Any]) -> Expression[O, T, V_co]:
        return Arithmetic("({0} / {1})", self, other)

    def __mod__(self, other: T | Expression[Any, T, Any]) -> Expression[O, T, V_co]:
        return Arithmetic("({0} % {1})", self, other)

    def __radd__(self, other: T) -> Expression[O, T, V_co]:
        return Arithmetic("({1} || {0})" if is_textual(self.type) else "({1} + {0})", self, other)

    def __rsub__(self, other: T) -> Expression[O, T, V_co]:
        return Arithmetic("({1} - {0})", self, other)

    def __rmul__(self, other: T) -> Expression[O, T, V_co]:
        return Arithmetic("({1} * {0})", self, other)

    def __rtruediv__(self, other: T) -> Expression[O, T, V_co]:
        return Arithmetic("({1} / {0})", self, other)

    def __neg__(self) -> Expression[O, T, V_co]:
        return Call("(- {0})", self, self.type)

    def is_distinct_from(self, other: T | Expression[Any, T, Any] | None) -> Condition[O]:
        """Match where the two differ, NULL being a value like any other."""
        return Comparison("{0} IS DISTINCT FROM {1}", self, other)

    def in_(self, values: Collection[T] | Expression[Any, T, Any]) -> Condition[O]:
        """Match any of the values; none of them matches nothing. NULL is never in a list.

        values: a collection, or a subquery of one column.
        """
        if isinstance(values, Expression):
            return Comparison("{0} IN {1}", self, values)
        return Membership("{0} = ANY({1})", self, values)

    def notin(self, values: Collection[T] | Expression[Any, T, Any]) -> Condition[O]:
        """Match whatever equals none of the values; NULL never does.

        A subquery that returns a NULL matches nothing: that is SQL's NOT IN.
        """
        if isinstance(values, Expression):
            return Comparison("{0} NOT IN {1}", self, values)
        return Membership("{0} <> ALL({1})", self, values)

    def between(self, low: T, high: T) -> Condition[O]:
        """Match low <= value <= high, both ends included."""
        return Junction("AND", (self >= low, self <= high))

    def isnull(self, is_null: bool = True) -> Condition[O]:
        """Match NULL, or with False whatever is not NULL."""
        return Test(IS_NULL if truth(is_null) else IS_NOT_NULL, self)

    def like(self: Expression[O, str, Any], pattern: str) -> Condition[O]:
        """Match a LIKE pattern: % any text, _ any character, backslash escapes."""
        return Comparison("{0} LIKE {1}", self.as_text, pattern)

    def ilike(self: Expression[O, str, Any], pattern: str) -> Condition[O]:
        """Match a LIKE pattern, upper and lower case alike."""
        return Comparison("{0} ILIKE {1}", self.as_text, pattern)

    def icontains(self: Expression[O, str, Any], text: str) -> Condition[O]:
        """Match text that has this in it, upper and lower case alike."""
        return Comparison("{0} ILIKE {1}", self.as_text, f"%{like_text(text, self)}%")

    def startswith(self: Expression[O, str, Any], text: str) -> Condition[O]:
        """Match text that begins with this; every character stands for itself."""
        return Comparison("{0} LIKE {1}", self.as_text, f"{like_text(text, self)}%")

    def istartswith(self: Expression[O, str, Any], text: str) -> Condition[O]:
        """Match text that begins with this, upper and lower case alike."""
        return Comparison("{0} ILIKE {1}", self.as_text, f"{like_text(text, self)}%")

    def endswith(self: Expression[O, str, Any], text: str) -> Condition[O]:
        """Match text that ends with this; every character stands for itself."""
        return Comparison("{0} LIKE {1}", self.as_text, f"%{like_text(text, self)}")

    def iendswith(self: Expression[O, str, Any], text: str) -> Condition[O]:
        """Match text that ends with this, upper and lower case alike."""
        return Comparison("{0} ILIKE {1}", self.as_text, f"%{like_text(text, self)}")

    def iexact(self: Expression[O, str, Any], text: str) -> Condition[O]:
        """Match equal text, upper and lower case alike."""
        return Comparison("lower({0}) = lower({1})", self.as_text, text)

    def regex(self: Expression[O, str, Any], pattern: str) -> Condition[O]:
        """Match a POSIX regular expression anywhere in the text (PostgreSQL's ~)."""
        return Comparison("{0} ~ {1}", self.as_text, pattern)

    def iregex(self: Expression[O, str, Any], pattern: str) -> Condition[O]:
        """Match a POSIX regular expression, upper and lower case alike (PostgreSQL's ~*)."""
        return Comparison("{0} ~* {1}", self.as_text, pattern)

    @overload
    def contains(self: Expression[O, str, Any], value: str) -> Condition[O]: ...
    @overload
    def contains(self: Expression[O, list[E], Any], value: Collection[E]) -> Condition[O]: ...
    @overload
    def contains(self, value: T) -> Condition[O]: ...
    def contains(self, value: Any) -> Condition[O]:
        """Match text with this in it, an array with all of these, a range or jsonb around this.

        In text every character stands for itself. For arrays, ranges and jsonb it is
        PostgreSQL's @> operator.
        """
        if is_textual(self.type):
            return Comparison("{0} LIKE {1}", self, f"%{like_text(value, self)}%")
        return Comparison("{0} @> {1}", self, as_list(value, self) if self.is_array else value)

    @overload
    def contained_by(self: Expression[O, list[E], Any], value: Collection[E]) -> Condition[O]: ...
    @overload
    def contained_by(self, value: T) -> Condition[O]: ...
    def contained_by(self, value: Any) -> Condition[O]:
        """Match an array, a range or jsonb that lies wholly within this (PostgreSQL's <@)."""
        return Comparison("{0} <@ {1}", self, as_list(value, self) if self.is_array else value)

    @overload
    def overlaps(self: Expression[O, list[E], Any], value: Collection[E]) -> Condition[O]: ...
    @overload
    def overlaps(self, value: T) -> Condition[O]: ...
    def overlaps(self, value: Any) -> Condition[O]:
        """Match an array or a range that has anything in common with this (PostgreSQL's &&)."""
        return Comparison("{0} && {1}", self, as_list(value, self) if self.is_array else value)

    def len(self: Expression[O, list[E], Any]) -> Expression[O, int, int]:
        """Return the number of an array's elements; 0 for an empty one."""
        return Call("cardinality({0})", self, "integer")

    @property
    def is_array(self) -> bool:
        """True for an expression of an array type."""
        return self.type.endswith("[]")

    def asc(self) -> Order[O]:
        """Order by this, smallest first; PostgreSQL puts NULL last."""
        return Order(self)

    def desc(self) -> Order[O]:
        """Order by this, largest first; PostgreSQL puts NULL first."""
        return Order(self, is_descending=True)


class Condition(Expression[O, bool, bool]):
    """An expression that is true, false or NULL for a row."""

    __slots__ = ()

    def __and__(self, other: Condition[O]) -> Condition[O]:
        return self._joined("AND", other)

    def __or__(self, other: Condition[O]) -> Condition[O]:
        return self._joined("OR", other)

    def _joined(self, word: str, other: Any) -> Condition[O]:
        if not isinstance(other, Condition):
            raise UsageError(
                f"{other!r} is no condition: put comparisons in parentheses around &, |"
            )
        both: Any = (self, other)
        return NotImplemented if other.is_open else Junction(word, both)

    def __invert__(self) -> Condition[O]:
        return Test(NOT, self)


class _Pair(Expression[O, T, V_co]):
    """Two operands in a template; the right one is an expression or a bound value."""

    __slots__ = ("left", "right", "template")

    result = ""  # its type, where that is not the left operand's

    def __init__(self, template: str, left: Expression[O, Any, Any], right: object) -> None:
        self.template = template
        self.left = left
        if isinstance(right, Expression):
            self.right: Expression[Any, Any, Any] | None = right
            self.key = (template, left.key, right.key)
            self.values = left.values + right.values
        else:
            self.right = None
            self.key = (template, left.key, BOUND)
            self.values = (*left.values, left.encode(right))
        self.type = self.result or left.type

    def sql(self, scope: Scope) -> str:
        left = comparable(self.left, scope)
        right = scope.bind(self.left) if self.right is None else comparable(self.right, scope)
        return self.template.format(left, right)


class Comparison(_Pair[O, bool, bool], Condition[O]):
    """An operator between an expression and another one, or a value."""

    __slots__ = ()

    result = "boolean"


class Arithmetic(_Pair[O, T, V_co]):
    """An arithmetic operator; the result has the type of the expression that is {0}."""

    __slots__ = ()


class Membership(Condition[O]):
    """A comparison with every element of one bound array, whatever its length."""

    __slots__ = ("operand", "template")

    def __init__(self, template: str, operand: Expression[O, T, Any], of: Collection[T]) -> None:
        self.template = template
        self.operand = operand
        self.key = (template, operand.key)
        self.values = (*operand.values, operand.encode_each(singles(of, operand)))
        self.type = "boolean"

    def sql(self, scope: Scope) -> str:
        return self.template.format(single(self.operand).sql(scope), scope.bind(self.operand))


class Junction(Condition[O]):
    """Conditions joined by AND or OR."""

    __slots__ = ("operands", "word")

    def __init__(self, word: str, operands: tuple[Condition[Any], ...]) -> None:
        self.word = word
        self.operands = operands
        self.key = (word, *(operand.key for operand in operands))
        self.values = tuple(value for operand in operands for value in operand.values)
        self.type = "boolean"

    def sql(self, scope: Scope) -> str:
        return "(" + f" {self.word} ".join(each.sql(scope) for each in self.operands) + ")"


class Call(Expression[O, T, V_co]):
    """A function of one expression, with a result type of its own."""

    __slots__ = ("operand", "template")

    def __init__(self, template: str, operand: Expression[O, Any, Any], type_: str) -> None:
        self.template = template
        self.operand = operand
        self.key = (template, operand.key)
        self.values = operand.values
        self.type = type_

    def sql(self, scope: Scope) -> str:
        return self.template.format(grouped(self.operand, scope))


class Test(Call[O, bool, bool], Condition[O]):
    """A question about one expression: IS NULL, NOT."""

    __slots__ = ()

    def __init__(self, template: str, operand: Expression[O, Any, Any]) -> None:
        super().__init__(template, operand, "boolean")


IS_NULL, IS_NOT_NULL, NOT = "{0} IS NULL", "{0} IS NOT NULL", "NOT {0}"


def comparable(operand: Expression[Any, Any, Any], scope: Scope) -> str:
    """Return the text of an operand as PostgreSQL can compare it, which json cannot be."""
    text = grouped(operand, scope)
    return f"{text}::jsonb" if operand.type == "json" else text


def grouped(operand: Expression[Any, Any, Any], scope: Scope) -> str:
    """Return the text of an operand, in parentheses where it has an operator of its own."""
    text = operand.sql(scope)
    has_operator = isinstance(operand, Condition) and not isinstance(operand, Junction)
    return f"({text})" if has_operator else text
