"""Define the protocols by which sessions type generated classes and their objects."""

from __future__ import annotations

from typing import Any, ParamSpec, Protocol, TypeVar

P = ParamSpec("P")
Q_co = TypeVar("Q_co", covariant=True)
S_co = TypeVar("S_co", covariant=True)


class Queryable(Protocol[Q_co]):
    """A generated model: its class makes queries of its own type."""

    @classmethod
    def __query__(cls, source: Any) -> Q_co: ...


class Typed(Protocol[S_co]):
    """An object of a generated model, or a part of one, by the class of the model's queries.

    The query's class knows the names and types of all attributes. The protocols below pass them on
    to methods that take the object.
    """

    @property
    def __typed__(self) -> S_co: ...


class Filtering(Protocol[P]):
    """A query, by the parameters of its filter()."""

    def filter(self, *conditions: P.args, **by: P.kwargs) -> object: ...


class Excluding(Protocol[P, S_co]):
    """A query, by the parameters of its filter(), and its own type."""

    def filter(self, *conditions: P.args, **by: P.kwargs) -> object: ...
    def __itself__(self) -> S_co: ...


class Ordering(Protocol[P]):
    """A query, by the parameters of its order_by()."""

    def order_by(self, *by: P.args, **given: P.kwargs) -> object: ...


class Computing(Protocol[P]):
    """A query, by the parameters of its with_computed()."""

    def with_computed(self, *computed: P.args, **given: P.kwargs) -> object: ...


class Linking(Protocol[P]):
    """A query, by the names of its model's relationships."""

    def __links__(self, *relationship: P.args, **given: P.kwargs) -> None: ...


class FilteredLoad(Protocol[P, S_co]):
    """A load option, by what filters the rows of its target, and its own type."""

    @property
    def __target__(self) -> Typed[Filtering[P]]: ...
    def __itself__(self) -> S_co: ...


class OrderedLoad(Protocol[P, S_co]):
    """A load option, by what orders the rows of its target, and its own type."""

    @property
    def __target__(self) -> Typed[Ordering[P]]: ...
    def __itself__(self) -> S_co: ...


class ComputedLoad(Protocol[P, S_co]):
    """A load option, by the computed attributes of its target, and its own type."""

    @property
    def __target__(self) -> Typed[Computing[P]]: ...
    def __itself__(self) -> S_co: ...


class NamedStep(Protocol[P, S_co]):
    """A load option, by the relationships of its target, and its type after one more step."""

    @property
    def __target__(self) -> Typed[Linking[P]]: ...
    def __extended__(self) -> S_co: ...


class Updating(Protocol[P]):
    """A query, by the names and types that its model can be assigned."""

    def update(self, *args: P.args, **kwargs: P.kwargs) -> object: ...


class Loading(Protocol[P]):
    """A query, by what session.load() takes for objects of its model."""

    def __loads__(self, *args: P.args, **kwargs: P.kwargs) -> None: ...


class CopyTarget(Protocol[P]):
    """A query, by what names columns in copy_in()."""

    def __copies__(self, *args: P.args, **kwargs: P.kwargs) -> None: ...


class UpdatingMany(Protocol[P]):
    """A query, by what bulk_update() takes for objects of its model."""

    def __updates__(self, *args: P.args, **kwargs: P.kwargs) -> None: ...


class Upserting(Protocol[P]):
    """A query, by what upsert() takes for objects of its model."""

    def __upserts__(self, *args: P.args, **kwargs: P.kwargs) -> None: ...


class Assignable(Protocol[P, S_co]):
    """An object of a model, or a part of one, by what session.update() takes for it."""

    @property
    def __typed__(self) -> Updating[P]: ...
    def __itself__(self) -> S_co: ...


class Producible(Protocol[P, S_co]):
    """An object of a model, by what a factory of its objects takes."""

    @property
    def __typed__(self) -> Updating[P]: ...
    def __whole__(self) -> S_co: ...


class BulkAssignable(Protocol[P, S_co]):
    """An object of a model, by what bulk_update() takes for it."""

    @property
    def __typed__(self) -> UpdatingMany[P]: ...
    def __whole__(self) -> S_co: ...


class Upsertable(Protocol[P, S_co]):
    """An object of a model, by what upsert() takes for it."""

    @property
    def __typed__(self) -> Upserting[P]: ...
    def __whole__(self) -> S_co: ...


class Getting(Protocol[P, S_co]):
    """A query, by what tx.get() takes for its model, and the objects that it returns."""

    def __gets__(self, *args: P.args, **kwargs: P.kwargs) -> S_co: ...


class Looking(Protocol[P, S_co]):
    """A query, by what session.get() takes for its model, which may share its statement."""

    def __looks__(self, *args: P.args, **kwargs: P.kwargs) -> S_co: ...
