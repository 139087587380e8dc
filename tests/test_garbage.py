"""What a test leaves is its own affair."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.one_interpreter

ROOT = Path(__file__).parents[1]
#: The first test fails while a socket is open; only the collector can find it.
TESTS = """
import gc, socket

class Holder: ...

def test_leaves_a_socket():
    holder = Holder()
    holder.itself, holder.socket = holder, socket.socket()
    assert False

def test_collects():
    gc.collect()
"""


@pytest.mark.parametrize(("plugins", "failed"), [((), 2), (("-p", "tests.garbage"), 1)])
def test_what_a_failed_test_left_does_not_fail_the_next_one(
    tmp_path: Path, plugins: tuple[str, ...], failed: int
) -> None:
    (tmp_path / "test_two.py").write_text(TESTS)
    # The plugin for asyncio warns about its own settings.
    options = ("-q", "-W", "error", "-p", "no:asyncio", *plugins)
    pytest_command = [sys.executable, "-m", "pytest", *options, "test_two.py"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_ADDOPTS": ""}
    done = subprocess.run(
        pytest_command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert f"{failed} failed" in done.stdout


class Cycle:
    """Notes that it was collected."""

    collected = 0

    def __init__(self) -> None:
        self.itself = self

    def __del__(self) -> None:
        Cycle.collected += 1


@pytest.fixture
def foreign() -> None:
    """Garbage from before the test."""
    gc.disable()
    Cycle()
    gc.enable()


@pytest.mark.usefixtures("foreign", "own_garbage")
def test_the_collector_sees_only_what_the_test_has_made() -> None:
    before = Cycle.collected
    Cycle()
    gc.collect()
    assert Cycle.collected == before + 1
