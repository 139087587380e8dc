"""query.into() of generic classes: their arguments are the types of the fields."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec
import pydantic
import pytest
from typing_extensions import TypedDict

from examples.blog.db import Post, User
from ormkit import AsyncSession, InvalidValue

T = TypeVar("T")
V = TypeVar("V")


@dataclass
class Title:
    title: str


@dataclass
class Boxed(Generic[T, V]):
    name: V
    posts: list[T]


@dataclass
class Named(Boxed[T, str]):
    age: int | None = None


@dataclass
class Closed(Named[Title]):
    """A class whose bases name all arguments."""


@dataclass
class Other(Boxed[Title, T], Generic[T]):
    """A class whose type variable has another place in its base."""


class Pair(NamedTuple, Generic[T]):
    name: str
    posts: tuple[T, ...]


class Keyed(TypedDict, Generic[T]):
    name: str
    posts: list[T]


class Struct(msgspec.Struct, Generic[T]):
    name: str
    posts: list[T]


class Shown(pydantic.BaseModel, Generic[T]):
    name: str
    posts: list[T]


@dataclass
class Outer(Generic[T]):
    title: str
    author: T | None


KINDS: list[Any] = [
    *(Boxed[Title, str], Named[Title], Closed, Other[str], Pair[Title], Keyed[Title]),
    *(Struct[Title], Shown[Title]),
]


@pytest.fixture
async def session(session: AsyncSession) -> AsyncSession:
    await session.insert(User(name="Ada"))
    await session.insert(Post(title="one", author_id=1))
    return session


@pytest.mark.parametrize("kind", KINDS, ids=str)
async def test_the_arguments_of_a_generic_class_are_the_types_of_its_fields(
    session: AsyncSession, kind: Any
) -> None:
    found = await session.query(User).into(kind).one()
    name, posts = (
        (found["name"], found["posts"]) if isinstance(found, dict) else (found.name, found.posts)
    )
    assert (name, list(posts)) == ("Ada", [Title("one")])
    if isinstance(kind, type):
        assert type(found) is kind


async def test_generic_classes_are_nested_in_each_other(session: AsyncSession) -> None:
    tree: Any = Outer[Boxed[Outer[Pair[Title]], str]]
    found = await session.query(Post).into(tree).one()
    inner = found.author.posts[0]
    assert inner == Outer("one", Pair("Ada", (Title("one"),)))
    raw = await session.execute_raw("SELECT title, NULL AS author FROM posts")
    assert raw.into(Outer[str]) == [Outer("one", None)]


async def test_an_argument_of_the_wrong_type_is_refused(session: AsyncSession) -> None:
    with pytest.raises(InvalidValue, match=r"Boxed\.name is int, and User\.name is read as str"):
        await session.query(User).into(Boxed[Title, int])
