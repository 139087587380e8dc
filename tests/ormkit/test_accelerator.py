"""The accelerator by itself: it does what Python does, keeps count of what it holds, and refuses
what it cannot do, whatever it is given.
"""

from __future__ import annotations

import gc
import itertools
import re
import sys
import threading
import tracemalloc
import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ormkit import Engine
from ormkit.postgres.values import Record

accelerator = pytest.importorskip(
    "ormkit._accelerator", reason="no C compiler was there to build the accelerator"
)
Decoder: Any = accelerator.Decoder


class Point:
    """What a model is to the accelerator: slots, and nothing else that makes or sets."""

    __slots__ = ("x", "y", "z")

    x: Any
    y: Any
    z: Any

    @classmethod
    def decode(cls, rows: Sequence[Any]) -> list[Any]:
        decoded: list[Any] = []
        for row in rows:
            decoded.append(o := cls.__new__(cls))
            o.x, o.y = row
        return decoded


class Payload:
    """Something that can be watched going away."""


def decoder(
    model: Any = Point,
    names: Sequence[str] = ("x", "y"),
    *,
    conversions: tuple[Any, ...] = (None, None),
    record: type = Record,
    otherwise: Any = None,
) -> Any:
    found = tuple(getattr(model, name) for name in names)
    return Decoder(record, model, found, conversions, otherwise or Point.decode)


def values(objects: Sequence[Any]) -> list[tuple[Any, ...]]:
    return [(type(o), o.x, o.y) for o in objects]


async def records(engine: Engine, count: int = 3) -> list[Any]:
    return list(
        (await engine.execute("SELECT n, 'x' || n FROM generate_series(1, $1) n", [count]))._records
    )


async def test_records_tuples_and_lists_become_objects(engine: Engine) -> None:
    rows = await records(engine)
    assert type(rows[0]) is Record
    wanted = [(Point, n, f"x{n}") for n in (1, 2, 3)]
    for form in (rows, list(map(tuple, rows)), list(map(list, rows)), tuple(rows), iter(rows)):
        made = decoder()(form)
        assert type(made) is list
        assert values(made) == wanted
    assert not hasattr(made[0], "z")


async def test_values_are_read_from_the_middle_of_longer_rows(engine: Engine) -> None:
    rows = await records(engine, 1)
    result = await engine.execute("SELECT 0, 1, 'x1', 2")
    for row in (result._records[0], (0, 1, "x1", 2), [0, 1, "x1", 2], range(4)):
        made = decoder()([row], 1)
        assert values(made) == [(Point, *row[1:3])]
    assert values(decoder()(rows, 0)) == [(Point, 1, "x1")]


@pytest.mark.parametrize("row", [(1,), (), [1], (1, 2, 3), [1, 2, 3], "a", "abc", {1: 2}])
def test_a_row_of_another_length_is_refused_as_python_does(row: Any) -> None:
    with pytest.raises(ValueError, match="values to unpack") as by_python:
        Point.decode([row])
    with pytest.raises(ValueError, match="values to unpack") as by_c:
        decoder()([row])
    # From 3.14 on, Python also says how many there were.
    assert str(by_python.value).startswith(str(by_c.value).rstrip(")"))


async def test_a_record_of_another_length_is_refused(engine: Engine) -> None:
    for sql in ("SELECT 1", "SELECT 1, 2, 3"):
        with pytest.raises(ValueError, match=r"values to unpack \(expected 2"):
            decoder()((await engine.execute(sql))._records)
    rows = await records(engine)
    for start in (1, 2, 3, 10**6):
        with pytest.raises(ValueError, match="not enough values"):
            decoder()(rows, start)


@pytest.mark.parametrize("start", [-1, -(10**30), 10**30, sys.maxsize, "1", 1.0, None])
def test_a_place_that_no_row_has_is_refused(start: Any) -> None:
    with pytest.raises((ValueError, OverflowError, TypeError)):
        decoder()([(1, 2)], start)


class Lying:
    """A sequence that says it is longer than it is."""

    def __len__(self) -> int:
        return 2

    def __getitem__(self, place: int) -> Any:
        if place:
            raise IndexError("nothing there")
        return place


class Other(tuple[Any, ...]):
    """A tuple that Python unpacks into something else than it holds."""

    __slots__ = ()

    def __iter__(self) -> Iterator[Any]:
        return iter(("other", "values"))


def failing() -> Iterator[int]:
    yield 1
    raise LookupError("in the middle")


SIMPLE = st.none() | st.integers() | st.text(max_size=3)
#: Makers of rows, since an iterator can be read once.
ROWS = st.one_of(
    st.lists(SIMPLE, max_size=4).map(lambda row: lambda: list(row)),
    st.lists(SIMPLE, max_size=4).map(lambda row: lambda: tuple(row)),
    st.lists(SIMPLE, max_size=4).map(lambda row: lambda: iter(row)),
    st.lists(SIMPLE, max_size=4).map(lambda row: lambda: dict.fromkeys(row)),
    st.lists(SIMPLE, max_size=4).map(lambda row: lambda: Other(row)),
    SIMPLE.map(lambda value: lambda: value),
    st.sampled_from([Lying, failing, itertools.count, object, Payload]),
)


def outcome(make: Callable[[Any], list[Any]], rows: Sequence[Callable[[], Any]]) -> Any:
    try:
        return values(make([row() for row in rows]))
    except Exception as error:
        return type(error)


@given(st.lists(ROWS, max_size=6))
def test_whatever_the_rows_are_it_does_what_python_does(rows: Any) -> None:
    assert outcome(decoder(), rows) == outcome(Point.decode, rows)


@pytest.mark.parametrize("rows", [None, 5, object(), failing()])
def test_what_is_no_sequence_of_rows_is_refused(rows: Any) -> None:
    with pytest.raises((TypeError, LookupError)):
        decoder()(rows)


def test_conversions_are_applied_once_all_values_are_there() -> None:
    seen: list[Any] = []
    make = decoder(conversions=({"a": 1, None: None}, lambda value: seen.append(value) or [value]))
    assert values(make([("a", 2), (None, None)])) == [(Point, 1, [2]), (Point, None, [None])]
    assert seen == [2, None]
    with pytest.raises(KeyError, match="'b'"):
        make([("a", 2), ("b", 2)])
    with pytest.raises(TypeError, match="unhashable"):
        make([([], 2)])
    with pytest.raises(ZeroDivisionError):
        decoder(conversions=(None, lambda value: 1 // value))([(1, 1), (1, 0)])


@pytest.mark.usefixtures("own_garbage")
def test_every_reference_is_given_back() -> None:
    """Also those of objects that an error left half made."""

    def fail(value: Any) -> Any:
        if value is None:
            raise LookupError("no such value")
        return value

    value, row = Payload(), (Payload(), Payload())
    make = decoder(conversions=(None, fail))
    watched = [value, row, row[0], Point, Record, make, fail]
    gc.collect()
    before = list(map(sys.getrefcount, watched))
    for _ in range(50):
        assert len(make([row, (value, value), [value, value]])) == 3
        make([(0, value, value, 0)], 1)
        with pytest.raises(ValueError, match="not enough"):
            make([row, (value,)])
        with pytest.raises(LookupError):
            make([row, (value, None)])
        with pytest.raises(TypeError):
            make([row, None])
        make([{value: 1, row: 2}])
    gc.collect()
    assert list(map(sys.getrefcount, watched)) == before
    reference = weakref.ref(value)
    made = make([(value, 1)])
    del value, watched
    assert reference() is made[0].x
    del made
    assert reference() is None


@pytest.mark.usefixtures("own_garbage")
def test_a_decoder_gives_back_what_it_holds() -> None:
    def convert(value: Any) -> Any:
        return value

    def otherwise(rows: Any) -> Any:
        return Point.decode(rows)

    def wide(count: int) -> int:
        for _ in range(count):
            decoder(Point, ("x",) * 50, conversions=(convert,) * 50, otherwise=otherwise)
            with pytest.raises(TypeError):
                decoder(Point, ("x", "decode"), conversions=(convert, None), otherwise=otherwise)
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    watched = [Point, Record, Decoder, convert, otherwise]
    gc.collect()
    before = list(map(sys.getrefcount, watched))
    tracemalloc.start()
    try:
        wide(5)
        start = wide(5)
        assert wide(100) - start < 20_000
    finally:
        tracemalloc.stop()
    assert list(map(sys.getrefcount, watched)) == before


@pytest.mark.usefixtures("own_garbage")
def test_memory_does_not_grow() -> None:
    def rounds(count: int) -> int:
        for _ in range(count):
            made = [decoder()([(n, str(n)) for n in range(100)]) for _ in range(5)]
            with pytest.raises(ValueError, match="too many"):
                decoder()([*[(n, n) for n in range(100)], (1, 2, 3)])
            del made
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        rounds(5)
        before = rounds(5)
        assert rounds(50) - before < 10_000
    finally:
        tracemalloc.stop()


@pytest.mark.usefixtures("own_garbage")
def test_objects_in_cycles_are_collected() -> None:
    class Node:
        __slots__ = ("x", "y")

    payload = Payload()
    reference = weakref.ref(payload)
    made = decoder(Node)([(payload, 1)])
    assert gc.is_tracked(made)
    assert gc.is_tracked(made[0])
    made[0].y = made
    del made, payload
    gc.collect()
    assert reference() is None


@pytest.mark.usefixtures("own_garbage")
def test_a_decoder_goes_with_its_model() -> None:
    class Node:
        __slots__ = ("x", "y")

    Node.make = decoder(Node)  # type: ignore[attr-defined]
    reference = weakref.ref(Node)
    del Node
    gc.collect()
    assert reference() is None


@pytest.mark.usefixtures("own_garbage")
@pytest.mark.parametrize("place", ["conversion", "otherwise"])
def test_a_decoder_in_a_cycle_is_collected(place: str) -> None:
    def call(value: Any) -> Any:
        return value

    conversions = (call, None) if place == "conversion" else (None, None)
    otherwise = call if place == "otherwise" else None
    call.held = decoder(conversions=conversions, otherwise=otherwise)  # type: ignore[attr-defined]
    reference = weakref.ref(call)
    del call, conversions, otherwise
    gc.collect()
    assert reference() is None


@pytest.mark.usefixtures("own_garbage")
def test_code_that_runs_in_the_middle_finds_no_gaps_and_may_change_what_is_read() -> None:
    rows: list[Any] = [(1, 2)] * 3

    def cut(value: Any) -> Any:
        rows.clear()
        return value

    with pytest.raises(RuntimeError, match="changed"):
        decoder(conversions=(cut, None))(rows)

    def empty(value: Any) -> Any:
        for each in gc.get_objects():
            if type(each) is Point and getattr(each, "x", None) is marker:
                del each.y
            repr(each) if type(each) is list and each and type(each[0]) is Point else None
        return value

    marker = Payload()
    with pytest.raises(AttributeError, match="gone"):
        decoder(conversions=(empty, str))([(0, 0), (marker, 0)])


@pytest.mark.usefixtures("own_garbage")
def test_collections_run_in_the_middle_without_harm() -> None:
    class Loud:
        def __del__(self) -> None:
            gone.append([len(each) for each in gc.get_objects() if type(each) is list][:1])

    gone: list[Any] = []
    thresholds = gc.get_threshold()
    gc.set_threshold(5)
    try:
        for _ in range(50):
            loud = Loud()
            loud.self = loud  # type: ignore[attr-defined]
            del loud
            assert len(decoder()([(n, [n]) for n in range(50)])) == 50
    finally:
        gc.set_threshold(*thresholds)
    gc.collect()
    assert gone


def test_threads_share_a_decoder() -> None:
    make, rows = decoder(), [(n, n) for n in range(2000)]
    found: list[Any] = []
    threads = [
        threading.Thread(target=lambda: found.extend(len(make(rows)) for _ in range(20)))
        for _ in range(4)
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert found == [2000] * 80


def test_a_class_that_changes_is_left_to_python_from_then_on() -> None:
    class Node(Point):
        __slots__ = ()

    calls: list[Any] = []

    def otherwise(rows: Any) -> Any:
        calls.append(rows)
        return Node.decode(rows)

    make = decoder(Node, otherwise=otherwise)
    assert values(make([(1, 2)])) == [(Node, 1, 2)]
    assert not calls
    Node.__setattr__ = lambda self, name, value: object.__setattr__(  # type: ignore[method-assign, assignment]
        self, name, [value]
    )
    assert values(make([(1, 2), (3, 4)])) == [(Node, [1], [2]), (Node, [3], [4])]
    assert values(make([(0, 1, 2, 3)], 1)) == [(Node, [1], [2])]
    assert calls == [[(1, 2)], [(3, 4)], [(1, 2)]]
    broken = decoder(Node.__base__, otherwise=lambda rows: [])
    with pytest.raises(IndexError):
        broken([{1: 2, 3: 4}])


class Plain:
    x = y = 1


class Made:
    __slots__ = ("x", "y")

    def __new__(cls) -> Made:
        return super().__new__(cls)


class Sets:
    __slots__ = ("x", "y")

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(name)


class Number(int):
    x = property(lambda self: self)
    y = x


@pytest.mark.parametrize(
    "arguments",
    [
        (Record, Made, (Made.x, Made.y), (None, None), Point.decode),
        (Record, Sets, (Sets.x, Sets.y), (None, None), Point.decode),
        (Record, Number, (), (), Point.decode),
        (Record, int, (), (), Point.decode),
        (Record, type, (), (), Point.decode),
        (Record, Plain, (Plain.x,), (None,), Point.decode),
        # Slots of another class, of none, and what only looks like a slot.
        (Record, Plain, (Point.x,), (None,), Point.decode),
        (Record, object, (Point.x,), (None,), Point.decode),
        (Record, Point, (Made.x,), (None,), Point.decode),
        (Record, Point, (type.__dict__["__basicsize__"],), (None,), Point.decode),
        (Record, Point, (type.__dict__["__dictoffset__"],), (None,), Point.decode),
        (Record, Point, (slice.__dict__["start"],), (None,), Point.decode),
        (Record, Point, ("x",), (None,), Point.decode),
        (Record, Point, (None,), (None,), Point.decode),
        (Record, Point, (Point.decode,), (None,), Point.decode),
        (Record, Point, (Point.x,), (), Point.decode),
        (Record, Point, (Point.x,), (5,), Point.decode),
        (Record, Point, [Point.x], [None], Point.decode),
        (None, Point, (Point.x,), (None,), Point.decode),
        (Record, Point(), (Point.x,), (None,), Point.decode),
        (Record, Point, (Point.x,), (None,)),
        (),
    ],
    ids=lambda arguments: re.sub(" at 0x[0-9a-f]+", "", repr(arguments)),
)
def test_what_cannot_be_decoded_into_is_refused(arguments: tuple[Any, ...]) -> None:
    with pytest.raises((TypeError, ValueError)):
        Decoder(*arguments)


def test_a_class_derived_from_that_of_the_slots_is_taken() -> None:
    class Derived(Point):
        __slots__ = ("__dict__", "__weakref__", "w")

    (made,) = decoder(Derived, ("y", "w"))([(1, 2)])
    assert (made.y, made.w, made.__dict__) == (1, 2, {})
    made.anything = weakref.ref(made)
    (twice,) = decoder(Point, ("x", "x"))([(1, 2)])
    assert twice.x == 2


@pytest.mark.parametrize("arguments", [(), ([], 0, 0)])
def test_it_is_called_with_rows_and_a_place(arguments: Any) -> None:
    with pytest.raises(TypeError, match="takes rows"):
        decoder()(*arguments)
    with pytest.raises(TypeError, match="takes rows"):
        decoder()([], start=0)


def test_any_sequence_may_stand_for_a_record() -> None:
    """A type of records whose methods are Python's own, and one that has none at all."""

    class Row:
        def __len__(self) -> int:
            return 2

        def __getitem__(self, place: int) -> int:
            if place == 1:
                del Row.__getitem__
            return place

    assert values(decoder(record=Row)([Row()])) == [(Point, 0, 1)]
    with pytest.raises(TypeError):
        decoder(record=Row)([Row()])
    with pytest.raises(TypeError):
        decoder(record=Payload)([Payload()])
    assert values(decoder(record=list)([[1, 2]])) == [(Point, 1, 2)]


class Attributes:
    """What a dataclass is to the accelerator: attributes in a dict."""


class Frozen:
    """A class that refuses assignment, and has one slot."""

    __slots__ = ("x",)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(name)


def test_attributes_of_any_plain_class_are_assigned() -> None:
    objects_with: Any = accelerator.objects_with
    made = objects_with(Attributes, Record, ("x", "y"), [(1, 2), (3, 4)])
    assert [vars(each) for each in made] == [{"x": 1, "y": 2}, {"x": 3, "y": 4}]
    assert [each.x for each in objects_with(Frozen, Record, ("x",), [(5,)])] == [5]
    assert objects_with(Attributes, Record, (), [(), ()])[1].__dict__ == {}
    for arguments, kind in (
        ((tuple, Record, ("x",), [(1,)]), TypeError),
        ((Attributes, Record, (1,), [(1,)]), TypeError),
        ((Attributes, Record, ("x",), 3), TypeError),
        ((Attributes, Record, ("x",), [[1]]), TypeError),
        ((Attributes, Record, ("x",), [(1, 2)]), ValueError),
        ((Frozen, Record, ("y",), [(1,)]), AttributeError),
        ((Attributes, Record, ["x"], [(1,)]), TypeError),
    ):
        with pytest.raises(kind):
            objects_with(*arguments)
