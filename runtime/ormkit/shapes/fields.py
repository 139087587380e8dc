"""The fields of a class that rows become: a dataclass, NamedTuple, TypedDict, msgspec or pydantic.

msgspec and pydantic are not imported here: their classes tell what they are by themselves.
"""

from __future__ import annotations

import dataclasses
import inspect
import typing
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, TypeVar, get_args, get_origin

from ..errors import UsageError, shown
from ..models.table import Table
from ..postgres.values import UNSET

if TYPE_CHECKING:
    from ..models.model import Model

Kind = Literal["dataclass", "named tuple", "typed dict", "msgspec", "pydantic", "model"]

#: How many classes are remembered.
MAX_CACHED = 512


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a class."""

    name: str
    #: The type that the class declares, its forward references resolved.
    hint: Any
    #: Other names that its value may come under; they come first.
    aliases: tuple[str, ...] = ()
    #: The name that the class takes the value under.
    key: str = ""
    has_default: bool = False
    #: The value that an object has where none is given; UNSET where only the class knows it.
    default: Any = UNSET
    #: Makes that value; None where it is constant.
    default_factory: Callable[[], Any] | None = None
    is_keyword_only: bool = False


@dataclass(frozen=True, slots=True)
class Shape:
    """A class that rows become, and its fields."""

    cls: Any
    kind: Kind
    fields: tuple[Field, ...]

    @property
    def name(self) -> str:
        """What to call the class in messages."""
        return str(self.cls.__name__)


def is_shape(cls: Any) -> bool:
    """Return whether rows can become objects of this class."""
    return kind_of(cls) is not None


def kind_of(cls: Any) -> Kind | None:
    """Return the kind of a class; None for a class that rows do not become."""
    cls = get_origin(cls) or cls
    if not isinstance(cls, type):
        return None
    if isinstance(getattr(cls, "__table__", None), Table):
        return "model"
    if hasattr(cls, "__pydantic_validator__") and hasattr(cls, "__pydantic_fields__"):
        return "pydantic"
    if hasattr(cls, "__struct_fields__") and hasattr(cls, "__struct_config__"):
        return "msgspec"
    if hasattr(cls, "__dataclass_fields__"):
        return "dataclass"
    if hasattr(cls, "_fields") and tuple in cls.__mro__:
        return "named tuple"
    # A TypedDict of typing_extensions is none to typing.
    return "typed dict" if hasattr(cls, "__total__") and dict in cls.__mro__ else None


@lru_cache(maxsize=MAX_CACHED)
def shape_of(cls: Any) -> Shape:
    """Return the fields of a class; raises UsageError for a class that rows do not become."""
    kind = kind_of(cls)
    if kind is None:
        raise UsageError(
            f"into() takes a dataclass, NamedTuple, TypedDict, msgspec Struct, pydantic model or a "
            f"generated model, not {shown(cls)}"
        )
    made: Any = get_origin(cls) or cls
    # A class of pydantic has resolved its own types, where it could.
    knows = kind == "model" or getattr(made, "__pydantic_complete__", False)
    fields = tuple(READERS[kind](made, {} if knows else bound_types(cls, hints_of(made))))
    if not fields:
        raise UsageError(f"{made.__name__} has no fields that a row could fill")
    return Shape(made, kind, fields)


def bound_types(cls: Any, hints: dict[str, Any]) -> dict[str, Any]:
    """Return the types of fields with the arguments of generic classes for type variables."""
    found = dict(hints)
    for base, known in generic_classes(cls):
        # A class that declares a field anew comes after its bases.
        own: dict[str, Any] = inspect.get_annotations(base)
        for name in own.keys() & hints.keys():
            found[name] = substituted(hints[name], known)
    return found


def generic_classes(cls: Any) -> Iterator[tuple[Any, dict[Any, Any]]]:
    """Yield the bases of a class, and the class, each with what its type variables stand for."""
    origin: Any = get_origin(cls) or cls
    known = dict(zip(getattr(origin, "__parameters__", ()), get_args(cls), strict=False))
    bases: tuple[Any, ...] = origin.__dict__.get("__orig_bases__", origin.__bases__)
    for base in bases:
        if isinstance(get_origin(base) or base, type) and get_origin(base) is not Generic:
            yield from generic_classes(substituted(base, known))
    yield origin, known


def substituted(hint: Any, known: dict[Any, Any]) -> Any:
    """Return a type with other types in the place of type variables."""
    if isinstance(hint, TypeVar):
        return known.get(hint, hint)
    names: tuple[Any, ...] = getattr(hint, "__parameters__", ())
    if not names or inspect.isclass(hint):
        return hint
    return hint[tuple([known.get(each, each) for each in names])]


def hints_of(cls: Any) -> dict[str, Any]:
    """Return the type of each field; raises UsageError for a name that is not defined."""
    try:
        return typing.get_type_hints(cls, include_extras=True)
    except NameError:
        # A class in a function names classes beside it, as a test does.
        names = calling_names()
    try:
        return typing.get_type_hints(cls, localns=names, include_extras=True)
    except NameError as error:
        raise UsageError(
            f"{cls.__name__}: the types of its fields cannot be resolved ({error}): define them at "
            f"module level, and import them at run time"
        ) from None


def calling_names() -> dict[str, Any]:
    """Return the names that the function which called into this package knows."""
    frame: Any = inspect.currentframe()
    package = __name__.partition(".")[0]
    while frame.f_back is not None and frame.f_globals.get("__package__", "").partition(".")[0] == (
        package
    ):
        frame = frame.f_back
    return {**frame.f_globals, **frame.f_locals}


def dataclass_fields(cls: Any, hints: dict[str, Any]) -> Iterator[Field]:
    declared: dict[str, dataclasses.Field[Any]] = cls.__dataclass_fields__
    for name, field in declared.items():
        hint = hints.get(name, Any)
        if hint is ClassVar or get_origin(hint) is ClassVar or not field.init:
            continue
        yield Field(
            name,
            given_type(hint),
            key=name,
            has_default=has_default(field),
            default=UNSET if field.default is dataclasses.MISSING else field.default,
            default_factory=(
                None if field.default_factory is dataclasses.MISSING else field.default_factory
            ),
            is_keyword_only=field.kw_only is True,
        )


def given_type(hint: Any) -> Any:
    """Return the type of an argument of the constructor."""
    return hint.type if isinstance(hint, dataclasses.InitVar) else hint  # pyright: ignore


def has_default(field: dataclasses.Field[Any]) -> bool:
    """Return whether the constructor may be called without a field."""
    missing = dataclasses.MISSING
    return field.default is not missing or field.default_factory is not missing


def tuple_fields(cls: Any, hints: dict[str, Any]) -> Iterator[Field]:
    for name in cls._fields:
        default = cls._field_defaults.get(name, UNSET)
        yield Field(
            name, hints.get(name, Any), key=name, has_default=default is not UNSET, default=default
        )


def dict_fields(cls: Any, hints: dict[str, Any]) -> Iterator[Field]:
    for name, hint in hints.items():
        # With postponed annotations, the class itself does not know these words.
        word = getattr(get_origin(hint), "__name__", None) or getattr(
            get_origin(hint), "_name", None
        )
        is_required = name in cls.__required_keys__ and word != "NotRequired"
        yield Field(name, hint, key=name, has_default=not is_required and word != "Required")


def struct_fields(cls: Any, hints: dict[str, Any]) -> Iterator[Field]:
    for each in import_module("msgspec.structs").fields(cls):
        yield Field(
            each.name,
            hints.get(each.name, Any),
            aliases=() if each.encode_name == each.name else (each.encode_name,),
            key=each.name,
            has_default=not each.required,
            is_keyword_only=each.name not in cls.__match_args__,
        )


def pydantic_fields(cls: Any, hints: dict[str, Any]) -> Iterator[Field]:
    config: dict[str, Any] = getattr(cls, "model_config", None) or getattr(
        cls, "__pydantic_config__", {}
    )
    by_name = config.get("populate_by_name") or config.get("validate_by_name")
    for name, field in cls.__pydantic_fields__.items():
        if field.init is False:
            continue
        wanted = field.validation_alias if field.validation_alias is not None else field.alias
        aliases = tuple(alias_names(wanted))
        if config.get("validate_by_alias") is False:
            key = name
        else:
            key = aliases[0] if aliases else name
        if wanted is not None and not aliases and not by_name:
            raise UsageError(
                f"{cls.__name__}.{name} has an alias that is a path: set "
                f"validate_by_name=True, so that it takes a value by its name"
            )
        yield Field(
            name,
            hints.get(name, field.annotation),
            aliases=tuple(each for each in aliases if each != name),
            key=key,
            has_default=not field.is_required(),
        )


def alias_names(alias: Any) -> Iterator[str]:
    """Yield the plain names of a validation alias of pydantic."""
    if isinstance(alias, str):
        yield alias
        return
    for each in getattr(alias, "choices", ()):
        if isinstance(each, str):
            yield each


def model_fields(cls: type[Model], hints: dict[str, Any]) -> Iterator[Field]:
    for column in cls.__table__.columns:
        aliases = () if column.name == column.slot else (column.name,)
        yield Field(column.slot, Any, aliases=aliases, key=column.slot)


#: What reads the fields of each kind of class.
READERS: dict[Kind, Callable[[Any, dict[str, Any]], Iterator[Field]]] = {
    "dataclass": dataclass_fields,
    "named tuple": tuple_fields,
    "typed dict": dict_fields,
    "msgspec": struct_fields,
    "pydantic": pydantic_fields,
    "model": model_fields,
}
