"""Each name that users of the original OrmKit know, used once against a database."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

import pytest

from examples.blog.db import Post, User
from ormkit import AsyncSession, Engine, Result, Transaction, UnknownName
from ormkit_gen.ddl.schema import schema_sql
from ormkit_gen.schema import load
from tests.generated import models_of

TOML = """
[models.Page]
mixins = ["soft_delete"]

[models.Page.columns]
id = { type = "uuid", primary_key = true, default_factory = "uuid:uuid4" }
title = { type = "text", default = "untitled" }
seen_at = { type = "timestamptz?", default_factory = "tests.ormkit.test_original_names:now" }
"""
PYTHON = """
from datetime import datetime
from uuid import UUID, uuid4
from ormkit_gen.declarative import *

class Owner(Base):
    __tablename__ = "owners"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(max_length=40)
    pages: Mapped[list["Page"]] = relationship(back_populates="owner", foreign_keys=["owner_id"])
    front: Mapped["Front | None"] = relationship(back_populates="owner", uselist=False)

class Page(Base, SoftDeleteMixin):
    __tablename__ = "pages"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    details: Mapped[dict] = mapped_column(JSON)
    seen_at: Mapped[datetime] = mapped_column(default=datetime.now)
    owner_id: Mapped[int] = mapped_column(
        ForeignKey("owners.id", ondelete="CASCADE", onupdate="CASCADE")
    )
    owner: Mapped["Owner"] = relationship(back_populates="pages", foreign_keys=["owner_id"])

class Front(Base):
    __tablename__ = "fronts"
    owner_id: Mapped[int] = mapped_column(ForeignKey("owners.id"), primary_key=True)
    owner: Mapped["Owner"] = relationship(back_populates="front")
"""


def now() -> dt.datetime:
    return dt.datetime(2026, 1, 2, tzinfo=dt.UTC)


@pytest.fixture
async def users(session: AsyncSession) -> list[User]:
    given = [User(name=name, email=f"{name}@x", age=age) for name, age in (("Ada", 3), ("Bob", 5))]
    return await session.insert_all([*given, User(name="Cy")])


async def test_queries(session: AsyncSession, users: list[User]) -> None:
    query = session.query(User)
    assert await query.order_by("name", desc=True).values_list("name", flat=True) == [
        *("Cy", "Bob", "Ada")
    ]
    assert [each.name async for each in query.order_by("id").stream(batch_size=2)] == [
        *("Ada", "Bob", "Cy")
    ]
    assert {each.name async for each in query} == {"Ada", "Bob", "Cy"}
    found = [await query.sum("age"), await query.avg("age"), await query.min("age")]
    assert [*found, await query.max("age")] == [8, 4, 3, 5]
    assert await query.filter_by(name="Ada").filter(age__isnotnull=True).scalars(User.age) == [3]
    assert await query.filter(name="none").one_or_none() is None
    with pytest.raises(UnknownName, match=r"a path into JSON goes into a Q: filter\(Q\("):
        query.filter(settings__plan="pro")  # type: ignore[call-arg]


async def test_sessions_and_engines(engine: Engine, users: list[User]) -> None:
    assert engine.url.startswith("postgresql://")
    async with AsyncSession(engine) as session, session.transaction() as tx:
        assert isinstance(tx, Transaction)
        same = User(name="again", email="Ada@x")
        await session.upsert(same, conflict_target="email", do_nothing=True)
        assert await session.query(User).filter(name="again").count() == 0
    async with await engine.transaction() as tx:
        assert tx.add(User(name="one")).add(User(name="two")) is tx
        ada = await tx.get_or_raise(User, users[0].id)
        assert await tx.update(ada, age=9) is ada
        await tx.delete(users[2])
    result = await session.execute_raw("SELECT * FROM users ORDER BY id")
    assert isinstance(result, Result)
    assert [row["name"] for row in result] == ["Ada", "Bob", "one", "two"]
    assert result.to_models(User)[0].age == 9
    await session.remove_all([users[0], users[1]])
    assert await session.query(User).count() == 2
    assert await session.query(Post).exists() is False


@pytest.fixture
async def pages(engine: Engine) -> Any:
    models = models_of("original", TOML)
    await engine.create_all(models.SCHEMA)
    return models


async def test_soft_deletes_and_callable_defaults(session: AsyncSession, pages: Any) -> None:
    page = await session.insert(pages.Page())
    assert isinstance(page.id, UUID)
    assert (page.title, page.seen_at, page.is_deleted) == ("untitled", now(), False)
    assert await session.soft_delete(page) is page
    assert page.is_deleted
    assert await session.get(pages.Page, page.id) is None
    assert await session.get(pages.Page, page.id, include_deleted=True) is not None
    assert await session.restore(page) is page
    indexes = await session.execute_raw(
        "SELECT indexdef FROM pg_indexes WHERE tablename = 'page' AND indexdef LIKE '%deleted_at%'"
    )
    assert len(indexes) == 1


@pytest.mark.one_interpreter
def test_a_schema_in_python(tmp_path: Any) -> None:
    (tmp_path / "schema.py").write_text(PYTHON, encoding="utf-8")
    sql = schema_sql(load([tmp_path / "schema.py"], tmp_path).schema)
    for part in (
        *("name varchar(40)", "ON DELETE CASCADE", "ON UPDATE CASCADE", "details jsonb"),
        *("deleted_at timestamptz", "pages_deleted_at_idx ON pages (deleted_at)"),
    ):
        assert part in sql, sql
    assert "id bigint PRIMARY KEY" in sql, sql
