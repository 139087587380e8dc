"""Names that generated code uses itself, and their aliases where a schema has the same names.

Views and templates mark such a name. The rendered text gets the names when all names of the module
are known. The marks are control characters, which no text from a schema has: literals escape them.
"""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Collection

#: Stands before a use of a name, before its import, and before a use of a name of the schema.
USE, IMPORT, OTHER, IMPORT_OTHER = "\x01", "\x02", "\x03", "\x04"
MARKED = re.compile("([\x01-\x04])([^\\W\\d]\\w*)")
#: A name of an annotation that is not marked, and not part of a dotted one.
PLAIN = re.compile(r"(?<![\w.\x01-\x04])([^\W\d]\w*)(?!\.)\b")


def own(name: str) -> str:
    """Return the name marked as one of the generated code's own."""
    return USE + name


def other(name: str) -> str:
    """Return a class of the schema, marked: an attribute of the same name hides it."""
    return OTHER + name


def with_builtins(annotation: str) -> str:
    """Return the annotation with each built-in marked as the code's own."""
    return PLAIN.sub(lambda each: own(each[1]) if is_builtin(each[1]) else each[1], annotation)


def is_builtin(name: str) -> bool:
    """Return whether the name is one of Python's built-ins, and can be imported."""
    return hasattr(builtins, name) and not keyword.iskeyword(name)


def named(text: str, attributes: Collection[str], classes: Collection[str]) -> str:
    """Return the text with aliases for the marked names that the schema has as well.

    attributes: the model's attributes, which hide names in the body of its class.
    classes: the names at the top of the module that the schema decides.
    """

    def alias(name: str, taken: Collection[str]) -> str:
        while name in taken:
            name += "_"
        return name

    everything = {*attributes, *classes}
    built_in: set[str] = set()

    def replaced(found: re.Match[str]) -> str:
        mark, name = found[1], found[2]
        wanted = alias(name, everything if mark in (USE, IMPORT) else attributes)
        if mark in (IMPORT, IMPORT_OTHER):
            return name if wanted == name else f"{name} as {wanted}"
        if wanted != name and mark == USE and is_builtin(name):
            built_in.add(f"{name} as {wanted}")
        return wanted

    body = MARKED.sub(replaced, text)
    if built_in:
        line = f"from builtins import {', '.join(sorted(built_in))}\n"
        body = body.replace("annotations\n\n", f"annotations\n\n{line}", 1)
    return body
