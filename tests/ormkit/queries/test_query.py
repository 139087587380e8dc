"""Queries: what they match, and the SQL they send."""

from __future__ import annotations

from typing import Any

import pytest

from examples.blog.db import Post, PostStatus, Tag, User
from ormkit import (
    AsyncSession,
    Engine,
    InvalidValue,
    MultipleFound,
    NotFound,
    UnknownName,
    UsageError,
)
from ormkit.postgres.identifiers import quote
from ormkit.statements import select as compiler


@pytest.fixture
async def people(session: AsyncSession) -> list[User]:
    return await session.insert_all(
        [
            User(name="Ada", email="ada@example.com", age=36),
            User(name="Grace", email="grace@example.com", age=45, role="admin"),
            User(name="Linus", age=21, status="inactive"),
            User(name="100%_done\\", bio="odd"),
        ]
    )


@pytest.mark.one_interpreter
@pytest.mark.parametrize(
    ("keywords", "expected"),
    [
        ({"name": "Ada"}, ["Ada"]),
        ({"age__ne": 36}, ["Grace", "Linus"]),
        ({"age__gt": 36}, ["Grace"]),
        ({"age__gte": 36}, ["Ada", "Grace"]),
        ({"age__lt": 36}, ["Linus"]),
        ({"age__lte": 36}, ["Ada", "Linus"]),
        ({"age__in": [36, 21]}, ["Ada", "Linus"]),
        ({"age__in": {45}}, ["Grace"]),
        ({"age__in": []}, []),
        ({"age__notin": [36, 21]}, ["Grace"]),
        ({"age__notin": []}, ["Ada", "Grace", "Linus", "100%_done\\"]),
        ({"age__between": (30, 45)}, ["Ada", "Grace"]),
        ({"age__isnull": True}, ["100%_done\\"]),
        ({"age__isnull": False}, ["Ada", "Grace", "Linus"]),
        ({"age": None}, ["100%_done\\"]),
        ({"age__ne": None}, ["Ada", "Grace", "Linus"]),
        ({"name__like": "%a%"}, ["Ada", "Grace"]),
        ({"name__ilike": "a%"}, ["Ada"]),
        ({"name__contains": "%_"}, ["100%_done\\"]),
        ({"name__contains": "\\"}, ["100%_done\\"]),
        ({"name__contains": "ad"}, []),
        ({"name__icontains": "AD"}, ["Ada"]),
        ({"name__startswith": "100%_"}, ["100%_done\\"]),
        ({"name__startswith": "1_"}, []),
        ({"name__istartswith": "gR"}, ["Grace"]),
        ({"name__endswith": "us"}, ["Linus"]),
        ({"name__endswith": "\\"}, ["100%_done\\"]),
        ({"name__iendswith": "CE"}, ["Grace"]),
        ({"name__iexact": "aDA"}, ["Ada"]),
        ({"name__regex": "^[AG]"}, ["Ada", "Grace"]),
        ({"name__iregex": "^[ag]"}, ["Ada", "Grace"]),
        ({"age__gte": 21, "role": "admin"}, ["Grace"]),
    ],
)
async def test_a_keyword_matches_what_its_operator_says(
    session: AsyncSession, people: list[User], keywords: dict[str, object], expected: list[str]
) -> None:
    found = await session.query(User).filter(**keywords).order_by("id").all()  # type: ignore[arg-type]
    assert [user.name for user in found] == expected


async def test_conditions_combine(session: AsyncSession, people: list[User]) -> None:
    query = session.query(User).filter((User.age < 30) | (User.age > 40) & ~(User.role == "x"))
    assert [user.name for user in await query.order_by("id").all()] == ["Grace", "Linus"]


async def test_exclude_takes_out_what_matches_all(
    session: AsyncSession, people: list[User]
) -> None:
    query = session.query(User).exclude(role="admin", age__gt=40).order_by("id")
    assert [user.name for user in await query.all()] == ["Ada", "Linus", "100%_done\\"]


async def test_columns_compare_with_expressions(session: AsyncSession, people: list[User]) -> None:
    query = session.query(User).filter(User.age * 2 > User.age + 40)
    assert [user.name for user in await query.all()] == ["Grace"]


async def test_orders_go_by_keyword_column_and_direction(
    session: AsyncSession, people: list[User]
) -> None:
    async def names(query: object) -> list[str]:
        return [user.name for user in await query.all()]  # type: ignore[attr-defined]

    everyone = session.query(User)
    assert (await names(everyone.order_by("age")))[:3] == ["Linus", "Ada", "Grace"]
    assert (await names(everyone.order_by("-age")))[1:] == ["Grace", "Ada", "Linus"]
    last = await names(everyone.order_by(User.age.desc().nulls_last()))
    assert last == ["Grace", "Ada", "Linus", "100%_done\\"]
    assert (await names(everyone.order_by("status", "-name")))[0] == "Grace"


async def test_limit_and_offset_cut_the_rows(session: AsyncSession, people: list[User]) -> None:
    query = session.query(User).order_by("id").offset(1).limit(2)
    assert [user.name for user in await query.all()] == ["Grace", "Linus"]
    assert await query.count() == 2
    assert await query.offset(4).count() == 0


async def test_queries_are_immutable(session: AsyncSession, people: list[User]) -> None:
    everyone = session.query(User)
    everyone.filter(name="Ada").limit(1)
    assert await everyone.count() == 4


async def test_first_one_and_one_or_none(session: AsyncSession, people: list[User]) -> None:
    everyone = session.query(User)
    first = await everyone.first()
    assert first is not None
    assert first.name == "Ada"
    assert await everyone.filter(name="nobody").first() is None
    assert (await everyone.filter(name="Grace").one()).name == "Grace"
    assert await everyone.filter(name="nobody").one_or_none() is None
    with pytest.raises(NotFound, match="no User"):
        await everyone.filter(name="nobody").one()
    with pytest.raises(MultipleFound, match="more than one User"):
        await everyone.one_or_none()


async def test_count_and_exists(session: AsyncSession, people: list[User]) -> None:
    assert await session.query(User).filter(status="active").count() == 3
    assert await session.query(User).filter(role="admin").exists() is True
    assert await session.query(User).filter(role="owner").exists() is False


async def test_delete_counts_what_it_deleted(session: AsyncSession, people: list[User]) -> None:
    assert await session.query(User).filter(status="inactive").delete() == 1
    assert await session.query(User).count() == 3
    assert (
        await session.query(User).order_by("-age").filter(age__isnull=False).limit(1).delete() == 1
    )
    assert await session.query(User).filter(name="Grace").exists() is False


async def test_update_assigns_values_and_expressions(
    session: AsyncSession, people: list[User]
) -> None:
    query = session.query(User).filter(age__isnull=False)
    assert await query.update(age=User.age + 1, status="older") == 3
    ages = await session.query(User).filter(status="older").order_by("id").values_list(User.age)
    assert ages == [(37,), (46,), (22,)]


async def test_update_refuses_a_column_the_database_fills_in_or_does_not_have(
    session: AsyncSession,
) -> None:
    with pytest.raises(UnknownName, match="did you mean 'age'"):
        await session.query(User).update(agee=1)  # type: ignore[call-arg]


async def test_values_list_reads_only_those_columns(
    session: AsyncSession, people: list[User]
) -> None:
    rows = session.query(User).filter(age__gt=30).order_by("age").values_list(User.name, User.age)
    assert await rows == [("Ada", 36), ("Grace", 45)]
    assert await rows.first() == ("Ada", 36)


async def test_values_list_decodes_enums(session: AsyncSession, people: list[User]) -> None:
    await session.insert(Post(author=people[0], title="t"))
    assert await session.query(Post).values_list(Post.status) == [(PostStatus.draft,)]


async def test_conditions_over_relationships_do_not_double_rows(
    session: AsyncSession, people: list[User], engine: Engine
) -> None:
    ada = people[0]
    posts = await session.insert_all([Post(author=ada, title=f"t{n}") for n in range(3)])
    await session.insert(Tag(name="news"))
    await engine.execute("INSERT INTO post_tags SELECT id, 1 FROM posts WHERE title = 't1'")
    assert [u.id for u in await session.query(User).filter(User.posts.any()).all()] == [ada.id]
    tagged = Post.tags.any(Tag.name == "news")
    found = await session.query(Post).filter(tagged).all()
    assert [post.id for post in found] == [posts[1].id]
    assert await session.query(User).filter(User.posts.any(tagged)).count() == 1
    by_author = await session.query(Post).filter(Post.author.has(User.name == "Ada")).count()
    assert by_author == 3


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"agee": 1}, "User has no column 'agee': did you mean 'age'?"),
        ({"age__gtee": 1}, "User.age has no operator 'gtee' .* did you mean 'gte'"),
        ({"name; DROP TABLE users": 1}, "User has no column"),
    ],
)
async def test_an_unknown_name_suggests_the_nearest(
    session: AsyncSession, keywords: dict[str, object], message: str
) -> None:
    with pytest.raises(UnknownName, match=message):
        session.query(User).filter(**keywords)  # type: ignore[arg-type]


async def test_an_unknown_order_is_refused(session: AsyncSession) -> None:
    with pytest.raises(UnknownName, match="User has no column 'aeg'"):
        session.query(User).order_by("-aeg")  # type: ignore[arg-type]


async def test_columns_of_another_model_are_refused_before_anything_is_sent(
    session: AsyncSession,
) -> None:
    with pytest.raises(UsageError, match="Post is not part of this query"):
        await session.query(User).filter(Post.title == "x").all()  # type: ignore[arg-type]


@pytest.mark.parametrize("count", [-1, True, 1.5, "1", None])
async def test_limit_takes_whole_numbers_only(session: AsyncSession, count: object) -> None:
    with pytest.raises(InvalidValue, match="limit must be a whole number"):
        session.query(User).limit(count)  # type: ignore[arg-type]


async def test_a_text_is_no_list_of_values(session: AsyncSession) -> None:
    with pytest.raises(InvalidValue, match=r"write \[value\]"):
        session.query(User).filter(name__in="Ada")


async def test_a_condition_has_no_truth_value() -> None:
    with pytest.raises(UsageError, match="combine conditions with &"):
        bool(User.age == 3)


async def test_values_never_stand_in_the_text(session: AsyncSession) -> None:
    query = session.query(User).filter(name="O'Hara", age__in=[1, 2]).limit(7)
    shown = repr(query)
    assert "O'Hara" not in shown
    assert "WHERE name = $1 AND age = ANY($2) LIMIT $3" in shown


async def test_a_shape_is_compiled_once_whatever_its_values(
    session: AsyncSession, people: list[User], monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[object] = []
    scope = compiler.Scope
    monkeypatch.setattr(compiler, "Scope", lambda *a, **k: written.append(a) or scope(*a, **k))

    async def run(age: int, names: list[str], count: int) -> None:
        query = session.query(User).filter(User.age > age, name__in=names).order_by("-id")
        await query.limit(count).all()

    await run(1, ["Ada"], 1)
    compiled = len(written)
    await run(99, ["Ada", "Grace", "Linus"], 50)
    assert len(written) == compiled


async def test_generated_table_and_column_names_are_quoted_where_needed() -> None:
    assert quote("users") == "users"
    assert quote("User") == '"User"'
    assert quote("order") == '"order"'
    assert quote('a"b; --') == '"a""b; --"'


async def test_aggregates_over_columns_and_expressions(
    session: AsyncSession, people: list[User]
) -> None:
    query = session.query(User)
    assert await query.sum(User.age) == 102
    assert await query.sum(User.id) == sum(user.id for user in people)
    assert isinstance(await query.sum(User.id), int)
    assert (await query.min(User.age), await query.max(User.name)) == (21, "Linus")
    assert await query.avg(User.age) == 34
    assert await query.filter(age__gt=30).sum(User.age * 2) == 162
    assert await query.order_by("age").limit(2).sum(User.age) == 57
    assert await query.filter(name="nobody").sum(User.age) is None


async def test_the_largest_of_an_enum_is_a_member(
    session: AsyncSession, people: list[User]
) -> None:
    await session.insert(Post(author=people[0], title="t", status=PostStatus.published))
    assert await session.query(Post).max(Post.status) is PostStatus.published


async def test_an_aggregate_takes_a_column_only(session: AsyncSession) -> None:
    with pytest.raises(UsageError, match="takes a column"):
        await session.query(User).sum(3)  # type: ignore[call-overload]  # pyright: ignore


async def test_a_query_is_iterated_as_its_stream(session: AsyncSession) -> None:
    await session.insert_all([User(name=str(n), age=n) for n in range(5)])
    query = session.query(User).order_by("id")
    assert [user.age async for user in query] == [0, 1, 2, 3, 4]
    assert [age async for age in query.scalars(User.age)] == [0, 1, 2, 3, 4]


async def test_names_stand_for_columns(session: AsyncSession) -> None:
    await session.insert_all([User(name=str(n), age=n) for n in range(5)])
    query = session.query(User).order_by("id")
    assert await query.sum("age") == 10
    assert await query.avg("age") == 2
    assert (await query.min("age"), await query.max("name")) == (0, "4")
    assert await query.annotate(twice=User.age * 2).sum("twice") == 20
    for method in ("sum", "avg", "min", "max"):
        with pytest.raises(UnknownName, match="User has no column 'agee': did you mean 'age'"):
            await getattr(query, method)("agee")


async def test_a_flat_list_of_values_is_that_of_one_column(session: AsyncSession) -> None:
    await session.insert_all([User(name=str(n), age=n) for n in range(3)])
    query = session.query(User).order_by("id")
    assert await query.values_list(User.age, flat=True) == [0, 1, 2]
    assert await query.values_list("age", flat=True) == [0, 1, 2]
    unchecked: Any = query
    for columns in ((), ("age", "name")):
        with pytest.raises(UsageError, match=r"values_list\(flat=True\) takes one column, not"):
            unchecked.values_list(*columns, flat=True)
