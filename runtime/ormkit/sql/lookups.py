"""Define the lookups of filter() keywords, such as `gte` in `age__gte=18`."""

from __future__ import annotations

import operator
from collections.abc import Callable, Set
from typing import Any

from ..errors import InvalidValue
from ..postgres.base_type import Family
from .expressions import Condition
from .operands import as_list, checked_is_null, subject

#: How a keyword of filter() ends (`age__gte`) and what it stands for.
LOOKUPS: dict[str, Callable[[Any, Any], Condition[Any]]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
    "in": lambda expression, value: expression.in_(value),
    "notin": lambda expression, value: expression.notin(value),
    "between": lambda expression, value: expression.between(*bounds(value, expression)),
    "isnull": lambda expression, value: expression.isnull(value),
    "isnotnull": lambda expression, value: expression.isnull(
        not checked_is_null(value, "isnotnull")
    ),
    "like": lambda expression, value: expression.like(value),
    "ilike": lambda expression, value: expression.ilike(value),
    "contains": lambda expression, value: expression.contains(value),
    "icontains": lambda expression, value: expression.icontains(value),
    "startswith": lambda expression, value: expression.startswith(value),
    "istartswith": lambda expression, value: expression.istartswith(value),
    "endswith": lambda expression, value: expression.endswith(value),
    "iendswith": lambda expression, value: expression.iendswith(value),
    "iexact": lambda expression, value: expression.iexact(value),
    "regex": lambda expression, value: expression.regex(value),
    "iregex": lambda expression, value: expression.iregex(value),
    "contained_by": lambda expression, value: expression.contained_by(value),
    "overlaps": lambda expression, value: expression.overlaps(value),
    "len": lambda expression, value: expression.len() == value,
    "has_key": lambda expression, value: expression.has_key(value),
    "has_keys": lambda expression, value: expression.has_keys(value),
    "has_any_key": lambda expression, value: expression.has_any_key(value),
    "matches": lambda expression, value: expression.matches(value),
}

#: Operators that compare a column with the value itself.
COMPARISONS = frozenset(
    (operator.eq, operator.ne, operator.gt, operator.ge, operator.lt, operator.le)
)
#: Operators that match text.
PATTERNS = frozenset(
    (
        *("like", "ilike", "contains", "icontains", "startswith", "istartswith", "endswith"),
        *("iendswith", "iexact", "regex", "iregex"),
    )
)
#: Operators that arrays and ranges have.
CONTAINMENT = frozenset(("contains", "contained_by", "overlaps"))
#: Operators of jsonb, including those that match its text.
OF_JSON = PATTERNS | {"contained_by", "has_key", "has_keys", "has_any_key"}
#: Those that only some families of types have.
SPECIAL: dict[Family, Set[str]] = {
    "text": PATTERNS,
    "range": CONTAINMENT,
    "document": frozenset(("matches",)),
}
#: Every operator that not all columns have.
PARTIAL = PATTERNS | CONTAINMENT | OF_JSON | {"len", "matches"}


def operators_of(column: Any) -> Set[str]:
    """Return the operators that a column of its type has, by their names in keywords."""
    special: Set[str] = frozenset()
    if column.is_array:
        return (LOOKUPS.keys() - PARTIAL - {"in", "notin"}) | CONTAINMENT | {"len"}
    if column.is_json:
        special = OF_JSON
    else:
        special = SPECIAL.get(column.known.base.family, special)
    return (LOOKUPS.keys() - PARTIAL) | special


def bounds(value: object, of: object) -> tuple[Any, Any]:
    """Return the two ends that `between` was given."""
    ends = as_list(value, of)
    if len(ends) != 2:
        raise InvalidValue(f"{subject(of)}between needs two values, (low, high), not {len(ends)}")
    return ends[0], ends[1]
