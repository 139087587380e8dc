"""Define pgvector's columns and distances: `Item.embedding.cosine_distance([0.1, 0.2])`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from ..sql.expressions import Expression, Pair
from ..sql.templates import Template
from .columns import Column

O = TypeVar("O")  # noqa: E741  the model that owns the expression
T = TypeVar("T")
V_co = TypeVar("V_co", covariant=True)

L2, COSINE, INNER_PRODUCT, L1 = (
    Template("(", 0, f" {operator} ", 1, ")") for operator in ("<->", "<=>", "<#>", "<+>")
)

Vector = Sequence[float] | Expression[Any, list[float], Any]


class VectorOperators(Expression[O, T, V_co]):
    """The distances of a vector.

    They order a search for the nearest, `.order_by(Item.embedding.l2_distance(wanted))`, for which
    an index of that operator serves: https://github.com/pgvector/pgvector#querying
    """

    __slots__ = ()

    def l2_distance(self, other: Vector) -> Expression[O, float, float | None]:
        """Return the Euclidean distance (<->)."""
        return Distance(L2, self, other)

    def cosine_distance(self, other: Vector) -> Expression[O, float, float | None]:
        """Return one minus the cosine of the angle (<=>)."""
        return Distance(COSINE, self, other)

    def negative_inner_product(self, other: Vector) -> Expression[O, float, float | None]:
        """Return the inner product times -1, so that the largest comes first (<#>)."""
        return Distance(INNER_PRODUCT, self, other)

    def l1_distance(self, other: Vector) -> Expression[O, float, float | None]:
        """Return the sum of the absolute differences (<+>)."""
        return Distance(L1, self, other)


class VectorColumn(VectorOperators[O, T, V_co], Column[O, T, V_co]):
    """A column of type vector."""

    __slots__ = ()


class Distance(Pair[O, float, float | None]):
    """The distance between two vectors."""

    __slots__ = ()

    def __init__(self, template: Template, left: Expression[O, Any, Any], right: Any) -> None:
        wanted: Any = right
        if not isinstance(right, Expression):
            wanted = left.encode(right)
        super().__init__(template, left, wanted, "double precision")
