"""Objects as dicts, and with the libraries that read and write them."""

from __future__ import annotations

import copy
import datetime as dt
import json
import typing
import weakref
from typing import Any

import msgspec
import orjson
import pydantic
import pytest
from fastapi import FastAPI

from examples.blog.db import Comment, Post, PostStatus, Tag, User
from ormkit import (
    AsyncSession,
    InvalidValue,
    MissingValue,
    Model,
    NotLoaded,
    UnknownName,
    UsageError,
    joinedload,
    selectinload,
)


@pytest.fixture
async def post(session: AsyncSession) -> Post:
    """A post of Ada with a comment, and with its author and comments loaded."""
    ada = await session.insert(User(name="Ada"))
    post = await session.insert(Post(author=ada, title="p", status=PostStatus.published))
    await session.insert(Comment(post=post, author=ada, body="c"))
    loads = (joinedload(Post.author), selectinload(Post.comments))
    return await session.query(Post).options(*loads).one()


async def test_a_dict_has_the_columns_and_what_is_included(post: Post) -> None:
    whole = post.to_dict()
    assert list(whole) == [each.slot for each in Post.__table__.columns]
    assert (whole["title"], whole["status"]) == ("p", PostStatus.published)
    assert post.to_dict(include=["id", Post.title]) == {"id": 1, "title": "p"}
    nested = post.to_dict(include=["id", "author.name", Post.comments, "comments.body"])
    assert nested == {"id": 1, "author": {"name": "Ada"}, "comments": [{"body": "c"}]}
    assert post.to_dict(["author"]) == {**whole, "author": post.author.to_dict()}
    with pytest.raises(UnknownName, match="did you mean 'title'"):
        post.to_dict(["titel"])
    with pytest.raises(UnknownName, match="Post has no 'title'"):
        post.to_dict(["title.x"])
    with pytest.raises(NotLoaded):
        post.to_dict(["tags"])
    with pytest.raises(UsageError, match="attributes of Post"):
        post.to_dict([User.name])
    with pytest.raises(UsageError, match="several names"):
        post.to_dict("title")


def test_an_object_is_made_of_a_dict() -> None:
    data: dict[str, Any] = {
        "title": "p",
        "status": "published",
        "created_at": "2026-01-02T03:04:05+00:00",
        "author": {"name": "Ada"},
    }
    post = Post.from_dict(data)
    assert post.created_at == dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)
    assert (post.status, post.author.name) == (PostStatus.published, "Ada")
    assert Post.from_dict(post.to_dict(["author"])).to_dict() == post.to_dict()
    for wrong, kind, expected in (
        ({"nmae": 1}, UnknownName, "did you mean 'name'"),
        ({}, MissingValue, "User needs a value for name"),
        ({"name": "x", "created_at": "y"}, InvalidValue, "User.created_at is of type timestamptz"),
        ({"name": "x", "posts": []}, UsageError, "leads to many rows"),
        ([], InvalidValue, "takes a dict, not list"),
    ):
        with pytest.raises(kind, match=expected):
            User.from_dict(wrong)  # type: ignore[arg-type]
    with pytest.raises(InvalidValue, match=r"Post\.status has no label"):
        Post.from_dict({"status": "x"})
    with pytest.raises(MissingValue, match="Post needs a value for author_id"):
        Post.from_dict({"title": "p"})


def test_models_match_by_position_and_are_referred_to_weakly() -> None:
    tag = Tag(id=1, name="x")
    match tag:
        case Tag(1, name):
            assert name == "x"
        case _:
            raise AssertionError
    assert User.__match_args__[:2] == ("id", "name")
    reference = weakref.ref(tag)
    assert reference() is tag
    assert copy.deepcopy(tag).to_dict() == tag.to_dict()


def test_hints_are_the_types_of_values() -> None:
    hints = typing.get_type_hints(Post)
    assert (hints["id"], hints["status"], hints["keywords"]) == (int, PostStatus, list[str])
    assert hints["published_at"] == dt.datetime | None


async def test_json_of_objects_is_written_by_their_dicts(post: Post) -> None:
    expected = json.loads(orjson.dumps([post.to_dict()]))
    assert json.loads(orjson.dumps([post], default=Model.to_dict)) == expected
    assert expected[0]["status"] == "published"
    written = msgspec.json.encode([post], enc_hook=Model.to_dict)
    assert json.loads(written)[0]["title"] == "p"


async def test_pydantic_validates_and_writes_models(post: Post) -> None:
    adapter = pydantic.TypeAdapter(Post)
    assert adapter.validate_python(post) is post
    read = adapter.validate_json(b'{"title": "t", "author_id": "3", "status": "draft"}')
    assert (type(read), read.author_id, read.status) == (Post, 3, PostStatus.draft)
    with pytest.raises(pydantic.ValidationError, match="author_id"):
        adapter.validate_python({"author_id": "x"})
    written = adapter.dump_python(post, mode="json")
    assert (written["status"], written["author"]["name"]) == ("published", "Ada")
    assert [each["body"] for each in written["comments"]] == ["c"]
    assert "tags" not in written
    assert adapter.json_schema()["properties"]["title"]["type"] == "string"

    class Holder(pydantic.BaseModel):
        post: Post

    assert Holder(post=post).post is post


class AuthorOut(pydantic.BaseModel):
    name: str


class CommentOut(pydantic.BaseModel):
    body: str


class PostOut(pydantic.BaseModel):
    title: str
    author: AuthorOut
    comments: list[CommentOut]


async def test_fastapi_answers_with_a_nested_tree(session: AsyncSession, post: Post) -> None:
    app = FastAPI()

    @app.get("/posts", response_model=list[PostOut])
    async def posts() -> Any:
        return await session.query(Post).into(PostOut)

    expected = [{"title": "p", "author": {"name": "Ada"}, "comments": [{"body": "c"}]}]
    assert json.loads(await answer(app, "/posts")) == expected


async def answer(app: Any, path: str) -> bytes:
    """Return the body of the answer to a GET."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": path, "headers": [], "query_string": b""}
    await app(
        {**scope, "http_version": "1.1", "scheme": "http", "server": ("x", 80)}, receive, send
    )
    assert sent[0]["status"] == 200
    return b"".join(message.get("body", b"") for message in sent[1:])
