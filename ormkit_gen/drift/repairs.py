"""The SQL that removes a difference between two databases."""

from __future__ import annotations

from ormkit.catalog import Difference
from ormkit_gen.drift.objects import altered, comes_with, created, dropped
from ormkit_gen.drift.parts import changed
from ormkit_gen.drift.sides import Sides
from ormkit_gen.drift.statement import Statement


def repair(difference: Difference, sides: Sides) -> tuple[Statement, ...]:
    """Return the statements that give the database what the difference expects.

    sides: the catalog of `expected`, and that of `found`.

    A statement that loses data has a note that says so. There is none for an object that is not
    managed, and where no plain statement does it: that is the work of a migration.
    """
    if difference.cause == "unmanaged":
        return ()
    expected, found = difference.expected, difference.found
    if comes_with(difference, sides.wanted, sides.present):
        return ()
    if difference.fact.kind != "object":
        return tuple(changed(expected, found, sides))
    if found is None:
        return tuple(created(difference.fact, sides))
    if expected is None:
        return tuple(dropped(found, sides))
    return tuple(altered(expected, found, sides))


def reverse(difference: Difference) -> Difference:
    """Return the difference seen from the other side."""
    return Difference(difference.cause, difference.found, difference.expected)
