"""Filters from query parameters: those of a list, and no others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from ..errors import ConfigurationError
from ..models.columns import AnyColumn
from ..models.in_json import InJson
from ..models.model import Model
from ..models.q import Q
from ..models.table import Table, table_of
from ..postgres.enum_labels import OpenLabels
from ..postgres.values import Cidr, Inet
from ..sql.expressions import Condition
from ..sql.lookups import LOOKUPS
from .problems import InvalidParameter

#: Lookups whose pattern may take the server long, or that take no text of a query parameter.
NOT_OFFERED = frozenset(
    ("like", "ilike", "regex", "iregex", "between", "contained_by", "overlaps", "len", "matches")
)
#: What ends the name of a parameter that is meant as a filter.
FILTERING = LOOKUPS.keys() | {"in", "notin"}
#: How many values `name__in` takes.
MOST_VALUES = 100
#: How many filters a request may have.
MOST_FILTERS = 20
#: Begins the names of parameters: frameworks give `request` and others values of their own.
PREFIX = "filter_"


@dataclass(frozen=True, slots=True)
class Filter:
    """A query parameter that filters."""

    name: str
    #: The type of its value.
    kind: Any
    is_list: bool

    @property
    def parameter(self) -> str:
        """Its name in the signature that a framework reads."""
        return f"{PREFIX}{self.name}"


def by_name(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that a framework passes by the names of filters."""
    return {parameter.removeprefix(PREFIX): value for parameter, value in given.items()}


class Filters:
    """The query parameters that a route takes for a model."""

    def __init__(self, model: type[Model], *names: str) -> None:
        """Take the names as in filter(): "age__gte", "name__icontains", "author__name".

        Raises ConfigurationError for a lookup that is not offered, and UnknownName for a name that
        the model does not have.
        """
        self._table = table_of(model)
        self.filters = {name: filter_of(self._table, name) for name in names}

    def condition(self, given: Mapping[str, Any]) -> Condition[Any]:
        """Return the condition for the parameters that a request has; None stands for none."""
        by = {name: value for name, value in given.items() if value is not None}
        for name in list(by)[MOST_FILTERS:]:
            raise InvalidParameter(name, f"is one filter too many: a request has {MOST_FILTERS}")
        for name, value in by.items():
            if self.filters[name].is_list and len(value) > MOST_VALUES:
                raise InvalidParameter(name, f"takes at most {MOST_VALUES} values")
        # Where nothing is asked for, a condition that all rows fulfill, and the server leaves out.
        return Q(**by) if by else self._table.primary_key[0].isnull(False)

    def check(self, names: set[str], declared: Callable[[], Iterable[str]]) -> None:
        """Raise InvalidValue for a parameter that looks like a filter and is none.

        declared: returns the parameters that the route takes for itself.
        """
        suspects = [name for name in sorted(names - self.filters.keys()) if self._is_like(name)]
        for name in sorted({*suspects} - {*declared()} if suspects else ()):
            raise InvalidParameter(name, "is no filter here")

    def _is_like(self, name: str) -> bool:
        """Return whether a name would be a filter of the model, or of one with other columns."""
        head, _, lookup = name.rpartition("__")
        if head and lookup in FILTERING:
            return True
        head = self._table.split(name)[0]
        return self._table.find(head) is not None or head in self._table.relationships


def filter_of(model: Table, name: str) -> Filter:
    """Return what a parameter takes."""
    table, path = model, name
    attribute, lookup = table.split(path)
    while (relationship := table.relationships.get(attribute)) is not None:
        table, path = relationship.target, lookup
        if path == "isnull":
            return Filter(name, bool, False)
        if not path:
            raise ConfigurationError(
                f"{name}: a relationship is compared with an object; name a column of "
                f"{table.label}, as in {name}__{table.primary_key[0].slot}"
            )
        attribute, lookup = table.split(path)
    column: Any = table.expression(attribute)
    if lookup in NOT_OFFERED:
        raise ConfigurationError(
            f"{name}: {lookup} is not offered for query parameters; write a condition of your own"
        )
    if column.is_private:
        raise ConfigurationError(f"{name}: {column.label} is private, and a filter would reveal it")
    if lookup in ("isnull", "isnotnull"):
        return Filter(name, bool, False)
    if column.known.base.bound is not None and not column.is_array:
        raise ConfigurationError(
            f"{name}: a query parameter holds no range; write a condition of your own"
        )
    return Filter(name, kind_of(column), lookup in ("in", "notin"))


def kind_of(column: AnyColumn) -> Any:
    """Return the type of a column's values, for the framework to read."""
    if column.labels is not None:
        is_open = isinstance(column.labels, OpenLabels)
        return str if is_open else next(iter(column.labels.values())).__class__
    reads = column.known.base.reads
    if column.is_object or column.is_array or column.is_json or not reads:
        return str
    kind = next((each for each in (Inet, Cidr) if issubclass(reads[0], each)), reads[0])
    form = column.known.base.json_form
    return kind if form is None else Annotated[kind, InJson(column.known.base.name)]
