"""Names that other ORMs use raise errors that say what OrmKit calls the same thing."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from typing import Any

import pytest

import ormkit
from examples.blog.db import Post, User
from examples.blog.db.user import UserQuery
from ormkit import (
    AsyncSession,
    Engine,
    Expression,
    InvalidValue,
    Load,
    Q,
    Result,
    Transaction,
    UnknownName,
)
from ormkit.hints import Hinted, operator_hint
from ormkit.other_names.columns import COLUMNS
from ormkit.other_names.imports import IMPORTS
from ormkit.other_names.keywords import KEYWORDS
from ormkit.other_names.models import OBJECTS
from ormkit.other_names.operators import MOMENTS, OPERATORS, TEXTS
from tests.generated import models_of

HINTED: tuple[type[Hinted], ...] = (AsyncSession, Transaction, Engine, UserQuery, Result, Load)


@pytest.mark.parametrize("kind", HINTED)
def test_hints_are_for_names_that_there_are_not(kind: type[Hinted]) -> None:
    assert kind.__hints__
    # A transaction has some of what a session has not, such as commit().
    given = [name for name in kind.__hints__ if hasattr(kind, name)]
    assert given == [] or kind is Transaction


def test_hints_of_columns_are_for_names_that_there_are_not() -> None:
    assert [name for name in COLUMNS if hasattr(Expression, name)] == []


async def test_an_unknown_attribute_names_the_spelling(
    session: AsyncSession, engine: Engine
) -> None:
    result = await engine.execute("SELECT 1")
    cases: Mapping[str, tuple[object, str]] = {
        "merge": (session, "'AsyncSession' object has no attribute 'merge': write upsert(object)"),
        "where": (
            session.query(User),
            "'UserQuery' object has no attribute 'where': write filter(...)",
        ),
        "dispose": (engine, "'Engine' object has no attribute 'dispose': write close()"),
        "fetchall": (
            result,
            "'Result' object has no attribute 'fetchall': write all() or tuples()",
        ),
        "isnot": (
            User.name,
            "'Column' object has no attribute 'isnot': write != value, or isnull(False)",
        ),
        "objects": (
            User,
            "type object 'User' has no attribute 'objects': write session.query(User)",
        ),
        "nothing": (session, "'AsyncSession' object has no attribute 'nothing'"),
        "nobody": (User, "type object 'User' has no attribute 'nobody'"),
        "none": (User.age + 1, "'Arithmetic' object has no attribute 'none'"),
    }
    for name, (owner, message) in cases.items():
        with pytest.raises(AttributeError) as caught:
            getattr(owner, name)
        assert str(caught.value) == message
    # A relationship or a column of a model wins over the hint of the same name.
    assert Post.tags.name == "tags"


async def test_an_unknown_operator_names_the_spelling(session: AsyncSession) -> None:
    query: Any = session.query(User)
    for operator, message in {
        "exact": r"User.name has no operator 'exact' \(in 'name__exact'\): write name=$",
        "not_in": r"write name__notin=$",
        "matching": r"did you mean|there are",
        "nothing": r"has no operator 'nothing' .*: (there are|did you mean)",
    }.items():
        with pytest.raises(UnknownName, match=message):
            query.filter(**{f"name__{operator}": "x"})
    with pytest.raises(UnknownName, match=r"into a Q: filter\(Q\(settings__theme=...\)\)"):
        query.filter(settings__theme="dark")
    query.filter(Q(settings__theme="dark"))
    for at, message in {
        "created_at__year": r"write func.extract\('year', User.created_at\) == ...$",
        "created_at__year__gte": r"write func.extract\('year', User.created_at\) >= ...$",
        "created_at__date__lt": r"write func.date_trunc\('day', User.created_at\) < ...$",
        "name__startsWith": r"write name__startswith=$",
        "name__notIn": r"write name__notin=$",
        "name__not_like": r"write exclude\(name__like=...\)$",
    }.items():
        with pytest.raises(UnknownName, match=message):
            query.filter(**{at: "x"})
    for operators in (OPERATORS, TEXTS, MOMENTS):
        assert all(
            operator_hint("name", "User.name", each, is_text=True, is_moment=True)
            for each in operators
        )
    assert operator_hint("name", "User.name", "near") is None


async def test_isnotnull_is_the_opposite_of_isnull(session: AsyncSession) -> None:
    await session.insert_all([User(name="a", age=1), User(name="b")])
    query: Any = session.query(User)
    for is_wanted in (True, False):
        found = await query.filter(age__isnotnull=is_wanted).all()
        assert [each.name for each in found] == (["a"] if is_wanted else ["b"])
        assert await session.query(User).filter(Q(age__isnotnull=is_wanted)).count() == 1
    with pytest.raises(InvalidValue, match="isnotnull takes True or False, not str"):
        query.filter(age__isnotnull="yes")


def test_a_name_that_another_orm_exports_is_told_at_its_import() -> None:
    for name in IMPORTS:
        assert name not in ormkit.__all__
        with pytest.raises(ImportError, match=re.escape(f"ormkit has no {name!r}: write ")):
            exec(f"from ormkit import {name}")


def test_an_unknown_name_of_the_package_is_an_attribute_error() -> None:
    assert not hasattr(ormkit, "nothing")
    with pytest.raises(ImportError, match="cannot import name 'nothing'"):
        exec("from ormkit import nothing")


def test_an_object_says_what_the_method_of_another_orm_is_called() -> None:
    user = User(name="a")
    for name, hint in OBJECTS.items():
        assert not hasattr(user, name)
        assert name not in dir(user)
        with pytest.raises(
            AttributeError, match=f"^'User' object has no attribute '{name}': write"
        ):
            getattr(user, name)
        found = re.match(r"session\.(\w+)\(", hint)
        assert found is None or hasattr(AsyncSession, found[1]), hint
    with pytest.raises(AttributeError, match=r"^type object 'User' has no attribute 'refresh'"):
        getattr(User, "refresh")  # noqa: B009


async def test_a_part_of_an_object_says_what_gives_dicts(session: AsyncSession) -> None:
    await session.insert(User(name="a"))
    part: Any = await session.query(User).only("name").first()
    with pytest.raises(AttributeError, match=r"attribute 'to_dict': write query.values\(...\)"):
        part.to_dict()
    with pytest.raises(AttributeError, match=r"^'PartialUser' object has no attribute 'nope'$"):
        _ = part.nope


def test_a_column_has_the_name_of_a_method_of_another_orm() -> None:
    models: Any = models_of(
        "foreign_names",
        """
        [models.Draft.columns]
        id = { type = "bigint", primary_key = true }
        copy = "text"
        json = "jsonb"
        """,
    )
    draft = models.Draft(copy="x", json={})
    assert (draft.copy, draft.json, models.Draft.copy.type) == ("x", {}, "text")
    assert {"copy", "json"} <= set(dir(draft))


@pytest.mark.parametrize("name", KEYWORDS["create_engine"])
async def test_create_engine_says_what_keywords_are_called(name: str) -> None:
    wrong: dict[str, Any] = {name: 1}
    hint = re.escape(KEYWORDS["create_engine"][name])
    with pytest.raises(TypeError, match=rf"create_engine\(\) .* argument '{name}': write {hint}"):
        await ormkit.create_engine("postgresql://nobody@nowhere/none", **wrong)


async def test_keywords_that_hints_name_exist(engine: Engine) -> None:
    known = inspect.signature(ormkit.create_engine).parameters
    for hint in KEYWORDS["create_engine"].values():
        assert set(re.findall(r"\b(\w+)=", hint)) - {"isolation"} <= set(known), hint
    for name in KEYWORDS["AsyncSession"]:
        wrong: dict[str, Any] = {name: 1}
        with pytest.raises(TypeError, match=f"'{name}': write "):
            AsyncSession(engine, **wrong)
    with pytest.raises(TypeError, match="unexpected keyword argument 'nothing'"):
        AsyncSession(engine, nothing=1)  # type: ignore[call-arg]


async def test_an_order_of_another_orm_says_what_to_write(session: AsyncSession) -> None:
    query: Any = session.query(User)
    cases = {"name desc": "'-name'", "name.asc": "'name'", "+age": "'age'", "?": "func.random()"}
    for given, hint in {**cases, "pk": "id", "-pk": "id"}.items():
        with pytest.raises(UnknownName, match=f"write {re.escape(hint)}$"):
            query.order_by(given)
    with pytest.raises(UnknownName, match=r"has no column 'pk': write id$"):
        query.filter(pk=1)
