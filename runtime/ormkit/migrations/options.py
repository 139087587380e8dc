"""Options of a run of migrations."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from ..connecting.options import check_count, check_seconds, is_number
from ..errors import ConfigurationError, shown
from ..postgres.type_mismatch import mismatch

#: Names of schemas that hold other things than the state of migrations.
TAKEN = re.compile(r"pg_.*|information_schema|public")

PHASES = ("together", "apart")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How migrations run. Times are in seconds.

    Raises ConfigurationError for a value that cannot be used.
    """

    #: The schema that holds the state of the migrations, and nothing else.
    schema: str = "ormkit"
    #: The role that runs everything, such as the owner of the tables; None keeps that of the
    #: connection, which must be a member of the other one.
    role: str | None = None
    #: `together` runs migrations of both phases one after the other. `apart` stops before the first
    #: one of the phase contract, unless a call names a phase or an ID, or the database is new: run
    #: those once no program of before runs any more.
    phases: Literal["together", "apart"] = "together"
    #: How long a statement waits for a lock before it gives way to those who wait behind it.
    lock_timeout: float = 2.0
    #: How often a step is tried that does not get its locks.
    tries: int = 30
    #: The pause before the second try. It grows to `longest_pause`.
    retry_pause: float = 0.5
    longest_pause: float = 10.0
    #: How long to wait for the end of another run of migrations; None waits without a limit.
    wait: float | None = None
    #: The pause between two batches, which leaves a busy server room for others.
    batch_pause: float = 0.0
    #: How long to try to connect again after the connection broke.
    reconnect_timeout: float = 60.0

    def __post_init__(self) -> None:
        for name in ("schema", "role"):
            value = getattr(self, name)
            if (value is not None or name == "schema") and (mismatch("text", value) or not value):
                raise ConfigurationError(f"{name}={shown(value)}: give the name of a {name}")
        if TAKEN.fullmatch(self.schema):
            raise ConfigurationError(
                f"schema={self.schema!r}: the state of migrations is in a schema of its own, such "
                "as 'ormkit'"
            )
        if self.phases not in PHASES:
            raise ConfigurationError(f"phases={shown(self.phases)}: give 'together' or 'apart'")
        check_seconds("lock_timeout", self.lock_timeout)
        check_count("tries", self.tries)
        if self.tries < 1:
            raise ConfigurationError(f"tries={self.tries}: give a whole number, at least 1")
        for name in ("retry_pause", "longest_pause", "wait", "batch_pause", "reconnect_timeout"):
            value = getattr(self, name)
            is_left_out = name == "wait" and value is None
            if not is_left_out and not (is_number(value) and value >= 0):
                raise ConfigurationError(f"{name}={shown(value)}: give seconds, at least 0")
