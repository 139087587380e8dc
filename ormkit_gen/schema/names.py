"""Names: what may be a Python name in generated code, and a name in PostgreSQL."""

from __future__ import annotations

import builtins
import hashlib
import keyword
import re
import unicodedata

#: PostgreSQL cuts longer names, NAMEDATALEN - 1 bytes.
MAX_IDENTIFIER = 63

#: Names that annotations in a class body mean; an attribute of that name would hide them.
ANNOTATION_NAMES = frozenset(
    ["int", "str", "bool", "float", "bytes", "list", "dict", "tuple", "object"]
)
#: Names that a metaclass or a generated method needs.
TAKEN_NAMES = frozenset({"mro", "self", "cls"})

#: Names that generated modules import or define beside the models.
RESERVED_CLASSES = frozenset(
    [
        "Any",
        "BitString",
        "Cidr",
        "ClassVar",
        "Collection",
        "Column",
        "Condition",
        "Decimal",
        "Expression",
        "Inet",
        "Iterable",
        "Literal",
        "Model",
        "ModelMeta",
        "Order",
        "Query",
        "Range",
        "Record",
        "Related",
        "SCHEMA",
        "Schema",
        "Secondary",
        "Self",
        "Source",
        "StrEnum",
        "Table",
        "ToMany",
        "ToOne",
        "TypedDict",
        "UNSET",
        "UUID",
        "Unpack",
        "None",
        "True",
        "False",
    ]
) | {name for name in dir(builtins) if name[0].isupper()}

#: Modules of a generated package that are no model's.
RESERVED_MODULES = frozenset({"enums", "__init__"})


def attribute_name(name: str) -> str:
    """Return the attribute for a name in PostgreSQL: `class` becomes `class_`."""
    if keyword.iskeyword(name) or name in ANNOTATION_NAMES | TAKEN_NAMES:
        return f"{name}_"
    return name


def is_attribute(name: str) -> bool:
    """Return whether generated code can use the name for an attribute.

    Double underscores separate a column from an operator in filter(), and a leading one is for
    what belongs to the model itself. Python reads names in their NFKC form, so others are out.
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
    """Return whether PostgreSQL takes the name whole."""
    return bool(name) and is_label(name)


def is_label(text: str) -> bool:
    """Return whether PostgreSQL takes the text for a label of an enum; the empty text is one."""
    return is_storable(text) and len(text.encode()) <= MAX_IDENTIFIER


def is_storable(text: str) -> bool:
    """Return whether PostgreSQL can hold the text: no NUL, no half of a surrogate pair."""
    return not any(each == "\0" or "\ud800" <= each <= "\udfff" for each in text)


def member_name(label: str) -> str:
    """Return the Python member for an enum's label: "in progress" becomes in_progress."""
    text = unicodedata.normalize("NFKC", label.strip())
    words = "".join(each if f"a{each}".isidentifier() else "_" for each in text)
    name = re.sub(r"__+", "_", words).strip("_") or "empty"
    if not name.isidentifier():
        name = unicodedata.normalize("NFKC", f"n{name}")
    return name if is_member(name) else f"{name}_"


def is_member(name: str) -> bool:
    """Return whether a member of an enum may have the name, and leave StrEnum what it is."""
    return (
        name.isidentifier()
        and not name.startswith("_")
        and unicodedata.normalize("NFKC", name) == name
        and not keyword.iskeyword(name)
        and not hasattr(str, name)
        and name not in ("name", "value", "mro")
    )


def constraint_name(table: str, columns: tuple[str, ...], ending: str) -> str:
    """Return the name PostgreSQL itself would give; a long one is cut and made unique by a hash."""
    name = "_".join((table, *columns, ending))
    if len(name.encode()) <= MAX_IDENTIFIER:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    room = MAX_IDENTIFIER - len(digest) - len(ending) - 2
    cut = name.encode()[:room].decode(errors="ignore")
    return f"{cut}_{digest}_{ending}"
