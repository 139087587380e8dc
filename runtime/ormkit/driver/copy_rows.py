"""Copied: the rows of a COPY, as far as the connection that sends them looks at them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Copied(Protocol):
    """What COPY needs to know of the rows that it stores."""

    table: str
    schema: str | None
    names: Sequence[str]
    #: True where a caller named the table, of which no model tells what it does.
    is_raw: bool

    @property
    def has_rows(self) -> bool: ...
    @property
    def is_reading(self) -> bool: ...
    def described(self) -> str: ...
