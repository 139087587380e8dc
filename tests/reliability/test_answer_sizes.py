"""Answers and parameters of every size come whole, however the server is reached.

Over TLS they come in records of at most 16 KiB, several of which fill the buffer of one read.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ormkit import Engine, create_engine
from ormkit.driver import read_buffer as receiving
from ormkit.statements.statement import Statement
from tests.reliability.secure_server import PASSWORD, SecureServer

#: The sizes are those of the protocol and of TLS, and C reads the same on every interpreter.
pytestmark = pytest.mark.one_interpreter

LARGEST = 3 << 20
#: Around the server's buffer, a record of TLS and the connection's own buffer, and then far more.
SIZES = [
    *(1, 100, 4096),
    *(size + around for size in (8192, 16384, 65536) for around in range(-24, 25)),
    *(2 * 65536, 300_000, 1 << 20, LARGEST),
]
#: A text in which no piece stands twice: bytes that are lost or repeated show.
TEXT = "".join(hashlib.md5(str(n).encode()).hexdigest() for n in range(LARGEST // 32))
#: The beginning of the text, line by line.
LINES = "SELECT left(line, $1 - n * 100) FROM lines WHERE n <= $1 / 100 ORDER BY n"
Loop = Callable[[], asyncio.AbstractEventLoop]


@pytest.fixture(params=["C", "Python", "uvloop"])
def loop(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Loop:
    """What makes the event loop: asyncio's, with both readers, and uvloop's, which reads itself."""
    if request.param == "uvloop":
        return pytest.importorskip("uvloop").new_event_loop  # type: ignore[no-any-return]
    if request.param == "Python":
        monkeypatch.setattr(receiving, "Reader", None)
    elif receiving.Reader is None:
        pytest.skip("there is no accelerator")
    return asyncio.new_event_loop


@pytest.fixture(params=["tls", "tcp"])
def url(request: pytest.FixtureRequest, secure: SecureServer) -> str:
    if request.param == "tls":
        return secure.url("verify-full", authority="right")
    return secure.url("disable", user=f"edsger:{PASSWORD}")


@pytest.fixture(scope="session")
def texts(secure: SecureServer) -> None:
    """The tables of the tests: the text, the same in lines, and an empty one."""

    async def make() -> None:
        async with await create_engine(secure.url("disable", user=f"edsger:{PASSWORD}")) as engine:
            await engine.execute("CREATE TABLE texts AS SELECT $1::text AS body", [TEXT])
            await engine.execute("CREATE TABLE pieces (n integer, piece text)")
            await engine.execute("CREATE TABLE lines (n integer PRIMARY KEY, line text)")
            lines = enumerate(pieces(TEXT, 100))
            await engine.copy_in("lines", lines, columns=["n", "line"])
            await engine.execute("GRANT ALL ON texts, pieces, lines TO PUBLIC")

    asyncio.run(make())


def pieces(text: str, size: int) -> Iterator[str]:
    for start in range(0, len(text), size):
        yield text[start : start + size]


async def whole_value(engine: Engine, size: int) -> str:
    result = await engine.execute("SELECT left(body, $1) FROM texts", [size])
    text: str = result.scalar()
    return text


async def many_rows(engine: Engine, size: int) -> str:
    return "".join((await engine.execute(LINES, [size])).column())


async def parameter(engine: Engine, size: int) -> str:
    sql = "SELECT md5($1::text) = $2, $1::text"
    given = TEXT[:size]
    is_same, text = (
        await engine.execute(sql, [given, hashlib.md5(given.encode()).hexdigest()])
    ).tuples()[0]
    assert is_same
    return str(text)


async def streamed(engine: Engine, size: int) -> str:
    chunks = engine.executor().stream(Statement(LINES, (None,)), [size], 200)
    return "".join([row[0] async for _, rows in chunks for row in rows])


async def copied_out(engine: Engine, size: int) -> str:
    got: list[bytes] = []

    async def sink(data: bytes) -> None:
        got.append(data)

    await engine.copy_out(f"SELECT left(body, {size}) FROM texts", sink)
    return b"".join(got).decode().removesuffix("\n")


async def copied_in(engine: Engine, size: int) -> str:
    rows = enumerate(pieces(TEXT[:size], 7000))
    await engine.copy_in("pieces", rows, columns=["n", "piece"])
    text: str = (
        await engine.execute(
            "WITH gone AS (DELETE FROM pieces RETURNING *) "
            "SELECT string_agg(piece, '' ORDER BY n) FROM gone"
        )
    ).scalar()
    return text


@pytest.mark.usefixtures("texts")
@pytest.mark.parametrize(
    "work", [whole_value, many_rows, parameter, streamed, copied_out, copied_in]
)
def test_it_comes_whole(loop: Loop, url: str, work: Any) -> None:
    async def main() -> None:
        async with await create_engine(url, max_connections=1) as engine, asyncio.timeout(600):
            for size in SIZES:
                assert await work(engine, size) == TEXT[:size], size

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(main())
