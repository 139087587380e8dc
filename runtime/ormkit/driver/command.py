"""Commands: what a connection is told to run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Command:
    """The text of one statement; a Statement knows what its parameters and columns are."""

    sql: str
    _: KW_ONLY
    #: True where it calls a function by name, which may change the session as raw SQL may.
    is_foreign: bool = False
    #: True for raw SQL, which may have run for some of many rows when it fails.
    is_raw: bool = False

    def explained(self, error: BaseException, rows: Sequence[Sequence[Any]]) -> BaseException:
        """Return the error to raise where running it failed with this one.

        rows: what was sent: one row of arguments, or many.
        """
        return error
