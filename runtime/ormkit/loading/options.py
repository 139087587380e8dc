"""Load options: the relationships that a query loads eagerly, as paths from its model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, TypeVar, overload

from ..hints import Hinted
from ..models.computed import AnyComputed
from ..models.protocols import ComputedLoad, FilteredLoad, NamedStep, OrderedLoad, P, S_co
from ..models.relationships import R, Relationship, ToOne
from ..other_names.loads import LOADS
from ..sql.expressions import AnyExpression, Condition
from ..sql.order_keys import OrderKey
from ..sql.ordering import Order, descending
from ..sql.type_variables import O
from ..statements.row_limits import whole_number

if TYPE_CHECKING:
    from ..models.model import Model

    class AnyRows(Model):
        """The target of a relationship that was given as text: no type checker knows which."""

        __typed__: AnyRowsQuery

    class AnyRowsQuery:
        """What a load option takes for such a target."""

        def filter(self, *conditions: Condition[Any], **by: Any) -> None: ...
        def order_by(self, *by: OrderKey[Any] | str, desc: bool = False) -> None: ...
        def with_computed(self, *computed: AnyComputed | str) -> None: ...
        def __links__(self, relationship: str) -> None: ...


Strategy = Literal["selectin", "joined", "json", "none"]
#: A relationship: its name, or an attribute such as User.posts.
Named = str | Relationship[Any, Any]

N = TypeVar("N", bound="Model")  # the target of the next relationship
#: The name of a relationship.
L = TypeVar("L", bound=str)
L_co = TypeVar("L_co", bound=str, covariant=True)


@dataclass(frozen=True, slots=True)
class PathPart:
    """One relationship of a path as the caller wrote it, before its name is resolved."""

    strategy: Strategy
    relationship: Named
    conditions: tuple[Condition[Any], ...] = ()
    by: tuple[tuple[str, object], ...] = ()
    order: tuple[Order[Any] | AnyExpression | str, ...] = ()
    limit: int | None = None
    offset: int | None = None
    computed: tuple[AnyComputed | str, ...] = ()

    @property
    def name(self) -> str:
        """The name of the option, for error messages."""
        return f"{'no' if self.strategy == 'none' else self.strategy}load"

    @property
    def is_refined(self) -> bool:
        """True where the option filters, orders or limits the list."""
        is_limited = self.limit is not None or self.offset is not None
        return bool(self.conditions or self.by or self.order) or is_limited


class LoadPath(Hinted, Generic[O, R]):
    """A path of relationships from model O to model R, the base of load options.

    filter, order_by, limit, offset and with_computed apply to the last relationship of the path;
    limit and offset separately for each parent.
    """

    __slots__ = ("path",)

    __hints__: ClassVar[Mapping[str, str]] = LOADS

    def __init__(self, path: Sequence[PathPart]) -> None:
        self.path = tuple(path)

    def _selectinload(self, relationship: Named) -> Load[O, Any]:
        """Extend the path by a relationship that one more query loads."""
        return self._extended("selectin", relationship)

    def _joinedload(self, relationship: Named) -> Load[O, Any]:
        """Extend the path by a to-one relationship that a LEFT JOIN loads in its parent's query."""
        return self._extended("joined", relationship)

    def _jsonload(self, relationship: Named) -> Load[O, Any]:
        """Extend the path by a relationship that is nested in the rows of its parents."""
        return self._extended("json", relationship)

    def _noload(self, relationship: Named) -> Load[O, Any]:
        """Extend the path by a relationship that stays empty, without a query."""
        return self._extended("none", relationship)

    def _filter(self, *conditions: Condition[R], **by: object) -> Load[O, R]:
        """Keep only the related rows that match every condition."""
        last = self.path[-1]
        return self._with(conditions=last.conditions + conditions, by=(*last.by, *by.items()))

    def _filter_by(self, **by: object) -> Load[O, R]:
        """Keep only the related rows that match every keyword, as filter() does."""
        return self._filter(**by)

    def _order_by(self, *by: OrderKey[R] | str, desc: bool = False) -> Load[O, R]:
        """Order the list of each parent; "-age" is descending. The default is by primary key.

        desc: order by all of these in descending order.
        """
        if desc is not False:
            by = descending(by, desc)
        return self._with(order=self.path[-1].order + by)

    def limit(self, count: int) -> Load[O, R]:
        """Load at most `count` related rows for each parent."""
        return self._with(limit=whole_number("limit", count))

    def offset(self, count: int) -> Load[O, R]:
        """Skip the first `count` related rows of each parent."""
        return self._with(offset=whole_number("offset", count))

    def _with_computed(self, *computed: AnyComputed | str) -> Load[O, R]:
        """Select these computed attributes of the related objects with their rows."""
        return self._with(computed=self.path[-1].computed + computed)

    # Model R says which names and keywords these take, by the class of its queries.
    if TYPE_CHECKING:

        @property
        def __target__(self) -> R: ...
        def __itself__(self) -> Load[O, R]: ...
        def __extended__(self) -> Load[O, AnyRows]: ...

        @overload
        def selectinload(self, relationship: Relationship[R, N]) -> Load[O, N]: ...
        @overload
        def selectinload(
            self: LoadPath[O, AnyRows], relationship: Relationship[Any, N]
        ) -> Load[O, N]: ...
        @overload
        def selectinload(self: NamedStep[P, S_co], *by: P.args, **given: P.kwargs) -> S_co: ...
        def selectinload(self: Any, *by: Any, **given: Any) -> Any: ...
        @overload
        def joinedload(self, relationship: ToOne[R, N]) -> Load[O, N]: ...
        @overload
        def joinedload(self: LoadPath[O, AnyRows], relationship: ToOne[Any, N]) -> Load[O, N]: ...
        @overload
        def joinedload(self: NamedStep[P, S_co], *by: P.args, **given: P.kwargs) -> S_co: ...
        def joinedload(self: Any, *by: Any, **given: Any) -> Any: ...
        @overload
        def jsonload(self, relationship: Relationship[R, N]) -> Load[O, N]: ...
        @overload
        def jsonload(
            self: LoadPath[O, AnyRows], relationship: Relationship[Any, N]
        ) -> Load[O, N]: ...
        @overload
        def jsonload(self: NamedStep[P, S_co], *by: P.args, **given: P.kwargs) -> S_co: ...
        def jsonload(self: Any, *by: Any, **given: Any) -> Any: ...
        @overload
        def noload(self, relationship: Relationship[R, N]) -> Load[O, N]: ...
        @overload
        def noload(
            self: LoadPath[O, AnyRows], relationship: Relationship[Any, N]
        ) -> Load[O, N]: ...
        @overload
        def noload(self: NamedStep[P, S_co], *by: P.args, **given: P.kwargs) -> S_co: ...
        def noload(self: Any, *by: Any, **given: Any) -> Any: ...
        def filter(self: FilteredLoad[P, S_co], *args: P.args, **by: P.kwargs) -> S_co: ...
        def filter_by(self: FilteredLoad[P, S_co], *args: P.args, **by: P.kwargs) -> S_co: ...
        def order_by(self: OrderedLoad[P, S_co], *by: P.args, **given: P.kwargs) -> S_co: ...
        def with_computed(self: ComputedLoad[P, S_co], *by: P.args, **given: P.kwargs) -> S_co: ...

    else:
        selectinload, joinedload, jsonload, noload = _selectinload, _joinedload, _jsonload, _noload
        filter, filter_by, order_by = _filter, _filter_by, _order_by
        with_computed = _with_computed

    def _extended(self, strategy: Strategy, relationship: Named) -> Load[O, Any]:
        return Load((*self.path, PathPart(strategy, relationship)))

    def _with(self, **changes: Any) -> Load[O, R]:
        return Load((*self.path[:-1], replace(self.path[-1], **changes)))


class Load(LoadPath[O, R]):
    """A path of relationships from model O to model R; selectinload() and the like create it."""

    __slots__ = ()


class NamedLoad(LoadPath[Any, "AnyRows"], Generic[L_co]):
    """A path of one relationship that was given by this name, of whatever model has it."""

    __slots__ = ()


#: A load option of any model.
AnyLoad = LoadPath[Any, Any]


def load_by(strategy: Strategy, relationship: Named) -> Any:
    """Return the load option of one relationship."""
    kind = NamedLoad[Any] if isinstance(relationship, str) else Load[Any, Any]
    return kind((PathPart(strategy, relationship),))


@overload
def selectinload(relationship: Relationship[O, R]) -> Load[O, R]: ...
@overload
def selectinload(relationship: L) -> NamedLoad[L]: ...
def selectinload(relationship: Named) -> Any:
    """Load a relationship of all objects by one more query (WHERE key = ANY(...)).

    It is the usual choice for to-many relationships, and works for to-one as well.
    """
    return load_by("selectin", relationship)


@overload
def joinedload(relationship: ToOne[O, R]) -> Load[O, R]: ...
@overload
def joinedload(relationship: L) -> NamedLoad[L]: ...
def joinedload(relationship: Named) -> Any:
    """Load a to-one relationship in the same query, by a LEFT JOIN."""
    return load_by("joined", relationship)


@overload
def jsonload(relationship: Relationship[O, R]) -> Load[O, R]: ...
@overload
def jsonload(relationship: L) -> NamedLoad[L]: ...
def jsonload(relationship: Named) -> Any:
    """Load a relationship in the same query, nested in the rows of its parents.

    `jsonload(User.posts).jsonload(Post.comments)` loads a tree of objects in one round trip.
    """
    return load_by("json", relationship)


@overload
def noload(relationship: Relationship[O, R]) -> Load[O, R]: ...
@overload
def noload(relationship: L) -> NamedLoad[L]: ...
def noload(relationship: Named) -> Any:
    """Set a relationship to an empty list or None, without a query."""
    return load_by("none", relationship)
