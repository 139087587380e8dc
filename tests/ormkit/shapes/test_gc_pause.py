"""Many values are made with the collector paused, and it is as it was before afterwards."""

from __future__ import annotations

import gc
from collections.abc import Sequence
from typing import Any

import pytest

from ormkit import AsyncSession, Engine
from ormkit.shapes.gc_pause import PAUSE_ROWS, with_gc_paused

MANY = range(PAUSE_ROWS)


def is_collecting(_: Sequence[Any]) -> bool:
    return gc.isenabled()


def test_it_is_paused_for_many_rows_alone() -> None:
    assert with_gc_paused(is_collecting, MANY) is False
    assert with_gc_paused(is_collecting, MANY[1:]) is True
    assert gc.isenabled()


def test_it_goes_on_after_an_error() -> None:
    def fail(_: Sequence[Any]) -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        with_gc_paused(fail, MANY)
    assert gc.isenabled()


def test_an_application_that_has_stopped_it_finds_it_stopped() -> None:
    gc.disable()
    try:
        with_gc_paused(is_collecting, MANY)
        assert not gc.isenabled()
    finally:
        gc.enable()


@pytest.mark.parametrize("count", [0, 1, 63, 64, 255, 256, 1000])
async def test_any_number_of_rows_comes_in_each_form(
    session: AsyncSession, engine: Engine, count: int
) -> None:
    result = await engine.execute("SELECT n, 'x' || n AS x FROM generate_series(1, $1) n", [count])
    wanted = [(n, f"x{n}") for n in range(1, count + 1)]
    assert result.tuples() == wanted
    assert all(type(row) is tuple for row in result.tuples())
    assert [tuple(row.items()) for row in result.all()] == [(("n", n), ("x", x)) for n, x in wanted]
