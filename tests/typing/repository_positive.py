"""Generic code over models, as docs/typing.md shows it."""

from typing import Generic, TypeVar, assert_type

from examples.blog.db import Post, User
from ormkit import AsyncSession, Condition, Model, NotFound, Order, Query, Queryable

M = TypeVar("M", bound=Model)
K = TypeVar("K")


async def get_or_404(session: AsyncSession, model: type[Queryable[Query[M, K]]], key: K) -> M:
    found = await session.get(model, key)
    if found is None:
        raise NotFound("there is no such row")
    return found


class Repository(Generic[M, K]):
    """The rows of one model."""

    def __init__(self, session: AsyncSession, model: type[Queryable[Query[M, K]]]) -> None:
        self.session = session
        self.model = model

    def query(self) -> Query[M, K]:
        return self.session.query(self.model)

    async def get(self, key: K) -> M:
        return await get_or_404(self.session, self.model, key)

    async def find(self, *conditions: Condition[M], order: Order[M], limit: int = 100) -> list[M]:
        return await self.query().filter(*conditions).order_by(order).limit(limit).all()


async def use(session: AsyncSession) -> None:
    users = Repository(session, User)
    assert_type(await users.get(1), User)
    assert_type(await users.find(User.age > 3, order=User.id.desc()), list[User])
    assert_type(await get_or_404(session, Post, 1), Post)
