"""Write values as JSON text, and convert them to what json and jsonb columns return."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from ..accelerator import accelerator
from ..errors import InvalidValue
from .checks import is_encodable, json_mismatch, reason_by
from .json_hooks import Encoder, functions_in_use

#: Types of scalars that JSON returns unchanged.
SCALARS = frozenset((str, int, bool, type(None)))
#: From this size on, jsonb returns a float as an int, since it stores numbers as numeric.
WHOLE_FROM = 1e16

# json.dumps() with these options would make a new encoder for each document.
_written = json.JSONEncoder(allow_nan=False, ensure_ascii=False).encode


def json_text(value: object, encode: Encoder | None = None) -> str:
    """Return the value as JSON text; raises InvalidValue where that is not possible.

    encode: the application's function; None takes Python's.

    Non-ASCII characters are not escaped: a database with encoding SQL_ASCII cannot read escapes.
    """
    if encode is not None:
        return text_by(encode, value)
    try:
        text = _written(value)
        return text if is_encodable(text) else json.dumps(value)
    except (TypeError, ValueError, RecursionError):
        raise InvalidValue(
            reason_by(json_mismatch, value) or "it cannot be written as JSON"
        ) from None


def text_by(encode: Encoder, value: object) -> str:
    """Return what the application's function writes; raises InvalidValue where it fails."""
    try:
        text = encode(value)
        return text if isinstance(text, str) else text.decode()
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidValue(f"json_encoder cannot write it ({type(error).__name__})") from None


def json_form(is_binary: bool, value: Any) -> Any:
    """Return the document as PostgreSQL returns it; raises InvalidValue for what is not JSON.

    Tuples become lists, and keys become strings. jsonb orders keys by their length and then by
    their bytes, and has neither a negative zero nor exponents. Where nothing changes, the result is
    the same object.
    """
    try:
        found = stored_json(is_binary, value)
        if found is not NotImplemented:
            return found
    except RecursionError:
        # json's parser may reach a greater depth.
        pass
    text = json_text(value, functions_in_use().encode)
    try:
        if not is_binary:
            return json.loads(text)
        return json.loads(text, parse_float=binary_float, object_pairs_hook=binary_object)
    except RecursionError:
        raise InvalidValue("it is nested too deeply") from None
    except UnicodeEncodeError:
        # A lone surrogate, which the server rejects.
        return value


def stored_json_in_python(is_binary: bool, value: Any) -> Any:
    """Return the document if it is in its stored form; otherwise NotImplemented."""
    return value if is_stored(is_binary, value) else NotImplemented


#: The accelerator's version also converts tuples to lists and orders keys.
stored_json: Any = accelerator.stored_json if accelerator is not None else stored_json_in_python


def is_stored(is_binary: bool, value: Any) -> bool:
    """Return whether the document is in its stored form."""
    kind = type(value)  # pyright: ignore[reportUnknownVariableType]
    if kind in SCALARS:
        return True
    if kind is dict:
        if not is_ordered(is_binary, value):
            return False
        value = value.values()
    elif kind is float:
        return is_stored_float(is_binary, value)
    elif kind is not list:
        return False
    return all(is_stored(is_binary, each) for each in value if type(each) not in SCALARS)


def is_ordered(is_binary: bool, document: dict[Any, Any]) -> bool:
    """Return whether the keys are strings, and for jsonb in jsonb's order."""
    if not all(type(key) is str for key in document):
        return False
    if not is_binary or len(document) < 2:
        return True
    ranks = list(map(key_order, document))
    return ranks == sorted(ranks)


def is_stored_float(is_binary: bool, value: float) -> bool:
    if not is_binary:
        return math.isfinite(value)
    return abs(value) < WHOLE_FROM and (value != 0 or math.copysign(1, value) > 0)


def binary_float(text: str) -> float | int:
    """Return the number that jsonb returns for the text of a float."""
    value = float(text)
    return int(Decimal(text)) if abs(value) >= WHOLE_FROM else value + 0.0


def binary_object(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Return the object that jsonb returns: the last value of each key, in jsonb's order."""
    return dict(sorted(pairs, key=lambda pair: key_order(pair[0])))


def key_order(key: str) -> tuple[int, bytes]:
    """Return the sort key by which jsonb orders keys."""
    data = key.encode()
    return len(data), data
