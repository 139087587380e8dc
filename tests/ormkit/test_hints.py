"""Names that other ORMs use raise errors that say what OrmKit calls the same thing."""

from __future__ import annotations

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
from ormkit.hints import COLUMNS, IMPORTS, MODELS, OPERATORS, Hinted, operator_hint

HINTED: tuple[type[Hinted], ...] = (AsyncSession, Transaction, Engine, UserQuery, Result, Load)
#: The method that a hint names first, as in `filter(...)`.
METHOD = re.compile(r"(?:\(await )?(\w+)\(")
#: Names of the package that hints begin with, too.
PUBLIC = {"AsyncSession", "func", "inspect", "to_tsvector"}


@pytest.mark.parametrize("kind", HINTED)
def test_each_hint_names_what_there_is_for_what_there_is_not(kind: type[Hinted]) -> None:
    assert kind.__hints__
    for name, hint in kind.__hints__.items():
        found = METHOD.match(hint)
        # A transaction has some of what a session has not, such as commit().
        assert kind is Transaction or not hasattr(kind, name), name
        assert found is None or found[1] in PUBLIC or hasattr(kind, found[1]), hint


def test_each_hint_of_a_column_and_of_a_model_names_what_there_is() -> None:
    models = {name: hint.removeprefix("session.") for name, hint in MODELS.items()}
    for hints, kind in ((COLUMNS, Expression), (models, AsyncSession)):
        for name, hint in hints.items():
            found = METHOD.match(hint)
            assert found is None or found[1] in PUBLIC or hasattr(kind, found[1]), hint
            assert kind is AsyncSession or not hasattr(kind, name), name


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
        "year": r"write func.extract\('year', User.name\) == ...$",
        "nothing": r"has no operator 'nothing' .*: (there are|did you mean)",
    }.items():
        with pytest.raises(UnknownName, match=message):
            query.filter(**{f"name__{operator}": "x"})
    with pytest.raises(UnknownName, match=r"into a Q: filter\(Q\(settings__theme=...\)\)"):
        query.filter(settings__theme="dark")
    query.filter(Q(settings__theme="dark"))
    assert all(operator_hint("name", "User.name", each) for each in OPERATORS)
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
