"""mypy --strict and pyright strict, each asked once about many files."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
SEARCHED = (ROOT / "runtime", ROOT)
#: On a line of its own, what is wrong is often an expression whose value goes nowhere.
PYRIGHT_SETTINGS = {
    "typeCheckingMode": "strict",
    "pythonVersion": "3.11",
    "reportUnusedExpression": False,
    "reportUnusedCoroutine": False,
}
MARK = re.compile(r"# expect-error(?:: (mypy|pyright))?$")

#: A file and a line in it.
Place = tuple[Path, int]
#: Takes the files and a directory to run in; returns the places of all errors.
Checker = Callable[[Sequence[Path], Path], set[Place]]


def mypy(files: Sequence[Path], directory: Path) -> set[Place]:
    """Return where mypy --strict finds errors."""
    options = ["--strict", "--output=json", "--no-incremental", "--config-file="]
    # asyncpg publishes no types; the runtime alone meets it.
    options.append("--disable-error-code=import-untyped")
    path = os.pathsep.join(map(str, (*SEARCHED, directory)))
    shown = run(["mypy", *options, *map(str, files)], directory, MYPYPATH=path)
    found = [json.loads(line) for line in shown.stdout.splitlines()]
    assert shown.returncode == bool(found), shown.stdout + shown.stderr
    return {
        place(directory, each["file"], each["line"])
        for each in found
        if each["severity"] == "error"
    }


def pyright(files: Sequence[Path], directory: Path) -> set[Place]:
    """Return where pyright finds errors."""
    settings: dict[str, Any] = {
        **PYRIGHT_SETTINGS,
        "include": [os.path.relpath(file, directory) for file in files],
        "extraPaths": [os.path.relpath(each, directory) for each in SEARCHED],
    }
    project = directory / "pyrightconfig.json"
    project.write_text(json.dumps(settings), encoding="utf-8")
    options = ["--outputjson", f"--project={project}", f"--pythonpath={sys.executable}"]
    shown = run(["pyright", *options], directory, PYRIGHT_PYTHON_IGNORE_WARNINGS="1")
    assert shown.returncode in (0, 1), shown.stdout + shown.stderr
    report = json.loads(shown.stdout)
    assert report["summary"]["filesAnalyzed"] >= len(files)
    return {
        place(directory, each["file"], each["range"]["start"]["line"] + 1)
        for each in report["generalDiagnostics"]
        if each["severity"] == "error"
    }


def expected(files: Iterable[Path], checker: Checker) -> set[Place]:
    """Return the places that are marked for this checker, or for both."""
    return {
        (file.resolve(), number)
        for file in files
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
        if (mark := MARK.search(line)) and mark[1] in (None, checker.__name__)
    }


def run(
    arguments: Sequence[str], directory: Path, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a checker of this interpreter's own environment in the directory."""
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=directory,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def place(directory: Path, file: str, line: int) -> Place:
    """Return the place, whether the checker named the file in full or from its directory."""
    return (directory / file).resolve(), line
