"""Values that are compared with an expression of another type: as PostgreSQL would, or refused."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest

from ormkit import (
    AsyncSession,
    Interval,
    InvalidValue,
    Q,
    Range,
    UsageError,
    case,
    create_engine,
    func,
)
from tests.generated import models_of

#: PostgreSQL and the code say the same on every interpreter.
pytestmark = pytest.mark.one_interpreter

MODELS = models_of(
    "comparing",
    """
[enums]
Level = ["low", "high"]

[models.Task.columns]
id = { type = "integer", primary_key = true }
name = "text?"
level = "Level?"
age = "integer?"
price = "numeric(10, 2)?"
small = "real?"
ratio = "double precision?"
is_done = "boolean?"
due = "date?"
day = "date"
local = "timestamp?"
moment = "timestamptz?"
clock = "time?"
zoned = "timetz?"
span = "interval?"
ages = "int4range?"
prices = "numrange?"
days = "daterange?"
locals = "tsrange?"
moments = "tstzrange?"
tags = "text[]?"
dates = "date[]?"
doc = "jsonb?"
parent_id = { type = "integer?", foreign_key = "task.id" }

[models.Task.relationships]
parent = { target = "Task", back_populates = "children", many = false }
children = { target = "Task", back_populates = "parent", many = true }
""",
)
Task: Any = MODELS.Task
UTC = dt.UTC
DAY = dt.date(2030, 1, 2)
NOON = dt.datetime(2030, 1, 2, 12)
HOUR = dt.timedelta(hours=1)


@pytest.fixture
async def tasks(database_url: str) -> AsyncIterator[AsyncSession]:
    """One task with every value, and one with none that it can do without."""
    async with await create_engine(database_url) as engine:
        await engine.create_all(MODELS.SCHEMA)
        session = AsyncSession(engine)
        full = Task(
            id=1, name="a", level=MODELS.Level.low, age=3, price=Decimal("1.10"), small=1.5,
            ratio=0.5, is_done=True, due=DAY, day=DAY, local=NOON, moment=NOON.replace(tzinfo=UTC),
            clock=dt.time(10), zoned=dt.time(10, tzinfo=UTC), span=HOUR, ages=Range(1, 5),
            prices=Range(Decimal(1), Decimal(2)), days=Range(DAY, dt.date(2030, 2, 1)),
            locals=Range(NOON, NOON + HOUR),
            moments=Range(NOON.replace(tzinfo=UTC), (NOON + HOUR).replace(tzinfo=UTC)),
            tags=["a", "b"], dates=[DAY], doc={"a": 1},
        )  # fmt: skip
        await session.insert_all([full, Task(id=2, day=DAY, parent_id=1)])
        yield session


@pytest.mark.parametrize(
    ("keyword", "value", "expected"),
    [
        # A date is its midnight beside a timestamp: at noon it is before.
        ("due__lt", NOON, [1]),
        ("due__lte", NOON, [1]),
        ("due", NOON, []),
        ("due__ne", NOON, [1]),
        ("due__gte", NOON, []),
        ("due__gt", dt.datetime(2030, 1, 1, 23, 59), [1]),
        ("due__between", (dt.datetime(2030, 1, 1, 1), NOON), [1]),
        ("due__lt", NOON.replace(tzinfo=UTC), [1]),
        ("day__lt", NOON, [1, 2]),
        ("moment__gte", DAY, [1]),
        ("moment__gt", dt.date(2030, 1, 4), []),
        ("local__gt", DAY, [1]),
        ("price", 1.1, [1]),
        ("price__gt", 1.05, [1]),
        ("price__gt", 1, [1]),
        ("age__gt", 2.0, [1]),
        ("ages__contains", 3, [1]),
        ("ages__contains", 5, []),
        ("ages__contains", Range(2, 4), [1]),
        ("prices__contains", Decimal("1.5"), [1]),
        ("days__contains", DAY, [1]),
        ("days__contains", dt.date(2030, 2, 1), []),
        ("locals__contains", NOON, [1]),
        ("moments__contains", NOON.replace(tzinfo=UTC), [1]),
    ],
)
async def test_a_value_counts_as_postgresql_would_take_it(
    tasks: AsyncSession, keyword: str, value: object, expected: list[int]
) -> None:
    query = tasks.query(Task).order_by("id")
    others = [each for each in (1, 2) if each not in expected]
    # Twice: the second time the statement is found by the calls that led to it.
    for _ in range(2):
        assert await query.filter(**{keyword: value}).scalars(Task.id) == expected
        assert await query.filter(Q(**{keyword: value})).scalars(Task.id) == expected
        assert await query.exclude(**{keyword: value}).scalars(Task.id) == others


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("due__in", [DAY, NOON]),
        ("due__notin", [NOON]),
        ("dates__contains", [NOON]),
        ("dates__overlaps", [DAY, NOON]),
        ("days__contains", NOON),
        ("days__overlaps", Range(NOON, None)),
        ("moment", NOON),
        ("moment__lt", NOON),
        ("moment__in", [NOON]),
        ("moments__contains", NOON),
        ("moments__contains", Range(NOON, None)),
        ("local__lt", NOON.replace(tzinfo=UTC)),
        ("zoned__lt", dt.time(10)),
        ("clock__lt", dt.time(10, tzinfo=UTC)),
        ("clock__lt", NOON),
        ("age", True),
        ("age__in", [1, True]),
        ("age__gt", 1.5),
        ("age__gt", Decimal("1.5")),
        ("age__lt", 2**40),
        ("age__in", [2**40]),
        ("ages__contains", 1.5),
        ("ages__contains", 2**40),
        ("ages__contains", True),
        ("ages__contains", "1"),
        ("prices__contains", 1.5),
        ("price", True),
        ("price__in", [1.1]),
        ("ratio", False),
        ("is_done", 1),
        ("name", 3),
        ("age__lt", None),
        ("age__between", (None, 3)),
        ("name__like", None),
        ("name__regex", None),
        ("ages__contains", None),
        ("doc__contains", None),
    ],
)
async def test_a_value_that_would_change_on_its_way_is_refused(
    tasks: AsyncSession, keyword: str, value: object
) -> None:
    column = f"Task.{keyword.partition('__')[0]}"
    for query in (
        tasks.query(Task).filter,
        tasks.query(Task).exclude,
        lambda **by: tasks.query(Task).filter(Q(**by)),
        lambda **by: tasks.query(Task).filter(Q(parent__id=1, children__id=2) | ~Q(**by)),
        lambda **by: tasks.query(Task).filter(**by, id=1),
    ):
        with pytest.raises(InvalidValue, match=column):
            await query(**{keyword: value}).all()


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("age__in", [1, None]),
        ("age__notin", [None]),
        ("level__in", ["low", None]),
        ("tags__contains", ["a", None]),
        ("tags__contained_by", [None]),
        ("tags__overlaps", ("a", None)),
        ("dates__contains", [None]),
    ],
)
async def test_none_in_a_list_is_refused_with_the_way_to_ask_for_null(
    tasks: AsyncSession, keyword: str, value: Any
) -> None:
    name, _, operator = keyword.partition("__")
    column = getattr(Task, name)
    method = getattr(column, {"in": "in_"}.get(operator, operator))
    for ask in (
        lambda: tasks.query(Task).filter(**{keyword: value}),
        lambda: tasks.query(Task).filter(Q(**{f"parent__{keyword}": value})),
        lambda: tasks.query(Task).having(method(value)),
        lambda: Task.children.any(method(value)),
    ):
        with pytest.raises(InvalidValue, match=rf"Task\.{name}.*{name}__isnull=True"):
            ask()
    with pytest.raises(InvalidValue, match="isnull"):
        Task.doc["a"].in_([1, None])
    with pytest.raises(InvalidValue, match="isnull"):
        func.coalesce(Task.age, 3).in_([None])


async def test_null_inside_an_array_is_a_value_of_it(tasks: AsyncSession) -> None:
    await tasks.insert(Task(id=3, day=DAY, tags=["a", None]))
    assert await tasks.query(Task).filter(tags=["a", None]).scalars(Task.id) == [3]


async def test_a_query_of_a_known_shape_still_looks_at_the_time_zone(tasks: AsyncSession) -> None:
    query = tasks.query(Task)
    for _ in range(2):
        assert await query.filter(moment__lte=NOON.replace(tzinfo=UTC)).count() == 1
    with pytest.raises(InvalidValue, match=r"Task\.moment.*time zone"):
        query.filter(moment__lte=NOON)


async def test_computed_values_are_compared_as_columns_are(tasks: AsyncSession) -> None:
    query = tasks.query(Task).filter(id=1)
    assert await query.filter(func.coalesce(Task.due, DAY) < NOON).count() == 1
    assert await query.filter(Task.parent.value(Task.due).isnull()).count() == 1
    assert await query.filter(case((Task.id == 1, Task.due)) >= NOON).count() == 0
    groups = tasks.query(Task).group_by("id").having(func.max(Task.due) < NOON)
    assert await groups.values_list(Task.id) == [(1,)]
    with pytest.raises(InvalidValue, match="fraction"):
        tasks.query(Task).group_by("id").having(func.count() > 1.5)
    for wrong in (
        lambda: func.coalesce(Task.due, NOON),
        lambda: func.greatest(Task.due, NOON),
        lambda: func.nullif(Task.due, NOON),
        lambda: func.coalesce(Task.moment, NOON),
        lambda: case((Task.id == 1, Task.due), else_=NOON),
    ):
        with pytest.raises(InvalidValue, match="cannot be compared"):
            wrong()


async def test_one_value_lies_within_a_range_also_from_its_side(tasks: AsyncSession) -> None:
    query = tasks.query(Task).order_by("id")
    for condition in (
        Task.age.contained_by(Range(1, 5)),
        Task.due.contained_by(Range(DAY, None)),
        Task.age.contained_by(Task.ages),
        Task.ages.contains(Task.age),
        Task.ages.contains(Task.ages),
    ):
        assert await query.filter(condition).scalars(Task.id) == [1]
    with pytest.raises(InvalidValue, match=r"Task\.due"):
        Task.due.contained_by(Range(NOON, None))


SPAN = dt.timedelta(hours=36)
#: What is computed, its type in PostgreSQL, and its value.
COMPUTED: list[tuple[Any, str, Any]] = [
    (Task.due + SPAN, "timestamp", dt.datetime(2030, 1, 3, 12)),
    (SPAN + Task.due, "timestamp", dt.datetime(2030, 1, 3, 12)),
    (Task.due - SPAN, "timestamp", dt.datetime(2029, 12, 31, 12)),
    (Task.due + Task.span, "timestamp", dt.datetime(2030, 1, 2, 1)),
    (Task.span + Task.due, "timestamp", dt.datetime(2030, 1, 2, 1)),
    (Task.due - Task.day, "integer", 0),
    (Task.due - dt.date(2030, 1, 1), "integer", 1),
    (dt.date(2030, 1, 4) - Task.due, "integer", 2),
    (Task.due + 3, "date", dt.date(2030, 1, 5)),
    (3 + Task.due, "date", dt.date(2030, 1, 5)),
    (Task.due - 1, "date", dt.date(2030, 1, 1)),
    (Task.due + Task.age, "date", dt.date(2030, 1, 5)),
    (Task.age + Task.due, "date", dt.date(2030, 1, 5)),
    (Task.due + Task.clock, "timestamp", dt.datetime(2030, 1, 2, 10)),
    (Task.due + dt.time(3), "timestamp", dt.datetime(2030, 1, 2, 3)),
    (Task.due - Task.local, "interval", -12 * HOUR),
    (NOON - Task.due, "interval", 12 * HOUR),
    (Task.local - NOON, "interval", 0 * HOUR),
    (Task.local - Task.span, "timestamp", dt.datetime(2030, 1, 2, 11)),
    (Task.moment + HOUR, "timestamptz", dt.datetime(2030, 1, 2, 13, tzinfo=UTC)),
    (Task.moment - Task.moment, "interval", 0 * HOUR),
    (NOON.replace(tzinfo=UTC) - Task.moment, "interval", 0 * HOUR),
    (Task.clock + HOUR, "time", dt.time(11)),
    (Task.clock - HOUR, "time", dt.time(9)),
    (Task.clock - dt.time(1), "interval", 9 * HOUR),
    (Task.zoned + HOUR, "timetz", dt.time(11, tzinfo=UTC)),
    (Task.span + HOUR, "interval", 2 * HOUR),
    (Task.span - HOUR, "interval", 0 * HOUR),
    (Task.span * 2, "interval", 2 * HOUR),
    (1.5 * Task.span, "interval", 1.5 * HOUR),
    (Task.span * Task.age, "interval", 3 * HOUR),
    (Task.span / 2, "interval", HOUR / 2),
    (-Task.span, "interval", -HOUR),
    (NOON + Task.span, "timestamp", dt.datetime(2030, 1, 2, 13)),
    (NOON - Task.span, "timestamp", dt.datetime(2030, 1, 2, 11)),
    (Task.age * Task.price, "numeric", Decimal("3.30")),
    (Task.age + Task.ratio, "double precision", 3.5),
    (Task.small + Task.small, "real", 3.0),
    (Task.small * Task.age, "double precision", 4.5),
    (Task.price * 2, "numeric", Decimal("2.20")),
    (Task.age % 2, "integer", 1),
    (Task.name + Task.age, "text", "a3"),
    ("x" + Task.name + "y", "text", "xay"),
    (Task.tags + Task.tags, "text[]", ["a", "b", "a", "b"]),
    (Task.ages * Range(2, 9), "int4range", Range(2, 5)),
    (func.call("lower", Task.name, type="text") + "x", "text", "ax"),
    (func.call("length", Task.name) + 1, "", 2),
    (func.sum(Task.span), "interval", HOUR),
    (func.sum(Task.age), "bigint", 3),
    (func.sum(Task.age * Task.price), "numeric", Decimal("3.30")),
    (func.sum(Task.small), "real", 1.5),
    (func.avg(Task.age), "numeric", Decimal(3)),
    (func.avg(Task.small), "double precision", 1.5),
    (func.avg(Task.span), "interval", HOUR),
    (func.ceil(Task.age), "double precision", 3.0),
    (func.round(Task.price, 1), "numeric(10, 2)", Decimal("1.1")),
    (func.date_trunc("month", Task.due), "timestamptz", dt.datetime(2030, 1, 1, tzinfo=UTC)),
]


@pytest.mark.parametrize(
    ("expression", "type_", "value"), COMPUTED, ids=[str(n) for n in range(len(COMPUTED))]
)
async def test_what_is_computed_has_postgresql_s_type(
    tasks: AsyncSession, expression: Any, type_: str, value: Any
) -> None:
    query = tasks.query(Task).filter(id=1)
    (found,) = await query.scalars(expression)
    assert found == value
    assert type(found) is type(Interval.of(value))
    assert expression.type.partition("(")[0] == type_.partition("(")[0]
    if not isinstance(expression, type(func.sum(Task.age))):
        name = func.call("format", "%s", func.call("pg_typeof", expression))
        (named,) = await query.scalars(name)
        known = {
            "timestamp": "timestamp without time zone",
            "timestamptz": "timestamp with time zone",
            "time": "time without time zone",
            "timetz": "time with time zone",
        }
        wanted = type_.partition("(")[0]
        assert not wanted or named == known.get(wanted, wanted)


@pytest.mark.parametrize(
    "compute",
    [
        lambda: Task.due + Task.due,
        lambda: Task.due + DAY,
        lambda: Task.moment + NOON.replace(tzinfo=UTC),
        lambda: Task.due * 2,
        lambda: Task.span * Task.span,
        lambda: Task.age - Task.due,
        lambda: 3 - Task.due,
        lambda: Task.due + 1.5,
        lambda: Task.age + True,
        lambda: Task.is_done + 1,
        lambda: Task.age * Task.name,
        lambda: Task.name - "x",
        lambda: Task.name * 2,
        lambda: Task.ratio % 2.0,
        lambda: -Task.due,
        lambda: -Task.name,
        lambda: Task.moment - NOON,
        lambda: func.call("lower", Task.name) + "x",
        lambda: "x" + func.call("lower", Task.name),
        lambda: func.call("lower", Task.name) + Task.name,
        lambda: func.sum(Task.name),
        lambda: func.sum(Task.due),
        lambda: func.sum(Task.moment),
        lambda: func.sum(Task.is_done),
        lambda: func.sum(Task.tags),
        lambda: func.sum(Task.doc),
        lambda: func.sum(Task.level),
        lambda: func.avg(Task.name),
        lambda: func.avg(Task.due),
        lambda: func.sum(func.max(Task.name)),
    ],
)
def test_what_postgresql_has_no_operator_for_is_refused_where_it_is_written(compute: Any) -> None:
    with pytest.raises(UsageError):
        compute()


async def test_a_query_s_own_sum_is_of_numbers(tasks: AsyncSession) -> None:
    query = tasks.query(Task)
    assert await query.sum(Task.age) == 3
    assert await query.sum(Task.span) == HOUR
    for column in (Task.name, Task.due, Task.is_done):
        with pytest.raises(UsageError, match="adds up"):
            await query.sum(column)
        with pytest.raises(UsageError, match="adds up"):
            await query.avg(column)


async def test_exclude_keeps_what_is_unknown(tasks: AsyncSession) -> None:
    query = tasks.query(Task).order_by("id")
    for by in (
        {"age": 3},
        {"age": 3, "name": "a"},
        {"tags__contains": ["a"]},
        {"ages__contains": 3},
        {"level": MODELS.Level.low},
        {"doc__contains": {"a": 1}},
        {"due__lte": NOON},
        {"age__in": [3]},
    ):
        assert await query.exclude(**by).scalars(Task.id) == [2], by
        assert await query.exclude(Q(**by)).scalars(Task.id) == [2], by
        assert await query.exclude(Q(parent__id=1, **by)).scalars(Task.id) == [1, 2], by
    assert await query.exclude(Task.doc["a"] == 1).scalars(Task.id) == [2]
    assert await query.exclude(Task.parent.has(Task.age == 3)).scalars(Task.id) == [1]
    assert await query.exclude(Task.children.any(Task.age == 3)).scalars(Task.id) == [1, 2]
    assert await query.filter(~(Task.age == 3)).scalars(Task.id) == []
    assert await query.exclude(age=3).update(name="kept") == 1
    assert await query.exclude(age=3).delete() == 1
    assert await query.scalars(Task.id) == [1]


async def test_what_cannot_be_null_is_negated_so_that_an_index_serves(tasks: AsyncSession) -> None:
    def where(**by: Any) -> str:
        return repr(tasks.query(Task).exclude(**by)).partition(" WHERE ")[2]

    assert where(day__gte=DAY) == "NOT (day >= $1)>"
    assert where(id__in=[1]) == "NOT (id = ANY($1))>"
    assert where(due__isnull=True) == "NOT (due IS NULL)>"
    assert where(id=1, day=DAY) == "NOT (id = $1 AND day = $2)>"
    assert where(due__gte=DAY) == "(due >= $1) IS NOT TRUE>"
    assert where(id=1, due=DAY) == "(id = $1 AND due = $2) IS NOT TRUE>"


@pytest.mark.parametrize(
    "build",
    [
        lambda: Task.age.contains(3),
        lambda: Task.age.contained_by([3]),
        lambda: Task.due.overlaps([DAY]),
        lambda: (Task.age + 1).contains([3]),
    ],
)
def test_a_single_value_contains_nothing(build: Any) -> None:
    with pytest.raises(UsageError, match="is for arrays, ranges and jsonb, and this is of type"):
        build()
