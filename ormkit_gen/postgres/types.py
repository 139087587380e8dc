"""The column types: their names in a schema, in DDL and in generated code."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

#: A family decides the operators of a column; ormkit_gen.views derives filter keys from it.
Family = Literal["equal", "ordered", "text", "boolean", "array", "json", "range", "opaque"]


@dataclass(frozen=True, slots=True)
class BaseType:
    """A scalar type of PostgreSQL.

    ``python`` is the annotation in generated code. A name with a dot begins with its module
    (``datetime.date``, ``ormkit.Range[int]``).
    """

    name: str
    python: str
    family: Family
    #: Minimum and maximum number of modifiers: numeric(p, s) has (0, 2), varchar(n) (0, 1).
    modifiers: tuple[int, int] = (0, 0)
    #: Largest first modifier that PostgreSQL accepts.
    max_modifier: int = 10_485_760
    extension: str | None = None
    #: Annotation of the accepted input, if it is more than ``python``.
    taken: str | None = None
    #: False if `default = ...` has no literal and `server_default` is needed.
    has_literal: bool = True


def _table(*types: BaseType) -> dict[str, BaseType]:
    return {type_.name: type_ for type_ in types}


BASE_TYPES = _table(
    BaseType("smallint", "int", "ordered"),
    BaseType("integer", "int", "ordered"),
    BaseType("bigint", "int", "ordered"),
    BaseType("real", "float", "ordered"),
    BaseType("double precision", "float", "ordered"),
    BaseType("numeric", "decimal.Decimal", "ordered", (0, 2), 1000),
    BaseType("boolean", "bool", "boolean"),
    BaseType("text", "str", "text"),
    BaseType("varchar", "str", "text", (0, 1)),
    BaseType("char", "str", "text", (0, 1)),
    BaseType("citext", "str", "text", extension="citext"),
    BaseType("bytea", "bytes", "equal", has_literal=False),
    BaseType("date", "datetime.date", "ordered"),
    BaseType("time", "datetime.time", "ordered", (0, 1), 6),
    BaseType("timetz", "datetime.time", "ordered", (0, 1), 6),
    BaseType("timestamp", "datetime.datetime", "ordered", (0, 1), 6),
    BaseType("timestamptz", "datetime.datetime", "ordered", (0, 1), 6),
    BaseType(
        *("interval", "ormkit.Interval", "ordered", (0, 1), 6),
        taken="ormkit.Interval | datetime.timedelta",
        has_literal=False,
    ),
    BaseType("uuid", "uuid.UUID", "ordered"),
    BaseType("json", "typing.Any", "opaque"),
    BaseType("jsonb", "typing.Any", "json"),
    BaseType("inet", "ormkit.Inet", "ordered", has_literal=False),
    BaseType("cidr", "ormkit.Cidr", "ordered", has_literal=False),
    BaseType("macaddr", "str", "ordered", has_literal=False),
    BaseType("int4range", "ormkit.Range[int]", "range", has_literal=False),
    BaseType("int8range", "ormkit.Range[int]", "range", has_literal=False),
    BaseType("numrange", "ormkit.Range[decimal.Decimal]", "range", has_literal=False),
    BaseType("tsrange", "ormkit.Range[datetime.datetime]", "range", has_literal=False),
    BaseType("tstzrange", "ormkit.Range[datetime.datetime]", "range", has_literal=False),
    BaseType("daterange", "ormkit.Range[datetime.date]", "range", has_literal=False),
    BaseType("bit", "ormkit.BitString", "equal", (0, 1), 83_886_080, has_literal=False),
    BaseType("varbit", "ormkit.BitString", "equal", (0, 1), 83_886_080, has_literal=False),
    BaseType("tsvector", "str", "opaque", has_literal=False),
    BaseType(
        "vector", "list[float]", "opaque", (0, 1), 16_000, extension="vector", has_literal=False
    ),
)

#: Other names that PostgreSQL accepts for these types.
ALIASES = {
    "int": "integer",
    "int2": "smallint",
    "int4": "integer",
    "int8": "bigint",
    "float4": "real",
    "float8": "double precision",
    "float": "double precision",
    "decimal": "numeric",
    "bool": "boolean",
    "character varying": "varchar",
    "character": "char",
    "bpchar": "char",
    "time without time zone": "time",
    "time with time zone": "timetz",
    "timestamp without time zone": "timestamp",
    "timestamp with time zone": "timestamptz",
    "bit varying": "varbit",
}


@dataclass(frozen=True, slots=True)
class ColumnType:
    """A column's type: a base type or an enum, its modifiers, and its array dimensions."""

    #: Key of BASE_TYPES, or the Python name of an enum if is_enum is true.
    name: str
    modifiers: tuple[int, ...] = ()
    dimensions: int = 0
    is_enum: bool = False

    @property
    def base(self) -> BaseType:
        """The entry of BASE_TYPES. Raises KeyError for an enum."""
        return BASE_TYPES[self.name]

    @property
    def element(self) -> ColumnType:
        """The type of an array's elements; for a scalar, the type itself."""
        return replace(self, dimensions=0)

    @property
    def is_array(self) -> bool:
        """True for any array type."""
        return self.dimensions > 0

    @property
    def is_integer(self) -> bool:
        """True for the three integer types, which an identity column may have."""
        return self.dimensions == 0 and self.name in ("smallint", "integer", "bigint")

    @property
    def family(self) -> Family:
        """The family that decides the operators."""
        if self.dimensions:
            return "array"
        return "ordered" if self.is_enum else self.base.family
