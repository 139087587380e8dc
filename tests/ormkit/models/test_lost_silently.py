"""What would be lost without a word is refused: lists changed by hand, locks that nothing holds."""

from __future__ import annotations

import copy
import inspect
import pickle
from typing import Any

import pytest

from examples.blog.db import Comment, Post, Tag, User
from ormkit import (
    AsyncSession,
    ConfigurationError,
    Engine,
    NewConnection,
    NotLoaded,
    Transaction,
    UsageError,
    create_engine,
    exists,
    joinedload,
    jsonload,
    noload,
    selectinload,
)


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


WRITES: dict[str, Any] = {
    "insert": lambda session, post: session.insert(post),
    "insert_all": lambda session, post: session.insert_all([post]),
    "upsert": lambda session, post: session.upsert(post),
    "upsert_all": lambda session, post: session.upsert_all([post]),
    "copy_in": lambda session, post: session.copy_in(Post, [post]),
}


@pytest.mark.parametrize("write", [*WRITES, "add"])
async def test_a_key_that_was_changed_after_its_object_is_refused(
    session: AsyncSession, write: str
) -> None:
    ada, eve = await session.insert_all([User(name="Ada"), User(name="Eve")])

    async def store(post: Post) -> None:
        if write != "add":
            await WRITES[write](session, post)
            return
        async with session.begin() as tx:
            tx.add(post)

    for author in (ada, User(name="new")):
        post = Post(id=7, author=author, title="t")
        post.author_id = eve.id
        with pytest.raises(UsageError, match=r"Post\.author and author_id contradict each other"):
            await store(post)
        assert await session.query(Post).count() == 0
        assert post.author_id == eve.id
    post = Post(id=7, author=User(name="new"), title="t")
    nothing: Any = None
    post.author_id = nothing
    with pytest.raises(UsageError, match=r"Post\.author and author_id contradict each other"):
        await store(post)
    post.author = ada
    await store(post)
    assert (await session.query(Post).one()).author_id == ada.id


async def test_a_key_that_was_set_beside_no_object_is_refused(
    session: AsyncSession, post: Post
) -> None:
    comment = Comment(post=post, author=None, body="b")
    comment.author_id = post.author_id
    with pytest.raises(UsageError, match=r"Comment\.author and author_id contradict"):
        await session.insert(comment)


async def test_a_key_follows_its_object_to_the_row_that_an_upsert_found(
    session: AsyncSession,
) -> None:
    stored = await session.insert(User(name="Ada", email="ada@example.com"))
    ada = User(id=99, name="Ada", email="ada@example.com")
    post = Post(author=ada, title="t")
    assert post.author_id == 99
    await session.upsert(ada, conflict_target=["email"])
    await session.insert(post)
    assert post.author_id == ada.id == stored.id


async def test_an_object_that_was_read_takes_the_key_that_it_was_given(
    session: AsyncSession, post: Post
) -> None:
    eve = await session.insert(User(name="Eve"))
    found = await session.query(Post).options(joinedload(Post.author)).one()
    found.author_id = eve.id
    await session.upsert(found)
    assert (await session.query(Post).one()).author_id == eve.id
    with pytest.raises(NotLoaded):
        _ = found.author


async def test_a_second_object_of_a_held_row_is_refused(session: AsyncSession, post: Post) -> None:
    elsewhere = await session.get_or_raise(Post, post.id)
    async with session.begin() as tx:
        held = await tx.get_or_raise(Post, post.id)
        held.title = "changed"
        with pytest.raises(UsageError, match="holds another Post object for the same row"):
            tx.attach(elsewhere)
        tx.attach(held)
    assert (await session.get_or_raise(Post, post.id)).title == "changed"
    with pytest.raises(UsageError, match="holds another Post"):
        async with session.begin() as tx:
            tx.attach(elsewhere, copy.copy(elsewhere))


async def test_what_is_changed_on_a_replaced_object_is_never_lost(session: AsyncSession) -> None:
    first = await session.insert(User(name="Ada", email="ada@example.com"))

    def again(name: str) -> User:
        return User(name=name, email="ada@example.com")

    async with session.begin() as tx:
        for name in ("a", "b"):
            await tx.upsert(again(name), conflict_target=["email"])
        last = await tx.upsert(again("c"), conflict_target=["email"])
        last.age = 5
    assert (await session.get_or_raise(User, first.id)).age == 5
    with pytest.raises(
        UsageError,
        match=r"User\.name was changed on an object that is no longer in the transaction",
    ):
        async with session.begin() as tx:
            held = await tx.get_or_raise(User, first.id)
            await tx.upsert(again("d"), conflict_target=["email"])
            held.name = "lost"
    async with session.begin() as tx:
        held = await tx.get_or_raise(User, first.id)
        await tx.upsert(again("d"), conflict_target=["email"])
        await tx.update(held, name="written")
    assert (await session.get_or_raise(User, first.id)).name == "written"
    async with session.begin() as tx:
        held = await tx.get_or_raise(User, first.id)
        with pytest.raises(ZeroDivisionError):
            async with tx.begin():
                await tx.upsert(again("undone"), conflict_target=["email"])
                raise ZeroDivisionError
        held.name = "first"
    assert (await session.get_or_raise(User, first.id)).name == "first"


IGNORED: list[dict[str, Any]] = [
    {"read_only": False},
    {"isolation": "repeatable read"},
    {"isolation": "read committed", "read_only": True},
    {"isolation": "serializable", "read_only": False},
]


@pytest.mark.parametrize("options", IGNORED)
async def test_a_mode_that_postgresql_would_ignore_is_refused(
    session: AsyncSession, engine: Engine, options: dict[str, Any]
) -> None:
    async def work(tx: Transaction) -> None:
        raise AssertionError

    for begin in (session.begin, engine.transaction):
        with pytest.raises(ConfigurationError, match="deferrable=True has an effect only"):
            begin(deferrable=True, **options)
    for run in (session.run, engine.run):
        with pytest.raises(ConfigurationError, match="deferrable=True has an effect only"):
            await run(work, deferrable=True, **options)
    async with session.begin(deferrable=False, **options):
        pass


UNDONE_AT_ONCE = [
    "SET LOCAL work_mem = '1MB'",
    "set/* */local\f role none",
    "; -- x\r SET LOCAL app.tenant = '1'",
    "SET TRANSACTION READ ONLY",
    "SET CONSTRAINTS ALL DEFERRED",
    "LOCK TABLE users",
    "lock users IN EXCLUSIVE MODE",
    "DECLARE c CURSOR FOR SELECT 1",
    "DECLARE c BINARY INSENSITIVE NO SCROLL CURSOR WITHOUT HOLD FOR SELECT 1",
    'DECLARE "with hold" CURSOR FOR SELECT 1',
    'DECLARE c CURSOR FOR SELECT 1 AS "WITH HOLD" -- WITH HOLD',
    "SAVEPOINT s",
]


@pytest.mark.parametrize("sql", UNDONE_AT_ONCE)
async def test_what_would_be_undone_at_once_is_refused_outside_a_transaction(
    session: AsyncSession, engine: Engine, sql: str
) -> None:
    calls: list[Any] = [
        lambda: engine.execute(sql),
        lambda: session.execute_raw(sql),
        lambda: engine.execute_many(sql, [[]]),
        lambda: session.execute_raw_many(sql, []),
    ]
    for call in calls:
        with pytest.raises(UsageError, match=r"begin\("):
            await call()
    if "SAVEPOINT" in sql:
        return
    async with session.begin() as tx:
        await tx.execute_raw(sql)


async def test_what_init_would_lose_is_refused(database_url: str) -> None:
    async def init(connection: NewConnection) -> None:
        await connection.execute("SET LOCAL work_mem = '1MB'")

    with pytest.raises(UsageError, match="SET LOCAL has no effect outside a transaction"):
        await create_engine(database_url, init=init)


async def test_what_lasts_is_taken_outside_a_transaction(engine: Engine) -> None:
    for sql in (
        "SET work_mem = '1MB'",
        "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE",
        "DECLARE c CURSOR WITH HOLD FOR SELECT 1",
        'DECLARE "for ""x" SCROLL CURSOR with /* */ hold FOR SELECT 1',
    ):
        await engine.execute(sql)


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
    kind: Any = Post
    with pytest.raises(NotLoaded):
        match unloaded:
            case kind(author=None):
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
