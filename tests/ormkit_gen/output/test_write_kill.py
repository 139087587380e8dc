"""A killed write leaves the old package or the new one, and the next one heals the rest."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ormkit_gen.filesystem.exchange import exchange

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="children are made by fork"),
    pytest.mark.one_interpreter,
]

Steps = list[dict[str, Any]]


def kill_at_every_step(way: str, directory: Path) -> Steps:
    script = Path(__file__).with_name("kill_steps.py")
    run = subprocess.run(
        [sys.executable, str(script), way, str(directory)],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert run.returncode == 0, run.stderr
    return [json.loads(line) for line in run.stdout.splitlines()]


def assert_healed(steps: Steps) -> None:
    assert [step for step in steps if not (step["strangers_kept"] and step["healed"])] == []
    assert steps[-1]["event"] == ""
    assert steps[-1]["package"] == "new"


def test_an_exchanged_package_is_never_half_written(tmp_path: Path) -> None:
    """At each of some forty steps the package is wholly old or wholly new, and imports."""
    left, right = tmp_path / "left", tmp_path / "right"
    left.mkdir()
    right.mkdir()
    if not exchange(left, right):
        pytest.skip("this file system cannot exchange directories")
    (tmp_path / "packages").mkdir()
    steps = kill_at_every_step("exchange", tmp_path / "packages")
    assert_healed(steps)
    states = [step["package"] for step in steps]
    assert states == ["old"] * states.count("old") + ["new"] * states.count("new")
    assert states.count("old") > 20
    assert states.count("new") > 10
    assert all(step["imports"] and not step["is_announced"] for step in steps)


def test_files_replaced_one_by_one_are_completed_by_the_next_run(tmp_path: Path) -> None:
    """Without an exchange, whatever a kill leaves mixed is announced by the journal and healed."""
    steps = kill_at_every_step("replace", tmp_path)
    assert_healed(steps)
    mixed = [step for step in steps if step["package"] == "mixed"]
    assert mixed
    assert all(step["is_announced"] for step in mixed)


def test_a_new_package_appears_whole(tmp_path: Path) -> None:
    """Before the last step there is no package at all."""
    steps = kill_at_every_step("appear", tmp_path)
    assert_healed(steps)
    states = [step["package"] for step in steps]
    assert states == ["absent"] * states.count("absent") + ["new"] * states.count("new")
    assert states.count("absent") > 8
