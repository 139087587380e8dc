"""Opening: a connection of asyncpg, made ready for what the runtime takes for granted."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping
from typing import Any

import asyncpg  # pyright: ignore[reportMissingTypeStubs]

from ..connecting.keepalive import keep_alive
from ..connecting.options import check_encoding
from .asyncpg_internals import TransportKeeper, choose_array_walk, transport_of
from .codecs import set_codecs
from .errors import UNREACHABLE, refused_connection
from .read_buffer import receive_into_buffer
from .unreadable import Unreadable

#: asyncpg publishes no types.
DRIVER: Any = asyncpg
#: What the driver raises where the connection cannot be made ready.
FAILED_SETUP = (asyncpg.PostgresError, *UNREACHABLE)
#: Lets the server read NULL in the arrays that the driver sends as text, where it does not.
READ_NULLS = (
    "SELECT set_config('array_nulls', 'on', false) WHERE current_setting('array_nulls') = 'off'"
)


async def open_raw(
    options: Mapping[str, Any], statement_cache_size: int, marks: list[Unreadable]
) -> Any:
    """Connect, and return asyncpg's connection.

    marks: where its codecs note what they cannot read.

    Raises ConnectionFailed, ConfigurationError, or the error that the server answered with.
    """
    arguments = {name: value for name, value in options.items() if name != "keepalives"}
    try:
        raw = await DRIVER.connect(
            **arguments,
            statement_cache_size=statement_cache_size,
            connection_class=TransportKeeper,
        )
    except Exception as error:
        raise refused_connection(error)
    transport = transport_of(raw)
    receive_into_buffer(transport, terminator(raw))
    try:
        check_encoding_of(raw)
        if numbers := options.get("keepalives"):
            keep_alive(transport, numbers)
        await set_codecs(raw, marks)
        await read_nulls(raw)
        await choose_array_walk(raw)
    except BaseException as error:
        raw.terminate()
        raise refused_connection(error) if isinstance(error, FAILED_SETUP) else error
    return raw


def terminator(raw: Any) -> Callable[[], None]:
    """Return what closes the connection, and does not keep it from being collected."""
    reference = weakref.ref(raw)

    def terminate() -> None:
        raw = reference()
        if raw is not None:
            raw.terminate()

    return terminate


def check_encoding_of(raw: Any) -> None:
    """Raise ConfigurationError where the server sends text in another encoding than UTF-8."""
    check_encoding(raw.get_settings().client_encoding)


async def read_nulls(raw: Any) -> None:
    """Let the server read NULL in arrays of text, whatever its own default is."""
    await raw.execute(READ_NULLS)
