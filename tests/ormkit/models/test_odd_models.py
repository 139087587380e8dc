"""Models that are hard to write SQL for: reserved words for names, a namespace, composite keys,
relationships of a table with itself, and all the mixins at once.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from ormkit import (
    AsyncSession,
    MissingValue,
    Q,
    StaleObject,
    UnknownName,
    create_engine,
    joinedload,
    jsonload,
    selectinload,
)
from ormkit.testing import Factory
from tests.generated import import_models
from tests.servers import Server

DELETED = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)

SCHEMA = r"""
[models.Person]
table = "order"
schema = "select"
mixins = ["soft_delete", "timestamps", "version"]

[models.Person.columns]
id = { type = "bigint", primary_key = true }
manager_id = { type = "bigint?", foreign_key = "select.order.id" }
group = { type = "text", default = "staff" }
age = { type = "integer", column = "Age \"in\" years", default = 30 }

[models.Person.relationships]
manager = { target = "Person", back_populates = "reports", many = false }
reports = { target = "Person", back_populates = "manager", many = true }
badge = { target = "Badge", back_populates = "person" }
lines = { target = "Line", back_populates = "user" }
friends = { target = "Person", secondary = "friends" }

[models.Badge]
mixins = ["soft_delete"]

[models.Badge.columns]
person_id = { type = "bigint", primary_key = true, foreign_key = "select.order.id" }
user = "text"

[models.Badge.relationships]
person = { target = "Person", back_populates = "badge" }

[models.Line]
table = "user"

[models.Line.columns]
year = { type = "integer", primary_key = true }
number = { type = "integer", primary_key = true }
user_id = { type = "bigint", foreign_key = "select.order.id" }
text = { type = "text", default = "" }

[models.Line.relationships]
user = { target = "Person", back_populates = "lines" }
remarks = { target = "Remark", back_populates = "line" }
labels = { target = "Label", secondary = "line_labels", back_populates = "lines" }

[models.Remark]
mixins = ["soft_delete"]

[models.Remark.columns]
id = { type = "bigint", primary_key = true }
line_year = "integer?"
line_number = "integer?"

[[models.Remark.foreign_keys]]
columns = ["line_year", "line_number"]
target = "user"

[models.Remark.relationships]
line = { target = "Line", back_populates = "remarks" }

[models.Mark.columns]
id = { type = "bigint", primary_key = true }
line_year = "integer"
line_number = "integer"
value = { type = "integer", default = 0 }

[[models.Mark.foreign_keys]]
columns = ["line_year", "line_number"]
target = "user"

[models.Mark.relationships]
line = { target = "Line" }

[models.Label]
mixins = ["soft_delete"]

[models.Label.columns]
id = { type = "bigint", primary_key = true }

[models.Ticket.columns]
id = { type = "bigint", primary_key = true }
class = { type = "text", default = "second" }
from = { type = "jsonb", default = {} }
model = "text?"
seat = { type = "integer?", foreign_key = "seat.place" }

[models.Ticket.relationships]
for = { target = "Seat", back_populates = "return" }

[models.Seat.relationships]
return = { target = "Ticket", back_populates = "for" }

[models.Seat.columns]
place = { type = "integer", primary_key = true }
place_ = "text"
ordinality = { type = "integer", default = 0 }
given = { type = "integer", server_default = "7" }

[models.Label.relationships]
lines = { target = "Line", secondary = "line_labels", back_populates = "labels" }
"""


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Any:
    directory = tmp_path_factory.mktemp("odd")
    (directory / "odd.toml").write_text(SCHEMA)
    return import_models(directory, directory / "odd.toml")


@pytest.fixture(scope="module")
def template(server18: Server, models: Any) -> Iterator[str]:
    with server18.database() as url:
        server18.run_script(url, models.SCHEMA.ddl())
        yield url


@pytest.fixture
def odd_url(server18: Server, template: str) -> Iterator[str]:
    with server18.database(template=template) as url:
        yield url


@pytest.fixture
async def session(odd_url: str) -> AsyncIterator[AsyncSession]:
    async with await create_engine(odd_url) as engine:
        yield AsyncSession(engine)


@pytest.fixture
async def people(session: AsyncSession, models: Any) -> list[Any]:
    """A boss, two who report to the boss, and one below them, with keys from 1 to 4."""
    person = models.Person
    boss = person(group="board", age=60)
    middle = [person(manager=boss, age=50), person(manager=boss, age=40)]
    return await session.insert_all([person(manager=middle[0]), *middle, boss])


def ids(rows: list[Any]) -> list[int]:
    return sorted(row.id for row in rows)


async def test_rows_that_refer_to_each_other_are_inserted_in_one_call(people: list[Any]) -> None:
    last, first, second, boss = people
    assert (boss.id, ids([first, second]), last.id) == (1, [2, 3], 4)
    assert last.manager_id == first.id


async def test_every_statement_quotes_what_needs_it(
    session: AsyncSession, models: Any, people: list[Any]
) -> None:
    person = models.Person
    query = session.query(person)
    rows = await query.filter(age__gt=30, group="staff").order_by("-age", "group").limit(1).all()
    assert ids(rows) == [2]
    async with session.begin():
        assert ids(await query.filter(age=60).for_update(skip_locked=True).all()) == [1]
    assert await query.filter(age=60).update(age=person.age + 1, group="old") == 1
    assert await query.filter(age=61).values_list(person.group, person.age) == [("old", 61)]
    assert await query.filter(age=61).exists()
    assert await query.filter(id=4).delete() == 1
    assert await query.count() == 3


async def test_a_limit_chooses_which_rows_are_changed_or_deleted(
    session: AsyncSession, models: Any, people: list[Any]
) -> None:
    person = models.Person
    await session.insert_all([models.Line(year=1, number=n, user=people[3]) for n in range(4)])
    oldest = session.query(person).order_by("-age")
    assert await oldest.offset(1).limit(2).update(age=person.age + 5) == 2
    assert sorted(person.age for person in await oldest.all()) == [30, 45, 55, 60]
    last = session.query(models.Line).order_by("-number").limit(2)
    assert await last.delete() == 2
    numbers = await session.query(models.Line).order_by("number").values_list(models.Line.number)
    assert numbers == [(0,), (1,)]


async def test_an_order_that_binds_values_serves_every_method(
    session: AsyncSession, models: Any, people: list[Any]
) -> None:
    person = models.Person
    query = session.query(person).filter(age__gte=40).order_by((person.age * 2).desc())
    assert [row.age for row in await query.all()] == [60, 50, 40]
    assert await query.count() == 3
    assert await query.exists()
    assert await query.limit(2).count() == 2
    assert await query.max(person.age) == 60
    assert await query.update(age=1) == 3
    assert await query.filter(age=1).delete() == 0


async def test_selected_expressions_may_bind_values(
    session: AsyncSession, models: Any, people: list[Any]
) -> None:
    person = models.Person
    query = session.query(person).filter(age=60).order_by(person.age + 3).limit(1)
    assert await query.values_list(person.age + 2, person.id) == [(62, 1)]
    assert await query.values_list(person.age + 2, person.age > 59).first() == (62, True)
    assert await query.sum(person.age * 2) == 120


async def test_conditions_reach_over_a_table_s_relationships_with_itself(
    session: AsyncSession, models: Any, people: list[Any]
) -> None:
    person = models.Person
    query = session.query(person)
    assert ids(await query.filter(person.manager.has(person.age == 60)).all()) == [2, 3]
    assert ids(await query.filter(person.reports.any(person.age < 35)).all()) == [2]
    above = person.manager.has(person.manager.has(person.group == "board"))
    assert ids(await query.filter(above, age=30).all()) == [4]
    assert ids(await query.filter(~person.reports.any()).all()) == [3, 4]
    assert await query.filter(person.manager.has(person.age > 55)).update(group="high") == 2
    assert await query.filter(person.manager.has(person.group == "high")).delete() == 1


async def test_a_table_is_joined_to_itself(
    session: AsyncSession, models: Any, people: list[Any]
) -> None:
    person = models.Person
    loads = joinedload("manager").joinedload("manager").selectinload("reports")
    query = session.query(person).options(loads).filter(person.age < 60).order_by("id")
    rows = await query.all()
    assert [row.manager.id for row in rows] == [1, 1, 2]
    assert rows[2].manager.manager.group == "board"
    assert ids(rows[2].manager.manager.reports) == [2, 3]
    async with session.begin():
        assert ids(await query.for_update().all()) == [2, 3, 4]


async def test_relationships_of_a_table_with_itself_load_both_ways(
    session: AsyncSession, models: Any, people: list[Any]
) -> None:
    await session.execute_raw('INSERT INTO "select".friends VALUES (1, 4), (1, 2), (2, 1)')
    rows = await session.query(models.Person).order_by("id").all()
    await session.load(rows, "manager", "reports", "friends")
    assert [ids(row.reports) for row in rows] == [[2, 3], [4], [], []]
    assert [row.manager and row.manager.id for row in rows] == [None, 1, 1, 2]
    assert [ids(row.friends) for row in rows] == [[2, 4], [1], [], []]
    friendly = session.query(models.Person).filter(
        models.Person.friends.any(models.Person.age < 60)
    )
    assert ids(await friendly.all()) == [1]


async def test_one_to_one_loads_from_both_sides_and_may_be_missing(
    session: AsyncSession, models: Any, people: list[Any]
) -> None:
    await session.insert(models.Badge(person=people[3], user="b"))
    for load in (selectinload, joinedload, jsonload):
        rows = await session.query(models.Person).options(load("badge")).order_by("id").all()
        assert [row.badge and row.badge.user for row in rows] == ["b", None, None, None]
        badge = await session.query(models.Badge).options(load("person")).one()
        assert badge.person.age == 60
    await session.soft_delete(badge)
    for load in (selectinload, joinedload, jsonload):
        row = await session.query(models.Person).options(load("badge")).filter(id=1).one()
        assert row.badge is None


@pytest.fixture
async def lines(session: AsyncSession, models: Any, people: list[Any]) -> list[Any]:
    """Lines (1, 1), (1, 2) and (2, 1); the first has two remarks, and one remark has no line."""
    keys = [(1, 1), (1, 2), (2, 1)]
    found = [models.Line(year=y, number=n, user=people[3], text=f"{y}.{n}") for y, n in keys]
    await session.insert_all(found)
    remark = models.Remark
    await session.insert_all([remark(line=found[0]), remark(line=found[0]), remark()])
    await session.insert_all([models.Label(), models.Label()])
    await session.execute_raw("INSERT INTO line_labels VALUES (1, 1, 1), (2, 1, 1), (2, 2, 1)")
    return found


async def test_a_composite_key_finds_changes_and_removes_one_row(
    session: AsyncSession, models: Any, lines: list[Any]
) -> None:
    line = await session.get_or_raise(models.Line, (1, 2))
    await session.update(line, text="changed", year=3)
    assert (await session.get_or_raise(models.Line, (3, 2))).text == "changed"
    await session.remove(line)
    assert await session.get(models.Line, (3, 2)) is None
    assert await session.query(models.Line).count() == 2


async def test_relationships_go_by_composite_keys(
    session: AsyncSession, models: Any, lines: list[Any]
) -> None:
    line, remark = models.Line, models.Remark
    rows = await session.query(line).options(selectinload("remarks")).order_by("text").all()
    assert [ids(row.remarks) for row in rows] == [[1, 2], [], []]
    for load in (selectinload, joinedload, jsonload):
        remarks = await session.query(remark).options(load("line")).order_by("id").all()
        assert [each.line and each.line.text for each in remarks] == ["1.1", "1.1", None]
    assert await session.query(line).filter(line.remarks.any(remark.id == 2)).count() == 1
    assert await session.query(remark).filter(remark.line.has(line.text == "1.1")).count() == 2


async def test_a_many_to_many_goes_by_composite_keys(
    session: AsyncSession, models: Any, lines: list[Any]
) -> None:
    line, label = models.Line, models.Label
    loads = selectinload("labels"), selectinload("user").joinedload("manager")
    rows = await session.query(line).options(*loads).order_by("text").all()
    assert [ids(row.labels) for row in rows] == [[1, 2], [], [2]]
    assert [row.user.manager for row in rows] == [None, None, None]
    labels = await session.query(label).options(selectinload("lines")).order_by("id").all()
    assert [sorted(row.text for row in each.lines) for each in labels] == [["1.1"], ["1.1", "2.1"]]
    assert await session.query(line).filter(line.labels.any(label.id == 2)).count() == 2


async def test_lists_and_conditions_leave_out_rows_that_are_softly_deleted(
    session: AsyncSession, models: Any, lines: list[Any]
) -> None:
    line, remark, label = models.Line, models.Remark, models.Label
    await session.query(remark).filter(id=1).update(deleted_at=DELETED)
    await session.query(label).filter(id=2).update(deleted_at=DELETED)
    loads = selectinload("remarks"), selectinload("labels")
    row = await session.query(line).filter(text="1.1").options(*loads).one()
    assert (ids(row.remarks), ids(row.labels)) == ([2], [1])
    assert await session.query(line).filter(line.remarks.any(remark.id == 1)).count() == 0
    assert await session.query(line).filter(line.labels.any()).count() == 1


async def test_a_reference_leads_to_its_row_also_where_that_is_softly_deleted(
    session: AsyncSession, models: Any, lines: list[Any]
) -> None:
    line, person = models.Line, models.Person
    await session.query(person).filter(id=1).update(deleted_at=DELETED)
    for load in (selectinload, joinedload, jsonload):
        row = (await session.query(line).options(load("user")).all())[0]
        assert row.user.deleted_at == DELETED
    assert await session.query(line).filter(line.user.has(person.age == 60)).count() == 3


async def test_a_stale_version_is_neither_written_nor_removed(
    session: AsyncSession, models: Any, people: list[Any]
) -> None:
    boss = people[3]
    other = await session.get_or_raise(models.Person, boss.id)
    await session.update(boss, age=models.Person.age + 1)
    assert (boss.age, boss.version) == (61, 2)
    for change in (session.update(other, age=1), session.remove(other)):
        with pytest.raises(StaleObject):
            await change
    await session.query(models.Person).filter(id=boss.id).update(group="x")
    assert (await session.get_or_raise(models.Person, boss.id)).version == 3


async def test_an_upsert_goes_to_a_table_in_a_namespace(
    session: AsyncSession, models: Any, people: list[Any]
) -> None:
    again = models.Person(id=1, age=7)
    await session.upsert(again)
    assert (again.age, again.version, again.group) == (7, 2, "board")
    same = models.Badge(person_id=1, user="first")
    await session.upsert(same)
    await session.upsert(models.Badge(person_id=1, user="second"), update_fields=["user"])
    assert await session.query(models.Badge).values_list(models.Badge.user) == [("second",)]


async def test_an_object_referred_to_must_have_its_key_also_where_null_is_allowed(
    session: AsyncSession, models: Any
) -> None:
    with pytest.raises(MissingValue, match=r"Person\.manager .* insert it first"):
        await session.insert(models.Person(manager=models.Person()))
    assert await session.query(models.Person).count() == 0


async def test_a_missing_part_of_a_composite_reference_is_named(
    session: AsyncSession, models: Any
) -> None:
    wanted = r"Mark\.line_number has no value .*: pass line_number=\.\.\. or line=\.\.\."
    with pytest.raises(MissingValue, match=wanted):
        await session.insert(models.Mark(line_year=1))


async def test_aggregates_of_a_limited_query_keep_its_order(
    session: AsyncSession, models: Any, lines: list[Any]
) -> None:
    mark = models.Mark
    await session.insert_all([mark(line=lines[0], value=value) for value in (3, 2, 1)])
    assert await session.query(mark).order_by("value").limit(1).max(mark.id) == 3
    assert await session.query(mark).order_by("-value").limit(2).sum(mark.value * 2) == 10


async def test_names_that_the_statements_use_themselves(session: AsyncSession, models: Any) -> None:
    seats = [models.Seat(place=n, place_=f"s{n}") for n in (3, 1, 2)]
    assert [seat.given for seat in await session.insert_all(seats)] == [7, 7, 7]
    for seat in seats:
        seat.place_, seat.given = f"t{seat.place}", seat.place
    await session.bulk_update(seats)
    await session.upsert_all(
        [models.Seat(place=n, place_="u", given=n) for n in (4, 1)],
        conflict_target=["place"],
        update_fields=["place_"],
    )
    found = await session.query(models.Seat).order_by("place").all()
    assert [(seat.place, seat.place_, seat.given) for seat in found] == [
        (1, "u", 1),
        (2, "t2", 2),
        (3, "t3", 3),
        (4, "u", 4),
    ]


async def test_names_that_end_with_an_underscore_have_operators_and_paths(
    session: AsyncSession, models: Any
) -> None:
    seat = await session.insert(models.Seat(place=1, place_="window"))
    ticket = models.Ticket(class_="first", from_={"_a": 1, "a": 2}, for_=seat)
    await session.insert_all([ticket, models.Ticket()])
    query, seats = session.query(models.Ticket), session.query(models.Seat)
    for by in (
        {"class___ne": "second"},
        {"class___startswith": "f"},
        {"class___isnull": False, "class_": "first"},
        {"from___contains": {"a": 2}},
    ):
        assert await query.filter(**by).values_list("id") == [(ticket.id,)]
        assert await query.filter(Q(**by)).values_list("id") == [(ticket.id,)]
    for path in ({"for___place_": "window"}, {"for___place___in": ["window"]}, {"for_": seat}):
        assert await query.filter(Q(**path)).values_list("id") == [(ticket.id,)]
    assert await query.filter(Q(from____a=1)).count() == 1
    assert await query.filter(Q(for___isnull=True)).count() == 1
    assert await seats.filter(Q(return___class___in=["first"])).count() == 1
    assert await query.order_by("-for___place_").values("for___place_", "from___a") == [
        {"for___place_": None, "from___a": None},
        {"for___place_": "window", "from___a": 2},
    ]
    # A column is taken before the operator of another one.
    assert await seats.filter(place___ne="aisle", place__ne=2).count() == 1
    with pytest.raises(UnknownName, match="is a relationship: write Q"):
        query.filter(for___place=1)


async def test_a_factory_takes_a_column_with_the_name_of_its_own_argument(
    session: AsyncSession, models: Any
) -> None:
    factory = Factory(models.Ticket, model="T").using(session)
    assert (factory.build().model, factory.build(model="S").model) == ("T", "S")
    assert (await factory.create(model="R")).model == "R"
