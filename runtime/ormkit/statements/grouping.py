"""GROUP BY, HAVING, DISTINCT and DISTINCT ON of a query."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..sql.expressions import AnyExpression, Condition

if TYPE_CHECKING:
    from ..sql.context import Scope

Selected = Sequence[AnyExpression]


@dataclass(frozen=True, slots=True, kw_only=True)
class Grouping:
    """How the rows of a query are grouped or deduplicated.

    by, having: the expressions of GROUP BY, and the conditions of HAVING.
    is_distinct: SELECT DISTINCT.
    on: the expressions of DISTINCT ON.
    """

    by: tuple[AnyExpression, ...] = ()
    having: tuple[Condition[Any], ...] = ()
    is_distinct: bool = False
    on: tuple[AnyExpression, ...] = ()

    @property
    def key(self) -> Hashable:
        """The part of the key in the statement cache."""
        return (
            tuple([each.key for each in self.by]),
            tuple([each.key for each in self.having]),
            self.is_distinct,
            tuple([each.key for each in self.on]),
        )

    @property
    def is_grouped(self) -> bool:
        """True where a row of the result is a group, not a row of the table."""
        return bool(self.by or self.having)

    def bound(self, selected: Selected) -> list[object]:
        """Return the values of GROUP BY and HAVING, without those of selected expressions."""
        by = [each for each in self.by if not (each.values and place_of(each, selected))]
        return [value for each in (*by, *self.having) for value in each.values]

    def sql(self, scope: Scope, selected: Selected) -> str:
        """Return the SQL of GROUP BY and HAVING."""
        text = ""
        if self.by:
            keys = [self._key_sql(each, scope, selected) for each in self.by]
            text = f" GROUP BY {', '.join(keys)}"
        if self.having:
            text += f" HAVING {' AND '.join(each.sql(scope) for each in self.having)}"
        return text

    def bound_on(self, selected: Selected) -> list[object]:
        """Return the values of DISTINCT ON, which precede those of the selected expressions."""
        return [v for each in self.on if not place_of(each, selected) for v in each.values]

    def distinct_sql(self, scope: Scope, selected: Selected) -> str:
        """Return the SQL of DISTINCT, which precedes the selected expressions."""
        if self.on:
            keys = [self._key_sql(each, scope, selected) for each in self.on]
            return f"DISTINCT ON ({', '.join(keys)}) "
        return "DISTINCT " if self.is_distinct else ""

    @staticmethod
    def _key_sql(each: AnyExpression, scope: Scope, selected: Selected) -> str:
        place = place_of(each, selected) if each.values else 0
        return str(place) if place else each.sql(scope)


def place_of(expression: AnyExpression, selected: Selected) -> int:
    """Return the position, from 1, at which the same expression is selected; 0 if it is not.

    PostgreSQL never takes two expressions with different parameters as equal, even if their values
    are. GROUP BY and ORDER BY must name such an expression by its position.
    """
    for place, each in enumerate(selected, 1):
        if each is expression:
            return place
        # The keys of tall trees take time, and trees of different height are never the same.
        is_alike = each.height == expression.height and each.key == expression.key
        if is_alike and each.values == expression.values:
            return place
    return 0
