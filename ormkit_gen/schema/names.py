"""Rules for names in generated Python code and in PostgreSQL."""

from __future__ import annotations

import hashlib
import keyword
import re
import unicodedata

#: PostgreSQL truncates longer names, NAMEDATALEN - 1 bytes.
MAX_IDENTIFIER = 63

#: Names used in annotations of a class body. An attribute with such a name would hide them.
ANNOTATION_NAMES = frozenset(
    ["int", "str", "bool", "float", "bytes", "list", "dict", "tuple", "object"]
)
#: Names that a metaclass or a generated method uses, and the methods of models.
TAKEN_NAMES = frozenset({"mro", "self", "cls", "TYPE_CHECKING", "to_dict", "from_dict"})

#: The name that a package exports beside its models and enums, what type checkers know by its name,
#: and Python's own constants.
RESERVED_CLASSES = frozenset(
    ["SCHEMA", "TYPE_CHECKING", "None", "True", "False", "Ellipsis", "NotImplemented"]
)


#: NUL, and halves of surrogate pairs.
UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def attribute_name(name: str) -> str:
    """Return the attribute for a name in PostgreSQL: `class` becomes `class_`."""
    if keyword.iskeyword(name) or name in ANNOTATION_NAMES or name in TAKEN_NAMES:
        return f"{name}_"
    return name


def is_attribute(name: str) -> bool:
    """Return whether generated code can use the name for an attribute.

    Double underscores separate a column from an operator in filter(), and a leading underscore is
    for the model's own attributes. Python normalizes names to NFKC, so other forms are refused.
    """
    return (
        name.isidentifier()
        and not name.startswith("_")
        and "__" not in name
        and unicodedata.normalize("NFKC", name) == name
    )


def is_class_name(name: str) -> bool:
    """Return whether a model or enum may have the name."""
    return (
        name.isidentifier()
        and name[0].isupper()
        and unicodedata.normalize("NFKC", name) == name
        and not keyword.iskeyword(name)
    )


def is_database_name(name: str) -> bool:
    """Return whether PostgreSQL accepts the name without truncation."""
    return bool(name) and is_label(name)


def is_label(text: str) -> bool:
    """Return whether PostgreSQL accepts the text as an enum label. The empty text is allowed."""
    return is_storable(text) and len(text.encode()) <= MAX_IDENTIFIER


def is_storable(text: str) -> bool:
    """Return whether PostgreSQL can store the text: no NUL, no half of a surrogate pair."""
    return UNSTORABLE.search(text) is None


def member_name(label: str) -> str:
    """Return the Python member for an enum's label: "in progress" becomes in_progress."""
    text = unicodedata.normalize("NFKC", label.strip())
    words = "".join(each if f"a{each}".isidentifier() else "_" for each in text)
    name = re.sub(r"__+", "_", words).strip("_") or "empty"
    if not name.isidentifier():
        name = unicodedata.normalize("NFKC", f"n{name}")
    return name if is_member(name) else f"{name}_"


def is_member(name: str) -> bool:
    """Return whether an enum member may have the name without breaking StrEnum."""
    return (
        name.isidentifier()
        and not name.startswith("_")
        and unicodedata.normalize("NFKC", name) == name
        and not keyword.iskeyword(name)
        and not hasattr(str, name)
        and name not in ("name", "value", "mro", "TYPE_CHECKING")
    )


def constraint_name(table: str, columns: tuple[str, ...], ending: str) -> str:
    """Return the name that PostgreSQL would choose. Shorten a long one and add a hash."""
    name = "_".join((table, *columns, ending))
    if len(name.encode()) <= MAX_IDENTIFIER:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    room = MAX_IDENTIFIER - len(digest) - len(ending) - 2
    cut = name.encode()[:room].decode(errors="ignore")
    return f"{cut}_{digest}_{ending}"
