"""What an application does all day, on a PostgreSQL of its own that starts and stops with it."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence

from examples.blog.db import AuditLog, Comment, Post, PostStatus, Tag, User
from ormkit import (
    AsyncSession,
    Engine,
    NotLoaded,
    UniqueViolation,
    create_engine,
    joinedload,
    selectinload,
)


def heading(text: str) -> None:
    """Print the title of one part of the tour."""
    print(f"\n{text}\n{'-' * len(text)}")


async def main() -> None:
    """Start PostgreSQL in a temporary directory, create the tables and walk through the API."""
    with tempfile.TemporaryDirectory(prefix="blog-", ignore_cleanup_errors=True) as directory:
        async with await create_engine(f"embedded://{directory}/data", max_connections=5) as engine:
            await tour(engine)
    print("\nThe server is stopped and its directory removed.")


async def tour(engine: Engine) -> None:
    """Walk through the API on an empty database."""
    version = (await engine.execute("SHOW server_version")).scalar()
    print(f"PostgreSQL {version} is running.")
    await engine.create_all()
    session = AsyncSession(engine)
    authors = await write(session)
    await read(session)
    await relate(session, authors)
    await change(session)
    await transact(session)
    await raw(engine)


async def write(session: AsyncSession) -> list[User]:
    """Insert objects one by one and many at once."""
    heading("Insert")
    ada = await session.insert(User(name="Ada", email="ada@example.com", age=36))
    print(f"insert: {ada.name} has id {ada.id}, created at {ada.created_at:%H:%M:%S}")
    others = await session.insert_all(
        [
            User(name="Grace", email="grace@example.com", age=45, role="admin"),
            User(name="Linus", email="linus@example.com", age=21),
            User(name="Old account", status="inactive"),
        ]
    )
    print(f"insert_all: {', '.join(f'{user.name} has id {user.id}' for user in others)}")
    try:
        await session.insert(User(name="Ada again", email="ada@example.com"))
    except UniqueViolation as error:
        print(f"a second ada@example.com: {type(error).__name__} of {error.constraint}")
    return [ada, *others]


async def read(session: AsyncSession) -> None:
    """Get by key, filter, order, limit, count."""
    heading("Read")
    print(f"get: {await session.get(User, 1)}")
    adults = await session.query(User).filter(age__gte=30).order_by("-age").limit(10).all()
    print(f"filter, order_by, limit: {[user.name for user in adults]}")
    names = await session.query(User).filter(User.name.istartswith("g")).values_list(User.name)
    print(f"values_list: {names}")
    active = await session.query(User).filter(status="active").count()
    has_admin = await session.query(User).filter(role="admin").exists()
    print(f"count: {active} active users; exists: an admin? {has_admin}")


async def relate(session: AsyncSession, authors: Sequence[User]) -> None:
    """Write related objects and load them without a query for each."""
    heading("Relationships")
    ada, grace, *_ = authors
    notes, compilers = await session.insert_all(
        [
            Post(author=ada, title="Notes on the engine", status=PostStatus.published),
            Post(author=grace, title="A compiler", keywords=["cobol", "history"]),
        ]
    )
    await session.insert(Post(author=ada, title="Bernoulli numbers", keywords=["history"]))
    await session.insert_all([Comment(post=notes, author=grace, body="Splendid.")])
    for user in await session.query(User).options(selectinload("posts")).order_by("id").all():
        print(f"selectinload: {user.name} wrote {[post.title for post in user.posts]}")
    posts = await session.query(Post).options(joinedload("author")).order_by("id").all()
    print(f"joinedload: {[(post.title, post.author.name) for post in posts]}")
    commented = await session.query(Post).filter(Post.comments.any(Comment.body != "")).all()
    print(f"any: {[post.title for post in commented]} has comments")
    try:
        print(compilers.comments)
    except NotLoaded as error:
        print(f"not loaded: {error}")


async def change(session: AsyncSession) -> None:
    """Update and delete, one object and many rows."""
    heading("Change")
    grace = await session.query(User).filter(name="Grace").one()
    await session.update(grace, age=46)
    print(f"update: {grace.name} is {grace.age}")
    touched = (
        await session.query(Post)
        .filter(keywords__contains=["history"])
        .update(views=Post.views + 1)
    )
    print(f"update by query: {touched} posts were read once more")
    deleted = await session.query(User).filter(status="inactive").delete()
    print(f"delete by query: {deleted} inactive user")


async def transact(session: AsyncSession) -> None:
    """Do several things together, or none of them."""
    heading("Transactions")
    async with session.begin() as tx:
        tx.add(User(name="Barbara", email="barbara@example.com"))
        tx.add(AuditLog(action="user_created", details={"by": "tour"}))
    print(f"committed: {await session.query(User).count()} users")
    try:
        async with session.begin() as tx:
            tx.add(Tag(name="lost"))
            await tx.flush()
            raise RuntimeError("something went wrong")
    except RuntimeError as error:
        print(f"rolled back ({error}): {await session.query(Tag).count()} tags")


async def raw(engine: Engine) -> None:
    """Write SQL by hand and choose the form of the rows."""
    heading("Raw SQL")
    result = await engine.execute(
        "SELECT id, name, email FROM users WHERE status = $1 ORDER BY id", ["active"]
    )
    for id_, name, email in result.tuples():
        print(f"tuples: {id_} {name} {email}")
    print(f"column: {result.column('email')}")
    print(f"first: {result.first()}")
