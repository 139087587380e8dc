"""The types of keywords that generated modules declare for type checkers exist at run time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, Literal, get_args, get_type_hints

import pytest
from pydantic import TypeAdapter, ValidationError

from examples.blog.db import Post, Profile, User, post, user
from ormkit import AsyncSession

#: For type checkers, these names are known under TYPE_CHECKING only.
USER: Any = user
COLUMNS = {column.slot for column in User.__table__.columns}
POST: Any = post


def test_a_filter_has_every_operator_of_each_column() -> None:
    fields = get_type_hints(USER.UserFilter)
    assert fields["age"] == int | None
    assert fields["age__gte"] is int
    assert fields["age__in"] == Sequence[int]
    assert fields["age__isnull"] is bool
    assert fields["created_at__between"] == tuple[dt.datetime, dt.datetime]
    assert fields["name__icontains"] is str
    assert fields["post_count__gt"] is int
    assert "age__contains" not in fields
    assert get_type_hints(POST.PostFilter)["keywords__len"] is int


async def test_every_key_of_a_filter_is_a_keyword_of_filter(session: AsyncSession) -> None:
    values: dict[Any, Any] = {int: 3, bool: True, str: "a", float: 1.0}
    for model, fields in ((User, USER.UserFilter), (Post, POST.PostFilter)):
        for name, hint in get_type_hints(fields).items():
            if hint in values:
                query: Any = session.query(model)
                query.filter(**{name: values[hint]})


def test_the_types_are_made_once_and_known_by_their_names() -> None:
    assert USER.UserFilter is USER.UserFilter
    assert USER.UserFilter.__name__ == "UserFilter"
    assert set(get_type_hints(USER.UserValues)) == COLUMNS
    names = get_args(USER.UserName)
    assert set(names) == {*COLUMNS, "post_count", "avg_views"}
    paths = get_args(USER.UserPath)
    assert set(paths) - set(names) == {
        f"profile__{column.slot}" for column in Profile.__table__.columns
    }
    assert set(get_args(USER.UserOrder)) == {*paths, *(f"-{path}" for path in paths)}
    assert USER.UserRelation == Literal["posts", "profile"]


def test_pydantic_reads_a_filter_from_texts_and_refuses_other_keys() -> None:
    adapter: Any = TypeAdapter(USER.UserFilter)
    read = adapter.validate_python({"age__gte": "3", "age__in": ["1", "2"]})
    assert read == {"age__gte": 3, "age__in": [1, 2]}
    with pytest.raises(ValidationError, match="age__near"):
        adapter.validate_python({"age__near": "3"})


def test_pydantic_reads_the_values_of_an_update_and_keeps_expressions() -> None:
    adapter: Any = TypeAdapter(USER.UserValues)
    added = user.User.age + 1
    assert adapter.validate_json('{"age": "3", "name": "Ada"}') == {"age": 3, "name": "Ada"}
    assert adapter.validate_python({"age": added})["age"] is added
    with pytest.raises(ValidationError, match="post_count"):
        adapter.validate_python({"post_count": 3})
    assert adapter.json_schema()["properties"]["age"]["anyOf"] == [
        {"type": "integer"},
        {"type": "null"},
    ]


def test_a_module_has_no_other_names() -> None:
    for name in ("Nothing", "UserNothing", "PostFilter", "__path__"):
        with pytest.raises(AttributeError, match=f"has no attribute '{name}'"):
            getattr(user, name)
