"""The column types: their names in a schema, in DDL and in generated code."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal

#: A family decides the operators of a column, and so the keywords of filter().
Family = Literal[
    "equal", "ordered", "text", "boolean", "array", "json", "range", "document", "opaque"
]
#: How `default = ...` is read; `CHECKS` in ormkit_gen/schema/defaults.py has what reads each.
DefaultKind = Literal[
    "boolean", "whole", "float", "numeric", "text", "date", "time", "timestamp", "uuid", "json"
]


@dataclass(frozen=True, slots=True)
class BaseType:
    """A scalar type of PostgreSQL.

    ``python`` is the annotation in generated code. A name with a dot begins with its module
    (``datetime.date``, ``ormkit.Range[int]``).

    The runtime has an entry of the same name in `ormkit/postgres/types.py`.
    """

    name: str
    python: str
    family: Family
    #: Minimum and maximum number of modifiers: numeric(p, s) has (0, 2), varchar(n) (0, 1).
    modifiers: tuple[int, int] = (0, 0)
    #: Largest first modifier that PostgreSQL accepts.
    max_modifier: int = 10_485_760
    #: Smallest first modifier.
    min_modifier: int = 1
    #: Other names that PostgreSQL itself takes.
    aliases: tuple[str, ...] = ()
    #: Last parts of Python's names of types that stand for it in a Python schema.
    annotations: tuple[str, ...] = ()
    extension: str | None = None
    #: Annotation of the accepted input, if it is more than ``python``.
    taken: str | None = None
    #: How `default = ...` is read; None where it has no literal and `server_default` is the way.
    default: DefaultKind | None = None
    #: How many bits a number has.
    bits: int = 0
    #: The runtime's class for its columns, where they have operators of their own.
    column: str = "Column"
    #: True where the driver's values are not those of attributes: generated code decodes them.
    is_decoded: bool = False
    #: True where keys and plain indexes are possible.
    is_comparable: bool = True
    #: The type that foreign keys take it for, where that is another one.
    referenced_as: str | None = None

    @property
    def is_json(self) -> bool:
        """True for json and jsonb."""
        return self.default == "json"


def _table(*types: BaseType) -> dict[str, BaseType]:
    return {type_.name: type_ for type_ in types}


def _whole(name: str, bits: int, *aliases: str, annotations: tuple[str, ...] = ()) -> BaseType:
    return BaseType(
        *(name, "int", "ordered"),
        aliases=aliases,
        annotations=annotations,
        default="whole",
        bits=bits,
    )


def _time(
    name: str,
    python: str,
    default: DefaultKind | None,
    *aliases: str,
    annotations: tuple[str, ...] = (),
    taken: str | None = None,
) -> BaseType:
    """Return a type whose modifier is its digits of a second."""
    return BaseType(
        *(name, python, "ordered", (0, 1), 6, 0),
        aliases=aliases,
        annotations=annotations,
        taken=taken,
        default=default,
    )


BASE_TYPES = _table(
    _whole("smallint", 16, "int2"),
    _whole("integer", 32, "int", "int4"),
    _whole("bigint", 64, "int8", annotations=("int",)),
    BaseType("real", "float", "ordered", aliases=("float4",), default="float", bits=32),
    BaseType(
        *("double precision", "float", "ordered"),
        aliases=("float8", "float"),
        annotations=("float",),
        default="float",
        bits=64,
    ),
    BaseType(
        *("numeric", "decimal.Decimal", "ordered", (0, 2), 1000),
        aliases=("decimal",),
        annotations=("Decimal",),
        default="numeric",
    ),
    BaseType(
        *("boolean", "bool", "boolean"),
        aliases=("bool",),
        annotations=("bool",),
        default="boolean",
    ),
    BaseType("text", "str", "text", annotations=("str",), default="text"),
    BaseType(
        *("varchar", "str", "text", (0, 1)),
        aliases=("character varying",),
        default="text",
        referenced_as="text",
    ),
    BaseType("char", "str", "text", (0, 1), aliases=("character",), default="text"),
    BaseType("bpchar", "str", "text", default="text"),
    BaseType("citext", "str", "text", extension="citext", default="text"),
    BaseType("bytea", "bytes", "equal", annotations=("bytes",)),
    BaseType("date", "datetime.date", "ordered", annotations=("date",), default="date"),
    _time("time", "datetime.time", "time", "time without time zone", annotations=("time",)),
    _time("timetz", "datetime.time", "time", "time with time zone"),
    _time("timestamp", "datetime.datetime", "timestamp", "timestamp without time zone"),
    _time(
        *("timestamptz", "datetime.datetime", "timestamp", "timestamp with time zone"),
        annotations=("datetime",),
    ),
    _time(
        *("interval", "ormkit.Interval", None),
        annotations=("timedelta", "Interval"),
        taken="ormkit.Interval | datetime.timedelta",
    ),
    BaseType("uuid", "uuid.UUID", "ordered", annotations=("UUID",), default="uuid"),
    BaseType(
        *("json", "typing.Any", "opaque"),
        default="json",
        column="JsonColumn",
        is_comparable=False,
    ),
    BaseType(
        *("jsonb", "typing.Any", "json"),
        annotations=("Any", "dict"),
        default="json",
        column="JsonColumn",
    ),
    BaseType(
        *("inet", "ormkit.Inet", "ordered"),
        annotations=("IPv4Address", "IPv6Address", "IPv4Interface", "IPv6Interface"),
    ),
    BaseType("cidr", "ormkit.Cidr", "ordered", annotations=("IPv4Network", "IPv6Network")),
    BaseType("macaddr", "str", "ordered"),
    BaseType("int4range", "ormkit.Range[int]", "range"),
    BaseType("int8range", "ormkit.Range[int]", "range"),
    BaseType("numrange", "ormkit.Range[decimal.Decimal]", "range"),
    BaseType("tsrange", "ormkit.Range[datetime.datetime]", "range"),
    BaseType("tstzrange", "ormkit.Range[datetime.datetime]", "range"),
    BaseType("daterange", "ormkit.Range[datetime.date]", "range"),
    BaseType("bit", "ormkit.BitString", "equal", (0, 1), 83_886_080),
    BaseType("varbit", "ormkit.BitString", "equal", (0, 1), 83_886_080, aliases=("bit varying",)),
    BaseType("tsvector", "str", "document", column="SearchColumn"),
    BaseType(
        *("vector", "list[float]", "opaque", (0, 1), 16_000),
        extension="vector",
        column="VectorColumn",
        is_decoded=True,
    ),
)

#: Further types of PostgreSQL and its extensions, whose values Python has as texts, with their
#: extension. Names with a schema or in quotes are texts, too.
TEXT_TYPES: dict[str, str | None] = {
    **dict.fromkeys(
        (
            *("xml", "money", "name", "macaddr8", "jsonpath", "tsquery", "pg_lsn"),
            *("point", "line", "lseg", "box", "path", "polygon", "circle"),
            *("oid", "xid", "xid8", "cid", "tid", "oidvector", "int2vector", "refcursor"),
            *("regclass", "regproc", "regprocedure", "regoper", "regoperator", "regtype"),
            *("regrole", "regnamespace", "regconfig", "regdictionary", "regcollation"),
            *("int4multirange", "int8multirange", "nummultirange", "datemultirange"),
            *("tsmultirange", "tstzmultirange", "pg_snapshot", "txid_snapshot", "aclitem"),
        )
    ),
    "hstore": "hstore",
    **dict.fromkeys(("ltree", "lquery", "ltxtquery"), "ltree"),
    **dict.fromkeys(("isbn", "isbn13", "issn", "issn13", "ismn", "ismn13", "ean13", "upc"), "isn"),
    **dict.fromkeys(("geometry", "geography", "box2d", "box3d"), "postgis"),
    "raster": "postgis_raster",
    **dict.fromkeys(("halfvec", "sparsevec"), "vector"),
    **{each: each for each in ("cube", "seg", "lo")},
    "query_int": "intarray",
}
#: Of these, the types without the operator =.
_WITHOUT_EQUALITY = frozenset(
    ("xml", "point", "polygon", "jsonpath", "lquery", "ltxtquery", "raster", "query_int")
)
_NAME = re.compile(r'(?:(?:"[^"]*"|\w+)\s*\.\s*)?("[^"]*"|\w+)')


def text_type(sql: str) -> BaseType:
    """Return what is known of a type that is a text in Python, by its name in SQL."""
    found = _NAME.match(sql)
    name = found[1] if found else sql
    is_comparable = name not in _WITHOUT_EQUALITY
    return BaseType(
        *(sql, "str", "equal" if is_comparable else "opaque"),
        extension=TEXT_TYPES.get(name),
        default="text",
    )


#: Other names that PostgreSQL accepts for these types.
ALIASES = {alias: type_.name for type_ in BASE_TYPES.values() for alias in type_.aliases}


@dataclass(frozen=True, slots=True)
class ColumnType:
    """A column's type: a base type or an enum, its modifiers, and its array dimensions."""

    #: Key of BASE_TYPES, or the Python name of an enum if is_enum is true. The SQL of the scalar
    #: type, with its modifiers, if is_text is true.
    name: str
    modifiers: tuple[int, ...] = ()
    dimensions: int = 0
    is_enum: bool = False
    #: True for a type whose values Python has as texts, in PostgreSQL's own form.
    is_text: bool = False
    #: The SQL of the whole type where it differs: a domain, or an interval with fields.
    spelling: str | None = None

    @property
    def base(self) -> BaseType:
        """What is known of the scalar type. Raises KeyError for an enum."""
        return text_type(self.name) if self.is_text else BASE_TYPES[self.name]

    @property
    def element(self) -> ColumnType:
        """The type of an array's elements; for a scalar, the type itself."""
        return replace(self, dimensions=0, spelling=None)

    @property
    def is_scalar(self) -> bool:
        """True for a base type, and no enum or array."""
        return not (self.is_enum or self.dimensions)

    @property
    def is_json(self) -> bool:
        """True for json and jsonb, and arrays of them."""
        return not self.is_enum and self.base.is_json

    @property
    def is_decoded(self) -> bool:
        """True where the driver's values are not those of attributes."""
        return self.is_enum or self.base.is_decoded

    @property
    def is_array(self) -> bool:
        """True for any array type."""
        return self.dimensions > 0

    @property
    def is_integer(self) -> bool:
        """True for the three integer types, but no domain: an identity column may have them."""
        return self.is_scalar and self.base.default == "whole" and self.spelling is None

    @property
    def family(self) -> Family:
        """The family that decides the operators."""
        if self.dimensions:
            return "array"
        return "ordered" if self.is_enum else self.base.family
