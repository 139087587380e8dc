"""Formatting many Python texts, in several processes if that is faster."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from queue import SimpleQueue

from ormkit_gen.formatting.formatter import format_text
from ormkit_gen.formatting.process import FormattingProcess, ProcessGone

#: A function that is called with the number of finished texts and of all texts.
Progress = Callable[[int, int], None]

#: Starting a process and importing black takes a third of a second, as long as formatting a few
#: texts.
_TEXTS_WORTH_PROCESSES = 8
_MOST_PROCESSES = 8


def format_texts(texts: Mapping[str, str], progress: Progress) -> dict[str, str]:
    """Format all texts, by name. Raise BrokenCode if one is not valid Python."""
    count = process_count(len(texts))
    if count > 1:
        try:
            return _format_in_processes(texts, count, progress)
        except ProcessGone:
            pass  # a sandbox may forbid processes; format here instead
    return _collect(texts, map(format_text, texts, texts.values()), progress)


def process_count(texts: int) -> int:
    if texts < _TEXTS_WORTH_PROCESSES:
        return 1
    return min(_MOST_PROCESSES, usable_cpus(), texts // (_TEXTS_WORTH_PROCESSES // 2))


def usable_cpus() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _format_in_processes(
    texts: Mapping[str, str], count: int, progress: Progress
) -> dict[str, str]:
    idle: SimpleQueue[FormattingProcess] = SimpleQueue()

    def format_in_idle(name: str, text: str) -> str:
        process = idle.get()
        try:
            return process.format(name, text)
        finally:
            idle.put(process)

    # Stop the processes first in every case, so that no thread waits for one.
    with ThreadPoolExecutor(count) as threads, ExitStack() as processes:
        for _ in range(count):
            idle.put(processes.enter_context(FormattingProcess()))
        return _collect(texts, threads.map(format_in_idle, texts, texts.values()), progress)


def _collect(
    texts: Mapping[str, str], formatted: Iterable[str], progress: Progress
) -> dict[str, str]:
    collected: dict[str, str] = {}
    for name, text in zip(texts, formatted, strict=True):
        collected[name] = text
        progress(len(collected), len(texts))
    return collected
