"""Opens an asyncpg connection and sets it up: codecs, encoding check, read buffer, keepalive."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any

import asyncpg  # pyright: ignore[reportMissingTypeStubs]

from ..connecting.keepalive import set_keepalive
from ..connecting.options import check_encoding
from ..postgres.json_hooks import JsonFunctions
from .asyncpg_internals import TransportKeeper, choose_array_walk, transport_of
from .codecs import set_codecs
from .errors import UNREACHABLE, refused_connection
from .read_buffer import receive_into_buffer
from .unreadable import Unreadable

#: asyncpg publishes no types.
DRIVER: Any = asyncpg
#: What the driver raises if the setup of a connection fails.
FAILED_SETUP = (asyncpg.PostgresError, *UNREACHABLE)
#: The event loop that the driver uses for new connections; None is the one that runs.
EVENT_LOOP: ContextVar[Any] = ContextVar("EVENT_LOOP", default=None)
#: Enables NULL in arrays that the driver sends as text, if the server's default disables it.
READ_NULLS = (
    "SELECT set_config('array_nulls', 'on', false) WHERE current_setting('array_nulls') = 'off'"
)


async def open_raw(
    options: Mapping[str, Any],
    statement_cache_size: int,
    marks: list[Unreadable],
    functions: JsonFunctions,
) -> Any:
    """Connect, set the connection up, and return asyncpg's connection.

    statement_cache_size: the size of asyncpg's own cache of prepared statements.
    marks: the list to which the codecs append a mark for each value that they cannot decode.
    functions: what writes and reads JSON.

    Raises ConnectionFailed, ConfigurationError, or the error that the server reported.
    """
    arguments = {name: value for name, value in options.items() if name != "keepalives"}
    try:
        raw = await DRIVER.connect(
            **arguments,
            loop=EVENT_LOOP.get(),
            statement_cache_size=statement_cache_size,
            connection_class=TransportKeeper,
        )
    except Exception as error:
        raise refused_connection(error, options.get("host", ()))
    transport = transport_of(raw)
    receive_into_buffer(transport, terminator(raw))
    try:
        check_encoding_of(raw)
        if numbers := options.get("keepalives"):
            set_keepalive(transport, numbers)
        await set_codecs(raw, marks, functions)
        await read_nulls(raw)
        await choose_array_walk(raw)
    except BaseException as error:
        raw.terminate()
        raise refused_connection(error) if isinstance(error, FAILED_SETUP) else error
    return raw


def terminator(raw: Any) -> Callable[[], None]:
    """Return a function that closes the connection and holds only a weak reference to it."""
    reference = weakref.ref(raw)

    def terminate() -> None:
        raw = reference()
        if raw is not None:
            raw.terminate()

    return terminate


def check_encoding_of(raw: Any) -> None:
    """Raise ConfigurationError if the client encoding is not UTF-8."""
    check_encoding(raw.get_settings().client_encoding)


async def read_nulls(raw: Any) -> None:
    """Enable NULL in arrays that are sent as text."""
    await raw.execute(READ_NULLS)
