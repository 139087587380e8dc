"""Parse JSON that the server sent, and detect numbers that Python would lose."""

from __future__ import annotations

import json
import math
from typing import Any

from .json_hooks import functions_in_use

#: A jsonb text up to this length has no number beyond double precision: it has no exponents.
SAFE_LENGTH = 308
#: What parsing raises for a valid document that Python cannot represent.
JSON_READ_ERRORS = (ValueError, RecursionError)


class TooLarge(ValueError):
    """A JSON number is too large for a float."""


def finite(text: str) -> float:
    """Return the number as a float; raises TooLarge for one that would be infinite."""
    number = float(text)
    if math.isinf(number):
        raise TooLarge
    return number


#: Parses any document; slower than json.loads(), since it calls a function for each float.
read_exactly = json.JSONDecoder(parse_float=finite).decode


def read_json(text: str) -> Any:
    """Parse a document of type json that came as text, by the engine's function if it has one."""
    decode = functions_in_use().decode
    return read_exactly(text) if decode is None else decode(text)


def read_jsonb(text: str) -> Any:
    """Parse a document of type jsonb that came as text, by the engine's function if it has one."""
    decode = functions_in_use().decode
    if decode is not None:
        return decode(text)
    return json.loads(text) if len(text) <= SAFE_LENGTH else read_exactly(text)


def unreadable_reason(error: Exception) -> str:
    """Return why a document cannot be parsed; the reason does not show the value."""
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if isinstance(error, TooLarge):
        return "it holds a number beyond double precision"
    # The server sends valid JSON only: what remains is sys.set_int_max_str_digits().
    return "it holds a whole number with too many digits for Python to read"
