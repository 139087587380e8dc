"""Vectors: the text form in which pgvector takes and gives them."""

from __future__ import annotations

from array import array

from ..errors import InvalidValue
from .lists import elements


def vector_text(value: object) -> str:
    """Return the numbers in pgvector's text form, "[1.0,2.0]"."""
    try:
        return f"[{','.join(map(repr, map(float, elements(value))))}]"
    except (TypeError, ValueError, OverflowError):
        raise InvalidValue("it takes a list of numbers, each no larger than a float") from None


def numbers(text: str) -> list[float]:
    """Return the numbers of a vector in pgvector's text form.

    That form is the shortest one which single precision reads back, so it is read as such.
    """
    return array("f", map(float, text[1:-1].split(","))).tolist()
