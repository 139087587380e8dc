"""A Python prompt with `await`: each input runs in one event loop, which rests in between."""

from __future__ import annotations

import ast
import asyncio
import code
import inspect
import signal
from collections.abc import Coroutine
from types import CodeType, FunctionType
from typing import Any


class Console(code.InteractiveConsole):
    """A prompt whose inputs may await at their top level."""

    def __init__(self, names: dict[str, Any], loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(names)
        self._names = names
        self._loop = loop
        self.compile.compiler.flags |= ast.PyCF_ALLOW_TOP_LEVEL_AWAIT

    def runcode(self, code: CodeType) -> None:
        """Run an input, and wait for it if it awaits something."""
        try:
            result = FunctionType(code, self._names)()
            if inspect.iscoroutine(result):
                self._wait_for(result)
        except SystemExit:
            raise
        except KeyboardInterrupt:
            self.write("\nKeyboardInterrupt\n")
        except BaseException:
            self.showtraceback()

    def _wait_for(self, work: Coroutine[Any, Any, object]) -> None:
        """Wait for what an input awaits. Ctrl-C cancels it, so that its query ends too.

        A second Ctrl-C no longer waits for what the work does about it.
        """
        task = self._loop.create_task(work)

        def interrupt(*_: object) -> None:
            if task.cancelling():
                raise KeyboardInterrupt
            task.cancel()
            # The loop may be waiting: let it look at once.
            self._loop.call_soon_threadsafe(str)

        before = signal.signal(signal.SIGINT, interrupt)
        try:
            self._loop.run_until_complete(task)
        except asyncio.CancelledError:
            if not task.cancelling():
                raise
            raise KeyboardInterrupt from None
        finally:
            signal.signal(signal.SIGINT, before)
