"""Load options: which relationships come with the objects of a query, as paths from its model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar, overload

from ..models.relationships import R, Relationship, ToOne
from ..sql.expressions import AnyExpression, Condition, Expression
from ..sql.operands import O
from ..sql.ordering import Order
from ..statements.row_limits import whole_number

if TYPE_CHECKING:
    from ..models.model import Model

Strategy = Literal["selectin", "joined", "json", "none"]
#: A relationship by its name, or as in User.posts.
Named = str | Relationship[Any, Any]

N = TypeVar("N", bound="Model")  # the model that one more step leads to


@dataclass(frozen=True, slots=True)
class Hop:
    """One step of a path as the caller wrote it, before the names in it are looked up."""

    strategy: Strategy
    relationship: Named
    conditions: tuple[Condition[Any], ...] = ()
    by: tuple[tuple[str, object], ...] = ()
    order: tuple[Order[Any] | AnyExpression | str, ...] = ()
    limit: int | None = None
    offset: int | None = None

    @property
    def name(self) -> str:
        """The option's name, for messages."""
        return f"{'no' if self.strategy == 'none' else self.strategy}load"

    @property
    def is_refined(self) -> bool:
        """True where the list is to be filtered, ordered or cut."""
        is_cut = self.limit is not None or self.offset is not None
        return bool(self.conditions or self.by or self.order) or is_cut


class Load(Generic[O, R]):
    """A path of relationships from model O to model R; made by selectinload() and its like.

    filter, order_by, limit and offset are about the list that its last step loads, and hold for
    each parent by itself.
    """

    __slots__ = ("path",)

    def __init__(self, path: Sequence[Hop]) -> None:
        self.path = tuple(path)

    @overload
    def selectinload(self, relationship: Relationship[R, N]) -> Load[O, N]: ...
    @overload
    def selectinload(self, relationship: str) -> Load[O, Any]: ...
    def selectinload(self, relationship: Named) -> Load[O, Any]:
        """Return the path with one more step, read by a query of its own."""
        return Load((*self.path, Hop("selectin", relationship)))

    @overload
    def joinedload(self, relationship: ToOne[R, N]) -> Load[O, N]: ...
    @overload
    def joinedload(self, relationship: str) -> Load[O, Any]: ...
    def joinedload(self, relationship: Named) -> Load[O, Any]:
        """Return the path with one more step, joined to the step before it."""
        return Load((*self.path, Hop("joined", relationship)))

    @overload
    def jsonload(self, relationship: Relationship[R, N]) -> Load[O, N]: ...
    @overload
    def jsonload(self, relationship: str) -> Load[O, Any]: ...
    def jsonload(self, relationship: Named) -> Load[O, Any]:
        """Return the path with one more step, nested in the rows of the step before it."""
        return Load((*self.path, Hop("json", relationship)))

    @overload
    def noload(self, relationship: Relationship[R, N]) -> Load[O, N]: ...
    @overload
    def noload(self, relationship: str) -> Load[O, Any]: ...
    def noload(self, relationship: Named) -> Load[O, Any]:
        """Return the path with one more step, which reads nothing."""
        return Load((*self.path, Hop("none", relationship)))

    def filter(self, *conditions: Condition[R], **by: Any) -> Load[O, R]:
        """Return the path whose list holds only what answers every condition."""
        last = self.path[-1]
        return self._with(conditions=last.conditions + conditions, by=(*last.by, *by.items()))

    def order_by(self, *by: Order[R] | Expression[R, Any, Any] | str) -> Load[O, R]:
        """Return the path whose list comes in this order; "-age" is descending."""
        return self._with(order=self.path[-1].order + by)

    def limit(self, count: int) -> Load[O, R]:
        """Return the path whose list holds at most this many for each parent."""
        return self._with(limit=whole_number("limit", count))

    def offset(self, count: int) -> Load[O, R]:
        """Return the path whose list skips this many for each parent."""
        return self._with(offset=whole_number("offset", count))

    def _with(self, **changes: Any) -> Load[O, R]:
        return Load((*self.path[:-1], replace(self.path[-1], **changes)))


@overload
def selectinload(relationship: Relationship[O, R]) -> Load[O, R]: ...
@overload
def selectinload(relationship: str) -> Load[Any, Any]: ...
def selectinload(relationship: Named) -> Load[Any, Any]:
    """Load a relationship by one more query for all objects at once (WHERE key = ANY(...)).

    The right choice for to-many relationships; it serves to-one as well.
    """
    return Load((Hop("selectin", relationship),))


@overload
def joinedload(relationship: ToOne[O, R]) -> Load[O, R]: ...
@overload
def joinedload(relationship: str) -> Load[Any, Any]: ...
def joinedload(relationship: Named) -> Load[Any, Any]:
    """Load a to-one relationship in the same query, by a LEFT JOIN."""
    return Load((Hop("joined", relationship),))


@overload
def jsonload(relationship: Relationship[O, R]) -> Load[O, R]: ...
@overload
def jsonload(relationship: str) -> Load[Any, Any]: ...
def jsonload(relationship: Named) -> Load[Any, Any]:
    """Load a relationship in the same query, nested in the rows of its parents.

    Step by step, `jsonload(User.posts).jsonload(Post.comments)`, it brings a whole tree in one
    round trip.
    """
    return Load((Hop("json", relationship),))


@overload
def noload(relationship: Relationship[O, R]) -> Load[O, R]: ...
@overload
def noload(relationship: str) -> Load[Any, Any]: ...
def noload(relationship: Named) -> Load[Any, Any]:
    """Leave a relationship empty, a list of nothing or None, without asking the database."""
    return Load((Hop("none", relationship),))
