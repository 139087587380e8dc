"""Moments: values of type timestamptz on their way from and to the server, by the accelerator.

asyncpg adds a timedelta to the year 2000 for each of them, which can be half of all that decoding a
row takes. Where there is no accelerator, that is faster than what Python could do here.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from .acceleration import accelerator

EPOCH = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
MICROSECOND = dt.timedelta(microseconds=1)
#: What stands for infinity, in Python and in PostgreSQL's binary form.
INFINITE = {dt.datetime.max: 2**63 - 1, dt.datetime.min: -(2**63)}
LAST, FIRST = 252455615999999999, -63082281600000000


def encode_moment(value: Any) -> bytes:
    """Return the value as the server takes it; TypeError for what is no date or datetime.

    A naive one is in the local time zone, as for asyncpg.
    """
    data: bytes | None = accelerator.encode_timestamptz(value)
    return data if data is not None else encoded(value)


def encoded(value: Any) -> bytes:
    """Return what asyncpg would send: any value, one step of Python after the other."""
    if not isinstance(value, dt.datetime):
        if not isinstance(value, dt.date):
            kind = type(value).__name__
            raise TypeError(f"expected a datetime.date or datetime.datetime instance, got {kind!r}")
        local = dt.datetime.now(dt.UTC).astimezone().tzinfo
        value = dt.datetime(value.year, value.month, value.day, tzinfo=local)
    when = INFINITE.get(value) if value.tzinfo is None else None
    if when is None:
        when = (value.astimezone(dt.UTC) - EPOCH) // MICROSECOND
        when = {LAST: 2**63 - 1, FIRST: -(2**63)}.get(when, when)
    return when.to_bytes(8, "big", signed=True)


def moment_codec() -> tuple[Any, Any] | None:
    """Return what encodes and decodes moments; None where the driver should."""
    if accelerator is None:
        return None
    return encode_moment, accelerator.decode_timestamptz
