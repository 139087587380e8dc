"""Yara ORM, as its documentation says to use it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar
from urllib.parse import urlsplit

from yara_orm import Model, YaraOrm, fields, in_transaction

from benchmarks.dataset import PERSON_COLUMNS, WIDTHS, Row
from benchmarks.libraries.library import POOL_SIZE, Library

COLUMNS = ("id", *PERSON_COLUMNS)


class Person(Model):
    """The columns of users, accounts and events."""

    id = fields.BigIntField(pk=True)
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
    class Meta:
        table = "users"


class Account(Person):
    class Meta:
        table = "accounts"


class Event(Person):
    class Meta:
        table = "events"


class Tag(Model):
    id = fields.BigIntField(pk=True)
    name = fields.TextField()

    class Meta:
        table = "tags"


class Post(Model):
    id = fields.BigIntField(pk=True)
    author = fields.ForeignKeyField("User", related_name="posts")
    title = fields.TextField()
    views = fields.IntField()
    created_at = fields.DatetimeField()
    tags = fields.ManyToManyField(
        "Tag",
        related_name="posts",
        through="post_tags",
        forward_key="tag_id",
        backward_key="post_id",
    )

    class Meta:
        table = "posts"


class Comment(Model):
    id = fields.BigIntField(pk=True)
    post = fields.ForeignKeyField("Post", related_name="comments")
    body = fields.TextField()

    class Meta:
        table = "comments"


WIDE_FIELDS = (
    fields.IntField,
    fields.TextField,
    fields.FloatField,
    fields.BooleanField,
    fields.DatetimeField,
)


def wide_model(width: int) -> Any:
    """Return the class of the table with so many columns."""
    columns = {f"c{n}": WIDE_FIELDS[(n - 1) % 5](null=True) for n in range(1, width)}
    inner = type("Meta", (), {"table": f"wide{width}"})
    return type(
        f"Wide{width}", (Model,), {"id": fields.BigIntField(pk=True), "Meta": inner, **columns}
    )


WIDE = {width: wide_model(width) for width in WIDTHS}


class Yara(Library):
    """Yara ORM, whose driver is a Rust one of its own."""

    key = "yara"
    title = "Yara ORM"
    distribution = "yara-orm"
    unavailable: ClassVar = {"stream": "async for over a query reads all rows first"}

    async def open(self, url: str) -> None:
        given = urlsplit(url)
        query = f"{given.query}&min_size={POOL_SIZE}&max_size={POOL_SIZE}"
        await YaraOrm.init(given._replace(query=query).geturl(), use_tz=True)

    async def close(self) -> None:
        await YaraOrm.close()

    def related(self, row: Any, name: str) -> Any:
        found = getattr(row, name)
        if not hasattr(found, "__await__"):
            return found
        # A list that was loaded is awaited all the same, and comes without waiting.
        try:
            found.__await__().send(None)
        except StopIteration as done:
            return done.value
        raise LookupError(f"{name} was not loaded with its row")

    async def get(self, key: int) -> Any:
        return await User.get(id=key)

    async def page(self, status: str, count: int) -> Any:
        return await User.filter(status=status).order_by("-created_at").limit(count)

    async def models(self) -> Any:
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
        key: int = (await Account.create(**row)).id
        return key

    async def insert_many(self, rows: Sequence[Row]) -> list[int]:
        accounts = await Account.bulk_create([Account(**row) for row in rows])
        return [account.id for account in accounts]

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

    async def selectin(self, last: int) -> Any:
        return await User.filter(id__lte=last).prefetch_related("posts")

    async def joined(self, last: int) -> Any:
        return await Post.filter(id__lte=last).select_related("author")

    async def tree(self, first: int, last: int) -> Any:
        users = User.filter(id__gte=first, id__lte=last)
        return await users.prefetch_related("posts__comments")

    async def links(self, last: int) -> Any:
        return await Post.filter(id__lte=last).prefetch_related("tags")

    async def stream(self) -> tuple[int, int]:
        raise NotImplementedError(self.unavailable["stream"])

    async def events(self, count: int) -> Any:
        return await Event.filter(id__lte=count)

    async def wide(self, width: int) -> Any:
        return await WIDE[width].all()
