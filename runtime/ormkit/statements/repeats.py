"""Repeats: one line of the application that sends the same statement again and again (N+1)."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Literal, Self

from ..errors import ConfigurationError, RepeatedStatement, UsageError, shown
from ..events.event import Caller, StatementEvent, way_here
from ..events.listeners import Listened
from ..events.units import Unit, current_unit
from .cures import SAME_VALUES, cure_for
from .shape_name import ShapeName

LOGGER = logging.getLogger("ormkit.repeats")

#: Methods that take many objects, and may send a statement for each of several chunks.
BULK = frozenset({"insert_all", "upsert_all", "bulk_update", "remove_all"})
#: Functions of the runtime that send as many statements as there are pages or changed objects.
REPEATING = frozenset({"_paged_chunks", "write_changes", "flush_added"})


@dataclass(frozen=True)
class Allowance:
    """A block in which repeats are meant."""

    reason: str
    at_most: int | None
    caller: Caller


#: The allowances whose blocks ended without a repeat in them.
_unused: dict[Allowance, None] = {}
_used: set[Allowance] = set()
_allowed: ContextVar[Allowance | None] = ContextVar("ormkit_allowed_repeats", default=None)


@contextmanager
def allow_repeats(reason: str, *, at_most: int | None = None) -> Generator[None]:
    """Allow one statement to be sent again and again in the block.

    reason: why that is right, for readers of the code and of messages.
    at_most: how often; None sets no limit.

    Raises UsageError without a reason, and ConfigurationError for a number that is none.
    """
    given: object = reason
    if not isinstance(given, str) or not reason.strip():
        raise UsageError("allow_repeats() takes the reason why the statements are repeated")
    if at_most is not None:
        check_positive("at_most", at_most)
    allowance = Allowance(reason, at_most, line_of_block())
    token = _allowed.set(allowance)
    try:
        yield
    finally:
        _allowed.reset(token)
        if allowance not in _used:
            _unused[allowance] = None


def line_of_block() -> Caller:
    """Return the line that enters the block of a context manager."""
    # This function, the context manager, contextlib, and who enters.
    frame: Any = inspect.stack(0)[3].frame
    code = frame.f_code
    return Caller(code.co_filename, frame.f_lineno, code.co_qualname)


def unused_allowances() -> list[str]:
    """Return the blocks of allow_repeats() that no statement was repeated in, with their lines."""
    return [f"{each.caller}: {each.reason}" for each in _unused if each not in _used]


def forget_allowances() -> None:
    """Forget which blocks of allow_repeats() were entered, as a run of tests begins."""
    _unused.clear()
    _used.clear()


@dataclass
class Repeat:
    """What is known of one statement from one line, within a unit."""

    event: StatementEvent
    caller: Caller | None
    count: int = 0
    allowance: Allowance | None = None
    is_retried: bool = False
    values: set[object] = field(default_factory=set[object])


class Repeats:
    """Looks for repeated statements on an engine; `detect_repeats()` makes it.

    As a `with` block it is a unit by itself, for whatever belongs to no other one.
    """

    def __init__(self, engine: Listened, threshold: int, action: Literal["log", "raise"]) -> None:
        if not hasattr(engine, "listen"):
            raise UsageError(f"detect_repeats() takes an engine, not {type(engine).__name__}")
        check_positive("threshold", threshold)
        if action not in ("log", "raise"):
            raise ConfigurationError(f'action={shown(action)}: give "log" or "raise"')
        self._threshold = threshold
        self._action = action
        self._block: Unit | None = None
        self._listening = engine.listen(on_statement=self._note, values=True)

    def close(self) -> None:
        """Stop looking; closing again does nothing."""
        self._listening.close()

    def __enter__(self) -> Self:
        self._block = Unit()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
        block, self._block = self._block, None
        found = block.end() if block is not None else None
        if found is not None and error is None:
            raise found

    def _note(self, event: StatementEvent) -> None:
        unit = current_unit() or self._block
        if unit is None or unit.is_over or is_exempt(event):
            return
        caller, passed = way_here()
        shape = event.shape
        is_load = isinstance(shape, ShapeName) and shape.method == "load"
        if passed & REPEATING or (is_load and "_load" not in passed):
            return
        seen: dict[Any, Repeat] | None = unit.notes.get(self)
        if seen is None:
            seen = unit.notes[self] = {}
            unit.ends.append(lambda: self._judge(unit))
        key = (event.sql, caller)
        repeat = seen.get(key)
        if repeat is None:
            repeat = seen[key] = Repeat(event, caller)
        repeat.count += 1
        repeat.allowance = _allowed.get() or repeat.allowance
        if repeat.count == self._threshold:
            repeat.is_retried = is_in_retries()
        if len(repeat.values) < self._threshold:
            repeat.values.add(as_key(event.values or ()))

    def _judge(self, unit: Unit) -> RepeatedStatement | None:
        """Report the repeats of a unit that has ended; return the error to raise."""
        found = [each for each in unit.notes.pop(self).values() if self._is_wrong(each)]
        messages = [self._message(each) for each in found]
        if self._action == "raise":
            return RepeatedStatement("\n".join(messages)) if messages else None
        for each, message in zip(found, messages, strict=True):
            LOGGER.warning("%s", message, extra=attributes(each))
        return None

    def _is_wrong(self, repeat: Repeat) -> bool:
        if repeat.count < self._threshold:
            return False
        is_varied = len(repeat.values) >= self._threshold
        if not is_varied and (repeat.is_retried or takes_rows_in_turn(repeat.event)):
            # A transaction that runs again sends the same values.
            return False
        if not is_varied and len(repeat.values) > 1 and repeat.event.operation == "SELECT":
            return False
        allowance = repeat.allowance
        if allowance is None:
            return True
        _used.add(allowance)
        return allowance.at_most is not None and repeat.count > allowance.at_most

    def _message(self, repeat: Repeat) -> str:
        sent = f"{repeat.event.name} was sent {repeat.count} times"
        where = (
            f"from {repeat.caller}"
            if repeat.caller is not None
            else "by tasks that were gathered or started elsewhere, so that no line is known"
        )
        is_same = len(repeat.values) == 1 and repeat.event.operation == "SELECT"
        cure = SAME_VALUES if is_same else cure_for(repeat.event.shape)
        allowed = ""
        if (allowance := repeat.allowance) is not None:
            allowed = f" (allowed {allowance.at_most} times: {allowance.reason})"
        return f"{sent} {where}{allowed}: {cure}"


def detect_repeats(
    engine: Listened, *, threshold: int = 5, action: Literal["log", "raise"] = "log"
) -> Repeats:
    """Look for lines that send the same statement again and again (N+1), and name the cure.

    threshold: from how many statements on, within a block of session_context() or query_budget().
    action: "log" warns on the logger `ormkit.repeats` at the end of the block; "raise" raises
        RepeatedStatement there.

    The result ends it with `close()`. As a `with` block it is such a block itself, for statements
    that are in no other. allow_repeats() excepts code. Raises UsageError for anything but an
    engine, and ConfigurationError for a bad option.
    """
    return Repeats(engine, threshold, action)


def is_exempt(event: StatementEvent) -> bool:
    """Return whether a statement never counts, however often it is sent."""
    shape = event.shape
    is_bulk = isinstance(shape, ShapeName) and shape.method in BULK
    return is_bulk or event.is_internal or event.is_shared or event.is_pipelined


def is_in_retries() -> bool:
    """Return whether `run()` is on the stack, which may run the same code again."""
    frame = inspect.currentframe()
    while frame is not None and frame.f_code.co_name != "run_with_retries":
        frame = frame.f_back
    return frame is not None


def takes_rows_in_turn(event: StatementEvent) -> bool:
    """Return whether a statement locks rows, as a queue takes its next row by the same query."""
    shape = event.shape
    return isinstance(shape, ShapeName) and any(each.startswith("for_") for each in shape.further)


def as_key(values: Sequence[Any]) -> object:
    """Return what tells these values from others."""
    try:
        key = tuple([repr(each) if each.__class__ is list else each for each in values])
        hash(key)
    except TypeError:
        return repr(values)
    return key


def attributes(repeat: Repeat) -> dict[str, object]:
    """Return the attributes of a log record, under OpenTelemetry's names where there are any."""
    found: dict[str, object] = {
        "db.query.text": repeat.event.sql,
        "db.query.summary": repeat.event.summary,
        "ormkit.shape": repeat.event.name,
        "ormkit.repeats": repeat.count,
    }
    if (caller := repeat.caller) is not None:
        found["code.file.path"] = caller.file
        found["code.line.number"] = caller.line
        found["code.function.name"] = caller.function
    return found


def check_positive(name: str, value: object) -> None:
    """Raise ConfigurationError for what is not a whole number from 1 on."""
    if type(value) is not int or value < 1:
        raise ConfigurationError(f"{name}={shown(value)}: give a whole number, at least 1")
