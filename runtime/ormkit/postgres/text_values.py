"""Texts of values: what PostgreSQL reads as a value of each type, under every setting of a session.

COPY sends whole rows in one format. Rows with a value that travels as text are sent as these texts.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from enum import Enum
from functools import partial
from ipaddress import IPv4Network, IPv6Network
from typing import Any, cast
from uuid import UUID

from ..errors import InvalidValue
from .interval import Interval
from .json_forms import json_text
from .json_hooks import Encoder
from .lists import SCALARS, Shield, elements
from .stored_forms import form_of
from .type_mismatch import mismatch_of
from .type_words import Type
from .values import BitString, Range, Record

Write = Callable[[Any], str]

#: Classes whose values are of the type if they are of a class that the type reads.
SURE: frozenset[type] = frozenset((str, bool, bytes, dt.datetime, dt.date, UUID))
#: Classes of networks, which iterate over their addresses.
NETWORKS = (IPv4Network, IPv6Network)
NONE: frozenset[type] = frozenset()


def writer_of(
    known: Type,
    encode: Encoder | None,
    delimiter: str = ",",
    *,
    is_stored: bool = False,
    is_multirange: bool = False,
) -> Write:
    """Return the function that writes values of a type; it raises InvalidValue for others.

    encode: the application's function that writes JSON; None takes Python's.
    delimiter: what stands between the elements of an array of the type; a semicolon for boxes.
    is_stored: whether the values are in their stored form already.
    is_multirange: whether a value of the type is a list of ranges.
    """
    base = known.base
    write: Write = text_of
    if base.is_json:
        write = partial(document_text, encode)
    elif is_multirange:
        write = multirange_text
    if known.dimensions:
        write = partial(array_text, write, delimiter)
    elif base.is_json:
        return write
    is_known = bool(base.reads) and base.encode is None
    keep = form_of(known).of if is_known and not is_stored else None
    sure = SURE.intersection(base.reads) if not known.dimensions else NONE

    def written(value: Any) -> str:
        if keep is not None:
            value = keep(value)
        if type(value) not in sure and (reason := refused(known, value)):
            raise InvalidValue(reason)
        return write(value)

    return written


def document_text(encode: Encoder | None, value: Any) -> str:
    """Return a JSON document, or one that is an element of an array."""
    return json_text(value.value if type(value) is Shield else value, encode)


def refused(known: Type, value: Any) -> str | None:
    """Return why the driver would refuse the value in the binary format, or as text."""
    base = known.base
    if base.encode is not None:
        # The value is a text already, or documents that their writer checks.
        return None
    if not base.reads:
        is_misfit = isinstance(value, (int, float, Decimal, dt.date, dt.time))
        return "a text is needed" if is_misfit and not isinstance(value, Enum) else None
    return mismatch_of(known, value, None)


def text_of(value: Any) -> str:
    """Return the text of a value that is neither NULL nor a document; raises InvalidValue."""
    if (write := WRITERS.get(type(value))) is not None:
        return write(value)
    if isinstance(value, Enum):
        return text_of(value.value)
    for kind, write in WRITERS.items():
        if isinstance(value, kind):
            return write(value)
    if isinstance(value, Mapping):
        return json_text(value)  # pyright: ignore[reportUnknownArgumentType]
    # Addresses and networks, and what the driver would take by its text.
    return str(value)


def truth_text(value: bool) -> str:
    return "t" if value else "f"


def bytes_text(value: bytes | bytearray | memoryview) -> str:
    return f"\\x{value.hex()}"


def isoformat(value: Any) -> str:
    return str(value.isoformat())


def interval_text(value: Any) -> str:
    """Return an interval in units with a sign each, which no IntervalStyle reads otherwise."""
    span = cast("Interval", Interval.of(value))
    if span.is_infinite:
        return str(span)
    return f"{span.months:+d} mons {span.days:+d} days {span.microseconds:+d} us"


def bits_text(value: BitString) -> str:
    return value.as_string().replace(" ", "")


def quoted(text: str) -> str:
    r"""Return an element of an array, a field of a record or a bound of a range, in quotes."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def range_text(value: Range[Any]) -> str:
    """Return the text of a range with bounds of any type."""
    if value.isempty:
        return "empty"
    lower, upper = (
        "" if bound is None else quoted(text_of(bound)) for bound in (value.lower, value.upper)
    )
    return f"{'[' if value.lower_inc else '('}{lower},{upper}{']' if value.upper_inc else ')'}"


def multirange_text(value: Any) -> str:
    """Return the text of a multirange, which is a list of ranges."""
    return value if isinstance(value, str) else f"{{{','.join(map(range_text, value))}}}"


def record_text(values: Iterable[Any]) -> str:
    """Return the text of a value of a composite type."""
    fields = ("" if each is None else quoted(text_of(each)) for each in values)
    return f"({','.join(fields)})"


def list_text(values: list[Any]) -> str:
    return array_text(text_of, ",", values)


def array_text(write: Write, delimiter: str, values: Any) -> str:
    """Return the text of an array of any number of dimensions; raises InvalidValue."""
    listed = elements(values)
    return array_part(write, delimiter, listed) if any(map(has_elements, listed)) else "{}"


def has_elements(part: Any) -> bool:
    """Return whether an element of an array is a value, or a list with at least one."""
    return any(map(has_elements, part)) if is_part(part) else True


def is_part(value: Any) -> bool:
    """Return whether an element of an array is a list of further elements."""
    return isinstance(value, list) or (
        isinstance(value, Iterable)
        and not isinstance(value, (*SCALARS, Range, Record, BitString, Enum, *NETWORKS))
    )


def array_part(write: Write, delimiter: str, values: Iterable[Any]) -> str:
    """Return the text of one dimension of an array."""
    parts = (
        (
            "NULL"
            if each is None
            else array_part(write, delimiter, each) if is_part(each) else quoted(write(each))
        )
        for each in values
    )
    return f"{{{delimiter.join(parts)}}}"


WRITERS: dict[Any, Write] = {
    str: str.__str__,
    bool: truth_text,
    int: int.__repr__,
    float: float.__repr__,
    Decimal: str,
    bytes: bytes_text,
    bytearray: bytes_text,
    memoryview: bytes_text,
    UUID: str,
    dt.datetime: isoformat,
    dt.date: isoformat,
    dt.time: isoformat,
    dt.timedelta: interval_text,
    Interval: interval_text,
    BitString: bits_text,
    Range: range_text,
    Record: record_text,
    tuple: record_text,
    list: list_text,
}
