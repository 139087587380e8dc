"""What the marker says about the statements of a test: how many, and whether they may repeat."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import ExitStack, contextmanager

import pytest

from ..engine import Engine
from ..errors import ConfigurationError
from ..events.query_budget import QueryBudget
from ..statements.repeats import detect_repeats

#: What the marker `ormkit` takes.
_KNOWN = ("isolation", "budget", "repeats")
_ACTIONS = ("log", "raise")


@contextmanager
def limited(item: pytest.Item, engine: Engine | None) -> Generator[None]:
    """Run a test with the limits of its marker; those of its fixtures do not count.

    engine: that of the test's fixture; None if it has none.

    Raises ConfigurationError for a marker that cannot be meant, and at the end
    QueryBudgetExceeded or RepeatedStatement.
    """
    budget, repeats = _given(item, "budget"), _given(item, "repeats")
    if repeats not in (None, *_ACTIONS):
        allowed = " or ".join(map(repr, _ACTIONS))
        raise ConfigurationError(f"repeats={repeats!r}: it must be {allowed}")
    with ExitStack() as stack:
        if (budget is not None or repeats is not None) and engine is None:
            raise ConfigurationError(
                "@pytest.mark.ormkit(budget=..., repeats=...) needs the fixture `engine` or "
                "`session` in the test"
            )
        if budget is not None and engine is not None:
            # Any number is judged there.
            most: int = budget  # type: ignore[assignment]
            stack.enter_context(QueryBudget(engine, most, exact=False, is_everywhere=True))
        if repeats == "raise" and engine is not None:
            stack.enter_context(detect_repeats(engine, action="raise"))
        elif repeats == "log" and engine is not None:
            stack.enter_context(detect_repeats(engine))
        yield


def _given(item: pytest.Item, name: str) -> object:
    """Return what the closest marker with this argument says."""
    for marker in item.iter_markers("ormkit"):
        if unknown := sorted(marker.kwargs.keys() - set(_KNOWN)):
            known = ", ".join(f"{each}=" for each in _KNOWN)
            raise ConfigurationError(
                f"the marker ormkit has no argument {unknown[0]}: it takes {known}"
            )
        if name in marker.kwargs:
            found: object = marker.kwargs[name]
            return found
    return None
