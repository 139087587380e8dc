"""A killed write leaves the old package or the new one, and the next one heals the rest."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from ormkit_gen.diagnostics.refusal import Refusal
from ormkit_gen.filesystem.exchange import exchange
from ormkit_gen.output.file_changes import finish_change

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


def test_a_killed_change_of_schema_files_is_completed_by_the_next_command(tmp_path: Path) -> None:
    """A kill before each step of a pull's write leaves all files old or new for what reads them."""
    steps = kill_at_every_step("files", tmp_path)
    completed = [step["completed"] for step in steps]
    assert completed == ["old"] * completed.count("old") + ["new"] * completed.count("new")
    assert completed.count("old") > 8
    assert [step["files"] for step in steps].count("mixed") >= 2
    assert steps[-1]["event"] == ""
    assert steps[-1]["files"] == "new"


def test_a_file_that_was_edited_after_the_kill_stays(tmp_path: Path) -> None:
    """The change is completed for the other files."""
    work = tmp_path / ".ormkit-pull"
    (work / "new").mkdir(parents=True)
    (work / "new" / "a").write_text("new")
    (work / "new" / "b").write_text("new")
    (tmp_path / "a").write_text("edited")
    (tmp_path / "b").write_text("old")
    old, new = (sha256(text).hexdigest() for text in (b"old", b"new"))
    files = {"a": [old, new], "b": [old, new]}
    (work / "journal.json").write_text(json.dumps({"source": "new", "files": files}))
    finish_change(tmp_path)
    assert (tmp_path / "a").read_text() == "edited"
    assert (tmp_path / "b").read_text() == "new"
    assert not work.exists()


@pytest.mark.parametrize("name", ["../a", "/tmp/a", "sub/../../a", "link/a"])
def test_a_strange_journal_changes_nothing_elsewhere(tmp_path: Path, name: str) -> None:
    root, victim = tmp_path / "root", tmp_path / "a"
    work = root / ".ormkit-pull"
    (work / "new").mkdir(parents=True)
    victim.write_text("old")
    (root / "link").symlink_to(tmp_path)
    files = {name: [sha256(b"old").hexdigest(), None]}
    (work / "journal.json").write_text(json.dumps({"source": "new", "files": files}))
    with suppress(Refusal):
        finish_change(root)
    assert victim.read_text() == "old"
