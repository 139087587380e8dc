"""Shapes: a query of known calls takes the statement of the one before, with its own values."""

from __future__ import annotations

import datetime as dt
import enum
from typing import Any

import pytest

from examples.blog.db import Post, User
from ormkit import AsyncSession, Engine, InvalidValue, Q, UnknownName, UsageError, selectinload
from ormkit.statements import shape_cache as shapes
from ormkit.statements.shape_cache import ROOTS, Shape
from tests.statements import Statements


class Name(enum.StrEnum):
    ADA = "Ada"


async def people(session: AsyncSession) -> None:
    ages = [("Ada", 36), ("Grace", 85), ("Linus", None), ("Guido", 36)]
    await session.insert_all([User(name=name, age=age, email=f"{name}@x") for name, age in ages])


async def names(query: Any) -> list[str]:
    return [user.name for user in await query.order_by("name").all()]


async def test_the_same_calls_take_the_same_statement_with_their_own_values(
    session: AsyncSession,
) -> None:
    await people(session)
    for _ in range(2):
        for age, expected in [(36, ["Ada", "Guido"]), (85, ["Grace"]), (1, [])]:
            query = session.query(User).filter(age=age)
            assert await names(query) == expected
            assert await query.count() == len(expected)
            assert await query.exists() is bool(expected)
            assert [user.name for user in await query.order_by("-name").limit(1).all()] == [
                *expected[-1:]
            ]
            assert len(await query.order_by("name").offset(1).all()) == max(len(expected) - 1, 0)


async def test_a_known_query_is_found_by_its_calls_alone(
    session: AsyncSession, engine: Engine
) -> None:
    def query(age: int) -> Any:
        return session.query(User).filter(age=age).order_by("-name").limit(3)

    await query(1).all()
    shape = query(2)._shape
    assert shape is query(3)._shape is not None
    assert list(shape.statements) == ["rows"]
    with Statements(engine) as sent:
        await query(4).all()
    assert list(sent) == [shape.statements["rows"].sql]


async def test_a_known_query_of_expressions_is_found_by_its_calls(
    session: AsyncSession, engine: Engine
) -> None:
    await people(session)

    def query(age: int, name: str) -> Any:
        query = session.query(User).filter(User.age > age, User.name != name)
        query = query.exclude(Q(name=name) | (User.age == age)).order_by(User.age.desc(), User.id)
        return query.filter(User.name.in_(["Ada", "Grace", name]), age__lt=90).limit(3)

    assert [user.name for user in await query(1, "Ada").all()] == ["Grace"]
    shape = query(2, "b")._shape
    assert shape is query(3, "c")._shape is not None
    assert list(shape.statements) == ["rows"]
    with Statements(engine) as sent:
        assert [user.name for user in await query(2, "Grace").all()] == ["Ada"]
        assert [user.name for user in await query(2, "Linus").all()] == ["Grace", "Ada"]
        assert await query(36, "Linus").count() == 1
        assert await query(84, "Grace").exists() is False
    assert list(sent)[:2] == [shape.statements["rows"].sql] * 2


async def test_pages_behind_a_cursor_are_found_by_their_calls(
    session: AsyncSession, engine: Engine
) -> None:
    await people(session)
    query = session.query(User).filter(User.age > 1).order_by("-age").limit(1)
    found, texts, cursor = [], set(), None
    with Statements(engine) as sent:
        while True:
            page = await query.page(cursor)
            found += [user.name for user in page.items]
            if page.next is None:
                break
            cursor = page.next
            texts.add(query.after(cursor)._shape)
    assert found == ["Grace", "Ada", "Guido"]
    assert None not in texts
    assert len(texts) == 1
    assert len(set(sent)) == 2


async def test_equal_calls_with_other_conditions_are_other_queries(session: AsyncSession) -> None:
    await people(session)
    for _ in range(2):
        for condition, expected in [
            (User.age == 36, ["Ada", "Guido"]),
            (User.age == None, ["Linus"]),  # noqa: E711
            (User.age != 36, ["Grace"]),
            (~(User.age > 40), ["Ada", "Guido"]),
            ((User.age > 40) | (User.name == "Linus"), ["Grace", "Linus"]),
            ((User.age > 40) & (User.name == "Linus"), []),
            (User.age + 1 == 37, ["Ada", "Guido"]),
            (User.name.startswith("G"), ["Grace", "Guido"]),
            (User.name.endswith("a"), ["Ada"]),
            (User.age.in_([36, 37]), ["Ada", "Guido"]),
            (User.age.in_([]), []),
            (User.posts.any(Post.title == "x"), []),
            (Q(posts__title="x") | Q(name="Ada"), ["Ada"]),
        ]:
            assert await names(session.query(User).filter(condition)) == expected
            assert len(await session.query(User).exclude(condition).all()) <= 4 - len(expected)
        for order, first in [
            (User.name, "Ada"),
            (User.name.desc(), "Linus"),
            (User.age.desc(), "Linus"),
            (User.age.desc().nulls_last(), "Grace"),
            (User.age.asc().nulls_first(), "Linus"),
            (User.age + 0, "Ada"),
        ]:
            found = await session.query(User).order_by(order, "name").first()
            assert found is not None
            assert found.name == first


async def test_what_a_value_means_depends_on_its_type(session: AsyncSession) -> None:
    await people(session)
    for _ in range(2):
        assert await names(session.query(User).filter(age=36)) == ["Ada", "Guido"]
        assert await names(session.query(User).filter(age=None)) == ["Linus"]
        assert await names(session.query(User).filter(age__ne=36)) == ["Grace"]
        assert await names(session.query(User).filter(age__ne=None)) == ["Ada", "Grace", "Guido"]
        same: Any = User.age
        assert await names(session.query(User).filter(age=same)) == ["Ada", "Grace", "Guido"]
        assert await names(session.query(User).filter(name="Ada")) == ["Ada"]
        assert await names(session.query(User).filter(name=Name.ADA)) == ["Ada"]
        assert await names(session.query(User).filter(name__contains="G")) == ["Grace", "Guido"]
        assert await names(session.query(User).filter(name__in=["Ada", "Linus"])) == [
            "Ada",
            "Linus",
        ]
        with pytest.raises(InvalidValue, match=r"User\.age"):
            await session.query(User).filter(age="old").all()  # type: ignore[arg-type]
        with pytest.raises(InvalidValue, match=r"User\.age"):
            await session.query(User).filter(age=2**40).count()


async def test_values_stand_in_the_order_of_their_parameters(session: AsyncSession) -> None:
    await people(session)
    since = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
    for _ in range(2):
        query = session.query(User).limit(2).filter(age__gte=30, name__gt="A")
        query = query.order_by("-age").filter(created_at__gt=since).offset(1).filter(age__lt=80)
        assert [user.name for user in await query.order_by("name").all()] == ["Guido"]
        assert await query.count() == 1


async def test_a_query_that_is_used_twice_stays_what_it_is(session: AsyncSession) -> None:
    await people(session)
    for _ in range(2):
        base = session.query(User).filter(age__gt=1)
        older, younger = base.filter(age__gt=50), base.filter(age__lt=50)
        assert await names(older) == ["Grace"]
        assert await names(younger) == ["Ada", "Guido"]
        assert await names(base) == ["Ada", "Grace", "Guido"]
        assert (await base.first()) is not None
        assert await names(base.exclude(name="Ada")) == ["Grace", "Guido"]


async def test_calls_without_a_place_in_the_tree_go_on_from_what_was_given(
    session: AsyncSession,
) -> None:
    await people(session)
    [ada] = await session.query(User).filter(name="Ada").all()
    await session.insert(Post(title="first", author_id=ada.id))
    for _ in range(2):
        young = session.query(User).filter(age=36)
        [with_posts, _] = await young.options(selectinload("posts")).order_by("name").all()
        assert [post.title for post in with_posts.posts] == ["first"]
        assert await young.filter(User.name == "Guido").count() == 1
        assert await young.values_list(User.name, User.age) == [("Ada", 36), ("Guido", 36)]
        assert [user.name for user in await young.only(User.name).all()] == ["Ada", "Guido"]
        assert await young.distinct().order_by("name").count() == 2
        assert await young.filter().with_deleted().count() == 2
        page = await young.order_by("name").limit(1).page()
        assert page.next is not None
        rest = await young.order_by("name").after(page.next).all()
        assert [user.name for user in rest] == ["Guido"]


async def test_orders_with_values_of_their_own_and_empty_calls(session: AsyncSession) -> None:
    await people(session)
    for _ in range(2):
        query = session.query(User).order_by("-name").filter().order_by()
        assert [user.name for user in await query.all()] == ["Linus", "Guido", "Grace", "Ada"]
        by_expression = session.query(User).order_by(User.name.desc())
        assert (await by_expression.all())[0].name == "Linus"


@pytest.mark.parametrize("known", [False, True])
async def test_wrong_calls_are_refused_at_once(session: AsyncSession, known: bool) -> None:
    query: Any = session.query(User).filter(age=1)
    if known:
        await query.all()
    with pytest.raises(UnknownName):
        query.filter(agee=1)
    with pytest.raises(UnknownName):
        query.order_by("agee")
    not_conditions: list[Any] = ["age", User.age.desc(), User.posts, 3, None, True]
    for wrong in not_conditions:
        with pytest.raises(UsageError, match="is not a condition"):
            query.filter(wrong)
        with pytest.raises(UsageError, match="is not a condition"):
            query.filter(User.age > 1, wrong)
    wrong_orders: list[Any] = [3, None, ["name"], Q(age=1), User.posts]
    for wrong in wrong_orders:
        with pytest.raises(UsageError):
            query.order_by(wrong)
    with pytest.raises(InvalidValue):
        query.limit("10")
    with pytest.raises(InvalidValue):
        query.offset(-1)


def test_the_tree_grows_anew_where_it_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shapes, "LIMIT", 10)
    root = Shape()
    first = root.then("first")
    assert root.then("first") is first
    for number in range(100):
        first.then(number).then("deeper")
        assert len(root.beyond) <= 10
    assert "first" not in root.beyond
    assert root.then("first") is not first


async def test_values_leave_nothing_in_the_tree(session: AsyncSession) -> None:
    await session.query(User).filter(name="a", age=1).limit(1).all()
    await session.query(User).filter(User.age > 1, User.id.in_([1])).all()

    def size(shape: Shape) -> int:
        return 1 + sum(map(size, shape.beyond.values()))

    before = size(ROOTS[User.__table__])
    for number in range(50):
        query = session.query(User).filter(name=f"name {number}", age=number)
        await query.limit(number).all()
        await session.query(User).filter(User.age > number, User.id.in_([1] * number)).all()
    assert size(ROOTS[User.__table__]) == before
