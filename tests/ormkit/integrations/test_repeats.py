"""A request is a unit: loops of statements are named wherever they are in it."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Annotated, Any

import anyio.from_thread
import httpx
import pytest
from fastapi import BackgroundTasks, Depends, FastAPI, Request, Response, WebSocket
from litestar import Litestar, get
from litestar.di import NamedDependency, Provide
from litestar.params import SkipValidation

from examples.blog.db import Post, User
from ormkit import AsyncSession, Engine, RepeatedStatement, detect_repeats
from ormkit import litestar as for_litestar
from ormkit.fastapi import OrmKit, SessionDep, TransactionDep

pytestmark = pytest.mark.one_interpreter

Users = Annotated[list[User], Depends(lambda: [User(id=n, name="") for n in range(1, 7)])]
db = OrmKit("postgresql://not-opened")
app = FastAPI()
db.install(app)


async def titles(session: AsyncSession, user: User) -> list[Post]:
    return await session.query(Post).filter(author_id=user.id).all()


async def loop(session: SessionDep, users: Users) -> None:
    for user in users:
        await titles(session, user)


async def loop_at_end(session: SessionDep, users: Users) -> AsyncGenerator[None]:
    yield
    for user in users:
        await titles(session, user)


def in_a_thread(session: SessionDep, users: Users) -> None:
    for user in users:
        anyio.from_thread.run(session.query(Post).filter(author_id=user.id).all)


async def with_a_session_of_its_own(users: Users) -> None:
    session = AsyncSession(db.engine)
    for user in users:
        await titles(session, user)


class Titles:
    def __init__(self, session: SessionDep) -> None:
        self.session = session

    async def of(self, user: User) -> list[Post]:
        return await self.session.query(Post).filter(author_id=user.id).all()

    async def __call__(self, session: SessionDep, users: Users) -> None:
        for user in users:
            await titles(session, user)


async def nested(own: Annotated[Titles, Depends()], users: Users) -> None:
    for user in users:
        await own.of(user)


for place in (loop, loop_at_end, in_a_thread, with_a_session_of_its_own, nested):
    app.add_api_route(f"/{place.__name__}", lambda: None, dependencies=[Depends(place)])
app.add_api_route("/called", lambda: None, dependencies=[Depends(Titles(SessionDep))])


@app.get("/in_a_transaction")
async def in_a_transaction(_: TransactionDep, session: SessionDep, users: Users) -> None:
    await loop(session, users)


@app.get("/in_the_background")
async def in_the_background(session: SessionDep, users: Users, tasks: BackgroundTasks) -> None:
    tasks.add_task(loop, session, users)


@app.get("/in_middleware")
async def in_middleware() -> None:
    pass


@app.websocket("/socket")
async def socket(socket: WebSocket, session: SessionDep) -> None:
    await socket.accept()
    for _ in range(6):
        await session.get(User, int(await socket.receive_text()))
        await socket.send_text("read")


@app.middleware("http")
async def look_up(request: Request, proceed: Callable[[Request], Awaitable[Response]]) -> Response:
    if request.url.path == "/in_middleware":
        await with_a_session_of_its_own([User(id=n, name="") for n in range(6)])
    return await proceed(request)


LINES = {
    "loop": "titles",
    "loop_at_end": "titles",
    "in_a_thread": "in_a_thread",
    "with_a_session_of_its_own": "titles",
    "nested": "Titles.of",
    "called": "titles",
    "in_a_transaction": "titles",
    "in_the_background": "titles",
    "in_middleware": "titles",
}


@pytest.mark.parametrize("path", LINES)
async def test_a_loop_anywhere_in_a_request_is_named(
    path: str, engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    detecting = detect_repeats(engine)
    with db.use(engine):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            assert (await client.get(f"/{path}")).status_code == 200
    detecting.close()
    (record,) = [each for each in caplog.records if each.name == "ormkit.repeats"]
    assert f"in {LINES[path]}: load them with their parents: " in record.getMessage()
    assert 'selectinload("posts")' in record.getMessage()
    assert record.__dict__["code.file.path"] == __file__


async def test_what_a_server_swallows_is_raised_at_the_end_of_the_block(engine: Engine) -> None:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        raised = pytest.raises(RepeatedStatement, match="in titles: load them")
        with db.use(engine), raised, detect_repeats(engine, action="raise"):
            await client.get("/loop")


async def test_each_message_of_a_socket_is_a_unit(
    engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    texts: list[Any] = [{"type": "websocket.receive", "text": f"{n}"} for n in range(6)]
    messages = iter([{"type": "websocket.connect"}, *texts])
    sent: list[Any] = []

    async def receive() -> Any:
        return next(messages)

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "websocket", "path": "/socket", "headers": [], "query_string": b""}
    detecting = detect_repeats(engine)
    with db.use(engine):
        await app(scope, receive, send)
    detecting.close()
    assert [message.get("text") for message in sent[1:]] == ["read"] * 6
    assert not [each for each in caplog.records if each.name == "ormkit.repeats"]


async def test_litestar_names_the_loops_of_its_dependencies(
    engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    async def read(session: for_litestar.SessionDep) -> int:
        for number in range(6):
            await titles(session, User(id=number, name=""))
        return 6

    @get("/", dependencies={"found": Provide(read)})
    async def count(found: NamedDependency[SkipValidation[Any]]) -> int:
        return int(found)

    plugin = for_litestar.OrmKitPlugin("postgresql://not-opened")
    served = Litestar([count], plugins=[plugin], logging_config=None)
    detecting = detect_repeats(engine)
    with plugin.use(engine), caplog.at_level(logging.WARNING):
        transport = httpx.ASGITransport(served)  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            assert (await client.get("/")).text == "6"
    detecting.close()
    assert "in titles: load them with their parents: " in caplog.text
