"""Result: the rows and the row count of a raw SQL statement."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from ..errors import MultipleFound, NotFound, UnknownName, did_you_mean
from ..hints import Hinted
from ..models.table import table_of
from ..other_names.engines import RESULTS
from ..postgres.values import Record, whole_row
from ..shapes.gc_pause import with_gc_paused
from ..shapes.results import objects_of

if TYPE_CHECKING:
    from ..models.model import Model

T = TypeVar("T")
M = TypeVar("M", bound="Model")

_COUNT = re.compile(r" (\d+)$")


class Result(Hinted):
    """The rows of one statement, as dicts, tuples, columns or a scalar.

    It keeps the driver's records, and converts them on each call.
    """

    __slots__ = ("_records", "_status")

    __hints__: ClassVar[Mapping[str, str]] = RESULTS

    def __init__(self, records: list[Record], status: str) -> None:
        self._records = records
        self._status = status

    def __len__(self) -> int:
        """Return the number of rows that were returned."""
        return len(self._records)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Iterate over the rows as dicts."""
        return iter(self.all())

    def __repr__(self) -> str:
        return f"<Result {self._status or len(self)}>"

    @property
    def rowcount(self) -> int:
        """The number of rows that the statement returned or changed; 0 for DDL and the like."""
        found = _COUNT.search(self._status)
        return int(found.group(1)) if found else len(self._records)

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns; empty where no row was returned."""
        return tuple(self._records[0].keys()) if self._records else ()

    def all(self) -> list[dict[str, Any]]:
        """Return each row as a dict; of columns with the same name, the last one wins."""
        if not self._records:
            return []
        return with_gc_paused(dict_maker(self.columns), self._records)

    def tuples(self) -> list[tuple[Any, ...]]:
        """Return each row as a tuple."""
        return with_gc_paused(as_tuples, self._records)

    def into(self, cls: type[T]) -> list[T]:
        """Return each row as an object of a class of your own, or of a generated model.

        cls: a dataclass, NamedTuple, TypedDict, msgspec Struct, pydantic model or generated model.
            Its fields take the columns of their names; further columns are left out.

        Raises UnknownName for a field that no column fills, and InvalidValue for one of a type that
        cannot hold what its column has.
        """
        records = self._records
        return with_gc_paused(lambda rows: objects_of(cls, self.columns, rows), records)

    def to_models(self, model: type[M]) -> list[M]:
        """Return each row as an object of a generated model, all of whose columns it must have.

        The objects are as if read outside a transaction: only update() writes changes of them.

        Raises UsageError for another class, which into() takes.
        """
        table_of(model)
        return self.into(model)

    def column(self, name: str | int = 0) -> list[Any]:
        """Return the values of one column, by name or by position from 0; raises UnknownName."""
        if not self._records:
            return []
        if isinstance(name, str) and name not in self.columns:
            raise UnknownName(
                f"the result has no column {name!r}: {did_you_mean(name, self.columns)}"
            )
        if isinstance(name, str):
            return [record[name] for record in self._records]
        count = len(self.columns)
        if not isinstance(name, int) or not -count <= name < count:
            if not count:
                raise UnknownName("the result has no columns")
            raise UnknownName(
                f"the result has {count} columns: a position must be from 0 to {count - 1}"
            )
        return [record[name] for record in self._records]

    def first(self) -> dict[str, Any] | None:
        """Return the first row as a dict, or None."""
        return dict(self._records[0].items()) if self._records else None

    def one(self) -> dict[str, Any]:
        """Return the only row as a dict; raises NotFound or MultipleFound."""
        found = self.one_or_none()
        if found is None:
            raise NotFound("the statement returned no row, and one was expected")
        return found

    def one_or_none(self) -> dict[str, Any] | None:
        """Return the only row as a dict, or None without rows; raises MultipleFound."""
        if len(self._records) > 1:
            raise MultipleFound(f"the statement returned {len(self._records)} rows, not one")
        return self.first()

    def scalar(self) -> Any:
        """Return the first column of the first row, or None."""
        return self._records[0][0] if self.columns else None

    def scalars(self) -> list[Any]:
        """Return the first column of each row; see column()."""
        return self.column()


def as_tuples(rows: Sequence[Any]) -> list[Any]:
    """Return rows as tuples."""
    return list(map(whole_row, rows))


@lru_cache(maxsize=512)
def dict_maker(columns: tuple[str, ...]) -> Callable[[Sequence[Record]], list[dict[str, Any]]]:
    """Return a function that converts rows with these columns to dicts.

    Its generated source, `{"id": v0, "name": v1}`, takes less than half the time of dict(record).
    The names are written as literals, so that any name is safe.
    """
    names = [f"v{number}" for number in range(len(columns))]
    if not columns:
        return lambda rows: [{} for _ in rows]
    items = ", ".join(f"{column!r}: {name}" for column, name in zip(columns, names, strict=True))
    source = f"lambda rows: [{{{items}}} for ({', '.join(names)},) in map(whole_row, rows)]"
    known: dict[str, Any] = {"__builtins__": {}, "map": map, "whole_row": whole_row}
    return eval(source, known)  # type: ignore[no-any-return]
