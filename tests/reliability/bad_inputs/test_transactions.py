"""Transactions that have ended or not begun, blocks at odds with each other, and wrong objects."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from examples.blog.db import Post, Tag, User
from ormkit import (
    ConfigurationError,
    DatabaseError,
    DataError,
    InvalidValue,
    MissingValue,
    NotNullViolation,
    OrmKitError,
    StaleObject,
    TransactionClosed,
    TransactionFailed,
    UniqueViolation,
    UnknownName,
    UsageError,
)
from tests.reliability.bad_inputs.cases import Lab, outcome

Use = Callable[[Lab, Any], Any]

#: What can be asked of a transaction, and cannot of one that has ended.
USES: dict[str, Use] = {
    "query": lambda lab, tx: tx.query(User),
    "get": lambda lab, tx: tx.get(User, 1),
    "get_or_raise": lambda lab, tx: tx.get_or_raise(User, 1),
    "insert": lambda lab, tx: tx.insert(User(name="x")),
    "insert_all": lambda lab, tx: tx.insert_all([User(name="x"), User(name="y")]),
    "update": lambda lab, tx: tx.update(lab.ada, age=1),
    "bulk_update": lambda lab, tx: tx.bulk_update([lab.ada], ["age"]),
    "upsert": lambda lab, tx: tx.upsert(User(id=1, name="x")),
    "upsert_all": lambda lab, tx: tx.upsert_all([User(id=1, name="x")]),
    "remove": lambda lab, tx: tx.remove(lab.post),
    "soft_delete": lambda lab, tx: tx.soft_delete(lab.note),
    "restore": lambda lab, tx: tx.restore(lab.note),
    "load": lambda lab, tx: tx.load(lab.ada, User.posts),
    "related": lambda lab, tx: tx.related(lab.post, Post.tags).clear(),
    "execute_raw": lambda lab, tx: tx.execute_raw("SELECT 1"),
    "execute_raw_many": lambda lab, tx: tx.execute_raw_many("SELECT 1", [[]]),
    "copy_in": lambda lab, tx: tx.copy_in(Tag, [Tag(name="x")]),
    "copy_out": lambda lab, tx: tx.copy_out(Tag, "/dev/null"),
    "query.update": lambda lab, tx: tx.query(User).update(age=1),
    "query.delete": lambda lab, tx: tx.query(User).delete().returning(),
    "stream": lambda lab, tx: tx.query(User).stream(),
    "iterate": lambda lab, tx: tx.query(User).iterate(),
}
#: What can be asked of one that has not begun.
UNSENT: dict[str, Use] = {
    "add": lambda lab, tx: tx.add(User(name="x")),
    "add_all": lambda lab, tx: tx.add_all([User(name="x")]),
    "attach": lambda lab, tx: tx.attach(lab.ada),
    "after_commit": lambda lab, tx: tx.after_commit(print),
    "begin": lambda lab, tx: tx.begin(),
    "commit": lambda lab, tx: tx.commit(),
    "again": lambda lab, tx: tx,
}
ENDINGS = ("block", "commit", "rollback")


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("name", [*USES, *UNSENT])
async def test_a_transaction_that_has_ended_refuses_everything(
    lab: Lab, name: str, ending: str
) -> None:
    async with lab.session.begin() as tx:
        await tx.query(User).count()
        if ending != "block":
            await getattr(tx, ending)()
    with pytest.raises(TransactionClosed, match="the transaction has ended: begin another one"):
        await outcome({**USES, **UNSENT}[name](lab, tx))


@pytest.mark.parametrize("name", USES)
async def test_a_transaction_outside_a_block_refuses_everything(lab: Lab, name: str) -> None:
    with pytest.raises(
        TransactionClosed, match="a transaction must be used as a block: `async with"
    ):
        await outcome(USES[name](lab, lab.session.begin()))


async def inner_task(lab: Lab, tx: Any) -> object:
    return await asyncio.create_task(late(tx))


async def late(tx: Any) -> int:
    await tx.rollback()
    return await tx.query(User).count()  # type: ignore[no-any-return]


async def side_by_side(lab: Lab, tx: Any) -> None:
    async def inner() -> None:
        async with lab.session.begin() as nested:
            await nested.query(User).count()
            await asyncio.sleep(0.02)

    first, second = await asyncio.gather(inner(), inner(), return_exceptions=True)
    assert first is None
    assert isinstance(second, UsageError)
    raise second


async def outer_ends_first(lab: Lab, tx: Any) -> None:
    async with lab.session.begin() as nested:
        await nested.query(User).count()
        await tx.commit()
        await nested.query(User).count()


async def swallowed(lab: Lab, tx: Any) -> None:
    with pytest.raises(DataError):
        await tx.execute_raw("SELECT 1 / 0")
    await tx.commit()


async def stream_outlives(lab: Lab, tx: Any) -> None:
    stream = tx.query(User).stream(chunk=1)
    async for _ in stream:
        break
    await tx.rollback()
    async for _ in stream:
        pass


async def removed(lab: Lab, tx: Any) -> None:
    user = await tx.insert(User(name="x"))
    await tx.remove(user)
    await tx.update(user, name="y")


async def deleted_column(lab: Lab, tx: Any) -> None:
    ada = await tx.get(User, lab.ada.id)
    del ada.age
    await tx.flush()


def held(name: str, value: Any) -> Use:
    """Return what sets an attribute of an object that the transaction holds."""

    async def work(lab: Lab, tx: Any) -> None:
        setattr(await tx.get(User, lab.ada.id), name, value)
        await tx.flush()

    return work


async def flushed(lab: Lab, tx: Any, *objects: Any) -> None:
    tx.add_all(list(objects))
    await tx.flush()


ENDING = (side_by_side, outer_ends_first, stream_outlives, inner_task, swallowed)
#: What is refused within a transaction.
WITHIN: list[tuple[Use, type[OrmKitError], str]] = [
    (lambda lab, tx: tx.add(None), UsageError, "is needed, not NoneType"),
    (lambda lab, tx: tx.add(User), UsageError, "an object of a generated model is needed"),
    (lambda lab, tx: tx.add("x"), UsageError, "is needed, not str"),
    (lambda lab, tx: tx.add([User(name="x")]), UsageError, "is needed, not list"),
    (lambda lab, tx: tx.add_all(None), UsageError, r"add_all\(\) takes a list of objects"),
    (lambda lab, tx: tx.add_all(User(name="x")), UsageError, r"add_all\(\) takes a list"),
    (lambda lab, tx: tx.add_all([None]), UsageError, "is needed, not NoneType"),
    (lambda lab, tx: tx.attach(None), UsageError, "is needed, not NoneType"),
    (lambda lab, tx: tx.attach([lab.ada]), UsageError, "is needed, not list"),
    (lambda lab, tx: tx.attach(User(name="x")), UsageError, "this one has no User.id; insert it"),
    (lambda lab, tx: tx.attach(lab.part), UsageError, "PartialUser is a part of User, which"),
    (lambda lab, tx: tx.after_commit(None), UsageError, "takes a function to call, not"),
    (lambda lab, tx: tx.after_commit(5), UsageError, "takes a function to call, not"),
    (lambda lab, tx: lab.session.begin(isolation="serializable"), ConfigurationError, "takes no"),
    (lambda lab, tx: lab.session.run(late), UsageError, "cannot repeat a part of a transaction"),
    (side_by_side, UsageError, "savepoints nest, so tasks cannot use them concurrently"),
    (outer_ends_first, TransactionClosed, "the transaction has ended"),
    (inner_task, TransactionClosed, "the transaction has ended"),
    (stream_outlives, TransactionClosed, "the transaction has ended"),
    (swallowed, TransactionFailed, "the transaction was rolled back: an earlier statement failed"),
    (removed, StaleObject, "this User is no longer in the database"),
    (deleted_column, MissingValue, "an object has no value for User.age"),
    (lambda lab, tx: flushed(lab, tx, lab.ada), UniqueViolation, "users_pkey"),
    (lambda lab, tx: flushed(lab, tx, User(name=5)), InvalidValue, "User.name is of type"),
    (lambda lab, tx: flushed(lab, tx, Post(title="x")), MissingValue, "Post.author_id has no"),
    (
        lambda lab, tx: flushed(lab, tx, Post(title="x", author=User(name="not added"))),
        MissingValue,
        "the object given as Post.author has no key yet",
    ),
    (held("age", "x"), InvalidValue, "User.age is of type integer and cannot take this str"),
    (held("age", 2**31), InvalidValue, "it is outside -2147483648 to 2147483647"),
    (held("age", 1.5), InvalidValue, "it has a fraction"),
    (held("age", User.age + 1), UsageError, "User.age holds an expression"),
    (held("name", None), NotNullViolation, 'null value in column "name"'),
    (held("name", "a\0"), DataError, "User.name: invalid byte sequence"),
    (held("settings", float("nan")), InvalidValue, "JSON has no NaN"),
    (held("settings", {"a": object()}), InvalidValue, "JSON has no object"),
    (held("id", None), NotNullViolation, 'null value in column "id"'),
    (held("id", "x"), InvalidValue, "User.id is of type bigint and cannot take this str"),
    (held("created_at", "x"), InvalidValue, "it takes a datetime, not str"),
]


@pytest.mark.parametrize("number", range(len(WITHIN)))
async def test_what_cannot_be_done_within_a_transaction_is_refused(lab: Lab, number: int) -> None:
    use, kind, says = WITHIN[number]
    with pytest.raises(kind, match=says) as caught:
        async with lab.session.begin() as tx:
            await outcome(use(lab, tx))
    assert type(caught.value) is kind


#: Those of them that neither end the transaction themselves nor are about blocks.
NESTED = [line for line in WITHIN if line[0] not in ENDING]


@pytest.mark.parametrize("number", range(len(NESTED)))
async def test_what_a_nested_block_refuses_leaves_the_one_around_it(lab: Lab, number: int) -> None:
    use, kind, says = NESTED[number]
    async with lab.session.begin() as tx:
        with pytest.raises(kind, match=says):
            async with lab.session.begin() as nested:
                await outcome(use(lab, nested))
        assert await tx.query(User).count() == 2
        await tx.rollback()


READ_ONLY: list[tuple[Use, type[OrmKitError], str]] = [
    (lambda lab, tx: tx.insert(Tag(name="x")), DatabaseError, "read-only transaction"),
    (lambda lab, tx: flushed(lab, tx, Tag(name="x")), UsageError, "a Tag was changed in it"),
    (held("age", 5), UsageError, "the transaction is read-only, and a User was changed in it"),
    (lambda lab, tx: tx.copy_in(Tag, [Tag(name="x")]), DatabaseError, "read-only transaction"),
]


@pytest.mark.parametrize("number", range(len(READ_ONLY)))
async def test_a_read_only_transaction_refuses_changes(lab: Lab, number: int) -> None:
    use, kind, says = READ_ONLY[number]
    with pytest.raises(kind, match=says):
        async with lab.session.begin(read_only=True) as tx:
            await outcome(use(lab, tx))


#: What is refused of a result.
RESULTS: list[tuple[Callable[[Any], object], str]] = [
    (lambda result: result.column("nonsense"), "no column 'nonsense': there are: a, b"),
    (lambda result: result.column(2), "the result has 2 columns"),
    (lambda result: result.column(-3), "the result has 2 columns"),
    (lambda result: result.column(None), "the result has 2 columns"),
    (lambda result: result.column(1.5), "the result has 2 columns"),
    (lambda result: result.column([]), "the result has 2 columns"),
]


@pytest.mark.parametrize("number", range(len(RESULTS)))
async def test_a_column_that_a_result_does_not_have_is_named(lab: Lab, number: int) -> None:
    call, says = RESULTS[number]
    result = await lab.engine.execute("SELECT 1 AS a, 2 AS b")
    with pytest.raises(UnknownName, match=says):
        call(result)


async def test_a_key_that_cannot_be_sent_fails_nobody_who_shares_the_lookup(lab: Lab) -> None:
    """Four lookups go out together; the keys of two of them hold what no text can."""
    wanted = [(1, "a"), (1, "a"), (1, "a"), (1, "a\0"), (1, "a\ud800"), (1, "b")]
    lookups: list[Awaitable[Any]] = [lab.session.get(lab.models.Seat, key) for key in wanted]
    found = await asyncio.gather(*lookups, return_exceptions=True)
    assert [getattr(each, "letter", None) for each in found] == ["a", "a", "a", None, None, None]
    assert [type(each) for each in found[3:]] == [DataError, InvalidValue, type(None)]
