"""Parsing of column types: `varchar(100)`, `numeric(10, 2)`, `text[]?`, `PostStatus`."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection
from dataclasses import dataclass

from ormkit_gen.diagnostics.diagnostic import did_you_mean
from ormkit_gen.postgres.types import ALIASES, BASE_TYPES, ColumnType

#: PostgreSQL's own limits, MAXDIM and NUMERIC_MAX_SCALE.
MAX_DIMENSIONS = 6
MAX_SCALE = 1000

WORDS = re.compile(
    # Possessive quantifiers do not backtrack. With backtracking, the time would be quadratic.
    r"(?P<name>[^\W\d]\w*(?:\s+[^\W\d]\w*)*)\s*"
    r"(?:\((?P<modifiers>[^()]*)\)\s*+(?P<rest>[A-Za-z ]*+)\s*+)?"
    r"(?P<dimensions>(?:\[\d*\]\s*)*)(?P<null>\??)$"
)

#: Types that do not exist in OrmKit, with what to write instead.
INSTEAD = {
    "serial": "write 'integer': a primary key of that type is an identity",
    "bigserial": "write 'bigint': a primary key of that type is an identity",
    "smallserial": "write 'smallint': a primary key of that type is an identity",
    "money": "write 'numeric(12, 2)': money depends on the server's locale",
    "hstore": "write 'jsonb'",
    "xml": "write 'text'",
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


def parse_type(words: str, enums: Collection[str]) -> Typing:
    """Return the type that the text names. Raises BadType.

    enums: the Python names of the schema's enums.
    """
    found = WORDS.match(words.strip())
    if found is None:
        raise BadType(
            "unknown-type",
            f"{words!r} is not a type",
            "write a PostgreSQL type, as in 'varchar(100)', 'text[]' or 'integer?'",
        )
    dimensions = found["dimensions"].count("[")
    if dimensions > MAX_DIMENSIONS:
        raise BadType(
            "too-many-dimensions",
            f"an array has at most {MAX_DIMENSIONS} dimensions in PostgreSQL",
            "use jsonb for deeper structures",
        )
    type_ = _scalar(f"{found['name']} {found['rest'] or ''}".strip(), found["modifiers"], enums)
    is_nullable = found["null"] == "?"
    scalar = ColumnType(type_.name, type_.modifiers, dimensions, type_.is_enum)
    return Typing(scalar, is_nullable)


def _scalar(name: str, modifiers: str | None, enums: Collection[str]) -> ColumnType:
    if name in enums:
        if modifiers is not None:
            raise BadType("bad-modifier", f"the enum {name} has no modifiers", f"write {name!r}")
        return ColumnType(name, is_enum=True)
    word = " ".join(name.lower().split())
    word = ALIASES.get(word, word)
    if word not in BASE_TYPES:
        raise BadType("unknown-type", f"unknown type {name!r}", _instead(name, word, enums))
    return ColumnType(word, _modifiers(word, modifiers))


def _instead(name: str, word: str, enums: Collection[str]) -> str:
    known = (*BASE_TYPES, *ALIASES, *enums)
    near = difflib.get_close_matches(word, [*INSTEAD, *known], n=1)
    if near and near[0] in INSTEAD:
        return INSTEAD[near[0]]
    return did_you_mean(name, known)


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
