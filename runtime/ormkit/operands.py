"""What expressions are made for and of: the base of all, and checks of plain values."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from typing import Any, Generic, TypeVar

from .errors import InvalidValue

O = TypeVar("O")  # noqa: E741  the model that owns the expression
V_co = TypeVar("V_co", covariant=True)  # what a row holds


class Selectable(Generic[O, V_co]):
    """What a row of model O can be read with, as a value of type V.

    Expressions are these. It leaves open what they are compared with, which a checker would
    otherwise take for Any in everything that stands as an argument.
    """

    __slots__ = ()


def is_textual(type_: str) -> bool:
    """Return whether LIKE applies to the type, as opposed to the containment operators."""
    return type_.partition("(")[0] in ("text", "varchar", "char", "citext")


def as_list(values: object) -> list[Any]:
    """Return the collection as a list; text is refused, since it is never meant as its letters."""
    if isinstance(values, (str, bytes)) or not isinstance(values, Collection):
        raise InvalidValue(
            f"a collection of values is needed, not {type(values).__name__}: write [value]"
        )
    return list(values)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]


def like_literal(text: object) -> str:
    r"""Return the text with LIKE's own characters (% _ and \) escaped."""
    if not isinstance(text, str):
        raise InvalidValue(f"text is needed to match text, not {type(text).__name__}")
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def span_cast(value: object) -> str:
    """Return the cast that a span of time needs: PostgreSQL takes $1 for one more moment."""
    return "::interval" if isinstance(value, dt.timedelta) else ""
