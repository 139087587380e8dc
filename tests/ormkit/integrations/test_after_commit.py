"""What runs after the transaction of a request: streams, background tasks; and WebSockets.

The same routes in both frameworks, because the answers have to be the same.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Callable, Iterator
from typing import Annotated, Any

import fastapi
import httpx
import litestar
import pytest
from fastapi.responses import StreamingResponse
from litestar.background_tasks import BackgroundTask
from litestar.di import NamedDependency, Provide
from litestar.response import Stream

from examples.blog.db import Post, User
from ormkit import AsyncSession, NotFound, Transaction, TransactionClosed, current_session
from ormkit import fastapi as for_fastapi
from ormkit import litestar as for_litestar
from ormkit.integrations.held_answer import ormkit_error
from ormkit.integrations.service import Service

pytestmark = pytest.mark.one_interpreter

DEFERRED = "ALTER TABLE posts ALTER CONSTRAINT posts_author_id_fkey DEFERRABLE INITIALLY DEFERRED"


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """What the adapters log: Litestar takes the handlers of the root logger away."""
    logger = logging.getLogger("ormkit.web")
    logger.addHandler(caplog.handler)
    yield caplog
    logger.removeHandler(caplog.handler)


class OwnError(NotFound):
    """An error of the application, which has a handler for it."""


def body_of(kind: str, tx: Transaction, session: AsyncSession) -> AsyncGenerator[str]:
    """Return the body of a streamed answer, which uses one of them."""

    async def body() -> AsyncGenerator[str]:
        if kind == "own":
            raise OwnError("a secret")
        if kind == "mistake":
            raise RuntimeError("a secret")
        count = await (session if kind in ("session", "commit") else tx).query(User).count()
        yield f"{count}"

    return body()


async def change(tx: Transaction, kind: str) -> None:
    await tx.insert(User(name="Ada"))
    if kind == "commit":
        await tx.insert(Post(author_id=0, title="nobody's"))


async def audited(session: for_fastapi.SessionDep, tx: for_fastapi.TransactionDep) -> Transaction:
    await session.insert(User(name="of the session"))
    return tx


def fastapi_app() -> tuple[Any, Service]:
    db = for_fastapi.OrmKit("postgresql://nowhere")
    app = fastapi.FastAPI()
    db.install(app)

    @app.post("/stream", status_code=201)
    async def stream(
        kind: str, tx: for_fastapi.TransactionDep, session: for_fastapi.SessionDep
    ) -> StreamingResponse:
        await change(tx, kind)
        return StreamingResponse(body_of(kind, tx, session), 201)

    @app.post("/background", status_code=201)
    async def background(
        kind: str, tx: for_fastapi.TransactionDep, tasks: fastapi.BackgroundTasks
    ) -> None:
        await change(tx, kind)
        tasks.add_task(late, tx if kind == "tx" else None)

    @app.post("/refused")
    async def refused(
        seen: Annotated[Transaction, fastapi.Depends(audited)],
        tx: for_fastapi.TransactionDep,
        session: for_fastapi.SessionDep,
    ) -> None:
        assert seen is tx
        await session.insert(User(name="of the session, too"))
        raise fastapi.HTTPException(418)

    @app.websocket("/socket")
    async def socket(socket: fastapi.WebSocket, session: for_fastapi.SessionDep) -> None:
        await socket.accept()
        await socket.send_text(f"{await session.query(User).count()}")
        await session.insert(Post(author_id=0, title="nobody's"))

    @app.websocket("/socket/transaction")
    async def never(socket: fastapi.WebSocket, tx: for_fastapi.TransactionDep) -> None:
        await socket.accept()

    @app.exception_handler(OwnError)
    def own(request: fastapi.Request, error: OwnError) -> fastapi.Response:
        return fastapi.Response("own", 418)

    return app, db


def litestar_app() -> tuple[Any, Service]:
    @litestar.post("/stream")
    async def stream(
        kind: litestar.params.FromQuery[str],
        transaction: for_litestar.TransactionDep,
        session: for_litestar.SessionDep,
    ) -> Stream:
        await change(transaction, kind)
        return Stream(body_of(kind, transaction, session))

    @litestar.post("/background")
    async def background(
        kind: litestar.params.FromQuery[str], transaction: for_litestar.TransactionDep
    ) -> litestar.Response[None]:
        await change(transaction, kind)
        task = BackgroundTask(late, transaction if kind == "tx" else None)
        return litestar.Response(None, background=task)

    async def beside(session: for_litestar.SessionDep) -> int:
        return await session.query(User).count()

    async def audited(
        session: for_litestar.SessionDep, transaction: for_litestar.TransactionDep
    ) -> Transaction:
        await session.insert(User(name="of the session"))
        return transaction

    # Litestar opens the transaction in a task of its own, because `beside` can run with it.
    @litestar.post("/refused", dependencies={"seen": Provide(audited), "beside": Provide(beside)})
    async def refused(
        beside: NamedDependency[int],
        seen: NamedDependency[Transaction],
        transaction: for_litestar.TransactionDep,
        session: for_litestar.SessionDep,
    ) -> None:
        assert seen is transaction
        await session.insert(User(name="of the session, too"))
        raise litestar.exceptions.HTTPException(status_code=418)

    @litestar.websocket("/socket")
    async def socket(
        socket: litestar.WebSocket[Any, Any, Any], session: for_litestar.SessionDep
    ) -> None:
        await socket.accept()
        await socket.send_text(f"{await session.query(User).count()}")
        await session.insert(Post(author_id=0, title="nobody's"))

    @litestar.websocket("/socket/transaction")
    async def never(
        socket: litestar.WebSocket[Any, Any, Any], transaction: for_litestar.TransactionDep
    ) -> None:
        await socket.accept()

    def own(request: Any, error: OwnError) -> litestar.Response[str]:
        return litestar.Response("own", status_code=418)

    db = for_litestar.OrmKitPlugin("postgresql://nowhere")
    routes = [stream, background, refused, socket, never]
    return litestar.Litestar(routes, plugins=[db], exception_handlers={OwnError: own}), db


async def late(tx: Transaction | None) -> None:
    await (tx or current_session()).insert(User(name="late"))


APPS: dict[str, Callable[[], tuple[Any, Service]]] = {
    "fastapi": fastapi_app,
    "litestar": litestar_app,
}
#: What a server gets to see where an answer was sent before.
RAISED = (TransactionClosed, litestar.exceptions.LitestarException)
CASES = [
    ("/stream?kind=session", 201, ["Ada"]),
    ("/stream?kind=tx", 500, ["Ada"]),
    ("/stream?kind=own", 418, ["Ada"]),
    ("/stream?kind=mistake", 500, ["Ada"]),
    ("/stream?kind=commit", 409, []),
    ("/background?kind=session", 201, ["Ada", "late"]),
    ("/background?kind=tx", 201, ["Ada"]),
    ("/background?kind=commit", 409, []),
    ("/refused", 418, []),
]


@pytest.mark.parametrize("name", APPS)
async def test_nothing_after_the_commit_is_lost_in_silence(
    name: str, session: AsyncSession, logged: pytest.LogCaptureFixture
) -> None:
    await session.execute_raw(DEFERRED)
    app, db = APPS[name]()
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    with db.use(session.engine):
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
            for path, status, names in CASES:
                answer = await client.post(path)
                assert (path, answer.status_code) == (path, status)
                users = await session.query(User).order_by("name").all()
                assert (path, [each.name for each in users]) == (path, names)
                assert "secret" not in answer.text
                assert session.engine.pool_stats().in_use == 0
                if path == "/stream?kind=tx":
                    assert answer.json()["type"] == "urn:ormkit:TransactionClosed"
                    assert "take SessionDep" in logged.text
                await session.query(User).delete()


async def test_a_background_task_with_the_transaction_is_told_what_to_take(
    session: AsyncSession,
) -> None:
    for make in APPS.values():
        app, db = make()
        transport = httpx.ASGITransport(app=app)
        with db.use(session.engine), pytest.raises(RAISED) as caught:
            async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
                await client.post("/background?kind=tx")
        assert "take SessionDep" in str(ormkit_error(caught.value))


async def test_a_route_that_yields_takes_no_transaction(
    session: AsyncSession, logged: pytest.LogCaptureFixture
) -> None:
    db = for_fastapi.OrmKit("postgresql://nowhere")
    app = fastapi.FastAPI()
    db.install(app)

    @app.get("/lines")
    async def lines(tx: for_fastapi.TransactionDep) -> AsyncGenerator[int]:
        yield await tx.query(User).count()

    @app.get("/session/lines")
    async def fine(session: for_fastapi.SessionDep) -> AsyncGenerator[int]:
        async with session.begin():
            await session.insert(User(name="Ada"))
            yield await session.query(User).count()

    with db.use(session.engine):
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app), base_url="http://x"
        ) as client:
            assert (await client.get("/lines")).status_code == 500
            assert "a route that yields its answer" in logged.text
            assert (await client.get("/session/lines")).text == "1\n"
    assert await session.query(User).count() == 1


async def converse(app: Any, path: str, extensions: dict[str, Any]) -> list[dict[str, Any]]:
    """Connect a WebSocket, and return what the application sends."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "websocket",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [],
        "subprotocols": [],
        "extensions": extensions,
        "state": {},
    }
    await app(scope, receive, send)
    return sent


@pytest.mark.parametrize("name", APPS)
async def test_a_web_socket_has_a_session_and_is_closed_for_an_error(
    name: str, session: AsyncSession, logged: pytest.LogCaptureFixture
) -> None:
    app, db = APPS[name]()
    with db.use(session.engine):
        sent = await converse(app, "/socket", {})
        assert [each["type"] for each in sent[:2]] == ["websocket.accept", "websocket.send"]
        assert sent[1]["text"] == "0"
        assert (sent[2]["type"], sent[2]["code"]) == ("websocket.close", 1008)
        assert sent[2]["reason"].startswith("It refers to something")
        [refused] = await converse(app, "/socket/transaction", {})
        assert (refused["type"], refused["code"]) == ("websocket.close", 1011)
        assert "a WebSocket route cannot take TransactionDep" in logged.text
        if name == "fastapi":
            denial = {"websocket.http.response": {}}
            start, _ = await converse(app, "/socket/transaction", denial)
            assert start["status"] == 500
        assert session.engine.pool_stats().in_use == 0


async def test_a_mounted_application_has_a_database_of_its_own(
    session: AsyncSession, logged: pytest.LogCaptureFixture
) -> None:
    db = for_fastapi.OrmKit("postgresql://nowhere")
    app = fastapi.FastAPI()
    db.install(app)
    for path in ("/with", "/without"):
        mounted = fastapi.FastAPI()
        if path == "/with":
            db.install(mounted)

        @mounted.post("/users")
        async def add(tx: for_fastapi.TransactionDep) -> int:
            return (await tx.insert(User(name="Ada"))).id

        app.mount(path, mounted)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    with db.use(session.engine):
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
            assert (await client.post("/with/users")).status_code == 200
            assert (await client.post("/without/users")).status_code == 500
    assert await session.query(User).count() == 1
