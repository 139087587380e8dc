"""The plan of a shape: the column, annotation or relationship that each field is read from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import InvalidValue, UnknownName, UsageError, did_you_mean
from ..models.columns import AnyColumn, Column
from ..models.computed import AnyComputed, Computed
from ..models.json_types import is_typed_dict
from ..models.relationships import Relationship
from ..models.table import Table
from ..postgres.enum_labels import OpenLabels
from ..postgres.type_words import type_of
from ..sql.expressions import AnyExpression
from ..sql.trees import may_be_null
from .fields import Field, Shape, shape_of
from .hints import Related, elements_of, hint_text, holds, holds_none, related_of

#: What a query selects by name: the model's columns, or those of group_by(), and annotations.
Sources = Mapping[str, AnyExpression]


#: What of a row of a table can be read by name.
Readable = AnyColumn | AnyComputed


@dataclass(frozen=True, slots=True)
class Leaf:
    """A field that holds one value, and where it comes from."""

    field: Field
    #: The name under which the query knows the expression.
    name: str
    #: The column or computed attribute; None for any other expression, which may hold values of
    #: the query.
    source: Readable | None
    #: The column, or the one that has the type of the computed attribute.
    column: AnyColumn | None
    #: What makes the value of what the driver reads; None where that is the value.
    decode: Callable[[Any], Any] | None
    #: True where the value is checked when it is read, as nothing is known of it before.
    is_checked: bool = False


@dataclass(frozen=True, slots=True)
class Branch:
    """A field that holds related rows, and the plan of one of them."""

    field: Field
    #: A Relationship. Type checkers would take that for a descriptor of this class.
    relationship: Any
    related: Related
    plan: Plan


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """Which values make an object of a shape."""

    shape: Shape
    table: Table
    leaves: tuple[Leaf, ...]
    #: Fields for one related row, and for many.
    ones: tuple[Branch, ...]
    many: tuple[Branch, ...]

    @property
    def mark(self) -> AnyColumn | None:
        """The column that is selected only to tell whether a related row is there.

        None where one of the leaves tells it.
        """
        return self.table.primary_key[0] if self.mark_place is None else None

    @property
    def mark_place(self) -> int | None:
        """The place among the leaves of one that is never NULL; None where there is none."""
        for place, leaf in enumerate(self.leaves):
            column = leaf.source
            # JSON has a null of its own, which is read as None.
            if isinstance(column, Column) and not (column.is_nullable or column.is_json):
                return place
        return None


def plan_of(
    cls: Any, table: Table, named: Sources, *, is_grouped: bool = False, above: tuple[Any, ...] = ()
) -> Plan:
    """Return where the fields of a class come from.

    named: what the query selects by name; annotations come before columns of the same name.
    is_grouped: the rows are groups, which have no relationships.
    above: the classes that this one is nested in.

    Raises UnknownName for a field without a source, InvalidValue for one of a type that cannot hold
    its values, and UsageError for a class of another kind.
    """
    shape = shape_of(cls)
    if shape.kind == "model" and table.model is not cls:
        raise UsageError(f"rows of {table.label} are no {shape.name} objects")
    if shape.kind == "model" and not above:
        raise UsageError(f"rows of this query are {shape.name} objects already: leave out into()")
    if cls in above:
        raise UsageError(
            f"{shape.name} is nested in itself, and its rows would never end: declare another "
            f"class, without the field that leads back, for the inner rows"
        )
    leaves: list[Leaf] = []
    ones: list[Branch] = []
    many: list[Branch] = []
    related: Mapping[str, Relationship[Any, Any]] = {} if is_grouped else table.relationships
    for field in shape.fields:
        name = source_name(field, named, related)
        if name is None:
            if not field.has_default:
                raise UnknownName(missing(shape, field, table, named, related))
        elif name in named:
            leaves.append(leaf_of(shape, field, name, named[name]))
        else:
            branch = branch_of(shape, field, related[name], (*above, cls))
            (many if branch.relationship.is_to_many else ones).append(branch)
    if not leaves and not ones and not many:
        raise UnknownName(f"{table.label} has nothing for any field of {shape.name}")
    return Plan(shape, table, tuple(leaves), tuple(ones), tuple(many))


def sources_of(table: Table) -> Sources:
    """Return what a query of the table selects by name: columns and computed attributes."""
    if not table.computed_attributes:
        return table.by_name
    return {**table.by_name, **table.computed_attributes}


def source_name(field: Field, *sources: Mapping[str, object]) -> str | None:
    """Return the name that a field's value comes under: an alias, or its own; None without any."""
    for name in (*field.aliases, field.name):
        if any(name in each for each in sources):
            return name
    return None


def missing(shape: Shape, field: Field, table: Table, *sources: Mapping[str, object]) -> str:
    """Return the message for a field that nothing fills."""
    known = [name for each in sources for name in each]
    others = f" or {field.aliases[0]!r}" if field.aliases else ""
    return (
        f"{shape.name}.{field.name}: the query of {table.label} has no column, relationship or "
        f"annotation {field.name!r}{others}: {did_you_mean(field.name, known)}"
    )


def leaf_of(shape: Shape, field: Field, name: str, source: AnyExpression) -> Leaf:
    """Return the leaf; raises InvalidValue where the field's type cannot hold the values."""
    computed: AnyComputed | None = source if isinstance(source, Computed) else None
    column: AnyColumn | None = source if isinstance(source, Column) else None
    readable: Readable | None = column
    if computed is not None:
        readable, column = computed, computed.column
    label = f"{shape.name}.{field.name}"
    of = column.label if column is not None else f"annotation {name!r}"
    kinds, elements = kinds_of(source)
    check_kinds(shape, field, kinds, elements, of)
    if column is not None and column.is_nullable and not holds_none(field.hint):
        raise InvalidValue(
            f"{label} is {hint_text(field.hint)}, and {of} may be NULL: declare it as "
            f"{hint_text(field.hint)} | None"
        )
    is_checked = column is None and may_be_null(source) and not holds_none(field.hint)
    decode = None if source.is_plain else source.decode
    return Leaf(field, name, readable, column, decode, is_checked)


def check_kinds(
    shape: Shape, field: Field, kinds: Sequence[type], elements: Sequence[type], of: str
) -> None:
    """Raise InvalidValue where a field's type has no value of these classes.

    elements: the classes of the elements, for an array.
    """
    converts = shape.kind == "pydantic" and not is_strict(shape.cls)
    fits = holds(field.hint, kinds, converts=converts)
    shown = kinds
    if fits and elements:
        inner = elements_of(field.hint)
        fits = not inner or any(holds(each, elements, converts=converts) for each in inner)
        shown = elements
    if not fits:
        names = " or ".join(dict.fromkeys(each.__name__ for each in shown))
        what = f"a list of {names}" if shown is elements else names
        raise InvalidValue(
            f"{shape.name}.{field.name} is {hint_text(field.hint)}, and {of} is read as {what}"
        )


def is_strict(cls: Any) -> bool:
    """Return whether a class of pydantic converts no values."""
    config: Any = getattr(cls, "model_config", None) or getattr(cls, "__pydantic_config__", {})
    return bool(config.get("strict"))


def kinds_of(source: AnyExpression) -> tuple[tuple[type, ...], tuple[type, ...]]:
    """Return the classes of an expression's values, and of their elements for an array."""
    labels: Mapping[str, Any] | None = getattr(value_source(source), "labels", None)
    known = type_of(source.type, labels is not None)
    json_type = getattr(value_source(source), "json_type", None)
    if json_type is not None:
        return (dict if is_typed_dict(json_type.cls) else json_type.cls,), ()
    if getattr(value_source(source), "codec", None) is not None:
        return (), ()
    kinds: tuple[type, ...] = known.base.reads
    if labels:
        kinds = (next(iter(labels.values())).__class__,)
        if isinstance(labels, OpenLabels):
            kinds = (*kinds, str)
    if not known.dimensions:
        return kinds, ()
    return (list,), kinds if known.dimensions == 1 else ()


def value_source(source: AnyExpression) -> Any:
    """Return the expression whose values another one has, such as the column of max()."""
    seen: Any = source
    while (deeper := getattr(seen, "source", None)) is not None:
        seen = deeper
    return seen


def branch_of(
    shape: Shape, field: Field, relationship: Relationship[Any, Any], above: tuple[Any, ...]
) -> Branch:
    """Return the branch; raises InvalidValue where the field is declared as something else."""
    label = f"{shape.name}.{field.name}"
    related = related_of(field.hint)
    many = "a list of a class" if relationship.is_to_many else "a class or None"
    if related is None or related.is_list is not relationship.is_to_many:
        wanted = "list[...]" if relationship.is_to_many else "... | None"
        raise InvalidValue(
            f"{label} is {hint_text(field.hint)}, and {relationship.label} leads to "
            f"{'many rows' if relationship.is_to_many else 'one row'}: declare it as {many} "
            f"({wanted}) such as a dataclass"
        )
    if not relationship.is_to_many and not related.may_be_none and is_optional(relationship):
        raise InvalidValue(
            f"{label} is {hint_text(field.hint)}, and {relationship.label} may lead to no row: "
            f"declare it as {hint_text(field.hint)} | None"
        )
    target = relationship.target
    return Branch(
        field,
        relationship,
        related,
        plan_of(related.cls, target, sources_of(target), above=above),
    )


def is_optional(relationship: Relationship[Any, Any]) -> bool:
    """Return whether a to-one relationship may lead to no row."""
    return not relationship.is_owner or any(each.is_nullable for each in relationship.local)
