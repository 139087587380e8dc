"""The form that values have in JSON: what JSON, pydantic and msgspec have no form of their own for.

A range is an object, an interval a duration of ISO 8601, and other values are texts. What is read
from them is equal to what was written.
"""

from __future__ import annotations

import base64
import datetime as dt
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from ipaddress import ip_address, ip_interface, ip_network
from typing import Any, Final

from ..errors import InvalidValue
from .cursor_values import DATES, TIMESTAMPS
from .infinity import Infinite
from .interval import Interval
from .values import BitString, Cidr, Inet, Range

#: A duration of ISO 8601; each part may have a sign, as PostgreSQL writes them.
DURATION = re.compile(
    r"([+-]?)P(?=.)(?:([+-]?\d+)Y)?(?:([+-]?\d+)M)?(?:([+-]?\d+)W)?(?:([+-]?\d+)D)?"
    r"(?:T(?=.)(?:([+-]?\d+)H)?(?:([+-]?\d+)M)?(?:([+-]?)(\d+)(?:[.,](\d{1,6}))?S)?)?",
    re.ASCII,
)
#: More digits than this have no value of a duration.
MOST_DIGITS = 100
#: What a bound is whose text looks like this.
NUMBER_TEXT = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?|NaN|-?Infinity", re.ASCII)
DATE_TEXT = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
BOUNDS = ("[)", "[]", "(]", "()")
SECOND: Final = 1_000_000
#: What stands for floats that JSON has no numbers for.
NOT_FINITE = ("NaN", "Infinity", "-Infinity")


@dataclass(frozen=True, slots=True, eq=False)
class JsonForm:
    """How values of some types of PostgreSQL are written to JSON, and read from it."""

    #: What JSON Schema says of the form.
    schema: Mapping[str, Any]
    #: Returns the form of a value.
    write: Callable[[Any], Any]
    #: Returns the value of a form, and a value itself; raises InvalidValue, which quotes nothing.
    read: Callable[[Any], Any]
    #: Tells the values and texts that libraries do not read and write themselves; None if they
    #: know no value of the type.
    special: Callable[[Any], bool] | None = None
    #: True for moments with a time zone, False for those without one, None for other values.
    has_zone: bool | None = None


def text_of(value: Any, what: str) -> str:
    """Return a value that is a text; raises InvalidValue, which says what is needed."""
    if type(value) is not str:
        raise InvalidValue(f"{what} is needed")
    return value


def write_bytes(value: bytes) -> str:
    return base64.b64encode(value).decode()


def read_bytes(value: Any) -> bytes:
    if isinstance(value, (bytes, bytearray)):
        return bytes(value)
    what = "bytes in Base64"
    try:
        return base64.b64decode(text_of(value, what), validate=True)
    except ValueError:
        raise InvalidValue(f"{what} are needed") from None


def write_interval(value: Interval | dt.timedelta) -> str:
    value = Interval.of(value)
    if value.is_infinite:
        return str(value)
    years, months = parts(value.months, 12)
    minutes, micros = parts(value.microseconds, 60 * SECOND)
    hours, minutes = parts(minutes, 60)
    date = ((years, "Y"), (months, "M"), (value.days, "D"))
    clock = "".join(f"{count}{unit}" for count, unit in ((hours, "H"), (minutes, "M")) if count)
    if micros:
        seconds, rest = divmod(abs(micros), SECOND)
        fraction = f".{rest:06}".rstrip("0") if rest else ""
        clock += f"{'-' if micros < 0 else ''}{seconds}{fraction}S"
    text = "".join(f"{count}{unit}" for count, unit in date if count)
    return f"P{text}{f'T{clock}' if clock else ''}" if text or clock else "PT0S"


def parts(count: int, size: int) -> tuple[int, int]:
    """Return a count in units of a size, and the rest, both with the sign of the count."""
    whole, rest = divmod(abs(count), size)
    return (whole, rest) if count >= 0 else (-whole, -rest)


def read_interval(value: Any) -> Interval:
    if isinstance(value, (Interval, dt.timedelta)):
        return Interval.of(value)
    what = "a duration of ISO 8601, such as P1DT12H,"
    text = text_of(value, what)
    if text in ("infinity", "-infinity"):
        return Interval.INFINITY if text == "infinity" else -Interval.INFINITY
    found = DURATION.fullmatch(text) if len(text) <= MOST_DIGITS else None
    if found is None:
        raise InvalidValue(f"{what} is needed")
    years, months, weeks, days, hours, minutes = (int(each or 0) for each in found.groups()[1:7])
    sign, seconds, fraction = found.groups()[7:]
    micros = int(seconds or 0) * SECOND + int((fraction or "").ljust(6, "0"))
    micros = -micros if sign == "-" else micros
    made = (
        *(years * 12 + months, weeks * 7 + days),
        (hours * 60 + minutes) * 60 * SECOND + micros,
    )
    return Interval(*[-each for each in made] if found[1] == "-" else made)


def write_text(value: object) -> str:
    return str(value)


def read_inet(value: Any) -> Any:
    if isinstance(value, Inet):
        return value
    text = text_of(value, "an IP address")
    try:
        # PostgreSQL writes an address whose netmask covers all of it without the netmask.
        return ip_interface(text) if "/" in text else ip_address(text)
    except ValueError:
        raise InvalidValue("an IP address is needed") from None


def read_cidr(value: Any) -> Any:
    if isinstance(value, Cidr):
        return value
    try:
        return ip_network(text_of(value, "an IP network"))
    except ValueError:
        raise InvalidValue("an IP network is needed, without bits beside its netmask") from None


def write_bits(value: BitString) -> str:
    return value.as_string().replace(" ", "")


def read_bits(value: Any) -> BitString:
    if isinstance(value, BitString):
        return value
    text = text_of(value, "a text of 0 and 1")
    if text.strip("01"):
        raise InvalidValue("a text of 0 and 1 is needed")
    return BitString(text)


def write_float(value: Any) -> Any:
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else f"{'-' if value < 0 else ''}Infinity"


def write_moment(value: Any) -> Any:
    return str(value) if isinstance(value, Infinite) else value.isoformat()


def read_float(value: Any) -> float:
    if type(value) not in (int, float) and value not in NOT_FINITE:
        raise InvalidValue("a number is needed")
    try:
        return float(value)
    except OverflowError:
        raise InvalidValue("a smaller number is needed") from None


def read_whole(value: Any) -> int:
    if type(value) is not int:
        raise InvalidValue("a whole number is needed")
    return value


def read_decimal(value: Any) -> Decimal:
    if isinstance(value, Decimal):
        return value
    if type(value) in (int, float, str):
        try:
            return Decimal(str(value))
        except (InvalidOperation, ValueError):
            pass
    raise InvalidValue("a number is needed, or its text")


def read_date(value: Any) -> dt.date:
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        return value
    text = text_of(value, "a date")
    try:
        return DATES.get(text) or dt.date.fromisoformat(text)
    except ValueError:
        raise InvalidValue("a date is needed, as in 2030-01-31") from None


def read_moment(value: Any) -> dt.datetime:
    if isinstance(value, dt.datetime):
        return value
    text = text_of(value, "a date with a time")
    try:
        return TIMESTAMPS.get(text) or dt.datetime.fromisoformat(text)
    except ValueError:
        raise InvalidValue("a date with a time is needed, as in 2030-01-31T12:00:00Z") from None


def read_zoned(value: Any) -> dt.datetime:
    found = read_moment(value)
    if found.tzinfo is None and not isinstance(found, Infinite):
        raise InvalidValue("a date with a time and a time zone is needed")
    return found


def read_local(value: Any) -> dt.datetime:
    found = read_moment(value)
    if found.tzinfo is not None:
        raise InvalidValue("a date with a time and no time zone is needed")
    return found


def write_bound(value: Any) -> Any:
    if isinstance(value, dt.date):
        return write_moment(value)
    return str(value) if isinstance(value, Decimal) else value


def write_range(value: Any) -> dict[str, Any]:
    """Return a range as an object."""
    if value.isempty:
        return {"empty": True}
    lower, upper = write_bound(value.lower), write_bound(value.upper)
    bounds = f"{'[' if value.lower_inc else '('}{']' if value.upper_inc else ')'}"
    return {"lower": lower, "upper": upper, "bounds": bounds}


def read_range(of: JsonForm, value: Any) -> Any:
    """Return the range of an object."""
    if issubclass(value.__class__, Range):
        return value
    if not isinstance(value, Mapping):
        raise InvalidValue("a range is needed, as an object with lower, upper and bounds")
    given: dict[Any, Any] = {**value}
    known = given.keys() <= {"lower", "upper", "bounds", "empty"}
    bounds, is_empty = given.get("bounds", "[)"), given.get("empty", False)
    if not known or bounds not in BOUNDS or not isinstance(is_empty, bool):
        raise InvalidValue(
            "a range has lower, upper, bounds ([), [], (] or ()) and empty (true or false)"
        )
    lower, upper = [
        None if given.get(each) is None else of.read(given[each]) for each in ("lower", "upper")
    ]
    if is_empty:
        return Range[Any](empty=True)
    try:
        return Range(
            lower,
            upper,
            lower_inc=bounds[0] == "[" and lower is not None,
            upper_inc=bounds[1] == "]" and upper is not None,
        )
    except ValueError:
        raise InvalidValue("the lower bound of a range is above the upper one") from None


def read_bound(value: Any) -> Any:
    """Return the value that a bound's form stands for, where the type of the range is not known."""
    if type(value) is not str:
        return value if type(value) is int else read_decimal(value)
    if NUMBER_TEXT.fullmatch(value):
        return read_decimal(value)
    return read_date(value) if DATE_TEXT.fullmatch(value) else read_moment(value)


def range_form(of: JsonForm) -> JsonForm:
    """Return the form of ranges with such bounds."""
    bound = {"anyOf": [dict(of.schema), {"type": "null"}], "default": None}
    return JsonForm(
        {
            "type": "object",
            "description": "A range. A bound that is null is infinite.",
            "properties": {
                "lower": bound,
                "upper": bound,
                "bounds": {"type": "string", "enum": [*BOUNDS], "default": BOUNDS[0]},
                "empty": {"type": "boolean", "default": False},
            },
            "additionalProperties": False,
        },
        write_range,
        lambda value: read_range(of, value),
    )


def text(**schema: Any) -> dict[str, Any]:
    """Return the JSON Schema of texts."""
    return {"type": "string", **schema}


def same(value: Any) -> Any:
    return value


def is_infinity(value: Any) -> bool:
    """Return whether a date or a moment is infinite, or its text."""
    return isinstance(value, Infinite) or (type(value) is str and value in DATES)


def is_not_finite(value: Any) -> bool:
    """Return whether a float has no form in JSON, or is the text that stands for one."""
    return value in NOT_FINITE or (type(value) is float and not math.isfinite(value))


INTEGER = JsonForm({"type": "integer"}, same, read_whole)
NUMBER = JsonForm({"anyOf": [{"type": "number"}, {"type": "string"}]}, write_text, read_decimal)
FLOAT = JsonForm({"type": "number"}, write_float, read_float, is_not_finite)
DATE = JsonForm(text(format="date"), write_moment, read_date, is_infinity)
MOMENT = JsonForm(text(format="date-time"), write_moment, read_zoned, is_infinity, True)
LOCAL = JsonForm(text(format="date-time"), write_moment, read_local, is_infinity, False)
BYTES = JsonForm(text(contentEncoding="base64"), write_bytes, read_bytes)
INTERVAL = JsonForm(text(format="duration"), write_interval, read_interval)
INET = JsonForm(text(examples=["192.0.2.1", "2001:db8::1"]), write_text, read_inet)
CIDR = JsonForm(text(examples=["192.0.2.0/24", "2001:db8::/32"]), write_text, read_cidr)
BITS = JsonForm(text(pattern="^[01]*$"), write_bits, read_bits)
#: A bound of which nothing is known but its text.
BOUND = JsonForm({}, write_bound, read_bound)
#: A moment of which only the application knows whether it has a time zone.
ANY_MOMENT = JsonForm(text(format="date-time"), write_moment, read_moment)
INTEGER_RANGE, NUMBER_RANGE = range_form(INTEGER), range_form(NUMBER)
DATE_RANGE, MOMENT_RANGE, LOCAL_RANGE = map(range_form, (DATE, MOMENT, LOCAL))
MOMENTS = range_form(ANY_MOMENT)
RANGE = range_form(BOUND)
