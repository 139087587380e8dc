"""Codecs for json, jsonb, dates, times and intervals, which replace those of asyncpg."""

from __future__ import annotations

import json
from typing import Any

from ..postgres.json_documents import (
    JSON_READ_ERRORS,
    SAFE_LENGTH,
    read_exactly,
    read_json,
    unreadable_reason,
)
from ..postgres.json_forms import json_text
from ..postgres.json_hooks import hooks
from .timestamptz import Codec, moment_codecs
from .unreadable import Unreadable


def json_bytes(value: object) -> bytes:
    """Encode a value as json."""
    return json_text(value).encode()


def jsonb_bytes(value: object) -> bytes:
    """Encode a value as jsonb: the format version 1, then the JSON text."""
    return b"\1" + json_text(value).encode()


def json_codecs(marks: list[Unreadable]) -> dict[str, Codec]:
    """Return the JSON codecs of a connection, which append undecodable values to `marks`."""

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

    def from_text(text: str) -> Any:
        try:
            return read_json(text)
        except JSON_READ_ERRORS as error:
            return unread(error)

    if hooks.decode is not None:
        return {
            "json": (json_bytes, lambda data: from_text(data.decode()), "binary"),
            "jsonb": (jsonb_bytes, lambda data: from_text(data[1:].decode()), "binary"),
        }
    return {
        "json": (json_bytes, from_json_bytes, "binary"),
        "jsonb": (jsonb_bytes, from_jsonb_bytes, "binary"),
    }


async def set_codecs(raw: Any, marks: list[Unreadable]) -> None:
    """Install the codecs on a connection of asyncpg; they append undecodable values to `marks`."""
    codecs = {**json_codecs(marks), **moment_codecs(marks, raw.get_server_version().major)}
    # The format is binary, since asyncpg's COPY supports no other format.
    for name, (encode, decode, form) in codecs.items():
        await raw.set_type_codec(
            name, schema="pg_catalog", encoder=encode, decoder=decode, format=form
        )
