"""Wrong values for every kind of column, by every way in which a value gets to one."""

from __future__ import annotations

import datetime as dt
import enum
import re
from collections.abc import Awaitable, Callable
from decimal import Decimal
from ipaddress import IPv4Network, ip_address
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from ormkit import BitString, DataError, InvalidValue, Range, UsageError
from tests.reliability.bad_inputs.cases import Lab

NOON = dt.datetime(2026, 1, 1, 12)
UTC = dt.UTC
VIENNA = ZoneInfo("Europe/Vienna")
EAST = dt.timezone(dt.timedelta(hours=14))
#: Half of a surrogate pair.
HALF = "\ud800"
NESTED: Any = []
for _ in range(100_000):
    NESTED = [NESTED]
ITSELF: Any = []
ITSELF.append(ITSELF)


class Word(str):
    """A text of another class."""


class Number(int):
    """A whole number of another class."""


class Other(enum.Enum):
    good = "good"


class OtherWord(enum.StrEnum):
    good = "good"
    awful = "awful"


class Unprintable:
    def __repr__(self) -> str:
        raise LookupError("no text")


#: A column, values that the driver cannot send for it, and the reason that the error gives.
BY_DRIVER: list[tuple[str, list[Any], str]] = [
    ("small", [2**15, -(2**15) - 1, 2**31, 2**63, 10**5000], "it is outside -32768 to 32767"),
    ("whole", [2**31, -(2**63) - 1, 10**5000], "it is outside -2147483648 to 2147483647"),
    ("big", [2**63, -(2**63) - 1, 2**70], "it is outside -9223372036854775808 to"),
    ("whole", ["1", b"1", [1], {}, NOON, object(), Unprintable()], "it takes an int, not"),
    ("whole", [float("nan"), float("inf"), Decimal("NaN")], "it is not a finite number"),
    ("single", ["1", [1.0], NOON, object()], "it takes a float, not"),
    ("single", [1e39, 1e300], "it is beyond single precision"),
    ("double", ["1", b"1", {}], "it takes a float, not"),
    ("double", [10**400], "it is beyond double precision"),
    ("price", [[1], {}, NOON], "it takes a Decimal, not"),
    ("price", ["one"], "it is a string that is not a number"),
    ("flag", [0, 1, 2, "true", [True]], "it takes True or False, not"),
    ("text", [1, True, b"x", ["a"], {}, NOON, Other.good], "it takes a str, not"),
    ("text", [HALF, f"x{HALF}y"], "half of a surrogate pair"),
    ("code", [1, b"x", HALF], ""),
    ("letters", [1, b"x", HALF], ""),
    ("payload", ["x", 1, [1, 2]], "it takes bytes, not"),
    ("payload", [memoryview(b"abcd")[::2]], "its memory is not contiguous"),
    ("day", ["2026-01-01", 1, dt.time(1)], "it takes a date, not"),
    ("clock", ["10:00", 1, dt.timedelta(1)], "it takes a time, not"),
    ("zoned_clock", ["10:00", 1, NOON], "it takes a time with a time zone, not"),
    ("zoned_clock", [dt.time(1)], "it has no time zone"),
    ("local_moment", ["now", 1, 1.5], "it takes a datetime, not"),
    ("local_moment", [NOON.replace(tzinfo=UTC)], "it has a time zone, and the type has none"),
    ("moment", ["now", "2026-01-01", 1], "it takes a datetime, not"),
    ("moment", [dt.datetime.min.replace(tzinfo=EAST)], "outside the years 1 to 9999 in UTC"),
    ("span", ["1 day", 1, 5.0], "it takes an ormkit.Interval or a timedelta, not"),
    ("token", ["x", "{12345678}"], "it is a string that is not a UUID"),
    ("token", [1, b"1234567890123456"], "it takes a UUID, not"),
    ("raw", [float("nan"), {"a": float("inf")}], "JSON has no NaN and no infinity"),
    ("document", [float("nan"), {"a": [float("-inf")]}], "JSON has no NaN and no infinity"),
    ("document", [object(), {"a": object()}], "JSON has no object"),
    ("document", [{1, 2}, b"x", NOON, Decimal(1), UUID(int=1)], "JSON has no "),
    ("document", [{(1, 2): 3}], r"a key of a JSON object must be a string \(str\), not tuple"),
    ("document", [ITSELF], "it contains itself"),
    ("document", [NESTED], "it is nested too deeply"),
    ("document", [10**5000], "too many digits"),
    ("address", ["nonsense", "1.2.3.4.5"], "it is not an IP address"),
    ("network", ["nonsense", "10.0.0.0/99"], "it is not a network without host bits"),
    ("numbers", ["[1,2)", 1], "it takes an ormkit.Range, not"),
    ("numbers", [Range("a", "b")], "its lower bound: it takes an int, not str"),
    ("numbers", [Range(1, 2**31)], "its upper bound: it is outside"),
    ("period", [Range(1, 2)], "its lower bound: it takes a datetime, not int"),
    ("bits", ["0101", 5, [0, 1]], "it takes an ormkit.BitString, not"),
    ("some_bits", ["0101", 5], "it takes an ormkit.BitString, not"),
    ("mood", [1, b"good", Other.good], "it takes a member of its enum"),
    ("mood", [HALF], "it is not a label of its enum"),
    ("hardware", [1, b"123456"], "it takes a str, not"),
    ("words", [1, {}], "it takes a str, not"),
    ("words", [HALF], "half of a surrogate pair"),
]
#: The same for arrays.
ARRAYS_BY_DRIVER: list[tuple[str, list[Any], str]] = [
    ("tags", ["ab", b"ab", 1, {"a": 1}, iter("ab"), (x for x in "ab")], "it takes a list, not"),
    ("tags", [["a", 1]], "element 2: it takes a str, not int"),
    ("tags", [["a", HALF]], "element 2: it holds half of a surrogate pair"),
    ("tags", [[["a"], ["b", "c"]], [["a"], "b"]], "its inner lists differ in length"),
    ("counts", [[1, "a"]], "element 2: it takes an int, not str"),
    ("counts", [[2**31], [1, None, 10**5000]], "it is outside -2147483648 to 2147483647"),
    ("grid", [[[1], [2, 3]], [[1], 2]], "its inner lists differ in length"),
    ("days", [["2026-01-01"]], "element 1: it takes a date, not str"),
    ("moods", [[1], [Other.good]], "element 1: it takes a member of its enum"),
]
#: What the driver would store as something else, and columns refuse.
CUT: list[tuple[str, list[Any], str]] = [
    ("small", [1.5, Decimal("0.5")], "it has a fraction"),
    ("whole", [1.5, -0.1, Decimal("1.5")], "it has a fraction"),
    ("big", [1.5, 2.0**70], ""),
    (
        "number",
        [Decimal("1E+200000"), 10**131_072],
        "more than 131072 digits before the decimal point",
    ),
    ("price", [Decimal("1E+200000")], "more than (4|131072) digits before the decimal point"),
    ("clock", [NOON], "it takes a time, not datetime"),
    ("clock", [dt.time(1, tzinfo=UTC)], "it has a time zone, and the type has none"),
    ("numbers", [Range(1.5, 2.5)], "its lower bound: it has a fraction"),
    ("place", [[1, "a", 2], ["1", None, 2], [[1], 2, 3]], "it takes a list of numbers"),
    ("place", [[10**400, 1, 1]], "each no larger than a float"),
    ("place", ["[1,2,3]", 1, iter([1, 2, 3]), {1: 1, 2: 2, 3: 3}], "it takes a list of numbers"),
]
ARRAYS_CUT: list[tuple[str, list[Any], str]] = [
    ("counts", [[1, 1.5]], "element 2: it has a fraction"),
    ("grid", [[[1, 2], [3, Decimal("0.5")]]], "element 2: element 2: it has a fraction"),
    ("documents", [[object()]], "JSON has no object"),
    ("documents", [[float("nan")]], "JSON has no NaN"),
    ("documents", [{"a": 1}], "it takes a list, not dict"),
    ("documents", ["x"], "a collection of values is needed, not str"),
    ("places", [[1, 2]], "it takes a list of numbers"),
    ("places", [[[1, "a"]]], "list of numbers"),
]
#: What may be compared with a column, and loses something or finds no place where it is stored.
LOST: list[tuple[str, list[Any], str]] = [
    (
        "price",
        [Decimal("1.005"), 0.125, "0.001"],
        "it has more than 2 digits after the decimal point",
    ),
    ("price", [10**10, Decimal("1E+4"), 10**5000], "more than 4 digits before the decimal point"),
    ("price", [float("inf"), Decimal("-Infinity")], "it is infinite"),
    ("number", [Decimal((0, (1,), -16_384))], "more than 16383 digits after the decimal point"),
    ("code", ["toolong", "abcde ", "      "], "it has [67] characters, and at most 5 fit"),
    ("letters", ["four", "abc   "], "it has [46] characters, and at most 3 fit"),
    ("zoned_clock", [dt.time(1, tzinfo=VIENNA)], "its time zone has no offset without a date"),
    ("address", [ip_address("fe80::1%eth0")], "it has a scope"),
    ("numbers", [Range(0, 2**31 - 1, upper_inc=True)], "the value after its upper bound"),
    ("bits", [BitString("01"), BitString("010101")], "bits, and the type takes 4"),
    ("some_bits", [BitString("01010")], "it has 5 bits, and at most 4 fit"),
]
ARRAYS_LOST: list[tuple[str, list[Any], str]] = [
    ("codes", [["a", "toolong"], ["a", "abc   "]], "element 2: it has [67] characters"),
    ("prices", [[1, [1, 0.125]], [None, Decimal("0.001")]], "element 2: .*more than 2 digits"),
    ("flags", [[BitString("01")]], "element 1: it has 2 bits"),
]
#: What only the server refuses, where it is stored: the column, values, its words, our reason.
BY_SERVER: list[tuple[str, list[Any], str, str]] = [
    ("text", ["a\0b", "\0"], "invalid byte sequence", "the character NUL"),
    ("code", ["a\0b"], "invalid byte sequence", "the character NUL"),
    ("document", ["a\0b", {"a\0b": 1}], "unsupported Unicode escape sequence", "character NUL"),
    ("document", [HALF, {HALF: 1}, [f"x{HALF}"]], "invalid input syntax", "a surrogate pair"),
    ("mood", ["nice", "Good", OtherWord.awful], "invalid input value for enum", "not a label"),
    ("mood", ["a\0"], "invalid byte sequence", "it is not a label of its enum"),
    ("place", [[1, 2], [1, 2, 3, 4]], "expected 3 dimensions", "dimensions, and the type takes 3"),
    ("place", [[1, float("nan"), 2]], "NaN not allowed", "it holds NaN"),
    ("place", [[1, float("inf"), 2]], "infinite value not allowed", "infinity"),
    ("place", [[1, 1e300, 2]], "out of range", "beyond single precision"),
]
ARRAYS_BY_SERVER: list[tuple[str, list[Any], str, str]] = [
    ("tags", [["a\0"]], "invalid byte sequence", "element 1: it holds the character NUL"),
    ("moods", [["nice"]], "invalid input value for enum", "element 1: it is not a label"),
    ("documents", [[["a\0"]]], "unsupported Unicode escape sequence", ""),
    ("places", [[[1]]], "expected 2 dimensions, not 1", ""),
]
#: What is taken though it is of another type, and what is read back.
TAKEN: list[tuple[str, Any, Any]] = [
    ("small", True, 1),
    ("whole", 1.0, 1),
    ("whole", Decimal(3), 3),
    ("whole", Number(3), 3),
    ("big", Number(2**62), 2**62),
    ("single", 1, 1.0),
    ("double", Decimal("1.5"), 1.5),
    ("double", 2**70, float(2**70)),
    ("double", float("inf"), float("inf")),
    ("price", 1.5, Decimal("1.50")),
    ("price", "1", Decimal("1.00")),
    ("price", 0.1, Decimal("0.10")),
    ("price", Decimal("1.500"), Decimal("1.50")),
    ("number", Decimal("Infinity"), Decimal("Infinity")),
    ("number", 10**5000, Decimal(10**5000)),
    ("text", Word("fine"), "fine"),
    ("text", OtherWord.good, "good"),
    ("text", "\u2028\u0085\u202e", "\u2028\u0085\u202e"),
    ("letters", "a", "a  "),
    ("payload", bytearray(b"ok"), b"ok"),
    ("payload", memoryview(b"ok"), b"ok"),
    ("day", NOON, NOON.date()),
    ("day", dt.date.max, dt.date.max),
    ("local_moment", NOON.date(), NOON.replace(hour=0)),
    ("local_moment", dt.datetime.min, dt.datetime.min),
    ("moment", NOON, NOON.astimezone(UTC)),
    ("moment", NOON.replace(tzinfo=EAST), NOON.replace(tzinfo=EAST).astimezone(UTC)),
    ("span", dt.timedelta.max, dt.timedelta.max),
    ("span", dt.timedelta.min, dt.timedelta.min),
    ("token", str(UUID(int=1)), UUID(int=1)),
    ("raw", {1: 2}, {"1": 2}),
    ("document", (1, 2), [1, 2]),
    ("document", {None: 1}, {"null": 1}),
    ("document", OtherWord.good, "good"),
    ("network", "10.0.0.0/8", IPv4Network("10.0.0.0/8")),
    ("bits", BitString("0101"), BitString("0101")),
    ("mood", "good", "good"),
    ("mood", OtherWord.good, "good"),
    ("place", (1, 2, True), [1.0, 2.0, 1.0]),
]
ARRAYS_TAKEN: list[tuple[str, Any, Any]] = [
    ("tags", ("a", None), ["a", None]),
    ("tags", [], []),
    ("tags", [["a"], ["b"]], [["a"], ["b"]]),
    ("counts", range(3), [0, 1, 2]),
    ("counts", [True, Number(2), 3.0], [1, 2, 3]),
    ("grid", [1], [1]),
    ("days", [NOON], [NOON.date()]),
    ("moods", ["good"], ["good"]),
]

Way = Callable[[Lab, Any, str, Any], Awaitable[object]]


async def by_insert_all(lab: Lab, model: Any, name: str, value: Any) -> object:
    return await lab.session.insert_all([model(**{name: None}), model(**{name: value})])


async def by_bulk_update(lab: Lab, model: Any, name: str, value: Any) -> object:
    first, second = await lab.session.query(model).filter(id__in=[1, 2]).order_by("id").all()
    setattr(second, name, value)
    return await lab.session.bulk_update([first, second], [name])


async def by_update(lab: Lab, model: Any, name: str, value: Any) -> object:
    return await lab.session.update(await lab.session.get(model, 1), **{name: value})


async def by_attribute(lab: Lab, model: Any, name: str, value: Any) -> None:
    async with lab.session.begin() as tx:
        setattr(await tx.get(model, 1), name, value)


async def by_add(lab: Lab, model: Any, name: str, value: Any) -> None:
    async with lab.session.begin() as tx:
        tx.add(model(**{name: value}))


async def by_upsert_all(lab: Lab, model: Any, name: str, value: Any) -> object:
    rows = [model(id=1, **{name: None}), model(id=2, **{name: value})]
    return await lab.session.upsert_all(rows)


async def by_stream(lab: Lab, model: Any, name: str, value: Any) -> object:
    async with lab.session.query(model).filter(getattr(model, name) == value).stream() as rows:
        return [each async for each in rows]


STORING: dict[str, Way] = {
    "insert": lambda lab, model, name, value: lab.session.insert(model(**{name: value})),
    "insert_all": by_insert_all,
    "update": by_update,
    "bulk_update": by_bulk_update,
    "attribute": by_attribute,
    "add": by_add,
    "upsert": lambda lab, model, name, value: lab.session.upsert(model(id=1, **{name: value})),
    "upsert_all": by_upsert_all,
    "query.update": lambda lab, model, name, value: outcome_of_update(lab, model, name, value),
}
COMPARING: dict[str, Way] = {
    "keyword": lambda lab, model, name, value: (
        lab.session.query(model).filter(**{name: value}).count()
    ),
    "condition": lambda lab, model, name, value: (
        lab.session.query(model).filter(getattr(model, name) != value).all()
    ),
    "between": lambda lab, model, name, value: (
        lab.session.query(model).filter(getattr(model, name).between(value, value)).all()
    ),
    "exclude": lambda lab, model, name, value: (
        lab.session.query(model).exclude(**{name: value}).exists()
    ),
    "stream": by_stream,
}
AMONG: dict[str, Way] = {
    "in_": lambda lab, model, name, value: (
        lab.session.query(model).filter(getattr(model, name).in_([value])).all()
    ),
    "notin": lambda lab, model, name, value: (
        lab.session.query(model).filter(**{f"{name}__notin": [value]}).all()
    ),
}


async def outcome_of_update(lab: Lab, model: Any, name: str, value: Any) -> int:
    return await lab.session.query(model).filter(id=1).update(**{name: value})


def in_sql(lab: Lab, model: Any, name: str, value: Any) -> Awaitable[object]:
    table = model.__table__
    column = table.by_name[name]
    sql = f"SELECT FROM {table.sql} WHERE $1::{column.cast} IS NULL"
    return lab.engine.execute(sql, [value])


def in_many(lab: Lab, model: Any, name: str, value: Any) -> Awaitable[object]:
    table = model.__table__
    sql = f"UPDATE {table.sql} SET {table.by_name[name].quoted} = $1 WHERE id = 1"
    return lab.engine.execute_many(sql, [[None], [value]])


def by_copy(lab: Lab, model: Any, name: str, value: Any) -> Awaitable[object]:
    table = model.__table__
    columns = [table.by_name[name].name]
    return lab.session.copy_in(table.name, [(None,), (value,)], columns=columns)


def each(table: list[Any]) -> list[Any]:
    """Return a parameter set for each value of a table, with a name that every process gives."""
    return [
        pytest.param(name, value, *says, id=f"{name}-{place}-{number}")
        for place, (name, values, *says) in enumerate(table)
        for number, value in enumerate(values)
    ]


def each_one(table: list[Any]) -> list[Any]:
    """Return a parameter set for each line of a table."""
    return [pytest.param(*line, id=f"{line[0]}-{place}") for place, line in enumerate(table)]


async def refuses(
    work: Way, given: tuple[Any, ...], kind: type[Exception], text: str, way: str
) -> None:
    with pytest.raises(kind) as caught:
        await work(*given)
        pytest.fail(way)
    assert type(caught.value) is kind, way
    assert re.search(text, str(caught.value)), f"{way}: {caught.value}"


async def check_ways(
    lab: Lab, model: Any, name: str, value: Any, reason: str, ways: dict[str, Way]
) -> None:
    label = f"{model.__name__}.{name}"
    for way, work in ways.items():
        text = (
            rf"^{label}(:| needs numbers| is of type .* and cannot "
            r"(be compared with|take) this \w+( \(value \d\))?)"
        )
        given = (lab, model, name, value)
        await refuses(work, given, InvalidValue, f"{text}.*{reason}", way)


@pytest.mark.parametrize(("name", "value", "reason"), each(BY_DRIVER))
async def test_a_value_that_cannot_be_sent_is_refused_by_its_column(
    lab: Lab, name: str, value: Any, reason: str
) -> None:
    model, kind = lab.models.Cell, type(value).__name__
    in_lists = {} if isinstance(value, list) else AMONG
    await check_ways(lab, model, name, value, reason, {**STORING, **COMPARING, **in_lists})
    raw = rf"parameter \$1 is of type .* and cannot hold this {kind}"
    given = (lab, model, name, value)
    await refuses(in_sql, given, InvalidValue, raw, "execute")
    many = rf"parameter \$1 of row 2 is of type .* and cannot hold this {kind}"
    await refuses(in_many, given, InvalidValue, many, "execute_many")
    if name not in ("hardware", "words"):
        copied = rf"^{name} \(row 2\) cannot take this {kind}$"
        await refuses(by_copy, given, InvalidValue, copied, "copy_in")


@pytest.mark.parametrize(("name", "value", "reason"), each(ARRAYS_BY_DRIVER))
async def test_an_array_that_cannot_be_sent_is_refused_by_its_column(
    lab: Lab, name: str, value: Any, reason: str
) -> None:
    model = lab.models.Shelf
    await check_ways(lab, model, name, value, reason, {**STORING, **COMPARING})
    given = (lab, model, name, value)
    await refuses(in_sql, given, InvalidValue, r"parameter \$1", "execute")
    copied = rf"^{name} \(row 2\) cannot take this \w+$"
    await refuses(by_copy, given, InvalidValue, copied, "copy_in")
    for way, work in AMONG.items():
        with pytest.raises(UsageError):
            await work(lab, model, name, value)
        assert way


@pytest.mark.parametrize(("name", "value", "reason"), each(CUT))
async def test_a_value_that_would_be_cut_is_refused_by_its_column(
    lab: Lab, name: str, value: Any, reason: str
) -> None:
    in_lists = {} if name == "place" else AMONG
    ways = {**STORING, **COMPARING, **in_lists}
    await check_ways(lab, lab.models.Cell, name, value, reason, ways)


@pytest.mark.parametrize(("name", "value", "reason"), each(ARRAYS_CUT))
async def test_an_array_that_would_be_cut_is_refused_by_its_column(
    lab: Lab, name: str, value: Any, reason: str
) -> None:
    await check_ways(lab, lab.models.Shelf, name, value, reason, {**STORING, **COMPARING})


@pytest.mark.parametrize(("name", "value", "reason"), each(LOST))
async def test_a_value_that_would_lose_something_is_refused_where_it_is_stored(
    lab: Lab, name: str, value: Any, reason: str
) -> None:
    await check_ways(lab, lab.models.Cell, name, value, reason, STORING)


@pytest.mark.parametrize(("name", "value", "reason"), each(ARRAYS_LOST))
async def test_an_array_that_would_lose_something_is_refused_where_it_is_stored(
    lab: Lab, name: str, value: Any, reason: str
) -> None:
    await check_ways(lab, lab.models.Shelf, name, value, reason, STORING)


async def check_server(lab: Lab, model: Any, name: str, value: Any, said: str, why: str) -> None:
    label = rf"^{model.__name__}\.{name}( \(value \d\))?: .*{said}.*; .*{why}"
    for way, work in STORING.items():
        with pytest.raises(DataError) as caught:
            await work(lab, model, name, value)
        assert re.search(label if why else said, str(caught.value)), f"{way}: {caught.value}"
        if why:
            assert (caught.value.table, caught.value.column) == (model.__table__.name, name)


@pytest.mark.parametrize(("name", "value", "said", "why"), each(BY_SERVER))
async def test_a_value_that_the_server_refuses_is_refused_by_its_column(
    lab: Lab, name: str, value: Any, said: str, why: str
) -> None:
    await check_server(lab, lab.models.Cell, name, value, said, why)


@pytest.mark.parametrize(("name", "value", "said", "why"), each(ARRAYS_BY_SERVER))
async def test_an_array_that_the_server_refuses_is_refused_by_its_column(
    lab: Lab, name: str, value: Any, said: str, why: str
) -> None:
    await check_server(lab, lab.models.Shelf, name, value, said, why)


async def check_taken(lab: Lab, model: Any, name: str, value: Any, stored: Any) -> None:
    """Store the value by each way, in a transaction that is undone."""
    for way, work in STORING.items():
        async with lab.session.begin() as tx:
            await work(lab, model, name, value)
            rows = await tx.query(model).filter(getattr(model, name) != None).all()  # noqa: E711
            assert [getattr(row, name) for row in rows] == [stored], way
            await tx.rollback()


@pytest.mark.parametrize(("name", "value", "stored"), each_one(TAKEN))
async def test_a_value_of_a_kindred_type_is_stored_as_the_column_has_it(
    lab: Lab, name: str, value: Any, stored: Any
) -> None:
    await check_taken(lab, lab.models.Cell, name, value, stored)


@pytest.mark.parametrize(("name", "value", "stored"), each_one(ARRAYS_TAKEN))
async def test_an_array_of_kindred_values_is_stored_as_the_column_has_it(
    lab: Lab, name: str, value: Any, stored: Any
) -> None:
    await check_taken(lab, lab.models.Shelf, name, value, stored)
