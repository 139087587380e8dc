"""Load options: which relationships come with the objects of a query, as paths from its model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar, overload

from .expressions import O
from .relationships import R, Relationship, ToOne

if TYPE_CHECKING:
    from .model import Model

Strategy = Literal["selectin", "joined"]
#: A relationship by its name, or as in User.posts.
Named = str | Relationship[Any, Any]

N = TypeVar("N", bound="Model")  # the model that one more step leads to


class Load(Generic[O, R]):
    """A path of relationships from model O to model R; made by selectinload() and joinedload()."""

    __slots__ = ("path",)

    def __init__(self, path: tuple[tuple[Strategy, Named], ...]) -> None:
        self.path = path

    @overload
    def selectinload(self, relationship: Relationship[R, N]) -> Load[O, N]: ...
    @overload
    def selectinload(self, relationship: str) -> Load[O, Any]: ...
    def selectinload(self, relationship: Named) -> Load[O, Any]:
        """Return the path with one more step, read by a query of its own."""
        return Load((*self.path, ("selectin", relationship)))

    @overload
    def joinedload(self, relationship: ToOne[R, N]) -> Load[O, N]: ...
    @overload
    def joinedload(self, relationship: str) -> Load[O, Any]: ...
    def joinedload(self, relationship: Named) -> Load[O, Any]:
        """Return the path with one more step, joined to the step before it."""
        return Load((*self.path, ("joined", relationship)))


@overload
def selectinload(relationship: Relationship[O, R]) -> Load[O, R]: ...
@overload
def selectinload(relationship: str) -> Load[Any, Any]: ...
def selectinload(relationship: Named) -> Load[Any, Any]:
    """Load a relationship by one more query for all objects at once (WHERE key = ANY(...)).

    The right choice for to-many relationships; it serves to-one as well.
    """
    return Load((("selectin", relationship),))


@overload
def joinedload(relationship: ToOne[O, R]) -> Load[O, R]: ...
@overload
def joinedload(relationship: str) -> Load[Any, Any]: ...
def joinedload(relationship: Named) -> Load[Any, Any]:
    """Load a to-one relationship in the same query, by a LEFT JOIN."""
    return Load((("joined", relationship),))
