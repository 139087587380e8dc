"""What was found, in README.md and docs/performance.md between their markers."""

from __future__ import annotations

import re
from pathlib import Path

from benchmarks import plots
from benchmarks.findings import Findings
from benchmarks.machine import describe_machine
from benchmarks.markdown import (
    limits_table,
    losses,
    memory_table,
    notes,
    ratios_table,
    spread_table,
    uvloop_table,
)
from benchmarks.tables import warning


class MarkerMissing(Exception):
    """A document has no place for what was found."""


def write(root: Path, findings: Findings) -> None:
    """Fill both documents and draw the plots."""
    replace(root / "README.md", "benchmark", short(findings))
    replace(root / "docs/performance.md", "comparison", long(findings))
    for name, svg in plots.draw(findings).items():
        (root / "docs" / name).write_text(svg, encoding="utf-8")


def replace(document: Path, marker: str, text: str) -> None:
    """Put text between <!-- marker --> and <!-- /marker -->; raises MarkerMissing."""
    pattern = re.compile(rf"<!-- {marker} -->.*<!-- /{marker} -->", re.DOTALL)
    before = document.read_text(encoding="utf-8")
    if len(pattern.findall(before)) != 1:
        raise MarkerMissing(
            f"{document.name} needs one pair of <!-- {marker} --> and <!-- /{marker} -->"
        )
    filled = f"<!-- {marker} -->\n{text}\n<!-- /{marker} -->"
    document.write_text(pattern.sub(lambda _: filled, before), encoding="utf-8")


def machine(findings: Findings) -> str:
    """Return where the figures come from, as sentences."""
    versions = ", ".join(f"{each.title} {each.version}" for each in findings.peers)
    asyncpg = next(each for each in findings.libraries if each.key == "bare").version
    ours = next(each for each in findings.libraries if each.key == "ormkit").version
    sentences = (
        f"{describe_machine()}, PostgreSQL {findings.about.postgresql}, asyncpg {asyncpg}, "
        f"OrmKit {ours}, {versions}. Medians of {rounds_of(findings)} rounds."
    )
    noisy = {warning(about) for about in (findings.about, findings.about_apart)} - {""}
    return " ".join([sentences, *(f"{each[0].upper()}{each[1:]}." for each in sorted(noisy))])


def rounds_of(findings: Findings) -> str:
    """Return how many rounds there were; works that take long have fewer."""
    numbers = {len(each.seconds[each.work.floor]) for each in (*findings.together, *findings.apart)}
    return " to ".join(str(number) for number in sorted({min(numbers), max(numbers)}))


def short(findings: Findings) -> str:
    """Return what the README says."""
    return "\n\n".join(
        [
            "Each figure is a library's time divided by the time of hand-written asyncpg code on "
            "one connection, so less is better. For the 50 tasks, the baseline is `asyncpg.Pool`. "
            "Server and library share one core; a second column shows OrmKit with two cores. A ~ "
            "marks a figure that varies by more than 10 % from run to run.",
            ratios_table(findings),
            f"{losses(findings)}\n\n{machine(findings)}",
        ]
    )


def long(findings: Findings) -> str:
    """Return what the page on performance says."""
    return "\n\n".join(
        [
            machine(findings),
            "![times over asyncpg's](comparison.svg)",
            "### Limits\n\nThese limits were set before OrmKit was written. A limit is met if "
            "OrmKit stays within it both on one core and on two.\n\n" + limits_table(findings),
            losses(findings),
            "### Spread\n\nThe median of each ratio, with its quartiles. On one core:\n\n"
            + spread_table(findings, findings.together),
            "On two cores:\n\n" + spread_table(findings, findings.apart),
            "A library has no figure (n/a) where it cannot do the work:\n\n" + notes(findings),
            "### Memory\n\nPeak memory in MiB, minus the memory in use after connecting. Each "
            "figure comes from a process of its own.\n\n" + memory_table(findings),
            "### With uvloop\n\nThe baseline runs on uvloop too. One core, fewer rounds.\n\n"
            + uvloop_table(findings),
            "### Curves\n\n![rows](rows.svg)\n\n![tasks](tasks.svg)\n\n![columns](columns.svg)"
            "\n\n![models in the schema](models.svg)",
        ]
    )
