"""Define Q: keyword conditions across relationships and into JSON, resolved by the query."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from ..errors import UnknownName, UsageError, did_you_mean
from ..sql.expressions import AnyExpression, Condition, Junction, Test
from ..sql.lookups import LOOKUPS
from ..sql.operands import checked_is_null
from ..sql.templates import IS_NULL, NOT
from ..sql.trampoline import Steps, run_steps
from .json_columns import JsonOperators
from .relationships import RelatedValue, Relationship
from .table import Table, checked_conditions


class Unresolved(Condition[Any]):
    """A condition that is resolved when the query's model is known."""

    __slots__ = ()

    is_open = True

    def resolve(self, table: Table) -> Condition[Any]:
        """Return the resolved condition for a model; raises UnknownName and InvalidValue."""
        return run_steps(self.meaning(table))

    def meaning(self, table: Table) -> Steps[Condition[Any]]:
        """Resolve it for a model, on the trampoline."""
        raise NotImplementedError

    @property
    def key(self) -> Hashable:  # type: ignore[override]
        """Raise UsageError: it is used where no query resolves it."""
        raise UsageError(
            "a Q works only in filter(), exclude(), having(), has() and any(), alone or "
            "combined with & | ~; elsewhere write conditions on columns"
        )

    def __and__(self, other: Condition[Any]) -> Condition[Any]:
        return UnresolvedJunction("AND", (self, other))

    def __rand__(self, other: Condition[Any]) -> Condition[Any]:
        return UnresolvedJunction("AND", (other, self))

    def __or__(self, other: Condition[Any]) -> Condition[Any]:
        return UnresolvedJunction("OR", (self, other))

    def __ror__(self, other: Condition[Any]) -> Condition[Any]:
        return UnresolvedJunction("OR", (other, self))

    def __invert__(self) -> Condition[Any]:
        return UnresolvedNegation(self)


class Q(Unresolved):
    """Conditions by keyword, as in `Q(author__name="Ada") | ~Q(settings__plan="pro")`.

    A keyword is a path of names joined by two underscores: relationships, then a column, for
    jsonb its keys and indexes, then an operator. Keywords of one Q must all hold; those through
    one relationship must hold for the same related row. A relationship by itself is compared with
    an object, or with None. Names are resolved by the query that takes the Q, which raises
    UnknownName; type checkers do not see into it.
    """

    __slots__ = ("by", "conditions")

    def __init__(self, *conditions: Condition[Any], **by: Any) -> None:
        if not conditions and not by:
            raise UsageError("an empty Q() is not a condition: give it a condition or a keyword")
        self.conditions = conditions
        self.by: Mapping[str, Any] = by

    def meaning(self, table: Table) -> Steps[Condition[Any]]:
        found = yield resolve_conditions(table, checked_conditions(table, self.conditions))
        found += yield resolve_keywords(table, self.by)
        return found[0] if len(found) == 1 else Junction("AND", found)


class UnresolvedJunction(Unresolved):
    """Conditions joined by AND or OR, at least one of them unresolved."""

    __slots__ = ("operands", "word")

    def __init__(self, word: str, operands: tuple[Condition[Any], ...]) -> None:
        self.word = word
        self.operands = operands

    def meaning(self, table: Table) -> Steps[Condition[Any]]:
        return Junction(self.word, (yield resolve_conditions(table, self.operands)))


class UnresolvedNegation(Unresolved):
    """NOT of an unresolved condition."""

    __slots__ = ("operand",)

    def __init__(self, operand: Unresolved) -> None:
        self.operand = operand

    def meaning(self, table: Table) -> Steps[Condition[Any]]:
        return Test(NOT, (yield self.operand.meaning(table)))


def resolve_conditions(
    table: Table, conditions: Sequence[Condition[Any]]
) -> Steps[tuple[Condition[Any], ...]]:
    """Resolve conditions for a model; resolved ones are returned unchanged."""
    found: list[Condition[Any]] = []
    for each in conditions:
        meant = (yield each.meaning(table)) if isinstance(each, Unresolved) else each
        found.append(meant)
    return tuple(found)


def resolve_keywords(table: Table, by: Mapping[str, Any]) -> Steps[tuple[Condition[Any], ...]]:
    """Resolve the keywords of a Q for a model."""
    found: list[Condition[Any]] = []
    beyond: dict[str, dict[str, Any]] = {}
    for keyword, value in by.items():
        head, rest = table.split(keyword)
        relationship = table.relationships.get(head)
        if relationship is None:
            found.append(column_condition(table, keyword, value))
        elif not rest:
            found.append(is_related_to(relationship, value))
        elif rest == "isnull":
            found.append(is_unrelated(relationship, is_null=value))
        else:
            beyond.setdefault(head, {})[rest] = value
    for name, inner in beyond.items():
        relationship = table.relationship(name)
        below = yield resolve_keywords(relationship.target, inner)
        found.append(relationship.related(below))
    return tuple(found)


def column_condition(table: Table, keyword: str, value: Any) -> Condition[Any]:
    """Return the condition on a column of the table, or on a value inside its JSON."""
    name, rest = table.split(keyword)
    column: Any = table.find(name)
    if column is None:
        known = (*table.by_name, *table.computed_attributes, *table.relationships)
        raise UnknownName(f"{table.label} has no {name!r}: {did_you_mean(name, known)}")
    if not rest or not isinstance(column, JsonOperators):
        return table.condition(keyword, value)
    *steps, operator = rest.split("__")
    if operator not in LOOKUPS:
        steps, operator = [*steps, operator], "eq"
    return LOOKUPS[operator](json_path(column, steps), value)  # pyright: ignore


def json_path(column: JsonOperators[Any, Any, Any], steps: Sequence[str]) -> AnyExpression:
    """Return the value at a path inside a JSON column; digits are an index into an array."""
    for step in steps:
        column = column[int(step) if step.isdecimal() else step]
    return column


def expression_at(table: Table, path: str) -> AnyExpression:
    """Return what a path leads to, through to-one relationships or into JSON."""
    return run_steps(resolve_path(table, path))


def resolve_path(table: Table, path: str) -> Steps[AnyExpression]:
    """Find the column that a path leads to, on the trampoline."""
    if not isinstance(path, str):
        raise UsageError(f"{path!r} is not a column of {table.label}")
    name, rest = table.split(path)
    relationship = table.relationships.get(name)
    if relationship is not None and rest:
        if relationship.is_to_many:
            raise UsageError(
                f"{relationship.label} is a to-many relationship: select one value of its rows "
                f"with {relationship.label}.value(...)"
            )
        found = yield resolve_path(relationship.target, rest)
        return RelatedValue(relationship, found, relationship.related_alive())
    column: Any = table.find(name)
    if rest and isinstance(column, JsonOperators):
        return json_path(column, rest.split("__"))  # pyright: ignore[reportUnknownArgumentType]
    return table.expression(path)


def is_related_to(relationship: Relationship[Any, Any], value: Any) -> Condition[Any]:
    """Return the condition that the relationship leads to this object; None for to nothing."""
    if value is None:
        return is_unrelated(relationship, is_null=True)
    model: Any = type(value)  # pyright: ignore[reportUnknownVariableType]
    if getattr(model, "__table__", None) is not relationship.target:
        raise UsageError(
            f"{relationship.label} can be compared with an object of "
            f"{relationship.target.label} or with None, not with {model.__name__}"
        )
    key = relationship.target.primary_key
    if not all(hasattr(value, column.slot) for column in key):
        raise UsageError(
            f"the {relationship.target.label} given for {relationship.label} has no key yet: "
            f"insert it first"
        )
    return relationship.related([column == getattr(value, column.slot) for column in key])


def is_unrelated(relationship: Relationship[Any, Any], *, is_null: bool) -> Condition[Any]:
    """Return the condition that the relationship leads to nothing, or with False to something."""
    none: Condition[Any]
    if relationship.is_owner:
        nulls: Sequence[Condition[Any]] = [Test(IS_NULL, each) for each in relationship.local]
        none = nulls[0] if len(nulls) == 1 else Junction("OR", tuple(nulls))
    else:
        none = Test(NOT, relationship.related(()))
    return none if checked_is_null(is_null) else Test(NOT, none)
