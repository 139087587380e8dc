"""ETag and If-Match, by the version column of a model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..errors import StaleObject, UsageError
from ..models.model import Model
from ..models.table import table_of


class ETags:
    """Tells the client the version of what it gets, and compares with what it asks for."""

    def __init__(self, if_match: str | None, set_etag: Callable[[str], None]) -> None:
        self._if_match = if_match
        self._set_etag = set_etag

    def send(self, instance: Model) -> None:
        """Set the header ETag of the answer to the version of the object."""
        self._set_etag(etag_of(instance))

    def check(self, instance: Model) -> None:
        """Raise StaleObject, which becomes 412, if the request wants another version.

        Read the object in the transaction that changes it: its version column holds from then on.
        """
        if self._if_match is None or self._if_match.strip() == "*":
            return
        wanted = [each.strip() for each in self._if_match.split(",")]
        if etag_of(instance) not in wanted:
            raise StaleObject("the request asks for another version of it")


def etag_of(instance: Model) -> str:
    """Return the ETag of an object; raises UsageError if its model has no version column."""
    table = table_of(type(instance))
    if table.version is None:
        raise UsageError(
            f"{table.label} has no version column: add the mixin `version` to the schema"
        )
    version: Any = getattr(instance, table.version.slot)
    return f'"{version}"'
