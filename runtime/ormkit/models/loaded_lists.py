"""Define the read-only lists that hold the loaded objects of to-many relationships."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from ..errors import UsageError

if TYPE_CHECKING:
    from .relationships import Relationship


class LoadedList(list[Any]):
    """The loaded objects of a to-many relationship; each relationship has its own subclass.

    Methods that add or remove objects raise UsageError, since the change would never be written;
    the message names the call that writes it. Sorting and reversing are allowed.
    """

    __slots__ = ()

    relationship: ClassVar[Relationship[Any, Any]]

    def __reduce_ex__(self, protocol: Any) -> Any:
        relationship = self.relationship
        return loaded_list, (relationship.table.model, relationship.name), list(self)

    def __setstate__(self, items: list[Any]) -> None:
        super().extend(items)


def refusing(method: str) -> Any:
    """Return the method that replaces a method which changes the list; it raises UsageError."""

    def refused(self: LoadedList, *_: Any, **__: Any) -> NoReturn:
        label = self.relationship.label
        owner = self.relationship.table.label.lower()
        raise UsageError(
            f"{label}: a change to this list would never be written; write `await "
            f"session.related({owner}, {label}).{method}`, which also updates the list, or "
            f"change a copy, list({owner}.{self.relationship.name})"
        )

    return refused


#: The call of a RelatedSet that replaces each method which changes the list.
REPLACEMENTS = {
    **dict.fromkeys(("append", "extend", "insert", "__iadd__"), "add(...)"),
    **dict.fromkeys(("remove", "pop", "__delitem__"), "remove(...)"),
    **dict.fromkeys(("__setitem__", "__imul__"), "set([...])"),
    "clear": "clear()",
}
for _name, _method in REPLACEMENTS.items():
    setattr(LoadedList, _name, refusing(_method))


def loaded_list(model: Any, name: str) -> LoadedList:
    """Return an empty list of a relationship, for copy and pickle."""
    made: LoadedList = model.__table__.relationships[name].list_type()
    return made
