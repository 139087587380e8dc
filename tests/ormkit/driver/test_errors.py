"""What the server and asyncpg report, as errors that show no value."""

from __future__ import annotations

import traceback

import pytest

from examples.blog.db import User
from ormkit import (
    AsyncSession,
    ConnectionLost,
    DatabaseError,
    DataError,
    Engine,
    InvalidValue,
    OrmKitError,
    UniqueViolation,
    create_engine,
)
from tests.proxy import Proxy

SECRET = "s3cret"


def shown(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))


async def test_a_traceback_shows_no_value_of_a_refused_row(session: AsyncSession) -> None:
    await session.insert(User(name="a", email=SECRET))
    with pytest.raises(UniqueViolation) as caught:
        await session.insert(User(name="b", email=SECRET))
    assert caught.value.detail is not None
    assert SECRET in caught.value.detail
    assert SECRET not in shown(caught.value)


async def test_a_traceback_shows_no_value_of_a_transaction_that_was_undone(
    session: AsyncSession,
) -> None:
    with pytest.raises(UniqueViolation) as caught:
        async with session.begin() as tx:
            tx.add_all([User(name=name, email=SECRET) for name in "ab"])
    assert SECRET not in shown(caught.value)


@pytest.mark.parametrize(
    ("sql", "value", "message"),
    [
        ("SELECT $1::text::int", SECRET, 'invalid input syntax for type integer: "..."'),
        ("SELECT $1::text::int", f'"{SECRET}" "', 'invalid input syntax for type integer: "..."'),
        ("SELECT $1::text::smallint", "98765", 'value "..." is out of range for type smallint'),
        ("SELECT $1::text::int[]", SECRET, 'malformed array literal: "..."'),
        ("SELECT $1::post_status", SECRET, 'invalid input value for enum post_status: "..."'),
    ],
)
async def test_a_message_about_a_value_does_not_quote_it(
    engine: Engine, sql: str, value: str, message: str
) -> None:
    with pytest.raises(DataError) as caught:
        await engine.execute(sql, [value])
    assert str(caught.value) == message
    assert value not in shown(caught.value)
    assert caught.value.detail is not None
    assert value in caught.value.detail


async def test_messages_about_names_keep_them(engine: Engine) -> None:
    with pytest.raises(DatabaseError, match='column "nonsense" does not exist'):
        await engine.execute("SELECT nonsense")


async def test_a_traceback_shows_no_value_that_the_driver_refused(engine: Engine) -> None:
    with pytest.raises(InvalidValue) as caught:
        await engine.execute("SELECT $1::int", [SECRET])
    assert SECRET not in shown(caught.value)


async def test_a_broken_connection_keeps_its_cause(database_url: str) -> None:
    async with Proxy(database_url) as proxy, await create_engine(proxy.url) as engine:
        proxy.cut(b"pg_sleep")
        with pytest.raises(ConnectionLost) as caught:
            await engine.execute("SELECT pg_sleep(0)")
        assert not isinstance(caught.value.__cause__, OrmKitError | None)
