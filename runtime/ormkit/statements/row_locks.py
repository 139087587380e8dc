"""Row locks: FOR UPDATE and FOR SHARE."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from ..errors import UsageError

if TYPE_CHECKING:
    from ..models.relationships import Relationship
    from ..models.table import Table
    from ..sql.context import Scope


def check_within(executor: object) -> None:
    """Raise UsageError for row locks outside a transaction, which would end with the statement."""
    if getattr(executor, "identity", None) is None:
        raise UsageError(
            "for_update() and for_share() lock rows until the transaction ends, and no "
            "transaction is open, so nothing would be locked: read inside `async with "
            "session.begin():`"
        )


class Lock:
    """The row lock of a query: its strength, and the joined tables that it includes."""

    __slots__ = ("joined", "key", "strength", "wait")

    def __init__(
        self, strength: str, *, nowait: bool, skip_locked: bool, joined: Sequence[Any] = ()
    ) -> None:
        """Describe a lock.

        joined: relationships of joinedload() whose rows are locked as well.
        """
        if nowait and skip_locked:
            raise UsageError(f"for_{strength.lower()}: nowait and skip_locked exclude each other")
        self.strength = strength
        self.wait = " NOWAIT" if nowait else " SKIP LOCKED" if skip_locked else ""
        self.joined: tuple[Relationship[Any, Any], ...] = tuple(joined)
        keys: list[Hashable] = [each.key for each in self.joined]
        self.key: Hashable = (strength, self.wait, *keys)

    def sql(self, scope: Scope, table: Table) -> str:
        """Return the text of the clause."""
        names = [scope.name(table), *(scope.joined[each] for each in self.joined)]
        return f" FOR {self.strength} OF {', '.join(names)}{self.wait}"


def lockable(
    table: Table, of: Sequence[Any], joined: Sequence[Any]
) -> tuple[Relationship[Any, Any], ...]:
    """Return the relationships whose joined rows are locked too; raises UnknownName, UsageError.

    of: relationships, or their names.
    joined: the relationships that the query joins.
    """
    if isinstance(of, str) or not isinstance(of, Iterable):
        raise UsageError("of must be a list of relationships or their names: write of=[...]")
    found: list[Relationship[Any, Any]] = []
    for each in of:
        relationship = table.relationship(each) if isinstance(each, str) else each
        if relationship not in joined:
            raise UsageError(
                f"of={each!r}: only tables that the query joins can be locked: add "
                f".options(joinedload({getattr(relationship, 'name', each)!r})) before it"
            )
        if not relationship.is_owner or any(local.is_nullable for local in relationship.local):
            raise UsageError(
                f"{relationship.label} may have no row, and PostgreSQL cannot lock the "
                "nullable side of an outer join"
            )
        found.append(relationship)
    return tuple(found)
