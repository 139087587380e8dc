"""A value for a column, which differs from the values for other numbers where it can."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Mapping
from decimal import Decimal
from ipaddress import IPv4Address, IPv4Network
from typing import Any
from uuid import UUID

from ..errors import UsageError
from ..models.columns import AnyColumn
from ..postgres.base_type import BaseType
from ..postgres.interval import Interval
from ..postgres.values import BitString, Range

FIRST_DAY = dt.datetime(2020, 1, 1)
#: Texts for columns whose names tell what they hold, so that simple checks accept them.
TEXTS = {
    "email": "user{}@example.org",
    "url": "https://example.org/{}",
    "slug": "slug-{}",
    "phone": "+1555{:07}",
}
#: Where the addresses of 10.0.0.0/8 begin.
FIRST_ADDRESS = 10 << 24


def sample(column: AnyColumn, number: int) -> Any:
    """Return a value for a column.

    Raises UsageError for a column of a type whose values OrmKit does not know.
    """
    if column.is_array:
        return []
    if column.labels is not None:
        labels = list(column.labels)
        return labels[number % len(labels)]
    known = column.known
    if known.base.family == "text":
        return text_for(column.slot, known.modifiers[0] if known.modifiers else None, number)
    made = value_of(known.base, known.modifiers, number)
    if made is None:
        raise UsageError(
            f"a factory cannot make a value of {column.type} for {column.label}: give one, as in "
            f"Factory({column.table.label}, {column.slot}=...)"
        )
    return made


def text_for(name: str, length: int | None, number: int) -> str:
    """Return a text with a number, which its end keeps where the text is too long."""
    words = next((text for ending, text in TEXTS.items() if name.endswith(ending)), f"{name} {{}}")
    text = words.format(number)
    if length is None or len(text) <= length:
        return text
    return str(number).rjust(length, "0")[-length:]


def value_of(type_: BaseType, modifiers: tuple[int, ...], number: int) -> Any:
    """Return a value of a type; None for one that is not known."""
    if type_.is_json:
        return {}
    if type_.bound is not None:
        low, high = (value_of(type_.bound, (), each) for each in (number, number + 1))
        return Range(low, high)
    if not type_.reads:
        return None
    kind = type_.reads[0]
    if kind is Decimal:
        return decimal_of(modifiers, number)
    if kind is BitString:
        length = modifiers[0] if modifiers else 1
        return BitString(format(number, f"0{length}b")[-length:])
    if kind is list:
        return [float(number)] * (modifiers[0] if modifiers else 1)
    if kind is dt.datetime:
        moment = FIRST_DAY + dt.timedelta(hours=number)
        return moment.replace(tzinfo=dt.UTC) if type_.needs_zone else moment
    if kind is dt.time:
        time = (FIRST_DAY + dt.timedelta(seconds=number)).time()
        return time if type_.check(time, ()) is None else time.replace(tzinfo=dt.UTC)
    made = MAKERS.get(kind)
    return made(number) if made is not None else None


def decimal_of(modifiers: tuple[int, ...], number: int) -> Decimal:
    """Return a whole number that numeric(precision, scale) holds."""
    if not modifiers:
        return Decimal(number)
    precision, scale = (*modifiers, 0)[:2]
    return Decimal(number % 10 ** max(precision - scale, 0))


def uuid_of(number: int) -> UUID:
    """Return a random-looking UUID, the same one for the same number."""
    return UUID(bytes=hashlib.sha256(str(number).encode()).digest()[:16], version=4)


#: What makes a value, by the class that PostgreSQL's values are read as.
MAKERS: Mapping[type, Callable[[int], Any]] = {
    bool: lambda number: number % 2 == 0,
    # Of types that are no texts, and take twelve hexadecimal digits: macaddr, tsvector.
    str: lambda number: format(number, "012x"),
    int: lambda number: number,
    float: float,
    bytes: lambda number: str(number).encode(),
    # Weeks apart, so that ranges of some days that begin with them do not overlap.
    dt.date: lambda number: FIRST_DAY.date() + dt.timedelta(weeks=number % 400_000),
    Interval: lambda number: dt.timedelta(seconds=number),
    UUID: uuid_of,
    IPv4Address: lambda number: IPv4Address(FIRST_ADDRESS + number),
    IPv4Network: lambda number: IPv4Network((FIRST_ADDRESS + number, 32)),
}
