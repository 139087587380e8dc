"""What a session and a transaction both offer: reading and writing objects."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from ..errors import NotFound, UsageError
from ..loading.decoding import decode
from ..loading.eager import load_steps
from ..loading.options import Load
from ..loading.plan import plan_for_loaded
from ..models.columns import Column
from ..models.protocols import Assignable, P, Q_co, Queryable
from ..models.relationships import R, Relationship, ToMany
from ..models.table import Table, table_of
from ..persistence.batches import check_once
from ..persistence.bulk_update import update_objects
from ..persistence.insert import insert_one
from ..persistence.insert_order import insert_objects
from ..persistence.related_set import RelatedSet
from ..persistence.update import delete_one, mark_deleted, update_one
from ..persistence.upsert import send_upserts, upserts_of
from ..queries.query import Query
from ..statements.primary_keys import by_key, key_values
from ..statements.result import Result
from ..statements.row_limits import EngineCounts
from .copy import Copying

if TYPE_CHECKING:
    from ..models.model import Model

M = TypeVar("M", bound="Model")
K = TypeVar("K")


class Operations(Copying):
    """Reading and writing objects, on whatever `executor()` gives."""

    #: The limits and offsets that stand in the text of statements; the engine's.
    counts: EngineCounts

    def query(self, model: type[Queryable[Q_co]]) -> Q_co:
        """Return a query over the model, to be narrowed with filter() and read with all()."""
        try:
            return model.__query__(self)
        except AttributeError:
            # For what is no model; an error of the query's own passes through.
            table_of(model)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
            raise

    async def get(self, model: type[Queryable[Query[M, K]]], key: K) -> M | None:
        """Return the object with this primary key, a tuple for a composite one; None without."""
        table = table_of(model)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        executor = self.executor()
        rows = await executor.run(by_key(table, key), key_values(table, key))
        found: list[Any] = decode(table.model, rows, executor.identity) if rows else rows
        return found[0] if found else None

    async def get_or_raise(self, model: type[Queryable[Query[M, K]]], key: K) -> M:
        """Return the object with this primary key; raises NotFound."""
        found = await self.get(model, key)
        if found is None:
            name = getattr(model, "__name__", "row")
            raise NotFound(f"there is no {name} with the key that was asked for")
        return found

    async def insert(self, instance: M) -> M:
        """Insert the object and return it, with what PostgreSQL filled in."""
        await insert_one(self.executor(), instance)
        return instance

    async def insert_all(self, instances: Iterable[M]) -> list[M]:
        """Insert all the objects, or none where one fails, and return them in their order.

        Each gets what PostgreSQL filled in for its own row. It is one statement for each model
        and each set of columns that hold values.
        """
        listed = as_objects("insert_all", instances)
        check_once("insert_all", listed)
        if listed:
            await self._insert_listed(listed)
        return listed

    async def _insert_listed(self, instances: Sequence[Model]) -> None:
        await insert_objects(self.executor(), instances)

    async def update(self, instance: Assignable[P], /, *args: P.args, **values: P.kwargs) -> None:
        """Write the named columns of one object; the object follows once that has succeeded.

        Raises StaleObject where the row is gone or, with a version column, was changed since.
        """
        await update_one(self.executor(), as_model(instance), values)

    async def bulk_update(
        self, instances: Iterable[M], fields: Sequence[str | Column[M, Any, Any]] | None = None
    ) -> list[M]:
        """Write columns of objects of one model as they are on the objects, all or none.

        fields: the columns or their names; every one that the objects were given where None. Of an
            object that a constructor made, only what it was given is written; see upsert().

        It is one statement for any number, up to 10,000; with array columns one for each object.
        Raises StaleObject where a row is gone or, with a version column, was changed since.
        """
        listed = as_objects("bulk_update", instances)
        for instance in listed:
            as_model(instance)
        if listed:
            await self._update_listed(listed, fields)
        return listed

    async def _update_listed(
        self, instances: Sequence[Model], fields: Sequence[Any] | None
    ) -> None:
        await update_objects(self.executor(), instances, fields)

    # A type variable, where the model would do: mypy takes the type that an argument is to have for
    # what a call in its place should return, `remove(await session.get_or_raise(User, 1))`.
    async def remove(self, instance: M) -> None:  # pyright: ignore[reportInvalidTypeVarUse]
        """Delete the object's row; raises StaleObject where it is gone or was changed since."""
        await delete_one(self.executor(), as_model(instance))

    async def soft_delete(self, instance: M) -> None:  # pyright: ignore[reportInvalidTypeVarUse]
        """Mark the object's row as deleted, so that queries leave it out; the mixin soft_delete.

        Raises UsageError for a model without it, StaleObject where the row is gone.
        """
        await mark_deleted(self.executor(), as_model(instance), is_deleted=True)

    async def restore(self, instance: M) -> None:  # pyright: ignore[reportInvalidTypeVarUse]
        """Take the mark of soft_delete() away."""
        await mark_deleted(self.executor(), as_model(instance), is_deleted=False)

    async def force_delete(self, instance: M) -> None:  # pyright: ignore[reportInvalidTypeVarUse]
        """Delete the object's row for good, marked or not."""
        await self.remove(instance)

    async def upsert(
        self,
        instance: M,
        *,
        conflict_target: Sequence[str] | None = None,
        update_fields: Sequence[str] | None = None,
    ) -> M:
        """Insert the object, or update the row that is there already, by one statement.

        conflict_target: the columns that tell rows apart; the primary key where None.
        update_fields: the columns to write then, of those that the object was given; all of them
            where None, and none for [], which leaves the row as it is.

        Given is what the constructor was passed, None included, and every attribute that differs
        from what it put there. An object that was read gives all that it holds, but for the time
        of its latest write, and for the absence of a soft delete.

        The object afterwards holds the row as it is in the database.
        """
        await self._upsert_listed([as_model(instance)], conflict_target, update_fields)
        return instance

    async def upsert_all(
        self,
        instances: Iterable[M],
        *,
        conflict_target: Sequence[str] | None = None,
        update_fields: Sequence[str] | None = None,
    ) -> list[M]:
        """Upsert objects of one model, all or none; no two may have the same conflict target.

        Each row gets what its own object was given, as in upsert(): it is one statement for each
        set of columns.
        """
        listed = as_objects("upsert_all", instances)
        if listed:
            await self._upsert_listed(listed, conflict_target, update_fields)
        return listed

    async def _upsert_listed(
        self,
        instances: Sequence[Model],
        conflict_target: Sequence[str] | None,
        update_fields: Sequence[str] | None,
    ) -> None:
        executor = self.executor()
        upserts = upserts_of(instances, conflict_target, update_fields, executor.identity)
        await send_upserts(executor, upserts)

    async def load(
        self,
        instances: M | Iterable[M],
        *relationships: str | Relationship[M, Any] | Load[M, Any],
    ) -> None:
        """Load relationships of objects that are there already, one query for each.

        They are names, relationships such as User.posts, or load options.
        """
        objects = list(instances) if isinstance(instances, Iterable) else [instances]
        if not objects:
            return
        table = table_of(type(as_model(objects[0])))
        if any(table_of(type(each)) is not table for each in objects):
            raise UsageError("load() takes objects of one model at a time")
        await load_steps(
            self.executor(), objects, plan_for_loaded(table, relationships, self.counts)
        )

    def related(self, instance: M, relationship: ToMany[M, R]) -> RelatedSet[R]:
        """Return what belongs to the object, to add to and to remove from."""
        return RelatedSet(self, as_model(instance), relationship)

    async def execute_raw(self, sql: str, params: Sequence[object] = ()) -> Result:
        """Run one SQL statement, with $1, $2 ... standing for the parameters in their order."""
        raise NotImplementedError

    async def execute_raw_many(self, sql: str, rows: Iterable[Sequence[object]]) -> Result:
        """Run one SQL statement for each row of parameters, all or none.

        The result holds everything that came back, and its `rowcount` is the total.
        """
        raise NotImplementedError


def as_objects(method: str, instances: Iterable[M]) -> list[M]:
    """Return the objects as a list; UsageError for what holds none."""
    try:
        return list(instances)
    except TypeError:
        if hasattr(instances, "__iter__"):
            raise
        kind = type(instances).__name__
        raise UsageError(f"{method}() takes a list of objects, not {kind}") from None


def is_model(value: object) -> bool:
    """Return whether the value is an object of a generated model."""
    return isinstance(getattr(type(value), "__table__", None), Table)


def as_model(value: object) -> Model:
    """Return the object; UsageError for what is none of a generated model."""
    if not is_model(value):
        raise UsageError(f"an object of a generated model is needed, not {type(value).__name__}")
    return value  # type: ignore[return-value]  # pyright: ignore[reportReturnType]
