"""Every kind of relationship, loaded in every way that there is."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable, Iterator
from types import FrameType
from typing import Any

import pytest

from ormkit import (
    AsyncSession,
    NotLoaded,
    create_engine,
    joinedload,
    jsonload,
    selectinload,
)
from tests.generated import import_models
from tests.servers import Server

SCHEMA = """
[models.Person.columns]
id = { type = "bigint", primary_key = true }
boss_id = { type = "bigint?", foreign_key = "person.id" }

[models.Person.relationships]
boss = { target = "Person", back_populates = "team", many = false }
team = { target = "Person", back_populates = "boss", many = true }
friends = { target = "Person", secondary = "friends" }
badge = { target = "Badge", back_populates = "person" }
sent = { target = "Letter", foreign_key = "sender_id", back_populates = "sender" }
received = { target = "Letter", foreign_key = "recipient_id", back_populates = "recipient" }

[models.Badge.columns]
person_id = { type = "bigint", primary_key = true, foreign_key = "person.id" }
id = "integer"

[models.Badge.relationships]
person = { target = "Person", back_populates = "badge" }

[models.Letter]
mixins = ["soft_delete"]

[models.Letter.columns]
id = { type = "bigint", primary_key = true }
sender_id = { type = "bigint", foreign_key = "person.id" }
recipient_id = { type = "bigint?", foreign_key = "person.id" }

[models.Letter.relationships]
sender = { target = "Person", foreign_key = "sender_id", back_populates = "sent" }
recipient = { target = "Person", foreign_key = "recipient_id", back_populates = "received" }

[models.Shelf.columns]
room = { type = "text", primary_key = true }
number = { type = "integer", primary_key = true }
id = "integer"

[models.Shelf.relationships]
boxes = { target = "Box", back_populates = "shelf" }
labels = { target = "Label", secondary = "shelf_labels", back_populates = "shelves" }

[models.Box.columns]
id = { type = "bigint", primary_key = true }
room = "text?"
number = "integer?"

[[models.Box.foreign_keys]]
columns = ["room", "number"]
target = "shelf"

[models.Box.relationships]
shelf = { target = "Shelf", back_populates = "boxes" }

[models.Label]
mixins = ["soft_delete"]

[models.Label.columns]
id = { type = "bigint", primary_key = true }

[models.Label.relationships]
shelves = { target = "Shelf", secondary = "shelf_labels", back_populates = "labels" }
"""

ROWS = """
INSERT INTO person (id, boss_id) OVERRIDING SYSTEM VALUE VALUES (1, NULL), (2, 1), (3, 1), (4, 2);
INSERT INTO friends VALUES (1, 4), (1, 2), (2, 1);
INSERT INTO badge (person_id, id) VALUES (1, 7), (3, 8);
INSERT INTO letter (id, sender_id, recipient_id, deleted_at) OVERRIDING SYSTEM VALUE
VALUES (1, 2, 1, NULL), (2, 1, 2, NULL), (3, 1, NULL, NULL), (4, 1, 2, now());
INSERT INTO shelf (room, number, id) VALUES ('a', 1, 1), ('a', 2, 2), ('b', 1, 3);
INSERT INTO box (id, room, number) OVERRIDING SYSTEM VALUE
VALUES (1, 'a', 1), (2, 'b', 1), (3, 'a', 1), (4, 'a', NULL), (5, NULL, NULL);
INSERT INTO label (id, deleted_at) OVERRIDING SYSTEM VALUE VALUES (1, NULL), (2, NULL), (3, now());
INSERT INTO shelf_labels (label_id, shelf_room, shelf_number)
VALUES (2, 'a', 1), (1, 'a', 1), (3, 'a', 1), (1, 'b', 1);
"""

#: What each object of a model, in the order of its `id`, is related to.
EXPECTED: dict[tuple[str, str], list[Any]] = {
    ("Person", "boss"): [None, 1, 1, 2],
    ("Person", "team"): [[2, 3], [4], [], []],
    ("Person", "friends"): [[2, 4], [1], [], []],
    ("Person", "badge"): [7, None, 8, None],
    ("Person", "sent"): [[2, 3], [1], [], []],
    ("Person", "received"): [[1], [2], [], []],
    ("Badge", "person"): [1, 3],
    ("Letter", "sender"): [2, 1, 1],
    ("Letter", "recipient"): [1, 2, None],
    ("Shelf", "boxes"): [[1, 3], [], [2]],
    ("Shelf", "labels"): [[1, 2], [], [1]],
    ("Box", "shelf"): [1, 3, 1, None, None],
    ("Label", "shelves"): [[1, 3], [1]],
}

Loads = Callable[[str], Any]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Any:
    directory = tmp_path_factory.mktemp("kinds")
    (directory / "kinds.toml").write_text(SCHEMA)
    return import_models(directory, directory / "kinds.toml")


@pytest.fixture(scope="module")
def url(server18: Server, models: Any) -> Iterator[str]:
    with server18.database() as url:
        server18.run_script(url, models.SCHEMA.ddl())
        server18.run_script(url, ROWS)
        yield url


@pytest.fixture
async def session(url: str) -> AsyncIterator[AsyncSession]:
    """A session on a database whose rows no test changes."""
    async with await create_engine(url) as engine:
        yield AsyncSession(engine)


def ids(value: Any) -> Any:
    """The ids of a list of objects, or the id of one."""
    if isinstance(value, list):
        return [each.id for each in value]  # pyright: ignore
    return None if value is None else value.id


def is_list(model: str, name: str) -> bool:
    return isinstance(EXPECTED[model, name][0], list)


WAYS: list[tuple[Loads | None, str, str]] = [
    (load, model, name)
    for model, name in EXPECTED
    for load in (selectinload, jsonload, joinedload, None)
    if load is not joinedload or not is_list(model, name)
]


@pytest.mark.parametrize(("load", "model", "name"), WAYS)
async def test_each_kind_leads_to_the_same_rows_in_each_way(
    session: AsyncSession, models: Any, load: Loads | None, model: str, name: str
) -> None:
    query = session.query(getattr(models, model)).order_by("id")
    rows = await (query if load is None else query.options(load(name))).all()
    if load is None:
        await session.load(rows, name)
    assert [ids(getattr(row, name)) for row in rows] == EXPECTED[model, name]


@pytest.mark.parametrize("load", [selectinload, jsonload])
@pytest.mark.parametrize(
    ("model", "name"),
    [key for key in EXPECTED if is_list(*key)],
    ids=lambda value: value,
)
async def test_each_kind_of_list_is_cut_for_each_parent(
    session: AsyncSession, models: Any, load: Loads, model: str, name: str
) -> None:
    query = session.query(getattr(models, model)).order_by("id")
    last = await query.options(load(name).order_by("-id").limit(1)).all()
    assert [ids(getattr(row, name)) for row in last] == [
        sorted(each)[-1:] for each in EXPECTED[model, name]
    ]
    later = await query.options(load(name).filter(id__gte=2).order_by("id").offset(1)).all()
    assert [ids(getattr(row, name)) for row in later] == [
        sorted(each for each in found if each >= 2)[1:] for found in EXPECTED[model, name]
    ]


@pytest.mark.parametrize(("model", "name"), EXPECTED, ids=lambda value: value)
async def test_what_was_not_loaded_says_how_to_load_it(
    session: AsyncSession, models: Any, model: str, name: str
) -> None:
    row = (await session.query(getattr(models, model)).order_by("id").all())[0]
    option = "selectinload" if is_list(model, name) else "joinedload"
    advice = rf"{model}\.{name} is not loaded: add \.options\({option}\('{name}'\)\) to the query"
    with pytest.raises(NotLoaded, match=rf"{advice}, or await session\.load\(objects, {model}\."):
        getattr(row, name)
    await session.load(row, name)
    getattr(row, name)


@pytest.mark.parametrize("first", [selectinload, jsonload])
@pytest.mark.parametrize("then", ["selectinload", "jsonload"])
async def test_paths_lead_through_several_kinds(
    session: AsyncSession, models: Any, first: Loads, then: str
) -> None:
    path = first("team")
    for name in ("boss", "friends", "received", "sender", "badge"):
        path = getattr(path, then)(name)
    rows = await session.query(models.Person).options(path).order_by("id").all()
    assert [ids(each.boss) for each in rows[0].team] == [1, 1]
    boss = rows[0].team[0].boss
    assert rows[0].team[1].boss is boss
    assert ids(boss.friends) == [2, 4]
    assert [ids(each.received) for each in boss.friends] == [[2], []]
    assert boss.friends[0].received[0].sender.badge.id == 7
    path = first("labels")
    for name in ("shelves", "boxes", "shelf"):
        path = getattr(path, then)(name)
    shelves = await session.query(models.Shelf).options(path).order_by("id").all()
    assert [ids(each.boxes) for each in shelves[0].labels[0].shelves] == [[1, 3], [2]]
    assert shelves[0].labels[0].shelves[1].boxes[0].shelf.id == 3


async def test_a_reference_that_update_changes_is_forgotten(url: str, models: Any) -> None:
    async with await create_engine(url) as engine:
        session = AsyncSession(engine)
        with pytest.raises(ZeroDivisionError):
            async with session.begin():
                person = models.Person
                row = await session.query(person).options(joinedload("boss")).filter(id=4).one()
                await session.update(row, boss_id=2)
                assert row.boss.id == 2
                await session.update(row, boss_id=3)
                with pytest.raises(NotLoaded):
                    _ = row.boss
                await session.load(row, "boss")
                await session.update(row, boss_id=None)
                assert row.boss is None
                raise ZeroDivisionError


@pytest.mark.parametrize("load", [selectinload, jsonload])
async def test_the_work_of_matching_grows_as_the_rows_do(
    database_url: str, models: Any, load: Loads
) -> None:
    async with await create_engine(database_url) as engine:
        await engine.create_all(models.SCHEMA)
        session = AsyncSession(engine)
        few = await lines_run(session, models, load, 40)
        many = await lines_run(session, models, load, 400)
    assert many < 12 * few


async def lines_run(session: AsyncSession, models: Any, load: Loads, count: int) -> int:
    """Load two lists of that many persons and return how many lines were run."""
    await session.execute_raw("TRUNCATE person CASCADE")
    persons = await session.insert_all([models.Person() for _ in range(count)])
    await session.insert_all([models.Letter(sender=each) for each in persons for _ in range(3)])
    await session.execute_raw(
        "INSERT INTO friends SELECT a.id, b.id FROM person a JOIN person b ON b.id = a.id + 1"
    )
    query = session.query(models.Person).options(load("sent"), load("friends"))
    await query.all()
    work = 0

    def count_work(frame: FrameType, event: str, argument: object) -> Any:
        nonlocal work
        if "ormkit/" not in frame.f_code.co_filename and "models_" not in frame.f_code.co_filename:
            return None
        work += 1
        return count_work

    before = sys.gettrace()
    sys.settrace(count_work)
    try:
        await query.all()
    finally:
        sys.settrace(before)
    return work
