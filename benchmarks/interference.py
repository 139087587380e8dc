"""What else runs on the machine while something is measured.

A sample of a few milliseconds fits between two turns of the scheduler, and a longer one does not:
other work makes every ratio larger, and the same for the same code, so that comparing that does not
show it. It shows while the benchmark itself waits.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

STAT = Path("/proc/stat")
#: Seconds to wait; the kernel counts in hundredths.
PAUSE = 0.3
#: A machine is quiet up to this share of one core.
QUIET = 0.10


async def share_of_others() -> float | None:
    """Return how many cores are busy while this process waits; None where that is not told."""
    before = ticks()
    await asyncio.sleep(PAUSE)
    return cores_between(before, ticks()) if before else None


def ticks() -> list[tuple[int, int]]:
    """Return the busy and all ticks of each core so far; nothing where that is not told."""
    if not STAT.exists():
        return []
    lines = STAT.read_text(encoding="ascii").splitlines()
    return [ticks_of(each) for each in lines if each.startswith("cpu") and each[3].isdigit()]


def ticks_of(line: str) -> tuple[int, int]:
    """Return the busy and all ticks of a line of /proc/stat."""
    # user nice system idle iowait irq softirq steal; guests are part of the first two.
    counted = [int(each) for each in line.split()[1:9]]
    return sum(counted) - counted[3] - counted[4], sum(counted)


def cores_between(before: list[tuple[int, int]], after: list[tuple[int, int]]) -> float:
    """Return how many cores were busy on average."""
    shares = (
        (busy - busy_before) / max(1, total - total_before)
        for (busy_before, total_before), (busy, total) in zip(before, after, strict=True)
    )
    return sum(shares)
