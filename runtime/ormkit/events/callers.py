"""Who sent a statement: the line of the application, and what of the runtime lies between.

The accelerator walks over the frames in C.
"""

from __future__ import annotations

import asyncio
import inspect
import sys
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass
from itertools import chain
from types import CodeType, FrameType
from typing import TYPE_CHECKING, Any, TypeAlias

from ..accelerator import accelerator

#: What a module is to a frame: of the application, of a library that the runtime may be called
#: through, of the runtime itself, or what runs tasks.
APPLICATION, PASSED, OWN, TASK = range(4)
OWN_PACKAGE = __name__.partition(".")[0]
PASSED_PACKAGES = frozenset({"anyio", "asyncio", "concurrent", "contextlib"})
#: The modules that run tasks: above them is no one who waits for the statement.
TASK_MODULES = frozenset({"asyncio.events", "asyncio.base_events", "asyncio.runners"})
#: What the code of a coroutine or an asynchronous generator has in its flags, and no listener.
ASYNCHRONOUS = inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR
#: How many lines are kept; each statement of a program comes from few.
MOST_LINES = 4096

#: The frame that sent the statement; whether a task did, above which nobody waits; the frames with
#: the names that are asked for, innermost first; and the outermost of the runtime and what it was
#: called through.
Walked: TypeAlias = "tuple[FrameType | None, bool, list[FrameType], FrameType | None]"


@dataclass(frozen=True, slots=True)
class Caller:
    """The line of the application that sent a statement."""

    file: str
    line: int
    function: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line} in {self.function}"


#: What the modules are that were met.
_kinds: dict[str, int] = {}
#: The lines that were met, by their code and the place in it.
_lines: dict[tuple[int, int], tuple[CodeType, Caller]] = {}


def kind_of(module: str) -> int:
    """Return what a module is, and keep that."""
    package = module.partition(".")[0]
    if module in TASK_MODULES:
        kind = TASK
    elif package == OWN_PACKAGE:
        kind = OWN
    else:
        kind = PASSED if package in PASSED_PACKAGES else APPLICATION
    _kinds[module] = kind
    return kind


def kind_of_frame(frame: FrameType, kinds: dict[str, int], find: Callable[[str], int]) -> int:
    """Return what the module of a frame is."""
    name: object = frame.f_globals.get("__name__")
    if type(name) is not str:
        return APPLICATION
    kind = kinds.get(name)
    return find(name) if kind is None else kind


def python_walk(kinds: dict[str, int], find: Callable[[str], int], names: frozenset[str]) -> Walked:
    """Walk from a listener to what sent the statement; the accelerator's function does the same."""
    frame = inspect.currentframe()
    noted: list[FrameType] = []
    last: FrameType | None = None
    # The listener itself, then the runtime, which waited for the answer, then who called that.
    while frame is not None and not (
        frame.f_code.co_flags & ASYNCHRONOUS and kind_of_frame(frame, kinds, find) == OWN
    ):
        frame = frame.f_back
    while frame is not None:
        kind = kind_of_frame(frame, kinds, find)
        if kind == TASK:
            return None, True, noted, last
        if kind == APPLICATION:
            break
        if frame.f_code.co_name in names:
            noted.append(frame)
        last, frame = frame, frame.f_back
    return frame, False, noted, last


if TYPE_CHECKING:
    walk = python_walk
else:
    walk = getattr(accelerator, "walk", python_walk)


def way_here(
    names: frozenset[str] = frozenset(),
) -> tuple[FrameType | None, list[FrameType], FrameType | None]:
    """Return the frame that sent the statement, and frames of the runtime on the way from there.

    Call it in a listener. Those are the frames of functions with these names, innermost first, and
    the outermost one.
    """
    frame, is_task, noted, last = walk(_kinds, kind_of, names)
    if is_task:
        frame = waiting_frame()
        while frame is not None and kind_of_frame(frame, _kinds, kind_of) != APPLICATION:
            frame = frame.f_back
    return frame, noted, last


def line_of(frame: FrameType) -> Caller:
    """Return the line that a frame is at."""
    code = frame.f_code
    place = (id(code), frame.f_lasti)
    known = _lines.get(place)
    # Another code may have come to its place in memory.
    if known is not None and known[0] is code:
        return known[1]
    if len(_lines) >= MOST_LINES:
        _lines.clear()
    caller = Caller(code.co_filename, frame.f_lineno, code.co_qualname)
    _lines[place] = code, caller
    return caller


def waiting_frame() -> FrameType | None:
    """Return where another thread waits for the current task, or None if none does.

    So does code that is no coroutine, by `anyio.from_thread.run()` or by
    `asyncio.run_coroutine_threadsafe()`.
    """
    task: Any = asyncio.current_task()
    callbacks = (task._callbacks if task is not None else None) or ()
    # The function that ends the thread's future holds it.
    cells = chain.from_iterable(getattr(each, "__closure__", None) or () for each, _ in callbacks)
    held: Iterable[Any] = (cell.cell_contents for cell in cells)
    wanted = [each for each in held if isinstance(each, Future)]
    if not wanted:
        return None
    own = threading.get_ident()
    frames = sys._current_frames()  # pyright: ignore[reportPrivateUsage]
    for thread, innermost in frames.items():
        frame: FrameType | None = innermost
        while frame is not None and thread != own:
            # No == here: the frames are those of any code.
            if any(value is each for value in frame.f_locals.values() for each in wanted):
                return frame
            frame = frame.f_back
    return None
