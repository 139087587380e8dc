"""The functions of the application that write and read JSON, in place of Python's."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, NamedTuple, ParamSpec, TypeVar

from ..errors import ConfigurationError

P = ParamSpec("P")
T = TypeVar("T")
#: Writes a value as JSON; Python's own json writes it as str.
Encoder = Callable[[Any], str | bytes]
#: Reads a document from its text.
Decoder = Callable[[str], Any]


class JsonFunctions(NamedTuple):
    """What an engine was passed; its connections write and read JSON by them. None is Python's.

    The stored form of a value is plain JSON all the same, so that it can be written again: only
    what is read comes from the application's function.
    """

    encode: Encoder | None = None
    decode: Decoder | None = None

    def check(self) -> None:
        """Raise ConfigurationError for what is no function."""
        for name, given in (("json_encoder", self.encode), ("json_decoder", self.decode)):
            held: object = given
            if held is not None and not callable(held):
                raise ConfigurationError(f"{name}={held!r}: give a function")


#: The functions of an engine that was passed none.
PYTHONS = JsonFunctions()

_in_use: ContextVar[JsonFunctions] = ContextVar("ormkit_json_functions", default=PYTHONS)


def functions_in_use() -> JsonFunctions:
    """Return the functions that `with_functions` was called with; Python's outside of it."""
    return _in_use.get()


def with_functions(
    functions: JsonFunctions, make: Callable[P, T], *args: P.args, **given: P.kwargs
) -> T:
    """Call a function that brings values into their stored form, or reads documents from texts.

    Everything else is left to the codecs of a connection.
    """
    token = _in_use.set(functions)
    try:
        return make(*args, **given)
    finally:
        _in_use.reset(token)
