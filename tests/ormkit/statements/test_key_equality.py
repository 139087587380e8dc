"""Relationships over keys that PostgreSQL takes as equal where Python does not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ormkit import AsyncSession, create_engine, joinedload, jsonload, selectinload
from ormkit.driver.command import Command
from ormkit.driver.connection import Connection
from ormkit.statements import table_facts
from tests.generated import import_models
from tests.servers import Server

#: PostgreSQL and the code say the same on every interpreter.
pytestmark = pytest.mark.one_interpreter

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

COLLATION = """
CREATE COLLATION ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
"""
COLLATED = "ALTER TABLE {} ALTER {} TYPE text COLLATE ci;"
AUTHORS = COLLATED.format("author", "name")
BOOKS = COLLATED.format("book", "author_name")
LINKS = COLLATED.format("author_genres", "author_name")
DOMAIN = """
CREATE EXTENSION citext;
ALTER TABLE book DROP CONSTRAINT book_author_name_fkey;
ALTER TABLE author_genres DROP CONSTRAINT author_genres_author_name_fkey;
CREATE DOMAIN code AS citext; CREATE DOMAIN name AS code;
ALTER TABLE author ALTER name TYPE public.name;
ALTER TABLE book ALTER author_name TYPE public.name;
ALTER TABLE author_genres ALTER author_name TYPE public.name;
"""
Loose = tuple[AsyncSession, Any, Any, Any]
#: The types of both keys, two spellings of one key, and what is done to the tables.
KEYS = {
    "citext": ("citext", "citext", "Ada", "ADA", ""),
    "char": ("char(5)", "char(8)", "Ada", "Ada", ""),
    "collation": ("text", "text", "Ada", "ADA", COLLATION + AUTHORS + BOOKS + LINKS),
    "one collation": ("varchar(9)", "text", "Ada", "aDA", COLLATION + AUTHORS),
    "other collation": ("text", "text", "Ada", "Ada", COLLATION + BOOKS),
    "domain": ("text", "text", "Ada", "ADA", DOMAIN),
    "numeric": ("numeric", "numeric(9, 3)", Decimal("1.0"), Decimal("1.000"), ""),
    "not a number": ("numeric", "numeric", Decimal("NaN"), Decimal("NaN"), ""),
    "zero": ("double precision", "double precision", 0.0, -0.0, ""),
    "no number": ("real", "real", float("nan"), float("nan"), ""),
}


@pytest.fixture(params=KEYS, ids=str)
def prepared(request: pytest.FixtureRequest, contrib_server: Server) -> Iterator[tuple[str, str]]:
    """The name of a kind of keys, and the URL of an empty database for it."""
    with contrib_server.database() as url:
        yield request.param, url


@pytest.fixture
async def loose(prepared: tuple[str, str], tmp_path: Path) -> AsyncIterator[Loose]:
    """A session and its models, and two spellings of one key."""
    kind, url = prepared
    key, foreign, name, spelling, changes = KEYS[kind]
    models = models_of(tmp_path, key, foreign)
    async with await create_engine(url) as engine:
        await engine.create_all(models.SCHEMA)
        for change in filter(str.strip, changes.split(";")):
            await engine.execute(change)
        yield AsyncSession(engine), models, name, spelling


def models_of(directory: Path, key: str, foreign: str) -> Any:
    """Return the models with keys of these types."""
    schema = SCHEMA.replace("KEY", key).replace("FOREIGN", foreign)
    (directory / "loose.toml").write_text(schema)
    return import_models(directory, directory / "loose.toml")


async def test_keys_that_postgresql_takes_as_equal_lead_to_each_other(loose: Loose) -> None:
    session, models, name, spelling = loose
    await session.insert(models.Author(name=name))
    await session.insert(models.Book(author_name=spelling))
    (genre,) = await session.insert_all([models.Genre()])
    await session.execute_raw("INSERT INTO author_genres VALUES ($1, $2)", [spelling, 1])
    kept = repr((await session.query(models.Author).one()).name)
    for load in (selectinload, jsonload):
        query = session.query(models.Author).options(load("books"), load("genres"))
        author = await query.one()
        assert [book.id for book in author.books] == [1]
        assert [each.id for each in author.genres] == [genre.id]
        part = load(models.Author.books).limit(1)
        assert len((await session.query(models.Author).options(part).one()).books) == 1
    for load in (selectinload, jsonload, joinedload):
        book = await session.query(models.Book).options(load("author")).one()
        assert repr(book.author.name) == kept
    # Also several owners, of which each has the key in a spelling of its own.
    await session.insert(models.Book(author_name=name))
    books = await session.query(models.Book).order_by("id").options(selectinload("author")).all()
    assert [repr(each.author.name) for each in books] == [kept, kept]
    for each in books:
        del each._author
    await session.load(books, "author")
    assert [repr(each.author.name) for each in books] == [kept, kept]
    async for each in session.query(models.Author).options(selectinload("books")).stream():
        assert len(each.books) == 2
    async with session.begin() as tx:
        one = await tx.query(models.Author).options(selectinload("books")).one()
        assert len(one.books) == 2
        assert await tx.get(models.Author, spelling) is one


async def test_many_lookups_at_once_find_what_one_finds(loose: Loose) -> None:
    session, models, name, spelling = loose
    await session.insert(models.Author(name=name))
    kept = repr((await session.query(models.Author).one()).name)
    keys = [name, spelling] * 4
    alone = await session.get(models.Author, spelling, coalesce=False)
    if alone is None:
        # A text under a collation that tells texts apart, in the table of authors.
        keys = [name] * 8
    for _ in range(2):
        found = await asyncio.gather(*[session.get(models.Author, key) for key in keys])
        assert [repr(each.name) for each in found] == [kept] * 8


async def test_plain_texts_are_looked_up_together(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = models_of(tmp_path, "text", "text")
    async with await create_engine(database_url) as engine:
        await engine.create_all(models.SCHEMA)
        session = AsyncSession(engine)
        names = [f"a{n}" for n in range(50)]
        await session.insert_all([models.Author(name=name) for name in names])
        sent: list[str] = []
        run = Connection.run

        async def counted(self: Any, command: Command, *args: Any, **named: Any) -> Any:
            sent.append(command.sql)
            return await run(self, command, *args, **named)

        monkeypatch.setattr(Connection, "run", counted)
        for _ in range(2):
            sent.clear()
            found = await asyncio.gather(*[session.get(models.Author, name) for name in names])
            assert [each.name for each in found] == names
            assert len(sent) <= 4


async def test_what_is_known_of_keys_has_a_limit(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = models_of(tmp_path, "text", "text")
    monkeypatch.setattr(table_facts, "LIMIT", 1)
    async with await create_engine(database_url) as engine:
        await engine.create_all(models.SCHEMA)
        session = AsyncSession(engine)
        await session.insert(models.Author(name="Ada"))
        await session.insert(models.Book(author_name="Ada"))
        (ada,) = await session.query(models.Author).options(selectinload("books")).all()
        assert len(ada.books) == 1
        connection = await engine.pool.acquire()
        assert len(connection.facts) == 1
        engine.pool.give(connection)
