"""What a transaction has still to write: objects that were added, and changes of those it holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..errors import TransactionFailed, UsageError
from ..persistence.flush import write_changes
from ..persistence.identity_map import IdentityMap
from ..persistence.insert_order import insert_objects
from ..statements.executor import Executor
from .operations import M, Operations, as_model, as_objects

if TYPE_CHECKING:
    from ..models.model import Model


def check_whole(instance: Model) -> None:
    """Raise UsageError for an object of which there is no row to compare it with later."""
    for column in type(instance).__table__.columns:
        if not hasattr(instance, column.slot):
            raise UsageError(
                f"attach() takes whole objects: this one has no {column.label}; insert it first, "
                f"or read it without only()"
            )


class Pending(Operations, Executor):
    """The unit of work of a transaction, or of a block within it."""

    #: The nested block that is open; what is added to the outer one is a part of it.
    _inner: Any = None
    identity: IdentityMap  # pyright: ignore[reportIncompatibleVariableOverride]

    def __init__(self, *, is_read_only: bool) -> None:
        #: The objects of the transaction by their keys, and what they were read as.
        self.identity = IdentityMap()
        self._is_read_only = is_read_only
        #: What is to be inserted, each object once, by its id().
        self._added: dict[int, Model] = {}
        self._saved: Any = None
        self._is_broken = False

    def _check_open(self) -> None:
        raise NotImplementedError

    def add(self, instance: M) -> None:  # pyright: ignore[reportInvalidTypeVarUse]
        """Insert the object at the end, or before the next read, together with the others added.

        An object that was added before, or that the transaction holds, is not added again.
        """
        self._check_open()
        if self._inner is not None:
            self._inner.add(instance)
        elif not self.identity.holds(as_model(instance)):
            self._added[id(instance)] = instance

    def add_all(self, instances: Sequence[Model]) -> None:
        """Insert these objects at the end, or before the next read."""
        for instance in as_objects("add_all", instances):
            self.add(instance)

    def attach(self, *instances: M) -> None:  # pyright: ignore[reportInvalidTypeVarUse]
        """Hold objects that came from elsewhere, so that what is changed from now on is written.

        Raises UsageError where the transaction holds another object for the same row.
        """
        self._check_open()
        for instance in instances:
            check_whole(as_model(instance))
        for instance in instances:
            self.identity.attach(instance)

    def expunge_all(self) -> None:
        """Let go of every object, for long transactions; what was not flushed is not written."""
        self.identity.clear()

    async def flush(self) -> None:
        """Send what was added, then what was changed on objects that the transaction holds.

        Fields that PostgreSQL fills in are on the objects afterwards. Where it fails, the
        transaction can only be rolled back. Raises what the statements raise, and StaleObject.
        """
        if self._is_read_only:
            self._check_unchanged()
        try:
            if self._added:
                await self._flush_added()
            await write_changes(self.executor(), self.identity)
        except BaseException:
            self._is_broken = True
            raise

    async def flush_pending(self) -> None:
        """Send what was added and changed, for what computes from it."""
        await self.flush()

    async def _flush_added(self) -> None:
        added, self._added = self._added, {}
        if added:
            await insert_objects(self.executor(), added.values())

    def _check_unchanged(self) -> None:
        changed = [type(entry[0]).__name__ for entry, _ in self.identity.changed()]
        if changed or self._added:
            changed += [type(each).__name__ for each in self._added.values()]
            raise UsageError(f"the transaction is read-only, and a {changed[0]} was changed in it")

    def _share(self, outer: Pending) -> None:
        """Hold the same objects as the transaction around this block."""
        self.identity, self._saved = outer.identity, outer.identity.saved()
        self._is_read_only = outer._is_read_only

    def _forsake(self) -> None:
        """Forget what was to be written; a nested block gives objects their values of before."""
        self._added.clear()
        if self._saved is None:
            self.identity.clear()
        else:
            self.identity.restore(self._saved)

    def _check_whole(self) -> None:
        if self._is_broken:
            raise TransactionFailed(
                "nothing was committed: writing what was added or changed had failed, and the "
                "error was caught inside the block"
            )
