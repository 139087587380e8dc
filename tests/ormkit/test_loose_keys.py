"""Relationships over keys that PostgreSQL takes as equal where Python does not."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from ormkit import AsyncSession, create_engine, joinedload, jsonload, selectinload
from tests.generated import import_models
from tests.servers import Server

SCHEMA = """
[models.Author.columns]
name = { type = "KEY", primary_key = true }

[models.Author.relationships]
books = { target = "Book", back_populates = "author" }
genres = { target = "Genre", secondary = "author_genres" }

[models.Book.columns]
id = { type = "bigint", primary_key = true }
author_name = { type = "FOREIGN", foreign_key = "author.name" }

[models.Book.relationships]
author = { target = "Author", back_populates = "books" }

[models.Genre.columns]
id = { type = "bigint", primary_key = true }
"""

KEYS = [("citext", "citext", "Ada", "ADA"), ("char(5)", "char(8)", "Ada", "Ada")]


@pytest.fixture(params=KEYS, ids=["citext", "char"])
def loose(
    request: pytest.FixtureRequest, contrib_server: Server, tmp_path: Any
) -> Iterator[tuple[str, Any, str, str]]:
    """A database and its models, and two spellings of one key."""
    key, foreign, name, spelling = request.param
    (tmp_path / "loose.toml").write_text(SCHEMA.replace("KEY", key).replace("FOREIGN", foreign))
    models = import_models(tmp_path, tmp_path / "loose.toml")
    with contrib_server.database() as url:
        yield url, models, name, spelling


def test_keys_that_postgresql_takes_as_equal_lead_to_each_other(
    loose: tuple[str, Any, str, str],
) -> None:
    url, models, name, spelling = loose

    async def found() -> None:
        async with await create_engine(url) as engine:
            await engine.create_all(models.SCHEMA)
            session = AsyncSession(engine)
            await session.insert(models.Author(name=name))
            await session.insert(models.Book(author_name=spelling))
            (genre,) = await session.insert_all([models.Genre()])
            await session.execute_raw("INSERT INTO author_genres VALUES ($1, $2)", [spelling, 1])
            for load in (selectinload, jsonload):
                query = session.query(models.Author).options(load("books"), load("genres"))
                author = await query.one()
                assert [book.id for book in author.books] == [1]
                assert [each.id for each in author.genres] == [genre.id]
            for load in (selectinload, jsonload, joinedload):
                book = await session.query(models.Book).options(load("author")).one()
                assert book.author.name.strip() == name

    asyncio.run(found())
