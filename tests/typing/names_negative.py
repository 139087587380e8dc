"""Wrong names given as text: type checkers must report each line marked so, and no other line."""

from __future__ import annotations

from examples.blog.db import PartialUser, Post, Tag, User, UserQuery
from ormkit import AsyncSession, Engine, func, joinedload, jsonload, noload, selectinload


async def columns(session: AsyncSession) -> None:
    query = session.query(User)
    query.only("nmae")  # expect-error
    query.only("-name")  # expect-error
    query.only("posts")  # expect-error
    query.group_by("rol")  # expect-error
    query.group_by("role", "posts")  # expect-error
    query.group_by("-role")  # expect-error
    query.distinct_on("rol")  # expect-error
    query.distinct_on(Post.title)  # expect-error
    query.values("nmae")  # expect-error
    query.values("id", "nmae")  # expect-error
    query.values(Post.title)  # expect-error
    query.values_list("nmae")  # expect-error
    query.values_list("nmae", flat=True)  # expect-error
    query.values_list("id", "nmae")  # expect-error
    query.values_list("id", "name", "email", "age", "bio", "role", "statu")  # expect-error
    query.order_by("-nmae")  # expect-error
    query.order_by("posts")  # expect-error
    await query.sum("agee")  # expect-error
    await query.avg("agee")  # expect-error
    await query.min("agee")  # expect-error
    await query.max("agee")  # expect-error
    session.query(Post).only("name")  # expect-error
    session.query(Post).group_by("role")  # expect-error


async def paths(session: AsyncSession) -> None:
    query = session.query(Post)
    query.order_by("author__nme")  # expect-error
    query.order_by("autor__name")  # expect-error
    query.order_by("author")  # expect-error
    query.order_by("author_name")  # expect-error
    query.order_by("-comments__id")  # expect-error
    query.values("title", "author__nme")  # expect-error
    query.values("-author__name")  # expect-error
    query.values("comments__id")  # expect-error
    query.values_list("author__titel", flat=True)  # expect-error
    query.group_by("author__rol")  # expect-error
    query.group_by("-author__role")  # expect-error
    query.group_by("author__role").order_by("author__rol")  # expect-error
    query.distinct_on("author__nme")  # expect-error
    await query.sum("author__agee")  # expect-error
    query.only("author__name")  # expect-error
    session.query(User).order_by("author__name")  # expect-error
    session.query(User).values("posts__title")  # expect-error
    selectinload(User.posts).order_by("author__nme")  # expect-error
    await session.bulk_update([Post(title="x", author_id=1)], ["author__name"])  # expect-error
    await session.load(User(name="x"), "posts__author")  # expect-error


async def annotated(session: AsyncSession) -> None:
    query = session.query(User)
    query.order_by("n")  # expect-error
    query.values("n")  # expect-error
    query.annotate(n=func.count()).filter(n=3)  # expect-error
    query.annotate(n=func.count()).filter(agee=3)  # expect-error
    query.annotate(n=func.count(Post.id))  # expect-error
    query.annotate(n="count(*)")  # expect-error


async def groups(session: AsyncSession) -> None:
    grouped = session.query(User).group_by("role")
    await grouped.all()  # expect-error
    await grouped.first()  # expect-error
    await grouped.one()  # expect-error
    await grouped.get(1)  # expect-error
    await grouped.page()  # expect-error
    await grouped.delete()  # expect-error
    await grouped.update(age=3)  # expect-error
    grouped.stream()  # expect-error
    grouped.with_values(User.age)  # expect-error
    grouped.filter(agee=3)  # expect-error
    grouped.exclude(age="x")  # expect-error
    grouped.order_by("n")  # expect-error
    grouped.values("n")  # expect-error
    users: UserQuery = grouped  # expect-error
    grouped.limit(3).exclude(age=3).all()  # expect-error
    print(users)


async def partial(session: AsyncSession) -> None:
    query = session.query(User).only("name")
    query.filter(agee=3)  # expect-error
    query.filter(age="x")  # expect-error
    query.order_by("agee")  # expect-error
    query.only("nmae")  # expect-error
    part = await query.one()
    print(part.nmae)  # expect-error
    part.name = 3  # expect-error
    part.posts = []  # expect-error
    age: int = part.age  # expect-error
    await session.update(part, nmae="x")  # expect-error
    await session.update(part, name=3)  # expect-error
    await session.load(part, "postz")  # expect-error
    await session.delete(part)  # expect-error
    await session.bulk_update([part])  # expect-error
    session.query(PartialUser)  # expect-error
    await session.get(PartialUser, 1)  # expect-error
    user: User | None = await query.first()  # expect-error
    print(age, user)


async def relationships(session: AsyncSession, user: User, users: list[User]) -> None:
    query = session.query(User)
    query.options(selectinload("postz"))  # expect-error
    query.options(joinedload("profil"))  # expect-error
    query.options(jsonload("name"))  # expect-error
    query.options(noload("nope"))  # expect-error
    query.options(selectinload("posts"), joinedload("profil"))  # expect-error
    session.query(Tag).options(selectinload("profile"))  # expect-error
    query.for_update(of=["profil"])  # expect-error
    query.for_share(of=["profile", "name"])  # expect-error
    query.for_update(of=[Post.author])  # expect-error
    await session.load(user, "postz")  # expect-error
    await session.load(users, "postz")  # expect-error
    await session.load(users, "posts", "age")  # expect-error
    await session.load(users, Post.author)  # expect-error


async def writing(session: AsyncSession, engine: Engine, user: User) -> None:
    await session.upsert(user, conflict_target="nmae")  # expect-error
    await session.upsert(user, conflict_target=["id", "nmae"])  # expect-error
    await session.upsert(user, conflict_target=Post.id)  # expect-error
    await session.upsert(user, update_fields="nmae")  # expect-error
    await session.upsert(user, update_fields=["nmae"])  # expect-error
    await session.upsert(user, update_fields=[Post.title])  # expect-error
    await session.upsert(user, do_nothin=True)  # expect-error
    await session.upsert_all([user], conflict_target=["nmae"])  # expect-error
    await session.upsert_all([user], update_fields=["posts"])  # expect-error
    await session.bulk_update([user], ["nmae"])  # expect-error
    await session.bulk_update([user], [Post.title])  # expect-error
    await session.bulk_update([user], fields=["name", "posts"])  # expect-error
    await session.copy_in(User, [("a",)], columns=["nmae"])  # expect-error
    await engine.copy_in(User, [("a", 3)], columns=["name", "agee"])  # expect-error
    await engine.copy_in(User, [("a",)], columns=[Post.title])  # expect-error
    post: Post = await session.upsert(user)  # expect-error
    print(post)


async def keys(session: AsyncSession) -> None:
    await session.get_or_raise(User, 1, coalesce=False)  # expect-error
    await session.get(User, 1, coalese=False)  # expect-error
    await session.get(User, "1", coalesce=False)  # expect-error
    async with session.begin() as tx:
        await tx.get(User, 1, coalesce=False)  # expect-error
        await tx.get_or_raise(User, 1, coalesce=False)  # expect-error
