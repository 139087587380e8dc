"""The protocol for the rows of a COPY FROM, with what a connection needs to send them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from ..postgres.identifiers import quote
from ..postgres.json_hooks import Encoder
from ..postgres.type_words import Type


class Copied(Protocol):
    """The target of a COPY and the state of its current row, for error messages."""

    table: str
    schema: str | None
    names: Sequence[str]
    #: True if the caller named the table. Its triggers may then change the session's state.
    is_raw: bool
    #: The types of a model's columns; none where only the database knows them.
    types: Sequence[Type]
    #: True if a column of the model is sent as text, and with it all others.
    is_text: bool
    #: The application's function that writes JSON; None for Python's.
    encoder: Encoder | None

    @property
    def has_rows(self) -> bool: ...
    @property
    def is_reading(self) -> bool: ...
    def described(self) -> str: ...
    def __getitem__(self, place: int, /) -> Any: ...


def copy_sql(cells: Copied) -> str:
    """Return the COPY that receives these rows."""
    names = ", ".join(quote(name) for name in cells.names)
    return f"COPY {quote(cells.table)} ({names}) FROM STDIN"
