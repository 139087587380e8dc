"""Measurements as files, from the process that measures to the one that writes about them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from benchmarks.measuring import Measured
from benchmarks.works import WORKS


@dataclass(frozen=True)
class About:
    """How a run was made."""

    placement: str
    loop: str
    rounds: int
    postgresql: str
    #: Cores that others kept busy, before each work; empty where that is not told.
    others: list[float] = field(default_factory=list)


def save(path: Path, found: Sequence[Measured], about: About) -> None:
    """Write every sample, and what is to be known of the run."""
    works = [
        {"method": each.work.method, "seconds": each.seconds, "notes": each.notes} for each in found
    ]
    path.write_text(json.dumps({"about": asdict(about), "works": works}), encoding="utf-8")


def restore(path: Path) -> tuple[list[Measured], About]:
    """Return what save() wrote."""
    saved = json.loads(path.read_text(encoding="utf-8"))
    by_method = {work.method: work for work in WORKS}
    found = [Measured(by_method[w["method"]], w["seconds"], w["notes"]) for w in saved["works"]]
    return found, About(**saved["about"])
