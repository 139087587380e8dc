"""Tortoise ORM, as its documentation says to use it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar
from urllib.parse import urlsplit

from tortoise import Tortoise, fields
from tortoise.models import Model
from tortoise.transactions import in_transaction

from benchmarks.dataset import PERSON_COLUMNS, WIDTHS, Row
from benchmarks.libraries.library import POOL_SIZE, Library

COLUMNS = ("id", *PERSON_COLUMNS)


class Person(Model):
    """The columns of users, accounts and events."""

    id = fields.BigIntField(primary_key=True)
    name = fields.CharField(max_length=100)
    email = fields.TextField()
    age = fields.IntField(null=True)
    score = fields.FloatField()
    status = fields.TextField()
    is_active = fields.BooleanField()
    created_at = fields.DatetimeField()

    class Meta:
        abstract = True


class User(Person):
    posts: fields.ReverseRelation[Post]

    class Meta:
        table = "users"


class Account(Person):
    class Meta:
        table = "accounts"


class Event(Person):
    class Meta:
        table = "events"


class Post(Model):
    id = fields.BigIntField(primary_key=True)
    author: fields.ForeignKeyRelation[User] = fields.ForeignKeyField(
        "models.User", related_name="posts"
    )
    title = fields.TextField()
    views = fields.IntField()
    created_at = fields.DatetimeField()
    comments: fields.ReverseRelation[Comment]
    tags: fields.ManyToManyRelation[Tag] = fields.ManyToManyField(
        "models.Tag", through="post_tags", forward_key="tag_id", backward_key="post_id"
    )

    class Meta:
        table = "posts"


class Comment(Model):
    id = fields.BigIntField(primary_key=True)
    post: fields.ForeignKeyRelation[Post] = fields.ForeignKeyField(
        "models.Post", related_name="comments"
    )
    body = fields.TextField()

    class Meta:
        table = "comments"


class Tag(Model):
    id = fields.BigIntField(primary_key=True)
    name = fields.TextField()

    class Meta:
        table = "tags"


WIDE_FIELDS = (
    fields.IntField,
    fields.TextField,
    fields.FloatField,
    fields.BooleanField,
    fields.DatetimeField,
)


def wide_model(width: int) -> type[Model]:
    """Return the class of the table with so many columns."""
    columns = {f"c{n}": WIDE_FIELDS[(n - 1) % 5](null=True) for n in range(1, width)}
    inner = type("Meta", (), {"table": f"wide{width}"})
    names = {"id": fields.BigIntField(primary_key=True), "Meta": inner, "__module__": __name__}
    return type(f"Wide{width}", (Model,), {**names, **columns})


WIDE = {width: wide_model(width) for width in WIDTHS}
globals().update({model.__name__: model for model in WIDE.values()})


class TortoiseOrm(Library):
    """Tortoise ORM with asyncpg under it."""

    key = "tortoise"
    title = "Tortoise ORM"
    distribution = "tortoise-orm"
    unavailable: ClassVar = {
        "insert_many": "bulk_create does not return the keys",
        "stream": "async for over a query reads all rows first",
    }

    async def open(self, url: str) -> None:
        given = urlsplit(url)
        query = f"{given.query}&minsize={POOL_SIZE}&maxsize={POOL_SIZE}"
        url = given._replace(scheme="asyncpg", query=query).geturl()
        await Tortoise.init(db_url=url, modules={"models": [__name__]})

    async def close(self) -> None:
        await Tortoise.close_connections()

    async def get(self, key: int) -> User:
        return await User.get(id=key)

    async def page(self, status: str, count: int) -> list[User]:
        return await User.filter(status=status).order_by("-created_at").limit(count)

    async def models(self) -> list[User]:
        return await User.all()

    async def tuples(self) -> Any:
        return await User.all().values_list(*COLUMNS)

    async def dicts(self) -> Any:
        return await User.all().values(*COLUMNS)

    async def count(self, status: str) -> int:
        return await User.filter(status=status).count()

    async def exists(self, email: str) -> bool:
        return await User.filter(email=email).exists()

    async def insert(self, row: Row) -> int:
        return (await Account.create(**row)).id

    async def insert_many(self, rows: Sequence[Row]) -> list[int]:
        raise NotImplementedError(self.unavailable["insert_many"])

    async def update(self, account: Any, score: float) -> None:
        await Account.filter(id=account).update(score=score)

    async def upsert(self, rows: Sequence[Row]) -> None:
        await Account.bulk_create(
            [Account(**row) for row in rows],
            on_conflict=["email"],
            update_fields=["name", "score"],
        )

    async def transaction(self, key: int) -> None:
        async with in_transaction():
            account = await Account.get(id=key)
            account.age = (account.age or 0) + 1
            await account.save(update_fields=["age"])

    async def selectin(self, last: int) -> list[User]:
        return await User.filter(id__lte=last).prefetch_related("posts")

    async def joined(self, last: int) -> list[Post]:
        return await Post.filter(id__lte=last).select_related("author")

    async def tree(self, first: int, last: int) -> list[User]:
        users = User.filter(id__gte=first, id__lte=last)
        return await users.prefetch_related("posts__comments")

    async def links(self, last: int) -> list[Post]:
        return await Post.filter(id__lte=last).prefetch_related("tags")

    async def stream(self) -> tuple[int, int]:
        raise NotImplementedError(self.unavailable["stream"])

    async def events(self, count: int) -> list[Event]:
        return await Event.filter(id__lte=count)

    async def wide(self, width: int) -> Any:
        return await WIDE[width].all()
