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
    one_sided = {
        each.fact.key for each in differences if each.expected is None or each.found is None
    }
    return [each for each in differences if not is_implied(each.fact, one_sided, managed)]


def cause_of(expected: Fact | None, found: Fact | None, managed: Set[str]) -> Class:
    """Return how a difference came about."""
    if found is None:
        return "pending"
    if found.object not in managed:
        return "unmanaged"
    return "unfinished" if found.kind == "unfinished" else "drift"


def is_implied(fact: Fact, one_sided: Set[tuple[str, str, str]], managed: Set[str]) -> bool:
    """Return whether another difference says it: that its object or column is on one side only.

    A table that is missing lacks its columns, and a column that is missing its default.
    """
    if fact.kind == "object":
        return False
    if fact.object not in managed or (fact.object, "object", "") in one_sided:
        return True
    return fact.kind in COLUMN_PARTS and (fact.object, "column", fact.name) in one_sided
