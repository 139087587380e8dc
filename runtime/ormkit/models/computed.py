"""Define computed attributes: `Movie.avg_rating`, an SQL expression that a schema gives a name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Never, Self

from ..errors import UsageError
from ..sql.context import Routine
from ..sql.type_variables import O, T, V_co
from ..sql.wrapper import Wrapper
from .columns import AnyColumn, Column, new_key
from .json_columns import JsonOperators
from .relationships import Relationship
from .table import Table
from .text_search import SearchOperators
from .vectors import VectorOperators

if TYPE_CHECKING:
    from ..sql.context import Scope
    from ..sql.trees import AnyNode

#: The names of relationships that lead to a table, from the model of the attribute on.
Path = tuple[str, ...]


class Computed(Wrapper[O, T, V_co]):
    """A computed attribute of model O, compared with T, read as V.

    It is an expression like any other: queries filter, order, group and select by it. Objects have
    its value only where a query was asked for it, with with_computed().
    """

    __slots__ = (
        "_calls",
        "_casts",
        "_is_foreign",
        "_parts",
        "column",
        "name",
        "native",
        "slot",
        "source",
        "table",
    )

    name: str
    table: Table

    def __init__(
        self,
        type_: str,
        template: str,
        *,
        is_nullable: bool = False,
        labels: Iterable[Any] | None = None,
        is_open: bool = False,
        is_text: bool = False,
        calls: Sequence[str] = (),
        casts: Sequence[str] = (),
        is_foreign: bool = False,
    ) -> None:
        """Describe a computed attribute.

        type_: PostgreSQL's name of the type.
        template: the SQL expression. `{title}` stands for a column, `{author.name}` for one of a
            related row, and `{reviews: avg({reviews.rating})}` for an aggregate over related rows;
            `{{` and `}}` are braces.
        labels, is_open, is_text: as for a column.
        calls, casts: the functions that it calls and the types that it casts to.
        is_foreign: it calls a function that may change the state of the session.
        """
        column: Any = Column[Any, Any, Any](
            type_, is_nullable=is_nullable, labels=labels, is_open=is_open, is_text=is_text
        )
        #: A column of the same type, which converts values and checks operators.
        self.column: AnyColumn = column
        self.source = column
        self.type = type_
        self.native = self.column.native
        self.key = new_key()
        self.values = ()
        self._parts = parsed(template)
        self._calls = tuple(calls)
        self._casts = tuple(casts)
        self._is_foreign = is_foreign

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name
        #: The slot that holds a value that was selected; unset until then.
        self.slot = f"_{name}"
        self.column.__set_name__(owner, name)

    def __get__(self, model: object, owner: object = None) -> Self:
        return self

    def __set__(self, model: object, value: Never) -> None:
        raise AttributeError(f"{self.label} is computed, and cannot be assigned")

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.label}: {self.type}>"

    def bind(self, table: Table) -> None:
        """Take the table that it belongs to; the model's class calls it once."""
        self.table = self.column.table = table
        self.column.label = self.label

    @property
    def label(self) -> str:
        """ "Movie.avg_rating", for messages."""
        return f"{self.table.label}.{self.name}"

    @property
    def advice(self) -> str:
        """How to load it, for the error that reading it before raises."""
        return (
            f"{self.label} is not loaded: add .with_computed({self.name!r}) to the query, or "
            f"await session.load(objects, {self.label})"
        )

    @property
    def is_array(self) -> bool:
        return self.column.is_array

    def sent(self, parameter: str, *, is_many: bool = False) -> str:
        return self.column.sent(parameter, is_many=is_many)

    def read(self, text: str, scope: Scope) -> str:
        """Return the text that a SELECT reads the value by; see Column.read."""
        return self.column.read(text, scope)

    def null_with(self) -> tuple[AnyNode, ...] | None:
        return self.column.null_with()

    def sql(self, scope: Scope) -> str:
        return self.sql_of(scope, scope.name(self.table))

    def sql_of(self, scope: Scope, alias: str) -> str:
        """Return the text for the row of a table with this alias.

        It is the same wherever a statement repeats it: PostgreSQL then takes an expression in
        GROUP BY, HAVING or ORDER BY for the one that is selected.
        """
        mark = (self.key, alias)
        text = scope.repeated.get(mark)
        if text is None:
            self._note(scope)
            body = Writer(scope, {(): Frame(self.table, alias)}).text(self._parts)
            scope.note_cast(self.column.cast)
            # An average of type numeric(3, 2) has two places. A text is not cut to its length.
            is_rounded = self.column.known.base.arithmetic == "exact"
            wanted = self.column.type if is_rounded else self.column.cast
            text = scope.repeated[mark] = f"({body})::{wanted}"
        return text

    def _note(self, scope: Scope) -> None:
        """Note what decides whether a statement may be sent again, and whether it is like SQL."""
        for name in self._calls:
            schema, _, own = name.rpartition(".")
            scope.called.add(Routine(schema, own))
        scope.cast_to.update(self._casts)
        scope.is_foreign = scope.is_foreign or self._is_foreign


class JsonComputed(  # pyright: ignore[reportIncompatibleMethodOverride]
    JsonOperators[O, T, V_co], Computed[O, T, V_co]
):
    """A computed attribute of type jsonb or json."""

    __slots__ = ()


class SearchComputed(SearchOperators[O, T, V_co], Computed[O, T, V_co]):
    """A computed attribute of type tsvector."""

    __slots__ = ()


class VectorComputed(VectorOperators[O, T, V_co], Computed[O, T, V_co]):
    """A computed attribute of type vector."""

    __slots__ = ()


#: Any computed attribute, where its model and its types do not matter.
AnyComputed = Computed[Any, Any, Any]


class Reference(NamedTuple):
    """A column or a computed attribute, by its path from the model."""

    path: Path


class Aggregation(NamedTuple):
    """An aggregate over the rows at the end of a path of relationships."""

    path: Path
    parts: tuple[Any, ...]


Part = str | Reference | Aggregation

#: A brace that stands for itself, the beginning of a marker, or the end of one.
TOKEN = re.compile(r"\{\{|\}\}|\{([\w.]+)(: |\})|\}")


def parsed(template: str) -> tuple[Part, ...]:
    """Return the parts of a template."""
    opened: list[tuple[Path, list[Any]]] = [((), [])]
    place = 0
    for found in TOKEN.finditer(template):
        parts = opened[-1][1]
        if text := template[place : found.start()]:
            parts.append(text)
        place = found.end()
        if found[0] in ("{{", "}}"):
            parts.append(found[0][0])
        elif found[0] == "}":
            path, inner = opened.pop()
            opened[-1][1].append(Aggregation(path, tuple(inner)))
        elif found[2] == "}":
            parts.append(Reference(tuple(found[1].split("."))))
        else:
            opened.append((tuple(found[1].split(".")), []))
    return (*opened[0][1], template[place:])


class Frame(NamedTuple):
    """A table that the text can refer to, and its alias there."""

    table: Table
    alias: str


class Writer:
    """Writes the parts of a computed attribute as SQL.

    frames: the tables in reach, by their paths from the model; the empty path is its own row.
    """

    def __init__(self, scope: Scope, frames: Mapping[Path, Frame]) -> None:
        self.scope = scope
        self.frames = frames

    def text(self, parts: Iterable[Part]) -> str:
        """Return the text of these parts."""
        return "".join([each if isinstance(each, str) else self._part(each) for each in parts])

    def _part(self, part: Reference | Aggregation) -> str:
        if isinstance(part, Aggregation):
            return self._subquery(part.path, part.parts)
        *path, name = part.path
        base = self._nearest(tuple(path))
        if len(base) < len(path):
            return self._subquery(tuple(path), (part,))
        frame = self.frames[base]
        computed = frame.table.computed_attributes.get(name)
        if computed is not None:
            return computed.sql_of(self.scope, frame.alias)
        return f"{frame.alias}.{frame.table.column(name).quoted}"

    def _subquery(self, path: Path, parts: Sequence[Part]) -> str:
        """Return the SELECT of these parts over the rows at the end of a path."""
        base = self._nearest(path)
        frames, frame = dict(self.frames), self.frames[base]
        tables: list[str] = []
        matches: list[str] = []
        entered: list[Table] = []
        for count in range(len(base), len(path)):
            relationship = frame.table.relationship(path[count])
            frame, table, joined = self._hop(relationship, frame.alias)
            frames[path[: count + 1]] = frame
            tables.append(table)
            matches += joined
            entered.append(frame.table)
        body = Writer(self.scope, frames).text(parts)
        for each in reversed(entered):
            self.scope.leave(each)
        return f"(SELECT {body} FROM {', '.join(tables)} WHERE {' AND '.join(matches)})"

    def _hop(
        self, relationship: Relationship[Any, Any], outer: str
    ) -> tuple[Frame, str, list[str]]:
        """Return the table that a relationship leads to, its FROM, and how its rows match."""
        scope, target = self.scope, relationship.target
        alias = scope.enter(target)
        table, matches = relationship.tables(scope, outer, alias)
        saved, scope.is_qualified = scope.is_qualified, True
        matches += [each.sql(scope) for each in relationship.related_alive()]
        scope.is_qualified = saved
        return Frame(target, alias), table, matches

    def _nearest(self, path: Path) -> Path:
        """Return the longest beginning of a path that is in reach."""
        while path not in self.frames:
            path = path[:-1]
        return path


def computed_named(table: Table, wanted: object) -> AnyComputed:
    """Return a computed attribute of a table, given itself or its name.

    Raises UnknownName or UsageError.
    """
    if isinstance(wanted, str):
        return table.computed_attribute(wanted)
    if not isinstance(wanted, Computed):
        raise UsageError(
            f"with_computed() takes computed attributes of {table.label} or their names, "
            f"not {wanted!r}"
        )
    found: Any = wanted  # pyright: ignore[reportUnknownVariableType]
    if found.table is not table:
        raise UsageError(f"{found.label} is not a computed attribute of {table.label}")
    return found  # type: ignore[no-any-return]
