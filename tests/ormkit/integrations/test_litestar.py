"""Litestar ends dependencies side by side: the answer is the same as with one."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

import httpx
import pytest
from litestar import Litestar, Request, Response, post
from litestar.di import NamedDependency, Provide
from litestar.params import FromQuery

from examples.blog.db import Post, User
from ormkit import AsyncSession, NotFound, current_session
from ormkit.litestar import OrmKitPlugin, SessionDep, TransactionDep

pytestmark = pytest.mark.one_interpreter

DEFERRED = "ALTER TABLE posts ALTER CONSTRAINT posts_author_id_fkey DEFERRABLE INITIALLY DEFERRED"


class Refused(Exception):
    """An error of the application."""


async def audited() -> AsyncGenerator[str]:
    yield "audit"


async def guarded(end: FromQuery[str] = "") -> AsyncGenerator[str]:
    yield "guard"
    if end == "not found":
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
