"""make long-tests: the tests that have a long form, and their figures for docs/reliability.md."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.lengths import FACTOR

DOCUMENT = Path(__file__).parents[1] / "docs/reliability.md"
BEGIN, END = "<!-- make long-tests -->\n", "<!-- end -->"
#: What hypothesis says of each test, and what it is called in a report.
COUNTED = re.compile(r"(\d+) passing")
PROPERTY = "examples"


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> None:
    """Tell the process that writes the figures how many examples a test tried."""
    told = COUNTED.findall(getattr(item, "hypothesis_statistics", ""))
    item.user_properties.append((PROPERTY, sum(map(int, told))))


@dataclass
class Row:
    """The figures of one module."""

    tests: int = 0
    failed: int = 0
    examples: int = 0
    seconds: float = 0.0


class Figures:
    """Counts what the reports of a run say, as a plugin of pytest."""

    def __init__(self) -> None:
        self.rows: defaultdict[str, Row] = defaultdict(Row)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count a test, or a setup that failed."""
        row = self.rows[report.nodeid.partition("::")[0]]
        row.failed += report.failed
        row.seconds += report.duration
        if report.when == "call":
            row.tests += 1
        if report.when == "teardown":
            told = [number for name, number in report.user_properties if name == PROPERTY]
            row.examples += sum(told)  # type: ignore[arg-type]

    def table(self) -> str:
        """Return the figures as a table in Markdown, the most seconds first."""
        lines = [
            "| tests | cases | examples tried | seconds | failed |",
            "|---|---:|---:|---:|---:|",
        ]
        rows = sorted(self.rows.items(), key=lambda named: -named[1].seconds)
        lines += [
            f"| `{name}` | {row.tests} | {row.examples:,} | {row.seconds:.0f} | {row.failed} |"
            for name, row in rows
        ]
        return "\n".join(lines) + "\n"


def main() -> int:
    """Run the tests; write their figures into the documentation where asked to."""
    parser = argparse.ArgumentParser(prog="long-tests", description=__doc__)
    parser.add_argument("--write", action="store_true", help="put the figures into the docs")
    parser.add_argument("pytest", nargs="*", help="further arguments of pytest, behind --")
    arguments = parser.parse_args()
    os.environ["ORMKIT_NIGHTLY"] = "1"
    figures = Figures()
    options = ["-q", "-n", "auto", "--dist", "worksteal", "-m", "hypothesis or nightly"]
    code = pytest.main([*options, "-p", "tests.long_tests", *arguments.pytest], plugins=[figures])
    print(f"\n{FACTOR} times as many examples as `make test` tries:\n\n{figures.table()}")
    if not figures.rows:
        parser.error("no test ran, so that there are no figures to write")
    if arguments.write:
        before, rest = DOCUMENT.read_text(encoding="utf-8").split(BEGIN)
        after = rest.partition(END)[2]
        DOCUMENT.write_text(f"{before}{BEGIN}{figures.table()}{END}{after}", encoding="utf-8")
    return int(code)


if __name__ == "__main__":
    sys.exit(main())
