"""Both adapters under a server over TCP: how clients leave, and how the server starts and ends."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import httpx
import litestar
import pytest
import uvicorn
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from litestar.response import Stream

from examples.blog.db import User
from ormkit import AsyncSession, ConfigurationError, Transaction, create_engine
from ormkit import fastapi as for_fastapi
from ormkit import litestar as for_litestar
from ormkit.integrations.service import Service

pytestmark = pytest.mark.one_interpreter


class Gate:
    """Holds requests in the middle, until a test lets them go on."""

    def __init__(self) -> None:
        self._entered = 0
        self._changed = asyncio.Condition()
        self._opened = asyncio.Event()

    async def hold(self) -> None:
        async with self._changed:
            self._entered += 1
            self._changed.notify_all()
        await self._opened.wait()

    async def entered(self, count: int) -> None:
        async with self._changed:
            await self._changed.wait_for(lambda: self._entered >= count)

    def open(self) -> None:
        self._opened.set()


async def lines(session: AsyncSession) -> AsyncGenerator[str]:
    """Yield more than a client will read."""
    async for user in session.query(User).stream(batch_size=10):
        yield f"{user.bio}\n"


async def broken_lines(tx: Transaction) -> AsyncGenerator[str]:
    """Yield a part, and then use a transaction that has ended."""
    yield "first"
    yield f"{await tx.query(User).count()}"


def fastapi_app(gate: Gate, url: str, **options: Any) -> tuple[Any, Service]:
    db = for_fastapi.OrmKit(url, **options)
    app = FastAPI(lifespan=db.lifespan)
    db.install(app)

    @app.post("/users", status_code=201)
    async def add(name: str, tx: for_fastapi.TransactionDep) -> int:
        user = await tx.insert(User(name=name))
        await gate.hold()
        return user.id

    @app.get("/lines")
    async def stream(session: for_fastapi.SessionDep) -> StreamingResponse:
        return StreamingResponse(lines(session))

    @app.get("/broken")
    async def broken(tx: for_fastapi.TransactionDep) -> StreamingResponse:
        return StreamingResponse(broken_lines(tx))

    return app, db


def litestar_app(gate: Gate, url: str, **options: Any) -> tuple[Any, Service]:
    @litestar.post("/users")
    async def add(
        name: litestar.params.FromQuery[str], transaction: for_litestar.TransactionDep
    ) -> int:
        user = await transaction.insert(User(name=name))
        await gate.hold()
        return user.id

    @litestar.get("/lines")
    async def stream(session: for_litestar.SessionDep) -> Stream:
        return Stream(lines(session))

    @litestar.get("/broken")
    async def broken(transaction: for_litestar.TransactionDep) -> Stream:
        return Stream(broken_lines(transaction))

    db = for_litestar.OrmKitPlugin(url, **options)
    return litestar.Litestar([add, stream, broken], plugins=[db]), db


APPS: dict[str, Callable[..., tuple[Any, Service]]] = {
    "fastapi": fastapi_app,
    "litestar": litestar_app,
}


@asynccontextmanager
async def serving(app: Any) -> AsyncGenerator[tuple[uvicorn.Server, int, Awaitable[None]]]:
    """Run a server for the block; yield it, its port, and what waits for its end."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="on"))
        task = asyncio.create_task(server.serve([listening]))
        while not server.started:
            await asyncio.sleep(0.01)
        try:
            yield server, listening.getsockname()[1], task
        finally:
            server.should_exit = True
            await task


async def released(db: Service) -> None:
    """Wait until no request holds a connection."""
    while db.engine.pool_stats().in_use:
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("name", APPS)
async def test_a_client_that_leaves_holds_nothing(name: str, blog_url: str) -> None:
    gate = Gate()
    app, db = APPS[name](gate, blog_url, max_connections=2)
    async with serving(app) as (_, port, _):
        await db.engine.execute(
            "INSERT INTO users (name, bio) SELECT 'many', repeat('x', 10000)"
            " FROM generate_series(1, 3000)"
        )
        for target in ("POST /users?name=ada", "GET /lines"):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            head = f"{target} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"
            writer.write(head.encode())
            if target.startswith("GET"):
                assert b"200 OK" in await reader.readuntil(b"\r\n")
                assert b"xxx" in await reader.readexactly(20_000)
            else:
                await gate.entered(1)
            assert db.engine.pool_stats().in_use == 1
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()
            gate.open()
            await released(db)
        session = AsyncSession(db.engine)
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            with pytest.raises(httpx.RemoteProtocolError):
                await client.get("/broken")
        # The request had begun: it is done as a whole, whether its client waits for it or not.
        assert await session.query(User).filter(name="ada").count() == 1


@pytest.mark.parametrize("name", APPS)
async def test_the_end_of_a_server_waits_for_its_requests(name: str, blog_url: str) -> None:
    gate = Gate()
    app, db = APPS[name](gate, blog_url, max_connections=10)
    async with (
        serving(app) as (server, port, ended),
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client,
    ):
        posts = [asyncio.create_task(client.post(f"/users?name=user{n}")) for n in range(10)]
        await gate.entered(10)
        engine = db.engine
        gate.open()
        server.should_exit = True
        assert [(await each).status_code for each in posts] == [201] * 10
        await ended
    assert engine.pool.is_closed
    async with await create_engine(blog_url) as engine:
        assert await AsyncSession(engine).query(User).count() == 10


@pytest.mark.parametrize("name", APPS)
async def test_a_server_without_its_database_does_not_start(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    url = f"postgresql://ada:secret@127.0.0.1:{port}/blog"
    app, _ = APPS[name](Gate(), url, reconnect_timeout=0)
    server = uvicorn.Server(uvicorn.Config(app, port=0, lifespan="on", log_config=None))

    def run() -> object:
        try:
            server.run()
        except SystemExit as ended:
            return ended.code
        return None

    assert await asyncio.to_thread(run) == 3
    assert "ConnectionFailed" in caplog.text
    assert "secret" not in caplog.text


async def test_the_end_waits_for_background_tasks(blog_url: str) -> None:
    service = Service(blog_url, drain=30, max_connections=2)
    go_on = asyncio.Event()

    async def work() -> None:
        async with engine.transaction() as tx:
            await tx.execute_raw("SELECT 1")
            await go_on.wait()
            # This needs another connection.
            await engine.execute("INSERT INTO users (name) VALUES ('late')")

    async with service.opened() as engine:
        task = asyncio.create_task(work())
        while not engine.pool_stats().in_use:
            await asyncio.sleep(0.01)
        asyncio.get_running_loop().call_later(0.05, go_on.set)
    await task
    assert engine.pool.is_closed


def test_drain_is_a_number_of_seconds() -> None:
    wrong: Any = "soon"
    with pytest.raises(ConfigurationError, match="drain='soon'"):
        for_fastapi.OrmKit("postgresql://nowhere", drain=wrong)
