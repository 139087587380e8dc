"""Define the metadata of a model's table, and look models up by name."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from types import ModuleType
from typing import TYPE_CHECKING, Any

from ..errors import UnknownName, UsageError, did_you_mean
from ..hints import operator_hint
from ..postgres.identifiers import quote
from ..sql.expressions import Condition, Expression, Test
from ..sql.lookups import COMPARISONS, LOOKUPS, operators_of
from ..sql.templates import IS_NOT_NULL, IS_NULL
from .columns import AnyColumn, Column

if TYPE_CHECKING:
    from ..sql.expressions import AnyExpression
    from ..sql.ordering import Order
    from .computed import AnyComputed
    from .hooks import Hooks
    from .model import Model
    from .relationships import Relationship


class Table:
    """The table of a model; generated classes hold one as `__table__`."""

    model: type[Model]
    #: The class with the slots: the model, or its base where it has methods of its own.
    holder: type[Model]
    #: The class of partial objects.
    partial: type[Any]
    columns: tuple[AnyColumn, ...]
    by_name: Mapping[str, AnyColumn]
    relationships: Mapping[str, Relationship[Any, Any]]
    computed_attributes: Mapping[str, AnyComputed]
    #: The hooks and validators of the model's own methods; None without any.
    hooks: Hooks | None = None

    def __init__(
        self,
        name: str,
        *,
        schema: str | None = None,
        primary_key: Sequence[str],
        soft_delete: str | None = None,
        version: str | None = None,
        updated_at: str | None = None,
        parents: Sequence[str] = (),
        is_read_only: bool = False,
    ) -> None:
        """Describe a table.

        primary_key: Python names of its columns, in the order of the key; a read-only one may have
            none.
        soft_delete: the column that is NULL while a row lives.
        version: the column that counts the writes of a row.
        updated_at: the column that holds the time of the latest write.
        parents: names of the models that foreign keys of this one point to.
        is_read_only: its rows are never written, as those of a view.
        """
        self.name = name
        self.schema = schema
        self.sql = f"{quote(schema)}.{quote(name)}" if schema else quote(name)
        self._primary_key = tuple(primary_key)
        self._special = (soft_delete, version, updated_at)
        self._parents = tuple(parents)
        self.is_read_only = is_read_only
        self._lookups: dict[str, tuple[AnyColumn, Any]] = {}
        #: A cache of ORDER BY keys by name.
        self.orders: dict[str, Order[Any]] = {}

    def bind(
        self,
        model: type[Model],
        columns: Sequence[AnyColumn],
        relationships: Mapping[str, Relationship[Any, Any]],
        computed: Mapping[str, AnyComputed],
    ) -> None:
        """Take the model's columns, relationships and computed attributes.

        The model's class calls it once.
        """
        self.model = model
        self.label = model.__name__
        self.columns = tuple(columns)
        self.by_name = {column.slot: column for column in columns}
        self.relationships = relationships
        self.computed_attributes = computed
        for place, column in enumerate(columns):
            column.table = self
            column.label = f"{self.label}.{column.slot}"
            column.bit = 1 << place
        for relationship in relationships.values():
            relationship.table = self
        for attribute in computed.values():
            attribute.bind(self)
        self.primary_key = tuple(self.by_name[name] for name in self._primary_key)
        self.soft_delete, self.version, self.updated_at = (
            self.by_name[name] if name else None for name in self._special
        )

        self.identity = (
            self.primary_key if self.version is None else (*self.primary_key, self.version)
        )
        slots = list(self.by_name)
        #: Where the primary key stands in a row of all columns.
        self.key_places = tuple(slots.index(name) for name in self._primary_key)
        #: True where a part of the primary key is an array or JSON, which no dict takes for a key.
        self.has_mutable_key = any(column.is_mutable for column in self.primary_key)

    def __repr__(self) -> str:
        return f"<Table {self.sql}>"

    @property
    def written(self) -> str:
        """Its name in a statement that writes rows; raises UsageError where none may."""
        if self.is_read_only:
            reason = "a view, or a table without a primary key"
            raise UsageError(
                f"{self.label} is read-only, because it is {reason}: write the tables themselves; "
                f'a table becomes writable with key = ["column", ...], which names unique columns'
            )
        return self.sql

    @cached_property
    def computed(self) -> tuple[AnyColumn, ...]:
        """The columns that PostgreSQL computes at every insert and update."""
        return tuple([column for column in self.columns if column.is_computed])

    @cached_property
    def owned(self) -> tuple[Relationship[Any, Any], ...]:
        """The relationships whose foreign key stands in this table."""
        return tuple(each for each in self.relationships.values() if each.is_owner)

    @cached_property
    def owned_by_itself(self) -> tuple[Relationship[Any, Any], ...]:
        """The owned relationships whose target is this table."""
        return tuple(each for each in self.owned if each.target is self)

    @cached_property
    def parents(self) -> tuple[Table, ...]:
        """The other tables that foreign keys of this one refer to."""
        models = [model_named(name, beside=self.model) for name in self._parents]
        return tuple(table for model in models if (table := table_of(model)) is not self)

    @cached_property
    def is_insertable_by_array(self) -> bool:
        """True where no column is an array, which unnest() would flatten."""
        return not any(column.is_array for column in self.columns)

    def alive(self, *, is_deleted: bool = False) -> tuple[Condition[Any], ...]:
        """Return the condition that excludes soft-deleted rows, or with True keeps only those."""
        if self.soft_delete is None:
            return ()
        return (Test(IS_NOT_NULL if is_deleted else IS_NULL, self.soft_delete),)

    def column(self, name: str) -> AnyColumn:
        """Return the column of that Python name; UnknownName with a suggestion otherwise."""
        try:
            return self.by_name[name]
        except KeyError:
            raise self._no_column(name, self.by_name) from None

    def computed_attribute(self, name: str) -> AnyComputed:
        """Return the computed attribute of that name; UnknownName with a suggestion otherwise."""
        try:
            return self.computed_attributes[name]
        except KeyError:
            known = self.computed_attributes
            raise UnknownName(
                f"{self.label} has no computed attribute {name!r}: {did_you_mean(name, known)}"
            ) from None

    def find(self, name: str) -> AnyExpression | None:
        """Return the column or computed attribute of that name, or None."""
        column = self.by_name.get(name)
        return self.computed_attributes.get(name) if column is None else column

    def split(self, path: str) -> tuple[str, str]:
        """Return the first name of a path, and what follows two underscores; empty for nothing.

        A name may end with an underscore itself: `class___gt` is an operator of `class_`.
        """
        name, _, rest = path.partition("__")
        longer = f"{name}_"
        if rest.startswith("_") and (longer in self.relationships or self.find(longer) is not None):
            return longer, rest[1:]
        return name, rest

    def expression(self, name: str) -> AnyExpression:
        """Return the column or computed attribute of that name; UnknownName otherwise."""
        found = self.find(name)
        if found is None:
            raise self._no_column(name, (*self.by_name, *self.computed_attributes))
        return found

    def _no_column(self, name: str, known: Iterable[str]) -> UnknownName:
        if name in self.computed_attributes:
            return UnknownName(
                f"{self.label}.{name} is computed from columns: it is read, and never written; "
                f"with_computed() selects it"
            )
        advice = did_you_mean(name, known)
        bare = name.removeprefix("+").replace("__", " ").replace(".", " ").split(" ")
        if name == "pk" and self.primary_key:
            advice = f"write {', '.join(each.slot for each in self.primary_key)}"
        elif name == "?":
            advice = "write func.random()"
        elif bare[0] in known and "".join(bare[1:]).lower() in ("", "asc", "desc"):
            is_falling = bare[-1].lower() == "desc"
            advice = f"write {('-' if is_falling else '') + bare[0]!r}"
        return UnknownName(f"{self.label} has no column {name!r}: {advice}")

    def relationship(self, name: str) -> Relationship[Any, Any]:
        """Return the relationship of that name; UnknownName with a suggestion otherwise."""
        try:
            return self.relationships[name]
        except KeyError:
            raise UnknownName(
                f"{self.label} has no relationship {name!r}: "
                f"{did_you_mean(name, self.relationships)}"
            ) from None

    def condition(self, keyword: str, value: object) -> Condition[Any]:
        """Return the condition that a keyword of filter() stands for, as in `age__gte=18`."""
        found = self._lookups.get(keyword)
        if found is None:
            found = self._lookups[keyword] = self._resolve(keyword)
        column, lookup = found
        return lookup(column, value)  # type: ignore[no-any-return]

    def binds_as_given(self, by: Mapping[str, object]) -> bool:
        """Return whether conditions with values of these types always have the same shape.

        by: keywords whose conditions were made before.
        """
        for keyword, value in by.items():
            column, lookup = self._lookups[keyword]
            if lookup not in COMPARISONS or value is None or isinstance(value, Expression):
                return False
            if type(column) is not Column or column.is_array:
                return False
            if not column.compares_as_given(type(value)):
                return False
            if not column.is_simple and type(value) is not column.sure:
                return False
        return True

    def moments_in(self, by: Mapping[str, object]) -> tuple[str, ...]:
        """Return the keywords whose values need a time zone."""
        pairs = [(keyword, self._lookups[keyword][0]) for keyword in by]
        return tuple([name for name, column in pairs if column.is_moment(type(by[name]))])

    def _resolve(self, keyword: str) -> tuple[AnyColumn, Any]:
        name, operator = self.split(keyword)
        if name in self.relationships:
            raise UnknownName(
                f"{self.label}.{name} is a relationship: write Q({keyword}=...), or "
                f"{self.label}.{name}.{self.relationships[name].question}(...)"
            )
        column: Any = self.expression(name)
        computed = self.computed_attributes.get(name)
        typed = column if computed is None else computed.column
        known = operators_of(typed)
        if (operator or "eq") not in known:
            hint = operator_hint(
                name,
                column.label,
                operator,
                is_text=typed.known.base.family == "text" and not typed.is_array,
                is_moment=typed.known.base.is_moment and not typed.is_array,
            )
            hint = hint or did_you_mean(operator, known)
            if typed.is_json:
                hint = f"a path into JSON goes into a Q: filter(Q({keyword}=...)); {hint}"
            raise UnknownName(
                f"{column.label} has no operator {operator!r} (in {keyword!r}): {hint}"
            )
        return column, LOOKUPS[operator or "eq"]


def package_of(model: type[Model]) -> ModuleType:
    """Return the generated package that the model belongs to."""
    return sys.modules[model.__module__.rpartition(".")[0] or model.__module__]


def model_named(name: str, *, beside: type[Model]) -> type[Model]:
    """Return the model of that name in the generated package that `beside` belongs to."""
    package = package_of(beside)
    model = getattr(package, name, None)
    if model is None:
        raise UsageError(f"{package.__name__} has no model {name!r}: run ormkit generate again")
    return model  # type: ignore[no-any-return]


def table_of(model: type[Model]) -> Table:
    """Return the model's table; raises UsageError for anything but a generated model."""
    table = getattr(model, "__table__", None)
    if not isinstance(table, Table):
        if isinstance(model, type):
            kind = model.__name__
            whole = getattr(model, "__partial__", None)
            if isinstance(whole, Table):
                raise UsageError(
                    f"{kind} is a part of {whole.label}, which only() reads, and here a whole "
                    f"object is needed: read it without only(), or with get()"
                )
            raise UsageError(
                f"{kind} is not a generated model: give a class such as User, or an object of one"
            )
        raise UsageError(f"{model!r} is not a generated model: pass a class such as User")
    return table


def conditions_of(
    table: Table, conditions: Sequence[Condition[Any]], by: Mapping[str, object]
) -> tuple[Condition[Any], ...]:
    """Return positional and keyword conditions of one filter() call as one tuple."""
    named = tuple(map(table.condition, by, by.values()))
    return (*resolved(table, conditions), *named) if conditions else named


def resolved(table: Table, conditions: Sequence[Condition[Any]]) -> tuple[Condition[Any], ...]:
    """Return the conditions, with each Q resolved for the table's model."""
    meant: Any = checked_conditions(table, conditions)
    for condition in meant:  # any() with a generator is slower
        if condition.is_open:
            return tuple([each.resolve(table) if each.is_open else each for each in meant])
    return tuple(conditions)


def checked_conditions(
    table: Table, conditions: Sequence[Condition[Any]]
) -> Sequence[Condition[Any]]:
    """Return the conditions; raises UsageError for anything but a condition."""
    for condition in conditions:
        if not isinstance(condition, Expression):
            raise UsageError(
                f"{table.label}: {condition!r} is not a condition: write one like "
                f"{table.columns[0].label} == value, or a keyword"
            )
    return conditions
