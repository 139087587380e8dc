"""Runs six type checkers in their strict modes and reads which lines they report.

`python -m tests.typing.checkers` runs each of them once over the blog's generated package and the
files beside this one, prints what each found, and fails unless they report the lines marked
`# expect-error` and no others.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
#: The version of Python to check for: the oldest one that OrmKit supports.
VERSION = "3.11"
#: A file's name and a line.
Place = tuple[str, int]
Command = list[str]

MARK = "# expect-error"
HERE = Path(__file__).parent
#: An expression on a line of its own is what a wrong line often is.
UNUSED = {"reportUnusedExpression": False, "reportUnusedCoroutine": False}


def mypy(files: Sequence[str], directory: Path) -> Command:
    command = [sys.executable, "-m", "mypy", "--strict", "--no-pretty", "--no-incremental"]
    command += ["--python-version", VERSION, "--config-file", ""]
    return [*command, "--disable-error-code", "import-untyped", *files]


def pyright(files: Sequence[str], directory: Path, name: str = "pyright") -> Command:
    settings = {
        "include": files,
        "extraPaths": [os.path.relpath(path, directory) for path in (ROOT / "runtime", ROOT)],
        "typeCheckingMode": "strict",
        "pythonVersion": VERSION,
        **UNUSED,
    }
    (directory / "pyrightconfig.json").write_text(json.dumps(settings))
    return [sys.executable, "-m", name, "-p", str(directory), "--pythonpath", sys.executable]


def basedpyright(files: Sequence[str], directory: Path) -> Command:
    return pyright(files, directory, "basedpyright")


def ty(files: Sequence[str], directory: Path) -> Command:
    command = [str(BIN / "ty"), "check", "--output-format", "concise", "--python-version", VERSION]
    command += ["--python", str(BIN.parent)]
    for path in (ROOT / "runtime", ROOT):
        command += ["--extra-search-path", str(path)]
    return [*command, *files]


def pyrefly(files: Sequence[str], directory: Path) -> Command:
    (directory / "pyrefly.toml").write_text("")
    command = [str(BIN / "pyrefly"), "check", "--config", str(directory / "pyrefly.toml")]
    command += ["--output-format", "min-text", "--python-version", VERSION]
    command += ["--python-interpreter-path", sys.executable]
    for path in (directory, ROOT / "runtime", ROOT):
        command += ["--search-path", str(path)]
    return [*command, *files]


def zuban(files: Sequence[str], directory: Path) -> Command:
    command = [str(BIN / "zuban"), "check", "--strict", "--python-version", VERSION]
    command += ["--python-executable", sys.executable, "--no-pretty"]
    return [*command, "--disable-error-code", "import-untyped", *files]


CHECKERS: dict[str, Callable[[Sequence[str], Path], Command]] = {
    "mypy": mypy,
    "pyright": pyright,
    "basedpyright": basedpyright,
    "ty": ty,
    "pyrefly": pyrefly,
    "zuban": zuban,
}
#: The place of an error, as each of them writes it.
PLACES = {
    "mypy": r"^(.+?\.py):(\d+): error:",
    "zuban": r"^(.+?\.py):(\d+): error:",
    "pyright": r"^\s*(.+?\.py):(\d+):\d+ - error:",
    "basedpyright": r"^\s*(.+?\.py):(\d+):\d+ - error:",
    "ty": r"^(.+?\.py):(\d+):\d+: error",
    "pyrefly": r"^ERROR (.+?\.py):(\d+):",
}


def environment(directory: Path) -> dict[str, str]:
    """Return the environment variables that the checkers need."""
    path = os.pathsep.join(map(str, (ROOT / "runtime", ROOT, directory)))
    return {**os.environ, "MYPYPATH": path, "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"}


def run(checker: str, files: Sequence[Path], directory: Path) -> subprocess.CompletedProcess[str]:
    """Check the files together, once; the directory takes the checker's settings."""
    names = [os.path.relpath(file, directory) for file in files]
    return subprocess.run(
        CHECKERS[checker](names, directory),
        cwd=directory,
        env=environment(directory),
        capture_output=True,
        text=True,
        check=False,
    )


def reported(checker: str, files: Sequence[Path], directory: Path) -> set[Place]:
    """Return file name and line of every error that a checker finds in the files."""
    return places(checker, printed(checker, files, directory))


def printed(checker: str, files: Sequence[Path], directory: Path) -> str:
    """Return what a checker prints about the files; it has to report errors, or none."""
    shown = run(checker, files, directory)
    assert shown.returncode in (0, 1), shown.stdout + shown.stderr
    found = places(checker, shown.stdout)
    assert bool(found) == bool(shown.returncode), shown.stdout + shown.stderr
    return shown.stdout


def places(checker: str, output: str) -> set[Place]:
    """Return file name and line of every error in what a checker printed."""
    found = re.findall(PLACES[checker], output, re.MULTILINE)
    return {(Path(name).name, int(line)) for name, line in found}


def user_code() -> list[Path]:
    """Return the files with right and wrong code, and the generated packages that they import."""
    written = [*HERE.glob("*_positive.py"), *HERE.glob("*_negative.py")]
    generated = [*(ROOT / "examples/blog/db").glob("*.py"), *(HERE / "people").glob("*.py")]
    return sorted([*written, *generated])


def expected(files: Iterable[Path]) -> set[Place]:
    """Return the places of the lines that must be reported."""
    return {
        (file.name, number)
        for file in files
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
        if MARK in line
    }


class Findings(NamedTuple):
    """What a checker reported that is right, what it missed, and how long it took."""

    checker: str
    missed: set[Place]
    false: set[Place]
    seconds: float
    #: What it printed.
    output: str


def findings(checker: str) -> Findings:
    """Return what a checker makes of the user code."""
    files = user_code()
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as directory:
        output = printed(checker, files, Path(directory))
    found, wanted = places(checker, output), expected(files)
    seconds = time.perf_counter() - began
    return Findings(checker, wanted - found, found - wanted, seconds, output)


def main() -> int:
    total = len(expected(user_code()))
    with ThreadPoolExecutor(2) as pool:
        every = list(pool.map(findings, CHECKERS))
    for each in every:
        print(
            f"{each.checker:13} {len(each.false)} false errors, "
            f"{total - len(each.missed)} of {total} wrong lines reported, {each.seconds:.1f} s"
        )
        for kind, places in (("false", each.false), ("missed", each.missed)):
            for name, line in sorted(places):
                print(f"    {kind}: {name}:{line}")
    return int(any(each.missed or each.false for each in every))


if __name__ == "__main__":
    sys.exit(main())
