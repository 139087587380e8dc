"""Functions that make the values of new objects, by the setting `default_factory` of a schema.

A function is imported when it is first called: its module may itself import the generated package.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any

from ..errors import UsageError

#: What makes the present time; a column with a time zone gets it with one.
NOW = "datetime:datetime.now"


class Factory:
    """The function at a place such as "uuid:uuid4"."""

    __slots__ = ("_function", "_needs_zone", "place")

    def __init__(self, place: str, *, needs_zone: bool) -> None:
        """Take the place, and whether the values are times with a time zone."""
        self.place = place
        self._needs_zone = needs_zone
        self._function: Callable[[], Any] | None = None

    def make(self, label: str) -> Any:
        """Return a new value; `label` names the column in the error for a missing function."""
        if self._function is None:
            self._function = self._found(label)
        return self._function()

    def _found(self, label: str) -> Callable[[], Any]:
        if self._needs_zone and self.place == NOW:
            return partial(dt.datetime.now, dt.UTC)
        module, _, path = self.place.partition(":")
        try:
            found: Any = import_module(module)
            for name in path.split("."):
                found = getattr(found, name)
        except ModuleNotFoundError as error:
            if not error.name or not f"{module}.".startswith(f"{error.name}."):
                raise
            raise self._missing(label, f"there is no module {error.name}") from None
        except AttributeError:
            raise self._missing(label, f"{module} has no {path}") from None
        if not callable(found):
            raise self._missing(label, "it is no function")
        return found  # type: ignore[no-any-return]

    def _missing(self, label: str, reason: str) -> UsageError:
        return UsageError(
            f"{label} has the default_factory {self.place}, and {reason}: correct the schema, or "
            f"write the function"
        )
