"""Wrong values in conditions and raw SQL; each marked line must be reported."""

from examples.blog.db import Post, User
from ormkit import AsyncSession, Engine, func


async def texts_are_no_lists(session: AsyncSession, engine: Engine) -> None:
    query = session.query(User)
    query.filter(name__in="abc")  # expect-error
    query.filter(email__in="abc")  # expect-error
    query.exclude(name__in="abc")  # expect-error
    query.filter(name__in=["a", 3])  # expect-error
    query.filter(User.name.in_("abc"))  # expect-error
    query.filter(User.name.notin("abc"))  # expect-error
    query.filter(settings__has_keys="abc")  # expect-error
    query.filter(User.settings.has_any_key("abc"))  # expect-error
    session.query(Post).filter(keywords__contains="abc")  # expect-error
    session.query(Post).filter(keywords__overlaps="abc")  # expect-error
    session.query(Post).filter(Post.keywords.contains("abc"))  # expect-error
    await session.execute_raw("SELECT $1", "abc")  # expect-error
    await engine.execute("SELECT $1", "abc")  # expect-error
    await engine.execute("SELECT $1", {"a"})  # expect-error
    await session.execute_raw_many("SELECT $1", ["abc"])  # expect-error
    await engine.copy_in("users", [("a",)], columns="name")  # expect-error


async def numbers(session: AsyncSession) -> None:
    query = session.query(User)
    query.filter(avg_views__gt="3")  # expect-error
    query.filter(avg_views__in=["3"])  # expect-error
    query.filter(User.avg_views > "3")  # expect-error
    query.filter(User.avg_views == "3")  # expect-error
    query.filter(User.avg_views > User.name)  # expect-error
    query.filter(User.avg_views.between("1", "2"))  # expect-error
    query.filter(User.avg_views.in_(["1"]))  # expect-error
    User.avg_views * "2"  # expect-error
    User.avg_views + User.name  # expect-error
    "2" * User.avg_views  # expect-error


async def functions(session: AsyncSession) -> None:
    query = session.query(User)
    query.scalars(func.sum("age"))  # expect-error
    query.scalars(func.avg("age"))  # expect-error
    query.scalars(func.max("age"))  # expect-error
    query.scalars(func.sum(User.email))  # expect-error
    query.scalars(func.date_trunc("days", User.created_at))  # expect-error
    query.scalars(func.date_trunc("month", User.name))  # expect-error
    query.scalars(func.extract("moth", User.created_at))  # expect-error
