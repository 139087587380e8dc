"""Compare two catalogs, fact by fact."""

from __future__ import annotations

from collections.abc import Mapping, Set
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

    @property
    def is_one_sided(self) -> bool:
        """Whether only one of the databases has the fact."""
        return self.expected is None or self.found is None

    def is_like(self, other: Difference) -> bool:
        """Return whether the other one is the same, of another object."""
        mine, others = (self.expected, self.found), (other.expected, other.found)
        return [each and each.definition for each in mine] == [
            each and each.definition for each in others
        ]


def compare(expected: Catalog, found: Catalog, *, leave_out: Set[str] = RIGHTS) -> list[Difference]:
    """Return the differences between two catalogs, in the order of their objects.

    leave_out: the kinds of facts that are not compared.
    """
    keys = [key for key in expected.differing(found) if key[1] not in leave_out]
    if not keys:
        return []
    managed = expected.objects
    differences: list[Difference] = []
    for key in keys:
        wanted, there = expected.get(key), found.get(key)
        differences.append(Difference(cause_of(wanted, there, managed), wanted, there))
    return without_implied(differences, managed, parents_of(expected, found))


def cause_of(expected: Fact | None, found: Fact | None, managed: Set[str]) -> Class:
    """Return how a difference came about."""
    if found is None:
        return "pending"
    if found.object not in managed:
        return "unmanaged"
    return "unfinished" if found.kind == "unfinished" else "drift"


def parents_of(*catalogs: Catalog) -> dict[str, str]:
    """Return the object that a table inherits its columns from, by its own object."""
    return {
        fact.object: f"table {fact.name}"
        for catalog in catalogs
        for fact in catalog
        if fact.kind in ("partition", "inherits")
    }


def without_implied(
    differences: list[Difference], managed: Set[str], parents: Mapping[str, str]
) -> list[Difference]:
    """Return the differences that no other one implies.

    A table that is missing lacks its columns, a column that is missing its default, and a partition
    what its table lacks. The definition of a view names its columns.
    """
    by_key = {each.fact.key: each for each in differences}
    one_sided = {key for key, each in by_key.items() if each.is_one_sided}

    def is_implied(difference: Difference) -> bool:
        fact = difference.fact
        if fact.kind == "object":
            return False
        whole = (fact.object, "object", "")
        if fact.object not in managed or whole in one_sided:
            return True
        if fact.kind == "column" and whole in by_key and "view " in fact.object.partition(".")[0]:
            return True
        if fact.kind in COLUMN_PARTS and (fact.object, "column", fact.name) in one_sided:
            return True
        above = by_key.get((parents.get(fact.object, ""), fact.kind, fact.name))
        is_of_column = fact.kind == "column" or fact.kind in COLUMN_PARTS
        return is_of_column and above is not None and difference.is_like(above)

    return [each for each in differences if not is_implied(each)]
