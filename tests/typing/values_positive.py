"""Right values in conditions and raw SQL, as type checkers accept them. Never run."""

from collections.abc import Sequence
from decimal import Decimal
from typing import assert_type

from examples.blog.db import Post, User
from ormkit import AsyncSession, Condition, Engine, Expression


async def several(session: AsyncSession, engine: Engine, names: Sequence[str]) -> None:
    query = session.query(User)
    query.filter(name__in=["a"]).filter(name__in=("a", "b")).filter(email__in={"a", "b"})
    query.filter(name__in={"a": 1}.keys(), id__in=range(3))
    query.filter(User.name.in_(["a"]), User.name.notin(frozenset("ab")), User.id.in_(range(3)))
    query.filter(settings__has_keys=["a"])
    session.query(Post).filter(Post.keywords.overlaps({"a"}), keywords__contains=["a"])
    await session.execute_raw("SELECT $1", ["abc"])
    await session.execute_raw("SELECT $1, $2", ("abc", 3))
    await engine.execute("SELECT $1", [1])
    await engine.execute_many("SELECT $1", [[1], (2,)])
    await engine.copy_in("users", [("a",)], columns=("name",))


async def numbers(session: AsyncSession) -> None:
    query = session.query(User).with_computed("avg_views")
    query.filter(avg_views=3, avg_views__gt=3, avg_views__in=[1, Decimal(2)])
    query.filter(avg_views__lte=Decimal("1.5"), avg_views__ne=None)
    assert_type(User.avg_views > 3, Condition[User])
    assert_type(User.avg_views == 3, Condition[User])
    assert_type(User.avg_views != Decimal(3), Condition[User])
    assert_type(User.avg_views <= User.age, Condition[User])
    assert_type(User.avg_views.between(1, Decimal(2)), Condition[User])
    assert_type(User.avg_views.in_([1, 2]), Condition[User])
    assert_type(User.avg_views.notin([Decimal(1), 2]), Condition[User])
    assert_type(User.avg_views * 2, Expression[User, Decimal, Decimal | None])
    assert_type(2 * User.avg_views, Expression[User, Decimal, Decimal | None])
    assert_type(User.avg_views + 1 - User.age, Expression[User, Decimal, Decimal | None])
    assert_type(10 - User.avg_views, Expression[User, Decimal, Decimal | None])
    assert_type(User.avg_views / 2 > 1, Condition[User])
    assert_type(1 / User.avg_views, Expression[User, Decimal, Decimal | None])
    assert_type(User.avg_views % 2, Expression[User, Decimal, Decimal | None])
    assert_type(User.avg_views * Decimal("1.5"), Expression[User, Decimal, Decimal | None])
