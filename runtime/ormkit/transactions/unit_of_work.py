"""The unit of work of a transaction: objects added, and changes of the objects that it holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..errors import TransactionFailed, UsageError
from ..persistence.flush import write_changes
from ..persistence.identity_map import IdentityMap
from ..persistence.insert_order import insert_objects

if TYPE_CHECKING:
    from ..models.model import Model
    from ..statements.executor import Executor


class UnitOfWork:
    """What a transaction, or a block within it, still has to write."""

    def __init__(self, *, is_read_only: bool) -> None:
        #: The objects of the transaction by their keys, and what they were read as.
        self.identity = IdentityMap()
        #: What is to be inserted, each object once, by its id().
        self.added: dict[int, Model] = {}
        #: True once a flush has failed.
        self.is_broken = False
        self._is_read_only = is_read_only
        self._outer: UnitOfWork | None = None
        #: That of the nested block that is open: what is added here is a part of it.
        self._inner: UnitOfWork | None = None
        #: What the identity map held when this block began within another one.
        self._saved: Any = None

    def nest_in(self, outer: UnitOfWork) -> None:
        """Become the unit of a block within another one: both hold the same objects."""
        self.identity, self._saved = outer.identity, outer.identity.saved()
        self._is_read_only = outer._is_read_only
        self._outer, outer._inner = outer, self

    def add(self, instance: Model) -> None:
        """Insert the object with the next flush, unless it is held already."""
        if self._inner is not None:
            self._inner.add(instance)
        elif not self.identity.holds(instance):
            self.added[id(instance)] = instance

    def attach(self, instances: Sequence[Model]) -> None:
        """Hold objects that came from elsewhere; raises UsageError for one that lacks columns."""
        for instance in instances:
            check_whole(instance)
        for instance in instances:
            self.identity.attach(instance)

    async def flush(self, executor: Executor) -> None:
        """Send what was added, then what was changed on objects that are held."""
        if self._is_read_only:
            self._check_unchanged()
        try:
            if self.added:
                await self.flush_added(executor)
            await write_changes(executor, self.identity)
        except BaseException:
            self.is_broken = True
            raise

    async def flush_added(self, executor: Executor) -> None:
        """Send what was added."""
        added, self.added = self.added, {}
        if added:
            await insert_objects(executor, added.values())

    def abandon(self) -> None:
        """Drop what was to be written; of a nested block, give objects their former values."""
        self.added.clear()
        if self._saved is None:
            self.identity.clear()
        else:
            self.identity.restore(self._saved)

    def close(self) -> None:
        """End the unit; what was read is the application's alone once the transaction ends."""
        self._saved = None
        if self._outer is not None:
            self._outer._inner = None
            return
        self.identity.clear()
        self.added.clear()

    def _check_unchanged(self) -> None:
        changed = [type(entry[0]).__name__ for entry, _ in self.identity.changed()]
        if changed or self.added:
            changed += [type(each).__name__ for each in self.added.values()]
            raise UsageError(f"the transaction is read-only, and a {changed[0]} was changed in it")


def check_whole(instance: Model) -> None:
    """Raise UsageError for an object of which there is no row to compare it with later."""
    for column in type(instance).__table__.columns:
        if not hasattr(instance, column.slot):
            raise UsageError(
                f"attach() takes whole objects: this one has no {column.label}; insert it first, "
                f"or read it without only()"
            )


def flush_failed() -> TransactionFailed:
    """Return the error for a block that goes on after a flush has failed."""
    return TransactionFailed(
        "nothing was committed: writing what was added or changed had failed, and the error was "
        "caught inside the block"
    )
