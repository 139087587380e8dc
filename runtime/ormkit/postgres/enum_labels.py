"""Map the labels of a PostgreSQL enum to the members of its Python class."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Generic, TypeVar

E = TypeVar("E")

UNKNOWN_LABEL = (
    "it is a label that the code does not know: add it to the enum in the schema and run "
    '`ormkit generate`, or set unknown_labels = "text" there to read such labels as strings'
)
NULL_IN_NOT_NULL = "it is NULL, and the column is declared NOT NULL"


class OpenLabels(dict[str, "E | str"], Generic[E]):
    """The members of an enum by their labels; an unknown label maps to its own text."""

    def __init__(self, members: Iterable[E]) -> None:
        found: Iterable[Any] = members
        super().__init__({member.value: member for member in found})

    def __missing__(self, label: str) -> str:
        return label
