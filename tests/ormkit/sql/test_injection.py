"""SQL in the place of a name or a value: it is refused, or bound as what it is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import pytest

from examples.blog.db import Post, Tag, User
from ormkit import (
    AsyncSession,
    DataError,
    Engine,
    OrmKitError,
    Q,
    UsageError,
    case,
    cast,
    create_engine,
    func,
    joinedload,
    literal,
    selectinload,
    to_tsvector,
)

#: PostgreSQL and the code say the same on every interpreter.
pytestmark = pytest.mark.one_interpreter

HOSTILE = [
    "'; DROP TABLE users; --",
    '"; DROP TABLE users; --',
    "\\'; DROP TABLE users; --",
    'users"; DROP TABLE users; --',
    "1) OR (1=1",
    "$1",
    "$$; DROP TABLE users; $$",
    "{0}",
    "{",
    "}{!r}",
    "%s",
    "%(name)s",
    "\u2019; DROP TABLE users; --",
    "a\nb; DROP TABLE users; --",
    "x" * 100_000,
]
SHORT = [text for text in HOSTILE if len(text) < 100]


@pytest.fixture(autouse=True)
async def unharmed(session: AsyncSession) -> AsyncIterator[None]:
    """Two users and a post, which are there after each test as they were before."""
    ada, grace = await session.insert_all([User(name="Ada", age=1), User(name="Grace")])
    await session.insert(Post(author=ada, title="kept"))
    yield
    kept = session.query(User).filter(User.id.in_([ada.id, grace.id])).order_by("id")
    assert await kept.values_list(User.name, User.age) == [("Ada", 1), ("Grace", None)]
    assert await session.query(Post).filter(title="kept").count() == 1


@pytest.mark.parametrize("text", HOSTILE)
async def test_a_value_is_stored_and_found_as_it_is(session: AsyncSession, text: str) -> None:
    made = await session.insert(User(name="x", bio=text, settings={text: [text]}))
    await session.insert_all([User(name="y", bio=text), User(name="z", settings={text: text})])
    await session.update(made, status=text)
    await session.bulk_update([made], ["bio"])
    user = await session.get_or_raise(User, made.id)
    assert (user.bio, user.status, user.settings) == (text, text, {text: [text]})
    query = session.query(User)
    for condition in (
        User.bio == text,
        User.bio.in_([text, "other"]),
        User.bio.contains(text),
        User.bio.startswith(text),
        User.bio.iendswith(text),
        User.bio.iexact(text),
        func.lower(User.bio) == text.lower(),
        func.coalesce(User.bio, text) == text,
        User.settings[text] == [text],
        User.settings.has_key(text),
        User.settings.contains({text: [text]}),
        Q(settings__has_any_key=[text]),
    ):
        assert made.id in await query.filter(condition).scalars(User.id)
    assert await query.filter(id=made.id).update(bio=func.concat(User.bio, text)) == 1
    assert await query.filter(id=made.id).scalars(User.bio) == [text + text]
    assert (await query.filter(id=made.id).scalars(literal(text) + text)) == [text + text]
    assert await query.filter(id=made.id).scalars(case((User.id > 0, text))) == [text]


@pytest.mark.parametrize("text", SHORT)
async def test_arrays_raw_parameters_and_upserts_bind_their_values(
    session: AsyncSession, engine: Engine, text: str
) -> None:
    ada = await session.query(User).filter(name="Ada").one()
    post = await session.insert(Post(author=ada, title="t", keywords=[text, "x"]))
    assert await session.query(Post).filter(keywords__contains=[text]).scalars(Post.id) == [post.id]
    assert (await engine.execute("SELECT $1::text", [text])).scalar() == text
    await engine.execute_many("INSERT INTO tags (name) VALUES ($1)", [[text], ["other"]])
    (tag,) = await session.upsert_all([Tag(name=text)], conflict_target=["name"])
    assert tag.name == text
    async with session.begin(settings={"app.tenant": text}) as tx:
        shown = await tx.execute_raw("SELECT current_setting('app.tenant')")
        assert shown.scalar() == text
    assert await session.query(Post).filter(to_tsvector(Post.title).matches(text)).count() >= 0


@pytest.mark.parametrize("text", SHORT)
async def test_a_pattern_is_a_pattern_and_nothing_more(session: AsyncSession, text: str) -> None:
    for condition in (User.name.like(f"{text}%"), User.name.ilike(f"%{text}")):
        assert await session.query(User).filter(condition).all() == []
    for condition in (User.name.regex(text), User.name.iregex(text)):
        with suppress(DataError):
            await session.query(User).filter(condition).all()


NAMES: list[Any] = [
    lambda query, name: query.filter(**{name: 1}),
    lambda query, name: query.filter(**{f"name__{name}": "x"}),
    lambda query, name: query.exclude(**{name: 1}),
    lambda query, name: query.order_by(name),
    lambda query, name: query.order_by(f"-{name}"),
    lambda query, name: query.group_by(name),
    lambda query, name: query.distinct_on(name),
    lambda query, name: query.only(name),
    lambda query, name: query.values(name),
    lambda query, name: query.values_list(name),
    lambda query, name: query.annotate(n=func.count()).order_by(name),
    lambda query, name: query.filter(Q(**{name: 1})),
    lambda query, name: query.filter(Q(**{f"posts__{name}": 1})),
    lambda query, name: query.filter(Q(**{f"posts__title__{name}": 1})),
    lambda query, name: query.update(**{name: 1}),
    lambda query, name: query.options(selectinload(name)),
    lambda query, name: query.options(selectinload("posts").joinedload(name)),
    lambda query, name: query.options(selectinload("posts").order_by(name)),
    lambda query, name: query.options(selectinload("posts").filter(**{name: 1})),
    lambda query, name: query.options(joinedload("profile")).for_update(of=[name]),
    lambda query, name: query.after(name),
    lambda query, name: query.scalars(func.call(name, User.name)),
    lambda query, name: query.scalars(cast(User.name, name)),
    lambda query, name: query.scalars(literal("x", name)),
    lambda query, name: query.scalars(getattr(func, name)),
    lambda query, name: query.scalars(func.extract(name, User.created_at)),
    lambda query, name: query.filter(to_tsvector(User.bio).matches("x", syntax=name)),
]


@pytest.mark.parametrize("make", NAMES)
async def test_a_name_of_the_caller_is_only_looked_up(session: AsyncSession, make: Any) -> None:
    for name in HOSTILE:
        with pytest.raises(OrmKitError):
            await make(session.query(User), name).all()


@pytest.mark.parametrize("name", HOSTILE)
async def test_names_given_to_a_session_are_only_looked_up(
    session: AsyncSession, engine: Engine, name: str
) -> None:
    ada = await session.query(User).filter(name="Ada").one()
    wrong: Any = name
    calls: list[Any] = [
        lambda: session.update(ada, **{wrong: 1}),
        lambda: session.bulk_update([ada], [wrong]),
        lambda: session.upsert(ada, conflict_target=[wrong]),
        lambda: session.upsert(ada, update_fields=[wrong]),
        lambda: session.load([ada], wrong),
        lambda: session.copy_in(wrong, [("x",)], columns=["name"]),
        lambda: session.copy_in(User, [("x",)], columns=[wrong]),
        lambda: session.copy_in("users", [("x",)], columns=[wrong]),
    ]
    for call in calls:
        with pytest.raises(OrmKitError):
            await call()
    with pytest.raises(OrmKitError):
        async with session.begin(settings={wrong: "x"}) as tx:
            await tx.query(User).count()
    with pytest.raises(OrmKitError):
        session.begin(isolation=wrong)


@pytest.mark.parametrize("name", SHORT)
async def test_an_annotation_is_a_key_of_a_dict_and_never_a_word_of_sql(
    session: AsyncSession, name: str
) -> None:
    query: Any = session.query(User).filter(name="Ada").annotate(**{name: User.age})
    assert await query.values(name) == [{name: 1}]
    assert await query.order_by(name).group_by(name).values_list(name) == [(1,)]


@pytest.mark.parametrize("name", SHORT)
async def test_a_config_of_searches_is_bound_and_unknown(session: AsyncSession, name: str) -> None:
    with pytest.raises(OrmKitError):
        await session.query(User).filter(to_tsvector(User.bio, config=name).matches("x")).all()


@pytest.mark.parametrize("name", SHORT)
async def test_settings_of_an_engine_reach_the_server_as_values(blog_url: str, name: str) -> None:
    try:
        engine = await create_engine(blog_url, application_name=name)
    except OrmKitError:
        return
    async with engine:
        shown = (await engine.execute("SHOW application_name")).scalar()
        assert "DROP" in shown or shown
    with pytest.raises(OrmKitError):
        await create_engine(blog_url, server_settings={name: "x"})


async def test_nul_is_refused_by_name_before_anything_is_stored(
    session: AsyncSession, engine: Engine
) -> None:
    before = await session.query(User).count()
    for call in (
        lambda: session.insert(User(name="a\0b")),
        lambda: session.insert_all([User(name="fine"), User(name="a\0b")]),
        lambda: session.insert(User(name="x", settings={"k": "a\0b"})),
        lambda: session.query(User).filter(name="a\0b").all(),
        lambda: session.query(User).filter(name__in=["a\0b"]).all(),
        lambda: session.query(User).filter(User.settings["a\0b"] == 1).all(),
        lambda: engine.execute("SELECT $1::text", ["a\0b"]),
    ):
        with pytest.raises(OrmKitError):
            await call()
    assert await session.query(User).count() == before


async def test_a_statement_takes_one_command(session: AsyncSession, engine: Engine) -> None:
    for sql in ("SELECT 1; DROP TABLE users", "SELECT 1;; DELETE FROM users"):
        with pytest.raises(OrmKitError):
            await engine.execute(sql)
        with pytest.raises(OrmKitError):
            await session.execute_raw(sql)
    for sql in ("COMMIT", "/* x */ ROLLBACK", "-- x\nBEGIN"):
        with pytest.raises(UsageError):
            await engine.execute(sql)
