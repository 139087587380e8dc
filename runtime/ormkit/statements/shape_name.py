"""The name of a statement's shape: the call that an application would write, without values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..models.columns import Column
from ..models.relationships import Exists
from ..sql.expressions import AnyExpression, Call, Junction, Pair
from ..sql.templates import (
    CONTAINED_BY,
    CONTAINS,
    DISTINCT,
    EQUAL,
    EQUAL_ANY,
    GREATER,
    GREATER_OR_EQUAL,
    IEXACT,
    ILIKE,
    IN,
    IREGEX,
    IS_NOT_NULL,
    IS_NULL,
    LESS,
    LESS_OR_EQUAL,
    LIKE,
    NOT_EQUAL,
    NOT_EQUAL_ALL,
    NOT_IN,
    OVERLAPS,
    REGEX,
    Template,
)

if TYPE_CHECKING:
    from ..models.table import Table
    from ..sql.ordering import Order
    from .select import Select

#: How a keyword of filter() ends that makes a condition of this template.
ENDINGS: dict[Template, str] = {
    EQUAL: "",
    NOT_EQUAL: "__ne",
    GREATER: "__gt",
    GREATER_OR_EQUAL: "__gte",
    LESS: "__lt",
    LESS_OR_EQUAL: "__lte",
    EQUAL_ANY: "__in",
    IN: "__in",
    NOT_EQUAL_ALL: "__notin",
    NOT_IN: "__notin",
    DISTINCT: "__is_distinct_from",
    LIKE: "__like",
    ILIKE: "__ilike",
    REGEX: "__regex",
    IREGEX: "__iregex",
    IEXACT: "__iexact",
    CONTAINS: "__contains",
    CONTAINED_BY: "__contained_by",
    OVERLAPS: "__overlaps",
    IS_NULL: "__isnull",
    IS_NOT_NULL: "__isnotnull",
}
#: What stands for a condition that no keyword says.
OTHER = "..."
#: How deep conditions on related rows are spelled out.
DEEPEST = 4


@dataclass(frozen=True, slots=True)
class ShapeName:
    """What an application called: a model or relationship, a method, and what it named."""

    #: The model or relationship, such as `User` or `User.posts`.
    label: str
    #: The method that ends the call, such as `all`, `get` or `insert`.
    method: str
    #: The table that the statement reads or writes first.
    table: Table
    #: The keywords of its filter(), such as `age__gte`.
    keywords: tuple[str, ...] = ()
    #: The further calls, such as `order_by(-age)`.
    further: tuple[str, ...] = ()

    def __str__(self) -> str:
        filtered = [f"filter({', '.join(self.keywords)})"] if self.keywords else []
        return ".".join([self.label, *filtered, *self.further, self.method])

    @classmethod
    def of(cls, table: Table, method: str) -> ShapeName:
        """Return the name of a method of the session that takes a model or its objects."""
        return cls(table.label, method, table)

    @classmethod
    def of_query(cls, select: Select, method: str) -> ShapeName:
        """Return the name of a query, which holds none of its values."""
        further: list[str] = []
        if select.grouping is not None:
            grouping = select.grouping
            further.append("group_by()" if grouping.is_grouped else "distinct()")
        if select.order:
            further.append(f"order_by({', '.join(map(order_word, select.order))})")
        if select.limit is not None:
            further.append("limit()")
        if select.offset is not None:
            further.append("offset()")
        if select.lock is not None:
            further.append(f"for_{select.lock.strength.lower().replace(' ', '_')}()")
        table = select.table
        keywords = tuple(keywords_of(select.where))
        return cls(table.label, method, table, keywords, tuple(further))


def keywords_of(conditions: Sequence[AnyExpression], depth: int = 0) -> Iterator[str]:
    """Yield the keyword that stands for each condition; `...` where none does.

    depth: how many conditions on related rows enclose them.
    """
    for condition in conditions:
        if isinstance(condition, Pair):
            yield keyword(condition.template, condition.left)  # pyright: ignore
        elif isinstance(condition, Junction) and condition.word == "AND" and condition.height < 4:
            operands: Any = condition.operands()
            yield from keywords_of(operands, depth)
        elif isinstance(condition, Call):
            yield keyword(condition.template, condition.operand)  # pyright: ignore
        elif isinstance(condition, Exists) and depth < DEEPEST:
            asked: Any = condition
            inner = ", ".join(keywords_of(asked.conditions, depth + 1))
            yield f"{asked.relationship.name}.{asked.relationship.question}({inner})"
        else:
            yield OTHER


def keyword(template: Template, operand: AnyExpression) -> str:
    """Return the keyword of filter() for a condition on a column."""
    ending = ENDINGS.get(template)
    return OTHER if ending is None or not isinstance(operand, Column) else operand.slot + ending


def order_word(order: Order[Any]) -> str:
    """Return the argument of order_by() for a key."""
    expression = order.expression
    name = expression.slot if isinstance(expression, Column) else OTHER
    return f"-{name}" if order.is_descending else name
