"""The unit of work of a transaction: pending inserts, and dirty columns of attached objects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..errors import TransactionFailed, UsageError
from ..persistence.flush import write_changes
from ..persistence.hooked_updates import MAX_ROUNDS, endless_hooks
from ..persistence.identity_map import IdentityMap
from ..persistence.insert_order import insert_objects

if TYPE_CHECKING:
    from ..models.model import Model
    from ..statements.executor import Executor


class UnitOfWork:
    """The pending writes of a transaction or of a savepoint."""

    def __init__(self, *, is_read_only: bool) -> None:
        #: The objects of the transaction by primary key, with the values that were read.
        self.identity = IdentityMap()
        #: The objects to insert, by id(), so that each is inserted once.
        self.added: dict[int, Model] = {}
        #: True once an object of a model with hooks or validators was added.
        self._has_hooks = False
        #: True once a flush has failed.
        self.is_broken = False
        self._is_read_only = is_read_only
        self._outer: UnitOfWork | None = None
        #: The unit of the open savepoint. Objects that are added here go to it.
        self._inner: UnitOfWork | None = None
        #: A copy of the identity map's state from when this savepoint began.
        self._saved: Any = None

    def nest_in(self, outer: UnitOfWork) -> None:
        """Make this the unit of a savepoint within `outer`; both share one identity map."""
        self.identity, self._saved = outer.identity, outer.identity.saved()
        self._is_read_only = outer._is_read_only
        self._outer, outer._inner = outer, self

    def add(self, instance: Model) -> None:
        """Insert the object with the next flush, unless the identity map holds it already."""
        if self._inner is not None:
            self._inner.add(instance)
        elif not self.identity.holds(instance):
            self.added[id(instance)] = instance
            if type(instance).__table__.hooks is not None:
                self._has_hooks = True

    def attach(self, instances: Sequence[Model]) -> None:
        """Attach detached objects; raises UsageError for an object without all its columns."""
        for instance in instances:
            check_whole(instance)
        for instance in instances:
            self.identity.attach(instance)

    async def flush(self, executor: Executor) -> None:
        """Insert the added objects, then update the dirty columns of attached objects."""
        if self._is_read_only:
            self._check_unchanged()
        try:
            if self.added:
                await self.flush_added(executor)
            await write_changes(executor, self.identity)
            if self.identity.has_hooks:
                await self._flush_again(executor)
        except BaseException:
            self.is_broken = True
            raise

    async def _flush_again(self, executor: Executor) -> None:
        """Write what hooks changed or added after a write, until they leave everything as it is.

        Raises UsageError for hooks that change an object after each of its writes.
        """
        for _ in range(MAX_ROUNDS):
            changed = self.identity.changed()
            if not changed and not self.added:
                return
            await self.flush_added(executor)
            await write_changes(executor, self.identity)
        for entry, _ in self.identity.changed():
            raise endless_hooks(entry[0].__table__)

    async def flush_added(self, executor: Executor) -> None:
        """Insert the added objects."""
        if self.added:
            if self._has_hooks:
                prepare_added(self.added)
            added, self.added = self.added, {}
            await insert_objects(executor, added.values(), is_prepared=True)

    def abandon(self) -> None:
        """Drop the pending writes; a savepoint also restores the former values of its objects."""
        self.added.clear()
        if self._saved is None:
            self.identity.clear()
        else:
            self.identity.restore(self._saved)

    def close(self) -> None:
        """End the unit; the outermost one detaches all its objects."""
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


def prepare_added(added: Mapping[int, Model]) -> None:
    """Run the hooks before the insert of objects, also of those that hooks add meanwhile."""
    seen = 0
    while seen < len(added):
        for instance in list(added.values())[seen:]:
            seen += 1
            hooks = type(instance).__table__.hooks
            if hooks is not None:
                hooks.before_inserts((instance,))


def check_whole(instance: Model) -> None:
    """Raise UsageError for an object that does not hold every column of its row."""
    for column in type(instance).__table__.columns:
        if not hasattr(instance, column.slot):
            raise UsageError(
                f"attach() takes whole objects: this one has no {column.label}; insert it first, "
                f"or read it without only()"
            )


def flush_failed() -> TransactionFailed:
    """Return the error for a block that continues after a failed flush."""
    return TransactionFailed(
        "the transaction was rolled back: writing the added or changed objects failed and the "
        "error was caught inside the block"
    )
