"""Reading one attribute of many objects: the accelerator tells what Python does, or nothing."""

from __future__ import annotations

import sys
from operator import attrgetter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from examples.blog.db import Tag
from ormkit import AsyncSession
from ormkit.models import bulk_attributes
from ormkit.models.bulk_attributes import any_has_attribute, attribute_values

accelerator = pytest.importorskip(
    "ormkit._accelerator", reason="no C compiler was there to build the accelerator"
)


class Point:
    __slots__ = ("__weakref__", "x", "y")

    x: Any
    y: Any


class Derived(Point):
    __slots__ = ()


class Watched:
    __slots__ = ("x",)

    x: Any

    def __getattribute__(self, name: str) -> Any:
        return "watched"


X: Any = vars(Point)["x"]


def points(*held: Any, kind: Any = Point) -> list[Any]:
    made = []
    for x in held:
        made.append(point := kind())
        if x is not ...:
            point.x = x
    return made


@given(st.lists(st.sampled_from([None, 0, "a", (1, 2), ..., Point])))
def test_it_tells_what_python_does_or_nothing(held: list[Any]) -> None:
    objects = points(*held)
    found = accelerator.values_of(X, objects)
    if ... in held:
        assert found is None
        with pytest.raises(AttributeError):
            list(map(attrgetter("x"), objects))
    else:
        assert found == held == list(map(attrgetter("x"), objects))
        assert all(a is b for a, b in zip(found, held, strict=True))
    assert accelerator.are_unset(X, objects) is (set(held) <= {...})
    assert accelerator.are_unset(vars(Point)["y"], objects) is True


@pytest.mark.parametrize(
    ("slot", "objects"),
    [
        (X, [*points(1), None]),
        (X, [Point]),
        (X, points(1, kind=Derived)),
        (X, [*points(1), *points(2, kind=Derived)]),
        (X, [Derived()]),
        (X, points(1, kind=Watched)),
        (vars(Watched)["x"], points(1, kind=Watched)),
        (vars(Point)["__weakref__"], points(1)),
        (vars(type)["__basicsize__"], [Point]),
        (vars(BaseException)["__suppress_context__"], [BaseException()]),
        (property(lambda self: 1), points(1)),
        (Tag.name, [Tag(name="a")]),
        (None, points(1)),
        ("x", points(1)),
    ],
)
def test_where_python_may_read_something_else_it_tells_nothing(
    slot: Any, objects: list[Any]
) -> None:
    assert accelerator.values_of(slot, objects) is None
    assert accelerator.are_unset(slot, objects) is False


@pytest.mark.parametrize("function", [accelerator.values_of, accelerator.are_unset])
@pytest.mark.parametrize("arguments", [(), (X,), (X, ()), (X, None), (X, iter([])), (X, [], 1)])
def test_it_is_called_with_a_slot_and_a_list(function: Any, arguments: tuple[Any, ...]) -> None:
    with pytest.raises(TypeError):
        function(*arguments)


def test_every_reference_is_counted() -> None:
    value, objects = object(), points(*[object()] * 3)
    for point in objects:
        point.x = value
    before = sys.getrefcount(value), sys.getrefcount(X), sys.getrefcount(None)
    for _ in range(1000):
        found = accelerator.values_of(X, objects)
        accelerator.are_unset(X, objects)
        accelerator.values_of(X, [*objects, Point()])
    assert sys.getrefcount(value) == before[0] + 3
    del found
    assert sys.getrefcount(value) == before[0]
    assert sys.getrefcount(X) == before[1]
    assert abs(sys.getrefcount(None) - before[2]) < 100


class Shouting(Tag):
    """A model of a user's own, whose attribute is no slot any more."""

    __slots__ = ()

    name = property(lambda self: "loud")  # type: ignore[assignment]


@pytest.mark.parametrize("is_fast", [True, False])
async def test_what_is_inserted_is_what_the_attributes_say(
    session: AsyncSession, monkeypatch: pytest.MonkeyPatch, is_fast: bool
) -> None:
    if not is_fast:
        monkeypatch.setattr(bulk_attributes, "accelerator", None)
    some = [Tag(name="a"), Tag(name="b", id=1000), Tag(name="c")]
    assert attribute_values("name", some) == ["a", "b", "c"]
    assert any_has_attribute("id", some)
    assert any_has_attribute("id", some[1:])
    assert not any_has_attribute("id", some[::2])
    with pytest.raises(AttributeError):
        attribute_values("id", some)
    await session.insert_all(some)
    assert await session.query(Tag).order_by("id").values_list(Tag.name) == [("a",), ("c",), ("b",)]
    assert attribute_values("name", [Shouting.__new__(Shouting)] * 2) == ["loud", "loud"]
    assert any_has_attribute("name", [Shouting.__new__(Shouting)])
