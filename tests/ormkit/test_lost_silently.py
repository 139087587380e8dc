"""What would be lost without a word is refused: lists changed by hand, locks that nothing holds."""

from __future__ import annotations

import copy
import inspect
import pickle
from typing import Any

import pytest

from examples.blog.db import Comment, Post, Tag, User
from ormkit import AsyncSession, NotLoaded, UsageError, exists, jsonload, noload, selectinload


@pytest.fixture
async def post(session: AsyncSession) -> Post:
    ada = await session.insert(User(name="Ada"))
    post = await session.insert(Post(author=ada, title="t"))
    tags = await session.insert_all([Tag(name="a"), Tag(name="b")])
    await session.related(post, Post.tags).add(*tags)
    return post


CHANGES: dict[str, Any] = {
    "append": lambda tags: tags.append(Tag(name="c")),
    "extend": lambda tags: tags.extend([Tag(name="c")]),
    "insert": lambda tags: tags.insert(0, Tag(name="c")),
    "remove": lambda tags: tags.remove(tags[0]),
    "pop": lambda tags: tags.pop(),
    "clear": lambda tags: tags.clear(),
    "assign an element": lambda tags: tags.__setitem__(0, Tag(name="c")),
    "assign a slice": lambda tags: tags.__setitem__(slice(None), []),
    "delete an element": lambda tags: tags.__delitem__(0),
    "add in place": lambda tags: tags.__iadd__([Tag(name="c")]),
    "repeat in place": lambda tags: tags.__imul__(0),
}
LOADS = {"selectinload": selectinload, "jsonload": jsonload, "noload": noload}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("load", LOADS)
async def test_a_loaded_list_refuses_to_be_changed(
    session: AsyncSession, post: Post, load: str, change: str
) -> None:
    async with session.begin() as tx:
        found = await tx.query(Post).options(LOADS[load](Post.tags)).one()
        held = list(found.tags)
        with pytest.raises((UsageError, IndexError), match=r"related\(post, Post\.tags\)|index"):
            CHANGES[change](found.tags)
        assert found.tags == held
    assert await session.query(Post).filter(Post.tags.any()).count() == 1


async def test_a_loaded_list_is_a_list_in_all_else(session: AsyncSession, post: Post) -> None:
    found = await session.query(Post).options(selectinload(Post.tags)).one()
    assert isinstance(found.tags, list)
    found.tags.sort(key=lambda tag: tag.name, reverse=True)
    assert [tag.name for tag in found.tags] == ["b", "a"]
    assert found.tags == [*found.tags]
    for copied in (copy.copy(found), copy.deepcopy(found), pickle.loads(pickle.dumps(found))):
        assert [tag.name for tag in copied.tags] == ["b", "a"]
        with pytest.raises(UsageError, match="would never be written"):
            copied.tags.append(Tag(name="c"))
    removed = found.tags[0]
    await session.related(found, Post.tags).remove(removed)
    assert [tag.name for tag in found.tags] == ["a"]
    with pytest.raises(UsageError):
        found.tags.append(removed)


async def test_a_lock_outside_a_transaction_is_refused(session: AsyncSession, post: Post) -> None:
    locked = session.query(Post).for_update(skip_locked=True)
    calls: list[Any] = [
        lambda: locked.all(),
        lambda: locked.first(),
        lambda: locked.one(),
        lambda: session.query(Post).for_share().all(),
        lambda: locked.values("id").all(),
        lambda: session.query(User).filter(exists(locked)).all(),
        lambda: session.query(Post).filter(Post.id.in_(locked.subquery(Post.id))).all(),
        lambda: locked.only("id").all(),
        lambda: anext(aiter(locked.stream())),
    ]
    for call in calls:
        with pytest.raises(UsageError, match="nothing would be locked"):
            await call()
    assert "FOR UPDATE" in repr(locked)
    async with session.begin():
        assert len(await locked.all()) == 1
    # One statement locks what it changes for as long as it runs.
    first = locked.limit(1).subquery(Post.id)
    assert await session.query(Post).filter(Post.id.in_(first)).update(title="taken") == 1


async def test_a_key_and_an_object_that_contradict_are_refused(
    session: AsyncSession, post: Post
) -> None:
    ada = await session.query(User).one()
    assert Post(author=ada, author_id=ada.id, title="t").author_id == ada.id
    for author, key in ((ada, 99), (User(name="new"), 99), (ada, None)):
        wrong: Any = key
        with pytest.raises(UsageError, match=r"Post\.author and author_id are both given"):
            Post(author=author, author_id=wrong, title="t")
    with pytest.raises(UsageError, match=r"Comment\.author and author_id"):
        Comment(post=post, author=None, author_id=1, body="b")
    assert Comment(post=post, author=None, author_id=None, body="b").author_id is None


async def test_an_object_that_is_added_twice_is_inserted_once(session: AsyncSession) -> None:
    async with session.begin() as tx:
        user = User(name="Ada")
        tx.add(user)
        tx.add(user)
        tx.add_all([user, user])
    assert await session.query(User).count() == 1


async def test_what_is_not_loaded_is_never_taken_for_a_value(
    session: AsyncSession, post: Post
) -> None:
    assert not issubclass(NotLoaded, AttributeError)
    found = await session.get_or_raise(Post, post.id)
    unloaded: Any = found
    with pytest.raises(NotLoaded):
        hasattr(unloaded, "tags")
    with pytest.raises(NotLoaded):
        getattr(unloaded, "tags", [])
    with pytest.raises(NotLoaded):
        match unloaded:
            case Post(author=None):
                pass
    assert "tags" not in dir(found)
    assert "title" in dict(inspect.getmembers(found))
    await session.load(found, Post.tags)
    assert "tags" in dict(inspect.getmembers(found))
    for copied in (copy.copy(found), copy.deepcopy(found), pickle.loads(pickle.dumps(found))):
        assert len(copied.tags) == 2
        with pytest.raises(NotLoaded):
            _ = copied.author
    with pytest.raises(AttributeError):
        _ = User(name="new").id
