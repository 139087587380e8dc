"""Forms: what a type's column holds for a value, one function for each kind of type.

`stored_forms` says what for, and puts them together for arrays and enums.
"""

from __future__ import annotations

import datetime as dt
import math
from array import array
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from ipaddress import IPv4Address, ip_address, ip_interface, ip_network
from operator import attrgetter, is_
from typing import Any

from ..accelerator import accelerator
from ..errors import InvalidValue
from .checks import Check, reason_by
from .json_forms import json_form, stored_json
from .range_forms import RangeForm
from .values import BitString, DriverUUID

Convert = Callable[[Any], Any]
AreKept = Callable[[Collection[Any]], bool]

MakeForm = Callable[[Sequence[int]], "StoredForm"]

NO_LIMIT = -1
#: The digits of a second.
MOST_PLACES = 6
ZONE, FOLD = attrgetter("tzinfo"), attrgetter("fold")


class StoredForm:
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
        return all(map(is_, values, map(partial(stored_json, is_binary), values)))
    except RecursionError:
        return False


def are_utc(values: Collection[Any]) -> bool:
    """Return whether each value is a moment in UTC."""
    is_plain = set(map(type, values)) <= {dt.datetime}
    return is_plain and set(map(ZONE, values)) <= {dt.UTC} and not any(map(FOLD, values))


def same(value: Any) -> Any:
    return value


def text_form(value: Any) -> Any:
    return str.__str__(value) if isinstance(value, str) else value


def varchar(limits: Sequence[int]) -> StoredForm:
    if not limits:
        return StoredForm(text_form, str)
    (length,) = limits

    def convert(value: Any) -> Any:
        if type(value) is str and len(value) <= length:
            return value
        return text_form(value) if fits(value, length) else value

    return StoredForm(convert, keeps_all=partial(are_kept, str, length))


def char(limits: Sequence[int]) -> StoredForm:
    length = limits[0] if limits else 1
    return StoredForm(
        lambda value: text_form(value).ljust(length) if fits(value, length) else value
    )


def fits(value: Any, length: int) -> bool:
    """Return whether the value is a text; InvalidValue where it is longer than that.

    Also for spaces at its end: PostgreSQL would cut them off without a word.
    """
    if not isinstance(value, str):
        return False
    if len(value) > length:
        raise InvalidValue(f"it has {len(value)} characters, and at most {length} fit")
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
        raise InvalidValue("it has a scope, which the type cannot hold")
    return value


def bits_form(check: Check, limits: Sequence[int], value: Any) -> Any:
    bits: Any = value
    if not isinstance(value, BitString):
        bits = BitString.frombytes(bytes(memoryview(value)))
    if reason := reason_by(check, bits, limits):
        raise InvalidValue(reason)
    return bits


def is_list(value: object) -> bool:
    """Return whether the value is a list itself, which the driver makes of every array."""
    return type(value) is list


def is_container(value: Any) -> bool:
    """Return whether the driver takes the value for an array."""
    return isinstance(value, Collection) and not isinstance(
        value, (str, bytes, bytearray, memoryview, Mapping, BitString)
    )


#: Of an array of numbers.
FLOATS = frozenset((float,))


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


def timed(
    convert: Callable[[int, Any], Any], kept: type | None = None, keeps_all: AreKept | None = None
) -> MakeForm:
    """Return what makes the form of a type whose modifier is its digits of a second.

    kept, keeps_all: what `StoredForm` takes, where the type has all digits that values may have.
    """

    def form(limits: Sequence[int]) -> StoredForm:
        places = limits[0] if limits else MOST_PLACES
        if places < MOST_PLACES:
            return StoredForm(partial(convert, places))
        return StoredForm(partial(convert, places), kept, keeps_all)

    return form


def plain(convert: Convert, kept: type | None = None) -> MakeForm:
    """Return what makes the form of a type without a modifier that matters."""
    return lambda limits: StoredForm(convert, kept)


#: The form of a type of which nothing is known: values are stored as they are.
any_form = plain(same)


def bits(check: Check, default: Sequence[int]) -> MakeForm:
    """Return what makes the form of bits with a length, which the type may have by itself."""

    def form(limits: Sequence[int]) -> StoredForm:
        return StoredForm(partial(bits_form, check, limits or default))

    return form


def json_forms(*, is_binary: bool) -> MakeForm:
    """Return what makes the form of json, or of jsonb."""
    form = StoredForm(partial(json_form, is_binary), None, partial(are_json, is_binary))
    return lambda limits: form


def ranges(bound: MakeForm, check: Check, step: Any) -> MakeForm:
    """Return what makes the form of ranges; the arguments are the bounds', as `RangeForm` says."""
    return lambda limits: StoredForm(RangeForm(bound(()).of, check, step))
