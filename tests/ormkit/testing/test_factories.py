"""Factories make the objects that a test needs, and what these refer to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from examples.blog.db import Comment, Post, PostStatus, User
from ormkit import AsyncSession, UsageError, capture_statements, create_engine, func
from ormkit.testing import Factory
from ormkit.testing.factories import CURRENT
from tests.generated import import_models

pytestmark = pytest.mark.one_interpreter

#: One required column of each type, with lengths and keys of several kinds.
SCHEMA = """
[enums]
Mood = ["good", "bad"]

[models.Team.columns]
code = { type = "char(2)", primary_key = true }
name = { type = "varchar(8)", unique = true }

[models.Person.columns]
id = { type = "uuid", primary_key = true }
team_code = { type = "char(2)", foreign_key = "team.code" }
friend_id = { type = "uuid?", foreign_key = "person.id" }
email = { type = "text", unique = true }
small = "smallint"
price = { type = "numeric(6, 2)", unique = true }
ratio = "double precision"
is_ready = "boolean"
data = "bytea"
day = { type = "date", unique = true }
clock = "time"
moment = { type = "timestamptz", unique = true }
local = "timestamp"
span = "interval"
document = "jsonb"
address = { type = "inet", unique = true }
network = "cidr"
numbers = "int4range"
days = "daterange"
bits = "bit(8)"
mood = "Mood"
tags = "text[]"

[[models.Person.checks]]
expression = "email LIKE '%@%'"

[models.Badge.columns]
person_id = { type = "uuid", primary_key = true, foreign_key = "person.id" }
team_code = { type = "char(2)", primary_key = true, foreign_key = "team.code" }

[models.Stamp.columns]
id = { type = "bigint", primary_key = true }
person_id = "uuid"
team_code = "char(2)"
hardware = "macaddr"

[[models.Stamp.foreign_keys]]
columns = ["person_id", "team_code"]
target = "badge"
target_columns = ["person_id", "team_code"]

[models.Desk.columns]
id = { type = "integer", primary_key = true }
badge_person = { type = "uuid?" }
badge_team = { type = "char(2)", foreign_key = "team.code" }
stamp_id = { type = "bigint", foreign_key = "stamp.id", unique = true }
clock = "timetz"
words = "tsvector"
kind = { type = "text", default = "plain" }
opened = { type = "date", default = "2030-01-01" }
label = { type = "text", default = "none", unique = true }

[[models.Desk.foreign_keys]]
columns = ["badge_person", "badge_team"]
target = "badge"

[[models.Desk.indexes]]
columns = [{ expression = "lower(kind)" }]
unique = true
where = "id > 0"

[[models.Desk.excludes]]
elements = [{ expression = "daterange(opened, opened + 7)", operator = "&&" }]

[models.Link.columns]
id = { type = "integer", primary_key = true }
next_id = { type = "integer", foreign_key = "link.id" }

[models.Egg.columns]
id = { type = "integer", primary_key = true }
hen_id = { type = "integer", foreign_key = "hen.id" }

[models.Hen.columns]
id = { type = "integer", primary_key = true }
egg_id = { type = "integer", foreign_key = "egg.id" }
"""


@pytest.fixture(autouse=True)
def _numbers() -> Iterator[None]:
    CURRENT.begin()
    yield
    CURRENT.begin()


async def test_only_what_is_needed_is_filled_in_and_differs(session: AsyncSession) -> None:
    users = Factory(User, role="admin").using(session)
    built = users.build(age=36)
    assert (built.name, built.age, built.role) == ("name 1", 36, "admin")
    await users.create_many(2)  # What this sends about the table is known from now on.
    with capture_statements(session.engine) as sent:
        made = await users.create_many(30, status="new")
    assert len(sent) == 1
    assert len({user.name for user in made}) == 30
    assert {(user.role, user.status, user.email) for user in made} == {("admin", "new", None)}


async def test_rows_that_foreign_keys_need_are_made_and_shared(session: AsyncSession) -> None:
    comments = Factory(Comment).using(session)
    first, second = await comments.create_many(2)
    assert first.post_id == second.post_id
    assert await session.query(Post).count() == await session.query(User).count() == 1
    other = await comments.create()
    assert other.post_id != first.post_id

    ada = await Factory(User).using(session).create(name="Ada")
    posts = Factory(Post).of(ada).using(session)
    made = await posts.create_many(3, status=PostStatus.published)
    assert {post.author_id for post in made} == {ada.id}
    given = await Factory(Post).using(session).create(author_id=ada.id)
    related: Any = Factory(Post).using(session)
    by_object = await related.create(author=ada)
    assert given.author_id == by_object.author_id == ada.id
    assert await session.query(User).count() == 3


async def test_a_test_gets_the_same_values_again(session: AsyncSession) -> None:
    first = Factory(User).build().name
    CURRENT.begin()
    assert Factory(User).build().name == first


async def test_mistakes_are_named(session: AsyncSession) -> None:
    users: Any = Factory(User)
    with pytest.raises(UsageError, match="let it use the fixture session"):
        await users.create()
    with pytest.raises(UsageError, match="no foreign key to Post"):
        users.of(Post(author_id=1, title="t"))
    with pytest.raises(UsageError, match="holds values, and no expressions"):
        users.build(name=func.lower(User.name))
    with pytest.raises(UsageError, match="name the columns of User"):
        users.build("Ada")
    with pytest.raises(TypeError, match="nmae"):
        users.build(nmae="Ada")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Any:
    directory = tmp_path_factory.mktemp("factories")
    (directory / "schema.toml").write_text(SCHEMA, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(directory))
        yield import_models(directory, directory / "schema.toml")


async def test_every_type_and_kind_of_key_gets_values(models: Any, database_url: str) -> None:
    async with await create_engine(database_url) as engine:
        await engine.create_all(models.SCHEMA)
        session = AsyncSession(engine)
        people: Any = Factory(models.Person).using(session)
        made = await people.create_many(40)
        assert {person.team_code for person in made} == {"01"}
        assert made[0].friend_id is None
        badge = await Factory(models.Badge).using(session).create()
        assert await session.query(models.Team).count() == 2
        stamps: Any = Factory(models.Stamp).using(session)
        stamp = await stamps.of(badge).create()
        assert (stamp.person_id, stamp.team_code) == (badge.person_id, badge.team_code)
        own = await stamps.create()
        assert own.person_id != badge.person_id


async def test_constraints_keep_objects_apart(models: Any, database_url: str) -> None:
    """By a foreign key that is unique, by two of them together, and by defaults."""
    async with await create_engine(database_url) as engine:
        await engine.create_all(models.SCHEMA)
        session = AsyncSession(engine)
        badges = await Factory(models.Badge).using(session).create_many(5)
        assert len({each.person_id for each in badges}) == 5
        assert len({each.team_code for each in badges}) == 1
        desks = await Factory(models.Desk).using(session).create_many(30)
        assert len({each.stamp_id for each in desks}) == 30
        assert {each.badge_person for each in desks} == {None}
        assert len({each.badge_team for each in desks}) == 1
        ada = await Factory(models.Stamp).using(session).create()
        desk = await Factory(models.Desk).of(ada).using(session).create(label="own")
        assert (desk.stamp_id, desk.label) == (ada.id, "own")


async def test_circles_of_foreign_keys_are_named(models: Any, session: AsyncSession) -> None:
    with pytest.raises(UsageError, match=r"each Link needs another one by its foreign key"):
        await Factory(models.Link).using(session).create()
    circle = "foreign keys go in a circle: Egg needs Hen needs Egg. Give the columns of one"
    with pytest.raises(UsageError, match=circle):
        await Factory(models.Egg).using(session).create()


async def test_every_model_of_everything_gets_fifty_objects(
    tmp_path: Path, database_url: str
) -> None:
    package = import_models(tmp_path, Path(__file__).parents[3] / "schemas/everything.toml")
    async with await create_engine(database_url) as engine:
        await engine.create_all(package.SCHEMA)
        session = AsyncSession(engine)
        for model in (each for each in vars(package).values() if hasattr(each, "__table__")):
            made: Any = Factory(model)
            assert len(await made.using(session).create_many(50)) == 50
