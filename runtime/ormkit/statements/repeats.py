"""Repeats: one line of the application that sends the same statement again and again (N+1)."""

from __future__ import annotations

import inspect
import logging
import math
import re
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from time import perf_counter
from types import FrameType, TracebackType
from typing import Any, Literal, Self

from ..errors import ConfigurationError, RepeatedStatement, UsageError, shown
from ..events.callers import Caller, line_of, way_here
from ..events.event import StatementEvent, TransactionEvent
from ..events.listeners import Listened
from ..events.literals import query_text
from ..events.units import Unit, current_unit, is_repetition
from .cures import ONE_FLUSH, SAME_VALUES, VALUES_IN_TEXT, cure_for
from .parameter_places import Place, places_of
from .shape_name import ShapeName

LOGGER = logging.getLogger("ormkit.repeats")

#: Methods that take many objects, and may send a statement for each of several chunks.
BULK = frozenset({"insert_all", "upsert_all", "bulk_update", "remove_all"})
#: Functions of the runtime that send as many statements as there are changed objects.
WRITING_BACK = frozenset({"write_changes", "flush_added"})
#: The function of the runtime that sends as many statements as there are pages.
PAGING = "_paged_chunks"
#: The functions of the runtime that say what a statement is for.
NOTED = WRITING_BACK | {PAGING, "page", "_load"}
#: Raw SQL counts where it reads or writes rows, and not where it sets, locks or defines something.
COUNTED = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE", "MERGE"})
#: From so many idle seconds on, the same query is asked again on purpose, to see a change.
WAIT = 0.002
#: A limit or an offset of a query, which is a parameter, or once it is frequent, a constant.
LIMITED = " LIMIT "
LIMIT = re.compile(r"\b(?:LIMIT|OFFSET) \$?\d+")
#: Raw SQL whose values stand in the text, and which reads the next page by it.
NEXT_PAGE = re.compile(r"(?:\bOFFSET|[<>]=?)\s*\?", re.IGNORECASE)
EQUALITY = re.compile(r"[^<>!]=\s*\?")


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


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a statement by its text, and where it comes from."""

    command: object
    #: The text without what differs between the same statements.
    sql: str
    method: str
    is_internal: bool
    is_raw: bool
    #: Whether it takes rows from a queue.
    takes_from_queue: bool


#: The facts about statements that were met, by the identity of their commands.
_facts: dict[int, Facts] = {}
#: How many of them are kept.
MOST_FACTS = 1024


@dataclass
class Repeat:
    """What is known of one statement from one line, within a unit."""

    event: StatementEvent
    caller: Caller | None
    count: int = 0
    allowance: Allowance | None = None
    values: set[tuple[object, ...]] = field(default_factory=set[tuple[object, ...]])
    #: The call of flush() or iterate() that was counted last: all its statements count once.
    call: FrameType | None = None
    #: The least number of seconds in which nothing was sent, before each of the statements.
    idle: float = math.inf
    #: When it was sent last, on the clock that stands still while statements run.
    ended: float = 0.0

    def varied(self) -> list[int] | None:
        """Return which values differ from statement to statement; None if that is not known."""
        # A frequent limit becomes a part of the text: then there is one value less.
        length = len(places_of(self.event.sql))
        rows = [row for row in self.values if len(row) == length]
        if len(rows) < 2:
            return None
        return [place for place, given in enumerate(zip(*rows, strict=True)) if len({*given}) > 1]


@dataclass
class Seen:
    """What is known of the statements of a unit."""

    repeats: dict[object, Repeat] = field(default_factory=dict[object, Repeat])
    #: Seconds that statements took.
    busy: float = 0.0
    #: How many rows were taken from queues: what follows each is work on another row.
    turn: int = 0


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
        #: What was raised in the units within the block, which a web framework may have answered.
        self._raised: list[RepeatedStatement] = []
        #: What was counted in the transactions that are open, by their backends.
        self._open: dict[int, list[Repeat]] = {}
        self._listening = engine.listen(
            on_statement=self._note, on_transaction=self._forget, values=True
        )

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
        raised, self._raised = self._raised, []
        if error is None and (found is not None or raised):
            raise found or raised[0]

    def _note(self, event: StatementEvent) -> None:
        unit = current_unit() or self._block
        if unit is None:
            return
        facts = facts_of(event)
        if facts.is_internal:
            return
        seen: Seen | None = unit.notes.get(self)
        if seen is None:
            seen = unit.notes[self] = Seen()
            unit.ends.append(lambda: self._judge(unit))
        seen.busy += event.elapsed
        now = perf_counter() - seen.busy
        if facts.takes_from_queue:
            seen.turn += 1
            return
        # Keys of several callers, and several rows of arguments.
        if event.keys or event.argument_sets != 1:
            return
        if facts.is_raw and event.operation not in COUNTED:
            return
        sql = facts.sql
        frame, passed, outermost = way_here(NOTED)
        names = [each.f_code.co_name for each in passed] if passed else ()
        call = call_of(passed, names, outermost)
        if (passed and is_next_page(passed)) or is_exempt(facts.method, names, call):
            return
        caller = None if frame is None else line_of(frame)
        # A tuple of them is compared in C, unlike the line itself.
        line = None if caller is None else (caller.file, caller.line, caller.function)
        key = (sql, line, seen.turn)
        repeat = seen.repeats.get(key)
        if repeat is None:
            repeat = seen.repeats[key] = Repeat(event, caller)
        elif (call is not None and repeat.call is call) or (
            event.in_transaction and is_repetition.get()
        ):
            return
        else:
            repeat.idle = min(repeat.idle, now - repeat.ended)
        repeat.call, repeat.ended = call, now
        repeat.count += 1
        repeat.allowance = _allowed.get() or repeat.allowance
        if event.in_transaction:
            self._open.setdefault(event.backend, []).append(repeat)
        if len(repeat.values) < self._threshold:
            bound = values_of(event, sql) if facts.is_raw else event.values or ()
            repeat.values.add(as_key(bound))

    def _forget(self, event: TransactionEvent) -> None:
        """Count the statements of a transaction no more that was undone: its work runs again."""
        counted = self._open.pop(event.backend, ())
        if event.how != "commit":
            for repeat in counted:
                repeat.count -= 1

    def _judge(self, unit: Unit) -> RepeatedStatement | None:
        """Report the repeats of a unit that has ended; return the error to raise."""
        seen: Seen = unit.notes.pop(self)
        found = [each for each in seen.repeats.values() if self._is_wrong(each)]
        messages = [self._message(each) for each in found]
        if self._action == "raise":
            if not messages:
                return None
            error = RepeatedStatement("\n".join(messages))
            if self._block is not None and unit is not self._block:
                self._raised.append(error)
            return error
        for each, message in zip(found, messages, strict=True):
            LOGGER.warning("%s", message, extra=attributes(each))
        return None

    def _is_wrong(self, repeat: Repeat) -> bool:
        if repeat.count < self._threshold:
            return False
        if len(repeat.values) >= self._threshold:
            if is_paging(repeat) or is_in_batches(repeat) or is_of_one_row(repeat):
                return False
        elif not is_wrong_again(repeat):
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
        cure = SAME_VALUES if is_same else cure_of(repeat)
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


def call_of(
    passed: Sequence[FrameType], names: Sequence[str], outermost: FrameType | None
) -> FrameType | None:
    """Return the call of flush() or iterate() that the application made, if it made one."""
    if PAGING in names:
        return passed[names.index(PAGING)]
    return outermost if outermost is not None and outermost.f_code.co_name == "flush" else None


def is_next_page(passed: Sequence[FrameType]) -> bool:
    """Return whether a query reads the page after another one."""
    return any(
        frame.f_code.co_name == "page" and frame.f_locals.get("after") is not None
        for frame in passed
    )


def facts_of(event: StatementEvent) -> Facts:
    """Return what is known of each statement with the same text."""
    command = event._command  # pyright: ignore[reportPrivateUsage]
    known = _facts.get(id(command))
    # Another command may have come to its place in memory.
    if known is not None and known.command is command:
        return known
    sql, shape, is_raw = event.sql, event.shape, event.is_raw
    is_taking = "SKIP LOCKED" in sql or (is_raw and "SKIP LOCKED" in sql.upper())
    text = query_text(event) if is_raw else LIMIT.sub("", sql) if LIMITED in sql else sql
    method = shape.method if isinstance(shape, ShapeName) else ""
    made = Facts(command, text, method, event.is_internal, is_raw, is_taking)
    # Commands of raw SQL are made for each statement.
    if not is_raw:
        if len(_facts) >= MOST_FACTS:
            _facts.clear()
        _facts[id(command)] = made
    return made


def is_exempt(method: str, names: Sequence[str], call: FrameType | None) -> bool:
    """Return whether a statement never counts, however often it is sent.

    method: what the application called.
    names: the functions of the runtime on the way to it.
    """
    if call is not None:
        return False
    # What is written at a commit, and the further steps of a query.
    is_part = not WRITING_BACK.isdisjoint(names) or (method == "load" and "_load" not in names)
    return is_part or method in BULK


def is_paging(repeat: Repeat) -> bool:
    """Return whether each statement goes on where the one before it has ended."""
    event = repeat.event
    words = event.sql.upper()
    if "LIMIT" not in words and "ORDER BY" not in words:
        return False
    if event.is_raw and (text := query_text(event)) != event.sql:
        return bool(NEXT_PAGE.search(text)) and not EQUALITY.search(text)
    roles = {place.role for place in varied_places(repeat)}
    # The limit of the last page may be a smaller one.
    return bool(roles & {"offset", "bound"}) and roles <= {"offset", "bound", "limit"}


def is_in_batches(repeat: Repeat) -> bool:
    """Return whether most statements are about several values at once."""
    varied = repeat.varied() or []
    places = places_of(repeat.event.sql)
    if not varied or any(place >= len(places) or places[place].role != "list" for place in varied):
        return False
    rows = [row for row in repeat.values if any(is_several(row[place]) for place in varied)]
    return 2 * len(rows) > len(repeat.values)


def is_several(value: object) -> bool:
    """Return whether a value is a list of two or more."""
    return isinstance(value, tuple) and len(value) > 1  # pyright: ignore[reportUnknownArgumentType]


def is_of_one_row(repeat: Repeat) -> bool:
    """Return whether one row is changed again and again, as its progress is noted."""
    event = repeat.event
    if event.operation != "UPDATE":
        return False
    varied, places = repeat.varied(), places_of(event.sql)
    if varied is None or not any(place.role == "equal" for place in places):
        return False
    return all(place < len(places) and places[place].role == "written" for place in varied)


def is_wrong_again(repeat: Repeat) -> bool:
    """Return whether it is wrong to send a statement again with the same values, or few others."""
    event = repeat.event
    if event.operation != "SELECT":
        # A change is repeated until it finds no row, as one that deletes a thousand at a time.
        return event.operation == "INSERT"
    if len(repeat.values) > 1 or takes_rows_in_turn(event):
        return False
    is_of_rows = not event.is_raw or re.search(r"\bFROM\b", event.sql, re.IGNORECASE) is not None
    return is_of_rows and repeat.idle < WAIT


def takes_rows_in_turn(event: StatementEvent) -> bool:
    """Return whether a statement locks rows, as a queue takes its next row by the same query."""
    shape = event.shape
    return isinstance(shape, ShapeName) and any(each.startswith("for_") for each in shape.further)


def varied_places(repeat: Repeat) -> list[Place]:
    """Return where the values stand that differ from statement to statement."""
    places = places_of(repeat.event.sql)
    varied = repeat.varied() or []
    return [places[place] if place < len(places) else Place("") for place in varied]


def cure_of(repeat: Repeat) -> str:
    """Return what to write in place of a repeated statement."""
    if repeat.call is not None and repeat.call.f_code.co_name == "flush":
        return ONE_FLUSH
    event = repeat.event
    if event.is_raw and query_text(event) != event.sql:
        return VALUES_IN_TEXT
    is_whole = repeat.call is not None
    return cure_for(event.shape, varied_places(repeat), is_whole=is_whole)


def values_of(event: StatementEvent, sql: str) -> Sequence[Any]:
    """Return the values of a statement; the text itself where they stand in it.

    sql: the text without them.
    """
    if event.is_raw and sql != event.sql:
        return (event.sql,)
    return event.values or ()


def as_key(values: Sequence[Any]) -> tuple[object, ...]:
    """Return what tells these values from others."""
    try:
        key = tuple([tuple(each) if each.__class__ is list else each for each in values])
        hash(key)
    except TypeError:
        return tuple(map(repr, values))
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
