"""What is known of each type of PostgreSQL: one record a type, which everything else asks.

Nothing else decides by the name of a type. A type that has no record here, such as an enum, a
domain or a type of an extension, is `BaseType(name)`: the driver handles its values, and PostgreSQL
decides about its operators.

`type_words.type_of()` finds the record for what SQL calls a type. `ormkit_gen/postgres/types.py`
says of the same types what a schema and generated code need to know.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from functools import partial
from ipaddress import (
    IPv4Address,
    IPv4Interface,
    IPv4Network,
    IPv6Address,
    IPv6Interface,
    IPv6Network,
)
from typing import Any
from uuid import UUID

from . import (
    checks,
    comparability,
    cursor_values,
    datetime_forms,
    forms,
    json_values,
    number_forms,
    truncation,
)
from .base_type import BaseType
from .comparability import Comparability
from .infinity import InfiniteDate, InfiniteDatetime
from .interval import Interval
from .json_documents import read_json, read_jsonb
from .lists import as_element
from .values import BitString, DriverUUID, Range
from .vector_text import numbers, vector_text


def whole(
    name: str, catalog: str, bits: int, *words: str, python: tuple[type, ...] = ()
) -> BaseType:
    """Return the type of whole numbers of so many bits."""
    check = partial(checks.integer_mismatch, bits)
    return BaseType(
        name=name,
        catalog=catalog,
        words=(name, *words),
        arithmetic="whole",
        bits=bits,
        python=python,
        reads=(int,),
        compared=comparability.WHOLE_NUMBERS,
        check=check,
        form=forms.plain(partial(number_forms.integer_form, check), int),
        exact=truncation.LOSSLESS_INTEGERS,
        equality="python",
        key=int,
        from_cursor=cursor_values.read_int,
        in_records="type",
    )


def range_of(
    bound: BaseType, name: str, json_form: json_values.JsonForm, *, step: Any = None
) -> BaseType:
    """Return the type of ranges with such bounds; `step` is between neighbours of discrete ones."""
    return BaseType(
        name=name,
        family="range",
        reads=(Range,),
        bound=bound,
        check=partial(checks.range_mismatch, bound.check),
        form=forms.ranges(bound.form, bound.check, step),
        json_form=json_form,
        exact=truncation.WHOLE_RANGES if bound.arithmetic == "whole" else None,
        in_records="type once met",
    )


SMALLINT = whole("smallint", "int2", 16)
INTEGER = whole("integer", "int4", 32, "int")
BIGINT = whole("bigint", "int8", 64, python=(int,))
NUMERIC = BaseType(
    name="numeric",
    reads=(Decimal,),
    words=("numeric", "decimal"),
    arithmetic="exact",
    python=(Decimal,),
    compared=Comparability(Decimal, int, foreign=comparability.of_numeric),
    is_compared_as_stored=True,
    check=checks.numeric_mismatch,
    form=lambda limits: forms.StoredForm(number_forms.NumericForm(limits)),
    exact=truncation.LosslessDecimals(None),
    has_equal_forms=True,
    from_cursor=cursor_values.read_decimal,
    in_records="type",
)
#: What a JSON document may be, and an inet.
JSON = (dict, list, str, int, float, bool, type(None))
INET = (IPv4Address, IPv6Address, IPv4Interface, IPv6Interface)
#: Infinity is of every type of dates and timestamps.
INFINITE = (InfiniteDate, InfiniteDatetime)
DATE = BaseType(
    name="date",
    reads=(dt.date,),
    arithmetic="time",
    python=(dt.date,),
    compared=Comparability(dt.date, *INFINITE, foreign=comparability.of_date),
    check=checks.date_mismatch,
    json_form=json_values.DATE,
    form=forms.plain(datetime_forms.date_form, dt.date),
    equality="python",
    from_cursor=cursor_values.read_date,
    has_codec=True,
    in_records="type",
)
TIMESTAMP = BaseType(
    name="timestamp",
    reads=(dt.datetime,),
    words=("timestamp", "timestamp without time zone"),
    arithmetic="time",
    compared=Comparability(dt.datetime, dt.date, *INFINITE, foreign=comparability.own),
    check=checks.timestamp_mismatch,
    json_form=json_values.LOCAL,
    form=forms.timed(datetime_forms.timestamp_form),
    equality="python",
    from_cursor=cursor_values.read_timestamp,
    has_codec=True,
    in_records="type",
)
TIMESTAMPTZ = BaseType(
    name="timestamptz",
    reads=(dt.datetime,),
    words=("timestamp with time zone",),
    arithmetic="time",
    python=(dt.datetime,),
    compared=Comparability(*INFINITE, foreign=comparability.of_moment),
    needs_zone=True,
    check=checks.timestamptz_mismatch,
    json_form=json_values.MOMENT,
    form=forms.timed(datetime_forms.timestamptz_form, keeps_all=forms.are_utc),
    equality="python",
    from_cursor=cursor_values.read_timestamp,
    has_codec=True,
    in_records="type",
)
DOUBLE = BaseType(
    name="double precision",
    reads=(float,),
    catalog="float8",
    words=("double precision", "float"),
    arithmetic="float",
    python=(float,),
    compared=comparability.FLOATS,
    check=checks.double_mismatch,
    json_form=json_values.FLOAT,
    form=forms.plain(number_forms.double_form, float),
    has_equal_forms=True,
    from_cursor=cursor_values.read_float,
    in_records="type",
)
TIME = BaseType(
    name="time",
    reads=(dt.time,),
    words=("time", "time without time zone"),
    arithmetic="time",
    python=(dt.time,),
    check=checks.time_mismatch,
    form=forms.timed(datetime_forms.time_form),
    exact=truncation.LosslessTimes(None),
    equality="python",
    from_cursor=dt.time.fromisoformat,
    has_codec=True,
    in_records="type",
)
INTERVAL = BaseType(
    name="interval",
    reads=(Interval,),
    words=("interval",),
    arithmetic="time",
    python=(dt.timedelta, Interval),
    check=checks.interval_mismatch,
    json_form=json_values.INTERVAL,
    form=forms.timed(datetime_forms.interval_form, Interval),
    has_equal_forms=True,
    from_cursor=cursor_values.read_interval,
    has_codec=True,
    in_records="type",
)


def table(*types: BaseType) -> dict[str, BaseType]:
    return {type_.name: type_ for type_ in types}


#: By the name that a schema has for it.
TYPES = table(
    SMALLINT,
    INTEGER,
    BIGINT,
    BaseType(
        name="real",
        reads=(float,),
        catalog="float4",
        words=("real",),
        arithmetic="float",
        compared=comparability.FLOATS,
        check=checks.real_mismatch,
        json_form=json_values.FLOAT,
        form=forms.plain(number_forms.real_form),
        has_equal_forms=True,
        from_cursor=cursor_values.read_float,
        in_records="type",
    ),
    DOUBLE,
    NUMERIC,
    BaseType(
        name="boolean",
        reads=(bool,),
        catalog="bool",
        words=("boolean",),
        family="boolean",
        arithmetic="none",
        python=(bool,),
        compared=Comparability(bool, foreign=comparability.own),
        check=checks.boolean_mismatch,
        form=forms.plain(forms.same, bool),
        equality="python",
        from_cursor=cursor_values.read_bool,
        in_records="type",
    ),
    BaseType(
        name="text",
        reads=(str,),
        family="text",
        python=(str,),
        compared=comparability.TEXTS,
        check=checks.text_mismatch,
        form=forms.plain(forms.text_form, str),
        equality="collation",
        key=str,
        from_cursor=cursor_values.read_text,
        in_records="type",
    ),
    BaseType(
        name="varchar",
        reads=(str,),
        words=("varchar", "character varying"),
        family="text",
        compared=comparability.TEXTS,
        check=checks.text_mismatch,
        form=forms.varchar,
        equality="collation",
        key=str,
        from_cursor=cursor_values.read_text,
        in_records="type",
    ),
    BaseType(
        name="char",
        reads=(str,),
        catalog="bpchar",
        words=("char", "character"),
        unlimited="bpchar",
        family="text",
        is_padded=True,
        check=checks.text_mismatch,
        form=forms.char,
        from_cursor=cursor_values.read_text,
        in_records="type",
    ),
    BaseType(
        name="bpchar",
        reads=(str,),
        family="text",
        is_padded=True,
        check=checks.text_mismatch,
        form=forms.plain(forms.text_form, str),
        from_cursor=cursor_values.read_text,
        in_records="type",
    ),
    BaseType(
        name="citext",
        reads=(str,),
        family="text",
        compared=comparability.TEXTS,
        check=checks.text_mismatch,
        form=forms.plain(forms.text_form, str),
        from_cursor=cursor_values.read_text,
        is_sent_as_text=True,
        is_read_as_text=True,
    ),
    BaseType(
        name="bytea",
        reads=(bytes,),
        family="equal",
        arithmetic="joins",
        python=(bytes,),
        check=checks.bytea_mismatch,
        json_form=json_values.BYTES,
        form=forms.plain(forms.bytes_form, bytes),
        equality="python",
        from_cursor=bytes.fromhex,
        in_records="type",
    ),
    DATE,
    TIME,
    BaseType(
        name="timetz",
        reads=(dt.time,),
        words=("time with time zone",),
        arithmetic="time",
        compared=Comparability(foreign=comparability.of_zoned_time),
        check=checks.timetz_mismatch,
        form=forms.timed(datetime_forms.timetz_form),
        from_cursor=dt.time.fromisoformat,
        has_codec=True,
        in_records="type",
    ),
    TIMESTAMP,
    TIMESTAMPTZ,
    INTERVAL,
    BaseType(
        name="uuid",
        reads=(UUID,),
        arithmetic="none",
        python=(UUID,),
        compared=Comparability(UUID, foreign=comparability.own),
        check=checks.uuid_mismatch,
        form=forms.plain(forms.uuid_form, DriverUUID),
        equality="python",
        key=UUID,
        from_cursor=cursor_values.read_uuid,
        in_records="type",
    ),
    BaseType(
        name="json",
        reads=JSON,
        family="opaque",
        has_equality=False,
        check=checks.json_mismatch,
        form=forms.json_forms(is_binary=False),
        holds_lists=True,
        is_mutable=True,
        has_codec=True,
        encode=as_element,
        read_document=read_json,
    ),
    BaseType(
        name="jsonb",
        reads=JSON,
        family="json",
        arithmetic="joins",
        python=(dict,),
        check=checks.json_mismatch,
        form=forms.json_forms(is_binary=True),
        holds_lists=True,
        is_mutable=True,
        has_codec=True,
        encode=as_element,
        read_document=read_jsonb,
    ),
    BaseType(
        name="inet",
        reads=INET,
        python=INET,
        check=checks.inet_mismatch,
        json_form=json_values.INET,
        form=forms.plain(forms.address_form, IPv4Address),
        in_records="type",
    ),
    BaseType(
        name="cidr",
        reads=(IPv4Network, IPv6Network),
        python=(IPv4Network, IPv6Network),
        check=checks.cidr_mismatch,
        json_form=json_values.CIDR,
        form=forms.plain(forms.network_form, IPv4Network),
        in_records="type",
    ),
    BaseType(
        name="macaddr",
        reads=(str,),
        check=checks.text_mismatch,
        form=forms.plain(forms.text_form, str),
        is_rewritten=True,
        is_sent_as_text=True,
    ),
    range_of(INTEGER, "int4range", json_values.INTEGER_RANGE, step=1),
    range_of(BIGINT, "int8range", json_values.INTEGER_RANGE, step=1),
    range_of(NUMERIC, "numrange", json_values.NUMBER_RANGE),
    range_of(TIMESTAMP, "tsrange", json_values.LOCAL_RANGE),
    range_of(TIMESTAMPTZ, "tstzrange", json_values.MOMENT_RANGE),
    range_of(DATE, "daterange", json_values.DATE_RANGE, step=dt.timedelta(days=1)),
    BaseType(
        name="bit",
        reads=(BitString,),
        words=("bit",),
        unlimited="varbit",
        family="equal",
        arithmetic="joins",
        check=checks.bit_mismatch,
        json_form=json_values.BITS,
        form=forms.bits(checks.bit_mismatch, (1,)),
        in_records="type",
    ),
    BaseType(
        name="varbit",
        reads=(BitString,),
        words=("bit varying",),
        family="equal",
        arithmetic="joins",
        check=checks.varbit_mismatch,
        json_form=json_values.BITS,
        form=forms.bits(checks.varbit_mismatch, ()),
        in_records="type",
    ),
    BaseType(
        name="tsvector",
        reads=(str,),
        family="document",
        arithmetic="joins",
        check=checks.text_mismatch,
        form=forms.plain(forms.text_form, str),
        is_rewritten=True,
        is_sent_as_text=True,
        is_read_as_text=True,
    ),
    BaseType(
        name="vector",
        reads=(list,),
        family="opaque",
        check=checks.vector_mismatch,
        needs="numbers",
        form=forms.plain(forms.vector_form),
        holds_lists=True,
        is_mutable=True,
        encode=vector_text,
        decode=numbers,
        is_sent_as_text=True,
        is_read_as_text=True,
    ),
)
#: Types that expressions have, and no columns.
EXPRESSION_TYPES = table(BaseType(name="tsquery", check=checks.text_mismatch))

#: The names of the types for any other name that PostgreSQL has for them.
ALIASES = {
    alias: type_.name
    for type_ in TYPES.values()
    for alias in (*type_.words, type_.catalog)
    if alias and alias not in TYPES
}
#: Names of types that are words of SQL's grammar.
GRAMMAR = frozenset(word for type_ in TYPES.values() for word in type_.words)
#: What a Python type is in PostgreSQL, where nothing says otherwise.
PYTHON_TYPES: dict[type, BaseType] = {
    kind: type_ for type_ in TYPES.values() for kind in type_.python
}
#: The ranges by the name of their bounds' type.
RANGES = {type_.bound.name: type_ for type_ in TYPES.values() if type_.bound is not None}
