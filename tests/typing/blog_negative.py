"""Wrong code: type checkers must report each line marked so, and no other line."""

from __future__ import annotations

from examples.blog.db import Comment, Post, PostStatus, Tag, User
from ormkit import AsyncSession, Engine, create_engine


def attributes(user: User, post: Post, comment: Comment) -> None:
    user.name = 3  # expect-error
    user.age = "3"  # expect-error
    user.nope = 3  # expect-error
    print(user.nope)  # expect-error
    post.status = "draft"  # expect-error
    post.author = Tag(name="x")  # expect-error
    post.author = None  # expect-error
    print(comment.author.name)  # expect-error
    len(user.posts[0].title.nope)  # expect-error
    print(User.nope)  # expect-error


def constructors() -> None:
    User()  # expect-error
    User("Ada")  # expect-error
    User(name=3)  # expect-error
    User(nam="Ada")  # expect-error
    User(name=None)  # expect-error
    Post(title="x", author="Ada")  # expect-error
    Post(title="x", author_id=1, status="draft")  # expect-error
    Post(title="x", author_id=1, keywords=[1])  # expect-error


async def queries(session: AsyncSession) -> None:
    query = session.query(User)
    session.query(int)  # expect-error
    query.filter(agee=1)  # expect-error
    query.filter(age="x")  # expect-error
    query.filter(age__gte="x")  # expect-error
    query.filter(age__contains="x")  # expect-error
    query.filter(name__gte=3)  # expect-error
    query.filter(age__in=["a"])  # expect-error
    query.filter(name__isnull=True)  # expect-error
    query.filter(age__between=(1, 2, 3))  # expect-error
    query.filter(name=None)  # expect-error
    query.filter(Post.title == "x")  # expect-error
    query.filter(User.age >= "x")  # expect-error
    query.filter(User.name == 3)  # expect-error
    query.filter("age > 3")  # expect-error
    query.filter(User.age.like("x"))  # expect-error
    query.filter(User.age.in_(["x"]))  # expect-error
    query.filter(User.name.between(1, 2))  # expect-error
    query.filter(User.posts.any(User.name == "x"))  # expect-error
    query.filter(Post.author.has(User.name == "x"))  # expect-error
    query.filter((User.age > 3) & (Post.views > 3))  # expect-error
    query.filter(User.posts)  # expect-error
    query.exclude(nope=1)  # expect-error
    query.order_by("nope")  # expect-error
    query.order_by("+age")  # expect-error
    query.order_by(Post.title)  # expect-error
    query.order_by(Post.title.desc())  # expect-error
    query.limit("3")  # expect-error
    query.values_list(Post.title)  # expect-error
    query.options("posts")  # expect-error
    await query.update(nope=1)  # expect-error
    await query.update(age="x")  # expect-error
    await query.update(age=Post.views + 1)  # expect-error
    session.query(Post).filter(status="draft")  # expect-error
    session.query(Post).filter(keywords__contains=[1])  # expect-error
    session.query(Post).filter(Post.status == "draft")  # expect-error


async def sessions(session: AsyncSession, engine: Engine, user: User) -> None:
    await session.get(User, "1")  # expect-error
    await session.get(User, None)  # expect-error
    await session.get(user, 1)  # expect-error
    await session.insert("Ada")  # expect-error
    await session.update(user, nope=1)  # expect-error
    await session.update(user, name=3)  # expect-error
    await session.update(user, id="x")  # expect-error
    await session.remove(3)  # expect-error
    session.begin(isolation="none")  # expect-error
    await engine.execute("SELECT $1", {"a": 1})  # expect-error
    await create_engine("postgresql://", max_connection=3)  # expect-error
    print(PostStatus.nope)  # expect-error
    names: list[str] = await session.query(User).all()  # expect-error
    print(names)


async def engines(session: AsyncSession, engine: Engine, user: User) -> None:
    await session.copy_in(User, [Post(author=user, title="t")])  # expect-error
    await session.copy_in("users", [("a",)])  # expect-error
    await session.copy_in("users", ["a"], columns=["name"])  # expect-error
    await engine.copy_out(User, "users.xml", format="xml")  # expect-error
    await engine.execute_many("SELECT $1", [1])  # expect-error
    await session.run(user)  # expect-error
    session.begin(settings={"app.tenant": 1})  # expect-error
    engine.transaction(isolation="none")  # expect-error


def read_only(user: User, post: Post) -> None:
    user.posts = []  # expect-error
    post.tags = [Tag(name="x")]  # expect-error
