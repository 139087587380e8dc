"""Names in load options: a wrong one is a typed error before anything is sent."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import pytest

from examples.blog.db import Post, User
from ormkit import AsyncSession, UnknownName, UsageError, jsonload, selectinload

STEPS: dict[str, tuple[Callable[[Any], Any], type[Exception], str]] = {
    "an order": (lambda load: load.order_by("titl"), UnknownName, "Post has no column 'titl'"),
    "an order downwards": (lambda load: load.order_by("-titl"), UnknownName, "did you mean"),
    "an order by a list": (lambda load: load.order_by("comments"), UnknownName, "'comments'"),
    "a path of an order": (
        lambda load: load.order_by("author__nme"),
        UnknownName,
        "User has no column 'nme': did you mean 'name'",
    ),
    "a keyword": (lambda load: load.filter(titel="x"), UnknownName, "Post has no column 'titel'"),
    "filter_by": (lambda load: load.filter_by(titel="x"), UnknownName, "'titel'"),
    "an operator": (lambda load: load.filter(views__above=1), UnknownName, "no operator 'above'"),
    "a condition": (lambda load: load.filter(User.name == "x"), UsageError, "User is not part"),
    "a computed attribute": (
        lambda load: load.with_computed("headlin"),
        UnknownName,
        "no computed attribute 'headlin'",
    ),
    "a relationship": (
        lambda load: load.selectinload("coments"),
        UnknownName,
        "no relationship 'coments': did you mean 'comments'",
    ),
    "a name below": (
        lambda load: load.jsonload("comments").order_by("boddy"),
        UnknownName,
        "Comment has no column 'boddy'",
    ),
    "a relationship below": (
        lambda load: load.joinedload("author").selectinload("postz"),
        UnknownName,
        "User has no relationship 'postz'",
    ),
}


async def test_a_wrong_name_is_an_error_before_anything_is_sent(session: AsyncSession) -> None:
    starts: list[Any] = [
        begin(of) for begin in (selectinload, jsonload) for of in ("posts", User.posts)
    ]
    for start, (extend, error, message) in product(starts, STEPS.values()):
        load = extend(start)
        with pytest.raises(error, match=message):
            session.query(User).options(load)
        with pytest.raises(error, match=message):
            await session.load(User(id=1, name="x"), load)


async def test_right_names_work_from_text_and_from_relationships(session: AsyncSession) -> None:
    user = await session.insert(User(name="Ada"))
    await session.insert_all([Post(title=title, author_id=user.id) for title in "ba"])
    for start in (selectinload(User.posts), selectinload("posts")):
        load = start.filter(title__ne="c").order_by("author__name", "-title")
        (read,) = await session.query(User).options(load.joinedload("author")).all()
        assert [(post.title, post.author.name) for post in read.posts] == [
            ("b", "Ada"),
            ("a", "Ada"),
        ]


@pytest.mark.parametrize(("name", "hint"), [("only", "query.into"), ("where", "filter")])
def test_names_of_other_orms_say_what_to_write(name: str, hint: str) -> None:
    with pytest.raises(AttributeError, match=rf"no attribute '{name}': write {hint}"):
        getattr(selectinload(User.posts), name)
