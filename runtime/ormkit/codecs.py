"""Codecs: the types that asyncpg does not turn into Python values and back, or not as fast."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from .json_forms import json_text
from .moments import moment_codec


def json_bytes(value: object) -> bytes:
    """Return a value of type json as the server takes it."""
    return json_text(value).encode()


def jsonb_bytes(value: object) -> bytes:
    """Return a value of type jsonb as the server takes it: behind the version of the format, 1."""
    return b"\1" + json_text(value).encode()


def from_json_bytes(data: bytes) -> Any:
    """Return the value of type json that the server sent."""
    return json.loads(data.decode())


def from_jsonb_bytes(data: bytes) -> Any:
    """Return the value of type jsonb that the server sent."""
    return json.loads(data[1:].decode())


#: What encodes and decodes each type.
CODECS: dict[str, tuple[Callable[[object], bytes], Callable[[bytes], Any]]] = {
    "json": (json_bytes, from_json_bytes),
    "jsonb": (jsonb_bytes, from_jsonb_bytes),
}
if moments := moment_codec():
    CODECS["timestamptz"] = moments


async def set_codecs(raw: Any) -> None:
    """Let a connection of asyncpg use them."""
    # In binary, since COPY has no other form for its rows.
    for name, (encode, decode) in CODECS.items():
        await raw.set_type_codec(
            name, schema="pg_catalog", encoder=encode, decoder=decode, format="binary"
        )
