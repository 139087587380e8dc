"""Parsing of column types: `varchar(100)`, `numeric(10, 2)`, `text[]?`, `PostStatus`."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import cache

from ormkit_gen.diagnostics.diagnostic import did_you_mean
from ormkit_gen.postgres.identifiers import quote_identifier
from ormkit_gen.postgres.sql_names import name_parts
from ormkit_gen.postgres.types import ALIASES, BASE_TYPES, TEXT_TYPES, ColumnType

#: PostgreSQL's own limits, MAXDIM and NUMERIC_MAX_SCALE.
MAX_DIMENSIONS = 6
MAX_SCALE = 1000

WORDS = re.compile(
    # Possessive quantifiers do not backtrack. With backtracking, the time would be quadratic.
    r"(?P<name>[^\W\d]\w*(?:\s+[^\W\d]\w*)*)\s*"
    r"(?:\((?P<modifiers>[^()]*)\)\s*+(?P<rest>[A-Za-z ]*+)\s*+)?"
    r"(?P<dimensions>(?:\[\d*\]\s*)*)(?P<null>\??)$"
)

_IDENTIFIER = r'(?:"(?:[^"]|"")+"|[^\W\d][\w$]*+)'
#: A type with a schema, in quotes, or with modifiers that are words: `gis.geometry(Point,4326)`.
OTHER = re.compile(
    rf"(?P<schema>{_IDENTIFIER}\s*+\.\s*+)?(?P<name>{_IDENTIFIER})\s*+"
    r"(?:\((?P<modifiers>[^()]*)\)\s*+)?"
    r"(?P<dimensions>(?:\[\d*\]\s*)*)(?P<null>\??)$"
)
#: The fields that an interval may be limited to.
FIELDS = re.compile(
    r"interval (?:year|month|day|hour|minute|second)(?: to (?:month|hour|minute|second))?"
)

#: Types that do not exist in OrmKit, with what to write instead.
INSTEAD = {
    "serial": "write 'serial' alone, which is never NULL and no array, or 'integer'",
    "bigserial": "write 'bigserial' alone, which is never NULL and no array, or 'bigint'",
    "smallserial": "write 'smallserial' alone, which is never NULL and no array, or 'smallint'",
    "string": "did you mean 'text'?",
    "datetime": "did you mean 'timestamptz'?",
    "double": "did you mean 'double precision'?",
    "long": "did you mean 'bigint'?",
    "blob": "did you mean 'bytea'?",
    "binary": "did you mean 'bytea'?",
    "dict": "did you mean 'jsonb'?",
    "object": "did you mean 'jsonb'?",
    "enum": "name the enum itself, and its labels under [enums]",
}


@dataclass(frozen=True, slots=True)
class Typing:
    """A parsed column type."""

    type: ColumnType
    is_nullable: bool


class BadType(Exception):
    """The text is not a type. The args are the code, the message and the remedy."""

    def __init__(self, code: str, message: str, remedy: str) -> None:
        super().__init__(code, message, remedy)
        self.code, self.message, self.remedy = code, message, remedy


def parse_type(
    words: str, enums: Collection[str], named: Mapping[str, ColumnType] | None = None
) -> Typing:
    """Return the type that the text names. Raises BadType.

    enums: the Python names of the schema's enums.
    named: the schema's other types by their names, such as domains.
    """
    text = words.strip()
    found = WORDS.match(text)
    other = OTHER.match(text) if found is None else None
    if found is not None:
        name = f"{found['name']} {found['rest'] or ''}".strip()
        type_ = _scalar(name, found["modifiers"], enums, named or {})
    elif other is not None:
        found = other
        type_ = _with_schema(other, named or {})
    else:
        raise BadType(
            "unknown-type",
            f"{words!r} is not a type",
            "write a PostgreSQL type, as in 'varchar(100)', 'text[]' or 'integer?'",
        )
    dimensions = found["dimensions"].count("[")
    if dimensions + type_.dimensions > MAX_DIMENSIONS:
        raise BadType(
            "too-many-dimensions",
            f"an array has at most {MAX_DIMENSIONS} dimensions in PostgreSQL",
            "use jsonb for deeper structures",
        )
    return Typing(_array(type_, dimensions), found["null"] == "?")


def _array(type_: ColumnType, dimensions: int) -> ColumnType:
    if not dimensions:
        return type_
    if type_.dimensions:
        # An array of a domain over arrays: its values have no type of their own in Python.
        return ColumnType(type_.spelling or type_.name, dimensions=dimensions, is_text=True)
    spelling = f"{type_.spelling}{'[]' * dimensions}" if type_.spelling else None
    return replace(type_, dimensions=dimensions, spelling=spelling)


def names_type(words: str, name: str) -> bool:
    """Return whether the text names this type, maybe as an array."""
    scalar = words.strip().rstrip("?").split("[")[0].strip()
    return name in (scalar, ".".join(name_parts(scalar)[-1:]))


def _scalar(
    name: str, modifiers: str | None, enums: Collection[str], named: Mapping[str, ColumnType]
) -> ColumnType:
    if name in enums:
        if modifiers is not None:
            raise BadType("bad-modifier", f"the enum {name} has no modifiers", f"write {name!r}")
        return ColumnType(name, is_enum=True)
    word = " ".join(name.lower().split())
    if (own := named.get(name) or named.get(word)) is not None:
        if modifiers is not None:
            raise BadType("bad-modifier", f"the type {name} has no modifiers", f"write {name!r}")
        return own
    if word == "bpchar" and modifiers is not None:
        # Without a length it holds any number of characters, and char holds one.
        word = "char"
    if word == "float" and modifiers is not None:
        return _float(modifiers)
    word = ALIASES.get(word, word)
    if word in TEXT_TYPES:
        return ColumnType(f"{word}{_words_of(modifiers)}", is_text=True)
    if FIELDS.fullmatch(word):
        numbers = _modifiers("interval", modifiers)
        return ColumnType("interval", numbers, spelling=f"{word}{_words_of(modifiers)}")
    if word not in BASE_TYPES:
        raise BadType("unknown-type", f"unknown type {name!r}", _instead(name, word, enums))
    return ColumnType(word, _modifiers(word, modifiers))


def _float(modifiers: str) -> ColumnType:
    """Return the type for a number of binary digits."""
    if not modifiers.strip().isdecimal() or not 1 <= int(modifiers) <= 53:
        raise BadType("bad-modifier", f"float({modifiers}) is out of range", "write 1 to 53 digits")
    return ColumnType("real" if int(modifiers) <= 24 else "double precision")


def _with_schema(found: re.Match[str], named: Mapping[str, ColumnType]) -> ColumnType:
    """Return a type that is written with its schema or in quotes, or with words as modifiers."""
    parts = name_parts(f"{found['schema'] or ''}{found['name']}")
    if (own := named.get(".".join(parts))) is not None:
        return own
    name = parts[-1]
    modifiers = _words_of(found["modifiers"])
    if found["schema"] is None and not found["name"].startswith('"'):
        return _scalar(name, found["modifiers"], (), named)
    spelling = f"{'.'.join(map(quote_identifier, parts))}{modifiers}"
    known = BASE_TYPES.get(name)
    if parts[0] == "pg_catalog":
        known = BASE_TYPES.get(ALIASES.get(name, name))
    elif known is not None and known.extension is None:
        known = None
    if known is not None and name != "char" and len(parts) > 1:
        return ColumnType(known.name, _modifiers(known.name, found["modifiers"]), spelling=spelling)
    if len(parts) == 1:
        spelling = f"{found['name']}{modifiers}"
    return ColumnType(spelling, is_text=True)


def _words_of(modifiers: str | None) -> str:
    """Return the modifiers of a type as SQL; empty without any."""
    if modifiers is None:
        return ""
    parts = [part.strip() for part in modifiers.split(",")]
    if not all(re.fullmatch(r"-?\w+", part) for part in parts):
        raise BadType(
            "bad-modifier",
            f"the modifiers of a type are numbers or words, not ({modifiers})",
            "as in numeric(10, 2) or geometry(Point, 4326)",
        )
    return f"({','.join(parts)})"


def _instead(name: str, word: str, enums: Collection[str]) -> str:
    known = (*BASE_TYPES, *ALIASES, *TEXT_TYPES, *enums)
    near = difflib.get_close_matches(word, [*INSTEAD, *known], n=1)
    if near and near[0] in INSTEAD:
        return INSTEAD[near[0]]
    remedy = did_you_mean(name, known) if near else "PostgreSQL has no such type"
    return f"{remedy}; write a type of your database with its schema, as in 'public.{word}'"


@cache
def _modifiers(word: str, modifiers: str | None) -> tuple[int, ...]:
    base = BASE_TYPES[word]
    if modifiers is None:
        return ()
    lowest, highest = base.modifiers
    parts = [part.strip() for part in modifiers.split(",")]
    if not highest:
        raise BadType("bad-modifier", f"{word} has no modifiers", f"write {word!r}")
    if not all(re.fullmatch(r"-?\d{1,9}", part) for part in parts):
        raise BadType(
            "bad-modifier",
            f"the modifiers of {word} must be whole numbers, not ({modifiers})",
            f"write {word}({', '.join('10' if i == 0 else '2' for i in range(highest))})",
        )
    numbers = tuple(map(int, parts))
    if not lowest <= len(numbers) <= highest:
        raise BadType(
            "bad-modifier", f"{word} has at most {highest} modifiers", f"as in {word}(10)"
        )
    smallest = base.min_modifier
    if not smallest <= numbers[0] <= base.max_modifier:
        raise BadType(
            "bad-modifier",
            f"{word}({numbers[0]}) is out of range",
            f"PostgreSQL allows {smallest} to {base.max_modifier}",
        )
    if len(numbers) > 1 and abs(numbers[1]) > MAX_SCALE:
        raise BadType(
            "bad-modifier",
            f"the scale {numbers[1]} of {word} is out of range",
            f"PostgreSQL allows {-MAX_SCALE} to {MAX_SCALE}",
        )
    return numbers
