"""JSON documents: reading what the server sent, without losing a number on the way."""

from __future__ import annotations

import json
import math
from typing import Any

#: Up to this length no number of jsonb, which has no exponents, is beyond double precision.
SHORT = 308
#: What reading a document may raise: it is right, and Python cannot hold it.
UNREADABLE = (ValueError, RecursionError)


class TooLarge(ValueError):
    """A number that a float has only infinity for."""


def finite(text: str) -> float:
    """Return the number; raises TooLarge."""
    number = float(text)
    if math.isinf(number):
        raise TooLarge
    return number


#: Reads any document. To call something for each float takes longer than to let json make them.
read_exactly = json.JSONDecoder(parse_float=finite).decode


def read_jsonb(text: str) -> Any:
    """Return what a document of type jsonb holds."""
    return json.loads(text) if len(text) <= SHORT else read_exactly(text)


def why_unreadable(error: Exception) -> str:
    """Return the reason that a document cannot be read, without the value."""
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if isinstance(error, TooLarge):
        return "it holds a number beyond double precision"
    # What is no JSON does not come from the server: the limit is sys.set_int_max_str_digits().
    return "it holds a whole number with too many digits for Python to read"
