"""Define partial objects: what only() reads, rows of which some columns were left out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Generic, Self

from ..errors import NotLoaded
from ..hints import missing_attribute
from ..other_names.models import PARTS
from .model import Model, PartialMeta, short_repr
from .table import Table, table_of

if TYPE_CHECKING:
    from typing_extensions import TypeVar

    M_co = TypeVar("M_co", bound=Model, covariant=True, default=Any)
else:
    from typing import TypeVar

    M_co = TypeVar("M_co", bound=Model, covariant=True)


class Partial(Generic[M_co], metaclass=PartialMeta):
    """A part of a row of model M: only() reads objects of this type.

    Generated classes such as PartialUser derive from it and declare the attributes of the model.
    Those that were not read raise NotLoaded. A part is not an object of the model: session.update()
    and session.load() take it, and nothing else does.
    """

    #: The table of the model.
    __partial__: ClassVar[Table]

    if TYPE_CHECKING:

        def __itself__(self) -> Self: ...

    else:

        def __getattr__(self, name: str) -> Any:
            # Called for an attribute that is not set.
            table = type(self).__partial__
            loaded = table.relationships.get(name, table.computed_attributes.get(name))
            if loaded is not None:
                try:
                    return object.__getattribute__(self, loaded.slot)
                except AttributeError:
                    raise NotLoaded(loaded.advice) from None
            if name in table.by_name:
                raise NotLoaded(
                    f"{table.label}.{name} is not loaded: add {name!r} to only(), or read the "
                    f"whole object with session.get({table.label}, key)"
                )
            raise missing_attribute(self, name, PARTS)

    def __dir__(self) -> list[str]:
        """Return the names of attributes, without those that were not loaded."""
        kind: Any = type(self)
        slots = kind.__slots__
        return [*self._values(), *[name for name in super().__dir__() if name not in slots]]

    def __repr__(self) -> str:
        """Return the values that are there, long ones cut; those of private columns left out."""
        by_name = type(self).__partial__.by_name
        shown = [
            f"{name}={short_repr.repr(value)}"
            for name, value in self._values().items()
            if name in by_name and not by_name[name].is_private
        ]
        return f"{type(self).__name__}({', '.join(shown)})"

    def __reduce__(self) -> tuple[Any, ...]:
        return restored, (type(self).__partial__.model, self._values())

    def _values(self) -> dict[str, Any]:
        """Return what was read, by the names of the attributes."""
        table = type(self).__partial__
        slots = {name: name for name in table.by_name}
        loaded: tuple[Any, ...] = (
            *table.computed_attributes.values(),
            *table.relationships.values(),
        )
        slots.update({each.name: each.slot for each in loaded})
        found: dict[str, Any] = {}
        for name, slot in slots.items():
            try:
                found[name] = object.__getattribute__(self, slot)
            except AttributeError:
                continue
        return found


def restored(model: type[Model], values: dict[str, Any]) -> Partial[Any]:
    """Return the copy of a partial object."""
    table = model.__table__
    kind: Any = table.partial
    copy: Partial[Any] = kind.__new__(kind)
    for name, value in values.items():
        loaded: Any = table.relationships.get(name, table.computed_attributes.get(name))
        setattr(copy, name if loaded is None else loaded.slot, value)
    return copy


def is_partial(value: object) -> bool:
    """Return whether the value is a partial object."""
    return isinstance(value, Partial)


def table_holding(kind: type[Any]) -> Table:
    """Return the table of a model, or of its partial objects; raises UsageError for others."""
    table = getattr(kind, "__table__", None) or getattr(kind, "__partial__", None)
    return table if isinstance(table, Table) else table_of(kind)
