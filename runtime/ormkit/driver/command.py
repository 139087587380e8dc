"""The Command class: a SQL text to run, and flags that say how it can affect the session."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Command:
    """The SQL text of one statement; the subclass Statement adds its parameters and columns."""

    sql: str
    _: KW_ONLY
    #: True if it calls a function by name, which can make the session state dirty like raw SQL.
    is_foreign: bool = False
    #: True for raw SQL. When it fails for many rows, it may have run for some of them.
    is_raw: bool = False
    #: The tables that the text names, quoted where SQL needs that; empty for raw SQL.
    tables: tuple[str, ...] = ()
    #: What the statement does, where that is not what the server says.
    operation: str = ""
    #: True for the statement of batched lookups by key.
    is_lookup: bool = False
    #: What the application called, in words that `str()` makes; empty for raw SQL.
    shape: object = ""

    def explained(self, error: BaseException, rows: Sequence[Sequence[Any]]) -> BaseException:
        """Return the error to raise after a failed run, with details that the command knows.

        rows: the rows of arguments that were sent, at least one.
        """
        return error
