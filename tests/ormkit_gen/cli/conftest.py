"""A small project, and the command run on it: as a shell would, or in the process of the test."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import chdir
from pathlib import Path

import pytest

from ormkit_gen.cli import commands

Command = Callable[..., subprocess.CompletedProcess[str]]

SCHEMA = """\
[models.User.columns]
id = { type = "bigint", primary_key = true }
name = "varchar(100)"

[models.Post.columns]
id = { type = "bigint", primary_key = true }
title = "text"
"""
SETTINGS = '[[targets]]\nschemas = ["schemas/blog.toml"]\noutput = "app/db"\n'


@pytest.fixture(autouse=True)
def own_modules(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Import the project's package anew in each test."""
    monkeypatch.setattr("sys.path", [*sys.path])
    yield
    for name in [each for each in sys.modules if each.partition(".")[0] == "app"]:
        del sys.modules[name]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A directory with settings and a schema of two models, nothing generated yet."""
    (tmp_path / "schemas").mkdir()
    (tmp_path / "schemas/blog.toml").write_text(SCHEMA)
    (tmp_path / "ormkit.toml").write_text(SETTINGS)
    return tmp_path


@pytest.fixture
def shell(tmp_path: Path) -> Command:
    """Run `ormkit` with these arguments in a process, in the test's directory or in `cwd`."""

    def run(*arguments: str, cwd: Path = tmp_path) -> subprocess.CompletedProcess[str]:
        return without_progress(
            subprocess.run(
                [sys.executable, "-m", "ormkit_gen", *arguments],
                cwd=cwd,
                capture_output=True,
                text=True,
                timeout=120,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            )
        )

    return run


@pytest.fixture
def ormkit(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Command:
    """Run `ormkit` as `shell` does, but in this process: to start one takes half a second."""

    def run(*arguments: str, cwd: Path = tmp_path) -> subprocess.CompletedProcess[str]:
        with chdir(cwd):
            code = commands.run(arguments)
        return without_progress(subprocess.CompletedProcess(arguments, code, *capfd.readouterr()))

    return run


def without_progress(done: subprocess.CompletedProcess[str]) -> subprocess.CompletedProcess[str]:
    """Leave out the lines of progress, which a slow machine has in its logs."""
    done.stderr = re.sub(r"^formatting: \d+ of \d+ files\n", "", done.stderr, flags=re.M)
    return done
