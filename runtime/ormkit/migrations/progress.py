"""What a run of migrations tells while it works."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

#: What happened: the run waits for another one, a step began, made progress, is blocked by others,
#: is tried again, or is done; a migration is done; a note about something that was cleaned up.
What = Literal[
    "waiting", "step", "batch", "building", "blocked", "retry", "step done", "done", "note"
]
LOGGER = logging.getLogger("ormkit.migrations")


@dataclass(frozen=True, slots=True)
class Blocker:
    """A session of the server for which another one waits."""

    pid: int
    role: str
    application: str
    #: What it does, as pg_stat_activity says, such as `idle in transaction`.
    state: str
    #: Seconds since its transaction began; since it connected if it has none.
    seconds: float
    #: Its latest statement, shortened. The server hides it from roles that may not see it.
    query: str

    def __str__(self) -> str:
        query = f": {self.query}" if self.query else ""
        who = f"{self.role} ({self.application})" if self.application else self.role
        return f"process {self.pid} of {who}, {self.state} for {self.seconds:.0f} s{query}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """One thing that happened in a run."""

    what: What
    #: The migration; empty while the run waits for another one.
    migration: str = ""
    #: The number of the step, from 1, how many there are, and how it runs.
    step: int = 0
    steps: int = 0
    mode: str = ""
    #: The batches and rows that the step has done so far.
    batches: int = 0
    rows: int = 0
    #: Seconds since the step began, or since the run waits.
    seconds: float = 0.0
    #: Further words.
    text: str = ""
    #: For whom the step waits.
    blockers: tuple[Blocker, ...] = ()

    def __str__(self) -> str:
        return " ".join(filter(None, (self.place, self._said(), self._blocked())))

    @property
    def place(self) -> str:
        """The migration and the step, as a line begins."""
        if not self.step:
            return f"{self.migration}:" if self.migration else ""
        return f"{self.migration}: step {self.step} of {self.steps}:"

    def _said(self) -> str:
        match self.what:
            case "step":
                return self.mode
            case "batch":
                return f"batch {self.batches}, {counted(self.rows, 'row')}, {self.seconds:.1f} s"
            case "step done":
                rows = f"{counted(self.rows, 'row')} in " if self.batches else ""
                return f"done, {rows}{self.seconds:.2f} s"
            case "waiting":
                return f"waiting for {self.text}, {self.seconds:.0f} s"
            case "blocked":
                return f"waiting for a lock, {self.seconds:.1f} s"
            case _:
                return self.text or self.what

    def _blocked(self) -> str:
        return "; ".join(f"behind {each}" for each in self.blockers)


Report = Callable[[Progress], None]


def counted(number: int, what: str) -> str:
    """Return a number of things, such as `1 row` and `2 rows`."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def log(progress: Progress) -> None:
    """Log what happened: what a person may have to do something about as a warning."""
    is_waiting = progress.what in ("waiting", "blocked", "retry")
    level = logging.WARNING if is_waiting else logging.INFO
    LOGGER.log(level, "%s", progress)
