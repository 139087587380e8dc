"""The kinds of objects that a schema has as SQL, in the order in which they are created."""

from __future__ import annotations

#: Kinds in the order of their creation, where no dependency says otherwise.
_BEFORE_TABLES = (
    *("language", "foreign data wrapper", "server", "collation", "type", "domain", "sequence"),
    *("text search parser", "text search template", "text search dictionary"),
    *("text search configuration", "function", "procedure", "aggregate", "operator"),
    *("operator family", "operator class", "cast", "conversion"),
)
_AFTER_TABLES = (
    *("foreign table", "index", "constraint", "statistics", "view", "materialized view"),
    *("rule", "trigger", "policy", "comment", "statement", "publication"),
)
#: These would run for the statements after them, so that they come last, behind all keys.
LAST = ("event trigger",)

ORDER = (*_BEFORE_TABLES, "table", *_AFTER_TABLES, *LAST)
#: The place of each kind in the order.
RANKS = {kind: place for place, kind in enumerate(ORDER)}
RANKS["enum"] = RANKS["type"]
#: Kinds whose objects belong to a table or view: their name is `NAME on TABLE`.
OF_RELATIONS = frozenset({"rule", "trigger", "policy", "constraint"})
#: Kinds whose objects are types, which columns may have.
TYPES = frozenset({"type", "domain"})
#: Kinds that a dependency may take for each other, by the one that stands for all.
_ALIKE = {
    **dict.fromkeys(("table", "foreign table", "view", "materialized view"), "table"),
    **dict.fromkeys(("function", "procedure", "aggregate"), "function"),
    **dict.fromkeys(("type", "domain", "enum"), "type"),
}
#: The longest kinds first: `materialized view` before `view`.
_LONGEST = sorted((*ORDER, "enum"), key=len, reverse=True)


def alike(kind: str) -> str:
    """Return the kind that stands for this one: a view is a table for what reads it."""
    return _ALIKE.get(kind, kind)


def split_label(label: str) -> tuple[str, str]:
    """Return the kind and the name in a text such as "materialized view totals"."""
    for kind in _LONGEST:
        if label.lower() == kind or label.lower().startswith(f"{kind} "):
            return kind, label[len(kind) :].strip()
    kind, _, name = label.partition(" ")
    return kind.lower(), name.strip()
