"""Checks: whether a value fits a type, and if not, why; one function for each kind of type.

They run once a value was refused, never before. A check says nothing about what it cannot tell.
"""

from __future__ import annotations

import datetime as dt
import json
import math
import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from ipaddress import ip_interface, ip_network
from typing import Any, SupportsIndex
from uuid import UUID

from .infinity import INFINITY, MINUS_INFINITY, Infinite
from .interval import Interval
from .values import BitString, Range

#: Takes a value and the numbers of the type's modifier; returns why the value does not fit.
Check = Callable[[Any, Sequence[int]], str | None]

#: The largest exponent of a numeric: it has up to 131,072 digits before the point.
MOST_DIGITS = 131_072
SINGLE_MAX = 3.4028235677973366e38
WEEK = dt.timedelta(days=7)
NUL = "it holds the character NUL, which PostgreSQL's text cannot"
SURROGATE = "it holds half of a surrogate pair, which is not a character"


def reason_by(check: Check, value: Any, limits: Sequence[int] = ()) -> str | None:
    """Return why a check refuses the value; None for no value, and where nothing shows."""
    if value is None:
        return None
    try:
        return check(value, limits)
    except Exception:
        # An object of the caller's may do anything when it is looked at.
        return None


def no_check(value: Any, limits: Sequence[int]) -> str | None:
    """Find nothing wrong, as nothing is known of the type."""
    return None


def wrong_type(what: str, value: object) -> str:
    """Return the reason for a value of another Python type."""
    return f"it takes {what}, not {type(value).__name__}"


def integer_mismatch(bits: int, value: Any, limits: Sequence[int]) -> str | None:
    """Return the reason for a whole number of so many bits."""
    if isinstance(value, (float, Decimal)):
        is_finite = value.is_finite() if isinstance(value, Decimal) else math.isfinite(value)
        if not is_finite:
            return "it is not a finite number"
        if int(value) != value:
            return "it has a fraction"
    elif not isinstance(value, SupportsIndex):
        return wrong_type("an int", value)
    limit = 2 ** (bits - 1)
    return None if -limit <= int(value) < limit else f"it is outside {-limit} to {limit - 1}"


def range_mismatch(bound: Check, value: Any, limits: Sequence[int]) -> str | None:
    """Return the reason for a range; `bound` checks its bounds."""
    if not isinstance(value, Range):
        return None if isinstance(value, (tuple, list)) else wrong_type("an ormkit.Range", value)
    given: Range[Any] = value  # pyright: ignore[reportUnknownVariableType]
    for side, each in (("lower", given.lower), ("upper", given.upper)):
        if reason := reason_by(bound, each):
            return f"its {side} bound: {reason}"
    return None


def real_mismatch(value: Any, limits: Sequence[int]) -> str | None:
    if (reason := double_mismatch(value, limits)) is not None:
        return reason
    is_beyond = math.isfinite(value) and abs(value) >= SINGLE_MAX
    return "it is beyond single precision" if is_beyond else None


def double_mismatch(value: Any, limits: Sequence[int]) -> str | None:
    try:
        float(value)
    except OverflowError:
        return "it is beyond double precision"
    except (TypeError, ValueError):
        return wrong_type("a float", value)
    return wrong_type("a float", value) if isinstance(value, (str, bytes, bytearray)) else None


def numeric_mismatch(value: Any, limits: Sequence[int]) -> str | None:
    if isinstance(value, int):
        if value.bit_length() > MOST_DIGITS * 4:
            return f"it has more than {MOST_DIGITS} digits before the decimal point"
        # Not by way of text, which Python refuses for numbers of thousands of digits.
        value = Decimal(value)
    if isinstance(value, (float, str)):
        try:
            value = Decimal(value)
        except ArithmeticError:
            return "it is a string that is not a number"
    if not isinstance(value, Decimal):
        return wrong_type("a Decimal", value)
    if value.is_finite() and value and value.adjusted() >= MOST_DIGITS:
        return f"it has more than {MOST_DIGITS} digits before the decimal point"
    if not limits or value.is_nan():
        return None
    digits = limits[0] - (limits[1] if len(limits) > 1 else 0)
    if value.is_infinite():
        return f"it is infinite, and the type has {digits} digits before the decimal point"
    is_beyond = bool(value) and value.adjusted() >= digits
    return f"it has more than {digits} digits before the decimal point" if is_beyond else None


def text_mismatch(value: Any, limits: Sequence[int]) -> str | None:
    if not isinstance(value, str):
        return wrong_type("a str", value)
    if "\0" in value:
        return NUL
    if not is_encodable(value):
        return SURROGATE
    # Spaces at the end are cut off without a word, as the standard has it.
    length = len(value.rstrip(" "))
    is_long = bool(limits) and length > limits[0]
    return f"it has {length} characters, and {limits[0]} at most fit" if is_long else None


def boolean_mismatch(value: Any, limits: Sequence[int]) -> str | None:
    return None if isinstance(value, bool) else wrong_type("True or False", value)


def bytea_mismatch(value: Any, limits: Sequence[int]) -> str | None:
    if not isinstance(value, (bytes, bytearray, memoryview)):
        return wrong_type("bytes", value)
    is_whole = not isinstance(value, memoryview) or value.c_contiguous
    return None if is_whole else "its memory is not contiguous"


def date_mismatch(value: Any, limits: Sequence[int]) -> str | None:
    return None if isinstance(value, dt.date) else wrong_type("a date", value)


def time_mismatch(value: Any, limits: Sequence[int]) -> str | None:
    if not isinstance(value, dt.time):
        return wrong_type("a time", value)
    return None if value.tzinfo is None else "it has a time zone, and the type has none"


def timetz_mismatch(value: Any, limits: Sequence[int]) -> str | None:
    if not isinstance(value, dt.time):
        return wrong_type("a time with a time zone", value)
    return None if value.tzinfo is not None else "it has no time zone"


def timestamp_mismatch(value: Any, limits: Sequence[int]) -> str | None:
    if not isinstance(value, dt.date):
        return wrong_type("a datetime", value)
    is_zoned = isinstance(value, dt.datetime) and value.tzinfo is not None
    return "it has a time zone, and the type has none: use timestamptz" if is_zoned else None


def timestamptz_mismatch(value: Any, limits: Sequence[int]) -> str | None:
    if not isinstance(value, dt.date):
        return wrong_type("a datetime", value)
    try:
        in_utc(value)
    except OverflowError:
        return "it is outside the years 1 to 9999 in UTC"
    return None


def in_utc(value: dt.date) -> dt.datetime:
    """Return the moment in UTC; a naive one, and the beginning of a day, are in the local zone.

    Raises OverflowError for one that is outside of Python's years there.
    """
    if isinstance(value, Infinite):
        return INFINITY if value.sign > 0 else MINUS_INFINITY
    if not isinstance(value, dt.datetime):
        value = dt.datetime(value.year, value.month, value.day)
    if value.tzinfo is not None:
        return value.astimezone(dt.UTC)
    # Python looks for the offset of a moment some days around it, which the first and the last
    # days of its calendar do not have.
    near = min(max(value, dt.datetime.min + WEEK), dt.datetime.max - WEEK)
    offset = near.astimezone().utcoffset() or dt.timedelta()
    return (value - offset).replace(tzinfo=dt.UTC)


def interval_mismatch(value: Any, limits: Sequence[int]) -> str | None:
    if not isinstance(value, (Interval, dt.timedelta)):
        return wrong_type("an ormkit.Interval or a timedelta", value)
    # Nothing else of one is ever refused.
    is_infinite = isinstance(value, Interval) and value.is_infinite
    return (
        "it is infinite, and PostgreSQL has infinite intervals since version 17"
        if is_infinite
        else None
    )


def uuid_mismatch(value: Any, limits: Sequence[int]) -> str | None:
    if isinstance(value, UUID):
        return None
    return (
        "it is a string that is not a UUID"
        if isinstance(value, str)
        else wrong_type("a UUID", value)
    )


def inet_mismatch(value: Any, limits: Sequence[int]) -> str | None:
    return parse_mismatch("an IP address", ip_interface, value)


def cidr_mismatch(value: Any, limits: Sequence[int]) -> str | None:
    return parse_mismatch("a network without host bits", ip_network, value)


def parse_mismatch(what: str, read: Callable[[Any], Any], value: Any) -> str | None:
    try:
        read(value)
    except (TypeError, ValueError):
        return f"it is not {what}" if isinstance(value, str) else wrong_type(what, value)
    return None


def bit_mismatch(value: Any, limits: Sequence[int]) -> str | None:
    if not isinstance(value, BitString):
        return wrong_type("an ormkit.BitString", value)
    is_other = bool(limits) and len(value) != limits[0]
    return f"it has {len(value)} bits, and the type takes {limits[0]}" if is_other else None


def varbit_mismatch(value: Any, limits: Sequence[int]) -> str | None:
    if not isinstance(value, BitString):
        return wrong_type("an ormkit.BitString", value)
    is_long = bool(limits) and len(value) > limits[0]
    return f"it has {len(value)} bits, and at most {limits[0]} fit" if is_long else None


def vector_mismatch(value: Any, limits: Sequence[int]) -> str | None:
    """Return the reason for a vector, as a list or in pgvector's text form."""
    numbers = value[1:-1].split(",") if isinstance(value, str) else value
    if limits and len(numbers) != limits[0]:
        return f"it has {len(numbers)} dimensions, and the type takes {limits[0]}"
    floats = list(map(float, numbers))
    if not all(map(math.isfinite, floats)):
        return "it holds NaN or infinity"
    is_beyond = any(abs(number) >= SINGLE_MAX for number in floats)
    return "it holds a number beyond single precision" if is_beyond else None


def json_mismatch(value: Any, limits: Sequence[int]) -> str | None:
    try:
        text = json.dumps(value, allow_nan=False)
    except RecursionError:
        return "it is nested too deeply"
    except (TypeError, ValueError, OverflowError) as error:
        return json_error_reason(error)
    # As JSON writes them, behind an even number of backslashes.
    escapes = re.findall(r"(?<!\\)(?:\\\\)*\\u([0-9a-f]{4})", text)
    if "0000" in escapes:
        return NUL
    return None if is_encodable(json.loads(f'"{joined(escapes)}"')) else SURROGATE


def joined(escapes: list[str]) -> str:
    return "".join(rf"\u{each}" for each in escapes)


def json_error_reason(error: Exception) -> str:
    """Return the reason that a value has no JSON, without the value."""
    text = str(error)
    if found := re.fullmatch(r"Object of type (\w+) is not JSON serializable", text):
        return f"JSON has no {found.group(1)}"
    if "Circular" in text:
        return "it contains itself"
    if found := re.fullmatch(r"keys must be .*, not (\w+)", text):
        return f"a key of a JSON object must be a string (str), not {found.group(1)}"
    if "Out of range" in text:
        return "JSON has no NaN and no infinity"
    if "digits" in text:
        return "it holds a whole number with too many digits for Python to write"
    return "it cannot be written as JSON"


def is_encodable(text: str) -> bool:
    """Return whether the text has a form in UTF-8, which half of a surrogate pair has not."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
