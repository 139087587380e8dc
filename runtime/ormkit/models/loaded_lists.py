"""Loaded lists: what a to-many relationship holds, which changes by way of the database only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from ..errors import UsageError

if TYPE_CHECKING:
    from .relationships import Relationship


class LoadedList(list[Any]):
    """A list that was loaded; each relationship has a class of its own.

    A change of the list alone would never be written, so that it is refused with the name of what
    writes it. To sort or reverse it changes nothing of what belongs to the object.
    """

    __slots__ = ()

    relationship: ClassVar[Relationship[Any, Any]]

    def __reduce_ex__(self, protocol: Any) -> Any:
        relationship = self.relationship
        return loaded_list, (relationship.table.model, relationship.name), list(self)

    def __setstate__(self, items: list[Any]) -> None:
        super().extend(items)


def refusal(method: str) -> Any:
    """Return what stands in the place of a method that changes a list."""

    def refused(self: LoadedList, *_: Any, **__: Any) -> NoReturn:
        label = self.relationship.label
        owner = self.relationship.table.label.lower()
        raise UsageError(
            f"{label}: a change of the list would never be written; write "
            f"`await session.related({owner}, {label}).{method}`, which the list then follows, or "
            f"take a list of your own, list({owner}.{self.relationship.name})"
        )

    return refused


#: What each method that changes a list is to be written as.
INSTEAD = {
    **dict.fromkeys(("append", "extend", "insert", "__iadd__"), "add(...)"),
    **dict.fromkeys(("remove", "pop", "__delitem__"), "remove(...)"),
    **dict.fromkeys(("__setitem__", "__imul__"), "set([...])"),
    "clear": "clear()",
}
for _name, _method in INSTEAD.items():
    setattr(LoadedList, _name, refusal(_method))


def loaded_list(model: Any, name: str) -> LoadedList:
    """Return an empty list of a model's relationship, for copies."""
    made: LoadedList = model.__table__.relationships[name].list_type()
    return made
