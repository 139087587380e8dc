"""Define typed SQL expressions: conditions, comparisons, arithmetic and function calls.

Every node is immutable and knows its ``key``, a hashable description of its shape without values;
its ``values``, in parameter order; and ``sql``, the text, which is written once for each shape.
``trees`` computes all three in linear time and without recursion.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator
from decimal import Decimal
from importlib import import_module
from typing import TYPE_CHECKING, Any, Generic, NoReturn, TypeAlias, overload

from ..errors import UsageError
from ..postgres.truncation import FRACTIONAL
from ..postgres.type_mismatch import uncut
from ..postgres.type_words import scalar_of
from .arithmetic import ArithmeticOperators
from .comparison_types import check_own, foreign_type
from .containment import ContainmentOperators
from .membership import ListOperators
from .operands import check_scalar, checked_is_null, scalar_values
from .operators import check_negative, precedence
from .ordering import Order
from .patterns import TextOperators
from .templates import (
    CARDINALITY,
    DISTINCT,
    EQUAL,
    EQUAL_ANY,
    GREATER,
    GREATER_OR_EQUAL,
    IS_NOT_NULL,
    IS_NULL,
    LESS,
    LESS_OR_EQUAL,
    NEGATIVE,
    NOT,
    NOT_EQUAL,
    NOT_EQUAL_ALL,
    Template,
)
from .trees import MAX_EAGER_HEIGHT, AnyNode, Node, Tree, flattened, separated
from .type_variables import O, T, V_co

if TYPE_CHECKING:
    from .aggregates import Function
    from .arithmetic import E
    from .context import Scope

    #: What a numeric expression is compared with.
    Numeric: TypeAlias = "Decimal | int | Expression[Any, Decimal, Any] | Expression[Any, int, Any]"

NO_TRUTH = (
    "an SQL expression has no truth value in Python: combine conditions with & | ~ "
    "instead of and, or, not"
)
#: Represents a bound value in a key.
BOUND = "$"


class Expression(
    Node[O, T, V_co],
    ArithmeticOperators[O, T, V_co],
    TextOperators[O, T, V_co],
    ContainmentOperators[O, T, V_co],
    ListOperators[O, T, V_co],
    Generic[O, T, V_co],
):
    """An SQL expression over the columns of model O, compared with T, whose rows hold V."""

    __slots__ = ()

    #: True for a Q, which is resolved only when the query's model is known.
    is_open = False
    #: Python types whose values are always sent as this expression's type.
    native: frozenset[type] = frozenset()

    def encode(self, value: object) -> object:
        return uncut(self.type, value) if type(value) in FRACTIONAL else value

    if TYPE_CHECKING:
        # What functions of several values of one type return, for the protocols in choices.py.
        def __filled__(self, value: T, /) -> Function[O, T, T]: ...
        def __nullable__(self, value: T, /) -> Function[O, T, T | None]: ...
        def __unfilled__(self, value: T, /) -> Function[O, T, V_co]: ...

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: object) -> Any:
        """Let pydantic take an expression as it is, as the keywords of update() do.

        JSON holds no expressions: its schema leaves them out.
        """
        pydantic_core: Any = import_module("pydantic_core")

        def omit(*_: object) -> NoReturn:
            raise pydantic_core.PydanticOmit

        taken: Any = pydantic_core.core_schema.is_instance_schema
        return taken(cls, metadata={"pydantic_js_functions": [omit]})

    # Without this, `if User.age == 3` would always be true.
    def __bool__(self) -> NoReturn:
        raise UsageError(NO_TRUTH)

    __hash__ = object.__hash__

    @overload  # type: ignore[override]
    def __eq__(self: Expression[O, Decimal, Any], other: Numeric | None) -> Condition[O]: ...
    @overload
    def __eq__(self, other: T | Expression[Any, T, Any] | None) -> Condition[O]: ...
    def __eq__(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, other: Any
    ) -> Condition[O]:
        return Test(IS_NULL, self) if other is None else Comparison(EQUAL, self, other)

    @overload  # type: ignore[override]
    def __ne__(self: Expression[O, Decimal, Any], other: Numeric | None) -> Condition[O]: ...
    @overload
    def __ne__(self, other: T | Expression[Any, T, Any] | None) -> Condition[O]: ...
    def __ne__(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, other: Any
    ) -> Condition[O]:
        return Test(IS_NOT_NULL, self) if other is None else Comparison(NOT_EQUAL, self, other)

    @overload
    def __lt__(self: Expression[O, Decimal, Any], other: Numeric) -> Condition[O]: ...
    @overload
    def __lt__(self, other: T | Expression[Any, T, Any]) -> Condition[O]: ...
    def __lt__(self, other: Any) -> Condition[O]:
        return Comparison(LESS, self, other)

    @overload
    def __le__(self: Expression[O, Decimal, Any], other: Numeric) -> Condition[O]: ...
    @overload
    def __le__(self, other: T | Expression[Any, T, Any]) -> Condition[O]: ...
    def __le__(self, other: Any) -> Condition[O]:
        return Comparison(LESS_OR_EQUAL, self, other)

    @overload
    def __gt__(self: Expression[O, Decimal, Any], other: Numeric) -> Condition[O]: ...
    @overload
    def __gt__(self, other: T | Expression[Any, T, Any]) -> Condition[O]: ...
    def __gt__(self, other: Any) -> Condition[O]:
        return Comparison(GREATER, self, other)

    @overload
    def __ge__(self: Expression[O, Decimal, Any], other: Numeric) -> Condition[O]: ...
    @overload
    def __ge__(self, other: T | Expression[Any, T, Any]) -> Condition[O]: ...
    def __ge__(self, other: Any) -> Condition[O]:
        return Comparison(GREATER_OR_EQUAL, self, other)

    def __neg__(self) -> Expression[O, T, V_co]:
        check_negative(self)
        return Call(NEGATIVE, self, self.type)

    def asked(self, template: Template, left: Any, right: Any) -> Condition[O]:
        return Comparison(template, left, right)

    def sent_as(self, value: object, type_: str) -> Expression[Any, Any, Any]:
        return Literal(value, type_)

    def own(self, value: object) -> Expression[O, Any, Any]:
        return Bound(self, self.encode(value))

    def combined(self, operator: str, left: Any, right: Any, type_: str) -> Any:
        made: Arithmetic[O, Any, Any] = Arithmetic(operator, left, right, type_)
        return made

    def is_distinct_from(self, other: T | Expression[Any, T, Any] | None) -> Condition[O]:
        """Match where the two differ, NULL being a value like any other."""
        if other is None:
            null: Bound[O, Any] = Bound(self, None)
            return Comparison(DISTINCT, self, null)
        return Comparison(DISTINCT, self, other)

    def among(self, template: Template, values: Any) -> Condition[O]:
        return Membership(template, self, values)

    @overload
    def between(
        self: Expression[O, Decimal, Any], low: Decimal | int, high: Decimal | int
    ) -> Condition[O]: ...
    @overload
    def between(self, low: T, high: T) -> Condition[O]: ...
    def between(self, low: Any, high: Any) -> Condition[O]:
        """Match low <= value <= high, both ends included."""
        return Junction("AND", (self >= low, self <= high))

    def isnull(self, is_null: bool = True) -> Condition[O]:
        """Match NULL, or with False whatever is not NULL."""
        return Test(IS_NULL if checked_is_null(is_null) else IS_NOT_NULL, self)

    def len(self: Expression[O, list[E], Any]) -> Expression[O, int, int]:
        """Return the number of an array's elements; 0 for an empty one."""
        return Call(CARDINALITY, self, "integer")

    def asc(self) -> Order[O]:
        """Order by this, smallest first; PostgreSQL puts NULL last."""
        return Order(self)

    def desc(self) -> Order[O]:
        """Order by this, largest first; PostgreSQL puts NULL first."""
        return Order(self, is_descending=True)


#: Any expression, where its model and its types do not matter.
AnyExpression = Expression[Any, Any, Any]


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
                f"{other!r} is not a condition: put comparisons in parentheses around &, |"
            )
        both: Any = (self, other)
        return NotImplemented if other.is_open else Junction(word, both)

    def __invert__(self) -> Condition[O]:
        """Negate as SQL's NOT does: what is NULL stays NULL, and is not matched."""
        return Test(NOT, self)


class Literal(Expression[Any, T, T]):
    """A bound value with an explicit type, where PostgreSQL could not infer it."""

    __slots__ = ()

    def __init__(self, value: object, type_: str) -> None:
        self.type = type_
        self.key = ("literal", type_)
        self.values = (self.encode(value),)

    def sql(self, scope: Scope) -> str:
        return scope.cast(scope.bind(self), self.type)

    def null_with(self) -> tuple[AnyNode, ...] | None:
        return None if self.values[0] is None else ()


class Bound(Expression[O, T, T]):
    """A value that is sent as the type of the expression beside it."""

    __slots__ = ("target",)

    def __init__(self, target: Expression[O, Any, Any], value: object) -> None:
        """Make the operand of a value that is already encoded for the target."""
        self.target = target
        self.type = target.type
        self.key = BOUND
        self.values = (value,)

    def sql(self, scope: Scope) -> str:
        return self.target.sent(scope.bind(self.target))

    def null_with(self) -> tuple[AnyNode, ...] | None:
        return ()


class Pair(Tree[O, T, V_co], Expression[O, T, V_co]):
    """Two operands in a template; the right one is an expression or a bound value."""

    __slots__ = ("left", "right", "template")

    def __init__(
        self, template: Template, left: Expression[O, Any, Any], right: Any, type_: str
    ) -> None:
        """Make a pair.

        right: an expression; anything else is a value that is already encoded for the left one.
        """
        self.template = template
        self.left = left
        self.type = type_
        self.right: AnyExpression | None = None
        if isinstance(right, Expression):
            self.right = right  # pyright: ignore[reportUnknownMemberType]
        elif left.height < MAX_EAGER_HEIGHT:
            self.height = left.height + 1
            self.key = (template, left.key, BOUND)
            self.values = (*left.values, right)
            return
        else:
            self.right = Bound(left, right)
        self._grow()

    def operands(self) -> tuple[AnyNode, ...]:
        return (self.left,) if self.right is None else (self.left, self.right)

    def mark(self) -> Hashable:
        return self.template

    def null_with(self) -> tuple[AnyNode, ...] | None:
        return () if self.template is DISTINCT else self.operands()

    def pieces(self, scope: Scope) -> Iterator[str | AnyNode]:
        for part in self.template.pieces(scope):
            if isinstance(part, str):
                yield part
            elif part == 0:
                yield from comparable(self.left, scope)
            elif self.right is None:
                is_many = self.template is EQUAL_ANY or self.template is NOT_EQUAL_ALL
                yield self.left.sent(scope.bind(self.left), is_many=is_many)
            else:
                yield from comparable(self.right, scope)


class Comparison(Pair[O, bool, bool], Condition[O]):
    """A comparison operator between an expression and another expression or a value."""

    __slots__ = ()

    def __init__(self, template: Template, left: Expression[O, Any, Any], right: object) -> None:
        if not isinstance(right, Expression):
            foreign = "" if type(right) in left.native else foreign_type(left, right)
            right = left.sent_as(right, foreign) if foreign else left.encode(right)
        super().__init__(template, left, right, "boolean")


class Arithmetic(Tree[O, T, V_co], Expression[O, T, V_co]):
    """An arithmetic operator between two expressions."""

    __slots__ = ("left", "operator", "right")

    def __init__(
        self,
        operator: str,
        left: Expression[O, Any, Any],
        right: AnyExpression,
        type_: str,
    ) -> None:
        self.operator = operator
        self.left = left
        self.right = right
        self.type = type_
        self._grow()

    def operands(self) -> tuple[AnyNode, ...]:
        return self.left, self.right

    def mark(self) -> Hashable:
        return self.operator

    def null_with(self) -> tuple[AnyNode, ...] | None:
        return self.operands()

    def pieces(self, scope: Scope) -> Iterator[str | AnyNode]:
        # Chained operators of one precedence need no parentheses; the server's parser limits how
        # deep those can be nested.
        chained: list[Arithmetic[Any, Any, Any]] = [self]
        first: AnyExpression = self.left
        while isinstance(first, Arithmetic) and precedence(first.operator) == precedence(
            self.operator
        ):
            chained.append(first)
            first = first.left
        yield "("
        yield from grouped(first)
        for each in reversed(chained):
            yield f" {each.operator} "
            yield from grouped(each.right)
        yield ")"


class Membership(Pair[O, bool, bool], Condition[O]):
    """A comparison with the elements of one bound array of any length."""

    __slots__ = ()

    def __init__(
        self, template: Template, operand: Expression[O, T, Any], of: Collection[T]
    ) -> None:
        listed, kinds = scalar_values(of, operand)
        if not kinds <= operand.native:
            check_own(operand, listed, kinds)
        super().__init__(template, operand, operand.encode_each(listed), "boolean")

    def pieces(self, scope: Scope) -> Iterator[str | AnyNode]:
        check_scalar(self.left)
        yield from super().pieces(scope)


class Junction(Tree[O, bool, bool], Condition[O]):
    """Conditions joined by AND or OR."""

    __slots__ = ("_operands", "word")

    def __init__(self, word: str, operands: tuple[Condition[Any], ...]) -> None:
        self.word = word
        self._operands = operands
        self.type = "boolean"
        self._grow()

    def operands(self) -> tuple[AnyNode, ...]:
        return self._operands

    def mark(self) -> Hashable:
        return self.word

    def null_with(self) -> tuple[AnyNode, ...] | None:
        return self._operands

    def pieces(self, scope: Scope) -> Iterator[str | AnyNode]:
        yield "("
        # One flat list, so that the server's parser does not reach its nesting limit.
        yield from separated(f" {self.word} ", flattened(self, self._is_same))
        yield ")"

    def _is_same(self, other: AnyNode) -> bool:
        return isinstance(other, Junction) and other.word == self.word


class Call(Tree[O, T, V_co], Expression[O, T, V_co]):
    """A function call or operator on one expression, with its own result type."""

    __slots__ = ("operand", "template")

    def __init__(self, template: Template, operand: Expression[O, Any, Any], type_: str) -> None:
        self.template = template
        self.operand = operand
        self.type = type_
        self._grow()

    def operands(self) -> tuple[AnyNode, ...]:
        return (self.operand,)

    def mark(self) -> Hashable:
        return self.template

    def pieces(self, scope: Scope) -> Iterator[str | AnyNode]:
        for part in self.template.pieces(scope):
            if isinstance(part, str):
                yield part
            else:
                yield from grouped(self.operand)


class Test(Call[O, bool, bool], Condition[O]):
    """A test of one expression: IS NULL, NOT."""

    __slots__ = ()

    def __init__(self, template: Template, operand: Expression[O, Any, Any]) -> None:
        super().__init__(template, operand, "boolean")

    def null_with(self) -> tuple[AnyNode, ...] | None:
        return (self.operand,) if self.template is NOT else ()


def comparable(operand: AnyExpression, scope: Scope) -> Iterator[str | AnyNode]:
    """Yield an operand; json is cast to jsonb, since PostgreSQL cannot compare json."""
    yield from grouped(operand)
    if not scalar_of(operand.type).has_equality:
        yield scope.cast("", "jsonb")


def grouped(operand: AnyExpression) -> Iterator[str | AnyNode]:
    """Yield an operand, in parentheses where it is an operator expression."""
    if isinstance(operand, Condition) and not isinstance(operand, Junction):
        yield "("
        yield operand
        yield ")"
    else:
        yield operand
