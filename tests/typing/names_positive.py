"""What the type checkers make of right names, given as text or as attributes. Never run."""

from __future__ import annotations

from typing import Any, TypeVar, assert_type

from examples.blog.db import Comment, PartialUser, Post, PostQuery, User, UserQuery
from ormkit import (
    AsyncSession,
    Engine,
    Load,
    Model,
    Query,
    Queryable,
    Rows,
    func,
    joinedload,
    jsonload,
    selectinload,
)

M = TypeVar("M", bound=Model)
K = TypeVar("K")


async def columns(session: AsyncSession) -> None:
    query = session.query(User)
    assert_type(query.distinct_on("role", User.age), UserQuery)
    assert_type(query.values("id", User.name, "post_count"), Rows[dict[str, Any]])
    assert_type(query.values_list("id", User.name), Rows[tuple[Any, ...]])
    assert_type(query.values_list("name", flat=True), Rows[Any])
    assert_type(
        query.values_list("id", "name", "email", "age", "bio", "role", User.status),
        Rows[tuple[Any, ...]],
    )
    print(await query.sum("age"), await query.avg("age"), await query.max("created_at"))
    by_role = query.group_by("role", User.status).annotate(
        n=func.count(), oldest=func.max(User.age)
    )
    assert_type(
        await by_role.having(func.count() > 3).order_by("-n").values(), list[dict[str, Any]]
    )
    ordered = query.annotate(size=func.length(User.name)).order_by("size", "-name")
    assert_type(await ordered.limit(3).all(), list[User])
    assert_type(await ordered.values("size", "id"), list[dict[str, Any]])


async def paths(session: AsyncSession) -> None:
    query = session.query(Post)
    assert_type(query.order_by("author__name", "-author__age", Post.id), PostQuery)
    assert_type(query.values("title", "author__name", "author__post_count"), Rows[dict[str, Any]])
    assert_type(query.values_list("author__name", Post.title), Rows[tuple[Any, ...]])
    assert_type(query.values_list("author__name", flat=True), Rows[Any])
    by_author = query.group_by("author__role", Post.status).annotate(n=func.count())
    await by_author.order_by("author__role", "-n").values("author__role", "n")
    query.distinct_on("author__name").order_by("author__name")
    print(await query.sum("author__age"), await query.max("author__created_at"))
    query.only("title").order_by("-author__name")
    await query.limit(3).order_by("author__name").page()
    far = session.query(Comment).order_by(Comment.post.value(Post.author.value(User.name)), "id")
    far.values("post__title", "author__name")
    await query.update(views=0)
    selectinload(User.posts).order_by("author__name", "-author__id")


def accepts(query: UserQuery) -> UserQuery:
    return query.filter(age__gte=18)


async def annotated_queries_are_queries(session: AsyncSession, with_size: bool) -> None:
    query = session.query(User)
    if with_size:
        query = query.annotate(size=func.length(User.name))
    accepts(query)
    accepts(session.query(User).annotate(size=func.length(User.name)))


async def partial(session: AsyncSession, user: User) -> None:
    query = session.query(User).only("name", User.age).filter(age__gte=3).exclude(name="x")
    part = await query.order_by("-age").with_computed("post_count").one()
    assert_type(part, PartialUser)
    assert_type(part.name, str)
    assert_type(part.age, int | None)
    assert_type(part.post_count, int)
    assert_type(part.posts, list[Post])
    assert_type(await session.update(part, name="x"), PartialUser)
    await session.load(part, "posts", User.profile)
    both: list[PartialUser] = [part, user]
    print(both)


async def relationships(session: AsyncSession, user: User) -> None:
    query = session.query(User)
    posts = selectinload(User.posts)
    assert_type(posts, Load[User, Post])
    assert_type(query.options(selectinload("posts"), joinedload("profile")), UserQuery)
    query.options(selectinload("posts").joinedload("author").selectinload(User.posts))
    query.options(jsonload("posts").filter(views__gt=3).order_by("-id").limit(3))
    query.options(posts.selectinload("comments"), joinedload(User.profile))
    session.query(Post).options(joinedload("author")).for_update(of=["author"])
    session.query(Post).options(joinedload("author")).for_share(of=[Post.author], nowait=True)
    await session.load(user, "posts", User.profile, posts.selectinload(Post.comments))
    await session.load((each for each in [user]), "posts", User.post_count)


async def writing(session: AsyncSession, engine: Engine, user: User) -> None:
    assert_type(await session.upsert(user, conflict_target="email"), User)
    assert_type(await session.upsert(user, conflict_target=["id", User.email]), User)
    assert_type(await session.upsert(user, update_fields=[User.name, "age"]), User)
    assert_type(await session.upsert(user, conflict_target=User.email, do_nothing=True), User)
    assert_type(await session.upsert_all([user], update_fields=["name"]), list[User])
    assert_type(await session.upsert_all([User(name="x")], conflict_target=User.email), list[User])
    assert_type(await session.bulk_update([user]), list[User])
    assert_type(await session.bulk_update([user], ["name", User.age]), list[User])
    assert_type(await session.bulk_update((each for each in [user]), fields=["name"]), list[User])
    assert_type(await session.copy_in(User, [("a", 3)], columns=["name", User.age]), int)
    assert_type(await engine.copy_in(User, [["a"]], columns=[User.name]), int)
    assert_type(await engine.copy_in("users", [("a",)], columns=["name"]), int)


async def generic(session: AsyncSession, model: type[Queryable[Query[M, K]]], one: M) -> M:
    query = session.query(model)
    await query.group_by("name").values("name")
    await query.only("name").all()
    await session.upsert_all([one], conflict_target="email", update_fields=["name"])
    await session.bulk_update([one], ["name"])
    await session.load(one, "posts")
    await session.load([one], "posts")
    await session.upsert(one, conflict_target="email")
    assert_type(await session.upsert_all([one]), list[M])
    assert_type(await session.bulk_update([one]), list[M])
    return await session.upsert(one)


async def keys(session: AsyncSession) -> None:
    assert_type(await session.get(User, 1, coalesce=False, include_deleted=True), User | None)
    assert_type(await session.get_or_raise(User, 1, include_deleted=True), User)
    async with session.begin() as tx:
        assert_type(await tx.get(User, 1, include_deleted=True), User | None)
