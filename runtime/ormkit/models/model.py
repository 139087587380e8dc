"""Define the base classes of generated models and of their metaclasses."""

from __future__ import annotations

import reprlib
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Never, Self, TypeVar

from ..errors import NotLoaded, UsageError
from ..hints import ForeignMethod, missing_attribute
from ..other_names.models import MODELS, OBJECTS
from ..postgres.values import Record
from .columns import Column
from .computed import Computed
from .dicts import Included, from_dict, pydantic_schema, to_dict
from .foreign_keys import check_agreement, copy_key
from .given_columns import recording_given_columns
from .keyword_types import offer
from .methods import derives_from_base, take_methods
from .relationships import Relationship
from .table import Table

T = TypeVar("T")

#: The most characters of a value in the repr of an object.
MAX_LENGTH = 100


class PartialMeta(type):
    """The type of the classes of partial objects.

    The body of such a class declares the columns, computed attributes and relationships of a
    model, which takes them from there. They leave slots behind.
    """

    #: What the body declares, by name.
    __declared__: Mapping[str, Any]

    def __new__(mcls, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> PartialMeta:
        declared = declared_in(namespace)
        body = {key: each for key, each in namespace.items() if key not in declared}
        body.update(
            __slots__=slots_of(declared),
            __annotations__=value_hints(namespace.get("__annotations__", {}), declared),
            __declared__=declared,
        )
        return super().__new__(mcls, name, bases, body)


class ModelMeta(PartialMeta):
    """The type of models.

    The columns, computed attributes and relationships that its class of partial objects declares,
    or its own body, move to a metaclass of the model's own, so that `User.age` is the column, and
    leave slots behind, so that `user.age` is the value. The class of partial objects is a base of
    the model for type checkers only.
    """

    def __new__(mcls, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> ModelMeta:
        if derives_from_base(bases):
            # A class with methods becomes a base of the model, whose objects have no dict.
            namespace.setdefault("__slots__", ())
        if not isinstance(namespace.get("__table__"), Table):
            return type.__new__(mcls, name, bases, namespace)
        hints: dict[str, Any] = {}
        declared: dict[str, Any] = {}
        for each in partials_in(bases):
            hints.update(each.__annotations__)
            declared.update(each.__declared__)
        own = declared_in(namespace)
        hints.update(value_hints(namespace.get("__annotations__", {}), own))
        declared.update(own)
        body = {key: each for key, each in namespace.items() if key not in declared}
        body["__slots__"] = slots_of(declared)
        for key, each in declared.items():
            if isinstance(each, Computed):
                body[key] = ComputedValue[Any]()
            elif isinstance(each, Relationship):
                body[key] = Related[Any]()
        body["__annotations__"] = hints
        columns = tuple([key for key, each in declared.items() if isinstance(each, Column)])
        body.setdefault("__match_args__", columns)
        held = {"__module__": namespace["__module__"], **declared}
        kept = tuple([each for each in bases if type(each) is not PartialMeta])
        return type.__new__(type(f"{name}Columns", (mcls,), held), name, kept, body)

    def __init__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> None:
        super().__init__(name, bases, namespace)
        model: Any = cls
        table = getattr(cls, "__table__", None)
        if not isinstance(table, Table):
            return
        if "__table__" in namespace or "__methods__" in namespace:
            held: Iterable[Any] = vars(type(cls)).values()
            columns: list[Any] = [each for each in held if isinstance(each, Column)]
            related: list[Any] = [each for each in held if isinstance(each, Relationship)]
            computed: list[Any] = [each for each in held if isinstance(each, Computed)]
            table.bind(
                model,
                columns,
                {each.name: each for each in related},
                {each.name: each for each in computed},
            )
            if "__table__" in namespace:
                table.holder = model
                offer(model)
                for each in partials_in(bases):
                    each.__partial__ = table
                    table.partial = each
            if "__init__" in namespace:
                model.__init__ = recording_given_columns(model.__init__, table)
        elif derives_from_base(bases):
            take_methods(model)
        else:
            model.__query__ = classmethod(refuse_query)

    if not TYPE_CHECKING:

        def __getattr__(cls, name: str) -> Any:
            raise missing_attribute(cls, name, MODELS, model=cls.__name__)


def partials_in(bases: tuple[type, ...]) -> list[Any]:
    """Return the classes of partial objects among the bases of a class."""
    return [each for each in bases if type(each) is PartialMeta]


def declared_in(namespace: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns, computed attributes and relationships, in this order, by name."""
    return {
        key: each
        for kind in (Column, Computed, Relationship)
        for key, each in namespace.items()
        if isinstance(each, kind)
    }


def slots_of(declared: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the slots of objects with these attributes."""
    return tuple([key if isinstance(each, Column) else f"_{key}" for key, each in declared.items()])


def value_hints(hints: Mapping[str, Any], declared: Mapping[str, Any]) -> dict[str, Any]:
    """Return the annotations of a class with the types that the attributes of its objects have.

    The types of relationships are imported for type checkers only, so that no hint of them could be
    resolved: they are left out, as is `__typed__`, which objects do not have.
    """
    return {
        key: value_hint(hint) if key in declared else hint
        for key, hint in hints.items()
        if not isinstance(declared.get(key), Relationship) and key != "__typed__"
    }


def value_hint(hint: Any) -> Any:
    """Return the type of an object's value, the last one in `Attr[Column[...], V]`."""
    if not isinstance(hint, str) or "[" not in hint:
        return hint
    depth = begin = 0
    inner = hint[hint.index("[") + 1 : -1]
    for place, character in enumerate(inner):
        depth += (character == "[") - (character == "]")
        if character == "," and not depth:
            begin = place + 1
    return inner[begin:].strip()


def refuse_query(cls: type[Model], source: object) -> Never:
    """Raise UsageError for a query of a plain subclass, whose objects no query returns."""
    raise UsageError(plain_subclass(cls))


def plain_subclass(model: Any) -> str:
    """Return the message for a class that derives from a model and is none."""
    label = model.__table__.label
    if issubclass(model.__table__.model, model):
        return f"{model.__name__} is the base of {label}: query {label}"
    return (
        f"{model.__name__} derives from {label}, and queries return objects of {label} only: query "
        f"{label}; to give {label} methods, write a class that derives from {label}Base and name "
        f'it in the schema, as in methods = "{model.__module__}:{label}Methods"'
    )


class ShortRepr(reprlib.Repr):
    """Abbreviates values without first writing a long value in full."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel = 3
        self.maxstring = self.maxother = self.maxlong = MAX_LENGTH

    def repr(self, x: Any) -> str:
        text = super().repr(x)
        return text if len(text) <= MAX_LENGTH else f"{text[:MAX_LENGTH]}..."

    def repr_bytes(self, x: bytes, level: int) -> str:
        return repr(x[: MAX_LENGTH + 1])


short_repr = ShortRepr()


class Model(metaclass=ModelMeta):
    """A row as an object: one plain slot for each column.

    A column that the database fills in (an identity, a server default) has no value until the
    object was inserted; reading it before is an AttributeError.
    """

    __slots__ = ("__given__", "__weakref__")

    __table__: ClassVar[Table]
    #: The place of the application's class with methods, where the schema names one.
    __methods__: ClassVar[str]
    #: The columns that the constructor was passed, and the values that the database returned; see
    #: `given_columns.py`. Unset on an object that was read.
    __given__: Any

    if TYPE_CHECKING:

        #: A query of the model, for the types of its names: see `protocols.py`.
        __typed__: Any

        def __itself__(self) -> Self: ...
        def __whole__(self) -> Self: ...

    def __relate__(self, name: str, value: Any) -> None:
        """Set a relationship that a constructor was passed.

        Raises UsageError where it contradicts a foreign key that was passed as well.
        """
        relationship = type(self).__table__.relationships[name]
        check_agreement(relationship, self, value)
        setattr(self, name, value)

    @classmethod
    def __decode__(cls, rows: Sequence[Record]) -> Sequence[Self]:
        """Make one object of each row; a row holds every column, in the table's order."""
        raise NotImplementedError

    def to_dict(self, include: Iterable[Included] | None = None) -> dict[str, Any]:
        """Return the object as a dict by the names of its attributes.

        include: names such as "posts", "posts.title" or "post_count", or the attributes themselves.
            Columns that are named replace the others; without any, the dict has every column that
            has a value and is not private. Relationships and computed attributes come in addition.

        Raises UnknownName, and NotLoaded for what was not loaded.
        """
        return to_dict(self, include)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Return a new object with the values of a dict, as JSON has them too.

        A label stands for a member of an enum, and a text in ISO 8601 for a date. A dict stands for
        the object of a to-one relationship. Computed and generated values are left out.

        Raises UnknownName for an unknown name, MissingValue for columns that need a value, and
        InvalidValue for a text that is no value of its column.
        """
        made: Self = from_dict(cls, data)
        return made

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: Any) -> Any:
        """Return the schema by which pydantic validates and writes objects of the model."""
        return pydantic_schema(cls, handler)

    def __dir__(self) -> list[str]:
        """Return the names of attributes, without those that were not loaded.

        What looks at all attributes, as inspect.getmembers() and debuggers do, can read these.
        """
        table = type(self).__table__
        loaded: tuple[Any, ...] = (
            *table.relationships.values(),
            *table.computed_attributes.values(),
        )
        unloaded = {each.name for each in loaded if not hasattr(self, each.slot)}
        names = [name for name in super().__dir__() if name not in unloaded]
        # What another ORM has is no attribute, unless the application has it as well.
        return [name for name in names if name not in OBJECTS or hasattr(self, name)]

    def __repr__(self) -> str:
        """Return the values that are there, long ones cut; those of private columns left out."""
        values = (
            f"{column.slot}={short_repr.repr(getattr(self, column.slot))}"
            for column in type(self).__table__.columns
            if hasattr(self, column.slot) and not column.is_private
        )
        return f"{type(self).__name__}({', '.join(values)})"


if not TYPE_CHECKING:
    for _name, _hint in OBJECTS.items():
        setattr(Model, _name, ForeignMethod(_name, _hint))


class ReadOnlyModel(Model):
    """A model whose rows are read and never written: a view, or a table without a key."""

    __slots__ = ()

    def __init__(self, *none: Never, **given: Never) -> None:
        """Raise UsageError: objects come from queries only."""
        raise UsageError(
            f"{type(self).__name__} is read-only: its objects come from queries, and new rows are "
            f"written to the tables themselves"
        )


class SoftDeleteModel(Model):
    """A row that can be marked as deleted: the base of models with the mixin soft_delete."""

    __slots__ = ()

    @property
    def is_deleted(self) -> bool:
        """True for an object whose row is marked as deleted."""
        column = type(self).__table__.soft_delete
        return column is not None and getattr(self, column.slot) is not None


class Loaded(Generic[T]):
    """An attribute that an object has a value for only once it was loaded."""

    __slots__ = ("name", "slot")

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name
        self.slot = f"_{name}"

    def __get__(self, instance: Model, owner: type | None = None) -> T:
        try:
            return getattr(instance, self.slot)  # type: ignore[no-any-return]
        except AttributeError:
            raise NotLoaded(self._advice(instance)) from None

    def _advice(self, instance: Model) -> str:
        """Return what is not loaded, and how to load it."""
        raise NotImplementedError


class Related(Loaded[T]):
    """The attribute of an object that holds what a relationship leads to, once it was loaded."""

    __slots__ = ()

    def __set__(self, instance: Model, value: T) -> None:
        relationship = type(instance).__table__.relationships[self.name]
        if relationship.is_to_many:
            raise UsageError(
                f"{relationship.label} cannot be assigned: a list set here would never be written; "
                f"set the other side's attribute, or insert the objects"
            )
        if value is not None and not isinstance(value, relationship.target.model):
            raise UsageError(
                f"{relationship.label} must be an object of {relationship.target.label} or "
                f"None, not {type(value).__name__}"
            )
        setattr(instance, self.slot, value)
        if relationship.is_owner:
            copy_key(relationship, instance, value)

    def _advice(self, instance: Model) -> str:
        return type(instance).__table__.relationships[self.name].advice


class ComputedValue(Loaded[T]):
    """The attribute of an object that holds a computed value, once a query selected it."""

    __slots__ = ()

    def __set__(self, instance: Model, value: Never) -> None:
        computed = type(instance).__table__.computed_attributes[self.name]
        raise UsageError(
            f"{computed.label} is computed from columns, and cannot be assigned: assign to these"
        )

    def _advice(self, instance: Model) -> str:
        return type(instance).__table__.computed_attributes[self.name].advice
