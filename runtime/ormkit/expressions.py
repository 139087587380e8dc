"""Typed SQL expressions: what conditions, orderings and computed values are made of.

Every node is immutable and knows three things: ``key``, a hashable description of its shape in
which values do not take part; ``values``, the values it binds, in the order its text numbers
them; and ``sql``, the text itself. The key finds the compiled statement of an earlier query of
the same shape, so that ``sql`` runs once for each shape.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable
from typing import TYPE_CHECKING, Any, Generic, NoReturn, TypeVar, overload

from .errors import InvalidValue, UsageError

if TYPE_CHECKING:
    from .scope import Scope

O = TypeVar("O")  # noqa: E741  the model that owns the expression
T = TypeVar("T")  # what the expression is compared with
V_co = TypeVar("V_co", covariant=True)  # what a row holds
E = TypeVar("E")  # an array's element

#: Stands in a key for a bound value.
BOUND = "$"


class Expression(Generic[O, T, V_co]):
    """An SQL expression over the columns of model O, compared with T, whose rows hold V."""

    __slots__ = ("key", "type", "values")

    key: Hashable
    values: tuple[object, ...]
    #: PostgreSQL's name of the type; empty where it is not known.
    type: str

    def sql(self, scope: Scope) -> str:
        """Return the text, its parameters numbered by the scope."""
        raise NotImplementedError

    def encode(self, value: object) -> object:
        """Return the value as the driver takes it for this expression's type."""
        return value

    # A condition is not a truth: `if User.age == 3` would always be taken.
    def __bool__(self) -> NoReturn:
        raise UsageError(
            "an SQL expression has no truth value in Python: combine conditions with & | ~ "
            "instead of and, or, not, and hand them to filter()"
        )

    __hash__ = object.__hash__

    def __eq__(  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        self, other: T | Expression[Any, T, Any] | None
    ) -> Condition[O]:
        return Null(self) if other is None else Comparison("{0} = {1}", self, other)

    def __ne__(  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        self, other: T | Expression[Any, T, Any] | None
    ) -> Condition[O]:
        return Null(self, negated=True) if other is None else Comparison("{0} <> {1}", self, other)

    def __lt__(self, other: T | Expression[Any, T, Any]) -> Condition[O]:
        return Comparison("{0} < {1}", self, other)

    def __le__(self, other: T | Expression[Any, T, Any]) -> Condition[O]:
        return Comparison("{0} <= {1}", self, other)

    def __gt__(self, other: T | Expression[Any, T, Any]) -> Condition[O]:
        return Comparison("{0} > {1}", self, other)

    def __ge__(self, other: T | Expression[Any, T, Any]) -> Condition[O]:
        return Comparison("{0} >= {1}", self, other)

    def __add__(self, other: T | Expression[Any, T, Any]) -> Expression[O, T, V_co]:
        return Arithmetic("({0} + {1})", self, other)

    def __sub__(self, other: T | Expression[Any, T, Any]) -> Expression[O, T, V_co]:
        return Arithmetic("({0} - {1})", self, other)

    def __mul__(self, other: T | Expression[Any, T, Any]) -> Expression[O, T, V_co]:
        return Arithmetic("({0} * {1})", self, other)

    def __truediv__(self, other: T | Expression[Any, T, Any]) -> Expression[O, T, V_co]:
        return Arithmetic("({0} / {1})", self, other)

    def __mod__(self, other: T | Expression[Any, T, Any]) -> Expression[O, T, V_co]:
        return Arithmetic("({0} % {1})", self, other)

    def in_(self, values: Collection[T]) -> Condition[O]:
        """Match any of the values; none of them matches nothing. NULL is never in a list."""
        return Membership("{0} = ANY({1})", self, values)

    def notin(self, values: Collection[T]) -> Condition[O]:
        """Match whatever equals none of the values; NULL never does."""
        return Membership("{0} <> ALL({1})", self, values)

    def between(self, low: T, high: T) -> Condition[O]:
        """Match low <= value <= high, both ends included."""
        return Between(self, low, high)

    def isnull(self, is_null: bool = True) -> Condition[O]:
        """Match NULL, or with False whatever is not NULL."""
        return Null(self, negated=not is_null)

    def like(self: Expression[O, str, Any], pattern: str) -> Condition[O]:
        """Match a LIKE pattern: % any text, _ any character, backslash escapes."""
        return Comparison("{0} LIKE {1}", self, pattern)

    def ilike(self: Expression[O, str, Any], pattern: str) -> Condition[O]:
        """Match a LIKE pattern, upper and lower case alike."""
        return Comparison("{0} ILIKE {1}", self, pattern)

    def icontains(self: Expression[O, str, Any], text: str) -> Condition[O]:
        """Match text that has this in it, upper and lower case alike."""
        return Comparison("{0} ILIKE {1}", self, f"%{like_literal(text)}%")

    def startswith(self: Expression[O, str, Any], text: str) -> Condition[O]:
        """Match text that begins with this; every character stands for itself."""
        return Comparison("{0} LIKE {1}", self, f"{like_literal(text)}%")

    def istartswith(self: Expression[O, str, Any], text: str) -> Condition[O]:
        """Match text that begins with this, upper and lower case alike."""
        return Comparison("{0} ILIKE {1}", self, f"{like_literal(text)}%")

    def endswith(self: Expression[O, str, Any], text: str) -> Condition[O]:
        """Match text that ends with this; every character stands for itself."""
        return Comparison("{0} LIKE {1}", self, f"%{like_literal(text)}")

    def iendswith(self: Expression[O, str, Any], text: str) -> Condition[O]:
        """Match text that ends with this, upper and lower case alike."""
        return Comparison("{0} ILIKE {1}", self, f"%{like_literal(text)}")

    def iexact(self: Expression[O, str, Any], text: str) -> Condition[O]:
        """Match equal text, upper and lower case alike."""
        return Comparison("lower({0}) = lower({1})", self, text)

    def regex(self: Expression[O, str, Any], pattern: str) -> Condition[O]:
        """Match a POSIX regular expression anywhere in the text (PostgreSQL's ~)."""
        return Comparison("{0} ~ {1}", self, pattern)

    def iregex(self: Expression[O, str, Any], pattern: str) -> Condition[O]:
        """Match a POSIX regular expression, upper and lower case alike (PostgreSQL's ~*)."""
        return Comparison("{0} ~* {1}", self, pattern)

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
            return Comparison("{0} LIKE {1}", self, f"%{like_literal(value)}%")
        return Comparison("{0} @> {1}", self, as_list(value) if self.is_array else value)

    @overload
    def contained_by(self: Expression[O, list[E], Any], value: Collection[E]) -> Condition[O]: ...
    @overload
    def contained_by(self, value: T) -> Condition[O]: ...
    def contained_by(self, value: Any) -> Condition[O]:
        """Match an array, a range or jsonb that lies wholly within this (PostgreSQL's <@)."""
        return Comparison("{0} <@ {1}", self, as_list(value) if self.is_array else value)

    @overload
    def overlaps(self: Expression[O, list[E], Any], value: Collection[E]) -> Condition[O]: ...
    @overload
    def overlaps(self, value: T) -> Condition[O]: ...
    def overlaps(self, value: Any) -> Condition[O]:
        """Match an array or a range that has anything in common with this (PostgreSQL's &&)."""
        return Comparison("{0} && {1}", self, as_list(value) if self.is_array else value)

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
        return Junction("AND", (self, other))

    def __or__(self, other: Condition[O]) -> Condition[O]:
        return Junction("OR", (self, other))

    def __invert__(self) -> Condition[O]:
        return Negation(self)


class Order(Generic[O]):
    """One key of an ordering."""

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
        direction = " DESC" if self.is_descending else ""
        return f"{self.expression.sql(scope)}{direction}{self.nulls}"


class _Pair(Expression[O, T, V_co]):
    """Two operands in a template; the right one is an expression or a bound value."""

    __slots__ = ("left", "right", "template")

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
        self.type = left.type

    def sql(self, scope: Scope) -> str:
        left = self.left.sql(scope)
        right = scope.bind(self.left) if self.right is None else self.right.sql(scope)
        return self.template.format(left, right)


class Comparison(_Pair[O, bool, bool], Condition[O]):
    """An operator between an expression and another one, or a value."""

    __slots__ = ()

    def __init__(self, template: str, left: Expression[O, Any, Any], right: object) -> None:
        super().__init__(template, left, right)
        self.type = "boolean"


class Arithmetic(_Pair[O, T, V_co]):
    """An arithmetic operator; the result has the left operand's type."""

    __slots__ = ()


class Membership(Condition[O]):
    """A comparison with every element of one bound array, whatever its length."""

    __slots__ = ("operand", "template")

    def __init__(self, template: str, operand: Expression[O, T, Any], of: Collection[T]) -> None:
        self.template = template
        self.operand = operand
        self.key = (template, operand.key)
        self.values = (*operand.values, [operand.encode(value) for value in as_list(of)])
        self.type = "boolean"

    def sql(self, scope: Scope) -> str:
        return self.template.format(self.operand.sql(scope), scope.bind(self.operand))


class Between(Condition[O]):
    """A closed interval of two bound values."""

    __slots__ = ("operand",)

    def __init__(self, operand: Expression[O, T, Any], low: T, high: T) -> None:
        self.operand = operand
        self.key = ("between", operand.key)
        self.values = (*operand.values, operand.encode(low), operand.encode(high))
        self.type = "boolean"

    def sql(self, scope: Scope) -> str:
        operand = self.operand.sql(scope)
        return f"{operand} BETWEEN {scope.bind(self.operand)} AND {scope.bind(self.operand)}"


class Null(Condition[O]):
    """IS NULL, or IS NOT NULL."""

    __slots__ = ("operand", "test")

    def __init__(self, operand: Expression[O, Any, Any], *, negated: bool = False) -> None:
        self.operand = operand
        self.test = "IS NOT NULL" if negated else "IS NULL"
        self.key = (self.test, operand.key)
        self.values = operand.values
        self.type = "boolean"

    def sql(self, scope: Scope) -> str:
        return f"{self.operand.sql(scope)} {self.test}"


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


class Negation(Condition[O]):
    """NOT; a condition that is NULL stays NULL."""

    __slots__ = ("operand",)

    def __init__(self, operand: Condition[O]) -> None:
        self.operand = operand
        self.key = ("NOT", operand.key)
        self.values = operand.values
        self.type = "boolean"

    def sql(self, scope: Scope) -> str:
        return f"NOT ({self.operand.sql(scope)})"


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
        return self.template.format(self.operand.sql(scope))


def is_textual(type_: str) -> bool:
    """Return whether LIKE applies to the type, as opposed to the containment operators."""
    return type_.partition("(")[0] in ("text", "varchar", "char", "citext")


def as_list(values: object) -> list[Any]:
    """Return the collection as a list; text is refused, since it is never meant as its letters."""
    if isinstance(values, (str, bytes)) or not isinstance(values, Collection):
        raise InvalidValue(
            f"a collection of values is needed, not {type(values).__name__}: write [value]"
        )
    return list(values)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]


def like_literal(text: object) -> str:
    r"""Return the text with LIKE's own characters (% _ and \) escaped."""
    if not isinstance(text, str):
        raise InvalidValue(f"text is needed to match text, not {type(text).__name__}")
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
