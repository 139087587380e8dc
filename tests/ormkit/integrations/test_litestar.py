"""Litestar: dependencies that end side by side, and filters with names that it uses itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Annotated, Any

import httpx
import pytest
from fastapi import FastAPI
from litestar import Litestar, Request, Response, get, post
from litestar.di import NamedDependency, Provide
from litestar.params import FromQuery

from examples.blog.db import Post, User
from ormkit import AsyncSession, Condition, NotFound, create_engine, current_session
from ormkit import fastapi as for_fastapi
from ormkit.litestar import (
    FilterDep,
    OrmKitPlugin,
    PageDep,
    SessionDep,
    TransactionDep,
    filters,
)
from tests.generated import models_of

pytestmark = pytest.mark.one_interpreter

DEFERRED = "ALTER TABLE posts ALTER CONSTRAINT posts_author_id_fkey DEFERRABLE INITIALLY DEFERRED"


class Refused(Exception):
    """An error of the application."""


async def audited() -> AsyncGenerator[str]:
    yield "audit"


async def guarded(end: FromQuery[str] = "") -> AsyncGenerator[str]:
    yield "guard"
    if end == "late":
        await asyncio.sleep(0.02)
    if end == "soon":
        await asyncio.sleep(0)
    if end in ("not found", "soon", "late"):
        raise NotFound("a secret")
    if end == "refused":
        raise Refused
    if end == "mistake":
        raise RuntimeError


@post("/posts", dependencies={"audit": Provide(audited), "guard": Provide(guarded)})
async def add(
    transaction: TransactionDep,
    session: SessionDep,
    audit: NamedDependency[str],
    guard: NamedDependency[str],
    author: FromQuery[int],
    is_wrong: FromQuery[bool] = False,
) -> int:
    assert current_session() is session
    await transaction.insert(Post(author_id=author, title="a"))
    if is_wrong:
        raise Refused
    return await transaction.query(Post).count()


def refuse(_: Request[Any, Any, Any], error: Refused) -> Response[str]:
    return Response("refused", status_code=418)


@pytest.mark.parametrize(
    ("query", "status", "posts"),
    [
        ("author=1", 201, 1),
        ("author=0", 409, 0),
        ("author=1&is_wrong=1", 418, 0),
        ("author=0&is_wrong=1", 418, 0),
        ("author=0&end=refused", 418, 0),
        ("author=0&end=mistake", 500, 0),
        ("author=0&end=not found", 404, 0),
        # Whatever an error answers, nothing was written.
        ("author=1&end=refused", 418, 0),
        ("author=1&end=not found", 404, 0),
        ("author=1&end=soon", 404, 0),
        ("author=1&end=late", 404, 0),
    ],
)
async def test_a_commit_that_fails_beside_other_dependencies(
    session: AsyncSession, query: str, status: int, posts: int
) -> None:
    await session.execute_raw(DEFERRED)
    await session.insert(User(name="Ada"))
    plugin = OrmKitPlugin("postgresql://nowhere")
    app = Litestar([add], plugins=[plugin], exception_handlers={Refused: refuse})
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    with plugin.use(session.engine):
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
            answer = await client.post(f"/posts?{query}")
    assert answer.status_code == status
    assert "secret" not in answer.text
    assert await session.query(Post).count() == posts
    assert session.engine.pool_stats().in_use == 0


#: Names to which a framework, or another dependency of a route, gives values of its own.
NAMES = ("request", "state", "headers", "body", "query", "session", "page", "class_")


async def test_filters_have_any_names(database_url: str) -> None:
    columns = "".join(f'{name} = "text"\n' for name in NAMES)
    key = 'id = { type = "bigint", primary_key = true }'
    models = models_of("anything", f"[models.Thing.columns]\n{key}\n{columns}")
    names = [*NAMES, *(f"{name}__in" for name in NAMES)]
    where: Any = Annotated[Condition[Any], for_fastapi.filters(models.Thing, *names)]

    async def of_fastapi(session: for_fastapi.SessionDep, where: Any) -> int:
        return await session.query(models.Thing).filter(where).count()

    async def of_litestar(
        session: SessionDep, page: PageDep, where: FilterDep[models.Thing]
    ) -> int:
        return await session.query(models.Thing).filter(where).count()

    of_fastapi.__annotations__ = {"session": for_fastapi.SessionDep, "where": where, "return": int}
    of_litestar.__annotations__ = {
        "session": SessionDep,
        "page": PageDep,
        "where": FilterDep[models.Thing],
        "return": int,
    }
    plugin, service = OrmKitPlugin(database_url), for_fastapi.OrmKit(database_url)
    by_litestar = Litestar(
        [get("/", dependencies={"where": filters(models.Thing, *names)})(of_litestar)],
        plugins=[plugin],
    )
    by_fastapi = FastAPI()
    service.install(by_fastapi)
    by_fastapi.get("/")(of_fastapi)
    async with await create_engine(database_url) as engine:
        await engine.create_all(models.SCHEMA)
        await AsyncSession(engine).insert(models.Thing(**{name: name for name in NAMES}))
        for app, used in ((by_litestar, plugin), (by_fastapi, service)):
            transport = httpx.ASGITransport(app=app)
            async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
                with used.use(engine):
                    for name in NAMES:
                        for given, count in (
                            ({name: name}, "1"),
                            ({name: "no"}, "0"),
                            ({f"{name}__in": ["no", name]}, "1"),
                        ):
                            answer = await client.get("/", params=given)
                            assert (name, answer.status_code, answer.text) == (name, 200, count)
                        refused = await client.get("/", params={f"{name}__gt": "a"})
                        assert (name, refused.status_code) == (name, 422)
