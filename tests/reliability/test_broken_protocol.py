"""What a server may not send ends the connection at once, with an error that says so."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from examples.blog.db import Tag, User
from ormkit import AsyncSession, ConnectionLost, Engine, OperationalError, create_engine
from ormkit.driver import read_buffer as receiving
from ormkit.driver.messages import BrokenProtocol, Messages, is_well_formed
from ormkit.statements.statement import Statement
from tests.proxy import Proxy


def message(kind: bytes, body: bytes = b"", size: int | None = None) -> bytes:
    return kind + struct.pack("!i", len(body) + 4 if size is None else size) + body


READY = message(b"Z", b"I")
PARSED, BOUND, DONE = message(b"1"), message(b"2"), message(b"C", b"SELECT 1\0")
ROW = message(b"D", struct.pack("!hi", 1, 4) + struct.pack("!i", 7))
PARAMETERS = message(b"t", struct.pack("!h", 0))
COLUMNS = message(b"T", struct.pack("!h", 1) + b"n\0" + struct.pack("!ihihih", 0, 0, 23, 4, -1, 0))

#: What no server sends, whatever was asked.
MALFORMED: dict[str, bytes] = {
    "unknown type": message(b"?"),
    "no type": message(b"\0"),
    "high type": message(b"\xff"),
    "authentication": message(b"R", struct.pack("!i", 0)),
    "length 0": message(b"C", size=0),
    "length 3": message(b"C", size=3),
    "negative length": message(b"D", size=-1),
    "lowest length": message(b"D", size=-(2**31)),
    "2 GiB of a row": message(b"D", bytes(50), size=2**31 - 1),
    "2 GiB of a notice": message(b"N", bytes(50), size=2**31 - 1),
    "150 MB of a notice": message(b"N", bytes(50), size=150_000_000),
    "150 MB of an error": message(b"E", bytes(50), size=150_000_000),
    "a long tag": message(b"C", size=30_001),
    "a long parameter": message(b"S", size=30_001),
    "a tag without its end": message(b"C", b"SELECT 1"),
    "a tag of nothing": message(b"C"),
    "two tags": message(b"C", b"SELECT\x001\0"),
    "ready for what": message(b"Z", b"X"),
    "ready for nothing": message(b"Z"),
    "ready for more": message(b"Z", b"IT"),
    "an error without fields": message(b"E", b"\0"),
    "an error of nothing": message(b"E"),
    "an error without its end": message(b"E", b"SERROR\0Mno\0"),
    "an error that goes on": message(b"E", b"SERROR\0\0more"),
    "a notice that is cut": message(b"N", b"SNOTICE"),
    "a parameter without a value": message(b"S", b"name\0"),
    "a parameter and more": message(b"S", b"name\0value\0more\0"),
    "a notification of nothing": message(b"A", b"\0\0\0\0"),
    "a notification that is cut": message(b"A", b"\0\0\0\1channel\0payload"),
    "columns that are cut": message(b"T", struct.pack("!h", 2) + b"n\0" + bytes(18)),
    "columns and more": message(b"T", struct.pack("!h", 0) + b"n"),
    "a column without a name": message(b"T", struct.pack("!h", 1) + b"name"),
    "more parameters than there can be": message(b"t", size=6 + 4 * 65_536),
    "parameters that are cut": message(b"t", struct.pack("!hi", 2, 23)),
    "parameters and more": message(b"t", struct.pack("!hii", 1, 23, 23)),
    "something in nothing": message(b"1", b"x"),
    "a COPY of too few": message(b"H", b"\1\0\2\0\1"),
    "ready too early": READY,
}
#: What comes before it, by what is asked.
BEFORE_PREPARING = {"at once": b"", "parsed": PARSED, "described": PARSED + PARAMETERS}
BEFORE_RUNNING = {"at once": b"", "bound": BOUND, "a row": BOUND + ROW}
#: What only the answer to a statement that runs can be.
WRONG_ROWS: dict[str, bytes] = {
    "no columns": message(b"D", b"\0\0"),
    "two columns": message(b"D", struct.pack("!hiiii", 2, 4, 7, 4, 7)),
    "a cut value": message(b"D", struct.pack("!hi", 1, 4) + b"\0"),
    "a short value": message(b"D", struct.pack("!hi", 1, 2) + b"\0\7"),
    "a long value": message(b"D", struct.pack("!hi", 1, 8) + bytes(8)),
    "a negative value": message(b"D", struct.pack("!hi", 1, -2)),
    "a huge value": message(b"D", struct.pack("!hi", 1, 2**31 - 1)),
    "more than a row": message(b"D", struct.pack("!hii", 1, 4, 7) + b"x"),
    "half a count": message(b"D", b"\0"),
}


@pytest.fixture
async def proxy(reader: None, blog_url: str) -> AsyncIterator[Proxy]:
    async with Proxy(blog_url) as proxy:
        yield proxy


@pytest.fixture
async def distant(proxy: Proxy) -> AsyncIterator[Engine]:
    async with await create_engine(proxy.url, max_connections=1) as engine:
        await engine.execute("SELECT 7")
        await at_rest(engine)
        yield engine


async def at_rest(engine: Engine) -> None:
    """Wait until the connection is reset, so that what is forged next answers no reset."""
    engine.pool.give(await engine.pool.acquire())


async def broken(engine: Engine, work: Callable[[], Awaitable[object]]) -> ConnectionLost:
    """Run the work, which must fail at once; then the engine must serve on."""
    async with asyncio.timeout(5):
        with pytest.raises(ConnectionLost, match="broke the protocol") as caught:
            await work()
        assert caught.value.sqlstate == "08P01"
        assert (await engine.execute("SELECT 7")).scalar() == 7
        await at_rest(engine)
    return caught.value


@pytest.mark.parametrize("before", BEFORE_PREPARING)
async def test_while_a_statement_is_prepared(distant: Engine, proxy: Proxy, before: str) -> None:
    for number, (name, malformed) in enumerate(MALFORMED.items()):
        sql = f"SELECT {number} AS forged"
        proxy.forge(sql.encode(), BEFORE_PREPARING[before] + malformed)
        error = await broken(distant, lambda sql=sql: distant.execute(sql))  # type: ignore[misc]
        assert error.statement == sql, name


@pytest.mark.parametrize("before", BEFORE_RUNNING)
async def test_while_a_statement_runs(distant: Engine, proxy: Proxy, before: str) -> None:
    for malformed in MALFORMED.values():
        proxy.forge(b"", BEFORE_RUNNING[before] + malformed)
        await broken(distant, lambda: distant.execute("SELECT 7"))


@pytest.mark.parametrize("row", WRONG_ROWS)
async def test_a_row_that_is_none(distant: Engine, proxy: Proxy, row: str) -> None:
    proxy.forge(b"", BOUND + ROW + WRONG_ROWS[row] + DONE + READY)
    await broken(distant, lambda: distant.execute("SELECT 7"))


async def test_byte_by_byte_it_is_the_same(reader: None) -> None:
    """A message may come in parts of any size."""
    good = PARSED + PARAMETERS + COLUMNS + BOUND + ROW + DONE + READY
    for malformed in MALFORMED.values():
        for step in (1, 3, 1000):
            seen: list[bytes] = []
            listener = receiving.Listener(Driver(seen), print)
            data = good + BOUND + malformed
            with pytest.raises(BrokenProtocol):
                for place in range(0, len(data), step):
                    listener.data_received(data[place : place + step])
            if step == 1:
                assert b"".join(seen).startswith(good)


class Driver:
    """A protocol that notes what it is given, and its own transport."""

    def __init__(self, seen: list[bytes]) -> None:
        self.data_received = seen.append

    def get_protocol(self) -> Driver:
        return self


@pytest.mark.parametrize("answer", [ROW, DONE, BOUND, READY, COLUMNS])
async def test_what_nobody_asked_for(distant: Engine, proxy: Proxy, answer: bytes) -> None:
    proxy.forge(b"", BOUND + ROW + DONE + READY + answer)
    await broken(distant, lambda: distant.execute("SELECT 7"))


async def test_an_answer_that_ends_early(distant: Engine, proxy: Proxy) -> None:
    """It is no short result, whatever was asked."""
    session = AsyncSession(distant)

    async def many() -> None:
        await distant.execute_many("SELECT $1::int", [[1], [2], [3]])

    async def begun() -> None:
        async with session.begin() as tx:
            await tx.execute_raw("SELECT 7")

    async def copied() -> None:
        async def sink(data: bytes) -> None: ...

        await distant.copy_out("SELECT 7", sink)

    async def stored() -> None:
        await distant.copy_in("tags", [("a",)], columns=["name"])

    async def page() -> None:
        await session.query(User).limit(3).all()

    async def count() -> None:
        async with session.begin() as tx:
            proxy.forge(b"", BOUND + READY)
            await tx.query(Tag).count()

    await many()
    await page()
    async with session.begin() as tx:
        await tx.query(Tag).count()
    await at_rest(distant)
    one = BOUND + ROW + DONE
    forgeries: list[tuple[Callable[[], Awaitable[None]], bytes, bytes]] = [
        (many, b"", READY),
        (many, b"", one + READY),
        (many, b"", one + one + BOUND + READY),
        (begun, b"BEGIN", READY),
        (copied, b"COPY", READY),
        (copied, b"COPY", message(b"H", b"\0\0\1\0\0") + READY),
        (copied, b"COPY", message(b"H", b"\0\0\1\0\0") + message(b"d", b"7\n") + READY),
        (stored, b"COPY", READY),
        (count, b"never", b""),
    ]
    for work, text, answer in forgeries:
        if answer:
            proxy.forge(text, answer)
        await broken(distant, work)
        await many()
        await at_rest(distant)


async def test_a_stream_that_ends_early(distant: Engine, proxy: Proxy) -> None:
    numbers = Statement("SELECT generate_series(1, 100)", ())

    async def read() -> None:
        async with distant.transaction() as tx:
            async for _, rows in tx.executor().stream(numbers, [], 10):
                if rows:
                    proxy.forge(b"", ROW + READY)

    await broken(distant, read)


async def test_notices_and_parameters_may_come_at_any_time(distant: Engine, proxy: Proxy) -> None:
    told = message(b"N", b"SNOTICE\0Mhello\0\0") + message(b"S", b"app.x\0y\0")
    told += message(b"A", b"\0\0\0\1channel\0\0")
    answer = told.join([b"", BOUND, ROW, DONE, READY])
    proxy.forge(b"", answer)
    assert (await distant.execute("SELECT 7")).scalar() == 7
    sql = "DO $$ BEGIN FOR n IN 1..5000 LOOP RAISE NOTICE '%', repeat('x', n); END LOOP; END $$"
    await distant.execute(sql)
    await distant.execute("DO $$ BEGIN RAISE NOTICE '%', repeat('x', 5000000); END $$")
    assert (await distant.execute("SELECT 7")).scalar() == 7


def test_both_readers_agree_on_anything() -> None:
    """On every message cut and changed at every byte."""
    reader: Any = receiving.Reader
    if reader is None:
        pytest.skip("there is no accelerator")
    parts = [PARSED, PARAMETERS, COLUMNS, BOUND, ROW, DONE, READY]
    parts += [
        message(b"E", b"SFATAL\0C57P01\0Mbye\0\0"),
        message(b"E", b"SFATAL\0VERROR\0\0"),
        message(b"E", b"SERROR\0VPANIC\0\0"),
        message(b"S", b"a\0b\0"),
    ]
    whole = b"".join(parts)
    for place in range(len(whole)):
        for value in (0, 1, 4, 65, 90, 255):
            data = whole[:place] + bytes([value]) + whole[place + 1 :]
            assert verdict(reader, data) == verdict(None, data), (place, value)
        assert verdict(reader, whole[:place]) == verdict(None, whole[:place])


def verdict(reader: Any, data: bytes) -> Any:
    messages: Any = Messages() if reader is None else reader(list, 8, 4, BrokenProtocol)
    try:
        if reader is None:
            messages.check(data)
            # Rows are looked into by the accelerator alone.
            check_rows(data)
        else:
            messages.data_received(data)
    except BrokenProtocol:
        return "broken"
    return messages.completed, messages.failure


def check_rows(data: bytes) -> None:
    place = 0
    while len(data) - place >= 5:
        kind, size = data[place : place + 1], int.from_bytes(data[place + 1 : place + 5])
        body = data[place + 5 : place + 1 + size]
        if kind == b"D" and len(body) == size - 4 and not is_row(body):
            raise BrokenProtocol
        place += 1 + size


def is_row(body: bytes) -> bool:
    if len(body) < 2:
        return False
    place = 2
    for _ in range(int.from_bytes(body[:2])):
        if len(body) - place < 4:
            return False
        size = int.from_bytes(body[place : place + 4], signed=True)
        if size < -1:
            return False
        place += 4 + max(size, 0)
    return place == len(body)


def test_what_is_well_formed_is_so() -> None:
    for each in (PARSED, PARAMETERS, COLUMNS, BOUND, DONE, READY):
        assert is_well_formed(each[0], each[5:])


async def test_a_connection_that_the_server_ends_before_it_was_used(proxy: Proxy) -> None:
    """The driver has no class of the server's errors for that."""
    words = {b"client_encoding": b"UTF8", b"server_version": b"18.0"}
    proxy.forge(
        b"user\0",
        message(b"R", struct.pack("!i", 0))
        + b"".join(message(b"S", name + b"\0" + word + b"\0") for name, word in words.items())
        + message(b"K", struct.pack("!ii", 1, 1))
        + READY
        + message(b"E", b"SFATAL\0VFATAL\0C57P01\0Mended\0\0"),
    )
    with pytest.raises(OperationalError):
        await create_engine(proxy.url, reconnect_timeout=0)
    async with await create_engine(proxy.url) as engine:
        assert (await engine.execute("SELECT 7")).scalar() == 7
