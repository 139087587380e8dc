"""Codecs: the types that asyncpg does not turn into Python values and back, or not as they are."""

from __future__ import annotations

import json
from typing import Any

from ..postgres.json_documents import SHORT, UNREADABLE, read_exactly, why_unreadable
from ..postgres.json_forms import json_text
from .timestamptz import Codec, moment_codecs
from .unreadable import Unreadable


def json_bytes(value: object) -> bytes:
    """Return a value of type json as the server takes it."""
    return json_text(value).encode()


def jsonb_bytes(value: object) -> bytes:
    """Return a value of type jsonb as the server takes it: behind the version of the format, 1."""
    return b"\1" + json_text(value).encode()


def json_codecs(marks: list[Unreadable]) -> dict[str, Codec]:
    """Return the codecs of a connection for JSON; `marks` is where they note what is unreadable."""

    def unread(error: Exception) -> Unreadable:
        marks.append(mark := Unreadable(why_unreadable(error)))
        return mark

    def from_json_bytes(data: bytes) -> Any:
        try:
            return read_exactly(data.decode())
        except UNREADABLE as error:
            return unread(error)

    # Without a step between: it runs for each value.
    def from_jsonb_bytes(data: bytes) -> Any:
        try:
            text = data[1:].decode()
            return json.loads(text) if len(text) <= SHORT else read_exactly(text)
        except UNREADABLE as error:
            return unread(error)

    return {
        "json": (json_bytes, from_json_bytes, "binary"),
        "jsonb": (jsonb_bytes, from_jsonb_bytes, "binary"),
    }


async def set_codecs(raw: Any, marks: list[Unreadable]) -> None:
    """Let a connection of asyncpg use them; what they cannot read they note in `marks`."""
    codecs = {**json_codecs(marks), **moment_codecs(marks, raw.get_server_version().major)}
    # In binary, since COPY has no other form for its rows.
    for name, (encode, decode, form) in codecs.items():
        await raw.set_type_codec(
            name, schema="pg_catalog", encoder=encode, decoder=decode, format=form
        )
