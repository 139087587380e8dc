"""Log the statements that take long, and in development all of them."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from ..errors import ConfigurationError
from .callers import Caller
from .event import StatementEvent

SLOW = logging.getLogger("ormkit.slow")
ALL = logging.getLogger("ormkit.sql")

#: How many texts are told apart; the one that was seen first goes first.
MOST_TEXTS = 4096
#: Seconds for which the plan of a text is not logged again.
PLAN_INTERVAL = 3600.0


@dataclass
class Seen:
    """What is known of a slow statement since it was logged."""

    logged: float
    count: int = 0
    longest: float = 0.0
    #: When its plan was asked for last.
    planned: float = float("-inf")


@dataclass
class SlowQueries:
    """Logs statements that took at least `threshold` seconds: logger `ormkit.slow`, WARNING.

    threshold: seconds; waiting for a connection does not count.
    per_shape: seconds for which the same SQL text is not logged again. The next line then says how
        often it was slow meanwhile, and how long at most.
    plan: "generic" logs the plan of the statement, too, at most once an hour for each SQL text:
        PostgreSQL plans it for any values and does not run it, on a connection that is idle.
        "off" logs none.

    The line has the operation and tables, the seconds, the number of rows, the line of the
    application and the SQL text, never values. The record has the same in attributes with the
    names of OpenTelemetry, such as `db.query.text`.

    Raises ConfigurationError for what is not a number of seconds, and for another plan.
    """

    threshold: float
    per_shape: float = 600.0
    plan: Literal["generic", "off"] = "generic"
    _seen: dict[str, Seen] = field(default_factory=dict[str, Seen], init=False, repr=False)

    def __post_init__(self) -> None:
        for name in ("threshold", "per_shape"):
            value: object = getattr(self, name)
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            if not is_number or not 0 <= value < float("inf"):  # type: ignore[operator]
                raise ConfigurationError(
                    f"{name}={value!r}: give a number of seconds, such as slow_query=0.1"
                )
        if self.plan not in ("generic", "off"):
            raise ConfigurationError(f'plan={self.plan!r}: give "generic" or "off"')

    def note(
        self, event: StatementEvent, explain: Callable[[StatementEvent], None] | None = None
    ) -> None:
        """Log a statement if it was slow; a listener of the engine.

        explain: what logs the plan of a statement; the engine gives it.
        """
        if event.elapsed < self.threshold:
            return
        now = time.monotonic()
        seen = self._seen.get(event.sql)
        if seen is not None and now - seen.logged < self.per_shape:
            seen.count += 1
            seen.longest = max(seen.longest, event.elapsed)
            return
        again = ""
        if seen is not None and seen.count:
            again = f"; {seen.count} more since the last line, {seen.longest:.3f} s at most"
        elif len(self._seen) >= MOST_TEXTS:
            del self._seen[next(iter(self._seen))]
        planned = Seen.planned if seen is None else seen.planned
        seen = self._seen[event.sql] = Seen(now, planned=planned)
        caller = event.caller()
        line = described(event, caller)
        SLOW.warning("slow query: %s%s", line, again, extra=attributes(event, caller))
        if explain is not None and self.plan != "off" and now - planned >= PLAN_INTERVAL:
            seen.planned = now
            explain(event)


def log_each(event: StatementEvent) -> None:
    """Log a statement at the level DEBUG; a listener of the engine."""
    caller = event.caller()
    ALL.debug("%s", described(event, caller), extra=attributes(event, caller))


def described(event: StatementEvent, caller: Caller | None) -> str:
    """Return an event as one line, without values."""
    parts = [f"{event.summary or 'statement'} took {event.elapsed:.3f} s"]
    if event.waited:
        parts.append(f"after {event.waited:.3f} s of waiting for a connection")
    parts.append(f"{event.rows} {'row' if event.rows == 1 else 'rows'}")
    if event.error is not None:
        parts.append(f"failed with {type(event.error).__name__}")
    if event.how_sent:
        parts.append(event.how_sent)
    if not event.is_raw:
        parts.append(event.name)
    where = f" [{caller}]" if caller is not None else ""
    return f"{', '.join(parts)}{where}: {event.sql}"


def attributes(event: StatementEvent, caller: Caller | None) -> Mapping[str, object]:
    """Return the attributes of a log record, under OpenTelemetry's names where there are any."""
    found: dict[str, object] = {
        "db.system.name": "postgresql",
        "db.query.text": event.sql,
        "db.query.summary": event.summary,
        "db.operation.name": event.operation,
        "db.client.operation.duration": event.elapsed,
        "db.response.returned_rows": event.rows,
        "ormkit.shape": event.name,
        "ormkit.fingerprint": event.fingerprint,
        "ormkit.waited": event.waited,
    }
    if len(event.tables) == 1:
        found["db.collection.name"] = event.tables[0]
    if event.error is not None:
        found["error.type"] = type(event.error).__name__
    if caller is not None:
        found["code.file.path"] = caller.file
        found["code.line.number"] = caller.line
        found["code.function.name"] = caller.function
    return found
