"""The whole benchmark, each part in processes of its own, and the documents that it fills."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import documents
from benchmarks.findings import Findings
from benchmarks.libraries import LIBRARIES, load
from benchmarks.saved import restore
from benchmarks.works import WORKS

ROOT = Path(__file__).parents[1]
#: Of the run with uvloop, which is there to tell whether it changes the picture.
UVLOOP_ROUNDS = 5


def publish(rounds: int, *, quick: bool) -> None:
    """Measure everything and write README.md and docs/."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory() as name:
        findings = measure(Path(name), rounds, quick=quick)
    documents.write(ROOT, findings)


def measure(directory: Path, rounds: int, *, quick: bool) -> Findings:
    """Run every part and return what it found."""
    fewer = ["--quick"] if quick else []
    counted = ["--rounds", str(rounds), *fewer]
    few = ["--rounds", str(min(rounds, UVLOOP_ROUNDS)), *fewer]

    def saved(module: str, *arguments: str) -> Path:
        return run_part(directory, module, arguments)

    together, about = restore(saved("comparison", "--placement", "together", *counted))
    apart, about_apart = restore(saved("comparison", "--placement", "apart", *counted))
    short = [f"--only={work.method}" for work in WORKS if work.rounds is None]
    uvloop, _ = restore(saved("comparison", "--loop", "uvloop", *few, *short))
    return Findings(
        libraries=[load(key) for key in LIBRARIES],
        together=together,
        about=about,
        apart=apart,
        about_apart=about_apart,
        uvloop=uvloop,
        memory=read(saved("memory", *fewer)),
        curves=read(saved("curves", *fewer)),
        models=read(saved("schema_size", *fewer)),
    )


def run_part(directory: Path, module: str, arguments: Sequence[str]) -> Path:
    """Run one command with its output shown, and return the file that it saved."""
    file = directory / f"{len(list(directory.iterdir()))}.json"
    print(f"\n== {' '.join((module, *arguments))}", flush=True)
    command = [sys.executable, "-m", f"benchmarks.{module}", *arguments, "--save", str(file)]
    run(command)
    return file


def run(command: Sequence[str]) -> None:
    """Run a command; where this process is told to end, let the command stop its server first."""
    process = subprocess.Popen(command, cwd=ROOT)
    try:
        code = process.wait()
    except BaseException:
        process.terminate()
        process.wait()
        raise
    if code:
        raise subprocess.CalledProcessError(code, command)


def read(file: Path) -> Any:
    return json.loads(file.read_text(encoding="utf-8"))
