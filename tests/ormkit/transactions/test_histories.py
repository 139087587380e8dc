"""Random histories of the unit of work, held against a model of plain dicts."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from examples.blog.db import Post, User
from ormkit import AsyncSession, Engine, Transaction
from tests.lengths import examples

NUMBERS = st.integers(0, 5)
#: Names of the steps; each takes three small numbers, which choose rows and values.
STEPS = (
    *("add_user", "insert_user", "add_post", "insert_posts", "upsert_user"),
    *("set_age", "set_setting", "add_keyword", "set_author", "update_user", "bulk_update"),
    *("update_query", "delete_query", "remove_user", "remove_post", "flush", "read"),
)
STEP = st.tuples(st.sampled_from(STEPS), NUMBERS, NUMBERS, NUMBERS)
#: A block is a list of steps and blocks, and whether it is kept.
BLOCK = st.recursive(
    st.tuples(st.lists(STEP, max_size=6), st.booleans()),
    lambda inner: st.tuples(st.lists(STEP | inner, max_size=6), st.booleans()),
    max_leaves=4,
)


class Undone(Exception):
    """Ends a block that is not to be kept."""


class World:
    """The rows as they should be once everything is written: fields by model and id."""

    def __init__(self) -> None:
        self.users: dict[int, dict[str, Any]] = {}
        self.posts: dict[int, dict[str, Any]] = {}
        self._ids = 0

    def new_id(self) -> int:
        self._ids += 1
        return self._ids

    def saved(self) -> tuple[Any, Any]:
        return copy.deepcopy((self.users, self.posts))

    def restore(self, saved: tuple[Any, Any]) -> None:
        self.users, self.posts = copy.deepcopy(saved)

    @staticmethod
    def one_of(rows: dict[int, Any], number: int) -> int | None:
        return sorted(rows)[number % len(rows)] if rows else None


class Player:
    """Plays a history on a session and on the world side by side."""

    def __init__(self, session: AsyncSession, world: World) -> None:
        self.session = session
        self.world = world

    async def play(self, block: Any) -> None:
        """Play a block and the blocks within it, and compare what it leaves."""
        steps, is_kept = block
        saved = self.world.saved()
        try:
            async with self.session.begin() as tx:
                for step in steps:
                    if isinstance(step[0], str):
                        await getattr(self, step[0])(tx, *step[1:])
                    else:
                        await self.play(step)
                        await self.compare(tx)
                if not is_kept:
                    raise Undone
        except Undone:
            self.world.restore(saved)

    async def compare(self, tx: Transaction) -> None:
        """See that the objects of the transaction are what they should be, written or not."""
        users = {each.id: each for each in await tx.query(User).all()}
        posts = {each.id: each for each in await tx.query(Post).all()}
        assert {number: user_fields(each) for number, each in users.items()} == self.world.users
        assert {number: post_fields(each) for number, each in posts.items()} == self.world.posts
        assert all([await tx.get(User, number) is each for number, each in users.items()])

    def user(self, a: int, b: int) -> User:
        number = self.world.new_id()
        self.world.users[number] = {"name": f"u{a}", "age": b, "settings": {}}
        return User(id=number, name=f"u{a}", age=b)

    async def post(self, tx: Transaction, a: int, b: int) -> Post | None:
        author = self.world.one_of(self.world.users, a)
        if author is None:
            return None
        number = self.world.new_id()
        self.world.posts[number] = {"author_id": author, "views": b, "keywords": []}
        return Post(id=number, author=await found(tx, author), title="t", views=b)

    async def add_user(self, tx: Transaction, a: int, b: int, _: int) -> None:
        tx.add(self.user(a, b))

    async def insert_user(self, tx: Transaction, a: int, b: int, _: int) -> None:
        await tx.insert(self.user(a, b))

    async def upsert_user(self, tx: Transaction, a: int, b: int, c: int) -> None:
        number = self.world.one_of(self.world.users, a) if c % 2 else None
        number = number if number is not None else self.world.new_id()
        kept = self.world.users.get(number, {"settings": {}})
        self.world.users[number] = {**kept, "name": "up", "age": b}
        user = User(id=number, name="up", age=b)
        await tx.flush()
        await tx.upsert(user, update_fields=["name", "age"])

    async def add_post(self, tx: Transaction, a: int, b: int, _: int) -> None:
        if (post := await self.post(tx, a, b)) is not None:
            tx.add(post)

    async def insert_posts(self, tx: Transaction, a: int, b: int, c: int) -> None:
        posts = [await self.post(tx, a + n, b) for n in range(c % 3)]
        await tx.insert_all([each for each in posts if each is not None])

    async def set_age(self, tx: Transaction, a: int, b: int, c: int) -> None:
        if (number := self.world.one_of(self.world.users, a)) is not None:
            (await found(tx, number)).age = 10 * b + c
            self.world.users[number]["age"] = 10 * b + c

    async def set_setting(self, tx: Transaction, a: int, b: int, c: int) -> None:
        if (number := self.world.one_of(self.world.users, a)) is not None:
            (await found(tx, number)).settings[f"k{b}"] = [c]
            self.world.users[number]["settings"][f"k{b}"] = [c]

    async def add_keyword(self, tx: Transaction, a: int, b: int, _: int) -> None:
        if (number := self.world.one_of(self.world.posts, a)) is not None:
            (await tx.get_or_raise(Post, number)).keywords.append(f"w{b}")
            self.world.posts[number]["keywords"].append(f"w{b}")

    async def set_author(self, tx: Transaction, a: int, b: int, _: int) -> None:
        number = self.world.one_of(self.world.posts, a)
        author = self.world.one_of(self.world.users, b)
        if number is not None and author is not None:
            post = await tx.get_or_raise(Post, number)
            post.author = await found(tx, author)
            self.world.posts[number]["author_id"] = author

    async def update_user(self, tx: Transaction, a: int, b: int, _: int) -> None:
        if (number := self.world.one_of(self.world.users, a)) is not None:
            await tx.update(await found(tx, number), name=f"n{b}", age=User.age + 1)
            self.world.users[number]["name"] = f"n{b}"
            self.world.users[number]["age"] += 1

    async def bulk_update(self, tx: Transaction, a: int, b: int, c: int) -> None:
        chosen = sorted(self.world.users)[a : a + c]
        users = [await found(tx, number) for number in chosen]
        for place, user in enumerate(users):
            user.age = b + place
            self.world.users[user.id]["age"] = b + place
        await tx.bulk_update(users, ["age"])

    async def update_query(self, tx: Transaction, a: int, b: int, _: int) -> None:
        changed = await tx.query(User).filter(age__gte=a).update(age=User.age + b)
        hit = [each for each in self.world.users.values() if each["age"] >= a]
        for each in hit:
            each["age"] += b
        assert changed == len(hit)

    async def delete_query(self, tx: Transaction, a: int, _: int, __: int) -> None:
        gone = [number for number, each in self.world.posts.items() if each["views"] == a]
        assert await tx.query(Post).filter(views=a).delete() == len(gone)
        for number in gone:
            del self.world.posts[number]

    async def remove_user(self, tx: Transaction, a: int, _: int, __: int) -> None:
        if (number := self.world.one_of(self.world.users, a)) is not None:
            await tx.remove(await found(tx, number))
            del self.world.users[number]
            posts = self.world.posts
            self.world.posts = {k: v for k, v in posts.items() if v["author_id"] != number}

    async def remove_post(self, tx: Transaction, a: int, _: int, __: int) -> None:
        if (number := self.world.one_of(self.world.posts, a)) is not None:
            await tx.remove(await tx.get_or_raise(Post, number))
            del self.world.posts[number]

    async def flush(self, tx: Transaction, *_: int) -> None:
        await tx.flush()
        rows = await tx.query(User).values("id", "name", "age", "settings")
        assert {row.pop("id"): row for row in rows} == self.world.users

    async def read(self, tx: Transaction, *_: int) -> None:
        await self.compare(tx)


async def found(tx: Transaction, number: int) -> User:
    return await tx.get_or_raise(User, number)


def user_fields(user: User) -> dict[str, Any]:
    return {"name": user.name, "age": user.age, "settings": user.settings}


def post_fields(post: Post) -> dict[str, Any]:
    return {"author_id": post.author_id, "views": post.views, "keywords": post.keywords}


@settings(
    max_examples=examples(100),
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(history=st.lists(BLOCK, min_size=1, max_size=4))
async def test_what_a_history_leaves_is_what_it_says(engine: Engine, history: list[Any]) -> None:
    session = AsyncSession(engine)
    await session.query(User).delete()
    world = World()
    player = Player(session, world)
    for block in history:
        await player.play(block)
        users = {each.id: user_fields(each) for each in await session.query(User).all()}
        posts = {each.id: post_fields(each) for each in await session.query(Post).all()}
        assert (users, posts) == (world.users, world.posts)
