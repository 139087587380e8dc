"""Nothing that reads attributes takes a relationship that was not loaded for a value."""

from __future__ import annotations

import copy
import inspect
import pickle
from types import GenericAlias
from typing import Any

import msgspec
import pydantic
import pytest

from examples.blog.db import Post, Tag, User
from ormkit import AsyncSession, NotLoaded, joinedload, selectinload

ADVICE = r"Post\.{} is not loaded: add \.options\({}\('{}'\)\)"
#: What reading each unloaded relationship says.
UNLOADED = {
    "tags": ADVICE.format("tags", "selectinload", "tags"),
    "author": ADVICE.format("author", "joinedload", "author"),
}


class Attributes(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(from_attributes=True)


class UserOut(Attributes):
    name: str


class TagOut(Attributes):
    name: str


class TagsOut(Attributes):
    title: str
    tags: list[TagOut] = []


class AuthorOut(Attributes):
    title: str
    author: UserOut | None = None


class UserStruct(msgspec.Struct):
    name: str


class TagsStruct(msgspec.Struct):
    title: str
    tags: list[UserStruct] = []


class AuthorStruct(msgspec.Struct):
    title: str
    author: UserStruct | None = None


VALIDATED: dict[str, Any] = {"tags": TagsOut, "author": AuthorOut}
CONVERTED: dict[str, Any] = {"tags": TagsStruct, "author": AuthorStruct}


@pytest.fixture
async def post(session: AsyncSession) -> Post:
    """A post with an author and a tag, neither of which is loaded."""
    ada = await session.insert(User(name="Ada"))
    post = await session.insert(Post(author_id=ada.id, title="t"))
    await session.related(post, Post.tags).add(await session.insert(Tag(name="a")))
    return await session.get_or_raise(Post, post.id)


@pytest.mark.parametrize("name", UNLOADED)
async def test_pydantic_refuses_what_is_not_loaded(post: Post, name: str) -> None:
    model = VALIDATED[name]
    with pytest.raises(pydantic.ValidationError, match=UNLOADED[name]):
        model.model_validate(post)
    adapter: Any = pydantic.TypeAdapter
    several = adapter(GenericAlias(list, model))
    with pytest.raises(pydantic.ValidationError, match=UNLOADED[name]):
        several.validate_python([post], from_attributes=True)


@pytest.mark.parametrize("name", UNLOADED)
async def test_msgspec_refuses_what_is_not_loaded(post: Post, name: str) -> None:
    with pytest.raises(NotLoaded, match=UNLOADED[name]):
        msgspec.convert(post, CONVERTED[name], from_attributes=True)


async def test_what_is_loaded_is_read_by_both(session: AsyncSession, post: Post) -> None:
    loaded = (
        await session.query(Post).options(selectinload(Post.tags), joinedload(Post.author)).one()
    )
    assert [tag.name for tag in TagsOut.model_validate(loaded).tags] == ["a"]
    assert AuthorOut.model_validate(loaded).author == UserOut(name="Ada")
    tags = msgspec.convert(loaded, TagsStruct, from_attributes=True).tags
    assert [tag.name for tag in tags] == ["a"]
    author = msgspec.convert(loaded, AuthorStruct, from_attributes=True).author
    assert author == UserStruct(name="Ada")


@pytest.mark.parametrize("name", UNLOADED)
async def test_python_takes_no_default_for_what_is_not_loaded(post: Post, name: str) -> None:
    def matched(value: Any) -> bool:
        kind: Any = Post
        match value:
            case kind(tags=[]) if name == "tags":
                return True
            case kind(author=None):
                return True
            case _:
                return False

    unloaded: Any = post
    for read in (
        lambda: hasattr(unloaded, name),
        lambda: getattr(unloaded, name, None),
        lambda: matched(unloaded),
    ):
        with pytest.raises(NotLoaded, match="is not loaded"):
            read()


@pytest.mark.parametrize("name", UNLOADED)
async def test_copies_hold_no_more_than_the_object(post: Post, name: str) -> None:
    copies = [copy.copy(post), copy.deepcopy(post)]
    copies += [
        pickle.loads(pickle.dumps(post, protocol))
        for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1)
    ]
    for copied in copies:
        assert (copied.id, copied.title) == (post.id, "t")
        with pytest.raises(NotLoaded, match=UNLOADED[name]):
            getattr(copied, name)


async def test_looking_at_all_attributes_leaves_out_what_is_not_loaded(
    session: AsyncSession, post: Post
) -> None:
    found = dict(inspect.getmembers(post))
    assert found["title"] == "t"
    assert not {"tags", "author"} & found.keys()
    await session.load(post, Post.tags)
    assert [tag.name for tag in dict(inspect.getmembers(post))["tags"]] == ["a"]
