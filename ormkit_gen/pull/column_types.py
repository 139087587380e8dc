"""The types of columns in the words of a schema file."""

from __future__ import annotations

from collections.abc import Mapping

from ormkit.catalog import TypeName
from ormkit_gen.postgres.identifiers import qualified
from ormkit_gen.postgres.types import ALIASES, BASE_TYPES

#: The names in pg_type of the types that a schema file calls otherwise.
_WORDS = {
    "int2": "smallint",
    "int4": "integer",
    "int8": "bigint",
    "float4": "real",
    "float8": "double precision",
    "bool": "boolean",
}


class TypeWords:
    """Spells types; enums and domains have names of their own in the schema files."""

    def __init__(self, named: Mapping[tuple[str, str], str]) -> None:
        """Take the names in the schema files of enums and domains, by schema and name."""
        self._named = named

    def of(self, type_: TypeName, *, is_nullable: bool = False) -> str:
        """Return the type as the value of `type` in a schema file."""
        dimensions = max(type_.dimensions, 1) if type_.is_array else 0
        return f"{self._scalar(type_)}{'[]' * dimensions}{'?' if is_nullable else ''}"

    def _scalar(self, type_: TypeName) -> str:
        if (named := self._named.get((type_.schema, type_.name))) is not None:
            return named
        if not type_.is_system:
            if type_.extension is not None and type_.name in BASE_TYPES:
                return f"{type_.name}{type_.modifiers}"
            return f"{qualified(type_.schema, type_.name)}{type_.modifiers}"
        word = _WORDS.get(type_.name, type_.name)
        if word == "bpchar":
            return f"char{type_.modifiers}" if type_.modifiers else "bpchar"
        if word == "char":
            return '"char"'
        if word in BASE_TYPES or word in ALIASES:
            if word == "interval" and type_.text.removesuffix("[]") != f"interval{type_.modifiers}":
                return type_.text.split("[")[0]
            return f"{word}{type_.modifiers}"
        return f"{word}{type_.modifiers}"
