"""Keys of arrays and jsonb in a form that a dict can hold."""

from __future__ import annotations

from typing import Any


def hashable(value: Any) -> Any:
    """Return a value that can be a key of a dict; equal results mean equal values in PostgreSQL.

    NaN equals itself, and true is not 1.
    """
    if isinstance(value, tuple):
        return tuple(map(hashable, value))  # pyright: ignore[reportUnknownArgumentType]
    if isinstance(value, list):
        return (list, *map(hashable, value))  # pyright: ignore[reportUnknownArgumentType]
    if isinstance(value, dict):
        document: dict[Any, Any] = value  # pyright: ignore[reportUnknownVariableType]
        return (dict, frozenset(zip(document, map(hashable, document.values()), strict=True)))
    if isinstance(value, bool):
        return (bool, value)
    return "NaN" if value != value else value
