"""A codec of a test's own: points as tuples."""

from __future__ import annotations

from typing import NamedTuple


class Spot(NamedTuple):
    """A point. It is a tuple, and yet one value."""

    x: float
    y: float


class SpotCodec:
    @staticmethod
    def decode(text: str) -> Spot:
        x, y = text.strip("()").split(",")
        return Spot(float(x), float(y))

    @staticmethod
    def encode(value: Spot) -> str:
        return f"({value.x},{value.y})"
