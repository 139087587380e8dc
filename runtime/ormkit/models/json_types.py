"""Values of JSON columns as objects of a class of the application: the setting `json_type`.

The class is a pydantic model, a msgspec Struct, a dataclass or a TypedDict. A document is validated
when it becomes an object, and an object when it is written.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import types
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from enum import Enum
from importlib import import_module
from typing import (
    Annotated,
    Any,
    Literal,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)
from uuid import UUID

from ..errors import UsageError

#: What makes a value of its part of a document. Raises Misfit.
Load = Callable[[Any], Any]
#: The types that JSON has itself, with the Python types of their values.
PLAIN: Mapping[Any, tuple[type, ...]] = {
    str: (str,),
    int: (int,),
    float: (float, int),
    bool: (bool,),
    type(None): (type(None),),
}
#: Types that JSON holds as text, and what reads them.
TEXTS: Mapping[Any, Callable[[str], Any]] = {
    dt.datetime: dt.datetime.fromisoformat,
    dt.date: dt.date.fromisoformat,
    dt.time: dt.time.fromisoformat,
    UUID: UUID,
}
#: What may stand around a type of a TypedDict.
QUALIFIERS = frozenset(("Required", "NotRequired", "ReadOnly"))


class Misfit(Exception):
    """A document does not fit a class. The args are the path to the place, and the reason."""

    def __str__(self) -> str:
        path, reason = self.args
        return f"{path}: {reason}" if path else str(reason)

    def below(self, step: str) -> Misfit:
        """Return the error as one of a document that has the part under this name."""
        path, reason = self.args
        return Misfit(f"{step}.{path}" if path else step, reason)


class JsonType:
    """How documents become objects of one class, and the other way around."""

    __slots__ = ("_dump", "cls", "load")

    def __init__(self, cls: Any) -> None:
        """Take the class; raises UsageError for one of another kind."""
        self.cls = cls
        #: Makes an object of a document; raises Misfit.
        self.load: Load
        self._dump: Callable[[Any], Any] = plain
        if hasattr(cls, "__pydantic_validator__"):
            adapter = import_module("pydantic").TypeAdapter(cls)
            self.load = load_by_pydantic(adapter)
            self._dump = dump_by_pydantic(adapter)
        elif hasattr(cls, "__struct_fields__"):
            msgspec = import_module("msgspec")
            self.load = load_by_msgspec(msgspec, cls)
            self._dump = msgspec.to_builtins
        elif dataclasses.is_dataclass(cls) or is_typed_dict(cls):
            self.load = loader_of(cls)
        else:
            raise UsageError(
                f"json_type takes a pydantic model, a msgspec Struct, a dataclass or a TypedDict, "
                f"not {getattr(cls, '__name__', cls)}"
            )

    def is_value(self, value: object) -> bool:
        """Return whether the value is an object of the class, and no document."""
        return not is_typed_dict(self.cls) and isinstance(value, self.cls)

    def dump(self, value: Any) -> Any:
        """Return the document of an object; a document is returned with its own values made plain.

        Raises Misfit for what JSON cannot hold.
        """
        return self._dump(value) if self.is_value(value) else plain(value)


def is_typed_dict(cls: Any) -> bool:
    """Return whether a class is a TypedDict, of typing or of typing_extensions."""
    return isinstance(cls, type) and hasattr(cls, "__total__")


def load_by_pydantic(adapter: Any) -> Load:
    """Return what validates a document by pydantic."""
    errors: Any = import_module("pydantic").ValidationError

    def load(document: Any) -> Any:
        try:
            return adapter.validate_python(document)
        except errors as error:
            first = error.errors(include_url=False, include_context=False, include_input=False)[0]
            raise Misfit(".".join(map(str, first["loc"])), first["type"]) from None

    return load


def dump_by_pydantic(adapter: Any) -> Callable[[Any], Any]:
    """Return what writes an object by pydantic."""

    def dump(value: Any) -> Any:
        try:
            return adapter.dump_python(value, mode="json", warnings="error")
        except Exception as error:
            raise Misfit("", f"pydantic cannot write it ({type(error).__name__})") from None

    return dump


def load_by_msgspec(msgspec: Any, cls: Any) -> Load:
    """Return what validates a document by msgspec."""

    def load(document: Any) -> Any:
        try:
            return msgspec.convert(document, cls)
        except msgspec.ValidationError as error:
            # The message may quote the value; its path comes last, as in "- at `$.theme`".
            _, _, path = str(error).rpartition("`$")
            raise Misfit(path.strip("`."), f"it does not fit {cls.__name__}") from None

    return load


def plain(value: Any) -> Any:
    """Return the value as JSON has it; raises Misfit for what JSON cannot hold."""
    if value is None or (isinstance(value, (str, int, float)) and not isinstance(value, Enum)):
        return value
    if isinstance(value, Enum):
        return plain(value.value)
    if isinstance(value, Mapping):
        document: Mapping[Any, Any] = value  # pyright: ignore[reportUnknownVariableType]
        return {name: plain(each) for name, each in document.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        items: Any = value  # pyright: ignore[reportUnknownVariableType]
        return [plain(each) for each in items]
    if isinstance(value, (dt.datetime, dt.date, dt.time)):
        return value.isoformat()
    if isinstance(value, (UUID, Decimal)):
        return str(value)
    if dataclasses.is_dataclass(value):
        return {
            field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)
        }
    raise Misfit("", f"JSON has no {type(value).__name__}")


def loader_of(hint: Any) -> Load:
    """Return what validates a value of a type; raises UsageError for a type that JSON lacks."""
    while get_origin(hint) is Annotated or getattr(get_origin(hint), "_name", "") in QUALIFIERS:
        hint = get_args(hint)[0]
    origin, args = get_origin(hint), get_args(hint)
    if hint is Any or hint is object:
        return lambda document: document
    if hint is None or hint in PLAIN:
        return load_plain(type(None) if hint is None else hint)
    if hint in TEXTS:
        return load_text(hint, TEXTS[hint])
    if hint is Decimal:
        return load_decimal
    if origin in (Union, types.UnionType):
        return load_union(list(map(loader_of, args)))
    if origin is Literal:
        return load_literal(args)
    if (origin or hint) in (list, set, frozenset):
        return load_list(origin or hint, loader_of(args[0] if args else Any))
    if (origin or hint) is tuple:
        return load_tuple(args)
    if (origin or hint) in (dict, Mapping):
        return load_dict(loader_of(args[1] if args else Any))
    if isinstance(hint, type) and issubclass(hint, Enum):
        return load_enum(hint)
    cls: Any = hint  # pyright: ignore[reportUnknownVariableType]
    if hasattr(cls, "__pydantic_validator__") or hasattr(cls, "__struct_fields__"):
        return JsonType(cls).load
    if dataclasses.is_dataclass(cls) or is_typed_dict(cls):
        return load_object(cls)
    raise UsageError(f"json_type: JSON has no values of type {hint}")


def load_plain(kind: Any) -> Load:
    def load(document: Any) -> Any:
        if type(document) in PLAIN[kind]:
            return float(document) if kind is float else document
        raise Misfit("", wrong(kind.__name__, document))

    return load


def load_text(kind: Any, read: Callable[[str], Any]) -> Load:
    def load(document: Any) -> Any:
        try:
            if isinstance(document, str):
                return read(document)
        except ValueError:
            raise Misfit("", f"the text is no {kind.__name__}") from None
        raise Misfit("", wrong(kind.__name__, document))

    return load


def load_decimal(document: Any) -> Decimal:
    if isinstance(document, (str, int, float, Decimal)) and not isinstance(document, bool):
        try:
            return Decimal(str(document))
        except ArithmeticError:
            raise Misfit("", "the text is no Decimal") from None
    raise Misfit("", wrong("Decimal", document))


def load_union(loads: list[Load]) -> Load:
    def load(document: Any) -> Any:
        reasons: list[Misfit] = []
        for each in loads:
            try:
                return each(document)
            except Misfit as error:
                reasons.append(error)
        # The error of the alternative that fits furthest says the most.
        raise max(reasons, key=lambda each: len(each.args[0]))

    return load


def load_literal(values: tuple[Any, ...]) -> Load:
    def load(document: Any) -> Any:
        for each in values:
            if type(each) is type(document) and each == document:
                return each
        raise Misfit("", f"it is none of {', '.join(map(repr, values))}")

    return load


def load_list(kind: Any, item: Load) -> Load:
    def load(document: Any) -> Any:
        found = listed(document)
        if found is None:
            raise Misfit("", wrong("list", document))
        return kind([load_part(item, place, each) for place, each in enumerate(found)])

    return load


def load_tuple(args: tuple[Any, ...]) -> Load:
    if not args or args[-1] is Ellipsis:
        return load_list(tuple, loader_of(args[0] if args else Any))
    items = list(map(loader_of, args))

    def load(document: Any) -> Any:
        found = listed(document)
        if found is None or len(found) != len(items):
            raise Misfit("", f"it is no list of {len(items)} values")
        parts = enumerate(zip(items, found, strict=True))
        return tuple(load_part(item, place, each) for place, (item, each) in parts)

    return load


def load_dict(item: Load) -> Load:
    def load(document: Any) -> Any:
        return {name: load_part(item, name, each) for name, each in named(document).items()}

    return load


def load_enum(kind: type[Enum]) -> Load:
    def load(document: Any) -> Any:
        try:
            return kind(document)
        except ValueError:
            raise Misfit("", f"it is no {kind.__name__}") from None

    return load


def load_object(cls: Any) -> Load:
    """Return what validates a document as a dataclass, or as a TypedDict, which may have more."""
    hints = get_type_hints(cls, include_extras=True)
    if is_typed_dict(cls):
        required, names = set(cls.__required_keys__), [*hints]
    else:
        fields = [each for each in dataclasses.fields(cls) if each.init]
        names = [each.name for each in fields]
        missing = dataclasses.MISSING
        required = {
            each.name
            for each in fields
            if each.default is missing and each.default_factory is missing
        }
    loads: dict[str, Load] = {}

    def load(document: Any) -> Any:
        given = named(document)
        if not loads:
            # A class may contain itself.
            loads.update({name: loader_of(hints[name]) for name in names})
        for name in sorted(required - given.keys()):
            raise Misfit(name, "it is missing")
        found: dict[str, Any] = {}
        for name, each in given.items():
            if name in loads:
                found[name] = load_part(loads[name], name, each)
            elif is_typed_dict(cls):
                found[name] = each
            else:
                raise Misfit(str(name), f"{cls.__name__} has no such field")
        try:
            return found if is_typed_dict(cls) else cls(**found)
        except (TypeError, ValueError) as error:
            raise Misfit("", f"{cls.__name__} refuses it ({type(error).__name__})") from None

    return load


def listed(document: Any) -> Sequence[Any] | None:
    """Return the document if it is a list; otherwise None."""
    return document if isinstance(document, (list, tuple)) else None  # pyright: ignore


def named(document: Any) -> Mapping[str, Any]:
    """Return the document, which is to be an object; raises Misfit."""
    if not isinstance(document, Mapping):
        raise Misfit("", wrong("object", document))
    return document  # pyright: ignore[reportUnknownVariableType]


def load_part(load: Load, step: object, document: Any) -> Any:
    """Return a part of a document as a value; the path of an error begins with its name."""
    try:
        return load(document)
    except Misfit as error:
        raise error.below(str(step)) from None


def wrong(wanted: str, document: object) -> str:
    """Return why a value of another type does not fit."""
    return f"it must be {wanted}, not {'null' if document is None else type(document).__name__}"
