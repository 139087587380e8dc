"""Compare two catalogs, fact by fact."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from typing import Literal

from .facts import Catalog, Fact

#: Facts that depend on the roles of a server.
RIGHTS = frozenset(("owner", "grant"))
#: The facts about a column, besides the column itself.
COLUMN_PARTS = frozenset(
    (
        *("not null", "default", "generated", "virtual", "identity", "column storage"),
        *("compression", "statistics target", "column options", "foreign options"),
    )
)
#: How a difference came about, as far as the two catalogs tell.
Class = Literal["pending", "drift", "unmanaged", "unfinished"]


@dataclass(frozen=True, slots=True)
class Difference:
    """One fact in which two databases differ."""

    #: `pending`: expected and not there. `drift`: there, and other than expected. `unmanaged`:
    #: part of an object that the expected database does not have. `unfinished`: an invalid index,
    #: or a constraint that is NOT VALID.
    cause: Class
    #: The fact that was expected; None where nothing was.
    expected: Fact | None
    #: The fact that was found; None where nothing was.
    found: Fact | None

    @property
    def fact(self) -> Fact:
        """The fact that was expected, or else the one that was found."""
        fact = self.expected or self.found
        assert fact is not None
        return fact


def compare(expected: Catalog, found: Catalog, *, leave_out: Set[str] = RIGHTS) -> list[Difference]:
    """Return the differences between two catalogs, in the order of their objects.

    leave_out: the kinds of facts that are not compared.
    """
    managed = expected.objects
    keys = {fact.key for catalog in (expected, found) for fact in catalog}
    differences: list[Difference] = []
    for key in sorted(keys):
        wanted, there = expected.get(key), found.get(key)
        if key[1] not in leave_out and wanted != there:
            differences.append(Difference(cause_of(wanted, there, managed), wanted, there))
    missing = {each.fact.object for each in differences if is_missing(each)}
    columns = {column_of(each.fact) for each in differences if is_whole_column(each)}
    return [
        each
        for each in differences
        if not is_implied(each, missing, managed)
        and (each.fact.kind not in COLUMN_PARTS or column_of(each.fact) not in columns)
    ]


def cause_of(expected: Fact | None, found: Fact | None, managed: Set[str]) -> Class:
    """Return how a difference came about."""
    if found is None:
        return "pending"
    if found.object not in managed:
        return "unmanaged"
    return "unfinished" if found.kind == "unfinished" else "drift"


def is_missing(difference: Difference) -> bool:
    """Return whether a whole object was expected and is not there."""
    return difference.found is None and difference.fact.kind == "object"


def is_whole_column(difference: Difference) -> bool:
    """Return whether a whole column is on one side only."""
    is_one_sided = difference.expected is None or difference.found is None
    return is_one_sided and difference.fact.kind == "column"


def column_of(fact: Fact) -> tuple[str, str]:
    """Return the object and the name of the column that the fact is about."""
    return fact.object, fact.name


def is_implied(difference: Difference, missing: Set[str], managed: Set[str]) -> bool:
    """Return whether another difference says it: that the object is missing, or is unmanaged.

    A table that is missing lacks its columns, too.
    """
    fact = difference.fact
    if fact.kind == "object":
        return False
    return fact.object in missing or fact.object not in managed
