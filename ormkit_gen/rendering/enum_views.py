"""Views of enum types: the values that the template of the module enums prints."""

from __future__ import annotations

from dataclasses import dataclass

from ormkit_gen.ir import Enum
from ormkit_gen.rendering.literals import docstring, python_string


@dataclass(frozen=True, slots=True)
class EnumView:
    """A Python enum for a native enum type."""

    name: str
    docstring: str
    members: tuple[tuple[str, str], ...]


def enum_view(enum: Enum) -> EnumView:
    """Return the view of one enum."""
    text = enum.comment or f"The enum type {enum.db_name}."
    members = tuple((name, python_string(label)) for name, label in enum.members)
    return EnumView(enum.name, docstring(text), members)
