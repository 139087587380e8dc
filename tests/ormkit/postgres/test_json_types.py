"""json_type: values of JSON columns are objects of a class of the application."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any, Literal, TypedDict
from uuid import UUID

import msgspec
import pydantic
import pytest

from ormkit import (
    AsyncSession,
    InvalidValue,
    UnreadableValue,
    UsageError,
    create_engine,
    joinedload,
    jsonload,
)
from ormkit.models.json_types import JsonType, Misfit
from tests.generated import models_of

pytestmark = pytest.mark.one_interpreter

#: CLASS stands for the place of a class.
SCHEMA = """
[models.Account.columns]
id = { type = "bigint", primary_key = true }
settings = { type = "jsonb", json_type = "CLASS" }
extra = { type = "json?", json_type = "CLASS" }
other = { type = "jsonb", json_type = "CLASS", default = { theme = "dark" } }

[models.Account.relationships]
logins = { target = "Login" }

[models.Login.columns]
id = { type = "bigint", primary_key = true }
account_id = { type = "bigint", foreign_key = "account.id" }

[models.Login.relationships]
account = { target = "Account" }
"""


class Level(Enum):
    low = 1
    high = 2


@dataclass
class Point:
    x: int
    y: float = 0.0


@dataclass
class AsDataclass:
    theme: Literal["light", "dark"] = "light"
    since: dt.date | None = None
    points: list[Point] = field(default_factory=list[Point])
    level: Level = Level.low


class AsTypedDict(TypedDict, total=False):
    theme: str
    since: dt.date | None
    points: list[Point]
    level: Level


class PydanticPoint(pydantic.BaseModel):
    x: int
    y: float = 0.0


class AsPydantic(pydantic.BaseModel):
    theme: Literal["light", "dark"] = "light"
    since: dt.date | None = None
    points: list[PydanticPoint] = []
    level: Level = Level.low


class StructPoint(msgspec.Struct):
    x: int
    y: float = 0.0


class AsStruct(msgspec.Struct):
    theme: Literal["light", "dark"] = "light"
    since: dt.date | None = None
    points: list[StructPoint] = []
    level: Level = Level.low


POINTS: dict[str, Any] = {"AsPydantic": PydanticPoint, "AsStruct": StructPoint}
KINDS = ("AsDataclass", "AsTypedDict", "AsPydantic", "AsStruct")


@pytest.fixture(scope="module", params=KINDS)
def models(request: pytest.FixtureRequest) -> Any:
    sys.path.insert(0, str(Path(__file__).parents[3]))
    try:
        return models_of("json", SCHEMA.replace("CLASS", f"{__name__}:{request.param}"))
    finally:
        sys.path.pop(0)


@pytest.fixture
async def session(database_url: str, models: Any) -> AsyncIterator[AsyncSession]:
    async with await create_engine(database_url) as engine:
        await engine.create_all(models.SCHEMA)
        yield AsyncSession(engine)


@pytest.fixture
def cls(models: Any) -> Any:
    return models.Account.settings.json_type.cls


def value(cls: Any, theme: str = "dark", **values: Any) -> Any:
    point = POINTS.get(cls.__name__, Point)
    return cls(theme=theme, since=dt.date(2026, 1, 2), points=[point(x=1, y=0.5)], **values)


async def test_objects_are_written_and_read_by_every_way(
    session: AsyncSession, models: Any, cls: Any
) -> None:
    account = models.Account
    given = value(cls)
    one = await session.insert(account(settings=given))
    assert one.settings is given or cls is AsTypedDict
    assert one.other.theme == "dark" if cls is not AsTypedDict else one.other == {"theme": "dark"}
    many = await session.insert_all([account(settings=given, extra=given) for _ in range(3)])
    await session.copy_in(account, [account(settings=given)])
    async with session.begin() as tx:
        tx.add(account(settings=given))
    await session.upsert(account(id=many[0].id, settings=value(cls, "light")))
    await session.update(many[1], settings=value(cls, "light"))
    many[2].settings = value(cls, "light")
    await session.bulk_update(many[2:], ["settings"])
    query = session.query(account).order_by("id")
    themes = ["dark", "light", "light", "light", "dark", "dark"]
    assert [each.settings for each in await query.all()] == [value(cls, each) for each in themes]
    assert await query.scalars(account.settings) == [value(cls, each) for each in themes]
    assert await query.values_list("extra", flat=True) == [None, given, given, given, None, None]
    part, *_ = await query.only("settings").all()
    assert part.settings == given
    await query.filter(id=one.id).update(settings=value(cls, "light"))
    await session.insert(models.Login(account=one))
    for load in (jsonload, joinedload):
        (login,) = await session.query(models.Login).options(load("account")).all()
        assert login.account.settings == value(cls, "light")
    async with session.begin() as tx:
        (login,) = await tx.query(models.Login).options(jsonload("account")).all()
        assert login.account.settings == value(cls, "light")


async def test_objects_and_documents_are_compared(
    session: AsyncSession, models: Any, cls: Any
) -> None:
    account = models.Account
    await session.insert_all([account(settings=value(cls, theme)) for theme in ("dark", "light")])
    query = session.query(account)
    assert await query.filter(settings=value(cls)).count() == 1
    assert await query.filter(account.settings == value(cls)).count() == 1
    assert await query.filter(settings__ne=value(cls)).count() == 1
    assert await query.filter(account.settings.in_([value(cls), value(cls, "light")])).count() == 2
    assert await query.filter(settings__contains={"theme": "dark"}).count() == 1
    assert await query.filter(account.settings["theme"] == "dark").count() == 1


async def test_a_change_inside_an_object_is_noticed(
    session: AsyncSession, models: Any, cls: Any
) -> None:
    await session.insert(models.Account(settings=value(cls)))
    async with session.begin() as tx:
        account: Any = await tx.get(models.Account, 1)
        if cls is AsTypedDict:
            account.settings["theme"] = "light"
        else:
            account.settings.theme = "light"
    found = await session.get_or_raise(models.Account, 1)
    assert found.settings == value(cls, "light")
    again = await session.upsert(models.Account(id=1, settings=value(cls)))
    assert again.settings == value(cls)


async def test_what_does_not_fit_is_told_with_its_column(
    session: AsyncSession, models: Any, cls: Any
) -> None:
    account = models.Account
    documents: tuple[tuple[Any, str], ...] = (
        ({"theme": 3}, "theme"),
        ({"points": [{"x": 1}, {"x": "wrong"}]}, "points"),
        ([], ""),
    )
    for document, path in documents:
        with pytest.raises(InvalidValue, match=rf"Account.settings .*does not fit {cls.__name__}"):
            await session.insert(account(settings=document))
        with pytest.raises(InvalidValue, match=rf"Account.settings.*{path}") as caught:
            account.from_dict({"settings": document})
        assert "wrong" not in str(caught.value)
    await session.execute_raw(
        "INSERT INTO account (settings) VALUES ($1)", [{"points": [{"x": "secret"}]}]
    )
    for read in (session.query(account).all(), session.query(account).scalars(account.settings)):
        with pytest.raises(
            UnreadableValue, match=rf"Account\.settings.* does not fit {cls.__name__}.*points"
        ) as unread:
            await read
        assert unread.value.column == "settings"
        assert "secret" not in str(unread.value)
    await session.execute_raw("UPDATE account SET settings = 'null'")
    with pytest.raises(UnreadableValue, match=r"Account\.settings"):
        await session.query(account).all()


async def test_a_class_of_the_application_holds_it_too(
    session: AsyncSession, models: Any, cls: Any
) -> None:
    out: Any = pydantic.dataclasses.dataclass if cls is AsPydantic else dataclass

    class Out:
        settings: Any
        extra: Any

    Out.__annotations__ = {"settings": cls, "extra": cls | None}
    shape = out(Out)
    await session.insert(models.Account(settings=value(cls)))
    (found,) = await session.query(models.Account).into(shape).all()
    assert (found.settings, found.extra) == (value(cls), None)
    with pytest.raises(InvalidValue, match="is read as"):
        session.query(models.Account).into(
            dataclass(type("X", (), {"__annotations__": {"settings": int}}))
        )


@dataclass
class Wrong:
    settings: int


@dataclass
class Everything:
    text: str
    number: float
    flag: bool
    at: dt.datetime
    time: dt.time
    id: UUID
    price: Decimal
    pair: tuple[int, str]
    several: tuple[int, ...]
    names: set[str]
    by_name: dict[str, Point]
    choice: int | str | None
    inside: AsTypedDict
    next: Everything | None = None
    anything: Any = None


FITTING: dict[str, Any] = {
    "text": "x",
    "number": 1,
    "flag": True,
    "at": "2026-01-02T03:04:05+00:00",
    "time": "03:04:05",
    "id": "00000000-0000-0000-0000-000000000001",
    "price": "1.50",
    "pair": [1, "a"],
    "several": [1, 2],
    "names": ["a"],
    "by_name": {"a": {"x": 1, "y": 2.0}},
    "choice": None,
    "inside": {"theme": "x", "more": 1},
}


def test_a_dataclass_is_read_by_the_types_of_its_fields() -> None:
    made = JsonType(Everything)
    read = made.load({**FITTING, "next": FITTING})
    assert (read.number, read.price, read.pair) == (1.0, Decimal("1.50"), (1, "a"))
    assert (read.names, read.by_name, read.inside["more"]) == ({"a"}, {"a": Point(1, 2.0)}, 1)
    assert isinstance(read.next, Everything)
    assert made.load(made.dump(read)) == read
    cases: tuple[tuple[str, Any, str], ...] = (
        ("text", 1, "text: it must be str, not int"),
        ("flag", 1, "flag: it must be bool, not int"),
        ("number", True, "number: it must be float, not bool"),
        ("at", "soon", "at: the text is no datetime"),
        ("time", 3, "time: it must be time, not int"),
        ("price", "x", "price: the text is no Decimal"),
        ("pair", [1], "pair: it is no list of 2 values"),
        ("several", [1, "2"], "several.1: it must be int, not str"),
        ("by_name", {"a": {}}, "by_name.a.x: it is missing"),
        ("by_name", {"a": {"x": 1, "z": 1}}, "by_name.a.z: Point has no such field"),
        ("choice", [], "choice: it must be int, not list"),
        ("id", None, "id: it must be UUID, not null"),
    )
    for name, wrong, message in cases:
        with pytest.raises(Misfit) as caught:
            made.load({**FITTING, name: wrong})
        assert str(caught.value) == message


def test_a_class_of_another_kind_is_refused() -> None:
    with pytest.raises(UsageError, match="a dataclass or a TypedDict, not int"):
        JsonType(int)

    @dataclass
    class Odd:
        value: complex

    with pytest.raises(UsageError, match="JSON has no values of type"):
        JsonType(Odd).load({"value": 1})
