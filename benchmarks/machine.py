"""The machine that a measurement comes from, in words."""

from __future__ import annotations

import os
import platform
from pathlib import Path


def describe_machine() -> str:
    """Return cores, processor, system and interpreter."""
    processor = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = cpuinfo.read_text(encoding="utf-8").splitlines()
        names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
        processor = names[0] if names else processor
    return (
        f"{os.cpu_count()} cores, {processor}, {platform.system()}, "
        f"CPython {platform.python_version()}"
    )
