"""Full-text search, and distances between vectors."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from examples.blog.db import Post, User
from ormkit import AsyncSession, InvalidValue, UsageError, create_engine, to_tsvector
from tests.generated import import_models

SCHEMA = """
[models.Page]
table = "pages"

[models.Page.columns]
id = { type = "bigint", primary_key = true }
title = "text"
words = { type = "tsvector", generated = "to_tsvector('english', title)" }
place = "vector(3)?"

[[models.Page.indexes]]
columns = ["words"]
method = "gin"
"""


@pytest.fixture
def models(tmp_path: Path) -> Any:
    (tmp_path / "schema.toml").write_text(SCHEMA, encoding="utf-8")
    return import_models(tmp_path, tmp_path / "schema.toml")


@pytest.fixture
async def pages(database_url: str, models: Any) -> AsyncIterator[AsyncSession]:
    async with await create_engine(database_url) as engine:
        await engine.create_all(models.SCHEMA)
        session = AsyncSession(engine)
        await session.insert_all(
            [
                models.Page(title="the quick brown fox jumps", place=[1, 0, 0]),
                models.Page(title="a fox, a fox, and a dog", place=[0, 2, 0]),
                models.Page(title="quick dogs"),
            ]
        )
        yield session


async def test_a_search_matches_words_in_their_forms(pages: AsyncSession, models: Any) -> None:
    query = pages.query(models.Page).order_by("id")
    words = models.Page.words

    async def found(condition: Any) -> list[int]:
        return await query.filter(condition).scalars(models.Page.id)

    assert await found(words.matches("jump", config="english")) == [1]
    assert await found(words.matches("dogs -quick", config="english")) == [2]
    assert await found(words.matches('"quick fox" or dog', config="english")) == [2, 3]
    assert await found(words.matches("brown fox", syntax="phrase", config="english")) == [1]
    assert await found(words.matches("fox quick", syntax="plain", config="english")) == [1]
    assert await found(words.matches("fo:* & !dog", syntax="raw", config="english")) == [1]
    assert await query.filter(words__matches="fox").count() == 2
    assert await found(words.matches("'; DROP TABLE pages; --", config="english")) == []
    assert await pages.query(models.Page).count() == 3


async def test_a_search_is_ordered_by_rank(pages: AsyncSession, models: Any) -> None:
    words = models.Page.words
    rank = words.rank("fox", config="english")
    query = pages.query(models.Page).filter(words.matches("fox", config="english"))
    assert await query.order_by(rank.desc()).scalars(models.Page.id) == [2, 1]
    (top,) = await query.order_by(rank.desc()).limit(1).scalars(rank)
    assert 0 < top < 1


async def test_a_text_is_searched_as_a_document(session: AsyncSession) -> None:
    ada = await session.insert(User(name="Ada"))
    await session.insert(Post(author=ada, title="t", body="Engines of analysis"))
    document = to_tsvector(Post.body, config="english")
    query = session.query(Post)
    assert await query.filter(document.matches("engine", config="english")).count() == 1
    assert (
        await query.filter(to_tsvector(Post.body, config="simple").matches("engine")).count() == 0
    )
    assert (await query.scalars(document.rank("analysis", config="english")))[0] > 0


async def test_a_wrong_search_is_refused_when_it_is_made(pages: AsyncSession, models: Any) -> None:
    words = models.Page.words
    with pytest.raises(UsageError, match="a search must be a string"):
        words.matches(3)
    with pytest.raises(UsageError, match="'phrase'"):
        words.matches("x", syntax="phase")
    wrong: Any = "body"
    with pytest.raises(UsageError, match=r"Post\.body"):
        to_tsvector(wrong)


async def test_vectors_are_ordered_by_distance(pages: AsyncSession, models: Any) -> None:
    place = models.Page.place
    query = pages.query(models.Page)
    near = query.filter(place__isnull=False)
    assert await near.order_by(place.l2_distance([0, 1, 0])).scalars(models.Page.id) == [2, 1]
    (row,) = await query.filter(id=2).values_list(
        place.l2_distance([0, 1, 0]),
        place.cosine_distance([0, 1, 0]),
        place.negative_inner_product([1, 3, 0]),
        place.l1_distance([1, 1, 1]),
        place.l2_distance(place),
    )
    assert row == (1.0, 0.0, -6.0, 3.0, 0.0)
    assert await query.filter(place.l2_distance([1, 0, 0]) < 0.5).scalars(models.Page.id) == [1]
    with pytest.raises(InvalidValue, match=r"Page\.place needs numbers"):
        place.l2_distance(["x"])
