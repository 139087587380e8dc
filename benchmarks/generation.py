"""How long generation takes, and what importing its result costs: python -m benchmarks.generation

Whole processes of the command are timed, as a user waits for them. The table and the curve are
written into docs/performance.md and docs/generation.svg.
"""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.curve import line_chart
from benchmarks.machine import describe_machine
from tests.big_schema import big_schema
from tests.generated import ROOT, generate, ormkit

SIZES = (10, 50, 100, 200, 500, 1000)
REPEATS = 5
DOCUMENT = ROOT / "docs/performance.md"
IMPORT = """
import sys, time
sys.path[:0] = [{root!r}, {runtime!r}, "."]
import ormkit
start = time.perf_counter()
import models
print(time.perf_counter() - start)
"""


@dataclass(frozen=True)
class Measurement:
    """Seconds for one size of schema, and the lines that came out."""

    models: int
    from_nothing: float
    unchanged: float
    check: float
    imported: float
    lines: int


def measure(count: int) -> Measurement:
    """Generate that many models of eight columns and time each command on them."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        start = time.perf_counter()
        package = generate(directory, big_schema(count))
        from_nothing = time.perf_counter() - start
        return Measurement(
            models=count,
            from_nothing=from_nothing,
            unchanged=median_of(directory, "generate"),
            check=median_of(directory, "generate", "--check"),
            imported=median_import(directory),
            lines=sum(len(file.read_text().splitlines()) for file in package.glob("*.py")),
        )


def median_of(directory: Path, *arguments: str) -> float:
    """Return the median seconds of a whole run of the command."""
    seconds: list[float] = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        done = ormkit(directory, *arguments)
        seconds.append(time.perf_counter() - start)
        assert done.returncode == 0, done.stderr
    return statistics.median(seconds)


def median_import(directory: Path) -> float:
    """Return the median seconds of importing the package after ormkit, its bytecode written."""
    script = IMPORT.format(root=str(ROOT), runtime=str(ROOT / "runtime"))
    command = [sys.executable, "-c", script]
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    run = partial(subprocess.run, cwd=directory, env=environment, capture_output=True, check=True)
    seconds = [float(run(command).stdout) for _ in range(REPEATS + 1)]
    return statistics.median(seconds[1:])


def table(measurements: list[Measurement]) -> str:
    """Return the measurements as a table in Markdown."""
    rows = [
        "| models | from nothing | unchanged | `--check` | import | lines | ms a model |",
        "|---:|---:|---:|---:|---:|---:|---:|",
    ]
    rows += [
        f"| {each.models} | {each.from_nothing:.2f} s | {each.unchanged:.2f} s | "
        f"{each.check:.2f} s | {each.imported * 1000:.0f} ms | {each.lines} | "
        f"{each.from_nothing / each.models * 1000:.0f} |"
        for each in measurements
    ]
    return "\n".join(rows)


def write_document(measurements: list[Measurement]) -> None:
    """Put table, machine and curve into the documentation."""
    text = (
        f"<!-- generation -->\nMeasured on {describe_machine()}, with other work on the machine; "
        f"medians of {REPEATS} whole processes, the first column of one.\n\n"
        f"{table(measurements)}\n\n![seconds by models](generation.svg)\n<!-- /generation -->"
    )
    document = DOCUMENT.read_text(encoding="utf-8")
    pattern = re.compile(r"<!-- generation -->.*<!-- /generation -->", re.DOTALL)
    DOCUMENT.write_text(pattern.sub(lambda _: text, document), encoding="utf-8")
    chart = line_chart(
        "Generating models of eight columns",
        "models",
        "seconds",
        [
            ("from nothing", [(each.models, each.from_nothing) for each in measurements]),
            ("unchanged", [(each.models, each.unchanged) for each in measurements]),
            ("import", [(each.models, each.imported) for each in measurements]),
        ],
    )
    (ROOT / "docs/generation.svg").write_text(chart, encoding="utf-8")


def main() -> None:
    """Measure every size, print the table and write the documentation."""
    measurements: list[Measurement] = []
    for count in SIZES:
        print(f"measuring {count} models ...", file=sys.stderr)
        measurements.append(measure(count))
    print(table(measurements))
    write_document(measurements)


if __name__ == "__main__":
    main()
