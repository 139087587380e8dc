"""Type hints: whether an attribute of a type can hold the values of a column."""

from __future__ import annotations

import datetime as dt
import types
import typing
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Annotated, Any, Final, Literal, TypeVar, Union, get_args, get_origin
from uuid import UUID

from .fields import is_shape

NONE_TYPE: Final = type(None)
#: What may stand around a type without changing which values it has, by its name: typing and
#: typing_extensions have one of each.
QUALIFIERS = frozenset(("Required", "NotRequired", "ReadOnly", "Final", "ClassVar"))
#: Types that a type checker takes for another one.
PROMOTIONS: dict[Any, tuple[type, ...]] = {float: (int,), complex: (int, float)}
NUMBERS = (int, float, Decimal, bool)
#: What pydantic converts to a type, unless it is strict. It takes a text for most types.
CONVERTED: dict[Any, tuple[type, ...]] = {
    int: NUMBERS,
    float: NUMBERS,
    Decimal: NUMBERS,
    bool: NUMBERS,
    str: (bytes,),
    bytes: (str,),
    UUID: (bytes,),
    dt.date: (dt.datetime, int, float, Decimal),
    dt.datetime: (dt.date, int, float, Decimal),
    dt.time: (int, float, Decimal),
    dt.timedelta: (int, float, Decimal),
}


def alternatives(hint: Any) -> tuple[Any, ...]:
    """Return the members of a union, without what stands around them; others alone."""
    hint = bare(hint)
    if get_origin(hint) in (Union, types.UnionType):
        return tuple(each for part in get_args(hint) for each in alternatives(part))
    return (hint,)


def bare(hint: Any) -> Any:
    """Return the type without Annotated, NotRequired and the like, aliases and NewType."""
    while True:
        origin = get_origin(hint)
        if origin is Annotated or getattr(origin, "_name", None) in QUALIFIERS:
            hint = get_args(hint)[0]
        elif hasattr(hint, "__supertype__"):
            hint = hint.__supertype__
        elif type(hint).__name__ == "TypeAliasType":
            hint = hint.__value__
        else:
            return NONE_TYPE if hint is None else hint


def holds_anything(hint: Any) -> bool:
    """Return whether nothing is known of the values of a type."""
    return hint is Any or hint is object or isinstance(hint, (TypeVar, str, typing.ForwardRef))


def holds_none(hint: Any) -> bool:
    """Return whether None is one of the values of a type."""
    return any(each is NONE_TYPE or holds_anything(each) for each in alternatives(hint))


def holds(hint: Any, kinds: Iterable[type], *, converts: bool = False) -> bool:
    """Return whether a type has some value of one of these classes.

    kinds: the classes of a column's values; none where they are not known.
    converts: whether the field converts values as pydantic does.
    """
    known = tuple(kinds)
    return not known or any(
        holds_kind(each, kind, converts) for each in alternatives(hint) for kind in known
    )


def holds_kind(hint: Any, kind: type, converts: bool) -> bool:
    """Return whether one type, which is no union, has values of a class."""
    if holds_anything(hint):
        return True
    origin = get_origin(hint)
    if origin is Literal:
        literals: tuple[Any, ...] = get_args(hint)
        return any(isinstance(each, kind) for each in literals)
    target = hint if origin is None else origin
    if hasattr(target, "__total__"):  # a TypedDict
        return issubclass(kind, dict)
    if not isinstance(target, type) or is_kind(kind, target):
        return True
    return converts and is_converted(kind, target)


def is_converted(kind: type, target: Any) -> bool:
    """Return whether pydantic may make a value of `target` of a value of a class."""
    if target in CONVERTED:
        is_text = kind is str and target is not str
        return is_text or issubclass(kind, CONVERTED[target])
    # Enums, addresses, models and classes that say themselves what they take.
    return target is not NONE_TYPE


def is_kind(kind: type, target: Any) -> bool:
    """Return whether values of a class are values of another one, as type checkers see it."""
    try:
        return issubclass(kind, target) or kind in PROMOTIONS.get(target, ())
    except TypeError:  # a protocol
        return True


def elements_of(hint: Any) -> list[Any]:
    """Return the types of the elements of each list or the like among a hint's alternatives."""
    return [
        args[0]
        for each in alternatives(hint)
        if (args := get_args(each)) and is_list(get_origin(each))
    ]


def is_list(origin: Any) -> bool:
    """Return whether a list is of this class."""
    return isinstance(origin, type) and is_kind(list, origin)


#: What makes the collection that a field of related rows is declared as, out of a list.
COLLECTIONS: dict[Any, Callable[[list[Any]], Any] | None] = {
    tuple: tuple,
    set: set,
    frozenset: frozenset,
}


class Related(typing.NamedTuple):
    """What a field for related rows is declared as."""

    #: The class of one related row.
    cls: Any
    #: What makes the field's collection of a list; None for a list.
    collect: Callable[[list[Any]], Any] | None
    is_list: bool
    may_be_none: bool


def related_of(hint: Any) -> Related | None:
    """Return what a field of related rows is declared as; None where it is for no class."""
    options = alternatives(hint)
    may_be_none = NONE_TYPE in options
    for each in options:
        if is_shape(each):
            return Related(each, None, False, may_be_none)
        origin, args = get_origin(each), get_args(each)
        if not args or not isinstance(origin, type):
            continue
        item = alternatives(args[0])
        if (is_list(origin) or origin in COLLECTIONS) and len(item) == 1 and is_shape(item[0]):
            return Related(item[0], COLLECTIONS.get(origin), True, may_be_none)
    return None


def hint_text(hint: Any) -> str:
    """Return a type as its source would write it, for messages."""
    if isinstance(hint, type) and not get_args(hint):
        return hint.__name__
    return str(hint).replace("typing.", "").replace("NoneType", "None")
