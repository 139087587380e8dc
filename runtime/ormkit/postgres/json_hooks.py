"""The functions of the application that write and read JSON, in place of Python's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..errors import ConfigurationError

#: Writes a value as JSON; Python's own json writes it as str.
Encoder = Callable[[Any], str | bytes]
#: Reads a document from its text.
Decoder = Callable[[str], Any]


class JsonHooks:
    """What create_engine() was passed; it holds for the process.

    A value gets its stored form before any engine is known. That form is plain JSON, so that it can
    be written again: only what is read comes from the application's function.
    """

    __slots__ = ("decode", "encode")

    def __init__(self) -> None:
        self.encode: Encoder | None = None
        self.decode: Decoder | None = None

    def take(self, encode: Encoder | None, decode: Decoder | None) -> None:
        """Use these functions; None leaves what is set.

        Raises ConfigurationError for what is no function, and for another function than that of an
        engine before.
        """
        for name, given, held in (
            ("json_encoder", encode, self.encode),
            ("json_decoder", decode, self.decode),
        ):
            if given is not None and not callable(given):
                raise ConfigurationError(f"{name}={given!r}: give a function")
            if given is not None and held is not None and given is not held:
                raise ConfigurationError(
                    f"{name} holds for the process, and another engine has set a different one: "
                    f"pass the same function to both"
                )
        self.encode = encode or self.encode
        self.decode = decode or self.decode

    def clear(self) -> None:
        """Use Python's own functions again."""
        self.encode = self.decode = None


hooks = JsonHooks()
