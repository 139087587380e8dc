"""make soak: the storms at length, and their figures for docs/reliability.md."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from contextlib import closing
from pathlib import Path

from ormkit import EmbeddedServer
from tests.reliability.storms import (
    Figures,
    bad_inputs,
    cancellations,
    crashes,
    exactness,
    faults,
    load,
)
from tests.servers import Server, server_files

DOCUMENT = Path(__file__).parents[2] / "docs/reliability.md"
BEGIN, END = "<!-- make soak -->\n", "<!-- end -->"


def soak(directory: Path, scale: float) -> dict[str, Figures]:
    """Run each storm; `scale` 1 takes minutes, and 0.1 is for CI."""
    found: dict[str, Figures] = {}

    def note(name: str, figures: Figures) -> None:
        found[name] = figures
        shown = ", ".join(f"{key} {value:,.6g}" for key, value in figures.items())
        print(f"{name}: {shown}", flush=True)

    with (
        EmbeddedServer.start(directory / "soak", settings={"fsync": "off"}) as embedded,
        closing(Server(embedded.url)) as server,
    ):
        for name, storm, count in (
            ("cancellations", cancellations, 100_000),
            ("load", load, 60),
            ("exactness", exactness, 2_000),
            ("faults", faults, 20_000),
            ("bad inputs", bad_inputs, 20_000),
        ):
            with server.database() as url:
                note(name, asyncio.run(storm(url, round(count * scale))))
    note("crashes", asyncio.run(crashes(directory / "crashed", max(2, int(10 * scale)), 1)))
    return found


def report(found: dict[str, Figures]) -> str:
    """Return the figures as a table in Markdown."""
    lines = ["| storm | what was done | rows lost | connections leaked |", "|---|---|---|---|"]
    for name, figures in found.items():
        rest = {key: value for key, value in figures.items() if key not in ("lost", "leaked")}
        done = ", ".join(f"{key} {shown(value)}" for key, value in rest.items())
        lines.append(f"| {name} | {done} | {figures['lost']:.0f} | {figures['leaked']:.0f} |")
    return "\n".join(lines) + "\n"


def shown(value: float) -> str:
    """Return a figure with as many digits as it is worth."""
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.3g}"


def main() -> int:
    """Run the storms; write their figures into the documentation where asked to."""
    parser = argparse.ArgumentParser(prog="soak", description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--write", action="store_true", help="put the figures into the docs")
    arguments = parser.parse_args()
    start = time.perf_counter()
    with server_files() as directory:
        found = soak(directory, arguments.scale)
    print(json.dumps({"seconds": round(time.perf_counter() - start)}))
    if arguments.write:
        before, rest = DOCUMENT.read_text(encoding="utf-8").split(BEGIN)
        after = rest.partition(END)[2]
        DOCUMENT.write_text(f"{before}{BEGIN}{report(found)}{END}{after}", encoding="utf-8")
    is_whole = all(not figures["lost"] and not figures["leaked"] for figures in found.values())
    return 0 if is_whole else 1


if __name__ == "__main__":
    sys.exit(main())
