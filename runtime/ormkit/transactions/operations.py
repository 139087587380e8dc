"""The operations that sessions and transactions share: queries, inserts, updates and deletes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, overload

from ..errors import NotFound, UsageError
from ..hints import Hinted
from ..loading.decoding import decode
from ..loading.eager import load_steps
from ..loading.options import AnyLoad
from ..loading.plan import plan_for_loaded
from ..models.columns import AnyColumn
from ..models.computed import AnyComputed
from ..models.model import plain_subclass
from ..models.partial import is_partial, table_holding
from ..models.protocols import (
    Assignable,
    BulkAssignable,
    Getting,
    Loading,
    P,
    Q_co,
    Queryable,
    S_co,
    Typed,
    Upsertable,
)
from ..models.relationships import R, Relationship, ToMany
from ..models.table import Table, table_of
from ..other_names.sessions import SESSIONS
from ..persistence.batches import check_once
from ..persistence.bulk_update import update_objects
from ..persistence.delete_many import delete_objects
from ..persistence.insert import insert_one
from ..persistence.insert_order import insert_objects
from ..persistence.named_columns import Names
from ..persistence.related_set import RelatedSet
from ..persistence.update import delete_one, mark_deleted, update_one
from ..persistence.upsert import send_upserts, upserts_of
from ..postgres.several import Listed
from ..statements.primary_keys import by_key, by_key_or_deleted, key_values
from ..statements.result import Result
from ..statements.row_limits import EngineCounts
from .copy import Copying

if TYPE_CHECKING:
    from ..models.model import Model, SoftDeleteModel

M = TypeVar("M", bound="Model")
D = TypeVar("D", bound="SoftDeleteModel")
K = TypeVar("K")


class Operations(Hinted, Copying):
    """Reads and writes objects through the executor that `executor()` returns."""

    __hints__: ClassVar[Mapping[str, str]] = SESSIONS

    #: The engine's counts of the limits and offsets that are literals in SQL texts.
    counts: EngineCounts

    def query(self, model: type[Queryable[Q_co]]) -> Q_co:
        """Return a query for the model; filter() narrows it, and all() runs it.

        Raises UsageError if `model` is no generated model.
        """
        try:
            return model.__query__(self)
        except AttributeError:
            # This raises UsageError if it is no model. Otherwise the AttributeError passes through.
            table_of(model)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
            raise

    async def _get(self, model: type[Any], key: object, *, include_deleted: bool = False) -> Any:
        """Return the object with this primary key, or None; a composite key is a tuple.

        include_deleted: return it also if it is soft-deleted.
        """
        asked: Any = model
        table = table_of(asked)
        if table.model is not asked and isinstance(asked, type):
            raise UsageError(plain_subclass(asked))
        executor = self.executor()
        statement = by_key_or_deleted(table, key) if include_deleted else by_key(table, key)
        rows = await executor.run(statement, key_values(table, key))
        found: list[Any] = decode(table.model, rows, executor.identity) if rows else rows
        return found[0] if found else None

    async def _get_or_raise(
        self, model: type[Any], key: object, *, include_deleted: bool = False
    ) -> Any:
        """Return the object with this primary key; raises NotFound if there is none."""
        lookup: Any = self.get
        found = await lookup(model, key, include_deleted=include_deleted)
        if found is None:
            name = getattr(model, "__name__", "row")
            raise NotFound(f"there is no {name} with the given key")
        return found

    # P is the model's key and the options: a type variable for the key would be blamed for it.
    if TYPE_CHECKING:

        async def get(
            self, model: type[Queryable[Getting[P, S_co]]], /, *args: P.args, **given: P.kwargs
        ) -> S_co | None: ...
        async def get_or_raise(
            self, model: type[Queryable[Getting[P, S_co]]], /, *args: P.args, **given: P.kwargs
        ) -> S_co: ...

    else:
        get, get_or_raise = _get, _get_or_raise

    async def insert(self, instance: M) -> M:
        """Insert the object and return it with the values that PostgreSQL filled in."""
        await insert_one(self.executor(), instance)
        return instance

    # mypy takes objects of several models for what their classes have in common first.
    @overload
    async def insert_all(self, instances: Iterable[M]) -> list[M]: ...
    @overload
    async def insert_all(  # type: ignore[overload-cannot-match]
        self, instances: Iterable[Model]
    ) -> list[Model]: ...
    async def insert_all(self, instances: Iterable[Any]) -> list[Any]:
        """Insert all objects, or none if one fails, and return them in the same order.

        Each object receives the values that PostgreSQL filled in for its row. One statement
        inserts all objects of one model that have values for the same columns.
        """
        listed = as_objects("insert_all", instances)
        check_once("insert_all", listed)
        if listed:
            await self._insert_listed(listed)
        return listed

    async def _insert_listed(self, instances: Sequence[Model]) -> None:
        await insert_objects(self.executor(), instances)

    async def update(
        self, instance: Assignable[P, S_co], /, *args: P.args, **values: P.kwargs
    ) -> S_co:
        """Update the named columns of one row, set the new values on the object, and return it.

        Raises StaleObject if the row is gone, or if its version column has changed.
        """
        await update_one(self.executor(), as_row(instance), values)
        return instance  # type: ignore[return-value]  # pyright: ignore[reportReturnType]

    # P is what the query class of the model declares: see `protocols.py`.
    @overload
    async def bulk_update(self, instances: Iterable[M], /) -> list[M]: ...
    @overload
    async def bulk_update(
        self, instances: Iterable[BulkAssignable[P, S_co]], /, *args: P.args, **given: P.kwargs
    ) -> list[S_co]: ...
    async def bulk_update(  # type: ignore[misc]
        self, instances: Iterable[Any], fields: Sequence[AnyColumn | str] | None = None
    ) -> list[Any]:
        """Update many objects of one model with their current values, all or none.

        fields: the columns or their names; None means every column that the objects were given.
            For an object that was constructed and not read, only the given columns are written;
            see upsert().

        One statement updates up to 10,000 objects. With array columns each object takes one
        statement. Raises StaleObject if a row is gone, or if its version column has changed.
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

    # The type variable helps mypy to infer the type of the argument in
    # `remove(await session.get_or_raise(User, 1))`. A parameter of type Model would mislead it.
    async def remove(self, instance: M) -> None:  # pyright: ignore[reportInvalidTypeVarUse]
        """Delete the object's row; raises StaleObject if it is gone or its version has changed."""
        await delete_one(self.executor(), as_model(instance))

    async def delete(self, instance: M) -> None:  # pyright: ignore[reportInvalidTypeVarUse]
        """Delete the object's row, as remove() does."""
        await self.remove(instance)

    async def remove_all(self, instances: Iterable[Model]) -> None:
        """Delete the rows of all objects, or none if one fails; children before parents.

        One statement deletes up to 10,000 objects of a model. Raises StaleObject if a row is gone,
        or if its version has changed.
        """
        listed = as_objects("remove_all", instances)
        for instance in listed:
            as_model(instance)
        check_once("remove_all", listed)
        if listed:
            await self._delete_listed(listed)

    async def _delete_listed(self, instances: Sequence[Model]) -> None:
        await delete_objects(self.executor(), instances)

    async def soft_delete(self, instance: D) -> D:
        """Mark the object's row as deleted, so that queries exclude it, and return the object.

        Raises UsageError for a model without the mixin soft_delete, and StaleObject if the row is
        gone.
        """
        await mark_deleted(self.executor(), as_model(instance), is_deleted=True)
        return instance

    async def restore(self, instance: D) -> D:
        """Remove the mark that soft_delete() set, and return the object; raises the same errors."""
        await mark_deleted(self.executor(), as_model(instance), is_deleted=False)
        return instance

    async def force_delete(self, instance: M) -> None:  # pyright: ignore[reportInvalidTypeVarUse]
        """Delete the object's row permanently, whether or not it is soft-deleted."""
        await self.remove(instance)

    @overload
    async def upsert(self, instance: M, /, *, do_nothing: bool = False) -> M: ...
    @overload
    async def upsert(
        self, instance: Upsertable[P, S_co], /, *args: P.args, **given: P.kwargs
    ) -> S_co: ...
    async def upsert(  # type: ignore[misc]
        self,
        instance: Any,
        *,
        conflict_target: Names | None = None,
        update_fields: Names | None = None,
        do_nothing: bool = False,
    ) -> Any:
        """Insert the object or update the existing row, with one INSERT ... ON CONFLICT.

        conflict_target: the column or columns of a unique constraint; None means the primary key.
        update_fields: the given columns to update if the row exists; None means all of them, and
            [] leaves the row unchanged.
        do_nothing: leave an existing row unchanged, as update_fields=[] does.

        The given columns are the arguments of the constructor, None included, and every attribute
        that was set to another value since. An object that was read gives all its columns, except
        its updated_at time, and its soft-delete mark if that is not set.

        The object afterwards holds the values of the row in the database.
        """
        fields = fields_to_update(update_fields, do_nothing=do_nothing)
        await self._upsert_listed([as_model(instance)], conflict_target, fields)
        return instance

    @overload
    async def upsert_all(
        self, instances: Iterable[M], /, *, do_nothing: bool = False
    ) -> list[M]: ...
    @overload
    async def upsert_all(
        self, instances: Iterable[Upsertable[P, S_co]], /, *args: P.args, **given: P.kwargs
    ) -> list[S_co]: ...
    async def upsert_all(  # type: ignore[misc]
        self,
        instances: Iterable[Any],
        *,
        conflict_target: Names | None = None,
        update_fields: Names | None = None,
        do_nothing: bool = False,
    ) -> list[Any]:
        """Upsert objects of one model, all or none; their conflict targets must be distinct.

        Each row receives the columns that its object was given, as in upsert(). One statement
        writes all objects with the same set of given columns.
        """
        listed = as_objects("upsert_all", instances)
        fields = fields_to_update(update_fields, do_nothing=do_nothing)
        if listed:
            await self._upsert_listed(listed, conflict_target, fields)
        return listed

    async def _upsert_listed(
        self,
        instances: Sequence[Model],
        conflict_target: Names | None,
        update_fields: Names | None,
    ) -> None:
        executor = self.executor()
        upserts = executor.with_json(
            upserts_of, instances, conflict_target, update_fields, executor.identity
        )
        await send_upserts(executor, upserts)

    async def _load(
        self,
        instances: object,
        *relationships: str | Relationship[Any, Any] | AnyComputed | AnyLoad,
    ) -> None:
        """Load relationships and computed attributes of existing objects.

        It sends one query for each relationship, and one for all computed attributes.

        instances: one object, or several of the same model.
        relationships: names, relationships such as User.posts, computed attributes, or load
            options.

        Raises UsageError for objects of different models.
        """
        given: Any = instances
        objects: list[Any] = list(given) if hasattr(given, "__iter__") else [given]
        if not objects:
            return
        as_row(objects[0])
        kinds: list[Any] = [each.__class__ for each in objects]
        table = table_holding(kinds[0])
        if any(table_holding(kind) is not table for kind in kinds):
            raise UsageError("load() takes objects of one model at a time")
        await load_steps(
            self.executor(), objects, plan_for_loaded(table, relationships, self.counts)
        )

    if TYPE_CHECKING:

        async def load(
            self,
            instances: Typed[Loading[P]] | Iterable[Typed[Loading[P]]],
            /,
            *args: P.args,
            **given: P.kwargs,
        ) -> None: ...

    else:
        load = _load

    def related(self, instance: M, relationship: ToMany[M, R]) -> RelatedSet[R]:
        """Return the objects of a to-many relationship, with methods to add and remove them."""
        return RelatedSet(self, as_model(instance), relationship)

    async def execute_raw(self, sql: str, params: Listed[object] = ()) -> Result:
        """Run one SQL statement; $1, $2 ... stand for the parameters in order."""
        raise NotImplementedError

    async def execute_raw_many(self, sql: str, rows: Iterable[Listed[object]]) -> Result:
        """Run one SQL statement for each row of parameters, all or none.

        The result holds the returned rows of all runs, and its `rowcount` is the total.
        """
        raise NotImplementedError


def as_objects(method: str, instances: Iterable[M]) -> list[M]:
    """Return the objects as a list; raises UsageError for a value that is no iterable."""
    try:
        return list(instances)
    except TypeError:
        if hasattr(instances, "__iter__"):
            raise
        kind = type(instances).__name__
        raise UsageError(f"{method}() takes a list of objects, not {kind}") from None


def fields_to_update(fields: Names | None, *, do_nothing: bool) -> Names | None:
    """Return the columns that an upsert updates; raises UsageError for columns and do_nothing."""
    if do_nothing and fields is not None:
        raise UsageError("do_nothing=True leaves existing rows unchanged: leave out update_fields")
    return [] if do_nothing else fields


def is_model(value: object) -> bool:
    """Return whether the value is an object of a generated model."""
    return isinstance(getattr(type(value), "__table__", None), Table)


def as_row(value: object) -> Any:
    """Return the object of a model, or a part of one; raises UsageError for anything else."""
    return value if is_model(value) or is_partial(value) else as_model(value)


def as_model(value: object) -> Model:
    """Return the object; raises UsageError if it is no object of a generated model."""
    if not is_model(value):
        if is_partial(value):
            kind: Any = type(value)
            table_of(kind)  # raises the error
        raise UsageError(f"an object of a generated model is needed, not {type(value).__name__}")
    return value  # type: ignore[return-value]  # pyright: ignore[reportReturnType]
