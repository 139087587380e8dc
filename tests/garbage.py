"""Keeps the garbage of one test out of the others.

A warning of what was not closed comes where the collector runs, whoever made the garbage. A test
that calls the collector would fail by what another one left.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Generator, Iterator

import pytest


@pytest.fixture
def own_garbage() -> Iterator[None]:
    """Let the collector see only what was made during the test."""
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Collect what a failed test has left before the next one begins, and say nothing of it."""
    failed = item.session.testsfailed
    done = yield
    if item.session.testsfailed > failed:
        collect_in_silence()
    return done


def collect_in_silence() -> None:
    """Collect, also what the last exception holds; warnings of it would only repeat the failure."""
    for name in ("last_exc", "last_type", "last_value", "last_traceback"):
        vars(sys).pop(name, None)
    hook, sys.unraisablehook = sys.unraisablehook, lambda _: None
    try:
        gc.collect()
    finally:
        sys.unraisablehook = hook
