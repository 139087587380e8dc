"""Right code is clean and wrong code is reported, by mypy --strict and by pyright strict."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
MARK = "# expect-error"


def mypy(files: Sequence[Path], cwd: Path) -> set[tuple[str, int]]:
    """Return file name and line of every error."""
    command = [sys.executable, "-m", "mypy", "--strict", "--show-error-end", "--no-pretty"]
    command += [
        "--no-incremental",
        "--config-file",
        "",
        "--disable-error-code=import-untyped",
        *map(str, files),
    ]
    env_path = {"MYPYPATH": f"{ROOT / 'runtime'}:{ROOT}:{cwd}"}
    shown = subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, env={**_env(), **env_path}
    )
    assert shown.returncode in (0, 1), shown.stdout + shown.stderr
    pattern = re.compile(r"^(.+?):(\d+):\d+:\d+:\d+: error:", re.MULTILINE)
    found = {(Path(name).name, int(line)) for name, line in pattern.findall(shown.stdout)}
    assert bool(found) == bool(shown.returncode), shown.stdout
    return found


def pyright(files: Sequence[Path], cwd: Path) -> set[tuple[str, int]]:
    """Return file name and line of every error."""
    settings = cwd / "pyrightconfig.json"
    settings.write_text(
        json.dumps(
            {
                "include": [os.path.relpath(file, cwd) for file in files],
                "extraPaths": [os.path.relpath(path, cwd) for path in (ROOT / "runtime", ROOT)],
                "typeCheckingMode": "strict",
                "pythonVersion": "3.11",
                # An expression on a line of its own is what a wrong line often is.
                "reportUnusedExpression": False,
                "reportUnusedCoroutine": False,
            }
        )
    )
    command = [sys.executable, "-m", "pyright", "--outputjson", "-p", str(settings)]
    command += ["--pythonpath", sys.executable]
    shown = subprocess.run(command, cwd=cwd, capture_output=True, text=True, env=_env())
    report = json.loads(shown.stdout)
    return {
        (Path(each["file"]).name, each["range"]["start"]["line"] + 1)
        for each in report["generalDiagnostics"]
        if each["severity"] == "error"
    }


def _env() -> dict[str, str]:
    import os

    return {**os.environ, "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"}


def expected(files: Sequence[Path]) -> set[tuple[str, int]]:
    return {
        (file.name, number)
        for file in files
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
        if MARK in line
    }


@pytest.mark.parametrize("checker", [mypy, pyright], ids=["mypy", "pyright"])
def test_both_checkers_report_wrong_lines_of_the_blog_and_no_others(
    checker: object, tmp_path: Path
) -> None:
    files = sorted([*HERE.glob("*_positive.py"), *HERE.glob("*_negative.py")])
    generated = sorted((ROOT / "examples/blog/db").glob("*.py"))
    assert len(expected(files)) >= 100
    assert checker([*files, *generated], tmp_path) == expected(files)  # type: ignore[operator]
