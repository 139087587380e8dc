"""The shapes that values of a TOML file have, as JSON Schema.

They are draft-07, which every editor reads. A table is never one of several alternatives: the
keywords for texts, lists and tables stand beside each other, and each looks at its own kind of
value. Validators then name the key that is wrong, and not the table around it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from ormkit_gen.schema.names import MAX_IDENTIFIER
from ormkit_gen.spellings import ALIASES

Shape = Mapping[str, Any]

DRAFT = "http://json-schema.org/draft-07/schema#"

#: Any value. The keyword says of tables what "strict" validators otherwise ask for.
ANYTHING: Shape = {"additionalProperties": True}
TEXT: Shape = {"type": "string", "pattern": r"\S"}
FLAG: Shape = {"type": "boolean"}
NUMBER: Shape = {"type": "integer"}
#: A name in PostgreSQL. Its limit is in bytes, of which a text has as many as characters, or more.
NAME: Shape = {**TEXT, "maxLength": MAX_IDENTIFIER}
#: A list of texts, or a single one.
TEXTS: Shape = {
    "type": ["string", "array"],
    "minLength": 1,
    "items": {"type": "string", "minLength": 1},
}
#: At least one of them.
SOME_TEXTS: Shape = {**TEXTS, "minItems": 1}
LABELS: Shape = {"type": ["string", "array"], "minItems": 1, "items": {"type": "string"}}

#: What is no letter, digit or underscore in ASCII. Beyond it, readers know better than a pattern.
_NO_FIRST = r"\x00-@\[-^`{-\x7f"
_NO_OTHER = r"\x00-/:-@\[-^`{-\x7f"
#: Keys that become attributes, without a leading underscore and without a double one.
ATTRIBUTES: Shape = {"pattern": rf"^[^{_NO_FIRST}_](_?[^{_NO_OTHER}_])*_?$"}
#: Keys that become classes.
CLASSES: Shape = {"pattern": rf"^[^\x00-@\[-\x7f][^{_NO_OTHER}]*$"}


def whole(most: int) -> Shape:
    """Return the shape of a whole number from 1 on."""
    return {"type": "integer", "minimum": 1, "maximum": most}


def matching(pattern: str) -> Shape:
    """Return the shape of a text that fits a pattern as a whole."""
    return {"type": "string", "pattern": f"^(?:{pattern})$"}


def choice(words: Collection[str], other: str | None = None) -> Shape:
    """Return the shape of one of several words, in capitals or not, with spaces or underscores.

    other: the pattern of a text that may stand there besides.
    """
    free = "|".join([*map(of_any_case, words), *([other] if other else [])])
    # The first alternative is what editors offer.
    return {"type": "string", "anyOf": [{"enum": [*words]}, {"pattern": f"^(?:{free})$"}]}


def of_any_case(text: str) -> str:
    """Return the pattern of a text in capitals or not; a space may be an underscore."""
    return "".join(
        f"[{each.upper()}{each.lower()}]" if each.isalpha() else "[ _]" if each == " " else each
        for each in text
    )


def named(shape: Shape, keys: Shape | None = None) -> Shape:
    """Return the shape of a table whose keys are names, and whose values are of one shape."""
    found: dict[str, Any] = {"type": "object", "additionalProperties": shape}
    return {**found, "propertyNames": keys} if keys else found


def listed(shape: Shape, least: int = 0) -> Shape:
    """Return the shape of an array of tables."""
    return {"type": "array", "items": shape, **({"minItems": least} if least else {})}


def table(
    known: Iterable[str],
    shapes: Mapping[str, Shape],
    *,
    required: Collection[str] = (),
    needs: Mapping[str, str] | None = None,
    rivals: Collection[str] = (),
) -> dict[str, Any]:
    """Return the shape of a table with these settings and no others.

    known: the settings that the reader of the table takes.
    shapes: a shape for each of them; a KeyError names one that lacks it.
    needs: settings that have no meaning without another one.
    rivals: settings of which a table has one at most.
    """
    names = sorted(known)
    found = {name: shapes[name] for name in names}
    aliases = {alias: name for alias, name in ALIASES.items() if name in found}
    found |= {
        alias: {**shapes[name], "description": f"The same as `{name}`."}
        for alias, name in aliases.items()
    }
    wanted = {key: [other] for key, other in (needs or {}).items()}
    twice: dict[str, Shape] = {
        **{alias: {"properties": {name: False}} for alias, name in aliases.items()},
        **{
            rival: {"properties": {other: False for other in rivals if other < rival}}
            for rival in sorted(rivals)[1:]
        },
    }
    of_aliases = {alias: wanted[name] for alias, name in aliases.items() if name in wanted}
    made: dict[str, Any] = {
        "type": "object",
        "properties": found,
        "additionalProperties": False,
    }
    if required:
        made["required"] = [*required]
    if wanted:
        made["dependencies"] = {**wanted, **of_aliases}
    if twice:
        made["allOf"] = [{"dependencies": twice}]
    return made


def or_text(shape: Shape, text: Shape) -> Shape:
    """Return the shape of a table for which a text may stand."""
    rest = {key: value for key, value in text.items() if key != "type"}
    return {**shape, **rest, "type": ["string", "object"]}


def described(shapes: Mapping[str, Shape], words: Mapping[str, str]) -> dict[str, Shape]:
    """Return the shapes with what an editor shows for each."""
    return {
        name: {**shape, "description": words[name]} if name in words else shape
        for name, shape in shapes.items()
    }
