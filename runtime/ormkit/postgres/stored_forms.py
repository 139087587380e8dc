"""Stored forms: what a column of a type holds for a value, as PostgreSQL gives it back.

A value is brought into this form before it is sent, so that PostgreSQL has nothing left to change,
and the object can hold afterwards what its row holds. What would lose something is refused: a
numeric with more digits than its scale, a text beyond its length. Types whose text only PostgreSQL
can bring into its form are read back instead; see REWRITTEN.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from array import array
from collections.abc import Callable, Collection, Mapping
from functools import cache, partial
from ipaddress import IPv4Address, IPv4Network, ip_address, ip_interface, ip_network
from operator import attrgetter, is_
from typing import Any

from ..accelerator import accelerator
from ..errors import InvalidValue
from .interval import Interval
from .json_forms import json_form, ordered
from .lossless import MOST_DIMENSIONS
from .mismatch import BOUNDS, misfit
from .moment_forms import (
    date_form,
    interval_form,
    local_moment_form,
    moment_form,
    time_form,
    zoned_time_form,
)
from .number_forms import NumericForm, double_form, single_form, whole_form
from .range_forms import RangeForm
from .values import BitString, DriverUUID

Convert = Callable[[Any], Any]
AreKept = Callable[[Collection[Any]], bool]

#: Types whose values PostgreSQL reads and writes anew as text.
REWRITTEN = ("tsvector", "macaddr")
NO_LIMIT = -1
#: The digits of a second.
MOST_PLACES = 6
ZONE, FOLD = attrgetter("tzinfo"), attrgetter("fold")


class Form:
    """How values of one type are stored."""

    __slots__ = ("convert", "keeps_all", "kept")

    def __init__(
        self, convert: Convert, kept: type | None = None, keeps_all: AreKept | None = None
    ) -> None:
        """Describe a form.

        convert: returns the stored form of a value, or what is no value of the type as it is, for
            the driver to refuse; raises InvalidValue with the reason.
        kept: the type whose values are all stored as they are.
        keeps_all: returns whether all values of a list surely are in their stored form, None among
            them; it goes by `kept` where it is not given.
        """
        self.convert = convert
        self.kept = kept
        by_type = no_values if kept is None else partial(are_kept, kept, NO_LIMIT)
        self.keeps_all: AreKept = keeps_all or by_type

    def of(self, value: Any) -> Any:
        """Return the value in its stored form; InvalidValue with the reason where it has none."""
        try:
            return self.convert(value)
        except InvalidValue:
            raise
        except Exception:
            # An object of the caller's may do anything when it is looked at.
            return value


def no_values(values: Collection[Any]) -> bool:
    return not values


def are_kept(kind: type, limit: int, values: Collection[Any]) -> bool:
    """Return whether each value is None or of just this type, and no text beyond the limit.

    Values by the thousand are looked at in C.
    """
    if accelerator is not None and type(values) is list:
        return bool(accelerator.are_kept(values, kind, limit))
    if not {kind, type(None)}.issuperset(map(type, values)):
        return False
    return limit == NO_LIMIT or max([len(each) for each in values if each], default=0) <= limit


def are_json(is_binary: bool, values: Collection[Any]) -> bool:
    """Return whether each value is a JSON document in its stored form."""
    try:
        return all(map(is_, values, map(partial(ordered, is_binary), values)))
    except RecursionError:
        return False


def are_utc(values: Collection[Any]) -> bool:
    """Return whether each value is a moment in UTC."""
    is_plain = set(map(type, values)) <= {dt.datetime}
    return is_plain and set(map(ZONE, values)) <= {dt.UTC} and not any(map(FOLD, values))


def form_of(type_: str, labels: Mapping[Any, Any] | None = None) -> Form:
    """Return the stored form of a type.

    type_: PostgreSQL's name with its modifier, "varchar(5)[]".
    labels: the members of an enum by their labels.
    """
    if labels is None:
        return form_without_labels(type_)
    members: Mapping[Any, Any] = labels
    first: object = next(iter(members.values()), None)
    element = Form(lambda value: members.get(value, value), type(first))
    return in_dimensions(element, type_)


@cache
def form_without_labels(type_: str) -> Form:
    """Return the stored form of a type that is no enum: the same one for all of its columns."""
    name, _, modifier = type_.partition("[")[0].partition("(")
    if name in BOUNDS:
        element = Form(RangeForm(name, form_without_labels(BOUNDS[name]).of))
    else:
        limits = [int(number) for number in re.findall(r"-?\d+", modifier)]
        element = FORMS.get(name, plain(same))(limits)
    return in_dimensions(element, type_)


def in_dimensions(element: Form, type_: str) -> Form:
    """Return the form of a type's arrays; that of its elements where it is no array."""
    bare, *dimensions = type_.split("[]")
    name = bare.partition("(")[0]
    if not dimensions:
        return element
    if name in ("json", "jsonb", "vector"):
        # A list may be one value of these, so that the type alone tells how deep the array goes.
        form = element
        for _ in dimensions:
            form = Form(partial(list_form, form))
        return form
    return Form(partial(array_form, element, name in BOUNDS, MOST_DIMENSIONS))


def same(value: Any) -> Any:
    return value


def text_form(value: Any) -> Any:
    return str.__str__(value) if isinstance(value, str) else value


def varchar(limits: list[int]) -> Form:
    if not limits:
        return Form(text_form, str)
    (length,) = limits

    def convert(value: Any) -> Any:
        if type(value) is str and len(value) <= length:
            return value
        return text_form(value) if fits(value, length) else value

    return Form(convert, keeps_all=partial(are_kept, str, length))


def char(limits: list[int]) -> Form:
    length = limits[0] if limits else 1
    return Form(lambda value: text_form(value).ljust(length) if fits(value, length) else value)


def fits(value: Any, length: int) -> bool:
    """Return whether the value is a text; InvalidValue where it is longer than that.

    Also for spaces at its end: PostgreSQL would cut them off without a word.
    """
    if not isinstance(value, str):
        return False
    if len(value) > length:
        raise InvalidValue(f"it has {len(value)} characters, and {length} at most fit")
    return True


def bytes_form(value: Any) -> Any:
    if isinstance(value, str):
        return value
    view = memoryview(value)
    return view.tobytes() if view.c_contiguous else value


def uuid_form(value: Any) -> Any:
    return DriverUUID(value if isinstance(value, str) else value.bytes)


def address_form(value: Any) -> Any:
    if type(value) is IPv4Address:
        return value
    try:
        found: Any = ip_address(value)
    except ValueError:
        found = ip_interface(value)
        if found.network.prefixlen == found.max_prefixlen:
            found = found.ip
    return without_scope(found, found)


def network_form(value: Any) -> Any:
    found: Any = ip_network(value)
    return without_scope(found, found.network_address)


def without_scope(value: Any, address: Any) -> Any:
    """Return the value; InvalidValue where it names an interface of the machine (fe80::1%eth0)."""
    if getattr(address, "scope_id", None) is not None:
        raise InvalidValue("it has a scope, which the type does not hold")
    return value


def bits_form(type_: str, value: Any) -> Any:
    bits: Any = value
    if not isinstance(value, BitString):
        bits = BitString.frombytes(bytes(memoryview(value)))
    if reason := misfit(type_, bits):
        raise InvalidValue(reason)
    return bits


def vector_form(value: Any) -> Any:
    """Return the numbers in single precision, in which pgvector holds and compares them."""
    if not is_container(value):
        return value
    given: list[Any] = list(value)
    if any(isinstance(each, (str, bytes)) for each in given):
        return value
    singles: list[Any] = array("f", map(float, given)).tolist()
    if any(map(math.isinf, singles)):
        return value
    is_stored = is_list(value) and singles == given and FLOATS.issuperset(map(type, given))
    return value if is_stored else singles


def is_list(value: object) -> bool:
    """Return whether the value is a list itself, which the driver makes of every array."""
    return type(value) is list


def is_container(value: Any) -> bool:
    """Return whether the driver takes the value for an array."""
    return isinstance(value, Collection) and not isinstance(
        value, (str, bytes, bytearray, memoryview, Mapping, BitString)
    )


def list_form(element: Form, value: Any) -> Any:
    """Return the list with each of its elements in the stored form."""
    if not is_container(value):
        return value
    return kept_where_same(value, [stored_element(element.of, *each) for each in enumerate(value)])


def array_form(element: Form, has_tuples: bool, depth: int, value: Any) -> Any:
    """Return the array as lists within lists, with each element in its stored form.

    has_tuples: whether a tuple is one element, as it is for ranges.
    """
    if not depth or not is_container(value):
        return value
    if is_list(value) and element.keeps_all(value):
        return value
    deeper = partial(array_form, element, has_tuples, depth - 1)

    def stored(each: Any) -> Any:
        is_deeper = is_container(each) and not (has_tuples and isinstance(each, tuple))
        return deeper(each) if is_deeper else element.of(each)

    found = [stored_element(stored, *each) for each in enumerate(value)]
    # PostgreSQL has one empty array, which has no dimensions.
    return [] if found and all(each == [] for each in found) else kept_where_same(value, found)


def stored_element(of: Convert, place: int, value: Any) -> Any:
    """Return the stored form of an element; the reason of an InvalidValue tells its number."""
    try:
        return None if value is None else of(value)
    except InvalidValue as error:
        raise InvalidValue(f"element {place + 1}: {error}") from None


def kept_where_same(value: Any, found: list[Any]) -> Any:
    """Return the caller's own list where nothing in it is stored as anything else."""
    return value if is_list(value) and all(map(is_, value, found)) else found


FLOATS = frozenset((float,))


def timed(
    convert: Callable[[int, Any], Any], kept: type | None = None, keeps_all: AreKept | None = None
) -> Callable[[list[int]], Form]:
    """Return what makes the form of a type whose modifier is its digits of a second.

    kept, keeps_all: what `Form` takes, where the type has all the digits that values may have.
    """

    def form(limits: list[int]) -> Form:
        places = limits[0] if limits else MOST_PLACES
        if places < MOST_PLACES:
            return Form(partial(convert, places))
        return Form(partial(convert, places), kept, keeps_all)

    return form


def plain(convert: Convert, kept: type | None = None) -> Callable[[list[int]], Form]:
    """Return what makes the form of a type without a modifier that matters."""
    return lambda limits: Form(convert, kept)


def bits(name: str, default: list[int]) -> Callable[[list[int]], Form]:
    """Return what makes the form of bits with a length, which the type may have by itself."""

    def form(limits: list[int]) -> Form:
        length = "".join(f"({limit})" for limit in limits or default)
        return Form(partial(bits_form, f"{name}{length}"))

    return form


#: What makes the form of each type out of the numbers of its modifier.
FORMS: dict[str, Callable[[list[int]], Form]] = {
    "smallint": plain(partial(whole_form, "smallint"), int),
    "integer": plain(partial(whole_form, "integer"), int),
    "bigint": plain(partial(whole_form, "bigint"), int),
    "real": plain(single_form),
    "double precision": plain(double_form, float),
    "numeric": lambda limits: Form(NumericForm(limits)),
    "boolean": plain(same, bool),
    **dict.fromkeys(("text", "citext", "macaddr", "tsvector"), plain(text_form, str)),
    "varchar": varchar,
    "char": char,
    "bytea": plain(bytes_form, bytes),
    "date": plain(date_form, dt.date),
    "time": timed(time_form),
    "timetz": timed(zoned_time_form),
    "timestamp": timed(local_moment_form),
    "timestamptz": timed(moment_form, keeps_all=are_utc),
    "interval": timed(interval_form, Interval),
    "uuid": plain(uuid_form, DriverUUID),
    "json": lambda limits: Form(partial(json_form, False), None, partial(are_json, False)),
    "jsonb": lambda limits: Form(partial(json_form, True), None, partial(are_json, True)),
    "inet": plain(address_form, IPv4Address),
    "cidr": plain(network_form, IPv4Network),
    "bit": bits("bit", [1]),
    "varbit": bits("varbit", []),
    "vector": plain(vector_form),
}
