"""Declare the attributes of models: `User.age` is a column, and `user.age` its value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, Never, TypeAlias, TypeVar, overload

from ..sql.type_variables import O, T
from .columns import AnyColumn, Column
from .computed import AnyComputed, Computed
from .relationships import ToMany, ToOne

if TYPE_CHECKING:
    from .model import Model
    from .partial import Partial

    #: An object that has the attributes of a model.
    Row: TypeAlias = Model | Partial[Any]

if TYPE_CHECKING:
    from typing_extensions import TypeVar as TypeVarWithDefault

    #: The value that a column's attribute has on an object, which may be None.
    H = TypeVarWithDefault("H", default=T)
else:
    H = TypeVar("H")

#: What the attribute is on the model's class.
C_co = TypeVar("C_co", covariant=True)
#: The value that it has on an object.
V = TypeVar("V")
V_co = TypeVar("V_co", covariant=True)


class ReadOnlyAttr(Generic[C_co, V_co]):
    """An attribute that is a C on the model's class and a V on its objects; it cannot be set.

    It exists for type checkers. At run time a metaclass of the model's own holds the C, and each
    object has a slot for its V: see `ModelMeta`.
    """

    @overload
    def __get__(self, instance: None, owner: type[Row]) -> C_co: ...
    @overload
    def __get__(self, instance: Row, owner: type[Row]) -> V_co: ...
    def __get__(self, instance: Row | None, owner: type[Row]) -> C_co | V_co:
        raise NotImplementedError

    # Without it, mypy would accept what the attribute's type fits.
    def __set__(self, instance: Row, value: Never) -> None:
        raise NotImplementedError


class Attr(ReadOnlyAttr[C_co, V]):
    """An attribute that is a C on the model's class and a V on its objects."""

    def __set__(self, instance: Row, value: V) -> None:
        raise NotImplementedError


class ColumnAttr(Generic[T, H]):
    """A `Column[M, T, H]` on the class of a model M, and an H on its objects.

    The model is the class that has the attribute, so that a declaration does not repeat it: type
    checkers read one for each column of each model, and know equal ones.
    """

    @overload
    def __get__(self, instance: None, owner: type[O]) -> Column[O, T, H]: ...
    @overload
    def __get__(self, instance: Row, owner: type[Row]) -> H: ...
    def __get__(self, instance: Row | None, owner: type[Any]) -> Any:
        raise NotImplementedError

    def __set__(self, instance: Row, value: H) -> None:
        raise NotImplementedError


def column(type_: str, *, kind: type[AnyColumn] = Column, **settings: Any) -> Any:
    """Declare a column in the body of a model's class.

    type_: PostgreSQL's name of the type.
    kind: the class of the column, for types with operators of their own.
    settings: what `Column` takes.
    """
    return kind(type_, **settings)


def computed(
    type_: str, template: str, *, kind: type[AnyComputed] = Computed, **settings: Any
) -> Any:
    """Declare a computed attribute in the body of a model's class; see `Computed`.

    kind: the class of the attribute, for types with operators of their own.
    """
    return kind(type_, template, **settings)


def to_one(target: str, **settings: Any) -> Any:
    """Declare a relationship to one object; `settings` are what `Relationship` takes."""
    return ToOne[Any, Any](target, **settings)


def to_many(target: str, **settings: Any) -> Any:
    """Declare a relationship to many objects; `settings` are what `Relationship` takes."""
    return ToMany[Any, Any](target, **settings)
