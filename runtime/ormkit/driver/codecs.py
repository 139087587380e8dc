"""Codecs for json, jsonb, dates, times and intervals, which replace those of asyncpg."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from ..postgres.json_documents import (
    JSON_READ_ERRORS,
    SAFE_LENGTH,
    read_exactly,
    unreadable_reason,
)
from ..postgres.json_forms import json_text
from ..postgres.json_hooks import PYTHONS, Decoder, Encoder, JsonFunctions
from ..postgres.lists import Shield
from .timestamptz import Codec, moment_codecs
from .unreadable import Unreadable

Encode = Callable[[Any], bytes]
Decode = Callable[[bytes], Any]


def json_codecs(marks: list[Unreadable], functions: JsonFunctions = PYTHONS) -> dict[str, Codec]:
    """Return the JSON codecs of a connection, which append undecodable values to `marks`."""
    json_bytes, jsonb_bytes = json_encoders(functions.encode)
    from_json_bytes, from_jsonb_bytes = json_decoders(marks, functions.decode)
    return {
        "json": (json_bytes, from_json_bytes, "binary"),
        "jsonb": (jsonb_bytes, from_jsonb_bytes, "binary"),
    }


def json_encoders(encode: Encoder | None) -> tuple[Encode, Encode]:
    """Return what encodes a value as json, and as jsonb: the format version 1, then the text."""

    def json_bytes(value: Any) -> bytes:
        return json_text(value.value if type(value) is Shield else value, encode).encode()

    def jsonb_bytes(value: Any) -> bytes:
        text = json_text(value.value if type(value) is Shield else value, encode)
        return b"\1" + text.encode()

    return json_bytes, jsonb_bytes


def json_decoders(marks: list[Unreadable], decode: Decoder | None) -> tuple[Decode, Decode]:
    """Return what decodes json, and jsonb."""

    def unread(error: Exception) -> Unreadable:
        marks.append(mark := Unreadable(unreadable_reason(error)))
        return mark

    def from_json_bytes(data: bytes) -> Any:
        try:
            return read_exactly(data.decode())
        except JSON_READ_ERRORS as error:
            return unread(error)

    # This inlines read_exactly() for short texts, since it runs for each value.
    def from_jsonb_bytes(data: bytes) -> Any:
        try:
            text = data[1:].decode()
            return json.loads(text) if len(text) <= SAFE_LENGTH else read_exactly(text)
        except JSON_READ_ERRORS as error:
            return unread(error)

    if decode is None:
        return from_json_bytes, from_jsonb_bytes

    def by_application(text: str) -> Any:
        try:
            return decode(text)
        except JSON_READ_ERRORS as error:
            return unread(error)

    return (
        lambda data: by_application(data.decode()),
        lambda data: by_application(data[1:].decode()),
    )


async def set_codecs(raw: Any, marks: list[Unreadable], functions: JsonFunctions = PYTHONS) -> None:
    """Install the codecs on a connection of asyncpg; they append undecodable values to `marks`."""
    codecs = {
        **json_codecs(marks, functions),
        **moment_codecs(marks, raw.get_server_version().major),
    }
    # The format is binary, since asyncpg's COPY supports no other format.
    for name, (encode, decode, form) in codecs.items():
        await raw.set_type_codec(
            name, schema="pg_catalog", encoder=encode, decoder=decode, format=form
        )
