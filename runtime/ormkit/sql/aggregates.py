"""Define SQL function calls, aggregates and window functions."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Generic

from ..errors import UsageError
from .expressions import AnyExpression, Condition, Expression, grouped
from .ordering import Order
from .trees import AnyNode, Tree
from .type_variables import O, T, V_co
from .wrapper import unwrapped

if TYPE_CHECKING:
    from .context import Scope

Ordering = Order[Any] | AnyExpression
#: First and last row of a frame, relative to the current row; None is unbounded.
Frame = tuple[int | None, int | None]


class Function(Tree[O, T, V_co], Expression[O, T, V_co]):
    """A function call; with a source it decodes its result as the source does."""

    __slots__ = ("arguments", "convert", "name", "prefix", "source")

    def __init__(
        self,
        name: str,
        arguments: Sequence[AnyExpression],
        type_: str = "",
        *,
        source: AnyExpression | None = None,
        convert: Callable[[Any], Any] | None = None,
        prefix: str = "",
    ) -> None:
        """Describe a call.

        prefix: what stands before the arguments, such as DISTINCT.
        source: the argument whose values it returns, and which tells how they are read.
        convert: what makes a value out of the driver's, for a type of its own.
        """
        self.name = name
        self.prefix = prefix
        self.arguments = tuple(arguments)
        self.source = None if source is None else value_source(source)
        self.convert = convert
        self.type = source.type if source is not None and not type_ else type_
        self._grow()

    def operands(self) -> tuple[AnyNode, ...]:
        return self.arguments

    def mark(self) -> Hashable:
        return self.name, self.prefix

    def called(self, scope: Scope) -> str:
        """Return the name as the text calls it, noted as called."""
        return scope.call(self.name)

    def pieces(self, scope: Scope) -> Iterator[str | AnyNode]:
        yield f"{self.called(scope)}({self.prefix}"
        for place, argument in enumerate(self.arguments):
            if place:
                yield ", "
            yield from grouped(argument)
        yield ")"

    def encode(self, value: object) -> object:
        return super().encode(value) if self.source is None else self.source.encode(value)

    def decode(self, value: Any) -> Any:
        if self.convert is not None:
            return None if value is None else self.convert(value)
        return value if self.source is None else self.source.decode(value)

    @property
    def is_plain(self) -> bool:
        return self.convert is None and (self.source is None or self.source.is_plain)


class Aggregate(Function[O, T, V_co]):
    """A function over many rows: of a group, of the whole query, or of a window."""

    __slots__ = ("where",)

    where: Condition[Any] | None

    def __init__(
        self,
        name: str,
        arguments: Sequence[AnyExpression],
        type_: str = "",
        *,
        source: AnyExpression | None = None,
        convert: Callable[[Any], Any] | None = None,
        prefix: str = "",
        where: Condition[Any] | None = None,
    ) -> None:
        self.where = where
        super().__init__(name, arguments, type_, source=source, convert=convert, prefix=prefix)

    def filter(self, *conditions: Condition[O]) -> Aggregate[O, T, V_co]:
        """Take only the rows that answer every condition: FILTER (WHERE ...)."""
        if not conditions:
            return self
        for each in conditions:
            if not isinstance(each, Condition):
                raise UsageError(f"filter() of an aggregate takes conditions, not {each!r}")
        where = conditions[0]
        for condition in conditions[1:]:
            where = where & condition
        return Aggregate(
            self.name,
            self.arguments,
            self.type,
            source=self.source,
            convert=self.convert,
            prefix=self.prefix,
            where=where if self.where is None else self.where & where,
        )

    def operands(self) -> tuple[AnyNode, ...]:
        return self.arguments if self.where is None else (*self.arguments, self.where)

    def mark(self) -> Hashable:
        return (self.name, self.prefix, self.where is not None)

    def over(
        self,
        *,
        partition_by: AnyExpression | Sequence[AnyExpression] = (),
        order_by: Ordering | Sequence[Ordering] = (),
        rows: Frame | None = None,
    ) -> Expression[O, T, V_co]:
        """Compute it for each row over the rows around it; see WindowFunction.over."""
        return Window(self, partition_by, order_by, rows)

    def pieces(self, scope: Scope) -> Iterator[str | AnyNode]:
        if scope.bars_aggregates:
            raise UsageError(
                "an aggregate cannot be used in filter(), since it is computed after the rows "
                "are filtered; use having() after group_by(), or a subquery"
            )
        yield from super().pieces(scope)
        if self.where is not None:
            yield " FILTER (WHERE "
            yield self.where
            yield ")"


def value_source(source: AnyExpression) -> AnyExpression:
    """Return the expression that decodes the values of a call."""
    source = unwrapped(source)
    while isinstance(source, Function) and source.convert is None and source.source is not None:
        source = source.source
    return source


class WindowFunction(Generic[O, T, V_co]):
    """A function that needs a window: complete it with `.over(...)`."""

    __slots__ = ("_function",)

    def __init__(self, function: Function[O, T, V_co]) -> None:
        self._function = function

    def over(
        self,
        *,
        partition_by: AnyExpression | Sequence[AnyExpression] = (),
        order_by: Ordering | Sequence[Ordering] = (),
        rows: Frame | None = None,
    ) -> Expression[O, T, V_co]:
        """Compute it for each row over the rows around it.

        partition_by: expressions; rows with equal values form a partition. By default all rows do.
        order_by: the order of the rows in a partition.
        rows: the frame as (first, last), relative to the current row: (-2, 0) is the last three
            rows, (None, 0) all up to the current one. None is PostgreSQL's default frame.
        """
        return Window(self._function, partition_by, order_by, rows)


class Window(Expression[O, T, V_co]):
    """A function OVER (PARTITION BY ... ORDER BY ... ROWS ...)."""

    __slots__ = ("frame", "function", "order", "partition")

    def __init__(
        self,
        function: Function[O, T, V_co],
        partition_by: AnyExpression | Sequence[AnyExpression],
        order_by: Ordering | Sequence[Ordering],
        rows: Frame | None,
    ) -> None:
        self.function = function
        self.partition = window_parts("partition_by", partition_by, Expression)
        ordered = window_parts("order_by", order_by, (Expression, Order))
        self.order = tuple(map(as_order, ordered))
        self.frame = frame_text(rows)
        parts = [*self.partition, *self.order]
        keys: list[Hashable] = [part.key for part in parts]
        self.key = ("over", function.key, len(self.partition), self.frame, *keys)
        self.values = function.values + tuple(value for part in parts for value in part.values)
        self.type = function.type

    def sql(self, scope: Scope) -> str:
        # Parameters are numbered in text order: those of the function come first.
        text = self.function.sql(scope)
        words: list[str] = []
        if self.partition:
            words.append(f"PARTITION BY {', '.join(each.sql(scope) for each in self.partition)}")
        if self.order:
            words.append(f"ORDER BY {', '.join(each.sql(scope) for each in self.order)}")
        if self.frame:
            words.append(self.frame)
        return f"{text} OVER ({' '.join(words)})"

    def decode(self, value: Any) -> Any:
        return self.function.decode(value)

    @property
    def is_plain(self) -> bool:
        return self.function.is_plain


def window_parts(name: str, given: Any, kinds: Any) -> tuple[Any, ...]:
    """Return one or several parts of a window as a tuple; raises UsageError."""
    is_many = type(given) in (list, tuple)
    parts: tuple[Any, ...] = tuple(given) if is_many else (given,)
    for part in parts:
        if not isinstance(part, kinds):
            raise UsageError(f"{name} takes columns and expressions such as User.age, not {part!r}")
    return parts


def as_order(by: Any) -> Order[Any]:
    """Return an ORDER BY key; a plain expression is ascending."""
    return by if isinstance(by, Order) else by.asc()  # pyright: ignore


def frame_text(rows: Frame | None) -> str:
    """Return the SQL of a frame, "" for PostgreSQL's default; raises UsageError."""
    if rows is None:
        return ""
    if not isinstance(rows, tuple) or len(rows) != 2:
        raise UsageError("rows must be a pair (first, last), such as (-2, 0)")
    first, last = rows
    for end in rows:
        if not (end is None or (isinstance(end, int) and not isinstance(end, bool))):
            raise UsageError("rows must be a pair of whole numbers or None, such as (-2, 0)")
    begin = "UNBOUNDED PRECEDING" if first is None else offset_text(first)
    return f"ROWS BETWEEN {begin} AND " + (
        "UNBOUNDED FOLLOWING" if last is None else offset_text(last)
    )


def offset_text(offset: int) -> str:
    """Return the SQL of one end of a frame."""
    if offset == 0:
        return "CURRENT ROW"
    return f"{abs(offset)} {'PRECEDING' if offset < 0 else 'FOLLOWING'}"
