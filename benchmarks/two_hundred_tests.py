"""Makes 200 tests of the few that pytest finds: `pytest -p benchmarks.two_hundred_tests`.

One in five has a database of its own, as far as there are such tests.
"""

from __future__ import annotations

import pytest

#: How often each test is there before a choice is made.
ROUNDS = 20
ROLLED_BACK, OWN = 160, 40


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Repeat each test."""
    metafunc.fixturenames.append("benchmark_round")
    metafunc.parametrize("benchmark_round", range(ROUNDS))


@pytest.fixture
def benchmark_round(request: pytest.FixtureRequest) -> int:
    """The number of the repetition."""
    number: int = request.param
    return number


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Choose the tests, from all kinds equally."""
    kinds: tuple[list[pytest.Item], list[pytest.Item]] = ([], [])
    for item in items:
        marker = item.get_closest_marker("ormkit")
        kinds[marker is not None and marker.kwargs.get("isolation") == "database"].append(item)
    chosen = {
        id(kind[place * len(kind) // count])
        for kind, count in zip(kinds, (ROLLED_BACK, OWN), strict=True)
        for place in range(count)
    }
    config.hook.pytest_deselected(items=[item for item in items if id(item) not in chosen])
    items[:] = [item for item in items if id(item) in chosen]
