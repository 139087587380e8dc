"""Related sets of objects whose keys Python cannot hash: jsonb works, arrays are refused."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from ormkit import AsyncSession, UsageError, create_engine, jsonload
from tests.generated import import_models

SCHEMA = """
[models.Shelf.columns]
place = { type = "jsonb", primary_key = true }
[models.Shelf.relationships]
books = { target = "Book", back_populates = "shelf" }
themes = { target = "Theme", secondary = "Labelled" }

[models.Book.columns]
code = { type = "jsonb", primary_key = true }
shelf_place = { type = "jsonb?", foreign_key = "shelf.place" }
[models.Book.relationships]
shelf = { target = "Shelf", back_populates = "books" }

[models.Theme.columns]
key = { type = "jsonb", primary_key = true }

[models.Labelled.columns]
shelf_place = { type = "jsonb", primary_key = true, foreign_key = "shelf.place" }
theme_key = { type = "jsonb", primary_key = true, foreign_key = "theme.key" }

[models.Row.columns]
seats = { type = "integer[]", primary_key = true }
[models.Row.relationships]
guests = { target = "Guest", back_populates = "row" }

[models.Guest.columns]
names = { type = "text[]", primary_key = true }
row_seats = { type = "integer[]?", foreign_key = "row.seats" }
[models.Guest.relationships]
row = { target = "Row", back_populates = "guests" }
"""


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Any:
    directory = tmp_path_factory.mktemp("related_keys")
    (directory / "schema.toml").write_text(SCHEMA)
    return import_models(directory, directory / "schema.toml")


@pytest.fixture
async def session(database_url: str, models: Any) -> AsyncIterator[AsyncSession]:
    async with await create_engine(database_url) as engine:
        await engine.create_all(models.SCHEMA)
        yield AsyncSession(engine)


async def test_children_with_jsonb_keys(session: AsyncSession, models: Any) -> None:
    shelf = await session.insert(models.Shelf(place={"row": 1, "at": [2]}))
    books = await session.insert_all([models.Book(code=code) for code in ([1], {"a": 1}, "x")])
    related = session.related(shelf, models.Shelf.books)
    assert await related.add(*books[:2]) == 2
    assert await related.set(books[1:]) == (1, 1)
    (read,) = await session.query(models.Shelf).options(jsonload("books")).all()
    assert sorted(str(book.code) for book in read.books) == ["x", "{'a': 1}"]
    loaded = session.related(read, models.Shelf.books)
    assert await loaded.remove(read.books[0]) == 1
    assert len(read.books) == 1
    assert await loaded.clear() == 1
    assert read.books == []


async def test_links_with_jsonb_keys(session: AsyncSession, models: Any) -> None:
    shelf = await session.insert(models.Shelf(place=[1, {"b": None}]))
    keys: tuple[Any, ...] = ([1, 2], {"t": []}, True)
    themes = await session.insert_all([models.Theme(key=key) for key in keys])
    related = session.related(shelf, models.Shelf.themes)
    assert await related.add(*themes[:2]) == 2
    assert await related.add(themes[0]) == 0
    assert await related.set(themes[1:]) == (1, 1)
    (read,) = await session.query(models.Shelf).options(jsonload("themes")).all()
    loaded = session.related(read, models.Shelf.themes)
    assert await loaded.remove(themes[2]) == 1
    assert [theme.key for theme in read.themes] == [{"t": []}]
    assert await loaded.clear() == 1


async def test_keys_that_are_arrays_are_refused_before_anything_is_sent(
    session: AsyncSession, models: Any
) -> None:
    row = await session.insert(models.Row(seats=[1, 2]))
    with pytest.raises(UsageError, match=r"Row\.guests: related\(\) .*Guest\.names is an array"):
        session.related(row, models.Row.guests)
